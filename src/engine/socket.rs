//! A client's WebSocket between two threads: the edge, which has the connection, and an isolate.
//!
//! Both sides share two bounded queues of whole messages and never wait for each other: the edge reads
//! no further while too much waits to be handled, and a connection whose client does not read is given up
//! when too much waits to be sent. A [`Link`] is the isolate's side and may move from one isolate to
//! another (a reload); dropping it ends the connection. Nothing here knows the wire or JavaScript.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::base::clock::Timestamp;
use crate::base::limits;

/// One end of a WebSocket in the table of its isolate. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

/// The code of a close message that has none on the wire.
pub const NO_CODE: u16 = 1005;
/// The code of a connection that ended without a close message.
pub const ABNORMAL: u16 = 1006;

/// The last message of one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// Why, as a number; [`NO_CODE`] if the sender gave none.
    pub code: u16,
    /// Why, in words, at most 123 bytes.
    pub reason: String,
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
    /// The last one.
    Close(Close),
}

impl Frame {
    /// Payload bytes, for the bounds of queues.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Close(close) => close.reason.len(),
        }
    }

    /// Payload bytes of a message; none of a close message.
    pub fn message_bytes(&self) -> usize {
        match self {
            Self::Text(_) | Self::Binary(_) => self.size(),
            Self::Close(_) => 0,
        }
    }
}

/// What an end of a socket is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// A message.
    Frame(Frame),
    /// The connection is gone without a word.
    Lost,
    /// The other side broke the protocol; what it did wrong.
    Failed(String),
}

impl Arrival {
    fn size(&self) -> usize {
        match self {
            Self::Frame(frame) => frame.size(),
            Self::Lost | Self::Failed(_) => 0,
        }
    }
}

/// A request that the host answers without asking the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoResponse {
    /// The text that asks.
    pub request: String,
    /// The text that answers.
    pub response: String,
}

/// The automatic response of an object, shared with the links of its sockets.
pub type AutoResponses = Arc<Mutex<Option<AutoResponse>>>;

/// Wakes the isolate that holds a link; called on the edge's thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct State {
    arrived: VecDeque<Arrival>,
    arrived_bytes: usize,
    leaving: VecDeque<Frame>,
    leaving_bytes: usize,
    /// More than may wait was sent.
    overflowed: bool,
    /// The isolate's side was dropped.
    let_go: bool,
    /// The edge's side was dropped.
    edge_gone: bool,
    wake: Option<Wake>,
    auto_response: Option<AutoResponses>,
    answered_at: Option<Timestamp>,
}

/// What a connection may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkOptions {
    /// Largest message that the other side may send, bytes.
    pub message_max: usize,
    /// Whether the program decides by a header what compression is agreed on; one that it opens has none otherwise.
    pub compresses: bool,
}

struct Shared {
    options: LinkOptions,
    state: Mutex<State>,
    /// Something happened that the edge's side may want to know.
    changed: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The isolate's side of a connection. Dropping it ends the connection after what was sent, or at once if the client does
/// not read that.
pub struct Link(Arc<Shared>);

/// The edge's side of a connection. Dropping it tells the isolate that the client is gone.
pub struct LinkEdge(Arc<Shared>);

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Link")
    }
}

impl std::fmt::Debug for LinkEdge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkEdge")
    }
}

/// More waits to be sent than a connection may hold: the client does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow;

/// How the edge is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The isolate holds the other side.
    Open,
    /// The isolate let go: send what waits, then end.
    Flush,
    /// The client does not read what is sent to it: end at once.
    Tear,
}

/// Makes both sides of a connection.
pub fn link(options: LinkOptions) -> (Link, LinkEdge) {
    let shared = Arc::new(Shared { options, state: Mutex::default(), changed: Notify::new() });
    (Link(shared.clone()), LinkEdge(shared))
}

impl Link {
    /// From now on `wake` is called when something arrives while nothing waits; at once if something does.
    pub fn listen(&self, wake: Wake) {
        let mut state = self.0.lock();
        state.wake = Some(wake.clone());
        let waits = !state.arrived.is_empty();
        drop(state);
        if waits {
            wake();
        }
    }

    /// Nobody is to be woken: what arrives waits for the next listener.
    pub fn unlisten(&self) {
        self.0.lock().wake = None;
    }

    /// The next thing that arrived.
    pub fn take(&self) -> Option<Arrival> {
        let mut state = self.0.lock();
        let arrival = state.arrived.pop_front()?;
        state.arrived_bytes -= arrival.size();
        drop(state);
        self.0.changed.notify_one();
        Some(arrival)
    }

    /// Whether anything that arrived waits.
    pub fn has_arrived(&self) -> bool {
        !self.0.lock().arrived.is_empty()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When too much waits already; the connection is to be given up.
    pub fn send(&self, frame: Frame) -> Result<(), Overflow> {
        let mut state = self.0.lock();
        if state.edge_gone {
            return Ok(());
        }
        state.leaving_bytes += frame.size();
        if state.leaving.len() >= limits::SOCKET_LEAVING_MESSAGES
            || state.leaving_bytes > limits::SOCKET_LEAVING_BYTES
        {
            state.overflowed = true;
            return Err(Overflow);
        }
        state.leaving.push_back(frame);
        drop(state);
        self.0.changed.notify_one();
        Ok(())
    }

    /// Bytes of messages that the edge has not taken yet.
    pub fn leaving_bytes(&self) -> usize {
        self.0.lock().leaving.iter().map(Frame::message_bytes).sum()
    }

    /// Answers automatically from now on.
    pub fn answer_with(&self, responses: AutoResponses) {
        self.0.lock().auto_response = Some(responses);
    }

    /// When a request was last answered automatically.
    pub fn answered_at(&self) -> Option<Timestamp> {
        self.0.lock().answered_at
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let wake = {
            let mut state = self.0.lock();
            state.let_go = true;
            state.wake.take()
        };
        drop(wake);
        self.0.changed.notify_one();
    }
}

impl LinkEdge {
    /// Hands something over to the isolate.
    pub fn arrive(&self, arrival: Arrival) {
        let wake = {
            let mut state = self.0.lock();
            let first = state.arrived.is_empty();
            state.arrived_bytes += arrival.size();
            state.arrived.push_back(arrival);
            state.wake.clone().filter(|_| first)
        };
        if let Some(wake) = wake {
            wake();
        }
    }

