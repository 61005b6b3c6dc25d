//! The thread of one world: its isolate, its objects, and the loop that everything enters by.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::assets::Site;
use crate::base::clock::Clock;
use crate::base::diag::Diagnostic;
use crate::base::generation::Generation;
use crate::base::limits;
use crate::bundle::{BuiltMaps, SourceMaps};
use crate::engine::exception::Exception;
use crate::engine::http::{FetchError, FetchRequest, FetchResponse};
use crate::engine::mailbox::{Receiver, Sender};
use crate::engine::socket::SocketId;
use crate::engine::turn::Entered;
use crate::engine::{
    Completer, Completion, Extension, Host, Isolate, IsolateOptions, LogRecord, OwnerId, RealmId, Scope,
};
use crate::node;
use crate::objects::control::{Asker, Command};
use crate::objects::{
    AlarmTurns, Entry, Fired, HandingOver, LeaseHolder, LeaseKey, Objects, Obligation, ReplyTo, Stores,
};
use crate::project::{Project, not_classes};
use crate::storage::interrupt_when;
use crate::web;
use crate::workers::{self, Outbound, Platform};

use super::ahead::{self, Ahead};
use super::replies::Reply;
use super::scheduled::{self, Crons};
use super::standby::{Preparation, apply_flags};
use super::state::{Lost, SharedState};
use super::travel::{TimeCommand, TimeReport, Travel};
use super::{LogSink, WorkerCode, spec, stack, top_level};

/// What came of a module: the exports that should be classes of objects and are none, or what was thrown.
type Loaded = Result<Vec<String>, Exception>;

/// What a world is told, from any thread.
pub enum Message {
    /// Evaluate these packages ahead of the code.
    Prepare(Arc<Preparation>),
    /// Code from texts of this size will come, bytes.
    FetchMemory(usize),
    /// Compile this ahead of the code that will have it.
    Compile(Ahead),
    /// Take this code.
    Load(Box<Load>),
    /// A request for the Worker.
    Fetch(FetchRequest, oneshot::Sender<Result<FetchResponse, FetchError>>),
    /// The control surface asks for something.
    Control(Box<(Command, Asker)>),
    /// An operation is finished.
    Complete(Completion),
    /// Another world wants an object.
    LeaseWanted(LeaseKey),
    /// An object that this world waits for is free.
    LeaseGranted(LeaseKey),
    /// Somebody outside demands objects, or that everything stands still.
    LeaseDemanded(Obligation),
    /// Another world changed what is due.
    AlarmsChanged,
    /// Show or move the time.
    Time(TimeCommand, oneshot::Sender<TimeReport>),
    /// The clock was moved, or flows again.
    TimeChanged,
    /// Something arrived for a WebSocket.
    SocketArrived(SocketId),
    /// An earlier world left the WebSockets of an object.
    SocketsParked(LeaseKey),
    /// No more requests will come: finish and end.
    Retire,
    /// End within `limit`; the answering end is dropped when all is closed.
    Stop {
        /// How long requests in flight may take.
        limit: Duration,
        /// Dropped when the world is gone.
        answer: mpsc::Sender<()>,
    },
}

/// The code of a world and what belongs to it.
pub struct Load {
    /// The Workers, in the order of their realms.
    pub workers: Vec<WorkerCode>,
    /// Their assets.
    pub sites: Vec<Option<Arc<Site>>>,
    /// Which generation this is.
    pub generation: Generation,
    /// The state of all worlds.
    pub state: Arc<SharedState>,
    /// The world's own mailbox, for leases.
    pub sender: Sender<Message>,
    /// Whether `/__scheduled` runs the scheduled handler.
    pub test_scheduled: bool,
    /// Whether a reload closes hibernatable WebSockets.
    pub close_sockets: bool,
    /// How long objects with hibernatable sockets may be idle.
    pub hibernate_after: Duration,
    /// Raised when the world is to end and its code does not.
    pub hurry: Arc<AtomicBool>,
    /// Told how it went.
    pub answer: mpsc::Sender<Result<(), Vec<Diagnostic>>>,
}

