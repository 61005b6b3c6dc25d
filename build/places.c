/* Where calls and members are, for stacks, as V8 says it. build/places.rs says where it is asked for. */

/* Whether a word, which ends before `end`, is a name to V8's parser, and no other keyword. */
static bool is_callable_word(const uint8_t *begin, const uint8_t *end)
{
    static const char keywords[] = " break case catch class const continue debugger default delete do else enum export extends false "
        "finally for function if import in instanceof new null return switch this throw true try typeof var void while with ";
    const uint8_t *word = end;
    char between[16];

    while (word > begin && (lre_js_is_ident_next(word[-1]) || word[-1] >= 0x80))
        word--;
    if (word == end || (word > begin && word[-1] == '#') || (*word >= '0' && *word <= '9'))
        return false;
    if (end - word > 12)
        return true;
    snprintf(between, sizeof(between), " %.*s ", (int)(end - word), (const char *)word);
    return !strstr(keywords, between);
}

/* Where V8 sees a call, when `s` is at what opens its arguments: at the name before it, or there. Punctuation has no place of its own. */
static void find_call(JSParseState *s, int *line, int *column)
{
    bool is_opened_here = s->token.ptr > s->eol
        && (s->token.val == TOK_TEMPLATE || !is_callable_word(s->buf_start, s->last_ptr));

    *line = is_opened_here ? s->line_num : s->last_line_num;
    *column = is_opened_here ? s->token.ptr - s->eol : s->last_col_num;
}

/* Where a function begins whose text does at `begin`, near `s`: methods are told of at their parameters. */
static void find_beginning(JSParseState *s, const uint8_t *begin, int *line, int *column)
{
    const uint8_t *p = s->token.line_start;

    if (begin < p) {
        for (p = begin; p < s->token.ptr; p++)
            *line -= *p == '\n' && *line > 1;
        for (p = begin; p > s->buf_start && p[-1] != '\n'; p--)
            ;
    }
    *column = begin - p + 1;
}

/* A part of the text of a function, which members are looked for in. */
typedef struct TextReader {
    const char *begin, *at, *end;
} TextReader;

