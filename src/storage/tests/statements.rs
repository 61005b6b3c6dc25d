//! SQL as a program sees it: rows, texts of errors, cursors, transactions, counts.

use serde_json::{Map, Number, Value as Json, json};

use super::*;

/// Statements with the answers that the platform's own local runtime gave.
#[test]
fn statements_answer_as_on_the_platform() {
    let cases: Vec<Json> = serde_json::from_str(include_str!("sql_cases.json")).unwrap();
    let fixture = Fixture::new();
    let mut wrong = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let mut store = fixture.store(&format!("{index}")).with_name("probe");
        if let Some(schema) = case["schema"].as_str() {
            rows(&mut store, schema, &[]).unwrap();
        }
        let parameters: Vec<_> = case["parameters"].as_array().into_iter().flatten().map(parameter).collect();
        let (key, answer) = match objects(&mut store, case["sql"].as_str().unwrap(), &parameters) {
            Ok(rows) => ("rows", rows),
            Err(error) => ("error", json!(error.to_string())),
        };
        if case[key] != answer {
            wrong.push(format!("{}: {key} {answer} instead of {case}", case["name"]));
        }
        store.close().unwrap();
    }
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn parameter(json: &Json) -> SqlValue {
    match json {
        Json::Null => SqlValue::Null,
        Json::Number(number) => SqlValue::Real(number.as_f64().unwrap()),
        Json::String(text) => text.as_str().into(),
        other => match (other["hex"].as_str(), other["number"].as_str()) {
            (Some(hex), _) => SqlValue::Blob(
                (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect(),
            ),
            (_, Some(number)) => SqlValue::Real(number.replace("Infinity", "inf").parse().unwrap()),
            _ => panic!("{other} is no parameter"),
        },
    }
}

/// Rows as JavaScript sees them: objects whose numbers are doubles.
fn objects(store: &mut ObjectStore, sql: &str, parameters: &[SqlValue]) -> Result<Json, SqlError> {
    let cursor = store.exec(sql, parameters)?;
    let names = store.column_names(cursor);
    let mut found = Vec::new();
    while let Some(row) = store.step(cursor)? {
        let row: Map<String, Json> = names.iter().cloned().zip(row.into_iter().map(shown)).collect();
        found.push(Json::Object(row));
    }
    Ok(Json::Array(found))
}

fn shown(value: SqlValue) -> Json {
    match value {
        SqlValue::Null => Json::Null,
        SqlValue::Integer(value) => shown(SqlValue::Real(value as f64)),
        SqlValue::Real(value) if value == 0.0 && value.is_sign_negative() => {
            json!({"$": "number", "v": "-0"})
        }
        SqlValue::Real(value) if value.is_infinite() => json!({"$": "number", "v": "Infinity"}),
        SqlValue::Real(value) if value.fract() == 0.0 && value.abs() < 1e18 => json!(value as i64),
        SqlValue::Real(value) => Number::from_f64(value).map_or(Json::Null, Json::Number),
        SqlValue::Text(text) => json!(String::from_utf8_lossy(&text)),
        SqlValue::Blob(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            json!({"$": "ArrayBuffer", "hex": hex})
        }
    }
}

fn people(store: &mut ObjectStore) {
    rows(store, "CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT, age INTEGER)", &[]).unwrap();
    rows(store, "INSERT INTO people(name, age) VALUES ('ann', 30), ('bob', 20), ('cid', 40)", &[]).unwrap();
}

#[test]
fn counts_grow_while_a_cursor_is_read() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    people(&mut store);
    let cursor = store.exec("SELECT * FROM people", &[]).unwrap();
    assert_eq!(store.rows_read(cursor), 1);
    while store.step(cursor).unwrap().is_some() {}
    assert_eq!(store.rows_read(cursor), 3);
}

