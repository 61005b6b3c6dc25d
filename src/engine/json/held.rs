//! What the engine gave out and wants back: references to values, and tables of names.

use std::ptr::null_mut;

use rquickjs::qjs;

use super::{Raw, Stop};

/// One reference to a value.
pub(super) struct Held(pub(super) Raw, pub(super) qjs::JSValue);

impl Drop for Held {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this held one reference.
        unsafe { qjs::JS_FreeValue(self.0, self.1) }
    }
}

/// The own string-keyed names of an object, as they were when asked.
pub(super) struct Names {
    ctx: Raw,
    table: *mut qjs::JSPropertyEnum,
    count: u32,
}

impl Names {
    pub(super) fn of(ctx: Raw, object: qjs::JSValue) -> Result<Self, Stop> {
        let mut names = Self { ctx, table: null_mut(), count: 0 };
        let flags = (qjs::JS_GPN_STRING_MASK | qjs::JS_GPN_SET_ENUM) as i32;
        // SAFETY: both results point to this frame; the object is alive.
        match unsafe { qjs::JS_GetOwnPropertyNames(ctx, &mut names.table, &mut names.count, object, flags) } {
            ..0 => Err(Stop::Thrown),
            _ => Ok(names),
        }
    }

    pub(super) fn as_slice(&self) -> &[qjs::JSPropertyEnum] {
        // SAFETY: the engine filled that many entries, and gives a table even where there are none.
        unsafe { std::slice::from_raw_parts(self.table, self.count as usize) }
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        if !self.table.is_null() {
            // SAFETY: table and count are what the engine gave out.
            unsafe { qjs::JS_FreePropertyEnum(self.ctx, self.table, self.count) }
        }
    }
}
