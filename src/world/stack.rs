//! Stack traces in the user's own files.
//!
//! The engine names positions in the bundle; here each is looked up in the source map. Frames of the
//! prelude are dropped: they are the platform's, not the user's.

use std::fmt::Write as _;
use std::path::Path;

use crate::base::diag::SourceFile;
use crate::bundle::{BuiltMaps, Nearest, SourceMaps};

/// What the engine calls the text that `JSON.parse` was given, in the frame that it puts before the caller's.
const PARSED_TEXT: &str = "<input>";

/// A position that a stack line ends with: what stands before it, module, line and column.
struct Position<'a> {
    before: &'a str,
    module: &'a str,
    line: u32,
    column: u32,
    closed: bool,
}

fn position(text: &str) -> Option<Position<'_>> {
    let (text, closed) = match text.strip_suffix(')') {
        Some(inner) => (inner, true),
        None => (text, false),
    };
    let (rest, column) = text.rsplit_once(':')?;
    let (rest, line) = rest.rsplit_once(':')?;
    let start = rest.rfind(['(', ' ']).map_or(0, |i| i + 1);
    Some(Position {
        before: &rest[..start],
        module: &rest[start..],
        line: line.parse().ok()?,
        column: column.parse().ok()?,
        closed,
    })
}

/// How to get from the directory `from` to the directory `to`, both absolute: nothing, or parts that end with `/`.
pub fn way(from: &Path, to: &Path) -> String {
    let shared = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    let mut way = "../".repeat(from.components().count() - shared);
    for part in to.components().skip(shared) {
        way.push_str(&part.as_os_str().to_string_lossy());
        way.push('/');
    }
    way
}

/// Rewrites the positions of `stack` to the user's files, which lie below `root`, and those of packages to what they were
/// built from; frames of the platform and of the bundler are left out.
pub fn map_stack(maps: &SourceMaps, built: &BuiltMaps, root: &str, stack: &str) -> String {
    let mut mapped = String::with_capacity(stack.len());
    for line in stack.lines() {
        if line.contains("(native)") || line.contains("dodev:") {
            continue;
        }
        let Some(at) = position(line) else {
            mapped.push_str(line);
            mapped.push('\n');
            continue;
        };
        if at.module == PARSED_TEXT {
            continue;
        }
        let exact = maps.lookup(at.module, at.line, at.column).map(Nearest::At);
        match exact.unwrap_or_else(|| maps.nearest(at.module, at.line, at.column)) {
            Nearest::At(original) => {
                let close = if at.closed { ")" } else { "" };
                let original = built.origin(original);
                let (before, path) = (at.before, original.path);
                writeln!(mapped, "{before}{root}{path}:{}:{}{close}", original.line, original.column)
                    .expect("strings take text");
            }
            // Helpers of lowered code and of module systems are the bundler's.
            Nearest::Nowhere => {}
            Nearest::Unknown => {
                mapped.push_str(line);
                mapped.push('\n');
            }
        }
    }
    mapped
}

/// The first position of a mapped stack that lies in a file below `root`: the file and a byte offset.
pub fn first_position(root: &Path, stack: &str) -> Option<(std::sync::Arc<SourceFile>, usize)> {
    stack.lines().filter_map(position).find_map(|at| {
        let path = root.join(at.module);
        let text = std::fs::read_to_string(&path).ok()?;
        let source = SourceFile::new(at.module, text);
        let offset = source.offset(at.line as usize, at.column as usize);
        Some((source, offset))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_leads_up_and_down() {
        for (from, to, expected) in [
            ("/p/a", "/p/a", ""),
            ("/p", "/p/back", "back/"),
            ("/p/apps/web", "/p/apps/api", "../api/"),
            ("/p/apps/web", "/p", "../../"),
        ] {
            assert_eq!(way(Path::new(from), Path::new(to)), expected, "{from} to {to}");
        }
    }

    #[test]
    fn positions_are_read_from_both_forms_of_frames() {
        for (line, expected) in [
            ("    at f (index.js:1:52)", Some(("    at f (", "index.js", 1, 52, true))),
            ("    at index.js:3:4", Some(("    at ", "index.js", 3, 4, false))),
            ("Error: a:b", None),
            ("    at <anonymous>", None),
        ] {
            let found = position(line).map(|p| (p.before, p.module, p.line, p.column, p.closed));
            assert_eq!(found, expected, "{line}");
        }
    }
}
