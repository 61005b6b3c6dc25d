//! WebSockets at the edge: the handshake. Frames and the loop that serves a connection are `web::web_socket`'s.

mod handshake;

pub use crate::web::web_socket::{Role, serve};
pub use handshake::{accept, upgrade_of};
