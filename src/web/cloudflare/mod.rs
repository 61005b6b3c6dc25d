//! The global `Cloudflare` and the table of compatibility flags.
//!
//! Whoever starts an isolate calls the entry `compatibility` with [`flags::in_force`] as an object.

pub mod flags;

use crate::engine::Extension;

/// The global object; no operations.
pub const EXTENSION: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/cloudflare"], public: &[] };
