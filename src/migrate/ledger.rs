//! The ledger: which migrations a state directory has been through, and which copies can be restored.
//!
//! One small JSON file, `<persist>/v3/dodev/migrations.json`, replaced as a whole. It belongs to the state and not
//! to the project, so that it is copied, deleted and reset together with what it describes. One state directory
//! may hold the objects of several Workers. Only read and written here; deciding is `plan.rs`'s work.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::project::ClassStorage;

const VERSION: u32 = 1;

/// What happened to a state directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    version: u32,
    /// Number of the next copy.
    pub next_copy: u64,
    /// By the Worker's name.
    pub workers: BTreeMap<String, WorkerLedger>,
    /// What destructive steps put aside.
    pub copies: Vec<Copy>,
}

/// One Worker's part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerLedger {
    /// The classes that exist now.
    pub classes: BTreeMap<String, Storage>,
    /// What was applied, in order.
    pub entries: Vec<Entry>,
}

/// What the objects of a class store in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// SQLite.
    Sqlite,
    /// The older key-value storage.
    LegacyKv,
}

/// How an entry came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// Its steps were done.
    Applied,
    /// The state was there before the ledger: its steps were taken for done.
    Adopted,
    /// The Worker was renamed.
    Carried,
}

/// A migration that the state has been through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its tag; none for the `exports` form, which has no tags.
    pub tag: Option<String>,
    /// When, milliseconds since the epoch.
    pub at_ms: i64,
    /// How it came about.
    pub how: How,
    /// What it did.
    pub steps: Vec<Step>,
}

/// One step of a migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Step {
    /// A class came to be.
    Create {
        /// Its name.
        class: String,
        /// What it stores in.
        storage: Storage,
        /// Objects that were there already, or came back from a copy.
        objects: usize,
        /// The copy that came back.
        restored: Option<u64>,
    },
    /// A class goes on under another name.
    Rename {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
        /// What it stores in.
        storage: Storage,
        /// Objects that moved.
        objects: usize,
        /// The copy of what was in the way.
        aside: Option<Aside>,
    },
    /// A class came from another Worker.
    Transfer {
        /// The other Worker.
        from_script: String,
        /// The class there.
        from: String,
        /// The class here.
        to: String,
        /// What it stores in.
        storage: Storage,
        /// Objects that moved.
        objects: usize,
        /// The copy of what was in the way.
        aside: Option<Aside>,
        /// Whether the other Worker's part of the ledger had the class.
        listed: bool,
    },
    /// A class went to another Worker, which takes its objects when it is migrated.
    Leave {
        /// The class.
        class: String,
        /// The other Worker.
        to_script: String,
        /// What it stores in.
        storage: Storage,
    },
    /// A class went with its objects.
    Delete {
        /// The class.
        class: String,
        /// What it stored in.
        storage: Storage,
        /// Objects that were put aside.
        aside: Option<Aside>,
    },
    /// The Worker was renamed: a class came along.
    Carry {
        /// The old name of the Worker.
        from_script: String,
        /// The class.
        class: String,
        /// Objects that moved.
        objects: usize,
    },
}

/// A namespace that is put aside by a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aside {
    /// How many objects it has.
    pub objects: usize,
    /// The number of the copy.
    pub copy: u64,
}

/// A namespace that was put aside and can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Its number.
    pub id: u64,
    /// The Worker.
    pub worker: String,
    /// The class.
    pub class: String,
    /// How many objects it has.
    pub objects: usize,
    /// When it was put aside, milliseconds since the epoch.
    pub at_ms: i64,
    /// The tag whose step put it aside, or whose undoing did.
    pub tag: Option<String>,
    /// Whether it holds the objects of a class whose creation was undone.
    pub undone: bool,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { version: VERSION, next_copy: 1, workers: BTreeMap::new(), copies: Vec::new() }
    }
}

impl Ledger {
    /// Where the ledger is, below `own_dir` (`<persist>/v3/dodev`).
    pub fn path(own_dir: &Path) -> PathBuf {
        own_dir.join("migrations.json")
    }

