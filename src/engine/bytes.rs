//! Safe reading of the bytes behind JavaScript buffers, so that layers above need no `unsafe`.
//!
//! Bytes are lent to a closure that cannot reach JavaScript; nothing is kept afterwards.

use rquickjs::{ArrayBuffer, Ctx, FromJs, Object, Value, qjs};

/// Hands the bytes of an `ArrayBuffer`, a typed array or a `DataView` to `read`.
///
/// `None` if `value` is none of these or its buffer is detached. `read` must not run JavaScript, which its
/// type makes hard: it gets no context.
pub fn with_bytes<R>(value: &Value<'_>, read: impl FnOnce(&[u8]) -> R) -> Option<R> {
    let object = value.as_object()?;
    if is_buffer(object) {
        let buffer = buffer_of(object)?;
        // SAFETY: `read` gets no context, so no JavaScript runs while the slice lives.
        return unsafe { buffer.as_bytes() }.map(read);
    }
    let Some((buffer, offset, length)) = view_parts(object) else {
        // Shared memory is left.
        let buffer = buffer_of(object)?;
        // SAFETY: as above.
        return unsafe { buffer.as_bytes() }.map(read);
    };
    // SAFETY: as above.
    let bytes = unsafe { buffer.as_bytes() }?;
    bytes.get(offset..offset.checked_add(length)?).map(read)
}

/// A copy of the bytes of an `ArrayBuffer`, a typed array or a `DataView`.
pub fn copy_bytes(value: &Value<'_>) -> Option<Vec<u8>> {
    with_bytes(value, <[u8]>::to_vec)
}

/// The text in UTF-8; a lone surrogate stands as the three bytes that it would take.
///
/// # Errors
/// When there is no memory for it.
pub fn text_bytes(text: &rquickjs::String<'_>) -> rquickjs::Result<Vec<u8>> {
    let text = text.clone().to_cstring()?;
    // SAFETY: the pointer is valid for that many bytes while `text` lives. They need not be valid UTF-8, so
    // `as_str` must not be used.
    let bytes = unsafe { std::slice::from_raw_parts(text.as_ptr().cast::<u8>(), text.len()) };
    Ok(bytes.to_vec())
}

/// A string argument; each byte of a lone surrogate becomes U+FFFD.
///
/// Fidelity: the platform hands out strings as UTF-8 in which lone surrogates stand as three bytes, and reads those bytes
/// back as three replacement characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub String);

impl<'js> FromJs<'js> for Text {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> rquickjs::Result<Self> {
        let bytes = text_bytes(&rquickjs::String::from_js(ctx, value)?)?;
        Ok(Self(
            String::from_utf8(bytes)
                .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned()),
        ))
    }
}

/// A name that goes from JavaScript to JavaScript; a lone surrogate becomes U+FFFD.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(pub String);

impl<'js> FromJs<'js> for Name {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> rquickjs::Result<Self> {
        let bytes = text_bytes(&rquickjs::String::from_js(ctx, value)?)?;
        Ok(Self(String::from_utf8(bytes).unwrap_or_else(|bad| {
            // The three bytes of a surrogate are replaced one by one.
            String::from_utf8_lossy(bad.as_bytes()).replace("\u{fffd}\u{fffd}\u{fffd}", "\u{fffd}")
        })))
    }
}

fn view_parts<'js>(object: &Object<'js>) -> Option<(ArrayBuffer<'js>, usize, usize)> {
    let memory: Object<'js> = object.get("buffer").ok()?;
    let buffer = buffer_of(&memory)?;
    Some((buffer, object.get("byteOffset").ok()?, object.get("byteLength").ok()?))
}

/// Whether `object` is an `ArrayBuffer`; unlike the binding's own question it throws nothing.
pub fn is_buffer(object: &Object<'_>) -> bool {
    // SAFETY: the value is a live object of an entered context.
    unsafe { qjs::JS_IsArrayBuffer(object.as_value().as_raw()) }
}

/// `object`, which is an `ArrayBuffer`, as such; `None` if it is detached.
fn buffer_of<'js>(object: &Object<'js>) -> Option<ArrayBuffer<'js>> {
    let buffer = ArrayBuffer::from_object(object.clone());
    if buffer.is_none() {
        // The engine has thrown; an exception that nobody sees would hit whoever asks next.
        drop(object.ctx().catch());
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;
    use rquickjs::{Context, Runtime};

    #[test]
    fn reading_leaves_no_exception_behind() {
        let runtime = Runtime::new().expect("an engine");
        let context = Context::full(&runtime).expect("a context");
        context.with(|ctx| {
            for (source, expected) in [
                ("new Uint8Array([1, 2, 3]).subarray(1)", Some(vec![2, 3])),
                ("new Uint8Array([1]).buffer", Some(vec![1])),
                ("new DataView(new ArrayBuffer(1))", Some(vec![0])),
                ("new Uint8Array()", Some(vec![])),
                ("({ buffer: {} })", None),
                ("new Uint8Array(new SharedArrayBuffer(2))", Some(vec![0, 0])),
                ("new SharedArrayBuffer(1)", Some(vec![0])),
                ("[]", None),
                ("5", None),
                ("(() => { const b = new ArrayBuffer(1); b.transfer(); return b })()", None),
                ("(() => { const v = new Uint8Array(1); v.buffer.transfer(); return v })()", None),
            ] {
                let value: Value<'_> = ctx.eval(source).expect("a value");
                assert_eq!(copy_bytes(&value), expected, "{source}");
                assert!(!ctx.has_exception(), "{source}");
            }
        });
    }
}
