//! Reads `wrangler.json` and `wrangler.jsonc` into the spanned tree.
//!
//! Comments and trailing commas are legal in both file types; nothing else of JSON5 is.
//! Fidelity: wrangler reads both with one JSONC parser (`parseJSONC` in workers-utils).

use jsonc_parser::ast::{ObjectPropName, Value as Ast};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::report::Report;
use super::tree::{Entry, Node, Value};

/// The tree of the report's source, or None after reporting the syntax error.
pub fn parse(report: &mut Report) -> Option<Node> {
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let source = report.source().clone();
    match parse_to_ast(&source.text, &CollectOptions::default(), &options) {
        Ok(result) => match result.value {
            Some(value) => convert(report, value),
            None => {
                let end = source.text.len();
                report.error("config/syntax", end..end, "the file is empty").help("start with `{}`");
                None
            }
        },
        Err(error) => {
            let range = error.range();
            let message = lower_first(&error.kind().to_string());
            report.error("config/syntax", range.start..range.end.max(range.start), message);
            None
        }
    }
}

fn convert(report: &mut Report, ast: Ast<'_>) -> Option<Node> {
    let span = ast.start()..ast.end();
    let value = match ast {
        Ast::NullKeyword(_) => Value::Null,
        Ast::BooleanLit(literal) => Value::Bool(literal.value),
        Ast::StringLit(literal) => Value::Text(literal.value.into_owned()),
        Ast::NumberLit(literal) => match serde_json::from_str(literal.value) {
            Ok(number) => Value::Number(number),
            Err(_) => {
                report.error("config/syntax", span, format!("`{}` is not a number", literal.value));
                return None;
            }
        },
        Ast::Array(array) => {
            let items: Option<Vec<Node>> =
                array.elements.into_iter().map(|item| convert(report, item)).collect();
            Value::List(items?)
        }
        Ast::Object(object) => {
            let mut entries: Vec<Entry> = Vec::with_capacity(object.properties.len());
            for property in object.properties {
                let (key, range) = match property.name {
                    ObjectPropName::String(literal) => (literal.value.into_owned(), literal.range),
                    ObjectPropName::Word(word) => (word.value.to_owned(), word.range),
                };
                let key_span = range.start..range.end;
                let node = convert(report, property.value)?;
                if entries.iter().any(|entry| entry.key == key) {
                    report
                        .warning("config/duplicate-key", key_span.clone(), format!("`{key}` is given twice"))
                        .help("the last one counts; remove the other");
                }
                entries.push(Entry { key, key_span, node });
            }
            Value::Record(entries)
        }
    };
    Some(Node { span, value })
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        // "NaN" and the like stay as they are.
        Some(first) if chars.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}
