//! The tree as a JavaScript expression, for people.
//!
//! One line, complete: who prints decides about width. It can be put back as it stands (`inspect/literal.rs`), but for what no
//! expression makes: errors, resizable buffers, and objects that are referred to, which are marked `<ref *1>` and the
//! references `[ref *1]`.

use std::collections::HashSet;
use std::fmt::{self, Write};

use super::platform::Platform;
use super::value::{ErrorPart, Id, Key, Kind, Object, Property, Text, Value};
use super::wire::{self, ViewKind};

/// Most holes of an array that are shown as such.
const HOLES_SHOWN: usize = 16;

/// The text of `value`.
pub fn show(value: &Value) -> String {
    let mut shown = Show { out: String::new(), shared: shared(value) };
    shown.value(value).expect("writing to a string does not fail");
    shown.out
}

/// A dictionary without what nobody set: it is written with all its names.
fn without_undefined(init: &Value) -> Value {
    let mut init = init.clone();
    if let Value::Object(object) = &mut init
        && let Kind::Plain(properties) = &mut object.kind
    {
        properties.retain(|(_, value)| *value != Value::Undefined);
    }
    init
}

/// The objects that something refers to.
pub(super) fn shared(value: &Value) -> HashSet<Id> {
    let mut shared = HashSet::new();
    let mut rest = vec![value];
    while let Some(value) = rest.pop() {
        match value {
            Value::Reference(id) => {
                shared.insert(*id);
            }
            Value::Object(object) => rest.extend(children(&object.kind)),
            _ => {}
        }
    }
    shared
}

fn children(kind: &Kind) -> Vec<&Value> {
    match kind {
        Kind::Plain(properties) | Kind::Sparse { properties, .. } => {
            properties.iter().map(|property| &property.1).collect()
        }
        Kind::Dense { elements, properties } => {
            elements.iter().flatten().chain(properties.iter().map(|property| &property.1)).collect()
        }
        Kind::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
        Kind::Set(entries) => entries.iter().collect(),
        Kind::View { buffer, .. } => vec![buffer],
        Kind::NativeError { parts, .. } => parts
            .iter()
            .filter_map(|part| match part {
                ErrorPart::Cause(cause) => Some(cause),
                ErrorPart::Message(_) | ErrorPart::Stack(_) => None,
            })
            .collect(),
        Kind::HostError { name, message, properties, .. } => {
            name.iter().chain([message, properties]).collect()
        }
        Kind::Platform(object) => object.children(),
        Kind::Date(_)
        | Kind::BoxedBool(_)
        | Kind::BoxedNumber(_)
        | Kind::BoxedBigInt(_)
        | Kind::BoxedString(_)
        | Kind::RegExp { .. }
        | Kind::Buffer { .. }
        | Kind::DomException { .. } => Vec::new(),
    }
}

struct Show {
    out: String,
    shared: HashSet<Id>,
}

impl Show {
    fn value(&mut self, value: &Value) -> fmt::Result {
        match value {
            Value::Undefined => self.out.write_str("undefined"),
            Value::Null => self.out.write_str("null"),
            Value::Bool(yes) => write!(self.out, "{yes}"),
            Value::Int(number) => write!(self.out, "{number}"),
            Value::Double(number) => self.out.write_str(&number_text(*number)),
            Value::BigInt(number) => write!(self.out, "{number}n"),
            Value::String(text) => self.out.write_str(&quoted(text)),
            Value::Reference(id) => write!(self.out, "[ref *{}]", id.0),
            Value::Object(object) => self.object(object),
        }
    }

