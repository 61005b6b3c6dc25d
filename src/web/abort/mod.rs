//! `AbortController` and `AbortSignal`, written in JavaScript alone.
//!
//! Signals that cross from caller to callee belong to the parts that carry them.

use crate::engine::Extension;

/// The classes; no operations.
pub const EXTENSION: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/abort"], public: &[] };
