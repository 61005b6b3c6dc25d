//! Lowers async functions to generators, for projects whose code asks for `AsyncLocalStorage`.
//!
//! The engine shows nobody the continuation of an `await`, so a value cannot follow it. A lowered function
//! steps through `Promise.prototype.then`, which the module `node:async_hooks` replaces by one that keeps
//! the value. It costs four times the time of an `await`, so other projects are left as they are, and
//! nothing but async functions is lowered. `await` outside of functions stays.

use std::path::Path;

use oxc::semantic::SemanticBuilder;
use oxc::span::SourceType;
use oxc::transformer::{TransformOptions, Transformer};
use oxc_sourcemap::SourceMapBuilder;
use rolldown_ecmascript::{EcmaAst, EcmaCompiler, PrintOptions, WithMutFields};

use super::built_maps;
use super::output::{Module, OutputKind};

/// The module whose import makes a project one of those.
pub(super) const ASYNC_CONTEXT: &str = "node:async_hooks";

/// Whether `text` can contain async functions; cheap, for all the files that do not.
pub(super) fn may_have_async(text: &str) -> bool {
    text.contains("async")
}

/// Whether `text` may get that module by other means than an import that the bundler follows: from `process`, or by an import that
/// is marked to be left alone, as libraries do that run in browsers too.
pub(super) fn asks_by_other_means(text: &str) -> bool {
    const MEANS: [&str; 3] = ["getBuiltinModule", "@vite-ignore", "webpackIgnore"];
    text.contains("async_hooks") && MEANS.iter().any(|means| text.contains(means))
}

/// The module that has what lowered functions call, for code that is not bundled; each has a module of its own too.
const HELPERS: &str = "@oxc-project/runtime/helpers.js";

/// The names of these functions.
const HELPER_NAMES: [&str; 6] = [
    "asyncGeneratorDelegate",
    "asyncIterator",
    "asyncToGenerator",
    "awaitAsyncGenerator",
    "usingCtx",
    "wrapAsyncGenerator",
];

/// What stands for the constructor of async functions in lowered code: `node:async_hooks` puts one there that
/// knows lowered functions too.
const CONSTRUCTOR: &str = "(globalThis[Symbol.for(\"dodev.AsyncFunction\")] ?? Function)";

/// `text` with every `(async () => {}).constructor` replaced, in whatever way it is written: of a lowered function it
/// would be the constructor of all functions, and code that tells async ones by it would take all for such.
/// Lines stay where they are; `None` if there is nothing to replace.
pub(super) fn keep_async_constructor(text: &str) -> Option<String> {
    const MEMBER: &str = ".constructor";
    let mut kept = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices(MEMBER) {
        let Some(start) = empty_async_function_before(&text[..at]).filter(|start| *start >= done) else {
            continue;
        };
        kept.push_str(&text[done..start]);
        kept.push_str(CONSTRUCTOR);
        done = at + MEMBER.len();
    }
    if done == 0 {
        return None;
    }
    kept.push_str(&text[done..]);
    Some(kept)
}

/// Where an empty async function starts that `head` ends with, with parentheses or `Object.getPrototypeOf()` around
/// it.
fn empty_async_function_before(head: &str) -> Option<usize> {
    let mut rest = head.trim_end();
    let mut open = 0;
    while let Some(inner) = rest.strip_suffix(')') {
        rest = inner.trim_end();
        open += 1;
    }
    rest = rest.strip_suffix('}')?.trim_end().strip_suffix('{')?.trim_end();
    let parameters = |text: &'_ str| -> Option<usize> {
        Some(text.strip_suffix(')')?.trim_end().strip_suffix('(')?.trim_end().len())
    };
    rest = match rest.strip_suffix("=>") {
        Some(arrow) => &rest[..parameters(arrow.trim_end())?],
        None => {
            let named = &rest[..parameters(rest)?];
            let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
            match named.strip_suffix("function") {
                Some(function) => function.trim_end(),
                None => named.trim_end_matches(name).trim_end().strip_suffix("function")?.trim_end(),
            }
        }
    };
    rest = rest.strip_suffix("async")?;
    for _ in 0..open {
        rest = rest.trim_end().strip_suffix('(')?;
        rest = rest.strip_suffix("Object.getPrototypeOf").unwrap_or(rest);
    }
    Some(rest.len())
}

