//! What answers wait for while a critical section runs, and that nothing goes on in a turn that was ended (`fixtures/held-answers`),
//! against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use serde_json::Value;

use crate::recorded::{answers_in_groups, assert_as_recorded};

#[test]
fn answers_wait_for_sections_and_ended_turns_end_as_recorded() {
    assert_as_recorded::<Value>("held-answers", &[], answers_in_groups);
}
