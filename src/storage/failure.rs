//! What can go wrong in storage, and in which words.
//!
//! Texts that a program can see are the platform's to the byte: SQLite's message, the offset, the
//! name of the code and, where it says more, of the extended code. Which JavaScript class carries a
//! text is decided above; each variant says which one the platform uses.

use std::path::PathBuf;

use rusqlite::ffi;

use super::history::HistoryError;
use crate::base::limits;

/// An error of SQLite: its result codes and the text for the user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SqliteFailure {
    code: i32,
    extended: i32,
    message: String,
}

impl SqliteFailure {
    /// A failure with a ready text.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, extended: code, message: message.into() }
    }

    /// A failure from SQLite's `text`, with the `offset` into the statement where known (else -1).
    ///
    /// Fidelity: workerd, `dbErrorMessage` in `src/workerd/util/sqlite.c++`.
    pub fn from_parts(code: i32, extended: i32, text: String, offset: i32) -> Self {
        let primary = code & 0xff;
        let mut message = text;
        if offset >= 0 {
            message.push_str(&format!(" at offset {offset}"));
        }
        message.push_str(": ");
        match code_name(primary) {
            Some(name) => message.push_str(name),
            None => message.push_str(&format!("SQLITE_UNKNOWN_ERROR_CODE({primary})")),
        }
        if extended != primary
            && let Some(name) = extended_name(extended)
        {
            message.push_str(&format!(" (extended: {name})"));
        }
        Self { code: primary, extended, message }
    }

    /// The primary result code.
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The extended result code.
    pub fn extended_code(&self) -> i32 {
        self.extended
    }

    /// Whether the file is no database or contradicts itself.
    pub fn is_damage(&self) -> bool {
        matches!(self.code, ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB)
    }

    /// Whether SQLite may have rolled back the whole transaction because of it.
    ///
    /// Fidelity: <https://www.sqlite.org/lang_transaction.html>, "response to errors within a
    /// transaction".
    pub fn may_end_transaction(&self) -> bool {
        matches!(self.code, ffi::SQLITE_FULL | ffi::SQLITE_IOERR | ffi::SQLITE_NOMEM | ffi::SQLITE_INTERRUPT)
    }

    /// Whether the text is not SQL, as far as SQLite's parser knows it.
    pub fn is_syntax_error(&self) -> bool {
        self.code == ffi::SQLITE_ERROR && self.message.contains(": syntax error")
    }

    /// The byte of the statement that the text points to.
    pub fn offset(&self) -> Option<usize> {
        let rest = self.message.rsplit_once(" at offset ")?.1;
        rest.split(':').next()?.parse().ok()
    }

    /// The same failure, pointing to another byte of the statement, or to none.
    pub fn with_offset(mut self, offset: Option<usize>) -> Self {
        if let Some(old) = self.offset() {
            let new = offset.map_or_else(String::new, |offset| format!(" at offset {offset}"));
            self.message = self.message.replacen(&format!(" at offset {old}"), &new, 1);
        }
        self
    }
}

/// Why a statement could not be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It is forbidden or no statement at all, in words of our own.
    #[error("{0}")]
    Refused(String),
    /// SQLite said so.
    #[error(transparent)]
    Sqlite(#[from] SqliteFailure),
}

impl Failure {
    /// The failure as SQLite's, for our own statements, which nothing refuses.
    pub fn into_sqlite(self) -> SqliteFailure {
        match self {
            Self::Refused(message) => SqliteFailure::new(ffi::SQLITE_AUTH, message),
            Self::Sqlite(failure) => failure,
        }
    }
}

