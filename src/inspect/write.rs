//! Changes of a stopped state: straight into the files, under the lock that a server would take. A server lends objects
//! to a [`Writer`] of its own while no code has them.
//!
//! Everything goes through the storage of objects, so that limits, formats and the guard of SQL are those of a
//! running program. A change of an alarm keeps the object's slot, the namespace's list and the retries together. Every
//! change is a point of the object's history; what replaces whole files tells the history, and what removes an object
//! removes its history too.

use std::cell::RefCell;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::book::{Book, Namespace, ObjectRef};
use super::failure::{InspectError, Result};
use super::holder::user;
use super::reader::log_of;
use super::sql::Rows;
use crate::base::clock::{Clock, Timestamp};
use crate::base::limits;
use crate::storage::history::{self, Cause, CauseKind, HistoryOptions, Recorder};
use crate::storage::{AlarmIndex, AlarmRetries, Backend, Connections, ObjectStore, StateDir};

/// Most letters of SQL that are kept as the cause of a point.
const CAUSE_LETTERS: usize = 80;

/// Stored objects that this process may change.
#[derive(Debug)]
pub struct Writer {
    root: PathBuf,
    /// `None` where the caller holds the lock.
    _lock: Option<StateDir>,
    clock: Clock,
    warnings: RefCell<Vec<String>>,
}

impl Writer {
    /// Takes the lock of the state of `book`. Points of histories get their times from `clock`.
    ///
    /// Invariant: the caller finishes a migration that was interrupted before it changes anything.
    ///
    /// # Errors
    /// When a server holds it, or another program uses it.
    pub fn open(book: &Book, clock: Clock) -> Result<Self> {
        // First: who is refused leaves no file behind.
        if let Some(user) = user(book.root()) {
            return Err(InspectError::Used(user));
        }
        let lock = StateDir::open(book.root())?;
        Ok(Self { _lock: Some(lock), ..Self::lent(book.root(), clock) })
    }

    /// For whoever holds the lock of `root` (`<persist>/v3`), and sees to it that nothing else uses the objects that are
    /// changed: no file of theirs is open.
    pub fn lent(root: &Path, clock: Clock) -> Self {
        Self { root: root.to_owned(), _lock: None, clock, warnings: RefCell::default() }
    }

    /// The directory for what only dodev keeps.
    pub(super) fn own_dir(&self) -> PathBuf {
        self.root.join("dodev")
    }

    /// What is to be shown since this was last asked: histories that could not be kept, files that were set aside.
    pub fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// How the history of `object` is kept. Bounds are for those who know the project's settings: nothing is shortened here.
    pub(super) fn history_of(&self, object: &ObjectRef) -> HistoryOptions {
        let mut options = HistoryOptions {
            directory: history::directory(&self.own_dir()),
            clock: self.clock.clone(),
            max_bytes: limits::HISTORY_BYTES,
            max_age_ms: i64::MAX / 2,
        };
        let path = options.path_of(&object.file()).unwrap_or_default();
        let length = fs::metadata(path).map_or(0, |metadata| metadata.len());
        options.max_bytes = options.max_bytes.max(length.saturating_mul(2));
        options
    }

    /// Does `action` with the storage of `object`, and closes it.
    fn using<R>(&self, object: &ObjectRef, action: impl FnOnce(&mut ObjectStore) -> Result<R>) -> Result<R> {
        let connections = Connections::with_history(1, Some(self.history_of(object)));
        let mut store = ObjectStore::new(connections.clone(), object.file(), Backend::Sqlite);
        if let Some(name) = &object.name {
            store = store.with_name(name);
        }
        let result = action(&mut store);
        let closed = store.close();
        self.warnings.borrow_mut().extend(connections.take_warnings());
        let result = result?;
        closed?;
        Ok(result)
    }

    /// Does `change` with the storage of `object` and commits it; nothing is changed if it fails. `cause` is what the
    /// history says of it.
    fn with<R>(
        &self,
        object: &ObjectRef,
        cause: &str,
        change: impl FnOnce(&mut ObjectStore) -> Result<R>,
    ) -> Result<R> {
        self.using(object, |store| {
            // What the object asked to be brought back comes first.
            if store.begin_session()? {
                let alarm = store.alarm()?;
                self.settle_alarm(object, alarm)?;
            }
            store.begin_event(CauseKind::Command, |text| text.push_str(cause));
            let result = change(store)?;
            store.commit()?;
            Ok(result)
        })
    }

