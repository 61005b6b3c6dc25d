//! From bytes to JavaScript values: primitives, identity, plain objects and arrays; the rest is in `read_kinds.rs`.
//!
//! Bytes may come from a file that anyone can write: nothing is allocated that they do not justify, and nesting is
//! bounded by the stack that it uses. No code of the program runs.

use rquickjs::{Ctx, Value, qjs};

use super::raw::{self, Atom, Owned, Raw};
use super::{CloneError, HostObjects, Policy, READ_STACK_BYTES, class};
use crate::codec::wire::{self, Reader, Text, tag};

/// One value on its way from bytes. Hosts get it to read their objects' contents.
pub struct Deserializer<'a, 'b, 'js> {
    ctx: &'a Ctx<'js>,
    hosts: &'a dyn HostObjects<'js>,
    pub(super) raw: Raw,
    pub(super) policy: Policy,
    pub(super) input: Reader<'b>,
    /// Objects by id. `None` while a host object or error is still being read.
    objects: Vec<Option<Owned>>,
    /// Elements that dense arrays may still have, by the number of bytes: their room is taken before they are read.
    elements_left: usize,
    stack_base: usize,
}

impl<'a, 'b, 'js> Deserializer<'a, 'b, 'js> {
    pub(super) fn new(
        ctx: &'a Ctx<'js>,
        bytes: &'b [u8],
        hosts: &'a dyn HostObjects<'js>,
    ) -> Result<Self, CloneError> {
        Ok(Self {
            ctx,
            hosts,
            raw: ctx.as_raw().as_ptr(),
            policy: hosts.policy(),
            input: Reader::new(bytes)?,
            objects: Vec::new(),
            elements_left: bytes.len(),
            stack_base: 0,
        })
    }

