/* Mistakes in V8's words, with the text of the expression at fault. It stands behind build/expression.c, which finds that text. */

/* The kind of a value and, of those that are short, the value, as V8 has it where no text stands for it. */
static void print_kind(Text *t, JSValueConst value)
{
    JSContext *ctx = t->ctx;

    switch (JS_VALUE_GET_NORM_TAG(value)) {
    case JS_TAG_UNDEFINED:
        print(t, "undefined");
        break;
    case JS_TAG_NULL:
        print(t, "object null");
        break;
    case JS_TAG_BOOL:
        print(t, JS_VALUE_GET_BOOL(value) ? "boolean true" : "boolean false");
        break;
    case JS_TAG_INT:
    case JS_TAG_FLOAT64:
        print(t, "number ");
        print_string(t, value, SIZE_MAX);
        break;
    case JS_TAG_STRING:
    case JS_TAG_STRING_ROPE:
        print(t, "string \"");
        print_string(t, value, 100);
        print(t, "\"");
        break;
    case JS_TAG_SYMBOL:
        print(t, "symbol");
        break;
    case JS_TAG_BIG_INT:
    case JS_TAG_SHORT_BIG_INT:
        print(t, "bigint");
        break;
    default:
        print(t, JS_IsFunction(ctx, value) ? "function" : "object");
    }
}

/* A property with a value, of an object or what it inherits from, found without running code; JS_UNDEFINED if there is none. */
static JSValueConst plain_property(JSContext *ctx, JSValueConst object, JSAtom name)
{
    JSObject *p;
    JSProperty *property;
    JSShapeProperty *shape;

    for (p = JS_VALUE_GET_OBJ(object); p && p->class_id != JS_CLASS_PROXY; p = p->shape->proto) {
        shape = find_own_property(&property, p, name);
        /* The engine's own properties are made when they are looked at. */
        if (shape && (shape->flags & JS_PROP_TMASK) == JS_PROP_AUTOINIT) {
            if (JS_AutoInitProperty(ctx, p, name, property, shape)) {
                JS_FreeValue(ctx, JS_GetException(ctx));
                return JS_UNDEFINED;
            }
            shape = find_own_property(&property, p, name);
        }
        if (shape)
            return (shape->flags & JS_PROP_TMASK) == JS_PROP_NORMAL ? property->u.value : JS_UNDEFINED;
    }
    return JS_UNDEFINED;
}

static bool is_nonempty_string(JSValueConst value)
{
    int tag = JS_VALUE_GET_TAG(value);

    return tag == JS_TAG_STRING_ROPE || (tag == JS_TAG_STRING && JS_VALUE_GET_STRING(value)->len > 0);
}

/* The text of a function, without its middle if it is long. */
static void print_function(Text *t, JSValueConst function)
{
    JSValue text = js_function_toString(t->ctx, function, 0, NULL);
    size_t size;
    const char *string = JS_IsException(text) ? NULL : JS_ToCStringLen(t->ctx, &size, text);

    if (!string) {
        JS_FreeValue(t->ctx, JS_GetException(t->ctx));
        print(t, "function");
    } else if (size > 128) {
        print_bytes(t, string, 111);
        print(t, "...<omitted>...");
        print_bytes(t, string + size - 2, 2);
    } else {
        print_bytes(t, string, size);
    }
    JS_FreeCString(t->ctx, string);
    JS_FreeValue(t->ctx, text);
}

/* An object by the name of its class, or by what it says to be. */
static void print_object(Text *t, JSValueConst object)
{
    JSContext *ctx = t->ctx;
    JSCFunctionType to_string = { .generic = js_object_toString };
    JSValueConst tag = plain_property(ctx, object, JS_ATOM_Symbol_toStringTag);

    if (JS_IsError(object)) {
        JSValueConst name = plain_property(ctx, object, JS_ATOM_name), message = plain_property(ctx, object, JS_ATOM_message);
        if (is_nonempty_string(name))
            print_string(t, name, SIZE_MAX);
        if (is_nonempty_string(name) && is_nonempty_string(message))
            print(t, ": ");
        if (is_nonempty_string(message))
            print_string(t, message, SIZE_MAX);
        return;
    }
    if (JS_IsCFunction(ctx, plain_property(ctx, object, JS_ATOM_toString), to_string.generic, 0)) {
        JSValueConst constructor = plain_property(ctx, object, JS_ATOM_constructor);
        JSValueConst name = JS_IsObject(constructor) ? plain_property(ctx, constructor, JS_ATOM_name) : JS_UNDEFINED;
        if (is_nonempty_string(name)) {
            print(t, "#<");
            print_string(t, name, SIZE_MAX);
            print(t, ">");
            return;
        }
    }
    print(t, "[object ");
    if (is_nonempty_string(tag))
        print_string(t, tag, SIZE_MAX);
    else
        print(t, JS_IsArray(object) ? "Array" : "Object");
    print(t, "]");
}

