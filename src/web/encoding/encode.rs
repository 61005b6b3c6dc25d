//! UTF-8 out of JavaScript strings.

use rquickjs::{Array, Ctx, Result, TypedArray, Value};

use crate::engine::OpError;
use crate::engine::exception::throw;

/// The UTF-8 bytes of `text`, a well-formed string, as a `Uint8Array`.
pub fn encode_utf8<'js>(ctx: Ctx<'js>, text: String) -> Result<TypedArray<'js, u8>> {
    TypedArray::new_copy(ctx, text.into_bytes())
}

/// What of `text`, a well-formed string, fits into `room` bytes of UTF-8: those bytes as a `Uint8Array`,
/// and how many UTF-16 units of `text` they stand for.
pub fn encode_utf8_into<'js>(ctx: Ctx<'js>, text: String, room: f64) -> Result<Array<'js>> {
    if !(0.0..=9_007_199_254_740_991.0).contains(&room) {
        return Err(throw(&ctx, &OpError::of("RangeError", "a buffer has no such length")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just above")]
    let fitting = fitting(&text, room as usize);
    let units: usize = fitting.chars().map(char::len_utf16).sum();
    let pair = Array::new(ctx.clone())?;
    pair.set(0, Value::new_number(ctx.clone(), units as f64))?;
    pair.set(1, TypedArray::<u8>::new_copy(ctx, fitting.as_bytes())?)?;
    Ok(pair)
}

/// The longest start of `text` of at most `room` bytes that ends between two characters.
fn fitting(text: &str, room: usize) -> &str {
    &text[..text.floor_char_boundary(room.min(text.len()))]
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn characters_are_not_cut() {
        for (text, room, expected) in [("aé", 2, "a"), ("aé", 3, "aé"), ("😀", 3, ""), ("", 0, "")] {
            assert_eq!(fitting(text, room), expected);
        }
    }
}
