/* Follows the code of a function to one of its instructions, for build/expression.c. */

static const struct {
    uint8_t op;
    const char *word;
} operators[] = {
    { OP_mul, "*" }, { OP_div, "/" }, { OP_mod, "%" }, { OP_add, "+" }, { OP_sub, "-" }, { OP_shl, "<<" }, { OP_sar, ">>" },
    { OP_shr, ">>>" }, { OP_and, "&" }, { OP_xor, "^" }, { OP_or, "|" }, { OP_pow, "**" }, { OP_lt, "<" }, { OP_lte, "<=" },
    { OP_gt, ">" }, { OP_gte, ">=" }, { OP_instanceof, "instanceof" }, { OP_in, "in" }, { OP_eq, "==" }, { OP_neq, "!=" },
    { OP_strict_eq, "===" }, { OP_strict_neq, "!==" },
};

/* What moves terms on the stack: how many it takes, and which it puts back. */
static const struct {
    uint8_t op, taken;
    const char *places;
} moves[] = {
    { OP_drop, 1, "" }, { OP_nip, 2, "1" }, { OP_nip1, 3, "12" }, { OP_dup, 1, "00" }, { OP_dup1, 2, "001" }, { OP_dup2, 2, "0101" },
    { OP_dup3, 3, "012012" }, { OP_insert2, 2, "101" }, { OP_insert3, 3, "2012" }, { OP_insert4, 4, "30123" }, { OP_perm3, 3, "102" },
    { OP_perm4, 4, "2013" }, { OP_perm5, 5, "30124" }, { OP_swap, 2, "10" }, { OP_swap2, 4, "2301" }, { OP_rot3l, 3, "120" },
    { OP_rot3r, 3, "201" }, { OP_rot4l, 4, "1230" }, { OP_rot5l, 5, "12340" },
};

