//! `structuredClone`: JavaScript checks the arguments, the copy goes through V8's serialization.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Value};

use crate::engine::clone::{CORRUPT_MESSAGE, CloneError, ErrorForm, NoHosts, deserialize, serialize};
use crate::engine::exception::throw;
use crate::engine::{Extension, Host, OpError};

/// The global function and its operation.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/structured_clone"], public: &[] };

/// `host.structuredClone(value)`: a deep copy.
fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, _: &Rc<Host>) -> rquickjs::Result<()> {
    let copy = |ctx: Ctx<'js>, value: Value<'js>| {
        let hosts = NoHosts(ErrorForm::HostObject);
        let mut bytes = Vec::new();
        serialize(&ctx, &value, &hosts, &mut bytes).map_err(|error| throw_clone(&ctx, error))?;
        deserialize(&ctx, &bytes, &hosts).map_err(|error| throw_clone(&ctx, error))
    };
    host.set("structuredClone", Function::new(ctx.clone(), copy)?)
}

/// Throws what a serialization ended with: the platform's `DataCloneError`, or what a getter threw.
pub fn throw_clone(ctx: &Ctx<'_>, error: CloneError) -> rquickjs::Error {
    match error {
        CloneError::DataClone(message) => {
            throw(ctx, &OpError::of("DOMException", message).flag("DataCloneError"))
        }
        CloneError::Thrown => rquickjs::Error::Exception,
        CloneError::Corrupt(_) => throw(ctx, &OpError::new(CORRUPT_MESSAGE)),
        CloneError::Js(error) => error,
    }
}
