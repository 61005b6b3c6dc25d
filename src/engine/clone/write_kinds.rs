//! From built-in objects to bytes: dates, boxes, RegExps, Map, Set, buffers, views and errors.

use rquickjs::qjs;

use super::raw::{self, Names, Owned};
use super::write::Serializer;
use super::{Candidate, CloneError, ErrorForm, Written, class, refusal};
use crate::codec::wire::{self, ViewKind, ViewPart, error_part, tag};

impl Serializer<'_, '_> {
    /// An object of one of the engine's classes. It has its id.
    pub(super) fn built_in(&mut self, object: qjs::JSValue, class: u32) -> Result<(), CloneError> {
        match class {
            class::DATE => {
                let time = class::call(self.raw, class, c"getTime", object, &mut [])?;
                self.out.byte(tag::DATE);
                self.out.double_bytes(number_of(time.get()));
                Ok(())
            }
            class::NUMBER | class::BOOLEAN | class::STRING | class::BIGINT => self.boxed(object, class),
            class::REGEXP => self.regexp(object),
            class::MAP => self.entries(object, class, class::MAP_ITERATOR),
            class::SET => self.entries(object, class, class::SET_ITERATOR),
            class::ARRAY_BUFFER => self.buffer(object),
            class::ERROR => match (self.offer(object, Candidate::Error)?, self.policy.errors) {
                (Written::Done, _) => Ok(()),
                (Written::Refused, _) => Err(refusal::refuse_type(self.raw, object)),
                (Written::NotMine, ErrorForm::HostObject) => self.host_error(object),
                (Written::NotMine, ErrorForm::Native) => self.native_error(object),
            },
            _ => self.exotic(object, class),
        }
    }

    /// Functions and proxies, which a host may know; everything else cannot be cloned.
    ///
    /// Deviation: workerd writes a SharedArrayBuffer into storage as a number that nothing can read; it is refused here.
    fn exotic(&mut self, object: qjs::JSValue, class: u32) -> Result<(), CloneError> {
        // SAFETY: asks a live object.
        let candidate = match unsafe { qjs::JS_IsFunction(self.raw, object) } {
            true if class != class::PROXY => Candidate::Function,
            _ if class == class::PROXY => Candidate::Proxy,
            _ => return Err(refusal::refuse(self.raw, object)),
        };
        if self.policy.functions && self.offer(object, candidate)? == Written::Done {
            return Ok(());
        }
        match self.hosts.refusal(&self.shared(object)?)? {
            Some(words) => Err(CloneError::DataClone(words)),
            None => Err(refusal::refuse(self.raw, object)),
        }
    }

    fn boxed(&mut self, object: qjs::JSValue, class: u32) -> Result<(), CloneError> {
        let value = class::call(self.raw, class, c"valueOf", object, &mut [])?;
        let value = value.get();
        match class {
            class::NUMBER => {
                self.out.byte(tag::BOXED_NUMBER);
                self.out.double_bytes(number_of(value));
                Ok(())
            }
            class::BOOLEAN => {
                // SAFETY: `valueOf` of a Boolean gives a boolean.
                let yes = unsafe { qjs::JS_VALUE_GET_BOOL(value) };
                self.out.byte(if yes { tag::BOXED_TRUE } else { tag::BOXED_FALSE });
                Ok(())
            }
            class::STRING => {
                self.out.byte(tag::BOXED_STRING);
                self.string(value)
            }
            _ => {
                self.out.byte(tag::BOXED_BIGINT);
                self.bigint_body(value)
            }
        }
    }

