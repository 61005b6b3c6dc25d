//! What TypeScript's namespaces export: one variable for the block, its other blocks, and whoever holds the namespace.
//!
//! The bundler makes an exported variable twice, as a variable of the block and as a property of the namespace, and only one
//! of them changes afterwards; and names that another block of the same namespace exports it does not know. So, in the text that
//! it reads, names that stand for exported variables and for what other blocks export are given their namespace: `count++`
//! becomes `Stats.count++`.
//!
//! Fidelity: TypeScript, and esbuild, which writes the same.
//! Deviation: where a namespace declares something with its own name, or code hides that name, names stay as they are.

use std::collections::{HashMap, HashSet};

use oxc::allocator::Allocator;
use oxc::ast::ast::{
    AssignmentTargetPropertyIdentifier, Declaration, IdentifierReference, ObjectProperty, Statement,
    TSModuleBlock, TSNamespaceDeclaration, TSNamespaceDeclarationBody, VariableDeclarationKind,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::parser::Parser;
use oxc::semantic::{ScopeId, Scoping, SemanticBuilder};
use oxc::span::SourceType;

use super::edits::{Edit, apply_edits};
use super::type_exports::is_typescript;

/// All blocks of one namespace, by their number.
type Group = usize;

/// One block of a namespace.
struct Block {
    name: String,
    group: Group,
    /// What it exports that its own code has to take from the namespace.
    variables: HashSet<String>,
}

/// `text` of `path` with what namespaces export taken from them; `None` if there is nothing to change.
pub(super) fn qualify_exports(path: &str, text: &str) -> Option<String> {
    if !is_typescript(path)
        || !(text.contains("namespace") || text.contains("module"))
        || !text.contains("export")
    {
        return None;
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::from_path(path).ok()?).parse();
    if parsed.panicked || !parsed.diagnostics.is_empty() {
        return None;
    }
    let mut blocks = Blocks::default();
    for statement in &parsed.program.body {
        blocks.note(statement, None);
    }
    if blocks.nodes.is_empty() {
        return None;
    }
    let semantic = SemanticBuilder::new().build(&parsed.program).semantic;
    let by_scope = blocks.nodes.into_iter().filter_map(|(scope, block)| Some((scope.scope_id.get()?, block)));
    let mut names = Names {
        scoping: semantic.scoping(),
        blocks: by_scope.collect(),
        exported: blocks.exported,
        edits: Vec::new(),
    };
    names.visit_program(&parsed.program);
    apply_edits(text, names.edits)
}

/// The blocks of a file.
#[derive(Default)]
struct Blocks<'a> {
    nodes: Vec<(&'a TSNamespaceDeclaration<'a>, Block)>,
    /// Numbers of namespaces by the one around them and their name.
    groups: HashMap<(Option<Group>, String), Group>,
    /// What the blocks of a namespace export.
    exported: Vec<HashSet<String>>,
}

impl<'a> Blocks<'a> {
    /// Notes the blocks in `statement`, which is one of those of the namespace `outer`.
    fn note(&mut self, statement: &'a Statement<'a>, outer: Option<Group>) {
        match statement {
            Statement::TSNamespaceDeclaration(namespace) => self.note_block(namespace, outer),
            Statement::ExportDeclaration(export) => {
                if let Declaration::TSNamespaceDeclaration(namespace) = &export.declaration {
                    self.note_block(namespace, outer);
                }
            }
            _ => {}
        }
    }

    fn note_block(&mut self, namespace: &'a TSNamespaceDeclaration<'a>, outer: Option<Group>) {
        if namespace.declare {
            return;
        }
        let name = namespace.id.name.to_string();
        let next = self.exported.len();
        let group = *self.groups.entry((outer, name.clone())).or_insert(next);
        if group == next {
            self.exported.push(HashSet::new());
        }
        let mut variables = HashSet::new();
        match &namespace.body {
            TSNamespaceDeclarationBody::TSNamespaceDeclaration(inner) => {
                self.exported[group].insert(inner.id.name.to_string());
                self.note_block(inner, Some(group));
            }
            TSNamespaceDeclarationBody::TSModuleBlock(body) => {
                self.exported[group].extend(exports_of(body, &mut variables));
                for statement in &body.body {
                    self.note(statement, Some(group));
                }
            }
        }
        self.nodes.push((namespace, Block { name, group, variables }));
    }
}

