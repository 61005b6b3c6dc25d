//! `_redirects`: which paths lead elsewhere, and which show what another path has.
//!
//! Fidelity: rules, limits and reasons of wrangler 4.164.0.

use std::collections::HashMap;

use url::Url;

use super::pattern::{Groups, Pattern, fill, is_dynamic};
use super::rule_url::{self, Allowed};
use super::{HtmlHandling, Skipped, headers};

const MAX_STATIC: usize = 2000;
const MAX_DYNAMIC: usize = 100;
const STATUSES: [u16; 6] = [200, 301, 302, 303, 307, 308];

/// Where a rule leads.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    to: String,
    status: u16,
}

/// What the rules say of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// The client is sent elsewhere.
    To {
        /// The field `location`.
        location: String,
        /// The status.
        status: u16,
    },
    /// It is answered as this path of a URL would be.
    Proxy(String),
}

/// The rules of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redirects {
    fixed: HashMap<String, Target>,
    dynamic: Vec<(Pattern, Target)>,
    /// How many rules were read.
    pub count: usize,
    /// The lines that were left out.
    pub skipped: Vec<Skipped>,
}

impl Redirects {
    /// The rules of the file `text`, in a project that handles HTML files like `html`.
    pub fn parse(text: &str, html: HtmlHandling) -> Self {
        let mut reader = Reader { html, ..Reader::default() };
        let lines: Vec<&str> = text.split('\n').collect();
        for (index, line) in lines.iter().enumerate() {
            if !reader.line(line.trim(), index + 1, lines.len() - index) {
                break;
            }
        }
        let mut redirects = Self { count: reader.rules.len(), skipped: reader.skipped, ..Self::default() };
        let mut is_static = true;
        for (from, target) in reader.rules {
            is_static &= !is_dynamic(&from);
            if is_static {
                redirects.fixed.insert(from, target);
            } else if let Some(pattern) = Pattern::parse(&from) {
                redirects.dynamic.push((pattern, target));
            }
        }
        redirects
    }

    /// What becomes of a request for `url`; `None` if no rule speaks of it.
    pub fn find(&self, url: &Url) -> Option<Redirect> {
        let path = url.path();
        let fixed = self.fixed.get(path).cloned();
        let target = fixed.or_else(|| {
            self.dynamic.iter().find_map(|(pattern, target)| {
                let groups = pattern.matches(path)?;
                Some(Target { to: normalized(&target.to, &groups), ..*target })
            })
        })?;
        // A target that is no URL leads nowhere.
        let to = url.join(&target.to).ok()?;
        if target.status == 200 {
            return Some(Redirect::Proxy(to.path().to_owned()));
        }
        let mark = |mark: &str, text: Option<&str>| match text {
            Some(text) if !text.is_empty() => format!("{mark}{text}"),
            _ => String::new(),
        };
        let own = mark("?", to.query());
        let search = if own.is_empty() { mark("?", url.query()) } else { own };
        let hash = mark("#", to.fragment());
        let start = match to.origin() == url.origin() {
            true => to.path().to_owned(),
            false => {
                let mut bare = to.clone();
                bare.set_query(None);
                bare.set_fragment(None);
                bare.into()
            }
        };
        Some(Redirect::To { location: format!("{start}{search}{hash}"), status: target.status })
    }
}

