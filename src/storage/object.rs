//! One object's storage: its file, its connection, and the life of both.
//!
//! The operations live in files of their own (`kv.rs`, `list.rs`, `sql.rs`, `txn.rs`, `alarm.rs`);
//! this one holds what they share. Making a store does no I/O: most objects of a namespace are never
//! awake, and reading from one that has no file must not make it exist.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::connection::Connection;
use super::connections::{Connections, Slot};
use super::cursor::Cursors;
use super::failure::{SqliteFailure, StorageError};
use super::history::{Cause, CauseKind};
use super::kv::KvCache;
use super::sqlite::{Database, Interrupt, OpenMode};
use super::template::{PAGE_BYTES, Template};
use super::txn::Transaction;
use crate::base::clock::Timestamp;

/// How the class of an object was declared; decides limits, not the file's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// `new_sqlite_classes`.
    Sqlite,
    /// `new_classes`: keys and values only.
    Kv,
}

/// The alarm slot as the object sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AlarmSlot {
    /// The time, if it was read or written since the last commit or rollback.
    pub known: Option<Option<Timestamp>>,
    /// Whether it has to be written.
    pub dirty: bool,
}

/// One object's storage. Belongs to one thread.
#[derive(Debug)]
pub struct ObjectStore {
    pub(super) connections: Rc<Connections>,
    pub(super) slot: Rc<Slot>,
    pub(super) backend: Backend,
    pub(super) name: Option<String>,
    pub(super) kv: KvCache,
    pub(super) cursors: Cursors,
    pub(super) alarm: AlarmSlot,
    pub(super) transaction: Transaction,
    /// Whether `deleteAll()` emptied the storage since it was made.
    pub(super) emptied: bool,
    /// What made the writes of this batch.
    pub(super) cause: Cause,
    /// Whether the file is known to exist; a file that is missing is looked for again.
    exists: bool,
}

impl ObjectStore {
    /// The storage of the object kept in the file `path` (`<64 hex digits>.sqlite`). No I/O.
    pub fn new(connections: Rc<Connections>, path: PathBuf, backend: Backend) -> Self {
        let slot = connections.slot(path);
        Self {
            connections,
            slot,
            backend,
            name: None,
            kv: KvCache::default(),
            cursors: Cursors::default(),
            alarm: AlarmSlot::default(),
            transaction: Transaction::default(),
            emptied: false,
            cause: Cause::default(),
            exists: false,
        }
    }

    /// The same, for an object made by `name`: a new file will carry it as wrangler's do.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The object's file.
    pub fn path(&self) -> &Path {
        self.slot.path()
    }

    /// How the object's class was declared.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Whether the connection is open now; for tests and inspection.
    pub fn is_connected(&self) -> bool {
        self.slot.is_open()
    }

    /// Forgets what was read, so that changes made to the file by others are seen. Uncommitted
    /// writes stay.
    pub fn forget_reads(&mut self) {
        self.kv.forget_clean();
        if !self.alarm.dirty {
            self.alarm.known = None;
        }
    }

    /// Notes that an event begins which may write: it is the cause of the next commit. Forgets what was read,
    /// if somebody else has written to the file since.
    pub fn begin_event(&mut self, kind: CauseKind, detail: impl FnOnce(&mut String)) {
        // Events that have written nothing have no part in the next commit.
        self.cause.events = if self.is_dirty() { self.cause.events + 1 } else { 1 };
        self.cause.kind = kind;
        self.cause.detail.clear();
        detail(&mut self.cause.detail);
        self.notice_changes();
    }

    /// Forgets what was read, if somebody else has written to the file since.
    pub fn notice_changes(&mut self) {
        if (self.kv.is_known() || self.alarm.known.is_some()) && self.slot.is_changed() {
            self.forget_reads();
        }
    }

    /// Rolls back what is uncommitted and closes the file: the log is moved into it and removed.
    ///
    /// A file that turned out to be damaged is set aside with its log, under a name of its own, for whoever can
    /// repair it; the next session of the object begins with an empty storage, and may restore an earlier state.
    pub fn close(&mut self) -> Result<(), StorageError> {
        let result = self.roll_back();
        if self.slot.is_damaged() {
            self.connections.discard(&self.slot);
            return self.set_damaged_aside();
        }
        self.connections.disconnect(&self.slot);
        let finished = self.connections.finish(&self.slot).map_err(|failure| self.error("close", failure));
        result.and(finished)
    }

    /// Rolls back what is uncommitted and closes the file, but leaves its log beside it: quick. The log is moved
    /// into the file when the process ends, or when there are many of them.
    pub fn leave(&mut self) -> Result<(), StorageError> {
        let result = self.roll_back();
        self.connections.leave(&self.slot);
        result
    }

