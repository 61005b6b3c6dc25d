/* What dodev adds to the engine. It stands behind the last line of quickjs.c; build/quickjs.rs says where it is called. */

/* Only the engine with our lines has this. */
void dodev_engine(void)
{
}

/* Settles `promise`, or has it follow `resolution`, as its resolving functions would do. */
static void settle(JSContext *ctx, JSValueConst promise, JSValueConst resolution, bool is_reject)
{
    JSValueConst args[3];
    JSValue then;

    if (is_reject || !JS_IsObject(resolution)) {
        fulfill_or_reject_promise(ctx, promise, resolution, is_reject);
        return;
    }
    if (js_same_value(ctx, resolution, promise)) {
        JS_ThrowTypeError(ctx, "promise self resolution");
        then = JS_EXCEPTION;
    } else {
        then = JS_GetProperty(ctx, resolution, JS_ATOM_then);
    }
    if (JS_IsException(then)) {
        JSValue error = JS_GetException(ctx);
        fulfill_or_reject_promise(ctx, promise, error, true);
        JS_FreeValue(ctx, error);
    } else if (JS_IsFunction(ctx, then)) {
        args[0] = promise;
        args[1] = resolution;
        args[2] = then;
        JS_EnqueueJob(ctx, js_promise_resolve_thenable_job, 3, args);
        JS_FreeValue(ctx, then);
    } else {
        JS_FreeValue(ctx, then);
        fulfill_or_reject_promise(ctx, promise, resolution, false);
    }
}

/* Whether `constructor` makes promises that nobody can tell from the engine's own. */
static bool is_own_promise_constructor(JSContext *ctx, JSValueConst constructor)
{
    return JS_IsUndefined(constructor) || js_same_value(ctx, constructor, ctx->promise_ctor);
}

/* A promise that only `settle` settles; it stands in the place of its first resolving function. */
static JSValue new_bare_promise(JSContext *ctx, JSValue *resolving_funcs)
{
    JSValue promise = js_promise_new(ctx, JS_UNDEFINED, NULL);

    resolving_funcs[0] = JS_IsException(promise) ? JS_UNDEFINED : js_dup(promise);
    resolving_funcs[1] = JS_UNDEFINED;
    return promise;
}

/* A promise of `constructor`, and what settles it. */
static JSValue new_derived_promise(JSContext *ctx, JSValue *resolving_funcs, JSValueConst constructor)
{
    if (is_own_promise_constructor(ctx, constructor))
        return new_bare_promise(ctx, resolving_funcs);
    return js_new_promise_capability(ctx, resolving_funcs, constructor);
}

/* A promise of the engine's own that follows `value`, or is rejected with it. */
static JSValue new_settled_promise(JSContext *ctx, JSValueConst value, bool is_reject)
{
    JSValue promise = js_promise_new(ctx, JS_UNDEFINED, NULL);

    if (!JS_IsException(promise))
        settle(ctx, promise, value, is_reject);
    return promise;
}

/* The same for the host, which is not to settle it twice: src/engine/deferred.rs. */
JSValue dodev_new_promise(JSContext *ctx)
{
    return js_promise_new(ctx, JS_UNDEFINED, NULL);
}

void dodev_settle_promise(JSContext *ctx, JSValueConst promise, JSValueConst value, bool is_reject)
{
    settle(ctx, promise, value, is_reject);
}

/* Calls the handler of a reaction. Both reactions of an `await` have the same one. */
static JSValue call_handler(JSContext *ctx, JSValueConst handler, JSValueConst value, bool is_reject)
{
    JSObject *p = JS_VALUE_GET_OBJ(handler);
    JSAsyncFunctionData *s;

    if (p->class_id != JS_CLASS_ASYNC_FUNCTION_RESOLVE)
        return JS_Call(ctx, handler, JS_UNDEFINED, 1, &value);
    s = p->u.async_function_data;
    s->func_state.throw_flag = is_reject;
    if (is_reject)
        JS_Throw(ctx, js_dup(value));
    else
        s->func_state.frame.cur_sp[-1] = js_dup(value);
    return js_async_function_resume(ctx, s) ? JS_UNDEFINED : JS_EXCEPTION;
}

