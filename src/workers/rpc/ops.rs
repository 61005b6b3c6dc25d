//! What stubs do: call, be copied, be disposed.

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::{Array, ArrayBuffer, Ctx, Function, Object, Promise, Value};

use crate::engine::bytes::{Name, copy_bytes};
use crate::engine::exception::throw;
use crate::engine::opaque::Opaque;
use crate::engine::proxy::handler_of;
use crate::engine::{OpError, OpId, is_stringifying};
use crate::objects::{
    Callee, Entrypoint, Event, Export, Failure, Import, Message, Objects, REMOTE, ReplyTo, WorkerNumber,
};
use crate::workers::arguments::{begin_call, check_alive, foreign};
use crate::workers::messages::{request_of, tell_of_body};

use super::carrier::write_message;
use super::values::{error_of, failure_of, read_stored, write_stored};

/// A stub's reference, as the prelude holds it. It lets go when JavaScript forgets it.
type Handle = Rc<Import>;

/// The platform's type behind a stub.
pub const CLIENT: &str = "Client";

/// Arguments that were serialized and wait for somebody to send them to.
struct Packed(RefCell<Option<Message>>);

/// Hands `import` to JavaScript.
///
/// # Errors
/// When memory runs out.
pub fn give_import<'js>(ctx: &Ctx<'js>, import: Rc<Import>) -> rquickjs::Result<Value<'js>> {
    Opaque::give::<Handle>(ctx, import)
}

/// Lets go of what `handle` refers to.
///
/// # Errors
/// Throws when it is no reference.
pub fn dispose_import<'js>(ctx: &Ctx<'js>, handle: &Value<'js>) -> rquickjs::Result<()> {
    Opaque::look(ctx, handle, |import: &Handle| import.dispose())
}

/// The export behind `handle`, for its holder, unless the stub was disposed; `kind` is what others are told that it is.
///
/// # Errors
/// Throws when it belongs to another context.
pub fn held_export<'js>(
    ctx: &Ctx<'js>,
    objects: &Objects,
    handle: &Value<'js>,
    kind: &str,
) -> rquickjs::Result<Option<Rc<Export>>> {
    let (holder, export) = Opaque::look(ctx, handle, |import: &Handle| (import.holder, import.export()))?;
    if holder != objects.host.scope.get().owner {
        return Err(throw(ctx, &foreign(objects, kind)));
    }
    Ok(export)
}

/// The error of a stub that was disposed.
fn disposed(ctx: &Ctx<'_>) -> rquickjs::Error {
    throw(ctx, &OpError::new("RPC stub used after being disposed."))
}

/// A property path as JavaScript gives it: one name, an array of names, or nothing.
///
/// # Errors
/// Throws when it is none of them.
pub fn path_of(path: &Value<'_>) -> rquickjs::Result<Vec<String>> {
    if path.is_undefined() {
        return Ok(Vec::new());
    }
    match path.as_string() {
        Some(_) => Ok(vec![path.get::<Name>()?.0]),
        None => Ok(path.get::<Vec<Name>>()?.into_iter().map(|name| name.0).collect()),
    }
}

/// The arguments of a call: an array to serialize now, what was packed before, or `undefined` for none.
///
/// # Errors
/// Throws what cannot be serialized.
pub fn arguments_of<'js>(
    ctx: &Ctx<'js>,
    objects: &Rc<Objects>,
    args: &Value<'js>,
) -> rquickjs::Result<Option<Message>> {
    if args.is_undefined() {
        return Ok(None);
    }
    if args.is_array() {
        return write_message(ctx, objects, args, false).map(Some);
    }
    match Opaque::look(ctx, args, |packed: &Packed| packed.0.borrow_mut().take())? {
        Some(message) => Ok(Some(message)),
        None => Err(throw(ctx, &OpError::new("these arguments were sent already"))),
    }
}