/* Does what an instruction that is not about control does, or says that it is none of those with terms of their own. */
static bool read_value(CodeReader *r, const uint8_t *pc)
{
    int op = pc[0];
    uint32_t left;

    for (size_t i = 0; i < countof(moves); i++) {
        if (moves[i].op == op) {
            shuffle(r, moves[i].taken, moves[i].places);
            return true;
        }
    }
    for (size_t i = 0; i < countof(operators); i++) {
        if (operators[i].op == op) {
            push_binary(r, TERM_BINARY, operators[i].word);
            return true;
        }
    }
    switch (op) {
    case OP_is_undefined:
        /* Patterns begin with the value that they do not have yet. */
        left = pop(r);
        push_new(r, (Term) { .kind = is_undefined(r, left) ? TERM_TRUE : TERM_OTHER });
        return true;
    case OP_push_minus1: case OP_push_0: case OP_push_1: case OP_push_2: case OP_push_3:
    case OP_push_4: case OP_push_5: case OP_push_6: case OP_push_7:
        push_number(r, op - OP_push_0);
        return true;
    case OP_push_i8:
        push_number(r, (int8_t)pc[1]);
        return true;
    case OP_push_i16:
        push_number(r, (int16_t)get_u16(pc + 1));
        return true;
    case OP_push_i32:
        push_number(r, (int32_t)get_u32(pc + 1));
        return true;
    case OP_push_const:
        push_constant(r, get_u32(pc + 1));
        return true;
    case OP_push_const8:
        push_constant(r, pc[1]);
        return true;
    case OP_push_atom_value:
        push_new(r, (Term) { .kind = TERM_STRING, .atom = get_u32(pc + 1) });
        return true;
    case OP_push_empty_string:
        push_new(r, (Term) { .kind = TERM_STRING, .atom = JS_ATOM_empty_string });
        return true;
    case OP_undefined:
        push_word(r, "undefined");
        return true;
    case OP_null:
        push_word(r, "null");
        return true;
    case OP_push_false:
        push_word(r, "false");
        return true;
    case OP_push_true:
        push_word(r, "true");
        return true;
    case OP_push_this:
        push_word(r, "this");
        return true;
    case OP_object:
        push_new(r, (Term) { .kind = TERM_OBJECT });
        return true;
    case OP_define_field: case OP_define_method:
        pop(r);
        left = pop(r);
        if (r->terms[left].kind == TERM_OBJECT)
            push_new(r, (Term) { .kind = TERM_OBJECT, .number = r->terms[left].number + 1 });
        else
            push(r, 0);
        return true;
    case OP_array_from: {
        int count = get_u16(pc + 1);
        uint32_t last = 0;
        for (int i = count; i-- > 0;)
            last = new_term(r, (Term) { .kind = TERM_ELEMENT, .left = last, .right = peek(r, i) });
        for (int i = 0; i < count; i++)
            pop(r);
        push_new(r, (Term) { .kind = TERM_ARRAY, .left = last });
        return true;
    }
    case OP_append: {
        /* array place iterable */
        uint32_t spread = new_term(r, (Term) { .kind = TERM_SPREAD, .left = pop(r) }), place = pop(r), array = pop(r);
        uint32_t last = new_term(r, (Term) { .kind = TERM_ELEMENT, .left = r->terms[array].left, .right = spread });
        push_new(r, (Term) { .kind = r->terms[array].kind, .left = last });
        push(r, place);
        return true;
    }
    case OP_get_loc: case OP_get_loc_check:
        push_local(r, get_u16(pc + 1));
        return true;
    case OP_get_loc8:
        push_local(r, pc[1]);
        return true;
    case OP_get_loc0: case OP_get_loc1: case OP_get_loc2: case OP_get_loc3:
        push_local(r, op - OP_get_loc0);
        return true;
    case OP_get_loc0_loc1:
        push_local(r, 0);
        push_local(r, 1);
        return true;
    case OP_set_loc:
        pop(r);
        push_local(r, get_u16(pc + 1));
        return true;
    case OP_set_loc8:
        pop(r);
        push_local(r, pc[1]);
        return true;
    case OP_set_loc0: case OP_set_loc1: case OP_set_loc2: case OP_set_loc3:
        pop(r);
        push_local(r, op - OP_set_loc0);
        return true;
    case OP_get_arg:
        push_argument(r, get_u16(pc + 1));
        return true;
    case OP_get_arg0: case OP_get_arg1: case OP_get_arg2: case OP_get_arg3:
        push_argument(r, op - OP_get_arg0);
        return true;
    case OP_set_arg:
        pop(r);
        push_argument(r, get_u16(pc + 1));
        return true;
    case OP_set_arg0: case OP_set_arg1: case OP_set_arg2: case OP_set_arg3:
        pop(r);
        push_argument(r, op - OP_set_arg0);
        return true;
    case OP_get_var_ref: case OP_get_var_ref_check:
        push_captured(r, get_u16(pc + 1));
        return true;
    case OP_get_var_ref0: case OP_get_var_ref1: case OP_get_var_ref2: case OP_get_var_ref3:
        push_captured(r, op - OP_get_var_ref0);
        return true;
    case OP_set_var_ref:
        pop(r);
        push_captured(r, get_u16(pc + 1));
        return true;
    case OP_set_var_ref0: case OP_set_var_ref1: case OP_set_var_ref2: case OP_set_var_ref3:
        pop(r);
        push_captured(r, op - OP_set_var_ref0);
        return true;
    case OP_get_var: case OP_get_var_undef:
        push_name(r, get_u32(pc + 1), false);
        return true;
    case OP_get_field:
        push_new(r, (Term) { .kind = TERM_MEMBER, .left = pop(r), .atom = get_u32(pc + 1) });
        return true;
    case OP_get_field2:
        push_new(r, (Term) { .kind = TERM_MEMBER, .left = peek(r, 0), .atom = get_u32(pc + 1) });
        return true;
    case OP_get_length:
        push_new(r, (Term) { .kind = TERM_MEMBER, .left = pop(r), .atom = JS_ATOM_length });
        return true;
    case OP_get_array_el: case OP_get_private_field:
        push_binary(r, TERM_INDEX, NULL);
        return true;
    case OP_get_array_el2: {
        uint32_t key = pop(r);
        push_new(r, (Term) { .kind = TERM_INDEX, .left = peek(r, 0), .right = key });
        return true;
    }
    case OP_for_of_next:
        push_new(r, (Term) { .kind = TERM_PART });
        push(r, 0);
        return true;
    case OP_await:
        pop(r);
        push_new(r, (Term) { .kind = TERM_AWAITED });
        return true;
    case OP_neg:
        push_unary(r, TERM_UNARY, "-");
        return true;
    case OP_plus:
        push_unary(r, TERM_UNARY, "+");
        return true;
    case OP_not:
        push_unary(r, TERM_UNARY, "~");
        return true;
    case OP_lnot:
        push_unary(r, TERM_UNARY, "!");
        return true;
    case OP_typeof:
        push_unary(r, TERM_UNARY, "typeof ");
        return true;
    case OP_post_inc: case OP_post_dec:
        push_unary(r, TERM_POSTFIX, op == OP_post_inc ? "++" : "--");
        push(r, 0);
        return true;
    case OP_is_undefined_or_null:
        push_unary(r, TERM_NULLISH, NULL);
        return true;
    case OP_set_name: case OP_to_object: case OP_check_object: case OP_to_propkey: case OP_nop:
        return true;
    default:
        return false;
    }
}