    /// Reads the ledger; an empty one if there is none.
    ///
    /// # Errors
    /// When the file cannot be read, or is not a ledger that this version knows.
    pub fn read(own_dir: &Path) -> io::Result<Self> {
        let bytes = match fs::read(Self::path(own_dir)) {
            Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            result => result?,
        };
        let ledger: Self = serde_json::from_slice(&bytes)?;
        if ledger.version != VERSION {
            let what = format!("a newer dodev wrote version {} of it", ledger.version);
            return Err(io::Error::new(ErrorKind::InvalidData, what));
        }
        Ok(ledger)
    }

    /// The ledger as it is stored.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("text and numbers can be written as JSON")
    }

    /// Takes the number of a new copy.
    pub fn take_copy_number(&mut self) -> u64 {
        let number = self.next_copy;
        self.next_copy += 1;
        number
    }
}

impl WorkerLedger {
    /// The tag that was applied last.
    pub fn last_tag(&self) -> Option<&str> {
        self.entries.iter().rev().find_map(|entry| entry.tag.as_deref())
    }
}

impl From<ClassStorage> for Storage {
    fn from(storage: ClassStorage) -> Self {
        match storage {
            ClassStorage::Sqlite => Self::Sqlite,
            ClassStorage::Kv => Self::LegacyKv,
        }
    }
}

impl From<Storage> for ClassStorage {
    fn from(storage: Storage) -> Self {
        match storage {
            Storage::Sqlite => Self::Sqlite,
            Storage::LegacyKv => Self::Kv,
        }
    }
}

impl Step {
    /// How many objects it puts aside.
    pub fn puts_aside(&self) -> usize {
        match self {
            Self::Delete { aside, .. } | Self::Rename { aside, .. } | Self::Transfer { aside, .. } => {
                aside.map_or(0, |aside| aside.objects)
            }
            Self::Create { .. } | Self::Leave { .. } | Self::Carry { .. } => 0,
        }
    }

    /// Whether it moves files, so that no object of the Worker may be in use.
    pub fn moves(&self) -> bool {
        match self {
            Self::Delete { aside, .. } => aside.is_some(),
            Self::Rename { objects, aside, .. } | Self::Transfer { objects, aside, .. } => {
                *objects > 0 || aside.is_some()
            }
            Self::Create { restored, .. } => restored.is_some(),
            Self::Carry { objects, .. } => *objects > 0,
            Self::Leave { .. } => false,
        }
    }

    /// Whether somebody has to agree: objects disappear from the program's sight.
    pub fn is_destructive(&self) -> bool {
        self.puts_aside() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Ledger::read(directory.path()).unwrap(), Ledger::default());
        let mut ledger = Ledger::default();
        assert_eq!((ledger.take_copy_number(), ledger.take_copy_number()), (1, 2));
        let aside = Some(Aside { objects: 3, copy: 1 });
        let delete = Step::Delete { class: "A".into(), storage: Storage::Sqlite, aside };
        assert!(delete.is_destructive());
        let entry = Entry { tag: Some("v1".into()), at_ms: 5, how: How::Applied, steps: vec![delete] };
        ledger.workers.entry("w".into()).or_default().entries.push(entry);
        fs::write(Ledger::path(directory.path()), ledger.to_json()).unwrap();
        assert_eq!(Ledger::read(directory.path()).unwrap(), ledger);
        assert_eq!(ledger.workers["w"].last_tag(), Some("v1"));
        for damaged in ["", "[]", "{\"version\":1}"] {
            fs::write(Ledger::path(directory.path()), damaged).unwrap();
            assert!(Ledger::read(directory.path()).is_err(), "{damaged}");
        }
        let newer = String::from_utf8(ledger.to_json()).unwrap().replace("\"version\": 1", "\"version\": 2");
        fs::write(Ledger::path(directory.path()), newer).unwrap();
        assert!(Ledger::read(directory.path()).unwrap_err().to_string().contains("newer dodev"));
    }
}
