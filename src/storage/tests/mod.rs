//! Tests of the storage as a whole, over real files in a temporary directory.

mod files;
mod keys;
mod model;
mod row_counts;
mod statements;

use std::path::PathBuf;
use std::rc::Rc;

use tempfile::TempDir;

use super::{Backend, Connections, ObjectStore, SqlError, SqlValue};

/// A directory with the stores in it.
struct Fixture {
    directory: TempDir,
    connections: Rc<Connections>,
}

impl Fixture {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), connections: Connections::new() }
    }

    fn with_limit(limit: usize) -> Self {
        Self { connections: Connections::with_limit(limit), ..Self::new() }
    }

    fn path(&self, object: &str) -> PathBuf {
        self.directory.path().join("do").join("w-C").join(format!("{object}.sqlite"))
    }

    fn store(&self, object: &str) -> ObjectStore {
        ObjectStore::new(self.connections.clone(), self.path(object), Backend::Sqlite)
    }
}

/// All rows of `sql`, or the error's text.
fn rows(store: &mut ObjectStore, sql: &str, parameters: &[SqlValue]) -> Result<Vec<Vec<SqlValue>>, SqlError> {
    let cursor = store.exec(sql, parameters)?;
    let mut rows = Vec::new();
    let result = loop {
        match store.step(cursor) {
            Ok(Some(row)) => rows.push(row),
            Ok(None) => break Ok(rows),
            Err(error) => break Err(error),
        }
    };
    store.close_cursor(cursor);
    result
}

/// The number in the first column of the first row.
fn number(store: &mut ObjectStore, sql: &str) -> i64 {
    match rows(store, sql, &[]).unwrap()[0][0] {
        SqlValue::Integer(value) => value,
        ref other => panic!("{sql} gave {other:?}"),
    }
}

/// The error's text.
fn refused(store: &mut ObjectStore, sql: &str) -> String {
    rows(store, sql, &[]).unwrap_err().to_string()
}

fn value(store: &mut ObjectStore, key: &str) -> Option<Vec<u8>> {
    store.get(key).unwrap().map(|value| value.to_vec())
}
