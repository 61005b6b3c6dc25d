//! Lowers decorators and `accessor` fields: TC39's, which the engine cannot run and the bundler leaves alone, and TypeScript's
//! older ones (`experimentalDecorators`), of which the bundler loses those of static fields and the names of computed ones.
//!
//! swc knows how: its transformations stand behind [`lower_decorators`] and nothing else of swc is used. They
//! run before rolldown reads a file, on the few files that need it: the text is searched first, then the
//! syntax tree. The result is TypeScript still, with a source map.
//!
//! Fidelity: esbuild. Decorators in JavaScript are TC39's, whatever TypeScript's configuration says, and no types are told at
//! run time (`emitDecoratorMetadata`).

use oxc::allocator::Allocator;
use oxc::ast::ast::{AccessorProperty, Decorator};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::parser::Parser;
use oxc::span::SourceType;
use rolldown::ModuleType;
use swc_common::comments::SingleThreadedComments;
use swc_common::source_map::SourceMapGenConfig;
use swc_common::sync::Lrc;
use swc_common::{DUMMY_SP, FileName, GLOBALS, Globals, Mark, SourceMap, Span, Spanned, SyntaxContext};
use swc_ecma_ast::{
    AssignExpr, AssignOp, AutoAccessor, CallExpr, ClassMember, ClassMethod, ClassProp, Constructor,
    EsVersion, Expr, ExprStmt, FnDecl, Ident, IdentName, MemberExpr, MethodKind, Pass, PrivateProp, Program,
    Stmt, ThisExpr, VarDeclarator,
};
use swc_ecma_codegen::text_writer::JsWriter;
use swc_ecma_codegen::{Config, Emitter};
use swc_ecma_parser::{EsSyntax, Syntax, TsSyntax, parse_file_as_module};
use swc_ecma_transforms_base::fixer::fixer;
use swc_ecma_transforms_base::helpers::{HELPERS, Helpers, inject_helpers};
use swc_ecma_transforms_base::hygiene::hygiene;
use swc_ecma_transforms_base::resolver;
use swc_ecma_transforms_proposal::decorator_2023_11::decorator_2023_11;
use swc_ecma_visit::{VisitMut, VisitMutWith};

use super::legacy_decorators::{decorated_private_name, lower_legacy_decorators};

/// How the names begin under which swc stores what is declared with `accessor`.
const ACCESSOR_STORAGE: &str = "___private_";

/// The two languages that scripts are written in, each with or without JSX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Language {
    typescript: bool,
    jsx: bool,
}

/// Whose decorators a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Those of the standard's proposal.
    Tc39,
    /// TypeScript's before that.
    Legacy,
}

/// A file without decorators.
#[derive(Debug)]
pub(super) struct Lowered {
    /// Its text, in the language that it had.
    pub code: String,
    /// From this text to the one that the user wrote.
    pub map: oxc_sourcemap::SourceMap<'static>,
}

/// Why a file cannot be lowered, and where, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub message: String,
    pub start: u32,
    pub end: u32,
}

impl Language {
    /// The language of a module, or `None` if it is no script.
    pub(super) fn of(module_type: &ModuleType) -> Option<Self> {
        let (typescript, jsx) = match module_type {
            ModuleType::Js => (false, false),
            ModuleType::Jsx => (false, true),
            ModuleType::Ts => (true, false),
            ModuleType::Tsx => (true, true),
            _ => return None,
        };
        Some(Self { typescript, jsx })
    }

    fn syntax(self) -> Syntax {
        let Self { typescript, jsx } = self;
        if typescript {
            // What is wrong with the program is told by the bundler.
            Syntax::Typescript(TsSyntax {
                tsx: jsx,
                decorators: true,
                no_early_errors: true,
                ..Default::default()
            })
        } else {
            Syntax::Es(EsSyntax {
                jsx,
                decorators: true,
                decorators_before_export: true,
                import_attributes: true,
                allow_super_outside_method: true,
                auto_accessors: true,
                explicit_resource_management: true,
                ..Default::default()
            })
        }
    }

