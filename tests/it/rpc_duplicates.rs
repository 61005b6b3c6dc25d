//! Arguments of calls that have a method `dup()` (`fixtures/rpc-duplicates`), against what wrangler 4.164.0 with
//! workerd 1.20261117.1 answered on 2026-11-23.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::recorded::assert_as_recorded;

#[test]
fn duplicates_of_arguments_travel() {
    assert_as_recorded("rpc-duplicates", &[], |server| -> BTreeMap<String, Value> {
        serde_json::from_slice(&server.get("/").body).expect("the answers are JSON")
    });
}
