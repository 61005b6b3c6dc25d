//! Whose turn runs: a scope for the host, and a number in shared memory for the prelude, which asks for it several times per
//! request and would pay more for each call than for all that it does with the answer.

use std::cell::Cell;
use std::rc::Rc;

use rquickjs::{ArrayBuffer, Ctx, Error, Result};

use super::host::Scope;
use super::lent::lend;

/// The scope of the running turn of one isolate.
pub struct Running {
    scope: Cell<Scope>,
    serial: Rc<Cell<f64>>,
}

impl Default for Running {
    fn default() -> Self {
        Self { scope: Cell::new(Scope::NONE), serial: Rc::default() }
    }
}

impl Running {
    /// The scope of the running turn.
    pub fn get(&self) -> Scope {
        self.scope.get()
    }

    /// Changes it; gives what it was.
    pub fn replace(&self, scope: Scope) -> Scope {
        #[expect(clippy::cast_precision_loss, reason = "owners are numbered one by one from 1")]
        self.serial.set(scope.owner.serial() as f64);
        self.scope.replace(scope)
    }

    /// Changes it.
    pub fn set(&self, scope: Scope) {
        self.replace(scope);
    }

    /// An `ArrayBuffer` with the number of the owner in its realm, 0 outside any event, as a 64-bit float that
    /// follows. The prelude only reads it.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn shared<'js>(&self, ctx: &Ctx<'js>) -> Result<ArrayBuffer<'js>> {
        let cell = self.serial.clone();
        // SAFETY: the buffer keeps a count of the cell, so that its bytes live as long as the buffer. JavaScript runs on this thread
        // only, and no reference into the cell lives while it does.
        let value = unsafe { lend(ctx, cell.as_ptr().cast(), size_of::<f64>(), cell) }?;
        ArrayBuffer::from_value(value).ok_or(Error::Unknown)
    }
}