#[test]
fn one_text_may_run_in_two_cursors_and_survive_a_commit() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    people(&mut store);
    let sql = "SELECT id FROM people ORDER BY id";
    let (first, second) = (store.exec(sql, &[]).unwrap(), store.exec(sql, &[]).unwrap());
    let id = |n| Some(vec![SqlValue::Integer(n)]);
    assert_eq!(store.step(first).unwrap(), id(1));
    assert_eq!(store.step(second).unwrap(), id(1));
    store.commit().unwrap();
    fixture.connections.close_idle();
    assert!(store.is_connected(), "open cursors keep the connection");
    assert_eq!(store.step(first).unwrap(), id(2));
    assert_eq!(store.step(second).unwrap(), id(2));
    store.close_cursor(first);
    store.close_cursor(second);
    fixture.connections.close_idle();
    assert!(!store.is_connected());
}

#[test]
fn a_table_under_an_open_cursor_is_locked() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    people(&mut store);
    let cursor = store.exec("SELECT id FROM people", &[]).unwrap();
    store.step(cursor).unwrap();
    assert_eq!(refused(&mut store, "DROP TABLE people"), "database table is locked: SQLITE_LOCKED");
}

#[test]
fn a_writing_statement_runs_to_its_end_without_being_read() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    people(&mut store);
    let cursor = store.exec("INSERT INTO people(name) VALUES ('y'), ('z') RETURNING id", &[]).unwrap();
    assert_eq!(number(&mut store, "SELECT count(*) FROM people"), 5);
    store.commit().unwrap();
    assert_eq!(store.step(cursor).unwrap(), Some(vec![SqlValue::Integer(4)]));
    assert_eq!(store.step(cursor).unwrap(), Some(vec![SqlValue::Integer(5)]));
    assert_eq!(store.step(cursor).unwrap(), None);
}

#[test]
fn the_table_of_keys_is_forbidden_once_it_exists() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    store.put("k", vec![1]).unwrap();
    assert_eq!(
        refused(&mut store, "SELECT * FROM _cf_KV"),
        "access to _cf_KV.key is prohibited: SQLITE_AUTH"
    );
    assert_eq!(refused(&mut store, "DROP TABLE _cf_KV"), "not authorized: SQLITE_AUTH");
}

#[test]
fn savepoints_undo_statements_and_keys_together() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    people(&mut store);
    store.put("k", vec![1]).unwrap();
    let outer = store.savepoint().unwrap();
    store.put("k", vec![2]).unwrap();
    let inner = store.savepoint().unwrap();
    store.put("k", vec![3]).unwrap();
    rows(&mut store, "CREATE TABLE gone(a); DELETE FROM people", &[]).unwrap();
    store.roll_back_to(inner).unwrap();
    assert_eq!(value(&mut store, "k"), Some(vec![2]));
    assert_eq!(number(&mut store, "SELECT count(*) FROM people"), 3);
    assert_eq!(refused(&mut store, "SELECT * FROM gone"), "no such table: gone: SQLITE_ERROR");
    assert!(store.has_savepoint());
    store.commit().unwrap();
    assert!(store.is_dirty(), "a commit waits for the savepoint");
    store.release(outer).unwrap();
    store.commit().unwrap();
    assert!(!store.is_dirty());
    assert_eq!(value(&mut fixture.store("a"), "k"), Some(vec![2]));
}

#[test]
fn a_violated_deferred_constraint_fails_the_commit_and_undoes_the_batch() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    rows(&mut store, "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p(id))", &[])
        .unwrap();
    store.commit().unwrap();
    store.put("k", vec![1]).unwrap();
    rows(&mut store, "PRAGMA defer_foreign_keys = ON; INSERT INTO c VALUES (7)", &[]).unwrap();
    assert_eq!(
        store.commit().unwrap_err().to_string(),
        "Durable Object was reset and rolled back to its last known good state because the application left \
         the database in a state where constraints were violated: FOREIGN KEY constraint failed: \
         SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)"
    );
    assert!(!store.is_dirty());
    assert_eq!(value(&mut store, "k"), None);
    assert_eq!(number(&mut store, "SELECT count(*) FROM c"), 0);
}

