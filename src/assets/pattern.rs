//! Patterns of rule files: `*` is a splat, `:name` a placeholder for one segment.
//!
//! A pattern matches a whole path. A splat takes as much as it can, a placeholder at least one character and no slash; in
//! the host of a pattern that begins with `https://` a placeholder takes no dot either. A name that stands twice makes the
//! pattern match nothing, as the platform's regular expression is none then.

/// What a placeholder stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// Anything.
    Splat,
    /// One or more characters, none of them a slash; in a host no dot.
    Name {
        name: String,
        in_host: bool,
    },
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
    /// Whether it is compared with host and path.
    pub has_host: bool,
}

/// What the splat and the placeholders of a pattern stood for, in order.
pub type Groups<'a> = Vec<(&'a str, &'a str)>;

const SPLAT: &str = "splat";
const HTTPS: &str = "https://";

/// Whether `text` has a splat or a placeholder.
pub fn is_dynamic(text: &str) -> bool {
    text.contains('*') || names(text).next().is_some()
}

/// The names of placeholders in `text`, each time they stand in it.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(':').filter_map(|(at, _)| {
        let rest = &text[at + 1..];
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
        name.starts_with(|c: char| c.is_ascii_alphabetic()).then_some(name)
    })
}

impl Pattern {
    /// The pattern that `text` is, if it can match anything.
    pub fn parse(text: &str) -> Option<Self> {
        let has_host = text.starts_with(HTTPS);
        let mut parts: Vec<Part> = Vec::new();
        for (index, piece) in text.split('*').enumerate() {
            if index > 0 {
                parts.push(Part::Splat);
            }
            parts.push(Part::Literal(piece.to_owned()));
        }
        let host_end = match has_host {
            true => text[HTTPS.len()..].find('/').map_or(text.len(), |at| HTTPS.len() + at),
            false => 0,
        };
        for name in names(text) {
            let at = name.as_ptr() as usize - text.as_ptr() as usize;
            replace(&mut parts, name, at < host_end);
        }
        parts.retain(|part| !matches!(part, Part::Literal(text) if text.is_empty()));
        let mut seen: Vec<&str> = Vec::new();
        for part in &parts {
            let name = match part {
                Part::Literal(_) => continue,
                Part::Splat => SPLAT,
                Part::Name { name, .. } => name,
            };
            if seen.contains(&name) {
                return None;
            }
            seen.push(name);
        }
        Some(Self { parts, has_host })
    }

    /// What the names stand for if it matches `text` wholly.
    pub fn matches<'a>(&'a self, text: &'a str) -> Option<Groups<'a>> {
        let mut groups = Vec::new();
        go(&self.parts, text, &mut groups).then_some(groups)
    }
}

/// Makes every `:name` in the literals a placeholder.
fn replace(parts: &mut Vec<Part>, name: &str, in_host: bool) {
    let marked = format!(":{name}");
    let old = std::mem::take(parts);
    for part in old {
        let Part::Literal(text) = part else {
            parts.push(part);
            continue;
        };
        for (index, piece) in text.split(marked.as_str()).enumerate() {
            if index > 0 {
                parts.push(Part::Name { name: name.to_owned(), in_host });
            }
            parts.push(Part::Literal(piece.to_owned()));
        }
    }
}

fn go<'a>(parts: &'a [Part], text: &'a str, groups: &mut Groups<'a>) -> bool {
    let Some((first, rest)) = parts.split_first() else { return text.is_empty() };
    let (name, longest, least): (&str, usize, usize) = match first {
        Part::Literal(literal) => {
            return text.strip_prefix(literal.as_str()).is_some_and(|text| go(rest, text, groups));
        }
        Part::Splat => (SPLAT, text.len(), 0),
        Part::Name { name, in_host } => {
            let ends = |c: char| c == '/' || (*in_host && c == '.');
            (name, text.find(ends).unwrap_or(text.len()), 1)
        }
    };
    for end in (least..=longest).rev().filter(|end| text.is_char_boundary(*end)) {
        groups.push((name, &text[..end]));
        if go(rest, &text[end..], groups) {
            return true;
        }
        groups.pop();
    }
    false
}

