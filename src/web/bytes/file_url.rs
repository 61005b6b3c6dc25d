//! `file:` URLs, by the standard's own steps: the crate drops hosts before drive letters and joins empty segments.
//!
//! Fidelity: the URL standard's file, file slash, file host and path states. Hosts, queries and fragments are the crate's.

use std::borrow::Cow;

use url::{Position, Url};

/// A `file:` URL in its parts; query and fragment with their mark, or empty.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parts {
    host: String,
    path: Vec<String>,
    query: String,
    fragment: String,
}

/// The normal form of `text`, which is a `file:` URL or, with a `base` that is one, a reference without a scheme. `None` if
/// `text` is neither: then it is for the crate. The inner `None`: it is no URL.
pub fn parse(text: &str, base: Option<&str>) -> Option<Option<String>> {
    let text = cleaned(text);
    let base = base.filter(|base| base.starts_with("file:"));
    let rest = match scheme(&text) {
        Some(scheme) if scheme.eq_ignore_ascii_case("file") => &text[scheme.len() + 1..],
        Some(_) => return None,
        None if base.is_some() => &text,
        None => return None,
    };
    let base = base.map(Parts::of_normal);
    Some(Parts::read(rest, base).map(|parts| parts.to_text()))
}

/// Without control characters and spaces around it, and without tabs and line ends.
fn cleaned(text: &str) -> Cow<'_, str> {
    let text = text.trim_matches(|c| c <= ' ');
    let gone = |c| matches!(c, '\t' | '\n' | '\r');
    if text.contains(gone) { Cow::Owned(text.replace(gone, "")) } else { Cow::Borrowed(text) }
}

fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let mut letters = scheme.chars();
    let fits = letters.next()?.is_ascii_alphabetic()
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    fits.then_some(scheme)
}

const fn is_slash(c: char) -> bool {
    c == '/' || c == '\\'
}

fn is_end(c: char) -> bool {
    is_slash(c) || c == '?' || c == '#'
}

/// A letter and `:` or `|`.
fn is_drive(text: &str) -> bool {
    let mut all = text.chars();
    matches!((all.next(), all.next(), all.next()), (Some(letter), Some(':' | '|'), None) if letter.is_ascii_alphabetic())
}

fn is_normal_drive(text: &str) -> bool {
    is_drive(text) && text.ends_with(':')
}

fn starts_with_drive(text: &str) -> bool {
    text.get(..2).is_some_and(is_drive) && text[2..].chars().next().is_none_or(is_end)
}

impl Parts {
    /// The parts of a URL in its normal form.
    fn of_normal(text: &str) -> Self {
        let rest = text.strip_prefix("file://").unwrap_or_default();
        let (rest, fragment) = rest.split_at(rest.find('#').unwrap_or(rest.len()));
        let (rest, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = path.split('/').skip(1).map(str::to_owned).collect();
        Self { host: host.to_owned(), path, query: query.to_owned(), fragment: fragment.to_owned() }
    }

    /// What `rest` behind the scheme says, on top of `base`.
    fn read(rest: &str, base: Option<Self>) -> Option<Self> {
        let mut chars = rest.chars();
        let (first, second) = (chars.next(), chars.next());
        let mut parts = Self::default();
        let path = match (first.is_some_and(is_slash), second.is_some_and(is_slash)) {
            (true, true) => parts.take_host(&rest[2..])?,
            (true, false) => {
                let path = &rest[1..];
                if let Some(base) = base {
                    parts.host = base.host;
                    let drive = base.path.into_iter().next().filter(|first| is_normal_drive(first));
                    if !starts_with_drive(path) {
                        parts.path.extend(drive);
                    }
                }
                path
            }
            (false, _) => {
                if let Some(base) = base {
                    parts = base;
                    parts.fragment.clear();
                    if first.is_none_or(|c| c == '#') {
                        return parts.with_ends(rest);
                    }
                    parts.query.clear();
                    if first == Some('?') {
                        return parts.with_ends(rest);
                    }
                    if starts_with_drive(rest) {
                        parts.path.clear();
                    } else {
                        parts.shorten();
                    }
                }
                rest
            }
        };
        let end = path.find(['?', '#']).unwrap_or(path.len());
        parts.take_path(&path[..end]);
        parts.with_ends(&path[end..])
    }

    /// Takes the host from the beginning of `text`; gives the path behind its first slash.
    fn take_host<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let end = text.find(is_end).unwrap_or(text.len());
        let (host, rest) = text.split_at(end);
        if is_drive(host) {
            return Some(text);
        }
        if !host.is_empty() {
            // Neither names of users nor ports may stand here.
            if host.contains('@') || (host.contains(':') && !host.starts_with('[')) || host.contains("]:") {
                return None;
            }
            let url = Url::parse(&format!("http://{host}/")).ok()?;
            let host = url.host_str()?;
            if host != "localhost" {
                host.clone_into(&mut self.host);
            }
        }
        Some(rest.strip_prefix(is_slash).unwrap_or(rest))
    }

