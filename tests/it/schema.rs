//! Checks JSON against the schemas of an OpenAPI description, as far as the control API's uses them.

use serde_json::{Map, Value};

/// What is wrong with `value` by `schema`, where `description` has the schemas that are referred to; every member of an
/// object must be described.
pub fn mistakes(description: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(description, schema, value, "it", &mut found);
    found
}

fn check(description: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.trim_start_matches('#');
        let target = description.pointer(pointer).unwrap_or_else(|| panic!("{name} is not there"));
        return check(description, target, value, place, found);
    }
    if let Some(all) = schema["anyOf"].as_array() {
        let fits = all.iter().any(|one| mistakes(description, one, value).is_empty());
        if !fits {
            found.push(format!("{place} fits nothing of {schema}: {value}"));
        }
        return;
    }
    if let Some(values) = schema["enum"].as_array() {
        if !values.contains(value) {
            found.push(format!("{place} is {value}, not of {schema}"));
        }
        return;
    }
    let fits = match schema["type"].as_str() {
        None => true,
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some(other) => panic!("schemas do not use `{other}`"),
    };
    if !fits {
        return found.push(format!("{place} is {value}, not {schema}"));
    }
    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
        check(description, &schema["items"], element, &format!("{place}[{index}]"), found);
    }
    if let (Some(members), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        check_members(description, known, members, place, found);
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            found.push(format!("{place} has no `{name}`"));
        }
    }
}

fn check_members(
    description: &Value,
    known: &Map<String, Value>,
    members: &Map<String, Value>,
    place: &str,
    found: &mut Vec<String>,
) {
    for (name, member) in members {
        match known.get(name) {
            Some(schema) => check(description, schema, member, &format!("{place}.{name}"), found),
            None => found.push(format!("{place}.{name} is not described")),
        }
    }
}