/* A value as V8 has it in messages; no code runs for it. */
static void print_value(Text *t, JSValueConst value)
{
    switch (JS_VALUE_GET_TAG(value)) {
    case JS_TAG_OBJECT:
        if (JS_IsFunction(t->ctx, value))
            print_function(t, value);
        else
            print_object(t, value);
        break;
    case JS_TAG_SYMBOL: {
        JSAtom atom = js_symbol_to_atom(t->ctx, js_dup(value));
        print_key(t, atom);
        JS_FreeAtom(t->ctx, atom);
        break;
    }
    default:
        print_string(t, value, SIZE_MAX);
    }
}

/* Writes `parts`: "%v" in them stands for the value, "%k" for its kind, "%p" for a property. */
static void print_words(Text *t, const char *parts, JSValueConst value, JSAtom property)
{
    const char *at;

    while ((at = strchr(parts, '%'))) {
        print_bytes(t, parts, at - parts);
        if (at[1] == 'v')
            print_value(t, value);
        else if (at[1] == 'k')
            print_kind(t, value);
        else
            print_key(t, property);
        parts = at + 2;
    }
    print(t, parts);
}

/* Throws a TypeError of such words. */
static JSValue throw_words(JSContext *ctx, const char *parts, JSValueConst value, JSAtom property)
{
    Text t = { .ctx = ctx };

    print_words(&t, parts, value, property);
    return JS_ThrowTypeError(ctx, "%s", t.text);
}

/* Throws a TypeError with a key in it. */
static JSValue throw_of_key(JSContext *ctx, const char *format, JSAtom key)
{
    Text t = { .ctx = ctx };

    print_key(&t, key);
    return JS_ThrowTypeError(ctx, format, t.text);
}

/* Throws what V8 says of `key in value`. */
static void throw_no_object_to_search(JSContext *ctx, JSValueConst key, JSValueConst value)
{
    Text t = { .ctx = ctx };

    print(&t, "Cannot use 'in' operator to search for '");
    print_value(&t, key);
    print(&t, "' in ");
    print_value(&t, value);
    JS_ThrowTypeError(ctx, "%s", t.text);
}

/* Throws what V8 says when a name is assigned to that stands for one thing for ever. */
static void throw_constant(JSContext *ctx, JSAtom name)
{
    if (JS_AtomGetKind(ctx, name) == JS_ATOM_KIND_PRIVATE)
        throw_words(ctx, "Private method '%p' is not writable", JS_UNDEFINED, name);
    else
        JS_ThrowTypeError(ctx, "Assignment to constant variable.");
}

/* Throws as `throw_words` does, but in sloppy code, where it fails silently. */
static int refuse(JSContext *ctx, int flags, const char *parts, JSValueConst value, JSAtom property)
{
    if (!(flags & JS_PROP_THROW) && !((flags & JS_PROP_THROW_STRICT) && is_strict_mode(ctx)))
        return false;
    throw_words(ctx, parts, value, property);
    return -1;
}

/* A value that is assigned to where nothing may be. */
static int refuse_assignment(JSContext *ctx, int flags, JSValueConst receiver, JSAtom property)
{
    switch (JS_VALUE_GET_TAG(receiver)) {
    case JS_TAG_OBJECT:
        if (JS_IsFunction(ctx, receiver))
            return refuse(ctx, flags, "Cannot assign to read only property '%p' of function '%v'", receiver, property);
        return refuse(ctx, flags, "Cannot assign to read only property '%p' of object '%v'", receiver, property);
    case JS_TAG_SYMBOL:
        return refuse(ctx, flags, "Cannot assign to read only property '%p' of symbol '%v'", receiver, property);
    default:
        return refuse(ctx, flags, JS_IsString(receiver) ? "Cannot assign to read only property '%p' of string '%v'" :
            JS_IsBool(receiver) ? "Cannot assign to read only property '%p' of boolean '%v'" :
            "Cannot assign to read only property '%p' of number '%v'", receiver, property);
    }
}

/* A property that is set on what is no object. */
static int refuse_creation(JSContext *ctx, int flags, JSValueConst receiver, JSAtom property)
{
    return refuse(ctx, flags, JS_IsString(receiver) ? "Cannot create property '%p' on string '%v'" :
        JS_IsBool(receiver) ? "Cannot create property '%p' on boolean '%v'" :
        JS_VALUE_GET_TAG(receiver) == JS_TAG_SYMBOL ? "Cannot create property '%p' on symbol '%v'" :
        JS_IsBigInt(receiver) ? "Cannot create property '%p' on bigint '%v'" :
        "Cannot create property '%p' on number '%v'", receiver, property);
}

