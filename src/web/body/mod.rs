//! Bodies between JavaScript and the host's pipes, and the headers of incoming requests.
//!
//! Pipes have numbers. Not part of [`super::EXTENSIONS`]: only an isolate that serves requests has bodies
//! to move.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use rquickjs::prelude::Opt;
use rquickjs::{Array, Class, Ctx, Function, Object, Value};

use crate::engine::bodies::op_waker;
use crate::engine::bytes::{Text, copy_bytes};
use crate::engine::exception::{Exception, throw};
use crate::engine::handle::{Handle, HandleData};
use crate::engine::http::Header;
use crate::engine::ops::CLIENT;
use crate::engine::pipe::{PipeError, pipe};
use crate::engine::presence::Client;
use crate::engine::{Extension, Host, OpError};

/// The operations on pipes, and `bodyRead` and `bodyReadAll` made of them.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/body"], public: &[] };

/// What JavaScript has not looked at yet of a request: its header fields, and whether its client is still there.
pub struct HeaderHandle {
    headers: RefCell<Vec<Header>>,
    client: Option<Client>,
}

impl HandleData for HeaderHandle {
    const NAME: &'static str = "HeaderHandle";
}

/// Hands `headers` and the `client` to JavaScript, which asks for them by `host.requestHeaders(handle)` and
/// `host.clientGone(handle)` when it needs them.
pub fn header_handle<'js>(
    ctx: &Ctx<'js>,
    headers: Vec<Header>,
    client: Option<Client>,
) -> rquickjs::Result<Class<'js, Handle<HeaderHandle>>> {
    Handle::give(ctx, HeaderHandle { headers: RefCell::new(headers), client })
}

/// `host.clientGone(handle)`: whether the client is gone without its answer, or a promise of it; `undefined` where nobody can
/// tell.
fn client_gone<'js>(
    ctx: &Ctx<'js>,
    host: &Host,
    handle: &Class<'js, Handle<HeaderHandle>>,
) -> rquickjs::Result<Value<'js>> {
    let handle = handle.borrow();
    let Some(client) = &handle.client else { return Ok(Value::new_undefined(ctx.clone())) };
    if let Poll::Ready(gone) = client.poll_gone(&mut Context::from_waker(Waker::noop())) {
        return Ok(Value::new_bool(ctx.clone(), gone));
    }
    let (op, promise) = host.ops.start_named(ctx, host.scope.get(), CLIENT)?;
    // Woken once at the end; who is told asks again.
    match client.poll_gone(&mut Context::from_waker(&op_waker(host, op))) {
        Poll::Pending => Ok(promise.into_value()),
        Poll::Ready(gone) => {
            host.ops.forget(op);
            Ok(Value::new_bool(ctx.clone(), gone))
        }
    }
}

