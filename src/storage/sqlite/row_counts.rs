//! How many rows a run of a statement has read and written, as the platform bills them.
//!
//! SQLite counts them itself, in lines that `build/sqlite.rs` adds to it.
//!
//! Fidelity: `patches/sqlite/0001-row-counts-plain.patch` of workerd names the places that count;
//! `fixtures/row-counts` holds its counts.

use rusqlite::ffi;

use super::Statement;

unsafe extern "C" {
    /// Writes rows read and rows written to the two numbers at `counts`.
    fn dodev_row_counts(statement: *mut ffi::sqlite3_stmt, counts: *mut u64);
    fn dodev_forget_row_counts(statement: *mut ffi::sqlite3_stmt);
}

/// Rows read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RowCounts {
    pub read: u64,
    pub written: u64,
}

impl Statement {
    /// The counts of all runs since [`Statement::forget_row_counts`], with those of the run that has not ended.
    pub fn row_counts(&self) -> RowCounts {
        let mut counts = [0; 2];
        // SAFETY: the statement is live, and there is room for two numbers.
        unsafe { dodev_row_counts(self.raw, counts.as_mut_ptr()) };
        let [read, written] = counts;
        RowCounts { read, written }
    }

    /// Counts from zero again.
    pub fn forget_row_counts(&mut self) {
        // SAFETY: the statement is live.
        unsafe { dodev_forget_row_counts(self.raw) };
    }

    /// How often SQLite compiled it again because tables changed; its columns may differ then.
    pub fn recompilations(&self) -> u64 {
        // SAFETY: the statement is live.
        let count = unsafe { ffi::sqlite3_stmt_status(self.raw, ffi::SQLITE_STMTSTATUS_REPREPARE, 0) };
        u64::try_from(count).unwrap_or(0)
    }
}
