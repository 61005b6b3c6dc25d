//! Lowers TypeScript's older decorators (`experimentalDecorators`), with what swc leaves out.
//!
//! Fidelity: esbuild and TypeScript. No types are told at run time (`emitDecoratorMetadata`).

use swc_common::{DUMMY_SP, Span};
use swc_ecma_ast::{
    AssignExpr, AssignOp, AutoAccessor, BlockStmt, Class, ClassMember, ClassMethod, Decl, Expr, ExprStmt,
    Function, FunctionBody, Id, Ident, Key, KeyValueProp, MemberExpr, MethodKind, ModuleDecl, ModuleItem,
    Param, Pass, PrivateName, PrivateProp, Program, Prop, PropName, ReturnStmt, StaticBlock, Stmt, ThisExpr,
    TsType, VarDecl, VarDeclKind, VarDeclarator,
};
use swc_ecma_transforms_proposal::decorators;
use swc_ecma_visit::{Visit, VisitMut, VisitMutWith, VisitWith};

/// Lowers the decorators in `program`, whose names are resolved; `accessor` fields without decorators are left.
pub(super) fn lower_legacy_decorators(program: &mut Program) {
    let options = decorators::Config { legacy: true, ..Default::default() };
    program.visit_mut_with(&mut LegacyAccessors);
    decorators::decorators(options).process(program);
    program.visit_mut_with(&mut InstanceFirst);
    program.visit_mut_with(&mut ReplacedClasses);
}

/// Where a private name is that has a decorator, which TypeScript's older ones cannot have.
pub(super) fn decorated_private_name(program: &Program) -> Option<Span> {
    let mut names = DecoratedPrivateNames(None);
    program.visit_with(&mut names);
    names.0
}

struct DecoratedPrivateNames(Option<Span>);

impl Visit for DecoratedPrivateNames {
    fn visit_class_member(&mut self, member: &ClassMember) {
        let name = match member {
            ClassMember::PrivateMethod(method) if !method.function.decorators.is_empty() => Some(&method.key),
            ClassMember::PrivateProp(field) if !field.decorators.is_empty() => Some(&field.key),
            _ => None,
        };
        self.0 = self.0.or(name.map(|name| name.span));
        member.visit_children_with(self);
    }
}

/// `@d accessor x = 1` under TypeScript's older decorators: a private field, and a getter that has the decorators, with a setter.
struct LegacyAccessors;

impl VisitMut for LegacyAccessors {
    fn visit_mut_class_members(&mut self, members: &mut Vec<ClassMember>) {
        members.visit_mut_children_with(self);
        *members = std::mem::take(members).into_iter().flat_map(split_accessor).collect();
    }
}

/// A decorated `accessor` field as its storage, getter and setter; any other member as it is.
fn split_accessor(member: ClassMember) -> Vec<ClassMember> {
    let accessor = match member {
        ClassMember::AutoAccessor(accessor) if !accessor.decorators.is_empty() => accessor,
        other => return vec![other],
    };
    // The names of others are found once, and TypeScript's decorators cannot stand on private ones.
    let Key::Public(PropName::Ident(name)) = &accessor.key else { return vec![accessor.into()] };
    let (key, name) = (PropName::Ident(name.clone()), name.sym.clone());
    let AutoAccessor { span, is_static, decorators, value, .. } = accessor;
    let storage = PrivateName { span, name: format!("_{name}_accessor_storage").into() };
    let stored = || MemberExpr { span, obj: ThisExpr { span }.into(), prop: storage.clone().into() };
    let method = |kind, decorators, params, statement: Stmt| {
        let body = Some(FunctionBody { stmts: vec![statement], span });
        let function = Function { params, decorators, span, body, ..Default::default() };
        let function = Box::new(function);
        ClassMember::Method(ClassMethod {
            span,
            key: key.clone(),
            function,
            kind,
            is_static,
            ..Default::default()
        })
    };
    let given = Ident::new_private("value".into(), span);
    let write = AssignExpr { span, op: AssignOp::Assign, left: stored().into(), right: given.clone().into() };
    let parameter = Param { span, decorators: Vec::new(), pat: given.into() };
    vec![
        PrivateProp { span, key: storage.clone(), value, is_static, ..Default::default() }.into(),
        method(
            MethodKind::Getter,
            decorators,
            Vec::new(),
            ReturnStmt { span, arg: Some(stored().into()) }.into(),
        ),
        method(MethodKind::Setter, Vec::new(), vec![parameter], ExprStmt { span, expr: write.into() }.into()),
    ]
}

