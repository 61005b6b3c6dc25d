//! Rows read and written, against the counts that workerd gave (`wrangler-compat/row-counts.py`).

use super::*;

#[test]
fn rows_are_counted_as_the_platform_bills_them() {
    for recorded in [
        include_str!("../../../fixtures/row-counts/statements.json"),
        include_str!("../../../fixtures/row-counts/warehouse.json"),
        include_str!("../../../fixtures/row-counts/library.json"),
    ] {
        let fixture = Fixture::new();
        let mut store = fixture.store("a");
        let recorded: Vec<serde_json::Value> = serde_json::from_str(recorded).unwrap();
        let mut differing = Vec::new();
        for entry in &recorded {
            let sql = entry["sql"].as_str().unwrap();
            let cursor = store.exec(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
            while store.step(cursor).unwrap().is_some() {}
            let counts = (store.rows_read(cursor), store.rows_written(cursor));
            let expected = (entry["read"].as_u64().unwrap(), entry["written"].as_u64().unwrap());
            if counts != expected {
                differing.push(format!("{sql}: {counts:?} instead of {expected:?}"));
            }
            store.close_cursor(cursor);
        }
        assert!(differing.is_empty(), "{} of {}\n{}", differing.len(), recorded.len(), differing.join("\n"));
    }
}

#[test]
fn a_run_keeps_its_counts_when_its_text_runs_again_or_is_closed() {
    let fixture = Fixture::with_limit(1);
    let mut store = fixture.store("a");
    rows(&mut store, "CREATE TABLE t(a)", &[]).unwrap();
    rows(&mut store, "CREATE TABLE log(a)", &[]).unwrap();
    let trigger = "CREATE TRIGGER logged AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END";
    rows(&mut store, trigger, &[]).unwrap();
    let insert = "INSERT INTO t SELECT value FROM json_each(?)";
    let list = |text: &str| [SqlValue::Text(text.into())];
    let first = store.exec(insert, &list("[1]")).unwrap();
    let second = store.exec(insert, &list("[1, 2, 3]")).unwrap();
    let read = store.exec("SELECT * FROM t", &[]).unwrap();
    while store.step(read).unwrap().is_some() {}
    let third = store.exec(insert, &list("[1, 2]")).unwrap();
    store.commit().unwrap();
    fixture.connections.close_idle();
    assert!(!store.is_connected());
    let written: Vec<u64> = [first, second, third].map(|cursor| store.rows_written(cursor)).to_vec();
    assert_eq!(written, [2, 6, 4]);
    assert_eq!(store.rows_read(read), 4);
}

/// Options that only the platform's SQLite and ours have, not the one of the package whose source ours is.
#[test]
fn the_sqlite_that_is_linked_is_our_own() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    rows(&mut store, "CREATE TABLE t(a)", &[]).unwrap();
    assert_eq!(rows(&mut store, "DELETE FROM t ORDER BY a LIMIT 1", &[]).unwrap().len(), 0);
    let version = rusqlite::version();
    for (option, used) in
        [("ENABLE_UPDATE_DELETE_LIMIT", true), ("ENABLE_FTS3", false), ("ENABLE_STAT4", false)]
    {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let found: bool =
            connection.query_row("SELECT sqlite_compileoption_used(?)", [option], |row| row.get(0)).unwrap();
        assert_eq!(found, used, "{option} of SQLite {version}");
    }
}