    fn object(&mut self, object: &Object) -> fmt::Result {
        if self.shared.contains(&object.id) {
            write!(self.out, "<ref *{}> ", object.id.0)?;
        }
        match &object.kind {
            Kind::Plain(properties) => self.plain(properties),
            Kind::Dense { elements, properties } => self.array(elements, properties),
            Kind::Sparse { length, properties } => self.sparse(*length, properties),
            Kind::Map(entries) => self.map(entries),
            Kind::Set(entries) => self.set(entries),
            Kind::View { buffer, part } => self.view(buffer, part),
            Kind::NativeError { class, parts } => self.native_error(class, parts),
            Kind::HostError { class, name, message, properties } => {
                self.host_error(*class, name.as_ref(), message, properties)
            }
            Kind::Platform(object) => self.platform(object),
            kind => self.flat(kind),
        }
    }

    /// As the constructor's call that would make it.
    fn platform(&mut self, object: &Platform) -> fmt::Result {
        write!(self.out, "new {}(", object.class_name())?;
        match object {
            Platform::Blob { kind, bytes } => {
                self.out.push('[');
                self.bytes(bytes);
                write!(self.out, "], {{ type: {kind:?} }}")?;
            }
            Platform::Headers { fields, .. } => {
                for (index, (_, name, value)) in fields.iter().enumerate() {
                    let before = if index == 0 { "[" } else { ", " };
                    write!(self.out, "{before}[{name:?}, {value:?}]")?;
                }
                self.out.push_str(if fields.is_empty() { "" } else { "]" });
            }
            Platform::Request { url, init } => {
                write!(self.out, "{url:?}, ")?;
                self.value(&without_undefined(init))?;
            }
            Platform::Response { body, init } => {
                self.value(body)?;
                self.out.push_str(", ");
                self.value(&without_undefined(init))?;
            }
        }
        self.out.push(')');
        Ok(())
    }

    /// What does not nest. Apart, like every kind: the frame of `object` is on the stack once a level.
    fn flat(&mut self, kind: &Kind) -> fmt::Result {
        match kind {
            Kind::Date(time) => match iso_date(*time) {
                // With more digits of a year it is hard to read.
                Some(date) if date.starts_with(['+', '-']) => {
                    write!(self.out, "new Date({})", number_text(*time))
                }
                Some(date) => write!(self.out, "new Date(\"{date}\")"),
                None => self.out.write_str("new Date(NaN)"),
            },
            Kind::BoxedBool(yes) => write!(self.out, "Object({yes})"),
            Kind::BoxedNumber(number) => write!(self.out, "Object({})", number_text(*number)),
            Kind::BoxedBigInt(number) => write!(self.out, "Object({number}n)"),
            Kind::BoxedString(text) => write!(self.out, "Object({})", quoted(text)),
            Kind::RegExp { source, flags } => self.regexp(source, *flags),
            Kind::Buffer { bytes, length_max } => {
                if bytes.is_empty() {
                    self.out.push_str("new ArrayBuffer(0)");
                } else {
                    self.bytes(bytes);
                    self.out.push_str(".buffer");
                }
                match length_max {
                    Some(length_max) => write!(self.out, " <resizable to {length_max}>"),
                    None => Ok(()),
                }
            }
            Kind::DomException { name, message, .. } => {
                write!(self.out, "DOMException {{ name: {name:?}, message: {message:?} }}")
            }
            Kind::Plain(_)
            | Kind::Dense { .. }
            | Kind::Sparse { .. }
            | Kind::Map(_)
            | Kind::Set(_)
            | Kind::View { .. }
            | Kind::NativeError { .. }
            | Kind::Platform(_)
            | Kind::HostError { .. } => unreachable!("shown by `object`"),
        }
    }

    fn plain(&mut self, properties: &[Property]) -> fmt::Result {
        self.open(properties.is_empty());
        self.properties(properties, true)?;
        self.close(properties.is_empty())
    }

    fn regexp(&mut self, source: &Text, flags: u32) -> fmt::Result {
        let flags = wire::regexp_letters(flags).unwrap_or_default();
        let is_plain = |source: &&str| {
            !source.is_empty()
                && !source.starts_with('*')
                && !source.contains(['/', '\n', '\r', '\u{2028}', '\u{2029}'])
        };
        match source.as_str().filter(is_plain) {
            Some(source) => write!(self.out, "/{source}/{flags}"),
            None => write!(self.out, "new RegExp({}, \"{flags}\")", quoted(source)),
        }
    }

