//! Text encodings and base64: what `TextEncoder`, `TextDecoder`, `atob` and `btoa` do with bytes.
//!
//! UTF-8 of one piece takes a short way without state; everything else goes through a decoder of
//! `encoding_rs` that lives in a closure and dies with it. Classes and errors are JavaScript's part.

mod base64;
mod decode;
mod encode;

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object};

use crate::engine::{Extension, Host};

/// The classes, and the operations that `decode`, `encode` and `base64` define.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/encoding"], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, _: &Rc<Host>) -> rquickjs::Result<()> {
    host.set("encodeUtf8", Function::new(ctx.clone(), encode::encode_utf8)?)?;
    host.set("encodeUtf8Into", Function::new(ctx.clone(), encode::encode_utf8_into)?)?;
    host.set("encodingName", Function::new(ctx.clone(), decode::encoding_name)?)?;
    host.set("decodeUtf8", Function::new(ctx.clone(), decode::decode_utf8)?)?;
    host.set("makeDecoder", Function::new(ctx.clone(), decode::make_decoder)?)?;
    host.set("encodeBase64", Function::new(ctx.clone(), |text: String| base64::encode(&text))?)?;
    host.set("decodeBase64", Function::new(ctx.clone(), |text: String| base64::decode(&text))?)
}