    pub(super) fn bigint_body(&mut self, value: qjs::JSValue) -> Result<(), CloneError> {
        if raw::tag_of(value) == qjs::JS_TAG_SHORT_BIG_INT {
            let mut number = 0i64;
            // SAFETY: the result points to this frame; a short BigInt has at most 64 bits.
            raw::check(unsafe { qjs::JS_ToBigInt64(self.raw, &mut number, value) })?;
            self.out.bigint_body(number < 0, &number.unsigned_abs().to_le_bytes());
            return Ok(());
        }
        // The engine does not give out the digits of a long one but as text.
        let radix = raw::immediate(qjs::JS_TAG_INT, 16);
        let text = class::call(self.raw, class::BIGINT, c"toString", value, &mut [radix])?;
        let text = raw::text_of(self.raw, text.get())?;
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let magnitude: Option<Vec<u8>> = digits
            .as_bytes()
            .rchunks(2)
            .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        let magnitude = magnitude.ok_or_else(|| refusal::could_not(&text))?;
        self.out.bigint_body(text.starts_with('-'), &magnitude);
        Ok(())
    }

    fn regexp(&mut self, object: qjs::JSValue) -> Result<(), CloneError> {
        let source = raw::get(self.raw, object, c"source")?;
        let flags = raw::get(self.raw, object, c"flags")?;
        self.out.byte(tag::REGEXP);
        self.string(source.get())?;
        self.out.varint(u64::from(wire::regexp_bits(&raw::text_of(self.raw, flags.get())?)));
        Ok(())
    }

    /// A Map or a Set, as it is now: getters of its entries may change it.
    fn entries(&mut self, object: qjs::JSValue, class: u32, iterator: u32) -> Result<(), CloneError> {
        let is_map = class == class::MAP;
        let method = if is_map { c"entries" } else { c"values" };
        let iterator_object = class::call(self.raw, class, method, object, &mut [])?;
        let next = raw::get(self.raw, class::prototype(self.raw, iterator)?.get(), c"next")?;
        let mut entries = Vec::new();
        loop {
            let step = raw::call(self.raw, next.get(), iterator_object.get(), &mut [])?;
            let done = raw::get(self.raw, step.get(), c"done")?;
            // SAFETY: `done` of a built-in iterator is a boolean.
            if unsafe { qjs::JS_VALUE_GET_BOOL(done.get()) } {
                break;
            }
            let value = raw::get(self.raw, step.get(), c"value")?;
            if is_map {
                for index in 0..2 {
                    // SAFETY: the entry is a live array of two.
                    let part = unsafe { qjs::JS_GetPropertyUint32(self.raw, value.get(), index) };
                    entries.push(Owned::taken(self.raw, part)?);
                }
            } else {
                entries.push(value);
            }
        }
        self.out.byte(if is_map { tag::MAP } else { tag::SET });
        for entry in &entries {
            self.write(entry.get())?;
        }
        self.out.byte(if is_map { tag::MAP_END } else { tag::SET_END });
        self.out.varint(entries.len() as u64);
        Ok(())
    }

    fn buffer(&mut self, object: qjs::JSValue) -> Result<(), CloneError> {
        let resizable = raw::is_resizable(self.raw, object)?;
        let length_max = match resizable {
            true => Some(number_of(raw::get(self.raw, object, c"maxByteLength")?.get())),
            false => None,
        };
        let mut length = 0;
        // SAFETY: the result points to this frame.
        let data = unsafe { qjs::JS_GetArrayBuffer(self.raw, &mut length, object) };
        // SAFETY: asks the context.
        if data.is_null() && unsafe { qjs::JS_HasException(self.raw) } {
            raw::forget_exception(self.raw);
            return Err(CloneError::DataClone("An ArrayBuffer is detached and could not be cloned.".into()));
        }
        let bytes: &[u8] = match data.is_null() {
            true => &[],
            // SAFETY: the engine said where the bytes are; nothing runs until they are copied.
            false => unsafe { std::slice::from_raw_parts(data, length as usize) },
        };
        self.out.byte(if resizable { tag::RESIZABLE } else { tag::BUFFER });
        self.out.varint(bytes.len() as u64);
        if let Some(length_max) = length_max {
            self.out.varint(length_max as u64);
        }
        self.out.raw(bytes);
        Ok(())
    }

