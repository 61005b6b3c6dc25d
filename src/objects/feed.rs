//! What happens, as it happens, for whoever watches: wakes, ends, resets, alarms, commits, requests, logs.
//!
//! An event is one line of JSON, made only while somebody listens; the last log lines are always kept.
//! A listener that is too slow loses events and is told how many: nobody is held up by it. Told from the
//! threads of worlds and of the edge, so there is a lock; nothing here waits.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::base::clock::Timestamp;
use crate::base::limits;
use crate::engine::{LogLevel, LogRecord, Origin};

/// One event: a JSON object with `event` and `at` (milliseconds since the epoch).
pub type Line = Arc<str>;

/// The events of one server. Cheap to clone.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    /// Made for the first listener: it has room for all events from the beginning.
    lines: OnceLock<broadcast::Sender<Line>>,
    /// Whether places of the code are wanted although nobody listens.
    places: bool,
    logs: Mutex<VecDeque<Value>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self::new(false)
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Feed")
    }
}

impl Feed {
    /// A feed without listeners; `places` says whether places of the code are wanted all the same.
    pub fn new(places: bool) -> Self {
        Self(Arc::new(Inner { lines: OnceLock::new(), places, logs: Mutex::default() }))
    }

    /// Everything from now on. A receiver that falls behind is told how much it missed.
    pub fn listen(&self) -> broadcast::Receiver<Line> {
        self.0.lines.get_or_init(|| broadcast::Sender::new(limits::FEED_EVENTS)).subscribe()
    }

    /// Whether anybody listens.
    pub fn is_watched(&self) -> bool {
        self.0.lines.get().is_some_and(|lines| lines.receiver_count() > 0)
    }

    /// Whether places of the code that starts something are worth their cost: somebody listens, or sees every log line.
    pub fn wants_places(&self) -> bool {
        self.is_watched() || self.0.places
    }

    /// Tells the listeners, if there are any: `event` gives an object, which gets `event` and `at` in front.
    pub fn tell(&self, at: Timestamp, event: &'static str, facts: impl FnOnce() -> Value) {
        if self.is_watched() {
            self.send(&stamped(at, event, facts()));
        }
    }

    /// Keeps a log line, and tells the listeners.
    pub fn log(&self, at: Timestamp, record: &LogRecord) {
        let line = stamped(at, "log", log_facts(record));
        if self.is_watched() {
            self.send(&line);
        }
        let mut logs = self.0.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if logs.len() >= limits::FEED_LOGS {
            logs.pop_front();
        }
        logs.push_back(line);
    }

    /// The last log lines, at most `limit`, the oldest first.
    pub fn logs(&self, limit: usize) -> Vec<Value> {
        let logs = self.0.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.iter().skip(logs.len().saturating_sub(limit)).cloned().collect()
    }

    /// Forgets the log lines that were kept.
    pub fn clear_logs(&self) {
        self.0.logs.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn send(&self, line: &Value) {
        if let Some(lines) = self.0.lines.get() {
            // Whoever listened may have gone meanwhile.
            drop(lines.send(line.to_string().into()));
        }
    }
}

fn stamped(at: Timestamp, event: &'static str, facts: Value) -> Value {
    let mut line = json!({ "event": event, "at": at.0 });
    if let (Some(line), Value::Object(facts)) = (line.as_object_mut(), facts) {
        line.extend(facts);
    }
    line
}

fn log_facts(record: &LogRecord) -> Value {
    let level = match record.level {
        LogLevel::Debug => "debug",
        LogLevel::Log => "log",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
        LogLevel::Uncaught => "uncaught",
    };
    let text: String = record.text.chars().take(limits::FEED_LOG_CHARS).collect();
    match &record.origin {
        Origin::Worker => json!({ "level": level, "text": text }),
        Origin::OneOf(worker) => json!({ "level": level, "text": text, "worker": worker }),
        Origin::Object { class, name } => {
            json!({ "level": level, "class": class, "name": name, "text": text })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_made_for_listeners_only_and_logs_are_kept() {
        let feed = Feed::default();
        feed.tell(Timestamp(1), "wake", || panic!("nobody listens"));
        let mut listener = feed.listen();
        feed.tell(Timestamp(2), "wake", || json!({ "class": "C" }));
        assert_eq!(&*listener.try_recv().unwrap(), r#"{"event":"wake","at":2,"class":"C"}"#);
        for number in 0..=limits::FEED_LOGS {
            let origin = Origin::Worker;
            feed.log(Timestamp(3), &LogRecord { origin, level: LogLevel::Log, text: number.to_string() });
        }
        let logs = feed.logs(usize::MAX);
        assert_eq!(logs.len(), limits::FEED_LOGS);
        assert_eq!(logs[0]["text"], "1", "the oldest is forgotten");
        assert_eq!(feed.logs(1)[0]["text"], limits::FEED_LOGS.to_string());
        feed.clear_logs();
        assert!(feed.logs(9).is_empty());
    }
}
