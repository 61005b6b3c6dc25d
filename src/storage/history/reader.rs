//! Looking at a history: its points, and the database as of one of them.

use std::fs;
use std::io::Result as IoResult;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, OpenFlags};

use super::file::{HistoryFile, Kind, entries};
use super::page::PAGE;
use super::point::{Bookmark, InvalidBookmark, Point, Sequence};
use crate::base::clock::Timestamp;

/// A history cannot be read, or has no such point.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The text is no bookmark.
    #[error(transparent)]
    Invalid(#[from] InvalidBookmark),
    /// It is of another object, or of a history that is gone.
    #[error("the bookmark `{0}` does not belong to this object's history")]
    Foreign(Bookmark),
    /// It is not in the history (any more).
    #[error("the bookmark `{0}` is not in this object's history, which begins at {from}", from = .1)]
    Missing(Bookmark, Bookmark),
    /// The object has no history.
    #[error("the object has no history{}", .0.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    None(Option<String>),
    /// The time is outside of what is kept.
    #[error("{0}")]
    Time(String),
    /// A file could not be read or written.
    #[error("cannot {operation} `{}`: {reason}", path.display())]
    Io {
        /// What was to be done, as a verb.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system or SQLite said.
        reason: String,
    },
}

/// The history of one object, as it is in its file.
///
/// What was committed in the last second may be missing: [`super::Recorder::save`] brings it in.
#[derive(Debug, Clone)]
pub struct History {
    file: HistoryFile,
}

impl History {
    /// The history in the file `path`; `None` if there is none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn open(path: &Path) -> Result<Option<Self>, HistoryError> {
        let file = HistoryFile::open(path).map_err(|reason| io("read", path, &reason))?;
        Ok(file
            .filter(|file| file.tail.begin != Timestamp(0) || file.tail.last != Sequence::default())
            .map(|file| Self { file }))
    }

    /// The same, from a recorder's view.
    pub fn of(file: &HistoryFile) -> Self {
        Self { file: file.clone() }
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// All points, the oldest first. Reads the whole file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn points(&self) -> Result<Vec<Point>, HistoryError> {
        let mut points = Vec::new();
        let read = self.file.each(|_, kind, payload| {
            if kind != Kind::Tail {
                for entry in entries(payload) {
                    let entry = entry?;
                    points.push(Point {
                        bookmark: self.bookmark(entry.sequence),
                        time: entry.time,
                        cause: entry.cause,
                        size_bytes: entry.pages * PAGE as u64,
                    });
                }
            }
            Ok(true)
        });
        self.checked(read)?;
        Ok(points)
    }

    /// The newest point.
    pub fn last(&self) -> Bookmark {
        self.bookmark(self.file.tail.last)
    }

    /// What undoes a restore that is still to come: the last state before it.
    pub fn undo(&self) -> Bookmark {
        self.bookmark(self.file.tail.last.last_of_epoch())
    }

    /// The bookmark of the commit that comes next.
    pub fn next(&self) -> Bookmark {
        self.bookmark(self.file.tail.last.next())
    }

    fn bookmark(&self, sequence: Sequence) -> Bookmark {
        Bookmark { sequence, lineage: self.file.lineage }
    }

    /// The newest point at `time` or before.
    ///
    /// # Errors
    /// When the history begins later, or cannot be read.
    pub fn at_time(&self, time: Timestamp) -> Result<Bookmark, HistoryError> {
        let mut found = None;
        for point in self.points()? {
            if point.time <= time {
                found = Some(point.bookmark);
            } else {
                break;
            }
        }
        found.ok_or_else(|| {
            HistoryError::Time("the history of this object begins after the given time".to_owned())
        })
    }

    /// The point that `bookmark` names: the newest one that is not later than it.
    ///
    /// # Errors
    /// When it is another object's, or the history does not go back so far.
    pub fn resolve(&self, bookmark: Bookmark) -> Result<Point, HistoryError> {
        if bookmark.lineage != self.file.lineage {
            return Err(HistoryError::Foreign(bookmark));
        }
        let points = self.points()?;
        let first = points.first().map(|point| point.bookmark).unwrap_or(self.last());
        let found = points.into_iter().take_while(|point| point.bookmark <= bookmark).last();
        found.ok_or(HistoryError::Missing(bookmark, first))
    }

    /// The bytes of the database as of `bookmark`; empty for an object that had none.
    ///
    /// # Errors
    /// As [`History::resolve`].
    pub fn image(&self, bookmark: Bookmark) -> Result<Vec<u8>, HistoryError> {
        self.resolve(bookmark)?;
        let image = self.checked(self.file.image(|entry| entry.sequence <= bookmark.sequence))?;
        Ok(image.unwrap_or_default())
    }

    /// The database as of `bookmark` in a file of its own, to be read.
    ///
    /// # Errors
    /// As [`History::resolve`], and when the file cannot be written.
    pub fn snapshot(&self, bookmark: Bookmark) -> Result<Snapshot, HistoryError> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let image = self.image(bookmark)?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = self.file.path().with_extension(format!("view-{}-{number}", std::process::id()));
        fs::write(&path, image).map_err(|reason| io("write", &path, &reason))?;
        Ok(Snapshot { path })
    }

    fn checked<T>(&self, result: IoResult<T>) -> Result<T, HistoryError> {
        result.map_err(|reason| io("read", self.file.path(), &reason))
    }
}

/// The database of an earlier point, in a file that goes with this value.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
}

impl Snapshot {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A connection that can only read.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn connect(&self) -> rusqlite::Result<Connection> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // Nobody else writes to it, so that its journal mode does not matter.
        let mut name = String::from("file:");
        for byte in self.path.to_string_lossy().bytes() {
            match byte {
                b'?' | b'#' | b'%' => name.push_str(&format!("%{byte:02X}")),
                _ => name.push(char::from(byte)),
            }
        }
        if name.is_ascii() {
            name.push_str("?immutable=1");
            return Connection::open_with_flags(name, flags);
        }
        Connection::open_with_flags(&self.path, flags)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // A file that cannot be removed is only litter.
        let _ = fs::remove_file(&self.path);
    }
}

pub(super) fn io(operation: &'static str, path: &Path, reason: &dyn std::fmt::Display) -> HistoryError {
    HistoryError::Io { operation, path: path.to_owned(), reason: reason.to_string() }
}