    fn map(&mut self, entries: &[(Value, Value)]) -> fmt::Result {
        if entries.is_empty() {
            return self.out.write_str("new Map()");
        }
        self.out.push_str("new Map([");
        let mut first = true;
        for (key, value) in entries {
            self.comma(&mut first);
            self.out.push('[');
            self.value(key)?;
            self.out.push_str(", ");
            self.value(value)?;
            self.out.push(']');
        }
        self.out.write_str("])")
    }

    fn set(&mut self, entries: &[Value]) -> fmt::Result {
        if entries.is_empty() {
            return self.out.write_str("new Set()");
        }
        self.out.push_str("new Set([");
        let mut first = true;
        for entry in entries {
            self.comma(&mut first);
            self.value(entry)?;
        }
        self.out.write_str("])")
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out.push_str("Uint8Array.fromHex(\"");
        hex(bytes, &mut self.out);
        self.out.push_str("\")");
    }

    fn view(&mut self, buffer: &Value, part: &wire::ViewPart) -> fmt::Result {
        if let Some(bytes) = self.whole(buffer, part) {
            if bytes.is_empty() && part.kind != ViewKind::DataView {
                return write!(self.out, "new {}()", part.kind.class_name());
            }
            if part.kind == ViewKind::Uint8 {
                self.bytes(bytes);
                return Ok(());
            }
            if let Some(elements) = element_texts(part.kind, bytes) {
                return write!(self.out, "new {}([{}])", part.kind.class_name(), elements.join(", "));
            }
        }
        write!(self.out, "new {}(", part.kind.class_name())?;
        self.value(buffer)?;
        if part.tracks_length {
            return write!(self.out, ", {})", part.offset_bytes);
        }
        let length = part.length_bytes as usize / part.kind.element_bytes();
        write!(self.out, ", {}, {length})", part.offset_bytes)
    }

