//! Reads `.dev.vars` and `.env` files: lines `NAME=value` with quotes, comments and `export`.
//!
//! What cannot be understood is reported with its place instead of being dropped. A crate would read the
//! same lines, but none gives places, and the rules must be the ones of the platform's tool.
//! Fidelity: values come out as wrangler 4.164.0 reads them (dotenv 16: only `\n` and `\r` are escapes, and
//! only in double quotes; a `$` means something in `.env` files alone, through [`expand`]).
//! Deviation: there, a quoted text that begins on the line after `NAME=` is its value by accident; here not.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::base::diag::{Diagnostic, SourceFile};

/// One variable of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Its name.
    pub name: String,
    /// Its value, quotes removed.
    pub value: String,
    /// Byte range of the name.
    pub span: Range<usize>,
}

/// The variables of `source` in order, and warnings for lines that are none.
pub fn parse(source: &Arc<SourceFile>) -> (Vec<Assignment>, Vec<Diagnostic>) {
    let mut reader = Reader { source, at: 0, assignments: Vec::new(), diagnostics: Vec::new() };
    while reader.at < source.text.len() {
        reader.read_line();
    }
    (reader.assignments, reader.diagnostics)
}

struct Reader<'a> {
    source: &'a Arc<SourceFile>,
    at: usize,
    assignments: Vec<Assignment>,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn read_line(&mut self) {
        let text = self.source.text.as_str();
        let end = line_end(text, self.at);
        let line = &text[self.at..end];
        let trimmed = line.trim_start();
        let mut start = self.at + line.len() - trimmed.len();
        self.at = next_line(text, end);
        if trimmed.trim_end().is_empty() || trimmed.starts_with('#') {
            return;
        }
        if let Some(rest) = trimmed.strip_prefix("export").filter(|rest| rest.starts_with([' ', '\t'])) {
            start = end - rest.trim_start().len();
        }
        let name_length = text[start..end].find(|c: char| !is_name_char(c)).unwrap_or(end - start);
        let span = start..start + name_length;
        let after = text[span.end..end].trim_start();
        let assigned = after.strip_prefix('=').or_else(|| {
            after
                .strip_prefix(':')
                .filter(|rest| rest.starts_with([' ', '\t']) && text[span.end..].starts_with(':'))
        });
        let Some(rest) = assigned.filter(|_| name_length > 0) else {
            self.warn(start..end, "this line sets no variable").help = Some("write `NAME=value`".into());
            return;
        };
        let value_start = end - rest.trim_start().len();
        let value = self.read_value(value_start, end);
        self.assignments.push(Assignment { name: text[span.clone()].to_owned(), value, span });
    }

    /// The value that begins at `start`, in a line that ends at `end`; quoted ones may go on after it.
    fn read_value(&mut self, start: usize, end: usize) -> String {
        let text = self.source.text.as_str();
        let quote =
            text[start..].chars().next().filter(|c| matches!(c, '"' | '\'' | '`')).filter(|_| start < end);
        let Some(quote) = quote else { return bare(&text[start..end]).to_owned() };
        match closing_quote(text, start + 1, quote) {
            Some(close) => {
                self.at = next_line(text, line_end(text, close));
                let value = text[start + 1..close].replace("\r\n", "\n").replace('\r', "\n");
                match quote {
                    '"' => value.replace("\\n", "\n").replace("\\r", "\r"),
                    _ => value,
                }
            }
            None => {
                let value = bare(&text[start..end]);
                let message = format!("the value has no closing {quote} at its end");
                self.warn(start..start + value.len(), &message).help =
                    Some("the quote is taken as a part of the value; close it or remove it".into());
                // As in the platform's tool, quotes at both ends go even where others stand between them.
                let inner = value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
                inner.unwrap_or(value).to_owned()
            }
        }
    }

    fn warn(&mut self, span: Range<usize>, message: &str) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic::warning("config/env-file", message).at(self.source, span, ""));
        self.diagnostics.last_mut().expect("one was pushed just now")
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

fn line_end(text: &str, from: usize) -> usize {
    text[from..].find(['\n', '\r']).map_or(text.len(), |i| from + i)
}

fn next_line(text: &str, end: usize) -> usize {
    if text[end..].starts_with("\r\n") { end + 2 } else { (end + 1).min(text.len()) }
}

