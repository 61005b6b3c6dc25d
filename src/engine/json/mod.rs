//! `JSON.parse` and `JSON.stringify` in the shape that most programs use them, several times as fast as the engine's.
//!
//! Plain data without a reviver, replacer or indent is read and written here; the rest is left to the engine's own functions,
//! from the start. That cannot be noticed: until an attempt is given up, nothing of the program has run and nothing was
//! changed. So results and mistakes are the engine's, whoever did the work. What is wrong is told in V8's words afterwards
//! ([`mistake`], [`cycle`]).
//!
//! What made the engine slow: it makes a string of each name, number and element on the way, and for each object anew the
//! descriptions of its names (see [`read`]).

mod cycle;
mod held;
mod mistake;
mod number;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::cell::Cell;
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rquickjs::object::Property;
use rquickjs::{Ctx, Function, Object, Result, Value, qjs};

type Raw = *mut qjs::JSContext;

/// The classes of ordinary objects and of arrays, as the engine numbers them; a test holds them.
const CLASS_OBJECT: qjs::JSClassID = 1;
const CLASS_ARRAY: qjs::JSClassID = 2;

/// Why an attempt ended.
enum Stop {
    /// This is for the engine's own function.
    Unfit,
    /// An exception is pending: there is no memory left.
    Thrown,
}

impl Stop {
    /// What an engine call gave, unless that is an exception.
    fn unless_thrown(value: qjs::JSValue) -> std::result::Result<qjs::JSValue, Self> {
        if tag_of(value) == qjs::JS_TAG_EXCEPTION { Err(Self::Thrown) } else { Ok(value) }
    }
}

/// Puts the fast functions in the place of the engine's in the realm of `ctx`.
///
/// # Errors
/// Only lack of memory.
pub(super) fn install(ctx: &Ctx<'_>) -> Result<()> {
    let json: Object<'_> = ctx.globals().get("JSON")?;
    let original: Function<'_> = json.get("parse")?;
    let raw = ctx.as_raw().as_ptr();
    let mut data = [original.as_raw()];
    // SAFETY: the context is entered; the function gets a copy of what it keeps.
    let (parse, stringify) = unsafe {
        let parse =
            qjs::JS_NewCFunctionData2(raw, Some(parse), c"parse".as_ptr(), 2, 0, 1, data.as_mut_ptr());
        let generic = qjs::JSCFunctionEnum_JS_CFUNC_generic;
        let stringify = qjs::JS_NewCFunction2(raw, Some(stringify), c"stringify".as_ptr(), 3, generic, 0);
        (Value::from_raw(ctx.clone(), parse), Value::from_raw(ctx.clone(), stringify))
    };
    json.prop("parse", Property::from(parse).writable().configurable())?;
    json.prop("stringify", Property::from(stringify).writable().configurable())
}

/// `JSON.parse(text, reviver)`.
unsafe extern "C" fn parse(
    ctx: Raw,
    this: qjs::JSValue,
    argc: c_int,
    argv: *mut qjs::JSValue,
    _magic: c_int,
    data: *mut qjs::JSValue,
) -> qjs::JSValue {
    // SAFETY: the engine calls with live values and a live context, with two arguments at least, and hands over the original
    // that `install` gave it. The text lives until it is given back, and ends with a zero byte, which the engine's parser
    // asks for.
    unsafe {
        let revives = qjs::JS_IsFunction(ctx, *argv.add(1));
        if revives && !matches!(tag_of(*argv), qjs::JS_TAG_STRING | qjs::JS_TAG_STRING_ROPE) {
            // What makes the text may be noticed: it happens once.
            return qjs::JS_Call(ctx, *data, this, argc, argv);
        }
        let mut length = 0;
        let text = qjs::JS_ToCStringLen2(ctx, &mut length, *argv, false);
        if text.is_null() {
            return qjs::JS_EXCEPTION;
        }
        let bytes = std::slice::from_raw_parts(text.cast(), length as usize);
        if revives {
            let value = qjs::JS_Call(ctx, *data, this, argc, argv);
            let wrong = || std::str::from_utf8(bytes).ok().and_then(mistake::describe);
            if tag_of(value) == qjs::JS_TAG_EXCEPTION {
                reword(ctx, wrong);
            }
            qjs::JS_FreeCString(ctx, text);
            return value;
        }
        let value = match attempt(|| read::parse(ctx, bytes)) {
            Ok(value) => value,
            Err(Stop::Thrown) => qjs::JS_EXCEPTION,
            // As the engine's function does it, so that stacks look the same.
            Err(Stop::Unfit) => qjs::JS_ParseJSON(ctx, text, length, c"<input>".as_ptr()),
        };
        if tag_of(value) == qjs::JS_TAG_EXCEPTION {
            reword(ctx, || std::str::from_utf8(bytes).ok().and_then(mistake::describe));
        }
        qjs::JS_FreeCString(ctx, text);
        value
    }
}

thread_local! {
    static STRINGIFYING: Cell<u32> = const { Cell::new(0) };
}

