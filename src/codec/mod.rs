//! V8's serialization, without any JavaScript: what is stored can be read, shown and written while nothing runs.
//!
//! `wire` is the encoding, shared with the engine's own way between JS values and bytes; the rest is the tree.

mod check;
mod format;
mod json;
pub mod platform;
mod read;
mod show;
pub mod value;
pub mod wire;
mod write;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
pub(crate) mod tests;

pub use check::check;
pub use json::to_json;
pub use read::{DEPTH_MAX, read};
pub use show::{iso_date, show, show_key};
pub use value::Value;
pub use write::{WriteError, write};
