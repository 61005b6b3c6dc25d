//! A world: one generation of the user's code, running. Built, used, replaced, dropped.
//!
//! [`World`] is a handle that any thread may hold; the isolate, its objects and their stores live on a
//! thread of their own (`runner`). A world that cannot be built leaves no trace.

mod ahead;
mod journey;
mod replies;
mod runner;
mod scheduled;
mod spec;
mod stack;
mod standby;
mod state;
#[cfg(test)]
mod tests;
mod top_level;
mod travel;
mod warm;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::assets::Site;
use crate::base::clock::Clock;
use crate::base::diag::Diagnostic;
use crate::base::generation::Generation;
use crate::base::limits;
use crate::bundle::Bundle;
use crate::engine::LogRecord;
use crate::engine::http::{FetchError, FetchRequest, FetchResponse};
use crate::engine::mailbox::Sender;
use crate::objects::control::{Answer, Command, Refusal};
use crate::project::{Project, PublicHost};

use runner::{Load, Message};
use standby::Preparation;

pub use crate::engine::{Origin, http};
pub use crate::objects::{DueKind, Fired};
pub use journey::Ending;
pub use replies::Replies;
pub use state::{Lost, OnLost, SharedState, StateError};
pub use travel::{TimeCommand, TimeReport};
pub use warm::Warm;

/// Where the logs of user code go; called on the world's thread.
pub type LogSink = Arc<dyn Fn(LogRecord) + Send + Sync>;

/// A Worker and its code.
#[derive(Debug, Clone)]
pub struct WorkerCode {
    /// What the user asked for.
    pub project: Arc<Project>,
    /// The code.
    pub bundle: Arc<Bundle>,
}

/// What a world is made of.
pub struct WorldSpec {
    /// The Workers, of different names, at least one. The first answers requests from outside.
    pub workers: Vec<WorkerCode>,
    /// Which generation this is; later ones take objects over from earlier ones.
    pub generation: Generation,
    /// The state of all worlds of this server.
    pub state: Arc<SharedState>,
    /// Where logs go.
    pub log: LogSink,
    /// The time.
    pub clock: Clock,
    /// Whether `/__scheduled` runs the scheduled handler.
    pub test_scheduled: bool,
    /// Whether a reload closes hibernatable WebSockets, as a deployment does.
    pub close_sockets: bool,
    /// How long objects with hibernatable sockets may be idle.
    pub hibernate_after: Duration,
    /// An isolate that was made ahead, if there is one.
    pub warm: Option<Warm>,
}

/// Why there is no world.
#[derive(Debug)]
pub struct WorldFailure {
    /// What is wrong with the user's code, errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// A running world. Cheap to clone; the world goes on until it is retired or stopped.
#[derive(Clone)]
pub struct World {
    sender: Sender<Message>,
    /// The assets of the Worker that answers requests from outside.
    site: Option<Arc<Site>>,
    /// Where requests from outside appear to be sent to, if not to this server.
    public_host: Option<Arc<PublicHost>>,
    test_scheduled: bool,
    /// Raised when it is to end and its code does not.
    hurry: Arc<AtomicBool>,
}

impl World {
    /// Starts to make an isolate with everything but the user's code, on a thread of its own.
    pub fn warm(log: LogSink, clock: Clock) -> Warm {
        Warm::start(log, clock, None)
    }

    /// The same for the generation after the one that serves `workers`: their packages are evaluated too.
    pub fn standby(log: LogSink, clock: Clock, workers: &[WorkerCode]) -> Warm {
        Warm::start(log, clock, Preparation::of(workers))
    }