    /// A typed array or DataView behind its buffer.
    ///
    /// Deviation: whether a view follows the length of its resizable buffer cannot be asked; one that reaches to the
    /// buffer's end is taken to do so, as such views are made.
    pub(super) fn view(&mut self, object: qjs::JSValue, class: u32) -> Result<(), CloneError> {
        let buffer = raw::get(self.raw, object, c"buffer")?;
        self.write(buffer.get())?;
        let kind = match class {
            class::DATA_VIEW => ViewKind::DataView,
            _ => class::TYPED_ARRAY_KINDS[(class - class::TYPED_ARRAYS.start()) as usize],
        };
        let Some((offset, length)) = self.extent(object, class)? else {
            return Err(refusal::refuse(self.raw, object));
        };
        let mut whole = 0;
        // SAFETY: the result points to this frame. What is no buffer has no bytes, and an exception is forgotten.
        if unsafe { qjs::JS_GetArrayBuffer(self.raw, &mut whole, buffer.get()) }.is_null() {
            raw::forget_exception(self.raw);
        }
        let whole = whole as usize;
        let resizable = raw::is_resizable(self.raw, buffer.get())?;
        let element = kind.element_bytes();
        let tracks_length = resizable && offset <= whole && (whole - offset) / element * element == length;
        let part = ViewPart {
            kind,
            offset_bytes: small(offset)?,
            length_bytes: if tracks_length { 0 } else { small(length)? },
            tracks_length,
            resizable,
        };
        // Properties of the program's may stand before those of the engine.
        if class::of(buffer.get()) != class::ARRAY_BUFFER || !part.fits(whole) {
            return Err(refusal::refuse(self.raw, object));
        }
        self.seen.add(self.raw, object);
        self.out.view(&part);
        Ok(())
    }

    /// Offset and length of a view, bytes. `None` if its buffer shrank below it.
    fn extent(&self, object: qjs::JSValue, class: u32) -> Result<Option<(usize, usize)>, CloneError> {
        if class != class::DATA_VIEW {
            let (mut offset, mut length) = (0, 0);
            // SAFETY: results point to this frame; the returned buffer is owned.
            let buffer = unsafe {
                qjs::JS_GetTypedArrayBuffer(self.raw, object, &mut offset, &mut length, std::ptr::null_mut())
            };
            if Owned::taken(self.raw, buffer).is_err() {
                raw::forget_exception(self.raw);
                return Ok(None);
            }
            return Ok(Some((offset as usize, length as usize)));
        }
        let mut extent = [0; 2];
        for (slot, name) in extent.iter_mut().zip([c"byteOffset", c"byteLength"]) {
            match raw::get(self.raw, object, name) {
                Ok(number) => *slot = number_of(number.get()) as usize,
                Err(_) => {
                    raw::forget_exception(self.raw);
                    return Ok(None);
                }
            }
        }
        Ok(Some((extent[0], extent[1])))
    }

    /// An error with all its own properties.
    ///
    /// Fidelity: workerd collects them in an object, which takes an id of its own; the stack comes first because V8
    /// gives it to the error first. Here it is inherited, so it is asked for.
    fn host_error(&mut self, error: qjs::JSValue) -> Result<(), CloneError> {
        self.out.byte(tag::HOST);
        self.out.varint(u64::from(wire::HOST_ERROR));
        let name = raw::get(self.raw, error, c"name")?;
        let number = match raw::is_string(name.get()) {
            true => {
                let text = raw::text_of(self.raw, name.get())?;
                wire::HOST_ERROR_NAMES
                    .iter()
                    .position(|known| !known.is_empty() && *known == text)
                    .unwrap_or(0)
            }
            false => 0,
        };
        self.out.varint(number as u64);
        if number == 0 {
            self.write(name.get())?;
        }
        let message = raw::get(self.raw, error, c"message")?;
        self.write(message.get())?;

        // Everything is read before anything is written, as the platform does.
        let names = Names::of(self.raw, error, false)?;
        let mut properties: Vec<(ErrorKey, Owned)> =
            vec![(ErrorKey::Stack, raw::get(self.raw, error, c"stack")?)];
        for position in 0..names.len() {
            let atom = names.at(position);
            if raw::atom_index(atom).is_some() || self.is_known_part(atom)? {
                continue;
            }
            properties.push((ErrorKey::Own(atom), raw::get_atom(self.raw, error, atom)?));
        }
        self.seen.skip();
        self.out.byte(tag::OBJECT);
        for (key, value) in &properties {
            match key {
                ErrorKey::Stack => self.out.one_byte(b"stack"),
                ErrorKey::Own(atom) => self.key(*atom)?,
            }
            self.write(value.get())?;
        }
        self.out.byte(tag::OBJECT_END);
        self.out.varint(properties.len() as u64);
        Ok(())
    }

