//! Waking, sleeping and breaking on demand, and telling who watches.

use std::rc::Rc;

use serde_json::{Value, json};

use crate::engine::Isolate;

use super::super::actor::{Slot, Wakefulness};
use super::super::failure::Failure;
use super::super::farewell::Leaving;
use super::super::scheduler::{Entry, Objects};
use super::{Answer, Refusal};

impl Objects {
    /// Ends the instance if nothing pins it.
    pub(super) fn hibernate_now(
        self: &Rc<Self>,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
        slot: Option<Slot>,
    ) -> Result<Answer, Refusal> {
        let Some(slot) = slot.filter(|slot| !self.sleeps(*slot)) else { return Ok(Answer::Done(false)) };
        let pins = self.pins(isolate, slot);
        if !pins.is_empty() {
            return Err(Refusal::Pinned("something keeps the object awake".to_owned(), pins));
        }
        self.send_to_sleep(isolate, entry, slot, Leaving::Inactive, "hibernate");
        Ok(Answer::Done(true))
    }

    /// Ends the instance, with timers and promises that only it waits for.
    pub(super) fn evict_now(
        self: &Rc<Self>,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
        slot: Option<Slot>,
        close_sockets: bool,
    ) -> Result<Answer, Refusal> {
        let Some(slot) = slot else { return Ok(Answer::Done(false)) };
        let awake = !self.sleeps(slot);
        if awake {
            let mut pins = self.pins(isolate, slot);
            pins.retain(|pin| pin.is_work());
            if !pins.is_empty() {
                let message = "somebody waits for what the object does: reset it to break that off";
                return Err(Refusal::Pinned(message.to_owned(), pins));
            }
            self.send_to_sleep(isolate, entry, slot, Leaving::System, "evict");
        }
        if close_sockets {
            self.drop_hibernatable(slot);
        }
        Ok(Answer::Done(awake))
    }

    /// Breaks the object as `ctx.abort()` does; stubs that were made before stay broken.
    pub(super) fn reset_now(&self, slot: Option<Slot>, reason: Option<String>) -> Result<Answer, Refusal> {
        let Some(slot) = slot else { return Ok(Answer::Done(false)) };
        let message =
            reason.unwrap_or_else(|| "Application called abort() to reset Durable Object.".to_owned());
        let failure = Failure::asked_for(message);
        if self.sleeps(slot) {
            self.break_stubs(slot, failure);
            return Ok(Answer::Done(false));
        }
        self.break_object(slot, failure);
        Ok(Answer::Done(true))
    }

    pub(super) fn hibernate_all(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) -> usize {
        let mut count = 0;
        for slot in self.awake_slots() {
            if !self.is_tree_pinned(isolate, slot) {
                self.send_to_sleep(isolate, entry, slot, Leaving::Inactive, "hibernate");
                count += 1;
            }
        }
        count
    }

    /// Stubs of an object that sleeps are broken by `failure` from now on.
    pub(in super::super) fn break_stubs(&self, slot: Slot, failure: Failure) {
        self.with_actor(slot, |actor| {
            actor.breaks += 1;
            actor.last_break = Some(failure);
        });
    }

    pub(in super::super) fn has_instance(&self, slot: Slot) -> bool {
        !self.sleeps(slot)
    }

    fn sleeps(&self, slot: Slot) -> bool {
        self.with_actor(slot, |actor| {
            let without = [Wakefulness::Asleep, Wakefulness::Starting, Wakefulness::AwaitingLease];
            without.contains(&actor.wakefulness)
        })
    }

    /// Ends the instance in `slot` and those of its facets; hibernatable sockets stay. `why` names the event for who watches.
    pub(in super::super) fn put_to_sleep(
        self: &Rc<Self>,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
        slot: Slot,
        why: &'static str,
    ) {
        for slot in self.tree(slot) {
            if self.has_instance(slot) {
                self.end_instance(isolate, entry, slot);
                self.settle_alarm_end(slot);
                self.stores.leave(slot);
                self.forget_instances_of_sockets(slot);
                self.tell(slot, why);
            }
            if self.sockets.of_object(slot, None).is_empty() {
                // The next instance of its parent says anew what it is.
                self.forget_facet(slot);
            }
        }
    }

    /// Tells who watches that `event` happened to the object in `slot`.
    pub(in super::super) fn tell(&self, slot: Slot, event: &'static str) {
        self.tell_more(slot, event, || json!({}));
    }

    /// The same with more facts, an object.
    pub(in super::super) fn tell_more(&self, slot: Slot, event: &'static str, more: impl FnOnce() -> Value) {
        let feed = self.feed.borrow();
        if !feed.is_watched() {
            return;
        }
        feed.tell(self.host.clock.now(), event, || {
            let facet = self.facets.borrow().described(slot);
            let root = self.facets.borrow().root_of(slot);
            let mut facts = self.with_actor(root, |actor| {
                let class = &self.namespaces[actor.key.namespace].class;
                json!({ "class": class, "id": actor.key.id.to_string(), "name": actor.name })
            });
            if let (Some(facts), Some((class, names))) = (facts.as_object_mut(), facet) {
                facts.insert("facet".to_owned(), json!({ "class": class, "path": names }));
            }
            if let (Some(facts), Value::Object(more)) = (facts.as_object_mut(), more()) {
                facts.extend(more);
            }
            facts
        });
    }
}
