//! Style sheets, of which only names are left in code: `import styles from "./page.module.css"`.
//!
//! Fidelity: esbuild 0.28 with its default loaders. Any `.css` file is an empty object; a `.module.css` file gives each of its classes, ids
//! and animations a name of its own, `<file>_<name>`. Names said to be global keep theirs and are not given.

use std::path::Path;

use serde_json::{Map, Value};

/// What the style sheet `path` is as a module, in JSON.
pub(super) fn names_of_sheet(path: &str) -> std::io::Result<String> {
    let Some(stem) = path.strip_suffix(".module.css") else { return Ok("{}".to_owned()) };
    let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
    let file =
        Path::new(stem).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let prefix: String = file.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let names = names_in(&text).into_iter().map(|name| {
        let local = format!("{prefix}_{name}");
        (name, Value::String(local))
    });
    Ok(Value::Object(names.collect::<Map<_, _>>()).to_string())
}

/// The local names of `text`, in order.
fn names_in(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut prelude = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let mut length = character.len_utf8();
        match character {
            '/' if rest.starts_with("/*") => length = rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' | '\'' => {
                let end = rest[1..].find(character).map_or(rest.len(), |end| end + 2);
                length = end;
            }
            '{' => add_names(&std::mem::take(&mut prelude), &mut names),
            ';' | '}' => prelude.clear(),
            _ => prelude.push(character),
        }
        rest = &rest[length..];
    }
    names
}

/// Adds the local names of what stands before a block.
fn add_names(prelude: &str, names: &mut Vec<String>) {
    let prelude = prelude.trim();
    let mut add = |text: &str| {
        let name: String =
            text.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect();
        if !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && !names.contains(&name) {
            names.push(name);
        }
    };
    if let Some(rule) = prelude.strip_prefix('@') {
        if let Some(name) = rule.strip_prefix("keyframes ") {
            add(name.trim_start());
        }
        return;
    }
    let mut rest = prelude;
    while let Some(at) = rest.find(['.', '#', ':']) {
        let found = &rest[at..];
        if let Some(global) = found.strip_prefix(":global(") {
            rest = global.split_once(')').map_or("", |(_, rest)| rest);
            continue;
        }
        if !found.starts_with(':') {
            add(&found[1..]);
        }
        rest = &found[1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_selectors() {
        for (text, expected) in [
            (".a { color: #fff; margin: .5em }\n#b > .c-d:hover, div.a {}", "a b c-d"),
            ("/* .no {} */ .a::before { content: \".no{\" } .b { .c & {} }", "a b c"),
            ("@media (min-width: 1.5em) { .a { x: y } }\n@keyframes spin { from { } 50.5% {} }", "a spin"),
            (":global(.no) .a {}", "a"),
            ("", ""),
        ] {
            assert_eq!(names_in(text).join(" "), expected, "{text}");
        }
    }
}
