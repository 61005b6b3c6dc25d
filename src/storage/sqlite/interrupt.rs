//! What ends a statement that runs: a flag that another thread raises, or the end of the time of the code that it runs for.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that any thread may raise to make running statements end with `SQLITE_INTERRUPT`. Whoever
/// raised it lowers it again; while it is up, longer statements of all connections with it fail.
pub type Interrupt = Arc<AtomicBool>;

thread_local! {
    static OVERRUN: RefCell<Option<Rc<dyn Fn() -> bool>>> = const { RefCell::new(None) };
}

/// Ends long statements of this thread with `SQLITE_INTERRUPT` when `overrun` says that the code they run for has used
/// too much time.
pub fn interrupt_when(overrun: Rc<dyn Fn() -> bool>) {
    OVERRUN.set(Some(overrun));
}

/// SQLite's question, every so many instructions, whether to stop; `flag` is an [`Interrupt`]'s.
pub(super) unsafe extern "C" fn is_interrupted(flag: *mut c_void) -> c_int {
    // SAFETY: `flag` is the flag of the handle that calls.
    let raised = unsafe { &*flag.cast::<AtomicBool>() }.load(Ordering::Relaxed);
    c_int::from(raised || OVERRUN.with_borrow(|overrun| overrun.as_ref().is_some_and(|ask| ask())))
}
