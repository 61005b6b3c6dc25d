//! Facets: objects that live inside another one, with an instance, a gate and a database of their own.
//!
//! A facet has a slot like every object and is found by its parent's slot and its name. It exists from the first
//! call on, and waits (`Wakefulness::Starting`) until its parent has said which class it is. It sleeps, is reset and
//! moves to another world together with its parent; alone it is reset only. Afterwards its slot is free for another
//! facet. Its root holds the lease for it.
//!
//! Fidelity: workerd's `ActorContainer` (`server/server.c++`), and what workerd 1.20261117.1 answers where they differ.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use crate::engine::{Isolate, SectionId};
use crate::storage::{CommitError, FacetIndex, StorageError, facet_path};

use super::actor::{Actor, Slot, Wakefulness};
use super::event::Event;
use super::failure::Failure;
use super::scheduler::Objects;

/// How many objects one below the other there may be, the root among them.
pub const FACET_DEPTH: u32 = 4;
/// Fidelity: workerd's text for stubs of a facet that was deleted.
const DELETED: &str = "Facet was deleted.";
/// Fidelity: workerd's text for stubs of a facet that another one was copied to.
const CLONED_OVER: &str = "Facet was cloned-over.";

/// The facets of one isolate.
#[derive(Default)]
pub(super) struct Facets {
    of: FxHashMap<Slot, Facet>,
    named: FxHashMap<(Slot, String), Slot>,
    children: FxHashMap<Slot, Vec<Slot>>,
    /// Facets that ended: what the prelude knows about them goes first, then their slots may be used again.
    ended: Vec<Slot>,
    free: Vec<Slot>,
}

struct Facet {
    parent: Slot,
    root: Slot,
    name: String,
    /// Names the database; 0 until it is started.
    number: u16,
    class: String,
    /// Its parent's callback failed: every call is told why.
    failed: bool,
}

/// A facet as its parent addresses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FacetPlace {
    /// Where it is.
    pub slot: Slot,
    /// For the stub, see [`super::Outgoing`].
    pub breaks: u32,
    /// Whether somebody has to say which class it is.
    pub fresh: bool,
}

impl Facets {
    pub fn is_facet(&self, slot: Slot) -> bool {
        self.of.contains_key(&slot)
    }

    /// The object that `slot` belongs to: itself, unless it is a facet.
    pub fn root_of(&self, slot: Slot) -> Slot {
        self.of.get(&slot).map_or(slot, |facet| facet.root)
    }

    /// The facets below `slot`, each after those below itself.
    pub fn below(&self, slot: Slot) -> Vec<Slot> {
        let mut found = Vec::new();
        for child in self.children.get(&slot).into_iter().flatten() {
            found.extend(self.below(*child));
            found.push(*child);
        }
        found
    }

    /// The number of the facet in `slot`; 0 is a root.
    pub fn number(&self, slot: Slot) -> u16 {
        self.of.get(&slot).map_or(0, |facet| facet.number)
    }

    /// Class and names from the root on, for a facet.
    pub fn described(&self, slot: Slot) -> Option<(String, Vec<String>)> {
        let facet = self.of.get(&slot)?;
        let mut names = self.described(facet.parent).map(|(_, names)| names).unwrap_or_default();
        names.push(facet.name.clone());
        Some((facet.class.clone(), names))
    }

    fn depth(&self, slot: Slot) -> u32 {
        self.of.get(&slot).map_or(0, |facet| 1 + self.depth(facet.parent))
    }

    /// Its parent finds it no more.
    fn unname(&mut self, slot: Slot) {
        self.named.retain(|_, found| *found != slot);
    }

    /// The facet in `slot` has ended and nothing of it is left in the host.
    fn forget(&mut self, slot: Slot) {
        if let Some(facet) = self.of.remove(&slot) {
            self.unname(slot);
            if let Some(siblings) = self.children.get_mut(&facet.parent) {
                siblings.retain(|sibling| *sibling != slot);
                if siblings.is_empty() {
                    self.children.remove(&facet.parent);
                }
            }
            self.ended.push(slot);
        }
    }
}

