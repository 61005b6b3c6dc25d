//! The table of one isolate's socket ends.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError};

use crate::engine::socket::{Arrival, AutoResponse, AutoResponses, Link, LinkOptions, SocketId, Wake};
use crate::engine::{OwnerId, RealmId, Scope};

use super::super::actor::Slot;
use super::event_limits::EventLimits;
use super::hibernation::Drowsiness;
use super::life::{Acceptance, Life, LifeError};
use super::listed::{ListError, Listed, distinct};
use super::parking::Parking;

/// The other side of an end.
pub(super) enum Peer {
    /// An end of this isolate.
    End(SocketId),
    /// A client.
    Client(Link),
    /// Nobody any more.
    Gone,
}

/// One end.
pub(super) struct End {
    pub peer: Peer,
    pub life: Life,
    /// What arrived from an end of this isolate.
    pub arrived: VecDeque<Arrival>,
    /// With whom the end goes, unless it hibernates: the context or instance that made or received it.
    pub home: OwnerId,
    /// Where listeners are called.
    pub scope: Scope,
    /// The object whose handlers it belongs to.
    pub object: Option<Slot>,
    /// It was returned in a response: nobody else can accept it.
    pub returned: bool,
    /// The response that it is in was not received yet.
    pub in_flight: bool,
    /// An event for it waits.
    pub announced: bool,
    /// It keeps its request's context alive.
    pub counted: bool,
    /// Serialized.
    pub attachment: Option<Vec<u8>>,
    /// When it last answered another end automatically.
    pub answered_at: Option<i64>,
}

impl End {
    /// Bytes of the messages in `arrived`.
    pub fn waiting_bytes(&self) -> usize {
        let sizes = self.arrived.iter().map(|arrival| match arrival {
            Arrival::Frame(frame) => frame.message_bytes(),
            Arrival::Lost | Arrival::Failed(_) => 0,
        });
        sizes.sum()
    }
}

/// What JavaScript still sees of an end that the table forgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone {
    /// Its number.
    pub id: SocketId,
    /// The value of `readyState`; 0 if the end lives on and only its object is forgotten.
    pub ready_state: u8,
    /// Whether it said goodbye, so that sending is refused instead of being nothing.
    pub said_goodbye: bool,
}

impl Gone {
    /// Of the end `id` with the life `life`.
    pub(super) fn of(id: SocketId, life: &Life) -> Self {
        Self { id, ready_state: life.ready_state(), said_goodbye: life.said_goodbye() }
    }

    /// Of the end `id`, which another world has now.
    pub(super) fn moved(id: SocketId) -> Self {
        Self { id, ready_state: 3, said_goodbye: false }
    }

    /// Of the end `id`, whose object goes with its instance.
    pub(super) fn left(id: SocketId) -> Self {
        Self { id, ready_state: 0, said_goodbye: false }
    }
}

/// What an object set for its hibernatable sockets, and which it has.
#[derive(Default)]
pub(super) struct Room {
    pub listed: Listed,
    pub responses: AutoResponses,
    /// Milliseconds.
    pub timeout: Option<f64>,
    /// A handler once left a goodbye without an answer.
    pub left_open: bool,
}

/// What depends on the compatibility date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketRules {
    /// Whether ends reply to a close message by themselves.
    pub replies: bool,
    /// What a connection may carry.
    pub link: LinkOptions,
    /// Whether a reload keeps hibernatable sockets open.
    pub outlive_reloads: bool,
}

/// Why an end cannot be returned in a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReturnError {
    /// It was returned before.
    #[error("Can't return WebSocket that was already used in a response.")]
    Returned,
    /// Somebody listens to it.
    #[error("Can't return WebSocket in a Response after calling accept().")]
    Listens,
    /// An object's handlers have it.
    #[error("Can't return WebSocket in a Response after calling acceptWebSocket().")]
    Hibernates,
}

/// Tells an isolate's mailbox that something arrived for a socket; called on the edge's thread.
pub(super) type Announce = Arc<dyn Fn(SocketId) + Send + Sync>;

