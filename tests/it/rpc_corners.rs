//! Some three hundred odd corners of RPC (`fixtures/rpc-corners`), against what wrangler 4.164.0 with
//! workerd 1.20261117.1 answered on 2026-11-22.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::recorded::assert_as_recorded;

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("rpcStubNew", "the class has another name there"),
    ("rpcTargetNoNew", "the class has another name there"),
    ("dupAfter", "the peer answers with an internal error"),
    ("rpcStub", "the peer answers with an internal error"),
    ("stream", "chunks of streams stand in buffers of 4096 bytes"),
    ("streamArg", "chunks of streams stand in buffers of 4096 bytes"),
    ("ret_sab", "a SharedArrayBuffer is refused where it is sent"),
];

#[test]
fn corners_of_rpc_are_as_recorded() {
    assert_as_recorded("rpc-corners", DEVIATIONS, |server| -> BTreeMap<String, Value> {
        serde_json::from_slice(&server.get("/").body).expect("the answers are JSON")
    });
}
