//! Looks behind a Proxy without running its traps.
//!
//! The prelude's stubs are proxies whose handlers hold what they stand for. Asking a proxy itself would
//! run user code where the proxy is the user's.

use rquickjs::{Ctx, Object, Value, qjs};

/// The handler of `value` if it is a Proxy that was not revoked.
pub fn handler_of<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Option<Object<'js>> {
    // SAFETY: asks a live value for its class.
    if !unsafe { qjs::JS_IsProxy(value.as_raw()) } {
        return None;
    }
    // SAFETY: the context is entered on this thread, the value is a live Proxy of it, and the result is a
    // reference of its own, which the `Value` takes over.
    let handler = unsafe {
        let raw = qjs::JS_GetProxyHandler(ctx.as_raw().as_ptr(), value.as_raw());
        Value::from_raw(ctx.clone(), raw)
    };
    match handler.into_object() {
        Some(handler) => Some(handler),
        None => {
            // A revoked Proxy has no handler.
            drop(ctx.catch());
            None
        }
    }
}
