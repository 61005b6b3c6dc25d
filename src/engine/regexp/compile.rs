//! Patterns on their way to the engine's compiler, and what is wrong with them in V8's words.
//!
//! With the flag `v` the compiler refuses outside of classes what is forbidden only within them (`/a-b/v`); such characters are
//! written as escapes for it. Of a pattern that it refuses, the error shows pattern and flags, as V8's does. The engine has
//! room for 64 bytes of a message: it gets [`MARK`], and `words` puts the message in its place.
//!
//! Fidelity: V8's messages as workerd 1.20261117.1 gives them; reasons that the engine does not tell apart keep its words.

use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void};

use crate::engine::taken_over::taken_over;

/// What stands for the message in the engine's hands.
pub(in crate::engine) const MARK: &[u8] = b"\x01regexp";

thread_local! {
    static MESSAGE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// The message that [`MARK`] stands for.
pub(in crate::engine) fn take_message() -> Option<String> {
    MESSAGE.with_borrow_mut(Option::take)
}

const UNICODE: c_int = 1 << 4;
const SETS: c_int = 1 << 8;
/// Flags in the order in which V8 shows them.
const LETTERS: &[(char, c_int)] =
    &[('d', 1 << 6), ('g', 1), ('i', 2), ('m', 4), ('s', 8), ('u', UNICODE), ('v', SETS), ('y', 1 << 5)];

/// The pattern with escapes for what the compiler refuses outside of classes; `None` if there is nothing to escape.
fn escaped(pattern: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(pattern.len() + 8);
    let (mut depth, mut at, mut changed) = (0_usize, 0, false);
    while let Some(&byte) = pattern.get(at) {
        let next = pattern.get(at + 1);
        match byte {
            b'\\' => {
                out.push(byte);
                out.extend(next);
                at += 2;
                continue;
            }
            b'[' => depth += 1,
            b']' => depth = depth.saturating_sub(1),
            b'-' | b'/' if depth == 0 => {
                out.extend_from_slice(if byte == b'-' { b"\\x2d" } else { b"\\/" });
                (at, changed) = (at + 1, true);
                continue;
            }
            b'&' | b'!' | b'#' | b'%' | b',' | b':' | b';' | b'<' | b'=' | b'>' | b'@' | b'`' | b'~'
                if depth == 0 && next == Some(&byte) =>
            {
                // The second of the two is looked at again.
                out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
                (at, changed) = (at + 1, true);
                continue;
            }
            _ => {}
        }
        out.push(byte);
        at += 1;
    }
    changed.then_some(out)
}

/// V8's reason for the engine's, where that says which it is.
fn reason(engines: &str, pattern: &str, flags: c_int) -> Option<&'static str> {
    let is_unicode = flags & (UNICODE | SETS) != 0;
    Some(match engines {
        "expecting ')'" => "Unterminated group",
        "unexpected end" if pattern.ends_with('\\') => "\\ at end of pattern",
        "unexpected end" => "Unterminated character class",
        "nothing to repeat" if !pattern.contains("(?") => "Nothing to repeat",
        "unknown unicode property name"
        | "unknown unicode property value"
        | "unknown unicode script"
        | "unknown unicode general category"
        | "expecting '{' after \\p" => "Invalid property name",
        "duplicate group name" => "Duplicate capture group name",
        "invalid repetition count" => "numbers out of order in {} quantifier",
        "group name not defined" => "Invalid named capture referenced",
        "back reference out of range in regular expression" => "Invalid escape",
        "expecting group name" => "Invalid named reference",
        "invalid group name" => "Invalid capture group name",
        "invalid group" => "Invalid group",
        "extraneous characters at the end" => "Unmatched ')'",
        "invalid class range" if !pattern.contains('\\') => "Range out of order in character class",
        "invalid character in class in regular expression" => "Invalid character in character class",
        "invalid operation in regular expression" => "Invalid set operation in character class",
        "syntax error" if is_unicode => "Lone quantifier brackets",
        "invalid escape sequence in regular expression" if is_unicode => {
            if pattern.contains("\\u") || pattern.contains("\\c") {
                "Invalid Unicode escape"
            } else {
                "Invalid escape"
            }
        }
        _ => return None,
    })
}

