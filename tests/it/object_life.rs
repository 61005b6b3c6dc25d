//! Throws and aborts in every place of an object's life, sockets whose handlers throw, requests to stubs, shapes of classes,
//! and values that cannot be copied (`fixtures/object-life`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on
//! 2026-11-23.

use crate::recorded::{answers_in_groups, assert_as_recorded};

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("closes errorClose", "the peer tells of its own connection instead of what a listener of the end threw"),
    (
        "constructors ret",
        "what a constructor returned instead of the object has no RPC, in words for its class",
    ),
    ("gates stream", "a body from memory is read without waiting, so nothing comes between"),
    ("puts sab", "a SharedArrayBuffer is refused where it is kept"),
    ("requests aborted", "the platform's own reasons of signals are handed on as they are"),
    ("shapes constructor()", "the engine's own texts"),
    ("stubRequests aborted", "the platform's own reasons of signals are handed on as they are"),
    ("values console clone", "the platform's functions have names"),
    ("values sab clone", "there is no shared memory"),
    ("values sab sent", "there is no shared memory"),
    ("values sabView clone", "there is no shared memory"),
    ("values sabView sent", "there is no shared memory"),
];

#[test]
fn the_life_of_objects_is_as_recorded() {
    assert_as_recorded("object-life", DEVIATIONS, answers_in_groups);
}
