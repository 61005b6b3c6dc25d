//! Commands through the binary: what they print, where, and how they end.
//!
//! [`Ran`] compares standard output, standard error and the exit code with expected text, after what differs
//! from run to run (folders, ports, durations) has been replaced by a word in brackets.

use std::process::Output;

use crate::project::TestProject;

/// A finished command, filtered for comparison.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Filters what a command printed in `project`.
    pub fn new(output: &Output, project: &TestProject) -> Self {
        let filter = |bytes: &[u8]| filtered(&String::from_utf8_lossy(bytes), project);
        Self { code: output.status.code(), stdout: filter(&output.stdout), stderr: filter(&output.stderr) }
    }

    /// Runs `dodev <args>` in `project`.
    pub fn dodev(project: &TestProject, args: &[&str]) -> Self {
        Self::new(&project.dodev(args), project)
    }

    /// Panics with everything printed unless the command ended with `code` and printed exactly `stdout`.
    pub fn expect(&self, code: i32, stdout: &str) -> &Self {
        assert_eq!(
            (self.code, self.stdout.as_str()),
            (Some(code), stdout),
            "standard error:\n{}",
            self.stderr
        );
        self
    }

    /// Panics with everything printed unless each of `words` stands in standard error.
    pub fn expect_errors(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in standard error:\n{}", self.stderr);
        }
        self
    }
}

/// Replaces the project's folders, ports and durations.
fn filtered(text: &str, project: &TestProject) -> String {
    let places = [(project.dir(), "[PROJECT]"), (project.state_dir(), "[STATE]")];
    let text = places
        .iter()
        .fold(text.to_owned(), |text, (path, name)| text.replace(&*path.to_string_lossy(), name));
    durations(&ports(&text))
}

/// `127.0.0.1:4567` and `localhost:4567` become `127.0.0.1:[PORT]`.
fn ports(text: &str) -> String {
    let mut out = text.to_owned();
    for host in ["127.0.0.1:", "localhost:"] {
        let mut parts = out.split(host);
        let mut next = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
            next += host;
            next += if rest.len() < part.len() { "[PORT]" } else { "" };
            next += rest;
        }
        out = next;
    }
    out
}

/// `12 ms`, `1.5ms` and `3 s` become `[TIME]`.
fn durations(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number_on) = rest.split_at(start);
        let digits = number_on.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number_on.len());
        let (number, after) = number_on.split_at(digits);
        let unit = ["ms", "µs", "s"].iter().find_map(|unit| after.trim_start_matches(' ').strip_prefix(unit));
        let inside_word = before.ends_with(|c: char| c.is_alphanumeric());
        let ends = |rest: &&str| !rest.starts_with(|c: char| c.is_alphanumeric());
        out += before;
        rest = match unit.filter(ends) {
            Some(after_unit) if !inside_word => {
                out += "[TIME]";
                after_unit
            }
            _ => {
                out += number;
                after
            }
        };
    }
    out + rest
}

#[test]
fn version_prints_name_and_number() {
    let project = TestProject::with_files(&[]);
    let expected = format!("dodev {}\n", env!("CARGO_PKG_VERSION"));
    Ran::dodev(&project, &["--version"]).expect(0, &expected);
}

#[test]
fn an_unknown_command_is_an_error_that_names_it() {
    let project = TestProject::with_files(&[]);
    Ran::dodev(&project, &["frobnicate"]).expect(2, "").expect_errors(&["frobnicate"]);
}

#[test]
fn output_is_filtered() {
    let project = TestProject::with_files(&[]);
    let check = |text: &str, expected: &str| assert_eq!(filtered(text, &project), expected);
    check(&format!("{}/a.ts:3:4", project.dir().display()), "[PROJECT]/a.ts:3:4");
    check(&format!("kept in {}", project.state_dir().display()), "kept in [STATE]");
    check("Ready on http://127.0.0.1:4567/ in 12 ms", "Ready on http://127.0.0.1:[PORT]/ in [TIME]");
    check("1.5s, 3 things, v2s, 8 sheep", "[TIME], 3 things, v2s, 8 sheep");
}
