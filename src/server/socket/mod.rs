//! WebSockets on the wire: the handshake, the frames, and the loop that serves one connection.
//!
//! The framing is our own: the platform lets a program choose the reply to a close message, or hold it
//! back, while the common libraries reply by themselves. No extension is negotiated.

mod frames;
mod handshake;
mod session;

pub use handshake::{accept, upgrade_of};
pub use session::serve;
