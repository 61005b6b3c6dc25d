//! Two and a half thousand odd corners of storage (`fixtures/storage-corners`), against what wrangler 4.164.0 with workerd
//! 1.20261117.1 answered on 2026-11-23.

use std::collections::BTreeMap;

use crate::recorded::assert_as_recorded;

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    (
        "cursors uses fails at the second row, step by step",
        "a statement that failed is over; the peer begins it again",
    ),
    (
        "cursors uses fails at the third row, step by step",
        "a statement that failed is over; the peer begins it again",
    ),
    ("keys entries found", "a limit of production"),
    ("keys entries long key", "a limit of production"),
    ("keys many delete 129", "a limit of production"),
    ("keys many delete long key", "a limit of production"),
    ("keys many long key", "a limit of production"),
    ("keys single delete long key", "a limit of production"),
    ("keys single get long key", "a limit of production"),
    ("keys single kv delete long key", "a limit of production"),
    ("keys single kv get long key", "a limit of production"),
    ("keys single kv put long key", "a limit of production"),
    ("lists iterator deleteAll between", "the peer has an internal error"),
    ("old kv get with 129 keys", "a limit of production"),
    ("old kv long key", "a limit of production"),
    ("old kv long key get", "a limit of production"),
    (
        "statements several SELECT 1; DROP TABLE s",
        "the peer leaves the first statements of earlier texts open, too, which locks all tables",
    ),
    ("transactions deleteAll sync list over it", "the peer has an internal error"),
    ("transactions deleteAllInSync in transactionSync", "the peer has an internal error"),
    (
        "transactions plain wrong after rollback",
        "a value that cannot be stored is found after the transaction's end",
    ),
    ("transactions rollbackInSync inside", "the peer has an internal error"),
    ("transactions sync put rejected inside", "a limit of production"),
    ("values blobs changed after binding", "bytes are copied when they are bound"),
    ("values depths objects", "the peer stores what it cannot read"),
    ("values sizes 129 entries", "a limit of production"),
    ("values sizes 129 in a transaction", "a limit of production"),
    ("values sizes 129 keys", "a limit of production"),
    ("values sizes 129 keys to delete", "a limit of production"),
    ("values sizes a value too long", "a limit of production"),
    ("values sizes a value too long of kv", "a limit of production"),
    ("values sizes long key in the middle", "a limit of production"),
    ("values sizes long value in the middle", "a limit of production"),
];

#[test]
fn corners_of_storage_are_as_recorded() {
    assert_as_recorded("storage-corners", DEVIATIONS, |server| {
        let mut given = BTreeMap::new();
        for group in server.get("/").text().lines() {
            let answers: BTreeMap<String, String> =
                serde_json::from_slice(&server.get(&format!("/{group}")).body).expect("JSON");
            given.extend(answers);
        }
        given
    });
}
