//! Owned raw values and the handful of engine calls that cloning needs, with their error convention turned into `Result`.
//!
//! The binding's own `Value` carries its context along and converts on every access; on the way of every stored value
//! that is half of the time. Everything here is private to the clone: no raw value leaves this folder.

use std::ffi::CStr;

use rquickjs::qjs;

use super::CloneError;

/// The context of one clone. Copied freely: the clone holds a `Ctx` for as long.
pub(super) type Raw = *mut qjs::JSContext;

/// One owned reference to a value.
pub(super) struct Owned {
    ctx: Raw,
    value: qjs::JSValue,
}

impl Owned {
    /// Takes over the reference that an engine call returned. An exception becomes `Thrown`.
    pub(super) fn taken(ctx: Raw, value: qjs::JSValue) -> Result<Self, CloneError> {
        if tag_of(value) == qjs::JS_TAG_EXCEPTION {
            return Err(CloneError::Thrown);
        }
        Ok(Self { ctx, value })
    }

    /// One more reference to `value`.
    pub(super) fn copied(ctx: Raw, value: qjs::JSValue) -> Self {
        // SAFETY: `value` is alive in the context's runtime, which the caller's borrow of it shows.
        Self { ctx, value: unsafe { qjs::JS_DupValue(ctx, value) } }
    }

    /// The value, still owned by this.
    pub(super) fn get(&self) -> qjs::JSValue {
        self.value
    }

    /// Gives the reference away, to an engine call that takes it over.
    pub(super) fn give(self) -> qjs::JSValue {
        std::mem::ManuallyDrop::new(self).value
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if is_counted(self.value) {
            // SAFETY: this held one reference, and the runtime outlives the clone.
            unsafe { qjs::JS_FreeValue(self.ctx, self.value) }
        }
    }
}

/// The type tag of a value.
pub(super) fn tag_of(value: qjs::JSValue) -> i32 {
    // SAFETY: reads the tag, which each value has.
    unsafe { qjs::JS_VALUE_GET_NORM_TAG(value) }
}

/// Whether the value lives on the heap.
fn is_counted(value: qjs::JSValue) -> bool {
    tag_of(value) < 0
}

pub(super) fn is_undefined(value: qjs::JSValue) -> bool {
    tag_of(value) == qjs::JS_TAG_UNDEFINED
}

pub(super) fn is_object(value: qjs::JSValue) -> bool {
    tag_of(value) == qjs::JS_TAG_OBJECT
}

pub(super) fn is_string(value: qjs::JSValue) -> bool {
    matches!(tag_of(value), qjs::JS_TAG_STRING | qjs::JS_TAG_STRING_ROPE)
}

/// A string's address; a string's or object's identity while it is held.
pub(super) fn address(value: qjs::JSValue) -> usize {
    // SAFETY: called for objects, whose value is a pointer.
    unsafe { qjs::JS_VALUE_GET_PTR(value) as usize }
}

/// Property `name` of `object`, getters and prototypes included.
pub(super) fn get(ctx: Raw, object: qjs::JSValue, name: &CStr) -> Result<Owned, CloneError> {
    // SAFETY: `object` is alive; the name is terminated.
    Owned::taken(ctx, unsafe { qjs::JS_GetPropertyStr(ctx, object, name.as_ptr()) })
}

/// Property `atom` of `object`, getters and prototypes included.
pub(super) fn get_atom(ctx: Raw, object: qjs::JSValue, atom: qjs::JSAtom) -> Result<Owned, CloneError> {
    // SAFETY: `object` is alive and the caller holds the atom.
    Owned::taken(ctx, unsafe { qjs::JS_GetProperty(ctx, object, atom) })
}

/// Whether `object` has the property `atom` itself.
pub(super) fn has_own(ctx: Raw, object: qjs::JSValue, atom: qjs::JSAtom) -> Result<bool, CloneError> {
    // SAFETY: `object` is alive, the caller holds the atom; no descriptor is asked for.
    check(unsafe { qjs::JS_GetOwnProperty(ctx, std::ptr::null_mut(), object, atom) }).map(|found| found > 0)
}

/// The own property `name` of `object`, unless it is a getter.
pub(super) fn own_data(ctx: Raw, object: qjs::JSValue, name: &Atom) -> Result<Option<Owned>, CloneError> {
    let undefined = immediate(qjs::JS_TAG_UNDEFINED, 0);
    let mut found =
        qjs::JSPropertyDescriptor { flags: 0, value: undefined, getter: undefined, setter: undefined };
    // SAFETY: the result points to this frame; object and name are held.
    if check(unsafe { qjs::JS_GetOwnProperty(ctx, &mut found, object, name.get()) })? == 0 {
        return Ok(None);
    }
    let value = Owned::taken(ctx, found.value)?;
    // The descriptor owns its functions.
    drop((Owned::taken(ctx, found.getter)?, Owned::taken(ctx, found.setter)?));
    let is_getter = found.flags & qjs::JS_PROP_GETSET as i32 != 0;
    Ok((!is_getter).then_some(value))
}

