//! `[onHibernate]`: an object whose class has this handler is told before its instance goes.
//!
//! While the handler runs, new events wait, and the instance goes when it is over, with whatever timers it set: what waits
//! wakes the next one. Storage that it writes is committed before.
//!
//! Fidelity: observed with workerd 1.20261117.1 under the compatibility flag `experimental`: `info` has `reason` and nothing
//! else, an error is reported and changes nothing, a handler that never ends is given up after 10 s; facets are not told.
//! Frames that it sends, and a close, arrive; there only those arrive that had left when it ended.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::base::limits;
use crate::engine::{Isolate, OwnerId};

use super::actor::Slot;
use super::event::Event;
use super::failure::Failure;
use super::gate::ROOT;
use super::scheduler::{Entry, Objects};

/// Why an instance goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaving {
    /// Nothing happened for some time.
    Inactive,
    /// The code was replaced.
    CodeUpdated,
    /// Its memory is needed, or somebody asked for it.
    System,
}

impl Leaving {
    /// As `info.reason` has it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::CodeUpdated => "codeUpdated",
            Self::System => "system",
        }
    }
}

struct Farewell {
    slot: Slot,
    owner: OwnerId,
    /// When the handler is given up, by the clock's `elapsed()`.
    due: Duration,
    /// The name of what happens to the object, for who watches.
    why: &'static str,
    over: bool,
}

/// The handlers that run.
#[derive(Default)]
pub(super) struct Farewells(RefCell<Vec<Farewell>>);

impl Farewells {
    /// When the next handler is given up.
    pub fn next_due(&self) -> Option<Duration> {
        self.0.borrow().iter().map(|farewell| farewell.due).min()
    }

    /// Takes those that are over, and with `now` those that took too long.
    fn take_over(&self, now: Duration) -> Vec<Farewell> {
        let mut running = self.0.borrow_mut();
        let (over, left) = running.drain(..).partition(|farewell| farewell.over || farewell.due <= now);
        *running = left;
        over
    }
}

impl Objects {
    /// The instance in `slot` wants to be told before it goes.
    pub fn note_farewell(&self, slot: Slot) {
        self.with_actor(slot, |actor| actor.bids_farewell = true);
    }

    /// Tells the instance in `slot` that it is to go: whether it must be waited for. It goes by itself then.
    pub(super) fn bid_farewell(&self, slot: Slot, reason: Leaving, why: &'static str) -> bool {
        let (bids, leaving, owner) =
            self.with_actor(slot, |actor| (actor.bids_farewell, actor.leaving, actor.owner));
        if !bids || leaving {
            return leaving;
        }
        let due = self.host.clock.elapsed() + limits::FAREWELL;
        self.farewells.0.borrow_mut().push(Farewell { slot, owner, due, why, over: false });
        self.with_actor(slot, |actor| actor.leaving = true);
        self.deliver(slot, ROOT, Event::Farewell(reason));
        true
    }

    /// Ends the instance in `slot`, at once or when it has been told. `why` names the event for who watches.
    pub(super) fn send_to_sleep(
        self: &Rc<Self>,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
        slot: Slot,
        reason: Leaving,
        why: &'static str,
    ) {
        if !self.bid_farewell(slot, reason, why) {
            self.put_to_sleep(isolate, entry, slot, why);
        }
    }

    /// The handler of the instance in `slot` ended.
    pub fn end_farewell(&self, slot: Slot) {
        let owner = self.with_actor(slot, |actor| actor.owner);
        for farewell in self.farewells.0.borrow_mut().iter_mut().filter(|it| it.owner == owner) {
            farewell.over = true;
        }
    }

    /// Ends the instances that were told and have nothing more to do.
    pub(super) fn finish_farewells(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        for farewell in self.farewells.take_over(self.host.clock.elapsed()) {
            let Farewell { slot, owner, why, over, .. } = farewell;
            if self.with_actor(slot, |actor| actor.owner != owner) {
                continue;
            }
            if !over {
                let message = "onHibernate handler exceeded its allowed execution time";
                self.warn(format!("{}: {message}", self.name_of(slot)));
                self.fail_roots(isolate, entry, owner, Failure::platform(message, &[]));
            }
            self.put_to_sleep(isolate, entry, slot, why);
            self.enqueue(slot);
        }
    }
}
