//! Durable Objects and requests: who may enter JavaScript, when, and what may leave.
//!
//! This is the policy above the engine's turns. An object is woken when an event for it arrives; its
//! gate admits one event after the other; what it wants to tell the world is held until its writes are
//! committed. How an event becomes a call into JavaScript is the business of an [`Entry`].

mod actor;
mod alarm_clock;
mod alarm_ends;
mod alarm_turns;
mod alarms;
mod arrivals;
mod assets;
mod call_retry;
mod code_update;
pub mod control;
mod critical;
mod demand;
mod depth;
mod due;
mod event;
mod facets;
mod failure;
mod farewell;
mod feed;
mod forgotten;
mod gate;
mod handover;
mod hang;
mod invoke;
mod journal;
mod lease;
mod origins;
mod outputs;
mod parcel;
mod requests;
mod reset;
mod retry;
mod roster;
mod scheduler;
mod sockets;
mod stores;
mod subrequests;
mod warnings;

pub use actor::{Actor, ActorKey, Namespace, Slot};
pub use alarm_turns::AlarmTurns;
pub use alarms::{Alarms, Wake};
pub use call_retry::{Attempts, RetryLimits, is_taken};
pub use demand::{Busy, Extent, Kind as DemandKind, Obligation};
pub use due::Due;
pub use event::{Entrypoint, Event, Reply, ReplyTo, ScheduledAnswer, Target};
pub use facets::{FACET_DEPTH, FacetPlace};
pub use failure::{Failure, OVERLOADED, REMOTE, RESET, RETRYABLE, overrun};
pub use farewell::Leaving;
pub use feed::Feed;
pub use gate::{Gate, NestedTooDeeply};
pub use handover::HandingOver;
pub use invoke::Callee;
pub use journal::{DueKind, Fired, Journal};
pub use lease::{Demanded, LeaseHolder, LeaseKey, Leases};
pub use outputs::Outgoing;
pub use parcel::{Export, Import, Message, Parcel};
pub use roster::{Roster, WorkerNumber};
pub use scheduler::{Entry, Objects};
pub use sockets::{Gone, LifeError, ListError, Parking, ReturnError, SocketRules, Sockets, Told};
pub use stores::Stores;
