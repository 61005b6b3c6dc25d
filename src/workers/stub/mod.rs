//! Calls and requests to objects.

use std::rc::Rc;

use rquickjs::{Array, Ctx, Function, Object, Value};

use crate::engine::OpError;
use crate::engine::bytes::Text;
use crate::engine::exception::throw;
use crate::objects::{ActorKey, Attempts, Event, Objects, Outgoing, ReplyTo, RetryLimits, Slot};

use super::arguments::begin_call;
use super::messages::request_of;
use super::rpc::{arguments_of, path_of};

/// `host.objectSlot(namespace, hex, name)`, `host.objectBreaks(slot)`,
/// `host.callObject(slot, ticket, path, args)` and
/// `host.fetchObject([slot, ticket], method, url, headers, body, cf)`: promises of the answer. A ticket is the number of breaks,
/// and from its 32nd bit on how often the call may be retried.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let slot = move |ctx: Ctx<'js>, namespace: usize, hex: String, name: Option<Text>| {
        let id = hex.parse().map_err(|error: crate::base::ids::InvalidId| {
            throw(&ctx, &OpError::of("TypeError", error.to_string()))
        })?;
        if !shared.namespaces[namespace].key.owns(&id) {
            let message = "Durable Object ID is not valid for this namespace.";
            return Err(throw(&ctx, &OpError::of("TypeError", message)));
        }
        Ok::<_, rquickjs::Error>(
            shared.slot(ActorKey { namespace, id }, name.as_ref().map(|name| name.0.as_str())).0,
        )
    };
    host.set("objectSlot", Function::new(ctx.clone(), slot)?)?;
    let shared = objects.clone();
    let breaks = move |slot: u32| shared.with_actor(Slot(slot), |actor| actor.breaks);
    host.set("objectBreaks", Function::new(ctx.clone(), breaks)?)?;
    let shared = objects.clone();
    let call = move |ctx: Ctx<'js>, slot: u32, ticket: f64, path: Value<'js>, args: Value<'js>| {
        begin_call(&ctx, &shared)?;
        let (path, args) = (path_of(&path)?, arguments_of(&ctx, &shared, &args)?);
        let (op, promise) =
            shared.host.ops.start_named(&ctx, shared.host.scope.get(), "a call of another object")?;
        let event = Event::Call { path, args, before: None, reply: ReplyTo::Op(op) };
        send(&shared, slot, ticket, event);
        Ok::<_, rquickjs::Error>(promise)
    };
    host.set("callObject", Function::new(ctx.clone(), call)?)?;
    let shared = objects.clone();
    let fetch = move |ctx: Ctx<'js>,
                      address: Array<'js>,
                      method: String,
                      url: String,
                      headers: Array<'js>,
                      body: Value<'js>,
                      cf: Option<String>| {
        begin_call(&ctx, &shared)?;
        let (slot, ticket) = (address.get(0)?, address.get(1)?);
        let mut request = request_of(&shared.host, &method, url, &headers, &body, cf)?;
        request.client = Some(shared.client_for_call());
        let (op, promise) =
            shared.host.ops.start_named(&ctx, shared.host.scope.get(), "a call of another object")?;
        send(&shared, slot, ticket, Event::Fetch { request, reply: ReplyTo::Op(op) });
        Ok::<_, rquickjs::Error>(promise)
    };
    host.set("fetchObject", Function::new(ctx.clone(), fetch)?)
}

fn send(objects: &Objects, slot: u32, ticket: f64, event: Event) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "two numbers in 52 bits")]
    let (breaks, retry) = (ticket as u64 as u32, (ticket as u64 >> 32) as u32);
    let attempts = Attempts::new(RetryLimits::unpack(retry));
    objects.send(Outgoing { slot: Slot(slot), breaks, attempts, event });
}
