//! Runs a session: performs what [`Machine`] decides, and turns what happens into its signals.
//!
//! Everything slow happens elsewhere: builds on the builder's thread, evaluations on a thread each, requests on
//! the server's. This loop only waits for events, so it stays responsive whatever the user's code does.

mod changes;
mod code;

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::time::Duration;

use super::builder::{Builder, Job};
use super::command::{Running, Sources};
use super::forks::{ForkOptions, Forks};
use super::machine::{Action, Machine, Outcome, Signal, Stale};
use super::migrations::{Agreement, Migrations};
use super::report::{Report, ReportSink};
use super::request::bundle_request;
use super::server_file::{ServerFile, new_token};
use super::start::{StartFailure, start_server};
use super::unmet::unmet;
use super::watch::Watch;
use crate::base::clock::{Clock, Timestamp};
use crate::base::diag::Diagnostic;
use crate::base::generation::Generation;
use crate::base::limits;
use crate::bundle::{BuildFailure, Bundle, BundleCache, ChildBundler, Prebundler};
use crate::engine::bytecode;
use crate::objects::Feed;
use crate::project::{LoadRequest, Loaded, Project, check_exports, load};
use crate::server::{ControlOptions, Current, Server, Sessions};
use crate::storage::history::HistorySettings;
use crate::world::{LogSink, Lost, OnLost, SharedState, Warm, World, WorldFailure};

/// Where wrangler keeps state, below the configuration's directory.
pub const DEFAULT_STATE: &str = ".wrangler/state";
/// Where bundles are cached, below the configuration's directory.
pub const CACHE: &str = ".wrangler/dodev";

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
    /// Whether a save reloads the code.
    pub watch: bool,
    /// Whether a reload closes hibernatable WebSockets, as a deployment does.
    pub close_sockets: bool,
    /// How the history of objects is kept, if it is.
    pub history: Option<HistorySettings>,
    /// What the user agrees to when migrations put objects aside.
    pub agreement: Agreement,
    /// Whether packages are built once, apart from the project's own code.
    pub prebundle: bool,
    /// How long objects with hibernatable sockets may be idle.
    pub hibernate_after: Duration,
    /// Time; its zero is the start of the process.
    pub clock: Clock,
    /// Where reports go.
    pub report: ReportSink,
}

enum Event {
    File(notify::Result<notify::Event>),
    Built(Box<Result<Bundle, BuildFailure>>),
    Prepared(Vec<Diagnostic>),
    Evaluated(Generation, Result<World, WorldFailure>),
    Lost(Generation, Lost),
    Reload,
    Stop,
}

/// Asks a session for something, from any thread; one that has ended is left alone.
#[derive(Clone)]
pub struct Control(SyncSender<Event>);

impl Control {
    /// Asks it to stop.
    pub fn stop(&self) {
        drop(self.0.send(Event::Stop));
    }

    /// Asks it to read, build and evaluate everything again.
    pub fn reload(&self) {
        drop(self.0.send(Event::Reload));
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
    command: Running,
    /// What the user's build command is run for.
    sources: Sources,
    preparing: bool,
    watch: Option<Watch>,
    /// Whether file events were lost because too many waited.
    lost: Arc<AtomicBool>,
    server: Server,
    server_file: ServerFile,
    token: Arc<str>,
    current: Arc<Current>,
    state: Arc<SharedState>,
    forks: Arc<Forks>,
    migrations: Migrations,
    persist: PathBuf,
    log: LogSink,
    warm: Option<Warm>,
    project: Arc<Project>,
    project_inputs: Vec<PathBuf>,
    bundle_inputs: Vec<PathBuf>,
    /// When the last build began, or the project was read for the first time.
    build_began: Timestamp,
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
    standby: Standby,
}

/// Whether an isolate is kept ready for the next save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standby {
    No,
    /// When nothing happens for a moment.
    Wanted,
    Made,
}

impl Session {
    /// Reads the project, takes the port and starts the first build.
    pub fn start(options: SessionOptions) -> Result<Self, StartFailure> {
        let build_began = options.clock.now();
        let Loaded { project, diagnostics, inputs } = load(&options.load);
        let Some(project) = project else { return Err(StartFailure::Project(diagnostics)) };
        let project = Arc::new(project);

        let (sender, events) = mpsc::sync_channel(limits::SESSION_EVENTS);
        let builder = start_builder(&options, &project, sender.clone())?;
        let (mut machine, first) = Machine::start();
        debug_assert_eq!(first, Action::Prepare, "a session begins with the user's command");
        if project.build.command.is_none() {
            machine.decide(Signal::Prepared { ok: true });
            builder.build(Job { request: bundle_request(&project, options.prebundle), changed: Vec::new() });
        }

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
        let mut state = SharedState::open(&persist)
            .map_err(|error| StartFailure::State { path: persist.clone(), error })?
            .with_feed(feed.clone())
            .with_on_lost(on_lost(sender.clone()));
        if let Some(history) = options.history {
            state = state.with_history(history, options.clock.clone());
        }
        let agreement = options.agreement.clone();
        let migrations =
            Migrations::open(state.root(), &project, agreement, &options.clock, &options.report)?;
        let current = Arc::new(Current::default());
        let token: Arc<str> = new_token()?.into();
        let forks = Forks::new(ForkOptions {
            persist: persist.clone(),
            clock: options.clock.clone(),
            token: token.clone(),
            report: options.report.clone(),
            history: options.history,
            test_scheduled: options.test_scheduled,
            close_sockets: options.close_sockets,
            hibernate_after: options.hibernate_after,
        });
        let asked = forks.clone();
        let sessions = Some(Arc::new(move |command| asked.ask(command)) as Sessions);
        let control = ControlOptions { token: token.clone(), feed, sessions };
        let server = start_server(&options, &project, current.clone(), state.replies().clone(), control)?;
        let server_file = ServerFile::write(&state.own_dir(), server.address(), &token)?;
        let lost = Arc::new(AtomicBool::new(false));
        let watch =
            options.watch.then(|| start_watch(&options.report, sender.clone(), lost.clone())).flatten();
        let mut session = Self {
            machine,
            options,
            events,
            waiting: None,
            sender,
            builder,
            command: Running::default(),
            sources: Sources::default(),
            preparing: false,
            watch,
            lost,
            server,
            server_file,
            token,
            current,
            state: Arc::new(state),
            forks,
            migrations,
            persist,
            log,
            warm,
            bundle_inputs: vec![project.main.clone()],
            project,
            project_inputs: inputs,
            build_began,
            changed: BTreeSet::new(),
            changed_at: None,
            bundle: None,
            fresh: None,
            serving: None,
            evaluating: None,
            failure: Vec::new(),
            was_ready: false,
            standby: Standby::No,
        };
        session.follow();
        if session.project.build.command.is_some() {
            session.prepare();
        }
        Ok(session)
    }

