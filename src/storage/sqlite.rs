//! A small safe face of SQLite's C interface: databases, statements, values.
//!
//! The object store needs statements that live as long as a JavaScript cursor, a cache of them, the
//! authorizer and the exact error texts of the platform; rusqlite's borrowed statements give none
//! of these. So this file wraps the C functions directly and holds all `unsafe` code of the folder.
//! It knows nothing of objects, keys or transactions.
//!
//! Invariant: a statement keeps its database open (`Rc<Handle>`), values borrow the statement, and
//! stepping needs `&mut`: nothing read from SQLite can be used after it has gone.

mod interrupt;
mod log;
mod row_counts;
mod steps;
#[cfg(windows)]
mod time;

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::path::Path;
use std::ptr::{null, null_mut};
use std::rc::Rc;
use std::slice;
use std::sync::{Arc, Once};

use rusqlite::ffi;

use super::failure::{Failure, SqliteFailure};
use super::guard::{Action, Guard, Mode};
use super::value::ValueRef;
use crate::base::limits;

use interrupt::is_interrupted;
pub use interrupt::{Interrupt, interrupt_when};
pub use log::{LogIndex, LogState};
pub use row_counts::RowCounts;
use steps::count_step;
pub use steps::steps;

/// How long a statement waits for another process that holds the file's write lock.
const BUSY_TIMEOUT_MS: c_int = 2_000;
/// SQLite's own ceiling for one string, blob or row; used for everything but user statements.
const LENGTH_CEILING: c_int = 1_000_000_000;

/// Instructions of a statement between two looks at the interrupt flag: some 100 µs.
const INTERRUPT_EVERY: c_int = 10_000;

/// What to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// A file, which must exist.
    Existing,
    /// A private database in memory.
    Memory,
}

/// An open connection. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Database(Rc<Handle>);

#[derive(Debug)]
struct Handle {
    raw: *mut ffi::sqlite3,
    /// Boxed so that the authorizer's pointer to it stays valid when the handle moves.
    guard: Box<Guard>,
    /// Frames that the last commit left in the log; boxed for the hook that notes them.
    frames: Box<Cell<u32>>,
    /// Kept alive for the progress handler, which points to it.
    interrupt: Interrupt,
}

/// A compiled statement.
#[derive(Debug)]
pub struct Statement {
    raw: *mut ffi::sqlite3_stmt,
    db: Rc<Handle>,
    mode: Mode,
}

/// What compiling the front of a text gave.
#[derive(Debug)]
pub struct Compiled {
    /// The first statement of the text; `None` for white space, comments and empty statements.
    pub statement: Option<Statement>,
    /// Bytes of the text that were consumed.
    pub consumed: usize,
}

/// Sets what SQLite allows to be set only once per process. Called by every [`Database::open`].
///
/// Measured: without per-connection lookaside and page-cache bulk an open database costs 69 KB
/// instead of 188 KB, and without memory statistics no global mutex is taken per allocation.
fn configure_process() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: plain calls with the argument types that the options document. They fail with
        // SQLITE_MISUSE, harmlessly, when somebody initialized SQLite before; the results are
        // therefore not needed.
        unsafe {
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_LOOKASIDE, 0 as c_int, 0 as c_int);
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_PAGECACHE, null_mut::<c_void>(), 0 as c_int, 0 as c_int);
            ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, 0 as c_int);
            ffi::sqlite3_initialize();
        }
        #[cfg(windows)]
        time::follow_clock();
    });
}

