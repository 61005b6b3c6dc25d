//! The program of a statement: its instructions, and how often each of them ran.
//!
//! SQLite counts runs when it was compiled with `SQLITE_ENABLE_STMT_SCANSTATUS`, and shows them in the table `bytecode` of
//! `SQLITE_ENABLE_BYTECODE_VTAB`; `.cargo/config.toml` sets both, `build.rs` says whether it was read.

use std::ffi::c_int;

use rusqlite::ffi;

use super::{Statement, ValueRef};
use crate::storage::failure::SqliteFailure;

/// Whether this SQLite counts.
pub const COUNTS_RUNS: bool = cfg!(sqlite_counts_runs);

const SELECT: &str = "SELECT addr, opcode, p1, p2, p3, p5, nexec FROM bytecode(?)";

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instruction {
    /// Its name, such as `SeekGE`.
    pub name: String,
    /// Operands.
    pub p1: i64,
    pub p2: i64,
    pub p3: i64,
    pub p5: i64,
    /// How often it ran.
    pub runs: u64,
}

impl Statement {
    /// Its programs, its own first, then those of triggers and foreign key actions. Empty without [`COUNTS_RUNS`], or
    /// when memory is short.
    pub fn programs(&self) -> Vec<Vec<Instruction>> {
        if COUNTS_RUNS { self.read_programs().unwrap_or_default() } else { Vec::new() }
    }

    fn read_programs(&self) -> Result<Vec<Vec<Instruction>>, SqliteFailure> {
        let mut listing = self.database().prepare(SELECT)?;
        let kind = c"stmt-pointer".as_ptr();
        // SAFETY: both statements are live, and `listing` ends before this function does. The kind is the one that the
        // table asks for; nobody frees the pointer.
        let code = unsafe { ffi::sqlite3_bind_pointer(listing.raw, 1, self.raw.cast(), kind, None) };
        if code != ffi::SQLITE_OK {
            return Err(listing.db.failure(code));
        }
        let mut programs = Vec::new();
        while listing.step()? {
            let number = |column| match listing.column(column) {
                ValueRef::Integer(value) => value,
                _ => 0,
            };
            if number(0) == 0 {
                programs.push(Vec::new());
            }
            let name = match listing.column(1) {
                ValueRef::Text(name) => String::from_utf8_lossy(name).into_owned(),
                _ => String::new(),
            };
            let instruction = Instruction {
                name,
                p1: number(2),
                p2: number(3),
                p3: number(4),
                p5: number(5),
                runs: number(6).try_into().unwrap_or(0),
            };
            programs.last_mut().expect("the first address is 0").push(instruction);
        }
        Ok(programs)
    }

    /// Steps of loops since the last [`Statement::forget_runs`]: of full scans, and of others.
    ///
    /// SQLite counts every successful step of a loop in one of three counters: full scans, scans of
    /// automatic indexes, and all the rest in the one without a name (0).
    pub fn loop_steps(&self) -> [u64; 2] {
        let full = self.counter(ffi::SQLITE_STMTSTATUS_FULLSCAN_STEP, false);
        [full, self.counter(0, false) + self.counter(ffi::SQLITE_STMTSTATUS_AUTOINDEX, false)]
    }

    /// Sets the counters of [`Statement::loop_steps`] and of its own program's instructions to zero. Those of triggers
    /// and foreign key actions go on.
    pub fn forget_runs(&self) {
        for counter in [0, ffi::SQLITE_STMTSTATUS_FULLSCAN_STEP, ffi::SQLITE_STMTSTATUS_AUTOINDEX] {
            self.counter(counter, true);
        }
        #[cfg(sqlite_counts_runs)]
        // SAFETY: the statement is live.
        unsafe {
            ffi::sqlite3_stmt_scanstatus_reset(self.raw);
        }
    }

    /// How often SQLite compiled it again because tables changed; its columns may differ then.
    pub fn recompilations(&self) -> u64 {
        self.counter(ffi::SQLITE_STMTSTATUS_REPREPARE, false)
    }

    fn counter(&self, counter: c_int, forget: bool) -> u64 {
        // SAFETY: the statement is live; unknown counters read as 0.
        let steps = unsafe { ffi::sqlite3_stmt_status(self.raw, counter, c_int::from(forget)) };
        u64::try_from(steps).unwrap_or(0)
    }
}
