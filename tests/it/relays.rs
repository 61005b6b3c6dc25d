//! What goes through up to four objects, entrypoints and Workers before it arrives, and what happens when one of them ends
//! (`fixtures/relays`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-24.

use serde_json::Value;

use crate::recorded::{answers_in_groups, assert_as_recorded_at};

const REASON: &str = "the reason why a stream was cancelled goes all the way; the peer loses it at the first that passes it on";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("across stream cancelled", REASON),
    ("across stream sent, cancelled", REASON),
    ("entries stream sent, cancelled", REASON),
    ("home stream sent, cancelled", REASON),
    ("mixed stream cancelled", REASON),
    ("mixed stream sent, cancelled", REASON),
    ("two stream cancelled", REASON),
    ("two stream sent, cancelled", REASON),
];

#[test]
fn what_is_passed_on_arrives_as_recorded() {
    assert_as_recorded_at::<Value>("relays", &["other/wrangler.jsonc"], DEVIATIONS, answers_in_groups);
}
