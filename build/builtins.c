/* What the engine's own functions say of what they are given, in V8's words. build/builtins.rs says where. */

static JSValue throw_range(JSContext *ctx, const char *parts, JSValueConst value)
{
    Text t = { .ctx = ctx };

    print_words(&t, parts, value, JS_ATOM_NULL);
    return JS_ThrowRangeError(ctx, "%s", t.text);
}

/* Throws of a text that is no number of the kind of BigInt; takes `text`. */
static JSValue throw_no_bigint(JSContext *ctx, JSValue text)
{
    Text t = { .ctx = ctx };

    print_words(&t, "Cannot convert %v to a BigInt", text, JS_ATOM_NULL);
    JS_FreeValue(ctx, text);
    return JS_ThrowSyntaxError(ctx, "%s", t.text);
}

/* The name of the engine's function that runs, to be freed by `JS_FreeCString`; NULL if it is none. */
static const char *running_function(JSContext *ctx)
{
    JSStackFrame *frame = ctx->rt->current_stack_frame;

    if (!frame || JS_GetClassID(frame->cur_func) != JS_CLASS_C_FUNCTION)
        return NULL;
    return get_func_name(ctx, frame->cur_func);
}

/* Throws a TypeError about the method of texts that runs. */
static JSValue throw_of_text_method(JSContext *ctx, const char *format)
{
    const char *name = running_function(ctx);

    if (name)
        JS_ThrowTypeError(ctx, format, name);
    else
        JS_ThrowTypeError(ctx, "Cannot convert undefined or null to object");
    JS_FreeCString(ctx, name);
    return JS_EXCEPTION;
}

/* Throws of what is not of the class it should be: as V8, if it is what a method was called on. */
static JSValue throw_receiver(JSContext *ctx, JSValueConst receiver, int class_id)
{
    JSStackFrame *frame = ctx->rt->current_stack_frame;
    const char *name = class_id < JS_CLASS_INIT_COUNT ? running_function(ctx) : NULL;
    bool is_given = false;

    for (int i = 0; name && i < frame->arg_count; i++)
        is_given = is_given || !memcmp(&frame->arg_buf[i], &receiver, sizeof(receiver));
    if (name && !is_given) {
        bool is_getter = !strncmp(name, "get ", 4);
        Text t = { .ctx = ctx };

        print(&t, is_getter ? "Method get " : "Method ");
        print_key(&t, ctx->rt->class_array[class_id].class_name);
        print(&t, ".prototype.");
        print(&t, is_getter ? name + 4 : name);
        print(&t, " called on incompatible receiver ");
        print_value(&t, receiver);
        JS_ThrowTypeError(ctx, "%s", t.text);
    } else {
        JS_ThrowTypeErrorInvalidClass(ctx, class_id);
    }
    JS_FreeCString(ctx, name);
    return JS_EXCEPTION;
}

/* The same as `JS_ToIndex`, with words for what is no place or size. */
static int to_index(JSContext *ctx, uint64_t *index, JSValueConst value, const char *parts)
{
    int64_t number;

    *index = 0;
    if (JS_ToInt64Sat(ctx, &number, value))
        return -1;
    if (number < 0 || number > MAX_SAFE_INTEGER) {
        throw_range(ctx, parts, value);
        return -1;
    }
    *index = number;
    return 0;
}

/* Throws of an array of numbers that do not begin or end where numbers of its kind may. */
static JSValue throw_misaligned(JSContext *ctx, const char *what, int class_id, int size)
{
    Text t = { .ctx = ctx };

    print_key(&t, ctx->rt->class_array[class_id].class_name);
    return JS_ThrowRangeError(ctx, "%s of %s should be a multiple of %d", what, t.text, size);
}