    /// Does `action` with the connection; `None` if there is no file.
    pub(super) fn reading<R>(
        &mut self,
        operation: &'static str,
        action: impl FnOnce(&mut Connection) -> Result<R, SqliteFailure>,
    ) -> Result<Option<R>, StorageError> {
        if !self.slot.is_open() && !self.file_exists()? {
            return Ok(None);
        }
        self.with_connection(operation, action).map(Some)
    }

    /// Does `action` with the connection; a missing file is made first, with the table of keys if
    /// `kv`.
    pub(super) fn writing<R>(
        &mut self,
        kv: bool,
        operation: &'static str,
        action: impl FnOnce(&mut Connection) -> Result<R, SqliteFailure>,
    ) -> Result<R, StorageError> {
        self.make(kv)?;
        self.with_connection(operation, action)
    }

    /// Makes the file if it is missing.
    pub fn ensure_file(&mut self) -> Result<(), StorageError> {
        self.make(false)
    }

    /// Closes the file and moves its log into it, so that it can be copied; what is uncommitted is not in it.
    pub fn finish_file(&mut self) -> Result<(), StorageError> {
        if self.is_dirty() {
            return Ok(());
        }
        self.connections.disconnect(&self.slot);
        self.connections.finish(&self.slot).map_err(|failure| self.error("close", failure))
    }

    /// Makes the file if it is missing, with the table of keys if `kv`.
    pub(super) fn make(&mut self, kv: bool) -> Result<(), StorageError> {
        if !self.slot.is_open() && !self.file_exists()? {
            self.create(kv)?;
        }
        Ok(())
    }

    fn with_connection<R>(
        &self,
        operation: &'static str,
        action: impl FnOnce(&mut Connection) -> Result<R, SqliteFailure>,
    ) -> Result<R, StorageError> {
        let mut connection = self
            .connections
            .connect(&self.slot)
            .map_err(|failure| slot_error(&self.slot, "open", failure))?;
        action(&mut connection).map_err(|failure| slot_error(&self.slot, operation, failure))
    }

    /// Whether the file exists with content.
    pub(super) fn file_exists(&mut self) -> Result<bool, StorageError> {
        if !self.exists {
            self.exists = match fs::metadata(self.slot.path()) {
                _ if !self.transaction.is_reset() && self.recover_aside()? => true,
                Ok(metadata) => metadata.len() > 0,
                Err(reason) if reason.kind() == ErrorKind::NotFound => false,
                Err(reason) => return Err(io_error("read", self.slot.path(), &reason)),
            };
        }
        Ok(self.exists)
    }

    /// The name that the file is to carry.
    ///
    /// Fidelity: wrangler writes the name by SQL, when the object is constructed: after `deleteAll()` it is missing until the
    /// next session. Here it is written with the first batch of a session.
    pub(super) fn name_of_file(&self) -> Option<&str> {
        let named = self.backend == Backend::Sqlite && !self.emptied;
        self.name.as_deref().filter(|_| named)
    }

    /// Writes the file, which is missing.
    pub(super) fn write_file(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        write_new(self.slot.path(), bytes).map_err(|reason| io_error("create", self.slot.path(), &reason))?;
        self.exists = true;
        Ok(())
    }

    fn create(&mut self, kv: bool) -> Result<(), StorageError> {
        let name = self.name_of_file();
        let template = Template { name: name.is_some(), kv, metadata: false };
        let bytes = template.bytes(name).map_err(|failure| slot_error(&self.slot, "create", failure))?;
        self.write_file(&bytes)?;
        self.connections.recorded(&self.slot, |recorder| {
            recorder.made(&bytes);
            Ok(())
        });
        Ok(())
    }

    /// Bytes of the database that are in use: pages that are not free.
    pub fn database_size(&mut self) -> Result<u64, StorageError> {
        self.flush()?;
        let empty = if self.name.is_some() && !self.emptied { 2 } else { 1 };
        let size = self.reading("measure", |connection| {
            let read = |sql: &str| connection.database().integer(sql);
            let pages = read("PRAGMA page_count")?.unwrap_or(0) - read("PRAGMA freelist_count")?.unwrap_or(0);
            Ok(pages * read("PRAGMA page_size")?.unwrap_or(PAGE_BYTES as i64))
        })?;
        Ok(size.map_or(empty * PAGE_BYTES as u64, |size| u64::try_from(size).unwrap_or(0)))
    }

