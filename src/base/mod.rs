//! What every other folder stands on: time, identities, limits, diagnostics, and how systems differ.
//!
//! No I/O, no async, nothing of JavaScript: a file here can be read and tested alone.

pub mod clock;
pub mod diag;
pub mod generation;
pub mod heap;
pub mod ids;
pub mod jurisdiction;
pub mod limits;
pub mod module_name;
pub mod process;
pub mod processors;
pub mod time_text;
