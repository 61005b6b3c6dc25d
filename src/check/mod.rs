//! What can be said of code without running it: prohibitions of the platform that are found late otherwise.
//!
//! Text in, diagnostics out. Each rule prefers silence to a false alarm: what is certain to fail is an error, what
//! usually is a mistake a warning, what only deserves a look a hint. Files that do not parse are passed over: the
//! bundler has told of them.

mod constant;
mod limits;
mod module_state;
mod sockets;
mod sql;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use oxc::allocator::Allocator;
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::{SourceType, Span};

use crate::base::diag::{Diagnostic, SourceFile};
use constant::Constants;

/// Whether the rules know files of this name.
pub fn is_code(path: &Path) -> bool {
    SourceType::from_path(path).is_ok_and(|kind| !kind.is_typescript_definition())
}

/// What the rules say of one file, in the order of its text.
pub fn check(source: &Arc<SourceFile>) -> Vec<Diagnostic> {
    let Ok(mut kind) = SourceType::from_path(&source.path) else { return Vec::new() };
    if kind.is_javascript() {
        kind = kind.with_jsx(true);
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &source.text, kind).parse();
    if parsed.panicked {
        return Vec::new();
    }
    let semantic = SemanticBuilder::new().build(&parsed.program).semantic;
    let constants = Constants::of(&parsed.program, semantic.scoping());
    let mut found = sql::check(&parsed.program, &constants, source);
    found.extend(limits::check(&parsed.program, &constants, source));
    found.extend(sockets::check(&parsed.program, source));
    found.extend(module_state::check(&parsed.program, semantic.scoping(), source));
    found.sort_by_key(|diagnostic| diagnostic.labels.first().map_or(0, |label| label.span.start));
    found
}

fn range(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}
