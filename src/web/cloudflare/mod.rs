//! The global `Cloudflare`.
//!
//! Whoever starts an isolate calls the entry `compatibility` with all flags, name to boolean, as an object.

use crate::engine::Extension;

/// The global object; no operations.
pub const EXTENSION: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/cloudflare"], public: &[] };
