//! The bytes of V8's serialization: a writer and a bounds-checked reader. The tags are in `format.rs`.
//!
//! Stored values, socket attachments and RPC messages are all made of it, and `wrangler dev` reads the same files,
//! so what is written here must be what V8 writes. The tree form (`value.rs`) and the engine's direct way between
//! JS values and bytes share this file, so that there is one place that knows the encoding of a number or a string.
//! It knows nothing of objects, identity or order: that is the business of its two users.
//!
//! Fidelity: recorded from workerd 1.20261117.1 and Node 24 (`v8.Serializer`); samples in `samples.rs`. Integers are
//! V8's small integers with compressed pointers, 31 bits, as in workerd; Node uses 32.

pub use super::format::*;

/// The bytes are not a serialized value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Corrupt {
    /// Where, counted from the beginning of the value.
    pub at: usize,
    /// What is wrong there.
    pub what: String,
}

/// Appends encoded values to a buffer.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    /// Where this value began in `bytes`: alignment counts from here.
    origin: usize,
}

impl Writer {
    /// A writer that appends to `bytes`, whose capacity is used again.
    pub fn appending(bytes: Vec<u8>) -> Self {
        Self { origin: bytes.len(), bytes }
    }

    /// What was given to `appending`, with the value behind it.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes of this value so far.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() - self.origin
    }

    /// Drops what was written since `size_bytes` was `size_bytes`.
    pub fn cut(&mut self, size_bytes: usize) {
        self.bytes.truncate(self.origin + size_bytes);
    }

    /// The two bytes in front of a value.
    pub fn header(&mut self) {
        self.bytes.push(HEADER);
        self.varint(u64::from(VERSION));
    }

    /// One byte, a tag or a letter.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// An unsigned number, seven bits a byte, low bits first.
    pub fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    /// A length and bytes of that length: how host objects keep text.
    pub fn delimited(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.raw(bytes);
    }

    /// The eight bytes of a double, without a tag.
    pub fn double_bytes(&mut self, number: f64) {
        // V8 writes one NaN whatever the bits in memory are.
        let number = if number.is_nan() { f64::NAN } else { number };
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    /// A double with its tag.
    pub fn double(&mut self, number: f64) {
        self.bytes.push(tag::DOUBLE);
        self.double_bytes(number);
    }

    /// An integer; as a double if it is not small. True if it was small.
    pub fn int(&mut self, number: i32) -> bool {
        let small = SMALL_INT.contains(&number);
        if small {
            self.bytes.push(tag::INT32);
            self.varint(u64::from(((number << 1) ^ (number >> 31)) as u32));
        } else {
            self.double(f64::from(number));
        }
        small
    }

    /// A number, as an integer where it is a small one. True if it was small.
    pub fn number(&mut self, number: f64) -> bool {
        let int = number as i32;
        if f64::from(int) == number && (int != 0 || number.is_sign_positive()) {
            return self.int(int);
        }
        self.double(number);
        false
    }

    /// A string whose characters are all below 256, one byte each.
    pub fn one_byte(&mut self, latin1: &[u8]) {
        self.bytes.push(tag::ONE_BYTE);
        self.delimited(latin1);
    }

    /// A string in UTF-16, in one byte per character if all are below 256.
    pub fn utf16(&mut self, units: &[u16]) {
        if units.iter().all(|unit| *unit < 0x100) {
            self.bytes.push(tag::ONE_BYTE);
            self.varint(units.len() as u64);
            self.bytes.extend(units.iter().map(|unit| *unit as u8));
            return;
        }
        let size_bytes = units.len() * 2;
        // The characters begin at an even distance from the value's first byte.
        if (self.size_bytes() + 1 + varint_bytes(size_bytes as u64)) & 1 == 1 {
            self.bytes.push(tag::PADDING);
        }
        self.bytes.push(tag::TWO_BYTE);
        self.varint(size_bytes as u64);
        self.bytes.reserve(size_bytes);
        self.bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    }

    /// A string.
    pub fn text(&mut self, text: &str) {
        if text.is_ascii() {
            self.one_byte(text.as_bytes());
        } else {
            self.utf16(&text.encode_utf16().collect::<Vec<_>>());
        }
    }

    /// A BigInt's sign and size and digits, without a tag. `magnitude` is little-endian; zeros at its end are ignored.
    pub fn bigint_body(&mut self, negative: bool, magnitude: &[u8]) {
        let used = magnitude.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let size_bytes = used.div_ceil(8) * 8;
        self.varint(((size_bytes as u64) << 1) | u64::from(negative && used > 0));
        self.raw(&magnitude[..used]);
        self.bytes.resize(self.bytes.len() + size_bytes - used, 0);
    }

    /// A view. Its buffer was written just before.
    pub fn view(&mut self, view: &ViewPart) {
        self.bytes.push(tag::VIEW);
        self.bytes.push(view.kind.letter());
        self.varint(u64::from(view.offset_bytes));
        self.varint(u64::from(view.length_bytes));
        self.bytes.push(u8::from(view.tracks_length) | (u8::from(view.resizable) << 1));
    }

    /// Turns the numbers written since `size_bytes` was `start` into doubles: V8 keeps an array of numbers that has a
    /// double in it as doubles throughout. Nothing but numbers may have been written since.
    pub fn widen_numbers(&mut self, start: usize) {
        let numbers = self.bytes.split_off(self.origin + start);
        let mut reader = Reader { bytes: &numbers, at: 0, version: VERSION };
        while let Ok(tag) = reader.byte() {
            let number = match tag {
                tag::INT32 => reader.zigzag().map(f64::from),
                _ => reader.double_bytes(),
            };
            self.double(number.expect("the numbers were written by this writer"));
        }
    }
}

