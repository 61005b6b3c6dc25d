//! Errors on their way to a caller, and values on their way into storage.
//!
//! What was thrown is data as storage takes it: functions and targets in it are not exported, an error that has some arrives
//! as its text.

use rquickjs::object::Property;
use rquickjs::{Coerced, Ctx, Object, Value};

use crate::engine::{Host, OpError};

use crate::engine::clone::{ErrorForm, Stacks, deserialize, serialize, shown};
use crate::engine::exception::{Exception, make_error};
use crate::objects::{Failure, OVERLOADED, REMOTE, RETRYABLE};
use crate::web::structured_clone::{Plain, throw_clone};

/// Serializes a value to be kept, in an object's storage if it is to be `stored` there, with errors in the form `errors`.
pub fn write_stored<'js>(
    ctx: &Ctx<'js>,
    host: &Host,
    value: &Value<'js>,
    errors: ErrorForm,
    stored: bool,
) -> rquickjs::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(32);
    serialize(ctx, value, &Plain { host, errors, stacks: Stacks::Listed, stored }, &mut bytes)
        .map_err(|error| throw_clone(ctx, error))?;
    Ok(bytes)
}

/// Reads a stored value.
pub fn read_stored<'js>(ctx: &Ctx<'js>, host: &Host, bytes: &[u8]) -> rquickjs::Result<Value<'js>> {
    read_plain(ctx, host, bytes, Stacks::Listed)
}

fn read_plain<'js>(
    ctx: &Ctx<'js>,
    host: &Host,
    bytes: &[u8],
    stacks: Stacks,
) -> rquickjs::Result<Value<'js>> {
    deserialize(ctx, bytes, &Plain { host, errors: ErrorForm::HostObject, stacks, stored: false })
        .map_err(|error| throw_clone(ctx, error))
}

/// What was thrown, as a failure for the caller.
///
/// Fidelity: what can be stored travels as a value, everything else as V8 shows it (`tryUnwrap` of exceptions in
/// `src/workerd/jsg/value.h`). Workers before `enhanced_error_serialization` send and take nothing but that text.
pub fn failure_of<'js>(ctx: &Ctx<'js>, host: &Host, thrown: &Value<'js>) -> Failure {
    let exception = Exception::read(ctx, thrown);
    let is_dom = thrown.as_object().is_some_and(|object| is_dom(ctx, object));
    let flag = thrown.as_object().and_then(|object| flag_of(ctx, object));
    // What is no object arrives as an Error with its text.
    let as_value = thrown.is_object() && host.error_form() == ErrorForm::HostObject;
    let written = as_value.then(|| write_stored(ctx, host, thrown, ErrorForm::HostObject, false));
    let sent = written.and_then(|written| written.map_err(|_| drop(ctx.catch())).ok());
    let shown = match sent {
        Some(_) if !host.knows_native_errors() => None,
        _ => shown(ctx, thrown).map_err(|_| drop(ctx.catch())).ok(),
    };
    let told = shown.map(|shown| told(thrown, shown));
    let flags = std::iter::once(REMOTE).chain(flag).collect();
    Failure { exception, thrown: sent, told, flags, object_id: None, is_dom, is_known: false }
}

/// Classes of errors that keep their class without being serialized.
const CLASSES: &[&str] = &[
    "Error",
    "RangeError",
    "TypeError",
    "SyntaxError",
    "ReferenceError",
    "AggregateError",
    "SuppressedError",
    "URIError",
    "EvalError",
];

/// Class and message of the error that tells of `thrown`, which shows as `shown`.
///
/// Fidelity: the class is read off the text of every object; behind it comes a colon, or nothing is told.
fn told(thrown: &Value<'_>, shown: String) -> (&'static str, String) {
    let class = CLASSES.iter().find(|class| thrown.is_object() && shown.starts_with(**class));
    match class {
        None => ("Error", shown),
        Some(class) => {
            let rest = shown[class.len()..].strip_prefix(':').unwrap_or_default();
            (class, rest.trim_start_matches(' ').to_owned())
        }
    }
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

/// The DOMException that a caller sees for `exception`.
fn dom_of<'js>(ctx: &Ctx<'js>, exception: &Exception) -> Option<Object<'js>> {
    let made = dom_exception(ctx)?.construct((exception.message.as_str(), exception.name.as_str()));
    made.ok().or_else(|| {
        drop(ctx.catch());
        None
    })
}

