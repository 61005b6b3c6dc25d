//! Ends turns that use too much CPU time.
//!
//! The engine polls the watchdog about every 30 µs. The CPU clock is read only there, so that short
//! turns cost nothing. An ended turn cannot catch its end: no `catch` or `finally` runs.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::base::limits;

const WARN_AT_PERCENT: u32 = limits::WARN_AT_PERCENT as u32;

/// Watches the turns of one isolate.
#[derive(Debug, Clone, Default)]
pub struct Watchdog(Rc<State>);

#[derive(Debug, Default)]
struct State {
    limit: Cell<Duration>,
    started: Cell<Option<Duration>>,
    running: Cell<bool>,
    polls: Cell<u64>,
    /// Raised from another thread when no turn may go on.
    hurry: OnceCell<Arc<AtomicBool>>,
    near: Cell<bool>,
    expired: Cell<bool>,
    /// Whether the running turn was ended for another reason.
    ended: Cell<bool>,
    /// The thread's CPU time at which memory is refused next to the turn that has expired.
    overdue: Cell<Option<Duration>>,
}

impl Watchdog {
    /// Begins to watch a turn, to end it after `limit` of CPU time.
    pub fn start(&self, limit: Duration) {
        self.0.limit.set(limit);
        self.0.started.set(None);
        self.0.near.set(false);
        self.0.expired.set(false);
        self.0.ended.set(false);
        self.0.overdue.set(None);
        self.0.running.set(true);
    }

    /// Ends turns at once while `hurry` is raised, however much time they have left. The first one given counts.
    pub fn obey(&self, hurry: Arc<AtomicBool>) {
        // An isolate has one world in its life.
        let _ = self.0.hurry.set(hurry);
    }

    /// Stops watching; says whether the turn was ended for using too much.
    pub fn stop(&self) -> bool {
        self.0.running.set(false);
        self.0.expired.get()
    }

    /// The limit, if the last turn used nearly all of it and no more.
    pub fn nearly_expired(&self) -> Option<Duration> {
        (self.0.near.get() && !self.0.expired.get()).then(|| self.0.limit.get())
    }

    /// Whether the running turn has used too much.
    pub fn expired(&self) -> bool {
        self.0.expired.get()
    }

    /// Notes that the running turn was ended: nothing that waits for its microtasks runs any more.
    pub fn note_end(&self) {
        self.0.ended.set(true);
    }

    /// Whether the running turn was ended since it began, or since this was asked.
    pub fn take_end(&self) -> bool {
        self.0.ended.replace(false)
    }

    /// The engine's question whether to interrupt, counted.
    pub fn poll_counted(&self) -> bool {
        self.0.polls.set(self.0.polls.get() + 1);
        self.poll()
    }

    /// How often the engine asked.
    pub fn polls(&self) -> u64 {
        self.0.polls.get()
    }

    /// Whether to interrupt.
    pub fn poll(&self) -> bool {
        if !self.0.running.get() {
            return false;
        }
        if self.0.hurry.get().is_some_and(|hurry| hurry.load(Ordering::Relaxed)) {
            self.0.expired.set(true);
            return true;
        }
        self.look(thread_cpu_time())
    }

    /// Whether the running turn goes on although it has used too much: its code is native, and never asks. Half a second
    /// later it is asked again, so that errors can be made meanwhile.
    pub fn poll_overdue(&self) -> bool {
        if !self.poll() {
            return false;
        }
        let now = thread_cpu_time();
        let due = self.0.overdue.get().get_or_insert(now + limits::TURN_OVERDUE).to_owned();
        let is_overdue = now >= due;
        self.0.overdue.set(Some(if is_overdue { now + limits::TURN_OVERDUE } else { due }));
        is_overdue
    }

    fn look(&self, now: Duration) -> bool {
        let Some(started) = self.0.started.get() else {
            self.0.started.set(Some(now));
            return false;
        };
        let (used, limit) = (now.saturating_sub(started), self.0.limit.get());
        self.0.near.set(used * 100 > limit * WARN_AT_PERCENT);
        if used > limit {
            self.0.expired.set(true);
        }
        self.0.expired.get()
    }
}

#[cfg(unix)]
fn thread_cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local that outlives the call.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    if status != 0 {
        return Duration::ZERO;
    }
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// Windows counts in its ticks, some 16 ms each.
#[cfg(windows)]
fn thread_cpu_time() -> Duration {
    use windows_sys::Win32::Foundation::FILETIME;
    use windows_sys::Win32::System::Threading::{GetCurrentThread, GetThreadTimes};
    const NONE: FILETIME = FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 };
    let [mut made, mut ended, mut kernel, mut user] = [NONE; 4];
    // SAFETY: the pointers are to locals that outlive the call; the handle stands for this thread and needs no closing.
    let done = unsafe {
        GetThreadTimes(GetCurrentThread(), &raw mut made, &raw mut ended, &raw mut kernel, &raw mut user)
    };
    if done == 0 {
        return Duration::ZERO;
    }
    let hundreds_ns = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    Duration::from_nanos(hundreds_ns(kernel).saturating_add(hundreds_ns(user)).saturating_mul(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_little_nearly_or_wholly_spent() {
        let ms = Duration::from_millis;
        let watchdog = Watchdog::default();
        for (used, near, ended) in
            [(800, false, false), (801, true, false), (1_000, true, false), (1_001, false, true)]
        {
            watchdog.start(ms(1_000));
            assert!(!watchdog.look(ms(5_000)));
            assert_eq!(watchdog.look(ms(5_000 + used)), ended, "{used}");
            assert_eq!(watchdog.nearly_expired(), near.then(|| ms(1_000)), "{used}");
            assert_eq!(watchdog.stop(), ended, "{used}");
        }
        watchdog.start(ms(1_000));
        assert_eq!(watchdog.nearly_expired(), None, "the next turn begins anew");
    }
}
