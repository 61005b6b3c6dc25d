//! State as an open book: what the command line and the control surface know about stored objects.
//!
//! [`Book`] reads a state directory, live or stopped, without changing a byte of it and without running anything;
//! [`Writer`] changes a stopped one under the lock. Nothing here prints, and nothing knows of engines or servers.

mod address;
mod book;
pub mod diff;
mod dump;
mod failure;
mod history;
mod holder;
mod json_value;
pub mod lines;
mod literal;
mod moment;
mod name;
mod object;
mod reader;
pub mod snapshot;
mod sql;
mod write;

pub use address::{Scope, several_nearest};
pub use book::{Alarm, Book, Listed, Namespace, ObjectRef, Retry};
pub use dump::{real_text, write_sql};
pub use failure::{InspectError, Result};
pub use history::{Past, PointName, exact, short, split_point};
pub use holder::{Holder, ServerNote, User, user};
pub use json_value::from_json as value_from_json;
pub use literal::parse as parse_value;
pub use moment::{distance, iso, parse_date};
pub use object::{Column, KeyFilter, Keys, KvEntry, ObjectView, Table};
pub use snapshot::names as snapshot_names;
pub use sql::{Asked, Mistake, Rows};
pub use write::Writer;
