//! Applies migrations to a state directory, takes them back, and prunes what was put aside.
//!
//! Each migration is one commit of the journal: its namespaces move and its entry is written, or neither. The
//! caller holds the state directory's lock and has seen to it that no object is in use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::clock::Clock;
use crate::project::Project;
use crate::storage::{AlarmRetries, StorageError};

use super::carry;
use super::files::Files;
use super::journal::{self, JournalError, Move};
use super::ledger::{Aside, Copy, Entry, How, Ledger, Step, Storage, WorkerLedger};
use super::place::{Place, Root};
use super::plan::{Facts, Plan, Planned, plan};

/// A state directory, for migrations.
#[derive(Debug)]
pub struct Migrator {
    root: PathBuf,
    files: Files,
    clock: Clock,
}

/// Why the state cannot be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The system refused something.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The ledger cannot be read.
    #[error("cannot read the ledger of migrations `{}`: {reason}", path.display())]
    Ledger {
        /// Where it is.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The state directory cannot be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Disk {
        /// The directory.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// A table cannot be changed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// There is nothing to take back.
    #[error("no migration of `{0}` can be taken back: none was applied")]
    NothingApplied(String),
    /// What would be taken back was never done here.
    #[error("`{0}` cannot be taken back: the state was adopted with it")]
    Adopted(String),
    /// The copy is gone.
    #[error("`{tag}` cannot be taken back: the copy of `{class}` was pruned")]
    Pruned {
        /// The migration.
        tag: String,
        /// The class.
        class: String,
    },
}

/// A change of the state that is being put together.
#[derive(Default)]
struct Change {
    moves: Vec<Move>,
    /// Unique keys that are free once the moves were made.
    freed: BTreeSet<String>,
}

impl Migrator {
    /// The migrations of the state in `root` (`<persist>/v3`).
    pub fn new(root: &Path, clock: Clock) -> Self {
        Self { root: root.to_owned(), files: Files::durable(), clock }
    }

    /// The same, with operations that end as `files` says.
    #[cfg(test)]
    pub fn with_files(root: &Path, clock: Clock, files: Files) -> Self {
        Self { root: root.to_owned(), files, clock }
    }

