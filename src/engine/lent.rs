//! Buffers over bytes that the host owns.

use std::ffi::c_void;

use rquickjs::{Ctx, Error, Result, Value, qjs};

/// An `ArrayBuffer` over `length` bytes at `at`, of a fixed size. `keeper` is dropped when it is detached or freed.
///
/// # Errors
/// When memory runs out; `keeper` is dropped then too.
///
/// # Safety
/// The bytes must be valid, and no reference into them live while JavaScript runs, as long as `keeper` lives and the buffer is
/// attached.
pub(super) unsafe fn lend<'js, T: 'static>(
    ctx: &Ctx<'js>,
    at: *mut u8,
    length: usize,
    keeper: T,
) -> Result<Value<'js>> {
    let keeper = Box::into_raw(Box::new(keeper)).cast::<c_void>();
    // SAFETY: the caller answers for the bytes; `end` takes the keeper back, once.
    unsafe {
        let raw = qjs::JS_NewArrayBuffer(
            ctx.as_raw().as_ptr(),
            at,
            length as qjs::size_t,
            0,
            Some(end::<T>),
            keeper,
            false,
        );
        if qjs::JS_IsException(raw) {
            drop(Box::from_raw(keeper.cast::<T>()));
            return Err(Error::Exception);
        }
        Ok(Value::from_raw(ctx.clone(), raw))
    }
}

/// Called by the engine with the size 0 when a buffer is detached or freed. No other size is granted: the bytes are the host's.
unsafe extern "C" fn end<T>(
    _: *mut qjs::JSRuntime,
    keeper: *mut c_void,
    _: *mut c_void,
    size: qjs::size_t,
) -> *mut c_void {
    if size == 0 {
        // SAFETY: `keeper` is what `lend` made, and the engine says this once per buffer.
        drop(unsafe { Box::from_raw(keeper.cast::<T>()) });
    }
    std::ptr::null_mut()
}
