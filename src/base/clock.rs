//! The only place that reads the time.
//!
//! Everything that depends on time takes a [`Clock`], so that tests and (later) users can hold and
//! move it. The type is cheap to clone and shared by all threads of one server. Clippy's
//! `disallowed-methods` refuses `SystemTime::now` and `Instant::now` anywhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point in time: milliseconds since the Unix epoch, as JavaScript's `Date.now()` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This point plus `delay_ms` milliseconds, saturating at the ends of the range.
    pub fn plus_ms(self, delay_ms: i64) -> Self {
        Self(self.0.saturating_add(delay_ms))
    }

    /// Nanoseconds since the epoch, the unit of the alarm tables on disk.
    pub fn as_nanos(self) -> i64 {
        self.0.saturating_mul(1_000_000)
    }
}

#[derive(Debug, Clone)]
enum Source {
    /// The machine's own clock.
    System { started: Instant },
    /// A clock that stands still until somebody moves it.
    Manual(Arc<AtomicI64>),
}

/// A source of time; clones show the same time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

impl Clock {
    /// The machine's clock.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    pub fn system() -> Self {
        Self(Source::System { started: Instant::now() })
    }

    /// A clock that shows `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// The current time.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the time")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Source::Manual(now) => Timestamp(now.load(Ordering::Relaxed)),
        }
    }

    /// Time since the clock was made, for measuring durations; never goes backwards.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System { started } => started.elapsed(),
            Source::Manual(now) => Duration::from_millis(now.load(Ordering::Relaxed).try_into().unwrap_or(0)),
        }
    }

    /// Moves a manual clock forward by `by`; the system clock cannot be moved and stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            now.fetch_add(by_ms, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Timestamp(1_000));
        let other = clock.clone();
        assert_eq!(clock.now(), Timestamp(1_000));
        clock.advance(Duration::from_secs(2));
        assert_eq!(other.now(), Timestamp(3_000));
        assert_eq!(other.now().as_nanos(), 3_000_000_000);
    }
}
