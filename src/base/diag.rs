//! Mistakes in the user's files: what is wrong, where, and what to do.
//!
//! Diagnostics are collected, not thrown at the first one, and carry the text they point into, so
//! that whoever renders them (terminal, error page, JSON) needs no file access. Rendering lives in
//! `cli/output.rs` and `server/error_page.rs`.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A text that labels point into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it was read from, as shown to the user.
    pub path: PathBuf,
    /// Its whole text.
    pub text: String,
}

impl SourceFile {
    /// A source of `text` read from `path`.
    pub fn new(path: impl AsRef<Path>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.as_ref().to_owned(), text: text.into() })
    }

    /// One-based line and column (in characters) of the byte `offset`.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Byte offset of the one-based `line` and `column` (in characters), within the text.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let mut start = 0;
        for _ in 1..line {
            match self.text[start..].find('\n') {
                Some(i) => start += i + 1,
                None => return self.text.len(),
            }
        }
        let end = self.text[start..].find('\n').map_or(self.text.len(), |i| start + i);
        self.text[start..end].char_indices().nth(column.saturating_sub(1)).map_or(end, |(i, _)| start + i)
    }
}

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something worth a look, which may be meant.
    Hint,
    /// The work goes on.
    Warning,
    /// The work cannot go on.
    Error,
}

/// A place in a source with a few words about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The text that `span` points into.
    pub source: Arc<SourceFile>,
    /// Byte range within the text.
    pub span: Range<usize>,
    /// What is to be seen there; may be empty.
    pub text: String,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name, `area/what`, for example `config/unknown-class`.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, the offending value in backticks.
    pub message: String,
    /// The places, the main one first; may be empty.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, message: message.into(), labels: Vec::new(), help: None }
    }

    /// A warning without a place.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// A hint without a place.
    pub fn hint(code: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Hint, ..Self::error(code, message) }
    }

    /// Adds a place.
    #[must_use]
    pub fn at(mut self, source: &Arc<SourceFile>, span: Range<usize>, text: impl Into<String>) -> Self {
        self.labels.push(Label { source: source.clone(), span, text: text.into() });
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether the work cannot go on.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// `path:line:column: message`, the form that editors and log readers know.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(label) = self.labels.first() {
            let (line, column) = label.source.position(label.span.start);
            write!(f, "{}:{line}:{column}: ", label.source.path.display())?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let source = SourceFile::new("a.ts", "ab\nçd\n\nx");
        for (offset, expected) in
            [(0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (5, (2, 2)), (8, (4, 1)), (99, (4, 2))]
        {
            assert_eq!(source.position(offset), expected, "offset {offset}");
        }
        assert_eq!(source.offset(2, 2), 5);
        assert_eq!(source.offset(9, 1), source.text.len());
    }

    #[test]
    fn display_names_the_first_place() {
        let source = SourceFile::new("wrangler.jsonc", "{\n  \"nam\": 1\n}");
        let diagnostic =
            Diagnostic::error("config/unknown-key", "unknown key `nam`").at(&source, 4..9, "here");
        assert_eq!(diagnostic.to_string(), "wrangler.jsonc:2:3: unknown key `nam`");
    }
}
