//! Imports that may fail: `import("x")` in a `try`, or with a `catch`, of something that need not be there.
//!
//! Fidelity: esbuild 0.28, which leaves such an import in the code with a warning; it fails when it runs.

use oxc::allocator::Allocator;
use oxc::ast::ast::{CallExpression, Expression, ImportExpression, TryStatement};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::parser::Parser;
use oxc::span::SourceType;

/// Whether every `import()` of `specifier` in `text`, that of the file `path`, may fail.
pub(super) fn may_fail(path: &str, text: &str, specifier: &str) -> bool {
    let Ok(source_type) = SourceType::from_path(path) else { return false };
    let source_type = if source_type.is_typescript() { source_type } else { source_type.with_jsx(true) };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, source_type).parse();
    let mut guards = Guards { specifier, depth: 0, guarded: 0, bare: 0 };
    guards.visit_program(&parsed.program);
    guards.guarded > 0 && guards.bare == 0
}

struct Guards<'s> {
    specifier: &'s str,
    /// How many guards stand around.
    depth: usize,
    guarded: usize,
    bare: usize,
}

impl<'a> VisitJs<'a> for Guards<'_> {
    fn visit_try_statement(&mut self, statement: &TryStatement<'a>) {
        let guard = usize::from(statement.handler.is_some());
        self.depth += guard;
        self.visit_block_statement(&statement.block);
        self.depth -= guard;
        if let Some(handler) = &statement.handler {
            self.visit_catch_clause(handler);
        }
        if let Some(finalizer) = &statement.finalizer {
            self.visit_block_statement(finalizer);
        }
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        let guard = usize::from(catches(call));
        self.depth += guard;
        self.visit_expression(&call.callee);
        self.depth -= guard;
        call.arguments.iter().for_each(|argument| self.visit_argument(argument));
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        if matches!(&import.source, Expression::StringLiteral(literal) if literal.value == self.specifier) {
            if self.depth > 0 {
                self.guarded += 1;
            } else {
                self.bare += 1;
            }
        }
        walk_js::walk_import_expression(self, import);
    }
}

/// Whether `call` is `import(…).catch(…)` or `import(…).then(…, …)`, perhaps with more of the kind between.
fn catches(call: &CallExpression<'_>) -> bool {
    let Expression::StaticMemberExpression(member) = &call.callee else { return false };
    let handles = match member.property.name.as_str() {
        "catch" => !call.arguments.is_empty(),
        "then" => call.arguments.len() > 1,
        _ => false,
    };
    let mut object = &member.object;
    while let Expression::CallExpression(inner) = object {
        let Expression::StaticMemberExpression(inner) = &inner.callee else { return false };
        object = &inner.object;
    }
    handles && matches!(object, Expression::ImportExpression(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guarded_imports_are_told_from_others() {
        for (text, expected) in [
            ("import('x')", false),
            ("import('x').catch(f)", true),
            ("await import('x').then(f).catch(g)", true),
            ("import('x').then(f, g)", true),
            ("import('x').then(f)", false),
            ("import('x').catch()", false),
            ("try { await import('x') } catch {}", true),
            ("try { await import('x') } finally {}", false),
            ("try { f() } catch { await import('x') }", false),
            ("import('x').catch(f); import('x')", false),
            ("import('y').catch(f)", false),
        ] {
            assert_eq!(may_fail("/p/a.ts", text, "x"), expected, "{text}");
        }
    }
}