/* Whether `argv`, the arguments of a call, stands behind `callee` on the stack of the function that calls. */
static bool stands_on_stack(JSStackFrame *sf, JSFunctionBytecode *b, JSValueConst callee, JSValueConst *argv, int distance)
{
    JSValue *stack = sf->var_buf + b->var_count, *arguments = (JSValue *)argv;

    return arguments >= stack + distance && arguments <= stack + b->stack_size
        && !memcmp(arguments - distance, &callee, sizeof(callee));
}

/* Throws what V8 says when `callee`, which is called or constructed with `argv`, is not what it should be; NULL where it is not known
   that these are the arguments of a call in the code. */
static JSValue throw_not_callable(JSContext *ctx, JSValueConst callee, JSValueConst *argv, bool is_new)
{
    Text t = { .ctx = ctx };
    CodeReader r;
    JSStackFrame *sf = ctx->rt->current_stack_frame;
    bool is_found = false;

    if (read_current(&r, ctx)) {
        int place = r.op == OP_apply || (argv && stands_on_stack(sf, r.b, callee, argv, is_new ? 2 : 1)) ? callee_place(&r) : -1;
        if (place >= 0) {
            print_callee(&t, &r, r.stack[place]);
            is_found = true;
        }
        /* Which of the two it is, is known to the code alone: both come here from what spreads arguments. */
        if (r.op == OP_apply)
            is_new = get_u16(r.b->byte_code_buf + r.op_at + 1) & 1;
    }
    end_reading(&r);
    if (!is_found) {
        if (is_new)
            print_value(&t, callee);
        else
            print_kind(&t, callee);
    }
    print(&t, is_new ? " is not a constructor" : " is not a function");
    return JS_ThrowTypeError(ctx, "%s", t.text);
}

/* Whether the array that ends at `pc` is for the arguments of a call. */
static bool is_spread_over_arguments(const uint8_t *pc)
{
    while (*pc == OP_drop || *pc == OP_perm3 || *pc == OP_undefined || *pc == OP_swap)
        pc++;
    return *pc == OP_apply;
}

/* Throws what V8 says of a value that is to be iterated and cannot be. */
static JSValue throw_not_iterable(JSContext *ctx, JSValueConst value)
{
    Text t = { .ctx = ctx };
    CodeReader r;
    const char *words = NULL;

    if (read_current(&r, ctx) && r.depth >= 1) {
        uint32_t term = r.stack[r.depth - 1];
        const uint8_t *next = r.b->byte_code_buf + r.op_at + 1;
        bool is_declared = *next == OP_for_of_next && (r.depth < 2 || r.stack[r.depth - 2] != term);
        if (r.op == OP_append && is_spread_over_arguments(next) && !JS_IsUndefined(value) && !JS_IsNull(value)) {
            end_reading(&r);
            return JS_ThrowTypeError(ctx, "Spread syntax requires ...iterable[Symbol.iterator] to be a function");
        }
        if (r.op == OP_append || (r.op == OP_for_of_start && *next != OP_for_of_next) ||
            (is_declared && !is_member(&r, term) && is_known(&r, term)) || (is_declared && is_awaited(&r, term)))
            words = " is not iterable";
        else if (r.op == OP_for_await_of_start)
            words = " is not async iterable";
        if (words && is_call(&r, term)) {
            print_term(&t, &r, r.op == OP_for_await_of_start ? term : r.terms[term].left, 0);
            print(&t, " is not a function or its return value");
        } else if (words) {
            print_term(&t, &r, term, 0);
        }
    }
    end_reading(&r);
    if (!words) {
        print_kind(&t, value);
        words = " is not iterable (cannot read property Symbol(Symbol.iterator))";
    }
    print(&t, words);
    return JS_ThrowTypeError(ctx, "%s", t.text);
}

