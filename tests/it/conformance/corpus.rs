//! The corpus on disk: recorded probes and scripted cases, as data.
//!
//! Only reading and checking of the format is here; what a step means is in `steps.rs`. Unknown keys are
//! errors, so that a misspelt expectation cannot turn into no expectation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::project::repository;

/// One suite: the probes of one fixture and the scripted cases of one folder, in the order of the run.
pub struct Suite {
    pub name: String,
    pub probes: Vec<(String, Probe)>,
    pub cases: Vec<(String, Case)>,
}

/// What a probe answered when it was recorded.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    result: Value,
    documented: Option<Value>,
    #[serde(rename = "peer")]
    _peer: Option<String>,
    pub note: Option<String>,
    pub timeout_s: Option<u64>,
}

/// A scripted case, or a start-up case when `startup` is set.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub fixture: String,
    #[serde(default)]
    pub isolated: bool,
    #[serde(default)]
    pub startup: bool,
    #[serde(default)]
    pub slow: bool,
    #[serde(default)]
    pub args: Vec<String>,
    #[serde(default)]
    pub words: Vec<String>,
    pub within_s: Option<u64>,
    #[serde(default)]
    pub steps: Vec<Map<String, Value>>,
    expect: Option<Value>,
    documented: Option<Value>,
    pub note: Option<String>,
    #[serde(rename = "about")]
    _about: Option<String>,
    #[serde(rename = "peer")]
    _peer: Option<String>,
    #[serde(rename = "peer_output")]
    _peer_output: Option<Value>,
    #[serde(rename = "provenance")]
    _provenance: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Goldens {
    probes: Map<String, Value>,
    #[serde(rename = "provenance")]
    _provenance: Value,
}

/// Whose answer counts where the real tools contradict the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// What production documents: what dodev has to do.
    Documentation,
    /// What the real tools did: to prove the runner itself against them.
    Recording,
}

impl Probe {
    /// The answer to compare with.
    pub fn wanted(&self, authority: Authority) -> &Value {
        match (authority, &self.documented) {
            (Authority::Documentation, Some(documented)) => documented,
            (Authority::Documentation, None) | (Authority::Recording, _) => &self.result,
        }
    }
}

impl Case {
    /// The outcome a start-up case has to have.
    pub fn wanted(&self, authority: Authority) -> Option<&Value> {
        pick(authority, self.documented.as_ref(), self.expect.as_ref())
    }
}

/// The answer a step has to get, if it gets one.
pub fn wanted_of_step(step: &Map<String, Value>, authority: Authority) -> Option<&Value> {
    pick(authority, step.get("documented"), step.get("expect"))
}

fn pick<'a>(
    authority: Authority,
    documented: Option<&'a Value>,
    recorded: Option<&'a Value>,
) -> Option<&'a Value> {
    match authority {
        Authority::Documentation => documented.or(recorded),
        Authority::Recording => recorded,
    }
}

/// `fixtures/conformance`.
pub fn root() -> PathBuf {
    repository().join("fixtures/conformance")
}

/// Names of all suites on disk, sorted.
pub fn suite_names() -> Vec<String> {
    let mut names = files(&root().join("goldens"), "json");
    names.extend(entries(&root().join("cases")).into_iter().map(|path| stem(&path)));
    names.sort();
    names.dedup();
    names
}

impl Suite {
    /// Reads one suite; panics with the file's name when it is not as it should be.
    pub fn read(name: &str) -> Self {
        let goldens = root().join("goldens").join(format!("{name}.json"));
        let probes = if goldens.exists() {
            let read: Goldens = json(&goldens);
            let parse = |(probe, entry)| {
                let entry = serde_json::from_value(entry)
                    .unwrap_or_else(|error| panic!("{}: {probe}: {error}", goldens.display()));
                (format!("{name}/{probe}"), entry)
            };
            read.probes.into_iter().map(parse).collect()
        } else {
            Vec::new()
        };
        let folder = root().join("cases").join(name);
        let case_names = if folder.exists() { files(&folder, "json") } else { Vec::new() };
        let cases = case_names
            .into_iter()
            .map(|case| (format!("{name}/{case}"), json(&folder.join(format!("{case}.json")))))
            .collect();
        Self { name: name.to_owned(), probes, cases }
    }

    /// Names of all its cases (`suite/name`), slow ones too.
    pub fn case_names(&self) -> impl Iterator<Item = &String> {
        self.probes.iter().map(|(name, _)| name).chain(self.cases.iter().map(|(name, _)| name))
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = listed.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    paths
}

fn files(folder: &Path, extension: &str) -> Vec<String> {
    entries(folder)
        .iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == extension))
        .map(|p| stem(p))
        .collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().expect("a listed file has a name").to_string_lossy().into_owned()
}

#[test]
fn every_step_is_known_and_every_fixture_exists() {
    let mut names = BTreeMap::new();
    for suite in suite_names() {
        let suite = Suite::read(&suite);
        for name in suite.case_names() {
            assert!(names.insert(name.clone(), ()).is_none(), "{name} is there twice");
        }
        for (name, case) in &suite.cases {
            assert!(
                root().join("fixtures").join(&case.fixture).is_dir(),
                "{name}: no fixture `{}`",
                case.fixture
            );
            assert_eq!(case.startup, case.steps.is_empty(), "{name}: a case has steps or is about the start");
            assert_eq!(case.startup, case.wanted(Authority::Recording).is_some(), "{name}");
            for step in &case.steps {
                super::steps::kind(step).unwrap_or_else(|error| panic!("{name}: {error}"));
            }
        }
    }
    assert!(names.len() > 1_000, "the corpus has {} cases only", names.len());
}
