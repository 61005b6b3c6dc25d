//! Alarms on their way between the program and the objects' clock.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Value};

use crate::base::clock::Timestamp;
use crate::engine::SectionId;
use crate::engine::exception::Exception;
use crate::engine::turn::Entered;
use crate::objects::{Failure, Objects, RESET, Slot, Target};

use super::arguments::{reset_with, store_of, throw_storage};

/// Fidelity: workerd's text.
const FACET_ALARM: &str = "Facets currently cannot set alarms.";

/// `host.getAlarm(slot)`, `host.setAlarm(slot, ms)`, `host.deleteAlarm(slot)`,
/// `host.warnOfAlarm(slot, text)`.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let get = move |ctx: Ctx<'js>, slot: u32| {
        let store = store_of(&ctx, &shared, slot)?;
        // Fidelity: workerd `ActorSqlite::getAlarm`: the alarm that runs is no longer seen by its handler.
        if shared.alarms.is_hidden(Slot(slot)) {
            return Ok(Value::new_null(ctx.clone()));
        }
        let found = store.borrow_mut().alarm();
        let time = found.map_err(|error| throw_storage(&ctx, &shared, slot, &error))?;
        Ok::<_, rquickjs::Error>(match time {
            #[expect(clippy::cast_precision_loss, reason = "JavaScript's times are doubles")]
            Some(time) => Value::new_number(ctx.clone(), time.0 as f64),
            None => Value::new_null(ctx.clone()),
        })
    };
    host.set("getAlarm", Function::new(ctx.clone(), get)?)?;
    let shared = objects.clone();
    let set = move |ctx: Ctx<'js>, slot: u32, ms: f64| {
        #[expect(clippy::cast_possible_truncation, reason = "the prelude has checked the range")]
        let time = Timestamp(ms as i64);
        // Fidelity: workerd `DurableObjectStorage::setAlarm`: a time in the past is now.
        change(&ctx, &shared, slot, Some(time.max(shared.host.clock.now())))
    };
    host.set("setAlarm", Function::new(ctx.clone(), set)?)?;
    let shared = objects.clone();
    let delete = move |ctx: Ctx<'js>, slot: u32| change(&ctx, &shared, slot, None);
    host.set("deleteAlarm", Function::new(ctx.clone(), delete)?)?;
    let shared = objects.clone();
    let warn = move |slot: u32, text: String| shared.warn_of_alarm(Slot(slot), &text);
    host.set("warnOfAlarm", Function::new(ctx.clone(), warn)?)
}

fn change(ctx: &Ctx<'_>, objects: &Objects, slot: u32, time: Option<Timestamp>) -> rquickjs::Result<()> {
    let store = store_of(ctx, objects, slot)?;
    if objects.is_facet(Slot(slot)) {
        // There is never one to delete.
        return match time {
            None => Ok(()),
            // Fidelity: workerd finds out when it commits, and the facet breaks; that this resets it is told of the commits of
            // asynchronous transactions only.
            Some(_) => {
                let in_transaction =
                    objects.host.scope.get().section != SectionId(0) && store.borrow().has_savepoint();
                let flags: &[_] = if in_transaction { &[RESET] } else { &[] };
                Err(reset_with(ctx, objects, slot, Failure::platform(FACET_ALARM, flags)))
            }
        };
    }
    objects.stores.touch(Slot(slot));
    objects.alarms.note_change(Slot(slot));
    let done = store.borrow_mut().set_alarm(time);
    done.map(drop).map_err(|error| throw_storage(ctx, objects, slot, &error))
}

/// Enters with an alarm that is due; its outcome goes back to the clock.
pub(super) fn enter<'js>(
    ctx: &Ctx<'js>,
    objects: &Rc<Objects>,
    target: Target,
    scheduled: Timestamp,
    retry_count: u32,
) -> Entered<'js> {
    let Target::Object(slot) = target else { unreachable!("only objects have alarms") };
    if !objects.begin_alarm(slot, scheduled) {
        return Entered::Done;
    }
    #[expect(clippy::cast_precision_loss, reason = "JavaScript's times are doubles")]
    let called =
        objects.host.entry(ctx, "alarm").and_then(|run| run.call((slot.0, scheduled.0 as f64, retry_count)));
    let objects = objects.clone();
    Entered::Root(
        called,
        Box::new(move |ctx, result| match result {
            Ok(_) => objects.end_alarm(slot),
            Err(thrown) => {
                // Of an object that was reset the reason is told, not how its code was ended.
                let exception = match objects.current_failure() {
                    Some(failure) => failure.exception,
                    None => Exception::read(ctx, &thrown),
                };
                objects.report_alarm(slot, &exception);
                objects.fail_alarm(slot);
            }
        }),
    )
}
