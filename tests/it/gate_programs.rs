//! Four hundred random programs of up to three requests to one object: storage, sections, transactions that fail and calls there and
//! back, and what happens when (`fixtures/gate-programs`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-24.

use serde_json::Value;

use crate::recorded::{answers_in_groups, assert_as_recorded};

#[test]
fn programs_over_gates_are_as_recorded() {
    assert_as_recorded::<Value>("gate-programs", &[], answers_in_groups);
}
