//! Where the engine tells of mistakes, and what it says there: V8's words, which programs compare and people look up.
//!
//! `build/words.c` has them, `build/expression.c` and `build/reader.c` the text of the expression at fault. Fidelity: V8's messages as
//! workerd 1.20261117.1 gives them.

use super::changes::Change::{self, Before, Behind, Instead};

pub const WORDS: &[Change] = &[
    Behind(
        "static void release_text(JSRuntime *rt, SourceText *text);\n",
        "static JSValue throw_words(JSContext *ctx, const char *parts, JSValueConst value, JSAtom property);\n\
         static JSValue throw_of_key(JSContext *ctx, const char *format, JSAtom key);\n\
         static JSValue throw_not_callable(JSContext *ctx, JSValueConst callee, JSValueConst *argv, bool is_new);\n\
         static JSValue throw_not_iterable(JSContext *ctx, JSValueConst value);\n\
         static JSValue throw_not_destructurable(JSContext *ctx, JSValueConst value);\n\
         static JSValue throw_class_called(JSContext *ctx, JSValueConst class);\n\
         static JSValue throw_needs_new(JSContext *ctx, JSValueConst constructor);\n\
         static void throw_no_object_to_search(JSContext *ctx, JSValueConst key, JSValueConst value);\n\
         static void throw_no_private_field(JSContext *ctx, JSValueConst object, JSValueConst name, bool is_written);\n\
         static void throw_wrong_receiver(JSContext *ctx, JSValueConst object, JSObject *home);\n\
         static void throw_constant(JSContext *ctx, JSAtom name);\n\
         static int refuse(JSContext *ctx, int flags, const char *parts, JSValueConst value, JSAtom property);\n\
         static int refuse_assignment(JSContext *ctx, int flags, JSValueConst receiver, JSAtom property);\n\
         static int refuse_creation(JSContext *ctx, int flags, JSValueConst receiver, JSAtom property);\n",
    ),
    // Calls
    Instead(
        "            return JS_ThrowTypeErrorNotAFunction(caller_ctx);\n",
        "            return throw_not_callable(caller_ctx, func_obj, argv, false);\n",
    ),
    Instead(
        "        not_a_function:\n            return JS_ThrowTypeErrorNotAFunction(ctx);\n",
        "        not_a_function:\n            return throw_not_callable(ctx, func_obj, argv, true);\n",
    ),
    Instead(
        "    if (unlikely(!p->is_constructor))\n        return JS_ThrowTypeErrorNotAConstructor(ctx, func_obj);\n",
        "    if (unlikely(!p->is_constructor))\n        return throw_not_callable(ctx, func_obj, argv, true);\n",
    ),
    Instead(
        "    if (likely(JS_IsFunction(ctx, obj)))\n        return 0;\n    JS_ThrowTypeErrorNotAFunction(ctx);\n",
        "    if (likely(JS_IsFunction(ctx, obj)))\n        return 0;\n    throw_not_callable(ctx, obj, NULL, false);\n",
    ),
    Instead(
        "    if (check_function(ctx, executor))\n        return JS_EXCEPTION;\n    obj = js_promise_new(",
        "    if (!JS_IsFunction(ctx, executor))\n        \
         return throw_words(ctx, \"Promise resolver %v is not a function\", executor, JS_ATOM_NULL);\n    obj = js_promise_new(",
    ),
    Instead(
        "        if (check_function(ctx, asc.method))\n            goto exception;\n",
        "        if (!JS_IsFunction(ctx, asc.method)) {\n            \
         throw_words(ctx, \"The comparison function must be either a function or undefined: %v\", asc.method, JS_ATOM_NULL);\n            \
         goto exception;\n        }\n",
    ),
    Instead(
        "    if (!JS_IsUndefined(argv[0]))\n        if (check_function(ctx, argv[0]))\n            return JS_EXCEPTION;\n",
        "    if (!JS_IsUndefined(argv[0]) && !JS_IsFunction(ctx, argv[0]))\n        \
         return throw_words(ctx, \"The comparison function must be either a function or undefined: %v\", argv[0], JS_ATOM_NULL);\n",
    ),
    // Classes
    Instead(
        "                JS_ThrowTypeError(ctx, \"class constructors must be invoked with 'new'\");\n",
        "                throw_class_called(ctx, sf->cur_func);\n",
    ),
    Instead(
        "                ret_val = JS_ThrowTypeError(ctx, \"must be called with new\");\n",
        "                ret_val = throw_needs_new(ctx, func_obj);\n",
    ),
    Instead(
        "                JS_ThrowTypeError(ctx, \"parent class must be constructor\");\n",
        "                throw_words(ctx, \"Class extends value %v is not a constructor or null\", parent_class, JS_ATOM_NULL);\n",
    ),
    // Iteration
    Behind(
        "    JSValue method, ret, sync_iter;\n\n",
        "    if (!is_async && (JS_IsUndefined(obj) || JS_IsNull(obj)))\n        return throw_not_iterable(ctx, obj);\n",
    ),
    Before(
        "            sync_iter = JS_GetIterator2(ctx, obj, method);\n",
        "            if (!JS_IsFunction(ctx, method)) {\n                JS_FreeValue(ctx, method);\n                \
         return throw_not_iterable(ctx, obj);\n            }\n",
    ),
    Instead(
        "        return JS_ThrowTypeError(ctx, \"value is not iterable\");\n",
        "        return throw_not_iterable(ctx, obj);\n",
    ),
    Before(
        "    iterator = JS_GetProperty(ctx, sp[-1], JS_ATOM_Symbol_iterator);\n    if (JS_IsException(iterator))\n        return -1;\n    \
         /* Used to squelch",
        "    if (JS_IsUndefined(sp[-1]) || JS_IsNull(sp[-1])) {\n        throw_not_iterable(ctx, sp[-1]);\n        return -1;\n    }\n",
    ),
    Instead(
        "    if (!JS_IsObject(enum_obj)) {\n        JS_FreeValue(ctx, enum_obj);\n        return JS_ThrowTypeErrorNotAnObject(ctx);\n",
        "    if (!JS_IsObject(enum_obj)) {\n        JS_FreeValue(ctx, enum_obj);\n        \
         return JS_ThrowTypeError(ctx, \"Result of the Symbol.iterator method is not an object\");\n",
    ),
    Instead(
        "                if (!JS_IsObject(item)) {\n                    JS_ThrowTypeErrorNotAnObject(ctx);\n                    goto fail1;\n",
        "                if (!JS_IsObject(item)) {\n                    \
         throw_words(ctx, \"Iterator value %v is not an entry object\", item, JS_ATOM_NULL);\n                    goto fail1;\n",
    ),
    Instead(
        "        if (!JS_IsObject(item)) {\n            JS_ThrowTypeErrorNotAnObject(ctx);\n            goto fail1;\n",
        "        if (!JS_IsObject(item)) {\n            \
         throw_words(ctx, \"Iterator value %v is not an entry object\", item, JS_ATOM_NULL);\n            goto fail1;\n",
    ),
    Instead(
        "        return JS_ThrowTypeError(ctx, \"invalid value used as %s key\", is_set ? \"WeakSet\" : \"WeakMap\");\n",
        "        return JS_ThrowTypeError(ctx, is_set ? \"Invalid value used in weak set\" : \"Invalid value used as weak map key\");\n",
    ),
    // Objects that are taken apart
    Before(
        "                ret_val = JS_ToObject(ctx, sp[-1]);\n                if (JS_IsException(ret_val))\n                    \
         goto exception;\n                JS_FreeValue(ctx, sp[-1]);\n                sp[-1] = ret_val;\n",
        "                if (JS_IsUndefined(sp[-1]) || JS_IsNull(sp[-1])) {\n                    \
         throw_not_destructurable(ctx, sp[-1]);\n                    goto exception;\n                }\n",
    ),
    // Properties
    Instead(
        "    char buf[ATOM_GET_STR_BUF_SIZE];\n    JS_AtomGetStr(ctx, buf, sizeof(buf), atom);\n    return JS_ThrowTypeError(ctx, fmt, buf);\n",
        "    return throw_of_key(ctx, fmt, atom);\n",
    ),
    Instead(
        "                    JS_ThrowTypeErrorReadOnly(ctx, JS_PROP_THROW, atom);\n",
        "                    throw_constant(ctx, atom);\n",
    ),
    Instead(
        "            ret = JS_ThrowTypeErrorReadOnly(ctx, flags, prop);\n            goto done;\n        }\n        ret = JS_DefineProperty(",
        "            ret = refuse_assignment(ctx, flags, this_obj, prop);\n            goto done;\n        }\n        ret = JS_DefineProperty(",
    ),
    Instead(
        "    if (p == JS_VALUE_GET_OBJ(obj)) {\n        if (unlikely(!p->extensible)) {\n            \
         ret = JS_ThrowTypeErrorOrFalse(ctx, flags, \"object is not extensible\");\n",
        "    if (p == JS_VALUE_GET_OBJ(obj)) {\n        if (unlikely(!p->extensible)) {\n            \
         ret = refuse(ctx, flags, \"Cannot add property %p, object is not extensible\", this_obj, prop);\n",
    ),
    Instead(
        "    } else {\n        if (unlikely(!p->extensible)) {\n            \
         ret = JS_ThrowTypeErrorOrFalse(ctx, flags, \"object is not extensible\");\n",
        "    } else {\n        if (unlikely(!p->extensible)) {\n            \
         ret = refuse(ctx, flags, \"Cannot add property %p, object is not extensible\", this_obj, prop);\n",
    ),
    Instead(
        "    not_extensible:\n        return JS_ThrowTypeErrorOrFalse(ctx, flags, \"object is not extensible\");\n",
        "    not_extensible:\n        \
         return refuse(ctx, flags, \"Cannot define property %p, object is not extensible\", JS_UNDEFINED, prop);\n",
    ),
    Before(
        "            return call_setter(ctx, pr->u.getset.setter, this_obj, val, flags);\n        \
         } else if ((prs->flags & JS_PROP_TMASK) == JS_PROP_VARREF) {\n",
        "            if (!pr->u.getset.setter)\n                goto no_setter;\n",
    ),
    Instead(
        "            if ((prs->flags & JS_PROP_TMASK) == JS_PROP_GETSET) {\n                \
         return call_setter(ctx, pr->u.getset.setter, this_obj, val, flags);\n",
        "            if ((prs->flags & JS_PROP_TMASK) == JS_PROP_GETSET) {\n                \
         if (!pr->u.getset.setter) {\n                no_setter:\n                    \
         ret = refuse(ctx, flags, \"Cannot set property %p of %v which has only a getter\", this_obj, prop);\n                    \
         goto done;\n                }\n                \
         return call_setter(ctx, pr->u.getset.setter, this_obj, val, flags);\n",
    ),
    Instead(
        "    if (unlikely(!(get_shape_prop(p->shape)[0].flags & JS_PROP_WRITABLE)))\n        \
         return JS_ThrowTypeErrorReadOnly(ctx, flags, JS_ATOM_length);\n\n    if (likely(p->fast_array)) {\n",
        "    if (unlikely(!(get_shape_prop(p->shape)[0].flags & JS_PROP_WRITABLE)))\n        \
         return refuse_assignment(ctx, flags, JS_MKPTR(JS_TAG_OBJECT, p), JS_ATOM_length);\n\n    if (likely(p->fast_array)) {\n",
    ),
    Instead(
        "        ret = JS_ThrowTypeErrorOrFalse(ctx, flags, \"not an object\");\n",
        "        ret = refuse_creation(ctx, flags, this_obj, prop);\n",
    ),
    Instead(
        "        JS_ThrowTypeError(ctx, \"could not delete property\");\n",
        "        throw_words(ctx, \"Cannot delete property '%p' of %v\", obj, prop);\n",
    ),
    Instead(
        "    if (JS_VALUE_GET_TAG(op2) != JS_TAG_OBJECT) {\n        JS_ThrowTypeError(ctx, \"invalid 'in' operand\");\n",
        "    if (JS_VALUE_GET_TAG(op2) != JS_TAG_OBJECT) {\n        throw_no_object_to_search(ctx, op1, op2);\n",
    ),
    Instead(
        "    if (JS_VALUE_GET_TAG(op1) != JS_TAG_OBJECT) {\n        JS_ThrowTypeError(ctx, \"invalid 'in' operand\");\n",
        "    if (JS_VALUE_GET_TAG(op1) != JS_TAG_OBJECT) {\n        throw_no_object_to_search(ctx, op2, op1);\n",
    ),
    Instead(
        "    if (!JS_IsFunction(ctx, obj)) {\n    fail:\n",
        "    if (!JS_IsFunction(ctx, obj)) {\n        \
         JS_ThrowTypeError(ctx, \"Right-hand side of 'instanceof' is not callable\");\n        return -1;\n    fail:\n",
    ),
    Instead(
        "            JS_ThrowTypeError(ctx, \"operand 'prototype' property is not an object\");\n",
        "            throw_words(ctx, \"Function has non-object prototype '%v' in instanceof check\", obj_proto, JS_ATOM_NULL);\n",
    ),
    // Private members
    Instead(
        "    if (unlikely(JS_VALUE_GET_TAG(obj) != JS_TAG_OBJECT))\n        return JS_ThrowTypeErrorNotAnObject(ctx);\n    \
         /* safety check */\n",
        "    if (unlikely(JS_VALUE_GET_TAG(obj) != JS_TAG_OBJECT)) {\n        throw_no_private_field(ctx, obj, name, false);\n        \
         return JS_EXCEPTION;\n    }\n    /* safety check */\n",
    ),
    Behind(
        "static int JS_SetPrivateField(JSContext *ctx, JSValueConst obj,\n                              \
         JSValueConst name, JSValue val)\n{\n    JSObject *p;\n    JSShapeProperty *prs;\n    JSProperty *pr;\n    JSAtom prop;\n\n",
        "    if (unlikely(JS_VALUE_GET_TAG(obj) != JS_TAG_OBJECT)) {\n        throw_no_private_field(ctx, obj, name, true);\n        \
         goto fail;\n    }\n",
    ),
    Instead(
        "        JS_ThrowTypeErrorPrivateNotFound(ctx, prop);\n    fail:\n",
        "        throw_no_private_field(ctx, obj, name, true);\n    fail:\n",
    ),
    Before(
        "    /* get the brand array of 'obj' */\n",
        "    if (unlikely(JS_VALUE_GET_TAG(obj) != JS_TAG_OBJECT)) {\n        throw_wrong_receiver(ctx, obj, home_obj);\n        \
         return -1;\n    }\n",
    ),
    Instead(
        "                    JS_ThrowTypeError(ctx, \"invalid brand on object\");\n",
        "                    throw_wrong_receiver(ctx, sp[-2], JS_VALUE_GET_OBJ(sp[-1])->u.func.home_object);\n",
    ),
];