/* The text of `b` from a place on; false if it is not known. */
static bool read_text_at(TextReader *t, JSFunctionBytecode *b, int line, int column)
{
    int first_column = b->col_num;

    if (b->source) {
        t->begin = b->source;
        t->end = t->begin + b->source_len;
        line -= b->line_num;
    } else if (b->text) {
        t->begin = b->text->text;
        t->end = t->begin + b->text->size;
        line -= b->text->line;
        first_column = b->text->column;
    } else {
        return false;
    }
    column -= line ? 1 : first_column;
    for (t->at = t->begin; line > 0; line--) {
        t->at = memchr(t->at, '\n', t->end - t->at);
        if (!t->at)
            return false;
        t->at++;
    }
    if (line < 0 || column < 0 || column >= t->end - t->at)
        return false;
    t->at += column;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Goes behind spaces and comments. */
static void skip_blank(TextReader *t)
{
    while (t->at < t->end) {
        if (is_space(*t->at)) {
            t->at++;
        } else if (t->end - t->at > 1 && t->at[0] == '/' && t->at[1] == '/') {
            const char *next = memchr(t->at, '\n', t->end - t->at);
            t->at = next ? next : t->end;
        } else if (t->end - t->at > 1 && t->at[0] == '/' && t->at[1] == '*') {
            for (t->at += 3; t->at < t->end && (t->at[0] != '/' || t->at[-1] != '*'); t->at++)
                ;
            t->at++;
        } else {
            break;
        }
    }
}

/* Goes to the end of a string, if one between `quotes` is here. */
static void skip_string(TextReader *t, const char *quotes)
{
    char quote = *t->at;

    if (!strchr(quotes, quote))
        return;
    for (t->at++; t->at < t->end && *t->at != quote; t->at++)
        if (*t->at == '\\')
            t->at++;
}

/* Goes to the next `sign` of the expression, at most so far. */
static bool find_sign(TextReader *t, char sign)
{
    enum { REACH = 2000 };
    const char *from = t->at;
    int depth = 0;

    for (;; t->at++) {
        skip_blank(t);
        if (t->at >= t->end || t->at - from > REACH)
            break;
        if (*t->at == sign)
            return true;
        depth += (*t->at == '{') - (*t->at == '}');
        if (*t->at == ';' || depth < 0)
            break;
        skip_string(t, "\"'");
    }
    return false;
}

/* Goes behind the bracket that closes the one which `t` is in. */
static bool leave_bracket(TextReader *t)
{
    int depth = 0;

    for (; t->at < t->end; t->at++) {
        skip_blank(t);
        if (t->at >= t->end || (depth == 0 && *t->at == ';'))
            break;
        depth += strchr("([{", *t->at) ? 1 : strchr(")]}", *t->at) ? -1 : 0;
        if (depth < 0) {
            t->at++;
            return true;
        }
        skip_string(t, "\"'`");
    }
    return false;
}

/* Goes behind the arguments of the call that `t` is at. */
static bool skip_arguments(TextReader *t)
{
    if (!find_sign(t, '('))
        return false;
    t->at++;
    return leave_bracket(t);
}

/* Whether `text` is here, and no word goes on behind it. */
static bool is_word_here(TextReader *t, const char *text, size_t size)
{
    return t->at < t->end && size <= (size_t)(t->end - t->at) && !memcmp(t->at, text, size)
        && (t->at + size == t->end || !lre_js_is_ident_next((uint8_t)t->at[size]));
}

/* Goes to the name of the next member that is called `name`. */
static bool find_name(JSContext *ctx, TextReader *t, JSAtom name)
{
    size_t size;
    const char *text = JS_AtomToCStringLen(ctx, &size, name), *from = t->at;
    bool is_found = false;

    if (!text) {
        JS_FreeValue(ctx, JS_GetException(ctx));
        return false;
    }
    while (!is_found && find_sign(t, '.')) {
        t->at++;
        skip_blank(t);
        is_found = is_word_here(t, text, size);
    }
    JS_FreeCString(ctx, text);
    if (!is_found)
        t->at = from;
    return is_found;
}

/* Whether what is written in the code for a key has no place of its own. */
static bool is_literal(int op)
{
    return op == OP_push_atom_value || op == OP_push_const || op == OP_push_const8 || op == OP_push_i32 || op == OP_push_i16
        || op == OP_push_i8 || (op >= OP_push_minus1 && op <= OP_push_7);
}

/* Goes to the bracket of an index, within whose key `t` is, or before if `op` makes that key. */
static bool find_bracket(TextReader *t, int op)
{
    const char *p;
    int depth = 0;

    if (is_literal(op))
        return find_sign(t, '[');
    for (p = t->at; p > t->begin && depth >= 0; p--) {
        if (strchr(";{}'\"`", p[-1]))
            return false;
        depth += strchr(")]", p[-1]) ? 1 : strchr("([", p[-1]) ? -1 : 0;
    }
    if (depth >= 0 || *p != '[')
        return false;
    t->at = p;
    return true;
}

/* Where the text of a function that is made within an expression ends. */
static void skip_function(TextReader *t, JSFunctionBytecode *b, uint32_t place)
{
    JSFunctionBytecode *inner;

    if (place >= (uint32_t)b->cpool_count || JS_VALUE_GET_TAG(b->cpool[place]) != JS_TAG_FUNCTION_BYTECODE)
        return;
    inner = JS_VALUE_GET_PTR(b->cpool[place]);
    if (inner->source >= t->at && inner->source + inner->source_len <= t->end)
        t->at = inner->source + inner->source_len;
}

/* Whether the code before `end` may be an instruction that gets a member. */
static bool may_be_member(const uint8_t *code, uint32_t end)
{
    int short_op = end >= 1 ? code[end - 1] : 0, long_op = end >= 5 ? code[end - 5] : 0;

    return long_op == OP_get_field || long_op == OP_get_field2 || short_op == OP_get_length || short_op == OP_get_array_el
        || short_op == OP_get_array_el2 || short_op == OP_get_private_field;
}

/* Whether the member at `at` is one that is set as well: of those, V8 tells what they are of. */
static bool is_changed(TextReader t)
{
    while (t.at < t.end && lre_js_is_ident_next((uint8_t)*t.at))
        t.at++;
    skip_blank(&t);
    if (t.end - t.at < 3)
        return false;
    return (t.at[0] == t.at[1] && (*t.at == '+' || *t.at == '-'))
        || (strchr("+-*/%&|^", *t.at) && t.at[1] == '=')
        || (strchr("*<>&|?", *t.at) && t.at[0] == t.at[1] && (t.at[2] == '=' || t.at[2] == '>'));
}

/* Where V8 sees the member whose name `t` is at, when what it is of begins at `from`: at its dot, if a call or a `?.` precedes it. */
static void find_dot(TextReader *t, const char *from, bool is_call)
{
    const char *name = t->at;
    TextReader r = { t->begin, from, name };
    int depth = 0;

    for (; r.at < r.end; r.at++) {
        if (depth == 0 && r.at[0] == '?' && r.at[1] == '.')
            is_call = true;
        if (*r.at == ')' || *r.at == ']') {
            if (depth == 0)
                is_call = false;
            else
                depth--;
        } else if (*r.at == '(' || *r.at == '[') {
            depth++;
        } else if (depth == 0 && strchr(",=+-*%&|<>:{", *r.at)) {
            is_call = false;
        }
        skip_string(&r, "\"'`");
    }
    if (is_call)
        for (t->at--; t->at > from && *t->at != '.'; t->at--)
            ;
}

/* Moves a place, where the code at `begin` is, to the member that the instruction before `end` gets. Members have no places of
   their own, as they are every third word of a program; but as only they and literals stand between one place and the next, in the
   order of the code, they are found in the text. */
static void find_member(JSContext *ctx, JSFunctionBytecode *b, uint32_t begin, uint32_t end, int *line, int *column)
{
    const uint8_t *code = b->byte_code_buf;
    TextReader t;
    const char *from, *place, *member = NULL, *last_member = NULL, *p;
    uint32_t at;
    int op = OP_nop, last;
    bool is_found = false, is_call = false, is_new, is_counted;

    if (!may_be_member(code, end) || !read_text_at(&t, b, *line, *column))
        return;
    place = from = t.at;
    is_new = is_word_here(&t, "new", 3);
    if (code[begin] == OP_await) {
        if (!leave_bracket(&t))
            return;
        from = t.at;
    }
    is_counted = t.at - t.begin > 1 && t.at[-1] == t.at[-2] && (t.at[-1] == '+' || t.at[-1] == '-');
    for (at = begin; at < end; at += short_opcode_info(op).size) {
        last = op;
        op = code[at];
        last_member = is_found ? member : NULL;
        is_found = false;
        if (op == OP_apply || argument_count(code + at) >= 0) {
            is_call = !is_new;
            if (!skip_arguments(&t))
                return;
            from = t.at;
        }
        switch (op) {
        case OP_fclosure:
            skip_function(&t, b, get_u32(code + at + 1));
            break;
        case OP_fclosure8:
            skip_function(&t, b, code[at + 1]);
            break;
        case OP_get_field: case OP_get_field2:
            is_found = find_name(ctx, &t, get_u32(code + at + 1));
            break;
        case OP_get_length:
            is_found = find_name(ctx, &t, JS_ATOM_length);
            break;
        case OP_get_private_field:
            is_found = find_sign(&t, '#');
            break;
        case OP_get_array_el: case OP_get_array_el2:
            is_found = find_bracket(&t, last);
            break;
        }
        member = t.at;
        t.at += is_found && *t.at == '[' && is_literal(last);
    }
    t.at = member;
    if (!is_found || at != end)
        return;
    if (is_counted || is_changed(t)) {
        if (!last_member)
            return;
        t.at = last_member;
    }
    if (op == OP_get_field || op == OP_get_field2 || op == OP_get_length)
        find_dot(&t, from, is_call);
    for (p = place; p < t.at; p++) {
        if (*p == '\n') {
            (*line)++;
            *column = 1;
            place = p + 1;
        }
    }
    *column += t.at - place;
}