struct Holder(Sender<Message>);

impl LeaseHolder for Holder {
    fn wanted(&self, key: LeaseKey) {
        drop(self.0.send(Message::LeaseWanted(key)));
    }

    fn granted(&self, key: LeaseKey) {
        drop(self.0.send(Message::LeaseGranted(key)));
    }

    fn demanded(&self, obligation: Obligation) {
        drop(self.0.send(Message::LeaseDemanded(obligation)));
    }
}

/// The body of a world's thread.
pub fn run(receiver: Receiver<Message>, sender: Sender<Message>, log: LogSink, clock: Clock) {
    receiver.bind();
    let completer = Completer::new(move |completion| drop(sender.send(Message::Complete(completion))));
    // What packages write while they are evaluated ahead is shown when their code comes.
    let held: Rc<RefCell<Option<Vec<LogRecord>>>> = Rc::default();
    let mut extensions = web::EXTENSIONS.to_vec();
    extensions.extend([web::body::EXTENSION, node::EXTENSION, workers::EXTENSION]);
    let make = || {
        let (log, held) = (log.clone(), held.clone());
        let write = move |record| match held.borrow_mut().as_mut() {
            Some(held) => held.push(record),
            None => log(record),
        };
        let host = Host::new(clock.clone(), completer.clone(), Box::new(write));
        Isolate::new(host, &extensions, &IsolateOptions::default())
    };
    let mut isolate = make();
    let mut prepared = false;
    let mut compiled = None;
    let mut fetched = None;
    clock.follow();
    let mut batch = Vec::new();
    loop {
        receiver.take(&mut batch, None);
        for message in batch.drain(..) {
            match message {
                Message::Prepare(preparation) => {
                    *held.borrow_mut() = Some(Vec::new());
                    isolate =
                        isolate.and_then(|isolate| with_realms(isolate, &extensions, preparation.realms()));
                    prepared = isolate.as_ref().is_ok_and(|isolate| preparation.carry_out(isolate));
                    if !prepared {
                        drop(isolate);
                        isolate = make();
                        *held.borrow_mut() = None;
                    }
                }
                Message::FetchMemory(size) => fetched = Some(ahead::fetch_memory(size)),
                Message::Compile(ahead) => {
                    compiled = isolate.as_ref().is_ok_and(|isolate| ahead.compile(isolate)).then_some(ahead);
                    fetched = None;
                    if compiled.is_none() {
                        drop(isolate);
                        isolate = make();
                    }
                }
                Message::Load(load) => {
                    drop(fetched.take());
                    if compiled.take().is_some_and(|ahead: Ahead| !ahead.fits(&load.workers)) {
                        drop(isolate);
                        isolate = make();
                        prepared = false;
                    }
                    let isolate = match with_realms_of(isolate, &extensions, &load) {
                        Ok(isolate) => isolate,
                        Err(reason) => {
                            let _ = load.answer.send(Err(vec![top_level::engine_failed(&reason)]));
                            return;
                        }
                    };
                    for record in held.borrow_mut().take().into_iter().flatten() {
                        log(record);
                    }
                    return World::load(&isolate, *load, receiver, clock.clone(), prepared);
                }
                Message::Stop { .. } | Message::Retire => return,
                // Nothing else can come before the code.
                Message::Fetch(..) | Message::Complete(_) => {}
                Message::LeaseWanted(_) | Message::LeaseGranted(_) | Message::LeaseDemanded(_) => {}
                Message::SocketArrived(_) | Message::SocketsParked(_) | Message::Control(_) => {}
                Message::AlarmsChanged | Message::Time(..) | Message::TimeChanged => {}
            }
        }
    }
}

/// `isolate` with a realm for each of `count` Workers.
fn with_realms(mut isolate: Isolate, extensions: &[Extension], count: usize) -> Result<Isolate, String> {
    for _ in isolate.realms().count()..count {
        isolate.add_realm(extensions)?;
    }
    Ok(isolate)
}

fn with_realms_of(
    isolate: Result<Isolate, String>,
    extensions: &[Extension],
    load: &Load,
) -> Result<Isolate, String> {
    isolate.and_then(|isolate| with_realms(isolate, extensions, load.workers.len()))
}

