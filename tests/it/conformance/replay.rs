//! Replays a suite against servers of its fixtures and says how each case went.
//!
//! Probes of a suite share one server; scripted cases share one per fixture unless they ask for their own.
//! What a case's outcome means for the run is decided in `not_yet.rs`.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::compare::{DIFFERENCES_MAX, differences, scrub};
use super::corpus::{Authority, Case, Probe, Suite, wanted_of_step};
use super::fixture::{Fixture, Start, mentions, watch_start};
use super::steps::{self, Sockets};
use crate::http::{self, Request};
use crate::process::READY_LIMIT;

/// Time for one step of a case that has to pass.
const STEP_LIMIT: Duration = Duration::from_secs(10);
/// Time for one step of a case that is not expected to pass: many of them hang.
const LISTED_STEP_LIMIT: Duration = Duration::from_secs(3);
/// Time for a start-up case to show what it does.
const STARTUP_LIMIT_S: u64 = 12;
/// Probes of a fixture that go unanswered in a row before the rest of them is not even asked.
const UNANSWERED_MAX: u32 = 10;
/// Isolated servers of a fixture that fail to start in a row before no more is tried.
const FAILED_STARTS_MAX: u32 = 3;

/// How one case went: no differences means that it passed.
pub struct Outcome {
    pub name: String,
    pub differences: Vec<String>,
    pub note: Option<String>,
}

/// Which cases to run, and how.
pub struct Plan<'a> {
    pub authority: Authority,
    pub with_slow: bool,
    /// Whether a case of this name was asked for.
    pub is_selected: &'a dyn Fn(&str) -> bool,
    /// Whether the case is expected to fail.
    pub is_listed: &'a dyn Fn(&str) -> bool,
}

impl Plan<'_> {
    fn step_limit(&self, name: &str) -> Duration {
        if (self.is_listed)(name) { LISTED_STEP_LIMIT } else { STEP_LIMIT }
    }
}

/// Runs the selected cases of a suite, in order.
pub fn run(suite: &Suite, plan: &Plan<'_>) -> Vec<Outcome> {
    let mut outcomes = probes(suite, plan);
    let mut servers = Servers::default();
    for (name, case) in &suite.cases {
        if (plan.is_selected)(name) && (plan.with_slow || !case.slow) {
            let differences = match run_case(name, case, plan, &mut servers) {
                Ok(differences) => differences,
                Err(error) => vec![error],
            };
            outcomes.push(Outcome { name: name.clone(), differences, note: case.note.clone() });
        }
    }
    outcomes
}

fn probes(suite: &Suite, plan: &Plan<'_>) -> Vec<Outcome> {
    let selected: Vec<_> = suite.probes.iter().filter(|(name, _)| (plan.is_selected)(name)).collect();
    if selected.is_empty() {
        return Vec::new();
    }
    let mut fixture = Fixture::new(&suite.name, &[], READY_LIMIT);
    let mut checked = false;
    let mut unanswered = 0;
    let mut outcomes = Vec::new();
    for (name, probe) in selected {
        let ready = match unanswered {
            UNANSWERED_MAX.. => Err(format!("not asked: {unanswered} probes in a row had no answer")),
            _ if checked => Ok(()),
            _ => fixture.revive(),
        };
        let answer = ready.and_then(|()| run_probe(name, probe, plan, &fixture));
        let differences = answer.map(|got| differences(probe.wanted(plan.authority), &got, ""));
        // Only a probe without an answer makes the server suspect.
        checked = differences.is_ok();
        unanswered = if checked { 0 } else { (unanswered + 1).min(UNANSWERED_MAX) };
        let differences = differences.unwrap_or_else(|error| vec![error]);
        outcomes.push(Outcome { name: name.clone(), differences, note: probe.note.clone() });
    }
    outcomes
}