    /// Brings back what an interrupted `deleteAll()` left of `object`, and sets a damaged file aside: its alarm.
    pub(super) fn settle(&self, object: &ObjectRef) -> Result<Option<Timestamp>> {
        let mut alarm = None;
        let looked = self.using(object, |store| {
            alarm = store.alarm()?;
            Ok(())
        });
        // What is damaged is out of the way now; anything else stands in it.
        if object.file().exists() { looked.map(|()| alarm) } else { Ok(None) }
    }

    /// To be called before the files of `object` are replaced or removed by something that has a history.
    pub(super) fn before_replaced(&self, object: &ObjectRef) -> Result<()> {
        let mut recorder = Recorder::new(Rc::new(self.history_of(object)), object.file());
        if let Some(path) = recorder.path() {
            history::unschedule(&path).map_err(crate::storage::StorageError::from)?;
        }
        self.kept(object, recorder.before_replaced());
        Ok(())
    }

    /// Notes in the history of `object` that its files were replaced by the command `cause`.
    pub(super) fn replaced(&self, object: &ObjectRef, cause: &str) {
        let mut recorder = Recorder::new(Rc::new(self.history_of(object)), object.file());
        self.kept(object, recorder.replaced(&Cause::new(CauseKind::Command, cause)));
    }

    /// A history that cannot be written is no reason to fail: the next session compares it with the object.
    fn kept(&self, object: &ObjectRef, result: std::io::Result<()>) {
        if let Err(reason) = result {
            let text = format!("the history of {} lacks a point: {reason}", object.label());
            self.warnings.borrow_mut().push(text);
        }
    }

    /// Sets `key` to the value that `bytes` are serialized; how many these are.
    pub fn put_bytes(&self, object: &ObjectRef, key: &str, bytes: Vec<u8>) -> Result<usize> {
        let size = bytes.len();
        self.with(object, &format!("put {key}"), |store| Ok(store.put(key, bytes)?))?;
        Ok(size)
    }

    /// Deletes `keys`: those that were there.
    pub fn delete(&self, object: &ObjectRef, keys: &[String]) -> Result<Vec<String>> {
        self.with(object, &format!("delete {}", keys.join(", ")), |store| {
            let mut deleted = Vec::new();
            for key in keys {
                if store.delete(key)? {
                    deleted.push(key.clone());
                }
            }
            Ok(deleted)
        })
    }

    /// Runs `sql` under the rules of `ctx.storage.sql`, all of it or nothing.
    pub fn sql(&self, object: &ObjectRef, sql: &str) -> Result<Rows> {
        let cause: String = format!("sql {}", sql.trim()).chars().take(CAUSE_LETTERS).collect();
        self.with(object, &cause, |store| {
            let cursor = store.exec(sql, &[])?;
            let columns = store.column_names(cursor).to_vec();
            let mut rows = Vec::new();
            while let Some(row) = store.step(cursor)? {
                rows.push(row);
            }
            let changed = Some(store.rows_written(cursor));
            store.close_cursor(cursor);
            Ok(Rows { columns, rows, changed })
        })
    }

    /// Sets or removes the alarm of `object`.
    pub fn set_alarm(&self, object: &ObjectRef, time: Option<Timestamp>) -> Result<()> {
        // The list first where there is one to come, last where it goes: a listed alarm that is not in the slot is harmless.
        let mut index = AlarmIndex::new(&object.namespace.dir);
        if let Some(time) = time {
            index.set(&object.id, time, object.name.as_deref())?;
        }
        let cause = if time.is_some() { "alarm run" } else { "alarm cancel" };
        self.with(object, cause, |store| Ok(store.set_alarm(time)?))?;
        if time.is_none() {
            index.remove(&object.id)?;
        }
        self.forget_retry(object)
    }

