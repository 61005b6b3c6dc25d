//! `structuredClone`: JavaScript checks the arguments, the copy goes through V8's serialization.

use std::rc::Rc;

use rquickjs::function::Rest;
use rquickjs::{ArrayBuffer, Ctx, Function, IntoJs, Object, Value};

use crate::codec::platform;
use crate::engine::bytes::{copy_bytes, text_bytes};
use crate::engine::clone::{
    CORRUPT_MESSAGE, Candidate, CloneError, Deserializer, ErrorForm, HostObjects, Policy, Serializer, Stacks,
    Written, deserialize, serialize,
};
use crate::engine::exception::throw;
use crate::engine::proxy::handler_of;
use crate::engine::{Extension, Host, OpError};

/// The global function and its operation.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/structured_clone"], public: &[] };

/// `host.structuredClone(value, enhanced)`: a deep copy; `enhanced` says whether errors keep all their properties.
fn install<'js>(ctx: &Ctx<'js>, object: &Object<'js>, host: &Rc<Host>) -> rquickjs::Result<()> {
    let host = host.clone();
    let copy = move |ctx: Ctx<'js>, value: Value<'js>, enhanced: bool| {
        let errors = if enhanced { ErrorForm::HostObject } else { ErrorForm::Native };
        let hosts = Plain { host: &host, errors, stacks: Stacks::Listed, stored: false };
        let mut bytes = Vec::new();
        serialize(&ctx, &value, &hosts, &mut bytes).map_err(|error| throw_clone(&ctx, error))?;
        deserialize(&ctx, &bytes, &hosts).map_err(|error| throw_clone(&ctx, error))
    };
    object.set("structuredClone", Function::new(ctx.clone(), copy)?)
}

/// Data, and the few of the platform's classes whose instances can be stored.
pub struct Plain<'a> {
    /// Whose prelude knows those classes.
    pub host: &'a Host,
    /// How errors are written.
    pub errors: ErrorForm,
    /// What becomes of their stacks when they are read.
    pub stacks: Stacks,
    /// Whether it is for an object's storage, which refuses some values in words of its own.
    pub stored: bool,
}

impl<'js> HostObjects<'js> for Plain<'_> {
    fn policy(&self) -> Policy {
        Policy { errors: self.errors, stacks: self.stacks, ..Policy::STORAGE }
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
        let kind = parts.get::<u32>(0)?;
        out.bytes().varint(kind.into());
        if kind == platform::HEADERS {
            let [guard, fields @ ..] =
                &parts.iter::<Value<'js>>().collect::<rquickjs::Result<Vec<_>>>()?[1..]
            else {
                return Ok(Written::NotMine);
            };
            return write_headers(out, guard, fields);
        }
        for part in parts.iter::<Value<'js>>().skip(1) {
            let part = part?;
            if let Some(number) = part.as_number() {
                out.bytes().varint(number as u64);
            } else if let Some(value) = part.as_array() {
                out.value(&value.get(0)?)?;
            } else {
                let bytes = match part.as_string() {
                    Some(text) => text_bytes(text)?,
                    None => copy_bytes(&part).unwrap_or_default(),
                };
                out.bytes().delimited(&bytes);
            }
        }
        Ok(Written::Done)
    }

    fn refusal(&self, object: &Object<'js>) -> Result<Option<String>, CloneError> {
        let ctx = object.ctx();
        let handler = handler_of(ctx, object.as_value());
        Ok(self.host.entry(ctx, "refusal")?.call((object.clone(), handler, self.stored))?)
    }

    fn read(&self, tag: u32, input: &mut Deserializer<'_, '_, 'js>) -> Result<Value<'js>, CloneError> {
        let ctx = input.ctx().clone();
        let assemble = self.host.entry(&ctx, "assemble")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match tag {
            platform::HEADERS => {
                let guard = input.bytes().varint32()?;
                let count = input.bytes().varint32()?;
                if count > platform::FIELDS_MAX {
                    let text = format!("Deserialization failed: header count exceeds maximum ({count})");
                    return Err(CloneError::DataClone(text));
                }
                let mut parts = Rest(vec![tag.into_js(&ctx)?, guard.into_js(&ctx)?]);
                for _ in 0..count {
                    let number = input.bytes().varint32()?;
                    let name = match platform::name_of_number(number) {
                        Some(name) => name.to_owned(),
                        None if number == 0 => text(input.bytes().delimited()?).to_ascii_lowercase(),
                        None => return Err(input.bytes().corrupt("an unknown header field").into()),
                    };
                    parts.0.push(name.into_js(&ctx)?);
                    parts.0.push(text(input.bytes().delimited()?).into_js(&ctx)?);
                }
                Ok(assemble.call((parts,))?)
            }
            platform::REQUEST => {
                let url = text(input.bytes().delimited()?);
                Ok(assemble.call((tag, url, input.value()?))?)
            }
            platform::RESPONSE => {
                let body = input.value()?;
                Ok(assemble.call((tag, body, input.value()?))?)
            }
            platform::DOM_EXCEPTION => {
                let [name, message, stack] =
                    [input.bytes().delimited()?, input.bytes().delimited()?, input.bytes().delimited()?]
                        .map(text);
                Ok(assemble.call((tag, name, message, stack))?)
            }
            platform::BLOB => {
                let kind = text(input.bytes().delimited()?);
                let content = ArrayBuffer::new_copy(ctx, input.bytes().delimited()?)?;
                Ok(assemble.call((tag, kind, content))?)
            }
            _ => Err(CloneError::Corrupt(format!("unknown host object {tag}"))),
        }
    }
}

/// Writes header fields: those whose names have numbers first, in their order, then the others; values of one name together.
///
/// Deviation: the platform keeps how the other names were spelled; here they are in lower case.
fn write_headers<'js>(
    out: &mut Serializer<'_, 'js>,
    guard: &Value<'js>,
    fields: &[Value<'js>],
) -> Result<Written, CloneError> {
    let mut named: Vec<(u32, String, Vec<&Value<'js>>)> = Vec::new();
    for pair in fields.chunks_exact(2) {
        let name: String = pair[0].get()?;
        match named.iter_mut().find(|(_, known, _)| *known == name) {
            Some((_, _, values)) => values.push(&pair[1]),
            None => named.push((platform::number_of_name(&name), name, vec![&pair[1]])),
        }
    }
    named.sort_by_key(|(number, ..)| number.wrapping_sub(1));
    out.bytes().varint(guard.get::<u32>()?.into());
    out.bytes().varint((fields.len() / 2) as u64);
    for (number, name, values) in named {
        for value in values {
            out.bytes().varint(number.into());
            if number == 0 {
                out.bytes().delimited(name.as_bytes());
            }
            let value = value.as_string().map(text_bytes).transpose()?;
            out.bytes().delimited(&value.unwrap_or_default());
        }
    }
    Ok(Written::Done)
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
