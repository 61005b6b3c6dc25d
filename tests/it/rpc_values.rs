//! Some two hundred values through every door: by RPC as arguments, as results and thrown, through storage, attachments and
//! `structuredClone` (`fixtures/rpc-values`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use crate::recorded::{answers_in_groups, assert_as_recorded};

const NO_SHARED_MEMORY: &str = "a SharedArrayBuffer is refused where it is sent or kept";
const UNREADABLE: &str = "the peer keeps what it cannot read, and says that only as an internal error";
const FUNCTIONS: &str = "the platform's functions have names";
const REVOKED: &str = "the engine's own texts";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("attached console", FUNCTIONS),
    ("copied console", FUNCTIONS),
    ("kept console", FUNCTIONS),
    ("put console", FUNCTIONS),
    ("given revoked proxy", REVOKED),
    ("given-by-entry revoked proxy", REVOKED),
    ("sent revoked proxy", REVOKED),
    ("sent-to-entry revoked proxy", REVOKED),
    ("kept error with itself", UNREADABLE),
    ("kept error with number as message", UNREADABLE),
    ("kept error with object as message", UNREADABLE),
    ("put error with itself", UNREADABLE),
    ("put error with number as message", UNREADABLE),
    ("put error with object as message", UNREADABLE),
    ("attached shared buffer", NO_SHARED_MEMORY),
    ("attached view of shared", NO_SHARED_MEMORY),
    ("copied shared buffer", NO_SHARED_MEMORY),
    ("copied view of shared", NO_SHARED_MEMORY),
    ("given shared buffer", NO_SHARED_MEMORY),
    ("given view of shared", NO_SHARED_MEMORY),
    ("given-by-entry shared buffer", NO_SHARED_MEMORY),
    ("given-by-entry view of shared", NO_SHARED_MEMORY),
    ("kept shared buffer", NO_SHARED_MEMORY),
    ("kept view of shared", NO_SHARED_MEMORY),
    ("put shared buffer", NO_SHARED_MEMORY),
    ("put view of shared", NO_SHARED_MEMORY),
    ("sent shared buffer", NO_SHARED_MEMORY),
    ("sent view of shared", NO_SHARED_MEMORY),
    ("sent-to-entry shared buffer", NO_SHARED_MEMORY),
    ("sent-to-entry view of shared", NO_SHARED_MEMORY),
];

#[test]
fn values_pass_through_every_door_as_recorded() {
    assert_as_recorded("rpc-values", DEVIATIONS, answers_in_groups);
}
