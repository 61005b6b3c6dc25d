//! What only sloppy code may write, in CommonJS modules: octal numbers and escapes, `017` and `"\07"`, functions that an `if` or a
//! label declares without a block, `for (var i = 0 in …)`, and comments that begin with `<!--` or `-->`. The bundler takes them for
//! mistakes. `with` is one: what is bundled is a module.
//!
//! It reads `.js` files as modules, in which there are none. So a build that fails for them is made once more, with such files
//! rewritten. Files that are modules, or strict by their own word, stay as they are: there, it is right.

use oxc::allocator::Allocator;
use oxc::ast::ast::{
    ForInStatement, ForStatementLeft, IfStatement, LabeledStatement, NumericLiteral, Statement, StringLiteral,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::{GetSpan, SourceType, Span};

use super::edits::{Edit, apply_edits};

/// Whether the complaint `message` is about such a thing.
pub(super) fn is_about_sloppy(message: &str) -> bool {
    const COMPLAINTS: &[&str] = &[
        "octal literals",
        "octal escape",
        "Invalid function declaration",
        "may not have an initializer",
        "HTML comments are not allowed",
    ];
    COMPLAINTS.iter().any(|complaint| message.contains(complaint))
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
    let comments = parsed.program.comments.iter().filter_map(|comment| {
        let (start, end) = (comment.span.start, comment.span.end);
        let written = &text[start as usize..end as usize];
        written.starts_with(['<', '-']).then(|| Edit { start, end: start + 3, text: "//".to_owned() })
    });
    let mut sloppy = Sloppy { text, edits: comments.collect() };
    sloppy.visit_program(&parsed.program);
    apply_edits(text, sloppy.edits)
}

struct Sloppy<'t> {
    text: &'t str,
    edits: Vec<Edit>,
}

impl Sloppy<'_> {
    fn put_around(&mut self, span: Span, before: String, after: &str) {
        self.edits.push(Edit::insert(span.start, before));
        self.edits.push(Edit::insert(span.end, after.to_owned()));
    }

    fn put_into_block(&mut self, statement: &Statement<'_>) {
        if let Statement::FunctionDeclaration(function) = statement {
            self.put_around(function.span, "{".to_owned(), "}");
        }
    }
}

impl<'a> VisitJs<'a> for Sloppy<'_> {
    fn visit_if_statement(&mut self, it: &IfStatement<'a>) {
        for branch in std::iter::once(&it.consequent).chain(&it.alternate) {
            self.put_into_block(branch);
        }
        walk_js::walk_if_statement(self, it);
    }

    fn visit_labeled_statement(&mut self, it: &LabeledStatement<'a>) {
        self.put_into_block(&it.body);
        walk_js::walk_labeled_statement(self, it);
    }

    fn visit_for_in_statement(&mut self, it: &ForInStatement<'a>) {
        if let ForStatementLeft::VariableDeclaration(declared) = &it.left
            && let Some(variable) = declared.declarations.first()
            && let Some(init) = &variable.init
        {
            let name = variable.id.span();
            let text = |span: Span| &self.text[span.start as usize..span.end as usize];
            let first = format!("({} = {}, ", text(name), text(init.span()));
            self.edits.push(Edit { start: name.end, end: init.span().end, text: String::new() });
            self.put_around(it.right.span(), first, ")");
        }
        walk_js::walk_for_in_statement(self, it);
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
            ("x: function f() {}", Some("x: {function f() {}}")),
            ("for (var i = 0 in {}) f(i)", Some("for (var i in (i = 0, {})) f(i)")),
            ("for (var i in {}) f(i)", None),
            ("a()\n<!-- b\n--> c\nd() // <!--", Some("a()\n//- b\n// c\nd() // <!--")),
            ("/* a\n*/ --> b\na(b --> 0)", Some("/* a\n*/ // b\na(b --> 0)")),
            ("with (a) b()", None),
            ("x = 1", None),
        ] {
            assert_eq!(without_sloppy(text).as_deref(), expected, "{text}");
        }
    }
}
