//! Objects that are busy when their code is replaced: how long they may go on with the old code.
//!
//! Fidelity: the platform's documentation on code updates: with `immediate` an active object is reset at once, with
//! `deferred` when it is still active after `max_delay`, 300 s unless `durable_objects.code_update_strategy` names another
//! one. An object that is idle changes at once here. What counts is the strategy of the code that is replaced. Hibernating
//! WebSockets stay, as with every reload.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use crate::engine::{Isolate, RealmId};

use super::failure::{Failure, RESET};
use super::scheduler::{Entry, Objects};

/// Fidelity: the text of production.
const TEXT: &str = "Durable Object reset because its code was updated.";
/// The platform's `max_delay` where none is named.
const DELAY: Duration = Duration::from_secs(300);

/// The strategies of the Workers of one world.
#[derive(Default)]
pub(super) struct CodeUpdate {
    delays: RefCell<HashMap<RealmId, Duration>>,
    /// When the world retired, by the clock's `elapsed()`.
    retired: Cell<Option<Duration>>,
    done: RefCell<Vec<RealmId>>,
}

impl CodeUpdate {
    /// When the next Worker's objects are reset, of `realms` Workers.
    pub fn next_due(&self, realms: usize) -> Option<Duration> {
        self.waiting(realms).map(|(due, _)| due).min()
    }

    /// The Workers whose objects are to be reset at `now`; each is given once.
    fn take_due(&self, now: Duration, realms: usize) -> Vec<RealmId> {
        let due: Vec<_> =
            self.waiting(realms).filter(|(due, _)| *due <= now).map(|(_, realm)| realm).collect();
        self.done.borrow_mut().extend(&due);
        due
    }

    fn waiting(&self, realms: usize) -> impl Iterator<Item = (Duration, RealmId)> {
        let count = if self.retired.get().is_some() { realms } else { 0 };
        let realms = (0..=u8::MAX).take(count).map(RealmId);
        realms.filter(|realm| !self.done.borrow().contains(realm)).map(|realm| {
            let delay = self.delays.borrow().get(&realm).copied().unwrap_or(DELAY);
            (self.retired.get().unwrap_or_default() + delay, realm)
        })
    }
}

impl Objects {
    /// Objects of the Worker `realm` may go on for `delay` after its code was replaced.
    pub fn set_code_update(&self, realm: RealmId, delay: Duration) {
        self.code_update.delays.borrow_mut().insert(realm, delay);
    }

    /// The code is replaced from now on.
    pub(super) fn begin_code_update(&self) {
        self.code_update.retired.set(Some(self.host.clock.elapsed()));
    }

    /// Resets what may not go on with the old code any longer.
    pub(super) fn finish_code_update(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        let due = self.code_update.take_due(self.host.clock.elapsed(), self.roster.running_count());
        if due.is_empty() {
            return;
        }
        for slot in self.object_slots() {
            if due.contains(&self.realm_of(slot)) && self.has_instance(slot) && !self.is_facet(slot) {
                self.reset(isolate, entry, slot, Failure::platform(TEXT, &[RESET]), false);
                self.hand_over_if_wanted(isolate, entry, slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_worker_has_its_own_delay_and_its_turn_once() {
        let update = CodeUpdate::default();
        let second = Duration::from_secs(1);
        update.delays.borrow_mut().extend([(RealmId(0), Duration::ZERO), (RealmId(1), 2 * second)]);
        assert_eq!((update.next_due(3), update.take_due(9 * second, 3)), (None, Vec::new()), "not retired");
        update.retired.set(Some(second));
        assert_eq!(update.next_due(3), Some(second));
        assert_eq!(update.take_due(second, 3), [RealmId(0)]);
        assert_eq!((update.next_due(3), update.take_due(2 * second, 3)), (Some(3 * second), Vec::new()));
        assert_eq!(update.take_due(3 * second, 3), [RealmId(1)]);
        assert_eq!(update.next_due(3), Some(second + DELAY));
        assert_eq!(update.take_due(second + DELAY, 3), [RealmId(2)]);
        assert_eq!(update.next_due(3), None);
    }
}
