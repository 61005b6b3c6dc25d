//! What the headers of a request tell its receiver of its body (`fixtures/body-lengths`), against what wrangler 4.164.0 with workerd 1.20261117.1
//! answered on 2026-11-23.

use serde_json::Value;

use crate::recorded::{answers_in_groups, assert_as_recorded};

#[test]
fn requests_tell_of_their_bodies_as_recorded() {
    assert_as_recorded::<Value>("body-lengths", &[], answers_in_groups);
}