    /// The bytes of a view that is all of a buffer that nothing else refers to.
    fn whole<'v>(&self, buffer: &'v Value, part: &wire::ViewPart) -> Option<&'v [u8]> {
        let Value::Object(object) = buffer else { return None };
        match &object.kind {
            Kind::Buffer { bytes, length_max: None }
                if !self.shared.contains(&object.id)
                    && !part.tracks_length
                    && !part.resizable
                    && part.offset_bytes == 0
                    && part.length_bytes as usize == bytes.len() =>
            {
                Some(bytes)
            }
            _ => None,
        }
    }

    fn native_error(&mut self, class: &str, parts: &[ErrorPart]) -> fmt::Result {
        write!(self.out, "{class} ")?;
        self.open(parts.is_empty());
        let mut first = true;
        for part in parts {
            self.comma(&mut first);
            match part {
                ErrorPart::Message(text) => write!(self.out, "message: {}", quoted(text))?,
                ErrorPart::Stack(text) => write!(self.out, "stack: {}", quoted(text))?,
                ErrorPart::Cause(value) => {
                    self.out.push_str("cause: ");
                    self.value(value)?;
                }
            }
        }
        self.close(parts.is_empty())
    }

    fn host_error(
        &mut self,
        class: u32,
        name: Option<&Value>,
        message: &Value,
        properties: &Value,
    ) -> fmt::Result {
        let class = wire::HOST_ERROR_NAMES.get(class as usize).filter(|class| !class.is_empty());
        self.out.push_str(class.unwrap_or(&"Error"));
        self.out.push_str(" { ");
        if let Some(name) = name {
            self.out.push_str("name: ");
            self.value(name)?;
            self.out.push_str(", ");
        }
        self.out.push_str("message: ");
        self.value(message)?;
        self.out.push_str(", ...");
        self.value(properties)?;
        self.out.write_str(" }")
    }

    fn open(&mut self, empty: bool) {
        self.out.push_str(if empty { "{" } else { "{ " });
    }

    fn close(&mut self, empty: bool) -> fmt::Result {
        self.out.write_str(if empty { "}" } else { " }" })
    }

    fn properties(&mut self, properties: &[Property], first: bool) -> fmt::Result {
        if !first && !properties.is_empty() {
            self.out.push_str(", ");
        }
        let mut first = true;
        for (key, value) in properties {
            self.comma(&mut first);
            self.out.push_str(&key_text(key));
            self.out.push_str(": ");
            self.value(value)?;
        }
        Ok(())
    }

    fn array(&mut self, elements: &[Option<Value>], properties: &[Property]) -> fmt::Result {
        let places = elements.iter().zip(0u32..);
        let present = places.filter_map(|(element, index)| element.as_ref().map(|value| (index, value)));
        self.placed(
            u32::try_from(elements.len()).unwrap_or(u32::MAX),
            present.collect(),
            properties.iter().collect(),
        )
    }

    fn sparse(&mut self, length: u32, properties: &[Property]) -> fmt::Result {
        let (mut present, mut others) = (Vec::new(), Vec::new());
        let mut next = 0u32;
        for property in properties {
            match index(&property.0).filter(|index| (next..length).contains(index)) {
                Some(index) => {
                    present.push((index, &property.1));
                    next = index + 1;
                }
                None => others.push(property),
            }
        }
        self.placed(length, present, others)
    }

    /// An array of which these elements are there, with further properties.
    fn placed(&mut self, length: u32, present: Vec<(u32, &Value)>, others: Vec<&Property>) -> fmt::Result {
        let has_few_holes = length as usize - present.len() <= HOLES_SHOWN;
        let is_assigned = !others.is_empty() || (!has_few_holes && !present.is_empty());
        if is_assigned {
            self.out.push_str("Object.assign(");
        }
        if has_few_holes {
            self.elements(length, &present)?;
        } else {
            write!(self.out, "new Array({length})")?;
        }
        if !is_assigned {
            return Ok(());
        }
        self.out.push_str(", { ");
        let mut first = true;
        for (index, value) in present.iter().filter(|_| !has_few_holes) {
            self.comma(&mut first);
            write!(self.out, "{index}: ")?;
            self.value(value)?;
        }
        for (key, value) in others {
            self.comma(&mut first);
            self.out.push_str(&key_text(key));
            self.out.push_str(": ");
            self.value(value)?;
        }
        self.out.write_str(" })")
    }

    fn elements(&mut self, length: u32, present: &[(u32, &Value)]) -> fmt::Result {
        self.out.push('[');
        let mut rest = present.iter().peekable();
        for place in 0..length {
            if place > 0 {
                self.out.push_str(", ");
            }
            if let Some((_, value)) = rest.next_if(|(index, _)| *index == place) {
                self.value(value)?;
            } else if place + 1 == length {
                // A comma at the end counts for nothing but the hole before it.
                self.out.push(',');
            }
        }
        self.out.write_char(']')
    }

    fn comma(&mut self, first: &mut bool) {
        if !std::mem::take(first) {
            self.out.push_str(", ");
        }
    }
}

