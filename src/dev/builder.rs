//! The thread that bundles: from the cache if nothing changed since the last run, else by a child process.
//!
//! The first start of a project builds everything as one bundle, since that is quickest, and its packages apart
//! afterwards, for the saves to come. It takes one job at a time. What it built is stored when no other save came for a while, or at the end, so
//! that storing delays nobody. The child's memory is then given back; the next save starts another child.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::base::limits;
use crate::bundle::{
    BuildFailure, Bundle, BundleCache, BundleRequest, Bundler, CacheMark, ChildBundler, Packages, Prebundler,
};
use crate::engine::memory;

/// Time that the last bundle gets to be stored when the session ends.
const LAST_STORE: Duration = Duration::from_millis(100);

/// What is to be built.
#[derive(Debug, PartialEq, Eq)]
pub struct Job {
    /// The request; none where there is no code.
    pub request: Option<BundleRequest>,
    /// The files that changed since the last job, absolute.
    pub changed: Vec<PathBuf>,
}

/// The thread, from outside.
pub struct Builder {
    jobs: Sender<Job>,
    ended: Receiver<()>,
}

impl Builder {
    /// Starts the thread; `done` gets the result of every job.
    pub fn start(
        bundler: Prebundler<ChildBundler>,
        cache: BundleCache,
        done: impl Fn(Result<Arc<Bundle>, BuildFailure>) + Send + 'static,
    ) -> io::Result<Self> {
        // Unbounded, but a session has one job at a time.
        let (jobs, waiting) = mpsc::channel();
        let (alive, ended) = mpsc::channel();
        let run = move || {
            build_all(&waiting, bundler, &cache, done);
            drop(alive);
        };
        thread::Builder::new().name("builder".to_owned()).spawn(run)?;
        Ok(Self { jobs, ended })
    }

    /// Builds `job` when the ones before it are done.
    pub fn build(&self, job: Job) {
        // The thread ends only when this side of the channel is dropped.
        drop(self.jobs.send(job));
    }

    /// Ends the thread, after it has stored the last bundle if that goes quickly.
    pub fn end(self) {
        drop(self.jobs);
        // A build that still runs is given up together with the process.
        let _ = self.ended.recv_timeout(LAST_STORE);
    }
}

fn build_all(
    jobs: &Receiver<Job>,
    mut bundler: Prebundler<ChildBundler>,
    cache: &BundleCache,
    done: impl Fn(Result<Arc<Bundle>, BuildFailure>),
) {
    let mut is_first = true;
    let mut has_saved = false;
    let mut last = None;
    let mut to_store = None;
    // Packages that are to be built apart when there is nothing else to do.
    let mut ahead: Option<BundleRequest> = None;
    loop {
        let mut next = match ahead.take() {
            None => jobs.recv_timeout(limits::BUNDLER_IDLE),
            // What was just built is evaluated and answers first.
            Some(request) => match jobs.recv_timeout(limits::PACKAGES_AFTER) {
                Err(RecvTimeoutError::Timeout) => {
                    // A session that ends meanwhile has stored what it started with.
                    store(cache, to_store.take());
                    let mark = cache.mark().ok();
                    // A failure is told when the project is built this way.
                    let built = bundler.build_ahead(&request);
                    to_store = built.zip(mark).map(|(bundle, mark)| (request, Arc::new(bundle), mark));
                    jobs.recv_timeout(limits::BUNDLER_IDLE)
                }
                other => other,
            },
        };
        if next == Err(RecvTimeoutError::Disconnected) {
            break;
        }
        if next == Err(RecvTimeoutError::Timeout) {
            store(cache, to_store.take());
            // Who saved once saves again: then the child stays, and its next build takes a few milliseconds.
            if has_saved {
                next = jobs.recv_timeout(limits::BUNDLER_KEPT);
            }
        }
        if next == Err(RecvTimeoutError::Timeout) {
            bundler.inner().end_idle();
            memory::release_program();
            next = jobs.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        let Ok(job) = next else { break };
        let Some(request) = job.request else {
            done(Ok(Arc::new(Bundle::of_nothing())));
            continue;
        };
        let first = std::mem::replace(&mut is_first, false);
        let cached = if first {
            cache.load_if_unchanged(&request, |likely| bundler.inner().tell_of(likely))
        } else {
            None
        };
        let cached = cached.and_then(|bundle| bundler.complete(&request, bundle));
        if let Some(bundle) = cached {
            ahead = can_come_apart(&request, &bundle).then_some(request);
            last = Some(bundle.hash);
            done(Ok(Arc::new(bundle)));
            continue;
        }
        // Without a mark the result is not stored; the next start builds again.
        let mark = cache.mark().ok();
        let at_once = if first { bundler.build_first(&request) } else { None };
        if let Some(Ok(bundle)) = &at_once {
            ahead = can_come_apart(&request, bundle).then(|| request.clone());
        }
        let built = at_once.unwrap_or_else(|| bundler.build(&request, &job.changed)).map(Arc::new);
        let hash = built.as_ref().ok().map(|bundle| bundle.hash);
        // What was copied into place just before the start may pass for saved, and changes nothing.
        has_saved |= !first && (hash.is_none() || hash != last);
        last = hash;
        to_store = built.as_ref().ok().zip(mark).map(|(bundle, mark)| (request, bundle.clone(), mark));
        done(built);
    }
    store(cache, to_store);
}

/// Whether packages are part of `bundle`, and neither `request` nor a build has given a reason for that.
fn can_come_apart(request: &BundleRequest, bundle: &Bundle) -> bool {
    request.packages != Packages::Inside
        && bundle.external.is_none()
        && bundle.diagnostics.iter().all(|diagnostic| diagnostic.code != "bundle/whole")
        && bundle.inputs.iter().any(|path| path.iter().any(|part| part == "node_modules"))
}

fn store(cache: &BundleCache, built: Option<(BundleRequest, Arc<Bundle>, CacheMark)>) {
    if let Some((request, bundle, mark)) = built {
        // A cache that cannot be written costs time at the next start and nothing else.
        drop(cache.store(&request, &bundle, mark));
    }
}
