//! Constants beyond the platform's limits: keys, values, batches, tags, attachments and reasons of WebSockets, SQL texts and
//! their parameters.
//!
//! What fails whenever it runs is an error; a value that nearly fails deserves a look, for values grow. Which call is meant is told
//! by its receiver's name (`….storage`, `….storage.kv`, `….sql`).
//!
//! Fidelity: figures of `base::limits`, which names their sources.

use std::collections::BTreeSet;
use std::sync::Arc;

use oxc::ast::ast::{
    Argument, ArrayExpressionElement, CallExpression, Expression, ObjectPropertyKind, Program,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::span::{GetSpan, Span};

use super::constant::{Constant, Constants};
use super::range;
use super::sql::is_exec;
use crate::base::diag::{Diagnostic, SourceFile};
use crate::base::limits;

pub(super) fn check(
    program: &Program<'_>,
    constants: &Constants<'_>,
    source: &Arc<SourceFile>,
) -> Vec<Diagnostic> {
    let mut finder = Finder { source, constants, found: Vec::new() };
    finder.visit_program(program);
    finder.found
}

struct Finder<'s> {
    source: &'s Arc<SourceFile>,
    constants: &'s Constants<'s>,
    found: Vec<Diagnostic>,
}

impl<'a> VisitJs<'a> for Finder<'_> {
    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if is_exec(&call.callee) {
            self.statement(call);
        } else if let Expression::StaticMemberExpression(member) = call.callee.without_parentheses() {
            match (member.property.name.as_str(), store_of(&member.object)) {
                ("get" | "delete", Some(store)) => self.read(call, store),
                ("put", Some(store)) => self.write(call, store),
                ("acceptWebSocket", _) => self.tags(call),
                ("serializeAttachment", _) => self.attachment(call),
                ("close", _) => self.reason(call),
                _ => {}
            }
        }
        walk_js::walk_call_expression(self, call);
    }
}

/// Which interface of an object's storage a call belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Store {
    /// `….storage`, whose methods take one key or several.
    Whole,
    /// `….storage.kv`, whose methods take one.
    Kv,
}

