//! Promises that the host settles.
//!
//! The engine's own way makes two functions for each, which are objects with properties; ours needs none (`build/quickjs.c`).

use rquickjs::{Ctx, Persistent, Promise, Result, Value, qjs};

unsafe extern "C" {
    /// A pending promise that only `dodev_settle_promise` settles; an exception where memory is used up.
    fn dodev_new_promise(ctx: *mut qjs::JSContext) -> qjs::JSValue;

    /// Rejects a pending promise with `value`, or resolves it: it follows `value` then, if that is a promise.
    fn dodev_settle_promise(
        ctx: *mut qjs::JSContext,
        promise: qjs::JSValue,
        value: qjs::JSValue,
        is_reject: bool,
    );
}

/// A pending promise, to be settled once. Dropped, it leaves the promise pending for ever.
pub struct Deferred(Persistent<Promise<'static>>);

impl Deferred {
    /// A promise for JavaScript, and what settles it.
    pub fn new<'js>(ctx: &Ctx<'js>) -> Result<(Self, Promise<'js>)> {
        // SAFETY: the context is entered; the reference that is handed out is the value's.
        let value = unsafe { Value::from_raw(ctx.clone(), dodev_new_promise(ctx.as_raw().as_ptr())) };
        let promise = value.into_promise().ok_or(rquickjs::Error::Exception)?;
        Ok((Self(Persistent::save(ctx, promise.clone())), promise))
    }

    /// Resolves the promise with `value`. To be called within a turn.
    pub fn resolve<'js>(self, ctx: &Ctx<'js>, value: &Value<'js>) -> Result<()> {
        self.settle(ctx, value, false)
    }

    /// Rejects the promise with `error`. To be called within a turn.
    pub fn reject<'js>(self, ctx: &Ctx<'js>, error: &Value<'js>) -> Result<()> {
        self.settle(ctx, error, true)
    }

    fn settle<'js>(self, ctx: &Ctx<'js>, value: &Value<'js>, is_reject: bool) -> Result<()> {
        let promise = self.0.restore(ctx)?;
        // SAFETY: the context is entered, and both values live until the call has returned.
        unsafe {
            dodev_settle_promise(ctx.as_raw().as_ptr(), promise.as_raw(), value.as_raw(), is_reject);
        }
        Ok(())
    }
}
