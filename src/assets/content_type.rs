//! The type of a file by the end of its name.
//!
//! Fidelity: the table is that of the npm package `mime` 4.0.7, which wrangler 4.164.0 asks; text without a charset
//! is said to be UTF-8.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Lines of a type and the extensions of its files.
const TABLE: &str = include_str!("content_types.txt");

static TYPES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let of_line = |line: &'static str| {
        let mut words = line.split(' ');
        let kind = words.next().unwrap_or_default();
        words.map(move |extension| (extension, kind))
    };
    TABLE.lines().flat_map(of_line).collect()
});

/// The value of `content-type` for the file called `name`, if its extension is known.
pub fn of(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    if stem.is_empty() {
        return None;
    }
    let kind = TYPES.get(extension.to_lowercase().as_str())?;
    Some(if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { (*kind).to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_count_and_dot_files_have_none() {
        for (name, expected) in [
            ("a.html", Some("text/html; charset=utf-8")),
            ("A.JS", Some("text/javascript; charset=utf-8")),
            ("a.b.json", Some("application/json")),
            ("pic.svg", Some("image/svg+xml")),
            ("x.ts", Some("video/mp2t")),
            (".html", None),
            ("html", None),
            ("a.", None),
            ("a.nothing", None),
        ] {
            assert_eq!(of(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn every_extension_stands_once() {
        let all: usize = TABLE.lines().map(|line| line.split(' ').count() - 1).sum();
        assert_eq!((all, TYPES.len()), (1239, 1239));
    }
}
