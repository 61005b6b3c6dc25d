//! Errors that are thrown, given and sent over RPC, between Workers with and without `enhanced_error_serialization`
//! (`fixtures/rpc-errors`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use serde_json::Value;

use crate::recorded::{answers_in_groups, assert_as_recorded_at};

const BY_NUMBER: &str =
    "the engine makes a stack's first line when it is asked for, of the message at that time";
const ALWAYS: &str = "the engine's errors always have a stack";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("new-OTHER with a number as message, given", BY_NUMBER),
    ("new-OTHER with a number as message, given inside", BY_NUMBER),
    ("new-OTHER without a stack, given", ALWAYS),
    ("new-OTHER without a stack, given inside", ALWAYS),
    ("old-ENTRY with a number as message, given", BY_NUMBER),
    ("old-ENTRY with a number as message, given inside", BY_NUMBER),
    ("old-ENTRY with a number as message, sent", BY_NUMBER),
    ("old-ENTRY without a stack, given", ALWAYS),
    ("old-ENTRY without a stack, given inside", ALWAYS),
    ("old-ENTRY without a stack, sent", ALWAYS),
    ("old-OTHER with a number as message, sent", BY_NUMBER),
    ("old-OTHER without a stack, sent", ALWAYS),
    ("old-OWN with a number as message, given", BY_NUMBER),
    ("old-OWN with a number as message, given inside", BY_NUMBER),
    ("old-OWN with a number as message, sent", BY_NUMBER),
    ("old-OWN without a stack, given", ALWAYS),
    ("old-OWN without a stack, given inside", ALWAYS),
    ("old-OWN without a stack, sent", ALWAYS),
];

#[test]
fn errors_over_rpc_are_as_recorded() {
    assert_as_recorded_at::<Value>("rpc-errors", &["old/wrangler.jsonc"], DEVIATIONS, answers_in_groups);
}
