//! What the usual storage operations cost, without and with the history: microseconds each. Run with
//! `cargo bench --bench storage`. The history's work is in the figures: it is saved as the world saves it.
//!
//! It asserts only that the work was done, because machines differ.

use std::rc::Rc;
use std::time::Duration;

use dodev::base::clock::Clock;
use dodev::base::limits;
use dodev::storage::history::HistoryOptions;
use dodev::storage::{Backend, Connections, ObjectStore, SqlError, SqlValue};
use tempfile::TempDir;

const OBJECTS: usize = 300;
const ROUNDS: usize = 6_000;

/// A directory with the stores in it.
struct Fixture {
    directory: TempDir,
    connections: Rc<Connections>,
}

impl Fixture {
    fn new(limit: usize, history: bool) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = HistoryOptions {
            directory: directory.path().join("history"),
            clock: Clock::system(),
            max_bytes: limits::HISTORY_BYTES,
            max_age_ms: limits::BOOKMARK_AGE_MS,
        };
        let connections = Connections::with_history(limit, history.then_some(options));
        Self { directory, connections }
    }

    fn store(&self, object: &str) -> ObjectStore {
        let path = self.directory.path().join(format!("{object}.sqlite"));
        ObjectStore::new(self.connections.clone(), path, Backend::Sqlite)
    }
}

fn rows(store: &mut ObjectStore, sql: &str, parameters: &[SqlValue]) -> Result<Vec<Vec<SqlValue>>, SqlError> {
    let cursor = store.exec(sql, parameters)?;
    let mut rows = Vec::new();
    while let Some(row) = store.step(cursor)? {
        rows.push(row);
    }
    store.close_cursor(cursor);
    Ok(rows)
}

fn show(what: &str, count: usize, elapsed: Duration) {
    println!("{what}: {:.2} µs", elapsed.as_secs_f64() * 1e6 / count as f64);
}

fn main() {
    // By turns, because machines are not equally fast all the time.
    for round in 1..=2 {
        for history in [false, true] {
            println!("round {round}, {} history", if history { "with" } else { "without" });
            measure(history);
        }
    }
}

fn measure(history: bool) {
    let fixture = Fixture::new(OBJECTS + 1, history);
    let clock = Clock::system();
    let mut stores: Vec<_> = (0..OBJECTS).map(|index| fixture.store(&format!("{index}"))).collect();
    let start = clock.elapsed();
    for store in &mut stores {
        assert!(store.get("count").unwrap().is_none());
        store.put("count", vec![1]).unwrap();
        store.commit().unwrap();
    }
    show("new object, get + put + commit, connection kept", OBJECTS, clock.elapsed() - start);
    let start = clock.elapsed();
    for store in &mut stores {
        store.put("count", vec![1]).unwrap();
        store.commit().unwrap();
    }
    show("open object, put + commit", OBJECTS, clock.elapsed() - start);
    drop(stores);

    let fixture = Fixture::new(limits::OPEN_DATABASES, history);
    let start = clock.elapsed();
    let mut stores: Vec<_> =
        (0..OBJECTS).map(|index| fixture.store(&format!("{index}")).with_name("name")).collect();
    for store in &mut stores {
        assert!(store.get("count").unwrap().is_none());
        store.put("count", vec![1]).unwrap();
        store.commit().unwrap();
    }
    show("new object, get + put + commit, more objects than connections", OBJECTS, clock.elapsed() - start);

    let (start, store) = (clock.elapsed(), &mut stores[0]);
    for round in 0..ROUNDS {
        assert!(store.get("count").unwrap().is_some());
        store.put("count", round.to_le_bytes().to_vec()).unwrap();
        store.commit().unwrap();
        fixture.connections.save_history(clock.elapsed());
    }
    show("warm object, get + put + commit", ROUNDS, clock.elapsed() - start);

    let start = clock.elapsed();
    for _ in 0..ROUNDS {
        store.forget_reads();
        assert!(store.get("count").unwrap().is_some());
    }
    show("get from SQLite", ROUNDS, clock.elapsed() - start);

    rows(store, "CREATE TABLE t(id INTEGER PRIMARY KEY, n)", &[]).unwrap();
    rows(store, "INSERT INTO t(n) VALUES (0)", &[]).unwrap();
    store.commit().unwrap();
    let start = clock.elapsed();
    for _ in 0..ROUNDS {
        rows(store, "UPDATE t SET n = n + 1 WHERE id = ?", &[1.0.into()]).unwrap();
        assert_eq!(rows(store, "SELECT n FROM t WHERE id = ?", &[1.0.into()]).unwrap().len(), 1);
        store.commit().unwrap();
        fixture.connections.save_history(clock.elapsed());
    }
    show("exec update + exec select + commit", ROUNDS, clock.elapsed() - start);

    let start = clock.elapsed();
    fixture.connections.close_idle();
    show("close", OBJECTS, clock.elapsed() - start);
    assert_eq!(fixture.connections.open_count(), 0);
}
