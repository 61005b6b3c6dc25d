//! Six hundred random programs of RPC over targets, functions, promises and properties (`fixtures/rpc-programs`), against what
//! wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use serde_json::Value;

use crate::recorded::{answers_in_groups, assert_as_recorded_by};

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[];

/// What the peer says of a copy of a stub that was disposed, and what we say.
const INTERNAL: &str = "threw Error: internal error; reference = REF";
const DISPOSED: &str = "threw Error: RPC stub used after being disposed.";

/// Whether each step gives what is recorded, and what the peer disposed of is disposed of here. What nobody holds any more is
/// disposed of at once here; there when memory is looked through.
fn same(recorded: &Value, given: &Value) -> bool {
    let steps = |answer: &Value| -> Vec<(String, Value)> {
        serde_json::from_value(answer.clone()).expect("a list of steps")
    };
    let (recorded, given) = (steps(recorded), steps(given));
    let as_recorded = |((step, expected), (own, answer)): (&(String, Value), &(String, Value))| {
        if !step.starts_with("disposed ") {
            let by_name = expected == INTERNAL && answer == DISPOSED;
            return step == own && (expected == answer || by_name);
        }
        let mut left: Vec<&str> = answer.as_str().expect("names").split(' ').collect();
        expected.as_str().expect("names").split(' ').filter(|name| !name.is_empty()).all(|name| {
            let found = left.iter().position(|own| *own == name);
            found.map(|at| left.swap_remove(at)).is_some()
        })
    };
    recorded.len() == given.len() && recorded.iter().zip(&given).all(as_recorded)
}

#[test]
fn programs_of_rpc_are_as_recorded() {
    assert_as_recorded_by("rpc-programs", DEVIATIONS, same, answers_in_groups);
}