impl Objects {
    /// How deep in its tree the object in `slot` is; the root is at 0.
    pub fn facet_depth(&self, slot: Slot) -> u32 {
        self.facets.borrow().depth(slot)
    }

    /// Whether the object in `slot` is a facet.
    pub fn is_facet(&self, slot: Slot) -> bool {
        self.facets.borrow().is_facet(slot)
    }

    /// The facet `name` of the object in `parent`, made if it has none of that name.
    pub fn open_facet(&self, parent: Slot, name: &str) -> FacetPlace {
        let found = self.facets.borrow().named.get(&(parent, name.to_owned())).copied();
        if let Some(slot) = found {
            let failed = self.facets.borrow().of[&slot].failed;
            let breaks = self.with_actor(slot, |actor| actor.breaks);
            // Stubs of a facet that could not be started are broken from the beginning.
            let breaks = if failed { breaks.wrapping_sub(1) } else { breaks };
            return FacetPlace { slot, breaks, fresh: false };
        }
        let key = self.with_actor(parent, |actor| actor.key);
        let slot = {
            let mut facets = self.facets.borrow_mut();
            let free = facets.free.pop();
            let mut actors = self.actors.borrow_mut();
            let slot = free.unwrap_or_else(|| {
                actors.push(Actor::new(key, None));
                Slot(u32::try_from(actors.len() - 1).expect("fewer than 2^32 objects"))
            });
            let actor = &mut actors[slot.0 as usize];
            let (breaks, queued) = (actor.breaks, actor.queued);
            *actor = Actor { breaks, queued, wakefulness: Wakefulness::Starting, ..Actor::new(key, None) };
            let root = facets.root_of(parent);
            let name = name.to_owned();
            facets.named.insert((parent, name.clone()), slot);
            facets.children.entry(parent).or_default().push(slot);
            let facet = Facet { parent, root, name, number: 0, class: String::new(), failed: false };
            facets.of.insert(slot, facet);
            slot
        };
        FacetPlace { slot, breaks: self.with_actor(slot, |actor| actor.breaks), fresh: true }
    }

    /// The facet in `slot`, as it was opened, is an instance of `class`: it takes its calls from now on. `false` if it
    /// has ended since.
    ///
    /// # Errors
    /// When it cannot be given a file.
    pub fn start_facet(&self, slot: Slot, breaks: u32, class: &str) -> Result<bool, StorageError> {
        if !self.starts(slot, breaks) {
            return Ok(false);
        }
        let (parent, root, name) = {
            let facets = self.facets.borrow();
            let facet = &facets.of[&slot];
            (facet.parent, facet.root, facet.name.clone())
        };
        let object = self.object_file(root);
        if let Some(store) = self.stores.get(root) {
            // Tools find facets by their root.
            store.borrow_mut().ensure_file()?;
        }
        let number = FacetIndex::read(&object)
            .and_then(|mut index| index.number(self.facets.borrow().number(parent), &name))
            .map_err(|reason| index_error(&object, &reason))?;
        if let Some(facet) = self.facets.borrow_mut().of.get_mut(&slot) {
            facet.number = number;
            class.clone_into(&mut facet.class);
        }
        self.with_actor(slot, |actor| actor.wakefulness = Wakefulness::Asleep);
        self.enqueue(slot);
        Ok(true)
    }

    /// What was to say which class the facet in `slot` is has failed: its calls do, until its parent aborts it.
    pub fn fail_facet(&self, slot: Slot, breaks: u32, failure: Failure) {
        if self.starts(slot, breaks) {
            if let Some(facet) = self.facets.borrow_mut().of.get_mut(&slot) {
                facet.failed = true;
            }
            self.refuse_facet(slot, &failure);
        }
    }

    /// Whether the facet in `slot` is the one that was opened, and waits for its class.
    fn starts(&self, slot: Slot, breaks: u32) -> bool {
        self.with_actor(slot, |actor| actor.breaks == breaks && actor.wakefulness == Wakefulness::Starting)
    }

