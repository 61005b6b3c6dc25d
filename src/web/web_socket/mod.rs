//! `WebSocket`, `WebSocketPair` and `WebSocketRequestResponsePair`: the classes, and what goes over the wire.
//!
//! An instance is a number in the host's table of socket ends; the operations behind it (`host.socket…`)
//! are given by the layer that knows objects and their gates. The framing is our own: the platform lets a
//! program choose the reply to a close message, or hold it back, while the common libraries reply by
//! themselves.

mod check;
mod deflate;
pub mod extension;
mod frames;
mod session;

use crate::engine::Extension;

pub use check::check_frames;
pub use frames::Role;
pub use session::serve;

/// The JavaScript part.
pub const EXTENSION: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/web_socket"], public: &[] };