    fn root(&self) -> Root<'_> {
        Root(&self.root)
    }

    /// Whether an earlier process ended in the middle of a migration: [`Migrator::recover`] finishes it.
    pub fn is_interrupted(&self) -> bool {
        journal::is_interrupted(self.root())
    }

    /// Finishes what an earlier process began. Whether there was anything.
    pub fn recover(&self) -> Result<bool, MigrateError> {
        Ok(journal::recover(self.root(), &self.files)?)
    }

    /// The ledger.
    pub fn ledger(&self) -> Result<Ledger, MigrateError> {
        let own = self.root().own();
        Ledger::read(&own).map_err(|reason| MigrateError::Ledger { path: Ledger::path(&own), reason })
    }

    /// The namespaces on disk and how many objects each has.
    pub fn disk(&self) -> Result<BTreeMap<String, usize>, MigrateError> {
        let directory = self.root.join("do");
        let failed = |reason| MigrateError::Disk { path: directory.clone(), reason };
        let entries = match fs::read_dir(&directory) {
            Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            result => result.map_err(failed)?,
        };
        let mut disk = BTreeMap::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let (Ok(key), true) = (entry.file_name().into_string(), entry.path().is_dir()) else { continue };
            disk.insert(key, count_objects(&entry.path()).map_err(failed)?);
        }
        Ok(disk)
    }

    /// What has to happen so that the state fits `project`; `exports` is what its bundle exports, where known.
    pub fn plan(&self, project: &Project, exports: Option<&[String]>) -> Result<Plan, MigrateError> {
        let (ledger, disk) = (self.ledger()?, self.disk()?);
        Ok(plan(Facts { project, ledger: &ledger, disk: &disk, exports }))
    }

    /// The Worker whose state `project` may want to carry over: it seems to have been renamed.
    pub fn renamed_from(&self, project: &Project) -> Result<Option<String>, MigrateError> {
        Ok(carry::renamed_from(project, &self.ledger()?, &self.disk()?))
    }

    /// Writes down that the state of `worker` has been through `adopted`.
    pub fn adopt(&self, worker: &str, adopted: &[Planned]) -> Result<(), MigrateError> {
        if adopted.is_empty() {
            return Ok(());
        }
        let mut ledger = self.ledger()?;
        let mut own = WorkerLedger::default();
        for planned in adopted {
            let steps = planned.steps.clone();
            for step in &steps {
                if let Step::Create { class, storage, .. } = step {
                    own.classes.insert(class.clone(), *storage);
                }
            }
            own.entries.push(self.entry(planned.tag.clone(), How::Adopted, steps));
        }
        ledger.workers.insert(worker.to_owned(), own);
        Ok(journal::commit(self.root(), &self.files, self.clock.now(), &[], &ledger)?)
    }

    /// Applies one migration of a plan for `worker`, and tells what it did.
    pub fn apply(&self, worker: &str, planned: &Planned) -> Result<Entry, MigrateError> {
        let mut ledger = self.ledger()?;
        let mut change = Change::default();
        let mut steps = planned.steps.clone();
        for step in &mut steps {
            match step {
                Step::Delete { class, aside, .. } => {
                    let key = key(worker, class);
                    let objects = aside.map_or(0, |aside| aside.objects);
                    let copy = Aside { objects, copy: 0 };
                    *aside =
                        self.put_aside(&mut ledger, &mut change, (worker, class), &key, copy, planned, false);
                }
                Step::Rename { from, to, objects, aside, .. } => {
                    let keys = (key(worker, from), key(worker, to));
                    let planned_aside = aside.take();
                    *aside =
                        self.relocate(&mut ledger, &mut change, (worker, to), keys, planned_aside, planned);
                    debug_assert!(*objects == 0 || !change.moves.is_empty(), "what is counted moves");
                }
                Step::Transfer { from_script, from, to, aside, .. } => {
                    let keys = (key(from_script, from), key(worker, to));
                    let planned_aside = aside.take();
                    *aside =
                        self.relocate(&mut ledger, &mut change, (worker, to), keys, planned_aside, planned);
                }
                Step::Create { class, restored: Some(copy), .. } => {
                    let (from, to) = (Place::Copy(*copy), Place::InUse(key(worker, class)));
                    change.moves.push(Move { from, to, keys: None });
                    ledger.copies.retain(|other| other.id != *copy);
                }
                Step::Create { .. } | Step::Leave { .. } | Step::Carry { .. } => {}
            }
        }
        for step in &steps {
            note_classes(&mut ledger, worker, step);
        }
        let entry = self.entry(planned.tag.clone(), How::Applied, steps);
        ledger.workers.entry(worker.to_owned()).or_default().entries.push(entry.clone());
        journal::commit(self.root(), &self.files, self.clock.now(), &change.moves, &ledger)?;
        Ok(entry)
    }

    /// What taking back the last migration of `worker` would do: its entry, and how many objects of classes
    /// that it created would be put aside.
    pub fn last(&self, worker: &str) -> Result<(Entry, usize), MigrateError> {
        let ledger = self.ledger()?;
        let entry = last_entry(&ledger, worker)?;
        let disk = self.disk()?;
        let created = entry.steps.iter().map(|step| match step {
            Step::Create { class, .. } => disk.get(&key(worker, class)).copied().unwrap_or(0),
            _ => 0,
        });
        let objects = created.sum();
        Ok((entry, objects))
    }

    /// Takes back the last migration of `worker`, and tells which it was.
    pub fn undo(&self, worker: &str) -> Result<Entry, MigrateError> {
        let mut ledger = self.ledger()?;
        let entry = last_entry(&ledger, worker)?;
        let tag = entry.tag.clone().unwrap_or_else(|| "the last change".to_owned());
        let undone = Planned { tag: entry.tag.clone(), span: 0..0, steps: Vec::new() };
        let mut change = Change::default();
        let disk = self.disk()?;
        let own = ledger.workers.get_mut(worker).expect("it has an entry");
        own.entries.pop();
        // What moves away makes room for what comes back.
        for step in entry.steps.iter().rev() {
            match step {
                Step::Create { class, .. } => {
                    let key = key(worker, class);
                    let aside = Aside { objects: disk.get(&key).copied().unwrap_or(0), copy: 0 };
                    self.put_aside(&mut ledger, &mut change, (worker, class), &key, aside, &undone, true);
                    classes(&mut ledger, worker).remove(class);
                }
                Step::Rename { from, to, storage, aside, .. } => {
                    let keys = (key(worker, to), key(worker, from));
                    self.relocate(&mut ledger, &mut change, (worker, from), keys.clone(), None, &undone);
                    restore(&mut ledger, &mut change, *aside, keys.0);
                    classes(&mut ledger, worker).remove(to);
                    classes(&mut ledger, worker).insert(from.clone(), *storage);
                }
                Step::Transfer { from_script, from, to, storage, aside, listed, .. } => {
                    let keys = (key(worker, to), key(from_script, from));
                    self.relocate(&mut ledger, &mut change, (from_script, from), keys.clone(), None, &undone);
                    restore(&mut ledger, &mut change, *aside, keys.0);
                    classes(&mut ledger, worker).remove(to);
                    if *listed {
                        classes(&mut ledger, from_script).insert(from.clone(), *storage);
                    }
                }
                Step::Delete { class, storage, aside } => {
                    let is_there = |aside: &Aside| ledger.copies.iter().any(|copy| copy.id == aside.copy);
                    if aside.is_some_and(|aside| !is_there(&aside)) {
                        return Err(MigrateError::Pruned { tag, class: class.clone() });
                    }
                    let key = key(worker, class);
                    if aside.is_some() && !change.freed.contains(&key) {
                        let found = Aside { objects: disk.get(&key).copied().unwrap_or(0), copy: 0 };
                        self.put_aside(
                            &mut ledger,
                            &mut change,
                            (worker, class),
                            &key,
                            found,
                            &undone,
                            false,
                        );
                    }
                    restore(&mut ledger, &mut change, *aside, key);
                    classes(&mut ledger, worker).insert(class.clone(), *storage);
                }
                Step::Leave { class, storage, .. } => {
                    classes(&mut ledger, worker).insert(class.clone(), *storage);
                }
                Step::Carry { from_script, class, .. } => {
                    let keys = (key(worker, class), key(from_script, class));
                    self.relocate(&mut ledger, &mut change, (from_script, class), keys, None, &undone);
                }
            }
        }
        if let Some(Step::Carry { from_script, .. }) = entry.steps.first() {
            let own = ledger.workers.remove(worker).unwrap_or_default();
            ledger.workers.insert(from_script.clone(), own);
        }
        journal::commit(self.root(), &self.files, self.clock.now(), &change.moves, &ledger)?;
        Ok(entry)
    }

    /// Gives the state of the Worker `from` to `project`, which was called so, and tells what moved.
    pub fn carry_over(&self, project: &Project, from: &str) -> Result<Entry, MigrateError> {
        let worker = project.name.as_str();
        if !self.ledger()?.workers.contains_key(from) {
            let earlier = Project { name: from.to_owned(), ..project.clone() };
            self.adopt(from, &self.plan(&earlier, None)?.adopted)?;
        }
        let (mut ledger, disk) = (self.ledger()?, self.disk()?);
        let mut own = ledger.workers.remove(from).unwrap_or_default();
        let listed = own.classes.keys().chain(project.classes.keys()).cloned();
        let all: BTreeSet<String> = listed
            .filter(|class| disk.contains_key(&key(from, class)) || own.classes.contains_key(class))
            .collect();
        let nothing = Planned { tag: None, span: 0..0, steps: Vec::new() };
        let mut change = Change::default();
        let mut steps = Vec::new();
        for class in all {
            let keys = (key(from, &class), key(worker, &class));
            let objects = disk.get(&keys.0).copied().unwrap_or(0);
            self.relocate(&mut ledger, &mut change, (worker, &class), keys, None, &nothing);
            steps.push(Step::Carry { from_script: from.to_owned(), class, objects });
        }
        let entry = self.entry(None, How::Carried, steps);
        own.entries.push(entry.clone());
        ledger.workers.insert(worker.to_owned(), own);
        journal::commit(self.root(), &self.files, self.clock.now(), &change.moves, &ledger)?;
        Ok(entry)
    }

    /// Removes all copies for good, and tells which there were.
    pub fn prune(&self) -> Result<Vec<Copy>, MigrateError> {
        let mut ledger = self.ledger()?;
        let copies = std::mem::take(&mut ledger.copies);
        if !copies.is_empty() {
            // A copy without files could not be restored; files without a copy are only removed later.
            journal::commit(self.root(), &self.files, self.clock.now(), &[], &ledger)?;
        }
        let own = self.root().own();
        for copy in &copies {
            AlarmRetries::new(&own).remove_namespace(&Place::Copy(copy.id).retries())?;
        }
        let directory = own.join("copies");
        let failed = |reason| MigrateError::Disk { path: directory.clone(), reason };
        self.files.remove_tree(&directory).map_err(failed)?;
        Ok(copies)
    }

    fn entry(&self, tag: Option<String>, how: How, steps: Vec<Step>) -> Entry {
        Entry { tag, at_ms: self.clock.now().0, how, steps }
    }

    /// Whether anything is stored under the unique key `key`.
    fn is_used(&self, key: &str) -> bool {
        Place::InUse(key.to_owned()).parts(self.root()).iter().any(|part| part.exists())
    }

    /// Moves the namespace `key` of `class` to a new copy, if there is one.
    #[expect(clippy::too_many_arguments, reason = "what a copy records, and where")]
    fn put_aside(
        &self,
        ledger: &mut Ledger,
        change: &mut Change,
        (worker, class): (&str, &str),
        key: &str,
        aside: Aside,
        planned: &Planned,
        undone: bool,
    ) -> Option<Aside> {
        if !self.is_used(key) {
            return None;
        }
        let id = ledger.take_copy_number();
        change.moves.push(Move { from: Place::InUse(key.to_owned()), to: Place::Copy(id), keys: None });
        change.freed.insert(key.to_owned());
        ledger.copies.push(Copy {
            id,
            worker: worker.to_owned(),
            class: class.to_owned(),
            objects: aside.objects,
            at_ms: self.clock.now().0,
            tag: planned.tag.clone(),
            undone,
        });
        Some(Aside { copy: id, ..aside })
    }

    /// Moves a namespace from one unique key to the other, and what is there to a copy.
    fn relocate(
        &self,
        ledger: &mut Ledger,
        change: &mut Change,
        (worker, class): (&str, &str),
        (from, to): (String, String),
        in_the_way: Option<Aside>,
        planned: &Planned,
    ) -> Option<Aside> {
        if !self.is_used(&from) {
            return None;
        }
        let aside = if change.freed.contains(&to) {
            None
        } else {
            let aside = in_the_way.unwrap_or(Aside { objects: 0, copy: 0 });
            self.put_aside(ledger, change, (worker, class), &to, aside, planned, false)
        };
        change.freed.insert(from.clone());
        change.freed.remove(&to);
        let keys = Some((from.clone(), to.clone()));
        change.moves.push(Move { from: Place::InUse(from), to: Place::InUse(to), keys });
        aside
    }
}

