//! Reads `wrangler.json` and `wrangler.jsonc` into the spanned tree.
//!
//! Comments and trailing commas are legal in both file types; nothing else of JSON5 is.
//! Fidelity: wrangler reads both with one JSONC parser (`parseJSONC` in workers-utils).

use std::ops::Range;

use jsonc_parser::ast::{ObjectPropName, Value as Ast};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::ParseErrorKind;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::report::Report;
use super::tree::{Entry, Node, Value};

/// JSON with comments and trailing commas, and nothing else of JSON5.
pub const JSONC: ParseOptions = ParseOptions {
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

/// The tree of the report's source, or None after reporting the syntax error.
pub fn parse(report: &mut Report) -> Option<Node> {
    let source = report.source().clone();
    match parse_to_ast(&source.text, &CollectOptions::default(), &JSONC) {
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
            report_syntax(report, error.kind(), range.start..range.end.max(range.start));
            None
        }
    }
}

fn convert(report: &mut Report, ast: Ast<'_>) -> Option<Node> {
    let span = ast.start()..ast.end();
    let value = match ast {
        Ast::NullKeyword(_) => Value::Null,
        Ast::BooleanLit(literal) => Value::Bool(literal.value),
        Ast::StringLit(literal) => {
            check_string(report, span.clone());
            Value::Text(literal.value.into_owned())
        }
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
                check_string(report, key_span.clone());
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

/// Reports the first control character in the string at `span`, which JSON has as an escape only.
fn check_string(report: &mut Report, span: Range<usize>) {
    let source = report.source().clone();
    let text = &source.text[span.clone()];
    let Some(index) = text.find(|c: char| c < ' ') else { return };
    let at = span.start + index;
    if text[index..].starts_with(['\n', '\r']) {
        let open = span.start..at;
        report
            .error("config/syntax", open, "the text has no closing quote on its line")
            .help("add a \", or write \\n");
    } else {
        let escape = match text.as_bytes()[index] {
            b'\t' => "\\t".to_owned(),
            byte => format!("\\u{byte:04x}"),
        };
        let message = "a control character stands in a text";
        report.error("config/syntax", at..at + 1, message).help(format!("write {escape}"));
    }
}

/// Says what is wrong at `span`, in the words of somebody who writes configurations.
fn report_syntax(report: &mut Report, kind: &ParseErrorKind, span: Range<usize>) {
    let source = report.source().clone();
    let text = &source.text;
    // Only one letter of each needs to be right: the word that a person tripped over.
    let word = text.get(span.clone()).unwrap_or_default();
    let end = text.trim_end().len();
    let (span, message, help) = match kind {
        _ if starts_like_toml(text) => {
            (span, "this is TOML, not JSON".to_owned(), "call the file `wrangler.toml`".to_owned())
        }
        ParseErrorKind::ExpectedComma => {
            (span, "a comma is missing".to_owned(), "put a comma after the value before it".to_owned())
        }
        ParseErrorKind::UnterminatedObject => {
            (end..end, "a `}` is missing at the end".to_owned(), "close the object".to_owned())
        }
        ParseErrorKind::UnterminatedArray => {
            (end..end, "a `]` is missing at the end".to_owned(), "close the array".to_owned())
        }
        ParseErrorKind::SingleQuotedStringsNotAllowed => {
            (span, "text stands in double quotes".to_owned(), "write \" instead of '".to_owned())
        }
        ParseErrorKind::ExpectedStringObjectProperty => {
            (span, "keys stand in double quotes".to_owned(), format!("write \"{word}\""))
        }
        ParseErrorKind::MultipleRootJsonValues => {
            let help = "remove it, or the bracket that ended the object too early".to_owned();
            (span, "there is more after the end of the object".to_owned(), help)
        }
        // What JavaScript or Python would take.
        ParseErrorKind::UnexpectedWord | ParseErrorKind::UnexpectedToken
            if is_word(word) && open_string(text, span.start).is_none() =>
        {
            let help = match word {
                "True" | "False" | "None" | "nil" => "JSON says `true`, `false` and `null`".to_owned(),
                _ => format!(
                    "text stands in double quotes: \"{word}\"; other values are numbers, true, false and null"
                ),
            };
            (span, format!("`{word}` is no value"), help)
        }
        kind => match open_string(text, span.start) {
            Some(open) => {
                (open, "the text has no closing quote on its line".to_owned(), "add a \"".to_owned())
            }
            None => (span, lower_first(&kind.to_string()), String::new()),
        },
    };
    let added = report.error("config/syntax", span, message);
    if !help.is_empty() {
        added.help(help);
    }
}

/// Whether `text` is a name.
fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Whether the first line that says something is one of TOML.
fn starts_like_toml(text: &str) -> bool {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    line.is_some_and(|line| {
        let key = line.split('=').next().unwrap_or_default().trim();
        let is_pair = line.contains('=') && !key.is_empty();
        (is_pair && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
            || (line.starts_with('[') && line.ends_with(']') && !line.contains(['"', ',']))
    })
}

/// The string that starts on the line of `at` or the one before it and does not end there.
fn open_string(text: &str, at: usize) -> Option<Range<usize>> {
    let line_start = text[..at].rfind('\n').map_or(0, |index| index + 1);
    let before = text[..line_start.saturating_sub(1)].rfind('\n').map_or(0, |index| index + 1);
    [before..line_start, line_start..text.len()].into_iter().find_map(|range| {
        let line = text[range.clone()].lines().next().unwrap_or_default();
        let mut open = None;
        let mut escaped = false;
        for (index, character) in line.char_indices() {
            match character {
                '"' if !escaped => open = if open.is_some() { None } else { Some(index) },
                _ => {}
            }
            escaped = character == '\\' && !escaped;
        }
        open.map(|open| range.start + open..range.start + line.trim_end().len())
    })
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