impl Database {
    /// Opens `path` for reading and writing, with the authorizer and the limits in place.
    pub fn open(path: &Path, mode: OpenMode, interrupt: &Interrupt) -> Result<Self, SqliteFailure> {
        configure_process();
        let name = match mode {
            OpenMode::Existing => {
                path.to_str().and_then(|text| CString::new(text).ok()).ok_or_else(|| {
                    SqliteFailure::new(ffi::SQLITE_CANTOPEN, "the path is not valid UTF-8: SQLITE_CANTOPEN")
                })?
            }
            OpenMode::Memory => c":memory:".to_owned(),
        };
        let mut raw = null_mut();
        let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_NOMUTEX;
        // SAFETY: `name` is a C string that outlives the call, `raw` a place for the result.
        let code = unsafe { ffi::sqlite3_open_v2(name.as_ptr(), &mut raw, flags, null()) };
        let interrupt = interrupt.clone();
        let handle = Handle { raw, guard: Box::default(), frames: Box::default(), interrupt };
        if code != ffi::SQLITE_OK {
            return Err(handle.failure(code));
        }
        handle.secure();
        Ok(Self(Rc::new(handle)))
    }

    /// Compiles the first statement of `sql`; `persistent` says that it will be kept and reused.
    pub fn compile(&self, sql: &str, mode: Mode, persistent: bool) -> Result<Compiled, Failure> {
        let _scope = self.0.enter(mode);
        self.0.guard.begin_statement();
        let result = self.compile_once(sql, mode, persistent);
        result.map_err(|failure| match self.0.guard.take_refusal() {
            Some(refusal) if failure.code() == ffi::SQLITE_AUTH => Failure::Refused(refusal),
            _ => Failure::Sqlite(failure),
        })
    }

    fn compile_once(&self, sql: &str, mode: Mode, persistent: bool) -> Result<Compiled, SqliteFailure> {
        let mut raw = null_mut();
        let mut tail: *const c_char = null();
        let flags = if persistent { ffi::SQLITE_PREPARE_PERSISTENT } else { 0 };
        let start = sql.as_ptr().cast::<c_char>();
        let length = c_int::try_from(sql.len())
            .map_err(|_| SqliteFailure::new(ffi::SQLITE_TOOBIG, "statement too long: SQLITE_TOOBIG"))?;
        // SAFETY: text and length describe `sql`; the results are places on this stack.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(self.0.raw, start, length, flags as c_uint, &mut raw, &mut tail)
        };
        if code != ffi::SQLITE_OK {
            return Err(self.0.failure(code));
        }
        let consumed = if tail.is_null() { sql.len() } else { tail as usize - start as usize };
        let statement = (!raw.is_null()).then(|| Statement { raw, db: self.0.clone(), mode });
        Ok(Compiled { statement, consumed: consumed.min(sql.len()) })
    }

    /// Compiles one trusted statement that is kept.
    pub fn prepare(&self, sql: &str) -> Result<Statement, SqliteFailure> {
        let compiled = self.compile(sql, Mode::Trusted, true).map_err(Failure::into_sqlite)?;
        Ok(compiled.statement.expect("our own SQL contains a statement"))
    }

    /// Compiles and runs one trusted statement, dropping its rows.
    pub fn run(&self, sql: &str) -> Result<(), SqliteFailure> {
        let compiled = self.compile(sql, Mode::Trusted, false).map_err(Failure::into_sqlite)?;
        compiled.statement.expect("our own SQL contains a statement").run()
    }

    /// Runs one trusted statement and returns the integer in the first column of its first row.
    pub fn integer(&self, sql: &str) -> Result<Option<i64>, SqliteFailure> {
        let compiled = self.compile(sql, Mode::Trusted, false).map_err(Failure::into_sqlite)?;
        let mut statement = compiled.statement.expect("our own SQL contains a statement");
        if !statement.step()? {
            return Ok(None);
        }
        Ok(match statement.column(0) {
            ValueRef::Integer(value) => Some(value),
            _ => None,
        })
    }

    /// Whether a transaction is open. SQLite ends one by itself after some errors.
    pub fn in_transaction(&self) -> bool {
        // SAFETY: the handle is open.
        unsafe { ffi::sqlite3_get_autocommit(self.0.raw) == 0 }
    }

    /// Rows changed by the last finished INSERT, UPDATE or DELETE.
    pub fn changes(&self) -> u64 {
        // SAFETY: the handle is open.
        unsafe { ffi::sqlite3_changes64(self.0.raw) }.try_into().unwrap_or(0)
    }

    /// Makes closing leave the write-ahead log as it is.
    pub fn leave_log(&self) {
        // SAFETY: the handle is open; the option takes an int and a place or null.
        unsafe {
            let option = ffi::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
            ffi::sqlite3_db_config(self.0.raw, option, 1 as c_int, null_mut::<c_int>());
        }
    }

    /// The whole database as the bytes of a file.
    pub fn serialize(&self) -> Option<Vec<u8>> {
        let mut size = 0;
        // SAFETY: "main" names the database; the returned buffer is ours until `sqlite3_free`.
        unsafe {
            let bytes = ffi::sqlite3_serialize(self.0.raw, c"main".as_ptr(), &mut size, 0);
            if bytes.is_null() {
                return None;
            }
            let copy = slice::from_raw_parts(bytes, size as usize).to_vec();
            ffi::sqlite3_free(bytes.cast());
            Some(copy)
        }
    }
}