    fn take_path(&mut self, text: &str) {
        let mut segments = text.split(is_slash).peekable();
        while let Some(segment) = segments.next() {
            let is_last = segments.peek().is_none();
            let plain = segment.to_ascii_lowercase().replace("%2e", ".");
            match plain.as_str() {
                ".." => {
                    self.shorten();
                    if is_last {
                        self.path.push(String::new());
                    }
                }
                "." if is_last => self.path.push(String::new()),
                "." => {}
                _ if self.path.is_empty() && is_drive(segment) => {
                    self.path.push(format!("{}:", &segment[..1]))
                }
                _ => self.path.push(escaped(segment)),
            }
        }
    }

    /// Removes the last segment, unless it is the drive.
    fn shorten(&mut self) {
        if self.path.len() != 1 || !is_normal_drive(&self.path[0]) {
            self.path.pop();
        }
    }

    /// With the query and the fragment that `text` begins with.
    fn with_ends(mut self, text: &str) -> Option<Self> {
        if !text.is_empty() {
            let url = Url::parse(&format!("http://h/{text}")).ok()?;
            if text.starts_with('?') {
                url[Position::AfterPath..Position::AfterQuery].clone_into(&mut self.query);
            }
            url[Position::AfterQuery..].clone_into(&mut self.fragment);
        }
        Some(self)
    }

    fn to_text(&self) -> String {
        let path: String = self.path.iter().map(|segment| format!("/{segment}")).collect();
        format!("file://{}{path}{}{}", self.host, self.query, self.fragment)
    }
}

/// A segment with its bytes escaped that may not stand in a path.
fn escaped(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            0..=b' ' | b'"' | b'#' | b'<' | b'>' | b'?' | b'^' | b'`' | b'{' | b'}' | 0x7f.. => {
                out.push_str(&format!("%{byte:02X}"));
            }
            _ => out.push(char::from(byte)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_drives_and_empty_segments_stay() {
        for (text, base, expected) in [
            ("file:///w|/m", None, Some("file:///w:/m")),
            ("/", Some("file://h/C:/a/b"), Some("file://h/C:/")),
            ("file:\\\\//", None, Some("file:////")),
            ("file:\\\\?fox", None, Some("file:///?fox")),
            ("file://spider///", None, Some("file://spider///")),
            ("file://localhost//a//../..//", None, Some("file://///")),
            ("C|", Some("file://host/dir/file"), Some("file://host/C:")),
            ("C|#", Some("file://host/dir/file"), Some("file://host/C:#")),
            ("/c:/foo/bar", Some("file://host/path"), Some("file://host/c:/foo/bar")),
            ("file://[1::8]/C:/", None, Some("file://[1::8]/C:/")),
            ("file:.//p", None, Some("file:////p")),
            ("..", Some("file:///C:/"), Some("file:///C:/")),
            ("x?a b#c d", Some("file://h/p/q?r#s"), Some("file://h/p/x?a%20b#c%20d")),
            ("?y", Some("file://h/p?r#s"), Some("file://h/p?y")),
            ("#z", Some("file://h/p?r#s"), Some("file://h/p?r#z")),
            ("", Some("file://h/p?r#s"), Some("file://h/p?r")),
            ("file://u@h/", None, None),
            ("file://h:80/", None, None),
            ("file:a/é b", None, Some("file:///a/%C3%A9%20b")),
        ] {
            assert_eq!(parse(text, base), Some(expected.map(str::to_owned)), "{text} {base:?}");
        }
        assert_eq!(parse("http://h/", Some("file:///")), None);
        assert_eq!(parse("x", Some("http://h/")), None);
    }
}
