//! Compares an answer with the recorded one.
//!
//! Pure functions over JSON. `{"$any": true}` stands for anything, `{"$oneOf": [...]}` for alternatives;
//! everything else has to be equal, error texts too. Addresses and error references, which differ from run
//! to run, are replaced before.

use serde_json::{Map, Value};

/// Differences shown per case; more of them would bury the first.
pub const DIFFERENCES_MAX: usize = 12;
/// Characters of one value in a difference.
const SHOWN_MAX: usize = 300;

/// Replaces the server's address by `HOST` and error references by `REF`, in all strings.
pub fn scrub(value: Value, port: u16) -> Value {
    match value {
        Value::String(text) => Value::String(scrub_text(&text, port)),
        Value::Array(items) => items.into_iter().map(|item| scrub(item, port)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, item)| (key, scrub(item, port))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn scrub_text(text: &str, port: u16) -> String {
    let mut text = text.to_owned();
    for host in ["127.0.0.1", "localhost"] {
        text = replace_word(&text, &format!("{host}:{port}"), 0, "HOST");
    }
    replace_word(&text, "reference = ", usize::MAX, "reference = REF")
}

/// Replaces `start` and up to `more` word characters after it, when no further word character follows.
fn replace_word(text: &str, start: &str, more: usize, replacement: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(start) {
        let after = &rest[at + start.len()..];
        let word = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
        let fits = word <= more && (more == 0 || word > 0);
        out += &rest[..at];
        out += if fits { replacement } else { start };
        rest = if fits { &after[word..] } else { after };
    }
    out + rest
}

/// Puts items into an order that does not depend on when they arrived.
pub fn sorted(items: Vec<Value>) -> Vec<Value> {
    let mut keyed: Vec<(String, Value)> = items.into_iter().map(|item| (canonical(&item), item)).collect();
    keyed.sort_by(|a, b| a.0.cmp(&b.0));
    keyed.into_iter().map(|(_, item)| item).collect()
}

/// The value as text with sorted keys.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut parts: Vec<String> =
                fields.iter().map(|(key, item)| format!("{key:?}: {}", canonical(item))).collect();
            parts.sort();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", parts.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// Lists the differences, each with its place; empty when `got` is what is wanted.
pub fn differences(wanted: &Value, got: &Value, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    compare(wanted, got, place, &mut found);
    found
}

fn compare(wanted: &Value, got: &Value, place: &str, found: &mut Vec<String>) {
    if found.len() >= DIFFERENCES_MAX {
        return;
    }
    if let Some(fields) = wanted.as_object() {
        if fields.get("$any") == Some(&Value::Bool(true)) {
            return;
        }
        if let (Some(Value::Array(choices)), 1) = (fields.get("$oneOf"), fields.len()) {
            if !choices.iter().any(|choice| differences(choice, got, place).is_empty()) {
                found.push(format!(
                    "{}: want one of {} got {}",
                    shown_place(place),
                    list(choices),
                    show(got)
                ));
            }
            return;
        }
    }
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => compare_fields(wanted, got, place, found),
        (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => {
            for (at, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                compare(wanted, got, &format!("{place}[{at}]"), found);
            }
        }
        (Value::Number(wanted), Value::Number(got)) if wanted == got || wanted.as_f64() == got.as_f64() => {}
        _ if wanted == got => {}
        _ => found.push(format!("{}: want {} got {}", shown_place(place), show(wanted), show(got))),
    }
}

fn compare_fields(
    wanted: &Map<String, Value>,
    got: &Map<String, Value>,
    place: &str,
    found: &mut Vec<String>,
) {
    for (key, wanted) in wanted {
        match got.get(key) {
            Some(got) => compare(wanted, got, &format!("{place}.{key}"), found),
            None => found.push(format!("{place}.{key}: missing, want {}", show(wanted))),
        }
    }
    for (key, got) in got {
        if !wanted.contains_key(key) {
            found.push(format!("{place}.{key}: unexpected {}", show(got)));
        }
    }
}

fn shown_place(place: &str) -> &str {
    if place.is_empty() { "." } else { place }
}

fn list(choices: &[Value]) -> String {
    show(&Value::Array(choices.to_vec()))
}

/// The value as JSON, cut where it gets too long to read.
fn show(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

mod tests {
    use serde_json::json;

    use super::*;

    fn check(wanted: Value, got: Value, expected: &[&str]) {
        assert_eq!(differences(&wanted, &got, ""), expected);
    }

    #[test]
    fn differences_name_the_place() {
        check(json!({"a": [1, 2.0]}), json!({"a": [1.0, 2]}), &[]);
        check(json!({"a": [1, 2]}), json!({"a": [1, 3]}), &[".a[1]: want 2 got 3"]);
        check(json!([1]), json!([1, 2]), &[".: want [1] got [1,2]"]);
        check(json!(1), json!(true), &[".: want 1 got true"]);
        check(json!({"a": null}), json!({"b": 1}), &[".a: missing, want null", ".b: unexpected 1"]);
    }

    #[test]
    fn wildcards_and_alternatives() {
        check(json!({"a": {"$any": true}}), json!({"a": [1]}), &[]);
        check(json!({"a": {"$any": true}}), json!({}), &[".a: missing, want {\"$any\":true}"]);
        check(json!({"$oneOf": [1, {"x": {"$any": true}}]}), json!({"x": 9}), &[]);
        check(json!({"$oneOf": [1, 2]}), json!(3), &[".: want one of [1,2] got 3"]);
    }

    #[test]
    fn addresses_and_references_are_replaced() {
        let check = |text: &str, expected: &str| assert_eq!(scrub(json!([text]), 80), json!([expected]));
        check("http://127.0.0.1:80/x localhost:80", "http://HOST/x HOST");
        check("127.0.0.1:8080", "127.0.0.1:8080");
        check("internal error; reference = 1ab_2.", "internal error; reference = REF.");
        check("reference = ", "reference = ");
    }

    #[test]
    fn sorting_ignores_the_order_of_arrival_and_of_keys() {
        let one = sorted(vec![json!({"b": 1, "a": 2}), json!("x")]);
        let other = sorted(vec![json!("x"), json!({"a": 2, "b": 1})]);
        assert_eq!(one, other);
    }
}
