//! Errors on their way to a caller, and values on their way into storage.
//!
//! What was thrown is data: functions and targets in it are not exported, an error that has some arrives as
//! its text.

use rquickjs::object::Property;
use rquickjs::{Coerced, Ctx, Object, Value};

use crate::engine::{Host, OpError};

use crate::engine::clone::{ErrorForm, HostObjects, Policy, deserialize, serialize};
use crate::engine::exception::{Exception, make_error};
use crate::objects::Failure;
use crate::web::structured_clone::{Plain, throw_clone};

/// Errors across RPC: plain data and built-in objects.
struct Thrown;

impl HostObjects<'_> for Thrown {
    fn policy(&self) -> Policy {
        Policy::RPC
    }
}

/// Serializes a value to be kept, in an object's storage if it is to be `stored` there, with errors in the form `errors`.
pub fn write_stored<'js>(
    ctx: &Ctx<'js>,
    host: &Host,
    value: &Value<'js>,
    errors: ErrorForm,
    stored: bool,
) -> rquickjs::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(32);
    serialize(ctx, value, &Plain { host, errors, stored }, &mut bytes)
        .map_err(|error| throw_clone(ctx, error))?;
    Ok(bytes)
}

/// Reads a stored value.
pub fn read_stored<'js>(ctx: &Ctx<'js>, host: &Host, bytes: &[u8]) -> rquickjs::Result<Value<'js>> {
    deserialize(ctx, bytes, &Plain { host, errors: ErrorForm::HostObject, stored: false })
        .map_err(|error| throw_clone(ctx, error))
}

/// What was thrown, as a failure for the caller; `object_id` is the id of the object that threw.
///
/// Fidelity: the id goes with errors that can take it and that can be serialized.
pub fn failure_of<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>, object_id: Option<String>) -> Failure {
    let exception = Exception::read(ctx, thrown);
    let is_dom = thrown.as_object().is_some_and(|object| is_dom(ctx, object));
    let takes_id = !is_dom && thrown.as_object().is_some_and(|object| is_extensible(ctx, object));
    let flags = thrown.as_object().map(|object| flags_of(ctx, object)).unwrap_or_default();
    // What is no object arrives as an Error with its text.
    let thrown = thrown.as_object().and_then(|object| {
        let mut bytes = Vec::new();
        match serialize(ctx, object.as_value(), &Thrown, &mut bytes) {
            Ok(()) => Some(bytes),
            Err(_) => {
                drop(ctx.catch());
                None
            }
        }
    });
    let flags = std::iter::once("remote").chain(flags).collect();
    let object_id = object_id.filter(|_| takes_id && thrown.is_some());
    Failure { exception, thrown, flags, object_id, is_dom }
}

fn dom_exception<'js>(ctx: &Ctx<'js>) -> Option<rquickjs::Constructor<'js>> {
    let class = ctx.globals().get("DOMException");
    class.ok().or_else(|| {
        drop(ctx.catch());
        None
    })
}

/// Whether `object` is a DOMException.
pub fn is_dom<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> bool {
    object.is_error() && dom_exception(ctx).is_some_and(|class| object.is_instance_of(&class))
}

fn is_extensible<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> bool {
    let is =
        || ctx.globals().get::<_, Object<'js>>("Object")?.get::<_, rquickjs::Function<'js>>("isExtensible");
    let answer: rquickjs::Result<bool> = is().and_then(|is| is.call((object.clone(),)));
    answer.unwrap_or_else(|_| {
        drop(ctx.catch());
        true
    })
}

/// The DOMException that a caller sees for `exception`.
fn dom_of<'js>(ctx: &Ctx<'js>, exception: &Exception) -> Option<Object<'js>> {
    let made = dom_exception(ctx)?.construct((exception.message.as_str(), exception.name.as_str()));
    made.ok().or_else(|| {
        drop(ctx.catch());
        None
    })
}

/// Flags that travel with an error.
const TRAVELLING: &[&str] = &["retryable", "overloaded", "durableObjectReset"];

fn flags_of(ctx: &Ctx<'_>, object: &Object<'_>) -> Vec<&'static str> {
    let set = |flag: &&&'static str| match object.get::<_, Coerced<bool>>(**flag) {
        Ok(Coerced(is_set)) => is_set,
        Err(_) => {
            drop(ctx.catch());
            false
        }
    };
    TRAVELLING.iter().filter(set).copied().collect()
}

/// Gives an error that was made here, and has no stack of user code, the stack's first line.
///
/// Fidelity: on the platform every stack begins with the error's name and message.
fn show_headline(object: &Object<'_>) {
    let text = |key: &str| object.get::<_, Option<String>>(key).ok().flatten().unwrap_or_default();
    if !object.is_error() || !text("stack").is_empty() {
        return;
    }
    let (name, message) = (text("name"), text("message"));
    let headline = if message.is_empty() { name } else { format!("{name}: {message}") };
    let _ = object.prop("stack", Property::from(headline).writable().configurable());
}

/// The error that a caller sees for `failure`.
pub fn error_of<'js>(ctx: &Ctx<'js>, failure: &Failure) -> Value<'js> {
    let dom = if failure.is_dom { dom_of(ctx, &failure.exception) } else { None };
    let revived = failure.thrown.as_ref().filter(|_| dom.is_none()).and_then(|bytes| {
        match deserialize(ctx, bytes, &Thrown) {
            Ok(value) => value.into_object(),
            Err(_) => {
                drop(ctx.catch());
                None
            }
        }
    });
    let object = dom.or(revived).or_else(|| {
        let message = if failure.exception.name.is_empty() || failure.exception.name == "Error" {
            failure.exception.message.clone()
        } else {
            failure.exception.headline()
        };
        make_error(ctx, &OpError::new(message)).ok()?.into_object()
    });
    let Some(object) = object else { return Value::new_undefined(ctx.clone()) };
    // Deviation: the platform gives the place where the error arrived; the place where it was thrown is what
    // a developer looks for.
    if object.as_value().is_error() && !failure.exception.stack.is_empty() {
        let stack = format!("{}\n{}", failure.exception.headline(), failure.exception.stack);
        let _ = object.prop("stack", Property::from(stack).writable().configurable());
    }
    for flag in &failure.flags {
        let _ = object.set(*flag, true);
    }
    show_headline(&object);
    if let Some(id) = &failure.object_id {
        let _ = object.set("durableObjectId", id.as_str());
    }
    object.into_value()
}
