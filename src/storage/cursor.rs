//! The rows of a user's statement, one read ahead.
//!
//! A statement that only reads stays open and pins its connection until it has ended or is closed;
//! the rows of one that writes are kept here, because the platform runs such a statement to its end
//! whether somebody looks at its rows or not, and because SQLite commits nothing while it is open.

use std::collections::VecDeque;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::connection::SharedText;
use super::connections::Slot;
use super::sqlite::{RowCounts, Statement};
use super::value::{SqlValue, ValueRef};

/// A cursor of one object's storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CursorId(u32);

/// The current row, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct RowRef<'a>(Row<'a>);

#[derive(Debug, Clone, Copy)]
enum Row<'a> {
    Live(&'a Statement),
    Kept(&'a [SqlValue]),
}

impl<'a> RowRef<'a> {
    pub fn live(statement: &'a Statement) -> Self {
        Self(Row::Live(statement))
    }

    pub fn kept(values: &'a [SqlValue]) -> Self {
        Self(Row::Kept(values))
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        match self.0 {
            Row::Live(statement) => statement.column_count(),
            Row::Kept(values) => values.len(),
        }
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value in the column `index`; NULL if there is no such column.
    pub fn get(&self, index: usize) -> ValueRef<'a> {
        match self.0 {
            Row::Live(statement) => statement.column(index),
            Row::Kept(values) => values.get(index).map_or(ValueRef::Null, SqlValue::as_ref),
        }
    }
}

/// Where a cursor's rows come from.
#[derive(Debug)]
pub enum Rows {
    /// From an open statement that stands on a row.
    Live(SharedText),
    /// From here.
    Kept(VecDeque<Vec<SqlValue>>),
    /// From a database that was deleted before they were read.
    Deleted,
}

/// One cursor.
#[derive(Debug)]
pub struct Cursor {
    pub rows: Rows,
    pub columns: Rc<[String]>,
    /// Rows read and written by a run that has ended.
    pub counts: RowCounts,
}

/// All cursors of an object's storage.
#[derive(Debug, Default)]
pub struct Cursors {
    open: FxHashMap<CursorId, Cursor>,
    next: u32,
}

impl Cursors {
    /// Adds a cursor; a live one pins the connection in `slot`.
    pub fn add(&mut self, cursor: Cursor, slot: &Slot) -> CursorId {
        if matches!(cursor.rows, Rows::Live(_)) {
            slot.pin();
        }
        let id = CursorId(self.next);
        self.next = self.next.wrapping_add(1);
        self.open.insert(id, cursor);
        id
    }

    pub fn get(&self, id: CursorId) -> Option<&Cursor> {
        self.open.get(&id)
    }

    pub fn get_mut(&mut self, id: CursorId) -> Option<&mut Cursor> {
        self.open.get_mut(&id)
    }

    /// Ends the cursor's statement.
    pub fn end(&mut self, id: CursorId, slot: &Slot) {
        if let Some(cursor) = self.open.get_mut(&id) {
            cursor.end(slot);
        }
    }

    /// Forgets the cursor.
    pub fn remove(&mut self, id: CursorId, slot: &Slot) {
        self.end(id, slot);
        self.open.remove(&id);
    }

    /// Ends all cursors.
    pub fn close_all(&mut self, slot: &Slot) {
        self.open.values_mut().for_each(|cursor| cursor.end(slot));
    }
}

impl Cursors {
    /// Ends all cursors because the database is deleted: whoever asks for a row that was not read is told.
    pub fn delete_all(&mut self, slot: &Slot) {
        for cursor in self.open.values_mut().filter(|cursor| matches!(cursor.rows, Rows::Live(_))) {
            cursor.end(slot);
            cursor.rows = Rows::Deleted;
        }
    }
}

impl Cursor {
    fn end(&mut self, slot: &Slot) {
        self.counts = self.counts();
        let rows = std::mem::replace(&mut self.rows, Rows::Kept(VecDeque::new()));
        if let Rows::Live(text) = rows {
            text.borrow_mut().last.reset();
            slot.unpin();
        }
    }

    /// Rows read and written so far.
    pub fn counts(&self) -> RowCounts {
        match &self.rows {
            Rows::Live(text) => text.borrow().last.row_counts(),
            // Fidelity: the platform reads the rows of `RETURNING` one by one, the first of them when the statement runs.
            Rows::Kept(rows) => {
                let ahead = rows.len().saturating_sub(1) as u64;
                RowCounts { read: self.counts.read.saturating_sub(ahead), ..self.counts }
            }
            Rows::Deleted => self.counts,
        }
    }
}