    fn source_type(self) -> SourceType {
        let source_type = if self.typescript { SourceType::ts() } else { SourceType::unambiguous() };
        source_type.with_jsx(self.jsx)
    }
}

impl Lowered {
    /// Where the user wrote what stands at a one-based line and a zero-based column of `code`.
    pub(super) fn origin(&self, line: usize, column: usize) -> Option<(usize, usize)> {
        let line = u32::try_from(line.checked_sub(1)?).ok()?;
        let place = (line, u32::try_from(column).ok()?);
        let before = self.map.get_tokens().filter(|t| (t.get_dst_line(), t.get_dst_col()) <= place);
        let token = before.max_by_key(|t| (t.get_dst_line(), t.get_dst_col()))?;
        Some((token.get_src_line() as usize + 1, token.get_src_col() as usize))
    }
}

/// Whether `text` can contain decorators at all; cheap, for all the files that do not.
pub(super) fn may_have_decorators(text: &str) -> bool {
    text.contains('@') || text.contains("accessor")
}

/// Whether `text` has a decorator or an `accessor` field.
pub(super) fn has_decorators(text: &str, language: Language) -> bool {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, language.source_type()).parse();
    let mut finder = Finder { found: false };
    finder.visit_program(&parsed.program);
    // What does not parse is for the bundler to report.
    finder.found && !parsed.panicked && parsed.diagnostics.is_empty()
}

struct Finder {
    found: bool,
}

impl<'a> VisitJs<'a> for Finder {
    fn visit_decorator(&mut self, _: &Decorator<'a>) {
        self.found = true;
    }

    fn visit_accessor_property(&mut self, property: &AccessorProperty<'a>) {
        self.found = true;
        walk_js::walk_accessor_property(self, property);
    }
}

/// The file `path`, whose text is `source`, without decorators and `accessor`.
///
/// # Errors
/// What swc refuses, with its place in `source`.
pub(super) fn lower_decorators(
    path: &str,
    source: &str,
    language: Language,
    dialect: Dialect,
) -> Result<Lowered, Refusal> {
    GLOBALS
        .set(&Globals::new(), || HELPERS.set(&Helpers::new(false), || lower(path, source, language, dialect)))
}

fn lower(path: &str, source: &str, language: Language, dialect: Dialect) -> Result<Lowered, Refusal> {
    let sources = Lrc::new(SourceMap::default());
    let file = sources.new_source_file(FileName::Custom(path.to_owned()).into(), source.to_owned());
    let comments = SingleThreadedComments::default();
    // swc renames decorated classes in modules only, so everything is one.
    let parsed =
        parse_file_as_module(&file, language.syntax(), EsVersion::EsNext, Some(&comments), &mut Vec::new());
    // swc counts from one, over all files of its map.
    let offset = |position: swc_common::BytePos| (position - file.start_pos).0;
    let refused =
        |message: String, span: Span| Refusal { message, start: offset(span.lo), end: offset(span.hi) };
    let parsed = parsed.map_err(|error| refused(error.kind().msg().into_owned(), error.span()))?;
    let mut program = Program::Module(parsed);
    if dialect == Dialect::Legacy
        && let Some(span) = decorated_private_name(&program)
    {
        return Err(refused("TypeScript's older ones cannot stand on private names".to_owned(), span));
    }
    program.visit_mut_with(&mut InitializedFields);
    program.visit_mut_with(&mut NamedClasses);
    let (unresolved, top_level) = (Mark::new(), Mark::new());
    resolver(unresolved, top_level, language.typescript).process(&mut program);
    if dialect == Dialect::Legacy && language.typescript {
        lower_legacy_decorators(&mut program);
    }
    // `accessor` fields are left even so.
    decorator_2023_11().process(&mut program);
    program.visit_mut_with(&mut SuperStatements);
    program.visit_mut_with(&mut StaticAccessors { inside: false });
    inject_helpers(unresolved).process(&mut program);
    program.visit_mut_with(&mut MendedHelper);
    hygiene().process(&mut program);
    fixer(Some(&comments)).process(&mut program);

    let (mut code, mut places) = (Vec::new(), Vec::new());
    let printed = Emitter {
        cfg: Config::default().with_target(EsVersion::EsNext),
        cm: sources.clone(),
        comments: Some(&comments),
        wr: JsWriter::new(sources.clone(), "\n", &mut code, Some(&mut places)),
    }
    .emit_program(&program);
    let failed = |message: String| Refusal { message, start: 0, end: 0 };
    printed.map_err(|error| failed(error.to_string()))?;
    let code = String::from_utf8(code).map_err(|error| failed(error.to_string()))?;

    let mut map = Vec::new();
    let written = sources.build_source_map(&places, None, WithText).to_writer(&mut map);
    written.map_err(|error| failed(error.to_string()))?;
    let map = String::from_utf8_lossy(&map);
    let map = oxc_sourcemap::SourceMap::from_json_string(&map).map_err(|error| failed(error.to_string()))?;
    Ok(Lowered { code, map: map.into_owned() })
}

