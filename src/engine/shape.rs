//! Room for many objects with the same names.
//!
//! The engine describes an object's names by a shape, which objects with the same names share, and finds the next shape when a
//! name is added. It keeps no shape that no object has: without objects that stopped half-way it would make, for each new
//! object, all shapes on the way to the last one. So who makes many keeps one object for each step of the way.

use rquickjs::qjs;

/// An object that stands for the step at which it has `names`; the caller owns it. `None` if the engine threw.
pub(super) fn step(
    ctx: *mut qjs::JSContext,
    names: impl Iterator<Item = qjs::JSAtom>,
) -> Option<qjs::JSValue> {
    // SAFETY: makes an object of the context, which the caller holds.
    let step = unsafe { qjs::JS_NewObject(ctx) };
    // SAFETY: reads the tag, which each value has.
    if unsafe { qjs::JS_VALUE_GET_NORM_TAG(step) } == qjs::JS_TAG_EXCEPTION {
        return None;
    }
    for name in names {
        let (value, flags) = (qjs::JS_MKVAL(qjs::JS_TAG_NULL, 0), qjs::JS_PROP_C_W_E as i32);
        // SAFETY: object and name are held.
        if unsafe { qjs::JS_DefinePropertyValue(ctx, step, name, value, flags) } < 0 {
            // SAFETY: this held the one reference.
            unsafe { qjs::JS_FreeValue(ctx, step) };
            return None;
        }
    }
    Some(step)
}
