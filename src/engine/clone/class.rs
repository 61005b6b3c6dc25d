//! The engine's classes by number, and what their prototypes hold.
//!
//! The numbers are the engine's own and not part of its interface, but they are the only way to tell an object's class
//! in a few instructions. The engine's version is pinned, and a test compares each number with an object of its class.
//! Methods are taken from the class's prototype, not from the object: own properties cannot shadow them.

use std::ffi::CStr;

use rquickjs::qjs;

use super::CloneError;
use super::raw::{self, Owned, Raw};
use crate::codec::wire::ViewKind;

pub(super) const OBJECT: u32 = 1;
pub(super) const ARRAY: u32 = 2;
pub(super) const ERROR: u32 = 3;
pub(super) const NUMBER: u32 = 4;
pub(super) const STRING: u32 = 5;
pub(super) const BOOLEAN: u32 = 6;
pub(super) const DATE: u32 = 10;
pub(super) const FUNCTION: u32 = 13;
pub(super) const BOUND_FUNCTION: u32 = 14;
pub(super) const REGEXP: u32 = 19;
pub(super) const ARRAY_BUFFER: u32 = 20;
pub(super) const TYPED_ARRAYS: std::ops::RangeInclusive<u32> = 22..=33;
pub(super) const DATA_VIEW: u32 = 34;
pub(super) const BIGINT: u32 = 35;
pub(super) const MAP: u32 = 36;
pub(super) const SET: u32 = 37;
pub(super) const ITERATOR: u32 = 40;
pub(super) const MAP_ITERATOR: u32 = 44;
pub(super) const SET_ITERATOR: u32 = 45;
pub(super) const PROXY: u32 = 51;
pub(super) const PROMISE: u32 = 52;
pub(super) const DOM_EXCEPTION: u32 = 64;
/// The last class of the engine itself: what is behind it belongs to the host.
pub(super) const LAST: u32 = 66;

/// The kinds of typed arrays in the order of their class numbers.
pub(super) const TYPED_ARRAY_KINDS: [ViewKind; 12] = [
    ViewKind::Uint8Clamped,
    ViewKind::Int8,
    ViewKind::Uint8,
    ViewKind::Int16,
    ViewKind::Uint16,
    ViewKind::Int32,
    ViewKind::Uint32,
    ViewKind::BigInt64,
    ViewKind::BigUint64,
    ViewKind::Float16,
    ViewKind::Float32,
    ViewKind::Float64,
];

/// The class of an object.
pub(super) fn of(object: qjs::JSValue) -> u32 {
    // SAFETY: reads the class of a live object.
    unsafe { qjs::JS_GetClassID(object) }
}

/// Whether `object` is the global object.
pub(super) fn is_global(ctx: Raw, object: qjs::JSValue) -> bool {
    // SAFETY: the reference to the global object is given back; the context keeps it alive.
    let global = unsafe {
        let global = qjs::JS_GetGlobalObject(ctx);
        qjs::JS_FreeValue(ctx, global);
        global
    };
    raw::address(global) == raw::address(object)
}

/// The prototype of class `class`.
pub(super) fn prototype(ctx: Raw, class: u32) -> Result<Owned, CloneError> {
    // SAFETY: the number is one of the engine's.
    Owned::taken(ctx, unsafe { qjs::JS_GetClassProto(ctx, class) })
}

/// The constructor of class `class`.
pub(super) fn constructor(ctx: Raw, class: u32) -> Result<Owned, CloneError> {
    raw::get(ctx, prototype(ctx, class)?.get(), c"constructor")
}

/// `object.method(...arguments)` with the method of the prototype of `class`.
pub(super) fn call(
    ctx: Raw,
    class: u32,
    method: &CStr,
    object: qjs::JSValue,
    arguments: &mut [qjs::JSValue],
) -> Result<Owned, CloneError> {
    let method = raw::get(ctx, prototype(ctx, class)?.get(), method)?;
    raw::call(ctx, method.get(), object, arguments)
}

/// A global of this name, for classes that have no number.
pub(super) fn global(ctx: Raw, name: &CStr) -> Result<Owned, CloneError> {
    // SAFETY: returns a reference to the global object.
    let global = Owned::taken(ctx, unsafe { qjs::JS_GetGlobalObject(ctx) })?;
    raw::get(ctx, global.get(), name)
}
