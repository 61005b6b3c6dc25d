//! Threads that share one work, each on a processor of its own.
//!
//! Systems move threads that compute without a pause to processors that are idle, but not at once, and some machines' not
//! at all: there, two such threads share one processor while another rests, and the work takes twice as long. Where threads
//! are as many as processors, nothing is lost by telling them apart. Only Linux lets a thread ask for that.

#[cfg(target_os = "linux")]
pub use linux::Processors;
#[cfg(not(target_os = "linux"))]
pub use other::Processors;

#[cfg(target_os = "linux")]
mod linux {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Mutex, PoisonError};

    use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
    use nix::unistd::{Pid, gettid};

    /// The calling thread, for the system.
    const SELF: Pid = Pid::from_raw(0);

    thread_local! {
        static HAS_SETTLED: Cell<bool> = const { Cell::new(false) };
    }

    /// The processors that this process may use, to be handed out to its threads.
    #[derive(Debug)]
    pub struct Processors {
        all: CpuSet,
        numbers: Vec<usize>,
        next: AtomicUsize,
        settled: Mutex<Vec<Pid>>,
    }

    impl Processors {
        /// Those of the calling thread, if they are as many as `threads`.
        pub fn for_threads(threads: usize) -> Option<Self> {
            let all = sched_getaffinity(SELF).ok()?;
            let numbers: Vec<_> =
                (0..CpuSet::count()).filter(|number| all.is_set(*number) == Ok(true)).collect();
            let fits = numbers.len() == threads && threads > 1;
            fits.then(|| Self { all, numbers, next: AtomicUsize::new(0), settled: Mutex::default() })
        }

        /// Keeps the calling thread on the processor whose turn it is; later calls of the same thread do nothing.
        pub fn settle(&self) {
            if HAS_SETTLED.replace(true) {
                return;
            }
            let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.numbers.len();
            let mut own = CpuSet::new();
            // What the system refuses costs time and nothing else.
            if own.set(self.numbers[turn]).and_then(|()| sched_setaffinity(SELF, &own)).is_ok() {
                self.settled.lock().unwrap_or_else(PoisonError::into_inner).push(gettid());
            }
        }

        /// Lets the calling thread run anywhere: a new thread begins where the one was that started it.
        pub fn roam(&self) {
            let _ = sched_setaffinity(SELF, &self.all);
        }

        /// Lets all threads that have settled run anywhere again.
        pub fn release(&self) {
            for thread in self.settled.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                // It may have ended.
                let _ = sched_setaffinity(thread, &self.all);
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    /// The processors of a system that does not let threads choose.
    #[derive(Debug)]
    pub enum Processors {}

    impl Processors {
        /// None.
        pub fn for_threads(_: usize) -> Option<Self> {
            None
        }

        /// Keeps the calling thread on a processor.
        pub fn settle(&self) {
            match *self {}
        }

        /// Lets the calling thread run anywhere.
        pub fn roam(&self) {
            match *self {}
        }

        /// Lets all threads run anywhere again.
        pub fn release(&self) {
            match *self {}
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use nix::sched::{CpuSet, sched_getaffinity};
    use nix::unistd::Pid;

    use super::*;

    fn may_use() -> Vec<usize> {
        let set = sched_getaffinity(Pid::from_raw(0)).expect("the system tells");
        (0..CpuSet::count()).filter(|number| set.is_set(*number) == Ok(true)).collect()
    }

    #[test]
    fn threads_settle_on_different_processors_until_they_are_released() {
        let all = may_use();
        if all.len() < 2 {
            assert!(Processors::for_threads(all.len()).is_none(), "one thread has nothing to choose");
            return;
        }
        assert!(Processors::for_threads(all.len() + 1).is_none());
        let processors = Processors::for_threads(all.len()).expect("as many threads as processors");
        let mut places = Vec::new();
        thread::scope(|scope| {
            let mut released = Vec::new();
            let (sender, receiver) = channel();
            for _ in &all {
                let (go_on, wait) = channel::<()>();
                let (sender, processors) = (sender.clone(), &processors);
                scope.spawn(move || {
                    processors.settle();
                    processors.settle();
                    let own = may_use();
                    thread::scope(|inner| {
                        let heir = inner.spawn(|| {
                            processors.roam();
                            may_use()
                        });
                        sender.send((own, heir.join().expect("it ends"))).expect("the test waits");
                    });
                    wait.recv().expect("the test goes on");
                    sender.send((Vec::new(), may_use())).expect("the test waits");
                });
                released.push(go_on);
            }
            for (own, heir) in receiver.iter().take(all.len()) {
                assert_eq!(own.len(), 1);
                places.extend(own);
                assert_eq!(heir, all);
            }
            processors.release();
            released.iter().for_each(|go_on| go_on.send(()).expect("it waits"));
            assert!(receiver.iter().take(all.len()).all(|(_, now)| now == all));
        });
        places.sort_unstable();
        assert_eq!(places, all);
    }
}
