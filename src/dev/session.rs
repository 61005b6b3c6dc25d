//! Runs a session: performs what [`Machine`] decides, and turns what happens into its signals.
//!
//! Everything slow happens elsewhere: builds on the builder's thread, evaluations on a thread each, requests on
//! the server's. This loop only waits for events, so it stays responsive whatever the user's code does.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use super::builder::{Builder, Job};
use super::machine::{Action, Machine, Outcome, Signal};
use super::report::{Broken, Ready, Report, ReportSink};
use super::request::bundle_request;
use super::server_file::{ServerFile, new_token};
use super::unmet::unmet;
use super::watch::{Change, Watch, lost_events};
use crate::base::clock::Clock;
use crate::base::diag::Diagnostic;
use crate::base::generation::Generation;
use crate::base::limits;
use crate::bundle::{BuildFailure, Bundle, BundleCache, ChildBundler};
use crate::objects::Feed;
use crate::project::{LoadRequest, Loaded, Project, check_exports, load};
use crate::server::{
    ControlOptions, Current, ListenError, PortChoice, Server, ServerOptions, Serving, listen,
};
use crate::world::{LogSink, Replies, SharedState, StateError, Warm, World, WorldFailure, WorldSpec};

/// The platform's default port for local development.
const DEFAULT_PORT: u16 = 8787;
/// Where wrangler keeps state, below the configuration's directory.
const DEFAULT_STATE: &str = ".wrangler/state";
/// Where bundles are cached, below the configuration's directory.
const CACHE: &str = ".wrangler/dodev";

/// What is left for the last commits when requests in flight took all the time to finish.
const LAST_COMMIT: Duration = Duration::from_millis(100);

/// What a session is to do.
pub struct SessionOptions {
    /// Which project.
    pub load: LoadRequest,
    /// The address to listen on instead of the configuration's.
    pub ip: Option<IpAddr>,
    /// The port to listen on, and no other.
    pub port: Option<u16>,
    /// Where state is kept, absolute; `.wrangler/state` beside the configuration if absent.
    pub persist: Option<PathBuf>,
    /// This program, for its bundler process.
    pub program: PathBuf,
    /// Whether `/__scheduled` runs the scheduled handler.
    pub test_scheduled: bool,
    /// How long objects with hibernatable sockets may be idle.
    pub hibernate_after: Duration,
    /// Time; its zero is the start of the process.
    pub clock: Clock,
    /// Where reports go.
    pub report: ReportSink,
}

/// Why a session cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// The configuration is wrong.
    #[error("the configuration is wrong")]
    Project(Vec<Diagnostic>),
    /// No port can be taken.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The configuration's `dev.ip` is not an address.
    #[error("`dev.ip` is `{0}`, which is not an address")]
    Ip(String),
    /// The state directory cannot be used.
    #[error("cannot open the state in `{path}`: {error}")]
    State {
        /// The directory.
        path: PathBuf,
        /// Why.
        error: StateError,
    },
    /// The system refuses a thread or a socket.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

enum Event {
    File(notify::Result<notify::Event>),
    Built(Result<Bundle, BuildFailure>),
    Evaluated(Generation, Result<World, WorldFailure>),
    Stop,
}

/// Asks a session to stop, from any thread.
#[derive(Clone)]
pub struct Stopper(SyncSender<Event>);

impl Stopper {
    /// Asks once; a session that has ended is left alone.
    pub fn stop(&self) {
        drop(self.0.send(Event::Stop));
    }
}

/// A session whose server accepts and whose first build runs.
pub struct Session {
    machine: Machine,
    options: SessionOptions,
    events: Receiver<Event>,
    /// An event that was received and is not yet handled.
    waiting: Option<Event>,
    sender: SyncSender<Event>,
    builder: Builder,
    watch: Option<Watch>,
    /// Whether file events were lost because too many waited.
    lost: Arc<AtomicBool>,
    server: Server,
    server_file: ServerFile,
    current: Arc<Current>,
    state: Arc<SharedState>,
    persist: PathBuf,
    log: LogSink,
    warm: Option<Warm>,
    project: Arc<Project>,
    project_inputs: Vec<PathBuf>,
    bundle_inputs: Vec<PathBuf>,
    /// The files that changed since the last build began.
    changed: BTreeSet<PathBuf>,
    /// When the first change was noticed that has had no outcome yet.
    changed_at: Option<Duration>,
    bundle: Option<Arc<Bundle>>,
    /// The newest evaluated world, until it serves or is discarded.
    fresh: Option<(Generation, World)>,
    serving: Option<(World, Arc<Bundle>, Arc<Project>)>,
    /// The bundle and project of the newest evaluation.
    evaluating: Option<(Arc<Bundle>, Arc<Project>)>,
    failure: Vec<Diagnostic>,
    was_ready: bool,
}

