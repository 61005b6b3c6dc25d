//! Requests to objects and services in every form, signals of every kind in both directions, and times of alarms
//! (`fixtures/stub-asks`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-24.

use serde_json::Value;

use crate::recorded::{answers_in_groups, assert_as_recorded};

const NAMES: &str = "names of header fields that HTTP cannot carry are refused when the request is sent";
const FETCHER: &str = "what is given as the fetcher of a request is not looked at";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("requests-object header \"\" \"1\"", NAMES),
    ("requests-object header \"é\" \"1\"", NAMES),
    ("requests-object init fetcher 5", FETCHER),
    ("requests-service header \"\" \"1\"", NAMES),
    ("requests-service header \"é\" \"1\"", NAMES),
    ("requests-service init fetcher 5", FETCHER),
];

#[test]
fn requests_and_signals_are_as_recorded() {
    assert_as_recorded::<Value>("stub-asks", DEVIATIONS, answers_in_groups);
}
