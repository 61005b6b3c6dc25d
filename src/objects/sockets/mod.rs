//! WebSockets as objects and requests see them: ends in a table, whose other sides are ends of the same
//! isolate or connections of clients.
//!
//! A pair is two ends. An end that is returned in a response to a client is replaced by the client's
//! connection: the two are *coupled*. Sockets belong to the host: an object that sleeps or moves to
//! another world keeps its hibernatable ones.

mod event_limits;
mod events;
mod hibernation;
mod life;
mod listed;
mod moving;
mod outgoing;
mod parking;
mod table;

pub use events::Told;
pub use life::LifeError;
pub use listed::ListError;
pub use parking::Parking;
pub use table::{Gone, ReturnError, SocketRules, Sockets};
