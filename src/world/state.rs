//! What all worlds of one server share: the state directory and the leases of objects.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::objects::{Alarms, Feed, Leases, Parking};
use crate::storage::{StateDir, StateDirError};

use super::replies::Replies;

/// The state directory cannot be used.
pub type StateError = StateDirError;

/// The state of one server, held until it is dropped.
#[derive(Debug)]
pub struct SharedState {
    directory: StateDir,
    pub(super) leases: Leases,
    pub(super) alarms: Alarms,
    replies: Arc<Replies>,
    pub(super) parking: Parking,
    feed: Feed,
}

impl SharedState {
    /// Takes `<persist>/v3` for this process, making it if needed.
    ///
    /// # Errors
    /// When another process holds it, or the file system refuses.
    pub fn open(persist: &Path) -> Result<Self, StateError> {
        Ok(Self {
            directory: StateDir::open(&persist.join("v3"))?,
            leases: Leases::default(),
            alarms: Alarms::default(),
            replies: Arc::default(),
            parking: Parking::default(),
            feed: Feed::default(),
        })
    }

    /// The same, telling what happens to `feed`.
    #[must_use]
    pub fn with_feed(self, feed: Feed) -> Self {
        Self { feed, ..self }
    }

    /// Where what happens is told.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The answers of all worlds, for the edge to deliver.
    pub fn replies(&self) -> &Arc<Replies> {
        &self.replies
    }

    /// The directory of the namespaces of objects.
    pub fn objects_dir(&self) -> PathBuf {
        self.directory.root().join("do")
    }

    /// The directory for what only dodev keeps.
    pub fn own_dir(&self) -> PathBuf {
        self.directory.own_dir()
    }
}