    /// Evaluates the bundles; blocks until their top levels are done.
    ///
    /// # Errors
    /// Diagnostics that point into the user's files: what the top level threw, classes that are bound but
    /// not exported.
    pub fn spawn(spec: WorldSpec) -> Result<Self, WorldFailure> {
        let WorldSpec {
            workers,
            generation,
            state,
            log,
            clock,
            test_scheduled,
            close_sockets,
            hibernate_after,
            warm,
        } = spec;
        let warm = warm.filter(|warm| warm.fits(&workers));
        let warm = warm.unwrap_or_else(|| Warm::start(log, clock, None));
        let (answer, loaded) = mpsc::channel();
        let hurry = Arc::<AtomicBool>::default();
        let sender = warm.into_sender();
        let failed = |diagnostic| WorldFailure { diagnostics: vec![diagnostic] };
        let projects: Vec<_> = workers.iter().map(|worker| worker.project.clone()).collect();
        let sites = spec::sites(&projects);
        let site = sites.first().cloned().flatten();
        let public_host = projects.first().and_then(|project| project.public_host.clone()).map(Arc::new);
        let load = Load {
            workers,
            sites,
            generation,
            state,
            sender: sender.clone(),
            test_scheduled,
            close_sockets,
            hibernate_after,
            hurry: hurry.clone(),
            answer,
        };
        if sender.send(Message::Load(Box::new(load))).is_err() {
            return Err(failed(top_level::engine_failed("its thread ended")));
        }
        match loaded.recv() {
            Ok(Ok(())) => Ok(Self { sender, site, public_host, test_scheduled, hurry }),
            Ok(Err(diagnostics)) => Err(WorldFailure { diagnostics }),
            Err(_) => Err(failed(top_level::engine_failed("its thread ended"))),
        }
    }

    /// The assets that a request for `url` from outside is first looked for in, if there are some.
    pub fn site(&self, url: &str) -> Option<Arc<Site>> {
        self.site.clone().filter(|_| !scheduled::is_run(url, self.test_scheduled))
    }

    /// Where requests from outside appear to be sent to, if not to this server.
    pub fn public_host(&self) -> Option<Arc<PublicHost>> {
        self.public_host.clone()
    }

    /// Hands a request to the Worker, which looks at it after the next [`World::wake`]. The receiver fails
    /// when the world is gone.
    pub fn fetch(&self, request: FetchRequest) -> oneshot::Receiver<Result<FetchResponse, FetchError>> {
        let (answer, response) = oneshot::channel();
        // A world that is gone drops the message and with it the answering end.
        drop(self.sender.post(Message::Fetch(request, answer)));
        response
    }

    /// Asks for something about the objects; the receiver fails when the world is gone.
    pub fn control(&self, command: Command) -> oneshot::Receiver<Result<Answer, Refusal>> {
        let (asker, answer) = oneshot::channel();
        // As above.
        drop(self.sender.send(Message::Control(Box::new((command, asker)))));
        answer
    }

    /// Shows or moves the time. The receiver gets the report when all is settled; it fails when the world is
    /// gone, or replaced meanwhile.
    pub fn time(&self, command: TimeCommand) -> oneshot::Receiver<TimeReport> {
        let (answer, report) = oneshot::channel();
        drop(self.sender.send(Message::Time(command, answer)));
        report
    }

    /// Makes the Worker look at the requests that it was handed: once for all that came at the same time.
    pub fn wake(&self) {
        self.sender.wake();
    }

    /// Tells the world that it gets no new requests: it finishes those in flight, hands its objects over
    /// and ends.
    pub fn retire(&self) {
        drop(self.sender.send(Message::Retire));
    }

    /// Stops the world: requests in flight get `limit` to finish, code that runs on is ended; then everything is committed and
    /// closed. Returns when that is done.
    pub fn stop(&self, limit: Duration) {
        if let Some(stopped) = self.begin_to_stop(limit) {
            // The world answers by dropping its end, in every way it can go.
            let _ = stopped.recv();
        }
    }

    /// The same before the process ends: a world that native code holds up is left as it is. Nothing that anyone was told
    /// waits for its commit.
    pub fn stop_at_last(&self, limit: Duration) {
        if let Some(stopped) = self.begin_to_stop(limit) {
            let _ = stopped.recv_timeout(limits::STOP_GRACE);
        }
    }

    /// Lets the world stop; what tells its end, unless it has ended within `limit`.
    fn begin_to_stop(&self, limit: Duration) -> Option<mpsc::Receiver<()>> {
        let (answer, stopped) = mpsc::channel();
        self.sender.send(Message::Stop { limit, answer }).ok()?;
        // The world counts from when it hears of it.
        let timely = stopped.recv_timeout(limit + limits::STOP_MARGIN);
        if timely != Err(mpsc::RecvTimeoutError::Timeout) {
            return None;
        }
        self.hurry.store(true, Ordering::Relaxed);
        Some(stopped)
    }
}
