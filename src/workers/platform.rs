//! How events become calls of the prelude's entry functions, and how results come back.

use std::rc::Rc;
use std::sync::Arc;

use rquickjs::atom::PredefinedAtom;
use rquickjs::{Ctx, Object, Value};

use crate::engine::clone::ErrorForm;
use crate::engine::disposal::set_disposer;
use crate::engine::exception::{Exception, drop_exception};
use crate::engine::http::{Body, FetchRequest, FetchResponse, Upgrade};
use crate::engine::presence::Client;
use crate::engine::proxy::handler_of;
use crate::engine::turn::Entered;
use crate::engine::{Host, LogLevel, OpId, Scope};
use crate::kv::Bucket;
use crate::objects::{
    ActorKey, Entry, Entrypoint, Event, Export, Failure, Gone, Message, Objects, Reply, ReplyTo, Slot,
    Target, WorkerNumber, is_taken, overrun,
};

use super::alarm;
use super::env::Binding;
use super::messages::{asks_for_upgrade, request_into_js, response_into_js, response_of};
use super::rpc::{Received, error_of, failure_of, give_import, install_reasons, read_message, write_result};
use super::scheduled;

/// What a world knows about its Worker beside its code.
#[derive(Debug, Clone)]
pub struct WorkerSpec {
    /// Its number.
    pub worker: WorkerNumber,
    /// The entries of `env`, in order.
    pub bindings: Vec<Binding>,
    /// The files of Workers Sites.
    pub bucket: Option<Arc<Bucket>>,
    /// How errors are stored and sent, by compatibility date.
    pub stored_errors: ErrorForm,
    /// Whether `deleteAll()` deletes the alarm too, by compatibility date.
    pub delete_all_deletes_alarm: bool,
}

/// What the answer to a request depends on.
struct Asked {
    /// Whether it asked for a WebSocket.
    upgrades: bool,
    /// Who waits for the answer.
    client: Option<Client>,
}

impl Asked {
    /// Tells the client that it has its answer, now or when all of the body of `response` was read.
    fn tell(&self, response: Option<&mut FetchResponse>) {
        let Some(client) = &self.client else { return };
        match response {
            Some(FetchResponse { body: Body::Stream(reader, length), web_socket: None, .. }) => {
                reader.tell(client.clone(), *length);
            }
            _ => client.serve(),
        }
    }
}

/// The platform's entry into JavaScript.
pub struct Platform {
    objects: Rc<Objects>,
}

impl Platform {
    /// The entry for the objects and requests of one isolate.
    pub fn new(objects: Rc<Objects>) -> Rc<Self> {
        install_reasons(&objects.host);
        Rc::new(Self { objects })
    }

    fn host(&self) -> &Rc<Host> {
        &self.objects.host
    }

