//! The engine's mistakes in V8's words, which programs compare and people look up.
//!
//! The engine formats each message by the C library's `vsnprintf`. The linker puts [`__wrap_vsnprintf`] in its place (`build.rs`,
//! on systems with ELF): it knows the engine's formats and hands on V8's, which take the same arguments. What V8 says with values
//! that the engine does not give keeps the engine's words. Elsewhere all of these messages do. Messages with the text of an expression
//! or with a value are made in `build/words.c`, on all systems.
//!
//! Fidelity: V8's messages as workerd 1.20261117.1 gives them.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::regexp::compile::{MARK, take_message};
use super::taken_over::taken_over;

/// The C library's list of arguments, as functions are given it: a pointer on all systems where the linker is told.
type Arguments = *mut c_void;

/// The engine's format and V8's, sorted by the engine's.
#[rustfmt::skip]
const FORMATS: &[(&CStr, &CStr)] = &[
    (c"%s is not initialized", c"Cannot access '%s' before initialization"),
    (c"'%s' is read-only", c"Cannot assign to read only property '%s' of object"),
    (c"BigInt are forbidden in JSON.stringify", c"Do not know how to serialize a BigInt"),
    (c"BigInt division by zero", c"Division by zero"),
    (c"BigInt negative exponent", c"Exponent must be positive"),
    (c"Date value is NaN", c"Invalid time value"),
    (c"bad normalization form", c"The normalization form should be one of NFC, NFD, NFKC, NFKD."),
    (c"bigint argument with unary +", c"Cannot convert a BigInt value to a number"),
    (c"cannot convert BigInt to number", c"Cannot mix BigInt and other types, use explicit conversions"),
    (c"cannot convert symbol to number", c"Cannot convert a Symbol value to a number"),
    (c"cannot convert symbol to string", c"Cannot convert a Symbol value to a string"),
    (c"cannot convert to object", c"Cannot convert undefined or null to object"),
    (c"cannot invoke a running generator", c"Generator is already running"),
    (c"cannot read property '%s' of null", c"Cannot read properties of null (reading '%s')"),
    (c"cannot read property '%s' of undefined", c"Cannot read properties of undefined (reading '%s')"),
    (c"cannot set property '%s' of null", c"Cannot set properties of null (setting '%s')"),
    (c"cannot set property '%s' of undefined", c"Cannot set properties of undefined (setting '%s')"),
    (c"circular prototype chain", c"Cyclic __proto__ value"),
    (c"empty array", c"Reduce of empty array with no initial value"),
    (c"expecting %%", c"URI malformed"),
    (c"expecting hex digit", c"URI malformed"),
    (c"expecting surrogate pair", c"URI malformed"),
    (c"invalid 'instanceof' right operand", c"Right-hand side of 'instanceof' is not an object"),
    (c"invalid array buffer length", c"Invalid array buffer length"),
    (c"invalid array length", c"Invalid array length"),
    (c"invalid character", c"URI malformed"),
    (c"invalid string length", c"Invalid string length"),
    (c"invalid value used as WeakMap key", c"Invalid value used as weak map key"),
    (c"iterator does not have a throw method", c"The iterator does not provide a 'throw' method"),
    (c"malformed UTF-8", c"URI malformed"),
    (c"not a Date object", c"this is not a Date object."),
    (c"out of bound", c"Offset is outside the bounds of the DataView"),
    (c"private class field '%s' already exists", c"Cannot initialize %s twice on the same object"),
    (c"private class field '%s' does not exist", c"Cannot read private member %s from an object whose class did not declare it"),
    (c"promise self resolution", c"Chaining cycle detected for promise #<Promise>"),
    (c"redeclaration of '%s'", c"Identifier '%s' has already been declared"),
    (c"toPrimitive", c"Cannot convert object to primitive value"),
];

/// Messages that V8 has for one argument of a format alone.
const MESSAGES: &[(&[u8], &CStr)] = &[
    (
        b"Cannot access 'this' before initialization",
        c"Must call super constructor in derived class before accessing 'this' or returning from derived constructor",
    ),
];

/// V8's format for the engine's.
fn translated(format: &CStr) -> Option<&'static CStr> {
    let at = FORMATS.binary_search_by(|(engines, _)| (*engines).cmp(format)).ok()?;
    Some(FORMATS[at].1)
}

/// Puts V8's message for the one in `text`, which has room for `size` bytes, in its place, if there is one.
///
/// # Safety
/// `text` is a C string in a buffer of `size` bytes, one at least.
unsafe fn improve(text: *mut c_char, size: usize) -> Option<c_int> {
    // SAFETY: as the caller says.
    let given = unsafe { CStr::from_ptr(text) }.to_bytes();
    let made;
    let better = if given == MARK {
        made = take_message()?;
        made.as_bytes()
    } else {
        let (_, better) = MESSAGES.iter().find(|(message, _)| *message == given)?;
        better.to_bytes()
    };
    // As much as there is room for, and the end.
    let mut length = better.len().min(size - 1);
    while length > 0 && length < better.len() && better[length] & 0xc0 == 0x80 {
        length -= 1;
    }
    // SAFETY: there is room, and the two do not overlap.
    unsafe {
        text.copy_from_nonoverlapping(better.as_ptr().cast(), length);
        text.add(length).write(0);
    }
    c_int::try_from(length).ok()
}

type Print = unsafe extern "C" fn(*mut c_char, usize, *const c_char, Arguments) -> c_int;

taken_over!("__real_vsnprintf" as dodev_real_vsnprintf: Print);

/// Stands in for the C library's function, for the whole program.
///
/// # Safety
/// As for `vsnprintf`; the linker lets callers through that mean it.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_vsnprintf(
    text: *mut c_char,
    size: usize,
    format: *const c_char,
    arguments: Arguments,
) -> c_int {
    // SAFETY: a format is a C string.
    let engines = unsafe { CStr::from_ptr(format) };
    let words = translated(engines);
    // SAFETY: whoever linked this function in linked the other one, too.
    let print = unsafe { dodev_real_vsnprintf }.expect("the linker names both");
    // SAFETY: as the caller says; a translated format takes the same arguments.
    let written = unsafe { print(text, size, words.map_or(format, CStr::as_ptr), arguments) };
    if size == 0 || (words.is_none() && engines != c"%s") {
        return written;
    }
    // SAFETY: the function has written a C string.
    unsafe { improve(text, size) }.unwrap_or(written)
}

/// The same for code that was compiled to check sizes.
///
/// # Safety
/// As for `__vsnprintf_chk`.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap___vsnprintf_chk(
    text: *mut c_char,
    size: usize,
    _flag: c_int,
    _room: usize,
    format: *const c_char,
    arguments: Arguments,
) -> c_int {
    // SAFETY: the same arguments, without those that check.
    unsafe { __wrap_vsnprintf(text, size, format, arguments) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_sorted_and_take_the_same_arguments() {
        assert!(FORMATS.is_sorted_by(|(a, _), (b, _)| a < b));
        for (engines, v8s) in FORMATS {
            let arguments = |format: &CStr| format.to_string_lossy().matches("%s").count();
            assert!(arguments(engines) == arguments(v8s), "{engines:?}");
        }
    }
}
