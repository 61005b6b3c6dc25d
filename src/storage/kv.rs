//! Keys and values of one object, with a cache that is written when the batch commits.
//!
//! Measured: a get and a put through the cache cost 4 to 13 µs less per request than through SQL.
//! It is safe because no statement of the user's can see the table, and it is emptied into SQLite
//! before anything that could tell the difference: lists, savepoints, sizes, the commit.
//!
//! Invariant: after a rollback the cache holds nothing.
//! Invariant: what another process has committed is seen by the next event of an awake object
//! ([`ObjectStore::notice_changes`]), not by the one that runs.

use std::collections::HashMap;
use std::rc::Rc;

use super::failure::StorageError;
use super::first_commit::Pairs;
use super::object::{Backend, ObjectStore, slot_error};
use super::template::PAGE_BYTES;
use crate::base::clock::Timestamp;
use crate::base::limits;

/// The serialized bytes of a value; cheap to clone.
pub type Value = Rc<[u8]>;

/// Bytes of unchanged keys and values that an object keeps.
const CLEAN_BYTES: usize = 256 * 1024;
/// Bytes of changed keys and values that wait for the commit; more are written early, in the same
/// transaction.
const DIRTY_BYTES: usize = 4 * 1024 * 1024;
/// Bytes that a value of a KV-backed object may have beyond its limit, for its header.
///
/// Fidelity: workerd, `ENFORCED_MAX_VALUE_SIZE` in `src/workerd/io/actor-storage.h`.
const KV_HEADER_BYTES: usize = 34;

/// Why an iterator over keys cannot go on; the texts are for the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListEnd {
    /// Fidelity: workerd's text (`src/workerd/api/sync-kv.c++`).
    #[error(
        "kv.list() iterator was invalidated because a new call to kv.list() was started. Only one kv.list() iterator can \
         exist at a time."
    )]
    Replaced,
    /// workerd has an internal error instead.
    #[error("kv.list() iterator was invalidated because the database was deleted.")]
    Deleted,
}

#[derive(Debug)]
struct Entry {
    /// `None`: there is no such key.
    value: Option<Value>,
    dirty: bool,
}

/// What the object knows about its keys without asking SQLite.
#[derive(Debug, Default)]
pub struct KvCache {
    entries: HashMap<Rc<str>, Entry>,
    dirty: Vec<Rc<str>>,
    bytes: usize,
    dirty_bytes: usize,
    version: u64,
    lists: u64,
    /// Number of the last list before everything was deleted.
    deleted: u64,
}

impl KvCache {
    /// Whether something waits to be written.
    pub fn is_dirty(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Whether anything is kept.
    pub fn is_known(&self) -> bool {
        !self.entries.is_empty()
    }

    /// Keys and values that wait to be written, sorted by key; `None` if they are too many for one page.
    pub(super) fn dirty_values(&self) -> Option<Pairs> {
        if self.dirty_bytes > PAGE_BYTES + 64 * self.dirty.len() {
            return None;
        }
        let value = |key: &Rc<str>| Some((key.clone(), self.entries.get(key)?.value.clone()?));
        let mut pairs: Pairs = self.dirty.iter().filter_map(value).collect();
        pairs.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Some(pairs)
    }

    /// Everything that waited has been written.
    pub(super) fn all_written(&mut self) {
        for key in std::mem::take(&mut self.dirty) {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.dirty = false;
            }
        }
        self.dirty_bytes = 0;
        if self.bytes > CLEAN_BYTES {
            self.forget_clean();
        }
    }

    /// A number that changes with every write and rollback.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Counts a list that begins; gives its number.
    pub(super) fn begin_list(&mut self) -> u64 {
        self.lists += 1;
        self.lists
    }

    /// Ends the lists that run, as everything is deleted.
    pub(super) fn end_lists(&mut self) {
        self.deleted = self.lists;
        self.lists += 1;
    }

    /// Why the list `number` has ended, if it has.
    pub(super) fn list_end(&self, number: u64) -> Option<ListEnd> {
        match number {
            _ if number == self.lists => None,
            _ if number <= self.deleted => Some(ListEnd::Deleted),
            _ => Some(ListEnd::Replaced),
        }
    }

    /// Forgets everything, also what waits to be written.
    pub fn clear(&mut self) {
        self.version += 1;
        self.entries.clear();
        self.dirty.clear();
        (self.bytes, self.dirty_bytes) = (0, 0);
    }

    /// Forgets what is the same as in SQLite.
    pub fn forget_clean(&mut self) {
        self.version += 1;
        self.entries.retain(|_, entry| entry.dirty);
        self.bytes = self.entries.iter().map(|(key, entry)| size(key, entry.value.as_ref())).sum();
    }

