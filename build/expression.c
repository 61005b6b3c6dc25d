/* The text of an expression, read back from the code of a function: texts themselves are not looked at, and may be gone. The code is
   followed from its beginning to the place at fault with terms on the stack in the place of values. What V8 prints of an expression
   (names, members, calls, operators, short literals) has a term; "(intermediate value)" stands for everything else. */

/* A message that is being written; what it has no room for is left out. */
typedef struct Text {
    JSContext *ctx;
    size_t size;
    char text[256];
} Text;

typedef enum TermKind {
    TERM_OTHER,
    TERM_WORD, /* word */
    TERM_NAME, /* atom */
    TERM_PARAMETER, /* one without a name */
    TERM_PART, /* an element of what is taken apart */
    TERM_AWAITED,
    TERM_STRING, /* atom */
    TERM_NUMBER, /* number */
    TERM_CONSTANT, /* number: its place among the constants */
    TERM_MEMBER, /* left.atom */
    TERM_INDEX, /* left[right] */
    TERM_CALL, /* left(...) */
    TERM_BINARY, /* (left word right) */
    TERM_UNARY, /* (word left) */
    TERM_POSTFIX, /* (left word) */
    TERM_CHOICE, /* left ? right : … */
    TERM_OPTIONAL, /* left?. */
    TERM_NULLISH, /* whether left is undefined or null */
    TERM_TRUE, /* what holds always */
    TERM_OBJECT, /* number: how many properties */
    TERM_ARRAY, /* left: its last element */
    TERM_ELEMENT, /* right, behind left */
    TERM_SPREAD, /* ...left */
} TermKind;

typedef struct Term {
    TermKind kind;
    uint32_t left, right;
    int32_t number;
    JSAtom atom;
    const char *word;
} Term;

/* A jump ahead that was passed, and the stack that it takes there. */
typedef struct Jump {
    struct Jump *next;
    uint32_t target;
    int depth;
    uint8_t op;
    uint32_t condition; /* a term, for jumps that have one */
    uint32_t stack[];
} Jump;

typedef struct CodeReader {
    JSContext *ctx;
    JSFunctionBytecode *b;
    uint32_t op_at; /* where the last instruction stands */
    int op;
    Term *terms;
    uint32_t count, size;
    uint32_t *stack;
    int depth, room;
    bool is_dead; /* whether this place of the code is reached from elsewhere alone */
    bool has_failed;
    uint8_t *is_read; /* of each place of the code, whether it was reached */
    Jump *jumps;
} CodeReader;

static void print_bytes(Text *t, const char *bytes, size_t size)
{
    size_t room = sizeof(t->text) - 1 - t->size;

    if (size > room) {
        size = room;
        while (size > 0 && (bytes[size] & 0xc0) == 0x80)
            size--;
    }
    memcpy(t->text + t->size, bytes, size);
    t->size += size;
}

static void print(Text *t, const char *string)
{
    print_bytes(t, string, strlen(string));
}

/* A primitive value as text, of strings at most `limit` bytes. */
static void print_string(Text *t, JSValueConst value, size_t limit)
{
    size_t size;
    const char *string = JS_ToCStringLen(t->ctx, &size, value);

    if (!string) {
        JS_FreeValue(t->ctx, JS_GetException(t->ctx));
        return;
    }
    print_bytes(t, string, size > limit ? limit : size);
    if (size > limit)
        print(t, "<...>");
    JS_FreeCString(t->ctx, string);
}

/* The key of a property, or a name. */
static void print_key(Text *t, JSAtom atom)
{
    bool is_symbol = JS_AtomGetKind(t->ctx, atom) == JS_ATOM_KIND_SYMBOL;
    const char *string = JS_AtomToCString(t->ctx, atom);

    if (!string) {
        JS_FreeValue(t->ctx, JS_GetException(t->ctx));
        return;
    }
    if (is_symbol && strncmp(string, "Symbol(", 7)) {
        print(t, "Symbol(");
        print(t, string);
        print(t, ")");
    } else {
        print(t, string);
    }
    JS_FreeCString(t->ctx, string);
}

static void print_term(Text *t, CodeReader *r, uint32_t term, int level);

/* Elements of an array up to `term`, with what separates them. */
static void print_elements(Text *t, CodeReader *r, uint32_t term, int level)
{
    Term *e = &r->terms[term];

    if (e->kind != TERM_ELEMENT || level > 20)
        return;
    if (e->left) {
        print_elements(t, r, e->left, level + 1);
        print(t, ",");
    }
    print_term(t, r, e->right, level + 1);
}

/* What is behind `[` in a member. */
static void print_index(Text *t, CodeReader *r, Term *e, int level)
{
    Term *key = &r->terms[e->right];
    bool is_optional = r->terms[e->left].kind == TERM_OPTIONAL;

    if (key->kind == TERM_STRING) {
        print(t, is_optional ? "?." : ".");
        print_key(t, key->atom);
        return;
    }
    print(t, is_optional ? "?.[" : "[");
    print_term(t, r, e->right, level + 1);
    print(t, "]");
}

