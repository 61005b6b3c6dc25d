//! `MessageChannel`: two entangled ports; copies are made by `host.structuredClone`.
//!
//! There are no operations here.

use crate::engine::Extension;

/// The JavaScript part.
pub const EXTENSION: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/message"], public: &[] };
