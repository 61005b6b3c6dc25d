//! What a world has done so far, counted in things that are the same on every machine.
//!
//! The same code and the same requests give the same counts, or nearly so, whatever else a machine does. Tests compare them
//! with what was recorded (`tests/it/costs.rs`), so that a change which makes every request dearer does not go unnoticed.

use serde::Serialize;

use super::super::scheduler::Objects;
use crate::engine::Isolate;
use crate::storage;

/// Counts since the world began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    /// Times that JavaScript was entered.
    pub turns: u64,
    /// Pieces of memory that the engine took.
    pub allocations: u64,
    /// Times that the engine asked whether to stop: once in ten thousand calls and loops.
    pub polls: u64,
    /// Steps of SQLite's statements.
    pub steps: u64,
    /// Commits of objects.
    pub commits: u64,
}

impl Objects {
    pub(super) fn work(&self, isolate: &Isolate) -> Work {
        Work {
            turns: isolate.turns(),
            allocations: isolate.heap().taken(),
            polls: isolate.polls(),
            steps: storage::steps(),
            commits: self.stores.commits(),
        }
    }
}
