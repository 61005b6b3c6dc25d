//! Compiles the engine for dodev: the source that `rquickjs-sys` brings along, with lines of ours by which it does less, and can
//! be ended everywhere.
//!
//! Only `quickjs.c` is compiled here; `rquickjs-sys` has the rest of the engine. What is changed behaves as before, to any program:
//!
//! - Calls between the engine's own functions may be inlined, as in a program without shared libraries.
//! - Promises that only the engine settles (those of asynchronous functions, of `then`, of `Promise.resolve`) have no resolving
//!   functions: two objects with two properties each. The promise stands in their place. An `await` has one handler, not two.
//! - A property that an ordinary object has not is added without looking for it twice. Objects without properties have no room for
//!   any, and those of the others are moved to larger room less often.
//! - `typeof x === "object"` makes no string, and values are compared by kind and place first.
//! - Of memory for small blocks, two pieces of each size are kept when nothing of them is used.
//! - Numbers and objects are spread over the lists of a `Map` or `Set`; they stood in a few of them.
//! - Names of a module's top level are found by a table. They were searched one by one, which was a third of what compiling a
//!   large bundle took.
//! - Functions share the text that they came from. Each had a copy of its own, and of all functions inside of it.
//! - `join`, `slice`, `sort` and their like ask whether to stop, however long the array.
//! - Calls have places of their own in stacks: the last argument's stood for them.
//! - What is called and is no function, or iterated and cannot be, is told with its text, and other mistakes with the values at
//!   fault, in V8's words (`build/words.rs` has the places).
//!
//! The prelude is compiled by the engine of the build, which is unchanged: changes must leave the bytecode's format alone.

use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

use super::builtins::BUILTINS;
use super::changes::Change::{self, Before, Behind, Instead};
use super::changes::{changed, compile, out_dir};
use super::places::PLACES;
use super::words::WORDS;

/// The version that [`CHANGES`] was written for, as its header has it.
const VERSION: &str =
    "#define QJS_VERSION_MAJOR 0\n#define QJS_VERSION_MINOR 16\n#define QJS_VERSION_PATCH 2\n";

/// Name of the library made here.
const LIBRARY: &str = "dodev_quickjs";

