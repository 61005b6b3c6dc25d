//! Literals beyond the platform's limits: keys, values, batches, tags of WebSockets, SQL texts and their parameters.
//!
//! Only what stands in the code as it is counts, and only what fails whenever it runs: all of it are errors. Which call is
//! meant is told by its receiver's name (`….storage`, `….storage.kv`, `….sql`).
//!
//! Fidelity: figures of `base::limits`, which names their sources.

use std::collections::BTreeSet;
use std::sync::Arc;

use oxc::ast::ast::{
    Argument, ArrayExpressionElement, CallExpression, Expression, ObjectPropertyKind, Program,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::span::{GetSpan, Span};

use super::range;
use super::sql::is_exec;
use crate::base::diag::{Diagnostic, SourceFile};
use crate::base::limits;

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
    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if is_exec(&call.callee) {
            self.statement(call);
        } else if let Expression::StaticMemberExpression(member) = call.callee.without_parentheses() {
            match (member.property.name.as_str(), store_of(&member.object)) {
                ("get" | "delete", Some(store)) => self.read(call, store),
                ("put", Some(store)) => self.write(call, store),
                ("acceptWebSocket", _) => self.tags(call),
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
                    self.key_text(&name, property.key.span());
                    self.value(&property.value, name.len());
                    names.insert(name.into_owned());
                }
                self.batch(names.len(), entries.span);
            }
            (Some(key), value) => {
                self.key_argument(key);
                let key_bytes = key.as_expression().and_then(text_of).map_or(0, |key| key.len());
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
        if let Some(text) = text_of(key) {
            self.key_text(text, key.span());
        }
    }

    fn key_text(&mut self, key: &str, span: Span) {
        if key.len() > limits::KV_KEY_BYTES {
            let message = format!("a key of {} bytes, of at most {}", key.len(), limits::KV_KEY_BYTES);
            self.say("check/key", span, message, "store long texts as values, under a short key");
        }
    }

    fn value(&mut self, value: &Expression<'_>, key_bytes: usize) {
        let Some(text) = text_of(value) else { return };
        // As V8 writes it: a byte a character where that is possible, else two.
        let narrow = text.chars().all(|character| character <= '\u{ff}');
        let bytes = if narrow { text.chars().count() } else { text.encode_utf16().count() * 2 };
        if key_bytes + bytes > limits::SQLITE_VALUE_BYTES {
            let message = format!(
                "a value of {bytes} bytes, of at most {} together with its key",
                limits::SQLITE_VALUE_BYTES
            );
            self.say("check/value", value.span(), message, "divide it, or put it into R2");
        }
    }

    fn tags(&mut self, call: &CallExpression<'_>) {
        let Some(Argument::ArrayExpression(tags)) = call.arguments.get(1) else { return };
        let mut distinct = BTreeSet::new();
        for tag in tags.elements.iter().filter_map(ArrayExpressionElement::as_expression) {
            let Some(text) = text_of(tag) else { continue };
            distinct.insert(text);
            if text.len() > limits::SOCKET_TAG_BYTES {
                let message =
                    format!("a tag of {} bytes, of at most {}", text.len(), limits::SOCKET_TAG_BYTES);
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
        let Some(text) = text_of(sql) else { return };
        if text.len() > limits::SQL_LENGTH_BYTES {
            let message = format!("SQL of {} bytes, of at most {}", text.len(), limits::SQL_LENGTH_BYTES);
            self.say("check/sql-length", sql.span(), message, "run several statements");
        }
        let columns = columns(text);
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

/// The text that an expression is, if it is nothing else.
fn text_of<'e>(expression: &'e Expression<'_>) -> Option<&'e str> {
    match expression.without_parentheses() {
        Expression::StringLiteral(literal) => Some(literal.value.as_str()),
        Expression::TemplateLiteral(template) if template.expressions.is_empty() => {
            template.quasis.first()?.value.cooked.as_ref().map(|text| text.as_str())
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
