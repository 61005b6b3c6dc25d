//! Workers KV: values by key, with metadata and an end, as wrangler keeps them on disk.
//!
//! A namespace is one SQLite file of entries and a directory of values, one file each, whose names nobody guesses. A value's
//! file is complete before its entry names it, so no reader sees half of one. A bucket is a directory of somebody's files that can be
//! read like a namespace. Nothing here knows an engine.
//!
//! Fidelity: the layout that wrangler 4.164.0 writes (`v3/kv` of the state directory); either tool reads what the other wrote.

mod bucket;
mod copy;
mod directory;
mod glob;
mod namespace;

pub use bucket::Bucket;
pub use copy::copy;
pub use namespace::{Entry, KvError, Listed, Namespace, Page, Query};
