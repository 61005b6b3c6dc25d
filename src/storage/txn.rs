//! Transactions: the implicit one of a batch, and savepoints inside of it.
//!
//! The first write of a batch begins a transaction, [`ObjectStore::commit`] ends it. Savepoints
//! stand for `transactionSync()` and `transaction()`; while one is open, commits wait.
//! Fidelity: workerd's `src/workerd/io/actor-sqlite.c++` (implicit and explicit transactions).

use std::rc::Rc;

use rusqlite::ffi;

use super::connection::Connection;
use super::connections::Slot;
use super::failure::{CommitError, SqliteFailure, StorageError};
use super::object::{AlarmSlot, ObjectStore, slot_error};

/// An open savepoint; deeper ones are inside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SavepointId(u32);

/// What is open in an object's storage.
#[derive(Debug, Default)]
pub struct Transaction {
    open: bool,
    depth: u32,
    reset: bool,
}

impl Transaction {
    /// Begins the transaction of the batch unless it is open, and keeps the connection for it. `name` is written where the
    /// file has none.
    fn begin(
        &mut self,
        connection: &mut Connection,
        slot: &Rc<Slot>,
        name: Option<&str>,
    ) -> Result<(), SqliteFailure> {
        if !self.open {
            connection.begin()?;
            self.open = true;
            slot.pin();
            if let Some(name) = name.filter(|_| !connection.has_name()) {
                connection.write_name(name)?;
            }
        }
        Ok(())
    }

    /// Whether a transaction has begun.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Whether `deleteAll()` waits for the commit.
    pub fn is_reset(&self) -> bool {
        self.reset
    }

    /// Notes that `deleteAll()` waits for the commit.
    pub fn begin_reset(&mut self) {
        self.reset = true;
    }

    /// Lets go of the connection.
    pub fn unpin(&mut self, slot: &Rc<Slot>) {
        if self.open {
            self.open = false;
            slot.unpin();
        }
    }
}

impl ObjectStore {
    /// Whether something waits for [`ObjectStore::commit`].
    pub fn is_dirty(&self) -> bool {
        self.transaction.open || self.transaction.reset || self.waiting_writes() > 0
    }

    /// Whether a transaction has begun, or `deleteAll()` waits for the commit.
    pub(super) fn has_transaction(&self) -> bool {
        self.transaction.open || self.transaction.reset
    }

    /// Whether a savepoint is open, so that commits wait.
    pub fn has_savepoint(&self) -> bool {
        self.transaction.depth > 0
    }

    /// Begins the transaction of the batch; `kv` says that a new file needs the table of keys.
    pub(super) fn begin(&mut self, kv: bool) -> Result<(), StorageError> {
        self.make(kv)?;
        let (connections, slot) = (self.connections.clone(), self.slot.clone());
        connections
            .connect(&slot)
            .and_then(|mut connection| self.begin_on(&mut connection))
            .map_err(|failure| slot_error(&slot, "write", failure))
    }

    /// Begins the transaction of the batch on the object's open connection.
    pub(super) fn begin_on(&mut self, connection: &mut Connection) -> Result<(), SqliteFailure> {
        let mut transaction = std::mem::take(&mut self.transaction);
        let result = transaction.begin(connection, &self.slot, self.name_of_file());
        self.transaction = transaction;
        result
    }

    /// Makes all writes since the last commit durable at once. While a savepoint is open nothing
    /// happens: they become durable with the commit after the last one ended.
    ///
    /// On an error everything since the last commit is rolled back, and the object must be reset.
    pub fn commit(&mut self) -> Result<(), CommitError> {
        if self.transaction.depth > 0 || !self.is_dirty() {
            return Ok(());
        }
        let result = self.commit_now().and_then(|()| self.note_commit());
        if result.is_err() {
            // The error to report is the first one; what fails here fails again at the next use.
            let _ = self.roll_back();
        }
        result
    }