    /// Ends the facet `name` of the object in `parent` and all below it; their stubs are broken by `failure`.
    pub fn abort_facet(&self, parent: Slot, name: &str, failure: &Failure) {
        let found = self.facets.borrow_mut().named.remove(&(parent, name.to_owned()));
        if let Some(slot) = found {
            self.end_facet(slot, failure);
            let below = self.facets.borrow().below(slot);
            below.into_iter().for_each(|slot| self.end_facet(slot, failure));
        }
    }

    /// Ends the facet `name` of the object in `parent`, and deletes what it and those below it stored.
    ///
    /// # Errors
    /// When a file cannot be deleted.
    pub fn delete_facet(&self, parent: Slot, name: &str) -> Result<(), CommitError> {
        let (object, index) = self.facet_index(parent)?;
        let number = index.find(self.facets.borrow().number(parent), name);
        if let Some(number) = number {
            self.empty_facets(parent, &object, index.below(number).into_iter().chain([number]))?;
        }
        self.abort_facet(parent, name, &Failure::platform(DELETED, &[]));
        Ok(())
    }

    /// Ends and deletes all facets of the object in `parent`, which deletes everything.
    ///
    /// # Errors
    /// When a file cannot be deleted.
    pub fn delete_facets(&self, parent: Slot) -> Result<(), CommitError> {
        let (object, index) = self.facet_index(parent)?;
        let number = self.facets.borrow().number(parent);
        self.empty_facets(parent, &object, index.below(number).into_iter())?;
        let below = self.facets.borrow().below(parent);
        below.into_iter().for_each(|slot| self.end_facet(slot, &Failure::platform(DELETED, &[])));
        Ok(())
    }

    /// Makes the facet `to` of the object in `parent` a copy of the facet `from`, with all below it.
    ///
    /// # Errors
    /// When a file cannot be copied.
    pub fn clone_facet(&self, parent: Slot, from: &str, to: &str) -> Result<(), CommitError> {
        let (object, mut index) = self.facet_index(parent)?;
        let number = self.facets.borrow().number(parent);
        if from != to {
            if let Some(old) = index.find(number, to) {
                self.empty_facets(parent, &object, index.below(old).into_iter().chain([old]))?;
            }
            if let Some(source) = index.find(number, from) {
                let failed = |reason: std::io::Error| CommitError::Storage(index_error(&object, &reason));
                let target = index.number(number, to).map_err(failed)?;
                self.copy_facets(parent, &object, &mut index, (source, target)).map_err(failed)?;
            }
        }
        self.abort_facet(parent, to, &Failure::platform(CLONED_OVER, &[]));
        Ok(())
    }

    fn copy_facets(
        &self,
        parent: Slot,
        object: &Path,
        index: &mut FacetIndex,
        (source, target): (u16, u16),
    ) -> std::io::Result<()> {
        for (child, name) in index.children(source) {
            let copy = index.number(target, &name)?;
            self.copy_facets(parent, object, index, (child, copy))?;
        }
        if let Some(store) = self.live_store(parent, source) {
            // What it has not committed is not there yet.
            store.borrow_mut().finish_file().map_err(std::io::Error::other)?;
        }
        let (from, to) = (facet_path(object, source), facet_path(object, target));
        for suffix in ["", "-wal"] {
            let with_suffix = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            match std::fs::copy(with_suffix(&from), with_suffix(&to)) {
                Err(reason) if reason.kind() != std::io::ErrorKind::NotFound => return Err(reason),
                _ => {}
            }
        }
        Ok(())
    }

    fn facet_index(&self, parent: Slot) -> Result<(PathBuf, FacetIndex), CommitError> {
        let root = self.facets.borrow().root_of(parent);
        let object = self.object_file(root);
        let index = FacetIndex::read(&object)
            .map_err(|reason| CommitError::Storage(index_error(&object, &reason)))?;
        Ok((object, index))
    }