/// `text` with every `:name` replaced by what it stood for, one name after the other.
pub fn fill(text: &str, groups: &Groups<'_>) -> String {
    let mut filled = text.to_owned();
    for (name, value) in groups {
        let marked = format!(":{name}");
        if !filled.contains(&marked) {
            continue;
        }
        let mut next = String::with_capacity(filled.len() + value.len());
        let mut from = 0;
        for (at, _) in filled.match_indices(&marked) {
            next.push_str(&filled[from..at]);
            from = at + marked.len();
            expand(&mut next, value, &filled[..at], &marked, &filled[from..]);
        }
        next.push_str(&filled[from..]);
        filled = next;
    }
    filled
}

/// Adds `value` as JavaScript's `replaceAll` does, for which `$` begins a reference to what surrounds it.
fn expand(out: &mut String, value: &str, before: &str, matched: &str, after: &str) {
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let reference = match rest.as_bytes().first() {
            Some(b'$') => "$",
            Some(b'&') => matched,
            Some(b'`') => before,
            Some(b'\'') => after,
            _ => {
                out.push('$');
                continue;
            }
        };
        out.push_str(reference);
        rest = &rest[1..];
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        let check = |pattern: &str, text: &str, expected: Option<&[(&str, &str)]>| {
            let pattern = Pattern::parse(pattern);
            let found = pattern.as_ref().and_then(|pattern| pattern.matches(text));
            assert_eq!(found.as_deref(), expected, "{pattern:?} {text}");
        };
        check("/a", "/a", Some(&[]));
        check("/a", "/ab", None);
        check("/a.c", "/abc", None);
        check("/*", "/", Some(&[("splat", "")]));
        check("/*", "/a/b", Some(&[("splat", "a/b")]));
        check("/*.js", "/a.js.js", Some(&[("splat", "a.js")]));
        check("/:a/:b", "/x/y", Some(&[("a", "x"), ("b", "y")]));
        check("/:a/:b", "/x/", None);
        check("/:a/x", "/b/c/x", None);
        check("/:a/*", "/b/c/x", Some(&[("a", "b"), ("splat", "c/x")]));
        check("/:a.:b", "/x.y.z", Some(&[("a", "x.y"), ("b", "z")]));
        check("/:1", "/:1", Some(&[]));
        // One name begins like another: the shorter one is replaced everywhere.
        check("/:a/:ab", "/x/yb", None);
        check("/:ab/:a", "/x/y", Some(&[("ab", "x"), ("a", "y")]));
        // Twice the same name.
        check("/:a/:a", "/x/x", None);
        check("/*/*", "/x/x", None);
        check("/*/:splat", "/x/x", None);
        check("https://:sub.example/*", "https://a.example/x", Some(&[("sub", "a"), ("splat", "x")]));
        check("https://:sub.example/", "https://a.b.example/", None);
        check("https://any.example/:x", "https://any.example/a.b", Some(&[("x", "a.b")]));
    }

    #[test]
    fn names_are_filled_in_with_javascripts_references() {
        for (text, groups, expected) in [
            ("/:a/:b", vec![("a", "1"), ("b", "2")], "/1/2"),
            ("/:splat?x=:splat", vec![("splat", "y/z")], "/y/z?x=y/z"),
            ("/:a", vec![("a", ":b"), ("b", "2")], "/2"),
            ("/x:a!", vec![("a", "$$-$&-$`-$'-$1")], "/x$-:a-/x-!-$1!"),
            ("/:none", vec![("a", "1")], "/:none"),
        ] {
            assert_eq!(fill(text, &groups), expected, "{text}");
        }
    }

    #[test]
    fn dynamic_patterns_have_a_splat_or_a_name() {
        for (text, expected) in [("/a", false), ("/:1", false), ("/a:b", true), ("/*", true), ("/a:", false)]
        {
            assert_eq!(is_dynamic(text), expected, "{text}");
        }
    }
}
