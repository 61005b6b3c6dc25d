//! Variables that are read once and stay variables.
//!
//! rolldown frees each module of its dead code with a minifier that also puts what a variable stands for in its place, if it is read
//! once, by the next statement: `const list = env.LIST; list.map(f)` becomes `env.LIST.map(f)`. That does the same, but what is said of a
//! mistake differs: `list.map is not a function`, where the platform's bundler leaves the code as it was written. So a statement
//! that does nothing, and that the minifier keeps, stands in between.

use oxc::allocator::{Allocator, ArenaVec, TakeIn};
use oxc::ast::ast::{ArrowFunctionExpression, Function, Statement};
use oxc::ast::builder::AstBuilder;
use oxc::ast_visit::{VisitMut, walk_mut};
use oxc::semantic::ScopeFlags;
use oxc::span::SPAN;
use rolldown_ecmascript::{EcmaAst, WithMutFields};

/// Keeps the variables of functions. Those of the top level are left: a statement with an effect would keep a module that nobody needs.
pub(super) fn keep_variables(ast: &mut EcmaAst) {
    ast.program.with_mut(|WithMutFields { program, allocator, .. }| {
        Keeping { allocator, depth: 0 }.visit_program(program);
    });
}

struct Keeping<'a> {
    allocator: &'a Allocator,
    /// How many functions stand around.
    depth: usize,
}

impl<'a> VisitMut<'a> for Keeping<'a> {
    fn visit_function(&mut self, function: &mut Function<'a>, flags: ScopeFlags) {
        self.depth += 1;
        walk_mut::walk_function(self, function, flags);
        self.depth -= 1;
    }

    fn visit_arrow_function_expression(&mut self, function: &mut ArrowFunctionExpression<'a>) {
        self.depth += 1;
        walk_mut::walk_arrow_function_expression(self, function);
        self.depth -= 1;
    }

    fn visit_statements(&mut self, statements: &mut ArenaVec<'a, Statement<'a>>) {
        walk_mut::walk_statements(self, statements);
        let Some((_, before)) = statements.split_last() else { return };
        let kept = before.iter().filter(|statement| has_values(statement)).count();
        if self.depth == 0 || kept == 0 {
            return;
        }
        let builder = AstBuilder::new(self.allocator);
        let mut all = ArenaVec::with_capacity_in(statements.len() + kept, &builder);
        let last = statements.len() - 1;
        for (place, statement) in statements.take_in(&builder).into_iter().enumerate() {
            let is_kept = place < last && has_values(&statement);
            all.push(statement);
            if is_kept {
                all.push(Statement::new_debugger_statement(SPAN, &builder));
            }
        }
        *statements = all;
    }
}

/// Whether it declares variables with what they stand for.
fn has_values(statement: &Statement<'_>) -> bool {
    let Statement::VariableDeclaration(declaration) = statement else { return false };
    !declaration.kind.is_using()
        && declaration.declarations.iter().any(|it| it.init.is_some() && it.id.is_binding_identifier())
}
