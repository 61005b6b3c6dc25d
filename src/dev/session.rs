//! Runs a session: performs what [`Machine`] decides, and turns what happens into its signals.
//!
//! Everything slow happens elsewhere: builds on the builder's thread, evaluations on a thread each, requests on
//! the server's. This loop only waits for events, so it stays responsive whatever the user's code does.

mod changes;
mod code;
mod member;
mod opening;

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use code::{on_lost, slow_top_level};
use member::{Member, MemberId};
use opening::{LoadedMember, load_all, migrate_words};

pub use member::with_whole_paths;

use super::builder::Job;
use super::command::{Running, Sources};
use super::forks::{ForkOptions, Forks};
use super::machine::{Action, Machine, Signal, Stale};
use super::migrations::{Agreement, Migrations};
use super::report::{Report, ReportSink};
use super::request::bundle_request;
use super::server_file::{ServerFile, new_token};
use super::start::{StartFailure, start_server};
use super::unmet::{unmet, without_handlers};
use crate::base::clock::{Clock, Timestamp};
use crate::base::diag::Diagnostic;
use crate::base::generation::Generation;
use crate::base::limits;
use crate::bundle::{BuildFailure, Bundle};
use crate::objects::Feed;
use crate::project::{LoadRequest, Loaded, Project, check_assets, check_exports, check_together, load};
use crate::server::{Certificate, ControlOptions, Current, OwnProgram, Server, Sessions};
use crate::storage::history::HistorySettings;
use crate::world::{LogSink, Lost, SharedState, Warm, WorkerCode, World, WorldFailure};

/// Where wrangler keeps state, below the configuration's directory.
pub const DEFAULT_STATE: &str = ".wrangler/state";
/// Where bundles are cached, below the configuration's directory.
pub const CACHE: &str = ".wrangler/dodev";

/// What a session is to do.
pub struct SessionOptions {
    /// Which project; of several, the primary one.
    pub load: LoadRequest,
    /// Further projects that run beside it.
    pub more: Vec<LoadRequest>,
    /// The address to listen on instead of the configuration's.
    pub ip: Option<IpAddr>,
    /// The port to listen on, and no other.
    pub port: Option<u16>,
    /// Whether `https` is served, instead of what the configuration says.
    pub secure: Option<bool>,
    /// The certificate for it; one that is made if absent.
    pub certificate: Option<Certificate>,
    /// Where state is kept, absolute; `.wrangler/state` beside the configuration if absent.
    pub persist: Option<PathBuf>,
    /// This program, for its bundler process.
    pub program: PathBuf,
    /// Whether `/__scheduled` runs the scheduled handler.
    pub test_scheduled: bool,
    /// Whether a save reloads the code.
    pub watch: bool,
    /// Whether it reloads pages in browsers too.
    pub live_reload: bool,
    /// Whether a reload closes hibernatable WebSockets, as a deployment does.
    pub close_sockets: bool,
    /// How the history of objects is kept, if it is.
    pub history: Option<HistorySettings>,
    /// What the user agrees to when migrations put objects aside.
    pub agreement: Agreement,
    /// Whether packages are built once, apart from the project's own code.
    pub prebundle: bool,
    /// Whether what keeps an object awake is told with its place in the code without being asked for.
    pub places: bool,
    /// How long objects with hibernatable sockets may be idle.
    pub hibernate_after: Duration,
    /// Time; its zero is the start of the process.
    pub clock: Clock,
    /// Where reports go.
    pub report: ReportSink,
}

impl SessionOptions {
    /// Which project the Worker `id` has.
    fn load_of(&self, id: MemberId) -> &LoadRequest {
        id.checked_sub(1).map_or(&self.load, |place| &self.more[place])
    }
}

enum Event {
    File(MemberId, notify::Result<notify::Event>),
    Built(MemberId, Result<Arc<Bundle>, BuildFailure>),
    Prepared(MemberId, Vec<Diagnostic>),
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
    /// The Workers, the primary one first.
    members: Vec<Member>,
    /// How many of them are being prepared or built.
    busy: usize,
    /// Those whose first bundle is not watched yet, with the files that are, and when the others were last looked at.
    unwatched: Vec<(MemberId, Vec<PathBuf>, Timestamp)>,
    /// Whether others who use the state were looked for.
    knows_users: bool,
    server: Server,
    server_file: ServerFile,
    token: Arc<str>,
    current: Arc<Current>,
    state: Arc<SharedState>,
    forks: Arc<Forks>,
    persist: PathBuf,
    log: LogSink,
    warm: Option<Warm>,
    /// When the first change was noticed that has had no outcome yet.
    changed_at: Option<Duration>,
    /// The newest evaluated world, until it serves or is discarded.
    fresh: Option<(Generation, World)>,
    serving: Option<(World, Vec<WorkerCode>)>,
    /// The bundles and projects of the newest evaluation.
    evaluating: Option<Vec<WorkerCode>>,
    failure: Vec<Diagnostic>,
    /// The newest evaluation, while it runs, and when it is told that it takes long.
    slow: Option<(Generation, Duration)>,
    unwritten: Unwritten,
    was_ready: bool,
    standby: Standby,
}

