//! What WebSockets do in a Worker: the operations behind their classes, and their events.

use std::rc::Rc;

use bytes::Bytes;
use rquickjs::{Array, ArrayBuffer, Ctx, Function, IntoJs, Object, Value};

use crate::base::limits;
use crate::engine::OpError;
use crate::engine::bytes::copy_bytes;
use crate::engine::exception::throw;
use crate::engine::socket::{AutoResponse, Close, Frame, NO_CODE, SocketId};
use crate::engine::turn::Entered;
use crate::objects::{LifeError, Objects, Slot, Told};

use super::arguments::check_alive;
use super::platform::WorkerSpec;
use super::rpc::{read_stored, write_stored};

fn throw_life(ctx: &Ctx<'_>, error: LifeError) -> rquickjs::Error {
    let class = if error == LifeError::Listens { "Error" } else { "TypeError" };
    throw(ctx, &OpError::of(class, error.to_string()))
}

/// The operations of ends: `host.socketPair()`, `host.socketAccept(id, halfOpen)`,
/// `host.socketSend(id, data)`, `host.socketClose(id, code, reason)`, `host.socketState(id)`, `host.socketBuffered(id)`,
/// `host.socketReturn(id)`, `host.socketAttach(id, value)`, `host.socketAttachment(id)`; and those of objects.
pub(super) fn install<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
    spec: &Rc<WorkerSpec>,
) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let pair = move |ctx: Ctx<'js>| {
        shared.host.require_event(&ctx)?;
        let owner = shared.host.scope.get().owner;
        let (a, b) = shared.sockets.pair(owner);
        Ok::<_, rquickjs::Error>(vec![a.0, b.0])
    };
    host.set("socketPair", Function::new(ctx.clone(), pair)?)?;
    let shared = objects.clone();
    let accept = move |ctx: Ctx<'js>, id: u32, half_open: Option<bool>| {
        check_alive(&ctx, &shared)?;
        shared.accept_socket(SocketId(id), half_open).map_err(|error| throw_life(&ctx, error))
    };
    host.set("socketAccept", Function::new(ctx.clone(), accept)?)?;
    let shared = objects.clone();
    let send = move |ctx: Ctx<'js>, id: u32, data: Value<'js>| -> rquickjs::Result<()> {
        check_alive(&ctx, &shared)?;
        let id = SocketId(id);
        if shared.sockets.may_send(id).map_err(|error| throw_life(&ctx, error))? {
            let frame = match data.as_string() {
                Some(text) => Frame::Text(text.to_string()?),
                None => Frame::Binary(copy_bytes(&data).map(Bytes::from).unwrap_or_default()),
            };
            shared.send_frame(id, frame);
        }
        Ok(())
    };
    host.set("socketSend", Function::new(ctx.clone(), send)?)?;
    let shared = objects.clone();
    let close = move |ctx: Ctx<'js>, id: u32, code: Option<u16>, reason: String| -> rquickjs::Result<()> {
        check_alive(&ctx, &shared)?;
        let id = SocketId(id);
        if shared.sockets.begin_close(id).map_err(|error| throw_life(&ctx, error))? {
            shared.send_frame(id, Frame::Close(Close { code: code.unwrap_or(NO_CODE), reason }));
        }
        Ok(())
    };
    host.set("socketClose", Function::new(ctx.clone(), close)?)?;
    let shared = objects.clone();
    let state = move |id: u32| shared.sockets.ready_state(SocketId(id));
    host.set("socketState", Function::new(ctx.clone(), state)?)?;
    let shared = objects.clone();
    let buffered = move |id: u32| u32::try_from(shared.buffered_bytes(SocketId(id))).unwrap_or(u32::MAX);
    host.set("socketBuffered", Function::new(ctx.clone(), buffered)?)?;
    let shared = objects.clone();
    let give_back = move |ctx: Ctx<'js>, id: u32| {
        let given = shared.sockets.give_back(SocketId(id));
        given.map_err(|error| throw(&ctx, &OpError::of("TypeError", error.to_string())))
    };
    host.set("socketReturn", Function::new(ctx.clone(), give_back)?)?;
    install_attachments(ctx, host, objects, spec)?;
    install_hibernation(ctx, host, objects)?;
    install_settings(ctx, host, objects)
}

