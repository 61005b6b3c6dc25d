//! From bytes to built-in objects: dates, boxes, RegExps, Map, Set, buffers, views and errors.

use rquickjs::qjs;

use super::raw::{self, Atom, Owned};
use super::read::{Deserializer, new_text};
use super::{CloneError, Stacks, class};
use crate::base::limits;
use crate::codec::wire::{self, ViewKind, error_part, tag};

impl Deserializer<'_, '_, '_> {
    pub(super) fn built_in(&mut self, tag: u8) -> Result<Owned, CloneError> {
        match tag {
            tag::DATE => {
                let time = raw::new_number(self.input.double_bytes()?);
                self.made(class::DATE, &mut [time])
            }
            tag::BOXED_TRUE | tag::BOXED_FALSE => {
                let value = raw::immediate(qjs::JS_TAG_BOOL, i32::from(tag == tag::BOXED_TRUE));
                self.made(class::BOOLEAN, &mut [value])
            }
            tag::BOXED_NUMBER => {
                let number = self.input.double_bytes()?;
                let number = self.number(number)?;
                self.made(class::NUMBER, &mut [number.get()])
            }
            tag::BOXED_BIGINT => {
                let value = self.bigint_body()?;
                // SAFETY: makes an object of a live BigInt.
                let object = Owned::taken(self.raw, unsafe { qjs::JS_ToObject(self.raw, value.get()) })?;
                self.add(&object);
                Ok(object)
            }
            tag::BOXED_STRING => {
                let text = self.input.text()?;
                let text = new_text(self.raw, text)?;
                self.made(class::STRING, &mut [text.get()])
            }
            tag::REGEXP => self.regexp(),
            tag::MAP => self.entries(class::MAP, c"set", 2, tag::MAP_END),
            tag::SET => self.entries(class::SET, c"add", 1, tag::SET_END),
            tag::BUFFER => {
                let length = self.input.varint32()?;
                let bytes = self.input.raw(length as usize)?;
                // SAFETY: pointer and length are a slice's; the engine copies.
                let buffer = unsafe {
                    qjs::JS_NewArrayBufferCopy(self.raw, bytes.as_ptr(), bytes.len() as qjs::size_t)
                };
                let buffer = Owned::taken(self.raw, buffer)?;
                self.add(&buffer);
                self.view_behind(buffer)
            }
            tag::RESIZABLE => self.resizable(),
            tag::ERROR => self.native_error(),
            _ => Err(self.corrupt(&format!("unknown tag `{}`", tag.escape_ascii()))),
        }
    }

    /// `new Class(...arguments)`, with the next id.
    fn made(&mut self, class: u32, arguments: &mut [qjs::JSValue]) -> Result<Owned, CloneError> {
        let constructor = class::constructor(self.raw, class)?;
        let object = raw::construct(self.raw, constructor.get(), arguments)?;
        self.add(&object);
        Ok(object)
    }

    pub(super) fn bigint_body(&mut self) -> Result<Owned, CloneError> {
        let (negative, magnitude) = self.input.bigint_body()?;
        let used = magnitude.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        if let Some(number) = short_bigint(negative, &magnitude[..used]) {
            // SAFETY: makes a BigInt.
            return Owned::taken(self.raw, unsafe { qjs::JS_NewBigInt64(self.raw, number) });
        }
        let mut text = String::with_capacity(used * 2 + 2);
        text.push_str("0x");
        for byte in magnitude[..used].iter().rev() {
            text.push(char::from_digit(u32::from(byte >> 4), 16).expect("four bits are a digit"));
            text.push(char::from_digit(u32::from(byte & 15), 16).expect("four bits are a digit"));
        }
        let text = raw::new_string(self.raw, &text)?;
        let constructor = class::constructor(self.raw, class::BIGINT)?;
        let undefined = raw::immediate(qjs::JS_TAG_UNDEFINED, 0);
        let positive = raw::call(self.raw, constructor.get(), undefined, &mut [text.get()])?;
        if !negative {
            return Ok(positive);
        }
        // Hexadecimal text has no sign, decimal text has.
        let digits = class::call(self.raw, class::BIGINT, c"toString", positive.get(), &mut [])?;
        let text = format!("-{}", raw::text_of(self.raw, digits.get())?);
        let text = raw::new_string(self.raw, &text)?;
        raw::call(self.raw, constructor.get(), undefined, &mut [text.get()])
    }

    fn regexp(&mut self) -> Result<Owned, CloneError> {
        let source = self.input.text()?;
        let source = new_text(self.raw, source)?;
        let bits = self.input.varint32()?;
        let flags = wire::regexp_letters(bits).ok_or_else(|| self.corrupt("unknown flags of a RegExp"))?;
        let flags = raw::new_string(self.raw, &flags)?;
        match self.made(class::REGEXP, &mut [source.get(), flags.get()]) {
            Err(CloneError::Thrown) => {
                raw::forget_exception(self.raw);
                Err(self.corrupt("a RegExp that the engine does not accept"))
            }
            result => result,
        }
    }

    /// A Map or Set: `arity` values an entry.
    fn entries(
        &mut self,
        class: u32,
        method: &std::ffi::CStr,
        arity: usize,
        end: u8,
    ) -> Result<Owned, CloneError> {
        self.deeper()?;
        let object = self.made(class, &mut [])?;
        let method = raw::get(self.raw, class::prototype(self.raw, class)?.get(), method)?;
        let mut count = 0;
        while !self.input.take(end) {
            let first = self.read()?;
            count += arity;
            if arity == 1 {
                raw::call(self.raw, method.get(), object.get(), &mut [first.get()])?;
            } else {
                let second = self.read()?;
                raw::call(self.raw, method.get(), object.get(), &mut [first.get(), second.get()])?;
            }
        }
        self.input.expect_count(count)?;
        Ok(object)
    }

    fn resizable(&mut self) -> Result<Owned, CloneError> {
        let (bytes, length_max) = self.input.resizable_body()?;
        // The engine takes all of it at once.
        if length_max as usize > limits::ISOLATE_MEMORY_BYTES {
            return Err(self.corrupt("a buffer's largest length is larger than an isolate's memory"));
        }
        // SAFETY: makes an object.
        let options = Owned::taken(self.raw, unsafe { qjs::JS_NewObject(self.raw) })?;
        let name = Atom::from_ascii(self.raw, b"maxByteLength")?;
        raw::define(self.raw, options.get(), name.get(), self.number(f64::from(length_max))?)?;
        let length = self.number(bytes.len() as f64)?;
        let constructor = class::constructor(self.raw, class::ARRAY_BUFFER)?;
        let buffer = raw::construct(self.raw, constructor.get(), &mut [length.get(), options.get()])?;
        let mut size = 0;
        // SAFETY: the result points to this frame.
        let data = unsafe { qjs::JS_GetArrayBuffer(self.raw, &mut size, buffer.get()) };
        if !data.is_null() && size as usize == bytes.len() {
            // SAFETY: the engine said that `size` bytes are there; nobody else has the buffer yet.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), data, bytes.len()) };
        } else if !bytes.is_empty() {
            return Err(self.corrupt("a buffer that the engine does not accept"));
        }
        self.add(&buffer);
        self.view_behind(buffer)
    }

    /// A view behind its tag.
    pub(super) fn view(&mut self, buffer: &Owned) -> Result<Owned, CloneError> {
        let mut size = 0;
        // SAFETY: the result points to this frame; the object is an ArrayBuffer that was never detached.
        unsafe { qjs::JS_GetArrayBuffer(self.raw, &mut size, buffer.get()) };
        let view = self.input.view_body(size as usize)?;
        let offset = raw::new_number(f64::from(view.offset_bytes));
        let length = match view.tracks_length {
            true => raw::immediate(qjs::JS_TAG_UNDEFINED, 0),
            false => raw::new_number(f64::from(view.length_bytes) / view.kind.element_bytes() as f64),
        };
        let mut arguments = [buffer.get(), offset, length];
        let object = match view.kind {
            ViewKind::DataView => {
                let constructor = class::constructor(self.raw, class::DATA_VIEW)?;
                raw::construct(self.raw, constructor.get(), &mut arguments)
            }
            kind => {
                let place = class::TYPED_ARRAY_KINDS.iter().position(|known| *known == kind);
                let place = place.expect("each kind but DataView is in the table");
                // SAFETY: three live arguments; the number is one of the engine's enumeration.
                Owned::taken(self.raw, unsafe {
                    qjs::JS_NewTypedArray(self.raw, 3, arguments.as_mut_ptr(), place as qjs::JSTypedArrayEnum)
                })
            }
        };
        match object {
            Err(CloneError::Thrown) => {
                raw::forget_exception(self.raw);
                Err(self.corrupt("a view that does not fit to its buffer"))
            }
            Err(error) => Err(error),
            Ok(object) => {
                self.add(&object);
                Ok(object)
            }
        }
    }

    /// An error with all its own properties, behind the number that says so.
    ///
    /// Fidelity: references to the error from its own properties cannot be read, as on the platform: it has its id only
    /// when it is complete.
    pub(super) fn host_error(&mut self) -> Result<Owned, CloneError> {
        let number = self.input.varint32()? as usize;
        let name = match number {
            0 => Some(self.read()?),
            _ => None,
        };
        let message = self.read()?;
        if !raw::is_string(message.get()) {
            return Err(CloneError::DataClone(
                "Deserialization failed: error message is not a string".into(),
            ));
        }
        let class = wire::HOST_ERROR_NAMES.get(number).copied().unwrap_or("");
        let error = self.new_error(class, Some(message))?;
        if let Some(name) = name {
            raw::define(self.raw, error.get(), Atom::from_ascii(self.raw, b"name")?.get(), name)?;
        }
        let properties = self.read()?;
        if raw::is_object(properties.get()) {
            self.properties_of_error(&error, &properties)?;
        }
        if self.policy.stacks == Stacks::Headline {
            self.show_headline(&error)?;
        }
        Ok(error)
    }

    fn properties_of_error(&self, error: &Owned, properties: &Owned) -> Result<(), CloneError> {
        let names = raw::Names::of(self.raw, properties.get(), true)?;
        for position in 0..names.len() {
            let atom = names.at(position);
            if raw::atom_index(atom).is_some() {
                continue;
            }
            let value = raw::get_atom(self.raw, properties.get(), atom)?;
            match self.policy.stacks {
                Stacks::Hidden if self.is_stack(atom)? => self.hidden(error, b"stack", value)?,
                Stacks::Headline if self.is_stack(atom)? => {}
                _ => raw::define(self.raw, error.get(), atom, value)?,
            }
        }
        Ok(())
    }

    /// Gives `error` the stack that it has on the platform where no code runs: its name and message.
    fn show_headline(&self, error: &Owned) -> Result<(), CloneError> {
        let text = |name| {
            let value = raw::get(self.raw, error.get(), name)?;
            match raw::is_string(value.get()) {
                true => raw::text_of(self.raw, value.get()),
                false => Ok(String::new()),
            }
        };
        let (name, message) = (text(c"name")?, text(c"message")?);
        let headline = if message.is_empty() { name } else { format!("{name}: {message}") };
        self.hidden(error, b"stack", raw::new_string(self.raw, &headline)?)
    }

    fn is_stack(&self, atom: qjs::JSAtom) -> Result<bool, CloneError> {
        Ok(Atom::from_ascii(self.raw, b"stack")?.get() == atom)
    }

    /// `new Class(message)` for one of the error classes; a plain Error for what the engine does not have.
    fn new_error(&mut self, class: &str, message: Option<Owned>) -> Result<Owned, CloneError> {
        let undefined = raw::immediate(qjs::JS_TAG_UNDEFINED, 0);
        let message = message.as_ref().map_or(undefined, Owned::get);
        // SAFETY: makes an array.
        let none = Owned::taken(self.raw, unsafe { qjs::JS_NewArray(self.raw) })?;
        let (name, mut arguments) = match class {
            "TypeError" => (c"TypeError", vec![message]),
            "RangeError" => (c"RangeError", vec![message]),
            "ReferenceError" => (c"ReferenceError", vec![message]),
            "SyntaxError" => (c"SyntaxError", vec![message]),
            "EvalError" => (c"EvalError", vec![message]),
            "URIError" => (c"URIError", vec![message]),
            "AggregateError" => (c"AggregateError", vec![none.get(), message]),
            "SuppressedError" => (c"SuppressedError", vec![undefined, undefined, message]),
            _ => (c"Error", vec![message]),
        };
        let constructor = class::global(self.raw, name)?;
        let error = raw::construct(self.raw, constructor.get(), &mut arguments)?;
        // What they are about are properties like the others, which may be missing.
        let others: &[&[u8]] = match class {
            "AggregateError" => &[b"errors"],
            "SuppressedError" => &[b"error", b"suppressed"],
            _ => &[],
        };
        for name in others {
            let name = Atom::from_ascii(self.raw, name)?;
            // SAFETY: both are alive.
            raw::check(unsafe { qjs::JS_DeleteProperty(self.raw, error.get(), name.get(), 0) })?;
        }
        Ok(error)
    }

    /// An error in V8's own form.
    ///
    /// Its cause may refer to it, so it is made when the cause comes; a part of it may follow, in whatever order.
    fn native_error(&mut self) -> Result<Owned, CloneError> {
        self.deeper()?;
        let id = self.reserve();
        let (mut class, mut message) = ("Error", None);
        let (mut stack, mut made) = (None, None);
        loop {
            match self.input.byte()? {
                error_part::END => break,
                error_part::MESSAGE => message = Some(self.string()?),
                error_part::STACK => stack = Some(self.string()?),
                error_part::CAUSE => {
                    let error = self.new_error(class, message.take())?;
                    self.fill(id, &error);
                    let cause = self.read()?;
                    self.hidden(&error, b"cause", cause)?;
                    made = Some(error);
                }
                letter => {
                    let known = error_part::PROTOTYPES.iter().find(|(known, _)| *known == letter);
                    class = known.ok_or_else(|| self.corrupt("unknown part of an error"))?.1;
                }
            }
        }
        let error = match made {
            Some(error) => {
                if let Some(message) = message {
                    self.hidden(&error, b"message", message)?;
                }
                error
            }
            None => {
                let error = self.new_error(class, message)?;
                self.fill(id, &error);
                error
            }
        };
        if let Some(stack) = stack {
            self.hidden(&error, b"stack", stack)?;
        }
        Ok(error)
    }

    fn string(&mut self) -> Result<Owned, CloneError> {
        let text = self.input.text()?;
        new_text(self.raw, text)
    }

    /// Defines a property that is not enumerable, as an error's own parts are.
    fn hidden(&self, error: &Owned, name: &[u8], value: Owned) -> Result<(), CloneError> {
        let name = Atom::from_ascii(self.raw, name)?;
        let flags = qjs::JS_PROP_CONFIGURABLE | qjs::JS_PROP_WRITABLE;
        // SAFETY: the engine takes over the reference to the value.
        raw::check(unsafe {
            qjs::JS_DefinePropertyValue(self.raw, error.get(), name.get(), value.give(), flags as i32)
        })
        .map(|_| ())
    }
}

/// The number of a BigInt that has at most 64 bits with its sign.
fn short_bigint(negative: bool, magnitude: &[u8]) -> Option<i64> {
    let mut bytes = [0; 8];
    bytes.get_mut(..magnitude.len())?.copy_from_slice(magnitude);
    let number = i128::from(u64::from_le_bytes(bytes));
    i64::try_from(if negative { -number } else { number }).ok()
}
