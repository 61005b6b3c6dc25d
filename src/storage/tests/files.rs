//! Files: the layout on disk, opening again, the limit of open ones, damage, the end of a process.

use std::fs;

use super::*;
use crate::base::clock::Timestamp;
use crate::storage::StorageError;

fn schema(fixture: &Fixture, object: &str) -> Vec<(String, String)> {
    let database = rusqlite::Connection::open(fixture.path(object)).unwrap();
    let mut statement = database.prepare("SELECT name, sql FROM sqlite_schema ORDER BY rowid").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn tables_are_made_when_needed_with_wranglers_sql() {
    let kv =
        "CREATE TABLE _cf_KV (\n        key TEXT PRIMARY KEY,\n        value BLOB\n      ) WITHOUT ROWID";
    let metadata =
        "CREATE TABLE _cf_METADATA (\n        key INTEGER PRIMARY KEY,\n        value BLOB\n      )";
    let name = "CREATE TABLE __miniflare_do_name (id INTEGER PRIMARY KEY, name TEXT)";
    let pair = |name: &str, sql: &str| (name.to_owned(), sql.to_owned());
    let (kv, metadata, name) =
        (pair("_cf_KV", kv), pair("_cf_METADATA", metadata), pair("__miniflare_do_name", name));
    let fixture = Fixture::new();

    let mut store = fixture.store("keys").with_name("n");
    store.put("k", vec![1]).unwrap();
    store.commit().unwrap();
    store.close().unwrap();
    assert_eq!(schema(&fixture, "keys"), [name, kv.clone()]);

    let mut store = fixture.store("alarm");
    store.set_alarm(Some(Timestamp(1_234))).unwrap();
    store.commit().unwrap();
    store.put("k", vec![1]).unwrap();
    store.commit().unwrap();
    store.close().unwrap();
    assert_eq!(schema(&fixture, "alarm"), [metadata, kv]);
    let database = rusqlite::Connection::open(fixture.path("alarm")).unwrap();
    let slot = database.query_row("SELECT key, value FROM _cf_METADATA", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
    });
    assert_eq!(slot.unwrap(), (1, 1_234_000_000));

    let mut store = fixture.store("sql");
    rows(&mut store, "CREATE TABLE t(a)", &[]).unwrap();
    store.commit().unwrap();
    store.close().unwrap();
    assert_eq!(schema(&fixture, "sql"), [pair("t", "CREATE TABLE t(a)")]);
}

/// Fidelity: wrangler writes the name when the object is constructed, so not again after `deleteAll()`.
#[test]
fn a_file_without_a_name_gets_it_in_the_next_session() {
    let named = |fixture: &Fixture, object: &str| {
        schema(fixture, object).iter().any(|(name, _)| name == "__miniflare_do_name")
    };
    for with_sql in [false, true] {
        let fixture = Fixture::new();
        let write = |store: &mut ObjectStore, value: u8| {
            if with_sql {
                rows(store, &format!("CREATE TABLE t{value}(a)"), &[]).unwrap();
            } else {
                store.put("k", vec![value]).unwrap();
            }
            store.commit().unwrap();
        };
        let mut store = fixture.store("a").with_name("żółw");
        write(&mut store, 1);
        store.delete_all(false).unwrap();
        store.commit().unwrap();
        write(&mut store, 2);
        write(&mut store, 3);
        store.close().unwrap();
        assert!(!named(&fixture, "a"));
        drop(store);
        let mut store = fixture.store("a").with_name("żółw");
        assert_eq!(store.get("other").unwrap(), None);
        write(&mut store, 4);
        store.close().unwrap();
        assert!(named(&fixture, "a"));
        drop(store);
        assert_eq!(fixture.store("a").recorded_name().unwrap().as_deref(), Some("żółw"));
    }
}

#[test]
fn closing_leaves_one_file_that_opens_again() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a").with_name("żółw");
    store.put("k", vec![7]).unwrap();
    store.set_alarm(Some(Timestamp(99))).unwrap();
    store.commit().unwrap();
    store.put("k", vec![8]).unwrap();
    store.close().unwrap();
    let files: Vec<_> = fs::read_dir(fixture.path("a").parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, ["a.sqlite"]);
    assert_eq!(value(&mut store, "k"), Some(vec![7]), "what was not committed is gone, the store lives on");
    let mut again = fixture.store("a");
    assert_eq!(again.alarm().unwrap(), Some(Timestamp(99)));
    assert_eq!(again.recorded_name().unwrap().as_deref(), Some("żółw"));
}

#[test]
fn what_was_committed_survives_the_end_of_the_process() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    store.put("k", vec![1]).unwrap();
    store.commit().unwrap();
    store.put("k", vec![2]).unwrap();
    store.savepoint().unwrap();
    std::mem::forget(store);
    assert_eq!(value(&mut fixture.store("a"), "k"), Some(vec![1]));
}

