//! How often statements are stepped on a thread: a measure of what storage does that is the same on every machine.

use std::cell::Cell;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// Steps of statements of this thread so far, one for each row and each end.
pub fn steps() -> u64 {
    STEPS.get()
}

/// One more.
pub(super) fn count_step() {
    STEPS.set(STEPS.get() + 1);
}