static void print_term(Text *t, CodeReader *r, uint32_t term, int level)
{
    Term *e = &r->terms[level > 40 ? 0 : term];

    switch (e->kind) {
    case TERM_WORD:
        print(t, e->word);
        break;
    case TERM_NAME:
        print_key(t, e->atom);
        break;
    case TERM_STRING:
        print(t, "\"");
        print_key(t, e->atom);
        print(t, "\"");
        break;
    case TERM_NUMBER:
        print_string(t, js_int32(e->number), SIZE_MAX);
        break;
    case TERM_CONSTANT:
        print(t, JS_IsString(r->b->cpool[e->number]) ? "\"" : "");
        print_string(t, r->b->cpool[e->number], SIZE_MAX);
        print(t, JS_IsString(r->b->cpool[e->number]) ? "\"" : "");
        break;
    case TERM_MEMBER:
        print_term(t, r, e->left, level + 1);
        print(t, r->terms[e->left].kind == TERM_OPTIONAL ? "?." : ".");
        print_key(t, e->atom);
        break;
    case TERM_INDEX:
        print_term(t, r, e->left, level + 1);
        print_index(t, r, e, level);
        break;
    case TERM_CALL:
        print_term(t, r, e->left, level + 1);
        print(t, "(...)");
        break;
    case TERM_BINARY:
        print(t, "(");
        print_term(t, r, e->left, level + 1);
        print(t, " ");
        print(t, e->word);
        print(t, " ");
        print_term(t, r, e->right, level + 1);
        print(t, ")");
        break;
    case TERM_UNARY:
        print(t, "(");
        print(t, e->word);
        print_term(t, r, e->left, level + 1);
        print(t, ")");
        break;
    case TERM_POSTFIX:
        print(t, "(");
        print_term(t, r, e->left, level + 1);
        print(t, e->word);
        print(t, ")");
        break;
    case TERM_CHOICE:
        print(t, "(intermediate value)(intermediate value)(intermediate value)");
        break;
    case TERM_OPTIONAL:
        print_term(t, r, e->left, level + 1);
        break;
    case TERM_OBJECT:
        print(t, "{");
        for (int i = 0; i < e->number; i++)
            print(t, "(intermediate value)");
        print(t, "}");
        break;
    case TERM_ARRAY:
        print(t, "[");
        print_elements(t, r, e->left, level + 1);
        print(t, "]");
        break;
    case TERM_SPREAD:
        print(t, "(...");
        print_term(t, r, e->left, level + 1);
        print(t, ")");
        break;
    default:
        print(t, "(intermediate value)");
    }
}

static uint32_t new_term(CodeReader *r, Term term)
{
    if (r->count == r->size) {
        uint32_t size = r->size ? r->size * 2 : 64;
        Term *terms = js_realloc_rt(r->ctx->rt, r->terms, size * sizeof(*terms));
        if (!terms) {
            r->has_failed = true;
            return 0;
        }
        r->terms = terms;
        r->size = size;
    }
    r->terms[r->count] = term;
    return r->count++;
}

static void push(CodeReader *r, uint32_t term)
{
    if (r->depth < r->room)
        r->stack[r->depth++] = term;
    else
        r->has_failed = true;
}

static uint32_t pop(CodeReader *r)
{
    if (r->depth > 0)
        return r->stack[--r->depth];
    r->has_failed = true;
    return 0;
}

static void push_new(CodeReader *r, Term term)
{
    push(r, new_term(r, term));
}

/* Names that the compiler gave begin with a `<`, but for those of the language. */
static void push_name(CodeReader *r, JSAtom atom, bool is_parameter)
{
    char name[ATOM_GET_STR_BUF_SIZE];

    if (atom == JS_ATOM_NULL) {
        push_new(r, (Term) { .kind = is_parameter ? TERM_PARAMETER : TERM_OTHER });
        return;
    }
    JS_AtomGetStr(r->ctx, name, sizeof(name), atom);
    push_new(r, (Term) { .kind = name[0] == '<' || name[0] == '\0' ? TERM_OTHER : TERM_NAME, .atom = atom });
}

static void push_local(CodeReader *r, int place)
{
    push_name(r, place < r->b->var_count ? r->b->vardefs[r->b->arg_count + place].var_name : JS_ATOM_NULL, false);
}

static void push_argument(CodeReader *r, int place)
{
    push_name(r, place < r->b->arg_count ? r->b->vardefs[place].var_name : JS_ATOM_NULL, true);
}

static void push_captured(CodeReader *r, int place)
{
    push_name(r, place < r->b->closure_var_count ? r->b->closure_var[place].var_name : JS_ATOM_NULL, false);
}

