//! Changes of a stopped state: straight into the files, under the lock that a server would take.
//!
//! Everything goes through the storage of objects, so that limits, formats and the guard of SQL are those of a
//! running program. A change of an alarm keeps the object's slot, the namespace's list and the retries together.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::rc::Rc;

use super::book::{Book, Namespace, ObjectRef};
use super::failure::{InspectError, Result};
use super::reader::log_of;
use super::sql::Rows;
use crate::base::clock::Timestamp;
use crate::codec::{self, Value};
use crate::storage::{AlarmIndex, AlarmRetries, Backend, Connections, ObjectStore, StateDir};

/// A stopped state that this process may change.
#[derive(Debug)]
pub struct Writer {
    connections: Rc<Connections>,
    directory: StateDir,
}

impl Writer {
    /// Takes the lock of the state of `book`.
    ///
    /// # Errors
    /// When a server holds it.
    pub fn open(book: &Book) -> Result<Self> {
        let directory = StateDir::open(book.root())?;
        Ok(Self { connections: Connections::new(), directory })
    }

    /// The directory that is locked.
    pub fn directory(&self) -> &StateDir {
        &self.directory
    }

    fn store(&self, object: &ObjectRef) -> ObjectStore {
        let store = ObjectStore::new(self.connections.clone(), object.file(), Backend::Sqlite);
        match &object.name {
            Some(name) => store.with_name(name),
            None => store,
        }
    }

    /// Does `change` with the storage of `object` and commits it; nothing is changed if it fails.
    fn with<R>(&self, object: &ObjectRef, change: impl FnOnce(&mut ObjectStore) -> Result<R>) -> Result<R> {
        let mut store = self.store(object);
        let result = change(&mut store).and_then(|result| {
            store.commit()?;
            Ok(result)
        });
        let closed = store.close();
        let result = result?;
        closed?;
        Ok(result)
    }

    /// Sets `key` to `value`; how many bytes it takes.
    pub fn put(&self, object: &ObjectRef, key: &str, value: &Value) -> Result<usize> {
        let bytes = codec::write(value).map_err(|error| InspectError::Invalid(error.to_string()))?;
        let size = bytes.len();
        self.with(object, |store| Ok(store.put(key, bytes)?))?;
        Ok(size)
    }

    /// Deletes `keys`: those that were there.
    pub fn delete(&self, object: &ObjectRef, keys: &[String]) -> Result<Vec<String>> {
        self.with(object, |store| {
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
        self.with(object, |store| {
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
        self.with(object, |store| Ok(store.set_alarm(time)?))?;
        if time.is_none() {
            index.remove(&object.id)?;
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
        let mut store = ObjectStore::new(self.connections.clone(), path.to_owned(), Backend::Sqlite);
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

    fn forget_retry(&self, object: &ObjectRef) -> Result<()> {
        Ok(AlarmRetries::new(&self.directory.own_dir()).remove(&object.namespace.key(), &object.id)?)
    }

    /// Removes `object` with everything of it: files, log, facets, alarm.
    pub fn remove(&self, object: &ObjectRef) -> Result<()> {
        // The alarm first: without its object it would make the object anew.
        AlarmIndex::new(&object.namespace.dir).remove(&object.id)?;
        self.forget_retry(object)?;
        let id = object.id.to_string();
        let directory = &object.namespace.dir;
        let entries = fs::read_dir(directory).map_err(InspectError::io("read", directory))?;
        for entry in entries {
            let path = entry.map_err(InspectError::io("read", directory))?.path();
            let is_of_it = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&id));
            if is_of_it {
                remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Removes a namespace with all its objects.
    pub fn remove_namespace(&self, namespace: &Namespace) -> Result<()> {
        let mut retries = AlarmRetries::new(&self.directory.own_dir());
        let key = namespace.key();
        for (id, _) in retries.list(&key)? {
            retries.remove(&key, &id)?;
        }
        // The list of alarms goes first, so that an interruption leaves no alarm without its object.
        for file in [namespace.dir.join("metadata.sqlite"), log_of(&namespace.dir.join("metadata.sqlite"))] {
            remove_file(&file)?;
        }
        match fs::remove_dir_all(&namespace.dir) {
            Err(reason) if reason.kind() != ErrorKind::NotFound => {
                Err(InspectError::io("remove", &namespace.dir)(reason))
            }
            _ => Ok(()),
        }
    }
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(reason) if reason.kind() != ErrorKind::NotFound => Err(InspectError::io("remove", path)(reason)),
        _ => Ok(()),
    }
}
