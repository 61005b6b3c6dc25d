//! What weak references gave out during a turn, which lives until its end.
//!
//! Fidelity: ECMAScript 9.10, "Processing Model of WeakRef and FinalizationRegistry Targets"; the platform's engine
//! lets go when the microtasks are drained.

use std::cell::RefCell;

use rquickjs::{Ctx, Object, Persistent, Result, function::Constructor};

/// The objects of the running turn.
#[derive(Default)]
pub struct Kept {
    /// A `Set`, so that what is asked for again and again is held once.
    set: RefCell<Option<Persistent<Object<'static>>>>,
}

impl Kept {
    /// The `Set` of the running turn, made by `class` if there is none yet.
    ///
    /// # Errors
    /// What making a `Set` throws: the isolate is out of memory.
    pub fn of_turn<'js>(&self, ctx: &Ctx<'js>, class: &Constructor<'js>) -> Result<Object<'js>> {
        if let Some(set) = &*self.set.borrow() {
            return set.clone().restore(ctx);
        }
        let set: Object<'js> = class.construct(())?;
        *self.set.borrow_mut() = Some(Persistent::save(ctx, set.clone()));
        Ok(set)
    }

    /// Lets go of everything.
    pub(super) fn clear(&self) {
        let set = self.set.borrow_mut().take();
        // Whatever that frees does not come back here.
        drop(set);
    }
}