    fn fetch<'js>(
        &self,
        ctx: &Ctx<'js>,
        scope: Scope,
        target: Target,
        request: FetchRequest,
        reply: ReplyTo,
    ) -> Entered<'js> {
        let asked = self.asked(scope, &request, matches!(target, Target::Worker));
        let called =
            request_into_js(ctx, self.host(), request).and_then(|(method, url, headers, body, cf)| {
                match target {
                    Target::Worker => self.host().entry(ctx, "fetch")?.call((method, url, headers, body)),
                    Target::Object(slot) => {
                        self.host().entry(ctx, "fetchObject")?.call((slot.0, method, url, headers, body, cf))
                    }
                }
            });
        self.respond(ctx, scope, called, asked, reply)
    }

    fn fetch_entrypoint<'js>(
        &self,
        ctx: &Ctx<'js>,
        scope: Scope,
        entrypoint: Box<Entrypoint>,
        request: FetchRequest,
        reply: ReplyTo,
    ) -> Entered<'js> {
        let asked = self.asked(scope, &request, true);
        let called = (|| {
            let Entrypoint { name, props, .. } = *entrypoint;
            let props = self.read_optional(ctx, props)?.value;
            let (method, url, headers, body, cf) = request_into_js(ctx, self.host(), request)?;
            let entry = self.host().entry(ctx, "fetchEntrypoint")?;
            entry.call((name, props, method, url, headers, body, cf))
        })();
        self.respond(ctx, scope, called, asked, reply)
    }

    /// What its answer depends on of `request`, for which a context of its own was made if `is_context`.
    fn asked(&self, scope: Scope, request: &FetchRequest, is_context: bool) -> Asked {
        if let (Some(client), true) = (&request.client, is_context) {
            self.objects.note_client(scope.owner, client.clone());
        }
        Asked { upgrades: asks_for_upgrade(request), client: request.client.clone() }
    }

    /// Answers `reply` with the response that `called` gives.
    fn respond<'js>(
        &self,
        ctx: &Ctx<'js>,
        scope: Scope,
        called: rquickjs::Result<Value<'js>>,
        asked: Asked,
        reply: ReplyTo,
    ) -> Entered<'js> {
        let (called, _) = self.directed(ctx, self.awaited(ctx, called));
        let objects = self.objects.clone();
        Entered::Root(
            called,
            Box::new(move |ctx, result| {
                let response = result.and_then(|value| {
                    response_of(ctx, &objects.host, value, asked.upgrades).map_err(|_| ctx.catch())
                });
                let mut response = response;
                asked.tell(response.as_mut().ok());
                let reply_with = match response {
                    Ok(response) => Reply::Response(response),
                    Err(thrown) => {
                        let failure = failure(&objects, ctx, &thrown);
                        if matches!(reply, ReplyTo::Edge(_)) && !objects.ends_hung() {
                            // Nobody is left who could handle it.
                            objects.host.write_log(LogLevel::Uncaught, failure.exception.to_string());
                        }
                        Reply::Failed(failure.of_fetch())
                    }
                };
                objects.reply_to_fetch(reply, reply_with);
                objects.end_task(scope.owner);
            }),
        )
    }

    /// What was sent, or `undefined` if nothing was.
    fn read_optional<'js>(
        &self,
        ctx: &Ctx<'js>,
        message: Option<Message>,
    ) -> rquickjs::Result<Received<'js>> {
        match message {
            Some(message) => read_message(ctx, &self.objects, message),
            None => Ok(Received { value: Value::new_undefined(ctx.clone()), imports: Vec::new() }),
        }
    }

    /// Runs a call: `enter` gets the arguments, `undefined` where a property is read.
    ///
    /// The stubs among the arguments are disposed when the call is answered: who wants to keep one makes a
    /// copy of it. `callee` is held as long.
    fn call<'js>(
        &self,
        ctx: &Ctx<'js>,
        scope: Scope,
        args: Option<Message>,
        reply: ReplyTo,
        callee: Option<Rc<Export>>,
        enter: impl FnOnce(Value<'js>) -> rquickjs::Result<Value<'js>>,
    ) -> Entered<'js> {
        let (called, imports) = match self.read_optional(ctx, args) {
            Ok(received) => (enter(received.value), received.imports),
            Err(error) => (Err(error), Vec::new()),
        };
        let (called, misdirected) = self.directed(ctx, self.awaited(ctx, called));
        let objects = self.objects.clone();
        Entered::Root(
            called,
            Box::new(move |ctx, result| {
                let receiver = if callee.is_some() { Receiver::Export } else { Receiver::Entry };
                let written = match result {
                    Ok(value) => write_result(ctx, &objects, &value).map_err(|_| (ctx.catch(), true)),
                    Err(thrown) => Err((thrown, misdirected)),
                };
                let reply_with = written.map_or_else(
                    |(thrown, misdirected)| {
                        Reply::Failed(failure_of_call(&objects, ctx, &thrown, misdirected, receiver))
                    },
                    Reply::Value,
                );
                objects.reply(reply, reply_with);
                imports.iter().for_each(|import| import.dispose());
                drop(callee);
                objects.end_task(scope.owner);
            }),
        )
    }

    /// What a call gave, as a promise where it can be awaited.
    fn awaited<'js>(
        &self,
        ctx: &Ctx<'js>,
        called: rquickjs::Result<Value<'js>>,
    ) -> rquickjs::Result<Value<'js>> {
        let value = called?;
        let Some(object) = value.as_object().filter(|_| !value.is_promise()) else { return Ok(value) };
        let then: Value<'js> = object.get(PredefinedAtom::Then)?;
        match then.is_function() {
            true => self.host().entry(ctx, "settled")?.call((value,)),
            false => Ok(value),
        }
    }

    /// What a call gave, and whether it failed before it came to the user's code.
    ///
    /// Fidelity: what is wrong with the call or its result is not told as an error of that object.
    fn directed<'js>(
        &self,
        ctx: &Ctx<'js>,
        called: rquickjs::Result<Value<'js>>,
    ) -> (rquickjs::Result<Value<'js>>, bool) {
        match called {
            Err(_) => {
                let thrown = ctx.catch();
                let misdirected = self.was_looking(ctx);
                (Err(ctx.throw(thrown)), misdirected)
            }
            Ok(value) => (Ok(value), false),
        }
    }

    /// Whether the prelude was looking for what a call means when it threw.
    fn was_looking(&self, ctx: &Ctx<'_>) -> bool {
        let looking: rquickjs::Result<bool> =
            self.host().entry(ctx, "takeLooking").and_then(|entry| entry.call(()));
        looking.unwrap_or_else(|_| {
            // Out of CPU time: what ran was the user's code.
            ctx.catch();
            false
        })
    }

    fn call_object<'js>(
        &self,
        ctx: &Ctx<'js>,
        (scope, slot): (Scope, Slot),
        path: Vec<String>,
        args: Option<Message>,
        reply: ReplyTo,
    ) -> Entered<'js> {
        self.call(ctx, scope, args, reply, None, |args| match &*path {
            [name] => self.host().entry(ctx, "call")?.call((slot.0, name.as_str(), args)),
            _ => self.host().entry(ctx, "callPath")?.call((slot.0, path, args)),
        })
    }

    /// Whether the method at `path` of the object in `slot` is marked with `retryable()`.
    fn is_retryable(&self, ctx: &Ctx<'_>, slot: Slot, path: &[String]) -> bool {
        let [name] = path else { return false };
        let marked: rquickjs::Result<bool> =
            self.host().entry(ctx, "isRetryable").and_then(|entry| entry.call((slot.0, name.as_str())));
        marked.unwrap_or_else(|_| {
            // A getter threw: what it stands for is not marked.
            ctx.catch();
            false
        })
    }

    /// The result of a call. An object can be disposed, and with it every stub in it.
    fn read_result<'js>(&self, ctx: &Ctx<'js>, message: Message) -> rquickjs::Result<Value<'js>> {
        let Received { value, imports } = read_message(ctx, &self.objects, message)?;
        let Some(object) = value.as_object() else { return Ok(value) };
        if imports.is_empty() && handler_of(ctx, &value).is_none() {
            set_disposer(ctx, object, self.host().entry(ctx, "nothingToDispose")?)?;
            return Ok(value);
        }
        let finish = self.host().entry(ctx, "disposable")?;
        match imports.is_empty() {
            true => finish.call((value,)),
            false => {
                let handles = imports.into_iter().map(|import| give_import(ctx, import));
                finish.call((value, handles.collect::<rquickjs::Result<Vec<_>>>()?))
            }
        }
    }

    /// Settles the promise of a call or request that JavaScript made.
    fn answer<'js>(&self, ctx: &Ctx<'js>, op: OpId, reply: Reply) -> rquickjs::Result<()> {
        let ops = &self.host().ops;
        let value = match reply {
            Reply::Value(message) => self.read_result(ctx, message),
            Reply::Response(response) => {
                if let Some(Upgrade::Returned(id)) = response.web_socket {
                    self.objects.sockets.receive(id, self.host().scope.get().owner);
                }
                response_into_js(ctx, self.host(), response)
            }
            Reply::Done | Reply::Told(_) => Ok(Value::new_undefined(ctx.clone())),
            Reply::Failed(failure) => return ops.reject(ctx, op, error_of(ctx, self.host(), &failure)),
        };
        match value {
            Ok(value) => ops.resolve(ctx, op, value),
            Err(_) => ops.reject(ctx, op, ctx.catch()),
        }
    }
}