/// The engine writes JSON as long as this lives.
struct Stringifying;

impl Stringifying {
    fn begin() -> Self {
        STRINGIFYING.set(STRINGIFYING.get() + 1);
        Self
    }
}

impl Drop for Stringifying {
    fn drop(&mut self) {
        STRINGIFYING.set(STRINGIFYING.get() - 1);
    }
}

/// Whether the engine is writing JSON, so that who is asked for `toJSON` may be asked by it.
pub fn is_stringifying() -> bool {
    STRINGIFYING.get() > 0
}

/// `JSON.stringify(value, replacer, space)`.
unsafe extern "C" fn stringify(
    ctx: Raw,
    _this: qjs::JSValue,
    _argc: c_int,
    argv: *mut qjs::JSValue,
) -> qjs::JSValue {
    // SAFETY: the engine calls with live values and a live context, and with three arguments at least.
    unsafe {
        let (value, replacer, space) = (*argv, *argv.add(1), *argv.add(2));
        let found = if is_absent(replacer) && is_absent(space) {
            attempt(|| write::stringify(ctx, value))
        } else {
            Err(Stop::Unfit)
        };
        match found {
            Ok(text) => text.unwrap_or(qjs::JS_UNDEFINED),
            Err(Stop::Thrown) => qjs::JS_EXCEPTION,
            Err(Stop::Unfit) => {
                let text = {
                    let _running = Stringifying::begin();
                    qjs::JS_JSONStringify(ctx, value, replacer, space)
                };
                if tag_of(text) == qjs::JS_TAG_EXCEPTION {
                    reword(ctx, || cycle::describe(ctx, value));
                }
                text
            }
        }
    }
}

/// Gives the pending exception another message, if `message` has one for the mistake and the exception is the engine's.
///
/// # Safety
/// The context is live, and an exception is pending.
unsafe fn reword(ctx: Raw, message: impl FnOnce() -> Option<String>) {
    // SAFETY: as the caller says; what is taken is thrown again.
    unsafe {
        let thrown = qjs::JS_GetException(ctx);
        if qjs::JS_IsError(thrown) && is_engines(ctx, thrown) {
            let found = catch_unwind(AssertUnwindSafe(message)).unwrap_or(None);
            if let Some(text) = found {
                let text = qjs::JS_NewStringLen(ctx, text.as_ptr().cast(), text.len() as qjs::size_t);
                let flags = (qjs::JS_PROP_WRITABLE | qjs::JS_PROP_CONFIGURABLE).cast_signed();
                // Without memory for a better one the message stays as it is.
                if tag_of(text) == qjs::JS_TAG_EXCEPTION
                    || qjs::JS_DefinePropertyValueStr(ctx, thrown, c"message".as_ptr(), text, flags) < 0
                {
                    qjs::JS_FreeValue(ctx, qjs::JS_GetException(ctx));
                }
            }
        }
        qjs::JS_Throw(ctx, thrown);
    }
}

/// Whether an error is one of those that are worded here: a program's own `toJSON` or reviver may have thrown another.
///
/// # Safety
/// The context and the value are live.
unsafe fn is_engines(ctx: Raw, error: qjs::JSValue) -> bool {
    // SAFETY: as the caller says; what is made is given back.
    unsafe {
        let message = text_of(ctx, qjs::JS_GetPropertyStr(ctx, error, c"message".as_ptr()));
        let name = text_of(ctx, qjs::JS_GetPropertyStr(ctx, error, c"name".as_ptr()));
        message.as_deref() == Some("circular reference") || name.as_deref() == Some("SyntaxError")
    }
}

/// The text of `value`, which is given back.
///
/// # Safety
/// The context and the value are live.
unsafe fn text_of(ctx: Raw, value: qjs::JSValue) -> Option<String> {
    // SAFETY: as the caller says.
    unsafe {
        let mut length = 0;
        let text = qjs::JS_ToCStringLen2(ctx, &mut length, value, false);
        qjs::JS_FreeValue(ctx, value);
        if text.is_null() {
            qjs::JS_FreeValue(ctx, qjs::JS_GetException(ctx));
            return None;
        }
        let bytes = std::slice::from_raw_parts(text.cast::<u8>(), length as usize);
        let owned = String::from_utf8_lossy(bytes).into_owned();
        qjs::JS_FreeCString(ctx, text);
        Some(owned)
    }
}

/// Runs `work`. A panic must not reach the engine, and is a reason to leave it to that.
fn attempt<T>(work: impl FnOnce() -> std::result::Result<T, Stop>) -> std::result::Result<T, Stop> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Stop::Unfit))
}

fn is_absent(value: qjs::JSValue) -> bool {
    matches!(tag_of(value), qjs::JS_TAG_UNDEFINED | qjs::JS_TAG_NULL)
}

fn tag_of(value: qjs::JSValue) -> i32 {
    // SAFETY: reads the tag, which each value has.
    unsafe { qjs::JS_VALUE_GET_NORM_TAG(value) }
}
