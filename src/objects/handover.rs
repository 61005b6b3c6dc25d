//! Leases of objects, from the side of one world: taking them on wake, giving them up when idle, or at once when somebody
//! outside demands it.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::generation::Generation;
use crate::engine::Isolate;

use super::actor::{ActorKey, Slot, Wakefulness};
use super::demand::{Extent, Kind, Obligation};
use super::failure::Failure;
use super::farewell::Leaving;
use super::lease::{LeaseHolder, LeaseKey, Leases};
use super::scheduler::{Entry, Objects};

/// What one world knows about leases.
pub struct HandingOver {
    leases: Leases,
    world: (Generation, Arc<dyn LeaseHolder>),
    wanted: RefCell<HashSet<Slot>>,
    /// What was demanded and is obeyed when all is committed.
    demanded: RefCell<Vec<Obligation>>,
    retired: Cell<bool>,
}

impl HandingOver {
    /// The world `generation`, which other worlds reach through `holder`.
    pub fn new(leases: Leases, generation: Generation, holder: Arc<dyn LeaseHolder>) -> Self {
        let world = (generation, holder);
        leases.join(&world);
        Self {
            leases,
            world,
            wanted: RefCell::default(),
            demanded: RefCell::default(),
            retired: Cell::new(false),
        }
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
        index.get(&ActorKey { namespace, id: key.1 }).copied()
    }

    /// Whether the object in `slot` may be used; if not, this world is told when it may.
    pub(super) fn acquire_lease(&self, slot: Slot) -> bool {
        let key = self.lease_key(slot);
        let demanded = self.handing_over.demanded.borrow();
        // The lease that is still held is about to be given up; then this world asks again.
        !demanded.iter().any(|obligation| obligation.extent().covers(&key))
            && self.handing_over.leases.acquire(&key, &self.handing_over.world)
    }

    /// Whether somebody outside works on the files of the object `key`.
    pub(super) fn is_demanded(&self, key: ActorKey) -> bool {
        let key = (self.namespaces[key.namespace].key.as_str().to_owned(), key.id);
        self.handing_over.leases.is_demanded(&key)
    }

    /// Somebody outside demands something. To be called between two batches, when everything is committed.
    pub fn lease_demanded(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>, obligation: Obligation) {
        let close_sockets = match obligation.kind() {
            _ if obligation.is_over() => return,
            Kind::Leave { close_sockets } => close_sockets,
            Kind::StandStill => {
                let open = self.stores.leave_files();
                self.alarms.close_lists(&Extent::All);
                return obligation.stand_still(open);
            }
        };
        self.break_pending(isolate, entry);
        for slot in self.slots_of(obligation.extent()) {
            if self.has_instance(slot) {
                // Moving logs into files that are to be replaced would take some milliseconds each.
                self.stores.leave(slot);
                let message = "Durable Object was reset because its stored state was replaced.";
                self.reset(isolate, entry, slot, Failure::asked_for(message), close_sockets);
            } else if close_sockets {
                self.drop_hibernatable(slot);
            }
        }
        self.handing_over.demanded.borrow_mut().push(obligation);
    }

    /// Leaves what was demanded, now that everything is committed and nothing is left to do.
    pub(super) fn obey_demands(&self) {
        if self.handing_over.demanded.borrow().is_empty() {
            return;
        }
        for obligation in self.handing_over.demanded.take() {
            let extent = obligation.extent();
            for slot in self.slots_of(extent) {
                self.stores.leave(slot);
                let key = self.lease_key(slot);
                if self.handing_over.retired.get() {
                    self.park_sockets(slot);
                }
                self.handing_over.wanted.borrow_mut().remove(&slot);
                self.handing_over.leases.release(&key, self.handing_over.world.0);
                let waits = self.with_actor(slot, |actor| actor.wakefulness == Wakefulness::AwaitingLease);
                if waits && self.handing_over.leases.acquire(&key, &self.handing_over.world) {
                    // The demand was given up meanwhile.
                    self.lease_granted(&key);
                }
            }
            self.stores.forget_files(extent);
            self.alarms.close_lists(extent);
        }
    }

    fn slots_of(&self, extent: &Extent) -> Vec<Slot> {
        let actors = self.actors.borrow();
        let covered = actors.iter().enumerate().filter(|(_, actor)| {
            extent.covers(&(self.namespaces[actor.key.namespace].key.as_str().to_owned(), actor.key.id))
        });
        covered.map(|(index, _)| Slot(u32::try_from(index).expect("slots are numbered by u32"))).collect()
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
        self.begin_code_update();
        self.finish_code_update(isolate, entry);
    }

    /// A retired world tries again what could not go when it was retired.
    pub(super) fn hand_over_what_is_left(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        if self.handing_over.retired.get() {
            self.finish_code_update(isolate, entry);
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
        self.settle_alarm_end(slot);
        let tree = self.tree(slot);
        if tree.iter().any(|slot| self.is_busy(isolate, *slot)) {
            return;
        }
        if self.has_instance(slot) && self.bid_farewell(slot, Leaving::CodeUpdated, "evict") {
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