const CHANGES: &[Change] = &[
    Behind("static void free_var_ref(JSRuntime *rt, JSVarRef *var_ref);\n", include_str!("quickjs.h")),
    // Promises without resolving functions
    Behind(
        "    s->promise_result = JS_UNDEFINED;\n    JS_SetOpaqueInternal(obj, s);\n",
        "    if (resolving_funcs)\n",
    ),
    Behind(
        "        if (is_same)\n            return js_dup(argv[0]);\n    }\n",
        "    if (is_own_promise_constructor(ctx, this_val))\n        return new_settled_promise(ctx, argv[0], is_reject);\n",
    ),
    Instead(
        "    result_promise = js_new_promise_capability(ctx, resolving_funcs, ctor);\n",
        "    result_promise = new_derived_promise(ctx, resolving_funcs, ctor);\n",
    ),
    Instead(
        "    promise = JS_NewPromiseCapability(ctx, s->resolving_funcs);\n",
        "    promise = new_bare_promise(ctx, s->resolving_funcs);\n",
    ),
    Instead(
        "            ret2 = JS_Call(ctx, s->resolving_funcs[1], JS_UNDEFINED,\n                           1, vc(&error));\n",
        "            settle(ctx, s->resolving_funcs[0], error, true);\n",
    ),
    Instead(
        "            ret2 = JS_Call(ctx, s->resolving_funcs[0], JS_UNDEFINED,\n                           1, vc(&value));\n",
        "            settle(ctx, s->resolving_funcs[0], value, false);\n",
    ),
    Instead("    JSValue func_ret, ret2;\n", "    JSValue func_ret;\n"),
    Instead(
        "        resolved:\n            if (unlikely(JS_IsException(ret2))) {\n                \
         if (JS_IsUncatchableError(ctx->rt->current_exception)) {\n                    is_success = false;\n                \
         } else {\n                    abort(); /* BUG */\n                }\n            }\n            \
         JS_FreeValue(ctx, ret2);\n",
        "        resolved:;\n",
    ),
    Before(
        "    func = argv[is_reject];\n    /* as an extension, we support undefined as value to avoid\n",
        "    if (JS_IsPromise(argv[0])) {\n        settle(ctx, argv[0], res, is_reject);\n        JS_FreeValue(ctx, res);\n        \
         return JS_UNDEFINED;\n    }\n",
    ),
    // What ended a turn is no reason to reject a promise: the code around it does not go on
    Before(
        "        JSValue ret2, error;\n        error = JS_GetException(ctx);\n        \
         ret2 = JS_Call(ctx, args[1], JS_UNDEFINED, 1, vc(&error));\n",
        "        if (JS_IsUncatchableError(ctx->rt->current_exception))\n            goto fail;\n",
    ),
    Before(
        "        is_reject = 1;\n        ret = JS_GetException(ctx);\n    }\n    \
         ret2 = JS_Call(ctx, resolving_funcs[is_reject], JS_UNDEFINED, 1, vc(&ret));\n",
        "        if (JS_IsUncatchableError(ctx->rt->current_exception)) {\n            \
         JS_FreeValue(ctx, resolving_funcs[0]);\n            JS_FreeValue(ctx, resolving_funcs[1]);\n            \
         JS_FreeValue(ctx, result_promise);\n            return JS_EXCEPTION;\n        }\n",
    ),
    // Reactions
    Instead(
        "            if (js_async_function_resolve_create(ctx, s, resolving_funcs)) {\n",
        "            if (new_await_handler(ctx, s, resolving_funcs)) {\n",
    ),
    Instead(
        "        res = JS_Call(ctx, handler, JS_UNDEFINED, 1, &arg);\n",
        "        res = call_handler(ctx, handler, arg, is_reject);\n",
    ),
    Before(
        "    rd_array[0] = NULL;\n    rd_array[1] = NULL;\n    for(i = 0; i < 2; i++) {\n        JSValueConst handler;\n",
        "    if (s->promise_state != JS_PROMISE_PENDING)\n        \
         return react_to_settled(ctx, promise, resolve_reject, cap_resolving_funcs);\n",
    ),
    // Properties
    Before(
        "    ret = JS_DefinePropertyValueConst(ctx, this_obj, prop, val, flags);\n    JS_FreeValue(ctx, val);\n",
        "    if (add_fresh_value(ctx, this_obj, prop, val, flags))\n        return true;\n",
    ),
    // Room for four of them when there is the first one, and for twice as many then
    Instead(
        "    p->prop = js_malloc(ctx, sizeof(JSProperty) * sh->prop_size);\n    if (unlikely(!p->prop)) {\n",
        "    p->prop = NULL;\n    if (unlikely((sh->prop_count > 0 || class_id == JS_CLASS_C_FUNCTION) && reserve_properties(ctx, p))) {\n",
    ),
    Instead(
        "            if (new_sh->prop_size != sh->prop_size) {\n",
        "            if (!p->prop || new_sh->prop_size != sh->prop_size) {\n",
    ),
    Before(
        "    if (add_shape_property(ctx, &p->shape, p, prop, prop_flags))\n        return NULL;\n    \
         return &p->prop[p->shape->prop_count - 1];\n",
        "    if (!p->prop && reserve_properties(ctx, p))\n        return NULL;\n",
    ),
    Instead(
        "        sh = js_new_shape(ctx, proto);\n        if (!sh)\n            return JS_EXCEPTION;\n    }\n    \
         return JS_NewObjectFromShape(ctx, sh, class_id, NULL);\n",
        "        sh = js_new_shape2(ctx, proto, JS_PROP_INITIAL_HASH_SIZE,\n                           \
         class_id == JS_CLASS_OBJECT ? 4 : JS_PROP_INITIAL_SIZE);\n        if (!sh)\n            \
         return JS_EXCEPTION;\n    }\n    return JS_NewObjectFromShape(ctx, sh, class_id, NULL);\n",
    ),
    Instead(
        "    new_size = max_int(count, sh->prop_size * 3 / 2);\n",
        "    new_size = max_int(count, sh->prop_size * 2);\n",
    ),
    // `typeof x === "object"` makes no string
    Behind(
        "                op1 = sp[-1];\n                atom = js_operator_typeof(ctx, op1);\n",
        "                if (pc[0] == OP_push_atom_value && (pc[5] == OP_strict_eq || pc[5] == OP_strict_neq)) {\n                    \
         sp[-1] = js_bool((get_u32(pc + 1) == atom) == (pc[5] == OP_strict_eq));\n                    \
         JS_FreeValue(ctx, op1);\n                    pc += 6;\n                    BREAK;\n                }\n",
    ),
    // `===` looks inside of two values only where their kinds and places in memory do not tell
    Instead(
        "    res = js_strict_eq(ctx, sp[-2], sp[-1]);\n",
        "    res = is_strictly_equal(ctx, sp[-2], sp[-1]);\n",
    ),
    // Two arenas of each size are kept when they are empty: a request would make them anew
    Instead(
        "        if (unlikely(ar->n_used_blocks == 0)) {\n",
        "        if (unlikely(ar->n_used_blocks == 0) && has_enough_arenas(rt, block_size_idx)) {\n",
    ),
    // Hashes of keys: their lowest bits choose the list, and these were the same for all small numbers
    Instead(
        "    return h ^ ctx->hash_seed ^ hash32(tag);\n",
        "    h ^= ctx->hash_seed ^ hash32(tag);\n    h = (h ^ (h >> 16)) * 0x45d9f3b;\n    return h ^ (h >> 16);\n",
    ),
    // Letting go of contexts, which the bindings do all the time
    Instead(
        "void JS_FreeContext(JSContext *ctx)\n{\n    JSRuntime *rt = ctx->rt;\n    int i;\n\n    if (--JS_REF_COUNT(ctx) > 0)\n        return;\n",
        "static no_inline void free_unused_context(JSContext *ctx);\n\nvoid JS_FreeContext(JSContext *ctx)\n{\n    \
         if (--JS_REF_COUNT(ctx) == 0)\n        free_unused_context(ctx);\n}\n\n\
         static no_inline void free_unused_context(JSContext *ctx)\n{\n    JSRuntime *rt = ctx->rt;\n    int i;\n\n",
    ),
    // Loops over arrays ask whether to stop
    Before(
        "    val = JS_EXCEPTION;\n    present = -1;\n    prop = JS_NewAtomInt64(ctx, idx);\n",
        "    if (js_poll_interrupts(ctx)) {\n        *pval = JS_EXCEPTION;\n        return -1;\n    }\n",
    ),
    Before(
        "        if (i > 0) {\n            if (c >= 0) {\n                string_buffer_putc8(b, c);\n",
        "        if (js_poll_interrupts(ctx))\n            goto fail;\n",
    ),
    // Names of the top level
    Behind(
        "    uint32_t *vars_htab; // indexes into vars[]\n",
        "    NameTable names; /* places in closure_var */\n",
    ),
    Instead(
        "        for (idx1 = 0; idx1 < fd->closure_var_count; idx1++) {\n",
        "        for (idx1 = first_named(ctx, fd, var_name); idx1 < fd->closure_var_count; idx1++) {\n",
    ),
    Behind(
        "    js_free(ctx, fd->vars_htab); // XXX can probably be freed earlier?\n",
        "    js_free(ctx, fd->names.places);\n",
    ),
    Before(
        "    js_free(ctx, fd->closure_var);\n    fd->closure_var = NULL;\n",
        "    js_free(ctx, fd->names.places);\n",
    ),
    Instead(
        "        for(idx = 0; idx < s->closure_var_count; idx++) {\n            JSClosureVar *cv = &s->closure_var[idx];\n            \
         if (cv->var_name == hf->var_name) {\n                has_closure = 2;\n",
        "        for(idx = first_named(ctx, s, hf->var_name); idx < s->closure_var_count; idx++) {\n            \
         JSClosureVar *cv = &s->closure_var[idx];\n            if (cv->var_name == hf->var_name) {\n                has_closure = 2;\n",
    ),
    // Texts of functions: places in what is parsed, until that is over
    Instead(
        "    char *source;\n} JSFunctionBytecode;\n",
        "    char *source;\n    struct SourceText *text; /* where it is in; NULL if it is the function's own */\n} JSFunctionBytecode;\n",
    ),
    Behind("    char *source;  /* raw source, utf-8 encoded */\n", "    SourceText *text;\n"),
    Instead(
        "    js_free(ctx, ctor_fd->source);\n    ctor_fd->source_len = s->buf_ptr - class_start_ptr;\n    \
         ctor_fd->source = js_strndup(ctx, (const char *)class_start_ptr, ctor_fd->source_len);\n    \
         if (!ctor_fd->source)\n        goto fail;\n",
        "    ctor_fd->source_len = s->buf_ptr - class_start_ptr;\n    ctor_fd->source = (char *)class_start_ptr;\n",
    ),
    Instead(
        "            fd->source_len = s->last_ptr - ptr;\n            \
         fd->source = js_strndup(ctx, (const char *)ptr, fd->source_len);\n            if (!fd->source)\n                goto fail;\n",
        "            fd->source_len = s->last_ptr - ptr;\n            fd->source = (char *)ptr;\n",
    ),
    Instead(
        "        fd->source_len = s->buf_ptr - ptr;\n        \
         fd->source = js_strndup(ctx, (const char *)ptr, fd->source_len);\n        if (!fd->source)\n            goto fail;\n",
        "        fd->source_len = s->buf_ptr - ptr;\n        fd->source = (char *)ptr;\n",
    ),
    Instead("    js_free(ctx, fd->source);\n", "    release_text(ctx->rt, fd->text);\n"),
    Before(
        "    fun_obj = js_create_function(ctx, fd);\n    if (JS_IsException(fun_obj))\n        goto fail1;\n",
        "    share_text(ctx, fd, input, input_len);\n",
    ),
    Before(
        "    /* add the module global variables in the closure */\n    if (fd->module) {\n        if (add_module_variables(ctx, fd))\n",
        "    if (keep_text(ctx, fd))\n        goto fail;\n",
    ),
    Behind("    b->source = fd->source;\n", "    b->text = fd->text;\n"),
    Instead(
        "    js_free_rt(rt, b->source);\n",
        "    if (b->text)\n        release_text(rt, b->text);\n    else\n        js_free_rt(rt, b->source);\n",
    ),
];