/* How many arguments a call at `pc` takes from the stack, or -1 if it is none. */
static int argument_count(const uint8_t *pc)
{
    switch (pc[0]) {
    case OP_call: case OP_tail_call: case OP_call_method: case OP_tail_call_method: case OP_call_constructor: case OP_eval:
        return get_u16(pc + 1);
    case OP_call0: case OP_call1: case OP_call2: case OP_call3:
        return pc[0] - OP_call0;
    default:
        return -1;
    }
}

/* Whether `op` calls a method. */
static bool is_method_call(int op)
{
    return op == OP_call_method || op == OP_tail_call_method;
}

/* Where on the stack the last instruction, a call, has what it calls; -1 if there is no such place. */
static int callee_place(CodeReader *r)
{
    int count = argument_count(r->b->byte_code_buf + r->op_at);
    int place = r->op == OP_apply ? r->depth - 3
        : count < 0 ? -1 : r->depth - count - (r->op == OP_call_constructor ? 2 : 1);

    return place < 0 ? -1 : place;
}

/* Does what a call does. */
static void read_call(CodeReader *r)
{
    int place = callee_place(r);
    uint32_t callee = place < 0 ? 0 : r->stack[place];
    bool is_new = r->op == OP_call_constructor
        || (r->op == OP_apply && get_u16(r->b->byte_code_buf + r->op_at + 1) & 1);

    if (place < 0) {
        r->has_failed = true;
        return;
    }
    r->depth = is_method_call(r->op) ? place - 1 : place;
    if (r->depth < 0)
        r->has_failed = true;
    else if (is_new)
        push(r, 0);
    else
        push_new(r, (Term) { .kind = TERM_CALL, .left = callee });
}

/* Does what the instruction at `at` does, with the stack and with the jumps that are to come. Returns where to go on. */
static uint32_t read_instruction(CodeReader *r, uint32_t at, uint32_t end, const JSOpCode *info)
{
    const uint8_t *pc = r->b->byte_code_buf + at;
    uint32_t next = at + info->size, condition = 0, target;
    int op = pc[0];

    switch (op) {
    case OP_if_false: case OP_if_true: case OP_if_false8: case OP_if_true8:
        condition = pop(r);
        break;
    case OP_goto: case OP_goto8: case OP_goto16: case OP_gosub:
        break;
    case OP_catch:
        push(r, 0);
        break;
    case OP_throw: case OP_throw_error: case OP_ret: case OP_return: case OP_return_undef: case OP_return_async:
    case OP_tail_call: case OP_tail_call_method:
        r->is_dead = true;
        return next;
    case OP_apply: case OP_call: case OP_call_method: case OP_call_constructor: case OP_eval:
    case OP_call0: case OP_call1: case OP_call2: case OP_call3:
        read_call(r);
        return next;
    default:
        if (info->fmt == OP_FMT_atom_label_u8) {
            r->has_failed = true;
        } else if (!read_value(r, pc)) {
            for (int i = 0; i < info->n_pop; i++)
                pop(r);
            for (int i = 0; i < info->n_push; i++)
                push(r, 0);
        }
        return next;
    }
    target = jump_target(pc, at, info->fmt);
    if (op == OP_gosub)
        push(r, 0);
    /* Loops and patterns have code that only a jump back leads to. */
    if (target <= at && target <= end && !r->is_read[target]) {
        r->is_read[target] = true;
        if (op == OP_gosub || op == OP_catch)
            r->has_failed = true;
        return target;
    }
    if (target > at)
        keep_jump(r, target, op, condition);
    if ((op == OP_if_true || op == OP_if_true8) && r->terms[condition].kind == TERM_TRUE)
        r->is_dead = true;
    if (op == OP_gosub)
        pop(r);
    else if (op == OP_goto || op == OP_goto8 || op == OP_goto16)
        r->is_dead = true;
    return next;
}

/* Reads `b` up to the instruction that ends at `end`, and says whether that one was reached. The stack is as before it then. */
static bool read_code(CodeReader *r, uint32_t end)
{
    const uint8_t *code = r->b->byte_code_buf;
    uint32_t at = 0;

    while (!r->has_failed && at < (uint32_t)r->b->byte_code_len) {
        const JSOpCode *info = &short_opcode_info(code[at]);
        join(r, at);
        if (r->is_dead) {
            at += info->size;
            continue;
        }
        r->is_read[at] = true;
        r->op_at = at;
        r->op = code[at];
        if (at + info->size == end)
            return true;
        at = read_instruction(r, at, end, info);
    }
    return false;
}

