//! What all worlds of one server share: the state directory and the leases of objects.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::clock::Clock;
use crate::base::generation::Generation;
use crate::objects::{Alarms, Busy, DemandKind, Demanded, Extent, Feed, Leases, Parking};
use crate::storage::history::{self, HistoryOptions, HistorySettings};
use crate::storage::{StateDir, StateDirError};
use crate::workers::RateCounts;

use super::replies::Replies;

/// The state directory cannot be used.
pub type StateError = StateDirError;

/// Why a world that serves is of no more use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Its code has used up the isolate's memory and holds it.
    Memory,
    /// Its thread has failed: a defect of ours.
    Failed,
}

/// Told of a world that is of no more use, on its thread.
pub type OnLost = Arc<dyn Fn(Generation, Lost) + Send + Sync>;

/// The state of one server, held until it is dropped.
pub struct SharedState {
    directory: StateDir,
    pub(super) leases: Leases,
    pub(super) alarms: Alarms,
    replies: Arc<Replies>,
    pub(super) parking: Parking,
    feed: Feed,
    pub(super) rate_counts: Arc<RateCounts>,
    history: Option<HistoryOptions>,
    changing: Mutex<()>,
    on_lost: OnLost,
}

/// Objects that no world has; they wake anew, with the alarms that are stored then, when this is dropped.
pub struct TakenOut<'a> {
    state: &'a SharedState,
    extent: Extent,
    _demanded: Demanded,
}

impl Drop for TakenOut<'_> {
    fn drop(&mut self) {
        let (objects_dir, own_dir) = (self.state.objects_dir(), self.state.own_dir());
        // An alarm that cannot be read here is found by the next world, or told by it.
        let _ = self.state.alarms.replaced(&self.extent, &objects_dir, &own_dir);
    }
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
            rate_counts: Arc::default(),
            history: None,
            changing: Mutex::default(),
            on_lost: Arc::new(|_, _| {}),
        })
    }

    /// The same, telling what happens to `feed`.
    #[must_use]
    pub fn with_feed(self, feed: Feed) -> Self {
        Self { feed, ..self }
    }

    /// The same, handing answers over to `replies`, which a server delivers already.
    #[must_use]
    pub fn with_replies(self, replies: Arc<Replies>) -> Self {
        Self { replies, ..self }
    }

    /// The same, telling `on_lost` of worlds that are of no more use.
    #[must_use]
    pub fn with_on_lost(self, on_lost: OnLost) -> Self {
        Self { on_lost, ..self }
    }

    pub(super) fn lost(&self, generation: Generation, why: Lost) {
        (self.on_lost)(generation, why);
    }

    /// Where what happens is told.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The same, keeping the history of objects, with times from `clock`.
    #[must_use]
    pub fn with_history(mut self, settings: HistorySettings, clock: Clock) -> Self {
        let HistorySettings { max_bytes, max_age_ms } = settings;
        let directory = history::directory(&self.own_dir());
        self.history = Some(HistoryOptions { directory, clock, max_bytes, max_age_ms });
        self
    }

    /// How the history of objects is kept, if it is.
    pub fn history(&self) -> Option<HistoryOptions> {
        self.history.clone()
    }

    /// The answers of all worlds, for the edge to deliver.
    pub fn replies(&self) -> &Arc<Replies> {
        &self.replies
    }

    /// `<persist>/v3`, which this process holds.
    pub fn root(&self) -> &Path {
        self.directory.root()
    }

    /// Only one changes files of objects from outside at a time, or moves them: whoever holds this.
    pub fn exclusively(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the objects of `extent` out of all worlds: nothing of them runs and no file of theirs is open until the
    /// answer is dropped. Their hibernatable sockets stay, unless `close_sockets`. Waits at most `limit`.
    ///
    /// # Errors
    /// When a world is busy for longer.
    pub fn take_out(
        &self,
        extent: Extent,
        close_sockets: bool,
        limit: Duration,
    ) -> Result<TakenOut<'_>, Busy> {
        let demanded = self.leases.demand(extent.clone(), DemandKind::Leave { close_sockets }, limit)?;
        Ok(TakenOut { state: self, extent, _demanded: demanded })
    }

    /// Makes all worlds stand still where everything is committed, until the answer is dropped. Waits at most `limit`.
    ///
    /// # Errors
    /// As [`SharedState::take_out`].
    pub fn stand_still(&self, limit: Duration) -> Result<Demanded, Busy> {
        self.leases.demand(Extent::All, DemandKind::StandStill, limit)
    }

    /// Forgets what is known of `namespaces`, which changed on disk while no world had them.
    pub fn forget(&self, namespaces: &[String]) {
        self.alarms.forget(namespaces);
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
