//! The history of objects over real files: what it keeps, what others do to the files, and restoring.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::base::clock::Timestamp;
use crate::storage::{Backend, Connections, ListOptions, ObjectStore, SqlValue, StorageError};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const START: Timestamp = Timestamp(1_800_000_000_000);

struct Fixture {
    directory: TempDir,
    options: HistoryOptions,
    connections: Rc<Connections>,
}

impl Fixture {
    fn new() -> Self {
        Self::with(8, 1 << 30, 30 * DAY_MS)
    }

    fn with(limit: usize, max_bytes: u64, max_age_ms: i64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let own = directory.path().join("v3/dodev");
        let clock = Clock::manual(START);
        let options = HistoryOptions { directory: super::directory(&own), clock, max_bytes, max_age_ms };
        let connections = Connections::with_history(limit, Some(options.clone()));
        Self { directory, options, connections }
    }

    fn path(&self, object: &str) -> PathBuf {
        self.directory.path().join("v3/do/w-C").join(format!("{object}.sqlite"))
    }

    fn store(&self, object: &str) -> ObjectStore {
        ObjectStore::new(self.connections.clone(), self.path(object), Backend::Sqlite).with_name(object)
    }

    fn history(&self, object: &str) -> History {
        History::open(&self.options.path_of(&self.path(object)).unwrap()).unwrap().expect("a history")
    }

    fn pass(&self, time: Duration) {
        self.options.clock.advance(time);
    }

    /// The end of the process and a new one: nothing is saved or closed.
    fn kill(&mut self, store: ObjectStore) {
        std::mem::forget(store);
        let connections = Connections::with_history(8, Some(self.options.clone()));
        std::mem::forget(std::mem::replace(&mut self.connections, connections));
    }
}

/// Keys with the length of their values and the first byte: enough to tell them apart, and short when shown.
type Model = BTreeMap<String, (usize, u8)>;

fn brief(value: &[u8]) -> (usize, u8) {
    (value.len(), value.first().copied().unwrap_or_default())
}

fn put(store: &mut ObjectStore, key: &str, value: &[u8]) {
    store.put(key, value.to_vec()).unwrap();
    store.commit().unwrap();
}

fn content(store: &mut ObjectStore) -> Model {
    store
        .list(&ListOptions::default())
        .unwrap()
        .into_iter()
        .map(|(key, value)| (key, brief(&value)))
        .collect()
}

/// The keys as of a point.
fn content_at(history: &History, bookmark: Bookmark) -> Model {
    let snapshot = history.snapshot(bookmark).unwrap();
    let database = snapshot.connect().unwrap();
    let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let Ok(mut rows) = database.prepare("SELECT key, value FROM _cf_KV") else { return Model::new() };
    let rows = rows.query_map([], |row| Ok((row.get(0)?, brief(&row.get::<_, Vec<u8>>(1)?)))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn model<const N: usize>(pairs: [(&str, &[u8]); N]) -> Model {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), brief(value))).collect()
}

#[test]
fn every_commit_is_a_point_with_its_time_and_cause() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    store.begin_event(CauseKind::Rpc, |detail| detail.push_str("increment"));
    put(&mut store, "k", &[1]);
    fixture.pass(Duration::from_secs(5));
    // One that only reads has no part in the next point.
    store.begin_event(CauseKind::Rpc, |detail| detail.push_str("read"));
    store.commit().unwrap();
    store.begin_event(CauseKind::Rpc, |detail| detail.push_str("increment"));
    store.put("k", vec![2]).unwrap();
    store.begin_event(CauseKind::Request, |detail| detail.push_str("GET /x"));
    let cursor = store.exec("CREATE TABLE t(a); INSERT INTO t VALUES (1)", &[]).unwrap();
    store.close_cursor(cursor);
    store.commit().unwrap();
    fixture.pass(Duration::from_secs(5));
    store.begin_event(CauseKind::Alarm, |_| {});
    store.delete_all(false).unwrap();
    store.commit().unwrap();
    store.begin_event(CauseKind::Constructor, |_| {});
    put(&mut store, "after", &[3]);
    store.close().unwrap();
    let history = fixture.history("a");
    let points = history.points().unwrap();
    let shown: Vec<_> = points
        .iter()
        .map(|point| (point.time.0 - START.0, point.cause.to_string(), point.size_bytes / 4096))
        .collect();
    let expected = [
        (0, "created", 3),
        (0, "rpc increment", 3),
        (5_000, "request GET /x (2 events)", 4),
        (10_000, "deleteAll", 0),
        (10_000, "created", 2),
        (10_000, "constructor", 2),
    ];
    assert_eq!(shown, expected.map(|(time, cause, pages)| (time, cause.to_owned(), pages)));
    let contents: Vec<_> = points.iter().map(|point| content_at(&history, point.bookmark)).collect();
    assert_eq!(contents[1], model([("k", &[1])]));
    assert_eq!(contents[2], model([("k", &[2])]));
    assert_eq!(contents[3], Model::new());
    assert_eq!(contents[5], model([("after", &[3])]));
    assert_eq!(history.at_time(START.plus_ms(4_999)).unwrap(), points[1].bookmark);
    assert_eq!(history.at_time(START.plus_ms(9_999)).unwrap(), points[2].bookmark);
    assert!(history.at_time(START.plus_ms(-1)).is_err());
}