/// What others wait for when the thread of a world fails.
struct LeftBehind {
    state: Arc<SharedState>,
    generation: Generation,
}

impl Drop for LeftBehind {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.state.leases.release_all(self.generation);
            self.state.alarms.with(self.generation, |clock| clock.release_all(self.generation));
            self.state.lost(self.generation, Lost::Failed);
        }
    }
}

/// A loaded world on its thread.
struct World<'a> {
    isolate: &'a Isolate,
    objects: Rc<Objects>,
    entry: Rc<dyn Entry>,
    clock: Clock,
    generation: Generation,
    /// Of each Worker.
    crons: Vec<Crons>,
    travel: Travel,
    /// How long to wait for messages at most, on the way to another time.
    pause: Option<Duration>,
    retired: bool,
    told_worn: bool,
    state: Arc<SharedState>,
    /// Messages of the running batch; empty between batches, with room for the next one.
    batch: Vec<Message>,
    /// Answers of the running batch.
    outbox: Rc<RefCell<Vec<Reply>>>,
    /// When to end at the latest, and who waits for it.
    stopping: Option<(Duration, Vec<mpsc::Sender<()>>)>,
    /// The directory of the primary Worker, which places in code are relative to.
    root: PathBuf,
    /// Dropped after all else: who asks a world to stop that ends by itself learns from this that it is gone, and may
    /// open the state directory again.
    receiver: Receiver<Message>,
}

impl<'a> World<'a> {
    /// `prepared` says that the packages of this code have been evaluated in `isolate`.
    fn load(isolate: &'a Isolate, load: Load, receiver: Receiver<Message>, clock: Clock, prepared: bool) {
        let Load {
            workers,
            sites,
            generation,
            state,
            sender,
            test_scheduled,
            close_sockets,
            hibernate_after,
            hurry,
            answer,
        } = load;
        isolate.obey(hurry);
        let (objects_dir, own_dir) = (state.objects_dir(), state.own_dir());
        let projects: Vec<_> = workers.iter().map(|worker| worker.project.clone()).collect();
        let mut roster = spec::roster(&projects, &sites);
        let namespaces = match spec::namespaces(&projects, &mut roster, &own_dir) {
            Ok(namespaces) => namespaces,
            Err(error) => {
                let message = format!("the table of former ids cannot be read: {error}");
                let _ = answer.send(Err(vec![Diagnostic::error("dodev/former-ids", message)]));
                return;
            }
        };
        let specs: Vec<_> = projects
            .iter()
            .map(|project| Rc::new(spec::worker(project, &mut roster, &namespaces, clock.now())))
            .collect();
        let mailbox = sender.clone();
        let wake = sender.clone();
        let handing_over = HandingOver::new(state.leases.clone(), generation, Arc::new(Holder(sender)));
        let stores = Stores::new(objects_dir.clone(), state.history());
        isolate.host().set_own_dir(own_dir.clone());
        // Those of Workers that do not run stand behind the others.
        let own = namespaces.iter().take_while(|own| roster.realm(own.worker).is_some()).count();
        let alarms =
            AlarmTurns::new(state.alarms.clone(), generation, &namespaces[..own], &objects_dir, &own_dir);
        let alarms = match alarms {
            Ok(alarms) => alarms,
            Err(error) => {
                let message = format!("the stored alarms cannot be read: {error}");
                let _ = answer.send(Err(vec![Diagnostic::error("dodev/alarms", message)]));
                return;
            }
        };
        let objects = Objects::new(isolate.host().clone(), roster, namespaces, stores, alarms, handing_over);
        objects.set_feed(state.feed().clone());
        objects.set_hibernate_after(hibernate_after);
        for (project, realm) in projects.iter().zip(0..) {
            if let Some(limit) = project.limits.subrequests {
                objects.set_subrequests(RealmId(realm), limit);
            }
            if let Some(delay) = project.code_update_delay {
                objects.set_code_update(RealmId(realm), delay);
            }
        }
        let arrivals = mailbox.clone();
        let announce = move |id| drop(arrivals.send(Message::SocketArrived(id)));
        objects.sockets.connect(
            announce,
            state.parking.clone(),
            projects.iter().map(|project| spec::socket_rules(project, !close_sockets)).collect(),
        );
        let (outbound, rates) = (Outbound::new(&objects), &state.rate_counts);
        for (realm, own) in isolate.realms().zip(&specs) {
            isolate.host().set_error_form(realm, own.stored_errors);
            isolate.install(realm, |ctx, host| workers::install(ctx, host, &objects, own, &outbound, rates));
        }
        let entry: Rc<dyn Entry> = Platform::new(objects.clone());
        let names = objects.clone();
        isolate.host().set_origin(move |owner| names.origin(owner));
        let owners = objects.clone();
        isolate.host().set_alive(move |owner| owners.is_alive(owner));
        let crons = projects.iter().map(|project| Crons::new(&project.crons, test_scheduled)).collect();
        let mut world = World {
            isolate,
            objects,
            entry,
            receiver,
            clock,
            generation,
            crons,
            travel: Travel::default(),
            pause: None,
            retired: false,
            told_worn: false,
            state,
            batch: Vec::new(),
            outbox: Rc::default(),
            stopping: None,
            root: projects[0].root.clone(),
        };
        interrupt_when(isolate.overrun_question());
        let _left_behind = LeftBehind { state: world.state.clone(), generation };
        let mut each = isolate.realms().zip(&workers);
        let result = each.try_for_each(|(realm, worker)| world.begin(realm, worker, prepared));
        let loaded = result.is_ok();
        if answer.send(result).is_ok() && loaded {
            let tell = move |key| drop(mailbox.send(Message::SocketsParked(key)));
            world.state.parking.set_heir(generation, tell);
            let watcher = wake.clone();
            let watching = world.clock.watch(Arc::new(move || drop(watcher.send(Message::TimeChanged))));
            world.objects.listen_for_alarms(Arc::new(move || drop(wake.send(Message::AlarmsChanged))));
            let now = world.clock.now();
            world.crons.iter_mut().for_each(|crons| crons.begin(now));
            world.serve();
            drop(watching);
        }
        world.objects.release_alarms();
        world.objects.close_sockets();
        world.objects.release_leases();
    }

