//! From bytes to the tree.
//!
//! The bytes may be anything: what is allocated is proportional to what was read, and nesting is bounded. More is
//! accepted than the program would accept, for a tool should show what is there.

use super::platform::{self, Platform};
use super::value::{BigInt, ErrorPart, Id, Key, Kind, Object, Property, Text, Value};
use super::wire::{self, Corrupt, Reader, error_part, tag};

/// Deepest nesting that is read and written.
pub const DEPTH_MAX: usize = 500;

/// The value in `bytes`, and how many of them it takes.
///
/// Errors: `Corrupt` for bytes that are not a value, that are nested deeper than `DEPTH_MAX`, or that hold a host object
/// of a class that is not stored: its length is not known.
pub fn read(bytes: &[u8]) -> Result<(Value, usize), Corrupt> {
    let mut tree = Tree { input: Reader::new(bytes)?, buffer_bytes: Vec::new(), depth: 0 };
    let value = tree.value()?;
    Ok((value, bytes.len() - tree.input.rest_bytes()))
}

struct Tree<'a> {
    input: Reader<'a>,
    /// By id: the length of a buffer, `None` for other objects.
    buffer_bytes: Vec<Option<usize>>,
    depth: usize,
}

impl Tree<'_> {
    fn value(&mut self) -> Result<Value, Corrupt> {
        let tag = self.input.tag()?;
        match tag {
            tag::UNDEFINED => Ok(Value::Undefined),
            tag::NULL => Ok(Value::Null),
            tag::TRUE => Ok(Value::Bool(true)),
            tag::FALSE => Ok(Value::Bool(false)),
            tag::INT32 => self.input.zigzag().map(Value::Int),
            tag::UINT32 => self.input.varint32().map(|number| Value::Double(f64::from(number))),
            tag::DOUBLE => self.input.double_bytes().map(Value::Double),
            tag::BIGINT => self.bigint().map(Value::BigInt),
            tag::ONE_BYTE | tag::TWO_BYTE | tag::UTF8 => {
                self.input.text_body(tag).map(|text| Value::String(text.into()))
            }
            _ => {
                if self.depth == DEPTH_MAX {
                    return Err(self.input.corrupt("values are nested too deeply"));
                }
                self.depth += 1;
                let value = self.deep(tag);
                self.depth -= 1;
                value
            }
        }
    }

    /// What nests.
    fn deep(&mut self, tag: u8) -> Result<Value, Corrupt> {
        match tag {
            tag::VERIFY_COUNT => {
                self.input.varint32()?;
                self.value()
            }
            tag::REFERENCE => {
                let id = self.input.varint32()?;
                if id as usize >= self.buffer_bytes.len() {
                    return Err(self.input.corrupt("a reference to an object that is not there yet"));
                }
                self.view_behind(Value::Reference(Id(id)), id as usize)
            }
            _ => {
                let place = self.buffer_bytes.len();
                self.buffer_bytes.push(None);
                let kind = self.kind(tag)?;
                self.finish(place, kind)
            }
        }
    }

    fn finish(&mut self, place: usize, kind: Kind) -> Result<Value, Corrupt> {
        if let Kind::Buffer { bytes, .. } = &kind {
            self.buffer_bytes[place] = Some(bytes.len());
        }
        self.view_behind(object(place, kind), place)
    }

    /// The view that stands behind its buffer, if one does; the value itself otherwise.
    fn view_behind(&mut self, value: Value, place: usize) -> Result<Value, Corrupt> {
        let buffer_bytes = self.buffer_bytes[place].filter(|_| self.input.peek() == Some(tag::VIEW));
        let Some(buffer_bytes) = buffer_bytes else { return Ok(value) };
        self.input.tag()?;
        let part = self.input.view_body(buffer_bytes)?;
        let place = self.buffer_bytes.len();
        self.buffer_bytes.push(None);
        Ok(object(place, Kind::View { buffer: value, part }))
    }

    /// Each kind that nests has a function of its own: this one's frame is on the stack once a level.
    fn kind(&mut self, tag: u8) -> Result<Kind, Corrupt> {
        match tag {
            tag::OBJECT => self.properties(tag::OBJECT_END).map(Kind::Plain),
            tag::DENSE => self.dense(),
            tag::SPARSE => self.sparse(),
            tag::MAP => self.map(),
            tag::SET => self.set(),
            tag::ERROR => self.native_error(),
            tag::HOST => self.host(),
            _ => self.flat(tag),
        }
    }

    fn flat(&mut self, tag: u8) -> Result<Kind, Corrupt> {
        Ok(match tag {
            tag::DATE => Kind::Date(self.input.double_bytes()?),
            tag::BOXED_TRUE => Kind::BoxedBool(true),
            tag::BOXED_FALSE => Kind::BoxedBool(false),
            tag::BOXED_NUMBER => Kind::BoxedNumber(self.input.double_bytes()?),
            tag::BOXED_BIGINT => Kind::BoxedBigInt(self.bigint()?),
            tag::BOXED_STRING => Kind::BoxedString(self.input.text()?.into()),
            tag::REGEXP => {
                let source = self.input.text()?.into();
                let flags = self.input.varint32()?;
                wire::regexp_letters(flags).ok_or_else(|| self.input.corrupt("unknown flags of a RegExp"))?;
                Kind::RegExp { source, flags }
            }
            tag::BUFFER => {
                let length = self.input.varint32()?;
                Kind::Buffer { bytes: self.input.raw(length as usize)?.to_vec(), length_max: None }
            }
            tag::RESIZABLE => {
                let (bytes, length_max) = self.input.resizable_body()?;
                Kind::Buffer { bytes: bytes.to_vec(), length_max: Some(length_max) }
            }
            _ => return Err(self.input.corrupt(format!("unknown tag `{}`", tag.escape_ascii()))),
        })
    }

    fn sparse(&mut self) -> Result<Kind, Corrupt> {
        let length = self.input.varint32()?;
        let properties = self.properties(tag::SPARSE_END)?;
        self.array_end(length)?;
        Ok(Kind::Sparse { length, properties })
    }

    fn map(&mut self) -> Result<Kind, Corrupt> {
        let mut entries = Vec::new();
        while !self.input.take(tag::MAP_END) {
            entries.push((self.value()?, self.value()?));
        }
        self.input.expect_count(entries.len() * 2)?;
        Ok(Kind::Map(entries))
    }

    fn set(&mut self) -> Result<Kind, Corrupt> {
        let mut entries = Vec::new();
        while !self.input.take(tag::SET_END) {
            entries.push(self.value()?);
        }
        self.input.expect_count(entries.len())?;
        Ok(Kind::Set(entries))
    }

    fn bigint(&mut self) -> Result<BigInt, Corrupt> {
        let (negative, magnitude) = self.input.bigint_body()?;
        Ok(BigInt::new(negative, magnitude.to_vec()))
    }

    fn properties(&mut self, end: u8) -> Result<Vec<Property>, Corrupt> {
        let mut properties = Vec::new();
        while !self.input.take(end) {
            let key = match self.value()? {
                Value::String(text) => Key::Text(text),
                Value::Int(number) => Key::Int(number),
                Value::Double(number) => Key::Double(number),
                _ => return Err(self.input.corrupt("a property's name is neither text nor a number")),
            };
            properties.push((key, self.value()?));
        }
        self.input.expect_count(properties.len())?;
        Ok(properties)
    }

    fn dense(&mut self) -> Result<Kind, Corrupt> {
        let length = self.input.varint32()?;
        if length as usize > self.input.rest_bytes() {
            return Err(self.input.corrupt("an array is longer than its bytes"));
        }
        let mut elements = Vec::new();
        for _ in 0..length {
            elements.push(if self.input.take(tag::HOLE) { None } else { Some(self.value()?) });
        }
        let properties = self.properties(tag::DENSE_END)?;
        self.array_end(length)?;
        Ok(Kind::Dense { elements, properties })
    }

    fn array_end(&mut self, length: u32) -> Result<(), Corrupt> {
        match self.input.varint32()? == length {
            true => Ok(()),
            false => Err(self.input.corrupt("an array's two lengths differ")),
        }
    }

    fn native_error(&mut self) -> Result<Kind, Corrupt> {
        let (mut class, mut parts) = ("Error", Vec::new());
        loop {
            parts.push(match self.input.byte()? {
                error_part::END => return Ok(Kind::NativeError { class, parts }),
                error_part::MESSAGE => ErrorPart::Message(self.input.text()?.into()),
                error_part::STACK => ErrorPart::Stack(self.input.text()?.into()),
                error_part::CAUSE => ErrorPart::Cause(self.value()?),
                letter => {
                    let known = error_part::PROTOTYPES.iter().find(|(known, _)| *known == letter);
                    class = known.ok_or_else(|| self.input.corrupt("unknown part of an error"))?.1;
                    continue;
                }
            });
        }
    }

    fn host(&mut self) -> Result<Kind, Corrupt> {
        match self.input.varint32()? {
            wire::HOST_ERROR => {
                let class = self.input.varint32()?;
                if class as usize >= wire::HOST_ERROR_NAMES.len() {
                    return Err(self.input.corrupt("unknown class of an error"));
                }
                let name = if class == 0 { Some(self.value()?) } else { None };
                Ok(Kind::HostError { class, name, message: self.value()?, properties: self.value()? })
            }
            platform::DOM_EXCEPTION => Ok(Kind::DomException {
                name: self.host_text()?,
                message: self.host_text()?,
                stack: self.host_text()?,
            }),
            platform::BLOB => {
                let kind = self.host_text()?;
                Ok(Kind::Platform(Platform::Blob { kind, bytes: self.input.delimited()?.to_vec() }))
            }
            platform::HEADERS => self.headers().map(Kind::Platform),
            platform::REQUEST => {
                let url = self.host_text()?;
                Ok(Kind::Platform(Platform::Request { url, init: self.value()? }))
            }
            platform::RESPONSE => {
                let body = self.value()?;
                Ok(Kind::Platform(Platform::Response { body, init: self.value()? }))
            }
            other => Err(self
                .input
                .corrupt(format!("a host object of type {other}, which only the program can read"))),
        }
    }

    fn headers(&mut self) -> Result<Platform, Corrupt> {
        let guard = self.input.varint32()?;
        let count = self.input.varint32()?;
        if count > platform::FIELDS_MAX {
            return Err(self.input.corrupt("too many header fields"));
        }
        let mut fields = Vec::new();
        for _ in 0..count {
            let number = self.input.varint32()?;
            let name = match platform::name_of_number(number) {
                Some(name) => name.to_owned(),
                None if number == 0 => self.host_text()?,
                None => return Err(self.input.corrupt("an unknown header field")),
            };
            fields.push((number, name, self.host_text()?));
        }
        Ok(Platform::Headers { guard, fields })
    }

    fn host_text(&mut self) -> Result<String, Corrupt> {
        let bytes = self.input.delimited()?.to_vec();
        String::from_utf8(bytes).map_err(|_| self.input.corrupt("a string is not UTF-8"))
    }
}

fn object(place: usize, kind: Kind) -> Value {
    // Each object takes a byte of a value at least, whose size is a number of 32 bits on any way it can get here.
    Value::Object(Box::new(Object { id: Id(place as u32), kind }))
}

impl From<wire::Text<'_>> for Text {
    fn from(text: wire::Text<'_>) -> Self {
        match text {
            wire::Text::OneByte(bytes) => {
                bytes.iter().map(|byte| char::from(*byte)).collect::<String>().as_str().into()
            }
            wire::Text::TwoByte(bytes) => Text::from_utf16(
                bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect(),
            ),
            wire::Text::Utf8(text) => text.into(),
        }
    }
}