/// Puts the handle back into the trusted mode when the user's statement is done.
struct Scope<'a>(Option<&'a Handle>);

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        if let Some(handle) = self.0 {
            handle.guard.set_mode(Mode::Trusted);
            handle.limit(ffi::SQLITE_LIMIT_LENGTH, LENGTH_CEILING);
        }
    }
}

impl Handle {
    /// Fidelity: workerd's `setupSecurity` in `src/workerd/util/sqlite.c++`, except the length of
    /// values, which follows production (see [`Handle::enter`]).
    fn secure(&self) {
        let guard: *const Guard = &*self.guard;
        let interrupt = Arc::as_ptr(&self.interrupt).cast_mut().cast();
        // SAFETY: the handle is open; `guard` is boxed, `interrupt` counted, and both live as long as
        // the handle.
        unsafe {
            ffi::sqlite3_progress_handler(self.raw, INTERRUPT_EVERY, Some(is_interrupted), interrupt);
            ffi::sqlite3_db_config(self.raw, ffi::SQLITE_DBCONFIG_DEFENSIVE, 1 as c_int, null_mut::<c_int>());
            ffi::sqlite3_db_config(
                self.raw,
                ffi::SQLITE_DBCONFIG_ENABLE_FKEY,
                1 as c_int,
                null_mut::<c_int>(),
            );
            ffi::sqlite3_busy_timeout(self.raw, BUSY_TIMEOUT_MS);
            ffi::sqlite3_set_authorizer(self.raw, Some(authorize), guard.cast_mut().cast());
        }
        for (limit, value) in [
            (ffi::SQLITE_LIMIT_LENGTH, LENGTH_CEILING),
            (ffi::SQLITE_LIMIT_SQL_LENGTH, limits::SQL_LENGTH_BYTES as c_int),
            (ffi::SQLITE_LIMIT_COLUMN, limits::SQL_COLUMNS as c_int),
            (ffi::SQLITE_LIMIT_EXPR_DEPTH, 100),
            (ffi::SQLITE_LIMIT_COMPOUND_SELECT, 5),
            (ffi::SQLITE_LIMIT_VDBE_OP, 25_000),
            (ffi::SQLITE_LIMIT_FUNCTION_ARG, 127),
            (ffi::SQLITE_LIMIT_ATTACHED, 0),
            (ffi::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
            (ffi::SQLITE_LIMIT_VARIABLE_NUMBER, limits::SQL_PARAMETERS as c_int),
            (ffi::SQLITE_LIMIT_TRIGGER_DEPTH, 10),
            (ffi::SQLITE_LIMIT_WORKER_THREADS, 0),
        ] {
            self.limit(limit, value);
        }
    }

    fn limit(&self, limit: c_int, value: c_int) {
        // SAFETY: the handle is open; unknown limits are ignored.
        unsafe { ffi::sqlite3_limit(self.raw, limit, value) };
    }

    /// Applies the user's rules until the scope ends: the authorizer's and the size of values.
    ///
    /// Our own statements have no such limit, because state written by other tools may hold larger
    /// values that must stay readable.
    fn enter(&self, mode: Mode) -> Scope<'_> {
        if mode == Mode::Trusted {
            return Scope(None);
        }
        self.guard.set_mode(mode);
        self.limit(ffi::SQLITE_LIMIT_LENGTH, limits::SQLITE_VALUE_BYTES as c_int);
        Scope(Some(self))
    }