/* The handler of both reactions of an `await` in `s`. */
static int new_await_handler(JSContext *ctx, JSAsyncFunctionData *s, JSValue *handlers)
{
    handlers[0] = JS_NewObjectProtoClass(ctx, ctx->function_proto, JS_CLASS_ASYNC_FUNCTION_RESOLVE);
    handlers[1] = JS_UNDEFINED;
    if (JS_IsException(handlers[0])) {
        handlers[0] = JS_UNDEFINED;
        return -1;
    }
    JS_REF_COUNT(s)++;
    JS_VALUE_GET_OBJ(handlers[0])->u.async_function_data = s;
    handlers[1] = js_dup(handlers[0]);
    return 0;
}

/* Puts the reaction to a promise that is settled already among the jobs. */
static int react_to_settled(JSContext *ctx, JSValueConst promise, JSValueConst *handlers, JSValueConst *resolving_funcs)
{
    JSPromiseData *s = JS_GetOpaque(promise, JS_CLASS_PROMISE);
    bool is_reject = s->promise_state == JS_PROMISE_REJECTED;
    JSValueConst args[5];

    call_promise_rejection_tracker(ctx, promise, true);
    args[0] = resolving_funcs[0];
    args[1] = resolving_funcs[1];
    args[2] = JS_IsFunction(ctx, handlers[is_reject]) ? handlers[is_reject] : JS_UNDEFINED;
    args[3] = js_bool(is_reject);
    args[4] = s->promise_result;
    if (JS_EnqueueJob(ctx, promise_reaction_job, 5, args))
        return -1;
    s->is_handled = true;
    return 0;
}

/* Adds a property with a value to an ordinary object that has none of that name; says whether it did. The value is then its. */
static bool add_fresh_value(JSContext *ctx, JSValueConst object, JSAtom name, JSValue value, int flags)
{
    JSProperty *property;
    JSObject *p;

    if (!JS_IsObject(object))
        return false;
    p = JS_VALUE_GET_OBJ(object);
    if (p->is_exotic || !p->extensible || find_own_property1(p, name))
        return false;
    property = add_property(ctx, p, name, flags & JS_PROP_C_W_E);
    if (property)
        property->u.value = value;
    return property != NULL;
}

/* Whether there are more than two arenas with room for blocks of a size. */
static bool has_enough_arenas(JSRuntime *rt, int block_size_idx)
{
    struct list_head *arenas = &rt->arena_state.free_arena_list[block_size_idx];

    return arenas->next != arenas->prev && arenas->next->next != arenas->prev;
}

/* Gives an object that has no room for properties as much as its shape says. */
static int reserve_properties(JSContext *ctx, JSObject *p)
{
    p->prop = js_malloc(ctx, sizeof(JSProperty) * p->shape->prop_size);
    return p->prop ? 0 : -1;
}

/* `a === b` */
static bool is_strictly_equal(JSContext *ctx, JSValueConst a, JSValueConst b)
{
    int tag = JS_VALUE_GET_TAG(a);

    if (tag == JS_VALUE_GET_TAG(b)) {
        switch (tag) {
        case JS_TAG_NULL:
        case JS_TAG_UNDEFINED:
            return true;
        case JS_TAG_OBJECT:
        case JS_TAG_SYMBOL:
            return JS_VALUE_GET_PTR(a) == JS_VALUE_GET_PTR(b);
        case JS_TAG_STRING:
            if (JS_VALUE_GET_PTR(a) == JS_VALUE_GET_PTR(b))
                return true;
        }
    } else if (tag == JS_TAG_OBJECT || tag == JS_TAG_UNDEFINED || tag == JS_TAG_NULL) {
        return false;
    }
    return js_strict_eq(ctx, a, b);
}

/* Where a search for `name` among the variables of the module or evaluated text `fd` may begin: at the first one of that name,
   or behind all of them. The table of the names grows with them. */
