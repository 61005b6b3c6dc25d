//! Sessions for tests: copies of state and clock, each with a world and a server of its own.
//!
//! A fork is made of the present state or of a snapshot. It keeps the copy as it was, works on another one, and goes back by
//! taking the next. Code is the session's: newer code replaces that of all forks. Copies share blocks with what they were made
//! of where the file system can, and go with the session.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::report::{Report, ReportSink};
use super::start::server_options;
use crate::base::clock::{Clock, Timestamp};
use crate::base::diag::Diagnostic;
use crate::base::generation::Generation;
use crate::inspect::{Book, snapshot};
use crate::objects::Feed;
use crate::server::{
    ControlOptions, Current, OwnProgram, PortChoice, Reload, Server, Serving, SessionAnswer, SessionCommand,
    SessionRefusal, StateCell, listen,
};
use crate::storage::history::HistorySettings;
use crate::world::{LogSink, Replies, SharedState, WorkerCode, World, WorldSpec};

/// What all forks have in common with the session that makes them.
pub struct ForkOptions {
    /// The session's state, for `Book::at`.
    pub persist: PathBuf,
    /// The session's clock.
    pub clock: Clock,
    /// The session's token.
    pub token: Arc<str>,
    /// Where reports go.
    pub report: ReportSink,
    /// How the history of objects is kept, if it is.
    pub history: Option<HistorySettings>,
    /// As in a session.
    pub test_scheduled: bool,
    /// As in a session.
    pub close_sockets: bool,
    /// As in a session.
    pub hibernate_after: Duration,
    /// Reads the stored objects.
    pub program: OwnProgram,
}

/// The code that serves: every Worker's.
type Code = Vec<WorkerCode>;

#[derive(Default)]
struct Inner {
    code: Option<Code>,
    forks: BTreeMap<u64, Arc<Mutex<Fork>>>,
    last: u64,
    ended: bool,
}

/// All forks of a session.
pub struct Forks {
    options: ForkOptions,
    inner: Mutex<Inner>,
}

struct Fork {
    url: String,
    /// `origin` is the state as it was, the numbers are what was made of it.
    directory: TempDir,
    run: u64,
    from: (Timestamp, bool),
    clock: Clock,
    current: Arc<Current>,
    replies: Arc<Replies>,
    feed: Feed,
    server: Option<Server>,
    /// The same state as that of `running`, for the control surface.
    state: Option<StateCell>,
    running: Option<(World, Arc<SharedState>)>,
    generation: Generation,
}

impl Forks {
    /// None yet.
    pub fn new(options: ForkOptions) -> Arc<Self> {
        Arc::new(Self { options, inner: Mutex::default() })
    }

    /// Does what the control surface is asked for, on a thread of its own.
    pub fn ask(self: &Arc<Self>, command: SessionCommand) -> SessionAnswer {
        let (sender, answer) = oneshot::channel();
        let forks = self.clone();
        let work = move || drop(sender.send(forks.carry_out(command)));
        // Without a thread the sender is dropped, which is an answer.
        drop(thread::Builder::new().name("fork".to_owned()).spawn(work));
        answer
    }

    /// Newer code serves: that of all forks follows.
    pub fn set_code(self: &Arc<Self>, code: Code) {
        let forks: Vec<_> = {
            let mut inner = self.inner();
            inner.code = Some(code.clone());
            inner.forks.values().cloned().collect()
        };
        if forks.is_empty() {
            return;
        }
        let this = self.clone();
        let follow = move || {
            for fork in forks {
                this.renew_or_tell(&fork, &code);
            }
        };
        drop(thread::Builder::new().name("fork".to_owned()).spawn(follow));
    }

