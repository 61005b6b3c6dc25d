//! Where a namespace's files are: while a class uses it, while it moves, and while a copy waits.
//!
//! A namespace is more than its directory of objects: the tables of its history, its former ids and the retries of
//! its alarms belong to it, and move with it. What a namespace has is listed here and nowhere else.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::storage::FormerIds;

/// A place for a namespace's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// In use, under this unique key.
    InUse(String),
    /// Put aside, as this copy.
    Copy(u64),
    /// On its way, as this move of the journal.
    Moving(usize),
}

/// The state directory, as paths.
#[derive(Debug, Clone, Copy)]
pub struct Root<'a>(pub &'a Path);

impl Root<'_> {
    /// What only dodev keeps.
    pub fn own(self) -> PathBuf {
        self.0.join("dodev")
    }

    /// Where namespaces are while they move.
    pub fn moving(self) -> PathBuf {
        self.own().join("moving")
    }

    /// The directory of the copy numbered `id`.
    pub fn copy(self, id: u64) -> PathBuf {
        self.own().join("copies").join(id.to_string())
    }
}

impl Place {
    /// The directory of the objects' databases.
    pub fn objects(&self, root: Root<'_>) -> PathBuf {
        match self {
            Self::InUse(key) => root.0.join("do").join(key),
            Self::Copy(id) => root.copy(*id).join("do"),
            Self::Moving(number) => root.moving().join(number.to_string()).join("do"),
        }
    }

    /// The directory of the objects' history.
    pub fn history(&self, root: Root<'_>) -> PathBuf {
        match self {
            Self::InUse(key) => root.own().join("history").join(key),
            Self::Copy(id) => root.copy(*id).join("history"),
            Self::Moving(number) => root.moving().join(number.to_string()).join("history"),
        }
    }

    /// The table of former ids.
    pub fn former_ids(&self, root: Root<'_>) -> PathBuf {
        match self {
            Self::InUse(key) => FormerIds::path(&root.own(), key),
            Self::Copy(id) => root.copy(*id).join("former-ids.json"),
            Self::Moving(number) => root.moving().join(number.to_string()).join("former-ids.json"),
        }
    }

    /// Everything that is moved by renaming it.
    pub fn parts(&self, root: Root<'_>) -> [PathBuf; 3] {
        [self.objects(root), self.history(root), self.former_ids(root)]
    }

    /// What the namespace is called in the table of alarm retries. A unique key has no colon.
    pub fn retries(&self) -> String {
        match self {
            Self::InUse(key) => key.clone(),
            Self::Copy(id) => format!("copy:{id}"),
            Self::Moving(number) => format!("moving:{number}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.retries())
    }
}
