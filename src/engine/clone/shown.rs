//! How V8 shows a value in messages of its own, where nothing of the program may run: getters and Proxy traps are passed over.
//!
//! Fidelity: recorded from workerd for what cannot be cloned, and for what is thrown across RPC; see the tests and
//! `fixtures/rpc-values`.

use rquickjs::{Ctx, Value, qjs};

use super::CloneError;
use super::class;
use super::raw::{self, Atom, Owned, Raw};

/// Longest text of a function that is shown whole, characters.
const TEXT_MAX: usize = 128;

/// `value` as V8 shows it.
///
/// # Errors
/// `Thrown` when memory runs out.
pub fn shown<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Result<String, CloneError> {
    display(ctx.as_raw().as_ptr(), value.as_raw())
}

/// The same for a raw value.
pub(super) fn display(ctx: Raw, value: qjs::JSValue) -> Result<String, CloneError> {
    if raw::tag_of(value) == qjs::JS_TAG_SYMBOL {
        let description = raw::get(ctx, value, c"description")?;
        let description = match raw::is_string(description.get()) {
            true => raw::text_of(ctx, description.get())?,
            false => String::new(),
        };
        return Ok(format!("Symbol({description})"));
    }
    if !raw::is_object(value) {
        // SAFETY: makes a string of a primitive.
        let text = Owned::taken(ctx, unsafe { qjs::JS_ToString(ctx, value) })?;
        return raw::text_of(ctx, text.get());
    }
    let Some(object) = behind_proxies(ctx, value)? else { return Ok("null".into()) };
    // SAFETY: asks a live object.
    if unsafe { qjs::JS_IsFunction(ctx, object.get()) } {
        return function_text(ctx, object.get());
    }
    let to_string = inherited(ctx, object.get(), &Atom::from_ascii(ctx, b"toString")?)?;
    let is_that_of = |class: u32| -> Result<bool, CloneError> {
        let own =
            raw::own_data(ctx, class::prototype(ctx, class)?.get(), &Atom::from_ascii(ctx, b"toString")?)?;
        Ok(match (&own, &to_string) {
            (Some(own), Some(found)) => {
                raw::is_object(found.get()) && raw::address(own.get()) == raw::address(found.get())
            }
            _ => false,
        })
    };
    if class::of(object.get()) == class::ERROR || is_that_of(class::ERROR)? {
        return error_text(ctx, object.get());
    }
    if class::is_global(ctx, object.get()) {
        return Ok("#<ServiceWorkerGlobalScope>".into());
    }
    if is_that_of(class::OBJECT)?
        && let Some(name) = constructor_name(ctx, object.get())?
    {
        return Ok(format!("#<{name}>"));
    }
    Ok(format!(
        "[object {}]",
        tag_name(ctx, value)?.map_or_else(|| class_name(ctx, value).map(str::to_owned), Ok)?
    ))
}

/// What `object` stands for, if it is a Proxy; nothing if one was revoked.
fn behind_proxies(ctx: Raw, object: qjs::JSValue) -> Result<Option<Owned>, CloneError> {
    let mut object = Owned::copied(ctx, object);
    while raw::is_object(object.get()) && class::of(object.get()) == class::PROXY {
        // SAFETY: asks a live Proxy; the result is owned. A revoked one has no target.
        match Owned::taken(ctx, unsafe { qjs::JS_GetProxyTarget(ctx, object.get()) }) {
            Ok(target) => object = target,
            Err(_) => {
                raw::forget_exception(ctx);
                return Ok(None);
            }
        }
    }
    Ok(Some(object))
}

/// Name and message of an error, where they are texts.
fn error_text(ctx: Raw, error: qjs::JSValue) -> Result<String, CloneError> {
    let text = |name: &[u8]| -> Result<Option<String>, CloneError> {
        let found = inherited(ctx, error, &Atom::from_ascii(ctx, name)?)?;
        found.filter(|text| raw::is_string(text.get())).map(|text| raw::text_of(ctx, text.get())).transpose()
    };
    let (name, message) =
        (text(b"name")?.unwrap_or_else(|| "Error".into()), text(b"message")?.unwrap_or_default());
    Ok(match (name.is_empty(), message.is_empty()) {
        (true, _) => message,
        (false, true) => name,
        (false, false) => format!("{name}: {message}"),
    })
}

/// V8's name for what `object` is in itself. It has none for views of buffers whose length may change.
fn class_name(ctx: Raw, object: qjs::JSValue) -> Result<&'static str, CloneError> {
    Ok(match class::of(object) {
        class::ARRAY => "Array",
        class::DATE => "Date",
        class::REGEXP => "RegExp",
        class::STRING => "String",
        class::NUMBER => "Number",
        class::BOOLEAN => "Boolean",
        number if class::TYPED_ARRAYS.contains(&number) => {
            match raw::is_resizable(ctx, raw::get(ctx, object, c"buffer")?.get())? {
                true => "Object",
                false => {
                    class::TYPED_ARRAY_KINDS[(number - class::TYPED_ARRAYS.start()) as usize].class_name()
                }
            }
        }
        _ => "Object",
    })
}

/// `Symbol.toStringTag`, if it is text and no getter.
pub(super) fn tag_name(ctx: Raw, object: qjs::JSValue) -> Result<Option<String>, CloneError> {
    let symbol = class::global(ctx, c"Symbol")?;
    let symbol = raw::get(ctx, symbol.get(), c"toStringTag")?;
    let tag = inherited(ctx, object, &Atom::from_value(ctx, &symbol)?)?;
    tag.filter(|tag| raw::is_string(tag.get())).map(|tag| raw::text_of(ctx, tag.get())).transpose()
}

/// The constructor's name, if there is one that has a name.
pub(super) fn constructor_name(ctx: Raw, object: qjs::JSValue) -> Result<Option<String>, CloneError> {
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
