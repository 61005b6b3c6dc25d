//! Iterators whose steps the host makes.
//!
//! The engine asks its own iterators for a step without an object around each result; a function made here is one of
//! those, so a loop over what the host gives costs as little as one over an array's entries.

use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use rquickjs::class::{JsClass, Readable, Trace, Tracer};
use rquickjs::function::Constructor;
use rquickjs::{Class, Ctx, Error, Function, JsLifetime, Object, Result, Value, qjs};

use super::exception::throw;
use super::handle::HandleData;
use super::ops::OpError;
use super::records::Records;

/// What a method says that is called on what it does not belong to. Fidelity: workerd's text.
const ILLEGAL_INVOCATION: &str = "Illegal invocation: function called with incorrect `this` reference. See \
    https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.";

/// What an iterator goes over.
pub trait Iteration: HandleData {
    /// The next value, which may be one of `records`; `None` at the end, and each time after it.
    ///
    /// # Errors
    /// What is to be thrown, which ends the iteration.
    fn next<'js>(&self, ctx: &Ctx<'js>, records: Option<&Records<'js>>) -> Result<Option<Value<'js>>>;
}

/// An iterator over `I`.
pub struct HostIterator<'js, I: Iteration> {
    over: I,
    records: Option<Records<'js>>,
}

impl<'js, I: Iteration> HostIterator<'js, I> {
    /// Hands an iterator to JavaScript; [`next_function`] gives its `prototype` what it needs.
    ///
    /// # Errors
    /// Throws when no memory is left.
    pub fn give(over: I, records: Option<Records<'js>>, prototype: Object<'js>) -> Result<Class<'js, Self>> {
        Class::instance_proto(Self { over, records }, prototype)
    }
}

impl<'js, I: Iteration> Trace<'js> for HostIterator<'js, I> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        if let Some(records) = &self.records {
            records.trace(tracer);
        }
    }
}

// SAFETY: what it goes over holds no JavaScript values (`HandleData`); the rest differs in its lifetime alone.
unsafe impl<'js, I: Iteration> JsLifetime<'js> for HostIterator<'js, I> {
    type Changed<'to> = HostIterator<'to, I>;
}

impl<'js, I: Iteration> JsClass<'js> for HostIterator<'js, I> {
    const NAME: &'static str = I::NAME;
    type Mutable = Readable;

    fn constructor(_: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }
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
        let Ok(iterator) = Class::<HostIterator<'_, I>>::from_value(&this) else {
            throw(&ctx, &OpError::of("TypeError", ILLEGAL_INVOCATION));
            return None;
        };
        let stepped = {
            let iterator = iterator.borrow();
            iterator.over.next(&ctx, iterator.records.as_ref())
        };
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
