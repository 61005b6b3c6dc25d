//! Calls and requests to objects.

use std::rc::Rc;

use rquickjs::{Array, Ctx, Function, Object, Value};

use crate::engine::OpError;
use crate::engine::bytes::Text;
use crate::engine::exception::throw;
use crate::objects::{ActorKey, Attempts, Event, Objects, Outgoing, ReplyTo, RetryLimits, Slot};

use super::arguments::begin_call;
use super::messages::{request_of, tell_of_body};
use super::rpc::{arguments_of, path_of};

/// `host.objectAddress(namespace, hex, name)`, `host.callObject(address, retry, path, args)` and
/// `host.fetchObject([address, retry], method, url, headers, body, cf)`: promises of the answer. An address is a slot, and from
/// its 32nd bit on how often that object broke before; `retry` is how often the call may be retried, 0 for the platform's own limits.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let address = move |ctx: Ctx<'js>, namespace: usize, hex: String, name: Option<Text>| {
        let id = hex.parse().map_err(|error: crate::base::ids::InvalidId| {
            throw(&ctx, &OpError::of("TypeError", error.to_string()))
        })?;
        let key = ActorKey { namespace, id };
        // Only ids that belong to the namespace have a place.
        if !shared.knows(&key) && !shared.namespaces[namespace].key.owns(&id) {
            let message = "Durable Object ID is not valid for this namespace.";
            return Err(throw(&ctx, &OpError::of("TypeError", message)));
        }
        let slot = shared.slot(key, name.as_ref().map(|name| name.0.as_str()));
        let breaks = shared.with_actor(slot, |actor| actor.breaks);
        Ok::<_, rquickjs::Error>(f64::from(breaks.min(BREAKS_MAX)) * BREAK + f64::from(slot.0))
    };
    host.set("objectAddress", Function::new(ctx.clone(), address)?)?;
    let shared = objects.clone();
    let call = move |ctx: Ctx<'js>, address: f64, retry: u32, path: Value<'js>, args: Value<'js>| {
        begin_call(&ctx, &shared)?;
        let (path, args) = (path_of(&path)?, arguments_of(&ctx, &shared, &args)?);
        let (op, promise) =
            shared.host.ops.start_named(&ctx, shared.host.scope.get(), "a call of another object")?;
        let event = Event::Call { path, args, before: None, reply: ReplyTo::Op(op) };
        send(&shared, address, retry, event);
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
        let (address, retry) = (address.get(0)?, address.get(1)?);
        let mut request = request_of(&shared.host, &method, url, &headers, &body, cf)?;
        tell_of_body(&mut request);
        request.client = Some(shared.client_for_call());
        let (op, promise) =
            shared.host.ops.start_named(&ctx, shared.host.scope.get(), "a call of another object")?;
        send(&shared, address, retry, Event::Fetch { request, reply: ReplyTo::Op(op) });
        Ok::<_, rquickjs::Error>(promise)
    };
    host.set("fetchObject", Function::new(ctx.clone(), fetch)?)
}

/// What one break of an object adds to its address.
const BREAK: f64 = 4_294_967_296.0;

/// Most breaks that an address can tell; stubs made after that many are broken.
const BREAKS_MAX: u32 = (1 << 20) - 1;

fn send(objects: &Objects, address: f64, retry: u32, event: Event) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "two numbers in 52 bits")]
    let (slot, breaks) = (Slot(address as u64 as u32), (address as u64 >> 32) as u32);
    let attempts = Attempts::new(RetryLimits::unpack(retry));
    objects.send(Outgoing { slot, breaks, attempts, event });
}