    fn insert(&mut self, key: &str, value: Option<Value>, dirty: bool) {
        let bytes = size(key, value.as_ref());
        self.bytes += bytes;
        if dirty {
            self.version += 1;
            self.dirty_bytes += bytes;
        }
        if let Some(entry) = self.entries.get_mut(key) {
            self.bytes -= size(key, entry.value.as_ref());
            entry.value = value;
            if dirty && !entry.dirty {
                entry.dirty = true;
                let (key, _) = self.entries.get_key_value(key).expect("found just now");
                self.dirty.push(key.clone());
            }
            return;
        }
        let key: Rc<str> = key.into();
        if dirty {
            self.dirty.push(key.clone());
        }
        self.entries.insert(key, Entry { value, dirty });
    }
}

fn size(key: &str, value: Option<&Value>) -> usize {
    key.len() + value.map_or(0, |value| value.len()) + 64
}

impl ObjectStore {
    /// The value of `key`.
    pub fn get(&mut self, key: &str) -> Result<Option<Value>, StorageError> {
        check_key(key)?;
        if let Some(entry) = self.kv.entries.get(key) {
            return Ok(entry.value.clone());
        }
        let found = self.reading("read", |connection| connection.get(key, |value| Value::from(value)))?;
        let value = found.flatten();
        if self.kv.bytes > CLEAN_BYTES {
            self.kv.forget_clean();
        }
        self.kv.insert(key, value.clone(), false);
        Ok(value)
    }

    /// Whether a value of `value_bytes` may be stored under `key`.
    ///
    /// # Errors
    /// The limit that it exceeds.
    pub fn check(&self, key: &str, value_bytes: usize) -> Result<(), StorageError> {
        check_key(key)?;
        match self.backend {
            Backend::Kv if value_bytes > limits::KV_VALUE_BYTES + KV_HEADER_BYTES => {
                Err(StorageError::ValueTooLarge(value_bytes))
            }
            Backend::Sqlite if key.len() + value_bytes > limits::SQLITE_VALUE_BYTES => {
                Err(StorageError::TooBig)
            }
            Backend::Kv | Backend::Sqlite => Ok(()),
        }
    }

    /// Sets `key` to the serialized `value`.
    pub fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), StorageError> {
        self.check(key, value.len())?;
        self.kv.insert(key, Some(value.into()), true);
        self.spill()
    }

    /// Deletes `key`: whether it was there.
    pub fn delete(&mut self, key: &str) -> Result<bool, StorageError> {
        if self.get(key)?.is_none() {
            return Ok(false);
        }
        self.kv.insert(key, None, true);
        self.spill()?;
        Ok(true)
    }

    fn spill(&mut self) -> Result<(), StorageError> {
        if self.kv.dirty_bytes > DIRTY_BYTES { self.flush() } else { Ok(()) }
    }

    /// Writes everything that waits into SQLite, inside the transaction of the batch.
    pub(super) fn flush(&mut self) -> Result<(), StorageError> {
        if !self.kv.is_dirty() && !self.alarm.dirty {
            return Ok(());
        }
        self.begin(self.kv.is_dirty())?;
        self.write_out()
    }

    /// Writes everything that waits into SQLite, in whatever transaction there is.
    pub(super) fn write_out(&mut self) -> Result<(), StorageError> {
        let dirty = std::mem::take(&mut self.kv.dirty);
        let (kv, alarm) = (&mut self.kv, &mut self.alarm);
        let mut connection = self
            .connections
            .connect(&self.slot)
            .map_err(|failure| slot_error(&self.slot, "open", failure))?;
        let mut write = || {
            for key in &dirty {
                let entry = kv.entries.get_mut(key).expect("dirty keys have entries");
                entry.dirty = false;
                match &entry.value {
                    Some(value) => connection.put(key, value)?,
                    None => connection.delete(key)?,
                }
            }
            if alarm.dirty {
                alarm.dirty = false;
                connection.set_alarm(alarm.known.flatten().map(Timestamp::as_nanos))?;
            }
            Ok(())
        };
        write().map_err(|failure| slot_error(&self.slot, "write", failure))?;
        self.kv.dirty_bytes = 0;
        if self.kv.bytes > CLEAN_BYTES {
            self.kv.forget_clean();
        }
        Ok(())
    }

    /// Number of writes that wait for the commit.
    pub(super) fn waiting_writes(&self) -> usize {
        self.kv.dirty.len() + usize::from(self.alarm.dirty)
    }
}

/// Refuses keys beyond the limit.
///
/// Deviation: workerd checks this only for KV-backed objects of production; the documentation names
/// one limit for all, so it holds for all here.
pub(super) fn check_key(key: &str) -> Result<(), StorageError> {
    if key.len() > limits::KV_KEY_BYTES { Err(StorageError::KeyTooLarge(key.len())) } else { Ok(()) }
}