    /// The error that SQLite remembers, in the platform's words.
    fn failure(&self, code: c_int) -> SqliteFailure {
        if self.raw.is_null() {
            return SqliteFailure::new(code, "out of memory: SQLITE_NOMEM");
        }
        // SAFETY: the handle is open; the message lives until the next call, it is copied at once.
        let (message, offset, extended) = unsafe {
            let message = CStr::from_ptr(ffi::sqlite3_errmsg(self.raw)).to_string_lossy().into_owned();
            (message, ffi::sqlite3_error_offset(self.raw), ffi::sqlite3_extended_errcode(self.raw))
        };
        SqliteFailure::from_parts(code, extended, message, offset)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: nothing refers to the handle any more: statements hold an `Rc` of it.
        unsafe { ffi::sqlite3_close(self.raw) };
    }
}

impl Statement {
    /// Number of parameters to bind.
    pub fn parameter_count(&self) -> usize {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_bind_parameter_count(self.raw) }.try_into().unwrap_or(0)
    }

    /// Whether running it leaves the database file as it is.
    pub fn is_readonly(&self) -> bool {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_stmt_readonly(self.raw) != 0 }
    }

    /// The text it was compiled from.
    pub fn sql(&self) -> &str {
        // SAFETY: the statement is live and owns its text, which came from a `&str`.
        unsafe { CStr::from_ptr(ffi::sqlite3_sql(self.raw)) }.to_str().unwrap_or_default()
    }

    /// The connection it belongs to.
    pub fn database(&self) -> Database {
        Database(self.db.clone())
    }

    /// Binds `value` to the parameter `index` (from 0), copying text and bytes.
    pub fn bind(&mut self, index: usize, value: ValueRef<'_>) -> Result<(), SqliteFailure> {
        let at = c_int::try_from(index + 1).unwrap_or(c_int::MAX);
        let _scope = self.db.enter(self.mode);
        // SAFETY: the statement is live; pointers and lengths describe borrowed slices, which
        // SQLITE_TRANSIENT copies before the call returns.
        let code = unsafe {
            match value {
                ValueRef::Null => ffi::sqlite3_bind_null(self.raw, at),
                ValueRef::Integer(value) => ffi::sqlite3_bind_int64(self.raw, at, value),
                ValueRef::Real(value) => ffi::sqlite3_bind_double(self.raw, at, value),
                ValueRef::Text(text) => ffi::sqlite3_bind_text64(
                    self.raw,
                    at,
                    pointer(text).cast(),
                    text.len() as u64,
                    ffi::SQLITE_TRANSIENT(),
                    ffi::SQLITE_UTF8 as u8,
                ),
                ValueRef::Blob(bytes) => ffi::sqlite3_bind_blob64(
                    self.raw,
                    at,
                    pointer(bytes).cast(),
                    bytes.len() as u64,
                    ffi::SQLITE_TRANSIENT(),
                ),
            }
        };
        if code == ffi::SQLITE_OK { Ok(()) } else { Err(self.db.failure(code)) }
    }

    /// Moves to the next row: whether there is one.
    pub fn step(&mut self) -> Result<bool, SqliteFailure> {
        count_step();
        let scope = self.db.enter(self.mode);
        // SAFETY: the statement is live.
        let result = match unsafe { ffi::sqlite3_step(self.raw) } {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => Ok(false),
            code => Err(self.db.failure(code)),
        };
        drop(scope);
        if result.is_err() {
            self.reset();
        }
        result
    }

    /// Runs it to its end, drops its rows and makes it ready to run again.
    pub fn run(&mut self) -> Result<(), SqliteFailure> {
        while self.step()? {}
        self.reset();
        Ok(())
    }

    /// Ends the run and drops the bound values.
    pub fn reset(&mut self) {
        // SAFETY: the statement is live. The results repeat the error of the last step.
        unsafe {
            ffi::sqlite3_reset(self.raw);
            ffi::sqlite3_clear_bindings(self.raw);
        }
    }

    /// Number of columns of a row.
    pub fn column_count(&self) -> usize {
        // SAFETY: the statement is live.
        unsafe { ffi::sqlite3_column_count(self.raw) }.try_into().unwrap_or(0)
    }

    /// Names of the columns.
    pub fn column_names(&self) -> Rc<[String]> {
        let name = |index| {
            // SAFETY: the statement is live; the name is copied before the next call.
            unsafe { text(ffi::sqlite3_column_name(self.raw, index as c_int)) }
                .map_or_else(String::new, |name| String::from_utf8_lossy(name).into_owned())
        };
        (0..self.column_count()).map(name).collect()
    }

    /// Value of the column `index` in the current row.
    pub fn column(&self, index: usize) -> ValueRef<'_> {
        let at = index as c_int;
        // SAFETY: the statement is live; without a row or column the type is NULL. The slices live
        // until the statement is stepped or reset, which needs `&mut self`.
        unsafe {
            match ffi::sqlite3_column_type(self.raw, at) {
                ffi::SQLITE_INTEGER => ValueRef::Integer(ffi::sqlite3_column_int64(self.raw, at)),
                ffi::SQLITE_FLOAT => ValueRef::Real(ffi::sqlite3_column_double(self.raw, at)),
                ffi::SQLITE_TEXT => {
                    let text = ffi::sqlite3_column_text(self.raw, at);
                    ValueRef::Text(bytes(text, ffi::sqlite3_column_bytes(self.raw, at)))
                }
                ffi::SQLITE_BLOB => {
                    let blob = ffi::sqlite3_column_blob(self.raw, at).cast();
                    ValueRef::Blob(bytes(blob, ffi::sqlite3_column_bytes(self.raw, at)))
                }
                _ => ValueRef::Null,
            }
        }
    }

    /// Whether a text compiled since this was last asked changes a setting of the connection.
    pub fn take_touched_settings(&self) -> bool {
        self.db.guard.take_touched_settings()
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: the statement is live and this is its only owner.
        unsafe { ffi::sqlite3_finalize(self.raw) };
    }
}

