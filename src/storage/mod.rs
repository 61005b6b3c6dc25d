//! The state of objects: one SQLite file each, in the layout that wrangler keeps.
//!
//! [`StateDir`] knows the directory, [`Connections`] the open databases of an isolate, and
//! [`ObjectStore`] is one object's storage: keys and values as bytes, SQL, transactions, the alarm
//! slot. [`AlarmIndex`] is a namespace's list of alarms, [`AlarmRetries`] what failed alarms wait for,
//! [`FormerIds`] what objects were called before their class moved. Nothing here knows of JavaScript, of async
//! or of gates; everything is for one thread and answers at once.
//!
//! Invariant: what [`ObjectStore::commit`] has accepted survives the end of the process.
//! Invariant: while a connection is open nobody in this process opens its file but through SQLite:
//! closing any other descriptor of it would drop SQLite's locks.

mod alarm;
mod alarm_retries;
mod bookmark;
mod change_limit;
mod check;
mod connection;
mod connections;
mod cursor;
mod facets;
mod failure;
mod first_commit;
mod former_ids;
mod guard;
pub mod history;
mod kv;
mod list;
mod object;
pub mod replacement;
mod sql;
mod sqlite;
pub mod state_dir;
mod template;
mod tokens;
mod txn;
mod value;

#[cfg(test)]
mod tests;

pub use alarm::{AlarmEntry, AlarmIndex, IndexChange};
pub use alarm_retries::{AlarmRetries, StoredRetry};
pub use check::check_sql;
pub use connections::Connections;
pub use cursor::{CursorId, RowRef};
pub use facets::{FacetIndex, facet_path};
pub use failure::{CommitError, SqlError, SqliteFailure, StorageError};
pub use former_ids::FormerIds;
pub use kv::Value;
pub use list::{KvIterator, ListOptions};
pub use object::{Backend, ObjectStore, committed_image};
pub use sqlite::{Interrupt, interrupt_when, steps};
pub use state_dir::{ObjectFile, StateDir, StateDirError};
pub use txn::SavepointId;
pub use value::{SqlValue, ValueRef};
