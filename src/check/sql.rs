//! Statements about transactions and about whole databases in `sql.exec()`, which the platform refuses whenever they run.

use std::sync::Arc;

use oxc::ast::ast::{Argument, CallExpression, Expression, Program};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::span::GetSpan;

use super::constant::Constants;
use super::range;
use crate::base::diag::{Diagnostic, SourceFile};

/// First words of statements about transactions.
const TRANSACTIONS: &[&str] = &["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"];
/// First words of statements about whole databases.
const DATABASES: &[&str] = &["ATTACH", "DETACH", "VACUUM"];

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

impl Finder<'_> {
    /// `word` begins a statement that is refused, and stands at `place`.
    fn say(&mut self, word: &str, place: std::ops::Range<usize>) {
        let (code, why, help) = if TRANSACTIONS.contains(&word.to_ascii_uppercase().as_str()) {
            let help = "put the statements into `ctx.storage.transactionSync(() => { … })`";
            ("check/sql-transaction", "the platform has no transactions in SQL", help)
        } else {
            let help = "leave it out: an object has one database, which the platform looks after";
            ("check/sql-database", "it is about whole databases", help)
        };
        let message = format!("`{word}` is refused in `sql.exec()`: {why}");
        self.found.push(Diagnostic::error(code, message).at(self.source, place, "").help(help));
    }
}

impl<'a> VisitJs<'a> for Finder<'_> {
    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if is_exec(&call.callee)
            && let Some(argument) = call.arguments.first()
        {
            if let Some(text) = blanked(argument, &self.source.text) {
                let start = argument.span().start as usize;
                for (at, word) in refused(&text) {
                    self.say(word, start + at..start + at + word.len());
                }
            } else if let Some(text) = argument.as_expression().and_then(|sql| self.constants.text(sql)?.says)
            {
                // What is composed has no place for each word.
                for (_, word) in refused(&text) {
                    self.say(word, range(argument.span()));
                }
            }
        }
        walk_js::walk_call_expression(self, call);
    }
}

/// Whether this is `….sql.exec` or `sql.exec`.
pub(super) fn is_exec(callee: &Expression<'_>) -> bool {
    let Expression::StaticMemberExpression(member) = callee.without_parentheses() else { return false };
    member.property.name == "exec"
        && match member.object.without_parentheses() {
            Expression::Identifier(object) => object.name == "sql",
            Expression::StaticMemberExpression(object) => object.property.name == "sql",
            Expression::PrivateFieldExpression(object) => object.field.name == "sql",
            _ => false,
        }
}

/// The text of a string as it stands in the file, with its quotes, escapes and expressions made harmless, at the same
/// offsets.
fn blanked(argument: &Argument<'_>, file: &str) -> Option<String> {
    let span = range(argument.span());
    let mut text = file.get(span.clone())?.as_bytes().to_vec();
    match argument {
        Argument::StringLiteral(_) => {}
        Argument::TemplateLiteral(template) => {
            let quasis: Vec<_> = template.quasis.iter().map(|quasi| range(quasi.span)).collect();
            for gap in quasis.windows(2) {
                text[gap[0].end - span.start..gap[1].start - span.start].fill(b'?');
            }
        }
        _ => return None,
    }
    let (first, last) = (0, text.len() - 1);
    (text[first], text[last]) = (b' ', b' ');
    let mut at = 0;
    while at + 1 < text.len() {
        if text[at] == b'\\' {
            text[at..at + 2].fill(b' ');
        }
        at += 1;
    }
    // Escapes may be followed by half a character; only ASCII matters below.
    Some(text.into_iter().map(|byte| if byte.is_ascii() { char::from(byte) } else { '?' }).collect())
}

/// Statements of `sql` that are refused: where each begins, and its first word.
fn refused(sql: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    // The body of a trigger is between `BEGIN` and `END` and has semicolons of its own.
    let (mut is_first, mut creates, mut in_trigger, mut cases) = (true, false, false, 0_usize);
    for (at, word) in (Words { sql, at: 0 }) {
        let upper = word.to_ascii_uppercase();
        if in_trigger {
            match upper.as_str() {
                "CASE" => cases += 1,
                "END" if cases > 0 => cases -= 1,
                "END" => (in_trigger, is_first) = (false, false),
                _ => {}
            }
            continue;
        }
        if word == ";" {
            (is_first, creates) = (true, false);
            continue;
        }
        if is_first && TRANSACTIONS.iter().chain(DATABASES).any(|refused| *refused == upper) {
            found.push((at, word));
        }
        creates |= is_first && upper == "CREATE";
        in_trigger = creates && upper == "TRIGGER";
        is_first = false;
    }
    found
}

/// The words and semicolons of SQL, without strings, quoted names and comments.
struct Words<'s> {
    sql: &'s str,
    at: usize,
}

impl<'s> Iterator for Words<'s> {
    type Item = (usize, &'s str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = &self.sql[self.at..];
            let first = rest.chars().next()?;
            let start = self.at;
            let after =
                |from: usize, end: &str| rest[from..].find(end).map_or(rest.len(), |i| from + i + end.len());
            self.at += match first {
                '\'' => after(1, "'"),
                '"' => after(1, "\""),
                '`' => after(1, "`"),
                '[' => after(1, "]"),
                '-' if rest.starts_with("--") => after(2, "\n"),
                '/' if rest.starts_with("/*") => after(2, "*/"),
                c if c.is_alphanumeric() || c == '_' => {
                    let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                    self.at += length;
                    return Some((start, &rest[..length]));
                }
                ';' => {
                    self.at += 1;
                    return Some((start, ";"));
                }
                // A parameter or an operator: something stands there, but no word.
                c => c.len_utf8(),
            };
        }
    }
}