    /// Whether this property of an error is written apart from the others.
    fn is_known_part(&self, atom: qjs::JSAtom) -> Result<bool, CloneError> {
        // SAFETY: the atom is held by the table of names.
        let name = Owned::taken(self.raw, unsafe { qjs::JS_AtomToString(self.raw, atom) })?;
        let known = |ascii: &[u8]| matches!(ascii, b"name" | b"message" | b"stack");
        raw::with_text(self.raw, name.get(), known, |_| false)
    }

    /// An error in V8's own form: class by name, own message, stack, own cause.
    fn native_error(&mut self, error: qjs::JSValue) -> Result<(), CloneError> {
        self.out.byte(tag::ERROR);
        let name = self.to_text(raw::get(self.raw, error, c"name")?)?;
        if let Some((letter, _)) = error_part::PROTOTYPES.iter().find(|(_, known)| *known == name) {
            self.out.byte(*letter);
        }
        if let Some(message) = self.own_data(error, c"message")? {
            self.out.byte(error_part::MESSAGE);
            // SAFETY: makes a string of any value, or throws.
            let message = Owned::taken(self.raw, unsafe { qjs::JS_ToString(self.raw, message.get()) })?;
            self.string(message.get())?;
        }
        let stack = raw::get(self.raw, error, c"stack")?;
        if raw::is_string(stack.get()) {
            self.out.byte(error_part::STACK);
            self.string(stack.get())?;
        }
        if let Some(cause) = self.own_data(error, c"cause")? {
            self.out.byte(error_part::CAUSE);
            self.write(cause.get())?;
        }
        self.out.byte(error_part::END);
        Ok(())
    }

    fn to_text(&self, value: Owned) -> Result<String, CloneError> {
        // SAFETY: makes a string of any value, or throws.
        let string = Owned::taken(self.raw, unsafe { qjs::JS_ToString(self.raw, value.get()) })?;
        raw::text_of(self.raw, string.get())
    }

    /// An own property that is not a getter.
    fn own_data(&self, object: qjs::JSValue, name: &std::ffi::CStr) -> Result<Option<Owned>, CloneError> {
        raw::own_data(self.raw, object, &raw::Atom::from_ascii(self.raw, name.to_bytes())?)
    }
}

/// A property of an error that goes into its object.
enum ErrorKey {
    Stack,
    Own(qjs::JSAtom),
}

/// The number in a value that is one.
fn number_of(value: qjs::JSValue) -> f64 {
    match raw::tag_of(value) {
        // SAFETY: the tag says that it is an integer.
        qjs::JS_TAG_INT => f64::from(unsafe { qjs::JS_VALUE_GET_INT(value) }),
        // SAFETY: the tag says that it is a double.
        qjs::JS_TAG_FLOAT64 => unsafe { qjs::JS_VALUE_GET_FLOAT64(value) },
        _ => f64::NAN,
    }
}

fn small(bytes: usize) -> Result<u32, CloneError> {
    u32::try_from(bytes).map_err(|_| CloneError::DataClone("Data cannot be cloned, out of memory.".into()))
}
