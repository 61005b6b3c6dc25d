//! The limit that an object sets on the time of its WebSocket handlers.
//!
//! Fidelity: workerd `src/workerd/api/global-scope.c++`, `eventTimeoutPromise`: an object whose handler takes
//! longer is reset, and its sockets are gone with it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::engine::OwnerId;

use super::super::actor::Slot;
use super::super::failure::{Failure, RESET};
use super::super::scheduler::Objects;

const MESSAGE: &str = "Actor exceeded event execution time and was disconnected.";

/// A handler whose time is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitedEvent(u64);

#[derive(Debug)]
struct Running {
    event: LimitedEvent,
    due: Duration,
    slot: Slot,
    owner: OwnerId,
}

/// The handlers that run within a limit.
#[derive(Debug, Default)]
pub(super) struct EventLimits {
    running: RefCell<Vec<Running>>,
    last: Cell<u64>,
}

impl Objects {
    /// A handler of the object in `slot` begins; `None` if the object sets no limit.
    pub fn limit_socket_event(&self, slot: Slot) -> Option<LimitedEvent> {
        let timeout_ms = self.sockets.timeout(slot)?;
        let limits = &self.sockets.event_limits;
        limits.last.set(limits.last.get() + 1);
        let event = LimitedEvent(limits.last.get());
        let due = self.host.clock.elapsed() + Duration::from_secs_f64(timeout_ms.max(0.0) / 1_000.0);
        let owner = self.with_actor(slot, |actor| actor.owner);
        limits.running.borrow_mut().push(Running { event, due, slot, owner });
        Some(event)
    }

    /// The handler of `event` ended.
    pub fn unlimit_socket_event(&self, event: Option<LimitedEvent>) {
        if let Some(event) = event {
            self.sockets.event_limits.running.borrow_mut().retain(|running| running.event != event);
        }
    }

    /// When the next handler has run for too long, by the clock's `elapsed()`.
    pub(in super::super) fn next_event_limit(&self) -> Option<Duration> {
        self.sockets.event_limits.running.borrow().iter().map(|running| running.due).min()
    }

    /// Resets the objects whose handlers have run for too long at `now`.
    pub(in super::super) fn advance_event_limits(&self, now: Duration) {
        let mut late = Vec::new();
        self.sockets.event_limits.running.borrow_mut().retain(|running| {
            if running.due <= now {
                late.push((running.slot, running.owner, running.due));
            }
            running.due > now
        });
        for (slot, owner, due) in late {
            if self.with_actor(slot, |actor| actor.owner == owner) {
                self.note_limit(slot, due, "WebSocket handler");
                self.warn(format!("{}: {MESSAGE}", self.name_of(slot)));
                self.break_object(slot, Failure::platform(MESSAGE, &[RESET]));
            }
        }
    }

    /// The class and name of the object in `slot`, for sentences.
    pub(in super::super) fn name_of(&self, slot: Slot) -> String {
        match self.origin_of(slot) {
            crate::engine::Origin::Object { class, name } => format!("{class}({name})"),
            crate::engine::Origin::Worker => "the Worker".to_owned(),
            crate::engine::Origin::OneOf(worker) => format!("the Worker {worker}"),
        }
    }
}
