//! Opens a database so that nothing on disk changes: no file is made, none is written, no lock is taken.
//!
//! A file without a log is opened as immutable. One with a log is opened with SQLite's VFS without locks and in
//! exclusive mode, so that the index of the log is built in memory instead of in a `-shm` file. Without locks a live
//! server may write meanwhile, so a look is done in a closure and done again when a checkpoint or a new log was
//! noticed: appended commits do no harm, for the end of the log is fixed when it is opened.
//!
//! Invariant: not for the process that serves the state. Closing a file drops that process's own locks on it.

use std::ffi::CStr;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use url::Url;

use super::book::recorded_name;
use super::failure::{InspectError, Result};
use super::name::{HEAD_BYTES, Told, from_head};

/// How often a file is read again because it changed meanwhile.
const TRIES: usize = 8;
/// Bytes of a log's header; it changes when the log starts anew.
const LOG_HEADER_BYTES: usize = 32;

/// SQLite's way to the files of this system that takes no locks.
const WITHOUT_LOCKS: &CStr = if cfg!(windows) { c"win32-none" } else { c"unix-none" };

/// What must stay the same while a file is read.
#[derive(Debug, PartialEq, Eq)]
struct Print {
    size_bytes: u64,
    modified_ns: u128,
    log: Option<[u8; LOG_HEADER_BYTES]>,
}

impl Print {
    /// Of the database `path`; `None` if there is none or it is empty.
    fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok().filter(|metadata| metadata.len() > 0)?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut header = [0; LOG_HEADER_BYTES];
        let read = File::open(log_of(path)).and_then(|mut file| file.read_exact(&mut header));
        Some(Self {
            size_bytes: metadata.len(),
            modified_ns: modified.as_nanos(),
            log: read.is_ok().then_some(header),
        })
    }
}

/// The write-ahead log beside the database `path`.
pub fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Looks into the database `path` with `look`; `None` if there is none or it is empty.
///
/// `look` may run several times. `object` names the file's owner in errors.
pub fn read<R>(
    path: &Path,
    object: &str,
    mut look: impl FnMut(&Connection) -> rusqlite::Result<R>,
) -> Result<Option<R>> {
    let mut tries = 0;
    loop {
        let Some(before) = Print::of(path) else { return Ok(None) };
        let result = open(path, before.log.is_some()).and_then(|connection| look(&connection));
        tries += 1;
        if tries < TRIES && Print::of(path).as_ref() != Some(&before) {
            continue;
        }
        return result.map(Some).map_err(|error| failed(path, object, error));
    }
}

/// The name that the object's database `path` carries.
pub fn name(path: &Path, object: &str) -> Result<Option<String>> {
    let has_log = fs::metadata(log_of(path)).is_ok_and(|metadata| metadata.len() > 0);
    if !has_log && let Told::Name(name) = told_name(path) {
        return Ok(name);
    }
    Ok(read(path, object, recorded_name)?.flatten())
}

fn told_name(path: &Path) -> Told {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let read = File::open(path).and_then(|file| {
        let size_bytes = file.metadata()?.len();
        file.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
        Ok(size_bytes)
    });
    read.map_or(Told::Unknown, |size_bytes| from_head(&head, size_bytes))
}

/// Copies the database `path` with its log to `target` so that the two fit; whether there was one.
///
/// Shares the blocks where the file system can.
pub fn copy(path: &Path, target: &Path) -> Result<bool> {
    let mut tries = 0;
    loop {
        let Some(before) = Print::of(path) else { return Ok(false) };
        for (from, to) in [(path.to_owned(), target.to_owned()), (log_of(path), log_of(target))] {
            match fs::remove_file(&to) {
                Err(reason) if reason.kind() != std::io::ErrorKind::NotFound => {
                    return Err(InspectError::io("replace", &to)(reason));
                }
                _ => {}
            }
            if from != path && before.log.is_none() {
                continue;
            }
            if let Err(reason) = reflink_copy::reflink_or_copy(&from, &to)
                && reason.kind() != std::io::ErrorKind::NotFound
            {
                return Err(InspectError::io("copy", &from)(reason));
            }
        }
        tries += 1;
        if tries >= TRIES || Print::of(path).as_ref() == Some(&before) {
            return Ok(true);
        }
    }
}

fn open(path: &Path, has_log: bool) -> rusqlite::Result<Connection> {
    let base = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if has_log {
        let connection = Connection::open_with_flags_and_vfs(path, base, WITHOUT_LOCKS)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.pragma_update(None, "locking_mode", "exclusive")?;
        connection
    } else {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut url =
            Url::from_file_path(&absolute).map_err(|()| rusqlite::Error::InvalidPath(path.to_owned()))?;
        url.set_query(Some("immutable=1"));
        Connection::open_with_flags(url.as_str(), base | OpenFlags::SQLITE_OPEN_URI)?
    };
    Ok(connection)
}

/// The failure that SQLite's `error` about the file `path` of `object` is.
pub fn failed(path: &Path, object: &str, error: rusqlite::Error) -> InspectError {
    let code = error.sqlite_error_code();
    let is_statement =
        matches!(code, Some(rusqlite::ErrorCode::Unknown | rusqlite::ErrorCode::ConstraintViolation))
            || (code.is_none() && !matches!(error, rusqlite::Error::InvalidPath(_)));
    let reason = match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message,
        rusqlite::Error::SqlInputError { msg, .. } => return InspectError::Sql(msg),
        other => other.to_string(),
    };
    if is_statement {
        return InspectError::Sql(reason);
    }
    InspectError::Damaged { object: object.to_owned(), path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_repeated_when_a_checkpoint_came_between() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a b?#.sqlite");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1);")
            .unwrap();
        let mut looks = 0;
        let rows = read(&path, "it", |connection| {
            looks += 1;
            if looks == 1 {
                writer.execute_batch("INSERT INTO t VALUES (2); PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
            }
            connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))
        });
        assert_eq!((rows.unwrap(), looks), (Some(2), 2));

        // An appended commit is no reason: the end of the log was fixed before.
        writer.execute_batch("INSERT INTO t VALUES (3);").unwrap();
        let mut looks = 0;
        let rows = read(&path, "it", |connection| {
            looks += 1;
            writer.execute_batch("INSERT INTO t VALUES (4);").unwrap();
            let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
            Ok((count("SELECT count(*) FROM t")?, count("SELECT max(a) FROM t")?))
        });
        let (count, most) = rows.unwrap().unwrap();
        assert_eq!((looks, count - most), (1, 0), "one state, not a mixture of two");
    }

    #[test]
    fn copies_have_what_the_log_has() {
        let directory = tempfile::tempdir().unwrap();
        let (path, target) = (directory.path().join("a.sqlite"), directory.path().join("b.sqlite"));
        assert!(!copy(&path, &target).unwrap());
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (7);")
            .unwrap();
        assert!(copy(&path, &target).unwrap());
        let found = read(&target, "it", |connection| {
            connection.query_row("SELECT a FROM t", [], |row| row.get::<_, i64>(0))
        });
        assert_eq!(found.unwrap(), Some(7));
    }
}