/// An unquoted value: up to a comment, without the spaces around it.
fn bare(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

/// Where the value that begins at `from` is closed by `quote`: nothing but a comment may follow. A quote
/// after a backslash closes only if no other one does (`"C:\"`).
fn closing_quote(text: &str, from: usize, quote: char) -> Option<usize> {
    let mut escaped = Vec::new();
    for (index, _) in text[from..].match_indices(quote).map(|(index, quote)| (from + index, quote)) {
        if text[from..index].ends_with('\\') {
            escaped.push(index);
            continue;
        }
        if ends_value(text, index) {
            return Some(index);
        }
        break;
    }
    escaped.into_iter().rev().find(|index| ends_value(text, *index))
}

fn ends_value(text: &str, quote: usize) -> bool {
    let rest = text[quote + 1..line_end(text, quote)].trim_start();
    rest.is_empty() || rest.starts_with('#')
}

/// Replaces `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}` in `value`, then `\$` by `$`. What
/// `known` lacks is empty.
///
/// Fidelity: dotenv-expand 13: an operator may lack its colon, an empty variable counts as missing, and
/// what was put in is looked at again.
pub fn expand(value: &str, known: &BTreeMap<String, String>) -> String {
    let mut result = value.to_owned();
    // A variable that names itself would go on for ever; no honest value nests this deep.
    for _ in 0..100 {
        let Some((range, expression)) = reference(&result) else { break };
        let replaced = resolve(&expression, known);
        result.replace_range(range, &replaced);
    }
    result.replace("\\$", "$")
}

/// The first `$NAME` or innermost `${…}` of `text` and what stands in it.
fn reference(text: &str) -> Option<(Range<usize>, String)> {
    for (start, _) in text.match_indices('$').filter(|(start, _)| !text[..*start].ends_with('\\')) {
        let rest = &text[start + 1..];
        if let Some(inner) = rest.strip_prefix('{') {
            let length = inner.find(['{', '}']).filter(|end| *end > 0 && inner[*end..].starts_with('}'));
            if let Some(length) = length {
                return Some((start..start + length + 3, inner[..length].to_owned()));
            }
        } else if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            return Some((start..start + 1 + length, rest[..length].to_owned()));
        }
    }
    None
}

fn resolve(expression: &str, known: &BTreeMap<String, String>) -> String {
    let value = |name: &str| known.get(name).filter(|value| !value.is_empty()).cloned();
    match expression.find(['-', '+', ':']) {
        Some(at) => {
            let (name, rest) = expression.split_at(at);
            let operator = rest.trim_start_matches(':');
            match (operator.strip_prefix('-'), operator.strip_prefix('+')) {
                (Some(default), _) => value(name).unwrap_or_else(|| default.to_owned()),
                (_, Some(other)) => value(name).map(|_| other.to_owned()).unwrap_or_default(),
                (None, None) => value(expression).unwrap_or_default(),
            }
        }
        None => value(expression).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)], warnings: &[(usize, usize)]) {
        let (assignments, diagnostics) = parse(&SourceFile::new(".dev.vars", text));
        let got: Vec<(&str, &str)> =
            assignments.iter().map(|a| (a.name.as_str(), a.value.as_str())).collect();
        assert_eq!(got, expected, "{text:?}");
        let places: Vec<(usize, usize)> = diagnostics
            .iter()
            .map(|diagnostic| diagnostic.labels[0].source.position(diagnostic.labels[0].span.start))
            .collect();
        assert_eq!(places, warnings, "{text:?}: {diagnostics:?}");
    }

    #[test]
    fn values_come_out_as_the_platform_reads_them() {
        for (text, value) in [
            ("A=s3cret value", "s3cret value"),
            ("A=\"double quoted\"", "double quoted"),
            ("A='single $quoted'", "single $quoted"),
            ("A=`it's`", "it's"),
            ("A=value # trailing comment", "value"),
            ("A=\"has # inside\" # but not this", "has # inside"),
            ("export A=exported", "exported"),
            ("export\tA = exported", "exported"),
            ("A=\"line1\\nline2\"", "line1\nline2"),
            ("A='line1\\nline2'", "line1\\nline2"),
            ("A=\"first\nsecond\"", "first\nsecond"),
            ("A=\"first\r\nsecond\"", "first\nsecond"),
            ("A=\"first\rsecond\"", "first\nsecond"),
            ("A=pre-$B", "pre-$B"),
            ("A=", ""),
            ("A=\"\"", ""),
            ("  A  =   spaced out   ", "spaced out"),
            ("A: yaml", "yaml"),
            ("A=a=b", "a=b"),
            ("A=\"C:\\\"", "C:\\"),
            ("A=\"say \\\"hi\\\" there\"", "say \\\"hi\\\" there"),
            ("A={\"json\": [1, 2]}", "{\"json\": [1, 2]}"),
        ] {
            check(text, &[("A", value)], &[]);
        }
    }

    #[test]
    fn lines_follow_each_other() {
        check("# note\n\nA=1\r\nB='2\n3'\nC=\nD=4", &[("A", "1"), ("B", "2\n3"), ("C", ""), ("D", "4")], &[]);
    }

    #[test]
    fn what_is_no_variable_is_reported_with_its_place() {
        check("A=1\n  nonsense here\nB=2", &[("A", "1"), ("B", "2")], &[(2, 3)]);
        check("=value", &[], &[(1, 1)]);
        check("A=\"open\nB=2", &[("A", "\"open"), ("B", "2")], &[(1, 3)]);
    }

    #[test]
    fn references_are_expanded() {
        let known = BTreeMap::from([
            ("A".to_owned(), "one".to_owned()),
            ("EMPTY".to_owned(), String::new()),
            ("LOOP".to_owned(), "$LOOP".to_owned()),
        ]);
        for (value, expected) in [
            ("$A-two", "one-two"),
            ("${A}two", "onetwo"),
            ("${NONE:-${A}}", "one"),
            ("${EMPTY:-d}", "d"),
            ("${A:+yes}", "yes"),
            ("${NONE+yes}", ""),
            ("$NONE", ""),
            ("\\$A", "$A"),
            ("5$ and $1", "5$ and $1"),
            ("${}", "${}"),
        ] {
            assert_eq!(expand(value, &known), expected, "{value}");
        }
        assert_eq!(expand("$LOOP", &known), "$LOOP");
    }
}
