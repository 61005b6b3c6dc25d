//! Collects what is wrong with one file, with the text that the places point into.
//!
//! Checks add to the report and go on; nobody stops at the first mistake. It also knows the language
//! of the file, so that a help text shows lines that can be pasted as they are.

use std::ops::Range;
use std::sync::Arc;

use super::tree::Node;
use crate::base::diag::{Diagnostic, Severity, SourceFile};

/// The language of a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `wrangler.json` and `wrangler.jsonc`.
    Json,
    /// `wrangler.toml`.
    Toml,
}

/// The mistakes found in one file so far.
#[derive(Debug)]
pub struct Report {
    source: Arc<SourceFile>,
    language: Language,
    diagnostics: Vec<Diagnostic>,
}

/// A mistake just added, to which places and help can still be added.
#[derive(Debug)]
pub struct Added<'a> {
    diagnostic: &'a mut Diagnostic,
    source: &'a Arc<SourceFile>,
}

impl Report {
    /// An empty report on `source`.
    pub fn new(source: Arc<SourceFile>, language: Language) -> Self {
        Self { source, language, diagnostics: Vec::new() }
    }

    /// The text that the report is about.
    pub fn source(&self) -> &Arc<SourceFile> {
        &self.source
    }

    /// What `node` is written as.
    pub fn text(&self, node: &Node) -> &str {
        self.source.text.get(node.span.clone()).unwrap_or_default()
    }

    /// The language of the text.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Adds an error at `span`.
    pub fn error(&mut self, code: &'static str, span: Range<usize>, message: impl Into<String>) -> Added<'_> {
        let diagnostic = Diagnostic::error(code, message).at(&self.source, span, "");
        self.push(diagnostic)
    }

    /// Adds a warning at `span`.
    pub fn warning(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Added<'_> {
        let diagnostic = Diagnostic::warning(code, message).at(&self.source, span, "");
        self.push(diagnostic)
    }

    /// Adds a mistake that was made elsewhere: on the command line or in another file.
    pub fn push(&mut self, diagnostic: Diagnostic) -> Added<'_> {
        self.diagnostics.push(diagnostic);
        let diagnostic = self.diagnostics.last_mut().expect("one was pushed just now");
        Added { diagnostic, source: &self.source }
    }

    /// Whether an error is among the mistakes.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// The mistakes in the order of the text: errors and warnings with a place first, the rest after.
    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.diagnostics;
        diagnostics.sort_by_key(|diagnostic| {
            let place = diagnostic.labels.first().map(|label| (label.source.path.clone(), label.span.start));
            (diagnostic.severity != Severity::Error, place.is_none(), place)
        });
        diagnostics
    }
}

impl<'a> Added<'a> {
    /// The mistake itself.
    pub fn into_diagnostic(self) -> &'a mut Diagnostic {
        self.diagnostic
    }

    /// Says what to do.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.diagnostic.help = Some(help.into());
        self
    }

    /// Says what is to be seen at the first place.
    pub fn label(self, text: impl Into<String>) -> Self {
        if let Some(label) = self.diagnostic.labels.first_mut() {
            label.text = text.into();
        }
        self
    }

    /// Adds another place of the same file.
    pub fn also(self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.diagnostic.labels.push(crate::base::diag::Label {
            source: self.source.clone(),
            span,
            text: text.into(),
        });
        self
    }
}
