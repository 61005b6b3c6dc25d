//! What dates say of their zone, written in JavaScript alone.
//!
//! There are no operations here.

use crate::engine::Extension;

/// The JavaScript part.
pub const EXTENSION: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/date"], public: &[] };
