//! What some four thousand statements give: names of columns, values with their types, errors; cursors and transactions step by step
//! (`fixtures/sql-answers`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use crate::recorded::{answers_in_groups, assert_as_recorded};

const ORDER: &str = "members of an iterator's results come in another order";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[("cursors raw next", ORDER), ("cursors raw twice", ORDER)];

#[test]
fn statements_answer_as_recorded() {
    assert_as_recorded("sql-answers", DEVIATIONS, answers_in_groups);
}