#[test]
fn settings_outlive_the_connection() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    rows(&mut store, "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(p REFERENCES p(id))", &[])
        .unwrap();
    store.commit().unwrap();
    rows(&mut store, "PRAGMA foreign_keys = OFF", &[]).unwrap();
    rows(&mut store, "PRAGMA case_sensitive_like = ON", &[]).unwrap();
    fixture.connections.close_idle();
    assert!(!store.is_connected());
    assert_eq!(number(&mut store, "PRAGMA foreign_keys"), 0);
    assert_eq!(number(&mut store, "SELECT 'a' LIKE 'A'"), 0);
    rows(&mut store, "INSERT INTO c VALUES (99)", &[]).unwrap();
}

#[test]
fn values_beyond_the_limit_are_refused() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    rows(&mut store, "CREATE TABLE t(a)", &[]).unwrap();
    let large = SqlValue::Blob(vec![0; 2 * 1024 * 1024 + 1]);
    let error = rows(&mut store, "INSERT INTO t VALUES (?)", &[large]).unwrap_err();
    assert_eq!(error.to_string(), "string or blob too big: SQLITE_TOOBIG");
    assert!(!error.is_critical());
    assert_eq!(refused(&mut store, "SELECT zeroblob(3000000)"), "string or blob too big: SQLITE_TOOBIG");
}

#[test]
fn the_size_counts_pages_in_use() {
    let fixture = Fixture::new();
    assert_eq!(fixture.store("named").with_name("n").database_size(), Ok(8192));
    let mut store = fixture.store("a");
    assert_eq!(store.database_size(), Ok(4096));
    store.put("k", vec![0; 100_000]).unwrap();
    assert!(store.database_size().unwrap() > 100_000);
    store.delete_all(false).unwrap();
    assert_eq!(store.database_size(), Ok(4096));
}

#[test]
fn a_statement_that_runs_for_ever_can_be_interrupted() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    people(&mut store);
    let interrupt = fixture.connections.interrupt();
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    interrupt.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(refused(&mut store, endless), "interrupted: SQLITE_INTERRUPT");
    interrupt.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(number(&mut store, "SELECT count(*) FROM people"), 3);
}

#[test]
fn asking_for_counts_changes_no_setting() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    let cursor = store.exec("PRAGMA foreign_keys = OFF", &[]).unwrap();
    rows(&mut store, "/* again */ PRAGMA foreign_keys = ON", &[]).unwrap();
    assert_eq!((store.rows_read(cursor), store.rows_written(cursor)), (0, 0));
    assert_eq!(number(&mut store, "PRAGMA foreign_keys"), 1);
}

#[test]
fn columns_follow_a_changed_table() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    rows(&mut store, "CREATE TABLE t(a); INSERT INTO t VALUES (1)", &[]).unwrap();
    for (change, expected) in [("SELECT 1", &["a"][..]), ("ALTER TABLE t ADD COLUMN b", &["a", "b"])] {
        rows(&mut store, change, &[]).unwrap();
        let cursor = store.exec("SELECT * FROM t", &[]).unwrap();
        assert_eq!(*store.column_names(cursor), *expected);
        assert_eq!(store.step(cursor).unwrap().map(|row| row.len()), Some(expected.len()));
    }
}

#[test]
fn an_interrupted_write_takes_the_whole_batch_with_it() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    people(&mut store);
    store.commit().unwrap();
    store.put("k", vec![1]).unwrap();
    rows(&mut store, "DELETE FROM people WHERE id = 1", &[]).unwrap();
    let interrupt = fixture.connections.interrupt();
    interrupt.store(true, std::sync::atomic::Ordering::Relaxed);
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO people(age) SELECT i FROM n";
    let error = rows(&mut store, endless, &[]).unwrap_err();
    interrupt.store(false, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(error.to_string(), "interrupted: SQLITE_INTERRUPT");
    assert!(error.is_critical());
    store.roll_back().unwrap();
    assert_eq!(number(&mut store, "SELECT count(*) FROM people"), 3);
    assert_eq!(value(&mut store, "k"), None);
}