/* Whether the text that `b` came from is known: those of the platform have none. */
static bool has_text(JSFunctionBytecode *b)
{
    return b->source || b->text;
}

/* Reads the code of the function that runs up to its present instruction, if that function's text is known. To be ended by `end_reading` in any case. */
static bool read_current(CodeReader *r, JSContext *ctx)
{
    JSStackFrame *sf = ctx->rt->current_stack_frame;
    JSObject *p;
    JSFunctionBytecode *b;

    memset(r, 0, sizeof(*r));
    r->ctx = ctx;
    if (!sf || !JS_IsObject(sf->cur_func) || !sf->cur_pc)
        return false;
    p = JS_VALUE_GET_OBJ(sf->cur_func);
    if (!js_class_has_bytecode(p->class_id))
        return false;
    b = p->u.func.function_bytecode;
    if (!has_text(b) || sf->cur_pc <= b->byte_code_buf || sf->cur_pc > b->byte_code_buf + b->byte_code_len)
        return false;
    r->b = b;
    r->room = b->stack_size + 8;
    r->stack = js_malloc_rt(ctx->rt, r->room * sizeof(r->stack[0]));
    r->is_read = js_mallocz_rt(ctx->rt, b->byte_code_len);
    if (!r->stack || !r->is_read)
        return false;
    new_term(r, (Term) { .kind = TERM_OTHER });
    return !r->has_failed && read_code(r, sf->cur_pc - b->byte_code_buf);
}

static void end_reading(CodeReader *r)
{
    JSRuntime *rt = r->ctx->rt;

    while (r->jumps) {
        Jump *jump = r->jumps;
        r->jumps = jump->next;
        js_free_rt(rt, jump);
    }
    js_free_rt(rt, r->terms);
    js_free_rt(rt, r->stack);
    js_free_rt(rt, r->is_read);
}

/* Prints what a call calls. A member that is called without its object was written behind a comma. */
static void print_callee(Text *t, CodeReader *r, uint32_t term)
{
    TermKind kind = r->terms[term].kind;
    bool is_detached = (kind == TERM_MEMBER || kind == TERM_INDEX)
        && r->op != OP_apply && r->op != OP_call_constructor && !is_method_call(r->op);

    print(t, is_detached ? "(0 , " : "");
    print_term(t, r, term, 0);
    print(t, is_detached ? ")" : "");
}

static bool is_member(CodeReader *r, uint32_t term)
{
    return r->terms[term].kind == TERM_MEMBER || r->terms[term].kind == TERM_INDEX;
}

static bool is_call(CodeReader *r, uint32_t term)
{
    return r->terms[term].kind == TERM_CALL;
}

static bool is_awaited(CodeReader *r, uint32_t term)
{
    return r->terms[term].kind == TERM_AWAITED;
}

static bool is_parameter(CodeReader *r, uint32_t term)
{
    return r->terms[term].kind == TERM_PARAMETER;
}

/* Whether there is more to print than "(intermediate value)". */
static bool is_known(CodeReader *r, uint32_t term)
{
    TermKind kind = r->terms[term].kind;

    return kind != TERM_OTHER && kind != TERM_PARAMETER && kind != TERM_PART && kind != TERM_AWAITED;
}

/* Whether a value that is taken apart is itself a part of such a value: the object that it is of is below it. */
static bool is_part(CodeReader *r, uint32_t term)
{
    Term *e = &r->terms[term];

    if (e->kind == TERM_PART)
        return true;
    for (int i = 0; e->kind == TERM_MEMBER && i < r->depth; i++)
        if (r->stack[i] == e->left)
            return true;
    return false;
}

/* The first property that is taken from the value that the last instruction checks, or JS_ATOM_NULL; and whether it has a default. */
static JSAtom first_taken(CodeReader *r, bool *has_default)
{
    const uint8_t *code = r->b->byte_code_buf;
    uint32_t at = r->op_at, length = r->b->byte_code_len;

    *has_default = false;
    for (int i = 0; i < 8; i++) {
        at += short_opcode_info(code[at]).size;
        if (at >= length)
            break;
        switch (code[at]) {
        case OP_object: case OP_swap: case OP_null: case OP_define_field: case OP_dup:
            continue;
        case OP_get_field: case OP_get_field2:
            *has_default = at + 5 < length && code[at + 5] == OP_dup;
            return get_u32(code + at + 1);
        case OP_get_length:
            return JS_ATOM_length;
        }
        break;
    }
    return JS_ATOM_NULL;
}
