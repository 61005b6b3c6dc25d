//! What the engine's own functions say of what they are given: V8's words, with the value at fault.
//!
//! Fidelity: V8's messages as workerd 1.20261117.1 gives them (`fixtures/mistakes`).

use super::changes::Change::{self, Behind, Instead};

pub const BUILTINS: &[Change] = &[
    Behind(
        "static void release_text(JSRuntime *rt, SourceText *text);\n",
        "static JSValue throw_range(JSContext *ctx, const char *parts, JSValueConst value);\n\
         static JSValue throw_no_bigint(JSContext *ctx, JSValue text);\n\
         static JSValue throw_of_text_method(JSContext *ctx, const char *format);\n\
         static JSValue throw_receiver(JSContext *ctx, JSValueConst receiver, int class_id);\n\
         static int to_index(JSContext *ctx, uint64_t *index, JSValueConst value, const char *parts);\n\
         static JSValue throw_misaligned(JSContext *ctx, const char *what, int class_id, int size);\n",
    ),
    // Receivers
    Instead(
        "    if (unlikely(!p)) {\n        JS_ThrowTypeErrorInvalidClass(ctx, class_id);\n    }\n    return p;\n}\n\n\
         void *JS_GetAnyOpaque(",
        "    if (unlikely(!p)) {\n        throw_receiver(ctx, obj, class_id);\n    }\n    return p;\n}\n\n\
         void *JS_GetAnyOpaque(",
    ),
    Instead(
        "        return JS_ThrowTypeError(ctx, \"null or undefined are forbidden\");\n    return JS_ToString(ctx, val);\n",
        "        return throw_of_text_method(ctx, \"String.prototype.%s called on null or undefined\");\n    return JS_ToString(ctx, val);\n",
    ),
    // Objects and their properties
    Instead(
        "        not_configurable:\n            return JS_ThrowTypeErrorOrFalse(ctx, flags, \"property is not configurable\");\n",
        "        not_configurable:\n            return refuse(ctx, flags, \"Cannot redefine property: %p\", JS_UNDEFINED, prop);\n",
    ),
    Instead(
        "        JS_ThrowTypeError(ctx, \"Property description must be an object\");\n",
        "        throw_words(ctx, \"Property description must be an object: %v\", desc, JS_ATOM_NULL);\n",
    ),
    Instead(
        "            JS_ThrowTypeError(ctx, \"Getter must be a function\");\n",
        "            throw_words(ctx, \"Getter must be a function: %v\", getter, JS_ATOM_NULL);\n",
    ),
    Instead(
        "            JS_ThrowTypeError(ctx, \"Setter must be a function\");\n",
        "            throw_words(ctx, \"Setter must be a function: %v\", setter, JS_ATOM_NULL);\n",
    ),
    Instead(
        "        JS_ThrowTypeError(ctx, \"Invalid property descriptor. Cannot both specify accessors and a value or writable attribute\");\n",
        "        throw_words(ctx, \"Invalid property descriptor. Cannot both specify accessors and a value or writable attribute, %v\", \
         desc, JS_ATOM_NULL);\n",
    ),
    Instead(
        "        return JS_ThrowTypeError(ctx, \"object prototype may only be an Object or null\");\n",
        "        return throw_words(ctx, \"Object prototype may only be an Object or null: %v\", proto, JS_ATOM_NULL);\n",
    ),
    Instead(
        "    if (!p->extensible) {\n        if (throw_flag) {\n            JS_ThrowTypeError(ctx, \"object is not extensible\");\n            \
         return -1;\n        } else {\n",
        "    if (!p->extensible) {\n        if (throw_flag) {\n            \
         throw_words(ctx, \"%v is not extensible\", obj, JS_ATOM_NULL);\n            return -1;\n        } else {\n",
    ),
    Instead(
        "        JS_VALUE_GET_TAG(handler) != JS_TAG_OBJECT) {\n        return JS_ThrowTypeErrorNotAnObject(ctx);\n",
        "        JS_VALUE_GET_TAG(handler) != JS_TAG_OBJECT) {\n        \
         return JS_ThrowTypeError(ctx, \"Cannot create proxy with a non-object as target or handler\");\n",
    ),
    // Numbers
    Instead(
        "    val = JS_StringToBigInt(ctx, val);\n    if (JS_VALUE_IS_NAN(val))\n        \
         return JS_ThrowSyntaxError(ctx, \"invalid BigInt literal\");\n    return val;\n",
        "    JSValue text = js_dup(val);\n\n    val = JS_StringToBigInt(ctx, val);\n    if (JS_VALUE_IS_NAN(val))\n        \
         return throw_no_bigint(ctx, text);\n    JS_FreeValue(ctx, text);\n    return val;\n",
    ),
    Instead(
        "                    val = JS_ThrowRangeError(ctx, \"cannot convert to BigInt: not an integer\");\n",
        "                    val = throw_range(ctx, \"The number %v cannot be converted to a BigInt because it is not an integer\", val);\n",
    ),
    Instead(
        "                    val = JS_ThrowRangeError(ctx, \"cannot convert NaN or Infinity to BigInt\");",
        "                    val = throw_range(ctx, \"The number %v cannot be converted to a BigInt because it is not an integer\", val);",
    ),
    Instead(
        "        JS_FreeValue(ctx, val);\n        return JS_ThrowTypeError(ctx, \"cannot convert to BigInt\");\n",
        "        throw_words(ctx, \"Cannot convert %v to a BigInt\", val, JS_ATOM_NULL);\n        JS_FreeValue(ctx, val);\n        \
         return JS_EXCEPTION;\n",
    ),
    Instead(
        "    if (f < 0 || f > 100)\n        return JS_ThrowRangeError(ctx, \"invalid number of digits\");\n    if (fabs(d) >= 1e21)\n",
        "    if (f < 0 || f > 100)\n        \
         return JS_ThrowRangeError(ctx, \"toFixed() digits argument must be between 0 and 100\");\n    if (fabs(d) >= 1e21)\n",
    ),
    Instead(
        "            return JS_ThrowRangeError(ctx, \"invalid number of digits\");\n        f++;\n",
        "            return JS_ThrowRangeError(ctx, \"toExponential() argument must be between 0 and 100\");\n        f++;\n",
    ),
    Instead(
        "    if (p < 1 || p > 100)\n        return JS_ThrowRangeError(ctx, \"invalid number of digits\");\n",
        "    if (p < 1 || p > 100)\n        return JS_ThrowRangeError(ctx, \"toPrecision() argument must be between 1 and 100\");\n",
    ),
    // Texts
    Instead(
        "        JS_ThrowRangeError(ctx, \"invalid repeat count\");\n",
        "        throw_range(ctx, \"Invalid count value: %v\", argv[0]);\n",
    ),
    Instead(
        "            JS_ThrowTypeError(ctx, \"regexp must have the 'g' flag\");\n",
        "            throw_of_text_method(ctx, \"String.prototype.%s called with a non-global RegExp argument\");\n",
    ),
    // Bytes
    Instead(
        "    if (JS_ToIndex(ctx, &len, argv[0]))\n        return JS_EXCEPTION;\n    if (argc < 2)\n        goto next;\n",
        "    if (to_index(ctx, &len, argv[0], \"Invalid array buffer length\"))\n        return JS_EXCEPTION;\n    if (argc < 2)\n        goto next;\n",
    ),
    Instead(
        "        if (JS_ToIndex(ctx, &len, argv[0]))\n            return JS_EXCEPTION;\n        \
         buffer = js_array_buffer_constructor1(ctx, JS_UNDEFINED,\n",
        "        if (to_index(ctx, &len, argv[0], \"Invalid typed array length: %v\"))\n            return JS_EXCEPTION;\n        \
         buffer = js_array_buffer_constructor1(ctx, JS_UNDEFINED,\n",
    ),
    Instead(
        "            if ((offset & ((1 << size_log2) - 1)) != 0 ||\n                offset > abuf->byte_length)\n                \
         return JS_ThrowRangeError(ctx, \"invalid offset\");\n",
        "            if ((offset & ((1 << size_log2) - 1)) != 0)\n                \
         return throw_misaligned(ctx, \"start offset\", classid, 1 << size_log2);\n            \
         if (offset > abuf->byte_length)\n                \
         return throw_range(ctx, \"Start offset %v is outside the bounds of the buffer\", argv[1]);\n",
    ),
    Instead(
        "                    if ((abuf->byte_length & ((1 << size_log2) - 1)) != 0)\n                        goto invalid_length;\n",
        "                    if ((abuf->byte_length & ((1 << size_log2) - 1)) != 0)\n                        \
         return throw_misaligned(ctx, \"byte length\", classid, 1 << size_log2);\n",
    ),
    Instead(
        "                invalid_length:\n                    return JS_ThrowRangeError(ctx, \"invalid length\");\n",
        "                    return throw_range(ctx, \"Invalid typed array length: %v\", argv[2]);\n",
    ),
    Instead(
        "        range_error:\n            JS_ThrowRangeError(ctx, \"invalid array length\");\n",
        "        range_error:\n            JS_ThrowRangeError(ctx, \"offset is out of bounds\");\n",
    ),
    Instead(
        "    if (JS_ToIndex(ctx, &pos, argv[0]))\n        return JS_EXCEPTION;\n    littleEndian",
        "    if (to_index(ctx, &pos, argv[0], \"Offset is outside the bounds of the DataView\"))\n        return JS_EXCEPTION;\n    littleEndian",
    ),
    Instead(
        "    if (JS_ToIndex(ctx, &pos, argv[0]))\n        return JS_EXCEPTION;\n    val = argv[1];\n",
        "    if (to_index(ctx, &pos, argv[0], \"Offset is outside the bounds of the DataView\"))\n        return JS_EXCEPTION;\n    val = argv[1];\n",
    ),
    Instead(
        "        return JS_ThrowRangeError(ctx, \"invalid byteOffset\");\n    len =",
        "        return throw_range(ctx, \"Start offset %v is outside the bounds of the buffer\", argv[1]);\n    len =",
    ),
    Instead(
        "            return JS_ThrowRangeError(ctx, \"invalid byteLength\");\n        len = l;\n",
        "            return throw_range(ctx, \"Invalid DataView length %v\", argv[2]);\n        len = l;\n",
    ),
    // Iterators
    Instead(
        "    if (!JS_IsObject(obj)) {\n        JS_ThrowTypeError(ctx, \"iterator must return an object\");\n        return -1;\n",
        "    if (!JS_IsObject(obj)) {\n        throw_words(ctx, \"Iterator result %v is not an object\", obj, JS_ATOM_NULL);\n        \
         return -1;\n",
    ),
    Instead(
        "        JS_FreeValue(ctx, obj);\n        JS_ThrowTypeError(ctx, \"iterator must return an object\");\n",
        "        throw_words(ctx, \"Iterator result %v is not an object\", obj, JS_ATOM_NULL);\n        JS_FreeValue(ctx, obj);\n",
    ),
];
