//! Mistakes in ES modules that the bundler lets pass: a name that TypeScript exports twice, which it takes for a type and a value, and
//! `return` outside of functions.

use std::collections::BTreeSet;

use oxc::ast::ast::{
    ArrowFunctionExpression, Class, Declaration, ExportDefaultDeclarationKind, ExportSpecifier, Function,
    Program, ReturnStatement, Statement,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::semantic::ScopeFlags;
use oxc::span::{GetSpan, Span};

/// A mistake and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misformed {
    pub message: String,
    pub start: u32,
    pub end: u32,
}

/// The mistakes in `program`; none if it is no ES module.
pub(super) fn misformed(program: &Program<'_>) -> Vec<Misformed> {
    if !program.body.iter().any(Statement::is_module_declaration) {
        return Vec::new();
    }
    let mut found = exported_twice(program);
    if program.source_text.contains("return") {
        let mut returns = Returns::default();
        returns.visit_program(program);
        let message = "`return` stands outside of functions, which an ES module cannot have";
        found.extend(returns.0.into_iter().map(|span| at(message.to_owned(), span)));
    }
    found
}

fn at(message: String, span: Span) -> Misformed {
    Misformed { message, start: span.start, end: span.end }
}

fn exported_twice(program: &Program<'_>) -> Vec<Misformed> {
    let mut exported: Vec<(String, Span)> = Vec::new();
    for statement in &program.body {
        match statement {
            Statement::ExportDefaultDeclaration(it) if is_value(&it.declaration) => {
                let length = u32::try_from("export default".len()).unwrap_or_default();
                exported.push(("default".to_owned(), Span::new(it.span.start, it.span.start + length)));
            }
            Statement::ExportNamedDeclaration(it) if !it.export_kind.is_type() => {
                exported.extend(values(&it.specifiers));
            }
            Statement::ExportFromDeclaration(it) if !it.export_kind.is_type() => {
                exported.extend(values(&it.specifiers));
            }
            Statement::ExportDeclaration(it) => exported.extend(declared(&it.declaration)),
            _ => {}
        }
    }
    let mut names = BTreeSet::new();
    let twice = exported.into_iter().filter(|(name, _)| !names.insert(name.clone()));
    twice.map(|(name, span)| at(format!("`{name}` is exported twice"), span)).collect()
}

/// The names of a list that are not said to be types.
fn values(specifiers: &[ExportSpecifier<'_>]) -> impl Iterator<Item = (String, Span)> {
    let values = specifiers.iter().filter(|specifier| !specifier.export_kind.is_type());
    values.map(|specifier| (specifier.exported.name().to_string(), specifier.exported.span()))
}

/// Whether a default export is no type, and no signature before the function that it is of.
fn is_value(declaration: &ExportDefaultDeclarationKind<'_>) -> bool {
    match declaration {
        ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => false,
        ExportDefaultDeclarationKind::FunctionDeclaration(function) => function.body.is_some(),
        _ => true,
    }
}

/// The values that a declaration binds and that no other one adds to.
fn declared(declaration: &Declaration<'_>) -> Vec<(String, Span)> {
    match declaration {
        Declaration::VariableDeclaration(it) if !it.declare => {
            let names = it.declarations.iter().flat_map(|declarator| declarator.id.get_binding_identifiers());
            names.map(|name| (name.name.to_string(), name.span)).collect()
        }
        Declaration::FunctionDeclaration(it) if it.body.is_some() => {
            it.id.iter().map(|name| (name.name.to_string(), name.span)).collect()
        }
        Declaration::ClassDeclaration(it) if !it.declare => {
            it.id.iter().map(|name| (name.name.to_string(), name.span)).collect()
        }
        _ => Vec::new(),
    }
}

/// Statements `return` outside of functions.
#[derive(Default)]
struct Returns(Vec<Span>);

impl<'a> VisitJs<'a> for Returns {
    fn visit_return_statement(&mut self, it: &ReturnStatement<'a>) {
        self.0.push(it.span);
        walk_js::walk_return_statement(self, it);
    }
    fn visit_function(&mut self, _: &Function<'a>, _: ScopeFlags) {}
    fn visit_arrow_function_expression(&mut self, _: &ArrowFunctionExpression<'a>) {}
    fn visit_class(&mut self, _: &Class<'a>) {}
}

#[cfg(test)]
mod tests {
    use oxc::allocator::Allocator;
    use oxc::parser::{ParseOptions, Parser};
    use oxc::span::SourceType;

    use super::*;

    #[test]
    fn mistakes_have_their_places() {
        for (text, expected) in [
            ("export default {}\nexport default {}", vec![("`default` is exported twice", 18)]),
            ("export const a = 1; export { b as a }; const b = 2;", vec![("`a` is exported twice", 34)]),
            (
                "export {}; if (a) { return 5 }",
                vec![("`return` stands outside of functions, which an ES module cannot have", 20)],
            ),
            ("export default interface A {}\nexport default class B {}", vec![]),
            ("export default function f(): void;\nexport default function f() {}", vec![]),
            (
                "export function f(a: 1): void; export function f(a: 2): void; export function f(a: any) {}",
                vec![],
            ),
            (
                "export const a = 1; export type a = 2; export enum E {} export enum E {} export namespace N {} export class N {}",
                vec![],
            ),
            ("export default () => { return 1 }", vec![]),
            ("return 5", vec![]),
        ] {
            let allocator = Allocator::default();
            let options = ParseOptions { allow_return_outside_function: true, ..ParseOptions::default() };
            let parsed = Parser::new(&allocator, text, SourceType::ts()).with_options(options).parse();
            let found = misformed(&parsed.program);
            let found: Vec<_> = found.iter().map(|found| (found.message.as_str(), found.start)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