    fn commit_now(&mut self) -> Result<(), CommitError> {
        if self.commit_first()? {
            return Ok(());
        }
        if !self.transaction.open && self.waiting_writes() == 1 {
            // One statement is a transaction of its own, unless it has to make its table.
            let kv = self.kv.is_dirty();
            let named = self.name_of_file().is_none();
            let ready =
                |connection: &mut Connection| Ok(connection.is_ready(kv) && (named || connection.has_name()));
            if self.writing(kv, "commit", ready)? {
                self.write_out()?;
                self.writing(kv, "commit", Connection::after_commit)?;
                return self.commit_reset();
            }
        }
        self.flush()?;
        if self.transaction.open {
            let result = self.writing(false, "commit", |connection| Ok(connection.commit()))?;
            result.map_err(|failure| match failure.code() {
                ffi::SQLITE_CONSTRAINT => CommitError::Constraint(failure),
                _ => CommitError::Storage(self.error("commit", failure)),
            })?;
            self.transaction.unpin(&self.slot);
        }
        self.commit_reset()
    }

    /// Notes the commit for the history, and what caused it.
    fn note_commit(&mut self) -> Result<(), CommitError> {
        let cause = std::mem::take(&mut self.cause);
        let noted = self.connections.committed(&self.slot, cause);
        noted.map_err(|failure| CommitError::Storage(self.error("checkpoint", failure)))
    }

    fn commit_reset(&mut self) -> Result<(), CommitError> {
        if self.transaction.reset {
            self.drop_aside()?;
            self.transaction.reset = false;
        }
        Ok(())
    }

    /// Drops all writes since the last commit, all savepoints and all cursors.
    pub fn roll_back(&mut self) -> Result<(), StorageError> {
        self.kv.clear();
        self.alarm = AlarmSlot::default();
        self.transaction.depth = 0;
        self.cursors.close_all(&self.slot);
        if self.transaction.open {
            let result = self.writing(false, "roll back", Connection::roll_back);
            self.transaction.unpin(&self.slot);
            if result.is_err() {
                // A connection in doubt is closed: SQLite recovers the last commit from the file.
                self.connections.disconnect(&self.slot);
                return result;
            }
        }
        if self.transaction.reset {
            self.restore_aside()?;
            self.transaction.reset = false;
        }
        Ok(())
    }

    /// Ends the transaction of a batch whose writes `deleteAll()` makes pointless.
    pub(super) fn end_transaction_for_reset(&mut self) -> Result<(), StorageError> {
        if self.transaction.open {
            let result = self.writing(false, "roll back", Connection::roll_back);
            self.transaction.unpin(&self.slot);
            result?;
        }
        Ok(())
    }

    /// Opens a savepoint inside of all open ones.
    pub fn savepoint(&mut self) -> Result<SavepointId, StorageError> {
        self.flush()?;
        self.begin(false)?;
        let depth = self.transaction.depth + 1;
        self.run("open a savepoint in", &format!("SAVEPOINT _cf_savepoint_{depth}"))?;
        self.transaction.depth = depth;
        Ok(SavepointId(depth))
    }

    /// Ends the savepoint `id` and all inside of it, keeping what was written. One that has ended
    /// already stays ended.
    pub fn release(&mut self, id: SavepointId) -> Result<(), StorageError> {
        if id.0 > self.transaction.depth {
            return Ok(());
        }
        self.flush()?;
        self.run("release a savepoint in", &format!("RELEASE _cf_savepoint_{}", id.0))?;
        self.transaction.depth = id.0 - 1;
        Ok(())
    }

    /// Undoes what was written since the savepoint `id` was opened and ends it with all inside of
    /// it. One that has ended already stays ended.
    pub fn roll_back_to(&mut self, id: SavepointId) -> Result<(), StorageError> {
        if id.0 > self.transaction.depth {
            return Ok(());
        }
        self.kv.clear();
        self.alarm = AlarmSlot::default();
        self.run("undo a savepoint in", &format!("ROLLBACK TO _cf_savepoint_{}", id.0))?;
        self.run("release a savepoint in", &format!("RELEASE _cf_savepoint_{}", id.0))?;
        self.transaction.depth = id.0 - 1;
        self.writing(false, "read", Connection::look_for_tables)
    }

    fn run(&mut self, operation: &'static str, sql: &str) -> Result<(), StorageError> {
        self.writing(false, operation, |connection| connection.database().run(sql))
    }
}
