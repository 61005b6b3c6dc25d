//! After how many steps of the queue of microtasks operations of storage settle (`fixtures/storage-ticks`), against what wrangler
//! 4.164.0 with workerd 1.20261117.1 answered on 2026-11-24.

use serde_json::Value;

use crate::recorded::{answers_in_groups, assert_as_recorded};

#[test]
fn operations_of_storage_settle_after_the_recorded_steps() {
    assert_as_recorded::<Value>("storage-ticks", &[], answers_in_groups);
}