    /// The name that the file carries, or the one given to [`ObjectStore::with_name`].
    pub fn recorded_name(&mut self) -> Result<Option<String>, StorageError> {
        if self.name.is_none() {
            self.name = self.reading("read", |connection| Ok(connection.recorded_name()))?.flatten();
        }
        Ok(self.name.clone())
    }

    /// Deletes all keys and tables, and the alarm unless `keep_alarm`. Takes effect with the commit.
    ///
    /// The file is put aside and thrown away at the commit, so that a rollback, or the end of the
    /// process before the commit, brings everything back. Open cursors end.
    ///
    /// Fidelity: workerd deletes the file too (`SqliteDatabase::reset`), but at once, even when the
    /// object is aborted before the commit. Deviation: here that abort undoes it, as in production.
    pub fn delete_all(&mut self, keep_alarm: bool) -> Result<(), StorageError> {
        if self.has_savepoint() {
            return Err(StorageError::DeleteAllInTransaction);
        }
        let alarm = if keep_alarm { self.alarm()? } else { None };
        self.cursors.delete_all(&self.slot);
        self.kv.end_lists();
        self.kv.clear();
        if self.slot.is_open() || self.file_exists()? {
            self.end_transaction_for_reset()?;
            self.put_aside()?;
        }
        self.slot.forget_settings();
        self.exists = false;
        self.emptied = true;
        self.transaction.begin_reset();
        self.alarm = AlarmSlot { known: Some(None), dirty: false };
        if alarm.is_some() {
            self.set_alarm(alarm)?;
        }
        Ok(())
    }

    /// Closes the connection and moves the file aside, unless an earlier one of this batch is there.
    fn put_aside(&mut self) -> Result<(), StorageError> {
        let result = if self.transaction.is_reset() {
            self.forget_made();
            remove(self.slot.path())
        } else {
            if !self.slot.is_open() {
                // The history must know what is deleted.
                self.connections.recorded(&self.slot, |recorder| {
                    recorder.before_open().and_then(|()| recorder.save(false))
                });
            }
            self.connections.disconnect(&self.slot);
            self.connections.finish(&self.slot).map_err(|failure| self.error("close", failure))?;
            let renamed = rename(self.slot.path(), &self.aside());
            self.note_aside(renamed.is_ok());
            renamed
        };
        result.map_err(|reason| io_error("put aside", self.slot.path(), &reason))
    }

    /// Throws the file away that [`ObjectStore::delete_all`] put aside.
    pub(super) fn drop_aside(&mut self) -> Result<(), StorageError> {
        remove(&self.aside()).map_err(|reason| io_error("delete", self.slot.path(), &reason))?;
        let cause = Cause { kind: CauseKind::DeleteAll, ..self.cause.clone() };
        self.connections.recorded(&self.slot, |recorder| {
            if recorder.is_aside() { recorder.deleted(&cause) } else { Ok(()) }
        });
        Ok(())
    }

    fn set_damaged_aside(&mut self) -> Result<(), StorageError> {
        let names = (1..).map(|number| self.slot.path().with_extension(format!("damaged-{number}")));
        let free = names.into_iter().find(|path| !path.exists()).expect("numbers do not end");
        rename(self.slot.path(), &free).map_err(|reason| io_error("set aside", self.slot.path(), &reason))?;
        self.exists = false;
        let object = self.slot.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.connections.warn(format!(
            "the database of object `{object}` is damaged: it was set aside as `{}`, and the object begins with an empty storage",
            free.display()
        ));
        Ok(())
    }

    fn note_aside(&self, aside: bool) {
        self.connections.recorded(&self.slot, |recorder| {
            recorder.put_aside(aside);
            Ok(())
        });
    }

    /// Closes the connection to a file that was made in this batch and goes again.
    fn forget_made(&mut self) {
        self.connections.recorded(&self.slot, |recorder| {
            recorder.unmade();
            Ok(())
        });
        self.connections.discard(&self.slot);
    }

    /// Brings back the file that [`ObjectStore::delete_all`] put aside.
    pub(super) fn restore_aside(&mut self) -> Result<(), StorageError> {
        self.forget_made();
        remove(self.slot.path()).map_err(|reason| io_error("restore", self.slot.path(), &reason))?;
        self.exists = self.recover_aside()?;
        self.note_aside(false);
        self.emptied = false;
        Ok(())
    }

    /// Brings back the file aside, where there is one, in place of what was made after it: the
    /// batch did not commit. Its removal is what commits a batch with `deleteAll()`.
    fn recover_aside(&self) -> Result<bool, StorageError> {
        let failed = |reason| io_error("restore", self.slot.path(), &reason);
        let aside = self.aside();
        if !fs::exists(&aside).map_err(failed)? {
            return Ok(false);
        }
        remove(self.slot.path()).map_err(failed)?;
        rename(&aside, self.slot.path()).map_err(failed)?;
        Ok(true)
    }