impl Session {
    /// Reads the project, takes the port and starts the first build.
    pub fn start(options: SessionOptions) -> Result<Self, StartFailure> {
        let Loaded { project, diagnostics, inputs } = load(&options.load);
        let Some(project) = project else { return Err(StartFailure::Project(diagnostics)) };
        let project = Arc::new(project);

        let (sender, events) = mpsc::sync_channel(limits::SESSION_EVENTS);
        let builder = start_builder(&options, &project, sender.clone())?;
        let (machine, first) = Machine::start();
        debug_assert_eq!(first, Action::Build, "a session begins with a build");
        builder.build(Job { request: bundle_request(&project), changed: Vec::new() });

        let report = options.report.clone();
        let feed = Feed::default();
        let (kept, clock) = (feed.clone(), options.clock.clone());
        let log: LogSink = Arc::new(move |record| {
            kept.log(clock.now(), &record);
            report(Report::Log(record));
        });
        let warm = Some(World::warm(log.clone(), options.clock.clone()));
        let warnings = [diagnostics, unmet(&project)].concat();
        if !warnings.is_empty() {
            (options.report)(Report::Warnings(warnings));
        }
        let persist = options.persist.clone().unwrap_or_else(|| project.root.join(DEFAULT_STATE));
        let state = SharedState::open(&persist)
            .map_err(|error| StartFailure::State { path: persist.clone(), error })?
            .with_feed(feed.clone());
        let current = Arc::new(Current::default());
        let control = ControlOptions { token: new_token()?.into(), feed };
        let token = control.token.clone();
        let server = start_server(&options, &project, current.clone(), state.replies().clone(), control)?;
        let server_file = ServerFile::write(&state.own_dir(), server.address(), &token)?;
        let lost = Arc::new(AtomicBool::new(false));
        let watch = start_watch(&options.report, sender.clone(), lost.clone());
        let mut session = Self {
            machine,
            options,
            events,
            waiting: None,
            sender,
            builder,
            watch,
            lost,
            server,
            server_file,
            current,
            state: Arc::new(state),
            persist,
            log,
            warm,
            bundle_inputs: vec![project.main.clone()],
            project,
            project_inputs: inputs,
            changed: BTreeSet::new(),
            changed_at: None,
            bundle: None,
            fresh: None,
            serving: None,
            evaluating: None,
            failure: Vec::new(),
            was_ready: false,
        };
        session.follow();
        Ok(session)
    }

