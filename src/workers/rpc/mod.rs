//! Remote procedure calls: what may be passed, how it travels, and who lets go of it when.
//!
//! A call is bytes and parcels ([`crate::objects::Message`]), between two objects of one isolate too: what
//! arrives is never the value that was sent. Data costs nothing but its bytes. Functions and targets are
//! exported: the value stays in a table of the prelude, the message carries a reference. Streams become
//! pipes. Everything else that is not data is taken apart by the prelude (`carry.js`) into what is.
//!
//! Stubs in arguments, and what has a method `dup()`, are copied (before `rpc_params_dup_stubs`, moved) and disposed when the call is
//! answered; stubs in results are moved. What nobody disposes goes when JavaScript forgets it, and at the
//! latest with the context or object that holds it.
//!
//! Pipelining happens on the caller's side: a call of a promise is serialized at once and sent when the
//! promise is settled, in the order in which such calls were made.

mod carrier;
mod ops;
mod reasons;
mod values;

pub(super) use carrier::{Received, read_message, write_result};
pub(super) use ops::{arguments_of, give_import, install, path_of};
pub(super) use reasons::install_reasons;
pub use values::{error_of, failure_of, read_stored, write_stored};