    fn aside(&self) -> PathBuf {
        self.slot.path().with_extension("deleted")
    }

    /// The error for SQLite's `failure` while doing `operation`.
    pub(super) fn error(&self, operation: &'static str, failure: SqliteFailure) -> StorageError {
        slot_error(&self.slot, operation, failure)
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        // Uncommitted writes go with the connection: SQLite rolls back what was not committed.
        self.cursors.close_all(&self.slot);
        self.transaction.unpin(&self.slot);
        if self.transaction.is_reset() {
            // A failure leaves the file aside, and the next use of the object brings it back.
            let _ = self.restore_aside();
        }
        self.connections.disconnect(&self.slot);
    }
}

/// The error for SQLite's `failure` in the file of `slot` while doing `operation`; remembers that a file is damaged.
pub(super) fn slot_error(slot: &Slot, operation: &'static str, failure: SqliteFailure) -> StorageError {
    if failure.is_damage() && failure.extended_code() != rusqlite::ffi::SQLITE_CORRUPT_VTAB {
        slot.note_damage();
    }
    error(slot.path(), operation, failure)
}

/// The error for SQLite's `failure` in the file `path` while doing `operation`.
pub(super) fn error(path: &Path, operation: &'static str, failure: SqliteFailure) -> StorageError {
    let object = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let path = path.to_owned();
    if failure.is_damage() {
        StorageError::Damaged { object, path, failure }
    } else {
        StorageError::Database { operation, object, path, failure }
    }
}

/// The error for what the file system said about `path` while doing `operation`.
pub(super) fn io_error(operation: &'static str, path: &Path, reason: &std::io::Error) -> StorageError {
    StorageError::Io { operation, path: path.to_owned(), reason: reason.to_string() }
}

/// The committed state of the database `path`, its log included, as the bytes of a file; `None` where there is none.
///
/// # Errors
/// When it cannot be read.
pub fn committed_image(path: &Path) -> Result<Option<Vec<u8>>, StorageError> {
    if fs::metadata(path).map_or(0, |metadata| metadata.len()) == 0 {
        return Ok(None);
    }
    let read = || {
        let database = Database::open(path, OpenMode::Existing, &Interrupt::default())?;
        database.run("BEGIN")?;
        let image = database.integer("SELECT count(*) FROM sqlite_schema").map(|_| database.serialize());
        database.run("COMMIT")?;
        image
    };
    read().map_err(|failure| error(path, "read", failure))
}

/// How deep a directory of objects lies in a project: `.wrangler/state/v3/do/<class>`.
const OBJECT_DIRECTORIES: usize = 5;

/// Makes `directory`, which lies `levels` below one that is never made: a project that was moved away would come back
/// to life, empty, at its old place.
pub(super) fn make_directory(directory: &Path, levels: usize) -> std::io::Result<()> {
    match (fs::create_dir(directory), directory.parent()) {
        (Err(reason), _) if reason.kind() == ErrorKind::AlreadyExists => Ok(()),
        (Err(reason), Some(parent)) if reason.kind() == ErrorKind::NotFound && levels > 1 => {
            make_directory(parent, levels - 1)?;
            make_directory(directory, 1)
        }
        (result, _) => result,
    }
}

/// Writes a new file with one write, making its directory if needed.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let file = || fs::OpenOptions::new().write(true).create(true).truncate(true).open(path);
    let mut file = match (file(), path.parent()) {
        (Err(reason), Some(directory)) if reason.kind() == ErrorKind::NotFound => {
            make_directory(directory, OBJECT_DIRECTORIES)?;
            file()?
        }
        (result, _) => result?,
    };
    // What could not be written whole is no database.
    file.write_all(bytes).inspect_err(|_| drop(fs::remove_file(path)))
}

/// Removes a database with its log; that something is missing already is no error.
fn remove(path: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        match fs::remove_file(with_suffix(path, suffix)) {
            Err(reason) if reason.kind() != ErrorKind::NotFound => return Err(reason),
            _ => {}
        }
    }
    Ok(())
}

/// Renames a closed database with its log, which a process that ended abruptly has left.
fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    for result in [
        fs::rename(with_suffix(from, "-wal"), with_suffix(to, "-wal")),
        fs::remove_file(with_suffix(from, "-shm")),
    ] {
        match result {
            Err(reason) if reason.kind() != ErrorKind::NotFound => return Err(reason),
            _ => {}
        }
    }
    fs::rename(from, to)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut file = path.as_os_str().to_owned();
    file.push(suffix);
    file.into()
}
