//! The user's SQL on a stored object: queries without a trace, and what tells a query from a change.

use rusqlite::Connection;
use rusqlite::fallible_iterator::FallibleIterator;

use super::book::{Book, ObjectRef};
use super::failure::{InspectError, Result};
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
        let mut wrong = None;
        let mut ask = |connection: &Connection| {
            query(connection, sql).inspect_err(|error| wrong = Mistake::of(error, sql))
        };
        let found = reader::read(&object.path(), &object.label(), &mut ask).and_then(|found| match found {
            Some(asked) => Ok(asked),
            None => {
                let asked = Connection::open_in_memory().and_then(|connection| ask(&connection));
                asked.map_err(|error| reader::failed(&object.path(), &object.label(), error))
            }
        });
        match wrong {
            Some(mistake) if found.is_err() => Err(InspectError::Mistake(mistake)),
            _ => found,
        }
    }
}

/// Where a text of statements is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What SQLite says.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The character of the line, from 1.
    pub column: usize,
    /// The line.
    pub text: String,
}

impl Mistake {
    /// Most letters of the line that are shown.
    const SHOWN: usize = 70;

    fn of(error: &rusqlite::Error, sql: &str) -> Option<Self> {
        let rusqlite::Error::SqlInputError { msg, offset, sql: rest, .. } = error else { return None };
        // What was parsed before is missing in the text of the error.
        let before = sql.len().checked_sub(rest.len())?;
        let at = before + usize::try_from(*offset).ok()?;
        let head = sql.get(..at)?;
        let start = head.rfind('\n').map_or(0, |at| at + 1);
        let text = sql[start..].lines().next().unwrap_or_default().to_owned();
        let line = head.matches('\n').count() + 1;
        Some(Self { message: msg.clone(), line, column: sql[start..at].chars().count() + 1, text })
    }

    /// The line with a mark below the place.
    pub fn excerpt(&self) -> String {
        let cut = (self.column - 1).saturating_sub(Self::SHOWN / 2);
        let shown: String = self.text.chars().skip(cut).take(Self::SHOWN).collect();
        let shown = shown.replace('\t', " ");
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(self.column - 1 - cut);
        format!("  {number} | {shown}\n  {margin} | {indent}^")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_shown_at_its_place() {
        let connection = Connection::open_in_memory().unwrap();
        for (sql, place, excerpt) in [
            ("SELEC 1", (1, 1), "  1 | SELEC 1\n    | ^"),
            ("SELECT 1;\nSELECT 'ü' FROM\n  WHERE 1", (3, 3), "  3 |   WHERE 1\n    |   ^"),
            ("SELECT 1;\n  SELECT 'ü', nope", (2, 15), "  2 |   SELECT 'ü', nope\n    |               ^"),
        ] {
            let error = query(&connection, sql).unwrap_err();
            let mistake = Mistake::of(&error, sql).unwrap();
            assert_eq!(
                ((mistake.line, mistake.column), mistake.excerpt().as_str()),
                (place, excerpt),
                "{sql}"
            );
        }
        let long = format!("SELECT {} FROM t", "1, ".repeat(100));
        let mistake = Mistake::of(&query(&connection, &long).unwrap_err(), &long).unwrap();
        assert!(mistake.excerpt().lines().all(|line| line.chars().count() <= 80), "{}", mistake.excerpt());
    }
}
