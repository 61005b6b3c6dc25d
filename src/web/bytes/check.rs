//! What must hold for any body that is read as a form, for the fuzz target in `fuzz/` and a bounded run with every test.

use super::multipart;

/// Reads `body` as a form whose boundary is its first line. Errors are fine.
///
/// # Panics
/// When a part is not a piece of the body, or something panics: a bug.
pub fn check_multipart(body: &[u8]) {
    let first = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = first.strip_suffix(b"\r").unwrap_or(first);
    let boundary = String::from_utf8_lossy(first.strip_prefix(b"--").unwrap_or(first)).into_owned();
    let Ok(parts) = multipart::parse(body, &boundary) else { return };
    let whole: usize = parts.iter().map(|part| part.value.len()).sum();
    assert!(whole <= body.len(), "parts overlap");
    for part in parts {
        assert!(body.as_ptr_range().contains(&part.value.as_ptr()) || part.value.is_empty());
        assert!(body.len() >= part.name.len() / 4, "a name is made of the body");
    }
}
