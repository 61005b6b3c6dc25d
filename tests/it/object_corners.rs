//! Some two hundred odd corners of ids, stubs, contexts, facets and resets (`fixtures/object-corners`), against what
//! wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-22.

use crate::recorded::{answers_in_groups, assert_as_recorded};

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("jur j", "jurisdictions are labels, as the platform has them"),
    ("surrogate auto", "a lone surrogate is one replacement character, not three"),
    ("surrogate domex", "lone surrogates stay in texts that are only kept"),
    ("surrogate ev", "lone surrogates stay in texts that are only kept"),
    ("surrogate fd", "a lone surrogate is one replacement character, not three"),
    ("surrogate fetch", "a lone surrogate is one replacement character, not three"),
    ("surrogate label", "a lone surrogate is one replacement character, not three"),
    ("surrogate method", "a lone surrogate is three replacement characters, not one"),
    ("surrogate perf", "lone surrogates stay in texts that are only kept"),
    ("surrogate req", "a lone surrogate is one replacement character, not three"),
    ("surrogate status", "a lone surrogate is one replacement character, not three"),
    ("surrogate tag", "a lone surrogate is one replacement character, not three"),
];

#[test]
fn corners_of_objects_are_as_recorded() {
    assert_as_recorded("object-corners", DEVIATIONS, answers_in_groups);
}