/// Run by the test below in a process of its own, which it ends in the middle of a batch.
#[test]
fn a_process_that_ends_abruptly() {
    let Some(path) = std::env::var_os("DODEV_TEST_ABORT") else { return };
    let mut store = ObjectStore::new(Connections::new(), path.into(), Backend::Sqlite);
    for round in 0..100u8 {
        store.put("k", vec![round]).unwrap();
        rows(&mut store, "CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (1)", &[]).unwrap();
        store.commit().unwrap();
    }
    store.put("k", vec![255]).unwrap();
    rows(&mut store, "DELETE FROM t", &[]).unwrap();
    std::process::abort();
}

#[test]
fn every_committed_batch_survives_an_abrupt_end() {
    let fixture = Fixture::new();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "storage::tests::files::a_process_that_ends_abruptly"])
        .env("DODEV_TEST_ABORT", fixture.path("a"))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(!status.success(), "the process should have ended abruptly");
    let mut store = fixture.store("a");
    assert_eq!(value(&mut store, "k"), Some(vec![99]));
    assert_eq!(number(&mut store, "SELECT count(*) FROM t"), 100);
}

#[test]
fn more_objects_than_connections() {
    let fixture = Fixture::with_limit(4);
    let mut stores: Vec<_> = (0..20).map(|index| fixture.store(&format!("{index}"))).collect();
    let mut pinned = fixture.store("pinned");
    rows(&mut pinned, "CREATE TABLE t(a)", &[]).unwrap();
    for round in 0..3u8 {
        for (index, store) in (0..).zip(&mut stores) {
            store.put("k", vec![index, round]).unwrap();
            store.commit().unwrap();
            assert!(fixture.connections.open_count() <= 4);
        }
    }
    assert!(pinned.is_connected() && pinned.is_dirty());
    pinned.commit().unwrap();
    for (index, store) in (0..).zip(&mut stores) {
        store.forget_reads();
        assert_eq!(value(store, "k"), Some(vec![index, 2]));
    }
    assert!(!pinned.is_connected());
    assert_eq!(number(&mut pinned, "SELECT count(*) FROM t"), 0);
    let logs = || {
        let entries = fs::read_dir(fixture.path("0").parent().unwrap()).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().file_name().to_str().unwrap().ends_with("-wal"))
            .count()
    };
    drop((stores, pinned));
    assert_eq!(fixture.connections.open_count(), 0);
    assert!(logs() > 0, "making room leaves the logs");
    assert!(fixture.connections.tidy(1));
    assert!(!fixture.connections.tidy(usize::MAX));
    assert_eq!(logs(), 0);
}

#[test]
fn closing_finishes_a_file_that_was_left_for_room() {
    let fixture = Fixture::with_limit(1);
    let (mut a, mut b) = (fixture.store("a"), fixture.store("b"));
    for store in [&mut a, &mut b] {
        for value in [0, 1] {
            store.put("k", vec![value]).unwrap();
            store.commit().unwrap();
        }
    }
    assert!(!a.is_connected());
    let log = fixture.path("a").with_extension("sqlite-wal");
    assert!(log.exists());
    a.close().unwrap();
    assert!(!log.exists());
    assert_eq!(value(&mut fixture.store("a"), "k"), Some(vec![1]));
}

#[test]
fn damage_is_reported_with_object_and_file() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.path("a").parent().unwrap()).unwrap();
    fs::write(fixture.path("a"), "this is no database, but long enough to look at".repeat(200)).unwrap();
    let mut store = fixture.store("a");
    let expected = format!(
        "the database of object `a` is damaged: file is not a database: SQLITE_NOTADB (file `{}`)",
        fixture.path("a").display()
    );
    let error = store.get("k").unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert!(!error.is_users());
    let error = store.exec("SELECT 1", &[]).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert!(error.is_critical());
    store.put("k", vec![]).unwrap();
    assert_eq!(store.commit().unwrap_err().to_string(), expected);
}

#[test]
fn a_damaged_file_is_set_aside_and_never_overwritten() {
    let fixture = Fixture::new();
    let bytes = "this is no database, but long enough to look at".repeat(200);
    for round in 1..=2 {
        fs::create_dir_all(fixture.path("a").parent().unwrap()).unwrap();
        fs::write(fixture.path("a"), format!("{round}{bytes}")).unwrap();
        let mut store = fixture.store("a");
        assert!(store.get("k").is_err());
        store.put("k", vec![1]).unwrap();
        assert!(store.commit().is_err());
        store.close().unwrap();
        let aside = fixture.path("a").with_extension(format!("damaged-{round}"));
        assert_eq!(fs::read_to_string(&aside).unwrap(), format!("{round}{bytes}"));
        let warnings = fixture.connections.take_warnings();
        assert!(
            warnings.len() == 1 && warnings[0].contains("object `a`") && warnings[0].contains("damaged-")
        );
        let mut store = fixture.store("a");
        assert_eq!(value(&mut store, "k"), None);
        store.put("k", vec![2]).unwrap();
        store.commit().unwrap();
        store.close().unwrap();
    }
}