fn entrypoint_of<'js>(
    ctx: &Ctx<'js>,
    objects: &Rc<Objects>,
    callee: &Array<'js>,
) -> rquickjs::Result<(WorkerNumber, Box<Entrypoint>)> {
    let props: Value<'js> = callee.get(2)?;
    let props = match props.is_undefined() {
        true => None,
        false => Some(write_message(ctx, objects, &props, false)?),
    };
    let worker = WorkerNumber(callee.get(0)?);
    let from_outside = worker != objects.host.realm().into();
    let entrypoint = Entrypoint { name: callee.get(1)?, props, from_outside };
    Ok((worker, Box::new(entrypoint)))
}

fn start<'js>(ctx: &Ctx<'js>, objects: &Objects) -> rquickjs::Result<(OpId, Promise<'js>)> {
    objects.host.ops.start_named(ctx, objects.host.scope.get(), "an RPC call")
}

/// Adds what `references.js` and its neighbours call; each operation's form stands in its first line.
pub fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, objects: &Rc<Objects>) -> rquickjs::Result<()> {
    install_imports(ctx, host, objects)?;
    install_copies(ctx, host, objects)?;
    install_calls(ctx, host, objects)
}

fn install_imports<'js>(ctx: &Ctx<'js>, host: &Object<'js>, objects: &Rc<Objects>) -> rquickjs::Result<()> {
    // handlerOf(value): the handler of a Proxy, `undefined` for everything else.
    let handler = |ctx: Ctx<'js>, value: Value<'js>| match handler_of(&ctx, &value) {
        Some(handler) => handler.into_value(),
        None => Value::new_undefined(ctx),
    };
    host.set("handlerOf", Function::new(ctx.clone(), handler)?)?;
    // importTarget(target): a reference to a value of the running scope, as if it came from elsewhere.
    let shared = objects.clone();
    let import_target = move |ctx: Ctx<'js>, target: Value<'js>| {
        check_alive(&ctx, &shared)?;
        let export = shared.export(false);
        shared.host.entry(&ctx, "keepExport")?.call::<_, ()>((export.id, target))?;
        give_import(&ctx, shared.import(export))
    };
    host.set("importTarget", Function::new(ctx.clone(), import_target)?)?;
    // dupImport(import): a second reference, to be disposed on its own.
    let shared = objects.clone();
    let dup = move |ctx: Ctx<'js>, import: Value<'js>| {
        let received = |import: &Handle| import.export().is_some_and(|e| e.scope.owner != import.holder);
        let kind = if Opaque::look(&ctx, &import, received)? { "TraceContextParent" } else { CLIENT };
        let export = held_export(&ctx, &shared, &import, kind)?.ok_or_else(|| disposed(&ctx))?;
        give_import(&ctx, shared.import(export))
    };
    host.set("dupImport", Function::new(ctx.clone(), dup)?)?;
    // dropImport(import)
    let dispose = |ctx: Ctx<'js>, import: Value<'js>| dispose_import(&ctx, &import);
    host.set("dropImport", Function::new(ctx.clone(), dispose)?)?;
    // packArguments(args): serialized now, to be sent later.
    let shared = objects.clone();
    let pack = move |ctx: Ctx<'js>, args: Array<'js>| {
        let message = write_message(&ctx, &shared, args.as_value(), false)?;
        Opaque::give(&ctx, Packed(RefCell::new(Some(message))))
    };
    host.set("packArguments", Function::new(ctx.clone(), pack)?)
}

