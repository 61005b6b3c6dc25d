//! What a first build does besides, because a person waits for it: its threads part, and who will run its code is told of it early.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::base::processors::Processors;

/// So many modules are many enough for the threads to part: before, they mostly wait for each other, or for the server's own
/// first steps on the same processors.
const MODULES_MANY: usize = 24;

/// Code of this length takes a millisecond or more to compile, bytes.
pub(super) const CODE_LONG: usize = 32 * 1024;

/// How far a first build is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Progress<'a> {
    /// All modules are loaded; this is the size of their texts, bytes.
    Scanned(usize),
    /// The name and the text of the entry's chunk.
    Code(&'a str, &'a str),
}

/// Gets to know how far a first build is.
pub(super) type Tell = Arc<dyn Fn(Progress<'_>) + Send + Sync>;

/// What a build is given for that; nothing for later ones.
#[derive(Clone, Default)]
pub(super) struct First {
    /// Where the threads run that load modules, if they are as many as processors.
    pub processors: Option<Arc<Processors>>,
    /// Who wants to know how far it is.
    pub tell: Option<Tell>,
    /// The size of the texts so far, bytes.
    scanned: Arc<AtomicUsize>,
}

impl First {
    /// What a build is given whose threads run on `processors`.
    pub(super) fn new(processors: Option<Arc<Processors>>) -> Self {
        Self { processors, ..Self::default() }
    }

    /// Notes that the calling thread loads a module, `count` having been loaded by now.
    pub(super) fn on_load(&self, count: usize) {
        if let Some(processors) = self.processors.as_ref().filter(|_| count > MODULES_MANY) {
            processors.settle();
        }
    }

    /// Notes that a module's text is so long, bytes.
    pub(super) fn on_text(&self, size: usize) {
        self.scanned.fetch_add(size, Ordering::Relaxed);
    }

    /// Notes that all modules are loaded.
    pub(super) fn on_scanned(&self) {
        let size = self.scanned.load(Ordering::Relaxed);
        if let Some(tell) = self.tell.as_ref().filter(|_| size >= CODE_LONG) {
            tell(Progress::Scanned(size));
        }
    }

    /// Notes that the chunk `name` of the entry has been printed.
    pub(super) fn on_code(&self, name: &str, code: &str) {
        if let Some(tell) = self.tell.as_ref().filter(|_| code.len() >= CODE_LONG) {
            tell(Progress::Code(name, code));
        }
    }

    /// Makes the threads that link and print, each on a processor of its own; they wait until they are needed.
    pub(super) fn settle_pool(&self) {
        if let Some(processors) = self.processors.clone() {
            let settle = move |_| processors.settle();
            // There is one pool in a process; a second bundler uses the first one's.
            let _ = rayon::ThreadPoolBuilder::new().start_handler(settle).build_global();
        }
    }

    /// Lets all threads run anywhere again: later builds are small, and have to get along with what else the machine does.
    pub(super) fn release_threads(&self) {
        self.processors.iter().for_each(|processors| processors.release());
    }
}

impl fmt::Debug for First {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("First").field("processors", &self.processors).finish_non_exhaustive()
    }
}
