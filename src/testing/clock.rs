//! The clock of a server or a session.

use http::Method;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::control::{Control, part};
use super::failure::TestError;

/// What became of the time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ClockReport {
    /// Milliseconds since the epoch, as the Worker sees them.
    pub now_ms: i64,
    /// `frozen` or `running`.
    pub state: String,
    /// What fired meanwhile, in its order.
    #[serde(default)]
    pub fired: Vec<Fired>,
    /// How much more fired than is listed.
    #[serde(default)]
    pub more: u64,
    /// Whether everything that was due has ended; none where the time was not moved.
    #[serde(default)]
    pub settled: Option<bool>,
    /// Why it ended as it did, if there is something to say.
    #[serde(default)]
    pub note: Option<String>,
    /// What is due next.
    pub next: Option<Fired>,
}

/// Something that is or was due: an alarm, a timer, a retry or a cron trigger.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Fired {
    /// What it is.
    pub kind: String,
    /// The object that it belongs to; none for the Worker.
    pub object: Option<FiredObject>,
    /// When it was due, milliseconds since the epoch.
    pub due_ms: i64,
    /// What came of it.
    #[serde(default)]
    pub outcome: Option<String>,
    /// What its handler threw.
    #[serde(default)]
    pub error: Option<String>,
}

/// The object that something due belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FiredObject {
    /// The name of its class.
    pub class: String,
    /// Its name, or its id.
    pub name: String,
    /// Its id, where known.
    pub id: Option<String>,
}

/// The clock of a server or a session: of the Worker, of alarms and of timers. Made by [`super::Server::clock`].
pub struct Clock<'s>(pub(super) &'s Control);

impl Clock<'_> {
    /// Milliseconds since the epoch, as the Worker sees them.
    ///
    /// # Errors
    /// When nobody answers; so do the others.
    pub fn now(&self) -> Result<i64, TestError> {
        part(&self.0.ask(Method::GET, &self.0.at(&["time"]), None)?, "now_ms")
    }

    /// Lets the time stand still.
    ///
    /// # Errors
    /// As [`Clock::now`].
    pub fn freeze(&self) -> Result<ClockReport, TestError> {
        self.ask("freeze", &json!({}))
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// As [`Clock::now`].
    pub fn resume(&self) -> Result<ClockReport, TestError> {
        self.ask("resume", &json!({}))
    }

    /// To the next thing that is due.
    ///
    /// # Errors
    /// As [`Clock::now`].
    pub fn next(&self) -> Result<ClockReport, TestError> {
        self.ask("next", &json!({}))
    }

    /// By a time such as `"30d"`, `"90 min"` or `"500ms"`; returns when everything that was due has run.
    ///
    /// # Errors
    /// As [`Clock::now`], and when `by` is no time.
    pub fn advance(&self, by: &str) -> Result<ClockReport, TestError> {
        self.ask("advance", &json!({ "by": by }))
    }

    /// The same by milliseconds.
    ///
    /// # Errors
    /// As [`Clock::now`].
    pub fn advance_ms(&self, by_ms: u64) -> Result<ClockReport, TestError> {
        self.ask("advance", &json!({ "by_ms": by_ms }))
    }

    /// To a time such as `"2027-01-01T00:00Z"`.
    ///
    /// # Errors
    /// As [`Clock::now`], and when `to` is no time or past.
    pub fn jump(&self, to: &str) -> Result<ClockReport, TestError> {
        self.ask("jump", &json!({ "to": to }))
    }

    /// To `to_ms` milliseconds since the epoch.
    ///
    /// # Errors
    /// As [`Clock::jump`].
    pub fn jump_ms(&self, to_ms: i64) -> Result<ClockReport, TestError> {
        self.ask("jump", &json!({ "to_ms": to_ms }))
    }

    fn ask(&self, verb: &str, body: &Json) -> Result<ClockReport, TestError> {
        let answer = self.0.ask(Method::POST, &self.0.at(&["time", verb]), Some(body))?;
        serde_json::from_value(answer).map_err(|error| {
            TestError::NotData(format!("the report of the clock is not as expected: {error}"))
        })
    }
}