#[test]
fn changes_may_have_an_order_and_a_limit() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    rows(&mut store, "CREATE TABLE t(rowid, \"a b\"); INSERT INTO t VALUES (1, 1), (1, 2), (1, 3)", &[])
        .unwrap();
    rows(&mut store, "DELETE FROM t ORDER BY \"a b\" DESC LIMIT 1; UPDATE t SET rowid = 5 LIMIT 1", &[])
        .unwrap();
    assert_eq!(number(&mut store, "SELECT sum(rowid * 10 + \"a b\") FROM t"), 51 + 12);
    let sql = "CREATE TABLE k(\"x\"\"y\", z, PRIMARY KEY(z, \"x\"\"y\")) WITHOUT ROWID; INSERT INTO k VALUES (1, 2), (2, 2)";
    rows(&mut store, sql, &[]).unwrap();
    rows(&mut store, "DELETE FROM k ORDER BY 1 LIMIT 1", &[]).unwrap();
    assert_eq!(number(&mut store, "SELECT \"x\"\"y\" FROM k"), 2);
    for (sql, expected) in [
        ("DELETE FROM t LIMIT 1 OFFSET", "incomplete input: SQLITE_ERROR"),
        ("DELETE FROM t LIMIT;", "near \";\": syntax error at offset 19: SQLITE_ERROR"),
        ("DELETE FROM t WHERE rowid = LIMIT 1", "near \"LIMIT\": syntax error at offset 28: SQLITE_ERROR"),
        ("UPDATE t SET LIMIT 1", "near \"LIMIT\": syntax error at offset 13: SQLITE_ERROR"),
        ("DELETE FROM t WHERE 1 2 LIMIT 1", "near \"2\": syntax error at offset 22: SQLITE_ERROR"),
        ("DELETE FROM t ORDER BY 1", "ORDER BY without LIMIT on DELETE: SQLITE_ERROR"),
        ("DELETE FROM t WHERE \"dodev limit\"(1)", "no such function: dodev limit"),
        ("DELETE FROM _cf_KV LIMIT 1", "access to _cf_KV"),
    ] {
        let text = refused(&mut store, sql);
        assert!(text.starts_with(expected) || text.starts_with("no such table: _cf_KV"), "{sql}: {text}");
    }
}

/// Answers of workerd.
#[test]
fn changes_of_views_and_from_other_tables_may_have_a_limit() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    let sql = "CREATE TABLE base(id INTEGER PRIMARY KEY, b); CREATE TABLE src(id, n); \
               INSERT INTO base VALUES (1, 10), (2, 20), (3, 30), (4, 40); INSERT INTO src VALUES (1, 100), (2, 200), (3, 300); \
               CREATE VIEW v AS SELECT id, b FROM base";
    rows(&mut store, sql, &[]).unwrap();
    let text = refused(&mut store, "DELETE FROM v LIMIT 1");
    assert_eq!(text, "cannot modify v because it is a view: SQLITE_ERROR");
    let sql = "CREATE TRIGGER gone INSTEAD OF DELETE ON v BEGIN DELETE FROM base WHERE id = old.id; END; \
               CREATE TRIGGER changed INSTEAD OF UPDATE ON v BEGIN UPDATE base SET b = new.b WHERE id = old.id; END";
    rows(&mut store, sql, &[]).unwrap();
    rows(&mut store, "DELETE FROM v WHERE b > 10 ORDER BY b DESC LIMIT 1 OFFSET 1", &[]).unwrap();
    rows(&mut store, "UPDATE v SET b = b + 1 ORDER BY id DESC LIMIT 1", &[]).unwrap();
    assert_eq!(number(&mut store, "SELECT sum(id * 1000 + b) FROM base"), 7000 + 10 + 20 + 41);
    let plan = rows(&mut store, "EXPLAIN QUERY PLAN DELETE FROM base ORDER BY b LIMIT 1", &[]).unwrap();
    assert!(plan.iter().any(|row| row[3] == SqlValue::from("LIST SUBQUERY 1")), "{plan:?}");
    let text = refused(&mut store, "UPDATE base SET b = n FROM src WHERE src.id = base.id ORDER BY n");
    assert_eq!(text, "ORDER BY without LIMIT on UPDATE: SQLITE_ERROR");
    let parameters = [SqlValue::Integer(5), SqlValue::Integer(6), SqlValue::Integer(1)];
    let sql = "UPDATE base SET b = n + ? FROM src WHERE src.id = base.id RETURNING b, ? AS x ORDER BY n DESC LIMIT ?";
    let cursor = store.exec(sql, &parameters).unwrap();
    assert_eq!(store.column_names(cursor)[..], ["b", "x"]);
    let row = store.step(cursor).unwrap();
    assert_eq!(row, Some(vec![SqlValue::Integer(205), SqlValue::Integer(6)]));
    assert_eq!(store.step(cursor).unwrap(), None);
}

