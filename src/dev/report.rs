//! Everything that a session has to tell, as one closed list.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::base::diag::Diagnostic;
use crate::base::generation::Generation;
use crate::engine::LogRecord;
use crate::migrate::{Entry, Planned};
use crate::project::Project;
use crate::server::{Holder, RequestRecord};

/// Where reports go; called from any thread, must not wait.
pub type ReportSink = Arc<dyn Fn(Report) + Send + Sync>;

/// Something to tell.
#[derive(Debug, Clone)]
pub enum Report {
    /// The wanted port is taken, so another one serves.
    PortMoved {
        /// The wanted one.
        wanted: u16,
        /// Who has it, where known.
        holder: Option<Holder>,
        /// The one that serves.
        taken: u16,
    },
    /// Mistakes that do not stop anything.
    Warnings(Vec<Diagnostic>),
    /// The first code serves.
    Ready(Ready),
    /// Newer code serves.
    Reloaded {
        /// Which.
        generation: Generation,
        /// Since the change was noticed.
        duration: Duration,
    },
    /// A change left the code as it was.
    Unchanged,
    /// The newest code does not serve.
    Broken(Broken),
    /// Something changed that only counts after a restart.
    RestartNeeded {
        /// The configuration's key.
        key: &'static str,
    },
    /// The user's build command begins.
    CommandStarted {
        /// As it stands in the configuration.
        command: String,
    },
    /// The user's build command printed a line.
    CommandOutput {
        /// The line.
        text: String,
        /// Whether it came from standard error.
        error: bool,
    },
    /// Files cannot be watched any more or not all.
    WatchFailed(String),
    /// Something about the migrations of the state.
    Migrated {
        /// The Worker.
        worker: String,
        /// What.
        migrated: Migrated,
    },
    /// A request was answered.
    Request(RequestRecord),
    /// The user's program wrote something.
    Log(LogRecord),
    /// The session ends.
    Stopping,
}

/// What became of the migrations of the state.
#[derive(Debug, Clone)]
pub enum Migrated {
    /// A migration was applied.
    Applied(Entry),
    /// A state that had no ledger was taken for one that has been through this migration and all before it.
    Adopted {
        /// Its tag; none for the `exports` form.
        tag: Option<String>,
    },
    /// These migrations put objects aside and were not agreed to; the code serves without them.
    Waiting(Vec<Planned>),
    /// The migrations do not fit the state, which stays as it is.
    Impossible(Vec<Diagnostic>),
    /// The state of this Worker could be carried over.
    CarryOverOffered {
        /// Its name.
        from: String,
    },
}

/// What is told when the first code serves.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Where it is served.
    pub address: SocketAddr,
    /// Whether by `https`.
    pub secure: bool,
    /// The projects, the primary one first.
    pub projects: Vec<Arc<Project>>,
    /// Where state is kept.
    pub persist: PathBuf,
    /// What the control surface wants to be shown; never printed.
    pub token: Arc<str>,
    /// Since the process started; absent if a mistake had to be corrected first.
    pub duration: Option<Duration>,
}

/// Why the newest code does not serve.
#[derive(Debug, Clone)]
pub struct Broken {
    /// The reasons.
    pub diagnostics: Vec<Diagnostic>,
    /// Where the error page or older code is served.
    pub address: SocketAddr,
    /// Whether by `https`.
    pub secure: bool,
    /// Whether older code goes on serving.
    pub older_code_serves: bool,
}
