//! From the tree to bytes.

use std::collections::HashMap;

use super::platform::{self, Platform};
use super::read::DEPTH_MAX;
use super::value::{BigInt, ErrorPart, Id, Key, Kind, Object, Property, Text, UNSHARED, Value};
use super::wire::{self, Writer, error_part, tag};

/// Why a tree cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("a reference to object {}, which does not come before it", .0.0)]
    UnknownReference(Id),
    #[error("values are nested too deeply")]
    TooDeep,
    #[error("a view needs a buffer that it fits into")]
    View,
    #[error("unknown class of an error")]
    ErrorClass,
    #[error("something has more than 2^32 bytes or entries")]
    TooLong,
}

/// The bytes of `value` with their header.
pub fn write(value: &Value) -> Result<Vec<u8>, WriteError> {
    let mut bytes = Bytes { out: Writer::default(), ids: HashMap::new(), next: 0, depth: 0 };
    bytes.out.header();
    bytes.value(value)?;
    Ok(bytes.out.into_bytes())
}

/// An object that was written.
#[derive(Clone, Copy)]
struct Seen {
    id: u32,
    /// The length of a buffer.
    buffer_bytes: Option<usize>,
}

struct Bytes {
    out: Writer,
    ids: HashMap<Id, Seen>,
    next: u32,
    depth: usize,
}

impl Bytes {
    fn value(&mut self, value: &Value) -> Result<(), WriteError> {
        match value {
            Value::Undefined => self.out.byte(tag::UNDEFINED),
            Value::Null => self.out.byte(tag::NULL),
            Value::Bool(true) => self.out.byte(tag::TRUE),
            Value::Bool(false) => self.out.byte(tag::FALSE),
            Value::Int(number) => {
                self.out.int(*number);
            }
            Value::Double(number) => self.out.double(*number),
            Value::BigInt(number) => {
                self.out.byte(tag::BIGINT);
                self.bigint(number);
            }
            Value::String(text) => self.text(text),
            Value::Reference(id) => {
                let seen = self.ids.get(id).ok_or(WriteError::UnknownReference(*id))?;
                self.out.byte(tag::REFERENCE);
                self.out.varint(u64::from(seen.id));
            }
            Value::Object(object) => {
                if self.depth == DEPTH_MAX {
                    return Err(WriteError::TooDeep);
                }
                self.depth += 1;
                self.object(object)?;
                self.depth -= 1;
            }
        }
        Ok(())
    }

    fn object(&mut self, object: &Object) -> Result<(), WriteError> {
        if let Kind::View { buffer, part } = &object.kind {
            return self.view(object, buffer, part);
        }
        self.number(object);
        match &object.kind {
            Kind::Plain(properties) => {
                self.out.byte(tag::OBJECT);
                self.properties(properties, tag::OBJECT_END)
            }
            Kind::Dense { elements, properties } => self.dense(elements, properties),
            Kind::Sparse { length, properties } => self.sparse(*length, properties),
            Kind::Map(entries) => {
                self.out.byte(tag::MAP);
                for (key, value) in entries {
                    self.value(key)?;
                    self.value(value)?;
                }
                self.end(tag::MAP_END, entries.len() * 2)
            }
            Kind::Set(entries) => {
                self.out.byte(tag::SET);
                entries.iter().try_for_each(|entry| self.value(entry))?;
                self.end(tag::SET_END, entries.len())
            }
            Kind::NativeError { class, parts } => self.native_error(class, parts),
            Kind::HostError { class, name, message, properties } => {
                let is_known = (*class as usize) < wire::HOST_ERROR_NAMES.len();
                if !is_known || name.is_some() != (*class == 0) {
                    return Err(WriteError::ErrorClass);
                }
                self.out.byte(tag::HOST);
                self.out.varint(u64::from(wire::HOST_ERROR));
                self.out.varint(u64::from(*class));
                name.iter().chain([message, properties]).try_for_each(|value| self.value(value))
            }
            Kind::Platform(object) => self.platform(object),
            kind => self.flat(kind),
        }
    }

    fn platform(&mut self, object: &Platform) -> Result<(), WriteError> {
        self.out.byte(tag::HOST);
        match object {
            Platform::Blob { kind, bytes } => {
                self.out.varint(u64::from(platform::BLOB));
                self.out.delimited(kind.as_bytes());
                self.out.delimited(bytes);
            }
            Platform::Headers { guard, fields } => {
                self.out.varint(u64::from(platform::HEADERS));
                self.out.varint(u64::from(*guard));
                self.out.varint(fields.len() as u64);
                for (number, name, value) in fields {
                    self.out.varint(u64::from(*number));
                    if *number == 0 {
                        self.out.delimited(name.as_bytes());
                    }
                    self.out.delimited(value.as_bytes());
                }
            }
            Platform::Request { url, init } => {
                self.out.varint(u64::from(platform::REQUEST));
                self.out.delimited(url.as_bytes());
                self.value(init)?;
            }
            Platform::Response { body, init } => {
                self.out.varint(u64::from(platform::RESPONSE));
                self.value(body)?;
                self.value(init)?;
            }
        }
        Ok(())
    }

    fn view(&mut self, object: &Object, buffer: &Value, part: &wire::ViewPart) -> Result<(), WriteError> {
        let buffer_bytes = match buffer {
            Value::Reference(id) => self.ids.get(id).and_then(|seen| seen.buffer_bytes),
            Value::Object(object) => buffer_bytes(&object.kind),
            _ => None,
        };
        buffer_bytes.filter(|size| part.fits(*size)).ok_or(WriteError::View)?;
        self.value(buffer)?;
        self.number(object);
        self.out.view(part);
        Ok(())
    }

