//! Iterators over a cursor's rows, as objects and as arrays.

use std::rc::Rc;

use rquickjs::{Class, Ctx, Function, Object, Value};

use crate::engine::handle::{Handle, HandleData};
use crate::engine::iterator::{HostIterator, Iteration, next_function};
use crate::engine::records::Records;
use crate::objects::Objects;

use super::{Cursor, CursorHandle, array, object, step};

/// The rows of a cursor.
struct Rows {
    objects: Rc<Objects>,
    /// The object that the cursor belongs to.
    slot: u32,
    cursor: Rc<Cursor>,
}

impl HandleData for Rows {
    const NAME: &'static str = "SqlRows";
}

impl Iteration for Rows {
    fn next<'js>(
        &self,
        ctx: &Ctx<'js>,
        records: Option<&Records<'js>>,
    ) -> rquickjs::Result<Option<Value<'js>>> {
        step(ctx, &self.objects, self.slot, &self.cursor, |row| match records {
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
        HostIterator::give(Rows { objects: objects.clone(), slot, cursor }, records, prototype)
    };
    host.set("sqlIterate", Function::new(ctx.clone(), iterate)?)
}