/// Lowers the async functions of `ast`, the file `path`; `options` are those that the file is compiled with.
///
/// # Errors
/// What the transformer complains about, as text.
pub(super) fn lower_async(ast: &mut EcmaAst, path: &Path, options: &TransformOptions) -> Result<(), String> {
    let mut options = options.clone();
    options.env.es2017.async_to_generator = true;
    options.env.es2018.async_generator_functions = true;
    // A generator cannot hold `await using`.
    options.env.es2026.explicit_resource_management |= ast.source().contains("using");
    let result = ast.program.with_mut(|WithMutFields { program, allocator, .. }| {
        let scoping = SemanticBuilder::new().with_enum_eval(true).build(program).semantic.into_scoping();
        Transformer::new(allocator, path, &options).build_with_scoping(scoping, program)
    });
    match result.diagnostics.iter().find(|problem| problem.severity == oxc::diagnostics::Severity::Error) {
        Some(problem) => Err(problem.to_string()),
        None => Ok(()),
    }
}

/// Lowers the async functions of `modules`, which are not bundled, if any of them asks for `AsyncLocalStorage`, and
/// adds what they call. Modules that are no JavaScript stay as they are.
///
/// Lines of lowered modules move; their source maps say where they were.
pub(super) fn lower_modules(modules: &mut Vec<Module>, shown: impl Fn(&Module) -> String) {
    let asks = |module: &Module| {
        module.kind == OutputKind::EsModule && String::from_utf8_lossy(&module.code).contains("async_hooks")
    };
    if !modules.iter().any(asks) {
        return;
    }
    for module in modules.iter_mut().filter(|module| module.kind == OutputKind::EsModule) {
        let text = String::from_utf8_lossy(&module.code).into_owned();
        if !may_have_async(&text) {
            continue;
        }
        // What the transformer refuses runs as it is: it only loses its values.
        if let Some((code, map)) = lowered(&text, &shown(module)) {
            module.code = code.into();
            let built = module.source_map.take().filter(|_| built_maps::has_map(&text));
            module.source_map = built.and_then(|built| built_maps::joined(&map, &built)).or(Some(map));
        }
    }
    let helper = |name: String, code: String| Module {
        name,
        kind: OutputKind::EsModule,
        code: code.into(),
        source_map: Some(SourceMapBuilder::default().into_sourcemap().to_json_string()),
    };
    modules.push(helper(HELPERS.to_owned(), include_str!("lowered_async.js").to_owned()));
    modules.extend(HELPER_NAMES.iter().map(|name| {
        let code = format!("export {{ {name} as default }} from \"{HELPERS}\";");
        helper(format!("@oxc-project/runtime/helpers/{name}"), code)
    }));
}

/// The text of the module `path` with its async functions lowered, and a map to what it was.
fn lowered(text: &str, path: &str) -> Option<(String, String)> {
    let kept = keep_async_constructor(text);
    let text = kept.as_deref().unwrap_or(text);
    let mut ast = EcmaCompiler::parse(path, text, SourceType::mjs()).ok()?;
    lower_async(&mut ast, Path::new(path), &TransformOptions::default()).ok()?;
    let options = PrintOptions { filename: path.to_owned(), sourcemap: true, ..PrintOptions::default() };
    let printed = EcmaCompiler::print_with(&ast, options);
    let map = printed.map?.to_json_string();
    Some((printed.code, map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constructor_of_async_functions_is_found_however_it_is_written() {
        for probe in [
            "(async () => {}).constructor",
            "(async()=>{}).constructor",
            "(async function () { }).constructor",
            "(async function named() {}).constructor",
            "Object.getPrototypeOf(async () => {}).constructor",
            "Object.getPrototypeOf(async function(){}).constructor",
            "async function () {}.constructor",
        ] {
            let text = format!("const a = 1;\nconst A = {probe}, b = 2;");
            let expected = format!("const a = 1;\nconst A = {CONSTRUCTOR}, b = 2;");
            assert_eq!(keep_async_constructor(&text), Some(expected), "{probe}");
        }
        for text in
            ["x.constructor", "(() => {}).constructor", "(async () => { x }).constructor", "{}.constructor"]
        {
            assert_eq!(keep_async_constructor(text), None, "{text}");
        }
    }
}