/// A pointer that is never null, so that SQLite tells an empty slice from NULL.
fn pointer(slice: &[u8]) -> *const u8 {
    if slice.is_empty() { c"".as_ptr().cast() } else { slice.as_ptr() }
}

/// # Safety
/// `start` is null or points to `length` bytes that live for `'a`.
unsafe fn bytes<'a>(start: *const u8, length: c_int) -> &'a [u8] {
    match usize::try_from(length) {
        // SAFETY: by this function's contract.
        Ok(length) if length > 0 && !start.is_null() => unsafe { slice::from_raw_parts(start, length) },
        _ => &[],
    }
}

/// # Safety
/// `text` is null or a C string that lives for `'a`.
unsafe fn text<'a>(text: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: by this function's contract.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// The authorizer: SQLite asks it about every part of a statement while compiling.
unsafe extern "C" fn authorize(
    guard: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    database: *const c_char,
    _trigger: *const c_char,
) -> c_int {
    // SAFETY: `guard` is the boxed guard of the handle that calls, and the texts are null or C
    // strings that live during the call.
    let allowed = unsafe {
        let guard = &*guard.cast::<Guard>();
        guard.mode() == Mode::Trusted
            || guard.allows(&Action {
                code: action,
                first: text(first),
                second: text(second),
                database: text(database),
            })
    };
    if allowed { ffi::SQLITE_OK } else { ffi::SQLITE_DENY }
}
