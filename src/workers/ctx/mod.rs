//! What `ctx` does: waiting, blocking, aborting.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Promise, Value};

use crate::engine::bytes::Text;
use crate::engine::exception::throw;
use crate::objects::{Failure, Objects, Slot};

use super::arguments::{check_alive, end_turn, foreign};
use super::rpc::failure_of;

/// `host.waitUntil(promise)`, `host.blockConcurrencyWhile(slot, callback)`, `host.abort(slot, reason, retryAlarm)`,
/// `host.abortContext(reason)`, `host.refuseForeign(kind)`, which throws, `host.utf8Length(text)`.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let wait_until = move |ctx: Ctx<'js>, promise: Promise<'js>| {
        shared.host.require_event(&ctx)?;
        let owner = shared.host.scope.get().owner;
        shared.begin_task(owner);
        let objects = shared.clone();
        let before = shared.host.roots.doing("waitUntil()");
        shared.host.roots.add(
            &ctx,
            owner,
            promise,
            Box::new(move |ctx, result| {
                if let Err(thrown) = result {
                    objects.host.violations.add_thrown(ctx, &thrown);
                }
                objects.end_task(owner);
            }),
        );
        shared.host.roots.doing(before);
        Ok::<_, rquickjs::Error>(())
    };
    host.set("waitUntil", Function::new(ctx.clone(), wait_until)?)?;
    let shared = objects.clone();
    let block = move |ctx: Ctx<'js>, slot: u32, callback: Function<'js>| {
        check_alive(&ctx, &shared)?;
        shared.block_concurrency_while(&ctx, Slot(slot), callback)?.map_err(|error| throw(&ctx, &error))
    };
    host.set("blockConcurrencyWhile", Function::new(ctx.clone(), block)?)?;
    let shared = objects.clone();
    let when_committed = move |ctx: Ctx<'js>| match shared.current_slot() {
        Some(slot) if shared.is_dirty(slot) => Ok(shared.after_commit(&ctx, slot)?.into_value()),
        Some(_) => Ok(Value::new_null(ctx)),
        None => Ok::<_, rquickjs::Error>(Value::new_undefined(ctx)),
    };
    host.set("whenCommitted", Function::new(ctx.clone(), when_committed)?)?;
    let shared = objects.clone();
    let abort = move |ctx: Ctx<'js>,
                      slot: u32,
                      reason: Option<Text>,
                      retry_alarm: bool|
          -> rquickjs::Result<Value<'js>> {
        if shared.current_slot() != Some(Slot(slot)) {
            return Err(throw(&ctx, &foreign(&shared, "ActorCacheInterface")));
        }
        let message = reason
            .map_or_else(|| "Application called abort() to reset Durable Object.".to_owned(), |text| text.0);
        if !retry_alarm {
            shared.alarms.give_up(Slot(slot));
        }
        shared.drop_frames_of_turn(Slot(slot));
        shared.break_object(Slot(slot), Failure::asked_for(message));
        Err(end_turn(&ctx))
    };
    host.set("abort", Function::new(ctx.clone(), abort)?)?;
    let shared = objects.clone();
    let abort = move |ctx: Ctx<'js>, reason: Value<'js>| -> rquickjs::Result<Value<'js>> {
        let failure =
            Failure { flags: Vec::new(), is_known: true, ..failure_of(&ctx, &shared.host, &reason) };
        shared.abort_context(failure);
        Err(end_turn(&ctx))
    };
    host.set("abortContext", Function::new(ctx.clone(), abort)?)?;
    let shared = objects.clone();
    let refuse = move |ctx: Ctx<'js>, kind: String| Err::<(), _>(throw(&ctx, &foreign(&shared, &kind)));
    host.set("refuseForeign", Function::new(ctx.clone(), refuse)?)?;
    host.set("utf8Length", Function::new(ctx.clone(), |Text(text): Text| text.len())?)
}
