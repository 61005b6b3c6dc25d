//! `CompressionStream` and `DecompressionStream`: gzip, zlib and raw deflate, one closure per stream.
//!
//! A coder takes bytes and gives what is ready; called without bytes it ends the stream, called with
//! `null` it gives what it held back. Failures come
//! back as text: they are `TypeError`s with the platform's words.

mod coder;

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::prelude::Opt;
use rquickjs::{ArrayBuffer, Ctx, Function, IntoJs, Object, Result, Value};

use crate::engine::bytes::with_bytes;
use crate::engine::exception::throw;
use crate::engine::{Extension, Host, OpError};

use coder::{Coder, Format};

/// `host.makeCompressor(format)`, `host.makeDecompressor(format)` and `host.makeUnpacker(format)`; the classes are loaded when used.
pub const EXTENSION: Extension = Extension { install, eager: &[], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, _: &Rc<Host>) -> Result<()> {
    let compressor = |ctx: Ctx<'js>, format: String, level: Opt<u32>| {
        make_coder(&ctx, &format, |format| Coder::compress(format, level.0))
    };
    host.set("makeCompressor", Function::new(ctx.clone(), compressor)?)?;
    let decompressor = |ctx: Ctx<'js>, format: String| make_coder(&ctx, &format, Coder::decompress);
    host.set("makeDecompressor", Function::new(ctx.clone(), decompressor)?)?;
    let unpacker = |ctx: Ctx<'js>, format: String| make_coder(&ctx, &format, Coder::unpack);
    host.set("makeUnpacker", Function::new(ctx.clone(), unpacker)?)
}

fn make_coder<'js>(
    ctx: &Ctx<'js>,
    format: &str,
    make: impl FnOnce(Format) -> Coder,
) -> Result<Function<'js>> {
    let format = Format::parse(format)
        .ok_or_else(|| throw(ctx, &OpError::of("TypeError", format!("no compression format `{format}`"))))?;
    let coder = RefCell::new(make(format));
    let code = move |ctx: Ctx<'js>, data: Value<'js>| -> Result<Value<'js>> {
        let mut coder = coder.borrow_mut();
        let coded = match (data.is_undefined(), data.is_null()) {
            (true, _) => coder.end(),
            (_, true) => coder.flush(),
            // A detached buffer holds no bytes.
            _ => with_bytes(&data, |bytes| coder.write(bytes)).unwrap_or(Ok(Vec::new())),
        };
        match coded {
            Ok(bytes) => ArrayBuffer::new_copy(ctx.clone(), bytes)?.into_js(&ctx),
            Err(message) => message.into_js(&ctx),
        }
    };
    Function::new(ctx.clone(), code)
}
