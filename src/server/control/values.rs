//! Values between JSON and V8's serialization, in which objects store them.
//!
//! Out, a value is its JSON form (`codec::to_json`) and its exact bytes. In, it is either: what JSON has stays as it is,
//! and of the tagged forms those are understood that a person would write; everything else comes as bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use crate::codec::value::{BigInt, Key, Kind};
use crate::codec::{Value, read, to_json, write};
use crate::storage::SqlValue;

/// Deepest nesting of a value that is given as JSON. The parser's own limit is lower.
const DEPTH: usize = 512;

/// `{"value": …, "v8": "<base64>"}`; `value` is absent and `unreadable` says why when the bytes are no data.
pub fn stored(bytes: &[u8]) -> Map<String, Json> {
    let mut shown = Map::new();
    match read(bytes) {
        Ok((value, _)) => shown.insert("value".to_owned(), to_json(&value)),
        Err(error) => shown.insert("unreadable".to_owned(), error.to_string().into()),
    };
    shown.insert("v8".to_owned(), STANDARD.encode(bytes).into());
    shown
}

/// Bytes from base64.
///
/// # Errors
/// A sentence.
pub fn bytes(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| format!("this is no base64: {error}"))
}

/// Serialized bytes that were given as base64, checked to be one value.
///
/// # Errors
/// A sentence.
pub fn serialized(text: &str) -> Result<Vec<u8>, String> {
    let bytes = bytes(text)?;
    match read(&bytes) {
        Ok((_, used)) if used == bytes.len() => Ok(bytes),
        Ok(_) => Err("the serialized value has bytes after its end".to_owned()),
        Err(error) => Err(format!("the bytes are no serialized value: {error}")),
    }
}

/// Serializes what JSON says.
///
/// # Errors
/// A sentence.
pub fn from_json(json: &Json) -> Result<Vec<u8>, String> {
    let value = value(json, DEPTH)?;
    write(&value).map_err(|error| error.to_string())
}

fn value(json: &Json, depth: usize) -> Result<Value, String> {
    let depth = depth.checked_sub(1).ok_or("the value is nested too deeply")?;
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(yes) => Value::Bool(*yes),
        Json::Number(number) => Value::number(number.as_f64().ok_or("a number is too large")?),
        Json::String(text) => Value::text(text),
        Json::Array(elements) => {
            let elements = elements.iter().map(|e| value(e, depth).map(Some)).collect::<Result<_, _>>()?;
            Value::object(Kind::Dense { elements, properties: Vec::new() })
        }
        Json::Object(object) => match object.get("$").map(Json::as_str) {
            None => Value::object(Kind::Plain(properties(object.iter(), depth)?)),
            Some(Some(tag)) => tagged(tag, object.get("v"), depth)?,
            Some(None) => return Err("the tag `$` is text".to_owned()),
        },
    })
}

fn properties<'a>(
    pairs: impl Iterator<Item = (&'a String, &'a Json)>,
    depth: usize,
) -> Result<Vec<(Key, Value)>, String> {
    pairs.map(|(key, json)| Ok((Key::Text(key.as_str().into()), value(json, depth)?))).collect()
}

fn tagged(tag: &str, contents: Option<&Json>, depth: usize) -> Result<Value, String> {
    let wrong = || format!("`{tag}` needs other contents in `v`");
    let text = || contents.and_then(Json::as_str).ok_or_else(wrong);
    let list = || contents.and_then(Json::as_array).ok_or_else(wrong);
    let pair = |json: &Json| match json.as_array().map(Vec::as_slice) {
        Some([a, b]) => Ok((value(a, depth)?, value(b, depth)?)),
        _ => Err(wrong()),
    };
    Ok(match tag {
        "undefined" => Value::Undefined,
        "number" => match text()? {
            "NaN" => Value::Double(f64::NAN),
            "Infinity" => Value::Double(f64::INFINITY),
            "-Infinity" => Value::Double(f64::NEG_INFINITY),
            "-0" => Value::Double(-0.0),
            _ => return Err(wrong()),
        },
        "bigint" => {
            let text = text()?;
            let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
            let number: u128 = digits.parse().map_err(|_| wrong())?;
            Value::BigInt(BigInt::new(negative && number > 0, number.to_le_bytes().to_vec()))
        }
        "Map" => Value::object(Kind::Map(list()?.iter().map(pair).collect::<Result<_, _>>()?)),
        "Set" => {
            let elements = list()?.iter().map(|json| value(json, depth)).collect::<Result<_, _>>()?;
            Value::object(Kind::Set(elements))
        }
        "object" => {
            let named = list()?.iter().map(|json| match json.as_array().map(Vec::as_slice) {
                Some([Json::String(name), json]) => {
                    Ok((Key::Text(name.as_str().into()), value(json, depth)?))
                }
                _ => Err(wrong()),
            });
            Value::object(Kind::Plain(named.collect::<Result<_, _>>()?))
        }
        _ => return Err(format!("`{tag}` cannot be given as JSON: give the serialized bytes as `v8`")),
    })
}

