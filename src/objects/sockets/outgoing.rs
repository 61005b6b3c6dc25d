//! Messages on their way from an end to its other side, and ends that go away.

use crate::engine::socket::{Arrival, Frame, LinkEdge, SocketId, link};
use crate::engine::{LogLevel, LogRecord, Origin, OwnerId};

use super::super::actor::Slot;
use super::super::scheduler::Objects;
use super::life::Acceptance;
use super::table::{End, Gone, Peer};

impl Objects {
    /// Lets a message of the end `id` out to its other side.
    pub(in super::super) fn transmit(&self, id: SocketId, frame: Frame) {
        let is_close = matches!(frame, Frame::Close(_));
        let sent = self.sockets.with(id, |end| match &end.peer {
            Peer::Client(link) => (link.send(frame).is_err(), None),
            Peer::End(other) => (false, Some((*other, frame))),
            Peer::Gone => (false, None),
        });
        let Some((overflows, other)) = sent else { return };
        if let Some((other, frame)) = other {
            self.pass(other, Arrival::Frame(frame));
        }
        if is_close {
            self.sockets.with(id, |end| end.life.close_went_out());
            self.remove_if_over(id);
        }
        if overflows {
            self.warn("a WebSocket was closed: its client does not read what is sent to it");
            self.give_up(id);
        }
    }

    /// The value of `bufferedAmount`: bytes of messages of the end `id` that nobody has taken yet.
    pub fn buffered_bytes(&self, id: SocketId) -> usize {
        let waiting = self.sockets.with(id, |end| match &end.peer {
            Peer::Client(link) => Ok(link.leaving_bytes()),
            Peer::End(other) => Err(*other),
            Peer::Gone => Ok(0),
        });
        let waiting = match waiting {
            Some(Ok(bytes)) => bytes,
            Some(Err(other)) => self.sockets.with(other, |end| end.waiting_bytes()).unwrap_or(0),
            None => 0,
        };
        self.held_bytes(id) + waiting
    }

    /// Hands something to the end `id` of this isolate.
    fn pass(&self, id: SocketId, arrival: Arrival) {
        if self.answers(id, &arrival) {
            return;
        }
        if self.sockets.with(id, |end| end.arrived.push_back(arrival)).is_some() {
            self.socket_arrived(id);
        }
    }

    /// Whether the end `id` is an object's that answers this message without being asked, as it does clients' (`engine/socket.rs`).
    fn answers(&self, id: SocketId, arrival: &Arrival) -> bool {
        let Arrival::Frame(Frame::Text(text)) = arrival else { return false };
        let between = self.sockets.with(id, |end| match end.peer {
            Peer::End(other) => end.object.map(|slot| (slot, other)),
            Peer::Client(_) | Peer::Gone => None,
        });
        let Some((slot, other)) = between.flatten() else { return false };
        let Some(pair) = self.sockets.auto_response(slot).filter(|pair| pair.request == *text) else {
            return false;
        };
        let now = self.host.clock.now().0;
        self.sockets.with(id, |end| end.answered_at = Some(now));
        self.pass(other, Arrival::Frame(Frame::Text(pair.response)));
        true
    }

    /// Ends the connection of the end `id`, which is told.
    fn give_up(&self, id: SocketId) {
        self.sockets.with(id, |end| {
            end.peer = Peer::Gone;
            end.arrived.push_back(Arrival::Lost);
        });
        self.socket_arrived(id);
    }

    pub(in super::super) fn warn(&self, text: impl Into<String>) {
        (self.host.log)(LogRecord { origin: Origin::Worker, level: LogLevel::Warn, text: text.into() });
    }

    /// Nobody will receive the response that has the end `id`.
    pub(in super::super) fn lose_returned(&self, id: SocketId) {
        self.remove_socket(id);
    }

    /// Couples the returned end `id` with a client: what was sent to it so far goes first.
    pub(in super::super) fn couple(&self, id: SocketId) -> LinkEdge {
        // The other end is the one that will be spoken to.
        let home = |end: &mut End| match end.peer {
            Peer::End(other) => Some(other),
            Peer::Client(_) | Peer::Gone => None,
        };
        let other = self.sockets.with(id, home).flatten();
        let home = other.and_then(|other| self.sockets.with(other, |end| end.home));
        let realm = home.unwrap_or(OwnerId::NONE).realm();
        let (link, edge) = link(self.sockets.link_options(realm));
        let returned = self.sockets.ends.borrow_mut().remove(&id);
        let Some(returned) = returned else { return edge };
        self.leave_home(id, returned.home);
        let Peer::End(other) = returned.peer else { return edge };
        let mut lost = false;
        for arrival in returned.arrived {
            match arrival {
                // The other end wrote these before there was a client: they cannot be too many.
                Arrival::Frame(frame) => lost |= link.send(frame).is_err(),
                Arrival::Lost | Arrival::Failed(_) => lost = true,
            }
        }
        if lost {
            return edge;
        }
        let (wake, rooms) = (self.sockets.wake_for(other), self.sockets.rooms.borrow());
        let keeps = self.sockets.with(other, |end| {
            if let Some(room) = end.object.and_then(|slot| rooms.get(&slot)) {
                link.answer_with(room.responses.clone());
            }
            link.listen(wake);
            end.peer = Peer::Client(link);
            (end.life.acceptance() == Acceptance::Standard).then_some(end.scope.owner)
        });
        drop(rooms);
        self.remove_if_over(other);
        if let Some(owner) = keeps.flatten() {
            self.keep_alive(other, owner);
        }
        edge
    }

