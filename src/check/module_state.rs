//! Variables of a module that handlers write: they are shared by all objects of an isolate and go with it.
//!
//! That may be meant (a cache), so it is a hint. Only code that certainly belongs to a handler counts: classes of
//! `cloudflare:workers` and the default export.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use oxc::ast::ast::{
    CallExpression, Class, ExportDefaultDeclaration, Expression, IdentifierReference, NewExpression, Program,
    VariableDeclarator,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::semantic::{ReferenceId, Scoping, SymbolId};
use oxc::span::Span;

use super::range;
use crate::base::diag::{Diagnostic, SourceFile};

/// The platform's classes whose methods are handlers.
const PARENTS: &[&str] = &["DurableObject", "WorkerEntrypoint"];
/// Methods that change a collection.
const CHANGES: &[&str] = &["set", "add", "delete", "clear", "push", "unshift", "splice", "pop", "shift"];

pub(super) fn check(program: &Program<'_>, scoping: &Scoping, source: &Arc<SourceFile>) -> Vec<Diagnostic> {
    let mut finder = Finder::default();
    finder.visit_program(program);
    let mut found = Vec::new();
    for symbol in scoping.iter_bindings_in(scoping.root_scope_id()) {
        let is_collection = finder.collections.contains(&symbol);
        let writes = scoping.get_resolved_reference_ids(symbol).iter().filter_map(|id| {
            let use_of = finder.uses.get(id)?;
            let writes = scoping.get_reference(*id).is_write() || (is_collection && use_of.changes);
            writes.then_some(use_of.span)
        });
        if !scoping.symbol_flags(symbol).is_variable() {
            continue;
        }
        let Some(span) = writes.min_by_key(|span| span.start) else { continue };
        let name = scoping.symbol_name(symbol);
        let message = format!(
            "`{name}` lives outside of the objects: all of an isolate share it, and it is lost with it"
        );
        found.push(
            Diagnostic::hint("check/module-state", message)
                .at(source, range(span), "written here")
                .at(source, range(scoping.symbol_span(symbol)), "declared here")
                .help("what has to last belongs into `ctx.storage`; a cache may stay"),
        );
    }
    found
}

/// A use of a variable in a handler.
struct Use {
    span: Span,
    /// Whether a method that changes collections is called on it.
    changes: bool,
}

#[derive(Default)]
struct Finder {
    /// How many handlers are around.
    handlers: usize,
    uses: HashMap<ReferenceId, Use>,
    /// Variables that hold a new collection.
    collections: HashSet<SymbolId>,
}

impl Finder {
    fn note(&mut self, name: &IdentifierReference<'_>, changes: bool) {
        if let (Some(id), true) = (name.reference_id.get(), self.handlers > 0) {
            self.uses.entry(id).or_insert(Use { span: name.span, changes }).changes |= changes;
        }
    }
}

impl<'a> VisitJs<'a> for Finder {
    fn visit_class(&mut self, class: &Class<'a>) {
        let is_handler = class.heritage.as_ref().is_some_and(
            |parent| matches!(&parent.expression, Expression::Identifier(name) if PARENTS.contains(&name.name.as_str())),
        );
        self.handlers += usize::from(is_handler);
        walk_js::walk_class(self, class);
        self.handlers -= usize::from(is_handler);
    }

    fn visit_export_default_declaration(&mut self, export: &ExportDefaultDeclaration<'a>) {
        self.handlers += 1;
        walk_js::walk_export_default_declaration(self, export);
        self.handlers -= 1;
    }

    fn visit_identifier_reference(&mut self, name: &IdentifierReference<'a>) {
        self.note(name, false);
    }

    fn visit_variable_declarator(&mut self, declarator: &VariableDeclarator<'a>) {
        let is_new = match &declarator.init {
            Some(Expression::NewExpression(new)) => is_collection(new),
            Some(Expression::ArrayExpression(_)) => true,
            _ => false,
        };
        if let (true, Some(name)) = (is_new, declarator.id.get_binding_identifier())
            && let Some(symbol) = name.symbol_id.get()
        {
            self.collections.insert(symbol);
        }
        walk_js::walk_variable_declarator(self, declarator);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if let Expression::StaticMemberExpression(member) = &call.callee
            && let Expression::Identifier(name) = &member.object
            && CHANGES.contains(&member.property.name.as_str())
        {
            self.note(name, true);
        }
        walk_js::walk_call_expression(self, call);
    }
}

fn is_collection(new: &NewExpression<'_>) -> bool {
    matches!(&new.callee, Expression::Identifier(name) if matches!(name.name.as_str(), "Map" | "Set" | "Array"))
}
