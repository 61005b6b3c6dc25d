//! What must hold of every configuration file: for `fuzz/`, and for the bounded run in the tests.

use std::ops::Range;

use super::jsonc;
use super::report::{Language, Report};
use super::tree::{Node, Value};
use crate::base::diag::SourceFile;

/// Reads `text` as JSONC: a tree whose places lie within the text and within each other, or mistakes with places in the text.
///
/// # Panics
/// When that does not hold.
pub fn check_jsonc(text: &str) {
    let mut report = Report::new(SourceFile::new("wrangler.jsonc", text), Language::Json);
    let tree = jsonc::parse(&mut report);
    let mistakes = report.into_diagnostics();
    match &tree {
        Some(root) => within(root, 0..text.len(), text),
        None => assert!(!mistakes.is_empty(), "neither a tree nor a mistake"),
    }
    for label in mistakes.iter().flat_map(|mistake| &mistake.labels) {
        assert!(text.get(label.span.clone()).is_some(), "a mistake at {:?}, which is no text", label.span);
        label.source.position(label.span.start);
    }
}

/// Asserts that `node` and everything in it stands within `outer`, at borders of characters.
fn within(node: &Node, outer: Range<usize>, text: &str) {
    let fits = |span: &Range<usize>, outer: &Range<usize>| {
        assert!(outer.start <= span.start && span.end <= outer.end, "{span:?} is not within {outer:?}");
        assert!(text.get(span.clone()).is_some(), "{span:?} is no text");
    };
    fits(&node.span, &outer);
    for entry in node.entries() {
        fits(&entry.key_span, &node.span);
        within(&entry.node, entry.key_span.end..node.span.end, text);
    }
    for item in node.items() {
        within(item, node.span.clone(), text);
    }
    if let Value::Number(number) = &node.value {
        assert!(number.as_f64().is_some_and(f64::is_finite), "{number} is not finite");
    }
}