    /// Makes the namespace's list say what the slot of `object` has.
    pub(super) fn settle_alarm(&self, object: &ObjectRef, alarm: Option<Timestamp>) -> Result<()> {
        let mut index = AlarmIndex::new(&object.namespace.dir);
        match alarm {
            Some(time) => index.set(&object.id, time, object.name.as_deref())?,
            None => drop(index.remove(&object.id)?),
        }
        self.forget_retry(object)
    }

    /// Notes in the namespace's list that the alarm of `object` is due at `time`.
    pub fn list_alarm(&self, object: &ObjectRef, time: Timestamp) -> Result<()> {
        Ok(AlarmIndex::new(&object.namespace.dir).set(&object.id, time, object.name.as_deref())?)
    }

    /// Makes a new database at `path` as that of `object`: its name, keys with serialized values, its alarm.
    pub fn build(
        &self,
        object: &ObjectRef,
        path: &Path,
        keys: &[(String, Vec<u8>)],
        alarm: Option<Timestamp>,
    ) -> Result<()> {
        remove_file(path)?;
        remove_file(&log_of(path))?;
        let mut store = ObjectStore::new(Connections::new(), path.to_owned(), Backend::Sqlite);
        if let Some(name) = &object.name {
            store = store.with_name(name);
        }
        for (key, bytes) in keys {
            store.put(key, bytes.clone())?;
        }
        store.set_alarm(alarm)?;
        if keys.is_empty() && alarm.is_none() {
            // Something has to make the file.
            let cursor = store.exec("SELECT 1", &[])?;
            store.close_cursor(cursor);
        }
        store.commit()?;
        Ok(store.close()?)
    }

    pub(super) fn forget_retry(&self, object: &ObjectRef) -> Result<()> {
        Ok(AlarmRetries::new(&self.own_dir()).remove(&object.namespace.key(), &object.id)?)
    }

    /// Removes `object` with everything of it: files, log, facets, alarm, history.
    pub fn remove(&self, object: &ObjectRef) -> Result<()> {
        self.remove_files(object)?;
        let directory = history::directory(&self.own_dir()).join(object.namespace.key());
        remove_beginning(&directory, &object.id.to_string(), None)
    }

    /// Removes the files of `object` beside its database: those of its facets.
    pub(super) fn remove_beside(&self, object: &ObjectRef) -> Result<()> {
        remove_beginning(&object.namespace.dir, &format!("{}.", object.id), Some(&object.file()))
    }

    /// Removes the files and the alarm of `object`; its history goes on.
    fn remove_files(&self, object: &ObjectRef) -> Result<()> {
        // The alarm first: without its object it would make the object anew.
        AlarmIndex::new(&object.namespace.dir).remove(&object.id)?;
        self.forget_retry(object)?;
        remove_beginning(&object.namespace.dir, &object.id.to_string(), None)
    }

    /// Removes a namespace with all its objects.
    pub fn remove_namespace(&self, namespace: &Namespace) -> Result<()> {
        let mut retries = AlarmRetries::new(&self.own_dir());
        let key = namespace.key();
        for (id, _) in retries.list(&key)? {
            retries.remove(&key, &id)?;
        }
        // The list of alarms goes first, so that an interruption leaves no alarm without its object.
        for file in [namespace.dir.join("metadata.sqlite"), log_of(&namespace.dir.join("metadata.sqlite"))] {
            remove_file(&file)?;
        }
        let histories = history::directory(&self.own_dir()).join(&key);
        for directory in [&namespace.dir, &histories] {
            match fs::remove_dir_all(directory) {
                Err(reason) if reason.kind() != ErrorKind::NotFound => {
                    return Err(InspectError::io("remove", directory)(reason));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Removes the files in `directory` whose names begin with `id`, but `kept`.
fn remove_beginning(directory: &Path, id: &str, kept: Option<&Path>) -> Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(()),
        result => result.map_err(InspectError::io("read", directory))?,
    };
    for entry in entries {
        let path = entry.map_err(InspectError::io("read", directory))?.path();
        let is_meant = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(id));
        if is_meant && kept != Some(path.as_path()) {
            remove_file(&path)?;
        }
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(reason) if reason.kind() != ErrorKind::NotFound => Err(InspectError::io("remove", path)(reason)),
        _ => Ok(()),
    }
}