    /// The returned end `id` is on its way to `owner`: it outlives the context that returned it, and so does the end that
    /// this context listens to.
    pub(in super::super) fn send_socket_to(&self, id: SocketId, owner: OwnerId) {
        self.sockets.move_home(id, owner);
        let other = self.sockets.with(id, |end| match end.peer {
            Peer::End(other) => Some(other),
            Peer::Client(_) | Peer::Gone => None,
        });
        let Some(other) = other.flatten() else { return };
        let listener = self
            .sockets
            .with(other, |end| (end.life.acceptance() == Acceptance::Standard).then_some(end.scope.owner));
        if let Some(listener) = listener.flatten() {
            self.keep_alive(other, listener);
        }
    }

    /// The context `owner` goes on while the end `id`, which it listens to, is connected to a client.
    pub(super) fn keep_alive(&self, id: SocketId, owner: OwnerId) {
        if self.owners.borrow().contains_key(&owner) || !self.requests.borrow().contains(owner) {
            return;
        }
        let counts = self.sockets.with(id, |end| !std::mem::replace(&mut end.counted, true));
        if counts == Some(true) {
            self.begin_task(owner);
        }
    }

    fn leave_home(&self, id: SocketId, home: OwnerId) {
        let mut homes = self.sockets.homes.borrow_mut();
        if let Some(ids) = homes.get_mut(&home) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                homes.remove(&home);
            }
        }
    }

    pub(in super::super) fn remove_if_over(&self, id: SocketId) {
        if self.sockets.with(id, |end| end.life.is_over()) == Some(true) {
            // The handler that is told of the end still finds a hibernatable socket in its list.
            let listed = self.sockets.with(id, |end| end.object).flatten().is_some_and(|slot| {
                self.sockets.rooms.borrow().get(&slot).is_some_and(|room| room.listed.tags(id).is_some())
            });
            if !listed && !self.hold_end(id) {
                self.remove_socket(id);
            }
        }
    }

    /// Takes the end `id` away; its other side learns that it is gone.
    pub(super) fn remove_socket(&self, id: SocketId) {
        let end = self.sockets.ends.borrow_mut().remove(&id);
        let Some(end) = end else { return };
        self.leave_home(id, end.home);
        if let Some(slot) = end.object
            && let Some(room) = self.sockets.rooms.borrow_mut().get_mut(&slot)
        {
            room.listed.remove(id);
        }
        self.sockets.forgotten.borrow_mut().push(Gone::of(id, &end.life));
        if let Peer::End(other) = end.peer {
            self.sockets.with(other, |end| end.peer = Peer::Gone);
            self.pass(other, Arrival::Lost);
        }
        if end.counted {
            self.end_task(end.scope.owner);
        }
    }

    /// The context or instance `owner` is gone, and with it the ends it had, but for hibernatable ones.
    pub(in super::super) fn drop_sockets_of(&self, owner: OwnerId) {
        let ids = self.sockets.homes.borrow_mut().remove(&owner);
        for id in ids.into_iter().flatten() {
            self.sockets.with(id, |end| end.counted = false);
            self.remove_socket(id);
        }
    }

    /// The object in `slot` broke: its hibernatable sockets go too.
    ///
    /// Fidelity: workerd drops them with the object, without a close message.
    pub(in super::super) fn drop_hibernatable(&self, slot: Slot) {
        for id in self.sockets.of_object(slot, None) {
            self.remove_socket(id);
        }
        self.sockets.rooms.borrow_mut().remove(&slot);
    }

    /// This world ends or is replaced: sockets that listen are tied to its code and end. Gives how many.
    pub fn drop_listening(&self) -> usize {
        let listening: Vec<SocketId> = {
            let ends = self.sockets.ends.borrow();
            let listens = |end: &End| {
                end.life.acceptance() == Acceptance::Standard && matches!(end.peer, Peer::Client(_))
            };
            ends.iter().filter(|(_, end)| listens(end)).map(|(id, _)| *id).collect()
        };
        for id in &listening {
            self.give_up(*id);
        }
        listening.len()
    }

    /// Ends every connection: the world ends.
    pub fn close_sockets(&self) {
        let ends = std::mem::take(&mut *self.sockets.ends.borrow_mut());
        drop(ends);
        self.sockets.rooms.borrow_mut().clear();
        self.sockets.homes.borrow_mut().clear();
    }
}
