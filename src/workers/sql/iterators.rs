//! Iterators over a cursor's rows, as objects and as arrays.

use std::rc::Rc;

use rquickjs::class::{JsClass, Readable, Trace, Tracer};
use rquickjs::function::Constructor;
use rquickjs::{Class, Ctx, Function, JsLifetime, Object, Value};

use crate::engine::handle::Handle;
use crate::engine::iterator::{Iteration, next_function};
use crate::engine::records::Records;
use crate::objects::Objects;

use super::{Cursor, CursorHandle, array, object, step};

/// An iterator over the rows of a cursor.
struct RowIterator<'js> {
    objects: Rc<Objects>,
    /// The object that the cursor belongs to.
    slot: u32,
    cursor: Rc<Cursor>,
    /// What rows become objects with; without it they become arrays.
    records: Option<Records<'js>>,
}

impl<'js> Trace<'js> for RowIterator<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        if let Some(records) = &self.records {
            records.trace(tracer);
        }
    }
}

// SAFETY: the type differs in its lifetime alone.
unsafe impl<'js> JsLifetime<'js> for RowIterator<'js> {
    type Changed<'to> = RowIterator<'to>;
}

impl<'js> JsClass<'js> for RowIterator<'js> {
    const NAME: &'static str = "SqlRowIterator";
    type Mutable = Readable;

    fn constructor(_: &Ctx<'js>) -> rquickjs::Result<Option<Constructor<'js>>> {
        Ok(None)
    }
}

/// Going over rows.
struct Rows;

impl Iteration for Rows {
    type Iterator<'js> = RowIterator<'js>;

    fn next<'js>(rows: &RowIterator<'js>, ctx: &Ctx<'js>) -> rquickjs::Result<Option<Value<'js>>> {
        step(ctx, &rows.objects, rows.slot, &rows.cursor, |row| match &rows.records {
            Some(records) => object(ctx, records, row),
            None => array(ctx, row),
        })
    }
}

/// Installs `sqlIterate(slot, cursor, prototype, raw)`, an iterator with that prototype whose rows are arrays if `raw`, and
/// `sqlIteratorNext`, the function `next` for prototypes.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    host.set("sqlIteratorNext", next_function::<Rows>(ctx)?)?;
    let objects = objects.clone();
    let iterate = move |ctx: Ctx<'js>,
                        slot: u32,
                        cursor: Class<'js, Handle<CursorHandle>>,
                        prototype: Object<'js>,
                        raw: bool| {
        let cursor = Rc::clone(&cursor.borrow());
        let records = if raw { None } else { Some(cursor.records(&ctx)?) };
        Class::instance_proto(RowIterator { objects: objects.clone(), slot, cursor, records }, prototype)
    };
    host.set("sqlIterate", Function::new(ctx.clone(), iterate)?)
}
