//! An object's first commit: the file is written with its rows in place, without SQLite.
//!
//! Most objects of a large namespace write little when they are made: a key or two, an alarm. Opening a database for
//! that is most of its cost: some 90 system calls for locks, the log and its index. Measured: setting 1,000 alarms on
//! new objects took 640 ms of CPU so, and takes 160 ms now. Whatever does not fit goes the usual way.
//!
//! A process that ends abruptly in the middle leaves a file that is no database: nobody was told of the commit, and
//! the object begins with an empty storage, as it would have without the file.

use std::rc::Rc;

use super::failure::StorageError;
use super::kv::Value;
use super::object::{ObjectStore, slot_error};
use super::template::{FirstRows, Template};

impl ObjectStore {
    /// Commits what waits by making the file, if there is none yet and it is little: whether that was done.
    pub(super) fn commit_first(&mut self) -> Result<bool, StorageError> {
        let undecided = self.alarm.dirty && self.alarm.known.flatten().is_none();
        if undecided || self.has_transaction() || self.slot.is_open() || self.file_exists()? {
            return Ok(false);
        }
        let kv = self.kv.is_dirty();
        let Some(keys) = self.kv.dirty_values() else { return Ok(false) };
        let keys: Vec<_> = keys.iter().map(|(key, value)| (&**key, &**value)).collect();
        let alarm = self.alarm.known.flatten().filter(|_| self.alarm.dirty).map(|time| time.as_nanos());
        let name = self.name_of_file();
        let template = Template { name: name.is_some(), kv, metadata: alarm.is_some() };
        let failed = |failure| slot_error(&self.slot, "create", failure);
        let rows = FirstRows { keys: &keys, alarm };
        let Some(bytes) = template.filled(name, rows).map_err(failed)? else { return Ok(false) };
        let empty = Template { metadata: false, ..template }.bytes(name).map_err(failed)?;
        self.write_file(&bytes)?;
        self.kv.all_written();
        self.alarm.dirty = false;
        let cause = std::mem::take(&mut self.cause);
        self.connections.committed_first(&self.slot, &empty, &bytes, cause);
        Ok(true)
    }
}

/// Keys with their values.
pub(super) type Pairs = Vec<(Rc<str>, Value)>;