/// The elements of a typed array, where their texts say all of them.
fn element_texts(kind: ViewKind, bytes: &[u8]) -> Option<Vec<String>> {
    fn each<const N: usize>(bytes: &[u8], text: impl Fn([u8; N]) -> Option<String>) -> Option<Vec<String>> {
        bytes.chunks_exact(N).map(|chunk| text(chunk.try_into().expect("a chunk of its size"))).collect()
    }
    // A number that is none may have bits of its own.
    let real = |number: f64| (!number.is_nan()).then(|| number_text(number));
    match kind {
        ViewKind::Int8 => each(bytes, |element| Some(i8::from_le_bytes(element).to_string())),
        ViewKind::Uint8 | ViewKind::Uint8Clamped => each(bytes, |[element]| Some(element.to_string())),
        ViewKind::Int16 => each(bytes, |element| Some(i16::from_le_bytes(element).to_string())),
        ViewKind::Uint16 => each(bytes, |element| Some(u16::from_le_bytes(element).to_string())),
        ViewKind::Int32 => each(bytes, |element| Some(i32::from_le_bytes(element).to_string())),
        ViewKind::Uint32 => each(bytes, |element| Some(u32::from_le_bytes(element).to_string())),
        ViewKind::Float32 => each(bytes, |element| real(f64::from(f32::from_le_bytes(element)))),
        ViewKind::Float64 => each(bytes, |element| real(f64::from_le_bytes(element))),
        ViewKind::BigInt64 => each(bytes, |element| Some(format!("{}n", i64::from_le_bytes(element)))),
        ViewKind::BigUint64 => each(bytes, |element| Some(format!("{}n", u64::from_le_bytes(element)))),
        ViewKind::Float16 | ViewKind::DataView => None,
    }
}

/// A property's name as it stands in a literal.
pub fn show_key(key: &Key) -> String {
    key_text(key)
}

fn key_text(key: &Key) -> String {
    match key {
        Key::Text(text) => match text.as_str() {
            Some(name) if is_identifier(name) => name.into(),
            _ => quoted(text),
        },
        Key::Int(number) if *number >= 0 => number.to_string(),
        Key::Int(number) => format!("\"{number}\""),
        Key::Double(number) if index(key).is_some() => number_text(*number),
        Key::Double(number) => format!("\"{}\"", number_text(*number)),
    }
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || matches!(first, '_' | '$'))
        && letters.all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '$'))
}

/// The array index that a key is.
pub(super) fn index(key: &Key) -> Option<u32> {
    match key {
        Key::Int(number) => u32::try_from(*number).ok(),
        Key::Double(number) if *number >= 0.0 && number.fract() == 0.0 && *number < f64::from(u32::MAX) => {
            Some(*number as u32)
        }
        Key::Double(_) | Key::Text(_) => None,
    }
}

/// A number in JavaScript's words, if not always in its digits.
pub(super) fn number_text(number: f64) -> String {
    if number.is_nan() {
        "NaN".into()
    } else if number.is_infinite() {
        if number > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else if number == 0.0 || (1e-6..1e21).contains(&number.abs()) {
        format!("{number}")
    } else {
        let text = format!("{number:e}");
        if text.contains("e-") { text } else { text.replace('e', "e+") }
    }
}

/// Text in double quotes, with the escapes of a JavaScript literal.
fn quoted(text: &Text) -> String {
    let mut out = String::from('"');
    for letter in char::decode_utf16(text.to_utf16()) {
        match letter {
            Ok('"') => out.push_str("\\\""),
            Ok('\\') => out.push_str("\\\\"),
            Ok('\n') => out.push_str("\\n"),
            Ok('\r') => out.push_str("\\r"),
            Ok('\t') => out.push_str("\\t"),
            Ok(letter) if letter < ' ' || letter == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", u32::from(letter)));
            }
            Ok(letter) => out.push(letter),
            Err(lone) => out.push_str(&format!("\\u{:04x}", lone.unpaired_surrogate())),
        }
    }
    out.push('"');
    out
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        write!(out, "{byte:02x}").expect("writing to a string does not fail");
    }
}

/// `toISOString` of a time value. `None` outside of what a Date can hold.
pub fn iso_date(time: f64) -> Option<String> {
    if !(-8.64e15..=8.64e15).contains(&time) {
        return None;
    }
    let time = time as i64;
    let (days, ms) = (time.div_euclid(86_400_000), time.rem_euclid(86_400_000));
    // Days since the first of March of the year 0, in eras of 400 years, so that a leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{}{:06}", if year < 0 { '-' } else { '+' }, year.abs()),
    };
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    Some(format!("{year}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z"))
}
