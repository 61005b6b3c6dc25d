//! What a package's `exports` say of a path, as esbuild reads them.
//!
//! rolldown's resolver is more generous: it goes on where a condition gives `null`, and looks for endings that the target does not
//! have. Packages that rely on either cannot be deployed.
//!
//! Fidelity: Node's `PACKAGE_TARGET_RESOLVE`. What it calls invalid, and directories, are left to rolldown.

use serde_json::Value;

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
            (json!({".": ["./a.js"]}), ".", Target::Unknown),
            (json!({".": "./lib/"}), ".", Target::Unknown),
            (json!({".": "./../a.js"}), ".", Target::Unknown),
            (json!({".": "a.js"}), ".", Target::Unknown),
        ] {
            assert_eq!(target_of(&exports, path, &["worker", "import"]), expected, "{exports} {path}");
        }
    }
}
