//! From JSON back to values: plain JSON, and the words that `codec::to_json` uses for what JSON lacks.
//!
//! Enough for lines that somebody wrote or edited by hand. What loses something as JSON (errors, shared objects) is
//! refused; the exact bytes stand beside it.

use serde_json::{Map, Value as Json};

use super::literal::{bigint, plain};
use super::moment::parse_date;
use crate::codec::Value;
use crate::codec::value::{Kind, Text};
use crate::codec::wire::{ViewKind, ViewPart};

/// The value that `json` means.
///
/// # Errors
/// What cannot be told from JSON.
pub fn from_json(json: &Json) -> Result<Value, String> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => Value::number(number.as_f64().unwrap_or(f64::NAN)),
        Json::String(text) => Value::text(text),
        Json::Array(elements) => {
            let element = |json: &Json| match json.get("$").and_then(Json::as_str) {
                Some("hole") => Ok(None),
                _ => from_json(json).map(Some),
            };
            let elements = elements.iter().map(element).collect::<Result<_, _>>()?;
            Value::object(Kind::Dense { elements, properties: Vec::new() })
        }
        Json::Object(members) => match members.get("$") {
            None => {
                let members = members.iter().map(|(name, json)| Ok((name.clone(), from_json(json)?)));
                plain(members.collect::<Result<_, String>>()?)
            }
            Some(kind) => {
                let kind = kind.as_str().unwrap_or_default();
                match bytes(kind, members)? {
                    Some(value) => value,
                    None => tagged(kind, members.get("v"))?,
                }
            }
        },
    })
}

/// A buffer of its own, or a view of one; `None` for anything else. Buffers that grow, and views that grow with them, are
/// nothing that one writes by hand.
fn bytes(kind: &str, members: &Map<String, Json>) -> Result<Option<Value>, String> {
    let wrong = || format!("the contents of `{kind}` cannot be read");
    if kind == "ArrayBuffer" && !members.contains_key("maxByteLength") {
        let text =
            members.get("hex").and_then(Json::as_str).filter(|text| text.is_ascii()).ok_or_else(wrong)?;
        let digits = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(digits).collect();
        let buffer = Kind::Buffer { bytes: bytes.ok_or_else(wrong)?, length_max: None };
        return Ok(Some(Value::object(buffer)));
    }
    let Some(view) = ViewKind::all().find(|view| view.class_name() == kind) else { return Ok(None) };
    let number =
        |name: &str| members.get(name).and_then(Json::as_u64).and_then(|one| u32::try_from(one).ok());
    let buffer = match members.get("buffer") {
        Some(Json::Object(buffer)) if buffer.get("$").is_some_and(|kind| kind == "ArrayBuffer") => buffer,
        _ => return Ok(None),
    };
    let size = buffer.get("hex").and_then(Json::as_str).map_or(0, |text| text.len() as u64 / 2);
    let (Some(offset_bytes), Some(length_bytes)) = (number("byteOffset"), number("byteLength")) else {
        return Ok(None);
    };
    let Some(buffer) = bytes("ArrayBuffer", buffer)? else { return Ok(None) };
    let element = view.element_bytes() as u64;
    let (offset, length) = (u64::from(offset_bytes), u64::from(length_bytes));
    if offset + length > size || offset % element != 0 || length % element != 0 {
        return Err(wrong());
    }
    let part = ViewPart { kind: view, offset_bytes, length_bytes, tracks_length: false, resizable: false };
    Ok(Some(Value::object(Kind::View { buffer, part })))
}

fn tagged(kind: &str, contents: Option<&Json>) -> Result<Value, String> {
    let text = contents.and_then(Json::as_str);
    let wrong = || format!("the contents of `{kind}` cannot be read");
    let list = || contents.and_then(Json::as_array).ok_or_else(wrong);
    Ok(match kind {
        "undefined" => Value::Undefined,
        "bigint" => Value::BigInt(text.and_then(bigint).ok_or_else(wrong)?),
        "number" => Value::Double(match text {
            Some("NaN") => f64::NAN,
            Some("Infinity") => f64::INFINITY,
            Some("-Infinity") => f64::NEG_INFINITY,
            Some("-0" | "0") => -0.0,
            _ => return Err(wrong()),
        }),
        "Date" => match contents {
            Some(Json::String(text)) => Value::object(Kind::Date(parse_date(text).ok_or_else(wrong)? as f64)),
            Some(Json::Null) => Value::object(Kind::Date(f64::NAN)),
            _ => return Err(wrong()),
        },
        "RegExp" => match text.filter(|text| text.starts_with('/')).map(super::literal::parse) {
            Some(Ok(value)) => value,
            _ => return Err(wrong()),
        },
        "String" => Value::object(Kind::BoxedString(Text::from(text.ok_or_else(wrong)?))),
        "Set" => {
            let entries = list()?.iter().map(from_json).collect::<Result<_, _>>()?;
            Value::object(Kind::Set(entries))
        }
        "Map" => {
            let pair = |json: &Json| match json.as_array().map(Vec::as_slice) {
                Some([key, value]) => Ok((from_json(key)?, from_json(value)?)),
                _ => Err(wrong()),
            };
            Value::object(Kind::Map(list()?.iter().map(pair).collect::<Result<_, _>>()?))
        }
        "object" => {
            let pair = |json: &Json| match json.as_array().map(Vec::as_slice) {
                Some([Json::String(name), value]) => Ok((name.clone(), from_json(value)?)),
                _ => Err(wrong()),
            };
            plain(list()?.iter().map(pair).collect::<Result<_, _>>()?)
        }
        other => return Err(format!("`{other}` cannot be made from JSON; give its bytes as `v8`")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::inspect::parse_value;

    #[test]
    fn what_was_shown_as_json_is_read_back() {
        for text in [
            "1.5",
            "-0",
            "NaN",
            "[1,,undefined]",
            "{ a: 'x', '$': 1 }",
            "{ 7: new Map([[1n, new Date(5)]]), s: new Set([null, true]) }",
            "new Date(NaN)",
            "/a+\\//gi",
            "new ArrayBuffer(3)",
            "[new Uint8Array([1, 255]), new Float64Array([1.5, -0])]",
        ] {
            let value = parse_value(text).unwrap();
            let back = from_json(&codec::to_json(&value)).unwrap();
            assert_eq!(codec::show(&back), codec::show(&value), "{text}");
        }
        for wrong in [
            r#"{"$":"ArrayBuffer","hex":"0"}"#,
            r#"{"$":"ArrayBuffer","hex":"xx"}"#,
            r#"{"$":"Uint16Array","buffer":{"$":"ArrayBuffer","hex":"0001"},"byteOffset":1,"byteLength":2}"#,
            r#"{"$":"Uint8Array","buffer":{"$":"ArrayBuffer","hex":"0001"},"byteOffset":1,"byteLength":2}"#,
            r#"{"$":"RegExp","v":"f()"}"#,
            r#"{"$":"Error","name":"TypeError"}"#,
        ] {
            let json: Json = serde_json::from_str(wrong).unwrap();
            assert!(from_json(&json).is_err(), "{wrong}");
        }
    }
}
