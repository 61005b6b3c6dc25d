//! Messages between JavaScript values and bytes with parcels.
//!
//! The serialization offers what is no data to the prelude's `describe`, which answers with a kind and a
//! value; `revive` makes it again on the other side. Only the kinds below are known here, those whose
//! value is no data either.

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::{Array, Ctx, IntoJs, Object, Value};

use crate::base::limits;
use crate::engine::OpError;
use crate::engine::clone::{
    Candidate, CloneError, Deserializer, HostObjects, Policy, Serializer, Written, deserialize, serialize,
};
use crate::engine::disposal::disposer_of;
use crate::engine::exception::throw;
use crate::engine::proxy::handler_of;
use crate::objects::{Import, Message, Objects, Parcel};
use crate::web::structured_clone::throw_clone;

use super::ops::{CLIENT, dispose_import, give_import, held_export};
use super::values::is_dom;

/// What stands in front of the kinds in the bytes: kinds of V8 and of workerd are below.
const FIRST_TAG: u32 = 100;

/// Kinds whose value becomes a parcel; `carry.js` has the same numbers.
mod kind {
    /// A function or target of this side; its value is the target.
    pub const EXPORT: u32 = 0;
    /// A stub of this side; its value is the import and whether arguments take stubs away from the caller.
    /// Results always do.
    pub const STUB: u32 = 1;
    /// A stream to read; its value is the number of a pipe.
    pub const READER: u32 = 2;
    /// A stream to write; its value is what takes the chunks, which is exported. It is not disposed with the call that brought
    /// it.
    pub const WRITER: u32 = 3;
}

struct Carrier<'a> {
    objects: &'a Rc<Objects>,
    /// Whether what is exported outlives the running call.
    is_result: bool,
    /// Written so far, or not taken yet.
    parcels: RefCell<Vec<Option<Parcel>>>,
    imports: RefCell<Vec<Rc<Import>>>,
}

impl<'a> Carrier<'a> {
    fn new(objects: &'a Rc<Objects>, is_result: bool, parcels: Vec<Parcel>) -> Self {
        let parcels = RefCell::new(parcels.into_iter().map(Some).collect());
        Self { objects, is_result, parcels, imports: RefCell::default() }
    }

    fn pack<'js>(&self, ctx: &Ctx<'js>, kind: u32, value: &Value<'js>) -> rquickjs::Result<Option<Parcel>> {
        let bodies = &self.objects.host.bodies;
        let gone = || throw(ctx, &OpError::of("TypeError", "This stream was passed on already."));
        Ok(Some(match kind {
            kind::EXPORT | kind::WRITER => {
                let export = self.objects.export(self.is_result || kind == kind::WRITER);
                let keep = self.objects.host.entry(ctx, "keepExport")?;
                keep.call::<_, ()>((export.id, value.clone()))?;
                Parcel::Export(export)
            }
            kind::STUB => {
                let pair = value.get::<Array<'js>>()?;
                let (handle, moves): (Value<'js>, bool) = (pair.get(0)?, pair.get(1)?);
                // Fidelity: observed with wrangler 4.164.0: one that was disposed arrives as such.
                let Some(export) = held_export(ctx, self.objects, &handle, CLIENT)? else {
                    return Ok(Some(Parcel::Disposed));
                };
                // The message has a reference of its own now.
                if self.is_result || moves {
                    dispose_import(ctx, &handle)?;
                }
                Parcel::Export(export)
            }
            kind::READER => {
                let id = value.get::<u32>()?;
                Parcel::Reader(bodies.take_reader(id).ok_or_else(gone)?)
            }
            _ => return Ok(None),
        }))
    }

    fn unpack<'js>(&self, ctx: &Ctx<'js>, kind: u32, parcel: Parcel) -> rquickjs::Result<Value<'js>> {
        let host = &self.objects.host;
        match parcel {
            Parcel::Export(export) => {
                let import = self.objects.import(export);
                if kind == kind::WRITER {
                    import.set_stream();
                } else {
                    self.imports.borrow_mut().push(import.clone());
                }
                give_import(ctx, import)
            }
            Parcel::Disposed => give_import(ctx, self.objects.import_disposed()),
            Parcel::Reader(reader) => host.bodies.add_reader(host.scope.get().owner, reader).into_js(ctx),
        }
    }
}

