//! Code from strings, which the platform forbids once a Worker has started.
//!
//! There are no operations here: what loads a Worker calls `forbidEval` when its top level is evaluated, from
//! JavaScript or by the entry `forbid-eval`.

use crate::engine::Extension;

/// The JavaScript part.
pub const EXTENSION: Extension =
    Extension { install: |_, _, _| Ok(()), eager: &["dodev:web/eval"], public: &[] };
