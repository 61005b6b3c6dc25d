//! In which order calls and requests of one turn arrive (`fixtures/arrivals`), against what wrangler 4.164.0 with workerd 1.20261117.1
//! answered on 2026-11-23.

use crate::recorded::{answers_in_groups, assert_as_recorded};

const STREAMS: &str = "the peer's calls of objects that send a stream come before requests";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("facet Sf", STREAMS),
    ("object Sf", STREAMS),
    ("writer-again Sf", STREAMS),
    ("writer-later Sf", STREAMS),
];

#[test]
fn calls_and_requests_of_one_turn_arrive_in_the_recorded_order() {
    assert_as_recorded("arrivals", DEVIATIONS, answers_in_groups);
}
