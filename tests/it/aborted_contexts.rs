//! What goes on of an entrypoint's context after `ctx.abort()`, and who is told of it (`fixtures/aborted-contexts`), against what wrangler 4.164.0
//! with workerd 1.20261117.1 answered on 2026-11-23.

use serde_json::Value;

use crate::recorded::{answers_in_groups, assert_as_recorded};

const GIVEN: &str = "an answer that was given in the same turn stands";
const WORDS: &str = "who calls back a context that is gone is told so";
const SILENT: &str = "a socket whose other end is dropped closes without an error";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("exports afterReturn", GIVEN),
    ("exports asyncReturn", GIVEN),
    ("exports give", WORDS),
    ("exports outSocket", SILENT),
    ("service afterReturn", GIVEN),
    ("service asyncReturn", GIVEN),
    ("service give", WORDS),
    ("service outSocket", SILENT),
];

#[test]
fn contexts_end_as_recorded() {
    assert_as_recorded::<Value>("aborted-contexts", DEVIATIONS, answers_in_groups);
}
