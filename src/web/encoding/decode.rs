//! Strings out of bytes in any encoding of the web.

use std::cell::RefCell;

use encoding_rs::{Decoder, DecoderResult, Encoding, REPLACEMENT, UTF_8, X_USER_DEFINED};
use rquickjs::{Ctx, Function, IntoJs, Result, String as JsString, Value};

use crate::engine::bytes::{Text, with_bytes};

/// The name of the encoding that `label` stands for, in lower case; `None` if there is none to decode.
pub fn encoding_name(Text(label): Text) -> Option<String> {
    let encoding = find(&label)?;
    Some(encoding.name().to_ascii_lowercase())
}

fn find(label: &str) -> Option<&'static Encoding> {
    // No text decodes as the replacement encoding: it is the web's way to refuse some old ones.
    Encoding::for_label(label.as_bytes()).filter(|encoding| *encoding != REPLACEMENT)
}

/// Decodes the UTF-8 in `bytes`, a view or a buffer; `undefined` if it is malformed and `fatal` is set.
pub fn decode_utf8<'js>(
    ctx: Ctx<'js>,
    bytes: Value<'js>,
    fatal: bool,
    ignore_bom: bool,
) -> Result<Value<'js>> {
    let text = with_bytes(&bytes, |bytes| {
        let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) if !ignore_bom => rest,
            _ => bytes,
        };
        match (std::str::from_utf8(bytes), fatal) {
            (Ok(text), _) => Some(JsString::from_str(ctx.clone(), text)),
            (Err(_), true) => None,
            (Err(_), false) => {
                let (text, _) = UTF_8.decode_without_bom_handling(bytes);
                Some(JsString::from_str(ctx.clone(), &text))
            }
        }
    });
    match text {
        // A detached buffer holds no bytes.
        None => "".into_js(&ctx),
        Some(None) => Ok(Value::new_undefined(ctx)),
        Some(Some(text)) => Ok(text?.into_value()),
    }
}

/// Makes a function `(bytes, last)` that decodes one stream: it gives the text that is complete, or
/// `undefined` if the input is malformed and `fatal` is set. `name` comes from [`encoding_name`].
pub fn make_decoder<'js>(
    ctx: Ctx<'js>,
    name: String,
    fatal: bool,
    ignore_bom: bool,
) -> Result<Function<'js>> {
    let encoding = find(&name).unwrap_or(X_USER_DEFINED);
    let decoder = match ignore_bom {
        true => encoding.new_decoder_without_bom_handling(),
        false => encoding.new_decoder_with_bom_removal(),
    };
    let decoder = RefCell::new(decoder);
    let decode = move |bytes: Value<'js>, last: bool| {
        let mut decoder = decoder.borrow_mut();
        let text = with_bytes(&bytes, |bytes| decode_chunk(&mut decoder, bytes, fatal, last));
        text.unwrap_or_else(|| decode_chunk(&mut decoder, &[], fatal, last))
    };
    Function::new(ctx, decode)
}

fn decode_chunk(decoder: &mut Decoder, bytes: &[u8], fatal: bool, last: bool) -> Option<String> {
    if !fatal {
        let room = decoder.max_utf8_buffer_length(bytes.len())?;
        let mut text = String::with_capacity(room);
        let _ = decoder.decode_to_string(bytes, &mut text, last);
        return Some(text);
    }
    let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len())?;
    let mut text = String::with_capacity(room);
    match decoder.decode_to_string_without_replacement(bytes, &mut text, last) {
        (DecoderResult::InputEmpty, _) => Some(text),
        (DecoderResult::Malformed(..) | DecoderResult::OutputFull, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_names_of_the_web() {
        for (label, expected) in [
            ("UTF8", Some("utf-8")),
            (" latin1 ", Some("windows-1252")),
            ("utf-16", Some("utf-16le")),
            ("x-user-defined", Some("x-user-defined")),
            ("replacement", None),
            ("iso-2022-kr", None),
            ("nope", None),
        ] {
            assert_eq!(encoding_name(Text(label.to_owned())).as_deref(), expected, "{label}");
        }
    }

    #[test]
    fn a_stream_keeps_cut_characters_until_the_next_chunk() {
        let mut decoder = UTF_8.new_decoder_with_bom_removal();
        assert_eq!(decode_chunk(&mut decoder, b"\xef\xbb\xbfa\xc5", true, false).as_deref(), Some("a"));
        assert_eq!(decode_chunk(&mut decoder, b"\xbc", true, true).as_deref(), Some("ż"));
        let mut decoder = UTF_8.new_decoder_with_bom_removal();
        assert_eq!(decode_chunk(&mut decoder, b"\xc5", false, true).as_deref(), Some("\u{fffd}"));
        let mut decoder = UTF_8.new_decoder_with_bom_removal();
        assert_eq!(decode_chunk(&mut decoder, b"\xc5", true, true), None);
    }
}
