//! What failed alarms wait for: how often each failed, and when it is tried again.
//!
//! The platform's slot and list know only the time an alarm was set for. Without this table a restart or
//! a reload would run every failing alarm at once, counting from zero. It is a database of ours under
//! `v3/dodev`, so the users' databases and wrangler's files stay as they are. A row that no longer fits
//! its alarm means nothing and is overwritten or passed over.

use std::path::{Path, PathBuf};

use super::failure::{SqliteFailure, StorageError};
use super::object::{error, io_error, write_new};
use super::sqlite::{Database, Interrupt, OpenMode};
use super::template::Template;
use super::value::ValueRef;
use crate::base::clock::Timestamp;
use crate::base::ids::ObjectId;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS alarm_retries (
      namespace TEXT NOT NULL,
      id TEXT NOT NULL,
      scheduled_ms INTEGER NOT NULL,
      due_ms INTEGER NOT NULL,
      counted INTEGER NOT NULL,
      backoff INTEGER NOT NULL,
      last_counted INTEGER NOT NULL,
      PRIMARY KEY (namespace, id)
    ) WITHOUT ROWID";

/// The retry that a failed alarm waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredRetry {
    /// The time the alarm was set for.
    pub scheduled: Timestamp,
    /// When it is tried again.
    pub due: Timestamp,
    /// Retries that count against the limit, this one included.
    pub counted: u32,
    /// Exponent of the next delay.
    pub backoff: u32,
    /// Whether the last failure counted.
    pub last_counted: bool,
}

/// The table of retries. Belongs to one thread; no I/O before the first use.
#[derive(Debug)]
pub struct AlarmRetries {
    path: PathBuf,
    open: Option<Database>,
}

impl AlarmRetries {
    /// The table below `own_dir` (`<persist>/v3/dodev`). No I/O; the file is made by the first retry.
    pub fn new(own_dir: &Path) -> Self {
        Self { path: own_dir.join("alarm-retries.sqlite"), open: None }
    }

    /// Notes the retry of the object `id` of `namespace`.
    pub fn put(&mut self, namespace: &str, id: &ObjectId, retry: StoredRetry) -> Result<(), StorageError> {
        let id = id.to_string();
        self.with(true, |database| {
            let mut statement =
                database.prepare("INSERT OR REPLACE INTO alarm_retries VALUES(?, ?, ?, ?, ?, ?, ?)")?;
            let values = [
                ValueRef::Text(namespace.as_bytes()),
                ValueRef::Text(id.as_bytes()),
                ValueRef::Integer(retry.scheduled.0),
                ValueRef::Integer(retry.due.0),
                ValueRef::Integer(retry.counted.into()),
                ValueRef::Integer(retry.backoff.into()),
                ValueRef::Integer(retry.last_counted.into()),
            ];
            for (index, value) in values.into_iter().enumerate() {
                statement.bind(index, value)?;
            }
            statement.run()
        })?;
        Ok(())
    }

    /// Forgets the retry of the object `id` of `namespace`, if there is one.
    pub fn remove(&mut self, namespace: &str, id: &ObjectId) -> Result<(), StorageError> {
        let id = id.to_string();
        self.with(false, |database| {
            let mut statement =
                database.prepare("DELETE FROM alarm_retries WHERE namespace = ? AND id = ?")?;
            statement.bind(0, ValueRef::Text(namespace.as_bytes()))?;
            statement.bind(1, ValueRef::Text(id.as_bytes()))?;
            statement.run()
        })?;
        Ok(())
    }

    /// Gives the retries of the namespace `from` to `to`, and to the new ids of `ids` (old, new), in one
    /// transaction. Those of `to` are replaced. Doing it again changes nothing.
    pub fn move_namespace(
        &mut self,
        from: &str,
        to: &str,
        ids: &[(ObjectId, ObjectId)],
    ) -> Result<(), StorageError> {
        self.with(false, |database| {
            let mut rename = database
                .prepare("UPDATE OR REPLACE alarm_retries SET id = ? WHERE namespace = ? AND id = ?")?;
            let mut give =
                database.prepare("UPDATE OR REPLACE alarm_retries SET namespace = ? WHERE namespace = ?")?;
            database.run("BEGIN IMMEDIATE")?;
            let mut change = || {
                for (old, new) in ids {
                    rename.bind(0, ValueRef::Text(new.to_string().as_bytes()))?;
                    rename.bind(1, ValueRef::Text(from.as_bytes()))?;
                    rename.bind(2, ValueRef::Text(old.to_string().as_bytes()))?;
                    rename.run()?;
                }
                give.bind(0, ValueRef::Text(to.as_bytes()))?;
                give.bind(1, ValueRef::Text(from.as_bytes()))?;
                give.run()
            };
            let result = change();
            result.and_then(|()| database.run("COMMIT")).inspect_err(|_| {
                // SQLite may have rolled back by itself; the first failure is the one to tell.
                let _ = database.run("ROLLBACK");
            })
        })?;
        Ok(())
    }

