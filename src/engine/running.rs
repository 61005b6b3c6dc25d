//! Whose turn runs: a scope for the host, and a number in shared memory for the prelude, which asks for it several times per
//! request and would pay more for each call than for all that it does with the answer.

use std::cell::Cell;
use std::ffi::c_void;
use std::rc::Rc;

use rquickjs::{ArrayBuffer, Ctx, Error, Result, Value, qjs};

use super::host::Scope;

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
        let held = Box::into_raw(Box::new(self.serial.clone()));
        // SAFETY: the buffer holds a count of the cell, so that its bytes live as long as the buffer; `let_go` gives it up, once.
        // JavaScript runs on this thread only, and no reference into the cell lives while it does.
        let value = unsafe {
            let raw = qjs::JS_NewArrayBuffer(
                ctx.as_raw().as_ptr(),
                (*held).as_ptr().cast(),
                size_of::<f64>() as qjs::size_t,
                0,
                Some(let_go),
                held.cast(),
                false,
            );
            if qjs::JS_IsException(raw) {
                drop(Box::from_raw(held));
                return Err(Error::Exception);
            }
            Value::from_raw(ctx.clone(), raw)
        };
        ArrayBuffer::from_value(value).ok_or(Error::Unknown)
    }
}

/// Called by the engine with the size 0 when a buffer is freed. No other size is granted.
unsafe extern "C" fn let_go(
    _runtime: *mut qjs::JSRuntime,
    held: *mut c_void,
    _bytes: *mut c_void,
    size: qjs::size_t,
) -> *mut c_void {
    if size == 0 {
        // SAFETY: `held` is what `shared` handed over, and the engine says this once per buffer.
        drop(unsafe { Box::from_raw(held.cast::<Rc<Cell<f64>>>()) });
    }
    std::ptr::null_mut()
}
