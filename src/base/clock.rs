//! The only place that reads the time.
//!
//! Everything that depends on time takes a [`Clock`], so that tests and users can hold and move it. The type
//! is cheap to clone and shared by all threads of one server. It shows two times that move together: the
//! time of day ([`Clock::now`]) and the time since the start ([`Clock::elapsed`]), by which everything that
//! waits is due. A clock flows with the machine's or stands; it never goes back. What must not wait for a
//! clock that stands (limits on the machine's own work) uses [`Clock::machine`].
//!
//! The engine's `Date` and SQLite's `now` read the time by the C function `gettimeofday`, which is defined
//! here: on a thread that follows a clock ([`Clock::follow`]) it shows that clock. Measured against a `Date`
//! written in JavaScript it costs half as much, and there is no wrapper to see.
//!
//! Clippy's `disallowed-methods` refuses `SystemTime::now` and `Instant::now` anywhere else.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const MS: i64 = 1_000_000;

/// In place of a time: the clock flows, or there is none.
const NONE: i64 = i64::MIN;

/// A point in time: milliseconds since the Unix epoch, as JavaScript's `Date.now()` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The latest time that a clock can be moved to: the first moment of the year 2200.
    pub const LATEST: Self = Self(7_258_118_400_000);

    /// This point plus `delay_ms` milliseconds, saturating at the ends of the range.
    pub fn plus_ms(self, delay_ms: i64) -> Self {
        Self(self.0.saturating_add(delay_ms))
    }

    /// Nanoseconds since the epoch, the unit of the alarm tables on disk.
    pub fn as_nanos(self) -> i64 {
        self.0.saturating_mul(MS)
    }
}

/// Called when a clock flows again or was moved, on the thread that did it.
pub type OnChange = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Hands {
    frozen: bool,
    held: bool,
    watchers: Vec<(u64, OnChange)>,
    last_watcher: u64,
}

struct Inner {
    started: Instant,
    /// Nanoseconds that each time is ahead of the machine's while the clock flows.
    now_ahead: AtomicI64,
    elapsed_ahead: AtomicI64,
    /// Both times, nanoseconds, while the clock stands.
    now_standing: AtomicI64,
    elapsed_standing: AtomicI64,
    strict: AtomicBool,
    hands: Mutex<Hands>,
}