/// What a call is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Receiver {
    /// An object, or an entry point.
    Entry,
    /// A function or a target that was passed on.
    Export,
}

/// What a call threw in the running turn; `misdirected` says that it failed before it came to the user's code, or after it.
///
/// Fidelity: an object's id is set on what its code throws, and so travels only where properties do; errors of what it passed
/// on get it once more where they arrive (`maybeAddDurableObjectId` in `src/workerd/api/worker-rpc.c++`).
fn failure_of_call<'js>(
    objects: &Objects,
    ctx: &Ctx<'js>,
    thrown: &Value<'js>,
    misdirected: bool,
    receiver: Receiver,
) -> Failure {
    let slot = objects.current_slot().filter(|_| objects.current_failure().is_none());
    let id = slot.map(|slot| objects.with_actor(slot, |actor| actor.key.id.to_string()));
    if let (Some(id), Some(object), false) = (&id, thrown.as_object(), misdirected) {
        object.set("durableObjectId", id.as_str()).unwrap_or_else(|_| drop_exception(ctx));
    }
    let broken = objects.current_failure().is_some();
    let failure = failure(objects, ctx, thrown);
    match receiver {
        Receiver::Export if broken => objects.as_told_by_export(failure),
        Receiver::Export => Failure { object_id: id, ..failure },
        Receiver::Entry => Failure { object_id: None, ..failure },
    }
}

