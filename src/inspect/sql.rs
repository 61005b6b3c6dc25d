//! The user's SQL on a stored object: queries without a trace, and what tells a query from a change.

use rusqlite::Connection;
use rusqlite::fallible_iterator::FallibleIterator;

use super::book::{Book, ObjectRef};
use super::failure::Result;
use super::object::owned;
use super::reader;
use crate::storage::SqlValue;

/// Rows with the names of their columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Names of the columns; there may be equal ones.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<SqlValue>>,
    /// Rows that were changed, where the statement changes.
    pub changed: Option<u64>,
}

/// What became of a text of statements.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// It only reads: the rows of the last statement.
    Rows(Rows),
    /// It would change something, and was not run.
    WouldChange,
}

impl Book {
    /// Runs `sql` if it only reads. System tables can be read too.
    pub fn query(&self, object: &ObjectRef, sql: &str) -> Result<Asked> {
        let found = reader::read(&object.path(), &object.label(), |connection| query(connection, sql))?;
        match found {
            Some(asked) => Ok(asked),
            None => {
                let connection = Connection::open_in_memory();
                let asked = connection.and_then(|connection| query(&connection, sql));
                asked.map_err(|error| reader::failed(&object.path(), &object.label(), error))
            }
        }
    }
}

fn query(connection: &Connection, sql: &str) -> rusqlite::Result<Asked> {
    let mut rows = Rows::default();
    let mut batch = rusqlite::Batch::new(connection, sql);
    while let Some(mut statement) = batch.next()? {
        // A setting of the connection is forgotten with it, so that changing one would do nothing.
        if !statement.readonly() {
            return Ok(Asked::WouldChange);
        }
        let columns = statement.column_names().map(str::to_owned).collect::<Vec<_>>();
        let count = columns.len();
        let read = statement.query_map([], |row| {
            (0..count).map(|index| row.get_ref(index).map(owned)).collect::<rusqlite::Result<Vec<_>>>()
        })?;
        rows = Rows { columns, rows: read.collect::<rusqlite::Result<_>>()?, changed: None };
    }
    Ok(Asked::Rows(rows))
}
