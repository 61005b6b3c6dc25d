//! The history of objects: every committed state, to be looked at and brought back.
//!
//! [`Recorder`] takes commits over from SQLite's log into one file per object, [`History`] lists the
//! points and gives the database as of one of them, [`restore`] brings one back. A file is
//! `<persist>/v3/dodev/history/<unique key>/<id>.history`; `<id>.restore` beside it names the point that the
//! next session brings back. No engine is needed for any of it.
//!
//! SQLite has just written the pages of a commit to its log; a second file written at every commit would cost another
//! system call and the same bytes again. So the log is read later, once a second or after some commits. `benches/storage.rs` has the
//! figures with and without.

mod file;
mod log;
mod page;
mod point;
mod reader;
mod recorder;
mod restore;
mod sparse;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::base::clock::Clock;
use crate::base::limits;

pub use file::HistoryFile;
pub use log::{Position, path_of as log_path};
pub use point::{Bookmark, Cause, CauseKind, InvalidBookmark, Point, Sequence};
pub use reader::{History, HistoryError, Snapshot};
pub use recorder::{Recorder, mark};
pub use restore::{is_scheduled, restore, schedule, unschedule};

/// Bounds of the history of every object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistorySettings {
    /// As in [`HistoryOptions`].
    pub max_bytes: u64,
    /// As in [`HistoryOptions`].
    pub max_age_ms: i64,
}

impl Default for HistorySettings {
    fn default() -> Self {
        Self { max_bytes: limits::HISTORY_BYTES, max_age_ms: limits::BOOKMARK_AGE_MS }
    }
}

/// What the histories of a state directory have in common.
#[derive(Debug, Clone)]
pub struct HistoryOptions {
    /// `<persist>/v3/dodev/history`.
    pub directory: PathBuf,
    /// Gives the times of points.
    pub clock: Clock,
    /// Most bytes of one object's history; the oldest points go first. An object whose database is larger has none.
    pub max_bytes: u64,
    /// How long points are kept, milliseconds.
    pub max_age_ms: i64,
}

impl HistoryOptions {
    /// The history of the database `<unique key>/<id>.sqlite`; `None` for another path.
    pub fn path_of(&self, database: &Path) -> Option<PathBuf> {
        let namespace = database.parent()?.file_name()?;
        let id = database.file_stem()?;
        Some(self.directory.join(namespace).join(with_extension(id, "history")))
    }
}

/// The history directory below `<persist>/v3/dodev`.
pub fn directory(own: &Path) -> PathBuf {
    own.join("history")
}

fn with_extension(stem: &OsStr, extension: &str) -> PathBuf {
    let mut name = stem.to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}
