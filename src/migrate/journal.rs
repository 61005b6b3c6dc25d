//! Moves namespaces all at once or not at all, whenever the process ends.
//!
//! What is to be done is written to a journal before anything moves; from then on it will be done, if need be by the
//! next start. It has three phases: namespaces are **taken** out of use into a place of their own, **rewritten**
//! there to their new ids, and **placed** where they are to be, together with the ledger. Within a phase no
//! operation undoes another, so a phase that was cut short is done again from its beginning. What another
//! tool sees meanwhile is a namespace that is absent, never one that is half renamed.
//!
//! Invariant: whoever opens a state directory to use it calls [`recover`] first, holding its lock.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::clock::Timestamp;
use crate::base::ids::{NamespaceKey, ObjectId};
use crate::storage::history::{self, Cause, CauseKind};
use crate::storage::{AlarmIndex, AlarmRetries, FormerIds, StorageError};

use super::files::Files;
use super::ledger::Ledger;
use super::place::{Place, Root};
use super::rename_ids::{Ids, IdsError, files_by_id, new_ids};

const VERSION: u32 = 1;

/// One namespace's way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Where it is.
    pub from: Place,
    /// Where it is to be; nothing may be there that does not move away as well.
    pub to: Place,
    /// The unique keys that its ids derive from, old and new, if they change.
    pub keys: Option<(String, String)>,
}