impl<'js> HostObjects<'js> for Carrier<'_> {
    fn policy(&self) -> Policy {
        Policy::RPC.with_errors(self.objects.host.error_form())
    }

    fn write(
        &self,
        object: &Object<'js>,
        candidate: Candidate,
        out: &mut Serializer<'_, 'js>,
    ) -> Result<Written, CloneError> {
        let ctx = out.ctx().clone();
        if candidate == Candidate::Error && !is_dom(&ctx, object) {
            return Ok(Written::NotMine);
        }
        let handler = handler_of(&ctx, object.as_value());
        let described: Option<Array<'js>> =
            self.objects.host.entry(&ctx, "describe")?.call((object.clone(), handler, self.is_result))?;
        let Some(described) = described else { return Ok(Written::NotMine) };
        let (kind, value): (u32, Value<'js>) = (described.get(0)?, described.get(1)?);
        out.bytes().varint(u64::from(FIRST_TAG + kind));
        match self.pack(&ctx, kind, &value)? {
            Some(parcel) => {
                let mut parcels = self.parcels.borrow_mut();
                out.bytes().varint(parcels.len() as u64);
                parcels.push(Some(parcel));
            }
            None => out.value(&value)?,
        }
        Ok(Written::Done)
    }

    fn read(&self, tag: u32, input: &mut Deserializer<'_, '_, 'js>) -> Result<Value<'js>, CloneError> {
        let corrupt = |what: &str| CloneError::Corrupt(what.to_owned());
        let kind = tag.checked_sub(FIRST_TAG).ok_or_else(|| corrupt("an unknown host object"))?;
        let ctx = input.ctx().clone();
        let value = if kind <= kind::WRITER {
            let place = input.bytes().varint32()? as usize;
            let parcel = self.parcels.borrow_mut().get_mut(place).and_then(Option::take);
            self.unpack(&ctx, kind, parcel.ok_or_else(|| corrupt("a parcel that is not there"))?)?
        } else {
            input.value()?
        };
        Ok(self.objects.host.entry(&ctx, "revive")?.call((kind, value))?)
    }
}

/// Serializes arguments or a result. Functions and targets in it are exported from the running scope; in
/// a result they keep their stateless context alive.
///
/// # Errors
/// Throws the platform's `DataCloneError`, and its error for messages that are too large.
pub fn write_message<'js>(
    ctx: &Ctx<'js>,
    objects: &Rc<Objects>,
    value: &Value<'js>,
    is_result: bool,
) -> rquickjs::Result<Message> {
    let mut bytes = Vec::with_capacity(64);
    let carrier = Carrier::new(objects, is_result, Vec::new());
    serialize(ctx, value, &carrier, &mut bytes).map_err(|error| throw_clone(ctx, error))?;
    if bytes.len() > limits::RPC_MESSAGE_BYTES {
        let message = format!(
            "Serialized RPC arguments or return values are limited to 32MiB, but the size of this value was: {} bytes.",
            bytes.len()
        );
        return Err(throw(ctx, &OpError::of("Error", message)));
    }
    if bytes.len() > limits::RPC_MESSAGE_BYTES / 100 * limits::WARN_AT_PERCENT {
        objects.warn_of_message(bytes.len());
    }
    let parcels = carrier.parcels.into_inner().into_iter().flatten().collect();
    Ok(Message { bytes, parcels })
}

/// Serializes a result. A disposer of its own travels behind everything else, as an export.
///
/// # Errors
/// As `write_message`.
pub fn write_result<'js>(
    ctx: &Ctx<'js>,
    objects: &Rc<Objects>,
    value: &Value<'js>,
) -> rquickjs::Result<Message> {
    let Some(object) = value.as_object() else { return write_message(ctx, objects, value, true) };
    // Few results have a disposer.
    if disposer_of(ctx, object)?.is_undefined() {
        return write_message(ctx, objects, value, true);
    }
    let disposer: Option<Object<'js>> = objects.host.entry(ctx, "takeDisposer")?.call((value.clone(),))?;
    let mut message = write_message(ctx, objects, value, true)?;
    if let Some(disposer) = disposer {
        let export = objects.export(true);
        objects.host.entry(ctx, "keepExport")?.call::<_, ()>((export.id, disposer))?;
        message.parcels.push(Parcel::Export(export));
    }
    Ok(message)
}

/// A value that arrived, and the references that came with it.
pub struct Received<'js> {
    /// The value.
    pub value: Value<'js>,
    /// What its stubs refer to.
    pub imports: Vec<Rc<Import>>,
}

/// Reads arguments or a result; the running scope holds what it refers to.
///
/// # Errors
/// Throws when the bytes are no value.
pub fn read_message<'js>(
    ctx: &Ctx<'js>,
    objects: &Rc<Objects>,
    message: Message,
) -> rquickjs::Result<Received<'js>> {
    let carrier = Carrier::new(objects, false, message.parcels);
    let value = deserialize(ctx, &message.bytes, &carrier).map_err(|error| throw_clone(ctx, error))?;
    // What no value refers to is the result's own disposer.
    for parcel in carrier.parcels.take().into_iter().flatten() {
        carrier.unpack(ctx, kind::EXPORT, parcel)?;
        carrier.imports.borrow().last().inspect(|disposer| disposer.set_disposer());
    }
    Ok(Received { value, imports: carrier.imports.into_inner() })
}