fn install_attachments<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
    spec: &Rc<WorkerSpec>,
) -> rquickjs::Result<()> {
    let (shared, errors) = (objects.clone(), spec.stored_errors);
    let attach = move |ctx: Ctx<'js>, id: u32, value: Value<'js>| {
        let data = write_stored(&ctx, &shared.host, &value, errors, false)?;
        if data.len() > limits::SOCKET_ATTACHMENT_BYTES {
            let message = format!(
                "A WebSocket 'attachment' cannot be larger than {} bytes.'attachment' was {} bytes.",
                limits::SOCKET_ATTACHMENT_BYTES,
                data.len()
            );
            return Err(throw(&ctx, &OpError::new(message)));
        }
        shared.sockets.attach(SocketId(id), data);
        Ok(())
    };
    host.set("socketAttach", Function::new(ctx.clone(), attach)?)?;
    let shared = objects.clone();
    let attachment = move |ctx: Ctx<'js>, id: u32| match shared.sockets.attachment(SocketId(id)) {
        Some(data) => read_stored(&ctx, &shared.host, &data),
        None => Ok(Value::new_null(ctx.clone())),
    };
    host.set("socketAttachment", Function::new(ctx.clone(), attachment)?)
}

/// `host.socketHibernate(slot, id, tags)`, `host.objectSockets(slot, tag)`, `host.socketTags(id)`.
fn install_hibernation<'js>(
    ctx: &Ctx<'js>,
    host: &Object<'js>,
    objects: &Rc<Objects>,
) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let hibernate = move |ctx: Ctx<'js>, slot: u32, id: u32, tags: Vec<String>| {
        check_alive(&ctx, &shared)?;
        let (id, sockets) = (SocketId(id), &shared.sockets);
        let refuse = |message: String| Err(throw(&ctx, &OpError::new(message)));
        // An accepted end says so itself; one whose other end is taken cannot hibernate.
        if sockets.tags(id) == Err(false) && sockets.other_is_taken(id) {
            return refuse(
                "Cannot call `acceptWebSocket()` on this WebSocket because its pair has already been accepted \
                 or used in a Response."
                    .to_owned(),
            );
        }
        match sockets.accept_hibernatable(id, Slot(slot), tags) {
            Err(error) => refuse(error.to_string()),
            Ok(accepted) => accepted.map_err(|error| throw_life(&ctx, error)),
        }?;
        shared.socket_arrived(id);
        Ok(())
    };
    host.set("socketHibernate", Function::new(ctx.clone(), hibernate)?)?;
    let shared = objects.clone();
    let list = move |slot: u32, tag: Option<String>| -> Vec<u32> {
        let ids = shared.sockets.of_object(Slot(slot), tag.as_deref());
        ids.into_iter().map(|id| id.0).collect()
    };
    host.set("objectSockets", Function::new(ctx.clone(), list)?)?;
    let shared = objects.clone();
    let tags = move |ctx: Ctx<'js>, id: u32| {
        shared.sockets.tags(SocketId(id)).map_err(|listens| {
            let message = if listens {
                "only hibernatable websockets can have tags."
            } else {
                "you must call 'acceptWebSocket()' before attempting to access the tags of a WebSocket."
            };
            throw(&ctx, &OpError::new(message))
        })
    };
    host.set("socketTags", Function::new(ctx.clone(), tags)?)
}

/// `host.setAutoResponse(slot, request, response)`, `host.autoResponse(slot)`,
/// `host.socketAnsweredAt(id)`, `host.setSocketTimeout(slot, ms)`, `host.socketTimeout(slot)`.
fn install_settings<'js>(ctx: &Ctx<'js>, host: &Object<'js>, objects: &Rc<Objects>) -> rquickjs::Result<()> {
    let shared = objects.clone();
    let set_response = move |slot: u32, request: Option<String>, response: Option<String>| {
        let pair = request.zip(response).map(|(request, response)| AutoResponse { request, response });
        shared.sockets.set_auto_response(Slot(slot), pair);
    };
    host.set("setAutoResponse", Function::new(ctx.clone(), set_response)?)?;
    let shared = objects.clone();
    let response = move |ctx: Ctx<'js>, slot: u32| match shared.sockets.auto_response(Slot(slot)) {
        Some(pair) => vec![pair.request, pair.response].into_js(&ctx),
        None => Ok(Value::new_null(ctx.clone())),
    };
    host.set("autoResponse", Function::new(ctx.clone(), response)?)?;
    let shared = objects.clone();
    #[expect(clippy::cast_precision_loss, reason = "times of this age are exact in an f64")]
    let answered = move |ctx: Ctx<'js>, id: u32| match shared.sockets.answered_at(SocketId(id)) {
        Some(at) => Value::new_number(ctx, at as f64),
        None => Value::new_null(ctx),
    };
    host.set("socketAnsweredAt", Function::new(ctx.clone(), answered)?)?;
    let shared = objects.clone();
    let set_timeout = move |ctx: Ctx<'js>, slot: u32, timeout: Option<f64>| {
        if timeout.is_some_and(|timeout| timeout > limits::SOCKET_EVENT_TIMEOUT_MS) {
            let message = format!("Event timeout should not exceed {} ms.", limits::SOCKET_EVENT_TIMEOUT_MS);
            return Err(throw(&ctx, &OpError::new(message)));
        }
        shared.sockets.set_timeout(Slot(slot), timeout);
        Ok(())
    };
    host.set("setSocketTimeout", Function::new(ctx.clone(), set_timeout)?)?;
    let shared = objects.clone();
    let timeout = move |ctx: Ctx<'js>, slot: u32| match shared.sockets.timeout(Slot(slot)) {
        Some(timeout) => Value::new_number(ctx, timeout),
        None => Value::new_null(ctx),
    };
    host.set("socketTimeout", Function::new(ctx.clone(), timeout)?)
}

