//! Deadlines for waits in tests.
//!
//! Tests read the time through `base::clock` like everything else, and wait for events until a deadline
//! instead of sleeping. This measures real time: it never uses a manual clock.

use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use dodev::base::clock::Clock;

static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::system);

/// A moment in the near future by which something has to happen.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Duration);

impl Deadline {
    /// The moment `limit` from now.
    pub fn after(limit: Duration) -> Self {
        Self(CLOCK.elapsed() + limit)
    }

    /// Time left; zero once the moment has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_sub(CLOCK.elapsed())
    }

    /// Whether the moment has passed.
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// Time left, or a `TimedOut` error: for socket timeouts, which may not be zero.
    pub fn left_or_error(self) -> io::Result<Duration> {
        let left = self.left();
        if left.is_zero() { Err(timed_out()) } else { Ok(left) }
    }
}

/// The error of a wait that took too long.
pub fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "nothing came in time")
}