    /// What the connection may carry.
    pub fn options(&self) -> LinkOptions {
        self.0.options
    }

    /// Whether the isolate keeps up, so that more may be read.
    pub fn has_room(&self) -> bool {
        let state = self.0.lock();
        state.arrived.len() < limits::SOCKET_ARRIVED_MESSAGES
            && state.arrived_bytes < limits::SOCKET_ARRIVED_BYTES
    }

    /// The next message to send.
    pub fn next(&self) -> Option<Frame> {
        let mut state = self.0.lock();
        let frame = state.leaving.pop_front()?;
        state.leaving_bytes -= frame.size();
        Some(frame)
    }

    /// How to go on.
    pub fn fate(&self) -> Fate {
        let state = self.0.lock();
        match (state.let_go, state.overflowed) {
            (false, _) => Fate::Open,
            (true, false) => Fate::Flush,
            (true, true) => Fate::Tear,
        }
    }

    /// Waits until the isolate sent something, took something, or let go; may be early.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// The automatic response to `text`, noted as given at `now`.
    pub fn auto_response(&self, text: &str, now: Timestamp) -> Option<String> {
        let mut state = self.0.lock();
        let responses = state.auto_response.as_ref()?.clone();
        let responses = responses.lock().unwrap_or_else(PoisonError::into_inner);
        let response = responses.as_ref().filter(|pair| pair.request == text)?.response.clone();
        state.answered_at = Some(now);
        Some(response)
    }
}

impl Drop for LinkEdge {
    fn drop(&mut self) {
        self.0.lock().edge_gone = true;
        self.arrive(Arrival::Lost);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const OPTIONS: LinkOptions = LinkOptions { message_max: 1_000, compresses: false };

    fn text(text: &str) -> Frame {
        Frame::Text(text.to_owned())
    }

    #[test]
    fn the_isolate_is_woken_once_for_what_waits() {
        let (link, edge) = link(OPTIONS);
        edge.arrive(Arrival::Frame(text("early")));
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        link.listen(Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        }));
        assert_eq!(woken.load(Ordering::Relaxed), 1, "it came before anybody listened");
        edge.arrive(Arrival::Frame(text("second")));
        assert_eq!(woken.load(Ordering::Relaxed), 1);
        assert_eq!(link.take(), Some(Arrival::Frame(text("early"))));
        assert_eq!(link.take(), Some(Arrival::Frame(text("second"))));
        assert_eq!(link.take(), None);
        drop(edge);
        assert_eq!(woken.load(Ordering::Relaxed), 2);
        assert_eq!(link.take(), Some(Arrival::Lost));
    }

    #[test]
    fn a_client_that_does_not_read_is_given_up() {
        let (link, edge) = link(OPTIONS);
        let half = Frame::Binary(Bytes::from(vec![0; limits::SOCKET_LEAVING_BYTES / 2]));
        assert_eq!(link.send(half.clone()), Ok(()));
        assert_eq!(link.send(half.clone()), Ok(()));
        assert_eq!(link.send(text("x")), Err(Overflow));
        drop(link);
        assert_eq!(edge.fate(), Fate::Tear);
    }

    #[test]
    fn taking_makes_room_again() {
        let (link, edge) = link(OPTIONS);
        (0..limits::SOCKET_ARRIVED_MESSAGES).for_each(|_| edge.arrive(Arrival::Frame(text("x"))));
        assert!(!edge.has_room());
        link.take();
        assert!(edge.has_room());
        edge.arrive(Arrival::Frame(Frame::Binary(Bytes::from(vec![0; limits::SOCKET_ARRIVED_BYTES]))));
        assert!(!edge.has_room(), "one message too large is taken, then no more");
    }

    #[test]
    fn what_was_sent_before_a_close_is_still_sent() {
        let (link, edge) = link(OPTIONS);
        link.send(text("last words")).expect("there is room");
        link.send(Frame::Close(Close { code: 1000, reason: String::new() })).expect("there is room");
        drop(link);
        assert_eq!(edge.fate(), Fate::Flush);
        assert_eq!(edge.next(), Some(text("last words")));
    }

    #[test]
    fn automatic_responses_change_for_all_sockets_at_once() {
        let (link, edge) = link(OPTIONS);
        let responses = AutoResponses::default();
        link.answer_with(responses.clone());
        assert_eq!(edge.auto_response("ping", Timestamp(1)), None);
        let pair = AutoResponse { request: "ping".to_owned(), response: "pong".to_owned() };
        *responses.lock().expect("no panic before") = Some(pair);
        assert_eq!(edge.auto_response("ping ", Timestamp(2)), None);
        assert_eq!(link.answered_at(), None);
        assert_eq!(edge.auto_response("ping", Timestamp(3)).as_deref(), Some("pong"));
        assert_eq!(link.answered_at(), Some(Timestamp(3)));
    }
}
