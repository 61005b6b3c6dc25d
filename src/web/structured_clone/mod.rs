//! `structuredClone`: JavaScript checks the arguments, the copy goes through V8's serialization.

use std::rc::Rc;

use rquickjs::{ArrayBuffer, Ctx, Function, Object, Value};

use crate::engine::bytes::{copy_bytes, text_bytes};
use crate::engine::clone::{
    CORRUPT_MESSAGE, Candidate, CloneError, Deserializer, ErrorForm, HostObjects, Policy, Serializer,
    Written, deserialize, serialize,
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

/// Types of the platform in its serialization; `structured_clone.js` has the same numbers.
const DOM_EXCEPTION: u32 = 8;
const BLOB: u32 = 15;

/// Data, and the few of the platform's classes whose instances can be stored.
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
        if !matches!(candidate, Candidate::Instance | Candidate::Error) {
            return Ok(Written::NotMine);
        }
        let ctx = out.ctx().clone();
        let answer: Value<'js> = self.host.entry(&ctx, "disassemble")?.call((object.clone(),))?;
        if let Some(refusal) = answer.as_string() {
            return Err(CloneError::DataClone(refusal.to_string()?));
        }
        let Some(parts) = answer.as_array() else { return Ok(Written::NotMine) };
        out.bytes().varint(parts.get::<u32>(0)?.into());
        for part in parts.iter::<Value<'js>>().skip(1) {
            let part = part?;
            let bytes = match part.as_string() {
                Some(text) => text_bytes(text)?,
                None => copy_bytes(&part).unwrap_or_default(),
            };
            out.bytes().delimited(&bytes);
        }
        Ok(Written::Done)
    }

    fn read(&self, tag: u32, input: &mut Deserializer<'_, '_, 'js>) -> Result<Value<'js>, CloneError> {
        let ctx = input.ctx().clone();
        let assemble = self.host.entry(&ctx, "assemble")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match tag {
            DOM_EXCEPTION => {
                let [name, message, stack] =
                    [input.bytes().delimited()?, input.bytes().delimited()?, input.bytes().delimited()?]
                        .map(text);
                Ok(assemble.call((tag, name, message, stack))?)
            }
            BLOB => {
                let kind = text(input.bytes().delimited()?);
                let content = ArrayBuffer::new_copy(ctx, input.bytes().delimited()?)?;
                Ok(assemble.call((tag, kind, content))?)
            }
            _ => Err(CloneError::Corrupt(format!("unknown host object {tag}"))),
        }
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
