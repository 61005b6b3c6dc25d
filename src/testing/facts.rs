//! What the control API tells of objects, as a test sees it.

use std::fmt;
use std::ops::Deref;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::codec::Value;

/// One thing that keeps an object awake.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// `timer`, `socket`, `waitUntil` and others, as `docs/control-api.md` lists them.
    pub kind: String,
    /// What it is, for a reader.
    pub what: String,
    /// Where the code began it, `file:line:column`, where known.
    pub at: Option<String>,
    /// When a timer is due, milliseconds from now.
    pub due_in_ms: Option<u64>,
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(due) = self.due_in_ms {
            write!(f, ", due in {due} ms")?;
        }
        self.at.as_ref().map_or(Ok(()), |at| write!(f, " ({at})"))
    }
}

/// A WebSocket that an object accepted with `acceptWebSocket()`.
#[derive(Debug, Clone, PartialEq)]
pub struct Socket {
    /// Its number in the running code.
    pub id: u32,
    /// Its tags.
    pub tags: Vec<String>,
    /// As the program sees it.
    pub ready_state: u8,
    /// What `serializeAttachment()` was given.
    pub attachment: Option<Value>,
    /// When it last answered by itself, milliseconds since the epoch.
    pub answered_at: Option<i64>,
}

/// A line that the code logged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LogLine {
    /// When, milliseconds since the epoch.
    pub at: i64,
    /// `debug`, `log`, `info`, `warn`, `error` or `uncaught`.
    pub level: String,
    /// What.
    pub text: String,
    /// The class of the object that logged it; none for the Worker itself.
    #[serde(default)]
    pub class: Option<String>,
    /// The object's name, or its id.
    #[serde(default)]
    pub name: Option<String>,
}

/// The rows of a statement: each a JSON object of its columns. A blob is `{"base64": …}`, an integer beyond 2^53
/// `{"$": "bigint", "v": "<digits>"}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    pub(super) rows: Vec<Map<String, Json>>,
    /// Rows that were read for it.
    pub rows_read: u64,
    /// Rows that were written by it.
    pub rows_written: u64,
}

impl Deref for Rows {
    type Target = [Map<String, Json>];

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}