    /// What does not nest.
    fn flat(&mut self, kind: &Kind) -> Result<(), WriteError> {
        match kind {
            Kind::Date(time) => {
                self.out.byte(tag::DATE);
                self.out.double_bytes(*time);
            }
            Kind::BoxedBool(yes) => self.out.byte(if *yes { tag::BOXED_TRUE } else { tag::BOXED_FALSE }),
            Kind::BoxedNumber(number) => {
                self.out.byte(tag::BOXED_NUMBER);
                self.out.double_bytes(*number);
            }
            Kind::BoxedBigInt(number) => {
                self.out.byte(tag::BOXED_BIGINT);
                self.bigint(number);
            }
            Kind::BoxedString(text) => {
                self.out.byte(tag::BOXED_STRING);
                self.text(text);
            }
            Kind::RegExp { source, flags } => {
                self.out.byte(tag::REGEXP);
                self.text(source);
                self.out.varint(u64::from(*flags));
            }
            Kind::Buffer { bytes, length_max } => {
                let length = u32::try_from(bytes.len()).map_err(|_| WriteError::TooLong)?;
                self.out.byte(if length_max.is_some() { tag::RESIZABLE } else { tag::BUFFER });
                self.out.varint(u64::from(length));
                if let Some(length_max) = length_max {
                    self.out.varint(u64::from((*length_max).max(length)));
                }
                self.out.raw(bytes);
            }
            Kind::DomException { name, message, stack } => {
                self.out.byte(tag::HOST);
                self.out.varint(u64::from(platform::DOM_EXCEPTION));
                [name, message, stack].into_iter().for_each(|text| self.out.delimited(text.as_bytes()));
            }
            Kind::Plain(_)
            | Kind::Dense { .. }
            | Kind::Sparse { .. }
            | Kind::Map(_)
            | Kind::Set(_)
            | Kind::View { .. }
            | Kind::NativeError { .. }
            | Kind::Platform(_)
            | Kind::HostError { .. } => unreachable!("written by `object`"),
        }
        Ok(())
    }

    /// Gives an object its number on the wire.
    fn number(&mut self, object: &Object) {
        if object.id != UNSHARED {
            let seen = Seen { id: self.next, buffer_bytes: buffer_bytes(&object.kind) };
            self.ids.insert(object.id, seen);
        }
        self.next += 1;
    }

    fn dense(&mut self, elements: &[Option<Value>], properties: &[Property]) -> Result<(), WriteError> {
        let length = u32::try_from(elements.len()).map_err(|_| WriteError::TooLong)?;
        self.out.byte(tag::DENSE);
        self.out.varint(u64::from(length));
        for element in elements {
            match element {
                Some(element) => self.value(element)?,
                None => self.out.byte(tag::HOLE),
            }
        }
        self.properties(properties, tag::DENSE_END)?;
        self.out.varint(u64::from(length));
        Ok(())
    }

    fn sparse(&mut self, length: u32, properties: &[Property]) -> Result<(), WriteError> {
        self.out.byte(tag::SPARSE);
        self.out.varint(u64::from(length));
        self.properties(properties, tag::SPARSE_END)?;
        self.out.varint(u64::from(length));
        Ok(())
    }

    fn properties(&mut self, properties: &[Property], end: u8) -> Result<(), WriteError> {
        for (key, value) in properties {
            match key {
                Key::Text(text) => self.text(text),
                Key::Int(number) => {
                    self.out.int(*number);
                }
                Key::Double(number) => self.out.double(*number),
            }
            self.value(value)?;
        }
        self.end(end, properties.len())
    }

    fn end(&mut self, tag: u8, count: usize) -> Result<(), WriteError> {
        let count = u32::try_from(count).map_err(|_| WriteError::TooLong)?;
        self.out.byte(tag);
        self.out.varint(u64::from(count));
        Ok(())
    }

    fn native_error(&mut self, class: &str, parts: &[ErrorPart]) -> Result<(), WriteError> {
        self.out.byte(tag::ERROR);
        match error_part::PROTOTYPES.iter().find(|(_, known)| *known == class) {
            Some((letter, _)) => self.out.byte(*letter),
            None if class == "Error" => {}
            None => return Err(WriteError::ErrorClass),
        }
        for part in parts {
            match part {
                ErrorPart::Message(text) => {
                    self.out.byte(error_part::MESSAGE);
                    self.text(text);
                }
                ErrorPart::Stack(text) => {
                    self.out.byte(error_part::STACK);
                    self.text(text);
                }
                ErrorPart::Cause(value) => {
                    self.out.byte(error_part::CAUSE);
                    self.value(value)?;
                }
            }
        }
        self.out.byte(error_part::END);
        Ok(())
    }

    fn bigint(&mut self, number: &BigInt) {
        self.out.bigint_body(number.is_negative(), number.magnitude());
    }

    fn text(&mut self, text: &Text) {
        match text.as_str() {
            Some(text) => self.out.text(text),
            None => self.out.utf16(&text.to_utf16()),
        }
    }
}

fn buffer_bytes(kind: &Kind) -> Option<usize> {
    match kind {
        Kind::Buffer { bytes, .. } => Some(bytes.len()),
        _ => None,
    }
}