/// A column of a row: null, number, text; `{"base64": …}` for bytes, and a tagged form for large integers.
pub fn from_sql(value: &SqlValue) -> Json {
    match value {
        SqlValue::Null => Json::Null,
        SqlValue::Integer(number) if number.unsigned_abs() <= 1 << 53 => json!(number),
        SqlValue::Integer(number) => json!({ "$": "bigint", "v": number.to_string() }),
        SqlValue::Real(number) if number.is_finite() => json!(number),
        SqlValue::Real(number) => {
            let text = if *number > 0.0 { "Infinity" } else { "-Infinity" };
            json!({ "$": "number", "v": text })
        }
        SqlValue::Text(text) => String::from_utf8_lossy(text).into(),
        SqlValue::Blob(bytes) => json!({ "base64": STANDARD.encode(bytes) }),
    }
}

/// A parameter of a statement, converted as the platform converts bindings: numbers are REAL.
///
/// # Errors
/// A sentence.
pub fn to_sql(json: &Json) -> Result<SqlValue, String> {
    match json {
        Json::Null => Ok(SqlValue::Null),
        Json::Bool(yes) => Ok(SqlValue::from(if *yes { "true" } else { "false" })),
        Json::Number(number) => {
            number.as_f64().map(SqlValue::Real).ok_or_else(|| "a number is too large".into())
        }
        Json::String(text) => Ok(SqlValue::from(text.as_str())),
        Json::Object(object) if object.len() == 1 => match object.get("base64").and_then(Json::as_str) {
            Some(text) => bytes(text).map(SqlValue::Blob),
            None => Err("a parameter is null, a number, text, or {\"base64\": …}".to_owned()),
        },
        Json::Array(_) | Json::Object(_) => {
            Err("a parameter is null, a number, text, or {\"base64\": …}".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_json() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::from),
            any::<i32>().prop_map(Json::from),
            "[a-zäß𝄞$ ]{0,6}".prop_map(Json::from),
            "-?[1-9][0-9]{0,30}".prop_map(|digits| json!({ "$": "bigint", "v": digits })),
            Just(json!({ "$": "undefined" })),
            Just(json!({ "$": "number", "v": "-Infinity" })),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
                prop::collection::vec(inner.clone(), 0..5).prop_map(|list| json!({ "$": "Set", "v": list })),
                prop::collection::vec((inner.clone(), inner.clone()), 0..4)
                    .prop_map(|list| json!({ "$": "Map", "v": list })),
                prop::collection::btree_map("[a-z]{1,4}", inner, 0..5)
                    .prop_map(|map| Json::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_json_says_comes_back(json in any_json()) {
            let bytes = from_json(&json).map_err(TestCaseError::fail)?;
            prop_assert_eq!(stored(&bytes).remove("value"), Some(json));
            prop_assert_eq!(serialized(&STANDARD.encode(&bytes)), Ok(bytes));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for json in [
            json!({ "$": "Date", "v": "2026-01-01" }),
            json!({ "$": 1 }),
            json!({ "$": "bigint", "v": "x" }),
            json!({ "$": "Map", "v": [[1]] }),
            json!([{ "$": "object", "v": [[1, 2]] }]),
        ] {
            assert!(from_json(&json).is_err(), "{json}");
        }
        assert!(serialized("AA==").is_err());
        assert!(serialized("!").is_err());
        assert!(serialized(&STANDARD.encode(b"\xff\x0fTT")).is_err(), "bytes after the end");
        assert!(to_sql(&json!([1])).is_err());
    }
}
