//! Checks `define`: names that code can have, and texts that can stand for them.
//!
//! Fidelity: esbuild 0.28, which builds for wrangler 4.164.0, takes a name with dots, or a value as JSON has
//! it (with `undefined`, `NaN`, `Infinity`, big integers and single quotes besides); nothing is computed.

use super::overlay::Layers;
use super::report::{Language, Report};
use crate::base::diag::Diagnostic;

/// Words that cannot be names.
const KEYWORDS: &[&str] = &[
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "export",
    "extends",
    "finally",
    "for",
    "function",
    "if",
    "in",
    "instanceof",
    "new",
    "return",
    "super",
    "switch",
    "throw",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
];

/// Reports everything in `define` that no code can be made of; `given` are those of the command line.
pub fn check(report: &mut Report, layers: &Layers<'_>, given: &[(String, String)]) {
    for (name, text) in given {
        if let Some((message, help)) = wrong(name, text, Language::Toml) {
            report.push(Diagnostic::error("config/bad-define", message)).help(help);
        }
    }
    let Some(found) = layers.find("define") else { return };
    for entry in found.entry.node.entries() {
        let Some(text) = entry.node.as_text() else { continue };
        let overridden = given.iter().any(|(name, _)| *name == entry.key);
        if let (Some((message, help)), false) = (wrong(&entry.key, text, report.language()), overridden) {
            let span = if is_name(&entry.key) { &entry.node.span } else { &entry.key_span };
            report.error("config/bad-define", span.clone(), message).help(help);
        }
    }
}

/// Reports names of functions for JSX that no code can have; `given` are the keys that the command line sets.
pub fn check_jsx(report: &mut Report, layers: &Layers<'_>, given: &[&str]) {
    for key in ["jsx_factory", "jsx_fragment"] {
        let Some(found) = layers.find(key).filter(|_| !given.contains(&key)) else { continue };
        let Some(text) = found.entry.node.as_text() else { continue };
        let fits = is_name(text) || (key == "jsx_fragment" && is_value(text));
        if !fits {
            let message = format!("`{text}` cannot be the `{key}`");
            let added = report.error("config/bad-value", found.entry.node.span.clone(), message);
            added.help("give a name that the code has, perhaps with dots between, as `React.createElement`");
        }
    }
}

/// What is wrong with the definition of `name`, and what to do.
fn wrong(name: &str, text: &str, language: Language) -> Option<(String, String)> {
    if !is_name(name) && !name.is_empty() {
        let help = "names are identifiers, perhaps with dots between them, as `process.env.MODE`";
        return Some((format!("`{name}` of `define` is no name that code can have"), help.into()));
    }
    if is_value(text) {
        return None;
    }
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let help = match language {
        Language::Json => serde_json::to_string(&quoted).unwrap_or_default(),
        Language::Toml => format!("'{quoted}'"),
    };
    let message = format!("`{text}` is no value that can stand for `{name}`");
    let help = format!("it is a name or a value in JavaScript; text needs quotes of its own: {help}");
    Some((message, help))
}

/// Whether `text` is an identifier, or several with dots between them.
fn is_name(text: &str) -> bool {
    let is_word = |word: &str| {
        word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
            && word.chars().next().is_some_and(|c| !c.is_ascii_digit())
    };
    let first = text.split('.').next().unwrap_or_default();
    let starts_well = !KEYWORDS.contains(&first) && (first != "import" || text.starts_with("import.meta"));
    starts_well && text.split('.').all(is_word)
}

fn is_value(text: &str) -> bool {
    let text = without_comments(text);
    let text = text.trim();
    let digits = text.strip_prefix('-').unwrap_or(text).strip_suffix('n');
    let is_big = digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|byte| byte.is_ascii_digit()));
    let single = text.len() > 1 && text.starts_with('\'') && text.ends_with('\'');
    let is_single = single && !text[1..text.len() - 1].contains(['\'', '\n']);
    // The trailing comma of a list or object is the one liberty that JSON does not take.
    let relaxed = text.replace(",]", "]").replace(",}", "}");
    is_name(text) || is_big || is_single || is_json(text) || is_json(&relaxed)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// `text` without a comment before or after it.
fn without_comments(text: &str) -> String {
    let text = text.trim();
    let text = match text.strip_prefix("/*").and_then(|rest| rest.split_once("*/")) {
        Some((_, rest)) => rest,
        None => text,
    };
    if is_json(text.trim()) {
        return text.to_owned();
    }
    let end = text.rfind("//").or_else(|| text.rfind("/*")).unwrap_or(text.len());
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_that_the_platforms_bundler_takes() {
        for text in [
            "1",
            "-1",
            "1.5",
            "'a'",
            "\"a\"",
            "a",
            "a.b.c",
            "this",
            "import.meta.env",
            "null",
            "undefined",
            "true",
            "Infinity",
            "[1,2]",
            "{\"a\":1}",
            "[1,]",
            "1n",
            "  1 ",
            "\"a\" //c",
            "/*c*/ 1",
            "process.env.X",
            "\"http://x\"",
        ] {
            assert!(is_value(text), "{text}");
        }
        for text in [
            "`a`",
            "-Infinity",
            "{a:1}",
            "/x/",
            "1+2",
            "f()",
            "not valid js +",
            "1.2.3",
            "",
            "new Date()",
            "0x10",
            "1_000",
            "a b",
            "if",
            "void 0",
            "-x",
            "!0",
            "[a]",
            ".5",
            "a[0]",
            "hello-world",
            "https://x.y",
            "v1.2",
        ] {
            assert!(!is_value(text), "{text}");
        }
        for name in ["a", "a.b", "import.meta", "a.if", "é", "globalThis.X"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["a-b", "1a", "a..b", "if", "new.target", "a b", "a[0]", "\"a\"", "class"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