/// TypeScript applies the decorators of a class to what belongs to instances first, and then to what is static; swc in the
/// order of the text.
struct InstanceFirst;

impl VisitMut for InstanceFirst {
    fn visit_mut_stmts(&mut self, statements: &mut Vec<Stmt>) {
        statements.visit_mut_children_with(self);
        instance_first(statements, |statement| Some(statement));
    }

    fn visit_mut_module_items(&mut self, items: &mut Vec<ModuleItem>) {
        items.visit_mut_children_with(self);
        instance_first(items, ModuleItem::as_stmt);
    }
}

/// Sorts each run of statements that decorate members.
fn instance_first<T>(statements: &mut [T], as_statement: impl Fn(&T) -> Option<&Stmt>) {
    let target = |statement: &T| decorated_member(as_statement(statement)?);
    for run in statements.chunk_by_mut(|a, b| target(a).is_some() && target(b).is_some()) {
        run.sort_by_key(|statement| target(statement) == Some(Target::Static));
    }
}

/// To whom a decorated member belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Instance,
    Static,
}

/// What `statement` decorates, if it is `_ts_decorate(decorators, class, key, descriptor)`.
fn decorated_member(statement: &Stmt) -> Option<Target> {
    let call = statement.as_expr()?.expr.as_call()?;
    let callee = call.callee.as_expr()?.as_ident()?;
    if callee.sym != "_ts_decorate" || call.args.len() != 4 {
        return None;
    }
    Some(if call.args[1].expr.is_member() { Target::Instance } else { Target::Static })
}

/// The code of a class that a decorator replaces sees the replacement under the class's name. In swc's output
/// `class A {} A = _ts_decorate(decorators, A)` it sees the class that was written, so it gets a variable of its own:
/// `let _A; class A { static { _A = this; } } A = _A = _ts_decorate(decorators, A)`.
struct ReplacedClasses;

impl VisitMut for ReplacedClasses {
    fn visit_mut_stmts(&mut self, statements: &mut Vec<Stmt>) {
        statements.visit_mut_children_with(self);
        see_replacements(
            statements,
            |statement| named_class(statement.as_mut_decl()?),
            |statement| Some(statement),
        );
    }

    fn visit_mut_module_items(&mut self, items: &mut Vec<ModuleItem>) {
        items.visit_mut_children_with(self);
        see_replacements(items, declaration_of, ModuleItem::as_mut_stmt);
    }
}

/// A class that has a name, and its name.
type Named<'a> = (&'a Ident, &'a mut Class);

fn named_class(declaration: &mut Decl) -> Option<Named<'_>> {
    let class = declaration.as_mut_class()?;
    Some((&class.ident, &mut class.class))
}

/// The class that an item declares, exported or not.
fn declaration_of(item: &mut ModuleItem) -> Option<Named<'_>> {
    match item {
        ModuleItem::Stmt(Stmt::Decl(declaration)) => named_class(declaration),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDecl(export)) => named_class(&mut export.decl),
        ModuleItem::ModuleDecl(ModuleDecl::ExportDefaultDecl(export)) => {
            let class = export.decl.as_mut_class()?;
            Some((class.ident.as_ref()?, &mut class.class))
        }
        _ => None,
    }
}

