//! The JavaScript engine as mechanism: isolates, turns, pending operations, modules, exceptions.
//!
//! Nothing here knows gates, objects or the Web platform. Layers above install [`Extension`]s (host
//! operations plus prelude modules) and run turns; they decide who may enter and when.
//!
//! Invariant: [`Isolate::turn`] is the only way into JavaScript after an isolate was made.

mod abandoned;
pub mod assets;
pub mod bodies;
pub mod budget;
pub mod bytecode;
pub mod bytes;
pub mod clone;
pub mod coding;
pub mod deferred;
pub mod descriptors;
pub mod disposal;
pub mod exception;
pub mod handle;
pub mod heap;
pub mod host;
pub mod http;
pub mod isolate;
pub mod iterator;
mod json;
pub mod kept;
mod lent;
pub mod loader;
pub mod mailbox;
pub mod memory;
pub mod opaque;
pub mod ops;
pub mod pipe;
mod places;
pub mod prelude;
pub mod presence;
mod promise_owners;
pub mod proxy;
pub mod records;
#[cfg(takes_over_functions)]
mod regexp;
pub mod roots;
mod running;
mod shape;
pub mod socket;
mod spares;
#[cfg(takes_over_functions)]
mod taken_over;
pub mod timers;
pub mod turn;
pub mod wasm;
pub mod watchdog;
#[cfg(takes_over_functions)]
mod words;

pub use host::{Extension, Host, LogLevel, LogRecord, Origin, OwnerId, RealmId, Reasons, Scope, SectionId};
pub use isolate::{Isolate, IsolateOptions};
pub use json::is_stringifying;
pub use ops::{Completer, Completion, OpError, OpId, OpValue};
