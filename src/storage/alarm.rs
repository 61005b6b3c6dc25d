//! Alarms: the slot in an object's file, and a namespace's list of them.
//!
//! The slot changes in the same transaction as everything else of the object; the list, a database
//! of its own per namespace, says what is due without opening any object. It is the caller's duty to
//! keep the two together. Times on disk are nanoseconds.
//!
//! Fidelity: `src/workerd/util/sqlite-metadata.c++` and `src/workerd/server/alarm-scheduler.c++` of
//! workerd; wrangler reads and writes the same rows.

use std::path::{Path, PathBuf};

use super::failure::{SqliteFailure, StorageError};
use super::object::{ObjectStore, error, io_error, write_new};
use super::sqlite::{Database, Interrupt, OpenMode, Statement};
use super::template::Template;
use super::value::ValueRef;
use crate::base::clock::Timestamp;
use crate::base::ids::ObjectId;

const NANOS_PER_MS: i64 = 1_000_000;

const CREATE_ALARM: &str = "CREATE TABLE IF NOT EXISTS _cf_ALARM (
      actor_id TEXT PRIMARY KEY,
      scheduled_time INTEGER,
      actor_name TEXT
    ) WITHOUT ROWID";

impl ObjectStore {
    /// The time in the object's alarm slot.
    pub fn alarm(&mut self) -> Result<Option<Timestamp>, StorageError> {
        if let Some(known) = self.alarm.known {
            return Ok(known);
        }
        let nanos = self.reading("read", |connection| connection.alarm())?.flatten();
        let time = nanos.map(from_nanos);
        self.alarm.known = Some(time);
        Ok(time)
    }

    /// Sets or empties the alarm slot; takes effect with the commit. Whether that changed it.
    pub fn set_alarm(&mut self, time: Option<Timestamp>) -> Result<bool, StorageError> {
        if self.alarm()? == time {
            return Ok(false);
        }
        self.alarm.known = Some(time);
        self.alarm.dirty = true;
        Ok(true)
    }
}

fn from_nanos(nanos: i64) -> Timestamp {
    Timestamp(nanos.div_euclid(NANOS_PER_MS))
}

/// An alarm in a namespace's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmEntry {
    /// Whose alarm.
    pub id: ObjectId,
    /// When it is due.
    pub time: Timestamp,
    /// The object's name, where it has one.
    pub name: Option<String>,
}

/// A change of a namespace's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexChange {
    /// Whose alarm.
    pub id: ObjectId,
    /// When it is due; `None` takes it off the list.
    pub time: Option<Timestamp>,
    /// The object's name; a missing one keeps what the list has.
    pub name: Option<String>,
}

/// The alarms of one namespace: `metadata.sqlite` in its directory. Belongs to one thread.
#[derive(Debug)]
pub struct AlarmIndex {
    path: PathBuf,
    open: Option<OpenIndex>,
}

#[derive(Debug)]
struct OpenIndex {
    database: Database,
    set: Statement,
    remove: Statement,
}

impl AlarmIndex {
    /// The list in the namespace's `directory`. No I/O; the file is made by the first alarm.
    pub fn new(directory: &Path) -> Self {
        Self { path: directory.join("metadata.sqlite"), open: None }
    }

    /// Notes that the object's alarm is due at `time`. A missing `name` keeps the known one.
    pub fn set(&mut self, id: &ObjectId, time: Timestamp, name: Option<&str>) -> Result<(), StorageError> {
        self.apply(&[IndexChange { id: *id, time: Some(time), name: name.map(str::to_owned) }])
    }

    /// Forgets the object's alarm: whether there was one.
    pub fn remove(&mut self, id: &ObjectId) -> Result<bool, StorageError> {
        let change = IndexChange { id: *id, time: None, name: None };
        let removed = self.with(false, |index| {
            index.make(&change)?;
            Ok(index.database.changes() > 0)
        })?;
        Ok(removed.unwrap_or(false))
    }

    /// Makes all `changes` in one transaction; none if one of them fails.
    pub fn apply(&mut self, changes: &[IndexChange]) -> Result<(), StorageError> {
        // Without a file there is nothing to remove.
        let create = changes.iter().any(|change| change.time.is_some());
        self.with(create, |index| match changes {
            [change] => index.make(change),
            _ => {
                index.database.run("BEGIN IMMEDIATE")?;
                let result = changes.iter().try_for_each(|change| index.make(change));
                match result.and_then(|()| index.database.run("COMMIT")) {
                    Ok(()) => Ok(()),
                    Err(failure) => {
                        // SQLite may have rolled back by itself; the first failure is the one to tell.
                        let _ = index.database.run("ROLLBACK");
                        Err(failure)
                    }
                }
            }
        })?;
        Ok(())
    }

