//! From JSON back to values: plain JSON, and the words that `codec::to_json` uses for what JSON lacks.
//!
//! Enough for lines that somebody wrote or edited by hand. What loses something as JSON (views, errors, shared
//! objects) is refused; the exact bytes stand beside it.

use serde_json::Value as Json;

use super::literal::{bigint, plain};
use super::moment::parse_date;
use crate::codec::Value;
use crate::codec::value::{Kind, Text};

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
            Some(kind) => tagged(kind.as_str().unwrap_or_default(), members.get("v"))?,
        },
    })
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
        ] {
            let value = parse_value(text).unwrap();
            let back = from_json(&codec::to_json(&value)).unwrap();
            assert_eq!(codec::show(&back), codec::show(&value), "{text}");
        }
        let view = codec::to_json(&parse_value("new Uint8Array([1])").unwrap());
        assert!(from_json(&view).unwrap_err().contains("`v8`"));
    }
}
