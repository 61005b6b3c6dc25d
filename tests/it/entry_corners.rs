//! Entrypoints of every form and what is called on them (`fixtures/entry-corners`), and facets in every corner
//! (`fixtures/facet-corners`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use crate::recorded::{answers_in_groups, assert_as_recorded};

/// Where entrypoints answer otherwise, and why. An entry that answers like the peer fails the test.
const OF_ENTRYPOINTS: &[(&str, &str)] =
    &[("props made props response", "its body is looked at first, which is taken by then")];

/// The same for facets.
const OF_FACETS: &[(&str, &str)] = &[
    ("all get('')", "the peer has an internal error"),
    ("all class plain", "the peer's errors have the id of the object that calls"),
    ("all same name, other class", "the peer's errors have the id of the object that calls"),
    ("all returned", "the peer's errors have the id of the object that calls"),
    ("all new class", "entries of `ctx.exports` are called, not constructed"),
    (
        "all atomic with parent",
        "the peer never starts a facet that was asked for before a transaction, and waits",
    ),
    ("all shape", "the class of a facet's stub has another name"),
];

#[test]
fn entrypoints_of_every_form_answer_as_recorded() {
    assert_as_recorded("entry-corners", OF_ENTRYPOINTS, answers_in_groups);
}

#[test]
fn facets_in_every_corner_answer_as_recorded() {
    assert_as_recorded("facet-corners", OF_FACETS, answers_in_groups);
}