    /// What asks this session to stop.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.sender.clone())
    }

    /// Serves and reloads until it is asked to stop; then requests in flight finish and state is complete on disk.
    pub fn run(mut self) {
        loop {
            let received = || self.events.recv().expect("the session holds a sender of its own");
            let event = self.waiting.take().unwrap_or_else(received);
            let signal = match event {
                Event::Stop => break,
                Event::File(event) => self.on_files(event),
                Event::Built(result) => Some(self.on_built(result)),
                Event::Evaluated(generation, result) => Some(self.on_evaluated(generation, result)),
            };
            let mut next = signal.and_then(|signal| self.machine.decide(signal));
            while let Some(action) = next {
                next = self.perform(action).and_then(|signal| self.machine.decide(signal));
            }
        }
        (self.options.report)(Report::Stopping);
        drop(self.server_file);
        let stopping_at = self.options.clock.elapsed();
        self.server.stop(limits::DRAIN);
        if let Some((world, ..)) = &self.serving {
            let used = self.options.clock.elapsed().saturating_sub(stopping_at);
            world.stop(limits::DRAIN.saturating_sub(used).max(LAST_COMMIT));
        }
        self.builder.end();
    }

    /// Takes `event` and the file events that wait behind it as one change: an editor's save has several.
    fn on_files(&mut self, event: notify::Result<notify::Event>) -> Option<Signal> {
        let mut change = self.on_file(event);
        if self.lost.swap(false, Ordering::Relaxed) {
            change = self.on_file(Ok(lost_events())).or(change);
        }
        loop {
            match self.events.try_recv() {
                Ok(Event::File(event)) => {
                    change = match (change, self.on_file(event)) {
                        (Some(one), Some(other)) => Some(one || other),
                        (one, other) => one.or(other),
                    };
                }
                other => {
                    self.waiting = other.ok();
                    break;
                }
            }
        }
        change.map(|project| Signal::Changed { project })
    }

    /// Notes what `event` says; whether the project itself changed, `None` if nothing did.
    fn on_file(&mut self, event: notify::Result<notify::Event>) -> Option<bool> {
        let watch = self.watch.as_mut()?;
        match event {
            Ok(event) => {
                let Change { project, paths } = watch.judge(&event)?;
                self.changed_at.get_or_insert_with(|| self.options.clock.elapsed());
                self.changed.extend(paths);
                Some(project)
            }
            Err(error) => {
                self.report(Report::WatchFailed(error.to_string()));
                None
            }
        }
    }

    fn on_built(&mut self, result: Result<Bundle, BuildFailure>) -> Signal {
        let outcome = match result {
            Ok(bundle) => {
                self.bundle_inputs.clone_from(&bundle.inputs);
                let diagnostics = check_exports(&self.project, &bundle.exports);
                let (errors, mut warnings): (Vec<_>, Vec<_>) =
                    diagnostics.into_iter().partition(Diagnostic::is_error);
                warnings.extend_from_slice(&bundle.diagnostics);
                if !warnings.is_empty() {
                    self.report(Report::Warnings(warnings));
                }
                let is_same = self.serving.as_ref().is_some_and(|(_, serving, project)| {
                    serving.hash == bundle.hash && Arc::ptr_eq(project, &self.project)
                });
                if !errors.is_empty() {
                    self.failure = errors;
                    Outcome::Failed
                } else if is_same {
                    Outcome::Same
                } else {
                    self.bundle = Some(Arc::new(bundle));
                    Outcome::Bundle
                }
            }
            Err(failure) => {
                // What was imported before may be needed again to notice the fix.
                self.bundle_inputs.extend(failure.inputs);
                self.bundle_inputs.sort();
                self.bundle_inputs.dedup();
                self.failure = failure.diagnostics;
                Outcome::Failed
            }
        };
        self.follow();
        Signal::Built(outcome)
    }

    fn on_evaluated(&mut self, generation: Generation, result: Result<World, WorldFailure>) -> Signal {
        let ok = match result {
            Ok(world) => {
                self.fresh = Some((generation, world));
                true
            }
            Err(failure) => {
                self.failure = failure.diagnostics;
                false
            }
        };
        Signal::Evaluated { generation, ok }
    }

    fn perform(&mut self, action: Action) -> Option<Signal> {
        match action {
            Action::Load => Some(self.reload_project()),
            Action::Build => {
                // An isolate gets ready while the bundler works; none is kept for a save that may never come.
                let (log, clock) = (&self.log, &self.options.clock);
                self.warm.get_or_insert_with(|| World::warm(log.clone(), clock.clone()));
                let changed = std::mem::take(&mut self.changed).into_iter().collect();
                self.builder.build(Job { request: bundle_request(&self.project), changed });
                None
            }
            Action::Evaluate(generation) => {
                self.evaluate(generation);
                None
            }
            Action::Serve(generation) => {
                self.serve(generation);
                None
            }
            Action::Discard(_) => {
                if let Some((_, world)) = self.fresh.take() {
                    world.retire();
                }
                None
            }
            Action::ShowBroken => {
                self.show_broken();
                None
            }
            Action::ShowUnchanged => {
                self.changed_at = None;
                self.report(Report::Unchanged);
                None
            }
        }
    }

    fn reload_project(&mut self) -> Signal {
        let Loaded { project, diagnostics, inputs } = load(&self.options.load);
        self.project_inputs = inputs;
        self.follow();
        let Some(project) = project else {
            self.changed.clear();
            self.failure = diagnostics;
            return Signal::Loaded { ok: false };
        };
        let warnings = [diagnostics, unmet(&project)].concat();
        if !warnings.is_empty() {
            self.report(Report::Warnings(warnings));
        }
        for (key, changed) in [
            ("dev.port", self.options.port.is_none() && project.dev.port != self.project.dev.port),
            ("dev.ip", self.options.ip.is_none() && project.dev.ip != self.project.dev.ip),
        ] {
            if changed {
                self.report(Report::RestartNeeded { key });
            }
        }
        self.project = Arc::new(project);
        Signal::Loaded { ok: true }
    }

    fn evaluate(&mut self, generation: Generation) {
        let bundle = self.bundle.clone().expect("a bundle was built before it is evaluated");
        self.evaluating = Some((bundle.clone(), self.project.clone()));
        let spec = WorldSpec {
            project: self.project.clone(),
            bundle,
            generation,
            state: self.state.clone(),
            log: self.log.clone(),
            clock: self.options.clock.clone(),
            test_scheduled: self.options.test_scheduled,
            hibernate_after: self.options.hibernate_after,
            warm: self.warm.take(),
        };
        let sender = self.sender.clone();
        let evaluate = move || {
            // Nobody listens when the session has ended meanwhile.
            drop(sender.send(Event::Evaluated(generation, World::spawn(spec))));
        };
        if let Err(error) = thread::Builder::new().name("evaluate".to_owned()).spawn(evaluate) {
            let message = format!("the system gives no thread to run the code: {error}");
            let failure = WorldFailure { diagnostics: vec![Diagnostic::error("dev/thread", message)] };
            drop(self.sender.try_send(Event::Evaluated(generation, Err(failure))));
        }
    }

    fn serve(&mut self, generation: Generation) {
        let (_, world) = self.fresh.take().expect("an evaluated world waits to serve");
        let (bundle, project) = self.evaluating.take().expect("it was evaluated from something");
        let serving = Serving::World { generation, handler: Arc::new(world.clone()) };
        self.current.swap(serving);
        if let Some((old, ..)) = self.serving.replace((world, bundle, project.clone())) {
            old.retire();
        }
        let elapsed = self.options.clock.elapsed();
        let changed_at = self.changed_at.take();
        if std::mem::replace(&mut self.was_ready, true) {
            let duration = elapsed.saturating_sub(changed_at.unwrap_or(elapsed));
            return self.report(Report::Reloaded { generation, duration });
        }
        // After a fix the time since the start says nothing.
        let duration = changed_at.is_none().then_some(elapsed);
        let (address, persist) = (self.server.address(), self.persist.clone());
        self.report(Report::Ready(Ready { address, project, persist, duration }));
    }

    fn show_broken(&mut self) {
        self.changed_at = None;
        let diagnostics = std::mem::take(&mut self.failure);
        let older_code_serves = self.serving.is_some();
        if !older_code_serves {
            self.current.swap(Serving::Broken(diagnostics.clone().into()));
        }
        let address = self.server.address();
        self.report(Report::Broken(Broken { diagnostics, address, older_code_serves }));
    }

    fn follow(&mut self) {
        let Some(watch) = &mut self.watch else { return };
        if let Err(error) = watch.follow(&self.project.root, &self.project_inputs, &self.bundle_inputs) {
            self.report(Report::WatchFailed(error.to_string()));
        }
    }

    fn report(&self, report: Report) {
        (self.options.report)(report);
    }
}

