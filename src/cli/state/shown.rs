//! How stored things look, to people and to programs: times, alarms, values, rows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use unicode_width::UnicodeWidthStr;

use crate::base::clock::Timestamp;
use crate::codec::value::Kind;
use crate::codec::{self, Value};
use crate::inspect::{Alarm, KvEntry, distance, iso};
use crate::storage::SqlValue;

/// A time for programs: ISO 8601 in UTC.
pub fn time_json(time: Timestamp) -> Json {
    json!(iso(time))
}

/// An alarm for programs.
pub fn alarm_json(alarm: &Alarm) -> Json {
    json!({
        "scheduled": time_json(alarm.scheduled),
        "retry": alarm.retry.map(|retry| json!({ "due": time_json(retry.due), "count": retry.counted })),
    })
}

/// An alarm for people.
pub fn alarm_text(alarm: &Alarm, now: Timestamp) -> String {
    match alarm.retry {
        Some(retry) => format!("{} (retry {})", distance(retry.due, now), retry.counted),
        None => distance(alarm.scheduled, now),
    }
}

/// A key for programs: the value readable and exact.
pub fn entry_json(entry: &KvEntry) -> Json {
    let value = entry.value();
    json!({
        "key": entry.key,
        "value": value.as_ref().ok().map(codec::to_json),
        "size_bytes": entry.bytes.len(),
        "v8": STANDARD.encode(&entry.bytes),
        "error": value.err(),
    })
}

/// A key for people, as a cell: one without letters is seen too.
pub fn key_text(key: &str) -> String {
    if key.is_empty() { "\"\"".to_owned() } else { key.to_owned() }
}

/// A value for people, in one line.
pub fn entry_text(entry: &KvEntry) -> String {
    match entry.value() {
        Ok(value) => codec::show(&value),
        Err(reason) => format!("<{} bytes that are no value: {reason}>", entry.bytes.len()),
    }
}

/// A value over as many lines as it needs to stay within `width` columns, where it can be broken.
pub fn pretty(value: &Value, width: usize) -> String {
    let mut out = String::new();
    broken(value, width, 0, &mut out);
    out
}

fn broken(value: &Value, width: usize, indent: usize, out: &mut String) {
    let line = codec::show(value);
    let last = out.rsplit('\n').next().unwrap_or_default().width();
    // One column for the comma behind.
    if last + line.width() < width {
        return out.push_str(&line);
    }
    let Value::Object(object) = value else { return out.push_str(&line) };
    let inside = " ".repeat(indent + 2);
    let item = |out: &mut String, head: &str, value: Option<&Value>| {
        out.push('\n');
        out.push_str(&inside);
        out.push_str(head);
        // Nothing stands before the comma of a hole.
        if let Some(value) = value {
            broken(value, width, indent + 2, out);
        }
        out.push(',');
    };
    let close = match &object.kind {
        Kind::Plain(properties) => {
            out.push('{');
            for (key, value) in properties {
                item(out, &format!("{}: ", codec::show_key(key)), Some(value));
            }
            "}"
        }
        Kind::Dense { elements, properties } if properties.is_empty() => {
            out.push('[');
            elements.iter().for_each(|element| item(out, "", element.as_ref()));
            "]"
        }
        Kind::Map(entries) if !entries.is_empty() => {
            out.push_str("new Map([");
            for (key, value) in entries {
                item(out, &format!("[{}, ", codec::show(key)), Some(value));
                // The entry ends before its comma.
                out.pop();
                out.push_str("],");
            }
            "])"
        }
        Kind::Set(entries) if !entries.is_empty() => {
            out.push_str("new Set([");
            entries.iter().for_each(|entry| item(out, "", Some(entry)));
            "])"
        }
        _ => return out.push_str(&line),
    };
    out.push('\n');
    out.push_str(&" ".repeat(indent));
    out.push_str(close);
}

/// A value of a row for programs. What JSON has no word for is named as in values of keys.
pub fn sql_json(value: &SqlValue) -> Json {
    const EXACT_MAX: u64 = 1 << 53;
    match value {
        SqlValue::Null => Json::Null,
        SqlValue::Integer(number) if number.unsigned_abs() <= EXACT_MAX => json!(number),
        SqlValue::Integer(number) => json!({ "$": "bigint", "v": number.to_string() }),
        SqlValue::Real(number) if number.is_finite() => json!(number),
        SqlValue::Real(number) => codec::to_json(&Value::Double(*number)),
        SqlValue::Text(text) => json!(String::from_utf8_lossy(text)),
        SqlValue::Blob(bytes) => json!({ "$": "ArrayBuffer", "hex": hex(bytes) }),
    }
}

/// A value of a row for people.
pub fn sql_text(value: &SqlValue) -> String {
    match value {
        SqlValue::Null => "NULL".to_owned(),
        SqlValue::Integer(number) => number.to_string(),
        SqlValue::Real(number) => crate::inspect::real_text(*number),
        SqlValue::Text(text) => String::from_utf8_lossy(text).into_owned(),
        SqlValue::Blob(bytes) => format!("x'{}'", hex(bytes)),
    }
}

/// A value of a row for CSV: NULL is nothing.
pub fn sql_csv(value: &SqlValue) -> Vec<u8> {
    match value {
        SqlValue::Null => Vec::new(),
        SqlValue::Text(text) => text.clone(),
        SqlValue::Blob(bytes) => hex(bytes).into_bytes(),
        other => sql_text(other).into_bytes(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::parse_value;

    #[test]
    fn values_are_broken_where_they_do_not_fit() {
        let value =
            parse_value("{ name: 'Ada', tags: new Set(['a', 'b']), rest: [1, [2, 3], 'long enough'] }")
                .unwrap();
        assert_eq!(pretty(&value, 200), codec::show(&value));
        let expected = "\
{
  name: \"Ada\",
  tags: new Set([\"a\", \"b\"]),
  rest: [
    1,
    [2, 3],
    \"long enough\",
  ],
}";
        assert_eq!(pretty(&value, 30), expected);
        let value = parse_value("[1,,new Map([['key', { a: 'long enough', b: [1,,] }], [2, new Set([3])]])]")
            .unwrap();
        for width in [1, 10, 20, 40, 80] {
            let text = pretty(&value, width);
            let again = parse_value(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(codec::show(&again), codec::show(&value), "{text}");
        }
    }
}
