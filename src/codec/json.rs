//! The tree as JSON, for tools.
//!
//! What JSON has stays as it is. Everything else is an object with the key `$`, which names what it is, in the words of
//! the recorded answers of the real platform: `{"$": "undefined"}`, `{"$": "Map", "v": [[key, value]]}`. A plain object
//! that has a key `$` of its own is written as `{"$": "object", "v": [[name, value]]}`, so nothing is ambiguous.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use super::platform::Platform;
use super::show::{hex, index, iso_date, number_text, shared};
use super::value::{ErrorPart, Id, Key, Kind, Object, Property, Text, Value};
use super::wire;

/// The JSON of `value`. Lone surrogates are replaced; a sparse array beyond 100,000 elements is an object.
pub fn to_json(value: &Value) -> Json {
    Tree { shared: shared(value) }.value(value)
}

/// Longest array with holes that is written out.
const SPARSE_MAX: u32 = 100_000;

struct Tree {
    shared: HashSet<Id>,
}

impl Tree {
    fn value(&self, value: &Value) -> Json {
        match value {
            Value::Undefined => bare("undefined"),
            Value::Null => Json::Null,
            Value::Bool(yes) => json!(yes),
            Value::Int(number) => json!(number),
            Value::Double(number) => number_json(*number),
            Value::BigInt(number) => tagged("bigint", number.to_string().into()),
            Value::String(text) => text_json(text),
            Value::Reference(id) => reference(*id),
            Value::Object(object) if self.shared.contains(&object.id) => {
                shared_json(object.id, self.object(object))
            }
            Value::Object(object) => self.object(object),
        }
    }

    /// Each kind that nests has a function of its own: this one's frame is on the stack once a level.
    fn object(&self, object: &Object) -> Json {
        match &object.kind {
            Kind::Plain(properties) => self.plain(properties),
            Kind::Dense { elements, properties } => self.dense(elements, properties),
            Kind::Sparse { length, properties } => self.sparse(*length, properties),
            Kind::Map(entries) => self.map(entries),
            Kind::Set(entries) => self.set(entries),
            Kind::View { buffer, part } => self.view(buffer, part),
            Kind::NativeError { class, parts } => self.native_error(class, parts),
            Kind::HostError { class, name, message, properties } => {
                self.host_error(*class, name.as_ref(), message, properties)
            }
            Kind::Platform(object) => self.platform(object),
            kind => flat(kind),
        }
    }

    fn plain(&self, properties: &[Property]) -> Json {
        if properties.iter().any(|(key, _)| key_json(key) == "$") {
            return tagged("object", self.pairs(properties));
        }
        let mut json = Map::new();
        for (key, value) in properties {
            json.insert(key_json(key), self.value(value));
        }
        json.into()
    }

    /// Properties as a list of name and value.
    fn pairs(&self, properties: &[Property]) -> Json {
        let mut pairs = Vec::new();
        for (key, value) in properties {
            pairs.push(Json::Array(vec![key_json(key).into(), self.value(value)]));
        }
        pairs.into()
    }

    fn dense(&self, elements: &[Option<Value>], properties: &[Property]) -> Json {
        let mut json = Vec::new();
        for element in elements {
            json.push(match element {
                Some(element) => self.value(element),
                None => hole(),
            });
        }
        self.array(json, properties)
    }

    fn map(&self, entries: &[(Value, Value)]) -> Json {
        let mut json = Vec::new();
        for (key, value) in entries {
            json.push(Json::Array(vec![self.value(key), self.value(value)]));
        }
        tagged("Map", json.into())
    }

    fn set(&self, entries: &[Value]) -> Json {
        let mut json = Vec::new();
        for entry in entries {
            json.push(self.value(entry));
        }
        tagged("Set", json.into())
    }

    fn view(&self, buffer: &Value, part: &wire::ViewPart) -> Json {
        json!({
            "$": part.kind.class_name(),
            "buffer": self.value(buffer),
            "byteOffset": part.offset_bytes,
            "byteLength": (!part.tracks_length).then_some(part.length_bytes),
        })
    }

    fn native_error(&self, class: &str, parts: &[ErrorPart]) -> Json {
        let mut json = Map::from_iter([("$".into(), json!("Error")), ("name".into(), json!(class))]);
        for part in parts {
            let (name, value) = match part {
                ErrorPart::Message(text) => ("message", text_json(text)),
                ErrorPart::Stack(text) => ("stack", text_json(text)),
                ErrorPart::Cause(value) => ("cause", self.value(value)),
            };
            json.insert(name.into(), value);
        }
        json.into()
    }