fn run_probe(name: &str, probe: &Probe, plan: &Plan<'_>, fixture: &Fixture) -> Result<Value, String> {
    let (_, probe_name) = name.split_once('/').expect("names are suite/name");
    let limit = probe.timeout_s.map_or_else(|| plan.step_limit(name), Duration::from_secs);
    let port = fixture.port()?;
    let request = Request::new("GET", &format!("/probe/{}", percent_encoded(probe_name)));
    let response = http::exchange(port, &request, limit)
        .map_err(|error| fixture.explain(&format!("no answer: {error}")))?;
    let got = serde_json::from_slice(&response.body)
        .unwrap_or_else(|_| json!({"status": response.status, "text": beginning(&response.text())}));
    Ok(scrub(got, port))
}

/// As much of an answer that is no JSON as `wrangler-compat/record.py` keeps.
fn beginning(text: &str) -> String {
    text.chars().take(200).collect()
}

/// Servers of a suite's scripted cases, by fixture.
#[derive(Default)]
struct Servers {
    shared: HashMap<String, Fixture>,
    /// How many isolated starts in a row have failed.
    failed_starts: HashMap<String, u32>,
}

fn run_case(name: &str, case: &Case, plan: &Plan<'_>, servers: &mut Servers) -> Result<Vec<String>, String> {
    let fresh = || Fixture::new(&case.fixture, &case.args, READY_LIMIT);
    if case.startup {
        return startup(name, case, plan, &fresh());
    }
    if case.isolated {
        let failed = servers.failed_starts.entry(case.fixture.clone()).or_default();
        if *failed >= FAILED_STARTS_MAX {
            return Err(format!(
                "not tried: fixture `{}` did not start {failed} times in a row",
                case.fixture
            ));
        }
        let mut fixture = fresh();
        *failed += 1;
        fixture.start()?;
        *failed = 0;
        return run_steps(name, case, plan, &mut fixture);
    }
    let fixture = servers.shared.entry(case.fixture.clone()).or_insert_with(fresh);
    fixture.revive()?;
    run_steps(name, case, plan, fixture)
}

fn run_steps(name: &str, case: &Case, plan: &Plan<'_>, fixture: &mut Fixture) -> Result<Vec<String>, String> {
    let mut sockets = Sockets::new();
    let mut found = Vec::new();
    for (at, step) in case.steps.iter().enumerate() {
        let place = format!("step {at}");
        let got = steps::run(step, fixture, &mut sockets, plan.step_limit(name));
        let Some(got) = got.map_err(|error| fixture.explain(&format!("{place}: {error}")))? else { continue };
        let got = scrub(got, fixture.port()?);
        match wanted_of_step(step, plan.authority) {
            Some(wanted) => found.extend(differences(wanted, &got, &place)),
            None => found.push(format!("{place}: no answer is recorded, got {got}")),
        }
    }
    found.truncate(DIFFERENCES_MAX);
    Ok(found)
}

fn startup(name: &str, case: &Case, plan: &Plan<'_>, fixture: &Fixture) -> Result<Vec<String>, String> {
    let full = Duration::from_secs(case.within_s.unwrap_or(STARTUP_LIMIT_S));
    let limit = if (plan.is_listed)(name) { full.min(LISTED_STEP_LIMIT) } else { full };
    let (start, output) = watch_start(fixture, &case.words, limit)?;
    let (outcome, success) = match start {
        Start::Serving => ("serving", None),
        Start::Exited { success } => ("exited", Some(success)),
        Start::Neither => ("neither", None),
    };
    let said: serde_json::Map<String, Value> =
        case.words.iter().map(|word| (word.clone(), json!(mentions(&output, word)))).collect();
    let got = json!({"outcome": outcome, "success": success, "mentions": said});
    let wanted = case.wanted(plan.authority).ok_or("no outcome is recorded")?;
    let mut found = differences(wanted, &got, "");
    if !found.is_empty() {
        found.push(format!("output: {}", output.replace('\n', " | ")));
    }
    Ok(found)
}

/// A path segment in which everything but unreserved characters is escaped.
fn percent_encoded(name: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.bytes().map(escape).collect()
}
