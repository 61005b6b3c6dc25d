//! `Symbol.dispose`, which the binding has no name for.

use rquickjs::{Ctx, Error, Function, Object, Result, Value, qjs};

/// What stands under `Symbol.dispose`: its own or inherited.
///
/// # Errors
/// Throws what a getter throws.
pub fn disposer_of<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Result<Value<'js>> {
    // SAFETY: the object is a live one of the entered context, and the result is a reference of its own, which the `Value` takes
    // over.
    unsafe {
        let raw = qjs::JS_GetProperty(ctx.as_raw().as_ptr(), object.as_value().as_raw(), ATOM);
        match qjs::JS_IsException(raw) {
            true => Err(Error::Exception),
            false => Ok(Value::from_raw(ctx.clone(), raw)),
        }
    }
}

/// Makes `disposer` what disposes `object`, which is writable and not enumerable.
///
/// # Errors
/// Throws where the object does not take it.
pub fn set_disposer<'js>(ctx: &Ctx<'js>, object: &Object<'js>, disposer: Function<'js>) -> Result<()> {
    const FLAGS: std::ffi::c_int =
        (qjs::JS_PROP_WRITABLE | qjs::JS_PROP_CONFIGURABLE | qjs::JS_PROP_THROW) as _;
    // SAFETY: object and function are live ones of the entered context; the engine takes over the reference that is made for it.
    let defined = unsafe {
        let disposer = qjs::JS_DupValue(ctx.as_raw().as_ptr(), disposer.as_value().as_raw());
        qjs::JS_DefinePropertyValue(ctx.as_raw().as_ptr(), object.as_value().as_raw(), ATOM, disposer, FLAGS)
    };
    if defined < 0 { Err(Error::Exception) } else { Ok(()) }
}

const ATOM: qjs::JSAtom = qjs::JS_ATOM_Symbol_dispose as qjs::JSAtom;