    /// Evaluates the code of a Worker in its realm; its packages have been evaluated if they were `prepared`.
    fn begin(&mut self, realm: RealmId, worker: &WorkerCode, prepared: bool) -> Result<(), Vec<Diagnostic>> {
        let WorkerCode { project, bundle } = worker;
        let (maps, built) = (SourceMaps::new(bundle), BuiltMaps::new(&project.root));
        let way = stack::way(&self.root, &project.root);
        self.isolate.host().set_map_stack(realm, move |text| stack::map_stack(&maps, &built, &way, text));
        let mut modules = spec::modules(bundle);
        let order = bundle.external.as_ref().map(|external| external.order.as_slice()).unwrap_or_default();
        if let Some(dependencies) = &bundle.dependencies {
            modules.extend(spec::package_modules(dependencies, order));
        }
        self.isolate.set_user_modules(realm, modules);
        if !prepared {
            let hidden = spec::hidden_modules(project);
            apply_flags(self.isolate, realm, &spec::compatibility_flags(project), hidden);
        }
        if bundle.exports.is_empty() {
            self.isolate.turn(Scope::none_of(realm), |ctx| {
                workers::spread_bindings(ctx, self.isolate.host()).expect("the prelude's own code");
                Entered::Done
            });
        }
        self.isolate.set_turn_cpu(realm, limits::STARTUP_CPU);
        if !prepared && !order.is_empty() {
            self.evaluate(realm, project, spec::PACKAGES, false)?;
        }
        self.evaluate(realm, project, &bundle.entry, true)?;
        let cpu = project.limits.cpu_ms.map(|ms| Duration::from_millis(ms.into()));
        self.isolate.set_turn_cpu(realm, cpu.unwrap_or(limits::TURN_CPU));
        Ok(())
    }

