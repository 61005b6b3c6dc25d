//! The messages of DataCloneError: how V8 names a value that it does not clone.
//!
//! Nothing of the program runs for it: getters and Proxy traps are passed over.
//!
//! Fidelity: recorded from workerd for some sixty values, see the tests.

use rquickjs::qjs;

use super::CloneError;
use super::class;
use super::raw::{self, Atom, Owned, Raw};

/// Longest text of a function that is shown whole, characters.
const TEXT_MAX: usize = 128;

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

fn display(ctx: Raw, value: qjs::JSValue) -> Result<String, CloneError> {
    if raw::tag_of(value) == qjs::JS_TAG_SYMBOL {
        let description = raw::get(ctx, value, c"description")?;
        let description = match raw::is_string(description.get()) {
            true => raw::text_of(ctx, description.get())?,
            false => String::new(),
        };
        return Ok(format!("Symbol({description})"));
    }
    let mut object = Owned::copied(ctx, value);
    while raw::is_object(object.get()) && class::of(object.get()) == class::PROXY {
        // SAFETY: asks a live Proxy; the result is owned. A revoked one has no target.
        object = Owned::taken(ctx, unsafe { qjs::JS_GetProxyTarget(ctx, object.get()) })?;
    }
    if !raw::is_object(object.get()) {
        return Ok("[object Object]".into());
    }
    // SAFETY: asks a live object.
    if unsafe { qjs::JS_IsFunction(ctx, object.get()) } {
        return function_text(ctx, object.get());
    }
    let own = Atom::from_ascii(ctx, b"toString")?;
    let ordinary = raw::own_data(ctx, class::prototype(ctx, class::OBJECT)?.get(), &own)?;
    let to_string = inherited(ctx, object.get(), &own)?;
    let is_ordinary = match (&ordinary, &to_string) {
        (Some(ordinary), Some(to_string)) if raw::is_object(to_string.get()) => {
            raw::address(ordinary.get()) == raw::address(to_string.get())
        }
        _ => false,
    };
    if is_ordinary && let Some(name) = constructor_name(ctx, object.get())? {
        return Ok(format!("#<{name}>"));
    }
    let tag = tag_name(ctx, object.get())?;
    Ok(format!("[object {}]", tag.as_deref().unwrap_or("Object")))
}

/// The name of an object's class as V8 tells it: its tag, else its constructor's name.
fn type_name(ctx: Raw, object: qjs::JSValue) -> Result<String, CloneError> {
    if let Some(tag) = tag_name(ctx, object)? {
        return Ok(tag);
    }
    Ok(constructor_name(ctx, object)?.unwrap_or_else(|| "Object".into()))
}

/// `Symbol.toStringTag`, if it is text and no getter.
fn tag_name(ctx: Raw, object: qjs::JSValue) -> Result<Option<String>, CloneError> {
    let symbol = class::global(ctx, c"Symbol")?;
    let symbol = raw::get(ctx, symbol.get(), c"toStringTag")?;
    let tag = inherited(ctx, object, &Atom::from_value(ctx, &symbol)?)?;
    tag.filter(|tag| raw::is_string(tag.get())).map(|tag| raw::text_of(ctx, tag.get())).transpose()
}

/// The constructor's name, if there is one that has a name.
fn constructor_name(ctx: Raw, object: qjs::JSValue) -> Result<Option<String>, CloneError> {
    let Some(constructor) = inherited(ctx, object, &Atom::from_ascii(ctx, b"constructor")?)? else {
        // That of promises is a getter of our own (`engine/promise_owners.rs`).
        return Ok((class::of(object) == class::PROMISE).then(|| "Promise".into()));
    };
    // SAFETY: asks a live value.
    if !unsafe { qjs::JS_IsFunction(ctx, constructor.get()) } {
        return Ok(None);
    }
    Ok(Some(function_name(ctx, constructor.get())?).filter(|name| !name.is_empty()))
}

fn function_name(ctx: Raw, function: qjs::JSValue) -> Result<String, CloneError> {
    let name = raw::own_data(ctx, function, &Atom::from_ascii(ctx, b"name")?)?;
    match name.filter(|name| raw::is_string(name.get())) {
        Some(name) => raw::text_of(ctx, name.get()),
        None => Ok(String::new()),
    }
}

/// A function's source, shortened. One without source shows in V8's form.
fn function_text(ctx: Raw, function: qjs::JSValue) -> Result<String, CloneError> {
    let text = match class::of(function) {
        class::BOUND_FUNCTION => "function () { [native code] }".into(),
        _ => {
            let text = class::call(ctx, class::FUNCTION, c"toString", function, &mut [])?;
            let text = raw::text_of(ctx, text.get())?;
            match text.contains("[native code]") && text.starts_with("function ") {
                true => format!("function {}() {{ [native code] }}", function_name(ctx, function)?),
                false => text,
            }
        }
    };
    let units: Vec<u16> = text.encode_utf16().collect();
    if units.len() <= TEXT_MAX {
        return Ok(text);
    }
    let (head, tail) = (&units[..TEXT_MAX - 17], &units[units.len() - 2..]);
    Ok(format!("{}...<omitted>...{}", String::from_utf16_lossy(head), String::from_utf16_lossy(tail)))
}

/// The first property of this name along the prototypes, if it is no getter.
fn inherited(ctx: Raw, object: qjs::JSValue, name: &Atom) -> Result<Option<Owned>, CloneError> {
    let mut object = Owned::copied(ctx, object);
    while raw::is_object(object.get()) && class::of(object.get()) != class::PROXY {
        if raw::has_own(ctx, object.get(), name.get())? {
            return raw::own_data(ctx, object.get(), name);
        }
        // SAFETY: asks a live object that is no Proxy; the result is owned.
        object = Owned::taken(ctx, unsafe { qjs::JS_GetPrototype(ctx, object.get()) })?;
    }
    Ok(None)
}
