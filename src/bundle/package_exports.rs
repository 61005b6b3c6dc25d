//! What a package's `exports` say of a path, as esbuild reads them.
//!
//! rolldown's resolver is more generous: it goes on where a condition gives `null`, and looks for endings that the target does not
//! have. Packages that rely on either cannot be deployed.
//!
//! Fidelity: Node's `PACKAGE_TARGET_RESOLVE`. What it calls invalid, and directories, are left to rolldown.

use std::borrow::Cow;
use std::fmt::{self, Formatter};

use serde::de::value::SeqAccessDeserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as _, Deserializer};
use serde_json::{Map, Value};

/// What `exports` give for a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// The file at this path, relative to the package.
    File(String),
    /// Nothing, for this condition gives `null`; without one it is the path itself.
    Closed(Option<String>),
    /// Nothing that matches.
    Nothing,
    /// What is not judged here.
    Unknown,
}

/// The target of `path`, which is `.` or begins with `./`.
pub(super) fn target_of(exports: &Value, path: &str, conditions: &[&str]) -> Target {
    let paths = exports.as_object().filter(|fields| fields.keys().any(|key| key.starts_with('.')));
    let Some(paths) = paths else {
        return match path {
            "." => choose(exports, "", conditions, None),
            _ => Target::Nothing,
        };
    };
    if let Some(value) = paths.get(path).filter(|_| !path.contains('*') && !path.ends_with('/')) {
        return choose(value, "", conditions, None);
    }
    let matching = paths.iter().filter_map(|(key, value)| {
        let (before, after) = key.split_once('*')?;
        let middle = path.strip_prefix(before)?.strip_suffix(after).filter(|middle| !middle.is_empty())?;
        Some((before.len(), key.len(), value, middle))
    });
    match matching.max_by_key(|(before, length, ..)| (*before, *length)) {
        Some((.., value, middle)) => choose(value, middle, conditions, None),
        None if paths.keys().any(|key| key.ends_with('/')) => Target::Unknown,
        None => Target::Nothing,
    }
}

/// What `value` gives, with `middle` in the place of each `*`; it stands under the condition `under`.
fn choose(value: &Value, middle: &str, conditions: &[&str], under: Option<&str>) -> Target {
    match value {
        Value::String(path) => {
            let inside = path.strip_prefix("./").filter(|rest| !rest.is_empty() && !rest.ends_with('/'));
            match inside.map(|rest| rest.replace('*', middle)) {
                Some(rest)
                    if rest.split('/').all(|part| !matches!(part, "" | "." | ".." | "node_modules")) =>
                {
                    Target::File(rest)
                }
                _ => Target::Unknown,
            }
        }
        Value::Object(fields) => fields
            .iter()
            .filter(|(condition, _)| *condition == "default" || conditions.contains(&condition.as_str()))
            .map(|(condition, value)| choose(value, middle, conditions, Some(condition)))
            .find(|target| *target != Target::Nothing)
            .unwrap_or(Target::Nothing),
        // What is invalid is passed over, and who can say what is.
        Value::Array(_) => Target::Unknown,
        Value::Null => Target::Closed(under.map(str::to_owned)),
        Value::Bool(_) | Value::Number(_) => Target::Unknown,
    }
}

/// The field `exports` of the package.json `text`, without what it says of other paths than `path`: a large package has thousands
/// of lines of it.
pub(super) fn exports_about(text: &[u8], path: &str) -> Option<Value> {
    Description(path).deserialize(&mut serde_json::Deserializer::from_slice(text)).ok()?
}

/// A description of which `exports` are read.
struct Description<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Description<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Description<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a description of a package")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut exports = None;
        while let Some(key) = entries.next_key::<Cow<'de, str>>()? {
            if key == "exports" {
                exports = Some(entries.next_value_seed(Exports(self.0))?);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(exports)
    }
}

/// What `exports` may say of a path.
struct Exports<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Exports<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Exports<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("what a package exports")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        let mut passed_over = None;
        while let Some(key) = entries.next_key::<Cow<'de, str>>()? {
            if key == self.0 || !key.starts_with('.') || key.contains('*') || key.ends_with('/') {
                kept.insert(key.into_owned(), entries.next_value()?);
            } else {
                entries.next_value::<IgnoredAny>()?;
                passed_over.get_or_insert(key);
            }
        }
        // One path tells that these are paths, not conditions.
        kept.extend(passed_over.map(|key| (key.into_owned(), Value::Null)));
        Ok(Value::Object(kept))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Value, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(items))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn targets_are_those_of_node() {
        let file = |path: &str| Target::File(path.to_owned());
        let closed = |condition: &str| Target::Closed(Some(condition.to_owned()));
        for (exports, path, expected) in [
            (json!("./a.js"), ".", file("a.js")),
            (json!("./a.js"), "./b", Target::Nothing),
            (json!({"node": "./n.js", "import": "./i.js"}), ".", file("i.js")),
            (json!({".": {"worker": null, "default": "./a.js"}}), ".", closed("worker")),
            (json!({".": {"node": null, "default": "./a.js"}}), ".", file("a.js")),
            (json!({".": {"import": {"node": "./n.js"}, "default": "./a.js"}}), ".", file("a.js")),
            (json!({".": {"import": {"worker": null}, "default": "./a.js"}}), ".", closed("worker")),
            (json!({".": null}), ".", Target::Closed(None)),
            (json!({"./*": "./lib/*.js"}), "./a/b", file("lib/a/b.js")),
            (json!({"./*": "./lib/*.js", "./a/*": "./own/*.js"}), "./a/b", file("own/b.js")),
            (json!({"./*": "./lib/*.js", "./a": "./a.js"}), "./a", file("a.js")),
            (json!({"./*.js": "./lib/*.js"}), "./a", Target::Nothing),
            (json!({"./lib/": "./lib/"}), "./lib/a.js", Target::Unknown),
            (json!({"./b": "./b.js", "./c": "./c.js"}), ".", Target::Nothing),
            (json!({"./b": "./b.js", "./c": "./c.js"}), "./c", file("c.js")),
            (json!({".": ["./a.js"]}), ".", Target::Unknown),
            (json!({".": "./lib/"}), ".", Target::Unknown),
            (json!({".": "./../a.js"}), ".", Target::Unknown),
            (json!({".": "a.js"}), ".", Target::Unknown),
        ] {
            let conditions = ["worker", "import"];
            assert_eq!(target_of(&exports, path, &conditions), expected, "{exports} {path}");
            let text = json!({ "name": "p", "exports": exports, "files": ["a", 1] }).to_string();
            let about = exports_about(text.as_bytes(), path).expect("it has exports");
            assert_eq!(target_of(&about, path, &conditions), expected, "{about} {path}");
        }
    }
    #[test]
    fn descriptions_without_exports_say_nothing_of_them() {
        for text in ["{}", "[]", "", r#"{ "main": "exports" }"#, r#"{ "exports": 1 }"#] {
            assert_eq!(exports_about(text.as_bytes(), "."), None, "{text}");
        }
    }
}