fn describe(engines: &str, pattern: &str, flags: c_int) -> String {
    let letters: String =
        LETTERS.iter().filter(|(_, bit)| flags & bit != 0).map(|(letter, _)| *letter).collect();
    let reason = reason(engines, pattern, flags).unwrap_or(engines);
    format!("Invalid regular expression: /{pattern}/{letters}: {reason}")
}

type Compile =
    unsafe extern "C" fn(*mut c_int, *mut c_char, c_int, *const c_char, usize, c_int, *mut c_void) -> *mut u8;

taken_over!("__real_lre_compile" as dodev_engine_compile: Compile);

/// Stands in for the engine's `lre_compile`: the bytecode of a pattern and its length, or null and a message.
///
/// # Safety
/// Only the engine may call it, as its own function.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_lre_compile(
    length: *mut c_int,
    message: *mut c_char,
    message_size: c_int,
    pattern: *const c_char,
    pattern_length: usize,
    flags: c_int,
    context: *mut c_void,
) -> *mut u8 {
    // SAFETY: whoever linked this function in linked the other one, too.
    let compile = unsafe { dodev_engine_compile }.expect("the linker names both");
    // SAFETY: the engine gives pointer and length of a text.
    let text = unsafe { std::slice::from_raw_parts(pattern.cast::<u8>(), pattern_length) };
    let changed = if flags & SETS == 0 { None } else { escaped(text) };
    let mut given = changed.unwrap_or_else(|| text.to_vec());
    // The compiler looks at the byte behind the end.
    let given_length = given.len();
    given.push(0);
    // SAFETY: as for the engine's own call; the text is a copy that lives until the end of it.
    let code = unsafe {
        compile(length, message, message_size, given.as_ptr().cast(), given_length, flags, context)
    };
    let room = usize::try_from(message_size).unwrap_or(0);
    if code.is_null() && room > MARK.len() {
        // SAFETY: the compiler has written a C string into the message's buffer, which has room for the mark.
        unsafe {
            let engines = std::ffi::CStr::from_ptr(message).to_string_lossy().into_owned();
            if !matches!(engines.as_str(), "out of memory" | "stack overflow") {
                MESSAGE.set(Some(describe(&engines, &String::from_utf8_lossy(text), flags)));
                message.cast::<u8>().copy_from_nonoverlapping(MARK.as_ptr(), MARK.len());
                message.add(MARK.len()).write(0);
            }
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_outside_of_classes_is_escaped() {
        for (pattern, expected) in [
            ("^foo-bar$", Some("^foo\\x2dbar$")),
            ("a/b", Some("a\\/b")),
            ("a&&b", Some("a\\x26&b")),
            ("[a-z--[b-c]]-", Some("[a-z--[b-c]]\\x2d")),
            ("\\-[a\\]-]", None),
            ("[a-z&&[b]]x", None),
            ("a::b", Some("a\\x3a:b")),
        ] {
            let found = escaped(pattern.as_bytes()).map(|bytes| String::from_utf8(bytes).expect("text"));
            assert_eq!(found.as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn mistakes_are_shown_with_their_pattern() {
        let show = |engines, pattern, flags| describe(engines, pattern, flags);
        assert_eq!(show("expecting ')'", "(", 0), "Invalid regular expression: /(/: Unterminated group");
        assert_eq!(
            show("syntax error", "{", 1 | UNICODE),
            "Invalid regular expression: /{/gu: Lone quantifier brackets"
        );
        assert_eq!(show("something new", "a", SETS), "Invalid regular expression: /a/v: something new");
    }
}
