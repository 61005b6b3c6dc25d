//! The user's SQL: running texts of several statements, and stepping through their rows.
//!
//! Fidelity: workerd's `src/workerd/api/sql.c++` and `src/workerd/util/sqlite.c++`; the goldens in
//! `sql.json` hold the texts.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::connection::{CacheAnswer, Connection, SharedText, UserText};
use super::cursor::{Cursor, CursorId, RowRef, Rows};
use super::failure::{Failure, SqlError, SqliteFailure};
use super::object::ObjectStore;
use super::sqlite::{RowCounts, Statement};
use super::value::SqlValue;

impl ObjectStore {
    /// Runs the statements of `sql` and returns a cursor for the rows of the last one, the only one
    /// that may have `parameters`. Statements before one that fails stay applied. Makes the file of
    /// an object that has none.
    pub fn exec(&mut self, sql: &str, parameters: &[SqlValue]) -> Result<CursorId, SqlError> {
        let kv = self.kv.is_dirty();
        self.make(kv)?;
        if kv && !self.writing(kv, "read", |connection| Ok(connection.has_kv()))? {
            // Statements that name the table of keys are told that it is forbidden, not missing.
            self.flush()?;
        }
        let slot = self.slot.clone();
        let mut connection =
            self.connections.connect(&slot).map_err(|failure| self.error("open", failure))?;
        let text = match connection.cached_text(sql) {
            CacheAnswer::Free(text) => {
                let mut guard = text.borrow_mut();
                let mut run =
                    || guard.prelude.iter_mut().try_for_each(|s| self.run_prelude(&mut connection, s));
                if let Err(error) = run() {
                    guard.prelude.iter_mut().for_each(Statement::reset);
                    return Err(error);
                }
                drop(guard);
                text
            }
            CacheAnswer::Busy => self.compile(&mut connection, sql, false)?,
            CacheAnswer::Unknown => self.compile(&mut connection, sql, true)?,
        };
        let started = self.start(&mut connection, &text, parameters);
        text.borrow_mut().prelude.iter_mut().for_each(Statement::reset);
        let cursor = started?;
        drop(connection);
        Ok(self.cursors.add(cursor, &slot))
    }

    /// Compiles `sql`, running all its statements but the last; keeps the result if `keep`. What was run is still to be reset.
    ///
    /// Fidelity: a statement before the last that has rows is left open, so that no later one of the text can drop a table.
    /// Deviation: on the platform it stays open after that, too.
    fn compile(
        &mut self,
        connection: &mut Connection,
        sql: &str,
        keep: bool,
    ) -> Result<SharedText, SqlError> {
        let mut rest = sql;
        let mut prelude = Vec::new();
        loop {
            let compiled = connection.compile(rest, keep).map_err(|failure| match failure {
                Failure::Refused(text) => SqlError::Statement(text),
                Failure::Sqlite(failure) => self.sql_error(connection, failure),
            });
            let (mut statement, consumed) = compiled?;
            rest = rest[consumed..].trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
            if rest.is_empty() {
                let text = Rc::new(RefCell::new(UserText::new(prelude, statement)));
                if keep {
                    connection.cache_text(sql, &text);
                }
                return Ok(text);
            }
            if statement.parameter_count() > 0 {
                let message = "When executing multiple SQL statements in a single call, only the last \
                               statement can have parameters.";
                return Err(SqlError::Statement(message.to_owned()));
            }
            self.run_prelude(connection, &mut statement)?;
            prelude.push(statement);
        }
    }

    /// Runs a statement whose rows nobody sees. It is still to be reset.
    ///
    /// Fidelity: of a statement that reads, workerd runs only up to the first row. One that writes
    /// runs to its end, which for workerd is the same.
    fn run_prelude(
        &mut self,
        connection: &mut Connection,
        statement: &mut Statement,
    ) -> Result<(), SqlError> {
        let result = if statement.is_readonly() {
            statement.step().map(drop)
        } else {
            self.begin_for(connection)?;
            statement.run()
        };
        result.map_err(|failure| self.sql_error(connection, failure))
    }

