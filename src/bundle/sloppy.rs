//! What only sloppy code may write, in CommonJS modules: octal numbers and escapes, `017` and `"\07"`, and functions that an
//! `if` declares without a block. The bundler takes them for mistakes.
//!
//! It reads `.js` files as modules, in which there are none. So a build that fails for them is made once more, with such files
//! rewritten. Files that are modules, or strict by their own word, stay as they are: there, it is right.

use oxc::allocator::Allocator;
use oxc::ast::ast::{IfStatement, NumericLiteral, Statement, StringLiteral};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::SourceType;

use super::edits::{Edit, apply_edits};

/// Whether the complaint `message` is about such a thing.
pub(super) fn is_about_sloppy(message: &str) -> bool {
    ["octal literals", "octal escape", "Invalid function declaration"]
        .iter()
        .any(|complaint| message.contains(complaint))
}

/// `text` with all of them written otherwise; `None` if it has none, or if they are mistakes.
pub(super) fn without_sloppy(text: &str) -> Option<String> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::cjs().with_jsx(true)).parse();
    if parsed.panicked || !parsed.diagnostics.is_empty() {
        return None;
    }
    let checked = SemanticBuilder::new().with_check_syntax_error(true).build(&parsed.program);
    if !checked.diagnostics.is_empty() {
        return None;
    }
    let mut sloppy = Sloppy { edits: Vec::new() };
    sloppy.visit_program(&parsed.program);
    apply_edits(text, sloppy.edits)
}

struct Sloppy {
    edits: Vec<Edit>,
}

impl<'a> VisitJs<'a> for Sloppy {
    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        for branch in std::iter::once(&it.consequent).chain(&it.alternate) {
            if let Statement::FunctionDeclaration(function) = branch {
                self.edits.push(Edit::insert(function.span.start, "{".to_owned()));
                self.edits.push(Edit::insert(function.span.end, "}".to_owned()));
            }
        }
        walk_js::walk_if_statement(self, it);
    }

    fn visit_numeric_literal(&mut self, number: &NumericLiteral<'a>) {
        let raw = number.raw.as_deref().unwrap_or_default();
        if raw.starts_with('0') && raw[1..].starts_with(|c: char| c.is_ascii_digit()) {
            let text = number.value.to_string();
            self.edits.push(Edit { start: number.span.start, end: number.span.end, text });
        }
    }

    fn visit_string_literal(&mut self, literal: &StringLiteral<'a>) {
        let raw = literal.raw.as_deref().unwrap_or_default();
        if has_octal_escape(raw) && !literal.lone_surrogates {
            let text = serde_json::Value::from(literal.value.as_str()).to_string();
            self.edits.push(Edit { start: literal.span.start, end: literal.span.end, text });
        }
    }
}

/// Whether the text of a literal has an escape that strict code does not have: a digit, unless it is `\0` by itself.
fn has_octal_escape(raw: &str) -> bool {
    let mut characters = raw.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\\' {
            continue;
        }
        match characters.next() {
            Some('0') if characters.peek().is_some_and(char::is_ascii_digit) => return true,
            Some('1'..='9') => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_written_otherwise() {
        for (text, expected) in [
            ("module.exports = 017 + 0o7", Some("module.exports = 15 + 0o7")),
            ("x = 089", Some("x = 89")),
            (r#"x = "\07a\\1""#, Some(r#"x = "\u0007a\\1""#)),
            (r"x = '\1\0'", Some(r#"x = "\u0001\u0000""#)),
            (r"x = '\0' + /(a)\1/", None),
            ("'use strict'; x = 017", None),
            ("export default 017", None),
            (
                "if (a) function f() {} else function g() {}",
                Some("if (a) {function f() {}} else {function g() {}}"),
            ),
            ("'use strict'; if (a) function f() {}", None),
            ("x = 1", None),
        ] {
            assert_eq!(without_sloppy(text).as_deref(), expected, "{text}");
        }
    }
}
