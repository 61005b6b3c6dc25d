//! What somebody outside demands of all worlds at once: to leave objects whose files are replaced, or to stand still while
//! files are copied.
//!
//! A world gets an [`Obligation`] and has obeyed when it drops it, so that a world that ends has obeyed too. Between
//! its batches everything of a world is committed: worlds that stand still there leave a state of all objects in which no
//! effect lacks its cause.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::lease::LeaseKey;

/// Which objects a demand is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extent {
    /// All of them.
    All,
    /// Those of the namespaces with these keys.
    Namespaces(Vec<String>),
    /// These.
    Objects(Vec<LeaseKey>),
}

impl Extent {
    /// Whether the object `key` is among them.
    pub fn covers(&self, key: &LeaseKey) -> bool {
        match self {
            Self::All => true,
            Self::Namespaces(namespaces) => namespaces.contains(&key.0),
            Self::Objects(objects) => objects.contains(key),
        }
    }

    /// Whether all objects of `namespace` are.
    pub fn covers_all_of(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Namespaces(namespaces) => namespaces.iter().any(|other| other == namespace),
            Self::Objects(_) => false,
        }
    }
}

/// What is demanded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Instances end, with what they do; files are closed; leases are given up.
    Leave {
        /// Whether hibernatable sockets end too.
        close_sockets: bool,
    },
    /// Nothing runs and nothing is written until the demand ends.
    StandStill,
}

/// A world did not obey in time: its code is busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the code is busy with something that takes long: nothing was changed")]
pub struct Busy;

/// A demand, shared by those who have to obey.
#[derive(Debug)]
pub struct Demand {
    /// Which objects it is about.
    pub extent: Extent,
    kind: Kind,
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Progress {
    /// How many have not obeyed.
    left: usize,
    over: bool,
    open_files: Vec<PathBuf>,
}

impl Demand {
    /// A demand that nobody has to obey yet.
    pub(super) fn new(extent: Extent, kind: Kind) -> Self {
        Self { extent, kind, progress: Mutex::default(), changed: Condvar::new() }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until everybody has obeyed, at most `limit`: whether they have.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.progress(), limit, |progress| progress.left > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.left == 0
    }

    /// Who stands still goes on.
    pub(super) fn end(&self) {
        self.progress().over = true;
        self.changed.notify_all();
    }

    pub(super) fn open_files(&self) -> Vec<PathBuf> {
        self.progress().open_files.clone()
    }
}

/// What one world has to do; done when this is dropped.
#[derive(Debug)]
pub struct Obligation(Arc<Demand>);

impl Obligation {
    pub(super) fn new(demand: &Arc<Demand>) -> Self {
        demand.progress().left += 1;
        Self(demand.clone())
    }

    /// What is demanded.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Of which objects.
    pub fn extent(&self) -> &Extent {
        &self.0.extent
    }

    /// Whether the demand has ended, because somebody else did not obey in time: nothing is to be done.
    pub(super) fn is_over(&self) -> bool {
        self.0.progress().over
    }

    /// Stands still until the demand ends; `open` are the files that could not be closed.
    pub(super) fn stand_still(self, open: Vec<PathBuf>) {
        let demand = self.0.clone();
        demand.progress().open_files.extend(open);
        // Now it has obeyed.
        drop(self);
        drop(demand.changed.wait_while(demand.progress(), |progress| !progress.over));
    }
}

impl Drop for Obligation {
    fn drop(&mut self) {
        self.0.progress().left -= 1;
        self.0.changed.notify_all();
    }
}
