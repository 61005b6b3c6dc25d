//! Bringing an earlier state back.
//!
//! `onNextSessionRestoreBookmark()` leaves a file that names the point; the next session of the object finds it
//! before anything is read. The state is written over the database in one transaction of SQLite's, so that
//! it is there as a whole or not at all, and it is a point of the history like any other: the restore can be undone.
//! A process that ends in the middle leaves the file, and the next session does the same again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::log::Position;
use super::point::{Bookmark, Cause, CauseKind};
use super::reader::{History, HistoryError, io};
use super::recorder::{ANY_FRAME, Recorder};
use crate::storage::object::write_new;
use crate::storage::sqlite::{Database, Interrupt, OpenMode};
use crate::storage::template::Template;

/// Where it is noted what the next session of the object brings back.
fn note(history: &Path) -> PathBuf {
    history.with_extension("restore")
}

/// Notes that the next session of the object with the file `history` brings `bookmark` back. The last call counts.
///
/// # Errors
/// When the note cannot be written.
pub fn schedule(history: &Path, bookmark: Bookmark) -> Result<(), HistoryError> {
    let (path, new) = (note(history), history.with_extension("restore-new"));
    let write = || {
        fs::write(&new, bookmark.to_string())?;
        fs::rename(&new, &path)
    };
    write().map_err(|reason: std::io::Error| io("write", &path, &reason))
}

/// What the next session of the object brings back, if anything.
///
/// # Errors
/// When the note is there and cannot be read.
pub fn is_scheduled(history: &Path) -> Result<Option<Bookmark>, HistoryError> {
    let path = note(history);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().parse()?)),
        Err(reason) if reason.kind() == ErrorKind::NotFound => Ok(None),
        Err(reason) => Err(io("read", &path, &reason)),
    }
}

/// Forgets what [`schedule`] noted.
///
/// # Errors
/// When the note cannot be removed.
pub fn unschedule(history: &Path) -> Result<(), HistoryError> {
    let path = note(history);
    match fs::remove_file(&path) {
        Err(reason) if reason.kind() != ErrorKind::NotFound => Err(io("remove", &path, &reason)),
        _ => Ok(()),
    }
}

/// Brings the state at `bookmark` back into the object's file `database`, which nobody in this process may
/// have open. The bookmark of the state before, which undoes it.
///
/// # Errors
/// When the history has no such point, or a file cannot be read or written; the state is then as before.
pub fn restore(
    recorder: &mut Recorder,
    database: &Path,
    bookmark: Bookmark,
) -> Result<Bookmark, HistoryError> {
    let failed = |reason: std::io::Error| io("restore", database, &reason);
    if database.exists() {
        recorder.before_open().map_err(failed)?;
    }
    recorder.save(false).map_err(failed)?;
    let Some(file) = recorder.file() else {
        return Err(HistoryError::None(recorder.off().map(str::to_owned)));
    };
    let history = History::of(file);
    let undo = history.undo();
    let mut image = history.image(bookmark)?;
    let empty = || Template { name: false, kv: false, metadata: false }.bytes(None);
    let broken = |failure: crate::storage::SqliteFailure| io("restore", database, &failure);
    if image.is_empty() {
        image = empty().map_err(broken)?;
    }
    if fs::metadata(database).map_or(0, |metadata| metadata.len()) == 0 {
        let bytes = empty().map_err(broken)?;
        write_new(database, &bytes).map_err(failed)?;
        recorder.made(&bytes);
    }
    recorder.save(false).map_err(failed)?;
    let connection = Database::open(database, OpenMode::Existing, &Interrupt::default()).map_err(broken)?;
    connection.run("PRAGMA synchronous = NORMAL").map_err(broken)?;
    recorder.restoring().map_err(failed)?;
    connection.replace_with(image).map_err(broken)?;
    recorder
        .note(Position { salt: 0, frame: ANY_FRAME }, Cause::new(CauseKind::Restore, bookmark.to_string()));
    recorder.save(true).map_err(failed)?;
    drop(connection);
    recorder.moved(None).map_err(failed)?;
    Ok(undo)
}
