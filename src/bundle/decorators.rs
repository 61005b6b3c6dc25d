//! Finds the syntax that the engine cannot run and the bundler does not lower: TC39 decorators and
//! `accessor` fields.
//!
//! TypeScript's older decorators (`experimentalDecorators`) are lowered by the bundler and are no
//! concern of this file. Lowering TC39 decorators is not built yet: they are refused by name.

use oxc::ast::ast::{AccessorProperty, Decorator, Program};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::span::Span;

/// What was found first, and where it stands in the program's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unlowered {
    /// A decorator, from its `@` on.
    Decorator(Span),
    /// A field declared with `accessor`.
    Accessor(Span),
}

/// Whether `text` can contain decorators at all; cheap, for all the files that do not.
pub(super) fn may_have_decorators(text: &str) -> bool {
    text.contains('@') || text.contains("accessor")
}

/// The first decorator or `accessor` field of `program`, in the order of the text.
pub(super) fn find_unlowered(program: &Program<'_>) -> Option<Unlowered> {
    let mut finder = Finder { found: None };
    finder.visit_program(program);
    finder.found
}

struct Finder {
    found: Option<Unlowered>,
}

impl Finder {
    fn note(&mut self, candidate: Unlowered) {
        let start = |found| match found {
            Unlowered::Decorator(span) | Unlowered::Accessor(span) => span.start,
        };
        if self.found.is_none_or(|found| start(candidate) < start(found)) {
            self.found = Some(candidate);
        }
    }
}

impl<'a> VisitJs<'a> for Finder {
    fn visit_decorator(&mut self, decorator: &Decorator<'a>) {
        self.note(Unlowered::Decorator(decorator.span));
    }

    fn visit_accessor_property(&mut self, property: &AccessorProperty<'a>) {
        self.note(Unlowered::Accessor(property.span));
        walk_js::walk_accessor_property(self, property);
    }
}
