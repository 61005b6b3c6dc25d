//! Warnings to the developer: stubs that nobody disposed, and limits that are near.
//!
//! Each is told once per object and world, or once for the Worker: the log is for reading. Limits are
//! compared where they are checked anyway, so nothing is measured for a warning alone. Memory is an isolate's, which all
//! of its objects share: the one is named whose turn took the most of it, and once in each of its lives.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use rustc_hash::FxHashSet;

use super::actor::Slot;
use super::scheduler::Objects;
use crate::base::limits;
use crate::engine::{Isolate, LogLevel, LogRecord, Origin, OwnerId};

/// Fidelity: workerd's text in `src/workerd/api/worker-rpc.c++`. When it warns was observed with its
/// garbage collector called: of stubs in results, those made with `new RpcStub`, `dup()` and pipelining;
/// not of arguments, which their call disposes.
const FORGOTTEN_STUB: &str = "An RPC stub was not disposed properly. You must call dispose() on all stubs in order to let the \
     other side know that you are no longer using them. You cannot rely on the garbage collector for this because it may \
     take arbitrarily long before actually collecting unreachable objects. As a shortcut, calling dispose() on the result \
     of an RPC call disposes all stubs within it.";
/// Fidelity: the same, for a result with a disposer of its own.
const FORGOTTEN_RESULT: &str = "An RPC result was not disposed properly. One of the RPC calls you made expects you to call \
     dispose() on the return value, but you didn't do so. You cannot rely on the garbage collector for this because it may \
     take arbitrarily long before actually collecting unreachable objects.";

/// What is warned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Warning {
    Stub,
    Result,
    Cpu,
    Memory,
    Queue,
    Subrequests,
    Message,
    Awake,
}

/// What was warned of already, and about whom.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    told: RefCell<FxHashSet<(Warning, Option<Slot>)>>,
    /// Whether little memory was left after the last turn.
    memory_is_near: Cell<bool>,
}

impl Objects {
    fn warn_once(
        &self,
        warning: Warning,
        about: Option<Slot>,
        origin: Origin,
        text: impl FnOnce() -> String,
    ) {
        if self.warnings.told.borrow_mut().insert((warning, about)) {
            (self.host.log)(LogRecord { origin, level: LogLevel::Warn, text: text() });
        }
    }

    /// Warns of stubs and results that were forgotten since the last time without being disposed.
    pub(super) fn warn_of_forgotten(&self) {
        let forgotten = &self.parcels.forgotten;
        for (warning, holder, text) in [
            (Warning::Stub, &forgotten.stub, FORGOTTEN_STUB),
            (Warning::Result, &forgotten.result, FORGOTTEN_RESULT),
        ] {
            if let Some(holder) = holder.take() {
                // Fidelity: once for everybody.
                self.warn_once(warning, None, self.origin(holder), || text.to_owned());
            }
        }
    }

    /// An event of `owner` used nearly all of the CPU time `limit` that it may use.
    pub(super) fn warn_of_cpu(&self, owner: OwnerId, limit: Duration) {
        let slot = self.owners.borrow().get(&owner).copied();
        self.warn_once(Warning::Cpu, slot, self.origin(owner), || {
            let end = if slot.is_some() { "the object is reset" } else { "the request fails" };
            format!(
                "an event used more than {} % of the CPU time that it may use: at {} ms (`limits.cpu_ms`) {end}",
                limits::WARN_AT_PERCENT,
                limit.as_millis()
            )
        });
    }

    /// Looks at the memory of `isolate` after a turn of `owner`: a turn that leaves little of it is told.
    pub(super) fn warn_of_memory(&self, isolate: &Isolate, owner: OwnerId) {
        let is_near = || isolate.heap().is_beyond(limits::WARN_AT_PERCENT);
        if is_near() == self.warnings.memory_is_near.get() {
            return;
        }
        if is_near() {
            // What only garbage takes is no reason to warn.
            isolate.collect_garbage();
        }
        self.warnings.memory_is_near.set(is_near());
        if !is_near() {
            return;
        }
        let slot = self.owners.borrow().get(&owner).copied();
        self.warn_once(Warning::Memory, slot, self.origin(owner), || {
            let heap = isolate.heap();
            let end = if slot.is_some() { "the object is reset" } else { "the request fails" };
            format!(
                "more than {} % of the memory is in use that all code of the Worker shares ({} of {} MiB): where it ends, {end}",
                limits::WARN_AT_PERCENT,
                heap.used() >> 20,
                heap.limit() >> 20
            )
        });
    }

    /// The object in `slot` has no instance any more: its next one may be warned of anew.
    pub(super) fn forget_memory_warning(&self, slot: Slot) {
        self.warnings.told.borrow_mut().remove(&(Warning::Memory, Some(slot)));
    }

    /// An event of `owner` made nearly all of the `limit` requests and calls that it may make.
    pub(super) fn warn_of_subrequests(&self, owner: OwnerId, limit: u32) {
        let slot = self.owners.borrow().get(&owner).copied();
        self.warn_once(Warning::Subrequests, slot, self.origin(owner), || {
            let percent = limits::WARN_AT_PERCENT;
            format!("an event made more than {percent} % of the {limit} subrequests that it may make (`limits.subrequests`): further ones fail")
        });
    }

    /// The running code sends arguments or a result of RPC of `bytes`, which is nearly too much.
    pub fn warn_of_message(&self, bytes: usize) {
        let owner = self.host.scope.get().owner;
        let slot = self.owners.borrow().get(&owner).copied();
        self.warn_once(Warning::Message, slot, self.origin(owner), || {
            let (percent, max) = (limits::WARN_AT_PERCENT, limits::RPC_MESSAGE_BYTES >> 20);
            let size = bytes >> 20;
            format!("more than {percent} % of the {max} MiB that the arguments or the result of an RPC call may have are used ({size} MiB): larger ones are refused")
        });
    }

    /// Tells what keeps the object in `slot` awake, which would sleep by now; for who looks at everything.
    pub(super) fn tell_why_awake(&self, isolate: &Isolate, slot: Slot) {
        if !self.warnings.told.borrow_mut().insert((Warning::Awake, Some(slot))) {
            return;
        }
        let pins = self.pins(isolate, slot).into_iter().map(|pin| match pin.at {
            Some(at) => format!("{} ({at})", pin.what),
            None => pin.what,
        });
        let text = format!("stays awake without events: {}", pins.collect::<Vec<_>>().join("; "));
        (self.host.log)(LogRecord { origin: self.origin_of(slot), level: LogLevel::Debug, text });
    }

    /// `queued` calls wait for the object in `slot`: whether another one may be added.
    pub(super) fn has_room(&self, slot: Slot, queued: usize) -> bool {
        if queued >= limits::OBJECT_QUEUE / 100 * limits::WARN_AT_PERCENT {
            self.warn_once(Warning::Queue, Some(slot), self.origin_of(slot), || {
                let (percent, max) = (limits::WARN_AT_PERCENT, limits::OBJECT_QUEUE);
                format!("more than {percent} % of the {max} requests that may wait for one object wait for this one: further ones are refused as overload")
            });
        }
        queued < limits::OBJECT_QUEUE
    }
}