static void push_number(CodeReader *r, int32_t number)
{
    push_new(r, (Term) { .kind = TERM_NUMBER, .number = number });
}

static void push_word(CodeReader *r, const char *word)
{
    push_new(r, (Term) { .kind = TERM_WORD, .word = word });
}

static void push_constant(CodeReader *r, int place)
{
    bool is_shown = place < r->b->cpool_count
        && (JS_IsString(r->b->cpool[place]) || JS_IsNumber(r->b->cpool[place]));

    push_new(r, (Term) { .kind = is_shown ? TERM_CONSTANT : TERM_OTHER, .number = place });
}

static void push_unary(CodeReader *r, TermKind kind, const char *word)
{
    push_new(r, (Term) { .kind = kind, .left = pop(r), .word = word });
}

static void push_binary(CodeReader *r, TermKind kind, const char *word)
{
    uint32_t right = pop(r), left = pop(r);

    push_new(r, (Term) { .kind = kind, .left = left, .right = right, .word = word });
}

/* The term `depth` places below the top of the stack. */
static uint32_t peek(CodeReader *r, int depth)
{
    if (depth < r->depth)
        return r->stack[r->depth - 1 - depth];
    r->has_failed = true;
    return 0;
}

/* Takes `taken` terms and puts back those at `places` among them, the lowest being 0. */
static void shuffle(CodeReader *r, int taken, const char *places)
{
    uint32_t terms[8];

    for (int i = taken; i-- > 0;)
        terms[i] = pop(r);
    for (; *places; places++)
        push(r, terms[*places - '0']);
}

/* Where the jump at `pc` goes. */
static uint32_t jump_target(const uint8_t *pc, uint32_t at, int format)
{
    switch (format) {
    case OP_FMT_label8:
        return at + 1 + (int8_t)pc[1];
    case OP_FMT_label16:
        return at + 1 + (int16_t)get_u16(pc + 1);
    default:
        return at + 1 + (int32_t)get_u32(pc + 1);
    }
}

static void keep_jump(CodeReader *r, uint32_t target, int op, uint32_t condition)
{
    Jump *jump = js_malloc_rt(r->ctx->rt, sizeof(*jump) + r->depth * sizeof(jump->stack[0]));

    if (!jump) {
        r->has_failed = true;
        return;
    }
    jump->next = r->jumps;
    jump->target = target;
    jump->depth = r->depth;
    jump->op = op;
    jump->condition = condition;
    memcpy(jump->stack, r->stack, r->depth * sizeof(jump->stack[0]));
    r->jumps = jump;
}

static bool is_undefined(CodeReader *r, uint32_t term)
{
    return r->terms[term].kind == TERM_WORD && !strcmp(r->terms[term].word, "undefined");
}

/* What is on top of the stack where `jump` and the code before it meet. */
static uint32_t joined(CodeReader *r, Jump *jump, uint32_t jumped, uint32_t passed)
{
    Term *condition = &r->terms[jump->condition];
    bool is_true = jump->op == OP_if_true || jump->op == OP_if_true8;

    if (jumped == passed)
        return passed;
    if (jump->condition == jumped && jumped)
        return new_term(r, (Term) { .kind = TERM_BINARY, .left = jumped, .right = passed, .word = is_true ? "||" : "&&" });
    if (condition->kind == TERM_NULLISH && condition->left == jumped)
        return new_term(r, (Term) { .kind = TERM_BINARY, .left = jumped, .right = passed, .word = "??" });
    /* The end of `a?.b` */
    if (is_undefined(r, jumped) || is_undefined(r, passed))
        return 0;
    return new_term(r, (Term) { .kind = TERM_CHOICE });
}

/* Goes on with the stacks of the jumps that end at `at`. */
static void join(CodeReader *r, uint32_t at)
{
    Jump **link = &r->jumps, *jump;

    while ((jump = *link)) {
        if (jump->target != at) {
            link = &jump->next;
            continue;
        }
        *link = jump->next;
        if (r->is_dead) {
            r->is_dead = false;
            r->depth = jump->depth;
            memcpy(r->stack, jump->stack, jump->depth * sizeof(jump->stack[0]));
            /* Behind `a?` of `a?.b`. */
            if (r->depth > 0 && jump->condition && r->terms[jump->condition].kind == TERM_NULLISH)
                push_unary(r, TERM_OPTIONAL, NULL);
        } else if (jump->depth == r->depth) {
            for (int i = 0; i < r->depth; i++) {
                if (i == r->depth - 1)
                    r->stack[i] = joined(r, jump, jump->stack[i], r->stack[i]);
                else if (r->stack[i] != jump->stack[i])
                    r->stack[i] = 0;
            }
        }
        js_free_rt(r->ctx->rt, jump);
    }
}
