//! Classes with hibernatable WebSockets: sockets that are in the way of hibernation, and closings nobody answers.

use std::collections::HashSet;
use std::sync::Arc;

use oxc::ast::ast::{
    ArrowFunctionExpression, BindingPattern, CallExpression, Class, ClassElement, Expression, Function,
    MethodDefinition, NewExpression, Program, VariableDeclarator,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::semantic::ScopeFlags;
use oxc::span::{GetSpan, Span};

use super::range;
use crate::base::diag::{Diagnostic, SourceFile};

pub(super) fn check(program: &Program<'_>, source: &Arc<SourceFile>) -> Vec<Diagnostic> {
    let mut finder = Finder { source, found: Vec::new() };
    finder.visit_program(program);
    finder.found
}

struct Finder<'s> {
    source: &'s Arc<SourceFile>,
    found: Vec<Diagnostic>,
}

impl<'a> VisitJs<'a> for Finder<'_> {
    fn visit_class(&mut self, class: &Class<'a>) {
        let message = method(class, "webSocketMessage");
        let mut sockets = Sockets::default();
        walk_js::walk_class(&mut sockets, class);
        if message.is_some() || sockets.hibernates {
            for span in &sockets.accepted {
                let what = "`accept()` makes a WebSocket that keeps its object in memory, in a class whose \
                            other WebSockets hibernate";
                self.found.push(
                    Diagnostic::warning("check/accept", what)
                        .at(self.source, range(*span), "")
                        .help("hand it to `this.ctx.acceptWebSocket(…)`"),
                );
            }
        }
        // Fidelity: observed with wrangler 4.164.0: `web_socket_auto_reply_to_close` is for accepted sockets alone.
        let closes = || self.source.text[range(class.span)].contains(".close(");
        if let Some(message) = message
            && is_whole(class)
            && (method(class, "webSocketClose").is_none() || !closes())
        {
            let what =
                "nobody answers a client that closes its WebSocket: the client waits, and sees code 1006";
            self.found.push(
                Diagnostic::warning("check/unanswered-close", what)
                    .at(self.source, range(message), "")
                    .help("call `ws.close(code, reason)` in `webSocketClose(ws, code, reason)`"),
            );
        }
        walk_js::walk_class(self, class);
    }
}

/// The name of a class's method.
fn method(class: &Class<'_>, name: &str) -> Option<Span> {
    class.body.body.iter().find_map(|element| match element {
        ClassElement::MethodDefinition(method)
            if !method.r#static && method.key.is_specific_static_name(name) =>
        {
            Some(method.key.span())
        }
        ClassElement::PropertyDefinition(field)
            if !field.r#static && field.key.is_specific_static_name(name) =>
        {
            Some(field.key.span())
        }
        _ => None,
    })
}

/// Whether all methods of the class stand in it: it extends nothing, or the platform's own class.
fn is_whole(class: &Class<'_>) -> bool {
    class.heritage.as_ref().is_none_or(|parent| {
        matches!(parent.expression.without_parentheses(), Expression::Identifier(name) if name.name == "DurableObject")
    })
}

/// What a class does with WebSockets that it made itself.
#[derive(Default)]
struct Sockets {
    hibernates: bool,
    /// Names of ends of pairs, and of pairs.
    names: HashSet<String>,
    /// In the functions around: calls of `accept()`, and names on which `close()` is called. Who accepts a socket only
    /// to close it with a reason has no other way.
    accepts: Vec<(String, Span)>,
    closes: HashSet<String>,
    accepted: Vec<Span>,
}

impl Sockets {
    fn in_function(&mut self, walk: impl FnOnce(&mut Self)) {
        let outside = (std::mem::take(&mut self.accepts), std::mem::take(&mut self.closes));
        walk(self);
        for (name, span) in std::mem::take(&mut self.accepts) {
            if !self.closes.contains(&name) {
                self.accepted.push(span);
            }
        }
        (self.accepts, self.closes) = outside;
    }
}

impl<'a> VisitJs<'a> for Sockets {
    fn visit_method_definition(&mut self, method: &MethodDefinition<'a>) {
        self.in_function(|this| walk_js::walk_method_definition(this, method));
    }

    fn visit_function(&mut self, function: &Function<'a>, flags: ScopeFlags) {
        walk_js::walk_function(self, function, flags);
    }

    fn visit_arrow_function_expression(&mut self, function: &ArrowFunctionExpression<'a>) {
        walk_js::walk_arrow_function_expression(self, function);
    }

    fn visit_class(&mut self, _: &Class<'a>) {
        // A class within the class has sockets of its own.
    }

    fn visit_variable_declarator(&mut self, declarator: &VariableDeclarator<'a>) {
        if let Some(value) = &declarator.init
            && makes_pair(value, &self.names)
        {
            self.names.extend(names_of(&declarator.id));
        }
        walk_js::walk_variable_declarator(self, declarator);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if let Expression::StaticMemberExpression(member) = call.callee.without_parentheses() {
            let name = name_of(&member.object).filter(|name| self.names.contains(*name));
            match (member.property.name.as_str(), name) {
                ("acceptWebSocket", _) => self.hibernates = true,
                ("accept", Some(name)) => self.accepts.push((name.to_owned(), call.span)),
                ("close", Some(name)) => drop(self.closes.insert(name.to_owned())),
                _ => {}
            }
        }
        walk_js::walk_call_expression(self, call);
    }
}

/// The variable that `object` is, or is a member of by number: `pair` of `pair[1]`.
fn name_of<'e>(object: &'e Expression<'_>) -> Option<&'e str> {
    match object.without_parentheses() {
        Expression::Identifier(name) => Some(name.name.as_str()),
        Expression::ComputedMemberExpression(member) => name_of(&member.object),
        Expression::TSNonNullExpression(value) => name_of(&value.expression),
        Expression::TSAsExpression(value) => name_of(&value.expression),
        _ => None,
    }
}

/// Whether `value` is a new pair, a known one, or the list of its ends.
fn makes_pair(value: &Expression<'_>, known: &HashSet<String>) -> bool {
    match value.without_parentheses() {
        Expression::NewExpression(new) => is_pair(new),
        Expression::TSAsExpression(cast) => makes_pair(&cast.expression, known),
        Expression::TSNonNullExpression(cast) => makes_pair(&cast.expression, known),
        Expression::CallExpression(call) => match &call.callee {
            Expression::StaticMemberExpression(member) if member.property.name == "values" => call
                .arguments
                .first()
                .and_then(|first| first.as_expression())
                .is_some_and(|e| makes_pair(e, known)),
            _ => false,
        },
        other => name_of(other).is_some_and(|name| known.contains(name)),
    }
}

fn is_pair(new: &NewExpression<'_>) -> bool {
    matches!(&new.callee, Expression::Identifier(name) if name.name == "WebSocketPair")
}

fn names_of(pattern: &BindingPattern<'_>) -> Vec<String> {
    pattern.get_binding_identifiers().iter().map(|identifier| identifier.name.to_string()).collect()
}
