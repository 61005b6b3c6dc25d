//! Base64 as `atob` and `btoa` understand it: bytes are characters U+0000 to U+00FF.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Decodes like the web's forgiving-base64 once padding and blanks are gone: leftover bits are ignored.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// Base64 of a string whose characters stand for bytes; `None` if one does not fit a byte.
pub fn encode(text: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    Some(base64::engine::general_purpose::STANDARD.encode(bytes?))
}

/// The bytes of base64 `text` as a string of characters U+0000 to U+00FF; `None` if it is none.
///
/// Blanks are ignored everywhere, and so is padding where it completes a group of four.
pub fn decode(text: &str) -> Option<String> {
    let mut compact: Vec<u8> = text.bytes().filter(|b| !b" \t\n\x0c\r".contains(b)).collect();
    if compact.len().is_multiple_of(4) {
        for _ in 0..2 {
            if compact.last() == Some(&b'=') {
                compact.pop();
            }
        }
    }
    let bytes = FORGIVING.decode(compact).ok()?;
    Some(bytes.into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_forgiving_but_not_lax() {
        for (text, expected) in [
            ("YWI=", Some("ab")),
            ("YWI", Some("ab")),
            (" Y W I=", Some("ab")),
            ("null", Some("\u{9e}\u{e9}e")),
            ("", Some("")),
            ("YX", Some("a")),
            ("a", None),
            ("*", None),
            ("ab=c", None),
            ("YWI==", None),
            ("YWJj=", None),
            ("====", None),
        ] {
            assert_eq!(decode(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_latin1_is_encoded() {
        assert_eq!(encode("é").as_deref(), Some("6Q=="));
        assert_eq!(encode("ż"), None);
        assert_eq!(decode(&encode("\0\u{ff}x").expect("Latin-1")).as_deref(), Some("\0\u{ff}x"));
    }
}
