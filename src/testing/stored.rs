//! What an object stores under keys, and values that a test gives.

use http::Method;
use serde_json::{Value as Json, json};

use super::control::{decode, encode, part};
use super::failure::TestError;
use super::object::Object;
use crate::codec::Value;
use crate::codec::value::Kind;
use crate::inspect::value_from_json;

/// A value that a test gives: a [`Value`], or JSON, in which what JSON lacks is written as `codec::to_json` does
/// (`{"$": "Date", "v": "2027-01-01T00:00:00.000Z"}`).
pub struct Argument(Result<Value, String>);

/// No arguments.
pub const NONE: [Value; 0] = [];

impl From<Value> for Argument {
    fn from(value: Value) -> Self {
        Self(Ok(value))
    }
}

impl From<Json> for Argument {
    fn from(json: Json) -> Self {
        Self(value_from_json(&json))
    }
}

impl Argument {
    fn value(self) -> Result<Value, TestError> {
        self.0.map_err(TestError::NotData)
    }
}

/// The array of these arguments.
pub(super) fn array<A: Into<Argument>>(args: impl IntoIterator<Item = A>) -> Result<Value, TestError> {
    let elements = args.into_iter().map(|argument| argument.into().value().map(Some));
    let elements = elements.collect::<Result<_, _>>()?;
    Ok(Value::object(Kind::Dense { elements, properties: Vec::new() }))
}

/// Which keys are listed, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Only keys that begin so.
    pub prefix: Option<String>,
    /// From this key on.
    pub start: Option<String>,
    /// From the key after this one on.
    pub start_after: Option<String>,
    /// Up to, and without, this key.
    pub end: Option<String>,
    /// The last key first.
    pub reverse: bool,
    /// At most so many.
    pub limit: Option<usize>,
}

/// What an object stores under keys. Made by [`Object::kv`].
pub struct Kv<'o>(pub(super) &'o Object<'o>);

impl Kv<'_> {
    /// The value of `key`.
    ///
    /// # Errors
    /// As [`Object::info`]; so do the others.
    pub fn get(&self, key: &str) -> Result<Option<Value>, TestError> {
        // Any text is a key, and not every text is a segment of a path.
        let one = ListOptions { start: Some(key.to_owned()), limit: Some(1), ..ListOptions::default() };
        let found = self.read(&one)?.0.into_iter().next();
        Ok(found.filter(|(name, _)| name == key).map(|(_, value)| value))
    }

    /// Stores `value`, JSON or a [`Value`], under `key`.
    ///
    /// # Errors
    /// As [`Kv::get`], and when the platform refuses the key or the value.
    pub fn put(&self, key: &str, value: impl Into<Argument>) -> Result<(), TestError> {
        self.0
            .ask_at(Method::PUT, &self.url(&[("key", key)]), Some(&encode(&value.into().value()?)?))
            .map(drop)
    }

    /// Deletes `key`; whether it was there.
    ///
    /// # Errors
    /// As [`Kv::get`].
    pub fn delete(&self, key: &str) -> Result<bool, TestError> {
        part(&self.0.ask_at(Method::DELETE, &self.url(&[("key", key)]), Some(&json!({})))?, "changed")
    }

    /// Keys and values in their order.
    ///
    /// # Errors
    /// As [`Kv::get`], and when there are more than are shown and no limit was given.
    pub fn list(&self, options: &ListOptions) -> Result<Vec<(String, Value)>, TestError> {
        let (entries, more) = self.read(options)?;
        if more && options.limit.is_none() {
            return Err(TestError::NotData("there are more keys than are shown: give a limit".to_owned()));
        }
        Ok(entries)
    }

    fn read(&self, options: &ListOptions) -> Result<(Vec<(String, Value)>, bool), TestError> {
        let limit = options.limit.map(|limit| limit.to_string());
        let pairs = [
            ("prefix", options.prefix.as_deref()),
            ("start", options.start.as_deref()),
            ("startAfter", options.start_after.as_deref()),
            ("end", options.end.as_deref()),
            ("reverse", options.reverse.then_some("true")),
            ("limit", limit.as_deref()),
        ];
        let pairs: Vec<_> = pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let answer = self.0.ask_at(Method::GET, &self.url(&pairs), None)?;
        let entry = |entry: &Json| {
            let key: String = part(entry, "key")?;
            let value = decode(entry, &format!("the value of {key}"))?;
            Ok((key, value))
        };
        let entries: Vec<Json> = part(&answer, "entries")?;
        Ok((entries.iter().map(entry).collect::<Result<_, TestError>>()?, part(&answer, "more")?))
    }

    fn url(&self, query: &[(&str, &str)]) -> url::Url {
        let mut url = self.0.url(&["kv"]);
        url.query_pairs_mut().extend_pairs(query);
        url
    }
}
