//! One spanned tree for both configuration languages, so that every check is written once.
//!
//! JSONC and TOML both become [`Node`]s: a value and the bytes it stands in. The tree keeps what the
//! text says (order, TOML dates, keys given twice) and knows nothing of which keys exist.

use std::ops::Range;

/// A value and where it stands in the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Byte range of the value.
    pub span: Range<usize>,
    /// What stands there.
    pub value: Value,
}

/// What a [`Node`] holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// JSON's `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A finite number.
    Number(serde_json::Number),
    /// A string, escapes resolved.
    Text(String),
    /// A TOML date or time, as written; JSON has none.
    Datetime(String),
    /// A list.
    List(Vec<Node>),
    /// An object (JSON) or table (TOML), in the order of the text.
    Record(Vec<Entry>),
}

/// One key of a [`Value::Record`] with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key, escapes resolved.
    pub key: String,
    /// Byte range of the key, with its quotes.
    pub key_span: Range<usize>,
    /// The value.
    pub node: Node,
}

impl Node {
    /// An empty record at the start of the text: the configuration of a project without a file.
    pub fn empty() -> Self {
        Self { span: 0..0, value: Value::Record(Vec::new()) }
    }

    /// The entry `key` of a record; the last one when the text gives it twice, as both languages' readers
    /// in JavaScript do. None for other values.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().rev().find(|entry| entry.key == key)
    }

    /// The value of `key` of a record.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The text under `key` of a record, if it is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Node::as_text)
    }

    /// The entries of a record; empty for other values.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Record(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; empty for other values.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The string, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<&serde_json::Number> {
        match &self.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// The same value as JSON; dates become strings.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Number(number) => number.clone().into(),
            Value::Text(text) | Value::Datetime(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect(),
            Value::Record(entries) => serde_json::Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect(),
            ),
        }
    }
}

impl Value {
    /// What kind of value it is, in words for a message.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Datetime(_) => "a TOML date",
            Self::List(_) => "an array",
            Self::Record(_) => "an object",
        }
    }
}