fn start_builder(
    options: &SessionOptions,
    project: &Project,
    events: SyncSender<Event>,
) -> io::Result<Builder> {
    let bundler = ChildBundler::new(options.program.clone());
    let cache = BundleCache::new(project.root.join(CACHE));
    Builder::start(bundler, cache, move |result| {
        // Nobody listens when the session has ended meanwhile.
        drop(events.send(Event::Built(result)));
    })
}

fn start_server(
    options: &SessionOptions,
    project: &Project,
    current: Arc<Current>,
    replies: Arc<Replies>,
    control: ControlOptions,
) -> Result<Server, StartFailure> {
    let ip = match (options.ip, &project.dev.ip) {
        (Some(ip), _) => ip,
        (None, Some(text)) => parse_ip(text).ok_or_else(|| StartFailure::Ip(text.clone()))?,
        (None, None) => Ipv4Addr::LOCALHOST.into(),
    };
    let choice = match options.port {
        Some(port) => PortChoice::Exactly(port),
        None => PortChoice::From(project.dev.port.unwrap_or(DEFAULT_PORT)),
    };
    let listening = listen(ip, choice)?;
    if let Some((wanted, holder)) = listening.instead_of {
        (options.report)(Report::PortMoved { wanted, holder, taken: listening.address.port() });
    }
    let report = options.report.clone();
    let server = Server::start(ServerOptions {
        listener: listening.listener,
        current,
        replies,
        observe: Arc::new(move |record| report(Report::Request(record))),
        clock: options.clock.clone(),
        control,
    })?;
    Ok(server)
}

fn start_watch(report: &ReportSink, events: SyncSender<Event>, lost: Arc<AtomicBool>) -> Option<Watch> {
    let watch = Watch::new(move |event| {
        // When the channel is full, the session has many events to handle, and sees the mark with the next.
        if let Err(TrySendError::Full(_)) = events.try_send(Event::File(event)) {
            lost.store(true, Ordering::Relaxed);
        }
    });
    match watch {
        Ok(watch) => Some(watch),
        Err(error) => {
            report(Report::WatchFailed(error.to_string()));
            None
        }
    }
}

/// The address that `text` means: an address, `localhost`, or `*` for all.
pub fn parse_ip(text: &str) -> Option<IpAddr> {
    match text {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        "*" => Some(Ipv4Addr::UNSPECIFIED.into()),
        text => text.trim_start_matches('[').trim_end_matches(']').parse().ok(),
    }
}