#[test]
fn a_bookmark_brings_the_state_back_and_can_be_undone() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    put(&mut store, "k", &[1]);
    let first = store.current_bookmark().unwrap();
    fixture.pass(Duration::from_secs(1));
    store.put("k", vec![2]).unwrap();
    let second = store.current_bookmark().unwrap();
    store.commit().unwrap();
    assert!(first < second);
    assert_eq!(store.bookmark_for_time(START).unwrap(), first);
    put(&mut store, "k", &[3]);
    let undo = store.restore_next_session(&first).unwrap();
    assert!(second < undo);
    put(&mut store, "k", &[4]);
    assert!(!store.is_dirty());
    store.close().unwrap();

    let mut store = fixture.store("a");
    assert!(store.begin_session().unwrap());
    assert_eq!(content(&mut store), model([("k", &[1])]));
    let third = store.current_bookmark().unwrap();
    assert!(undo < third);
    put(&mut store, "k", &[5]);
    store.close().unwrap();
    let mut store = fixture.store("a");
    assert!(!store.begin_session().unwrap(), "once");
    assert_eq!(content(&mut store), model([("k", &[5])]));
    store.restore_next_session(&undo).unwrap();
    store.close().unwrap();
    let mut store = fixture.store("a");
    assert!(store.begin_session().unwrap());
    assert_eq!(content(&mut store), model([("k", &[4])]));
    store.restore_next_session(&second).unwrap();
    store.close().unwrap();
    let mut store = fixture.store("a");
    assert!(store.begin_session().unwrap());
    assert_eq!(content(&mut store), model([("k", &[2])]));
    store.close().unwrap();
    let causes: Vec<_> =
        fixture.history("a").points().unwrap().into_iter().map(|point| point.cause.kind).collect();
    assert_eq!(causes.iter().filter(|kind| **kind == CauseKind::Restore).count(), 3);
}

#[test]
fn wrong_bookmarks_and_times_are_refused() {
    let fixture = Fixture::new();
    let (mut a, mut b) = (fixture.store("a"), fixture.store("b"));
    put(&mut a, "k", &[1]);
    put(&mut b, "k", &[1]);
    let other = b.current_bookmark().unwrap();
    let refused = |result: Result<String, StorageError>| {
        let error = result.unwrap_err();
        assert!(error.is_users(), "{error}");
        error.to_string()
    };
    assert_eq!(refused(a.restore_next_session("soon")), "Invalid bookmark: soon");
    let text = refused(a.restore_next_session(&other));
    assert_eq!(text, format!("the bookmark `{other}` does not belong to this object's history"));
    assert!(refused(a.bookmark_for_time(START.plus_ms(1))).ends_with("in the future"));
    assert!(refused(a.bookmark_for_time(START.plus_ms(-31 * DAY_MS))).ends_with("more than 30 days ago"));
    assert!(refused(a.bookmark_for_time(START.plus_ms(-1))).contains("begins after"));
}

