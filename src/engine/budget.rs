//! What code that runs beside the engine may use up: the isolate's memory and the turn's CPU time.
//!
//! WebAssembly has an interpreter and memories of its own. They are charged to the isolate as JavaScript's are.

use std::rc::Rc;

use rquickjs::Ctx;

use super::exception::{make_error, set_uncatchable};
use super::heap::Heap;
use super::ops::OpError;
use super::watchdog::Watchdog;

/// The account of one isolate.
#[derive(Debug, Clone)]
pub struct Budget {
    heap: Rc<Heap>,
    watchdog: Watchdog,
}

// SAFETY: the type holds no JavaScript values, so it is the same type for every lifetime.
unsafe impl<'js> rquickjs::JsLifetime<'js> for Budget {
    type Changed<'to> = Budget;
}

impl Budget {
    pub(super) fn new(heap: Rc<Heap>, watchdog: Watchdog) -> Self {
        Self { heap, watchdog }
    }

    /// The account of the isolate that `ctx` belongs to.
    pub fn of(ctx: &Ctx<'_>) -> Self {
        ctx.userdata::<Self>().expect("set when the isolate was made").clone()
    }

    /// Its memory.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// Whether the running turn has used too much CPU time. Looks at the clock.
    pub fn is_spent(&self) -> bool {
        self.watchdog.poll()
    }

    /// Ends the running turn: throws what no `catch` or `finally` can stop, and what is left of its microtasks does not run.
    pub fn end_turn(ctx: &Ctx<'_>) -> rquickjs::Error {
        Self::of(ctx).watchdog.note_end();
        match make_error(ctx, &OpError::new("the turn was ended")) {
            Ok(error) => {
                set_uncatchable(ctx, &error);
                ctx.throw(error)
            }
            Err(error) => error,
        }
    }
}