#[test]
fn functions_of_the_schema_work_after_opening_again() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    rows(&mut store, "CREATE TABLE t(a, b AS (pow(a, 2))); CREATE INDEX i ON t(sqrt(a))", &[]).unwrap();
    store.commit().unwrap();
    store.close().unwrap();
    rows(&mut store, "INSERT INTO t VALUES (3)", &[]).unwrap();
    assert_eq!(rows(&mut store, "SELECT b FROM t", &[]).unwrap(), [[SqlValue::Real(9.0)]]);
}

/// Of a text with several statements, one that has rows holds up the others that change tables, and nothing afterwards.
#[test]
fn a_statement_with_rows_locks_tables_for_the_rest_of_its_text() {
    let fixture = Fixture::new();
    let mut store = fixture.store("locks");
    rows(&mut store, "CREATE TABLE s (a); INSERT INTO s VALUES (1), (2)", &[]).unwrap();
    for text in ["SELECT * FROM s; DROP TABLE s", "SELECT count(*) FROM s; SELECT 1; DROP TABLE s"] {
        for _ in 0..2 {
            let error = rows(&mut store, text, &[]).unwrap_err();
            assert_eq!(error.to_string(), "database table is locked: SQLITE_LOCKED", "{text}");
        }
    }
    rows(&mut store, "SELECT * FROM s; DELETE FROM s WHERE a = 1", &[]).unwrap();
    rows(&mut store, "DROP TABLE s", &[]).unwrap();
    store.close().unwrap();
}

#[test]
fn the_cache_of_statements_has_a_limit() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    let padding = "x".repeat(90_000);
    for round in 0..30 {
        rows(&mut store, &format!("SELECT {round} /* {padding} */"), &[]).unwrap();
    }
    let kept = store.writing(false, "ask", |connection| Ok(connection.cached_bytes())).unwrap();
    assert!(kept > 900_000 && kept <= crate::base::limits::SQL_STATEMENT_CACHE_BYTES, "{kept}");
}

#[test]
fn a_database_that_would_grow_too_large_is_full() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    people(&mut store);
    store.commit().unwrap();
    let most =
        store.writing(false, "ask", |connection| connection.database().integer("PRAGMA max_page_count"));
    assert_eq!(most.unwrap(), Some(10 * 1024 * 1024 * 1024 / 4096));
    // The same limit, drawn near.
    store
        .writing(false, "set", |connection| connection.database().run("PRAGMA max_page_count = 20"))
        .unwrap();
    let error = rows(&mut store, "INSERT INTO people(name) VALUES (zeroblob(100000))", &[]).unwrap_err();
    assert_eq!(error.to_string(), "database or disk is full: SQLITE_FULL");
    store.roll_back().unwrap();
    assert_eq!(number(&mut store, "SELECT count(*) FROM people"), 3);
}
