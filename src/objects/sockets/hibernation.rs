//! Hibernation: an object that has nothing to do but hibernatable sockets loses its instance, and keeps
//! the sockets. The next message makes a new instance.
//!
//! Fidelity: ten seconds after the last event; what an object waits for, and a timer, keep it awake
//! (observed with workerd 1.20261117.1). Objects without sockets are not put to sleep here.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use crate::base::limits;
use crate::engine::Isolate;

use super::super::actor::{Slot, Wakefulness};
use super::super::journal::{DueKind, Fired};
use super::super::scheduler::{Entry, Objects};

/// When which object was last active, and when to look at it again.
#[derive(Default)]
pub(super) struct Drowsiness(RefCell<State>);

#[derive(Default)]
struct State {
    active_at: HashMap<Slot, Duration>,
    /// Each object of `active_at` stands here once.
    looks: BinaryHeap<Reverse<(Duration, u32)>>,
    sleepy: Vec<Slot>,
}

impl Drowsiness {
    fn note(&self, slot: Slot, now: Duration) {
        let mut state = self.0.borrow_mut();
        if state.active_at.insert(slot, now).is_none() {
            state.looks.push(Reverse((now + limits::HIBERNATE_AFTER, slot.0)));
        }
    }

    fn next_due(&self) -> Option<Duration> {
        self.0.borrow().looks.peek().map(|Reverse((due, _))| *due)
    }

    /// Finds out which objects were not active for long enough at `now`.
    fn advance(&self, now: Duration) {
        let mut state = self.0.borrow_mut();
        while let Some(Reverse((due, slot))) =
            state.looks.peek().copied().filter(|Reverse((due, _))| *due <= now)
        {
            state.looks.pop();
            let slot = Slot(slot);
            let due = state.active_at.get(&slot).map_or(due, |active| *active + limits::HIBERNATE_AFTER);
            if due > now {
                state.looks.push(Reverse((due, slot.0)));
            } else {
                state.active_at.remove(&slot);
                state.sleepy.push(slot);
            }
        }
    }

    fn take_sleepy(&self) -> Vec<Slot> {
        std::mem::take(&mut self.0.borrow_mut().sleepy)
    }
}

impl Objects {
    /// The object in `slot` did something: if it has sockets, it may hibernate when it does nothing more.
    pub(in super::super) fn note_activity(&self, slot: Slot) {
        let has_sockets = self.sockets.rooms.borrow().get(&slot).is_some_and(|room| !room.listed.is_empty());
        if has_sockets {
            self.sockets.drowsiness.note(slot, self.host.clock.elapsed());
        }
    }

    /// When an object may have been idle for long enough.
    pub(in super::super) fn next_hibernation(&self) -> Option<Duration> {
        self.sockets.drowsiness.next_due()
    }

    /// Finds out which objects may hibernate now.
    pub(in super::super) fn advance_hibernation(&self, now: Duration) {
        self.sockets.drowsiness.advance(now);
    }

    /// Puts the objects to sleep that were found; one that waits for something is looked at again later.
    pub(in super::super) fn hibernate_idle(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        for slot in self.sockets.drowsiness.take_sleepy() {
            if self.with_actor(slot, |actor| actor.wakefulness == Wakefulness::Asleep) {
                continue;
            }
            if self.is_pinned(isolate, slot) {
                self.note_activity(slot);
                continue;
            }
            self.journal.note(|| Fired {
                outcome: "ok".to_owned(),
                ..self.fired(DueKind::Hibernation, Some(slot), self.host.clock.now())
            });
            self.put_to_sleep(isolate, entry, slot, "hibernate");
        }
    }

    /// The JavaScript objects of the sockets of `slot` go with its instance; the sockets stay.
    pub(in super::super) fn forget_instances_of_sockets(&self, slot: Slot) {
        let ids = self.sockets.of_object(slot, None);
        self.sockets.forgotten.borrow_mut().extend(ids);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_sleeps_when_it_was_idle_for_long_enough() {
        let drowsiness = Drowsiness::default();
        let second = Duration::from_secs(1);
        drowsiness.note(Slot(1), Duration::ZERO);
        drowsiness.note(Slot(2), second);
        drowsiness.note(Slot(1), 5 * second);
        assert_eq!(drowsiness.next_due(), Some(limits::HIBERNATE_AFTER));
        drowsiness.advance(limits::HIBERNATE_AFTER);
        assert_eq!(drowsiness.take_sleepy(), []);
        drowsiness.advance(limits::HIBERNATE_AFTER + second);
        assert_eq!(drowsiness.take_sleepy(), [Slot(2)]);
        drowsiness.advance(limits::HIBERNATE_AFTER + 5 * second);
        assert_eq!(drowsiness.take_sleepy(), [Slot(1)]);
        assert_eq!(drowsiness.next_due(), None);
    }
}