#[test]
fn commits_of_a_process_that_ended_abruptly_are_in_the_history() {
    let mut fixture = Fixture::new();
    let mut store = fixture.store("a");
    put(&mut store, "k", &[0]);
    let first = store.current_bookmark().unwrap();
    for round in 1..50 {
        put(&mut store, "k", &[round; 600]);
    }
    fixture.kill(store);
    let mut store = fixture.store("a");
    assert!(!store.begin_session().unwrap());
    put(&mut store, "k", &[77]);
    store.close().unwrap();
    let history = fixture.history("a");
    let points = history.points().unwrap();
    assert_eq!(points.len(), 1 + 50 + 1);
    assert_eq!(points[1].bookmark.to_string(), first);
    for (round, point) in (0u8..50).zip(&points[1..]) {
        let value: &[u8] = if round == 0 { &[0] } else { &[round; 600] };
        assert_eq!(content_at(&history, point.bookmark), model([("k", value)]));
    }
    assert_eq!(content_at(&history, history.last()), model([("k", &[77])]));
}

#[test]
fn what_other_tools_do_to_the_file_is_noticed() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    put(&mut store, "k", &[1]);
    let first: Bookmark = store.current_bookmark().unwrap().parse().unwrap();
    store.close().unwrap();
    // While nobody has it open, the log is gone afterwards.
    let other = || rusqlite::Connection::open(fixture.path("a")).unwrap();
    other().execute("INSERT INTO _cf_KV VALUES ('w', x'09')", []).unwrap();
    put(&mut store, "k", &[2]);
    // While it is open, in the same log.
    let connection = other();
    connection.execute("UPDATE _cf_KV SET value = x'0a' WHERE key = 'w'", []).unwrap();
    put(&mut store, "k", &[3]);
    // And with the log moved away under our feet.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    connection.execute("UPDATE _cf_KV SET value = x'0b' WHERE key = 'w'", []).unwrap();
    drop(connection);
    put(&mut store, "k", &[4]);
    store.close().unwrap();
    let history = fixture.history("a");
    assert_eq!(content_at(&history, first), model([("k", &[1])]));
    assert_eq!(content_at(&history, history.last()), model([("k", &[4]), ("w", &[11])]));
    let foreign =
        history.points().unwrap().into_iter().filter(|point| point.cause.kind == CauseKind::Foreign).count();
    assert_eq!(foreign, 2);
    // A copy of the file with another time changes nothing.
    let bytes = fs::read(fixture.path("a")).unwrap();
    fs::write(fixture.path("a"), bytes).unwrap();
    put(&mut store, "k", &[5]);
    store.close().unwrap();
    let after = fixture.history("a").points().unwrap();
    assert_eq!(after.len(), history.points().unwrap().len() + 1);
}

#[test]
fn an_adopted_file_begins_with_what_it_holds() {
    let fixture = Fixture::new();
    let path = fixture.path("a");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    let sql =
        "PRAGMA journal_mode = WAL; CREATE TABLE _cf_KV (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
               INSERT INTO _cf_KV VALUES ('old', x'07')";
    other.execute_batch(sql).unwrap();
    // Its log stays behind.
    std::mem::forget(other);
    let mut store = fixture.store("a");
    let before: Bookmark = store.current_bookmark().unwrap().parse().unwrap();
    put(&mut store, "new", &[1]);
    store.close().unwrap();
    let history = fixture.history("a");
    assert_eq!(history.points().unwrap()[0].cause.kind, CauseKind::Adopted);
    assert_eq!(content_at(&history, before), model([("old", &[7])]));
    assert_eq!(content_at(&history, history.last()), model([("old", &[7]), ("new", &[1])]));
}

#[test]
fn a_half_written_history_goes_on_from_what_is_sound() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    put(&mut store, "k", &[1]);
    let first: Bookmark = store.current_bookmark().unwrap().parse().unwrap();
    put(&mut store, "k", &[2]);
    store.close().unwrap();
    let path = fixture.history("a").path().to_owned();
    let bytes = fs::read(&path).unwrap();
    for cut in [1, 60, 100, 200, bytes.len() - 24] {
        fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
        let mut store = fixture.store("a");
        put(&mut store, "again", &[cut as u8]);
        store.close().unwrap();
        let history = fixture.history("a");
        assert_eq!(content_at(&history, history.last()), content(&mut fixture.store("a")));
        if cut <= 60 {
            assert_eq!(content_at(&history, first), model([("k", &[1])]));
        }
        fixture.connections.close_idle();
    }
}

