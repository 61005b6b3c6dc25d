//! Breaking an object: its instance goes, its callers are told, what it had not committed is dropped.

use std::rc::Rc;

use serde_json::json;

use crate::engine::exception::Exception;
use crate::engine::turn::Entered;
use crate::engine::{Isolate, OwnerId, Scope};

use super::actor::{Slot, Wakefulness};
use super::event::{Event, Reply, ReplyTo};
use super::failure::{Failure, REMOTE, RESET};
use super::gate::Gate;
use super::scheduler::{Entry, Objects};

impl Objects {
    /// Marks the object in `slot` as broken by `failure`; it is reset when the running turn ends.
    pub fn break_object(&self, slot: Slot, mut failure: Failure) {
        // The object's own end is not an error that its code threw at the caller.
        failure.flags.retain(|flag| *flag != REMOTE);
        if !failure.flags.contains(&RESET) {
            failure.flags.push(RESET);
        }
        self.mark_broken(slot, failure);
    }

    /// The same with the failure's flags as they are; facets break with their parent.
    pub fn mark_broken(&self, slot: Slot, mut failure: Failure) {
        failure.object_id = None;
        let below = self.facets.borrow().below(slot);
        below.into_iter().for_each(|facet| self.end_facet(facet, &failure));
        let first = self.with_actor(slot, |actor| {
            let first = actor.broken.is_none();
            if first {
                actor.broken = Some(failure);
            }
            first
        });
        if first {
            self.to_break.borrow_mut().push(slot);
        }
    }

    /// The running context ends with the running turn because its code said so: all that waits for it gets `failure`.
    /// An object is reset.
    pub fn abort_context(&self, failure: Failure) {
        match self.current_slot() {
            Some(slot) => self.break_object(slot, failure),
            None => *self.aborted.borrow_mut() = Some((self.host.scope.get().owner, failure)),
        }
    }

    /// Ends the stateless context that the turn has aborted, if it did.
    pub(super) fn end_aborted(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        let aborted = self.aborted.borrow_mut().take();
        if let Some((owner, failure)) = aborted {
            // Before its own code hears of the end: bodies end with the reason.
            self.break_bodies(isolate, entry, Scope { owner, section: super::gate::ROOT }, &failure);
            self.fail_roots(isolate, entry, owner, failure);
            self.abandon_context(owner);
        }
    }

    /// Whether the object whose turn runs is broken, or the context aborted: nothing it does counts any more.
    pub fn current_failure(&self) -> Option<Failure> {
        if let Some(failure) = &*self.breaking.borrow() {
            return Some(failure.clone());
        }
        let Some(slot) = self.current_slot() else {
            let aborted = self.aborted.borrow();
            let (owner, failure) = aborted.as_ref()?;
            return (*owner == self.host.scope.get().owner).then(|| failure.clone());
        };
        self.with_actor(slot, |actor| actor.broken.clone())
    }

    /// `failure`, which ended the running context, as the callers of what it passed on are told.
    ///
    /// Fidelity: workerd marks every error of a target that a call brought, but of an entrypoint's calls only those that
    /// their method has thrown (`JsRpcTargetBase::call` in `src/workerd/api/worker-rpc.c++`).
    pub fn as_told_by_export(&self, failure: Failure) -> Failure {
        self.told_by_export_of(self.current_slot(), failure)
    }

    fn told_by_export_of(&self, slot: Option<Slot>, failure: Failure) -> Failure {
        let object_id = slot.map(|slot| self.with_actor(slot, |actor| actor.key.id.to_string()));
        Failure { object_id, ..failure.of_fetch() }
    }

    /// Somebody is told why the object whose turn runs is broken.
    pub fn note_known(&self) {
        if let Some(slot) = self.current_slot() {
            self.with_actor(slot, |actor| {
                if let Some(failure) = &mut actor.broken {
                    failure.is_known = true;
                }
            });
        }
    }

    /// Resets the objects that broke.
    pub(super) fn break_pending(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        loop {
            let slot = self.to_break.borrow_mut().pop();
            let Some(slot) = slot else { return };
            let failure = self.with_actor(slot, |actor| actor.broken.clone());
            self.reset(isolate, entry, slot, failure.expect("only broken objects are reset"), true);
        }
    }

