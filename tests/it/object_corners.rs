//! Some two hundred odd corners of ids, stubs, contexts, facets and resets (`fixtures/object-corners`), against what
//! wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-22.

use crate::recorded::{answers_in_groups, assert_as_recorded};

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("jur j", "jurisdictions are labels, as the platform has them"),
    ("surrogate domex", "lone surrogates stay in texts that are only kept"),
    ("surrogate ev", "lone surrogates stay in texts that are only kept"),
    ("surrogate fetch", "a lone surrogate in a URL is replaced; the peer writes its bytes"),
    ("surrogate perf", "lone surrogates stay in texts that are only kept"),
];

#[test]
fn corners_of_objects_are_as_recorded() {
    assert_as_recorded("object-corners", DEVIATIONS, answers_in_groups);
}