#[test]
fn the_size_and_the_age_of_a_history_have_bounds() {
    let fixture = Fixture::with(8, 100_000, 2 * DAY_MS);
    let mut store = fixture.store("a");
    let mut all = Vec::new();
    for round in 0u32..60 {
        let noise: Vec<u8> = (0..4_000u32)
            .map(|at| (at.wrapping_mul(round + 7).wrapping_mul(2_654_435_761) >> 11) as u8)
            .collect();
        put(&mut store, "k", &noise);
        let bookmark: Bookmark = store.current_bookmark().unwrap().parse().unwrap();
        all.push((bookmark, noise));
    }
    let history = fixture.history("a");
    assert!(fs::metadata(history.path()).unwrap().len() <= 120_000);
    let points = history.points().unwrap();
    assert!(points.len() > 5 && points.len() < 40, "{}", points.len());
    for (bookmark, noise) in &all {
        if *bookmark >= points[0].bookmark {
            assert_eq!(content_at(&history, *bookmark), model([("k", noise)]));
        } else {
            assert!(matches!(history.image(*bookmark), Err(HistoryError::Missing(..))));
        }
    }
    fixture.pass(Duration::from_secs(4 * 24 * 3_600));
    put(&mut store, "k", &[1]);
    store.current_bookmark().unwrap();
    assert_eq!(fixture.history("a").points().unwrap().len(), 2);
}

#[test]
fn an_object_that_is_too_large_says_so() {
    let fixture = Fixture::with(8, 1_000, 30 * DAY_MS);
    let path = fixture.path("a");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t(a)")
        .unwrap();
    let mut store = fixture.store("a");
    put(&mut store, "k", &[1]);
    let error = store.current_bookmark().unwrap_err().to_string();
    assert!(
        error.starts_with("the object has no history: its database has 8192 bytes, more than"),
        "{error}"
    );
}