/// Decorated classes without a name get that of the variable which they are given to, as they would without decorators: what swc
/// makes of them is no class that the engine would name.
struct NamedClasses;

impl NamedClasses {
    fn name(variable: &Ident, value: &mut Expr) {
        let Expr::Class(class) = value else { return };
        let is_decorated = |member: &ClassMember| match member {
            ClassMember::Method(method) => !method.function.decorators.is_empty(),
            ClassMember::PrivateMethod(method) => !method.function.decorators.is_empty(),
            ClassMember::ClassProp(field) => !field.decorators.is_empty(),
            ClassMember::PrivateProp(field) => !field.decorators.is_empty(),
            ClassMember::AutoAccessor(_) => true,
            _ => false,
        };
        let decorated = !class.class.decorators.is_empty() || class.class.body.iter().any(is_decorated);
        if class.ident.is_none() && decorated {
            class.ident = Some(variable.clone());
        }
    }
}

impl VisitMut for NamedClasses {
    fn visit_mut_var_declarator(&mut self, declarator: &mut VarDeclarator) {
        if let (Some(name), Some(value)) = (declarator.name.as_ident(), &mut declarator.init) {
            Self::name(&name.id, value);
        }
        declarator.visit_mut_children_with(self);
    }

    fn visit_mut_assign_expr(&mut self, assignment: &mut AssignExpr) {
        if let Some(name) = assignment.left.as_ident() {
            let name = name.id.clone();
            Self::name(&name, &mut assignment.right);
        }
        assignment.visit_mut_children_with(self);
    }
}

/// Decorated fields get an initializer, which TypeScript's `field!: T` must not have.
struct InitializedFields;

impl VisitMut for InitializedFields {
    fn visit_mut_class_prop(&mut self, field: &mut ClassProp) {
        field.definite &= field.decorators.is_empty();
        field.visit_mut_children_with(self);
    }

    fn visit_mut_private_prop(&mut self, field: &mut PrivateProp) {
        field.definite &= field.decorators.is_empty();
        field.visit_mut_children_with(self);
    }

    fn visit_mut_auto_accessor(&mut self, field: &mut AutoAccessor) {
        field.definite = false;
        field.visit_mut_children_with(self);
    }
}

/// Initializers follow `super()` in one expression. As statements of their own they leave the call where the
/// bundler looks for it, to assign TypeScript's parameter properties behind it.
struct SuperStatements;

impl VisitMut for SuperStatements {
    fn visit_mut_constructor(&mut self, constructor: &mut Constructor) {
        constructor.visit_mut_children_with(self);
        let Some(body) = &mut constructor.body else { return };
        body.stmts = std::mem::take(&mut body.stmts).into_iter().flat_map(split_super).collect();
    }
}

/// The getter and setter of a static `accessor` look for their storage in the class that was written. When a
/// decorator puts another class in its place, the storage is there: in `this`, as the proposal says.
struct StaticAccessors {
    inside: bool,
}

