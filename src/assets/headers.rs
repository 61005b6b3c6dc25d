//! `_headers`: which fields are added to, or taken from, the answers for which paths.
//!
//! Fidelity: rules, limits and reasons of wrangler 4.164.0.

use http::{HeaderName, HeaderValue};
use url::Url;

use super::Skipped;
use super::pattern::{Pattern, fill};
use super::rule_url::{self, Allowed};

const MAX_RULES: usize = 100;
/// The longest line, in characters.
pub const MAX_LINE: usize = 2000;

/// The fields for one path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Rule {
    path: String,
    set: Vec<(String, String)>,
    unset: Vec<String>,
}

/// The rules of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderRules {
    rules: Vec<(Pattern, Rule)>,
    /// How many rules were read.
    pub count: usize,
    /// The lines that were left out.
    pub skipped: Vec<Skipped>,
}

/// A rule that is being read, and the line of its path.
type Open = Option<(Rule, usize)>;

impl HeaderRules {
    /// The rules of the file `text`.
    pub fn parse(text: &str) -> Self {
        let mut reader = Reader::default();
        let lines: Vec<&str> = text.split('\n').collect();
        for (index, line) in lines.iter().enumerate() {
            if !reader.line(line.trim(), index + 1, lines.len() - index) {
                break;
            }
        }
        reader.close();
        let count = reader.rules.len();
        let mut unique: Vec<Rule> = Vec::new();
        for rule in reader.rules {
            match unique.iter_mut().find(|known| known.path == rule.path) {
                Some(known) => *known = rule,
                None => unique.push(rule),
            }
        }
        let compiled = unique.into_iter().filter_map(|rule| Some((Pattern::parse(&rule.path)?, rule)));
        Self { rules: compiled.collect(), count, skipped: reader.skipped }
    }

    /// Changes the fields of the answer to a request for `url`.
    pub fn apply(&self, url: &Url, headers: &mut Vec<(HeaderName, HeaderValue)>) {
        if self.rules.is_empty() {
            return;
        }
        let path = url.path();
        let with_host = format!("https://{}{path}", url.host_str().unwrap_or_default());
        let mut set: Vec<HeaderName> = Vec::new();
        for (pattern, rule) in &self.rules {
            let Some(groups) = pattern.matches(if pattern.has_host { &with_host } else { path }) else {
                continue;
            };
            headers.retain(|(name, _)| {
                !rule.unset.iter().any(|unset| unset.eq_ignore_ascii_case(name.as_str()))
            });
            for (name, value) in &rule.set {
                let name = HeaderName::from_bytes(name.as_bytes());
                let value = HeaderValue::try_from(fill(value, &groups));
                // What HTTP cannot carry is left out.
                let (Ok(name), Ok(value)) = (name, value) else { continue };
                // What an earlier rule set stays; what the asset itself has is replaced.
                if !set.contains(&name) {
                    headers.retain(|(known, _)| *known != name);
                    set.push(name.clone());
                }
                headers.push((name, value));
            }
        }
    }
}

#[derive(Default)]
struct Reader {
    rules: Vec<Rule>,
    open: Open,
    /// The last path was none, so what follows belongs to nothing.
    skipping: bool,
    skipped: Vec<Skipped>,
}

impl Reader {
    fn skip(&mut self, line: usize, reason: impl Into<String>) {
        self.skipped.push(Skipped { line, reason: reason.into() });
    }

    /// Reads a line; `left` lines are left with it. Says whether to go on.
    fn line(&mut self, line: &str, number: usize, left: usize) -> bool {
        if line.is_empty() || line.starts_with('#') {
            return true;
        }
        if line.encode_utf16().count() > MAX_LINE {
            let reason =
                format!("Ignoring line {number} as it exceeds the maximum allowed length of {MAX_LINE}.");
            self.skip(number, reason);
            return true;
        }
        let is_path = line.starts_with('/')
            || line.split_whitespace().next().and_then(|word| word.find("://")).is_some_and(|at| at > 0);
        if is_path {
            return self.path(line, number, left);
        }
        if !self.skipping {
            self.field(line, number);
        }
        true
    }

    fn path(&mut self, line: &str, number: usize, left: usize) -> bool {
        self.skipping = false;
        if self.rules.len() >= MAX_RULES {
            let reason = format!(
                "Maximum number of rules supported is {MAX_RULES}. Skipping remaining {left} lines of file."
            );
            self.skip(number, reason);
            // What is open is one of those that were counted.
            return false;
        }
        self.close();
        let allowed = Allowed { no_ports: true, ..Allowed::default() };
        let path = rule_url::validate(line, allowed).and_then(check_wildcards);
        match path {
            Ok(path) => self.open = Some((Rule { path, ..Rule::default() }, number)),
            Err(reason) => {
                self.skip(number, reason);
                self.skipping = true;
            }
        }
        true
    }

    /// Ends the rule that is open.
    fn close(&mut self) {
        if let Some((rule, line)) = self.open.take() {
            match rule.set.is_empty() && rule.unset.is_empty() {
                true => self.skip(line, "No headers specified"),
                false => self.rules.push(rule),
            }
        }
    }

