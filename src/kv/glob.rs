//! Patterns for paths, of which a part is enough.
//!
//! Fidelity: what the package `glob-to-regexp` makes of a pattern with `globstar` and the flag `g`, as miniflare uses it for the
//! patterns of Workers Sites. They are not those of `.gitignore`.

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Character(char),
    /// Any characters of one name.
    InName,
    /// Any names, whole.
    Names,
}

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    /// Whether it leaves out what other patterns take.
    is_negated: bool,
    parts: Vec<Part>,
}

impl Glob {
    /// The pattern `text`; an exclamation mark before it leaves out what it matches.
    pub fn new(text: &str) -> Self {
        let (is_negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let text: Vec<char> = text.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while at < text.len() {
            if text[at] != '*' {
                parts.push(Part::Character(text[at]));
                at += 1;
                continue;
            }
            let stars = text[at..].iter().take_while(|c| **c == '*').count();
            let is_edge = |c: Option<&char>| c.is_none_or(|c| *c == '/');
            let before = at.checked_sub(1).and_then(|before| text.get(before));
            let after = text.get(at + stars);
            at += stars;
            if stars > 1 && is_edge(before) && is_edge(after) {
                parts.push(Part::Names);
                // The names bring their slash.
                at += 1;
            } else {
                parts.push(Part::InName);
            }
        }
        Self { is_negated, parts }
    }

    /// Whether one of `globs` takes `path`, and none leaves it out.
    pub fn any(globs: &[Self], path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        let of = |is_negated| globs.iter().filter(move |glob| glob.is_negated == is_negated);
        !of(true).any(|glob| glob.is_in(&path)) && of(false).any(|glob| glob.is_in(&path))
    }

    fn is_in(&self, path: &[char]) -> bool {
        (0..=path.len()).any(|from| begins(&self.parts, &path[from..]))
    }
}

/// Whether `path` begins with what `parts` stand for.
fn begins(parts: &[Part], path: &[char]) -> bool {
    let Some((part, rest)) = parts.split_first() else { return true };
    match part {
        Part::Character(c) => path.first() == Some(c) && begins(rest, &path[1..]),
        Part::InName => {
            let longest = path.iter().take_while(|c| **c != '/').count();
            (0..=longest).any(|end| begins(rest, &path[end..]))
        }
        Part::Names => {
            let ends = path.iter().enumerate().filter(|(_, c)| **c == '/').map(|(at, _)| at + 1);
            [0].into_iter().chain(ends).chain([path.len()]).any(|end| begins(rest, &path[end..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn patterns_match_parts_of_paths() {
        for (pattern, path, expected) in [
            ("*.css", "a/x.css", true),
            ("*.css", "z.css.map", true),
            ("a/**", "a/b/y.css", true),
            ("a/**", "b/y.css", false),
            ("a/**/y.css", "a/y.css", true),
            ("a/**/y.css", "a/b/c/y.css", true),
            ("a/**/y.css", "a/by.css", false),
            ("a**y", "a/y", false),
            ("a**y", "abcy", true),
            ("b/", "a/b/y.css", true),
            ("q?.css", "q1.css", false),
            ("q?.css", "q?.css", true),
            ("{a,b}", "a", false),
            ("", "anything", true),
            ("**", "any/thing", true),
        ] {
            assert_eq!(Glob::any(&[Glob::new(pattern)], path), expected, "{pattern} {path}");
        }
        assert!(!Glob::any(&[Glob::new("*"), Glob::new("!a")], "a"));
        assert!(!Glob::any(&[Glob::new("!a")], "b"), "nothing takes it");
    }
}
