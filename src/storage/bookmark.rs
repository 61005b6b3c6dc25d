//! Bookmarks: names of points in an object's history, as far as a local platform has any.
//!
//! Fidelity: workerd `ActorSqlite::getCurrentBookmark` (`src/workerd/io/actor-sqlite.c++`): a counter kept in
//! the object's file, so that later bookmarks sort after earlier ones. Nothing can be restored from it.

use super::failure::StorageError;
use super::object::ObjectStore;

impl ObjectStore {
    /// The next bookmark; takes effect with the commit.
    pub fn next_bookmark(&mut self) -> Result<String, StorageError> {
        self.flush()?;
        self.begin(false)?;
        let bookmark = self.writing(false, "write", |connection| connection.next_bookmark())?;
        let (high, low) = (bookmark / i64::from(u32::MAX), bookmark % i64::from(u32::MAX));
        Ok(format!("{high:08x}-{low:08x}-{:08x}-{:032x}", 0, 0))
    }
}
