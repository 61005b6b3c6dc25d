//! Loops at the top level that neither end nor do anything.
//!
//! The bundler takes a statement without effects away. One that never ends has an effect, and whoever wrote it has to hear of it:
//! it hangs on the platform. So its body gets a statement that does nothing and that the bundler keeps.

use oxc::allocator::ArenaVec;
use oxc::ast::ast::{Expression, Statement};
use oxc::ast::builder::AstBuilder;
use oxc::span::{GetSpan, SPAN};
use rolldown_ecmascript::{EcmaAst, WithMutFields};

/// Keeps such loops in `ast`.
pub(super) fn keep_endless_loops(ast: &mut EcmaAst) {
    if !ast.program().body.iter().any(is_endless) {
        return;
    }
    ast.program.with_mut(|WithMutFields { program, allocator, .. }| {
        let builder = AstBuilder::new(allocator);
        for statement in program.body.iter_mut().filter(|statement| is_endless(statement)) {
            let body = match statement {
                Statement::WhileStatement(it) => &mut it.body,
                Statement::DoWhileStatement(it) => &mut it.body,
                Statement::ForStatement(it) => &mut it.body,
                _ => continue,
            };
            let span = body.span();
            let kept = ArenaVec::from_value_in(Statement::new_debugger_statement(SPAN, &builder), &builder);
            *body = Statement::new_block_statement(span, kept, &builder);
        }
    });
}

fn is_endless(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::WhileStatement(it) => is_true(&it.test) && is_empty(&it.body),
        Statement::DoWhileStatement(it) => is_true(&it.test) && is_empty(&it.body),
        Statement::ForStatement(it) => it.test.as_ref().is_none_or(is_true) && is_empty(&it.body),
        _ => false,
    }
}

/// Whether `test` is written out as something true.
fn is_true(test: &Expression<'_>) -> bool {
    match test {
        Expression::BooleanLiteral(literal) => literal.value,
        Expression::NumericLiteral(literal) => literal.value != 0.0,
        _ => false,
    }
}

fn is_empty(body: &Statement<'_>) -> bool {
    match body {
        Statement::EmptyStatement(_) => true,
        Statement::BlockStatement(block) => block.body.iter().all(is_empty),
        _ => false,
    }
}