impl Finder<'_> {
    fn say(&mut self, code: &'static str, span: Span, message: String, help: &str) {
        self.found.push(Diagnostic::error(code, message).at(self.source, range(span), "").help(help));
    }

    fn read(&mut self, call: &CallExpression<'_>, store: Store) {
        match call.arguments.first() {
            Some(Argument::ArrayExpression(keys)) if store == Store::Whole => {
                let given = keys.elements.iter().filter(|key| !key.is_spread()).count();
                self.batch(given, keys.span);
                for key in keys.elements.iter().filter_map(ArrayExpressionElement::as_expression) {
                    self.key(key);
                }
            }
            Some(argument) => self.key_argument(argument),
            None => {}
        }
    }

    fn write(&mut self, call: &CallExpression<'_>, store: Store) {
        match (call.arguments.first(), call.arguments.get(1)) {
            (Some(Argument::ObjectExpression(entries)), _) if store == Store::Whole => {
                let mut names = BTreeSet::new();
                for property in &entries.properties {
                    let ObjectPropertyKind::ObjectProperty(property) = property else { continue };
                    let Some(name) = property.key.static_name() else { continue };
                    self.key_bytes(name.len(), property.key.span());
                    self.value(&property.value, name.len());
                    names.insert(name.into_owned());
                }
                self.batch(names.len(), entries.span);
            }
            (Some(key), value) => {
                self.key_argument(key);
                let key = key.as_expression().and_then(|key| self.constants.text(key));
                let key_bytes = key.map_or(0, |key| key.utf8);
                if let Some(value) = value.and_then(Argument::as_expression) {
                    self.value(value, key_bytes);
                }
            }
            (None, _) => {}
        }
    }

    fn batch(&mut self, keys: usize, span: Span) {
        if keys > limits::KV_BATCH_KEYS {
            let message = format!("{keys} keys in one call, of at most {}", limits::KV_BATCH_KEYS);
            self.say("check/batch", span, message, "make several calls");
        }
    }

    fn key_argument(&mut self, key: &Argument<'_>) {
        if let Some(key) = key.as_expression() {
            self.key(key);
        }
    }

    fn key(&mut self, key: &Expression<'_>) {
        if let Some(text) = self.constants.text(key) {
            self.key_bytes(text.utf8, key.span());
        }
    }

    fn key_bytes(&mut self, bytes: usize, span: Span) {
        if bytes > limits::KV_KEY_BYTES {
            let message = format!("a key of {bytes} bytes, of at most {}", limits::KV_KEY_BYTES);
            self.say("check/key", span, message, "store long texts as values, under a short key");
        }
    }

    fn value(&mut self, value: &Expression<'_>, key_bytes: usize) {
        let Some(bytes) = self.stored(value) else { return };
        let (both, limit) = (key_bytes.saturating_add(bytes), limits::SQLITE_VALUE_BYTES);
        let help = "divide it, or put it into R2";
        if both > limit {
            let message = format!("a value of {bytes} bytes, of at most {limit} together with its key");
            self.say("check/value", value.span(), message, help);
        } else if both > limit / 100 * limits::WARN_AT_PERCENT {
            let message =
                format!("a value of {bytes} bytes, near the limit of {limit} together with its key");
            let hint = Diagnostic::hint("check/near-value", message);
            self.found.push(hint.at(self.source, range(value.span()), "").help(help));
        }
    }

    /// Bytes that a value takes when it is stored, without what is written around it.
    fn stored(&self, value: &Expression<'_>) -> Option<usize> {
        match self.constants.value(value)? {
            Constant::Text(text) => Some(text.stored()),
            Constant::Bytes(bytes) => Some(bytes),
            Constant::Number(_) => None,
        }
    }

    fn attachment(&mut self, call: &CallExpression<'_>) {
        let Some(value) = call.arguments.first().and_then(Argument::as_expression) else { return };
        let Some(bytes) = self.stored(value) else { return };
        if bytes > limits::SOCKET_ATTACHMENT_BYTES {
            let message =
                format!("an attachment of {bytes} bytes, of at most {}", limits::SOCKET_ATTACHMENT_BYTES);
            self.say("check/attachment", value.span(), message, "keep what is large in `ctx.storage`");
        }
    }

    /// Of a WebSocket: others that are closed with a number and a text are not known.
    fn reason(&mut self, call: &CallExpression<'_>) {
        let (Some(Argument::NumericLiteral(code)), Some(reason)) =
            (call.arguments.first(), call.arguments.get(1))
        else {
            return;
        };
        let Some(text) = reason.as_expression().and_then(|reason| self.constants.text(reason)) else {
            return;
        };
        if (1_000.0..5_000.0).contains(&code.value) && text.utf8 > limits::SOCKET_REASON_BYTES {
            let message =
                format!("a reason of {} bytes, of at most {}", text.utf8, limits::SOCKET_REASON_BYTES);
            self.say("check/reason", reason.span(), message, "send what is longer as a message before");
        }
    }

    fn tags(&mut self, call: &CallExpression<'_>) {
        let Some(Argument::ArrayExpression(tags)) = call.arguments.get(1) else { return };
        let mut distinct = BTreeSet::new();
        for tag in tags.elements.iter().filter_map(ArrayExpressionElement::as_expression) {
            let Some(text) = self.constants.text(tag) else { continue };
            distinct.extend(text.says);
            if text.utf8 > limits::SOCKET_TAG_BYTES {
                let message =
                    format!("a tag of {} bytes, of at most {}", text.utf8, limits::SOCKET_TAG_BYTES);
                self.say("check/tag", tag.span(), message, "keep what is long in the attachment");
            }
        }
        if distinct.len() > limits::SOCKET_TAGS {
            let message =
                format!("a WebSocket with {} tags, of at most {}", distinct.len(), limits::SOCKET_TAGS);
            self.say("check/tags", tags.span, message, "keep what is not looked for in the attachment");
        }
    }

    fn statement(&mut self, call: &CallExpression<'_>) {
        let given = call.arguments.iter().skip(1);
        let bindings = given.clone().filter(|argument| !argument.is_spread()).count();
        if bindings > limits::SQL_PARAMETERS {
            let span = Span::new(call.arguments[1].span().start, call.span.end - 1);
            let message =
                format!("{bindings} parameters of a statement, of at most {}", limits::SQL_PARAMETERS);
            self.say("check/parameters", span, message, "run several statements, or pass one JSON text");
        }
        let Some(sql) = call.arguments.first().and_then(Argument::as_expression) else { return };
        let Some(text) = self.constants.text(sql) else { return };
        if text.utf8 > limits::SQL_LENGTH_BYTES {
            let message = format!("SQL of {} bytes, of at most {}", text.utf8, limits::SQL_LENGTH_BYTES);
            self.say("check/sql-length", sql.span(), message, "run several statements");
        }
        let columns = text.says.map_or(0, |text| columns(&text));
        if columns > limits::SQL_COLUMNS {
            let message = format!("a table of {columns} columns, of at most {}", limits::SQL_COLUMNS);
            self.say("check/columns", sql.span(), message, "divide the table, or keep a part as JSON");
        }
    }
}