    /// Evaluates a module and everything it waits for; the main one tells what the Worker exports.
    fn evaluate(
        &mut self,
        realm: RealmId,
        project: &Project,
        module: &str,
        is_main: bool,
    ) -> Result<(), Vec<Diagnostic>> {
        let outcome: Rc<RefCell<Option<Loaded>>> = Rc::default();
        let (place, host) = (outcome.clone(), self.isolate.host().clone());
        let _global = host.enter_global_scope();
        let report = self.isolate.load(realm, module, move |ctx, result| {
            let exports = result.and_then(|namespace| match is_main {
                true => workers::load_exports(ctx, &host, namespace).map_err(|_| ctx.catch()),
                false => Ok(Vec::new()),
            });
            *place.borrow_mut() = Some(exports.map_err(|thrown| Exception::read(ctx, &thrown)));
        });
        let who = match self.objects.roster.is_shared() {
            true => format!("the Worker `{}`", project.name),
            false => "the Worker".to_owned(),
        };
        if report.cpu_exceeded {
            let message = format!("the top level of {who} ran for too long and was ended");
            return Err(vec![Diagnostic::error("worker/startup-cpu", message).help(
                "the platform allows about a second of CPU time at the top level: move work into handlers",
            )]);
        }
        let deadline = self.clock.machine() + limits::STARTUP_WAIT;
        while outcome.borrow().is_none() {
            let left = deadline.saturating_sub(self.clock.machine());
            // Nothing can happen there but that an operation of the machine ends: a hash, say.
            let waits = self.objects.has_work() || self.isolate.host().ops.any_of(OwnerId::none_of(realm));
            if left.is_zero() || !waits {
                let message = format!("the top level of {who} waits for something that does not happen");
                return Err(vec![Diagnostic::error("worker/startup-wait", message).help(
                    "a promise that is awaited there is never settled; the platform says `Top-level await in \
                     module is unsettled.`",
                )]);
            }
            self.step(Some(left));
        }
        let result = outcome.borrow_mut().take().expect("the loop ends when there is an outcome");
        match result {
            Ok(names) => match not_classes(project, &names) {
                mistakes if mistakes.is_empty() => Ok(()),
                mistakes => Err(mistakes),
            },
            Err(exception) => Err(vec![top_level::thrown(&self.root, &who, project, &exception)]),
        }
    }

    fn serve(&mut self) {
        while !self.is_over() {
            let limit = self.stopping.as_ref().map(|(due, _)| due.saturating_sub(self.clock.machine()));
            self.step(limit);
        }
        if self.stopping.is_none() {
            self.objects.park_all_sockets();
        }
        self.objects.settle_alarm_ends();
        self.objects.stores.close_all();
        self.objects.release_alarms();
        self.objects.release_leases();
    }

    fn is_over(&self) -> bool {
        match &self.stopping {
            Some((due, _)) => self.objects.is_idle() || self.clock.machine() >= *due,
            None => self.retired && self.objects.is_idle(),
        }
    }

    /// One batch: waits for messages or time, at most `limit`, and works off what they make ready.
    fn step(&mut self, limit: Option<Duration>) {
        let due = self.objects.next_due().and_then(|due| self.clock.wait_until(due));
        let now = self.clock.now();
        let cron = self.crons.iter().filter_map(|crons| crons.wait(now)).min();
        let cron = cron.filter(|wait| wait.is_zero() || !self.clock.stands());
        let later =
            [self.objects.stores.history_due(), self.objects.alarm_ends_due()].into_iter().flatten().min();
        let later = later.map(|due| due.saturating_sub(self.clock.machine()));
        let busy = self.objects.has_work().then_some(Duration::ZERO);
        let limit = [limit, due, cron, later, self.pause.take(), busy].into_iter().flatten().min();
        let mut batch = std::mem::take(&mut self.batch);
        self.receiver.take(&mut batch, limit);
        for message in batch.drain(..) {
            self.accept(message);
        }
        self.batch = batch;
        self.advance_crons();
        self.objects.advance();
        self.objects.run_and_end_hung(self.isolate, &self.entry, || self.receiver.is_empty());
        self.state.replies().add(&mut self.outbox.borrow_mut());
        if !self.travel.is_idle() {
            self.go_on();
        }
        if self.objects.worn.get() && !self.retired && !std::mem::replace(&mut self.told_worn, true) {
            self.state.lost(self.generation, Lost::Memory);
        }
    }

