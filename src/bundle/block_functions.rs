//! Functions that sloppy code declares in a block, which it sees outside of that block as well.
//!
//! `if (old) { function f() {} }` makes a variable `f` of the function around it, too, which gets the value when the block is
//! entered. Strict code does not do so, and a bundle is strict. So such a variable is declared, with a function that sets it,
//! and the block calls that first. The names keep to their scopes: what the block sees stays its own.
//!
//! Fidelity: annex B.3.3 of the language's standard, and esbuild, which sets the variable at the block's beginning, and also a
//! parameter of the same name.

use std::collections::BTreeSet;

use oxc::ast::ast::{
    BindingPattern, BlockStatement, CatchClause, Class, Directive, ForInStatement, ForOfStatement,
    ForStatement, ForStatementInit, ForStatementLeft, Function, FunctionBody, IfStatement, Program,
    Statement, StaticBlock, SwitchStatement, VariableDeclaration,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::span::{GetSpan, Span};

use super::edits::{Edit, apply_edits};

/// The text of `program` in which such functions are seen outside of their blocks; `None` if there is nothing to change, as in
/// an ES module.
pub(super) fn hoist_block_functions(program: &Program<'_>) -> Option<String> {
    if program.body.iter().any(Statement::is_module_declaration) {
        return None;
    }
    let text = program.source_text;
    let mut prefix = "__set_".to_owned();
    while text.contains(&prefix) {
        prefix.insert(0, '_');
    }
    let mut hoisting = Hoisting { prefix, functions: Vec::new(), edits: Vec::new() };
    hoisting.function_like(&program.directives, &program.body, |hoisting| {
        walk_js::walk_statements(hoisting, &program.body);
    });
    apply_edits(text, hoisting.edits)
}

/// A function, or the top level, while it is looked at.
#[derive(Default)]
struct Enclosing {
    is_strict: bool,
    /// The names that each scope binds for itself, from the function's own inwards.
    scopes: Vec<BTreeSet<String>>,
    /// The functions that it declares outside of any block.
    own: BTreeSet<String>,
    hoisted: BTreeSet<String>,
}

struct Hoisting {
    prefix: String,
    functions: Vec<Enclosing>,
    edits: Vec<Edit>,
}

impl Hoisting {
    /// Looks into a function with these statements; `walk` goes through them.
    fn function_like(
        &mut self,
        directives: &[Directive<'_>],
        statements: &[Statement<'_>],
        walk: impl FnOnce(&mut Self),
    ) {
        let is_strict = self.functions.last().is_some_and(|outer| outer.is_strict)
            || directives.iter().any(|directive| directive.directive == "use strict");
        let own = declared_functions(statements).map(|(name, _)| name).collect();
        let scopes = vec![lexical_names(statements)];
        self.functions.push(Enclosing { is_strict, scopes, own, ..Enclosing::default() });
        walk(self);
        let Some(done) = self.functions.pop() else { return };
        let Some(first) = statements.first() else { return };
        let declared = done.hoisted.iter().map(|name| {
            let setter = format!("{}{name}", self.prefix);
            let variable = if done.own.contains(name) { String::new() } else { format!("var {name};") };
            format!("{variable}function {setter}({setter}_){{{name}={setter}_}}")
        });
        let declared: String = declared.collect();
        if !declared.is_empty() {
            self.edits.push(Edit::insert(first.span().start, declared));
        }
    }

    /// Looks into a scope that binds `names`.
    fn scope(&mut self, names: BTreeSet<String>, walk: impl FnOnce(&mut Self)) {
        if let Some(function) = self.functions.last_mut() {
            function.scopes.push(names);
        }
        walk(self);
        if let Some(function) = self.functions.last_mut() {
            function.scopes.pop();
        }
    }

    /// What sets the variable for the function `name` of a block, if sloppy code has one.
    fn setting(&mut self, name: &str) -> Option<String> {
        let function = self.functions.last_mut()?;
        if function.is_strict || function.scopes.iter().any(|scope| scope.contains(name)) {
            return None;
        }
        function.hoisted.insert(name.to_owned());
        Some(format!("{}{name}({name});", self.prefix))
    }
}

impl<'a> VisitJs<'a> for Hoisting {
    fn visit_function_body(&mut self, it: &FunctionBody<'a>) {
        self.function_like(&it.directives, &it.statements, |hoisting| {
            walk_js::walk_function_body(hoisting, it);
        });
    }

    fn visit_static_block(&mut self, it: &StaticBlock<'a>) {
        // It is strict, as all of a class.
        self.functions.push(Enclosing { is_strict: true, ..Enclosing::default() });
        walk_js::walk_static_block(self, it);
        self.functions.pop();
    }

    fn visit_block_statement(&mut self, it: &BlockStatement<'a>) {
        let settings = declared_functions(&it.body).filter_map(|(name, _)| self.setting(&name));
        let settings: String = settings.collect();
        if let Some(first) = it.body.first().filter(|_| !settings.is_empty()) {
            self.edits.push(Edit::insert(first.span().start, settings));
        }
        let mut names = lexical_names(&it.body);
        names.extend(declared_functions(&it.body).map(|(name, _)| name));
        self.scope(names, |hoisting| walk_js::walk_block_statement(hoisting, it));
    }

    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        for branch in std::iter::once(&it.consequent).chain(&it.alternate) {
            let Statement::FunctionDeclaration(function) = branch else { continue };
            let Some(name) = sloppy_name(function) else { continue };
            if let Some(setting) = self.setting(&name) {
                self.edits.push(Edit::insert(function.span.start, format!("{{{setting}")));
                self.edits.push(Edit::insert(function.span.end, "}".to_owned()));
            }
        }
        walk_js::walk_if_statement(self, it);
    }

    fn visit_switch_statement(&mut self, it: &SwitchStatement<'a>) {
        for case in &it.cases {
            for (name, span) in declared_functions(&case.consequent) {
                if let Some(setting) = self.setting(&name) {
                    self.edits.push(Edit::insert(span.start, setting));
                }
            }
        }
        let mut names = BTreeSet::new();
        for case in &it.cases {
            names.extend(lexical_names(&case.consequent));
            names.extend(declared_functions(&case.consequent).map(|(name, _)| name));
        }
        self.scope(names, |hoisting| walk_js::walk_switch_statement(hoisting, it));
    }

    fn visit_for_statement(&mut self, it: &ForStatement<'a>) {
        let names = match &it.init {
            Some(ForStatementInit::VariableDeclaration(declaration)) => names_if_lexical(declaration),
            _ => BTreeSet::new(),
        };
        self.scope(names, |hoisting| walk_js::walk_for_statement(hoisting, it));
    }

    fn visit_for_in_statement(&mut self, it: &ForInStatement<'a>) {
        self.scope(names_of_left(&it.left), |hoisting| walk_js::walk_for_in_statement(hoisting, it));
    }

    fn visit_for_of_statement(&mut self, it: &ForOfStatement<'a>) {
        self.scope(names_of_left(&it.left), |hoisting| walk_js::walk_for_of_statement(hoisting, it));
    }

    fn visit_catch_clause(&mut self, it: &CatchClause<'a>) {
        let names = it.param.iter().flat_map(|parameter| names_of(&parameter.pattern)).collect();
        self.scope(names, |hoisting| walk_js::walk_catch_clause(hoisting, it));
    }
}

/// The functions that `statements` declare themselves and that sloppy code sees outside, with their places.
fn declared_functions(statements: &[Statement<'_>]) -> impl Iterator<Item = (String, Span)> {
    statements.iter().filter_map(|statement| match statement {
        Statement::FunctionDeclaration(function) => Some((sloppy_name(function)?, function.span)),
        _ => None,
    })
}

/// The name of a function that is neither asynchronous nor a generator: those stay in their blocks.
fn sloppy_name(function: &Function<'_>) -> Option<String> {
    let name = function.id.as_ref().filter(|_| !function.r#async && !function.generator)?;
    Some(name.name.to_string())
}

/// The names that `statements` bind for their scope alone.
fn lexical_names(statements: &[Statement<'_>]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in statements {
        match statement {
            Statement::VariableDeclaration(declaration) => names.extend(names_if_lexical(declaration)),
            Statement::ClassDeclaration(class) => names.extend(class_name(class)),
            _ => {}
        }
    }
    names
}

fn class_name(class: &Class<'_>) -> Option<String> {
    class.id.as_ref().map(|name| name.name.to_string())
}

fn names_if_lexical(declaration: &VariableDeclaration<'_>) -> BTreeSet<String> {
    let lexical = declaration.declarations.iter().filter(|_| !declaration.kind.is_var());
    lexical.flat_map(|declarator| names_of(&declarator.id)).collect()
}

fn names_of_left(left: &ForStatementLeft<'_>) -> BTreeSet<String> {
    match left {
        ForStatementLeft::VariableDeclaration(declaration) => names_if_lexical(declaration),
        _ => BTreeSet::new(),
    }
}

/// The names that a pattern binds.
fn names_of(pattern: &BindingPattern<'_>) -> impl Iterator<Item = String> {
    pattern.get_binding_identifiers().into_iter().map(|name| name.name.to_string())
}

#[cfg(test)]
mod tests {
    use oxc::allocator::Allocator;
    use oxc::parser::Parser;
    use oxc::span::SourceType;

    use super::*;

    #[test]
    fn functions_of_blocks_set_a_variable_outside() {
        let set = |name: &str| format!("function __set_{name}(__set_{name}_){{{name}=__set_{name}_}}");
        for (text, expected) in [
            ("{ function f() {} } f()", format!("var f;{}{{ __set_f(f);function f() {{}} }} f()", set("f"))),
            (
                "function g() { 'use strict'; { function f() {} } }\nfunction h() { 'x'; { function f() {} } }",
                format!(
                    "function g() {{ 'use strict'; {{ function f() {{}} }} }}\nfunction h() {{ 'x'; var f;{}{{ __set_f(f);function f() {{}} }} }}",
                    set("f")
                ),
            ),
            ("if (a) function f() {}", format!("var f;{}if (a) {{__set_f(f);function f() {{}}}}", set("f"))),
            (
                "switch (a) { case 1: function f() {} }",
                format!("var f;{}switch (a) {{ case 1: __set_f(f);function f() {{}} }}", set("f")),
            ),
            (
                "function f() {} { function f() {} }",
                format!("{}function f() {{}} {{ __set_f(f);function f() {{}} }}", set("f")),
            ),
        ] {
            assert_eq!(hoisted(text).as_deref(), Some(expected.as_str()), "{text}");
        }
        for text in [
            "'use strict'; { function f() {} }",
            "export {}; { function f() {} }",
            "let f; { function f() {} }",
            "{ let f; { function f() {} } }",
            "for (const f of []) { function f() {} }",
            "try {} catch ({ f }) { { function f() {} } }",
            "{ async function f() {} function* g() {} }",
            "class A { static { { function f() {} } } }",
            "function f() { function g() {} }",
        ] {
            assert_eq!(hoisted(text), None, "{text}");
        }
    }

    fn hoisted(text: &str) -> Option<String> {
        let allocator = Allocator::default();
        let source = if text.contains("export") { SourceType::mjs() } else { SourceType::cjs() };
        hoist_block_functions(&Parser::new(&allocator, text, source).parse().program)
    }
}
