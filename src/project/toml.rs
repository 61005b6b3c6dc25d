//! Reads `wrangler.toml` into the spanned tree.
//!
//! Dates stay dates, so that the checks can say that the configuration wants text. Numbers that JSON
//! lacks (`inf`, `nan`) are refused here, since a variable could not carry them.

use std::ops::Range;

use toml_edit::{Document, Item, Table, Value as Toml};

use super::report::Report;
use super::tree::{Entry, Node, Value};

/// The tree of the report's source, or None after reporting the syntax error.
pub fn parse(report: &mut Report) -> Option<Node> {
    let source = report.source().clone();
    match Document::parse(source.text.as_str()) {
        Ok(document) => {
            let value = record(report, document.as_table())?;
            Some(Node { span: 0..source.text.len(), value })
        }
        Err(error) => {
            let end = source.text.len();
            let span = error.span().unwrap_or(end..end);
            let message = error.message().lines().next().unwrap_or("the text is no TOML").to_owned();
            let is_json = source.text.trim_start().starts_with('{');
            let help = match message.as_str() {
                _ if is_json => "call the file `wrangler.jsonc`",
                message if message.contains("must be quoted") => "put the value in quotes",
                message if message.contains("basic string") => "close the text with \" on the same line",
                message if message.contains("unclosed table") => "close the header with ]",
                message if message.contains("duplicate key") => "remove one of the two",
                _ => "",
            };
            let message = if is_json { "this is JSON, not TOML".to_owned() } else { message };
            let added = report.error("config/syntax", span, message);
            if !help.is_empty() {
                added.help(help);
            }
            None
        }
    }
}

fn record(report: &mut Report, table: &Table) -> Option<Value> {
    let mut entries = Vec::with_capacity(table.len());
    for (key, item) in table.iter() {
        let key_span = table.key(key).and_then(|key| key.span()).unwrap_or_default();
        let span = item.span().unwrap_or_else(|| key_span.clone());
        // `[[x]]` and `[x]` have no span of their own key in every position: their header stands for it.
        let key_span = if key_span.is_empty() { span.clone() } else { key_span };
        let value = match item {
            Item::None => continue,
            Item::Value(value) => scalar(report, value, &span)?,
            Item::Table(table) => record(report, table)?,
            Item::ArrayOfTables(tables) => {
                let mut items = Vec::with_capacity(tables.len());
                for table in tables.iter() {
                    let span = table.span().unwrap_or_else(|| span.clone());
                    items.push(Node { span, value: record(report, table)? });
                }
                Value::List(items)
            }
        };
        entries.push(Entry { key: key.to_owned(), key_span, node: Node { span, value } });
    }
    Some(Value::Record(entries))
}

/// The largest number that JavaScript can tell from its neighbours.
const EXACT_MAX: u64 = (1 << 53) - 1;

fn scalar(report: &mut Report, value: &Toml, span: &Range<usize>) -> Option<Value> {
    Some(match value {
        Toml::String(text) => Value::Text(text.value().clone()),
        Toml::Integer(number) if number.value().unsigned_abs() > EXACT_MAX => {
            report
                .error("config/syntax", span.clone(), "the number is too large to be exact")
                .help("put it in quotes");
            return None;
        }
        Toml::Integer(number) => Value::Number((*number.value()).into()),
        Toml::Float(number) => match serde_json::Number::from_f64(*number.value()) {
            Some(number) => Value::Number(number),
            None => {
                report.error("config/syntax", span.clone(), "infinity and NaN cannot be used here");
                return None;
            }
        },
        Toml::Boolean(flag) => Value::Bool(*flag.value()),
        Toml::Datetime(date) => Value::Datetime(date.value().to_string()),
        Toml::Array(array) => {
            let mut items = Vec::with_capacity(array.len());
            for item in array.iter() {
                let span = item.span().unwrap_or_else(|| span.clone());
                items.push(Node { value: scalar(report, item, &span)?, span });
            }
            Value::List(items)
        }
        Toml::InlineTable(table) => {
            let mut entries = Vec::with_capacity(table.len());
            for (key, item) in table.iter() {
                let key_span = table.key(key).and_then(|key| key.span()).unwrap_or_else(|| span.clone());
                let span = item.span().unwrap_or_else(|| key_span.clone());
                let node = Node { value: scalar(report, item, &span)?, span };
                entries.push(Entry { key: key.to_owned(), key_span, node });
            }
            Value::Record(entries)
        }
    })
}
