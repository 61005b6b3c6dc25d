//! How a change is made: in the files of a stopped state, or by the server that holds a live one.

use serde_json::Value as Json;

use super::live::Live;
use super::place::Place;
use crate::inspect::{Book, InspectError, ObjectRef, Rows, Writer};
use crate::storage::SqlValue;
use crate::storage::history::{Bookmark, History, Point};

/// What makes changes.
#[derive(Debug)]
pub enum Hand {
    /// The files, under the lock.
    Files(Writer),
    /// The server.
    Live(Live),
}

type Result<T> = std::result::Result<T, InspectError>;

impl Hand {
    /// The one for the state of `book`.
    pub fn of(place: &Place, book: &Book) -> Result<Self> {
        match Live::of(book)? {
            Some(live) => Ok(Self::Live(live)),
            None => Ok(Self::Files(place.writer(book)?)),
        }
    }

    /// Tells what went wrong on the side.
    pub fn warn(&self, place: &Place) {
        if let Self::Files(writer) = self {
            place.warn_of(writer);
        }
    }

    /// Removes `objects` with everything of them.
    pub fn remove(&self, objects: &[ObjectRef]) -> Result<()> {
        match self {
            Self::Files(writer) => objects.iter().try_for_each(|object| writer.remove(object)),
            Self::Live(live) => live.remove(objects),
        }
    }

    /// Brings the state of `object` at `point` of its `history` back; the bookmark that undoes it.
    pub fn restore(
        &self,
        place: &Place,
        object: &ObjectRef,
        history: &History,
        point: &Point,
    ) -> Result<Bookmark> {
        match self {
            Self::Files(writer) => writer.restore(object, history, point),
            Self::Live(live) => {
                let (undo, warnings) = live.restore(object, point.bookmark)?;
                place.warn_of_all(&warnings);
                Ok(undo)
            }
        }
    }

    /// Sets `key` to the value that `bytes` are serialized.
    pub fn put(&self, object: &ObjectRef, key: &str, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Files(writer) => writer.put_bytes(object, key, bytes.to_owned()).map(drop),
            Self::Live(live) => live.put(object, key, bytes),
        }
    }

    /// Deletes `keys`: those that were there.
    pub fn delete(&self, object: &ObjectRef, keys: &[String]) -> Result<Vec<String>> {
        match self {
            Self::Files(writer) => writer.delete(object, keys),
            Self::Live(live) => {
                let mut deleted = Vec::new();
                for key in keys {
                    if live.delete(object, key)? {
                        deleted.push(key.clone());
                    }
                }
                Ok(deleted)
            }
        }
    }

    /// Runs `sql`.
    pub fn sql(&self, object: &ObjectRef, sql: &str) -> Result<Rows> {
        match self {
            Self::Files(writer) => writer.sql(object, sql),
            Self::Live(live) => Ok(rows(&live.sql(object, sql)?)),
        }
    }
}

/// The rows in a server's answer.
fn rows(answer: &Json) -> Rows {
    let list = |name: &str| answer[name].as_array().cloned().unwrap_or_default();
    let row = |row: &Json| row.as_array().into_iter().flatten().map(sql_value).collect();
    Rows {
        columns: list("columns").iter().map(|name| name.as_str().unwrap_or_default().to_owned()).collect(),
        rows: list("rows").iter().map(row).collect(),
        changed: answer["rowsWritten"].as_u64(),
    }
}

/// A value of a row from a server's answer, where what JSON lacks is named by `$`.
fn sql_value(json: &Json) -> SqlValue {
    let hex = |text: &str| -> Option<Vec<u8>> {
        let digit = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        (0..text.len()).step_by(2).map(digit).collect()
    };
    match json {
        Json::Number(number) => match number.as_i64() {
            Some(number) => SqlValue::Integer(number),
            None => SqlValue::Real(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => text.as_str().into(),
        Json::Object(tagged) => match (tagged.get("hex").and_then(Json::as_str), tagged.get("v")) {
            (Some(text), _) => SqlValue::Blob(hex(text).unwrap_or_default()),
            (None, Some(Json::String(text))) => {
                text.parse().map_or_else(|_| text.as_str().into(), SqlValue::Integer)
            }
            _ => SqlValue::Null,
        },
        Json::Bool(yes) => SqlValue::Integer(i64::from(*yes)),
        Json::Null | Json::Array(_) => SqlValue::Null,
    }
}
