//! Which import statements of a TypeScript file stay where nothing but types is taken by them.
//!
//! Fidelity: esbuild 0.28, `js_parser.go` and `tsconfig.go`. A statement that takes nothing, or types only, goes, unless
//! `verbatimModuleSyntax` or `importsNotUsedAsValues` keep it; `preserveValueImports` keeps statements with names that may be values. A
//! module of which something is exported again runs even if that is a type, and so does one that `import x = require()` names.

use oxc::allocator::{ArenaVec, TakeIn};
use oxc::ast::ast::{
    Argument, Expression, ImportDeclaration, ImportDeclarationSpecifier, ImportOrExportKind, Statement,
    StringLiteral, TSModuleReference,
};
use oxc::ast::builder::AstBuilder;
use oxc::span::SPAN;
use rolldown_ecmascript::{EcmaAst, WithMutFields};
use serde_json::{Map, Value};

/// What a configuration says of statements that take no values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Unused {
    /// They go.
    #[default]
    Dropped,
    /// They stay, which the compiler sees to.
    Verbatim,
    /// They stay, for what the modules do.
    Kept,
}

impl Unused {
    /// What `options`, those of the compiler, say.
    pub(super) fn of(options: &Map<String, Value>) -> Self {
        let is_set = |name: &str| options.get(name).and_then(Value::as_bool).unwrap_or(false);
        let said = options.get("importsNotUsedAsValues").and_then(Value::as_str);
        match said {
            _ if is_set("verbatimModuleSyntax") => Self::Verbatim,
            Some("preserve" | "error") => Self::Kept,
            _ => Self::Dropped,
        }
    }
}

/// What becomes of a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    AsItIs,
    Dropped,
    /// It stays, and the module that it names runs at its place.
    Runs,
}

/// Settles that in `ast`, a file of TypeScript of whose modules `retyped` types are exported again.
pub(super) fn settle_imports(ast: &mut EcmaAst, unused: Unused, retyped: &[String]) {
    let fate = |statement: &Statement<'_>| fate_of(statement, unused, retyped);
    if ast.program().body.iter().all(|statement| fate(statement) == Fate::AsItIs) {
        return;
    }
    ast.program.with_mut(|WithMutFields { program, allocator, .. }| {
        let builder = AstBuilder::new(allocator);
        let mut body = ArenaVec::with_capacity_in(program.body.len() + 1, &allocator);
        for statement in program.body.take_in(&allocator) {
            match fate(&statement) {
                Fate::AsItIs => {}
                Fate::Dropped => continue,
                Fate::Runs => body.extend(run_of(&statement, &builder)),
            }
            body.push(statement);
        }
        program.body = body;
    });
}

fn fate_of(statement: &Statement<'_>, unused: Unused, retyped: &[String]) -> Fate {
    let is_retyped = |source: &StringLiteral<'_>| retyped.iter().any(|known| *known == source.value.as_str());
    match statement {
        Statement::ImportDeclaration(import) if import.import_kind.is_value() => match &import.specifiers {
            Some(_) if unused == Unused::Kept || is_retyped(&import.source) => Fate::Runs,
            Some(names) if unused == Unused::Dropped && names.iter().all(is_type) => Fate::Dropped,
            _ => Fate::AsItIs,
        },
        Statement::ExportFromDeclaration(export) if is_retyped(&export.source) => Fate::Runs,
        Statement::TSImportEqualsDeclaration(import)
            if import.import_kind.is_value()
                && matches!(import.module_reference, TSModuleReference::ExternalModuleReference(_)) =>
        {
            Fate::Runs
        }
        _ => Fate::AsItIs,
    }
}

fn is_type(name: &ImportDeclarationSpecifier<'_>) -> bool {
    matches!(name, ImportDeclarationSpecifier::ImportSpecifier(name) if name.import_kind.is_type())
}

/// A statement that runs the module that `statement` names and takes nothing.
fn run_of<'a>(statement: &Statement<'a>, builder: &AstBuilder<'a>) -> Option<Statement<'a>> {
    let copy =
        |source: &StringLiteral<'a>| StringLiteral::new(source.span, source.value, source.raw, builder);
    let source = match statement {
        Statement::ImportDeclaration(import) => &import.source,
        Statement::ExportFromDeclaration(export) => &export.source,
        Statement::TSImportEqualsDeclaration(import) => {
            let TSModuleReference::ExternalModuleReference(module) = &import.module_reference else {
                return None;
            };
            let source = copy(&module.expression);
            let callee = Expression::new_identifier(SPAN, "require", builder);
            let argument = Argument::new_string_literal(source.span, source.value, source.raw, builder);
            let arguments = ArenaVec::from_value_in(argument, builder);
            let call = Expression::new_call_expression(import.span, callee, None, arguments, false, builder);
            return Some(Statement::new_expression_statement(import.span, call, builder));
        }
        _ => return None,
    };
    let kind = ImportOrExportKind::Value;
    let import = ImportDeclaration::boxed(source.span, None, copy(source), None, None, kind, builder);
    Some(Statement::ImportDeclaration(import))
}
