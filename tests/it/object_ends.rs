//! How objects end in every place from where they can (`fixtures/abort-matrix`), and what of their writes is committed by then
//! (`fixtures/commit-points`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use serde_json::Value;

use crate::recorded::{answers_in_groups, assert_as_recorded};

const ABORTS: [&str; 3] = ["abort", "abort%20text", "abort%20range"];
/// Where an object that is aborted leaves something else, and why.
const AFTER_ABORTS: [(&str, &str); 2] = [
    (
        "webSocketMessage, more: act",
        "what the client said beforehand is dropped in silence; the peer tells it of an error, too",
    ),
    ("webSocketClose: act", "the same for the client's goodbye"),
];

/// What is waited for before an abort without that anything is committed here, or there.
const NO_COMMIT: [&str; 7] = [
    "MessageChannel",
    "text of a response",
    "an identity stream",
    "compression",
    "a bookmark",
    "caches",
    "dynamic import",
];
const WITHIN_A_TURN: &str =
    "what needs no waiting here goes on within the same turn, which is committed as a whole or not at all";

fn each<'a>(groups: &[&'a str], ends: &[(&'a str, &'a str)]) -> Vec<(String, &'a str)> {
    let of = |group: &'a str| ends.iter().map(move |(end, why)| (format!("{group} {end}"), *why));
    groups.iter().flat_map(|group| of(group)).collect()
}

fn assert_fixture(fixture: &str, deviations: &[(String, &str)]) {
    let deviations: Vec<_> = deviations.iter().map(|(name, why)| (name.as_str(), *why)).collect();
    assert_as_recorded::<Value>(fixture, &deviations, answers_in_groups);
}

#[test]
fn every_end_of_an_object_is_told_as_recorded() {
    assert_fixture("abort-matrix", &each(&ABORTS, &AFTER_ABORTS));
}

#[test]
fn what_was_committed_before_an_end_is_as_recorded() {
    let waits = NO_COMMIT.map(|wait| (wait, WITHIN_A_TURN));
    assert_fixture("commit-points", &each(&["put/abort", "kv/abort", "sql/abort"], &waits));
}
