//! A bar for work that takes long, on a terminal only; quick work shows none. Where somebody else works, a sign of life.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::place::Place;

/// Work that is done sooner shows no bar.
const QUIET: Duration = Duration::from_millis(400);
/// How often the sign of life moves.
const TICK: Duration = Duration::from_millis(100);

/// The bar of one command; gone when dropped.
pub struct Progress {
    bar: ProgressBar,
    clock: crate::base::clock::Clock,
    began: Duration,
    verb: &'static str,
}

impl Progress {
    /// For the work that `verb` says, as in `Copying`.
    pub fn new(place: &Place, verb: &'static str) -> Self {
        let target = if place.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        Self { bar, clock: place.clock.clone(), began: place.clock.elapsed(), verb }
    }

    /// `done` of `total` are done.
    pub fn set(&self, done: u64, total: u64) {
        if self.clock.elapsed().saturating_sub(self.began) < QUIET {
            return;
        }
        self.bar.set_message(self.verb);
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}

/// Does `work`, which waits for somebody else, and shows that it goes on: `verb` says what.
pub fn waiting<R>(place: &Place, verb: &'static str, work: impl FnOnce() -> R) -> R {
    if place.json {
        return work();
    }
    let (working, done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if done.recv_timeout(QUIET) == Err(RecvTimeoutError::Timeout) {
                let bar = ProgressBar::new_spinner().with_message(verb);
                bar.enable_steady_tick(TICK);
                // It ends with what it waits for.
                let _ = done.recv();
                bar.finish_and_clear();
            }
        });
        // Dropped also when the work panics.
        let _working = working;
        work()
    })
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