    /// Gives every alarm of an object in `ids` (old, new) to the new id, in one transaction. Doing it again
    /// changes nothing.
    pub fn rename_ids(&mut self, ids: &[(ObjectId, ObjectId)]) -> Result<(), StorageError> {
        self.with(false, |index| {
            let mut rename =
                index.database.prepare("UPDATE OR REPLACE _cf_ALARM SET actor_id = ? WHERE actor_id = ?")?;
            index.database.run("BEGIN IMMEDIATE")?;
            let result = ids.iter().try_for_each(|(old, new)| {
                rename.bind(0, ValueRef::Text(new.to_string().as_bytes()))?;
                rename.bind(1, ValueRef::Text(old.to_string().as_bytes()))?;
                rename.run()
            });
            result.and_then(|()| index.database.run("COMMIT")).inspect_err(|_| {
                // SQLite may have rolled back by itself; the first failure is the one to tell.
                let _ = index.database.run("ROLLBACK");
            })
        })?;
        Ok(())
    }

    /// All alarms, the earliest first. Rows that are no alarm of an object are passed over.
    pub fn list(&mut self) -> Result<Vec<AlarmEntry>, StorageError> {
        self.select("", None)
    }

    /// The alarms that are due at `now` or before, the earliest first.
    pub fn due(&mut self, now: Timestamp) -> Result<Vec<AlarmEntry>, StorageError> {
        self.select("WHERE scheduled_time <= ?", Some(now.as_nanos()))
    }

    fn select(&mut self, filter: &str, parameter: Option<i64>) -> Result<Vec<AlarmEntry>, StorageError> {
        let sql = format!(
            "SELECT actor_id, scheduled_time, actor_name FROM _cf_ALARM {filter} ORDER BY scheduled_time, actor_id"
        );
        let entries = self.with(false, |index| {
            let mut statement = index.database.prepare(&sql)?;
            if let Some(parameter) = parameter {
                statement.bind(0, ValueRef::Integer(parameter))?;
            }
            let mut entries = Vec::new();
            while statement.step()? {
                let text = |column| match statement.column(column) {
                    ValueRef::Text(text) => str::from_utf8(text).ok().map(str::to_owned),
                    _ => None,
                };
                let id = text(0).and_then(|id| id.parse().ok());
                if let (Some(id), ValueRef::Integer(nanos)) = (id, statement.column(1)) {
                    entries.push(AlarmEntry { id, time: from_nanos(nanos), name: text(2) });
                }
            }
            Ok(entries)
        })?;
        Ok(entries.unwrap_or_default())
    }

    /// Closes the file.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// Runs `action` on the open list; `None` if there is no file and none is to be made.
    fn with<R>(
        &mut self,
        create: bool,
        action: impl FnOnce(&mut OpenIndex) -> Result<R, SqliteFailure>,
    ) -> Result<Option<R>, StorageError> {
        if self.open.is_none() {
            let missing = match std::fs::metadata(&self.path) {
                Ok(metadata) => metadata.len() == 0,
                Err(reason) if reason.kind() == std::io::ErrorKind::NotFound => true,
                Err(reason) => return Err(io_error("read", &self.path, &reason)),
            };
            if missing && !create {
                return Ok(None);
            }
            self.open = Some(OpenIndex::open(&self.path, missing)?);
        }
        let index = self.open.as_mut().expect("opened above");
        action(index).map(Some).map_err(|failure| error(&self.path, "use", failure))
    }
}

impl OpenIndex {
    fn make(&mut self, change: &IndexChange) -> Result<(), SqliteFailure> {
        let id = change.id.to_string();
        let Some(time) = change.time else {
            self.remove.bind(0, ValueRef::Text(id.as_bytes()))?;
            return self.remove.run();
        };
        let name = change.name.as_deref().map_or(ValueRef::Null, |name| ValueRef::Text(name.as_bytes()));
        self.set.bind(0, ValueRef::Text(id.as_bytes()))?;
        self.set.bind(1, ValueRef::Integer(time.as_nanos()))?;
        self.set.bind(2, name)?;
        self.set.run()
    }

    fn open(path: &Path, missing: bool) -> Result<Self, StorageError> {
        let failed = |failure| error(path, "open", failure);
        if missing {
            let bytes = Template { name: false, kv: false, metadata: false }.bytes(None).map_err(failed)?;
            write_new(path, &bytes).map_err(|reason| io_error("create", path, &reason))?;
        }
        let database = Database::open(path, OpenMode::Existing, &Interrupt::default()).map_err(failed)?;
        let prepare = || {
            database.run("PRAGMA synchronous = NORMAL")?;
            database.run(CREATE_ALARM)?;
            let names = "SELECT count(*) FROM pragma_table_info('_cf_ALARM') WHERE name = 'actor_name'";
            if database.integer(names)? == Some(0) {
                database.run("ALTER TABLE _cf_ALARM ADD COLUMN actor_name TEXT")?;
            }
            let set = database.prepare(
                "INSERT INTO _cf_ALARM VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET \
                 scheduled_time = excluded.scheduled_time, \
                 actor_name = coalesce(excluded.actor_name, _cf_ALARM.actor_name)",
            )?;
            let remove = database.prepare("DELETE FROM _cf_ALARM WHERE actor_id = ?")?;
            Ok((set, remove))
        };
        let (set, remove) = prepare().map_err(failed)?;
        Ok(Self { database, set, remove })
    }
}
