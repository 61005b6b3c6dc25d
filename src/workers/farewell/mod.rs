//! `[onHibernate]`: calling the handler of an object whose instance is to go (`objects/farewell.rs`).

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object};

use crate::engine::turn::Entered;
use crate::objects::{Leaving, Objects, Slot, Target};

/// `host.bidsFarewell(slot)`.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    let objects = objects.clone();
    let note = move |slot: u32| objects.note_farewell(Slot(slot));
    host.set("bidsFarewell", Function::new(ctx.clone(), note)?)
}

/// Enters the handler; what it throws is reported and changes nothing.
pub(super) fn enter<'js>(
    objects: &Rc<Objects>,
    ctx: &Ctx<'js>,
    target: Target,
    reason: Leaving,
) -> Entered<'js> {
    let Target::Object(slot) = target else { unreachable!("only objects hibernate") };
    let called = objects.host.entry(ctx, "farewell").and_then(|entry| entry.call((slot.0, reason.reason())));
    let objects = objects.clone();
    Entered::Root(
        called,
        Box::new(move |ctx, result| {
            objects.end_farewell(slot);
            // Of an instance that was given up or reset the reason has been told.
            if let (Err(thrown), None) = (result, objects.current_failure()) {
                objects.host.violations.add_thrown(ctx, &thrown);
            }
        }),
    )
}