/// Bytes that `varint` needs for `number`.
fn varint_bytes(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// Takes encoded values from bytes. Nothing is read beyond their end and nothing is allocated that they do not hold.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    version: u32,
}

/// A string as it stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// One byte per character, Latin-1.
    OneByte(&'a [u8]),
    /// UTF-16, little-endian, an even number of bytes.
    TwoByte(&'a [u8]),
    /// UTF-8, checked.
    Utf8(&'a str),
}

impl<'a> Reader<'a> {
    /// Reads the header. Bytes that do not begin with `ff` have none and are of version 13.
    ///
    /// Fidelity: so does workerd with stored values (`src/workerd/io/stored-value.c++`).
    pub fn new(bytes: &'a [u8]) -> Result<Self, Corrupt> {
        let mut reader = Self { bytes, at: 0, version: VERSION_OLDEST };
        if bytes.first() == Some(&HEADER) {
            reader.at = 1;
            reader.version = reader.varint32()?;
            if !(VERSION_OLDEST..=VERSION).contains(&reader.version) {
                return Err(reader.corrupt(format!("unknown version {}", reader.version)));
            }
        }
        Ok(reader)
    }

    /// An error at this place.
    pub fn corrupt(&self, what: impl Into<String>) -> Corrupt {
        Corrupt { at: self.at, what: what.into() }
    }

    /// Version of the format.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Bytes that are left.
    pub fn rest_bytes(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// The next byte as it is.
    pub fn byte(&mut self) -> Result<u8, Corrupt> {
        let byte = *self.bytes.get(self.at).ok_or_else(|| self.corrupt("the value ends too early"))?;
        self.at += 1;
        Ok(byte)
    }

    /// The next tag, without taking it. Padding is skipped.
    pub fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at) == Some(&tag::PADDING) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    /// The next tag. Padding is skipped.
    pub fn tag(&mut self) -> Result<u8, Corrupt> {
        self.peek();
        self.byte()
    }

    /// Takes the next tag if it is `tag`.
    pub fn take(&mut self, tag: u8) -> bool {
        let found = self.peek() == Some(tag);
        self.at += usize::from(found);
        found
    }

    /// `count` bytes as they are.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], Corrupt> {
        if count > self.rest_bytes() {
            return Err(self.corrupt(format!("{count} bytes announced, {} left", self.rest_bytes())));
        }
        let taken = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(taken)
    }

    /// An unsigned number of at most 64 bits.
    pub fn varint(&mut self) -> Result<u64, Corrupt> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.corrupt("a number has too many bytes"))
    }

    /// An unsigned number of at most 32 bits.
    pub fn varint32(&mut self) -> Result<u32, Corrupt> {
        let number = self.varint()?;
        u32::try_from(number).map_err(|_| self.corrupt("a number has too many bits"))
    }

    /// A signed number of 32 bits.
    pub fn zigzag(&mut self) -> Result<i32, Corrupt> {
        let number = self.varint32()?;
        Ok((number >> 1) as i32 ^ -((number & 1) as i32))
    }

    /// The eight bytes of a double.
    pub fn double_bytes(&mut self) -> Result<f64, Corrupt> {
        let bytes = self.raw(8)?;
        Ok(f64::from_le_bytes(bytes.try_into().expect("eight bytes were taken")))
    }

    /// A length and bytes of that length.
    pub fn delimited(&mut self) -> Result<&'a [u8], Corrupt> {
        let count = self.varint()?;
        self.raw(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// A string's contents; `tag` was taken before and is one of the three of strings.
    pub fn text_body(&mut self, tag: u8) -> Result<Text<'a>, Corrupt> {
        let bytes = self.delimited()?;
        match tag {
            tag::ONE_BYTE => Ok(Text::OneByte(bytes)),
            tag::TWO_BYTE if bytes.len().is_multiple_of(2) => Ok(Text::TwoByte(bytes)),
            tag::UTF8 => {
                std::str::from_utf8(bytes).map(Text::Utf8).map_err(|_| self.corrupt("a string is not UTF-8"))
            }
            _ => Err(self.corrupt("not a string")),
        }
    }

    /// A string with its tag.
    pub fn text(&mut self) -> Result<Text<'a>, Corrupt> {
        let tag = self.tag()?;
        self.text_body(tag)
    }

    /// A BigInt's sign and little-endian magnitude.
    pub fn bigint_body(&mut self) -> Result<(bool, &'a [u8]), Corrupt> {
        let bits = self.varint32()?;
        Ok((bits & 1 == 1, self.raw((bits >> 1) as usize)?))
    }

    /// A view behind its tag; the buffer has `buffer_bytes`.
    pub fn view_body(&mut self, buffer_bytes: usize) -> Result<ViewPart, Corrupt> {
        let letter = self.varint32()?;
        let kind = ViewKind::from_letter(letter).ok_or_else(|| self.corrupt("unknown kind of view"))?;
        let (offset_bytes, length_bytes) = (self.varint32()?, self.varint32()?);
        let flags = if self.version >= 14 { self.varint32()? } else { 0 };
        let view = ViewPart {
            kind,
            offset_bytes,
            length_bytes,
            tracks_length: flags & 1 != 0,
            resizable: flags & 2 != 0,
        };
        if flags > 3 || !view.fits(buffer_bytes) {
            return Err(self.corrupt("a view lies outside of its buffer"));
        }
        Ok(view)
    }

    /// A resizable buffer's length and largest length; its bytes follow.
    pub fn resizable_body(&mut self) -> Result<(&'a [u8], u32), Corrupt> {
        let (length, length_max) = (self.varint32()?, self.varint32()?);
        if length > length_max {
            return Err(self.corrupt("a buffer is longer than its largest length"));
        }
        Ok((self.raw(length as usize)?, length_max))
    }

    /// Checks a count behind the end of a container.
    pub fn expect_count(&mut self, counted: usize) -> Result<(), Corrupt> {
        let written = self.varint32()?;
        if written as usize == counted {
            return Ok(());
        }
        Err(self.corrupt(format!("{written} entries announced, {counted} found")))
    }
}