/// A step of a migration failed. A second run finishes it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system failed.
    #[error("cannot {operation} `{}`: {reason}", path.display())]
    Io {
        /// What was to be done, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A database cannot be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The names of a namespace's objects cannot be read.
    #[error("cannot read the names of the objects of `{place}`: {reason}")]
    Names {
        /// The namespace.
        place: String,
        /// Why.
        reason: IdsError,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Phase {
    Take,
    Rewrite,
    Place,
}

#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    version: u32,
    phase: Phase,
    moves: Vec<StoredMove>,
    /// The ledger when all is done.
    ledger: Ledger,
    /// When it was begun, milliseconds since 1970.
    #[serde(default)]
    at_ms: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredMove {
    from: Place,
    to: Place,
    keys: Option<(String, String)>,
    /// Old and new ids.
    ids: Vec<(String, String)>,
}

/// Makes all `moves` and puts `ledger` in place of the one before. Histories note it as of `now`.
///
/// # Errors
/// When the system refuses an operation; what was begun is finished by [`recover`].
pub fn commit(
    root: Root<'_>,
    files: &Files,
    now: Timestamp,
    moves: &[Move],
    ledger: &Ledger,
) -> Result<(), JournalError> {
    if moves.is_empty() {
        return write_ledger(root, files, ledger);
    }
    let mut stored = Vec::new();
    for Move { from, to, keys } in moves {
        let ids = match keys {
            None => Ids::new(),
            Some((old, new)) => new_ids(root, from, &NamespaceKey::of(old), &NamespaceKey::of(new))
                .map_err(|reason| JournalError::Names { place: from.to_string(), reason })?,
        };
        let text = |(old, new): &(ObjectId, ObjectId)| (old.to_string(), new.to_string());
        let ids = ids.iter().map(text).collect();
        stored.push(StoredMove { from: from.clone(), to: to.clone(), keys: keys.clone(), ids });
    }
    let journal =
        Journal { version: VERSION, phase: Phase::Take, moves: stored, ledger: ledger.clone(), at_ms: now.0 };
    write(root, files, &journal)?;
    run(root, files, journal)
}

/// Whether an earlier process began something that it did not finish.
pub fn is_interrupted(root: Root<'_>) -> bool {
    path(root).exists()
}

/// Finishes what an earlier process began. Whether there was anything.
///
/// # Errors
/// When the system refuses an operation, or the journal is not one that this version knows.
pub fn recover(root: Root<'_>, files: &Files) -> Result<bool, JournalError> {
    let path = path(root);
    let bytes = match fs::read(&path) {
        Err(reason) if reason.kind() == ErrorKind::NotFound => return Ok(false),
        result => result.map_err(failed("read", &path))?,
    };
    let journal: Journal =
        serde_json::from_slice(&bytes).map_err(|reason| failed("read", &path)(reason.into()))?;
    if journal.version != VERSION {
        let what = format!("a newer dodev wrote version {} of it", journal.version);
        return Err(failed("finish", &path)(io::Error::new(ErrorKind::InvalidData, what)));
    }
    run(root, files, journal)?;
    Ok(true)
}

fn run(root: Root<'_>, files: &Files, mut journal: Journal) -> Result<(), JournalError> {
    if journal.phase == Phase::Take {
        for (number, step) in journal.moves.iter().enumerate() {
            shift(root, files, &step.from, &Place::Moving(number))?;
        }
        journal.phase = Phase::Rewrite;
        write(root, files, &journal)?;
    }
    if journal.phase == Phase::Rewrite {
        for (number, step) in journal.moves.iter().enumerate() {
            if let Some((from, to)) = &step.keys {
                let (from, to) = (NamespaceKey::of(from), NamespaceKey::of(to));
                note(root, &Place::Moving(number), Timestamp(journal.at_ms), &from, &to)?;
                rewrite(root, files, &Place::Moving(number), &from, &to, &ids(root, &step.ids)?)?;
            }
        }
        journal.phase = Phase::Place;
        write(root, files, &journal)?;
    }
    for (number, step) in journal.moves.iter().enumerate() {
        shift(root, files, &Place::Moving(number), &step.to)?;
    }
    write_ledger(root, files, &journal.ledger)?;
    let moving = root.moving();
    files.remove_tree(&moving).map_err(failed("remove", &moving))?;
    let path = path(root);
    files.remove(&path).map_err(failed("remove", &path))
}

/// Renames all parts of a namespace; those that are there already are passed over.
fn shift(root: Root<'_>, files: &Files, from: &Place, to: &Place) -> Result<(), JournalError> {
    for (old, new) in from.parts(root).iter().zip(&to.parts(root)) {
        files.rename(old, new).map_err(failed("move", old))?;
    }
    let path = root.own();
    files.next().map_err(failed("write", &path))?;
    AlarmRetries::new(&path).move_namespace(&from.retries(), &to.retries(), &[])?;
    Ok(())
}

/// Makes a point in every history of the namespace in `place` that has none of this move yet.
///
/// A history that cannot be written is no reason to leave a migration half done: it goes without the point.
fn note(
    root: Root<'_>,
    place: &Place,
    time: Timestamp,
    from: &NamespaceKey,
    to: &NamespaceKey,
) -> Result<(), JournalError> {
    let directory = place.history(root);
    let cause = Cause::new(CauseKind::Migration, format!("{} to {}", from.as_str(), to.as_str()));
    for (id, rest) in files_by_id(&directory).map_err(failed("read", &directory))? {
        // What has its new id already was noted before an interruption.
        if rest == ".history" && from.owns(&id) {
            let _ = history::mark(&directory.join(format!("{id}{rest}")), time, &cause);
        }
    }
    Ok(())
}

/// Gives everything of the namespace in `place` its new ids.
fn rewrite(
    root: Root<'_>,
    files: &Files,
    place: &Place,
    from: &NamespaceKey,
    to: &NamespaceKey,
    ids: &Ids,
) -> Result<(), JournalError> {
    let objects = place.objects(root);
    for directory in [objects.clone(), place.history(root)] {
        let found = files_by_id(&directory).map_err(failed("read", &directory))?;
        for (id, rest) in found {
            if let Ok(index) = ids.binary_search_by_key(&id, |(old, _)| *old) {
                let old = directory.join(format!("{id}{rest}"));
                let new = directory.join(format!("{}{rest}", ids[index].1));
                files.rename(&old, &new).map_err(failed("rename", &old))?;
            }
        }
    }
    files.next().map_err(failed("write", &objects))?;
    AlarmIndex::new(&objects).rename_ids(ids)?;
    let own = root.own();
    files.next().map_err(failed("write", &own))?;
    AlarmRetries::new(&own).move_namespace(&place.retries(), &place.retries(), ids)?;
    let path = place.former_ids(root);
    let mut former = FormerIds::read(&path).map_err(failed("read", &path))?;
    former.note_move(from, to, ids);
    files.replace(&path, &former.to_json()).map_err(failed("write", &path))
}

fn ids(root: Root<'_>, stored: &[(String, String)]) -> Result<Ids, JournalError> {
    let id = |text: &String| {
        text.parse::<ObjectId>().map_err(|reason| {
            failed("read", &path(root))(io::Error::new(ErrorKind::InvalidData, reason.to_string()))
        })
    };
    stored.iter().map(|(old, new)| Ok((id(old)?, id(new)?))).collect()
}

fn path(root: Root<'_>) -> PathBuf {
    root.own().join("journal.json")
}

fn write(root: Root<'_>, files: &Files, journal: &Journal) -> Result<(), JournalError> {
    let path = path(root);
    let bytes = serde_json::to_vec(journal).expect("text and numbers can be written as JSON");
    files.replace(&path, &bytes).map_err(failed("write", &path))
}

fn write_ledger(root: Root<'_>, files: &Files, ledger: &Ledger) -> Result<(), JournalError> {
    let path = Ledger::path(&root.own());
    files.replace(&path, &ledger.to_json()).map_err(failed("write", &path))
}

fn failed<'a>(operation: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> JournalError + 'a {
    move |reason| JournalError::Io { operation, path: path.to_owned(), reason }
}