/// Makes the library and tells cargo to link it.
pub fn build() {
    const ADDITIONS: [&str; 7] = [
        "build/quickjs.c",
        "build/expression.c",
        "build/reader.c",
        "build/words.c",
        "build/places.c",
        "build/awaiting.c",
        "build/builtins.c",
    ];
    let out = out_dir();
    let folder = source_folder(&out);
    let read = |name: &str| {
        fs::read_to_string(folder.join(name)).expect("the source that `rquickjs-sys` brings along")
    };
    assert!(
        read("quickjs.h").contains(VERSION),
        "build/quickjs.rs is for another version of the engine than that in {}:\n{VERSION}",
        folder.display()
    );
    let additions = ADDITIONS.map(|file| fs::read_to_string(file).expect("a readable source file")).concat();
    let mut compiler = cc::Build::new();
    compiler.include(&folder).define("_GNU_SOURCE", None).flag_if_supported("-fno-semantic-interposition");
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "windows") {
        compiler.define("WIN32_LEAN_AND_MEAN", None).std("c11");
    }
    // What the engine asserts about itself, leaks above all, is for tests.
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        compiler.define("NDEBUG", None);
    }
    let changes = [CHANGES, WORDS, PLACES, BUILTINS];
    let text = changes.iter().fold(read("quickjs.c"), |text, changes| changed(text, "the engine", changes))
        + &additions;
    compile(compiler, &text, LIBRARY, &out);
}