/// What was thrown in the running turn; the reason of a reset where the object is broken.
pub(super) fn failure<'js>(objects: &Objects, ctx: &Ctx<'js>, thrown: &Value<'js>) -> Failure {
    if let Some(failure) = objects.current_failure() {
        objects.note_known();
        return failure;
    }
    let slot = objects.current_slot();
    let interrupted = objects.host.interrupted.get();
    if !interrupted {
        let failure = failure_of(ctx, &objects.host, thrown);
        if !failure.exception.is_out_of_memory() {
            return failure;
        }
    }
    let failure = Failure { is_known: true, ..overrun(slot.is_some(), interrupted) };
    if let Some(slot) = slot {
        objects.break_object(slot, failure.clone());
    }
    failure
}

impl Entry for Platform {
    fn construct<'js>(
        &self,
        ctx: &Ctx<'js>,
        slot: Slot,
        key: ActorKey,
        name: Option<&str>,
    ) -> rquickjs::Result<Value<'js>> {
        let namespace = &self.objects.namespaces[key.namespace];
        if self.objects.is_facet(slot) {
            return self.host().entry(ctx, "constructFacet")?.call((slot.0, namespace.sqlite));
        }
        let entry = self.host().entry(ctx, "construct")?;
        entry.call((
            slot.0,
            key.namespace,
            namespace.class.as_str(),
            key.id.to_string(),
            name,
            namespace.sqlite,
        ))
    }

    fn destroy(&self, ctx: &Ctx<'_>, slot: Slot) {
        let done: rquickjs::Result<()> =
            self.host().entry(ctx, "destroy").and_then(|entry| entry.call((slot.0,)));
        done.expect("clearing a place in a table cannot throw");
    }

    fn enter<'js>(&self, ctx: &Ctx<'js>, scope: Scope, target: Target, event: Event) -> Entered<'js> {
        self.host().roots.doing(event.name());
        match event {
            Event::Control(call) => {
                let Target::Object(slot) = target else {
                    unreachable!("data of objects is changed in objects")
                };
                self.objects.change_awake(slot, *call);
                Entered::Done
            }
            Event::Fetch { request, reply } => self.fetch(ctx, scope, target, request, reply),
            Event::Call { path, args, before, reply } => {
                let Target::Object(slot) = target else {
                    unreachable!("methods of objects are called in objects");
                };
                // What is only read cannot be marked, and reading it to see whether it is would run a getter again.
                let is_call = args.is_some();
                if !is_taken(before.as_deref(), || is_call && self.is_retryable(ctx, slot, &path)) {
                    let failure = *before.expect("only what was received before is refused");
                    self.objects.reply(reply, Reply::Failed(failure));
                    self.objects.end_task(scope.owner);
                    return Entered::Done;
                }
                self.call_object(ctx, (scope, slot), path, args, reply)
            }
            Event::CallExport { export, path, args, reply } => {
                let id = export.id;
                self.call(ctx, scope, args, reply, Some(export), |args| {
                    self.host().entry(ctx, "callExport")?.call((id, path, args))
                })
            }
            Event::CallEntrypoint { entrypoint, path, args, reply } => {
                let Entrypoint { name, props, .. } = *entrypoint;
                self.call(ctx, scope, args, reply, None, |args| {
                    let props = self.read_optional(ctx, props)?.value;
                    self.host().entry(ctx, "callEntrypoint")?.call((name, props, path, args))
                })
            }
            Event::FetchEntrypoint { entrypoint, request, reply } => {
                self.fetch_entrypoint(ctx, scope, entrypoint, request, reply)
            }
            Event::DropExport { id, ends_task, disposes } => {
                let dropped: rquickjs::Result<Value<'js>> =
                    self.host().entry(ctx, "dropExport").and_then(|entry| entry.call((id, disposes)));
                let objects = self.objects.clone();
                Entered::Root(
                    dropped,
                    Box::new(move |ctx, result| {
                        if let Err(thrown) = result {
                            objects.host.violations.add_thrown(ctx, &thrown);
                        }
                        if ends_task {
                            objects.end_task(scope.owner);
                        }
                    }),
                )
            }
            Event::Answer { op, reply } => {
                self.answer(ctx, op, reply).expect("settling a promise cannot throw");
                Entered::Done
            }
            Event::Complete(completion) => {
                let settled = self.host().ops.finish(ctx, completion.op, completion.result);
                settled.expect("settling a promise cannot throw");
                Entered::Done
            }
            Event::Leave { response, reply } => {
                self.objects.answer(reply, Reply::Response(response));
                Entered::Done
            }
            Event::Alarm { scheduled, retry_count } => {
                alarm::enter(ctx, &self.objects, target, scheduled, retry_count)
            }
            Event::Scheduled { cron, time_ms, answer, reply } => {
                let called = scheduled::call(ctx, &self.objects, &cron, time_ms);
                scheduled::enter(called, &self.objects, scope, answer, reply)
            }
            Event::Farewell(reason) => super::farewell::enter(&self.objects, ctx, target, reason),
            Event::Socket(id) => super::sockets::enter(&self.objects, ctx, id),
            Event::Timer(id) => {
                let fired: rquickjs::Result<Value<'js>> =
                    self.host().entry(ctx, "timer").and_then(|entry| entry.call((id,)));
                let objects = self.objects.clone();
                Entered::Root(
                    fired.map(|_| Value::new_undefined(ctx.clone())),
                    Box::new(move |ctx, result| {
                        let thrown = result.err();
                        objects.journal.timer_ran(id, || {
                            let thrown = thrown.as_ref()?;
                            let failure = objects.current_failure().map(|failure| failure.exception);
                            Some(failure.unwrap_or_else(|| Exception::read(ctx, thrown)).headline())
                        });
                        if let Some(thrown) = thrown {
                            objects.host.violations.add_thrown(ctx, &thrown);
                        }
                    }),
                )
            }
        }
    }

    fn forget_facets(&self, ctx: &Ctx<'_>, slots: &[Slot]) {
        let numbers: Vec<u32> = slots.iter().map(|slot| slot.0).collect();
        let done: rquickjs::Result<()> =
            self.host().entry(ctx, "forgetFacets").and_then(|entry| entry.call((numbers,)));
        done.expect("removing entries of a table cannot throw");
    }

    fn forget_timers(&self, ctx: &Ctx<'_>, timers: &[u32]) {
        let done: rquickjs::Result<()> =
            self.host().entry(ctx, "forget-timers").and_then(|entry| entry.call((timers.to_vec(),)));
        done.expect("removing entries of a table cannot throw");
    }

    fn forget_sockets(&self, ctx: &Ctx<'_>, sockets: &[Gone]) {
        let told = |gone: &Gone| [gone.id.0, gone.ready_state.into(), gone.said_goodbye.into()];
        let numbers: Vec<u32> = sockets.iter().flat_map(told).collect();
        let done: rquickjs::Result<()> =
            self.host().entry(ctx, "forgetSockets").and_then(|entry| entry.call((numbers,)));
        done.expect("removing entries of a table cannot throw");
    }

    fn failure<'js>(&self, ctx: &Ctx<'js>, thrown: &Value<'js>) -> Failure {
        failure(&self.objects, ctx, thrown)
    }

    fn error<'js>(&self, ctx: &Ctx<'js>, failure: &Failure) -> Value<'js> {
        error_of(ctx, self.host(), failure)
    }
}