/// A source of time; clones show the same time.
#[derive(Clone)]
pub struct Clock(Arc<Inner>);

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    fn new(now_standing: i64, elapsed_standing: i64, frozen: bool) -> Self {
        Self(Arc::new(Inner {
            started: Instant::now(),
            now_ahead: AtomicI64::new(0),
            elapsed_ahead: AtomicI64::new(0),
            now_standing: AtomicI64::new(now_standing),
            elapsed_standing: AtomicI64::new(elapsed_standing),
            strict: AtomicBool::new(false),
            hands: Mutex::new(Hands { frozen, ..Hands::default() }),
        }))
    }

    /// The machine's clock, until it is moved.
    pub fn system() -> Self {
        Self::new(NONE, NONE, false)
    }

    /// A clock that shows `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self::new(start.as_nanos(), start.as_nanos(), true)
    }

    /// Sets the time of day, forward or back; to be called before anything waits.
    pub fn set(&self, now: Timestamp) {
        self.0.now_ahead.store(now.as_nanos() - machine_nanos(), Ordering::Relaxed);
        if self.stands() {
            self.0.now_standing.store(now.as_nanos(), Ordering::Relaxed);
        }
    }

    /// Another clock that shows the same time, and stands, flows and is strict as this one; from now on each goes its own way.
    #[must_use]
    pub fn fork(&self) -> Self {
        let fork = Self::system();
        fork.set_strict(self.0.strict.load(Ordering::Relaxed));
        fork.go_back_to(self.now(), self.is_frozen());
        fork
    }

    /// Shows `now` again, standing or not; to be called when nothing waits any more.
    pub fn go_back_to(&self, now: Timestamp, frozen: bool) {
        self.freeze();
        self.set(now);
        if !frozen {
            self.resume();
        }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        Timestamp(self.now_nanos().div_euclid(MS))
    }

    /// The current time, nanoseconds since the epoch.
    pub fn now_nanos(&self) -> i64 {
        match self.0.now_standing.load(Ordering::Relaxed) {
            NONE => machine_nanos() + self.0.now_ahead.load(Ordering::Relaxed),
            standing => standing,
        }
    }

    /// What the running turn sees as the current time, milliseconds since the epoch.
    pub fn now_in_turn(&self) -> Timestamp {
        match TURN.get() {
            NONE => self.now(),
            nanos => Timestamp(nanos.div_euclid(MS)),
        }
    }

    /// Time since the clock was made, for measuring durations; never goes backwards.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed_nanos().max(0).cast_unsigned())
    }

    fn elapsed_nanos(&self) -> i64 {
        match self.0.elapsed_standing.load(Ordering::Relaxed) {
            NONE => self.machine_elapsed() + self.0.elapsed_ahead.load(Ordering::Relaxed),
            standing => standing,
        }
    }

    /// The machine's time of day, whatever a clock shows: that of files.
    pub fn machine_now() -> Timestamp {
        Timestamp(machine_nanos().div_euclid(MS))
    }

    /// The machine's own time since the clock was made, whatever the clock shows.
    pub fn machine(&self) -> Duration {
        self.0.started.elapsed()
    }

    fn machine_elapsed(&self) -> i64 {
        i64::try_from(self.machine().as_nanos()).unwrap_or(i64::MAX)
    }

    /// How far the clock is ahead of the machine's, milliseconds; negative if it is behind.
    pub fn ahead_ms(&self) -> i64 {
        (self.now_nanos() - machine_nanos()).div_euclid(MS)
    }

    /// How long the machine has to wait until `elapsed()` is `due`; `None` if it would wait for ever.
    pub fn wait_until(&self, due: Duration) -> Option<Duration> {
        let left = due.saturating_sub(self.elapsed());
        (left.is_zero() || !self.stands()).then_some(left)
    }

    /// Whether the clock stands.
    pub fn stands(&self) -> bool {
        self.0.elapsed_standing.load(Ordering::Relaxed) != NONE
    }

    /// Whether the clock stands until it is told to flow, not only while it is moved.
    pub fn is_frozen(&self) -> bool {
        self.hands().frozen
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the clock stand until [`Clock::resume`].
    pub fn freeze(&self) {
        self.change(|hands| hands.frozen = true);
    }

    /// Lets the clock flow on from the time that it shows.
    pub fn resume(&self) {
        self.change(|hands| hands.frozen = false);
    }

    /// Makes the clock stand until [`Clock::release`], whatever else is wanted of it.
    pub fn hold(&self) {
        self.change(|hands| hands.held = true);
    }

    /// Ends what [`Clock::hold`] began.
    pub fn release(&self) {
        self.change(|hands| hands.held = false);
    }

    fn change(&self, change: impl FnOnce(&mut Hands)) {
        let watchers = {
            let mut hands = self.hands();
            change(&mut hands);
            let inner = &self.0;
            match (hands.frozen || hands.held, self.stands()) {
                (true, false) => {
                    inner.now_standing.store(self.now_nanos(), Ordering::Relaxed);
                    inner.elapsed_standing.store(self.elapsed_nanos(), Ordering::Relaxed);
                    return;
                }
                (false, true) => {
                    let now_ahead = self.now_nanos() - machine_nanos();
                    let elapsed_ahead = self.elapsed_nanos() - self.machine_elapsed();
                    inner.now_ahead.store(now_ahead, Ordering::Relaxed);
                    inner.elapsed_ahead.store(elapsed_ahead, Ordering::Relaxed);
                    inner.now_standing.store(NONE, Ordering::Relaxed);
                    inner.elapsed_standing.store(NONE, Ordering::Relaxed);
                }
                (true, true) | (false, false) => return,
            }
            hands.watchers.clone()
        };
        watchers.iter().for_each(|(_, watcher)| watcher());
    }

    /// Moves the clock forward by `by`, whether it stands or flows.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        let watchers = {
            let hands = self.hands();
            let inner = &self.0;
            let (now, elapsed) = match self.stands() {
                true => (&inner.now_standing, &inner.elapsed_standing),
                false => (&inner.now_ahead, &inner.elapsed_ahead),
            };
            now.store(now.load(Ordering::Relaxed).saturating_add(by), Ordering::Relaxed);
            elapsed.store(elapsed.load(Ordering::Relaxed).saturating_add(by), Ordering::Relaxed);
            hands.watchers.clone()
        };
        watchers.iter().for_each(|(_, watcher)| watcher());
    }

    /// From now on `on_change` is called when the clock flows again or was moved, until the result is dropped.
    pub fn watch(&self, on_change: OnChange) -> Watching {
        let mut hands = self.hands();
        hands.last_watcher += 1;
        let number = hands.last_watcher;
        hands.watchers.push((number, on_change));
        drop(hands);
        Watching(self.clone(), number)
    }

    /// Whether the time stands still during a turn, as in production.
    pub fn set_strict(&self, strict: bool) {
        self.0.strict.store(strict, Ordering::Relaxed);
    }

    /// A turn begins on this thread, which follows this clock.
    pub fn begin_turn(&self) {
        if self.0.strict.load(Ordering::Relaxed) {
            TURN.set(self.now_nanos());
        }
    }

    /// A turn begins on this thread in which the time stands at `now`.
    pub fn begin_turn_at(&self, now: Timestamp) {
        TURN.set(now.as_nanos());
    }

    /// The turn ended.
    pub fn end_turn(&self) {
        TURN.set(NONE);
    }

    /// Makes this thread's `Date` and SQLite's `now` show this clock.
    pub fn follow(&self) {
        FOLLOWED.with(|followed| *followed.borrow_mut() = Some(self.clone()));
    }
}