/// Brings a copy back to the unique key `to`.
fn restore(ledger: &mut Ledger, change: &mut Change, aside: Option<Aside>, to: String) {
    let Some(Aside { copy: id, .. }) = aside else { return };
    let before = ledger.copies.len();
    ledger.copies.retain(|copy| copy.id != id);
    // What was pruned does not come back; only objects that were in the way are lost by that.
    if ledger.copies.len() < before {
        change.freed.remove(&to);
        change.moves.push(Move { from: Place::Copy(id), to: Place::InUse(to), keys: None });
    }
}

fn note_classes(ledger: &mut Ledger, worker: &str, step: &Step) {
    if let Step::Transfer { from_script, from, listed: true, .. } = step {
        classes(ledger, from_script).remove(from);
    }
    let own = classes(ledger, worker);
    match step {
        Step::Create { class, storage, .. } => drop(own.insert(class.clone(), *storage)),
        Step::Rename { from, to, storage, .. } => {
            own.remove(from);
            own.insert(to.clone(), *storage);
        }
        Step::Transfer { to, storage, .. } => drop(own.insert(to.clone(), *storage)),
        Step::Leave { class, .. } | Step::Delete { class, .. } => drop(own.remove(class)),
        Step::Carry { .. } => {}
    }
}

fn classes<'a>(ledger: &'a mut Ledger, worker: &str) -> &'a mut BTreeMap<String, Storage> {
    &mut ledger.workers.entry(worker.to_owned()).or_default().classes
}

fn last_entry(ledger: &Ledger, worker: &str) -> Result<Entry, MigrateError> {
    let entry = ledger.workers.get(worker).and_then(|worker| worker.entries.last());
    let entry = entry.ok_or_else(|| MigrateError::NothingApplied(worker.to_owned()))?;
    match entry.how {
        How::Adopted => {
            Err(MigrateError::Adopted(entry.tag.clone().unwrap_or_else(|| "the first state".to_owned())))
        }
        How::Applied | How::Carried => Ok(entry.clone()),
    }
}

fn key(worker: &str, class: &str) -> String {
    format!("{worker}-{class}")
}

fn count_objects(directory: &Path) -> io::Result<usize> {
    let found = super::rename_ids::files_by_id(directory)?;
    let objects = found.iter().filter(|(_, rest)| rest == ".sqlite" || rest == ".deleted");
    let ids: BTreeSet<_> = objects.map(|(id, _)| id).collect();
    Ok(ids.len())
}