/// The socket ends of one isolate.
pub struct Sockets {
    pub(super) ends: RefCell<HashMap<SocketId, End>>,
    pub(super) rooms: RefCell<HashMap<Slot, Room>>,
    pub(super) homes: RefCell<HashMap<OwnerId, Vec<SocketId>>>,
    /// Ends that are gone and whose JavaScript objects may be forgotten.
    pub(super) forgotten: RefCell<Vec<Gone>>,
    pub(super) announce: RefCell<Announce>,
    pub(super) parking: RefCell<Parking>,
    /// By realm.
    rules: RefCell<Vec<SocketRules>>,
    pub(super) drowsiness: Drowsiness,
    pub(super) event_limits: EventLimits,
    next: Cell<u32>,
}

impl Default for Sockets {
    fn default() -> Self {
        Self {
            ends: RefCell::default(),
            rooms: RefCell::default(),
            homes: RefCell::default(),
            forgotten: RefCell::default(),
            announce: RefCell::new(Arc::new(|_| {})),
            parking: RefCell::default(),
            rules: RefCell::default(),
            drowsiness: Drowsiness::default(),
            event_limits: EventLimits::default(),
            next: Cell::new(1),
        }
    }
}

impl Sockets {
    /// Connects the table with the world around it: `announce` puts an arrival into its mailbox, `parking`
    /// keeps sockets between worlds.
    pub fn connect(
        &self,
        announce: impl Fn(SocketId) + Send + Sync + 'static,
        parking: Parking,
        rules: Vec<SocketRules>,
    ) {
        *self.announce.borrow_mut() = Arc::new(announce);
        *self.parking.borrow_mut() = parking;
        *self.rules.borrow_mut() = rules;
    }

    pub(super) fn wake_for(&self, id: SocketId) -> Wake {
        let announce = self.announce.borrow().clone();
        Arc::new(move || announce(id))
    }

    pub(super) fn add(&self, end: End) -> SocketId {
        let id = SocketId(self.next.get());
        self.next.set(id.0 + 1);
        if end.object.is_none() {
            self.homes.borrow_mut().entry(end.home).or_default().push(id);
        }
        self.ends.borrow_mut().insert(id, end);
        id
    }

    /// A new end for `home`, without another side yet.
    fn end_of(&self, home: OwnerId) -> End {
        End {
            peer: Peer::Gone,
            life: Life::new(self.rules(home.realm()).replies),
            arrived: VecDeque::new(),
            home,
            scope: Scope::NONE,
            object: None,
            returned: false,
            in_flight: false,
            announced: false,
            counted: false,
            attachment: None,
            answered_at: None,
        }
    }

    /// A new pair of ends for `home`.
    pub fn pair(&self, home: OwnerId) -> (SocketId, SocketId) {
        let (a, b) = (self.add(self.end_of(home)), self.add(self.end_of(home)));
        self.with(a, |end| end.peer = Peer::End(b));
        self.with(b, |end| end.peer = Peer::End(a));
        (a, b)
    }

    /// The end of a connection that was made for `home`.
    pub fn connected(&self, link: Link, home: OwnerId) -> SocketId {
        let id = self.add(self.end_of(home));
        link.listen(self.wake_for(id));
        self.with(id, |end| {
            end.peer = Peer::Client(link);
            end.life.note_foreign();
        });
        id
    }

    /// What a connection of `realm` may carry.
    pub fn link_options(&self, realm: RealmId) -> LinkOptions {
        self.rules(realm).link
    }

    /// How the sockets of `realm` behave.
    pub(super) fn rules(&self, realm: RealmId) -> SocketRules {
        self.rules.borrow()[usize::from(realm.0)]
    }

    pub(super) fn with<R>(&self, id: SocketId, look: impl FnOnce(&mut End) -> R) -> Option<R> {
        self.ends.borrow_mut().get_mut(&id).map(look)
    }

    /// What is left of the end `id`, if JavaScript was not told yet that it is gone.
    fn gone(&self, id: SocketId) -> Option<Gone> {
        self.forgotten.borrow().iter().find(|gone| gone.id == id).copied()
    }