    pub(super) fn read_top(&mut self) -> Result<Value<'js>, CloneError> {
        self.stack_base = raw::stack_position();
        self.value()
    }

    /// The context that the value will live in.
    pub fn ctx(&self) -> &Ctx<'js> {
        self.ctx
    }

    /// Where hosts take numbers and bytes from.
    pub fn bytes(&mut self) -> &mut Reader<'b> {
        &mut self.input
    }

    /// Reads a nested value.
    pub fn value(&mut self) -> Result<Value<'js>, CloneError> {
        let value = self.read()?;
        // SAFETY: the reference is given away to the `Value`; context and value belong together.
        Ok(unsafe { Value::from_raw(self.ctx.clone(), value.give()) })
    }

    pub(super) fn corrupt(&self, what: &str) -> CloneError {
        self.input.corrupt(what).into()
    }

    pub(super) fn read(&mut self) -> Result<Owned, CloneError> {
        let tag = self.input.tag()?;
        let immediate = |tag, payload| Owned::taken(self.raw, raw::immediate(tag, payload));
        match tag {
            tag::INT32 => {
                let number = self.input.zigzag()?;
                immediate(qjs::JS_TAG_INT, number)
            }
            tag::ONE_BYTE | tag::TWO_BYTE | tag::UTF8 => self.string_body(tag),
            tag::OBJECT => self.object(),
            tag::DENSE => self.dense(),
            tag::TRUE => immediate(qjs::JS_TAG_BOOL, 1),
            tag::FALSE => immediate(qjs::JS_TAG_BOOL, 0),
            tag::NULL => immediate(qjs::JS_TAG_NULL, 0),
            tag::UNDEFINED => immediate(qjs::JS_TAG_UNDEFINED, 0),
            tag::DOUBLE => self.input.double_bytes().map_err(Into::into).and_then(|n| self.number(n)),
            tag::UINT32 => {
                let number = self.input.varint32()?;
                self.number(f64::from(number))
            }
            tag::BIGINT => self.bigint_body(),
            tag::SPARSE => self.sparse(),
            tag::REFERENCE => {
                let id = self.input.varint32()? as usize;
                let object = self.objects.get(id).and_then(Option::as_ref);
                let object =
                    object.ok_or_else(|| self.corrupt("a reference to an object that is not there yet"))?;
                let object = Owned::copied(self.raw, object.get());
                self.view_behind(object)
            }
            tag::HOST => self.host(),
            tag::VERIFY_COUNT => {
                self.input.varint32()?;
                self.deeper()?;
                self.read()
            }
            _ => self.built_in(tag),
        }
    }

    /// A number, as an integer where the engine would have one.
    pub(super) fn number(&self, number: f64) -> Result<Owned, CloneError> {
        let int = number as i32;
        let value = match f64::from(int) == number && (int != 0 || number.is_sign_positive()) {
            true => raw::immediate(qjs::JS_TAG_INT, int),
            false => raw::new_number(number),
        };
        Owned::taken(self.raw, value)
    }

    pub(super) fn string_body(&mut self, tag: u8) -> Result<Owned, CloneError> {
        let text = self.input.text_body(tag)?;
        new_text(self.raw, text)
    }

    /// Gives an id to an object whose contents follow.
    pub(super) fn add(&mut self, object: &Owned) {
        self.objects.push(Some(Owned::copied(self.raw, object.get())));
    }

    /// Uses up an id for an object that is there only when its contents are read.
    pub(super) fn reserve(&mut self) -> usize {
        self.objects.push(None);
        self.objects.len() - 1
    }

    /// The object of a reserved id.
    pub(super) fn fill(&mut self, id: usize, object: &Owned) {
        self.objects[id] = Some(Owned::copied(self.raw, object.get()));
    }

    pub(super) fn deeper(&self) -> Result<(), CloneError> {
        if raw::stack_position().abs_diff(self.stack_base) > READ_STACK_BYTES {
            return Err(self.corrupt("values are nested too deeply"));
        }
        Ok(())
    }

    fn object(&mut self) -> Result<Owned, CloneError> {
        // SAFETY: makes an object.
        let object = Owned::taken(self.raw, unsafe { qjs::JS_NewObject(self.raw) })?;
        self.add(&object);
        self.properties(&object, tag::OBJECT_END)?;
        Ok(object)
    }

    /// Properties up to and with the end tag and the number behind it.
    pub(super) fn properties(&mut self, object: &Owned, end: u8) -> Result<(), CloneError> {
        self.deeper()?;
        let mut count = 0;
        while !self.input.take(end) {
            let name = self.key()?;
            let value = self.read()?;
            raw::define(self.raw, object.get(), name.get(), value)?;
            count += 1;
        }
        Ok(self.input.expect_count(count)?)
    }

    fn key(&mut self) -> Result<Atom, CloneError> {
        let name = match self.input.peek() {
            Some(tag::ONE_BYTE | tag::TWO_BYTE | tag::UTF8) => match self.input.text()? {
                Text::OneByte(bytes) if bytes.is_ascii() => return Atom::from_ascii(self.raw, bytes),
                text => new_text(self.raw, text)?,
            },
            Some(tag::INT32 | tag::UINT32 | tag::DOUBLE) => self.read()?,
            _ => return Err(self.corrupt("a property's name is neither text nor a number")),
        };
        Atom::from_value(self.raw, &name)
    }

    fn dense(&mut self) -> Result<Owned, CloneError> {
        let length = self.input.varint32()?;
        // Each element of each array has a byte of its own at least.
        let left = self.elements_left.checked_sub(length as usize);
        self.elements_left = left.ok_or_else(|| self.corrupt("an array is longer than its bytes"))?;
        let count = i32::try_from(length).map_err(|_| self.corrupt("an array is too long"))?;
        // All at once: then the elements are set in place, where defining each would make the array grow by ones.
        let empty = vec![raw::immediate(qjs::JS_TAG_UNDEFINED, 0); length as usize];
        // SAFETY: pointer and length are a slice's; the values in it are not counted.
        let array = unsafe { qjs::JS_NewArrayFrom(self.raw, count, empty.as_ptr()) };
        drop(empty);
        let array = Owned::taken(self.raw, array)?;
        self.add(&array);
        self.deeper()?;
        for index in 0..length {
            if self.input.take(tag::HOLE) {
                // SAFETY: the array is alive, the atom held.
                raw::check(unsafe {
                    qjs::JS_DeleteProperty(self.raw, array.get(), Atom::from_index(self.raw, index)?.get(), 0)
                })?;
                continue;
            }
            let element = self.read()?;
            // SAFETY: the engine takes over the reference to the element, which has a place already: nothing runs.
            raw::check(unsafe { qjs::JS_SetPropertyUint32(self.raw, array.get(), index, element.give()) })?;
        }
        self.properties(&array, tag::DENSE_END)?;
        self.array_end(length)?;
        Ok(array)
    }

    fn sparse(&mut self) -> Result<Owned, CloneError> {
        let length = self.input.varint32()?;
        // SAFETY: makes an array.
        let array = Owned::taken(self.raw, unsafe { qjs::JS_NewArray(self.raw) })?;
        self.add(&array);
        self.properties(&array, tag::SPARSE_END)?;
        self.set_length(&array, length)?;
        self.array_end(length)?;
        Ok(array)
    }

    fn set_length(&self, array: &Owned, length: u32) -> Result<(), CloneError> {
        // SAFETY: sets the length of a live array.
        raw::check(unsafe { qjs::JS_SetLength(self.raw, array.get(), i64::from(length)) }).map(|_| ())
    }

    fn array_end(&mut self, length: u32) -> Result<(), CloneError> {
        if self.input.varint32()? != length {
            return Err(self.corrupt("an array's two lengths differ"));
        }
        Ok(())
    }

    fn host(&mut self) -> Result<Owned, CloneError> {
        self.deeper()?;
        let id = self.reserve();
        let tag = self.input.varint32()?;
        let object = match tag {
            wire::HOST_ERROR => self.host_error()?,
            _ => {
                let hosts = self.hosts;
                let value = hosts.read(tag, self)?;
                Owned::copied(self.raw, value.as_raw())
            }
        };
        self.fill(id, &object);
        Ok(object)
    }

    /// A view behind the buffer that was just read or referred to.
    pub(super) fn view_behind(&mut self, object: Owned) -> Result<Owned, CloneError> {
        if self.input.peek() != Some(tag::VIEW) || class::of(object.get()) != class::ARRAY_BUFFER {
            return Ok(object);
        }
        self.input.tag()?;
        self.view(&object)
    }
}

/// A string in the form in which the engine takes it.
pub(super) fn new_text(ctx: Raw, text: Text<'_>) -> Result<Owned, CloneError> {
    match text {
        Text::OneByte(bytes) => match std::str::from_utf8(bytes) {
            Ok(ascii) if ascii.is_ascii() => raw::new_string(ctx, ascii),
            _ => {
                let units: Vec<u16> = bytes.iter().map(|byte| u16::from(*byte)).collect();
                raw::new_string_utf16(ctx, &units)
            }
        },
        Text::TwoByte(bytes) => {
            let units: Vec<u16> =
                bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
            raw::new_string_utf16(ctx, &units)
        }
        Text::Utf8(text) => raw::new_string(ctx, text),
    }
}
