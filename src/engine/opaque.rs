//! Rust values that JavaScript holds and hands back, without looking inside.
//!
//! They hold no JavaScript values, and are dropped when JavaScript forgets them.

use std::any::Any;

use rquickjs::class::{JsClass, Readable, Trace, Tracer};
use rquickjs::function::Constructor;
use rquickjs::{Class, Ctx, JsLifetime, Result, Value};

use super::exception::throw;
use super::ops::OpError;

/// A value of any type, as an object without properties.
pub struct Opaque(Box<dyn Any>);

impl<'js> Trace<'js> for Opaque {
    fn trace<'a>(&self, _: Tracer<'a, 'js>) {}
}

// SAFETY: the type holds no JavaScript values, so it is the same type for every lifetime.
unsafe impl JsLifetime<'_> for Opaque {
    type Changed<'to> = Opaque;
}

impl<'js> JsClass<'js> for Opaque {
    const NAME: &'static str = "HostValue";
    type Mutable = Readable;

    fn constructor(_: &Ctx<'js>) -> Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}

impl Opaque {
    /// Hands `value` to JavaScript.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn give<'js, T: Any>(ctx: &Ctx<'js>, value: T) -> Result<Value<'js>> {
        Ok(Class::instance(ctx.clone(), Self(Box::new(value)))?.into_value())
    }

    /// Looks at the `T` that JavaScript hands back.
    ///
    /// # Errors
    /// Throws a TypeError when it is something else.
    pub fn look<'js, T: Any, R>(ctx: &Ctx<'js>, value: &Value<'js>, look: impl FnOnce(&T) -> R) -> Result<R> {
        let class = value.as_object().and_then(|object| object.as_class::<Self>());
        let found = class.and_then(|class| class.borrow().0.downcast_ref::<T>().map(look));
        found.ok_or_else(|| throw(ctx, &OpError::of("TypeError", "Illegal invocation")))
    }
}