/// Whether the main module has no code, while older code serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unwritten {
    No,
    /// Since this time; it is told after a while, unless it was written until then.
    Since(Duration),
    Told,
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
    /// Reads the projects, takes the port and starts the first builds.
    pub fn start(options: SessionOptions) -> Result<Self, StartFailure> {
        let build_began = Clock::machine_now();
        let loaded = load_all(&options).map_err(StartFailure::Project)?;
        let (sender, events) = mpsc::sync_channel(limits::SESSION_EVENTS);
        let report = options.report.clone();
        let feed = Feed::new(options.places);
        let (kept, clock) = (feed.clone(), options.clock.clone());
        let log: LogSink = Arc::new(move |record| {
            kept.log(clock.now(), &record);
            report(Report::Log(record));
        });
        let warm = World::warm(log.clone(), options.clock.clone());
        let ahead = member::Ahead::default();
        ahead.set(warm.compiler(), loaded.len());

        let (mut machine, first) = Machine::start();
        debug_assert_eq!(first, Action::Prepare, "a session begins with the user's command");
        let has_command = |(project, ..): &LoadedMember| project.build.command.is_some();
        let prepares = loaded.iter().any(has_command);
        let mut builders = Vec::new();
        for (id, (project, ..)) in loaded.iter().enumerate() {
            let builder = member::start_builder(id, &options, project, sender.clone(), ahead.clone())?;
            if !prepares {
                let request = bundle_request(project, options.prebundle);
                builder.build(Job { request, changed: Vec::new() });
            }
            builders.push(builder);
        }
        let mut busy = 0;
        if !prepares {
            busy = builders.len();
            machine.decide(Signal::Prepared { ok: true });
        }

        for (_, warnings, _) in loaded.iter().filter(|(_, warnings, _)| !warnings.is_empty()) {
            (options.report)(Report::Warnings(warnings.clone()));
        }
        let primary = loaded[0].0.clone();
        let persist = options.persist.clone().unwrap_or_else(|| primary.home.join(DEFAULT_STATE));
        let mut state = SharedState::open(&persist)
            .map_err(|error| StartFailure::State { path: persist.clone(), error })?
            .with_feed(feed.clone())
            .with_on_lost(on_lost(sender.clone()));
        if let Some(history) = options.history {
            state = state.with_history(history, options.clock.clone());
        }
        let open = |project: &Arc<Project>| {
            let agreement = options.agreement.clone();
            Migrations::open(state.root(), project, agreement, &options.clock, &options.report)
        };
        let migrations: Vec<_> =
            loaded.iter().map(|(project, ..)| open(project)).collect::<Result<_, _>>()?;
        let current = Arc::new(Current::default());
        let state = Arc::new(state);
        let token: Arc<str> = new_token()?.into();
        let program = OwnProgram::new(options.program.clone(), migrate_words(&options));
        let forks = Forks::new(ForkOptions {
            persist: persist.clone(),
            clock: options.clock.clone(),
            token: token.clone(),
            report: options.report.clone(),
            history: options.history,
            test_scheduled: options.test_scheduled,
            close_sockets: options.close_sockets,
            hibernate_after: options.hibernate_after,
            program: program.without_migrations(),
        });
        let asked = forks.clone();
        let sessions = Some(Arc::new(move |command| asked.ask(command)) as Sessions);
        let reload = sender.clone();
        let control = ControlOptions {
            token: token.clone(),
            feed,
            state: Arc::new(RwLock::new(state.clone())),
            reload: Arc::new(move || drop(reload.try_send(Event::Reload))),
            program,
            sessions,
        };
        let server = start_server(&options, &primary, current.clone(), state.replies().clone(), control)?;
        let server_file = ServerFile::write(&state.own_dir(), server.address(), &token)?;
        let mut members = Vec::new();
        for (id, (((project, warned, project_inputs), builder), migrations)) in
            loaded.into_iter().zip(builders).zip(migrations).enumerate()
        {
            let lost = Arc::new(AtomicBool::new(false));
            let watch = options
                .watch
                .then(|| member::start_watch(id, &options.report, sender.clone(), lost.clone()))
                .flatten();
            members.push(Member {
                load: options.load_of(id).clone(),
                bundle_inputs: vec![project.main.clone()],
                warned,
                warned_of_code: Vec::new(),
                project,
                project_inputs,
                build_began,
                changed: BTreeSet::new(),
                stale: if prepares { Stale::Command } else { Stale::No },
                bundle: None,
                failure: Vec::new(),
                builder,
                command: Running::default(),
                sources: Sources::default(),
                preparing: false,
                watch,
                lost,
                migrations,
            });
        }
        let mut session = Self {
            machine,
            options,
            events,
            waiting: None,
            sender,
            members,
            busy,
            unwatched: Vec::new(),
            knows_users: false,
            server,
            server_file,
            token,
            current,
            state,
            forks,
            persist,
            log,
            warm: Some(warm),
            changed_at: None,
            fresh: None,
            serving: None,
            evaluating: None,
            failure: Vec::new(),
            slow: None,
            unwritten: Unwritten::No,
            was_ready: false,
            standby: Standby::No,
        };
        session.members.iter_mut().for_each(|member| member.follow(&session.options.report));
        if prepares {
            // All that have no command are built when those that have one are ready.
            let signal = session.prepare();
            debug_assert_eq!(signal, None, "a command runs");
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

    /// Whether it serves `https`.
    pub fn is_secure(&self) -> bool {
        self.server.is_secure()
    }

    /// Serves and reloads until it is asked to stop; then requests in flight finish and state is complete on disk.
    pub fn run(mut self) {
        loop {
            let event = self.waiting.take().unwrap_or_else(|| self.next_event());
            let signal = match event {
                Event::Stop => break,
                Event::File(id, event) => self.on_files(id, event),
                Event::Prepared(id, failure) => self.on_prepared(id, failure),
                Event::Built(id, result) => self.on_built(id, result),
                Event::Reload => {
                    self.changed_at.get_or_insert_with(|| self.options.clock.machine());
                    for member in &mut self.members {
                        member.changed.clear();
                        member.stale = Stale::Project;
                    }
                    Some(Signal::Changed(Stale::Project))
                }
                Event::Evaluated(generation, result) => self.on_evaluated(generation, result),
                Event::Lost(generation, why) => Some(self.on_lost(generation, why)),
            };
            self.go_on(signal);
            let saved = self.watch_late();
            self.go_on(saved);
        }
        (self.options.report)(Report::Stopping);
        self.members.iter().for_each(|member| member.command.end());
        self.forks.end();
        drop(self.server_file);
        let stopping_at = self.options.clock.machine();
        self.server.stop(limits::DRAIN);
        if let Some((world, ..)) = &self.serving {
            let used = self.options.clock.machine().saturating_sub(stopping_at);
            world.stop_at_last(limits::DRAIN.saturating_sub(used).max(limits::LAST_COMMIT));
        }
        self.members.into_iter().for_each(|member| member.builder.end());
    }

    /// Does what the machine makes of `signal`, and of the signals that come of that.
    fn go_on(&mut self, signal: Option<Signal>) {
        let mut next = signal.and_then(|signal| self.machine.decide(signal));
        while let Some(action) = next {
            next = self.perform(action).and_then(|signal| self.machine.decide(signal));
        }
    }

    /// Waits for an event; meanwhile, gets an isolate ready for the next save, and gives it up when none comes. Says
    /// when an evaluation takes long.
    fn next_event(&mut self) -> Event {
        loop {
            let standby = match (self.standby, &self.warm) {
                (Standby::Wanted, _) => Some(limits::STANDBY_DELAY),
                (Standby::Made, Some(_)) => Some(limits::STANDBY_IDLE),
                (Standby::Made | Standby::No, _) => None,
            };
            let now = self.options.clock.machine();
            let slow = self.slow.map(|(_, at)| at.saturating_sub(now));
            let unwritten = match self.unwritten {
                Unwritten::Since(at) => Some((at + limits::UNWRITTEN).saturating_sub(now)),
                Unwritten::No | Unwritten::Told => None,
            };
            let Some(wait) = standby.into_iter().chain(slow).chain(unwritten).min() else {
                return self.events.recv().expect("the session holds a sender of its own");
            };
            match self.events.recv_timeout(wait) {
                Ok(event) => return event,
                Err(_) if unwritten == Some(wait) => {
                    self.unwritten = Unwritten::Told;
                    self.show_broken();
                }
                Err(_) if slow == Some(wait) => {
                    self.slow = None;
                    self.report(Report::Warnings(vec![slow_top_level(self.serving.is_some())]));
                }
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
        if let Some((_, workers)) = &self.serving {
            let (log, clock) = (self.log.clone(), self.options.clock.clone());
            self.warm = Some(World::standby(log, clock, workers));
        }
    }

    /// Notes what became of a build; the signal when it was the last one that ran.
    fn on_built(&mut self, id: MemberId, result: Result<Arc<Bundle>, BuildFailure>) -> Option<Signal> {
        let member = &mut self.members[id];
        let known = member.bundle_inputs.clone();
        let mut warnings = Vec::new();
        match result {
            Ok(bundle) => {
                member.bundle_inputs.clone_from(&bundle.inputs);
                let mut diagnostics = check_exports(&member.project, &bundle.exports);
                if member.project.build.command.is_some() {
                    diagnostics.extend(check_assets(&member.project));
                }
                diagnostics.extend(without_handlers(&member.project, &bundle));
                (member.failure, warnings) = diagnostics.into_iter().partition(Diagnostic::is_error);
                warnings.extend_from_slice(&bundle.diagnostics);
                member.bundle = Some(bundle);
            }
            Err(failure) => {
                // What was imported before may be needed again to notice the fix.
                member.bundle_inputs.extend(failure.inputs);
                member.bundle_inputs.sort();
                member.bundle_inputs.dedup();
                member.failure = failure.diagnostics;
            }
        }
        // The first evaluation need not wait until a thousand files are watched.
        let is_late = !self.was_ready && member.failure.is_empty();
        if !is_late {
            member.follow(&self.options.report);
        }
        let root = member.project.root.clone();
        // A save that changes nothing about them does not tell them again.
        let is_new = warnings != member.warned_of_code;
        member.warned_of_code.clone_from(&warnings);
        if is_new && !warnings.is_empty() {
            let warnings = self.placed(&root, warnings);
            self.report(Report::Warnings(warnings));
        }
        let (began, now) = (self.members[id].build_began, Clock::machine_now());
        if let Some(stale) = self.unwatched_saves(id, &known, began) {
            let action = self.machine.decide(Signal::Changed(stale));
            debug_assert_eq!(action, None, "the build that is about to be told of still counts as running");
        }
        if is_late {
            self.unwatched.push((id, known, now));
        }
        self.busy -= 1;
        (self.busy == 0).then(|| Signal::Built(self.outcome()))
    }

    fn perform(&mut self, action: Action) -> Option<Signal> {
        match action {
            Action::Load => Some(self.reload_project()),
            Action::Prepare => self.prepare(),
            Action::Build => {
                // What comes of it is told instead.
                if matches!(self.unwritten, Unwritten::Since(_)) {
                    self.unwritten = Unwritten::No;
                }
                // An isolate gets ready while the bundler works; none is kept for a save that may never come.
                let (log, clock) = (&self.log, &self.options.clock);
                self.warm.get_or_insert_with(|| World::warm(log.clone(), clock.clone()));
                for member in self.members.iter_mut().filter(|member| member.stale == Stale::Files) {
                    member.build(&self.options);
                    self.busy += 1;
                }
                (self.busy == 0).then(|| Signal::Built(self.outcome()))
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
                self.unwritten = Unwritten::No;
                self.serve(generation);
                None
            }
            Action::Discard(_) => {
                if let Some((_, world)) = self.fresh.take() {
                    world.retire();
                }
                None
            }
            Action::ShowBroken if self.is_unwritten() => {
                self.changed_at = None;
                if self.unwritten != Unwritten::Told {
                    self.unwritten = Unwritten::Since(self.options.clock.machine());
                }
                None
            }
            Action::ShowBroken => {
                self.unwritten = Unwritten::No;
                self.show_broken();
                None
            }
            Action::ShowUnchanged => {
                self.unwritten = Unwritten::No;
                self.changed_at = None;
                self.report(Report::Unchanged);
                None
            }
        }
    }

    /// Reads again what changed of the projects.
    fn reload_project(&mut self) -> Signal {
        let mut failure = Vec::new();
        let mut projects = Vec::new();
        for id in 0..self.members.len() {
            let member = &mut self.members[id];
            if member.stale < Stale::Project {
                projects.push(member.project.clone());
                continue;
            }
            let Loaded { project, diagnostics, inputs } = load(&member.load);
            member.project_inputs = inputs;
            member.follow(&self.options.report);
            let Some(project) = project else {
                member.changed.clear();
                failure.extend(diagnostics);
                continue;
            };
            let warnings = [diagnostics, unmet(&project)].concat();
            // A configuration that is read again because something near it was saved has nothing new to say.
            let is_new = warnings != member.warned;
            member.warned.clone_from(&warnings);
            if !warnings.is_empty() && is_new {
                self.report(Report::Warnings(warnings));
            }
            if id == 0 {
                self.tell_of_restart(&project);
            }
            projects.push(Arc::new(project));
        }
        if failure.is_empty() {
            failure = check_together(&projects);
        }
        if !failure.is_empty() {
            self.failure = failure;
            return Signal::Loaded { ok: false };
        }
        for (member, project) in self.members.iter_mut().zip(projects) {
            member.project = project;
            if member.stale == Stale::Project {
                member.stale = Stale::Command;
            }
        }
        Signal::Loaded { ok: true }
    }

    fn report(&self, report: Report) {
        (self.options.report)(report);
    }
}
