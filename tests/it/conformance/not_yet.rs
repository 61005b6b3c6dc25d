//! The checked-in list of cases that do not pass yet, and what it makes of outcomes.
//!
//! A listed case that passes fails the run, as does an unlisted one that fails: the list can neither hide a
//! regression nor fall behind. One name (`suite/name`) per line; text after `#` says why.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::corpus::root;
use super::replay::Outcome;

/// Only one suite at a time rewrites the file.
static REWRITE: Mutex<()> = Mutex::new(());

/// The list as it stands in the file.
pub struct NotYet {
    /// Comment lines before the first name.
    header: String,
    /// Names with the remark behind them.
    names: BTreeMap<String, String>,
}

impl NotYet {
    /// Reads `fixtures/conformance/not-yet.txt`; a missing file is an empty list.
    pub fn read() -> Self {
        Self::parse(&fs::read_to_string(path()).unwrap_or_default())
    }

    /// A list on which nothing stands.
    pub fn empty() -> Self {
        Self::parse("")
    }

    fn parse(text: &str) -> Self {
        let is_name = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
        let header: Vec<&str> = text.lines().take_while(|line| !is_name(line)).collect();
        let split = |line: &str| match line.split_once('#') {
            Some((name, remark)) => (name.trim().to_owned(), remark.trim().to_owned()),
            None => (line.trim().to_owned(), String::new()),
        };
        let names = text.lines().filter(is_name).map(split).collect();
        Self { header: header.join("\n").trim_end().to_owned(), names }
    }

    fn show(&self) -> String {
        let mut out = format!("{}\n", self.header);
        let mut suite = "";
        for (name, remark) in &self.names {
            let of = name.split('/').next().unwrap_or_default();
            if of != suite {
                out.push('\n');
                suite = of;
            }
            out += name;
            if !remark.is_empty() {
                out += &format!("  # {remark}");
            }
            out.push('\n');
        }
        out
    }

    /// Whether the case is expected to fail.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.names.keys()
    }

    /// What is wrong between list and outcomes, case by case; empty when they agree.
    pub fn complaints(&self, outcomes: &[Outcome]) -> Vec<String> {
        outcomes.iter().filter_map(|outcome| self.complaint(outcome)).collect()
    }

    fn complaint(&self, outcome: &Outcome) -> Option<String> {
        match (self.contains(&outcome.name), outcome.differences.is_empty()) {
            (false, true) | (true, false) => None,
            (true, true) => Some(format!(
                "PASS {}\n     passes now: remove it from fixtures/conformance/not-yet.txt",
                outcome.name
            )),
            (false, false) => {
                let mut text = format!("FAIL {}", outcome.name);
                let note = outcome.note.iter().map(|note| format!("note: {note}"));
                for line in outcome.differences.iter().cloned().chain(note) {
                    text += &format!("\n     {line}");
                }
                Some(text)
            }
        }
    }

    fn apply(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            if outcome.differences.is_empty() {
                self.names.remove(&outcome.name);
            } else {
                self.names.entry(outcome.name.clone()).or_default();
            }
        }
    }

    /// Rewrites the file so that it agrees with these outcomes; other cases stay as they are.
    pub fn update(outcomes: &[Outcome]) {
        let _only = REWRITE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut list = Self::read();
        list.apply(outcomes);
        fs::write(path(), list.show()).expect("the list can be written");
    }
}

fn path() -> PathBuf {
    root().join("not-yet.txt")
}

mod tests {
    use super::*;

    fn outcome(name: &str, differences: &[&str]) -> Outcome {
        let differences = differences.iter().map(|line| (*line).to_owned()).collect();
        Outcome { name: name.to_owned(), differences, note: None }
    }

    #[test]
    fn list_and_outcomes_have_to_agree() {
        let list = NotYet::parse("# about\n\na/one\na/two  # needs sockets\n");
        let outcomes =
            [outcome("a/one", &[]), outcome("a/two", &["."]), outcome("b/x", &["d"]), outcome("b/y", &[])];
        assert_eq!(
            list.complaints(&outcomes),
            [
                "PASS a/one\n     passes now: remove it from fixtures/conformance/not-yet.txt",
                "FAIL b/x\n     d"
            ]
        );
    }

    #[test]
    fn an_update_keeps_header_and_remarks() {
        let mut list = NotYet::parse("# about\n\na/one\na/two  # needs sockets\n");
        list.apply(&[outcome("a/one", &[]), outcome("b/x", &["d"])]);
        assert_eq!(list.show(), "# about\n\na/two  # needs sockets\n\nb/x\n");
    }
}