impl VisitMut for StaticAccessors {
    fn visit_mut_class_method(&mut self, method: &mut ClassMethod) {
        let accessor = method.is_static && matches!(method.kind, MethodKind::Getter | MethodKind::Setter);
        let outside = std::mem::replace(&mut self.inside, accessor);
        method.visit_mut_children_with(self);
        self.inside = outside;
    }

    fn visit_mut_member_expr(&mut self, member: &mut MemberExpr) {
        member.visit_mut_children_with(self);
        let is_storage =
            member.prop.as_private_name().is_some_and(|name| name.name.starts_with(ACCESSOR_STORAGE));
        if self.inside && is_storage && member.obj.is_ident() {
            *member.obj = Expr::This(ThisExpr { span: member.span });
        }
    }
}

/// Two things that are amiss with swc's helper for TC39 decorators: it takes the descriptor of a private member from a
/// global variable, since it is told of the local one only afterwards; and nobody gives it the parent, whose metadata a class
/// inherits.
struct MendedHelper;

impl VisitMut for MendedHelper {
    fn visit_mut_fn_decl(&mut self, function: &mut FnDecl) {
        let body = (function.ident.sym == "_apply_decs_2311").then_some(&mut function.function);
        let Some(function) = body else { return function.visit_mut_children_with(self) };
        let mut descriptor = Descriptor { declared: None, sets: false };
        function.visit_mut_with(&mut descriptor);
        descriptor.sets = true;
        function.visit_mut_with(&mut descriptor);
        let parameter = |at: usize| Some(function.params.get(at)?.pat.as_ident()?.id.clone());
        let (Some(class), Some(parent)) = (parameter(0), parameter(5)) else { return };
        let object = MemberExpr {
            span: DUMMY_SP,
            obj: Ident::new_no_ctxt("Object".into(), DUMMY_SP).into(),
            prop: IdentName::from("getPrototypeOf").into(),
        };
        let args = vec![Expr::from(class).into()];
        let inherited = CallExpr { callee: Box::new(Expr::from(object)).into(), args, ..Default::default() };
        let given =
            AssignExpr { span: DUMMY_SP, op: AssignOp::Assign, left: parent.into(), right: inherited.into() };
        let statement = ExprStmt { span: DUMMY_SP, expr: given.into() };
        if let Some(body) = &mut function.body {
            body.stmts.insert(0, statement.into());
        }
    }
}

/// Makes every `desc` the variable of that name.
struct Descriptor {
    declared: Option<SyntaxContext>,
    sets: bool,
}

impl VisitMut for Descriptor {
    fn visit_mut_var_declarator(&mut self, variable: &mut VarDeclarator) {
        if let Some(name) = variable.name.as_ident().filter(|name| name.sym == "desc") {
            self.declared = Some(name.ctxt);
        }
        variable.visit_mut_children_with(self);
    }

    fn visit_mut_ident(&mut self, name: &mut Ident) {
        if let Some(declared) = self.declared.filter(|_| self.sets && name.sym == "desc") {
            name.ctxt = declared;
        }
    }
}

/// `super(), rest` as two statements; any other statement as it is.
fn split_super(statement: Stmt) -> Vec<Stmt> {
    let Stmt::Expr(ExprStmt { span, expr }) = statement else { return vec![statement] };
    match *expr {
        Expr::Seq(sequence) if sequence.exprs.first().is_some_and(|first| is_super_call(first)) => {
            sequence.exprs.into_iter().map(|expr| ExprStmt { span, expr }.into()).collect()
        }
        other => vec![ExprStmt { span, expr: Box::new(other) }.into()],
    }
}

fn is_super_call(expression: &Expr) -> bool {
    expression.as_call().is_some_and(|call| call.callee.is_super_())
}

/// A map that holds the text of its source, since the bundler has only the lowered one.
struct WithText;

impl SourceMapGenConfig for WithText {
    fn file_name_to_source(&self, name: &FileName) -> String {
        match name {
            FileName::Custom(path) => path.clone(),
            other => other.to_string(),
        }
    }

    fn inline_sources_content(&self, _: &FileName) -> bool {
        true
    }
}