static int first_named(JSContext *ctx, JSFunctionDef *fd, JSAtom name)
{
    NameTable *t = &fd->names;
    uint32_t mask, slot, i, count = fd->closure_var_count;

    if (count < 32 || t->has_dynamic)
        return 0;
    if (t->size < count * 2) {
        uint32_t *places, size = 128;
        while (size < count * 4)
            size *= 2;
        places = js_realloc_rt(ctx->rt, t->places, size * sizeof(*places));
        if (!places)
            return 0;
        memset(places, 0, size * sizeof(*places));
        t->places = places;
        t->size = size;
        t->count = 0;
    }
    mask = t->size - 1;
    for (i = t->count; i < count; i++) {
        JSAtom entry = fd->closure_var[i].var_name;
        /* These stand for names that are looked up when the code runs. */
        if (entry == JS_ATOM__var_ || entry == JS_ATOM__arg_var_ || entry == JS_ATOM__with_) {
            t->has_dynamic = true;
            return 0;
        }
        slot = hash32(entry) & mask;
        while (t->places[slot] && fd->closure_var[t->places[slot] - 1].var_name != entry)
            slot = (slot + 1) & mask;
        if (!t->places[slot])
            t->places[slot] = i + 1;
    }
    t->count = count;
    for (slot = hash32(name) & mask; t->places[slot]; slot = (slot + 1) & mask)
        if (fd->closure_var[t->places[slot] - 1].var_name == name)
            return t->places[slot] - 1;
    return count;
}

/* A copy of what is being parsed, which begins at a place of its file, with one user; NULL where there is no memory. */
static SourceText *new_text(JSContext *ctx, const char *parsed, size_t size, int line, int column)
{
    SourceText *text = js_malloc_rt(ctx->rt, sizeof(*text) + size);

    if (text) {
        text->users = 1;
        text->parsed = parsed;
        text->size = size;
        text->line = line;
        text->column = column;
        memcpy(text->text, parsed, size);
    }
    return text;
}

/* Keeps the whole text of `fd`, which was just parsed, if most of it is functions: they need not be copied one by one, each with
   those inside of it. Otherwise a module that is mostly data would stay for the sake of a few. */
static void share_text(JSContext *ctx, JSFunctionDef *fd, const char *parsed, size_t size)
{
    struct list_head *el;
    size_t used = 0;

    list_for_each(el, &fd->child_list)
        used += list_entry(el, JSFunctionDef, link)->source_len;
    if (used > size / 2)
        fd->text = new_text(ctx, parsed, size, 1, 1);
}

/* Has the text of `fd` stay when what was parsed is gone, or that around it, if it has none of its own. */
static int keep_text(JSContext *ctx, JSFunctionDef *fd)
{
    SourceText *around = fd->parent ? fd->parent->text : NULL;

    if (!fd->source) {
        if (around && !fd->text) {
            around->users++;
            fd->text = around;
        }
        return 0;
    }
    if (around && fd->source >= around->parsed && fd->source + fd->source_len <= around->parsed + around->size) {
        around->users++;
        fd->text = around;
    } else {
        fd->text = new_text(ctx, fd->source, fd->source_len, fd->line_num, fd->col_num);
        if (!fd->text) {
            JS_ThrowOutOfMemory(ctx);
            return -1;
        }
    }
    fd->source = fd->text->text + (fd->source - fd->text->parsed);
    return 0;
}

/* Drops what waits to run. */
void dodev_drop_jobs(JSRuntime *rt)
{
    JSJobEntry *e;
    int i;

    while (!list_empty(&rt->job_list)) {
        e = list_entry(rt->job_list.next, JSJobEntry, link);
        list_del(&e->link);
        for (i = 0; i < e->argc; i++)
            JS_FreeValueRT(rt, e->argv[i]);
        js_free_rt(rt, e);
    }
}

static void release_text(JSRuntime *rt, SourceText *text)
{
    if (text && --text->users == 0)
        js_free_rt(rt, text);
}
