//! `DOMException`, written in JavaScript alone; other parts throw it by name.
//!
//! The engine's `make_error` finds the class among the globals, so it must be loaded before any
//! operation can fail with it.

use crate::engine::Extension;

/// The class; no operations.
pub const EXTENSION: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/dom_exception"], public: &[] };
