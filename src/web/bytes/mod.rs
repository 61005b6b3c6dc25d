//! Operations where Web APIs meet bytes: UTF-8, header syntax, URLs, form encodings.
//!
//! They are in Rust because they look at every byte; the classes around them are JavaScript. Strings come in
//! well-formed (the prelude replaces lone surrogates), so every one of them is valid UTF-8. Nothing here
//! keeps state.

mod check;
mod file_url;
mod header_text;
mod multipart;
mod plain_url;
mod query;
mod url_text;

use std::rc::Rc;

use rquickjs::prelude::{Func, Opt};
use rquickjs::{Array, ArrayBuffer, Ctx, Null, Object, Result, String as JsString, Value};

pub use check::check_multipart;

use crate::engine::bytes::{Text, copy_bytes, with_bytes};
use crate::engine::exception::throw;
use crate::engine::{Extension, Host, OpError};

/// The operations of this folder; it has no prelude module of its own.
pub const EXTENSION: Extension = Extension { install, eager: &[], public: &[] };

fn install<'js>(_: &Ctx<'js>, host: &Object<'js>, _: &Rc<Host>) -> Result<()> {
    host.set("utf8Encode", Func::from(utf8_encode))?;
    host.set("utf8Decode", Func::from(utf8_decode))?;
    host.set("asText", Func::from(|Text(text): Text| text))?;
    host.set("concatBytes", Func::from(concat_bytes))?;
    host.set("headerName", Func::from(header_text::name))?;
    host.set("headerValue", Func::from(header_text::value))?;
    host.set("mimeType", Func::from(header_text::mime_type))?;
    host.set("urlParse", Func::from(url_text::parse))?;
    host.set("urlPath", Func::from(url_text::path))?;
    host.set("urlChange", Func::from(url_text::change))?;
    host.set("urlOrigin", Func::from(url_text::origin))?;
    host.set("queryOf", Func::from(query::list_of))?;
    host.set("queryParse", Func::from(query::parse_list))?;
    host.set("querySerialize", Func::from(query::serialize_list))?;
    host.set("multipartParse", Func::from(multipart_parse))?;
    Ok(())
}

/// `utf8Encode(string)` → the string's bytes as an `ArrayBuffer`.
fn utf8_encode<'js>(ctx: Ctx<'js>, text: String) -> Result<ArrayBuffer<'js>> {
    ArrayBuffer::new_copy(ctx, text.into_bytes())
}

/// `utf8Decode(buffer, keepBom)` → the text, invalid sequences replaced, a leading byte order mark dropped
/// unless `keepBom`.
fn utf8_decode<'js>(ctx: Ctx<'js>, buffer: Value<'js>, keep_bom: Opt<bool>) -> Result<JsString<'js>> {
    let made = with_bytes(&buffer, |bytes| {
        let bytes = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
            Some(rest) if !keep_bom.0.unwrap_or(false) => rest,
            _ => bytes,
        };
        JsString::from_str(ctx.clone(), &String::from_utf8_lossy(bytes))
    });
    made.unwrap_or_else(|| Err(detached(&ctx)))
}

/// `concatBytes(parts)` → one `ArrayBuffer` of strings, buffers and views in order.
fn concat_bytes<'js>(ctx: Ctx<'js>, parts: Array<'js>) -> Result<ArrayBuffer<'js>> {
    let mut out = Vec::new();
    for part in parts.iter::<Value<'js>>() {
        let part = part?;
        match part.as_string() {
            Some(text) => out.extend_from_slice(text.to_string()?.as_bytes()),
            None => with_bytes(&part, |bytes| out.extend_from_slice(bytes)).ok_or_else(|| detached(&ctx))?,
        }
    }
    ArrayBuffer::new_copy(ctx, out)
}

/// `multipartParse(body, boundary)` → a flat array of name, value, file name, type per part; file name and
/// type are `null` for a part that is not a file, whose value is a string instead of an `ArrayBuffer`.
fn multipart_parse<'js>(ctx: Ctx<'js>, body: Value<'js>, boundary: String) -> Result<Array<'js>> {
    let bytes = match body.as_string() {
        Some(text) => text.to_string()?.into_bytes(),
        None => copy_bytes(&body).ok_or_else(|| detached(&ctx))?,
    };
    let parts = multipart::parse(&bytes, &boundary)
        .map_err(|error| throw(&ctx, &OpError::of("TypeError", error.to_string())))?;
    let out = Array::new(ctx.clone())?;
    for (index, part) in parts.into_iter().enumerate() {
        let at = index * 4;
        out.set(at, part.name)?;
        match part.file_name {
            // Fidelity: the platform takes an empty file name for none.
            Some(file_name) if !file_name.is_empty() => {
                out.set(at + 1, ArrayBuffer::new_copy(ctx.clone(), part.value)?)?;
                out.set(at + 2, file_name)?;
                out.set(at + 3, part.content_type.unwrap_or_default())?;
            }
            _ => {
                out.set(at + 1, String::from_utf8_lossy(part.value).as_ref())?;
                out.set(at + 2, Null)?;
                out.set(at + 3, Null)?;
            }
        }
    }
    Ok(out)
}

fn detached(ctx: &Ctx<'_>) -> rquickjs::Error {
    throw(ctx, &OpError::of("TypeError", "Cannot perform the operation on a detached ArrayBuffer"))
}
