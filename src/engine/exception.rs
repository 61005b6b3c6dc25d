//! JavaScript exceptions as data, and data as JavaScript errors.

use rquickjs::{Ctx, Function, Object, Result, Value};

use super::heap;
use super::ops::OpError;
use crate::base::limits;

/// What was thrown, read once, as data that may leave the isolate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The error's `name`, or the type of what was thrown.
    pub name: String,
    /// The error's `message`, or the text of what was thrown.
    pub message: String,
    /// The stack without its first lines of name and message, positions mapped; may be empty.
    pub stack: String,
    /// The same for the error's `cause`, outermost first.
    pub causes: Vec<String>,
}

/// Most causes that are followed.
const CAUSES_MAX: usize = 8;

impl Exception {
    /// Reads `thrown`. Getters of user code may run; what they throw is ignored.
    pub fn read<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> Self {
        let Some(object) = thrown.as_object().filter(|_| thrown.is_error()) else {
            if thrown.is_null() && heap::was_refused() {
                // The engine had no memory for an error.
                return Self::out_of_memory();
            }
            let text = cut(describe(ctx, thrown));
            return Self { name: String::new(), message: text, stack: String::new(), causes: Vec::new() };
        };
        let text = |key: &str| -> String {
            let found = object.get::<_, Option<String>>(key).unwrap_or_else(|_| drop_exception(ctx));
            cut(found.unwrap_or_default())
        };
        let mut causes = Vec::new();
        let mut cause: Option<Value<'js>> = object.get("cause").ok();
        while let Some(value) = cause.take().filter(|v| v.is_error() && causes.len() < CAUSES_MAX) {
            let inner = value.as_object().expect("errors are objects");
            let shallow = Self::shallow(ctx, inner);
            causes.push(shallow.to_string());
            cause = inner.get("cause").ok();
        }
        drop_exception::<()>(ctx);
        Self { name: text("name"), message: text("message"), stack: frames(&text("stack")), causes }
    }

    fn shallow<'js>(ctx: &Ctx<'js>, object: &Object<'js>) -> Self {
        let text = |key: &str| -> String {
            let found = object.get::<_, Option<String>>(key).unwrap_or_else(|_| drop_exception(ctx));
            cut(found.unwrap_or_default())
        };
        let (name, message, stack) = (text("name"), text("message"), frames(&text("stack")));
        Self { name, message, stack, causes: Vec::new() }
    }

    fn out_of_memory() -> Self {
        let (name, message) = ("InternalError".to_owned(), "out of memory".to_owned());
        Self { name, message, stack: String::new(), causes: Vec::new() }
    }

    /// Whether the engine threw it because the isolate's memory was used up.
    pub fn is_out_of_memory(&self) -> bool {
        // The second is what the engine says when it has no memory for saying so.
        self.name == "InternalError" && matches!(&*self.message, "out of memory" | "Invalid error message")
    }

    /// `name: message`, or the message alone where there is no name.
    pub fn headline(&self) -> String {
        match (self.name.is_empty(), self.message.is_empty()) {
            (true, _) => self.message.clone(),
            (false, true) => self.name.clone(),
            (false, false) => format!("{}: {}", self.name, self.message),
        }
    }
}

/// The headline, then the stack's lines, then the causes, as a console shows an error.
impl std::fmt::Display for Exception {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.headline())?;
        for line in self.stack.lines().filter(|line| !line.trim().is_empty()) {
            write!(f, "\n    {}", line.trim())?;
        }
        for cause in &self.causes {
            write!(f, "\n  [cause]: {}", cause.replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

/// `text`, without its end if it is very long.
fn cut(mut text: String) -> String {
    if text.len() > limits::ERROR_CHARS {
        let left_out = text.len() - limits::ERROR_CHARS;
        text.truncate(text.floor_char_boundary(limits::ERROR_CHARS));
        text.push_str(&format!("… {left_out} more characters"));
    }
    text
}

/// The frames of a stack, without the name and message that it begins with.
fn frames(stack: &str) -> String {
    let frames = stack.lines().skip_while(|line| !line.trim_start().starts_with("at "));
    frames.collect::<Vec<_>>().join("\n")
}

/// Takes and drops a pending exception, and gives the default of whatever was wanted.
pub fn drop_exception<T: Default>(ctx: &Ctx<'_>) -> T {
    drop(ctx.catch());
    T::default()
}

fn describe<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> String {
    let string: Result<Function<'js>> = ctx.globals().get("String");
    string.and_then(|f| f.call((value.clone(),))).unwrap_or_else(|_| drop_exception(ctx))
}

/// Makes the JavaScript error that `error` describes.
pub fn make_error<'js>(ctx: &Ctx<'js>, error: &OpError) -> Result<Value<'js>> {
    let class: rquickjs::function::Constructor<'js> = ctx.globals().get(error.class)?;
    let made: Object<'js> = match error.class {
        // `DOMException` names its kind by a second argument.
        "DOMException" => class.construct((error.message.as_str(), error.flags.first().copied()))?,
        _ => class.construct((error.message.as_str(),))?,
    };
    if error.class != "DOMException" {
        for flag in &error.flags {
            made.set(*flag, true)?;
        }
    }
    Ok(made.into_value())
}

/// Throws the JavaScript error that `error` describes.
pub fn throw<'js>(ctx: &Ctx<'js>, error: &OpError) -> rquickjs::Error {
    match make_error(ctx, error) {
        Ok(value) => ctx.throw(value),
        Err(error) => error,
    }
}

/// Makes `error` one that no `catch` or `finally` stops when it is thrown.
pub fn set_uncatchable<'js>(ctx: &Ctx<'js>, error: &Value<'js>) {
    // SAFETY: the context is entered on this thread and the value is a live object of it.
    unsafe { rquickjs::qjs::JS_SetUncatchableError(ctx.as_raw().as_ptr(), error.as_raw()) }
}