    /// The value of `readyState`.
    pub fn ready_state(&self, id: SocketId) -> u8 {
        let gone = || self.gone(id).map_or(3, |gone| gone.ready_state);
        self.with(id, |end| end.life.ready_state()).unwrap_or_else(gone)
    }

    /// Asks whether a message may be sent; `false`: it is silently dropped.
    ///
    /// # Errors
    /// When the end may not send.
    pub fn may_send(&self, id: SocketId) -> Result<bool, LifeError> {
        self.with(id, |end| end.life.send()).unwrap_or_else(|| {
            let said_goodbye = self.gone(id).is_some_and(|gone| gone.said_goodbye);
            if said_goodbye { Err(LifeError::AfterClose) } else { Ok(false) }
        })
    }

    /// Notes that the end says goodbye; `false`: it did already, or cannot any more.
    ///
    /// # Errors
    /// When it may not.
    pub fn begin_close(&self, id: SocketId) -> Result<bool, LifeError> {
        self.with(id, |end| end.life.close()).unwrap_or(Ok(false))
    }

    /// Marks an end as returned in a response.
    ///
    /// # Errors
    /// When it was accepted or returned before.
    pub fn give_back(&self, id: SocketId) -> Result<(), ReturnError> {
        let given = self.with(id, |end| {
            let refused = match end.life.acceptance() {
                _ if end.in_flight => Some(ReturnError::Returned),
                Acceptance::Standard => Some(ReturnError::Listens),
                Acceptance::Hibernatable => Some(ReturnError::Hibernates),
                Acceptance::Unclaimed => None,
            };
            end.returned = true;
            end.in_flight = true;
            refused.map_or(Ok(()), Err)
        });
        given.unwrap_or(Err(ReturnError::Returned))
    }

    /// The returned end `id` goes on with `home`, which received the response.
    pub fn receive(&self, id: SocketId, home: OwnerId) {
        self.with(id, |end| end.in_flight = false);
        self.move_home(id, home);
    }

    /// The end `id` goes with `home` from now on.
    pub(super) fn move_home(&self, id: SocketId, home: OwnerId) {
        let moved = self.with(id, |end| std::mem::replace(&mut end.home, home));
        if let Some(before) = moved {
            let mut homes = self.homes.borrow_mut();
            if let Some(ids) = homes.get_mut(&before) {
                ids.retain(|other| *other != id);
            }
            homes.entry(home).or_default().push(id);
        }
    }

    /// Whether the other end of `id` is another request's or object's.
    pub(super) fn is_foreign(&self, id: SocketId) -> bool {
        let ends = self.ends.borrow();
        let Some(Peer::End(other)) = ends.get(&id).map(|end| &end.peer) else { return false };
        let whose = |end: &End| (end.object, end.object.is_none().then_some(end.home));
        ends.get(other).zip(ends.get(&id)).is_some_and(|(other, own)| whose(other) != whose(own))
    }

    /// Whether `owner` listens to an end whose other end is somebody else's.
    pub fn listens(&self, owner: OwnerId) -> bool {
        let (homes, ends) = (self.homes.borrow(), self.ends.borrow());
        let Some(ids) = homes.get(&owner) else { return false };
        ids.iter().filter_map(|id| ends.get(id)).any(|end| {
            let listens = end.life.acceptance() == Acceptance::Standard && !end.life.is_over();
            listens
                && match end.peer {
                    Peer::End(other) => {
                        ends.get(&other).is_some_and(|other| other.home != owner || other.in_flight)
                    }
                    Peer::Client(_) => true,
                    Peer::Gone => false,
                }
        })
    }

    /// Whether the other end of `id` was accepted or returned.
    pub fn other_is_taken(&self, id: SocketId) -> bool {
        let ends = self.ends.borrow();
        let other = match ends.get(&id).map(|end| &end.peer) {
            Some(Peer::End(other)) => ends.get(other),
            _ => None,
        };
        other.is_none_or(|other| other.returned || other.life.acceptance() != Acceptance::Unclaimed)
    }