    fn host_error(&self, class: u32, name: Option<&Value>, message: &Value, properties: &Value) -> Json {
        let class = wire::HOST_ERROR_NAMES.get(class as usize).copied().unwrap_or_default();
        json!({
            "$": "Error",
            "name": name.map_or_else(|| json!(class), |name| self.value(name)),
            "message": self.value(message),
            "properties": self.value(properties),
        })
    }

    fn platform(&self, object: &Platform) -> Json {
        let class = object.class_name();
        match object {
            Platform::Blob { kind, bytes } => {
                let mut text = String::with_capacity(bytes.len() * 2);
                hex(bytes, &mut text);
                json!({"$": class, "type": kind, "hex": text})
            }
            Platform::Headers { fields, .. } => {
                let fields = fields.iter().map(|(_, name, value)| json!([name, value]));
                tagged(class, fields.collect::<Vec<_>>().into())
            }
            Platform::Request { url, init } => json!({"$": class, "url": url, "init": self.value(init)}),
            Platform::Response { body, init } => {
                json!({"$": class, "body": self.value(body), "init": self.value(init)})
            }
        }
    }

    fn array(&self, elements: Vec<Json>, properties: &[Property]) -> Json {
        match properties {
            [] => elements.into(),
            _ => json!({"$": "Array", "v": elements, "properties": self.pairs(properties)}),
        }
    }

    fn sparse(&self, length: u32, properties: &[Property]) -> Json {
        if length > SPARSE_MAX {
            return json!({"$": "Array", "length": length, "properties": self.pairs(properties)});
        }
        let mut elements = vec![hole(); length as usize];
        let mut others = Vec::new();
        for (key, value) in properties {
            match index(key).and_then(|index| elements.get_mut(index as usize)) {
                Some(element) => *element = self.value(value),
                None => others.push((key.clone(), value.clone())),
            }
        }
        self.array(elements, &others)
    }
}

/// `{"$": kind, "v": contents}`.
fn tagged(kind: &str, contents: Json) -> Json {
    json!({"$": kind, "v": contents})
}

/// What does not nest.
fn flat(kind: &Kind) -> Json {
    match kind {
        Kind::Date(time) => json!({"$": "Date", "v": iso_date(*time)}),
        Kind::BoxedBool(yes) => json!({"$": "Boolean", "v": yes}),
        Kind::BoxedNumber(number) => tagged("Number", number_json(*number)),
        Kind::BoxedBigInt(number) => json!({"$": "BigInt", "v": number.to_string()}),
        Kind::BoxedString(text) => tagged("String", text_json(text)),
        Kind::RegExp { source, flags } => {
            let flags = wire::regexp_letters(*flags).unwrap_or_default();
            json!({"$": "RegExp", "v": format!("/{}/{flags}", source.to_lossy())})
        }
        Kind::Buffer { bytes, length_max } => {
            let mut text = String::with_capacity(bytes.len() * 2);
            hex(bytes, &mut text);
            match length_max {
                Some(length_max) => json!({"$": "ArrayBuffer", "hex": text, "maxByteLength": length_max}),
                None => json!({"$": "ArrayBuffer", "hex": text}),
            }
        }
        Kind::DomException { name, message, stack } => {
            json!({"$": "DOMException", "name": name, "message": message, "stack": stack})
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

/// `{"$": kind}`.
fn bare(kind: &str) -> Json {
    json!({"$": kind})
}

fn hole() -> Json {
    bare("hole")
}

fn reference(id: Id) -> Json {
    json!({"$": "reference", "id": id.0})
}

fn shared_json(id: Id, contents: Json) -> Json {
    json!({"$": "shared", "id": id.0, "v": contents})
}

fn number_json(number: f64) -> Json {
    let is_plain = number.is_finite() && (number != 0.0 || number.is_sign_positive());
    match is_plain {
        true if number.fract() == 0.0 && number.abs() < 9e15 => json!(number as i64),
        true => json!(number),
        false => json!({"$": "number", "v": number_text(number)}),
    }
}

fn text_json(text: &Text) -> Json {
    json!(text.to_lossy())
}

fn key_json(key: &Key) -> String {
    match key {
        Key::Text(text) => text.to_lossy().into_owned(),
        Key::Int(number) => number.to_string(),
        Key::Double(number) => number_text(*number),
    }
}