/// The values that `body` exports; those that change are added to `variables`.
fn exports_of(body: &TSModuleBlock<'_>, variables: &mut HashSet<String>) -> Vec<String> {
    let mut names = Vec::new();
    for statement in &body.body {
        let Statement::ExportDeclaration(export) = statement else { continue };
        match &export.declaration {
            Declaration::VariableDeclaration(declaration) if !declaration.declare => {
                for declarator in &declaration.declarations {
                    for name in declarator.id.get_binding_identifiers() {
                        names.push(name.name.to_string());
                        if declaration.kind != VariableDeclarationKind::Const {
                            variables.insert(name.name.to_string());
                        }
                    }
                }
            }
            Declaration::FunctionDeclaration(function) if !function.declare => {
                names.extend(function.id.iter().map(|id| id.name.to_string()));
            }
            Declaration::ClassDeclaration(class) if !class.declare => {
                names.extend(class.id.iter().map(|id| id.name.to_string()));
            }
            Declaration::TSEnumDeclaration(declaration) if !declaration.declare => {
                names.push(declaration.id.name.to_string());
            }
            Declaration::TSNamespaceDeclaration(namespace) if !namespace.declare => {
                names.push(namespace.id.name.to_string());
            }
            Declaration::TSImportEqualsDeclaration(import) => names.push(import.id.name.to_string()),
            _ => {}
        }
    }
    names
}

/// Finds the names that need their namespace.
struct Names<'s> {
    scoping: &'s Scoping,
    blocks: HashMap<ScopeId, Block>,
    exported: Vec<HashSet<String>>,
    edits: Vec<Edit>,
}

impl Names<'_> {
    /// The namespace that `reference` has to be taken from.
    fn namespace_of(&self, reference: &IdentifierReference<'_>) -> Option<&str> {
        let found = self.scoping.get_reference(reference.reference_id.get()?);
        if !found.is_value() {
            return None;
        }
        let name = reference.name.as_str();
        let mut hidden = HashSet::new();
        for scope in self.scoping.scope_ancestors(found.scope_id()) {
            let bindings = self.scoping.get_bindings(scope);
            let block = self.blocks.get(&scope);
            let declared = bindings.keys().any(|bound| bound.as_str() == name);
            hidden.extend(bindings.keys().map(ToString::to_string));
            if let Some(block) = block {
                let taken = if declared {
                    block.variables.contains(name)
                } else {
                    self.exported[block.group].contains(name)
                };
                if taken {
                    return (!hidden.contains(&block.name)).then_some(block.name.as_str());
                }
            }
            if declared {
                return None;
            }
        }
        None
    }
}

impl<'a> VisitJs<'a> for Names<'_> {
    fn visit_identifier_reference(&mut self, reference: &IdentifierReference<'a>) {
        if let Some(namespace) = self.namespace_of(reference) {
            let qualifier = format!("{namespace}.");
            self.edits.push(Edit::insert(reference.span.start, qualifier));
        }
    }

    fn visit_object_property(&mut self, property: &ObjectProperty<'a>) {
        let value = property.value.get_identifier_reference().filter(|_| property.shorthand);
        match value.and_then(|value| Some((value, self.namespace_of(value)?))) {
            Some((value, namespace)) => {
                let key = format!("{}: {namespace}.", value.name);
                self.edits.push(Edit::insert(value.span.start, key));
            }
            None => walk_js::walk_object_property(self, property),
        }
    }

    fn visit_assignment_target_property_identifier(
        &mut self,
        target: &AssignmentTargetPropertyIdentifier<'a>,
    ) {
        match self.namespace_of(&target.binding) {
            Some(namespace) => {
                let key = format!("{}: {namespace}.", target.binding.name);
                self.edits.push(Edit::insert(target.binding.span.start, key));
            }
            None => self.visit_identifier_reference(&target.binding),
        }
        if let Some(initial) = &target.init {
            self.visit_expression(initial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_given_their_namespace() {
        for (text, expected) in [
            (
                "namespace N { export let a = 1; export const f = () => [a++, { a }, ({ a } = b)]; let b; }",
                "namespace N { export let a = 1; export const f = () => [N.a++, { a: N.a }, ({ a: N.a } = b)]; let b; }",
            ),
            (
                "namespace A { export const x = 1; } namespace A { export const y = x; const z = (x) => x; }",
                "namespace A { export const x = 1; } namespace A { export const y = A.x; const z = (x) => x; }",
            ),
            (
                "namespace A.B.C { export const x = 1; } namespace A { export namespace B { export const y = C.x; } B.C; }",
                "namespace A.B.C { export const x = 1; } namespace A { export namespace B { export const y = B.C.x; } B.C; }",
            ),
            (
                "namespace N { export let a = 1; export var t: typeof a; class a2 { a = a } for (a of []) {} `${a}`; }",
                "namespace N { export let a = 1; export var t: typeof a; class a2 { a = N.a } for (N.a of []) {} `${N.a}`; }",
            ),
        ] {
            assert_eq!(qualify_exports("a.ts", text).as_deref(), Some(expected));
        }
        for text in [
            "namespace N { export const a = 1; a; function f() {} f(); }",
            "namespace N { export let a = 1; function f(a, N) { return a; } (N) => a; }",
            "declare namespace N { export let a; } a;",
            "export const namespace = 1; namespace;",
        ] {
            assert_eq!(qualify_exports("a.ts", text), None, "{text}");
        }
    }
}
