//! Host data that JavaScript holds without seeing into it; dropped when JavaScript drops it.

use std::ops::Deref;

use rquickjs::class::{JsClass, Readable, Trace, Tracer};
use rquickjs::function::Constructor;
use rquickjs::{Class, Ctx, JsLifetime};

/// Data that may be put into a [`Handle`]. It holds no JavaScript values.
pub trait HandleData: 'static {
    /// The name of the class of its handles.
    const NAME: &'static str;
}

/// A JavaScript object around `T`, without properties or constructor.
pub struct Handle<T: HandleData>(T);

impl<T: HandleData> Handle<T> {
    /// Hands `data` to JavaScript.
    pub fn give<'js>(ctx: &Ctx<'js>, data: T) -> rquickjs::Result<Class<'js, Self>> {
        Class::instance(ctx.clone(), Self(data))
    }
}

impl<T: HandleData> Deref for Handle<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'js, T: HandleData> Trace<'js> for Handle<T> {
    fn trace<'a>(&self, _: Tracer<'a, 'js>) {}
}

// SAFETY: the data holds no JavaScript values (`HandleData`), so it is the same type for every lifetime.
unsafe impl<T: HandleData> JsLifetime<'_> for Handle<T> {
    type Changed<'to> = Handle<T>;
}

impl<'js, T: HandleData> JsClass<'js> for Handle<T> {
    const NAME: &'static str = T::NAME;
    type Mutable = Readable;

    fn constructor(_: &Ctx<'js>) -> rquickjs::Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}