#[test]
fn without_a_history_bookmarks_only_grow() {
    let fixture = Fixture::new();
    let connections = Connections::with_history(8, None);
    let mut store = ObjectStore::new(connections, fixture.path("a"), Backend::Sqlite);
    let first = store.current_bookmark().unwrap();
    assert!(first < store.current_bookmark().unwrap());
    let error = store.restore_next_session(&first).unwrap_err();
    assert!(error.to_string().contains("does not implement point-in-time recovery"), "{error}");
    assert!(!fixture.options.directory.exists());
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u16),
    Delete(u8),
    Sql(u16),
    Commit,
    Bookmark,
    DeleteAll,
    RollBack,
    Close,
    Kill,
    Foreign(u8),
    CloseIdle,
    Save,
    Restore(prop::sample::Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u8..6, 0u16..9_000).prop_map(|(key, length)| Step::Put(key, length)),
        2 => (0u8..6).prop_map(Step::Delete),
        2 => (0u16..3_000).prop_map(Step::Sql),
        6 => Just(Step::Commit),
        5 => Just(Step::Bookmark),
        1 => Just(Step::DeleteAll),
        1 => Just(Step::RollBack),
        1 => Just(Step::Close),
        1 => Just(Step::Kill),
        1 => (0u8..6).prop_map(Step::Foreign),
        1 => Just(Step::CloseIdle),
        2 => Just(Step::Save),
        1 => any::<prop::sample::Index>().prop_map(Step::Restore),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("DODEV_HISTORY_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(24), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_bookmark_gives_the_state_it_was_taken_of(steps in prop::collection::vec(step(), 1..80)) {
        let mut fixture = Fixture::new();
        let mut store = fixture.store("a");
        let (mut now, mut committed) = (Model::new(), Model::new());
        let mut taken: Vec<(Bookmark, Model)> = Vec::new();
        let mut pending: Vec<(Bookmark, Model)> = Vec::new();
        for (number, step) in (0u8..).zip(steps) {
            match step {
                Step::Put(key, length) => {
                    let value = vec![number; length.into()];
                    now.insert(key.to_string(), brief(&value));
                    store.put(&key.to_string(), value).unwrap();
                }
                Step::Delete(key) => {
                    prop_assert_eq!(store.delete(&key.to_string()).unwrap(), now.remove(&key.to_string()).is_some());
                }
                Step::Sql(length) => {
                    let sql = "CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (zeroblob(?))";
                    let cursor = store.exec(sql, &[SqlValue::Integer(length.into())]).unwrap();
                    store.close_cursor(cursor);
                }
                Step::Commit => {
                    store.commit().unwrap();
                    committed = now.clone();
                    taken.append(&mut pending);
                }
                Step::Bookmark => {
                    let bookmark: Bookmark = store.current_bookmark().unwrap().parse().unwrap();
                    pending.clear();
                    pending.push((bookmark, now.clone()));
                    // What is written after it, in the same batch, would be in its state too.
                    store.commit().unwrap();
                    committed = now.clone();
                    taken.append(&mut pending);
                }
                Step::DeleteAll => {
                    store.delete_all(false).unwrap();
                    now.clear();
                }
                Step::RollBack => {
                    store.roll_back().unwrap();
                    now = committed.clone();
                }
                Step::Close => {
                    store.close().unwrap();
                    drop(store);
                    store = fixture.store("a");
                    prop_assert!(!store.begin_session().unwrap());
                    now = committed.clone();
                }
                Step::Kill => {
                    // An open transaction would keep its locks, because the process lives on.
                    store.roll_back().unwrap();
                    fixture.kill(store);
                    store = fixture.store("a");
                    now = committed.clone();
                }
                Step::Foreign(key) => {
                    store.roll_back().unwrap();
                    now = committed.clone();
                    if fixture.path("a").exists() {
                        let other = rusqlite::Connection::open(fixture.path("a")).unwrap();
                        let sql = "INSERT OR REPLACE INTO _cf_KV VALUES (?, ?)";
                        if other.execute(sql, (key.to_string(), vec![number])).is_ok() {
                            now.insert(key.to_string(), (1, number));
                        }
                        committed = now.clone();
                    }
                    store.begin_event(CauseKind::Request, |_| {});
                    for (key, value) in &now {
                        prop_assert_eq!(store.get(key).unwrap().map(|value| brief(&value)), Some(*value));
                    }
                }
                Step::CloseIdle => fixture.connections.close_idle(),
                Step::Save => {
                    fixture.pass(Duration::from_secs(2));
                    fixture.connections.save_history(fixture.options.clock.elapsed());
                }
                Step::Restore(which) => {
                    if taken.is_empty() {
                        continue;
                    }
                    let (bookmark, model) = which.get(&taken).clone();
                    store.roll_back().unwrap();
                    let undo: Bookmark = store.restore_next_session(&bookmark.to_string()).unwrap().parse().unwrap();
                    taken.push((undo, committed.clone()));
                    store.close().unwrap();
                    drop(store);
                    store = fixture.store("a");
                    prop_assert!(store.begin_session().unwrap());
                    (now, committed) = (model.clone(), model);
                }
            }
        }
        store.roll_back().unwrap();
        prop_assert_eq!(content(&mut store), committed);
        store.close().unwrap();
        prop_assert_eq!(fixture.connections.take_warnings(), Vec::<String>::new());
        if !taken.is_empty() {
            let history = fixture.history("a");
            for (bookmark, model) in taken {
                prop_assert_eq!(content_at(&history, bookmark), model, "{}", bookmark);
            }
        }
    }
}

#[test]
fn a_damaged_database_leaves_its_history_alone() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    put(&mut store, "k", &[1]);
    store.close().unwrap();
    let known = fixture.history("a").last();
    fs::write(fixture.path("a"), "this is no database, but long enough".repeat(400)).unwrap();
    let mut store = fixture.store("a");
    assert!(matches!(store.get("k"), Err(StorageError::Damaged { .. })));
    store.close().unwrap();
    let warnings = fixture.connections.take_warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("it was set aside as"), "{warnings:?}");
    let mut store = fixture.store("a");
    put(&mut store, "l", &[2]);
    store.close().unwrap();
    let history = fixture.history("a");
    assert_eq!(content_at(&history, known), model([("k", &[1])]));
    assert_eq!(content_at(&history, history.last()), model([("l", &[2])]));
}