    /// Ends all forks; no more are made.
    pub fn end(&self) {
        let forks = {
            let mut inner = self.inner();
            inner.ended = true;
            std::mem::take(&mut inner.forks)
        };
        for fork in forks.into_values() {
            lock(&fork).end();
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry_out(self: &Arc<Self>, command: SessionCommand) -> Result<Json, SessionRefusal> {
        match command {
            SessionCommand::Create { snapshot } => self.create(snapshot.as_deref()),
            SessionCommand::List => {
                let forks: Vec<_> = self.inner().forks.iter().map(|(id, fork)| (*id, fork.clone())).collect();
                let shown: Vec<Json> = forks.iter().map(|(id, fork)| lock(fork).show(*id)).collect();
                Ok(json!({ "sessions": shown }))
            }
            SessionCommand::Reset(id) => {
                let (number, fork) = self.find(&id)?;
                let code = self.code()?;
                let mut fork = lock(&fork);
                fork.stop_world();
                self.begin(&mut fork, &code)?;
                Ok(fork.show(number))
            }
            SessionCommand::Delete(id) => {
                let (number, fork) = self.find(&id)?;
                self.inner().forks.remove(&number);
                lock(&fork).end();
                Ok(json!({ "changed": true }))
            }
        }
    }

    fn find(&self, id: &str) -> Result<(u64, Arc<Mutex<Fork>>), SessionRefusal> {
        let number = id.parse().ok();
        let found = number.and_then(|number| Some((number, self.inner().forks.get(&number)?.clone())));
        let error = || SessionRefusal { is_unknown: true, error: format!("there is no session `{id}`") };
        found.ok_or_else(error)
    }

    fn code(&self) -> Result<Code, SessionRefusal> {
        let code = self.inner().code.clone();
        code.ok_or_else(|| refused("no code runs: it is being built, or is broken"))
    }

    fn create(self: &Arc<Self>, name: Option<&str>) -> Result<Json, SessionRefusal> {
        let code = self.code()?;
        let directory = tempfile::Builder::new().prefix("dodev-session-").tempdir().map_err(refused)?;
        let book = Book::at(&self.options.persist);
        let source = match name {
            None => book.root().to_owned(),
            Some(name) => {
                let found = snapshot::open(&book, name);
                let unknown = |error| SessionRefusal { is_unknown: true, error: format!("{error}") };
                found.map_err(unknown)?.root().to_owned()
            }
        };
        snapshot::fork(&source, &directory.path().join("origin/v3")).map_err(refused)?;
        let clock = self.options.clock.fork();
        let (current, replies, feed) =
            (Arc::<Current>::default(), Arc::<Replies>::default(), Feed::default());
        let listening = listen(IpAddr::V4(Ipv4Addr::LOCALHOST), PortChoice::Exactly(0)).map_err(refused)?;
        let number = {
            let mut inner = self.inner();
            inner.last += 1;
            inner.last
        };
        let mut fork = Fork {
            url: format!("http://{}", listening.address),
            directory,
            run: 0,
            from: (clock.now(), clock.is_frozen()),
            clock: clock.clone(),
            current: current.clone(),
            replies: replies.clone(),
            feed: feed.clone(),
            server: None,
            state: None,
            running: None,
            generation: Generation::default(),
        };
        let started = self.begin(&mut fork, &code).and_then(|()| {
            let control = ControlOptions {
                token: self.options.token.clone(),
                feed,
                state: fork.state.clone().expect("it has begun"),
                reload: self.reload_of(number),
                program: self.options.program.clone(),
                sessions: None,
            };
            let report = &self.options.report;
            let options = server_options(listening.listener, current, replies, clock, control, report);
            fork.server = Some(Server::start(options).map_err(refused)?);
            Ok(())
        });
        if let Err(refusal) = started {
            fork.end();
            return Err(refusal);
        }
        let mut inner = self.inner();
        if inner.ended {
            drop(inner);
            fork.end();
            return Err(refused("the server stops"));
        }
        let shown = fork.show(number);
        inner.forks.insert(number, Arc::new(Mutex::new(fork)));
        Ok(shown)
    }

    /// Has the code of the fork `number` made anew, on a thread of its own.
    fn reload_of(self: &Arc<Self>, number: u64) -> Reload {
        let forks = Arc::downgrade(self);
        Arc::new(move || {
            let Some(this) = forks.upgrade() else { return };
            let renew = move || {
                let fork = this.inner().forks.get(&number).cloned();
                if let (Some(fork), Ok(code)) = (fork, this.code()) {
                    this.renew_or_tell(&fork, &code);
                }
            };
            drop(thread::Builder::new().name("fork".to_owned()).spawn(renew));
        })
    }

    fn renew_or_tell(&self, fork: &Mutex<Fork>, code: &Code) {
        if let Err(refusal) = self.renew(&mut lock(fork), code) {
            let message = format!("a session goes on with older code: {}", refusal.error);
            (self.options.report)(Report::Warnings(vec![Diagnostic::warning("dev/session", message)]));
        }
    }

    /// Lets `fork`, whose world has stopped, run on a new copy of its origin, at its time.
    fn begin(&self, fork: &mut Fork, code: &Code) -> Result<(), SessionRefusal> {
        fork.run += 1;
        let persist = fork.run_directory();
        let origin = fork.directory.path().join("origin/v3");
        snapshot::fork(&origin, &persist.join("v3")).map_err(refused)?;
        let (now, frozen) = fork.from;
        fork.clock.go_back_to(now, frozen);
        fork.feed.clear_logs();
        let state = SharedState::open(&persist).map_err(refused)?;
        let mut state = state.with_feed(fork.feed.clone()).with_replies(fork.replies.clone());
        if let Some(history) = self.options.history {
            state = state.with_history(history, fork.clock.clone());
        }
        let state = Arc::new(state);
        let world = self.spawn(fork, state.clone(), code)?;
        fork.serve(world, state);
        Ok(())
    }

    /// Lets newer code take the place of that of `fork`, on the same state.
    fn renew(&self, fork: &mut Fork, code: &Code) -> Result<(), SessionRefusal> {
        let Some((_, state)) = &fork.running else { return Ok(()) };
        let state = state.clone();
        let world = self.spawn(fork, state.clone(), code)?;
        if let Some((old, _)) = fork.serve(world, state) {
            old.retire();
        }
        Ok(())
    }

    fn spawn(&self, fork: &mut Fork, state: Arc<SharedState>, code: &Code) -> Result<World, SessionRefusal> {
        fork.generation = fork.generation.next();
        let (feed, clock, report) = (fork.feed.clone(), fork.clock.clone(), self.options.report.clone());
        let log: LogSink = Arc::new(move |record| {
            feed.log(clock.now(), &record);
            report(Report::Log(record));
        });
        let world = World::spawn(WorldSpec {
            workers: code.clone(),
            generation: fork.generation,
            state,
            log,
            clock: fork.clock.clone(),
            test_scheduled: self.options.test_scheduled,
            close_sockets: self.options.close_sockets,
            hibernate_after: self.options.hibernate_after,
            warm: None,
        });
        world.map_err(|failure| {
            let messages: Vec<_> = failure.diagnostics.into_iter().map(|found| found.message).collect();
            refused(messages.join("; "))
        })
    }
}

impl Fork {
    fn run_directory(&self) -> PathBuf {
        self.directory.path().join(self.run.to_string())
    }

    fn serve(&mut self, world: World, state: Arc<SharedState>) -> Option<(World, Arc<SharedState>)> {
        let handler = Arc::new(world.clone());
        match &self.state {
            Some(cell) => *cell.write().unwrap_or_else(PoisonError::into_inner) = state.clone(),
            None => self.state = Some(Arc::new(RwLock::new(state.clone()))),
        }
        self.current.swap(Serving::World { generation: self.generation, handler });
        self.running.replace((world, state))
    }

    /// Requests wait from now on; those in flight are broken off.
    fn stop_world(&mut self) {
        self.current.swap(Serving::Starting);
        let Some((world, state)) = self.running.take() else { return };
        world.stop(Duration::ZERO);
        drop(state);
        remove(&self.run_directory());
    }

    fn end(&mut self) {
        self.stop_world();
        if let Some(server) = self.server.take() {
            server.stop(Duration::ZERO);
        }
        remove(self.directory.path());
    }

    fn show(&self, number: u64) -> Json {
        json!({
            "id": number.to_string(), "url": self.url, "state": self.run_directory(), "now": self.clock.now().0,
            "from": self.from.0.0, "resets": self.run - 1,
        })
    }
}

fn lock(fork: &Mutex<Fork>) -> MutexGuard<'_, Fork> {
    fork.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(error: impl std::fmt::Display) -> SessionRefusal {
    SessionRefusal { is_unknown: false, error: error.to_string() }
}

/// What cannot be removed is in a temporary directory.
fn remove(directory: &Path) {
    drop(std::fs::remove_dir_all(directory));
}