#[test]
fn a_directory_that_cannot_be_written_fails_the_commit_only() {
    let fixture = Fixture::new();
    let (blocked, free) = (fixture.path("a"), fixture.store("b").path().to_owned());
    fs::create_dir_all(blocked.parent().unwrap().parent().unwrap()).unwrap();
    fs::write(blocked.parent().unwrap(), "no directory").unwrap();
    let mut store = fixture.store("a");
    store.put("k", vec![1]).unwrap();
    let error = store.commit().unwrap_err().to_string();
    assert!(error.starts_with("cannot ") && error.contains("a.sqlite`: Not a directory"), "{error}");
    assert!(!store.is_dirty());
    fs::remove_file(blocked.parent().unwrap()).unwrap();
    let mut store = ObjectStore::new(fixture.connections.clone(), free, Backend::Sqlite);
    store.put("k", vec![1]).unwrap();
    store.commit().unwrap();
}

#[test]
fn damage_inside_a_file_is_reported_too() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    rows(&mut store, "CREATE TABLE t(a); INSERT INTO t VALUES (1)", &[]).unwrap();
    store.commit().unwrap();
    store.close().unwrap();
    let mut bytes = fs::read(fixture.path("a")).unwrap();
    bytes[4096..].fill(0xee);
    fs::write(fixture.path("a"), bytes).unwrap();
    let error = rows(&mut store, "SELECT * FROM t", &[]).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("the database of object `a` is damaged: database disk image is malformed"),
        "{text}"
    );
    assert!(error.is_critical());
}

#[test]
fn an_empty_file_counts_as_missing() {
    let fixture = Fixture::new();
    fs::create_dir_all(fixture.path("a").parent().unwrap()).unwrap();
    fs::write(fixture.path("a"), "").unwrap();
    let mut store = fixture.store("a");
    assert_eq!(value(&mut store, "k"), None);
    store.put("k", vec![1]).unwrap();
    store.commit().unwrap();
    assert_eq!(value(&mut fixture.store("a"), "k"), Some(vec![1]));
}

#[test]
fn a_file_held_by_another_writer_fails_the_commit_only() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    store.put("k", vec![1]).unwrap();
    store.commit().unwrap();
    let other = rusqlite::Connection::open(fixture.path("a")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.put("k", vec![2]).unwrap();
    let error = store.commit().unwrap_err();
    assert!(error.to_string().contains("database is locked: SQLITE_BUSY"), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(value(&mut store, "k"), Some(vec![1]));
    store.put("k", vec![3]).unwrap();
    store.commit().unwrap();
    let read = other.query_row("SELECT value FROM _cf_KV", [], |row| row.get::<_, Vec<u8>>(0));
    assert_eq!(read.unwrap(), [3]);
}

#[test]
fn the_size_of_the_database_has_a_limit() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    rows(&mut store, "CREATE TABLE t(a)", &[]).unwrap();
    store.commit().unwrap();
    let limit = store.writing(false, "limit", |connection| {
        let pages = connection.database().integer("PRAGMA max_page_count")?;
        connection.database().run("PRAGMA max_page_count = 3")?;
        Ok(pages)
    });
    assert_eq!(limit, Ok(Some(10 * 1024 * 1024 * 1024 / 4096)));
    let error = rows(&mut store, "INSERT INTO t VALUES (zeroblob(100000))", &[]).unwrap_err();
    assert_eq!(error.to_string(), "database or disk is full: SQLITE_FULL");
    let lost = !store.writing(false, "ask", |connection| Ok(connection.database().in_transaction())).unwrap();
    assert_eq!(error.is_critical(), lost, "critical exactly if SQLite gave up the transaction");
    store.roll_back().unwrap();
    assert_eq!(number(&mut store, "SELECT count(*) FROM t"), 0);
}

#[test]
fn wranglers_older_values_stay_readable_beyond_our_limit() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    store.put("k", vec![]).unwrap();
    store.commit().unwrap();
    store.close().unwrap();
    let other = rusqlite::Connection::open(fixture.path("a")).unwrap();
    other.execute("UPDATE _cf_KV SET value = zeroblob(3000000)", []).unwrap();
    drop(other);
    assert_eq!(value(&mut fixture.store("a"), "k").map(|value| value.len()), Some(3_000_000));
    assert!(matches!(store.put("k", vec![0; 3_000_000]), Err(StorageError::TooBig)));
}