/// The target with its names filled in; slashes in a row of a path are one.
fn normalized(to: &str, groups: &Groups<'_>) -> String {
    let text = to.trim();
    let word = text.find("://").map(|at| &text[..at]);
    let has_scheme = word
        .is_some_and(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
    let has_host = text
        .strip_prefix("//")
        .is_some_and(|rest| rest.starts_with(|c: char| !"/\\?#".contains(c) && !c.is_whitespace()));
    let filled = fill(to, groups);
    let filled = filled.trim();
    if has_scheme || has_host {
        return filled.to_owned();
    }
    let (path, suffix) = filled.split_at(filled.find(['?', '#']).unwrap_or(filled.len()));
    let mut single = String::with_capacity(filled.len());
    for character in path.chars() {
        match character {
            '/' | '\\' if single.ends_with('/') => {}
            '/' | '\\' => single.push('/'),
            _ => single.push(character),
        }
    }
    single + suffix
}

#[derive(Default)]
struct Reader {
    html: HtmlHandling,
    rules: Vec<(String, Target)>,
    fixed: usize,
    dynamic: usize,
    skipped: Vec<Skipped>,
}

impl Reader {
    /// Reads a line; `left` lines are left with it. Says whether to go on.
    fn line(&mut self, line: &str, number: usize, left: usize) -> bool {
        if line.is_empty() || line.starts_with('#') {
            return true;
        }
        let max = headers::MAX_LINE;
        let result = match line.encode_utf16().count() > max {
            true => Err(format!("Ignoring line {number} as it exceeds the maximum allowed length of {max}.")),
            false => self.rule(line, left),
        };
        match result {
            Ok(goes_on) => goes_on,
            Err(reason) => {
                let is_last = reason.contains("Skipping remaining");
                self.skipped.push(Skipped { line: number, reason });
                !is_last
            }
        }
    }

    fn rule(&mut self, line: &str, left: usize) -> Result<bool, String> {
        let words: Vec<&str> = without_comment(line).split_whitespace().collect();
        let (from, to, status) = match words[..] {
            [from, to] => (from, to, "302"),
            [from, to, status] => (from, to, status),
            _ => {
                let count = words.len();
                return Err(format!("Expected exactly 2 or 3 whitespace-separated tokens. Got {count}."));
            }
        };
        let allowed = Allowed { only_relative: true, no_ports: true, whole: false };
        let from = rule_url::validate(from, allowed)?;
        if self.dynamic == 0 && !is_dynamic(&from) {
            self.fixed += 1;
            if self.fixed > MAX_STATIC {
                return Err(format!(
                    "Maximum number of static rules supported is {MAX_STATIC}. Skipping line."
                ));
            }
        } else {
            self.dynamic += 1;
            if self.dynamic > MAX_DYNAMIC {
                return Err(format!(
                    "Maximum number of dynamic rules supported is {MAX_DYNAMIC}. Skipping remaining {left} lines of \
                     file."
                ));
            }
        }
        let to = rule_url::validate(to, Allowed { whole: true, ..Allowed::default() })?;
        let status = status.parse().ok().filter(|status| STATUSES.contains(status)).ok_or_else(|| {
            format!("Valid status codes are 200, 301, 302 (default), 303, 307, or 308. Got {status}.")
        })?;
        let to_index = to.ends_with("/index") || to.ends_with("/index.html");
        let from_root = from.ends_with('/') && self.html != HtmlHandling::None;
        if !rule_url::has_host(&to) && to_index && (from.ends_with("/*") || from_root) {
            return Err("Infinite loop detected in this rule and has been ignored. This will cause a redirect to \
                        strip `.html` or `/index` and end up triggering this rule again. Please fix or remove this \
                        rule to silence this warning."
                .to_owned());
        }
        if self.rules.iter().any(|(known, _)| *known == from) {
            return Err(format!("Ignoring duplicate rule for path {from}."));
        }
        if status == 200 && rule_url::has_host(&to) {
            return Err(format!("Proxy (200) redirects can only point to relative paths. Got {to}"));
        }
        self.rules.push((from, Target { to, status }));
        Ok(true)
    }
}

/// `line` up to a `#` that follows a space.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, character) in line.char_indices() {
        if character == '#' && before.is_whitespace() {
            return &line[..at];
        }
        before = character;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Redirects {
        Redirects::parse(text, HtmlHandling::AutoTrailingSlash)
    }

    #[test]
    fn requests_are_sent_elsewhere() {
        let text = "/a /b\n/c /d?x=1#f 301 # comment\n/e https://h.example/p?q 308\n/s/* /t/:splat\n\
                    /u/:id/* /v?id=:id&r=:splat 307\n/w /x 200\n/late /b\n/double/* /a//b///:splat\n";
        let redirects = parse(text);
        assert_eq!((redirects.count, redirects.skipped.len()), (8, 0));
        for (path, expected) in [
            ("/a", Some((302, "/b"))),
            ("/a?q=1", Some((302, "/b?q=1"))),
            ("/a/", None),
            ("/c?q=1", Some((301, "/d?x=1#f"))),
            ("/e", Some((308, "https://h.example/p?q"))),
            ("/s/1/2", Some((302, "/t/1/2"))),
            ("/s/", Some((302, "/t/"))),
            ("/u/7/x/y?z", Some((307, "/v?id=7&r=x/y"))),
            ("/late", Some((302, "/b"))),
            ("/double/x", Some((302, "/a/b/x"))),
        ] {
            let url = Url::parse(&format!("http://127.0.0.1:1{path}")).expect("a URL");
            let expected = expected.map(|(status, to)| Redirect::To { location: to.to_owned(), status });
            assert_eq!(redirects.find(&url), expected, "{path}");
        }
        let url = Url::parse("http://127.0.0.1:1/w?y").expect("a URL");
        assert_eq!(redirects.find(&url), Some(Redirect::Proxy("/x".to_owned())));
    }

    #[test]
    fn mistakes_are_told_with_their_lines() {
        let text = "/one\n/a /b /c /d\nhttps://x.example/ /b\n/a b\n/a /b 418\n/* /index.html 200\n/ /index\n\
                    /ok /b\n/ok /c\n/p https://x.example 200\n";
        let redirects = parse(text);
        let starts = [
            (1, "Expected exactly 2 or 3 whitespace-separated tokens. Got 1."),
            (2, "Expected exactly 2 or 3 whitespace-separated tokens. Got 4."),
            (3, "Only relative URLs are allowed."),
            (4, "URLs should either be relative"),
            (5, "Valid status codes are 200, 301, 302 (default), 303, 307, or 308. Got 418."),
            (6, "Infinite loop detected"),
            (7, "Infinite loop detected"),
            (9, "Ignoring duplicate rule for path /ok."),
            (10, "Proxy (200) redirects can only point to relative paths."),
        ];
        assert_eq!(redirects.skipped.len(), starts.len(), "{:?}", redirects.skipped);
        for (skipped, (line, start)) in redirects.skipped.iter().zip(starts) {
            assert!(skipped.line == line && skipped.reason.starts_with(start), "{skipped:?}");
        }
        assert_eq!(redirects.count, 1);
        assert_eq!(Redirects::parse("/ /index", HtmlHandling::None).count, 1);
    }

    #[test]
    fn a_file_has_limits() {
        let fixed: String = (0..2002).map(|n| format!("/{n} /x\n")).collect();
        assert_eq!((parse(&fixed).count, parse(&fixed).skipped.len()), (2000, 2));
        let dynamic: String = (0..105).map(|n| format!("/{n}/* /x\n")).collect();
        assert_eq!((parse(&dynamic).count, parse(&dynamic).skipped.len()), (100, 1));
    }
}
