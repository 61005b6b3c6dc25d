//! The HTTP edge: from a socket to the current world and back.
//!
//! One thread with its own I/O loop accepts connections, so that a looping turn can block neither accept,
//! the control surface nor the error page. [`Current`] is the slot that a reload swaps; everything else
//! is translation: a request from the wire to a `FetchRequest`, a response from a `FetchResponse` to
//! the wire. Nothing here runs JavaScript, builds code or prints.

mod acceptable;
mod control;
mod current;
mod discard;
mod error_page;
mod fuzz;
mod line;
mod listen;
mod live_reload;
mod patience;
mod port_holder;
mod public_host;
mod request;
mod response;
mod serve;
mod socket;
mod tls;

pub use control::{
    ControlOptions, OwnProgram, Reload, SessionAnswer, SessionCommand, SessionRefusal, Sessions, StateCell,
};
pub use current::{Current, Handler, Serving};
pub use fuzz::check_heads;
pub use listen::{ListenError, Listening, PortChoice, listen};
pub use port_holder::{Holder, holder_of};
pub use serve::{RequestRecord, Server, ServerOptions};
pub use tls::{Certificate, CertificateError};

#[cfg(test)]
mod tests;
