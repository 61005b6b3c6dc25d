//! Numbers and dates as text for people, in American English and UTC.
//!
//! There are no operations here.

use crate::engine::Extension;

/// The JavaScript part.
pub const EXTENSION: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/locale"], public: &[] };