    /// Binds, begins the transaction for a statement that writes, and reads the first row.
    fn start(
        &mut self,
        connection: &mut Connection,
        text: &SharedText,
        parameters: &[SqlValue],
    ) -> Result<Cursor, SqlError> {
        let mut guard = text.borrow_mut();
        let statement = &mut guard.last;
        if statement.parameter_count() != parameters.len() {
            let message = "Wrong number of parameter bindings for SQL query.";
            return Err(SqlError::Statement(message.to_owned()));
        }
        let reads = statement.is_readonly();
        if !reads {
            self.begin_for(connection)?;
        }
        statement.forget_row_counts();
        let run = |statement: &mut Statement| -> Result<(bool, VecDeque<Vec<SqlValue>>), SqliteFailure> {
            for (index, parameter) in parameters.iter().enumerate() {
                statement.bind(index, parameter.as_ref())?;
            }
            let mut rows = VecDeque::new();
            let mut row = statement.step()?;
            while row && !reads {
                rows.push_back((0..statement.column_count()).map(|i| statement.column(i).into()).collect());
                row = statement.step()?;
            }
            Ok((row, rows))
        };
        let (live, rows) = match run(statement) {
            Ok(result) => result,
            Err(failure) => {
                statement.reset();
                return Err(self.sql_error(connection, failure));
            }
        };
        let counts = statement.row_counts();
        let rows = if live {
            Rows::Live(text.clone())
        } else {
            statement.reset();
            Rows::Kept(rows)
        };
        Ok(Cursor { rows, columns: guard.columns(), counts })
    }

    fn begin_for(&mut self, connection: &mut Connection) -> Result<(), SqlError> {
        self.begin_on(connection).map_err(|failure| self.sql_error(connection, failure))
    }

    /// What a failed statement means for the object.
    fn sql_error(&self, connection: &Connection, failure: SqliteFailure) -> SqlError {
        if failure.is_damage() {
            SqlError::Storage(self.error("read", failure))
        } else if failure.may_end_transaction()
            && self.transaction.is_open()
            && !connection.database().in_transaction()
        {
            SqlError::Critical(failure.to_string())
        } else {
            SqlError::Statement(failure.to_string())
        }
    }

    /// Passes the cursor's current row to `read` and moves on; `None` at the end, and for a cursor
    /// that was closed. An error of moving on comes in place of the row.
    pub fn step_with<R>(
        &mut self,
        id: CursorId,
        read: impl FnOnce(RowRef<'_>) -> R,
    ) -> Result<Option<R>, SqlError> {
        let Some(cursor) = self.cursors.get_mut(id) else { return Ok(None) };
        let text = match &mut cursor.rows {
            Rows::Kept(rows) => return Ok(rows.pop_front().map(|row| read(RowRef::kept(&row)))),
            Rows::Live(text) => text.clone(),
            Rows::Deleted => {
                let message = "SQLite query was canceled because the database was deleted.";
                return Err(SqlError::Statement(message.to_owned()));
            }
        };
        let mut text = text.borrow_mut();
        let row = read(RowRef::live(&text.last));
        // The row after is read at once, so that a statement ends, and can be used again, when its
        // last row was taken and not one call later.
        let next = text.last.step();
        drop(text);
        let slot = self.slot.clone();
        match next {
            Ok(true) => {}
            Ok(false) => self.cursors.end(id, &slot),
            Err(failure) => {
                self.cursors.end(id, &slot);
                let connection = self.connections.connect(&slot).map_err(|f| self.error("open", f))?;
                return Err(self.sql_error(&connection, failure));
            }
        }
        Ok(Some(row))
    }

    /// The next row, copied; `None` at the end.
    pub fn step(&mut self, id: CursorId) -> Result<Option<Vec<SqlValue>>, SqlError> {
        self.step_with(id, |row| (0..row.len()).map(|index| row.get(index).into()).collect())
    }

    /// Whether no row is left.
    pub fn is_done(&self, id: CursorId) -> bool {
        self.cursors.get(id).is_none_or(|cursor| match &cursor.rows {
            Rows::Live(_) | Rows::Deleted => false,
            Rows::Kept(rows) => rows.is_empty(),
        })
    }

    /// Names of the columns; there may be equal ones. Empty for a cursor that was closed.
    pub fn column_names(&self, id: CursorId) -> Rc<[String]> {
        self.cursors.get(id).map_or_else(|| Rc::from([]), |cursor| cursor.columns.clone())
    }

    /// Rows read so far, as the platform would bill them.
    pub fn rows_read(&self, id: CursorId) -> u64 {
        self.counts(id).read
    }

    /// Rows written, as the platform would bill them.
    pub fn rows_written(&self, id: CursorId) -> u64 {
        self.counts(id).written
    }

    fn counts(&self, id: CursorId) -> RowCounts {
        self.cursors.get(id).map_or_else(RowCounts::default, Cursor::counts)
    }

    /// Drops the rows that the cursor still has; its counts stay.
    pub fn end_cursor(&mut self, id: CursorId) {
        let slot = self.slot.clone();
        self.cursors.end(id, &slot);
    }

    /// Closes the cursor and forgets it; to be called when nobody can ask for it any more.
    pub fn close_cursor(&mut self, id: CursorId) {
        let slot = self.slot.clone();
        self.cursors.remove(id, &slot);
    }
}