/// Somebody watches a clock, until this is dropped.
#[derive(Debug)]
pub struct Watching(Clock, u64);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.hands().watchers.retain(|(number, _)| *number != self.1);
    }
}

/// The machine's time of day, nanoseconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
fn machine_nanos() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

thread_local! {
    static FOLLOWED: RefCell<Option<Clock>> = const { RefCell::new(None) };
    /// The time that the running turn sees, where it stands still during a turn.
    static TURN: Cell<i64> = const { Cell::new(NONE) };
}

/// What the C library shows on this thread, nanoseconds since the epoch.
pub fn shown_nanos() -> i64 {
    match TURN.get() {
        NONE => {
            let followed = FOLLOWED.try_with(|clock| clock.borrow().as_ref().map(Clock::now_nanos));
            followed.ok().flatten().unwrap_or_else(machine_nanos)
        }
        turn => turn,
    }
}

/// The C function by which the engine and, on Unix, SQLite read the time: this definition takes the C library's place.
/// (`storage/sqlite/time.rs` tells SQLite the time on Windows.)
///
/// Fidelity: POSIX. The zone is obsolete and left as it is.
///
/// # Safety
/// `time` is null or points to a `timeval` that may be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn gettimeofday(time: *mut libc::timeval, _zone: *mut libc::c_void) -> libc::c_int {
    let nanos = shown_nanos();
    let (seconds, micros) = (nanos.div_euclid(1_000 * MS), nanos.rem_euclid(1_000 * MS) / 1_000);
    // SAFETY: the caller's promise; a null pointer gives no reference.
    if let Some(time) = unsafe { time.as_mut() } {
        // A `timeval` of Windows ends in 2038, and shows its end from then on.
        #[cfg(windows)]
        let seconds = seconds.min(i32::MAX.into());
        time.tv_sec = seconds as _;
        time.tv_usec = micros as _;
    }
    0
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Timestamp(1_000));
        let other = clock.clone();
        assert_eq!(clock.now(), Timestamp(1_000));
        clock.advance(2 * SECOND);
        assert_eq!(other.now(), Timestamp(3_000));
        assert_eq!(other.now().as_nanos(), 3_000_000_000);
    }

    #[test]
    fn a_frozen_clock_flows_on_from_the_time_it_shows() {
        let clock = Clock::system();
        clock.freeze();
        let (now, elapsed) = (clock.now(), clock.elapsed());
        clock.advance(3_600 * SECOND);
        assert_eq!((clock.now(), clock.elapsed()), (now.plus_ms(3_600_000), elapsed + 3_600 * SECOND));
        assert_eq!(clock.wait_until(clock.elapsed() + SECOND), None, "nobody moves it");
        assert_eq!(clock.wait_until(clock.elapsed()), Some(Duration::ZERO));
        clock.resume();
        assert!(clock.now() >= now.plus_ms(3_600_000) && clock.now() < now.plus_ms(3_660_000));
        assert!(clock.wait_until(clock.elapsed() + SECOND).is_some_and(|wait| wait <= SECOND));
        assert!(clock.machine() < 60 * SECOND, "the machine's time was not moved");
    }

    #[test]
    fn a_clock_that_was_held_flows_on_unless_it_was_frozen_meanwhile() {
        let clock = Clock::system();
        clock.hold();
        assert!(clock.stands() && !clock.is_frozen());
        clock.release();
        assert!(!clock.stands());
        clock.hold();
        clock.freeze();
        clock.release();
        assert!(clock.stands() && clock.is_frozen());
    }

    #[test]
    fn who_watches_is_told_when_it_flows_again_or_was_moved() {
        let clock = Clock::system();
        let told = Arc::new(AtomicUsize::new(0));
        let count = told.clone();
        let watching = clock.watch(Arc::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        }));
        clock.freeze();
        assert_eq!(told.load(Ordering::Relaxed), 0);
        clock.advance(SECOND);
        clock.resume();
        assert_eq!(told.load(Ordering::Relaxed), 2);
        drop(watching);
        clock.advance(SECOND);
        assert_eq!(told.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn the_c_library_shows_the_clock_that_the_thread_follows() {
        let read = || {
            let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
            // SAFETY: the pointer is to a local that outlives the call.
            let status = unsafe { libc::gettimeofday(&raw mut time, std::ptr::null_mut()) };
            (status, time.tv_sec, time.tv_usec)
        };
        let clock = Clock::manual(Timestamp(2_500));
        assert!(read().1 > 1_700_000_000, "the machine's");
        clock.follow();
        assert_eq!(read(), (0, 2, 500_000));
        clock.set_strict(true);
        clock.begin_turn();
        clock.advance(SECOND);
        assert_eq!((read(), clock.now_in_turn()), ((0, 2, 500_000), Timestamp(2_500)));
        clock.end_turn();
        assert_eq!((read(), clock.now_in_turn()), ((0, 3, 500_000), Timestamp(3_500)));
    }

    proptest! {
        /// Whatever is done to it, neither time ever goes back.
        #[test]
        fn time_never_goes_back(steps in prop::collection::vec((0u8..5, 0u64..1 << 40), 0..40)) {
            let clock = Clock::system();
            let mut before = (clock.now_nanos(), clock.elapsed());
            for (step, by) in steps {
                match step {
                    0 => clock.freeze(),
                    1 => clock.resume(),
                    2 => clock.hold(),
                    3 => clock.release(),
                    _ => clock.advance(Duration::from_nanos(by)),
                }
                let after = (clock.now_nanos(), clock.elapsed());
                prop_assert!(after.0 >= before.0 && after.1 >= before.1);
                before = after;
            }
        }
    }
}
