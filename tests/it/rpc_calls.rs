//! Calls: getters, iterators, disposal, stubs that are kept, waiting work that fails, exports, props and sizes
//! (`fixtures/rpc-calls`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use crate::recorded::{answers_in_groups, assert_as_recorded};

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[(
    "object pipelined not awaited",
    "what nobody holds any more is disposed at once, not when the peer collects its garbage",
)];

#[test]
fn calls_are_as_recorded() {
    assert_as_recorded("rpc-calls", DEVIATIONS, answers_in_groups);
}