    /// Forgets all retries of `namespace`.
    pub fn remove_namespace(&mut self, namespace: &str) -> Result<(), StorageError> {
        self.with(false, |database| {
            let mut statement = database.prepare("DELETE FROM alarm_retries WHERE namespace = ?")?;
            statement.bind(0, ValueRef::Text(namespace.as_bytes()))?;
            statement.run()
        })?;
        Ok(())
    }

    /// The retries of `namespace`.
    pub fn list(&mut self, namespace: &str) -> Result<Vec<(ObjectId, StoredRetry)>, StorageError> {
        let rows = self.with(false, |database| {
            let mut statement = database.prepare(
                "SELECT id, scheduled_ms, due_ms, counted, backoff, last_counted FROM alarm_retries \
                 WHERE namespace = ?",
            )?;
            statement.bind(0, ValueRef::Text(namespace.as_bytes()))?;
            let mut rows = Vec::new();
            while statement.step()? {
                let integer = |column| match statement.column(column) {
                    ValueRef::Integer(value) => value,
                    _ => 0,
                };
                let small = |column| u32::try_from(integer(column)).unwrap_or(0);
                let ValueRef::Text(id) = statement.column(0) else { continue };
                let Some(id) = str::from_utf8(id).ok().and_then(|id| id.parse().ok()) else { continue };
                let retry = StoredRetry {
                    scheduled: Timestamp(integer(1)),
                    due: Timestamp(integer(2)),
                    counted: small(3),
                    backoff: small(4),
                    last_counted: integer(5) != 0,
                };
                rows.push((id, retry));
            }
            Ok(rows)
        })?;
        Ok(rows.unwrap_or_default())
    }

    /// Closes the file.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// Runs `action` on the open table; `None` if there is no file and none is to be made.
    fn with<R>(
        &mut self,
        create: bool,
        action: impl FnOnce(&Database) -> Result<R, SqliteFailure>,
    ) -> Result<Option<R>, StorageError> {
        if self.open.is_none() {
            let exists = std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() > 0);
            if !exists && !create {
                return Ok(None);
            }
            let failed = |failure| error(&self.path, "open", failure);
            if !exists {
                let bytes =
                    Template { name: false, kv: false, metadata: false }.bytes(None).map_err(failed)?;
                write_new(&self.path, &bytes).map_err(|reason| io_error("create", &self.path, &reason))?;
            }
            let database = Database::open(&self.path, OpenMode::Existing, &Interrupt::default());
            let database = database.map_err(failed)?;
            database.run("PRAGMA synchronous = NORMAL").map_err(failed)?;
            database.run(CREATE).map_err(failed)?;
            self.open = Some(database);
        }
        let database = self.open.as_ref().expect("opened above");
        action(database).map(Some).map_err(|failure| error(&self.path, "use", failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_survive_and_are_forgotten_by_name() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (a, b) = (ObjectId([1; 32]), ObjectId([2; 32]));
        let retry = StoredRetry {
            scheduled: Timestamp(1_000),
            due: Timestamp(3_100),
            counted: 1,
            backoff: 1,
            last_counted: true,
        };
        let mut table = AlarmRetries::new(directory.path());
        assert_eq!(table.list("w-C").expect("no file is no error"), []);
        table.remove("w-C", &a).expect("no file is no error");
        assert!(!directory.path().join("alarm-retries.sqlite").exists(), "reading makes no file");
        table.put("w-C", &a, retry).expect("a new file");
        table.put("w-D", &b, retry).expect("the same file");
        let again = StoredRetry { due: Timestamp(9_000), counted: 2, ..retry };
        table.put("w-C", &a, again).expect("the same row");
        drop(table);
        let mut table = AlarmRetries::new(directory.path());
        assert_eq!(table.list("w-C").expect("readable"), [(a, again)]);
        table.remove("w-C", &a).expect("writable");
        assert_eq!(table.list("w-C").expect("readable"), []);
        assert_eq!(table.list("w-D").expect("readable"), [(b, retry)]);
        for _ in 0..2 {
            table.move_namespace("w-D", "w-E", &[(b, a)]).expect("writable");
            assert_eq!(table.list("w-D").expect("readable"), []);
            assert_eq!(table.list("w-E").expect("readable"), [(a, retry)]);
        }
        table.remove_namespace("w-E").expect("writable");
        assert_eq!(table.list("w-E").expect("readable"), []);
    }
}
