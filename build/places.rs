//! Where mistakes are, as stacks tell it: the places that V8 has for calls, members and operators, and the frames of those who wait.
//!
//! `build/places.c` finds the places of members when they are asked for, `build/awaiting.c` who waits. Fidelity: stacks as workerd 1.20261117.1 gives them.

use super::changes::Change::{self, Before, Behind, Instead};

pub const PLACES: &[Change] = &[
    Behind(
        "static void release_text(JSRuntime *rt, SourceText *text);\n",
        "struct JSParseState;\n\
         static void find_call(struct JSParseState *s, int *line, int *column);\n\
         static void find_beginning(struct JSParseState *s, const uint8_t *begin, int *line, int *column);\n\
         static void write_awaiting(JSContext *ctx, DynBuf *out, int room);\n\
         static void find_member(JSContext *ctx, JSFunctionBytecode *b, uint32_t begin, uint32_t end, int *line, int *column);\n",
    ),
    // The line that was told last, so that what begins another one is told, too
    Behind("    SourceText *text;\n", "    int told_line;\n"),
    Behind(
        "static void emit_source_loc_at(JSParseState *s, int line_num, int col_num)\n{\n    JSFunctionDef *fd = s->cur_func;\n    DynBuf *bc = &fd->byte_code;\n",
        "\n    fd->told_line = line_num;",
    ),
    Instead(
        "    case TOK_THIS:\n        if (next_token(s))\n            return -1;\n        emit_op(s, OP_scope_get_var);\n",
        "    case TOK_THIS:\n        if (s->token.line_num != s->cur_func->told_line)\n            emit_source_loc(s);\n        \
         if (next_token(s))\n            return -1;\n        emit_op(s, OP_scope_get_var);\n",
    ),
    // Where calls are, for stacks: behind their arguments, each of which has a place of its own
    Instead(
        "static __exception int js_parse_postfix_expr(JSParseState *s, int parse_flags)\n{\n",
        "static __exception int js_parse_postfix_expr(JSParseState *s, int parse_flags)\n{\n    int call_line = 0, call_col = 0;\n",
    ),
    Instead(
        "    case TOK_NEW:\n        if (next_token(s))\n            return -1;\n        if (s->token.val == '.') {\n",
        "    case TOK_NEW:\n        call_line = s->token.line_num;\n        call_col = s->token.col_num;\n        \
         if (next_token(s))\n            return -1;\n        if (s->token.val == '.') {\n",
    ),
    Instead(
        "                /* new operator on an object */\n                emit_op(s, OP_dup);\n",
        "                /* new operator on an object */\n                emit_op(s, OP_dup);\n                \
         emit_source_loc_at(s, call_line, call_col);\n",
    ),
    Instead(
        "        parse_func_call:\n            if (next_token(s))\n                return -1;\n",
        "        parse_func_call:\n            if (call_type != FUNC_CALL_NEW)\n                \
         find_call(s, &call_line, &call_col);\n            if (next_token(s))\n                return -1;\n",
    ),
    Instead(
        "            call_type = FUNC_CALL_TEMPLATE;\n            goto parse_func_call2;\n",
        "            call_type = FUNC_CALL_TEMPLATE;\n            find_call(s, &call_line, &call_col);\n            \
         goto parse_func_call2;\n",
    ),
    Instead(
        "            parse_func_call2:\n                emit_source_loc(s);\n",
        "            parse_func_call2:\n",
    ),
    Behind(
        "                /* drop the index */\n                emit_op(s, OP_drop);\n",
        "                emit_source_loc_at(s, call_line, call_col);\n",
    ),
    Behind("            emit_func_call:\n", "                emit_source_loc_at(s, call_line, call_col);\n"),
    // The same for patterns, which stand before what they take apart, and for members in lines of their own
    Before(
        "        block_env.has_iterator = true;\n        emit_op(s, OP_for_of_start);\n",
        "        emit_source_loc_at(s, source_line_num, source_col_num);\n",
    ),
    Before(
        "        /* throw an exception if the value cannot be converted to an object */\n        emit_op(s, OP_to_object);\n",
        "        emit_source_loc(s);\n",
    ),
    Before(
        "                    emit_op(s, OP_get_field);\n                    emit_atom(s, s->token.u.ident.atom);\n                \
         }\n            }\n",
        "                    if (s->token.line_num != s->last_line_num)\n                        emit_source_loc(s);\n",
    ),
    // Operators: at themselves, behind both operands
    Instead(
        "        if (next_token(s))\n            return -1;\n        emit_source_loc(s);\n        \
         if (js_parse_expr_binary(s, level - 1, parse_flags))\n            return -1;\n        emit_op(s, opcode);\n",
        "        int line = s->token.line_num, column = s->token.col_num;\n        \
         if (next_token(s))\n            return -1;\n        \
         if (js_parse_expr_binary(s, level - 1, parse_flags))\n            return -1;\n        \
         emit_source_loc_at(s, line, column);\n        emit_op(s, opcode);\n",
    ),
    // Members that are set: at what sets them
    Instead(
        "        int label;\n        if (next_token(s))\n            return -1;\n        \
         if (get_lvalue(s, &opcode, &scope, &name, &label, NULL, (op != '='), op) < 0)\n            return -1;\n",
        "        int label, line = s->token.line_num, column = s->token.col_num;\n        if (next_token(s))\n            \
         return -1;\n        \
         if (get_lvalue(s, &opcode, &scope, &name, &label, NULL, (op != '='), op) < 0)\n            return -1;\n",
    ),
    Before(
        "        put_lvalue(s, opcode, scope, name, label, PUT_LVALUE_KEEP_TOP, false);\n    } else if (op >= TOK_LAND_ASSIGN",
        "        if (opcode != OP_scope_get_var)\n            emit_source_loc_at(s, line, column);\n",
    ),
    // Functions without a name are their places alone
    Instead(
        "            if (!func_name_str || func_name_str[0] == '\\0')\n                str1 = \"<anonymous>\";\n            \
         else\n                str1 = func_name_str;\n            dbuf_printf(&dbuf, \"    at %s\", str1);\n",
        "            bool is_bare = (!func_name_str || func_name_str[0] == '\\0') && b && sf->cur_pc;\n            \
         if (is_bare)\n                str1 = \"\";\n            else if (!func_name_str || func_name_str[0] == '\\0')\n                \
         str1 = \"<anonymous>\";\n            else\n                str1 = func_name_str;\n            \
         dbuf_printf(&dbuf, \"    at %s\", str1);\n",
    ),
    Instead(
        "                dbuf_printf(&dbuf, \" (%s\", atom_str ? atom_str : \"<null>\");\n",
        "                dbuf_printf(&dbuf, is_bare ? \"%s\" : \" (%s\", atom_str ? atom_str : \"<null>\");\n",
    ),
    Instead(
        "                    dbuf_printf(&dbuf, \":%d:%d\", line_num1, col_num1);\n                dbuf_putc(&dbuf, ')');\n",
        "                    dbuf_printf(&dbuf, \":%d:%d\", line_num1, col_num1);\n                if (!is_bare)\n                    \
         dbuf_putc(&dbuf, ')');\n",
    ),
    // Waiting functions: at their `await`
    Instead(
        "        if (js_parse_unary(s, PF_POW_FORBIDDEN))\n            return -1;\n        emit_op(s, OP_await);\n",
        "        if (js_parse_unary(s, PF_POW_FORBIDDEN))\n            return -1;\n        \
         emit_source_loc_at(s, await_line, await_column);\n        emit_op(s, OP_await);\n",
    ),
    Instead(
        "            return js_parse_error(s, \"await in default expression\");\n        if (next_token(s))\n",
        "            return js_parse_error(s, \"await in default expression\");\n        await_line = s->token.line_num;\n        \
         await_column = s->token.col_num;\n        if (next_token(s))\n",
    ),
    Behind(
        "static __exception int js_parse_unary(JSParseState *s, int parse_flags)\n{\n",
        "    int await_line, await_column;\n",
    ),
    Before(
        " done:\n    if (has_prepare) {\n        int j = 0, k;\n",
        "    if (!sf && !has_prepare && (int)i < stack_trace_limit)\n        write_awaiting(ctx, &dbuf, stack_trace_limit - i);\n",
    ),
    // What stacks ask for: where the last place begins, and what stands behind it
    Instead(
        "static int find_line_num(JSContext *ctx, JSFunctionBytecode *b,\n                         uint32_t pc_value, int *col)\n{\n",
        "static int find_place(JSContext *ctx, JSFunctionBytecode *b, uint32_t pc_value, int *col, uint32_t *begin)\n{\n",
    ),
    Instead(
        "    *col = 1;\n    p = b->pc2line_buf;\n",
        "    *col = 1;\n    *begin = 0;\n    p = b->pc2line_buf;\n",
    ),
    Instead(
        "        line_num = new_line_num;\n        col_num = new_col_num;\n    }\n    *col = col_num;\n    return line_num;\nfail:\n    \
         /* should never happen */\n    return b->line_num;\n}\n",
        "        line_num = new_line_num;\n        col_num = new_col_num;\n        *begin = pc;\n    }\n    *col = col_num;\n    \
         return line_num;\nfail:\n    /* should never happen */\n    return b->line_num;\n}\n\n\
         static int find_line_num(JSContext *ctx, JSFunctionBytecode *b, uint32_t pc_value, int *col)\n{\n    \
         uint32_t begin;\n    int line = find_place(ctx, b, pc_value, col, &begin);\n\n    \
         find_member(ctx, b, begin, pc_value + 1, &line, col);\n    return line;\n}\n",
    ),
    // Methods begin at their names, as their texts do
    Behind(
        "    is_expr = (func_type != JS_PARSE_FUNC_STATEMENT &&\n               func_type != JS_PARSE_FUNC_VAR);\n",
        "    find_beginning(s, ptr, &function_line_num, &function_col_num);\n",
    ),
];
