//! Alarms that were delivered and whose handlers wrote nothing: their slots are emptied on disk when nobody waits.
//!
//! The object itself sees no alarm from the moment its handler ended. Only the file says so a little later, because
//! opening a database for that alone costs more than the handler: of 1,000 alarms due at once, the last one would
//! wait for the end of 999 others. A process that ends abruptly in between delivers those alarms again, as the
//! platform does: at least once.
//!
//! Invariant: while a slot waits here its store has nothing else to write. So it is emptied before the next event
//! enters the object, and before the object sleeps, is reset or goes to another world.

use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use crate::base::limits;
use crate::storage::{CommitError, IndexChange, ObjectStore};

use super::actor::Slot;
use super::failure::Failure;
use super::scheduler::Objects;

/// Objects whose alarm slots are to be emptied.
#[derive(Default)]
pub struct AlarmEnds {
    waiting: RefCell<HashSet<Slot>>,
    /// When, by the clock's `machine()`, in order; also of those that are done meanwhile.
    order: RefCell<VecDeque<(Duration, Slot)>>,
}

impl Objects {
    /// The alarm of the object in `slot` was delivered: whether its slot is emptied later. If not, the caller does it.
    pub(super) fn put_off_alarm_end(&self, slot: Slot) -> bool {
        // Whoever moves the time, or replaces this world, finds everything done.
        let moved = self.host.clock.stands() || !self.listens();
        // Whoever watches is told of every commit when it is due.
        if moved || self.feed.borrow().is_watched() || self.stores.is_dirty(slot) {
            return false;
        }
        let due = self.host.clock.machine() + limits::ALARM_END_WAIT;
        if self.alarm_ends.waiting.borrow_mut().insert(slot) {
            self.alarm_ends.order.borrow_mut().push_back((due, slot));
        }
        true
    }

    /// Whether the alarm slot of the object in `slot` waits to be emptied.
    fn has_alarm_end(&self, slot: Slot) -> bool {
        self.alarm_ends.waiting.borrow().contains(&slot)
    }

    /// Empties the alarm slot of the object in `slot` on disk, if that was put off.
    pub(super) fn settle_alarm_end(&self, slot: Slot) {
        if self.has_alarm_end(slot) {
            self.commit_alarm_ends(vec![slot]);
        }
    }

    /// The same for all objects: before somebody looks at the state, moves the time, or the world ends.
    pub fn settle_alarm_ends(&self) {
        let slots: Vec<_> = self.alarm_ends.waiting.borrow().iter().copied().collect();
        self.commit_alarm_ends(slots);
    }

    /// When slots are to be emptied, by the clock's `machine()`.
    pub fn alarm_ends_due(&self) -> Option<Duration> {
        Some(self.alarm_ends.order.borrow().front()?.0)
    }

    /// Empties a few of the slots whose time has come.
    pub(super) fn advance_alarm_ends(&self) {
        let now = self.host.clock.machine();
        let mut slots = Vec::new();
        while slots.len() < limits::ALARM_END_BATCH
            && let Some((_, slot)) = self.alarm_ends.order.borrow_mut().pop_front_if(|(due, _)| *due <= now)
        {
            if self.has_alarm_end(slot) {
                slots.push(slot);
            }
        }
        self.commit_alarm_ends(slots);
    }

    fn commit_alarm_ends(&self, slots: Vec<Slot>) {
        let mut ended = Vec::new();
        for slot in slots {
            self.alarm_ends.waiting.borrow_mut().remove(&slot);
            let Some(store) = self.stores.get(slot) else { continue };
            let committed = self.commit_alarm_end(slot, &mut store.borrow_mut());
            if let Err(error) = committed {
                self.mark_broken(slot, Failure::of_commit(&error));
                continue;
            }
            let (namespace, key, name) = self.lease_key_of(slot);
            // Another one may have been set and listed since.
            let time = self.alarm_time(&key);
            ended.push((namespace, slot, IndexChange { id: key.1, time, name }));
        }
        self.list_alarms(ended);
    }

    fn commit_alarm_end(&self, slot: Slot, store: &mut ObjectStore) -> Result<(), CommitError> {
        if self.with_actor(slot, |actor| actor.broken.is_some()) {
            // What the turn wrote in which its handler ended goes; that the alarm was delivered stays.
            store.roll_back()?;
            store.set_alarm(None)?;
        }
        store.commit()
    }
}