fn see_replacements<T: From<Stmt>>(
    items: &mut Vec<T>,
    class_of: impl Fn(&mut T) -> Option<Named<'_>>,
    as_statement: impl Fn(&mut T) -> Option<&mut Stmt>,
) {
    let replaced: Vec<Id> =
        items.iter_mut().filter_map(|item| Some(replacement_in(as_statement(item)?)?.0)).collect();
    if replaced.is_empty() {
        return;
    }
    let mut aliases: Vec<(Id, Ident)> = Vec::new();
    for mut item in std::mem::take(items) {
        if let Some((name, class)) = class_of(&mut item)
            && replaced.contains(&name.to_id())
            && let Some(alias) = alias_in(name, class)
        {
            items.push(declared(&alias).into());
            aliases.push((name.to_id(), alias));
        } else if let Some((class, value)) = as_statement(&mut item).and_then(replacement_in)
            && let Some((_, alias)) = aliases.iter().find(|(id, _)| *id == class)
        {
            let decorated = std::mem::replace(value, ThisExpr { span: DUMMY_SP }.into());
            **value = assigned(alias, decorated);
        }
        items.push(item);
    }
}

/// The class and the value that takes its place, if `statement` is `A = _ts_decorate(decorators, A)`.
fn replacement_in(statement: &mut Stmt) -> Option<(Id, &mut Box<Expr>)> {
    let assignment = statement.as_mut_expr()?.expr.as_mut_assign()?;
    let class = assignment.left.as_ident()?.id.to_id();
    let callee = assignment.right.as_call()?.callee.as_expr()?.as_ident()?;
    (callee.sym == "_ts_decorate").then_some((class, &mut assignment.right))
}

/// Has the members of the class `name` use an alias in its place, which is set before anything else of theirs runs. `None` if they
/// do not name the class.
fn alias_in(name: &Ident, class: &mut Class) -> Option<Ident> {
    let alias = Ident::new_private(format!("_{}", name.sym).into(), DUMMY_SP);
    let mut renaming = Renaming { from: name.to_id(), to: &alias, found: false };
    class.body.visit_mut_with(&mut renaming);
    if !renaming.found {
        return None;
    }
    let set = ExprStmt { span: DUMMY_SP, expr: assigned(&alias, ThisExpr { span: DUMMY_SP }.into()).into() };
    let body = BlockStmt { stmts: vec![set.into()], ..Default::default() };
    class.body.insert(0, ClassMember::StaticBlock(StaticBlock { span: DUMMY_SP, body }));
    Some(alias)
}

/// `let alias`
fn declared(alias: &Ident) -> Stmt {
    let variable = VarDeclarator { span: DUMMY_SP, name: alias.clone().into(), init: None, definite: false };
    let declaration = VarDecl { kind: VarDeclKind::Let, decls: vec![variable], ..Default::default() };
    Decl::from(declaration).into()
}

/// `alias = value`
fn assigned(alias: &Ident, value: Box<Expr>) -> Expr {
    AssignExpr { span: DUMMY_SP, op: AssignOp::Assign, left: alias.clone().into(), right: value }.into()
}

/// Writes `to` for the name `from`; types keep it.
struct Renaming<'a> {
    from: Id,
    to: &'a Ident,
    found: bool,
}

impl VisitMut for Renaming<'_> {
    fn visit_mut_ident(&mut self, name: &mut Ident) {
        if name.to_id() == self.from {
            *name = Ident { span: name.span, ..self.to.clone() };
            self.found = true;
        }
    }

    fn visit_mut_prop(&mut self, property: &mut Prop) {
        if let Prop::Shorthand(name) = property
            && name.to_id() == self.from
        {
            let key = PropName::Ident(name.clone().into());
            *property = Prop::KeyValue(KeyValueProp { key, value: name.clone().into() });
        }
        property.visit_mut_children_with(self);
    }

    fn visit_mut_ts_type(&mut self, _: &mut TsType) {}
}
