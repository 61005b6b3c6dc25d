//! Lowers async functions to generators, for projects whose code asks for `AsyncLocalStorage`.
//!
//! The engine shows nobody the continuation of an `await`, so a value cannot follow it. A lowered function
//! steps through `Promise.prototype.then`, which the module `node:async_hooks` replaces by one that keeps
//! the value. It costs four times the time of an `await`, so other projects are left as they are, and
//! nothing but async functions is lowered. `await` outside of functions stays.

use std::path::Path;

use oxc::semantic::SemanticBuilder;
use oxc::transformer::{TransformOptions, Transformer};
use rolldown_ecmascript::{EcmaAst, WithMutFields};

/// The module whose import makes a project one of those.
pub(super) const ASYNC_CONTEXT: &str = "node:async_hooks";

/// Whether `text` can contain async functions; cheap, for all the files that do not.
pub(super) fn may_have_async(text: &str) -> bool {
    text.contains("async")
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
