//! What dodev does not emulate: classes and functions that say so by name when used.
//!
//! There are no operations here.

use crate::engine::Extension;

/// The JavaScript part.
pub const EXTENSION: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/refused"], public: &[] };
