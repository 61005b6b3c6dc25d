//! Answers that the real tools gave to the questions of a fixture, by the questions' names.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;

use crate::project::repository;

/// The answers to the questions of `fixture`.
pub fn recorded<T: DeserializeOwned>(fixture: &str) -> BTreeMap<String, T> {
    let text = std::fs::read_to_string(repository().join("fixtures").join(fixture).join("answers.json"));
    serde_json::from_str(&text.expect("the answers are there")).expect("they are JSON")
}

/// Where `given` is other than `recorded`, and where it is not although `deviations` says so: each with a reason.
pub fn differences<T: PartialEq + Debug>(
    recorded: &BTreeMap<String, T>,
    given: &BTreeMap<String, T>,
    deviations: &[(&str, &str)],
) -> Vec<String> {
    let deviates = |name: &str| deviations.iter().any(|(deviation, _)| *deviation == name);
    recorded
        .iter()
        .filter(|(name, expected)| (given.get(*name) == Some(expected)) == deviates(name))
        .map(|(name, expected)| format!("{name}\n  recorded {expected:?}\n  given    {:?}", given.get(name)))
        .collect()
}