    /// Ends the instance in `slot`; everybody who waits for it is told `failure`.
    pub(super) fn reset(
        self: &Rc<Self>,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
        slot: Slot,
        failure: Failure,
        close_sockets: bool,
    ) {
        let owner = self.with_actor(slot, |actor| {
            actor.broken = Some(failure.clone());
            actor.owner
        });
        self.settle_alarm_end(slot);
        self.stores.close(slot);
        let held = self.fail_held(slot, &failure);
        let (waited, unhandled) = self.fail_roots(isolate, entry, owner, failure.clone());
        let held = self.fail_held(slot, &failure) || held;
        self.break_bodies(isolate, entry, Scope { owner, section: super::gate::ROOT }, &failure);
        match unhandled {
            Some(exception) => self.report(owner, &exception),
            None if held || waited || failure.is_known => {}
            // A timer or what runs in the background broke it.
            None => self.report(owner, &failure.exception),
        }
        self.end_instance(isolate, entry, slot);
        if close_sockets {
            self.drop_hibernatable(slot);
        } else {
            self.forget_instances_of_sockets(slot);
        }
        self.tell_more(slot, "reset", || json!({ "reason": failure.exception.message }));
        let inbox = self.with_actor(slot, |actor| {
            actor.broken = None;
            actor.breaks += 1;
            actor.last_break = Some(failure.clone());
            std::mem::take(&mut actor.inbox)
        });
        for (_, event) in inbox {
            match event {
                Event::Fetch { reply, .. } | Event::FetchEntrypoint { reply, .. } => {
                    self.refuse(reply, failure.clone().of_fetch());
                }
                Event::Leave { response, reply } => {
                    self.lose_socket_of(&Reply::Response(response));
                    self.refuse(reply, failure.clone().of_fetch());
                }
                Event::CallExport { reply, .. } => {
                    self.refuse(reply, self.told_by_export_of(Some(slot), failure.clone()));
                }
                Event::Call { reply, .. }
                | Event::CallEntrypoint { reply, .. }
                | Event::Scheduled { reply, .. } => self.refuse(reply, failure.clone()),
                Event::Alarm { .. } => self.fail_alarm(slot),
                Event::Control(call) => self.refuse(ReplyTo::Control(call.asker), failure.clone()),
                Event::DropExport { .. } => self.deliver_to_scope(Scope::none_of(self.realm_of(slot)), event),
                Event::Answer { reply, .. } => self.lose_socket_of(&reply),
                Event::Socket(_) if !close_sockets => self.deliver(slot, super::gate::ROOT, event),
                Event::Complete(_) | Event::Timer(_) | Event::Socket(_) | Event::Farewell(_) => {}
            }
        }
        self.forget_facet(slot);
    }

    /// Drops the instance in `slot` and everything that it still waits for.
    pub(super) fn end_instance(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>, slot: Slot) {
        let (owner, critical, handovers) = self.with_actor(slot, |actor| {
            actor.wakefulness = Wakefulness::Asleep;
            actor.gate = Gate::default();
            (actor.bids_farewell, actor.leaving) = (false, false);
            (
                std::mem::replace(&mut actor.owner, OwnerId::NONE),
                std::mem::take(&mut actor.critical),
                std::mem::take(&mut actor.handovers),
            )
        });
        // Before its values go: what ends with its holder was not forgotten.
        self.parcels.end_holder(owner);
        isolate.without_limit(|isolate| {
            isolate.turn(Scope::none_of(self.realm_of(slot)), |ctx| {
                drop((critical, handovers));
                entry.destroy(ctx, slot);
                Entered::Done
            })
        });
        self.subrequests.forget(owner);
        self.depths.forget(owner);
        self.forget_memory_warning(slot);
        self.drop_sockets_of(owner);
        self.host.ops.cancel_all_of(owner);
        self.host.bodies.drop_all_of(owner);
        self.host.timers.borrow_mut().cancel_all_of(owner);
        if self.owners.borrow_mut().remove(&owner).is_some() {
            self.awake.set(self.awake.get() - 1);
        }
    }

    /// Tells everybody who waits for something of `owner` that it failed. Gives whether there was anybody, and what nobody handled
    /// of it.
    pub(super) fn fail_roots(
        self: &Rc<Self>,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
        owner: OwnerId,
        failure: Failure,
    ) -> (bool, Option<Exception>) {
        let scope = Scope { owner, section: super::gate::ROOT };
        *self.breaking.borrow_mut() = Some(failure.clone());
        let mut waited = false;
        let report = isolate.turn(scope, |ctx| {
            waited = isolate.roots().fail_all_of(ctx, owner, || entry.error(ctx, &failure));
            Entered::Done
        });
        *self.breaking.borrow_mut() = None;
        (waited, report.uncaught.into_iter().next())
    }
}