    /// Moves the time on, if somebody wants that.
    fn go_on(&mut self) {
        let next = || self.crons.iter().filter_map(Crons::next).min_by_key(|(due, _)| *due);
        let cron = || self.objects.listens().then(next).flatten();
        let cron = || cron().map(|(due, text)| scheduled::fired(due, text));
        // What the world outside sent before it was done is in the mailbox by now, and comes first.
        let outside = self.objects.newest_outside();
        self.pause = if self.receiver.is_empty() && !self.objects.has_work() {
            self.travel.go_on(&self.objects, &self.clock, outside, cron)
        } else {
            Some(Duration::ZERO)
        };
    }

    /// Runs the scheduled handler for what is due, if this world is the newest one.
    fn advance_crons(&mut self) {
        let listens = self.objects.listens();
        let now = self.clock.now();
        for (realm, crons) in self.isolate.realms().zip(&mut self.crons) {
            for (time, cron) in crons.take_due(now) {
                if !listens {
                    continue;
                }
                let origin = || self.objects.origin(OwnerId::none_of(realm));
                let fired = || Fired { origin: origin(), ..scheduled::fired(time, &cron) };
                let noted = self.objects.journal.note(fired);
                let objects = Rc::downgrade(&self.objects);
                let done = move |ok: bool| {
                    if let Some(objects) = objects.upgrade() {
                        objects.journal.end(noted, if ok { "ok" } else { "failed" });
                    }
                };
                self.objects.deliver_to_worker(realm, Crons::due_event(time, cron, done));
            }
        }
    }

    fn accept(&mut self, message: Message) {
        match message {
            Message::Fetch(request, answer) => {
                let outbox = self.outbox.clone();
                let reply = ReplyTo::Edge(Box::new(move |result| outbox.borrow_mut().push((answer, result))));
                let event = self.crons[0].event(request, reply, self.clock.now());
                self.objects.deliver_to_worker(RealmId::FIRST, event);
            }
            Message::Control(asked) => {
                let (command, asker) = *asked;
                self.objects.control(self.isolate, &self.entry, command, asker);
            }
            Message::Complete(completion) => self.objects.complete(completion),
            Message::LeaseWanted(key) => self.objects.lease_wanted(self.isolate, &self.entry, &key),
            Message::LeaseGranted(key) => self.objects.lease_granted(&key),
            Message::LeaseDemanded(obligation) => {
                self.objects.lease_demanded(self.isolate, &self.entry, obligation);
            }
            // It has its code.
            Message::Prepare(_) | Message::FetchMemory(_) | Message::Compile(_) => {}
            // What is due is looked at in every step.
            Message::AlarmsChanged | Message::TimeChanged => {}
            Message::Time(command, answer) => self.travel.ask(command, answer),
            Message::SocketArrived(id) => self.objects.socket_arrived(id),
            // A retired world has an heir that was told as well, or will be.
            Message::SocketsParked(key) if !self.retired => self.objects.adopt_sockets(&key),
            Message::SocketsParked(_) => {}
            Message::Retire => {
                self.retired = true;
                self.travel.break_off(&self.objects, &self.clock);
                self.objects.stop_alarms();
                self.objects.retire(self.isolate, &self.entry);
            }
            Message::Stop { limit, answer } => {
                self.objects.drop_listening();
                self.travel.break_off(&self.objects, &self.clock);
                let due = self.clock.machine() + limit;
                self.objects.stop_alarms();
                self.stopping.get_or_insert((due, Vec::new())).1.push(answer);
            }
            Message::Load(load) => {
                let message = format!("generation {} has its code already", self.generation.0);
                let _ = load.answer.send(Err(vec![top_level::engine_failed(&message)]));
            }
        }
    }
}
