//! Changes of a text that leave its lines where they are.

/// What takes the place of the bytes from `start` to `end`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edit {
    pub start: u32,
    pub end: u32,
    pub text: String,
}

impl Edit {
    /// Puts `text` before the byte `at`.
    pub(super) fn insert(at: u32, text: String) -> Self {
        Self { start: at, end: at, text }
    }
}

/// `text` with `edits`, which do not overlap, or `None` without any.
pub(super) fn apply_edits(text: &str, mut edits: Vec<Edit>) -> Option<String> {
    if edits.is_empty() {
        return None;
    }
    edits.sort();
    edits.dedup();
    let mut result = String::with_capacity(text.len() + edits.len() * 8);
    let mut from = 0;
    for edit in edits {
        result.push_str(&text[from..edit.start as usize]);
        result.push_str(&edit.text);
        from = edit.end as usize;
    }
    result.push_str(&text[from..]);
    Some(result)
}