/// Whether the length of `buffer` may change.
pub(super) fn is_resizable(ctx: Raw, buffer: qjs::JSValue) -> Result<bool, CloneError> {
    let resizable = get(ctx, buffer, c"resizable")?;
    // SAFETY: reads a boolean, whose tag is checked first.
    Ok(tag_of(resizable.get()) == qjs::JS_TAG_BOOL && unsafe { qjs::JS_VALUE_GET_BOOL(resizable.get()) })
}

/// About where this thread's stack ends now.
#[inline(always)]
pub(super) fn stack_position() -> usize {
    let here = 0u8;
    std::hint::black_box(&raw const here) as usize
}

/// Turns an engine call's -1 into `Thrown`.
pub(super) fn check(result: i32) -> Result<i32, CloneError> {
    if result < 0 { Err(CloneError::Thrown) } else { Ok(result) }
}

/// `function.call(this, ...arguments)`.
pub(super) fn call(
    ctx: Raw,
    function: qjs::JSValue,
    this: qjs::JSValue,
    arguments: &mut [qjs::JSValue],
) -> Result<Owned, CloneError> {
    // SAFETY: all values are alive; the engine reads as many arguments as it is told.
    Owned::taken(ctx, unsafe {
        qjs::JS_Call(ctx, function, this, arguments.len() as i32, arguments.as_mut_ptr())
    })
}

/// `new constructor(...arguments)`.
pub(super) fn construct(
    ctx: Raw,
    constructor: qjs::JSValue,
    arguments: &mut [qjs::JSValue],
) -> Result<Owned, CloneError> {
    // SAFETY: as in `call`.
    Owned::taken(ctx, unsafe {
        qjs::JS_CallConstructor(ctx, constructor, arguments.len() as i32, arguments.as_mut_ptr())
    })
}

/// Defines `object[atom]` as an ordinary own property, whatever its prototypes say.
pub(super) fn define(
    ctx: Raw,
    object: qjs::JSValue,
    atom: qjs::JSAtom,
    value: Owned,
) -> Result<(), CloneError> {
    // SAFETY: the engine takes over the reference to the value; the caller holds object and atom.
    check(unsafe { qjs::JS_DefinePropertyValue(ctx, object, atom, value.give(), qjs::JS_PROP_C_W_E as i32) })
        .map(|_| ())
}

/// The pending exception is dropped.
pub(super) fn forget_exception(ctx: Raw) {
    // SAFETY: takes over the pending exception, or `null` if there is none.
    drop(Owned { ctx, value: unsafe { qjs::JS_GetException(ctx) } });
}

/// Throws a RangeError that says that the stack is used up.
pub(super) fn throw_stack_overflow(ctx: Raw) -> CloneError {
    // SAFETY: format and argument are terminated strings.
    unsafe { qjs::JS_ThrowRangeError(ctx, c"%s".as_ptr(), super::STACK_MESSAGE.as_ptr()) };
    CloneError::Thrown
}

/// A property name that is held.
pub(super) struct Atom {
    ctx: Raw,
    atom: qjs::JSAtom,
}

impl Atom {
    /// Takes over the reference that an engine call returned.
    pub(super) fn taken(ctx: Raw, atom: qjs::JSAtom) -> Result<Self, CloneError> {
        // Atom 0 is the engine's null.
        if atom == 0 { Err(CloneError::Thrown) } else { Ok(Self { ctx, atom }) }
    }

    /// The name of these ASCII bytes; digits give an index.
    pub(super) fn from_ascii(ctx: Raw, ascii: &[u8]) -> Result<Self, CloneError> {
        // SAFETY: pointer and length are a slice's; ASCII is UTF-8.
        Self::taken(ctx, unsafe {
            qjs::JS_NewAtomLen(ctx, ascii.as_ptr().cast(), ascii.len() as qjs::size_t)
        })
    }

    /// The name that `value`, a string or number, stands for.
    pub(super) fn from_value(ctx: Raw, value: &Owned) -> Result<Self, CloneError> {
        // SAFETY: the value is alive.
        Self::taken(ctx, unsafe { qjs::JS_ValueToAtom(ctx, value.get()) })
    }

    /// The name `index`.
    pub(super) fn from_index(ctx: Raw, index: u32) -> Result<Self, CloneError> {
        // SAFETY: makes an atom of a number.
        Self::taken(ctx, unsafe { qjs::JS_NewAtomUInt32(ctx, index) })
    }

    pub(super) fn get(&self) -> qjs::JSAtom {
        self.atom
    }
}