/* Throws what V8 says of a value that is taken apart and is `undefined` or `null`. */
static JSValue throw_not_destructurable(JSContext *ctx, JSValueConst value)
{
    Text t = { .ctx = ctx };
    CodeReader r;
    const char *is = JS_IsNull(value) ? "null" : "undefined";
    bool is_found = read_current(&r, ctx) && r.op == OP_to_object && r.depth >= 1;

    if (is_found) {
        uint32_t term = r.stack[r.depth - 1];
        bool has_default;
        JSAtom name = first_taken(&r, &has_default);
        /* Of a part of what is taken apart, or with a default, V8 tells only what was read. */
        if (name != JS_ATOM_NULL && (has_default || is_part(&r, term))) {
            print(&t, "Cannot read properties of ");
            print(&t, is);
            print(&t, " (reading '");
            print_key(&t, name);
            print(&t, "')");
        } else {
            print(&t, "Cannot destructure ");
            if (name != JS_ATOM_NULL) {
                print(&t, "property '");
                print_key(&t, name);
                print(&t, "' of ");
            }
            print(&t, "'");
            if (is_parameter(&r, term))
                print_kind(&t, value);
            else
                print_term(&t, &r, term, 0);
            print(&t, "' as it is ");
            print(&t, is);
            print(&t, ".");
        }
    } else {
        print(&t, "Cannot convert undefined or null to object");
    }
    end_reading(&r);
    return JS_ThrowTypeError(ctx, "%s", t.text);
}

/* Throws what V8 says when a class is called. Those of the platform are without text. */
static JSValue throw_class_called(JSContext *ctx, JSValueConst class)
{
    JSFunctionBytecode *b = JS_VALUE_GET_OBJ(class)->u.func.function_bytecode;
    const char *name = get_func_name(ctx, class);

    if (has_text(b))
        JS_ThrowTypeError(ctx, "Class constructor %s cannot be invoked without 'new'", name ? name : "");
    else
        JS_ThrowTypeError(ctx, "Failed to construct '%s': Please use the 'new' operator, this object constructor cannot be "
                          "called as a function.", name ? name : "");
    JS_FreeCString(ctx, name);
    return JS_EXCEPTION;
}

/* The same for constructors of the engine. */
static JSValue throw_needs_new(JSContext *ctx, JSValueConst constructor)
{
    const char *name = get_func_name(ctx, constructor);

    if (js_same_value(ctx, constructor, ctx->promise_ctor))
        JS_ThrowTypeError(ctx, "Promise constructor cannot be invoked without 'new'");
    else
        JS_ThrowTypeError(ctx, "Constructor %s requires 'new'", name ? name : "");
    JS_FreeCString(ctx, name);
    return JS_EXCEPTION;
}

/* Throws what V8 says of an object, or none, that has no private field `name`. */
static void throw_no_private_field(JSContext *ctx, JSValueConst object, JSValueConst name, bool is_written)
{
    static const char *const formats[3][2] = {
        { "private class field '%s' does not exist", "Cannot write private member %s to an object whose class did not declare it" },
        { "cannot read property '%s' of undefined", "cannot set property '%s' of undefined" },
        { "cannot read property '%s' of null", "cannot set property '%s' of null" },
    };
    int kind = JS_IsUndefined(object) ? 1 : JS_IsNull(object) ? 2 : 0;

    if (JS_VALUE_GET_TAG(name) != JS_TAG_SYMBOL)
        JS_ThrowTypeErrorNotASymbol(ctx);
    else
        JS_ThrowTypeErrorAtom(ctx, formats[kind][is_written], js_symbol_to_atom(ctx, name));
}

/* The value of the property `name` of `object` itself, if it is a plain one. */
static JSValueConst own_value(JSObject *object, JSAtom name)
{
    JSProperty *property;
    JSShapeProperty *found = find_own_property(&property, object, name);

    return found && (found->flags & JS_PROP_TMASK) == JS_PROP_NORMAL ? property->u.value : JS_UNDEFINED;
}

/* Throws what V8 says of `object`, which is not of the class whose private methods have `home`. */
static void throw_wrong_receiver(JSContext *ctx, JSValueConst object, JSObject *home)
{
    bool is_static = js_class_has_bytecode(home->class_id);
    JSValueConst class = is_static ? JS_MKPTR(JS_TAG_OBJECT, home) : own_value(home, JS_ATOM_constructor);
    JSValueConst name = JS_IsObject(class) ? own_value(JS_VALUE_GET_OBJ(class), JS_ATOM_name) : JS_UNDEFINED;
    const char *text = JS_IsString(name) ? JS_ToCString(ctx, name) : NULL;
    const char *shown = text && *text ? text : "anonymous";

    if (is_static)
        JS_ThrowTypeError(ctx, "Receiver must be class %s", shown);
    else if (JS_IsUndefined(object) || JS_IsNull(object))
        JS_ThrowTypeError(ctx, "Cannot read properties of %s (reading '%s')", JS_IsNull(object) ? "null" : "undefined", shown);
    else
        JS_ThrowTypeError(ctx, "Receiver must be an instance of class %s", shown);
    JS_FreeCString(ctx, text);
}
