//! `blockConcurrencyWhile`: callbacks that run while everything else of their object waits.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Persistent, Promise};

use crate::engine::turn::Entered;
use crate::engine::{Isolate, OpError, Scope};

use super::actor::{Critical, Handover, Slot, Wakefulness};
use super::scheduler::{Entry, Objects};

impl Objects {
    /// Registers `callback` as a critical section of the object in `slot`; the promise is its result.
    ///
    /// # Errors
    /// The message to throw when sections are nested too deeply.
    pub fn block_concurrency_while<'js>(
        &self,
        ctx: &Ctx<'js>,
        slot: Slot,
        callback: Function<'js>,
    ) -> rquickjs::Result<Result<Promise<'js>, OpError>> {
        let scope = self.host.scope.get();
        let section = match self.with_actor(slot, |actor| actor.gate.start(scope.section)) {
            Ok(section) => section,
            Err(error) => return Ok(Err(OpError::new(error.to_string()))),
        };
        let (op, promise) = self.host.ops.start_named(ctx, scope, "blockConcurrencyWhile()")?;
        let callback = Some(Persistent::save(ctx, callback));
        self.with_actor(slot, |actor| actor.critical.push(Critical { section, callback, op }));
        Ok(Ok(promise))
    }

    /// Begins the next critical section of the object in `slot`, or ends one; says whether it came to that. What the object wrote
    /// before is committed first.
    ///
    /// Fidelity: sections begin and end in rounds of workerd's event loop of their own, and each round commits
    /// (`ActorSqlite::onWrite` in `src/workerd/io/actor-sqlite.c++`), so that a section that throws takes nothing along
    /// that was written before it. Recorded in `fixtures/commit-points`.
    pub(super) fn run_section(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>, slot: Slot) -> bool {
        if self.stores.is_dirty(slot) && self.with_actor(slot, |actor| actor.has_own_work()) {
            self.release(isolate, entry);
            if self.with_actor(slot, |actor| actor.wakefulness != Wakefulness::Awake) {
                // The commit failed.
                return true;
            }
        }
        self.run_handover(isolate, entry, slot) || self.run_critical(isolate, entry, slot)
    }

    /// Begins the next critical section of the object in `slot` that may run; says whether there was one.
    fn run_critical(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>, slot: Slot) -> bool {
        let next = self.with_actor(slot, |actor| {
            let section = actor.gate.next_section()?;
            let critical = actor.critical.iter_mut().find(|c| c.section == section)?;
            Some((actor.owner, section, critical.callback.take()?))
        });
        let Some((owner, section, callback)) = next else { return false };
        self.limit_section(slot, owner, section);
        isolate.roots().doing("blockConcurrencyWhile()");
        let scope = Scope { owner, section };
        let (objects, failed) = (self.clone(), entry.clone());
        let report = isolate.turn(scope, |ctx| {
            let result = callback.restore(ctx).and_then(|callback| callback.call(()));
            Entered::Root(
                result,
                Box::new(move |ctx, result| {
                    objects.unlimit_section(slot, section);
                    match result {
                        Ok(value) => objects.with_actor(slot, |actor| {
                            if actor.owner != owner || actor.wakefulness == Wakefulness::Asleep {
                                return;
                            }
                            let index = actor.critical.iter().position(|c| c.section == section);
                            let op = actor.critical.swap_remove(index.expect("it runs until now")).op;
                            let section = actor.gate.finish(section);
                            let value = Persistent::save(ctx, value);
                            actor.handovers.push_back(Handover { section, op, value });
                        }),
                        Err(thrown) => {
                            let failure = failed.failure(ctx, &thrown);
                            objects.drop_frames_of_turn(slot);
                            objects.break_object(slot, failure);
                        }
                    }
                }),
            )
        });
        self.after_turn(isolate, entry, scope, report);
        true
    }

    /// Delivers the result of a critical section, before anything else; says whether there was one.
    fn run_handover(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>, slot: Slot) -> bool {
        let next = self.with_actor(slot, |actor| Some((actor.owner, actor.handovers.pop_front()?)));
        let Some((owner, Handover { section, op, value })) = next else { return false };
        let scope = Scope { owner, section };
        let report = isolate.turn(scope, |ctx| {
            let value = value.restore(ctx).expect("the value belongs to this isolate");
            self.host.ops.resolve(ctx, op, value).expect("resolving a promise cannot throw");
            Entered::Done
        });
        self.after_turn(isolate, entry, scope, report);
        true
    }
}