    /// Gives the end `id` to the handlers of the object in `slot`.
    ///
    /// # Errors
    /// Why not.
    pub fn accept_hibernatable(
        &self,
        id: SocketId,
        slot: Slot,
        tags: Vec<String>,
    ) -> Result<Result<(), LifeError>, ListError> {
        let tags = distinct(tags)?;
        let mut rooms = self.rooms.borrow_mut();
        let room = rooms.entry(slot).or_default();
        room.listed.add(id, tags)?;
        let accepted = self.with(id, |end| {
            let accepted = end.life.accept_hibernatable();
            if accepted.is_ok() {
                end.object = Some(slot);
            }
            (accepted, end.home)
        });
        let Some((accepted, home)) = accepted else { return Ok(Ok(())) };
        if accepted.is_err() {
            room.listed.remove(id);
        } else if let Some(ids) = self.homes.borrow_mut().get_mut(&home) {
            ids.retain(|other| *other != id);
        }
        Ok(accepted)
    }

    /// The hibernatable sockets of the object in `slot`, all, the newest first, or those with `tag`, the oldest first.
    pub fn of_object(&self, slot: Slot, tag: Option<&str>) -> Vec<SocketId> {
        let rooms = self.rooms.borrow();
        let Some(room) = rooms.get(&slot) else { return Vec::new() };
        tag.map_or_else(|| room.listed.newest_first(), |tag| room.listed.with_tag(tag))
    }

    /// The tags of the end `id`; `Err(true)` if it was accepted otherwise, `Err(false)` if not at all.
    pub fn tags(&self, id: SocketId) -> Result<Vec<String>, bool> {
        let (acceptance, slot) = self.with(id, |end| (end.life.acceptance(), end.object)).ok_or(false)?;
        match (acceptance, slot) {
            (Acceptance::Hibernatable, Some(slot)) => {
                let rooms = self.rooms.borrow();
                let tags = rooms.get(&slot).and_then(|room| room.listed.tags(id));
                Ok(tags.unwrap_or_default().to_vec())
            }
            (Acceptance::Standard, _) => Err(true),
            _ => Err(false),
        }
    }

    /// Sets or removes the automatic response of the object in `slot`.
    pub fn set_auto_response(&self, slot: Slot, pair: Option<AutoResponse>) {
        let mut rooms = self.rooms.borrow_mut();
        let responses = &rooms.entry(slot).or_default().responses;
        *responses.lock().unwrap_or_else(PoisonError::into_inner) = pair;
    }

    /// The automatic response of the object in `slot`.
    pub fn auto_response(&self, slot: Slot) -> Option<AutoResponse> {
        let rooms = self.rooms.borrow();
        let responses = &rooms.get(&slot)?.responses;
        responses.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When the end `id` last answered automatically, milliseconds since the epoch.
    pub fn answered_at(&self, id: SocketId) -> Option<i64> {
        self.with(id, |end| match &end.peer {
            Peer::Client(link) => link.answered_at().map(|at| at.0).or(end.answered_at),
            Peer::End(_) | Peer::Gone => end.answered_at,
        })?
    }

    /// Sets or removes the time limit of the handlers of the object in `slot`, milliseconds.
    pub fn set_timeout(&self, slot: Slot, timeout: Option<f64>) {
        self.rooms.borrow_mut().entry(slot).or_default().timeout = timeout;
    }

    /// That limit.
    pub fn timeout(&self, slot: Slot) -> Option<f64> {
        self.rooms.borrow().get(&slot)?.timeout
    }

    /// Attaches serialized data to the end `id`.
    pub fn attach(&self, id: SocketId, data: Vec<u8>) {
        self.with(id, |end| end.attachment = Some(data));
    }

    /// What was attached to the end `id`.
    pub fn attachment(&self, id: SocketId) -> Option<Vec<u8>> {
        self.with(id, |end| end.attachment.clone())?
    }

    /// How many ends have a client.
    pub fn count_of_clients(&self) -> usize {
        self.ends.borrow().values().filter(|end| matches!(end.peer, Peer::Client(_))).count()
    }

    /// The ends that are gone since this was last asked.
    pub fn take_forgotten(&self) -> Vec<Gone> {
        std::mem::take(&mut *self.forgotten.borrow_mut())
    }
}