/// Where `rquickjs-sys` puts its source when it is built: near `out`, our own folder of the build.
///
/// It does not say so to the scripts of other packages; but this one is linked with it, so it has been built. Of several the
/// newest counts; others are from builds with another version.
fn source_folder(out: &Path) -> PathBuf {
    let mut found = Vec::new();
    for folder in out.ancestors().skip(1).take(4) {
        find_sources(folder, 2, &mut found);
        // With a target given, the script's own dependencies are built beside the target's folder.
        let profile = folder.file_name().unwrap_or_default();
        find_sources(&folder.with_file_name("..").join(profile).join("build"), 1, &mut found);
    }
    let newest = found.into_iter().max().expect("`rquickjs-sys` puts its source where it is built");
    newest.1
}

/// Finds folders called `out` with the engine's source, at most `depth` folders below `folder`, and when they were written.
fn find_sources(folder: &Path, depth: usize, found: &mut Vec<(SystemTime, PathBuf)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for folder in entries.flatten().map(|entry| entry.path()) {
        let out = folder.join("out");
        match fs::metadata(out.join("quickjs.c")).and_then(|file| file.modified()) {
            Ok(written) if out.join("quickjs-atom.h").is_file() => found.push((written, out)),
            _ if depth > 1 => find_sources(&folder, depth - 1, found),
            _ => {}
        }
    }
}
