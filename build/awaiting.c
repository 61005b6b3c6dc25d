/* Frames of those who wait for the function that runs, as V8 adds them to stacks: `at async name (file:line:column)`. A function that goes
   on after an `await` has no callers any more; who waits for its promise stands in that promise. */

/* The only reaction to `promise` when it is fulfilled, or NULL: of several nobody can tell whose stack it is. */
static JSPromiseReactionData *only_reaction(JSValueConst promise)
{
    JSPromiseData *data = JS_GetOpaque(promise, JS_CLASS_PROMISE);
    struct list_head *reactions = data ? &data->promise_reactions[0] : NULL;

    if (!data || data->promise_state != JS_PROMISE_PENDING || list_empty(reactions) || reactions->next->next != reactions)
        return NULL;
    return list_entry(reactions->next, JSPromiseReactionData, link);
}

/* The promise that `resolving`, a resolving function or what stands for it, settles. */
static JSValueConst promise_of(JSValueConst resolving)
{
    JSPromiseFunctionData *data;

    if (JS_GetClassID(resolving) != JS_CLASS_PROMISE_RESOLVE_FUNCTION)
        return resolving;
    data = JS_VALUE_GET_OBJ(resolving)->u.promise_function_data;
    return data ? data->promise : JS_UNDEFINED;
}

/* What `handler` makes one of several values for, as `Promise.all()` does, or NULL. */
static JSCFunctionDataRecord *combinator_of(JSValueConst handler)
{
    JSCFunctionDataRecord *record;

    if (JS_GetClassID(handler) != JS_CLASS_C_FUNCTION_DATA)
        return NULL;
    record = JS_GetOpaque(handler, JS_CLASS_C_FUNCTION_DATA);
    return record && record->func == js_promise_all_resolve_element ? record : NULL;
}

/* Writes the frame of an async function that waits, if it is not one of the platform's; says whether it did. */
static bool write_frame(JSContext *ctx, DynBuf *out, JSStackFrame *frame)
{
    JSFunctionBytecode *b = JS_VALUE_GET_OBJ(frame->cur_func)->u.func.function_bytecode;
    const char *name, *file;
    int line, column;

    if (!has_text(b) || !frame->cur_pc)
        return false;
    line = find_line_num(ctx, b, frame->cur_pc - b->byte_code_buf - 1, &column);
    name = get_func_name(ctx, frame->cur_func);
    file = b->filename ? JS_AtomToCString(ctx, b->filename) : NULL;
    if (name && *name)
        dbuf_printf(out, "    at async %s (%s:%d:%d)\n", name, file ? file : "<null>", line, column);
    else
        dbuf_printf(out, "    at async %s:%d:%d\n", file ? file : "<null>", line, column);
    JS_FreeCString(ctx, name);
    JS_FreeCString(ctx, file);
    return true;
}

/* Writes at most `room` frames of those who wait for the function that the stack began with. */
static void write_awaiting(JSContext *ctx, DynBuf *out, int room)
{
    enum { STEPS = 100 };
    JSStackFrame *frame = ctx->rt->current_stack_frame;
    JSAsyncFunctionData *function;
    JSPromiseReactionData *reaction;
    JSCFunctionDataRecord *combinator;
    JSValueConst promise;
    int i;

    while (frame && frame->prev_frame)
        frame = frame->prev_frame;
    if (!frame || JS_GetClassID(frame->cur_func) != JS_CLASS_ASYNC_FUNCTION)
        return;
    function = container_of(frame, JSAsyncFunctionData, func_state.frame);
    promise = promise_of(function->resolving_funcs[0]);
    for (i = 0; i < STEPS && room > 0 && (reaction = only_reaction(promise)); i++) {
        if (JS_GetClassID(reaction->handler) == JS_CLASS_ASYNC_FUNCTION_RESOLVE) {
            function = JS_VALUE_GET_OBJ(reaction->handler)->u.async_function_data;
            if (!function->is_active || JS_GetClassID(function->func_state.frame.cur_func) != JS_CLASS_ASYNC_FUNCTION)
                return;
            room -= write_frame(ctx, out, &function->func_state.frame);
            promise = promise_of(function->resolving_funcs[0]);
        } else if ((combinator = combinator_of(reaction->handler))) {
            dbuf_printf(out, "    at async Promise.%s (index %d)\n", combinator->magic & 1 ? "allSettled" : "all",
                        JS_VALUE_GET_INT(combinator->data[1]));
            room--;
            promise = promise_of(combinator->data[3]);
        } else if (JS_GetClassID(reaction->handler) == JS_CLASS_PROMISE_RESOLVE_FUNCTION) {
            promise = promise_of(reaction->handler);
        } else {
            promise = promise_of(reaction->resolving_funcs[0]);
        }
    }
}
