//! Streams by RPC and as bodies, in both directions: read, left, cancelled and failing, and signals (`fixtures/rpc-streams`),
//! against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use crate::recorded::{answers_in_groups, assert_as_recorded};

const FORGOTTEN: &str =
    "what nobody holds any more is given up at once, not when the peer collects its garbage";
const POSTED: &str = "who sends a body learns at once that it was cancelled";

const PASSED_ON: &str = "a signal that came from elsewhere is passed on with what becomes of it";
const ABORTED: &str = "the platform's own reasons of signals are handed on as they are";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("left entry posted, cancelled, told", POSTED),
    ("left object posted, cancelled, told", POSTED),
    ("cancels fetch aborted before with undefined", ABORTED),
    ("cancels fetch aborted while reading with undefined", ABORTED),
    ("cancels fetch aborted while waiting for text with undefined", ABORTED),
    ("cancels fetch aborted with undefined", ABORTED),
    ("signals entry fetch aborted before by default", ABORTED),
    ("signals entry fetch aborted by default", ABORTED),
    ("signals entry fetch timeout", ABORTED),
    ("signals object fetch aborted before by default", ABORTED),
    ("signals object fetch aborted by default", ABORTED),
    ("signals object fetch timeout", ABORTED),
    ("signals entry passed on", PASSED_ON),
    ("signals object passed on", PASSED_ON),
    ("writable entry passed and released", FORGOTTEN),
    ("writable object passed and left", FORGOTTEN),
    ("writable object passed and released", FORGOTTEN),
];

#[test]
fn streams_are_as_recorded() {
    assert_as_recorded("rpc-streams", DEVIATIONS, answers_in_groups);
}