fn install_copies<'js>(ctx: &Ctx<'js>, host: &Object<'js>, objects: &Rc<Objects>) -> rquickjs::Result<()> {
    let shared = objects.clone();
    // cloneToBytes(value): data as an ArrayBuffer, for what travels through a pipe.
    let to_bytes = move |ctx: Ctx<'js>, value: Value<'js>| {
        let bytes = write_stored(&ctx, &shared.host, &value, shared.host.error_form(), false)?;
        ArrayBuffer::new_copy(ctx, &bytes)
    };
    host.set("cloneToBytes", Function::new(ctx.clone(), to_bytes)?)?;
    // isStringifying(): whether the engine is writing JSON.
    host.set("isStringifying", Function::new(ctx.clone(), is_stringifying)?)?;
    // retold(value): what arrives elsewhere of a value that is thrown, as if it came from here.
    let shared = objects.clone();
    let retold = move |ctx: Ctx<'js>, value: Value<'js>| {
        let failure = failure_of(&ctx, &shared.host, &value);
        let flags = failure.flags.iter().copied().filter(|flag| *flag != REMOTE).collect();
        error_of(&ctx, &shared.host, &Failure { flags, ..failure })
    };
    host.set("retold", Function::new(ctx.clone(), retold)?)?;
    // cloneFromBytes(buffer)
    let shared = objects.clone();
    let from_bytes = move |ctx: Ctx<'js>, buffer: Value<'js>| {
        let bytes = copy_bytes(&buffer).unwrap_or_default();
        read_stored(&ctx, &shared.host, &bytes)
    };
    host.set("cloneFromBytes", Function::new(ctx.clone(), from_bytes)?)
}

fn install_calls<'js>(ctx: &Ctx<'js>, host: &Object<'js>, objects: &Rc<Objects>) -> rquickjs::Result<()> {
    // callImport(import, path, args): promise of the result.
    let shared = objects.clone();
    let call = move |ctx: Ctx<'js>, import: Value<'js>, path: Value<'js>, args: Value<'js>| {
        check_alive(&ctx, &shared)?;
        let export = held_export(&ctx, &shared, &import, CLIENT)?;
        let (path, args) = (path_of(&path)?, arguments_of(&ctx, &shared, &args)?);
        let export = export.ok_or_else(|| disposed(&ctx))?;
        let (op, promise) = start(&ctx, &shared)?;
        let event = Event::CallExport { export: export.clone(), path, args, reply: ReplyTo::Op(op) };
        shared.invoke(Callee::Export(export), event);
        Ok::<_, rquickjs::Error>(promise)
    };
    host.set("callImport", Function::new(ctx.clone(), call)?)?;
    // checkCarried(value): throws if calls cannot carry it.
    let shared = objects.clone();
    let check = move |ctx: Ctx<'js>, value: Value<'js>| write_message(&ctx, &shared, &value, false).map(drop);
    host.set("checkCarried", Function::new(ctx.clone(), check)?)?;
    // callEntrypoint([worker, name, props], path, args): promise of the result.
    let shared = objects.clone();
    let call = move |ctx: Ctx<'js>, callee: Array<'js>, path: Value<'js>, args: Value<'js>| {
        begin_call(&ctx, &shared)?;
        let (worker, entrypoint) = entrypoint_of(&ctx, &shared, &callee)?;
        let (path, args) = (path_of(&path)?, arguments_of(&ctx, &shared, &args)?);
        let (op, promise) = start(&ctx, &shared)?;
        let event = Event::CallEntrypoint { entrypoint, path, args, reply: ReplyTo::Op(op) };
        shared.invoke(Callee::Worker(worker), event);
        Ok::<_, rquickjs::Error>(promise)
    };
    host.set("callEntrypoint", Function::new(ctx.clone(), call)?)?;
    // fetchEntrypoint([worker, name, props], method, url, headers, body, cf): promise of [status, text, headers, body].
    let shared = objects.clone();
    let fetch = move |ctx: Ctx<'js>,
                      callee: Array<'js>,
                      method: String,
                      url: String,
                      headers: Array<'js>,
                      body: Value<'js>,
                      cf: Option<String>| {
        begin_call(&ctx, &shared)?;
        let (worker, entrypoint) = entrypoint_of(&ctx, &shared, &callee)?;
        let mut request = request_of(&shared.host, &method, url, &headers, &body, cf)?;
        tell_of_body(&mut request);
        request.client = Some(shared.client_for_call());
        let (op, promise) = start(&ctx, &shared)?;
        let event = Event::FetchEntrypoint { entrypoint, request, reply: ReplyTo::Op(op) };
        shared.invoke(Callee::Worker(worker), event);
        Ok::<_, rquickjs::Error>(promise)
    };
    host.set("fetchEntrypoint", Function::new(ctx.clone(), fetch)?)
}
