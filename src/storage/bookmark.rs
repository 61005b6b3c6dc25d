//! Bookmarks: names of points in an object's history, for the program of the object.
//!
//! With a history, they name points that can be restored (`history`). Without one there is only the counter that
//! the platform's local tool has.
//!
//! Fidelity: <https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/#pitr-point-in-time-recovery-api>;
//! without a history workerd's `ActorSqlite::getCurrentBookmark` (`src/workerd/io/actor-sqlite.c++`): a counter kept in
//! the object's file, so that later bookmarks sort after earlier ones.

use super::failure::StorageError;
use super::history::{self, Bookmark, History, HistoryError};
use super::object::{Backend, ObjectStore};
use crate::base::clock::Timestamp;
use crate::base::limits;

/// Fidelity: workerd, `src/workerd/io/actor-storage.h`; also what objects of KV-backed classes get.
const NOT_IMPLEMENTED: &str =
    "This Durable Object's storage back-end does not implement point-in-time recovery.";

impl ObjectStore {
    /// The bookmark of the state as it is now, with what the running batch has written.
    pub fn current_bookmark(&mut self) -> Result<String, StorageError> {
        if self.slot.recorder().is_none() || self.backend == Backend::Kv {
            return self.next_bookmark();
        }
        if !self.is_dirty() {
            return Ok(self.history()?.last().to_string());
        }
        // What follows is written in any case, so that the batch ends in a commit that has this bookmark.
        self.next_bookmark()?;
        let history = self.history()?;
        if !self.is_aside() {
            return Ok(history.next().to_string());
        }
        // `deleteAll()` and the new file are points of their own.
        let mut bookmark = history.next();
        bookmark.sequence = bookmark.sequence.next().next();
        Ok(bookmark.to_string())
    }

    /// The bookmark of the state at `time`.
    ///
    /// # Errors
    /// When `time` is in the future, too long ago, or before the history.
    pub fn bookmark_for_time(&mut self, time: Timestamp) -> Result<String, StorageError> {
        let history = self.history()?;
        let now = self.slot.recorder().map_or(time, |recorder| recorder.borrow().now());
        if time > now {
            let text = "getBookmarkForTime() was called with a time in the future";
            return Err(HistoryError::Time(text.to_owned()).into());
        }
        if time < now.plus_ms(-limits::BOOKMARK_AGE_MS) {
            let text = "getBookmarkForTime() was called with a time more than 30 days ago";
            return Err(HistoryError::Time(text.to_owned()).into());
        }
        Ok(history.at_time(time)?.to_string())
    }

    /// Notes that the next session of the object brings the state at `bookmark` back; gives the bookmark that undoes it.
    ///
    /// # Errors
    /// When it is no bookmark of this object's history.
    pub fn restore_next_session(&mut self, bookmark: &str) -> Result<String, StorageError> {
        if self.backend == Backend::Kv {
            return Err(StorageError::History(NOT_IMPLEMENTED.to_owned()));
        }
        let bookmark: Bookmark = bookmark.parse().map_err(HistoryError::from)?;
        let history = self.history()?;
        if bookmark != history.next() || !self.is_dirty() {
            history.resolve(bookmark)?;
        }
        history::schedule(history.path(), bookmark)?;
        Ok(history.undo().to_string())
    }

    /// Begins a session of the object: brings back what the one before asked for. Whether it did.
    ///
    /// # Errors
    /// When that failed; the state is as it was, and the next session tries again.
    pub fn begin_session(&mut self) -> Result<bool, StorageError> {
        let Some(path) = self.slot.recorder().and_then(|recorder| recorder.borrow().path()) else {
            return Ok(false);
        };
        let Some(bookmark) = history::is_scheduled(&path)? else { return Ok(false) };
        self.file_exists()?;
        self.connections.disconnect(&self.slot);
        self.connections.finish(&self.slot).map_err(|failure| self.error("close", failure))?;
        let Some(recorder) = self.slot.recorder() else { return Ok(false) };
        history::restore(&mut recorder.borrow_mut(), self.slot.path(), bookmark)?;
        history::unschedule(&path)?;
        self.forget_reads();
        Ok(true)
    }

    /// Whether `deleteAll()` waits for the commit.
    fn is_aside(&self) -> bool {
        self.slot.recorder().is_some_and(|recorder| recorder.borrow().is_aside())
    }

    /// The history with all commits, begun if there is none.
    fn history(&mut self) -> Result<History, StorageError> {
        if self.slot.recorder().is_none() || self.backend == Backend::Kv {
            return Err(StorageError::History(NOT_IMPLEMENTED.to_owned()));
        }
        self.make(false)?;
        // Whoever opens the file looks for its history.
        self.writing(false, "open", |_| Ok(()))?;
        if !self.is_aside() {
            self.connections.recorded(&self.slot, |recorder| recorder.save(true));
        }
        let recorder = self.slot.recorder().expect("looked at above").borrow();
        match (recorder.off(), recorder.file()) {
            (None, Some(file)) => Ok(History::of(file)),
            (why, _) => Err(HistoryError::None(why.map(str::to_owned)).into()),
        }
    }

    /// Counts up in the file; takes effect with the commit.
    fn next_bookmark(&mut self) -> Result<String, StorageError> {
        self.flush()?;
        self.begin(false)?;
        let bookmark = self.writing(false, "write", |connection| connection.next_bookmark())?;
        let (high, low) = (bookmark / i64::from(u32::MAX), bookmark % i64::from(u32::MAX));
        Ok(format!("{high:08x}-{low:08x}-{:08x}-{:032x}", 0, 0))
    }
}
