//! The messages of DataCloneError: how V8 names a value that it does not clone.
//!
//! Fidelity: recorded from workerd for some sixty values, see the tests.

use rquickjs::qjs;

use super::CloneError;
use super::raw::Raw;
use super::shown::{constructor_name, display, tag_name};

/// The error for a value of a kind that is never cloned.
pub(super) fn refuse(ctx: Raw, value: qjs::JSValue) -> CloneError {
    match display(ctx, value) {
        Ok(text) => could_not(&text),
        Err(error) => error,
    }
}

/// The error for something that shows as `text`.
pub(super) fn could_not(text: &str) -> CloneError {
    CloneError::DataClone(format!("{text} could not be cloned."))
}

/// The error for an object of the host, or of a class where class instances are not cloned.
pub(super) fn refuse_type(ctx: Raw, object: qjs::JSValue) -> CloneError {
    match type_name(ctx, object) {
        Ok(name) => CloneError::DataClone(format!(
            "Could not serialize object of type \"{name}\". This type does not support serialization."
        )),
        Err(error) => error,
    }
}

/// The name of an object's class as V8 tells it: its constructor's, else its tag.
fn type_name(ctx: Raw, object: qjs::JSValue) -> Result<String, CloneError> {
    match constructor_name(ctx, object)?.filter(|name| name != "Object") {
        Some(name) => Ok(name),
        None => Ok(tag_name(ctx, object)?.unwrap_or_else(|| "Object".into())),
    }
}