/// An operation on the keys, the alarm or the file of an object failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// JavaScript: `RangeError`.
    #[error("Keys cannot be larger than {max} bytes. A key of size {0} was provided.", max = limits::KV_KEY_BYTES)]
    KeyTooLarge(usize),
    /// JavaScript: `RangeError`. Objects of KV-backed classes only.
    #[error("Values cannot be larger than {max} bytes. A value of size {0} was provided.", max = limits::KV_VALUE_BYTES)]
    ValueTooLarge(usize),
    /// JavaScript: `Error`. Objects of SQLite-backed classes only.
    #[error("string or blob too big: SQLITE_TOOBIG")]
    TooBig,
    /// JavaScript: `TypeError`.
    #[error("list() cannot be called with both start and startAfter values.")]
    StartAndStartAfter,
    /// JavaScript: `TypeError`.
    #[error("List limit must be positive.")]
    ListLimit,
    /// JavaScript: `Error`.
    #[error("Cannot call deleteAll() within a transaction")]
    DeleteAllInTransaction,
    /// The file is no database, or contradicts itself.
    #[error("the database of object `{object}` is damaged: {failure} (file `{}`)", path.display())]
    Damaged {
        /// The object's id.
        object: String,
        /// Its file.
        path: PathBuf,
        /// What SQLite said.
        failure: SqliteFailure,
    },
    /// SQLite failed for another reason.
    #[error("cannot {operation} the storage of object `{object}`: {failure} (file `{}`)", path.display())]
    Database {
        /// What was to be done, as a verb.
        operation: &'static str,
        /// The object's id.
        object: String,
        /// Its file.
        path: PathBuf,
        /// What SQLite said.
        failure: SqliteFailure,
    },
    /// The file system failed.
    #[error("cannot {operation} `{}`: {reason}", path.display())]
    Io {
        /// What was to be done, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// JavaScript: `Error`. The object has no such history.
    #[error("{0}")]
    History(String),
}

impl From<HistoryError> for StorageError {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Io { operation, path, reason } => Self::Io { operation, path, reason },
            other => Self::History(other.to_string()),
        }
    }
}

impl StorageError {
    /// Whether the user's value or arguments are at fault; anything else breaks the object.
    pub fn is_users(&self) -> bool {
        match self {
            Self::KeyTooLarge(_)
            | Self::ValueTooLarge(_)
            | Self::TooBig
            | Self::StartAndStartAfter
            | Self::ListLimit
            | Self::DeleteAllInTransaction
            | Self::History(_) => true,
            Self::Damaged { .. } | Self::Database { .. } | Self::Io { .. } => false,
        }
    }
}

/// A statement of the user's failed. JavaScript: always `Error`, with this text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SqlError {
    /// The statement is wrong, forbidden, or violates a constraint; the object lives on.
    #[error("{0}")]
    Statement(String),
    /// The transaction is gone with all writes of the batch: the object must be reset.
    #[error("{0}")]
    Critical(String),
    /// The file could not be opened or read: the object must be reset.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl SqlError {
    /// Whether the object must be reset because its uncommitted writes are lost.
    pub fn is_critical(&self) -> bool {
        match self {
            Self::Statement(_) => false,
            Self::Critical(_) => true,
            Self::Storage(error) => !error.is_users(),
        }
    }
}

/// A batch could not be committed; everything since the last commit is rolled back, and the object
/// must be reset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A deferred constraint is violated. JavaScript: `Error`.
    ///
    /// Fidelity: workerd, `TxnCommitRegulator::onError` in `src/workerd/io/actor-sqlite.c++`.
    #[error(
        "Durable Object was reset and rolled back to its last known good state because the \
         application left the database in a state where constraints were violated: {0}"
    )]
    Constraint(SqliteFailure),
    /// The disk is full, the file damaged or held by another process.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

macro_rules! names {
    ($code:expr; $($name:ident)*) => {
        match $code {
            $(ffi::$name => Some(stringify!($name)),)*
            _ => None,
        }
    };
}

fn code_name(code: i32) -> Option<&'static str> {
    names!(code;
        SQLITE_OK SQLITE_ERROR SQLITE_INTERNAL SQLITE_PERM SQLITE_ABORT SQLITE_BUSY SQLITE_LOCKED SQLITE_NOMEM
        SQLITE_READONLY SQLITE_INTERRUPT SQLITE_IOERR SQLITE_CORRUPT SQLITE_NOTFOUND SQLITE_FULL
        SQLITE_CANTOPEN SQLITE_PROTOCOL SQLITE_EMPTY SQLITE_SCHEMA SQLITE_TOOBIG SQLITE_CONSTRAINT
        SQLITE_MISMATCH SQLITE_MISUSE SQLITE_NOLFS SQLITE_AUTH SQLITE_FORMAT SQLITE_RANGE SQLITE_NOTADB
        SQLITE_NOTICE SQLITE_WARNING SQLITE_ROW SQLITE_DONE)
}