    fn object_file(&self, root: Slot) -> PathBuf {
        let key = self.with_actor(root, |actor| actor.key);
        self.stores.path_of(&self.namespaces[key.namespace], key.id)
    }

    /// The store of the facet numbered `number` in the tree of `parent`, if it is awake.
    fn live_store(&self, parent: Slot, number: u16) -> Option<super::stores::Store> {
        let slot = {
            let facets = self.facets.borrow();
            let root = facets.root_of(parent);
            facets.of.iter().find(|(_, f)| f.root == root && f.number == number).map(|(slot, _)| *slot)
        };
        slot.and_then(|slot| self.stores.get(slot))
    }

    /// Deletes what the facets with these numbers, in the tree of `parent`, have stored.
    fn empty_facets(
        &self,
        parent: Slot,
        object: &Path,
        numbers: impl Iterator<Item = u16>,
    ) -> Result<(), CommitError> {
        for number in numbers {
            let store =
                self.live_store(parent, number).unwrap_or_else(|| self.stores.at(facet_path(object, number)));
            let mut store = store.borrow_mut();
            store.roll_back().map_err(CommitError::Storage)?;
            store.delete_all(false).map_err(CommitError::Storage)?;
            store.commit()?;
        }
        Ok(())
    }

    /// The facet in `slot` ends because of `failure`; not those below it.
    pub(super) fn end_facet(&self, slot: Slot, failure: &Failure) {
        self.facets.borrow_mut().unname(slot);
        if self.has_instance(slot) {
            // Whoever breaks it is told.
            self.mark_broken(slot, Failure { is_known: true, ..failure.clone() });
        } else {
            self.refuse_facet(slot, failure);
            self.drop_hibernatable(slot);
            self.facets.borrow_mut().forget(slot);
        }
    }

    /// Calls that wait for the facet in `slot`, which has no instance, fail, and its stubs are broken.
    fn refuse_facet(&self, slot: Slot, failure: &Failure) {
        self.break_stubs(slot, failure.clone());
        let inbox: Vec<(SectionId, Event)> = self.with_actor(slot, |actor| {
            actor.wakefulness = Wakefulness::Asleep;
            actor.inbox.drain(..).collect()
        });
        for (_, event) in inbox {
            match event {
                Event::Fetch { reply, .. } => self.refuse(reply, failure.clone().of_fetch()),
                Event::Call { reply, .. } => self.refuse(reply, failure.clone()),
                _ => {}
            }
        }
    }

    /// The facet in `slot` was reset, or sleeps with nothing that could wake it.
    pub(super) fn forget_facet(&self, slot: Slot) {
        self.facets.borrow_mut().forget(slot);
    }

    /// The slots of facets that ended since this was last asked; they may be used again once the prelude has
    /// forgotten them.
    pub(super) fn take_ended_facets(&self) -> Vec<Slot> {
        std::mem::take(&mut self.facets.borrow_mut().ended)
    }

    /// The prelude has forgotten these facets.
    pub(super) fn free_facets(&self, slots: Vec<Slot>) {
        self.facets.borrow_mut().free.extend(slots);
    }

    /// The object in `slot` and the facets below it, each after those below itself.
    pub(super) fn tree(&self, slot: Slot) -> Vec<Slot> {
        let mut slots = self.facets.borrow().below(slot);
        slots.push(slot);
        slots
    }

    /// Whether anything keeps the object in `slot` or a facet below it awake.
    pub(super) fn is_tree_pinned(&self, isolate: &Isolate, slot: Slot) -> bool {
        self.tree(slot).into_iter().any(|slot| {
            let sleeps = self
                .with_actor(slot, |actor| actor.wakefulness == Wakefulness::Asleep && actor.inbox.is_empty());
            !sleeps && self.is_pinned(isolate, slot)
        })
    }
}

fn index_error(object: &Path, reason: &std::io::Error) -> StorageError {
    let path = object.with_extension("facets");
    StorageError::Io { operation: "use the facets' index", path, reason: reason.to_string() }
}
