//! Leases of objects, from the side of one world: taking them on wake, giving them up when idle.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::generation::Generation;
use crate::engine::Isolate;

use super::actor::{Slot, Wakefulness};
use super::lease::{LeaseHolder, LeaseKey, Leases};
use super::scheduler::{Entry, Objects};

/// What one world knows about leases.
pub struct HandingOver {
    leases: Leases,
    world: (Generation, Arc<dyn LeaseHolder>),
    wanted: RefCell<HashSet<Slot>>,
    retired: Cell<bool>,
}

impl HandingOver {
    /// The world `generation`, which other worlds reach through `holder`.
    pub fn new(leases: Leases, generation: Generation, holder: Arc<dyn LeaseHolder>) -> Self {
        let world = (generation, holder);
        Self { leases, world, wanted: RefCell::default(), retired: Cell::new(false) }
    }
}

impl Objects {
    pub(super) fn lease_key(&self, slot: Slot) -> LeaseKey {
        let key = self.with_actor(slot, |actor| actor.key);
        (self.namespaces[key.namespace].key.as_str().to_owned(), key.id)
    }

    fn slot_of_lease(&self, key: &LeaseKey) -> Option<Slot> {
        let index = self.index.borrow();
        let namespace = self.namespaces.iter().position(|n| n.key.as_str() == key.0)?;
        index.get(&super::actor::ActorKey { namespace, id: key.1 }).copied()
    }

    pub(super) fn acquire_lease(&self, slot: Slot) -> bool {
        self.handing_over.leases.acquire(&self.lease_key(slot), &self.handing_over.world)
    }

    /// Another world wants the object `key`.
    pub fn lease_wanted(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>, key: &LeaseKey) {
        match self.slot_of_lease(key) {
            Some(slot) => {
                self.handing_over.wanted.borrow_mut().insert(slot);
                self.hand_over_if_wanted(isolate, entry, slot);
            }
            None => self.handing_over.leases.release(key, self.handing_over.world.0),
        }
    }

    /// The object `key`, which this world waits for, is free now.
    pub fn lease_granted(&self, key: &LeaseKey) {
        if let Some(slot) = self.slot_of_lease(key) {
            self.with_actor(slot, |actor| {
                if actor.wakefulness == Wakefulness::AwaitingLease {
                    actor.wakefulness = Wakefulness::Asleep;
                }
            });
            self.enqueue(slot);
        }
    }

    /// This world takes no new requests: every object goes to its successor as soon as it is idle.
    pub fn retire(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        self.handing_over.retired.set(true);
        let dropped = self.drop_listening();
        if dropped > 0 {
            self.warn(format!(
                "{dropped} WebSocket(s) were closed by the reload: accept() ties them to the code that was \
                 replaced; sockets of ctx.acceptWebSocket() are kept"
            ));
        }
        self.hand_over_all(isolate, entry);
    }

    /// A retired world tries again what could not go when it was retired.
    pub(super) fn hand_over_what_is_left(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        if self.handing_over.retired.get() {
            self.hand_over_all(isolate, entry);
        }
    }

    fn hand_over_all(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        for slot in self.object_slots() {
            self.hand_over_if_wanted(isolate, entry, slot);
        }
    }

    /// Gives up what other worlds wait for, now that it is committed.
    pub(super) fn hand_over_wanted(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        let wanted: Vec<Slot> = self.handing_over.wanted.borrow().iter().copied().collect();
        for slot in wanted {
            self.hand_over_if_wanted(isolate, entry, slot);
        }
    }

    /// Gives the object that `slot` belongs to up if another world may want it and it has nothing to do.
    pub(super) fn hand_over_if_wanted(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>, slot: Slot) {
        let slot = self.facets.borrow().root_of(slot);
        let handing_over = &self.handing_over;
        if !handing_over.retired.get() && !handing_over.wanted.borrow().contains(&slot) {
            return;
        }
        let tree = self.tree(slot);
        if tree.iter().any(|slot| self.is_busy(isolate, *slot)) {
            return;
        }
        for slot in tree {
            if self.has_instance(slot) {
                self.end_instance(isolate, entry, slot);
                self.stores.close(slot);
            }
            if self.is_facet(slot) {
                self.close_sockets_of_facet(slot);
                self.forget_facet(slot);
            }
        }
        self.give_up_lease(slot);
    }

    /// Whether the object in `slot` does something that another world could not go on with.
    fn is_busy(&self, isolate: &Isolate, slot: Slot) -> bool {
        if self.holds_of(slot) || self.sockets_are_on_their_way(slot) {
            return true;
        }
        let (scope, sleeps) = self.with_actor(slot, |actor| {
            let sleeps = actor.wakefulness == Wakefulness::Asleep && actor.inbox.is_empty();
            (actor.idle_scope(), sleeps)
        });
        let Some(scope) = scope else { return !sleeps };
        let owner = scope.owner;
        self.alarms.runs(slot)
            || isolate.roots().any_of(owner)
            || self.host.ops.any_of(owner)
            || self.stores.is_dirty(slot)
    }

    /// Only its parent can say in the next world what the facet in `slot` is: nobody could take its sockets over.
    fn close_sockets_of_facet(&self, slot: Slot) {
        let count = self.sockets.of_object(slot, None).len();
        if count > 0 {
            let name = self.name_of(slot);
            self.warn(format!("{count} WebSocket(s) of the facet {name} were closed by the reload"));
        }
        self.drop_hibernatable(slot);
    }

    fn give_up_lease(&self, slot: Slot) {
        self.park_sockets(slot);
        self.handing_over.wanted.borrow_mut().remove(&slot);
        self.handing_over.leases.release(&self.lease_key(slot), self.handing_over.world.0);
    }

    /// Gives up all leases: the world ends.
    pub fn release_leases(&self) {
        self.handing_over.leases.release_all(self.handing_over.world.0);
    }
}
