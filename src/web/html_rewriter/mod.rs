//! `HTMLRewriter`: `lol_html` on a thread of its own, JavaScript's handlers on the isolate's.
//!
//! `lol_html` calls handlers in the middle of parsing, and a handler may wait for anything. So parsing runs
//! on a thread per transformed response, which stops at each token until JavaScript says what to change. One
//! exchange per token: what there is to know goes over, a list of changes comes back. While the thread runs
//! the isolate waits, and the other way round; nothing runs beside JavaScript.

mod changes;
mod parser;

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::{ArrayBuffer, Ctx, Function, IntoJs, Object, Result, Value};

use crate::engine::bytes::copy_bytes;
use crate::engine::exception::throw;
use crate::engine::{Extension, Host, OpError};

use parser::{Command, Parser};

/// `host.checkSelector` and `host.makeRewriter`; the class is loaded when used.
pub const EXTENSION: Extension = Extension { install, eager: &[], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, _: &Rc<Host>) -> Result<()> {
    host.set("checkSelector", Function::new(ctx.clone(), |text: String| parser::check_selector(&text))?)?;
    host.set("makeRewriter", Function::new(ctx.clone(), make)?)
}

/// A function for one document: `("write", bytes)`, `("end")`, `("change", json)`, `("content", bytes)` or
/// `("stop")` goes on until the parser needs something, and gives what: `{ output, event }`, `event` as JSON.
fn make<'js>(ctx: Ctx<'js>, handlers: String, encoding: String) -> Result<Function<'js>> {
    let parser = Parser::start(&handlers, &encoding)
        .map_err(|message| throw(&ctx, &OpError::of("TypeError", message)))?;
    let parser = RefCell::new(parser);
    let step = move |ctx: Ctx<'js>, name: String, data: Value<'js>| -> Result<Value<'js>> {
        let command = match name.as_str() {
            "write" => Command::Write(copy_bytes(&data).unwrap_or_default()),
            "end" => Command::End,
            "content" => Command::Content(copy_bytes(&data)),
            "change" => Command::Change(data.get::<String>()?),
            _ => Command::Stop,
        };
        let (event, output) = parser.borrow_mut().step(command);
        let answer = Object::new(ctx.clone())?;
        answer.set("event", event)?;
        if !output.is_empty() {
            answer.set("output", ArrayBuffer::new_copy(ctx.clone(), output)?)?;
        }
        answer.into_js(&ctx)
    };
    Function::new(ctx, step)
}
