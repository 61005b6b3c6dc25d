//! Between bytes and text in the encodings of Node.js that the Web does not have, and search in bytes.
//!
//! Fidelity: lenient as Node.js: what is no digit of base64 is skipped, hex ends at the first pair that is none.

use rquickjs::{ArrayBuffer, Ctx, Result, Value};

use crate::engine::OpError;
use crate::engine::bytes::{copy_bytes, with_bytes};
use crate::engine::exception::throw;

/// An encoding, by the name that JavaScript gives it after normalising.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Latin1,
    Ascii,
    Hex,
    Base64,
    Base64Url,
}

impl Encoding {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "latin1" => Self::Latin1,
            "ascii" => Self::Ascii,
            "hex" => Self::Hex,
            "base64" => Self::Base64,
            "base64url" => Self::Base64Url,
            _ => return None,
        })
    }
}

fn parse(ctx: &Ctx<'_>, name: &str) -> Result<Encoding> {
    Encoding::parse(name)
        .ok_or_else(|| throw(ctx, &OpError::of("TypeError", format!("no encoding `{name}`"))))
}

/// The bytes that `text` stands for, as an `ArrayBuffer`.
pub fn node_bytes<'js>(ctx: Ctx<'js>, text: String, encoding: String) -> Result<ArrayBuffer<'js>> {
    let encoding = parse(&ctx, &encoding)?;
    ArrayBuffer::new_copy(ctx, decode(&text, encoding))
}

/// The text that the bytes of a view stand for.
pub fn node_text<'js>(ctx: Ctx<'js>, bytes: Value<'js>, encoding: String) -> Result<String> {
    let encoding = parse(&ctx, &encoding)?;
    Ok(with_bytes(&bytes, |bytes| encode(bytes, encoding)).unwrap_or_default())
}

/// -1, 0 or 1 as the bytes of `a` come before, with or after those of `b`.
pub fn node_compare<'js>(a: Value<'js>, b: Value<'js>) -> i32 {
    let b = copy_bytes(&b).unwrap_or_default();
    with_bytes(&a, |a| a.cmp(b.as_slice()) as i32).unwrap_or_default()
}

/// Where `wanted` begins in `bytes`, looking from `offset` on (or back), at multiples of `step`; -1 if nowhere.
pub fn node_index_of<'js>(
    bytes: Value<'js>,
    wanted: Value<'js>,
    offset: f64,
    forward: bool,
    step: usize,
) -> f64 {
    let wanted = copy_bytes(&wanted).unwrap_or_default();
    let found = with_bytes(&bytes, |bytes| index_of(bytes, &wanted, offset, forward, step)).flatten();
    found.map_or(-1.0, |at| at as f64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the length first")]
fn index_of(bytes: &[u8], wanted: &[u8], offset: f64, forward: bool, step: usize) -> Option<usize> {
    let length = bytes.len();
    let start = if offset < 0.0 { offset + length as f64 } else { offset };
    if !forward && start < 0.0 {
        return None;
    }
    let start = start.clamp(0.0, length as f64) as usize;
    if wanted.is_empty() {
        return Some(start);
    }
    let last = length.checked_sub(wanted.len())?;
    let fits = |at: &usize| bytes[*at..].starts_with(wanted);
    let step = step.max(1);
    if forward {
        (start..=last).step_by(step).find(fits)
    } else {
        (0..=start.min(last)).rev().filter(|at| at % step == 0).find(fits)
    }
}

fn encode(bytes: &[u8], encoding: Encoding) -> String {
    use std::fmt::Write as _;
    match encoding {
        Encoding::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
        Encoding::Ascii => bytes.iter().map(|byte| char::from(byte & 0x7f)).collect(),
        Encoding::Hex => bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            write!(text, "{byte:02x}").expect("strings take text");
            text
        }),
        Encoding::Base64 => base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes),
        Encoding::Base64Url => base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, bytes),
    }
}

fn decode(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        // Only the low byte of each UTF-16 unit counts.
        Encoding::Latin1 | Encoding::Ascii => text.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect(),
        Encoding::Hex => {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let pairs = text.as_bytes().chunks_exact(2).map(|pair| Some((digit(pair[0])?, digit(pair[1])?)));
            let bytes = pairs.map_while(|pair| pair).map(|(high, low)| u8::try_from(high << 4 | low));
            bytes.map(|byte| byte.expect("two hexadecimal digits make a byte")).collect()
        }
        Encoding::Base64 | Encoding::Base64Url => decode_base64(text),
    }
}

/// Both alphabets at once; padding ends the text.
fn decode_base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        held = held << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits).to_le_bytes()[0]);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_leniently() {
        for (text, expected) in [
            ("YWI=", "ab"),
            ("YWI", "ab"),
            ("Y W\nI=", "ab"),
            ("YWI=YWI=", "ab"),
            ("-_8", "\u{fb}\u{ff}"),
            ("Y", ""),
            ("", ""),
        ] {
            let expected: Vec<u8> = expected.chars().map(|c| u8::try_from(c).expect("Latin-1")).collect();
            assert_eq!(decode(text, Encoding::Base64), expected, "{text}");
        }
    }

    #[test]
    fn hex_ends_at_what_is_none() {
        assert_eq!(decode("616Z62", Encoding::Hex), b"a");
        assert_eq!(decode("616", Encoding::Hex), b"a");
        assert_eq!(encode(&[0, 255], Encoding::Hex), "00ff");
    }

    #[test]
    fn bytes_are_found_from_both_sides() {
        let found =
            |wanted: &str, offset, forward| index_of(b"abcabc", wanted.as_bytes(), offset, forward, 1);
        assert_eq!(found("bc", 0.0, true), Some(1));
        assert_eq!(found("bc", 2.0, true), Some(4));
        assert_eq!(found("bc", -2.0, true), Some(4));
        assert_eq!(found("bc", 5.0, true), None);
        assert_eq!(found("bc", 6.0, false), Some(4));
        assert_eq!(found("bc", 3.0, false), Some(1));
        assert_eq!(found("bc", -7.0, false), None);
        assert_eq!(found("", 9.0, true), Some(6));
        assert_eq!(index_of(&[0, 1, 0, 2], &[0, 2], 0.0, true, 2), Some(2));
        assert_eq!(index_of(&[0, 1, 0], &[1, 0], 0.0, true, 2), None);
    }
}
