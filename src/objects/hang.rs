//! Requests whose code can never answer are ended.
//!
//! A stateless context in which something ran is looked at when nothing is left to run. Where it waits for no operation, no timer
//! and no connection, what it wrote was read, and nobody else holds anything of it, nothing can enter it any more: whatever it is to answer fails,
//! and it ends. Objects are not looked at, for another request may settle what they wait for; nor is who waits for an object.
//!
//! Fidelity: `IoContext::PendingEvent` in `src/workerd/io/io-context.h`; the answers are recorded in `fixtures/hangs`.
//! Deviation: on the platform compression streams count as operations, whoever waits for them in vain.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::engine::exception::Exception;
use crate::engine::pipe::PipeError;
use crate::engine::turn::Entered;
use crate::engine::{Isolate, OwnerId, Scope};

use super::failure::Failure;
use super::gate::ROOT;
use super::scheduler::{Entry, Objects};

/// Fidelity: workerd's text (`IoContext::abortFromHang` in `src/workerd/io/io-context.c++`).
const HUNG: &str = "The Workers runtime canceled this request because it detected that your Worker's code had hung and would \
    never generate a response. Refer to: https://developers.cloudflare.com/workers/observability/errors/";

/// The stateless contexts that are to be looked at.
#[derive(Default)]
pub(super) struct Hangs {
    ran: RefCell<Vec<OwnerId>>,
    /// Whether one is being ended, of which the log tells already.
    told: Cell<bool>,
}

impl Objects {
    /// Something ran in the stateless context `owner`.
    pub(super) fn note_ran(&self, owner: OwnerId) {
        if self.requests.borrow().contains(owner) {
            let mut ran = self.hangs.ran.borrow_mut();
            if ran.last() != Some(&owner) {
                ran.push(owner);
            }
        }
    }

    /// Whether the running context is ended because it hung, which the log tells already.
    pub fn ends_hung(&self) -> bool {
        self.hangs.told.get()
    }

    /// Runs what is ready, and ends the contexts that cannot go on then, if `is_quiet` says that no news waits either.
    pub fn run_and_end_hung(
        self: &Rc<Self>,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
        is_quiet: impl Fn() -> bool,
    ) {
        loop {
            self.run(isolate, entry);
            if self.has_work() || !is_quiet() || !self.end_hung(isolate, entry) {
                return;
            }
        }
    }

    /// Ends the contexts that cannot go on; says whether there were any.
    fn end_hung(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) -> bool {
        let mut hung = std::mem::take(&mut *self.hangs.ran.borrow_mut());
        self.leave_out_living(&mut hung);
        for owner in &hung {
            self.end_hung_context(isolate, entry, *owner);
        }
        !hung.is_empty()
    }

    /// Leaves those in `owners` that something may still enter out, and those that are over.
    fn leave_out_living(&self, owners: &mut Vec<OwnerId>) {
        let requests = self.requests.borrow();
        owners.retain(|owner| requests.contains(*owner) && !requests.has_exports(*owner));
        owners.sort_unstable();
        owners.dedup();
        self.host.ops.leave_out_waiting(owners);
        if !owners.is_empty() {
            let timers = self.host.timers.borrow();
            owners.retain(|owner| !timers.any_of(*owner) && !self.sockets.listens(*owner));
        }
        // Who reads is no event of theirs, so they are looked at again.
        owners.retain(|owner| {
            let waits = self.host.bodies.waits_for_readers(&self.host, *owner);
            if waits {
                self.hangs.ran.borrow_mut().push(*owner);
            }
            !waits
        });
    }

    fn end_hung_context(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>, owner: OwnerId) {
        let scope = Scope { owner, section: ROOT };
        // What somebody else settled is looked at first.
        let report = isolate.turn(scope, |_| Entered::Done);
        self.after_turn(isolate, entry, scope, report);
        let mut still = vec![owner];
        self.leave_out_living(&mut still);
        if still.is_empty() || !self.ready.borrow().is_empty() {
            return self.note_ran(owner);
        }
        let failure = Failure::platform(HUNG, &[]);
        self.report(owner, &failure.exception);
        self.break_bodies(isolate, entry, scope, &failure);
        self.hangs.told.set(true);
        self.fail_roots(isolate, entry, owner, failure);
        self.hangs.told.set(false);
        while self.requests.borrow().contains(owner) {
            self.end_task(owner);
        }
    }

    /// Who reads bodies that the context in `scope` has not written to the end is told `failure`.
    pub(super) fn break_bodies(
        &self,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
        scope: Scope,
        failure: &Failure,
    ) {
        if !self.host.bodies.are_written_by(scope.owner) {
            return;
        }
        isolate.without_limit(|isolate| {
            isolate.turn(scope, |ctx| {
                self.host.bodies.fail_all_of(scope.owner, || {
                    let error = entry.error(ctx, &failure.clone().of_fetch());
                    let message = Exception::read(ctx, &error).headline();
                    PipeError { message, reason: self.host.pack(ctx, &error, true) }
                });
                Entered::Done
            })
        });
    }
}