/// The flag that travels with what was thrown: whether trying again may help.
fn flag_of(ctx: &Ctx<'_>, object: &Object<'_>) -> Option<&'static str> {
    let is_set = |flag: &&'static str| match object.get::<_, Coerced<bool>>(*flag) {
        Ok(Coerced(is_set)) => is_set,
        Err(_) => {
            drop(ctx.catch());
            false
        }
    };
    [OVERLOADED, RETRYABLE].into_iter().find(is_set)
}

/// An error of a class that is about other errors, without any.
fn collecting_error<'js>(ctx: &Ctx<'js>, class: &str, message: &str) -> rquickjs::Result<Object<'js>> {
    let made: rquickjs::Constructor<'js> = ctx.globals().get(class)?;
    let none = Value::new_undefined(ctx.clone());
    let error: Object<'js> = match class {
        "AggregateError" => made.construct((rquickjs::Array::new(ctx.clone())?, message))?,
        _ => made.construct((none.clone(), none, message))?,
    };
    ["errors", "error", "suppressed"].iter().try_for_each(|name| error.remove(*name))?;
    Ok(error)
}

/// Gives an error that was made here, and has no stack of user code, the stack's first line.
///
/// Fidelity: on the platform every stack begins with the error's name and message, and what is thrown does not list it as a copy
/// does.
fn show_headline(object: &Object<'_>) {
    if !object.is_error() {
        return;
    }
    let stack = text_of(object, "stack");
    set_stack(object, if stack.is_empty() { headline_of(object) } else { stack });
}

/// What the stack of `error` begins with.
fn headline_of(error: &Object<'_>) -> String {
    let (name, message) = (text_of(error, "name"), text_of(error, "message"));
    if message.is_empty() { name } else { format!("{name}: {message}") }
}

fn text_of(object: &Object<'_>, key: &str) -> String {
    object.get::<_, Option<String>>(key).ok().flatten().unwrap_or_default()
}

/// Gives an error `stack`, which is not listed.
fn set_stack(object: &Object<'_>, stack: String) {
    let _ = object.remove("stack");
    let _ = object.prop("stack", Property::from(stack).writable().configurable());
}

/// The error that a caller sees for `failure`.
pub fn error_of<'js>(ctx: &Ctx<'js>, host: &Host, failure: &Failure) -> Value<'js> {
    let dom = if failure.is_dom { dom_of(ctx, &failure.exception) } else { None };
    let takes_values = dom.is_none() && host.error_form() == ErrorForm::HostObject;
    let revived = failure.thrown.as_ref().filter(|_| takes_values).and_then(|bytes| {
        let read = read_plain(ctx, host, bytes, Stacks::Hidden).map_err(|_| drop(ctx.catch()));
        read.ok().and_then(Value::into_object)
    });
    let object = dom.or(revived).or_else(|| {
        let error = match &failure.told {
            Some((class @ ("AggregateError" | "SuppressedError"), message)) => {
                return collecting_error(ctx, class, message).map_err(|_| drop(ctx.catch())).ok();
            }
            Some((class, message)) => OpError::of(class, message.clone()),
            None if matches!(&*failure.exception.name, "" | "Error") => {
                OpError::new(failure.exception.message.clone())
            }
            None => OpError::new(failure.exception.headline()),
        };
        make_error(ctx, &error).ok()?.into_object()
    });
    let Some(object) = object else { return Value::new_undefined(ctx.clone()) };
    // Deviation: the platform gives the place where the error arrived; the place where it was thrown is what
    // a developer looks for.
    if object.as_value().is_error() && !failure.exception.stack.is_empty() {
        let stack = format!("{}\n{}", headline_of(&object), failure.exception.stack);
        let _ = object.set("stack", stack);
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