/// The storage that a receiver is.
fn store_of(object: &Expression<'_>) -> Option<Store> {
    let name = |object: &Expression<'_>| match object.without_parentheses() {
        Expression::Identifier(name) => Some(name.name.to_string()),
        Expression::StaticMemberExpression(member) => Some(member.property.name.to_string()),
        Expression::PrivateFieldExpression(member) => Some(member.field.name.to_string()),
        _ => None,
    };
    match (name(object)?.as_str(), object.without_parentheses()) {
        ("storage", _) => Some(Store::Whole),
        ("kv", Expression::StaticMemberExpression(member)) => {
            (name(&member.object)? == "storage").then_some(Store::Kv)
        }
        _ => None,
    }
}

/// Words that begin a constraint of a table, and no column.
const CONSTRAINTS: &[&str] = &["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"];

/// How many columns the largest table has that `sql` creates; 0 without any.
fn columns(sql: &str) -> usize {
    let upper = sql.to_ascii_uppercase();
    let tables = upper.match_indices("CREATE ").filter_map(|(at, _)| {
        let rest = &upper[at..];
        let open = rest.find('(')?;
        let head: Vec<_> = rest[..open].split_whitespace().take(3).collect();
        (head.get(1) == Some(&"TABLE") || head.get(2) == Some(&"TABLE")).then(|| &rest[open + 1..])
    });
    tables.map(columns_of).max().unwrap_or(0)
}

/// How many columns there are in what follows the parenthesis of a table.
fn columns_of(sql: &str) -> usize {
    let (mut count, mut depth, mut quote, mut item) = (0, 0_usize, None, String::new());
    let mut finish = |item: &mut String| {
        let first =
            item.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '"').find(|word| !word.is_empty());
        count += usize::from(first.is_some_and(|word| !CONSTRAINTS.contains(&word)));
        item.clear();
    };
    for character in sql.chars() {
        match (quote, character) {
            (Some(end), _) if character == end => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(character),
            (None, '[') => quote = Some(']'),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => break,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                finish(&mut item);
                continue;
            }
            (None, _) => {}
        }
        item.push(character);
    }
    finish(&mut item);
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_without_constraints() {
        for (sql, expected) in [
            ("create table t(a, b int check (b in (1, 2)), primary key (a, b))", 2),
            ("CREATE TEMP TABLE \"x(\"\n(a DEFAULT ',', \"b,c\" TEXT, UNIQUE (a))", 2),
            ("CREATE TABLE IF NOT EXISTS t(a); CREATE TABLE u(a, b, c)", 3),
            ("CREATE INDEX i ON t(a, b)", 0),
            ("SELECT (1, 2)", 0),
            ("CREATE TABLE t AS SELECT 1", 0),
            ("CREATE TABLE t(", 0),
        ] {
            assert_eq!(columns(sql), expected, "{sql}");
        }
    }
}
