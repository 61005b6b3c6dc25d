//! `WebSocket`, `WebSocketPair` and `WebSocketRequestResponsePair`: the classes.
//!
//! An instance is a number in the host's table of socket ends; the operations behind it (`host.socket…`)
//! are given by the layer that knows objects and their gates. Outbound connections are refused by name.

use crate::engine::Extension;

/// The JavaScript part.
pub const EXTENSION: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/web_socket"], public: &[] };
