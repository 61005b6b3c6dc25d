//! One Worker of a session: its project, what watches it, and what builds it.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};

use super::{CACHE, Event, SessionOptions};
use crate::base::clock::{Clock, Timestamp};
use crate::base::diag::{Diagnostic, Label, SourceFile};
use crate::bundle::{Bundle, BundleCache, ChildBundler, Early, Prebundler, TellEarly};
use crate::dev::builder::{Builder, Job};
use crate::dev::command::{Running, Sources};
use crate::dev::machine::Stale;
use crate::dev::migrations::Migrations;
use crate::dev::report::{Report, ReportSink};
use crate::dev::request::bundle_request;
use crate::dev::watch::{Wanted, Watch};
use crate::engine::bytecode;
use crate::project::{LoadRequest, Project};

/// Which Worker of a session; the primary one is 0.
pub(super) type MemberId = usize;

/// One Worker.
pub(super) struct Member {
    pub load: LoadRequest,
    pub project: Arc<Project>,
    pub project_inputs: Vec<PathBuf>,
    pub bundle_inputs: Vec<PathBuf>,
    /// When the last build began, or the project was read for the first time.
    pub build_began: Timestamp,
    /// The files that changed since the last build began.
    pub changed: BTreeSet<PathBuf>,
    /// What has to be done anew for it.
    pub stale: Stale,
    /// The warnings about the project that were told last.
    pub warned: Vec<Diagnostic>,
    /// The same about its code.
    pub warned_of_code: Vec<Diagnostic>,
    /// The last bundle.
    pub bundle: Option<Arc<Bundle>>,
    /// What went wrong when it was last prepared or built.
    pub failure: Vec<Diagnostic>,
    pub builder: Builder,
    pub command: Running,
    /// What the user's build command is run for.
    pub sources: Sources,
    pub preparing: bool,
    pub watch: Option<Watch>,
    /// Whether file events were lost because too many waited.
    pub lost: Arc<AtomicBool>,
    pub migrations: Migrations,
}

impl Member {
    /// Has its bundle built again.
    pub fn build(&mut self, options: &SessionOptions) {
        let changed = std::mem::take(&mut self.changed).into_iter().collect();
        self.build_began = Clock::machine_now();
        self.stale = Stale::No;
        self.builder.build(Job { request: bundle_request(&self.project, options.prebundle), changed });
    }

    /// Watches what its project and its bundle are made of now.
    pub fn follow(&mut self, report: &ReportSink) {
        let Some(watch) = &mut self.watch else { return };
        let command = self.project.build.command.as_ref();
        let wanted = Wanted {
            root: &self.project.root,
            project: &self.project_inputs,
            bundle: &self.bundle_inputs,
            sources: command.map(|command| command.watch_dir.as_slice()).unwrap_or_default(),
        };
        if let Err(error) = watch.follow(wanted) {
            report(Report::WatchFailed(error.to_string()));
        }
    }
}

/// `diagnostics` of the project at `root` with absolute paths, so that those of several projects are told apart.
pub fn with_whole_paths(root: &Path, diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let whole = |label: Label| {
        let source = SourceFile::new(root.join(&label.source.path), label.source.text.as_str());
        Label { source, ..label }
    };
    diagnostics
        .into_iter()
        .map(|one| Diagnostic { labels: one.labels.into_iter().map(whole).collect(), ..one })
        .collect()
}

/// What compiles a Worker's code before its bundle is whole: there is one when there is an isolate, and the first code takes it.
#[derive(Clone, Default)]
pub(super) struct Ahead(Arc<Mutex<Option<TellEarly>>>);

impl Ahead {
    /// Has `compile` called, if one of `count` Workers will run alone.
    pub(super) fn set(&self, compile: impl Fn(Early) + Send + 'static, count: usize) {
        if count == 1 {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(compile));
        }
    }

    fn tell(&self, early: Early) {
        let mut compile = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_code = matches!(early, Early::Code(..));
        if let Some(tell) = &*compile {
            tell(early);
        }
        if is_code {
            *compile = None;
        }
    }
}

pub(super) fn start_builder(
    id: MemberId,
    options: &SessionOptions,
    project: &Project,
    events: SyncSender<Event>,
    ahead: Ahead,
) -> io::Result<Builder> {
    let directory = project.home.join(CACHE);
    let bundler =
        ChildBundler::new(options.program.clone()).telling(Box::new(move |early| ahead.tell(early)));
    let bundler = Prebundler::new(bundler, directory.clone(), bytecode::ENGINE);
    let cache = BundleCache::new(directory);
    Builder::start(bundler, cache, move |result| {
        // Nobody listens when the session has ended meanwhile.
        drop(events.send(Event::Built(id, result)));
    })
}

pub(super) fn start_watch(
    id: MemberId,
    report: &ReportSink,
    events: SyncSender<Event>,
    lost: Arc<AtomicBool>,
) -> Option<Watch> {
    let watch = Watch::new(move |event| {
        // When the channel is full, the session has many events to handle, and sees the mark with the next.
        if let Err(TrySendError::Full(_)) = events.try_send(Event::File(id, event)) {
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
