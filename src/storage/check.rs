//! What must hold for any SQL of a program, for the fuzz target in `fuzz/` and a bounded run with every test.

use super::change_limit::{LimitedChange, Origin};
use super::connection::{Connection, Settings};
use super::sqlite::{Database, Interrupt, OpenMode};

/// Rows of a statement that are looked at; the rest is dropped.
const ROWS: usize = 20;

/// What no program may change: the platform's own tables, who else is attached, and the limits of transactions.
const OWN: &str = "SELECT (SELECT count(*) = 1 AND max(value) = 'v' FROM _cf_KV) \
    AND (SELECT count(*) = 2 FROM sqlite_schema WHERE name LIKE '\\_cf\\_%' ESCAPE '\\' OR tbl_name = '_cf_KV') \
    AND (SELECT count(*) = 0 FROM sqlite_temp_schema) \
    AND (SELECT count(*) = 0 FROM pragma_database_list WHERE name NOT IN ('main', 'temp'))";

/// Runs the statements of `sql` as a program's. Errors are fine.
///
/// # Panics
/// When the platform's own tables are changed, a transaction is left open, or something panics: a bug.
pub fn check_sql(sql: &str) {
    places_are_known(sql);
    let database = Database::open(":memory:".as_ref(), OpenMode::Memory, &Interrupt::default());
    let database = database.expect("a database in memory");
    for own in [
        "CREATE TABLE _cf_KV(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
        "CREATE INDEX _cf_index ON _cf_KV(value)",
        "INSERT INTO _cf_KV VALUES ('k', 'v')",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v)",
        "INSERT INTO t(v) VALUES (1), (2), (3)",
    ] {
        database.run(own).expect("our own SQL");
    }
    let mut connection = Connection::over(database, &Settings::default()).expect("a connection");
    let mut rest = sql;
    while let Ok((mut statement, consumed)) = connection.compile(rest, false) {
        for _ in 0..ROWS {
            if !statement.step().unwrap_or(false) {
                break;
            }
        }
        drop(statement);
        let database = connection.database();
        assert!(!database.in_transaction(), "a transaction is open after {sql:?}");
        assert_eq!(database.integer(OWN).ok().flatten(), Some(1), "the platform's tables changed by {sql:?}");
        rest = &rest[consumed..];
    }
}

/// Every byte that a rewritten statement has from its text is known by its place there.
fn places_are_known(sql: &str) {
    let Some(change) = LimitedChange::parse(sql) else { return };
    let new = change.rewritten();
    for (at, byte) in new.text.bytes().enumerate() {
        if let Origin::Old(before) = new.origin(at) {
            assert_eq!(sql.as_bytes().get(before), Some(&byte), "byte {at} of {:?} in {sql:?}", new.text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: &[&str] = &[
        "DELETE FROM t WHERE v > 1 RETURNING id + ? ORDER BY v DESC LIMIT 1 OFFSET ?; SELECT * FROM t",
        "UPDATE OR IGNORE main.t AS x INDEXED BY i SET v = (SELECT 1) WHERE id IN (1, 2) LIMIT 1 -- c",
        "WITH c(a) AS (SELECT 1) DELETE FROM \"t\" LIMIT 1; DROP TABLE t",
        "ALTER TABLE t RENAME TO _cf_t; ALTER TABLE t RENAME TO u; ALTER TABLE u ADD COLUMN w",
        "INSERT INTO _cf_KV VALUES ('a', 'b'); SELECT key FROM _cf_KV; UPDATE _cf_KV SET value = 1",
        "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM _cf_KV; END; INSERT INTO t(v) VALUES (9)",
        "CREATE VIEW w AS SELECT * FROM _cf_KV; SELECT * FROM w; CREATE INDEX j ON _cf_KV(key)",
        "PRAGMA writable_schema = 1; PRAGMA table_info(t); PRAGMA foreign_keys = off; BEGIN; SAVEPOINT s",
        "ATTACH ':memory:' AS o; CREATE TEMP TABLE x(a); VACUUM INTO 'x'; SELECT load_extension('x')",
        "CREATE TABLE c AS SELECT json_each.value FROM json_each('[1,[2]]'); CREATE VIRTUAL TABLE f USING fts5(a)",
    ];

    #[test]
    fn what_programs_may_run_leaves_the_platforms_tables_alone() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below.max(1) as u64) as usize
        };
        SAMPLES.iter().for_each(|sample| check_sql(sample));
        let words: Vec<&str> = SAMPLES.iter().flat_map(|sample| sample.split(' ')).collect();
        for _ in 0..1_500 {
            let mut text: Vec<&str> = SAMPLES[random(SAMPLES.len())].split(' ').collect();
            for _ in 0..=random(4) {
                let at = random(text.len());
                match random(4) {
                    0 => text.insert(at, words[random(words.len())]),
                    1 => text[at] = words[random(words.len())],
                    2 if text.len() > 1 => drop(text.remove(at)),
                    _ => {
                        let other = random(text.len());
                        text.swap(at, other);
                    }
                }
            }
            check_sql(&text.join(" "));
        }
    }
}
