//! What ids, stubs, namespaces and contexts look like: as JSON, inspected, enumerated, copied (`fixtures/object-shapes`), against
//! what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use crate::recorded::{answers_in_groups, assert_as_recorded};

const ORDER: &str = "members come in another order";
const PROTOTYPE: &str = "id and name are members of the class, too";
const LENGTH: &str = "the peer shows the length of an array that it was not asked for";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("object cursor forIn", ORDER),
    ("object kv forIn", ORDER),
    ("object storage forIn", ORDER),
    ("object cursor inspect", LENGTH),
    ("object cursor inspectInside", LENGTH),
    ("worker named prototype", PROTOTYPE),
    ("worker stub prototype", PROTOTYPE),
    ("worker unique prototype", PROTOTYPE),
];

#[test]
fn shapes_are_as_recorded() {
    assert_as_recorded("object-shapes", DEVIATIONS, answers_in_groups);
}
