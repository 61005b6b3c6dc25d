//! What arrives at ends, as events in the right scope and order.

use crate::engine::Scope;
use crate::engine::socket::{Arrival, Close, Frame, SocketId};

use super::super::actor::Slot;
use super::super::event::Event;
use super::super::gate::ROOT;
use super::super::scheduler::Objects;
use super::life::{Acceptance, Effect, Happening, LifeError};
use super::table::Peer;

/// What the code behind an end is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A message: text or bytes.
    Message(Frame),
    /// The connection ends; `true` if the other side said so.
    Closed(Close, bool),
    /// It failed; why.
    Failed(String),
}

impl Objects {
    /// Listeners take the end `id` over, in the running turn's scope.
    ///
    /// # Errors
    /// When it belongs to an object's handlers.
    pub fn accept_socket(&self, id: SocketId, half_open: Option<bool>) -> Result<(), LifeError> {
        let scope = self.host.scope.get();
        let accepted = self.sockets.with(id, |end| {
            let first = end.life.accept(half_open)?;
            if first {
                end.scope = scope;
            }
            Ok((first, matches!(end.peer, Peer::Client(_))))
        });
        let Some(accepted) = accepted else { return Ok(()) };
        if accepted? == (true, true) {
            self.keep_alive(id, scope.owner);
        }
        self.socket_arrived(id);
        Ok(())
    }

    /// Sends a message of the end `id`: at once from a stateless context, after the commit from an object.
    pub fn send_frame(&self, id: SocketId, frame: Frame) {
        match self.current_slot() {
            Some(from) => self.hold_frame(from, id, frame),
            None => self.transmit(id, frame),
        }
    }

    /// Something waits for the end `id`: makes an event of it if somebody accepted the end.
    pub fn socket_arrived(&self, id: SocketId) {
        let to = self.sockets.with(id, |end| {
            let waits =
                !end.arrived.is_empty() || matches!(&end.peer, Peer::Client(link) if link.has_arrived());
            if !waits || end.announced || end.life.acceptance() == Acceptance::Unclaimed {
                return None;
            }
            end.announced = true;
            Some((end.object, end.scope))
        });
        match to.flatten() {
            Some((Some(slot), _)) => self.deliver(slot, ROOT, Event::Socket(id)),
            Some((None, scope)) => self.deliver_to_scope(scope, Event::Socket(id)),
            None => {}
        }
    }

    /// Takes what waits for the end `id` and says what its code is to be told; what the host does about
    /// it beside is done. To be called within a turn in the end's scope.
    pub fn next_of_socket(&self, id: SocketId) -> Vec<Told> {
        let arrival = self.sockets.with(id, |end| {
            end.announced = false;
            let from_client = || match &end.peer {
                Peer::Client(link) => link.take(),
                Peer::End(_) | Peer::Gone => None,
            };
            end.arrived.pop_front().or_else(from_client)
        });
        // The next one waits its turn behind what else waits for the same object.
        self.socket_arrived(id);
        let (frame, happening) = match arrival.flatten() {
            None => return Vec::new(),
            Some(Arrival::Frame(Frame::Close(close))) => (None, Happening::Closed(close)),
            Some(Arrival::Frame(frame)) => (Some(frame), Happening::Message),
            Some(Arrival::Lost) => (None, Happening::Lost),
            Some(Arrival::Failed(why)) => (None, Happening::Failed(why)),
        };
        self.happen(id, happening, frame)
    }

    /// A listener of the end `id` threw: the connection ends without a close message, as on the platform.
    pub fn socket_threw(&self, id: SocketId, why: String) -> Vec<Told> {
        let told = self.happen(id, Happening::Failed(why), None);
        self.remove_if_over(id);
        told
    }

    fn happen(&self, id: SocketId, happening: Happening, mut frame: Option<Frame>) -> Vec<Told> {
        let is_foreign = self.sockets.is_foreign(id);
        let effects = self.sockets.with(id, |end| {
            if is_foreign {
                end.life.note_foreign();
            }
            end.life.happen(happening)
        });
        let effects = effects.unwrap_or_default();
        let mut told = Vec::new();
        for effect in effects {
            match effect {
                Effect::Message => told.extend(frame.take().map(Told::Message)),
                Effect::Reply(close) => self.send_frame(id, Frame::Close(close)),
                Effect::Closed(close, clean) => told.push(Told::Closed(close, clean)),
                Effect::Failed(why) => told.push(Told::Failed(why)),
            }
        }
        if told.is_empty() {
            self.remove_if_over(id);
        }
        told
    }

    /// The listeners of the end `id` were told.
    pub fn socket_told(&self, id: SocketId) {
        self.sockets.with(id, |end| end.life.told());
        self.remove_if_over(id);
    }

    /// The handler of the object in `slot` was told that the socket `id` ends and is done: the socket leaves the object's list.
    ///
    /// Fidelity: observed with wrangler 4.164.0: where nobody replies, the connection stays until the client leaves or the
    /// object's instance goes, ten seconds after its last event.
    pub fn socket_handled(&self, slot: Slot, id: SocketId) {
        let is_left_open = self.sockets.with(id, |end| end.life.is_half_closed()) == Some(true);
        if let Some(room) = self.sockets.rooms.borrow_mut().get_mut(&slot) {
            room.listed.remove(id);
            room.left_open |= is_left_open;
        }
        if is_left_open {
            let owner = self.with_actor(slot, |actor| actor.owner);
            self.sockets.with(id, |end| {
                end.object = None;
                end.scope = Scope { owner, section: ROOT };
            });
            self.sockets.move_home(id, owner);
            self.socket_arrived(id);
        }
        self.remove_if_over(id);
    }

    /// Whether the end `id` belongs to the handlers of an object, and of which.
    pub fn socket_object(&self, id: SocketId) -> Option<Slot> {
        self.sockets.with(id, |end| end.object).flatten()
    }

    /// Whether listeners of `scope`'s owner may still hear something.
    pub(in super::super) fn listens_to_sockets(&self, scope: Scope) -> bool {
        let homes = self.sockets.homes.borrow();
        let ids = homes.get(&scope.owner).into_iter().flatten();
        let mut ends = ids.filter_map(|id| {
            self.sockets.with(*id, |end| end.life.acceptance() == Acceptance::Standard && !end.life.is_over())
        });
        ends.any(|listens| listens)
    }
}
