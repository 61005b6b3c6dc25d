//! Iterators whose steps the host makes.
//!
//! The engine asks its own iterators for a step without an object around each result; a function made here is one of
//! those, so a loop over what the host gives costs as little as one over an array's entries.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use rquickjs::class::JsClass;
use rquickjs::{Class, Ctx, Error, Function, Result, Value, qjs};

use super::exception::throw;
use super::ops::OpError;

/// What a method says that is called on what it does not belong to. Fidelity: workerd's text.
const ILLEGAL_INVOCATION: &str = "Illegal invocation: function called with incorrect `this` reference. See \
    https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.";

/// What an iterator goes over.
pub trait Iteration: 'static {
    /// The class of the iterators themselves.
    type Iterator<'js>: JsClass<'js>;

    /// The next value; `None` at the end, and each time after it.
    ///
    /// # Errors
    /// What is to be thrown, which ends the iteration.
    fn next<'js>(iterator: &Self::Iterator<'js>, ctx: &Ctx<'js>) -> Result<Option<Value<'js>>>;
}

/// The function `next` for the prototype of such iterators.
///
/// # Errors
/// Throws when no memory is left.
pub fn next_function<'js, I: Iteration>(ctx: &Ctx<'js>) -> Result<Function<'js>> {
    let function = qjs::JSCFunctionType { iterator_next: Some(next::<I>) };
    // SAFETY: all members of the union are function pointers of one size, and the engine calls the function as the kind says.
    let function = unsafe { function.generic };
    // SAFETY: the context is alive; the name is a terminated string, which is copied; the value is owned by the result.
    let value = unsafe {
        let kind = qjs::JSCFunctionEnum_JS_CFUNC_iterator_next;
        let value = qjs::JS_NewCFunction2(ctx.as_raw().as_ptr(), function, c"next".as_ptr(), 0, kind, 0);
        if qjs::JS_VALUE_GET_NORM_TAG(value) == qjs::JS_TAG_EXCEPTION {
            return Err(Error::Exception);
        }
        Value::from_raw(ctx.clone(), value)
    };
    Function::from_value(value)
}

/// What the engine calls for a step: sets `done` and returns a value, or throws.
unsafe extern "C" fn next<I: Iteration>(
    ctx: *mut qjs::JSContext,
    this: qjs::JSValue,
    _count: c_int,
    _arguments: *mut qjs::JSValue,
    done: *mut c_int,
    _magic: c_int,
) -> qjs::JSValue {
    let stepped = catch_unwind(AssertUnwindSafe(|| {
        let raw = NonNull::new(ctx).expect("the engine passes its context");
        // SAFETY: the engine runs in this context, on this thread, until this returns.
        let ctx = unsafe { Ctx::from_raw(raw) };
        // SAFETY: `this` is alive during the call; the value has a reference of its own.
        let this = unsafe { Value::from_raw(ctx.clone(), qjs::JS_DupValue(raw.as_ptr(), this)) };
        let Ok(iterator) = Class::<I::Iterator<'_>>::from_value(&this) else {
            throw(&ctx, &OpError::of("TypeError", ILLEGAL_INVOCATION));
            return None;
        };
        let stepped = I::next(&iterator.borrow(), &ctx);
        match stepped {
            // SAFETY: one reference more, which the engine takes over; the value's own is dropped here.
            Ok(value) => Some(value.map(|value| unsafe { qjs::JS_DupValue(raw.as_ptr(), value.as_raw()) })),
            Err(Error::Exception) => None,
            Err(error) => {
                throw(&ctx, &OpError::new(error.to_string()));
                None
            }
        }
    }));
    let stepped = stepped.unwrap_or_else(|_| {
        // SAFETY: the engine's context; format and text are terminated strings.
        unsafe {
            qjs::JS_ThrowInternalError(ctx, c"%s".as_ptr(), c"a step of an iterator panicked".as_ptr())
        };
        None
    });
    let (is_done, value) = match stepped {
        Some(Some(value)) => (0, value),
        Some(None) => (1, qjs::JS_MKVAL(qjs::JS_TAG_UNDEFINED, 0)),
        None => (0, qjs::JS_MKVAL(qjs::JS_TAG_EXCEPTION, 0)),
    };
    // SAFETY: a place of the engine's for the answer.
    unsafe { *done = is_done };
    value
}
