//! What of an object's writes is committed when it ends (`fixtures/commit-points`), against what wrangler 4.164.0 with workerd
//! 1.20261117.1 answered on 2026-11-23.

use serde_json::Value;

use crate::recorded::{answers_in_groups, assert_as_recorded};

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

#[test]
fn what_was_committed_before_an_end_is_as_recorded() {
    let groups = ["put/abort", "kv/abort", "sql/abort"];
    let names: Vec<_> =
        groups.iter().flat_map(|group| NO_COMMIT.map(|wait| format!("{group} {wait}"))).collect();
    let deviations: Vec<_> = names.iter().map(|name| (name.as_str(), WITHIN_A_TURN)).collect();
    assert_as_recorded::<Value>("commit-points", &deviations, answers_in_groups);
}
