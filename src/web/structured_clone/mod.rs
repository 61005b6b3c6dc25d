//! `structuredClone`: JavaScript checks the arguments, the copy goes through V8's serialization.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Value};

use crate::engine::clone::{
    CORRUPT_MESSAGE, Candidate, CloneError, ErrorForm, HostObjects, Policy, Serializer, Written, deserialize, serialize,
};
use crate::engine::exception::throw;
use crate::engine::{Extension, Host, OpError};

/// The global function and its operation.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/structured_clone"], public: &[] };

/// `host.structuredClone(value)`: a deep copy.
fn install<'js>(ctx: &Ctx<'js>, object: &Object<'js>, host: &Rc<Host>) -> rquickjs::Result<()> {
    let host = host.clone();
    let copy = move |ctx: Ctx<'js>, value: Value<'js>| {
        let hosts = Plain { host: &host, errors: ErrorForm::HostObject };
        let mut bytes = Vec::new();
        serialize(&ctx, &value, &hosts, &mut bytes).map_err(|error| throw_clone(&ctx, error))?;
        deserialize(&ctx, &bytes, &hosts).map_err(|error| throw_clone(&ctx, error))
    };
    object.set("structuredClone", Function::new(ctx.clone(), copy)?)
}

/// Data alone: instances of the platform's classes are refused.
pub struct Plain<'a> {
    /// Whose prelude knows those classes.
    pub host: &'a Host,
    /// How errors are written.
    pub errors: ErrorForm,
}

impl<'js> HostObjects<'js> for Plain<'_> {
    fn policy(&self) -> Policy {
        Policy::STORAGE.with_errors(self.errors)
    }

    fn write(
        &self,
        object: &Object<'js>,
        candidate: Candidate,
        out: &mut Serializer<'_, 'js>,
    ) -> Result<Written, CloneError> {
        if candidate != Candidate::Instance {
            return Ok(Written::NotMine);
        }
        let ctx = out.ctx().clone();
        let refusal: Option<String> = self.host.entry(&ctx, "uncloneable")?.call((object.clone(),))?;
        refusal.map_or(Ok(Written::NotMine), |message| Err(CloneError::DataClone(message)))
    }
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