/// `[kind, data, reason, clean]`: the arguments of the prelude's entries after the socket.
type Arguments<'js> = (&'static str, Value<'js>, String, bool);

fn arguments<'js>(ctx: &Ctx<'js>, told: &Told) -> rquickjs::Result<Arguments<'js>> {
    let (kind, data, reason, clean) = match told {
        Told::Message(Frame::Text(text)) => ("message", text.as_str().into_js(ctx)?, String::new(), false),
        Told::Message(Frame::Binary(bytes)) => {
            ("message", ArrayBuffer::new_copy(ctx.clone(), bytes)?.into_value(), String::new(), false)
        }
        Told::Message(Frame::Close(close)) => ("close", close.code.into_js(ctx)?, close.reason.clone(), true),
        Told::Closed(close, clean) => ("close", close.code.into_js(ctx)?, close.reason.clone(), *clean),
        Told::Failed(why) => ("error", why.as_str().into_js(ctx)?, String::new(), false),
    };
    Ok((kind, data, reason, clean))
}

/// Enters with what waits for the end `id`.
pub(super) fn enter<'js>(objects: &Rc<Objects>, ctx: &Ctx<'js>, id: SocketId) -> Entered<'js> {
    let slot = objects.socket_object(id);
    let mut told = objects.next_of_socket(id);
    match slot {
        None => call_listeners(objects, ctx, id, &told),
        // Handlers are told of one thing at a time.
        Some(slot) => match told.pop() {
            Some(told) => call_handler(objects, ctx, slot, id, told),
            None => Entered::Done,
        },
    }
}

fn report<'js>(objects: &Objects, ctx: &Ctx<'js>, thrown: &Value<'js>) {
    objects.host.violations.add_thrown(ctx, thrown);
}

fn call_handler<'js>(
    objects: &Rc<Objects>,
    ctx: &Ctx<'js>,
    slot: Slot,
    id: SocketId,
    told: Told,
) -> Entered<'js> {
    let limit = objects.limit_socket_event(slot);
    let called = arguments(ctx, &told).and_then(|(kind, data, reason, clean)| {
        objects.host.entry(ctx, "socketHandler")?.call((slot.0, id.0, kind, data, reason, clean))
    });
    let objects = objects.clone();
    Entered::Root(
        called,
        Box::new(move |ctx, result| {
            objects.unlimit_socket_event(limit);
            if let Err(thrown) = result {
                report(&objects, ctx, &thrown);
            }
            if !matches!(told, Told::Message(_)) {
                objects.socket_handled(slot, id);
            }
        }),
    )
}

fn call_listeners<'js>(objects: &Rc<Objects>, ctx: &Ctx<'js>, id: SocketId, told: &[Told]) -> Entered<'js> {
    let tell = |told: &Told| -> rquickjs::Result<Option<Array<'js>>> {
        let (kind, data, reason, clean) = arguments(ctx, told)?;
        objects.host.entry(ctx, "socketEvent")?.call((id.0, kind, data, reason, clean))
    };
    let outcome = told.iter().try_for_each(|told| {
        let thrown = tell(told)?.filter(|_| matches!(told, Told::Message(_)));
        let failed = thrown.map(|thrown| thrown.get(0)).transpose()?;
        let failed = failed.map(|why: String| objects.socket_threw(id, why)).unwrap_or_default();
        failed.iter().try_for_each(|failed| tell(failed).map(drop))
    });
    objects.socket_told(id);
    let objects = objects.clone();
    Entered::Root(
        outcome.map(|()| Value::new_undefined(ctx.clone())),
        Box::new(move |ctx, result| {
            if let Err(thrown) = result {
                report(&objects, ctx, &thrown);
            }
        }),
    )
}
