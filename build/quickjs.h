
/* What dodev adds to the engine: build/quickjs.c. */

typedef struct NameTable {
    uint32_t *places; /* by the hash of the name; 0 for none, or 1 more */
    uint32_t size; /* a power of two */
    uint32_t count; /* how many names are in it */
    bool has_dynamic; /* whether there is a name that stands for others */
} NameTable;

/* A text that functions came from, and that they share. */
typedef struct SourceText {
    int users;
    const char *parsed; /* where it stood while it was parsed */
    size_t size;
    int line, column; /* where it begins in its file */
    char text[];
} SourceText;

static void settle(JSContext *ctx, JSValueConst promise, JSValueConst resolution, bool is_reject);
static bool is_own_promise_constructor(JSContext *ctx, JSValueConst constructor);
static JSValue new_bare_promise(JSContext *ctx, JSValue *resolving_funcs);
static JSValue new_derived_promise(JSContext *ctx, JSValue *resolving_funcs, JSValueConst constructor);
static JSValue new_settled_promise(JSContext *ctx, JSValueConst value, bool is_reject);
static JSValue call_handler(JSContext *ctx, JSValueConst handler, JSValueConst value, bool is_reject);
static int new_await_handler(JSContext *ctx, JSAsyncFunctionData *s, JSValue *handlers);
static int react_to_settled(JSContext *ctx, JSValueConst promise, JSValueConst *handlers, JSValueConst *resolving_funcs);
static bool add_fresh_value(JSContext *ctx, JSValueConst object, JSAtom name, JSValue value, int flags);
static bool has_enough_arenas(JSRuntime *rt, int block_size_idx);
static int reserve_properties(JSContext *ctx, JSObject *p);
static bool is_strictly_equal(JSContext *ctx, JSValueConst a, JSValueConst b);
struct JSFunctionDef;
static int first_named(JSContext *ctx, struct JSFunctionDef *fd, JSAtom name);
static void share_text(JSContext *ctx, struct JSFunctionDef *fd, const char *parsed, size_t size);
static int keep_text(JSContext *ctx, struct JSFunctionDef *fd);
static void release_text(JSRuntime *rt, SourceText *text);
