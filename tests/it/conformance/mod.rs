//! Replays `fixtures/conformance` against the binary: one test per suite.
//!
//! What the real tools answer is recorded there, so that this needs no Node. The cases that do not pass yet
//! stand in `not-yet.txt`. Environment variables, all for use by hand:
//!
//! - `DODEV_CONFORMANCE_FILTER`: only cases whose name contains this; `^` and `$` anchor, `|` separates
//!   alternatives.
//! - `DODEV_CONFORMANCE_SLOW=1`: also the cases that wait long.
//! - `DODEV_CONFORMANCE_UPDATE=1`: rewrite the list instead of judging by it.
//! - `DODEV_CONFORMANCE_CMD`: another command, with `{config}`, `{port}` and `{state}`; every case has to pass.
//! - `DODEV_CONFORMANCE_PEER=1`: compare with what was recorded even where the documentation says otherwise.

mod compare;
mod corpus;
mod fixture;
mod not_yet;
mod replay;
mod steps;

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};

use corpus::{Authority, Suite};
use not_yet::NotYet;
use replay::Plan;

use crate::project::ServerCommand;

/// Suites replayed at a time: some cases measure time, so the machine must not be crowded.
const SUITES_AT_ONCE: usize = 3;

static RUNNING: Mutex<usize> = Mutex::new(0);
static FINISHED: Condvar = Condvar::new();

/// The right to run one suite.
struct Slot;

impl Slot {
    fn wait() -> Self {
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let free = FINISHED.wait_while(running, |running| *running >= SUITES_AT_ONCE);
        *free.unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        FINISHED.notify_one();
    }
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| value == "1")
}

/// Whether a name fits a filter of alternatives (`|`) that may be anchored (`^`, `$`).
fn fits(filter: &str, name: &str) -> bool {
    filter.split('|').any(|part| {
        let start = part.strip_prefix('^');
        let end = part.strip_suffix('$');
        match (start, end) {
            (Some(_), Some(_)) => part[1..part.len() - 1] == *name,
            (Some(start), None) => name.starts_with(start),
            (None, Some(end)) => name.ends_with(end),
            (None, None) => name.contains(part),
        }
    })
}

fn replay_suite(name: &str) {
    let _slot = Slot::wait();
    let filter = std::env::var("DODEV_CONFORMANCE_FILTER").unwrap_or_default();
    let update = is_set("DODEV_CONFORMANCE_UPDATE");
    let list = if ServerCommand::is_replaced() { NotYet::empty() } else { NotYet::read() };
    let plan = Plan {
        authority: if is_set("DODEV_CONFORMANCE_PEER") {
            Authority::Recording
        } else {
            Authority::Documentation
        },
        with_slow: is_set("DODEV_CONFORMANCE_SLOW"),
        is_selected: &|name| fits(&filter, name),
        is_listed: &|name| !update && list.contains(name),
    };
    let outcomes = replay::run(&Suite::read(name), &plan);
    if update {
        assert!(!ServerCommand::is_replaced(), "the list is about dodev, not about another command");
        return NotYet::update(&outcomes);
    }
    let passed = outcomes.iter().filter(|outcome| outcome.differences.is_empty()).count();
    let complaints = list.complaints(&outcomes);
    println!("{name}: {passed} of {} cases pass", outcomes.len());
    assert!(
        complaints.is_empty(),
        "{} of {name} are not as listed:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

macro_rules! suites {
    ($($name:ident)*) => {
        const SUITES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                replay_suite(stringify!($name));
            }
        )*
    };
}

suites! {
    alarm aliases apps assets compat config corners dispose ids kvclass lifecycle modules reload rpc runtime services sql
    startup state storage stub synckv typescript wasm websocket workers
}

#[test]
fn every_suite_is_replayed() {
    assert_eq!(corpus::suite_names(), SUITES);
}

#[test]
fn the_list_names_cases_that_exist() {
    let names: BTreeSet<String> =
        SUITES.iter().flat_map(|name| Suite::read(name).case_names().cloned().collect::<Vec<_>>()).collect();
    let unknown: Vec<String> =
        NotYet::read().names().filter(|name| !names.contains(*name)).cloned().collect();
    assert!(unknown.is_empty(), "not-yet.txt names cases that do not exist: {unknown:?}");
}

#[test]
fn filters_anchor_and_alternate() {
    let check = |filter, expected: &[&str]| {
        let names = ["sql/a", "sql/ab", "rpc/a"];
        let found: Vec<&str> = names.into_iter().filter(|name| fits(filter, name)).collect();
        assert_eq!(found, expected, "{filter}");
    };
    check("", &["sql/a", "sql/ab", "rpc/a"]);
    check("^sql/", &["sql/a", "sql/ab"]);
    check("/a$", &["sql/a", "rpc/a"]);
    check("^rpc/a$|ab", &["sql/ab", "rpc/a"]);
}