    /// What controls this session.
    pub fn control(&self) -> Control {
        Control(self.sender.clone())
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Serves and reloads until it is asked to stop; then requests in flight finish and state is complete on disk.
    pub fn run(mut self) {
        loop {
            let event = self.waiting.take().unwrap_or_else(|| self.next_event());
            let signal = match event {
                Event::Stop => break,
                Event::File(event) => self.on_files(event),
                Event::Prepared(failure) => Some(self.on_prepared(failure)),
                Event::Built(result) => Some(self.on_built(*result)),
                Event::Reload => {
                    self.changed_at.get_or_insert_with(|| self.options.clock.machine());
                    self.changed.clear();
                    Some(Signal::Changed(Stale::Project))
                }
                Event::Evaluated(generation, result) => self.on_evaluated(generation, result),
                Event::Lost(generation, why) => Some(self.on_lost(generation, why)),
            };
            let mut next = signal.and_then(|signal| self.machine.decide(signal));
            while let Some(action) = next {
                next = self.perform(action).and_then(|signal| self.machine.decide(signal));
            }
        }
        (self.options.report)(Report::Stopping);
        self.command.end();
        self.forks.end();
        drop(self.server_file);
        let stopping_at = self.options.clock.machine();
        self.server.stop(limits::DRAIN);
        if let Some((world, ..)) = &self.serving {
            let used = self.options.clock.machine().saturating_sub(stopping_at);
            world.stop(limits::DRAIN.saturating_sub(used).max(LAST_COMMIT));
        }
        self.builder.end();
    }

    /// Waits for an event; meanwhile, gets an isolate ready for the next save, and gives it up when none comes.
    fn next_event(&mut self) -> Event {
        loop {
            let wait = match (self.standby, &self.warm) {
                (Standby::Wanted, _) => limits::STANDBY_DELAY,
                (Standby::Made, Some(_)) => limits::STANDBY_IDLE,
                (Standby::Made | Standby::No, _) => {
                    return self.events.recv().expect("the session holds a sender of its own");
                }
            };
            match self.events.recv_timeout(wait) {
                Ok(event) => return event,
                Err(_) if self.standby == Standby::Wanted => self.make_standby(),
                Err(_) => {
                    self.standby = Standby::No;
                    self.warm = None;
                }
            }
        }
    }

    fn make_standby(&mut self) {
        self.standby = Standby::Made;
        if let Some((_, bundle, project)) = &self.serving {
            let (log, clock) = (self.log.clone(), self.options.clock.clone());
            self.warm = Some(World::standby(log, clock, project, bundle));
        }
    }

    fn on_built(&mut self, result: Result<Bundle, BuildFailure>) -> Signal {
        let known = self.bundle_inputs.clone();
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
        self.note_unwatched_saves(&known);
        Signal::Built(outcome)
    }

    fn perform(&mut self, action: Action) -> Option<Signal> {
        match action {
            Action::Load => Some(self.reload_project()),
            Action::Prepare => self.prepare(),
            Action::Build => {
                // An isolate gets ready while the bundler works; none is kept for a save that may never come.
                let (log, clock) = (&self.log, &self.options.clock);
                self.warm.get_or_insert_with(|| World::warm(log.clone(), clock.clone()));
                let changed = std::mem::take(&mut self.changed).into_iter().collect();
                self.build_began = self.options.clock.now();
                let request = bundle_request(&self.project, self.options.prebundle);
                self.builder.build(Job { request, changed });
                None
            }
            Action::Evaluate(generation) => {
                self.evaluate(generation);
                None
            }
            Action::Revive(generation) => {
                self.revive(generation);
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

    fn report(&self, report: Report) {
        (self.options.report)(report);
    }
}

fn start_builder(
    options: &SessionOptions,
    project: &Project,
    events: SyncSender<Event>,
) -> io::Result<Builder> {
    let directory = project.root.join(CACHE);
    let bundler = ChildBundler::new(options.program.clone());
    let bundler = Prebundler::new(bundler, directory.clone(), bytecode::ENGINE);
    let cache = BundleCache::new(directory);
    Builder::start(bundler, cache, move |result| {
        // Nobody listens when the session has ended meanwhile.
        drop(events.send(Event::Built(Box::new(result))));
    })
}

/// Tells the session of worlds that are of no more use; it has other things to do when it has ended.
fn on_lost(events: SyncSender<Event>) -> OnLost {
    Arc::new(move |generation, why| drop(events.try_send(Event::Lost(generation, why))))
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
