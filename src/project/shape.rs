//! What a value must look like, and the walk that compares a tree with it.
//!
//! Wrong types, missing keys and unknown keys are found here for the whole configuration at once, from
//! the table in `keys.rs`. The readers after it may then skip silently what has the wrong type: it
//! has been reported. Meaning (dates, names, classes) is not judged here.

use super::nearest::{nearest, nearest_key};
use super::report::{Language, Report};
use super::tree::{Entry, Node, Value};

/// The expected form of a value.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Anything that JSON can say.
    Any,
    /// A string.
    Text,
    /// A boolean.
    Flag,
    /// A number.
    Number,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// An array of such values.
    List(&'static Shape),
    /// An object with any keys and such values.
    Map(&'static Shape),
    /// The same, but the platform's tools take an empty array for an empty one: it is warned of.
    MapOrEmpty(&'static Shape),
    /// An object with these keys; others are warned of.
    Record(&'static [Field]),
    /// An object with these keys; others are errors.
    Strict(&'static [Field]),
    /// `null`, or such a value.
    Nullable(&'static Shape),
    /// The first of these that has the kind of the value.
    Either(&'static [Shape]),
    /// The same, but the platform's tools pass over a value of another kind: it is warned of.
    Lenient(&'static Shape),
}

/// One key of a [`Shape::Record`].
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The key.
    pub name: &'static str,
    /// The form of its value.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
}

/// A key that may be absent.
pub const fn may(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: false }
}

/// A key that must be there.
pub const fn must(name: &'static str, shape: Shape) -> Field {
    Field { name, shape, required: true }
}

impl Shape {
    /// Reports everything in `node` that differs from this shape; `path` names the node in messages.
    pub fn check(&self, report: &mut Report, path: &str, node: &Node) {
        match (self, &node.value) {
            (Self::Any, _) | (Self::Text, Value::Text(_)) | (Self::Flag, Value::Bool(_)) => {}
            (Self::Number, Value::Number(_)) | (Self::Nullable(_), Value::Null) => {}
            (Self::Nullable(inner), _) => inner.check(report, path, node),
            (Self::OneOf(choices), Value::Text(text)) => one_of(report, path, node, choices, text),
            (Self::List(item), Value::List(items)) => {
                for (index, node) in items.iter().enumerate() {
                    item.check(report, &format!("{path}[{index}]"), node);
                }
            }
            (Self::Map(value) | Self::MapOrEmpty(value), Value::Record(entries)) => {
                for entry in entries {
                    value.check(report, &format!("{path}.{}", entry.key), &entry.node);
                }
            }
            (Self::Record(fields) | Self::Strict(fields), Value::Record(entries)) => {
                let absent = fields.iter().filter(|field| field.required && node.get(field.name).is_none());
                let meant: Vec<(&Field, Option<&Entry>)> =
                    absent.map(|field| (field, misspelt(node, field, fields))).collect();
                for entry in entries {
                    // It is told with the key that is missing.
                    if meant.iter().any(|(_, other)| other.is_some_and(|other| std::ptr::eq(other, entry))) {
                        continue;
                    }
                    let below = format!("{path}.{}", entry.key);
                    match fields.iter().find(|field| field.name == entry.key) {
                        Some(field) => field.shape.check(report, &below, &entry.node),
                        None if matches!(self, Self::Strict(_)) => {
                            let message = format!("`{}` has no place in `{path}`", entry.key);
                            let added = report.error("config/unknown-key", entry.key_span.clone(), message);
                            let known: Vec<&str> = fields.iter().map(|field| field.name).collect();
                            added.help(format!("only {} may stand here", quoted(&known)));
                        }
                        None => unknown_key(report, path, entry, fields.iter().map(|field| field.name)),
                    }
                }
                for (field, misspelt) in meant {
                    missing_key(report, path, node, field, misspelt);
                }
            }
            (Self::Either(shapes), _) => match shapes.iter().find(|shape| shape.accepts_kind_of(node)) {
                Some(shape) => shape.check(report, path, node),
                None => self.wrong_type(report, path, node),
            },
            (Self::Lenient(shape), _) if shape.accepts_kind_of(node) => shape.check(report, path, node),
            (Self::Lenient(shape), _) => shape.pass_over(report, path, node),
            (Self::MapOrEmpty(_), Value::List(items)) if items.is_empty() => {
                self.pass_over(report, path, node)
            }
            (_, _) => self.wrong_type(report, path, node),
        }
    }

    fn accepts_kind_of(&self, node: &Node) -> bool {
        match (self, &node.value) {
            (Self::Any, _) => true,
            (Self::Text | Self::OneOf(_), Value::Text(_)) => true,
            (Self::Flag, Value::Bool(_)) | (Self::Number, Value::Number(_)) => true,
            (Self::List(_), Value::List(_)) => true,
            (Self::Map(_) | Self::MapOrEmpty(_) | Self::Record(_) | Self::Strict(_), Value::Record(_)) => {
                true
            }
            (Self::Nullable(inner), value) => *value == Value::Null || inner.accepts_kind_of(node),
            (Self::Either(shapes), _) => shapes.iter().any(|shape| shape.accepts_kind_of(node)),
            (Self::Lenient(inner), _) => inner.accepts_kind_of(node),
            (_, _) => false,
        }
    }

    fn kind_message(&self, path: &str, node: &Node) -> String {
        format!("`{path}` must be {}, not {}", self.describe(), node.value.kind())
    }

    /// Warns of a value of another kind, which the platform's tools pass over.
    fn pass_over(&self, report: &mut Report, path: &str, node: &Node) {
        let message = self.kind_message(path, node);
        let help = self.repair(path, node, report.language(), report.text(node));
        let added = report.warning("config/wrong-type", node.span.clone(), message);
        added.label("has no effect").help(help.unwrap_or_else(|| "remove it".to_owned()));
    }

    fn wrong_type(&self, report: &mut Report, path: &str, node: &Node) {
        let language = report.language();
        let help = self.repair(path, node, language, report.text(node));
        let added = report.error("config/wrong-type", node.span.clone(), self.kind_message(path, node));
        if let Some(help) = help {
            added.help(help);
        }
    }

    /// How `node`, which is written as `text`, becomes what is wanted.
    fn repair(&self, path: &str, node: &Node, language: Language, text: &str) -> Option<String> {
        let is_toml = language == Language::Toml;
        // A table has no text of its own that could stand somewhere else.
        let whole = if text.contains('\n') || text.starts_with('[') && is_toml { "…" } else { text };
        let short = if text.chars().count() > 24 { "…" } else { whole };
        Some(match (self, &node.value) {
            (Self::Nullable(inner) | Self::Lenient(inner), _) => {
                return inner.repair(path, node, language, text);
            }
            (Self::Text, Value::Datetime(date)) => format!("put it in quotes: \"{date}\""),
            (Self::Text | Self::OneOf(_), Value::Number(number)) => {
                format!("put it in quotes: \"{number}\"")
            }
            (Self::Text, Value::Bool(flag)) => format!("put it in quotes: \"{flag}\""),
            (Self::Flag, Value::Text(text)) if text == "true" || text == "false" => {
                format!("remove the quotes: {text}")
            }
            (Self::Flag, _) => "write true or false".to_owned(),
            (Self::Number, Value::Text(text)) if text.parse::<f64>().is_ok() => {
                format!("remove the quotes: {text}")
            }
            (Self::List(_), Value::Record(_)) if is_toml && text.starts_with('[') => {
                format!("write [[{path}]], one for each, instead of [{path}]")
            }
            (Self::List(_), Value::Record(_) | Value::Text(_)) => {
                format!("put the value in square brackets: [{short}]")
            }
            (Self::Map(_) | Self::MapOrEmpty(_), _) => match language {
                Language::Json => "write { \"NAME\": value }".to_owned(),
                Language::Toml => format!("write [{path}], and NAME = value below it"),
            },
            (Self::Record(fields) | Self::Strict(fields), _) => {
                let field = fields.iter().find(|field| field.shape.accepts_kind_of(node))?;
                match (language, &node.value) {
                    (Language::Json, _) => format!("write {{ \"{}\": {short} }}", field.name),
                    (Language::Toml, Value::List(_)) => format!("write [[{path}.{}]]", field.name),
                    (Language::Toml, _) => format!("write {path} = {{ {} = {short} }}", field.name),
                }
            }
            (_, _) => return None,
        })
    }

    fn describe(&self) -> String {
        match self {
            Self::Any => "a value".into(),
            Self::Text => "a string".into(),
            Self::Flag => "a boolean".into(),
            Self::Number => "a number".into(),
            Self::OneOf(choices) => format!("one of {}", quoted(choices)),
            Self::List(item) => match item {
                Self::Text => "an array of strings".into(),
                Self::Record(_) => "an array of objects".into(),
                _ => "an array".into(),
            },
            Self::Map(_) | Self::MapOrEmpty(_) | Self::Record(_) | Self::Strict(_) => "an object".into(),
            Self::Nullable(inner) | Self::Lenient(inner) => inner.describe(),
            Self::Either(shapes) => shapes.iter().map(Shape::describe).collect::<Vec<_>>().join(" or "),
        }
    }
}

/// Reports the key of `entry` as unknown in `path` (empty at the top level), with the nearest of `known`.
pub fn unknown_key(
    report: &mut Report,
    path: &str,
    entry: &Entry,
    known: impl Iterator<Item = &'static str> + Clone,
) {
    let place = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
    let message = format!("unknown key `{}`{place}", entry.key);
    let added = report.warning("config/unknown-key", entry.key_span.clone(), message);
    match nearest_key(&entry.key, known) {
        Some(known) => added.help(format!("did you mean `{known}`?")),
        None => added.help("it has no effect; remove it"),
    };
}

/// What other lists of bindings call the same thing.
const OTHER_NAMES: &[(&str, &str)] = &[("name", "binding"), ("binding", "name")];

/// The entry of `node` that was meant to be `field`, by its key.
fn misspelt<'a>(node: &'a Node, field: &Field, fields: &[Field]) -> Option<&'a Entry> {
    let unknown = node.entries().iter().filter(|entry| fields.iter().all(|field| field.name != entry.key));
    let names = |entry: &Entry| {
        nearest_key(&entry.key, [field.name]).is_some()
            || OTHER_NAMES.contains(&(field.name, entry.key.as_str()))
    };
    unknown.into_iter().find(|entry| names(entry))
}

fn missing_key(report: &mut Report, path: &str, node: &Node, field: &Field, misspelt: Option<&Entry>) {
    let (span, help) = match misspelt {
        Some(entry) => (entry.key_span.clone(), format!("rename `{}` to `{}`", entry.key, field.name)),
        None => (node.span.clone(), example(report.language(), field)),
    };
    report.error("config/missing-key", span, format!("`{path}` needs `{}`", field.name)).help(help);
}

fn example(language: Language, field: &Field) -> String {
    let value = match field.shape {
        Shape::Text => "\"…\"".to_owned(),
        Shape::OneOf(choices) => format!("\"{}\"", choices[0]),
        Shape::List(_) => "[…]".to_owned(),
        _ => return format!("add `{}`, {}", field.name, field.shape.describe()),
    };
    match language {
        Language::Json => format!("add \"{}\": {value}", field.name),
        Language::Toml => format!("add {} = {value}", field.name),
    }
}

fn one_of(report: &mut Report, path: &str, node: &Node, choices: &'static [&'static str], text: &str) {
    if choices.contains(&text) {
        return;
    }
    let message = format!("`{path}` must be one of {}, not `{text}`", quoted(choices));
    let added = report.error("config/bad-value", node.span.clone(), message);
    if let Some(choice) = nearest(text, choices.iter().copied()) {
        added.help(format!("did you mean `{choice}`?"));
    }
}

fn quoted(choices: &[&str]) -> String {
    choices.iter().map(|choice| format!("`{choice}`")).collect::<Vec<_>>().join(", ")
}