/// Header fields as `[name, value, ...]`.
pub fn headers_into_js<'js>(ctx: &Ctx<'js>, headers: &[Header]) -> rquickjs::Result<Array<'js>> {
    let flat = Array::new(ctx.clone())?;
    for (index, (name, value)) in headers.iter().enumerate() {
        flat.set(2 * index, name.as_str())?;
        flat.set(2 * index + 1, String::from_utf8_lossy(value.as_bytes()).as_ref())?;
    }
    Ok(flat)
}

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, engine: &Rc<Host>) -> rquickjs::Result<()> {
    let shared = engine.clone();
    // newPipe([words]): the numbers of its ends; the reader is told `words` if it ends early.
    let new_pipe = move |words: Opt<Text>| {
        let (mut writer, reader) = pipe();
        if let Some(words) = words.0 {
            writer = writer.ending_early_with(words.0);
        }
        let owner = shared.scope.get().owner;
        vec![shared.bodies.add_writer(owner, writer), shared.bodies.add_reader(owner, reader)]
    };
    host.set("newPipe", Function::new(ctx.clone(), new_pipe)?)?;
    let shared = engine.clone();
    // sizedPipe(length): the same for a body of so many bytes.
    let sized_pipe = move |length: f64| {
        let (writer, reader) = pipe();
        let owner = shared.scope.get().owner;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths are below 2^53")]
        let reader = reader.sized(Some(length as u64));
        vec![shared.bodies.add_writer(owner, writer), shared.bodies.add_reader(owner, reader)]
    };
    host.set("sizedPipe", Function::new(ctx.clone(), sized_pipe)?)?;
    let shared = engine.clone();
    let poll = move |ctx: Ctx<'js>, id: u32| shared.bodies.poll(&ctx, &shared, id);
    host.set("bodyPoll", Function::new(ctx.clone(), poll)?)?;
    let shared = engine.clone();
    // bodyCancel(id, [reason]): the reason is an array of it, if there is one that can be told.
    let cancel = move |ctx: Ctx<'js>, id: u32, reason: Opt<Array<'js>>| {
        let reason = match reason.0 {
            Some(reason) => shared.pack(&ctx, &reason.get(0)?, false),
            None => None,
        };
        shared.bodies.cancel(id, reason);
        Ok::<_, rquickjs::Error>(())
    };
    host.set("bodyCancel", Function::new(ctx.clone(), cancel)?)?;
    let shared = engine.clone();
    // bodyGone(id, [isAwaited])
    let gone = move |ctx: Ctx<'js>, id: u32, is_awaited: Opt<bool>| {
        shared.bodies.gone(&ctx, &shared, id, is_awaited.0.unwrap_or_default())
    };
    host.set("bodyGone", Function::new(ctx.clone(), gone)?)?;
    let shared = engine.clone();
    // bodyCancelled(id): undefined while somebody reads, else an array, of the reason if there is one.
    let cancelled = move |ctx: Ctx<'js>, id: u32| -> rquickjs::Result<Value<'js>> {
        let Some(reason) = shared.bodies.cancelled(id) else { return Ok(Value::new_undefined(ctx)) };
        let told = Array::new(ctx.clone())?;
        if let Some(reason) = reason.and_then(|reason| shared.unpack(&ctx, &reason)) {
            told.set(0, reason)?;
        }
        Ok(told.into_value())
    };
    host.set("bodyCancelled", Function::new(ctx.clone(), cancelled)?)?;
    let shared = engine.clone();
    let write = move |ctx: Ctx<'js>, id: u32, chunk: Value<'js>, drained: Opt<bool>| match copy_bytes(&chunk)
    {
        Some(bytes) => {
            shared.bodies.write(&ctx, &shared, id, Bytes::from(bytes), drained.0.unwrap_or_default())
        }
        None => Err(throw(&ctx, &OpError::of("TypeError", "a body is made of bytes"))),
    };
    host.set("bodyWrite", Function::new(ctx.clone(), write)?)?;
    let shared = engine.clone();
    host.set("bodyEnd", Function::new(ctx.clone(), move |id: u32| shared.bodies.end(id, None))?)?;
    let shared = engine.clone();
    let fail = move |id: u32, message: Text| shared.bodies.end(id, Some(PipeError::new(message.0)));
    host.set("bodyFail", Function::new(ctx.clone(), fail)?)?;
    let shared = engine.clone();
    // bodyBreak(id, error): who writes has thrown that.
    let broken = move |ctx: Ctx<'js>, id: u32, error: Value<'js>| {
        let message = Exception::read(&ctx, &error).headline();
        shared.bodies.end(id, Some(PipeError { message, reason: shared.pack(&ctx, &error, true) }));
    };
    host.set("bodyBreak", Function::new(ctx.clone(), broken)?)?;
    let headers = |ctx: Ctx<'js>, handle: Class<'js, Handle<HeaderHandle>>| {
        let headers = std::mem::take(&mut *handle.borrow().headers.borrow_mut());
        headers_into_js(&ctx, &headers)
    };
    host.set("requestHeaders", Function::new(ctx.clone(), headers)?)?;
    let shared = engine.clone();
    let gone =
        move |ctx: Ctx<'js>, handle: Class<'js, Handle<HeaderHandle>>| client_gone(&ctx, &shared, &handle);
    host.set("clientGone", Function::new(ctx.clone(), gone)?)
}