    fn field(&mut self, line: &str, number: usize) {
        let Some((name, value)) = line.split_once(':') else {
            let unset = line.strip_prefix("! ");
            return match (&mut self.open, unset) {
                (None, _) => self.skip(number, "Expected a path beginning with at least one forward-slash"),
                (Some((rule, _)), Some(name)) => rule.unset.push(name.to_owned()),
                (Some(_), None) => {
                    self.skip(number, "Expected a colon-separated header pair (e.g. name: value)");
                }
            };
        };
        let (name, value) = (name.trim().to_lowercase(), value.trim());
        let reason = match () {
            () if name.contains(' ') => "Header name cannot include spaces".to_owned(),
            () if name.is_empty() => "No header name specified".to_owned(),
            () if value.is_empty() => "No header value specified".to_owned(),
            () => match &mut self.open {
                None => format!("Path should come before header ({name}: {value})"),
                Some((rule, _)) => {
                    return match rule.set.iter_mut().find(|(known, _)| *known == name) {
                        Some((_, known)) => *known = format!("{known}, {value}"),
                        None => rule.set.push((name, value.to_owned())),
                    };
                }
            },
        };
        self.skip(number, reason);
    }
}

fn check_wildcards(path: String) -> Result<String, String> {
    let count = path.matches('*').count();
    let is_splat =
        |at: usize| !path[at + ":splat".len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if count > 1 {
        return Err(format!(
            "Only one wildcard is allowed per rule. Use a named placeholder (e.g. :project) instead. Skipping {path}."
        ));
    }
    if count > 0 && path.match_indices(":splat").any(|(at, _)| is_splat(at)) {
        return Err(format!(
            "Cannot combine a wildcard * with a :splat placeholder because wildcards are converted to :splat at runtime. \
             Skipping {path}."
        ));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str, url: &str, first: &[(&'static str, &'static str)]) -> Vec<String> {
        let url = Url::parse(url).expect("a URL");
        let mut headers = first
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        HeaderRules::parse(text).apply(&url, &mut headers);
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().expect("text"))).collect()
    }

    #[test]
    fn fields_are_set_joined_and_removed() {
        let text =
            "/*\n X-A: 1\n x-a: 2\n ETag: z\n/a/*\n  x-a: :splat\n  ! etag\nhttps://h.example/*\n  x-h: h\n";
        assert_eq!(fields(text, "http://x/b", &[("etag", "e")]), ["x-a: 1, 2", "etag: z"]);
        assert_eq!(fields(text, "http://x/a/q", &[("etag", "e")]), ["x-a: 1, 2", "x-a: q"]);
        assert_eq!(fields(text, "http://h.example:1/a/", &[]), ["x-a: 1, 2", "x-a: ", "x-h: h"]);
    }

    #[test]
    fn the_last_rule_for_a_path_counts() {
        assert_eq!(fields("/a\n x: 1\n/a\n y: 2", "http://x/a", &[]), ["y: 2"]);
    }

    #[test]
    fn mistakes_are_told_with_their_lines() {
        let text = "a: b\nno colon\n/empty\n/*/a/*\n  x: y\n/ok\n a b: c\n : c\n c:\n word\n x: y\n/*/:splat\nhttp://x/\n";
        let rules = HeaderRules::parse(text);
        let lines: Vec<(usize, &str)> =
            rules.skipped.iter().map(|skipped| (skipped.line, skipped.reason.as_str())).collect();
        assert_eq!(rules.count, 1);
        assert_eq!(lines[0], (1, "Path should come before header (a: b)"));
        assert_eq!(lines[1], (2, "Expected a path beginning with at least one forward-slash"));
        assert_eq!(lines[2], (3, "No headers specified"));
        assert_eq!(lines[3].0, 4);
        assert_eq!(lines[4], (7, "Header name cannot include spaces"));
        assert_eq!(lines[5], (8, "No header name specified"));
        assert_eq!(lines[6], (9, "No header value specified"));
        assert_eq!(lines[7], (10, "Expected a colon-separated header pair (e.g. name: value)"));
        assert!(lines[8].1.starts_with("Cannot combine a wildcard"), "{}", lines[8].1);
        assert!(lines[9].1.starts_with("URLs should either"), "{}", lines[9].1);
        assert_eq!(lines.len(), 10);
    }

    #[test]
    fn a_file_has_a_hundred_rules_at_most() {
        let text: String = (0..103).map(|n| format!("/{n}\n x: y\n")).collect();
        let rules = HeaderRules::parse(&text);
        // The last one was open when the limit was met.
        assert_eq!((rules.count, rules.skipped.len()), (101, 1));
        assert!(rules.skipped[0].reason.starts_with("Maximum number of rules supported is 100."));
        let long = format!("/{}\n x: y\n", "a".repeat(2000));
        assert_eq!(HeaderRules::parse(&long).skipped[0].line, 1);
    }
}