fn extended_name(code: i32) -> Option<&'static str> {
    names!(code;
        SQLITE_ABORT_ROLLBACK SQLITE_AUTH_USER SQLITE_BUSY_RECOVERY SQLITE_BUSY_SNAPSHOT SQLITE_BUSY_TIMEOUT
        SQLITE_CANTOPEN_CONVPATH SQLITE_CANTOPEN_DIRTYWAL SQLITE_CANTOPEN_FULLPATH SQLITE_CANTOPEN_ISDIR
        SQLITE_CANTOPEN_NOTEMPDIR SQLITE_CANTOPEN_SYMLINK SQLITE_CONSTRAINT_CHECK SQLITE_CONSTRAINT_COMMITHOOK
        SQLITE_CONSTRAINT_DATATYPE SQLITE_CONSTRAINT_FOREIGNKEY SQLITE_CONSTRAINT_FUNCTION
        SQLITE_CONSTRAINT_NOTNULL SQLITE_CONSTRAINT_PINNED SQLITE_CONSTRAINT_PRIMARYKEY SQLITE_CONSTRAINT_ROWID
        SQLITE_CONSTRAINT_TRIGGER SQLITE_CONSTRAINT_UNIQUE SQLITE_CONSTRAINT_VTAB SQLITE_CORRUPT_INDEX
        SQLITE_CORRUPT_SEQUENCE SQLITE_CORRUPT_VTAB SQLITE_ERROR_MISSING_COLLSEQ SQLITE_ERROR_RETRY
        SQLITE_ERROR_SNAPSHOT SQLITE_IOERR_ACCESS SQLITE_IOERR_AUTH SQLITE_IOERR_BEGIN_ATOMIC
        SQLITE_IOERR_BLOCKED SQLITE_IOERR_CHECKRESERVEDLOCK SQLITE_IOERR_CLOSE SQLITE_IOERR_COMMIT_ATOMIC
        SQLITE_IOERR_CONVPATH SQLITE_IOERR_CORRUPTFS SQLITE_IOERR_DATA SQLITE_IOERR_DELETE
        SQLITE_IOERR_DELETE_NOENT SQLITE_IOERR_DIR_CLOSE SQLITE_IOERR_DIR_FSYNC SQLITE_IOERR_FSTAT
        SQLITE_IOERR_FSYNC SQLITE_IOERR_GETTEMPPATH SQLITE_IOERR_LOCK SQLITE_IOERR_MMAP SQLITE_IOERR_NOMEM
        SQLITE_IOERR_RDLOCK SQLITE_IOERR_READ SQLITE_IOERR_ROLLBACK_ATOMIC SQLITE_IOERR_SEEK
        SQLITE_IOERR_SHMLOCK SQLITE_IOERR_SHMMAP SQLITE_IOERR_SHMOPEN SQLITE_IOERR_SHMSIZE
        SQLITE_IOERR_SHORT_READ SQLITE_IOERR_TRUNCATE SQLITE_IOERR_UNLOCK SQLITE_IOERR_VNODE
        SQLITE_IOERR_WRITE SQLITE_LOCKED_SHAREDCACHE SQLITE_LOCKED_VTAB SQLITE_NOTICE_RECOVER_ROLLBACK
        SQLITE_NOTICE_RECOVER_WAL SQLITE_OK_LOAD_PERMANENTLY SQLITE_READONLY_CANTINIT
        SQLITE_READONLY_CANTLOCK SQLITE_READONLY_DBMOVED SQLITE_READONLY_DIRECTORY SQLITE_READONLY_RECOVERY
        SQLITE_READONLY_ROLLBACK SQLITE_WARNING_AUTOINDEX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_end_in_the_names_of_the_codes() {
        let text = |code, extended, text: &str, offset| {
            SqliteFailure::from_parts(code, extended, text.to_owned(), offset).to_string()
        };
        assert_eq!(text(1, 1, "incomplete input", -1), "incomplete input: SQLITE_ERROR");
        assert_eq!(text(1, 1, "near \"x\"", 7), "near \"x\" at offset 7: SQLITE_ERROR");
        assert_eq!(
            text(19, 2067, "UNIQUE constraint failed: u.a", -1),
            "UNIQUE constraint failed: u.a: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)"
        );
        assert_eq!(text(77, 77, "odd", -1), "odd: SQLITE_UNKNOWN_ERROR_CODE(77)");
    }
}
