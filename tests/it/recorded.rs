//! Answers that the real tools gave to the questions of a fixture, by the questions' names.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::project::{Server, TestProject, repository};

/// The answers to the questions of `fixture`.
pub fn recorded<T: DeserializeOwned>(fixture: &str) -> BTreeMap<String, T> {
    let text = std::fs::read_to_string(repository().join("fixtures").join(fixture).join("answers.json"));
    serde_json::from_str(&text.expect("the answers are there")).expect("they are JSON")
}

/// Where `given` is other than `recorded`, and where it is not although `deviations` says so: each with a reason.
fn differences<T: Debug>(
    recorded: &BTreeMap<String, T>,
    given: &BTreeMap<String, T>,
    deviations: &[(&str, &str)],
    same: impl Fn(&T, &T) -> bool,
) -> Vec<String> {
    let deviates = |name: &str| deviations.iter().any(|(deviation, _)| *deviation == name);
    let as_recorded = |name: &str, expected: &T| given.get(name).is_some_and(|given| same(expected, given));
    recorded
        .iter()
        .filter(|(name, expected)| as_recorded(name, expected) == deviates(name))
        .map(|(name, expected)| format!("{name}\n  recorded {expected:?}\n  given    {:?}", given.get(name)))
        .collect()
}

/// What `server` answers, by group and name of the question: `/` names the groups, `/group` answers with an object or a list.
pub fn answers_in_groups(server: &Server) -> BTreeMap<String, Value> {
    let mut given = BTreeMap::new();
    for group in server.get("/").text().lines() {
        match serde_json::from_slice(&server.get(&format!("/{group}")).body).expect("JSON") {
            Value::Object(answers) => {
                given.extend(answers.into_iter().map(|(name, answer)| (format!("{group} {name}"), answer)));
            }
            Value::Array(answers) => {
                let numbered = answers.into_iter().enumerate();
                given.extend(numbered.map(|(number, answer)| (format!("{group} {number}"), answer)));
            }
            other => panic!("{group} answers with {other}"),
        }
    }
    given
}

/// The Worker of `fixture`, asked by `ask`, answers as recorded, except for `deviations`.
pub fn assert_as_recorded<T: DeserializeOwned + PartialEq + Debug>(
    fixture: &str,
    deviations: &[(&str, &str)],
    ask: impl FnOnce(&Server) -> BTreeMap<String, T>,
) {
    assert_as_recorded_by(fixture, deviations, T::eq, ask);
}

/// The same, where `same` says whether what is given is as recorded.
pub fn assert_as_recorded_by<T: DeserializeOwned + Debug>(
    fixture: &str,
    deviations: &[(&str, &str)],
    same: impl Fn(&T, &T) -> bool,
    ask: impl FnOnce(&Server) -> BTreeMap<String, T>,
) {
    let project = TestProject::from_fixture(fixture);
    assert_server(fixture, project.start(), deviations, same, ask);
}

/// The same for a fixture whose other Workers have the configurations `others`.
pub fn assert_as_recorded_at<T: DeserializeOwned + PartialEq + Debug>(
    fixture: &str,
    others: &[&str],
    deviations: &[(&str, &str)],
    ask: impl FnOnce(&Server) -> BTreeMap<String, T>,
) {
    let project = TestProject::from_fixture(fixture);
    let paths: Vec<_> =
        others.iter().map(|config| project.dir().join(config).to_string_lossy().into_owned()).collect();
    let args: Vec<_> = paths.iter().flat_map(|path| ["--config", path]).collect();
    assert_server(fixture, project.start_with(&args), deviations, T::eq, ask);
}

fn assert_server<T: DeserializeOwned + Debug>(
    fixture: &str,
    server: Server,
    deviations: &[(&str, &str)],
    same: impl Fn(&T, &T) -> bool,
    ask: impl FnOnce(&Server) -> BTreeMap<String, T>,
) {
    let recorded = recorded(fixture);
    let given = ask(&server);
    let wrong = differences(&recorded, &given, deviations, same);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(given.len(), recorded.len());
    assert!(server.stop().success());
}