impl Drop for Atom {
    fn drop(&mut self) {
        // SAFETY: this held one reference.
        unsafe { qjs::JS_FreeAtom(self.ctx, self.atom) }
    }
}

/// Own property names of an object as they were when asked.
pub(super) struct Names {
    ctx: Raw,
    table: *mut qjs::JSPropertyEnum,
    count: u32,
}

impl Names {
    /// The own string-keyed names of `object`: indices first and ascending, then by age.
    pub(super) fn of(ctx: Raw, object: qjs::JSValue, only_enumerable: bool) -> Result<Self, CloneError> {
        let mut names = Self { ctx, table: std::ptr::null_mut(), count: 0 };
        let flags = qjs::JS_GPN_STRING_MASK | if only_enumerable { qjs::JS_GPN_ENUM_ONLY } else { 0 };
        // SAFETY: both results point to this frame; the object is alive.
        check(unsafe {
            qjs::JS_GetOwnPropertyNames(ctx, &mut names.table, &mut names.count, object, flags as i32)
        })?;
        Ok(names)
    }

    pub(super) fn len(&self) -> usize {
        self.count as usize
    }

    /// The name at `position`, held by this table.
    pub(super) fn at(&self, position: usize) -> qjs::JSAtom {
        assert!(position < self.len());
        // SAFETY: the engine filled `count` entries.
        unsafe { (*self.table.add(position)).atom }
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

/// The number in an atom that is an index below 2^31. The engine marks these by the highest bit; a test holds it.
pub(super) fn atom_index(atom: qjs::JSAtom) -> Option<u32> {
    const INDEX: u32 = 1 << 31;
    (atom & INDEX != 0).then_some(atom & !INDEX)
}

/// Calls `then` with the characters of a string: as ASCII bytes where they are, as UTF-16 otherwise.
pub(super) fn with_text<T>(
    ctx: Raw,
    string: qjs::JSValue,
    ascii: impl FnOnce(&[u8]) -> T,
    utf16: impl FnOnce(&[u16]) -> T,
) -> Result<T, CloneError> {
    let mut length = 0;
    // SAFETY: the string is alive; the result is freed below. For ASCII it is the string's own memory.
    let bytes = unsafe { qjs::JS_ToCStringLen2(ctx, &mut length, string, false) };
    if bytes.is_null() {
        return Err(CloneError::Thrown);
    }
    // SAFETY: the engine returned that many bytes and keeps them until they are freed.
    let text = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length as usize) };
    if text.is_ascii() {
        let result = ascii(text);
        // SAFETY: from `JS_ToCStringLen2`; not used afterwards.
        unsafe { qjs::JS_FreeCString(ctx, bytes) };
        return Ok(result);
    }
    // SAFETY: from `JS_ToCStringLen2`; not used afterwards.
    unsafe { qjs::JS_FreeCString(ctx, bytes) };
    // SAFETY: as above; freed below.
    let units = unsafe { qjs::JS_ToCStringLenUTF16(ctx, &mut length, string) };
    if units.is_null() {
        return Err(CloneError::Thrown);
    }
    // SAFETY: the engine returned that many units, aligned.
    let result = utf16(unsafe { std::slice::from_raw_parts(units, length as usize) });
    // SAFETY: from `JS_ToCStringLenUTF16`; not used afterwards.
    unsafe { qjs::JS_FreeCStringUTF16(ctx, units) };
    Ok(result)
}

/// The text of a string for messages; lone surrogates are replaced.
pub(super) fn text_of(ctx: Raw, string: qjs::JSValue) -> Result<String, CloneError> {
    with_text(ctx, string, |ascii| String::from_utf8_lossy(ascii).into_owned(), String::from_utf16_lossy)
}

/// A string of UTF-16 units.
pub(super) fn new_string_utf16(ctx: Raw, units: &[u16]) -> Result<Owned, CloneError> {
    // SAFETY: pointer and length are a slice's.
    Owned::taken(ctx, unsafe { qjs::JS_NewStringUTF16(ctx, units.as_ptr(), units.len() as qjs::size_t) })
}

/// A string of UTF-8.
pub(super) fn new_string(ctx: Raw, text: &str) -> Result<Owned, CloneError> {
    // SAFETY: pointer and length are a slice's.
    Owned::taken(ctx, unsafe { qjs::JS_NewStringLen(ctx, text.as_ptr().cast(), text.len() as qjs::size_t) })
}

/// A number.
pub(super) fn new_number(number: f64) -> qjs::JSValue {
    qjs::JS_NewFloat64(number)
}

/// A small integer, boolean, or one of the constants.
pub(super) const fn immediate(tag: i32, payload: i32) -> qjs::JSValue {
    qjs::JS_MKVAL(tag, payload)
}