/// Tells the prelude which of the platform's behaviours are in force, before user code runs.
///
/// # Errors
/// None that user code could cause.
pub fn set_compatibility<'js>(ctx: &Ctx<'js>, host: &Host, flags: &[(&str, bool)]) -> rquickjs::Result<()> {
    let object = Object::new(ctx.clone())?;
    for (name, on) in flags {
        object.set(*name, *on)?;
        if *name == "brotli_content_encoding" {
            host.bodies.brotli.set(*on);
        }
    }
    host.entry(ctx, "compatibility")?.call((object,))
}

/// Makes the bindings of a Worker without exports global, before its main module is evaluated.
///
/// # Errors
/// None that user code could cause.
pub fn spread_bindings(ctx: &Ctx<'_>, host: &Host) -> rquickjs::Result<()> {
    host.entry(ctx, "spreadBindings")?.call(())
}

/// Whether code that was evaluated ahead of its Worker asked for bindings.
///
/// # Errors
/// None that user code could cause.
pub fn asked_early(ctx: &Ctx<'_>, host: &Host) -> rquickjs::Result<bool> {
    host.entry(ctx, "askedEarly")?.call(())
}

/// Tells the prelude about the user's main module; gives the names of exports that are to be classes of objects and are
/// none.
///
/// # Errors
/// Throws what a getter of the module throws.
pub fn load_exports<'js>(
    ctx: &Ctx<'js>,
    host: &Host,
    namespace: Object<'js>,
) -> rquickjs::Result<Vec<String>> {
    host.entry(ctx, "load")?.call((namespace,))
}
