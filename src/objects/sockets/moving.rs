//! Hibernatable sockets leave a world with their object and come to the next one.

use std::collections::VecDeque;

use crate::engine::{OwnerId, Scope};

use super::super::actor::{ActorKey, Slot};
use super::super::lease::LeaseKey;
use super::super::scheduler::Objects;
use super::life::Acceptance;
use super::parking::{ParkedRoom, ParkedSocket};
use super::table::{End, Gone, Peer, Room};

impl Objects {
    /// Whether a hibernatable socket of the object in `slot` is on its way to a client: its object cannot
    /// move yet.
    pub(in super::super) fn sockets_are_on_their_way(&self, slot: Slot) -> bool {
        let owner = self.with_actor(slot, |actor| actor.owner);
        let ends = self.sockets.ends.borrow();
        let on_its_way = |id| {
            let Some(Peer::End(other)) = ends.get(&id).map(|end| &end.peer) else { return false };
            ends.get(other).is_some_and(|other| {
                let unclaimed = other.life.acceptance() == Acceptance::Unclaimed;
                other.in_flight || (unclaimed && other.home != owner)
            })
        };
        self.sockets.of_object(slot, None).into_iter().any(on_its_way)
    }

    /// Leaves the sockets of the object in `slot` for the next world.
    pub(in super::super) fn park_sockets(&self, slot: Slot) {
        let Some(room) = self.sockets.rooms.borrow_mut().remove(&slot) else { return };
        if !self.sockets.rules(self.realm_of(slot)).outlive_reloads {
            let ids = room.listed.newest_first();
            if !ids.is_empty() {
                let (count, name) = (ids.len(), self.name_of(slot));
                self.warn(format!("{count} WebSocket(s) of {name} were closed by the reload"));
            }
            return ids.into_iter().for_each(|id| self.remove_socket(id));
        }
        let mut sockets = Vec::new();
        for id in room.listed.newest_first().into_iter().rev() {
            let tags = room.listed.tags(id).unwrap_or_default().to_vec();
            let has_client = self.sockets.with(id, |end| matches!(end.peer, Peer::Client(_)));
            if has_client != Some(true) {
                // Its other end is in this world, which goes.
                self.remove_socket(id);
                continue;
            }
            let end = self.sockets.ends.borrow_mut().remove(&id);
            self.sockets.forgotten.borrow_mut().push(Gone::moved(id));
            if let Some(End { peer: Peer::Client(link), life, attachment, .. }) = end {
                link.unlisten();
                sockets.push(ParkedSocket { link, life, tags, attachment });
            }
        }
        if !sockets.is_empty() {
            let name = self.with_actor(slot, |actor| actor.name.clone());
            let Room { responses, timeout, .. } = room;
            let parking = self.sockets.parking.borrow().clone();
            parking.park(self.lease_key(slot), ParkedRoom { name, sockets, responses, timeout });
        }
    }

    /// Leaves the sockets of all objects for the next world.
    pub fn park_all_sockets(&self) {
        let slots: Vec<Slot> = self.sockets.rooms.borrow().keys().copied().collect();
        slots.into_iter().for_each(|slot| self.park_sockets(slot));
    }

    /// Takes over what an earlier world left for the object `key`.
    pub fn adopt_sockets(&self, key: &LeaseKey) {
        let namespace = self.own_namespaces().iter().position(|n| n.key.as_str() == key.0);
        let parking = self.sockets.parking.borrow().clone();
        let Some(namespace) = namespace else {
            if let Some(room) = parking.take(key) {
                self.warn(format!(
                    "{} WebSocket(s) were closed: the class of their object is gone from the configuration",
                    room.sockets.len()
                ));
            }
            return;
        };
        let Some(parked) = parking.take(key) else { return };
        let slot = self.slot(ActorKey { namespace, id: key.1 }, parked.name.as_deref());
        let mut rooms = self.sockets.rooms.borrow_mut();
        let fresh = || Room { responses: parked.responses, timeout: parked.timeout, ..Room::default() };
        let room = rooms.entry(slot).or_insert_with(fresh);
        let mut adopted = Vec::with_capacity(parked.sockets.len());
        for ParkedSocket { link, life, tags, attachment } in parked.sockets {
            link.answer_with(room.responses.clone());
            let id = self.sockets.add(End {
                peer: Peer::Client(link),
                life,
                arrived: VecDeque::new(),
                home: OwnerId::NONE,
                scope: Scope::NONE,
                object: Some(slot),
                returned: false,
                in_flight: false,
                announced: false,
                counted: false,
                attachment,
                answered_at: None,
            });
            let listed = room.listed.add(id, tags);
            listed.expect("an object brings no more sockets than it may have");
            adopted.push(id);
        }
        drop(rooms);
        for id in adopted {
            let wake = self.sockets.wake_for(id);
            self.sockets.with(id, |end| {
                if let Peer::Client(link) = &end.peer {
                    link.listen(wake);
                }
            });
        }
    }
}
