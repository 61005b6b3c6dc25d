//! Why something that a test asked for was not done.

use serde_json::Value as Json;

use super::facts::Pin;

/// Why there is no answer, or none that a test wants.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// There is no server to ask: what is wrong with the project, or with starting it.
    #[error("{0}")]
    NotStarted(String),
    /// Nobody answers.
    #[error("nobody answers at {url}: {reason}")]
    Unreachable {
        /// Where the server should be.
        url: String,
        /// As the system says it.
        reason: String,
    },
    /// The control API refused; what keeps the object awake, where that is the reason.
    #[error("{error}")]
    Refused {
        /// The status of its answer.
        status: u16,
        /// Its words.
        error: String,
        /// What keeps the object awake.
        pins: Vec<Pin>,
    },
    /// An object's code threw.
    #[error("{}: {}", .0.name, .0.message)]
    Thrown(Box<Thrown>),
    /// The object stays in memory, or is not the same after hibernation: what was expected of it, and why not.
    #[error("{0}")]
    NotHibernating(String),
    /// Something is no data: a value that cannot be sent or was not sent, an answer of another kind.
    #[error("{0}")]
    NotData(String),
}

/// What an object's code threw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thrown {
    /// The name of its class.
    pub name: String,
    /// Its message.
    pub message: String,
    /// Its stack in the object.
    pub stack: String,
    /// Properties that are `true` on it, as `remote`, `retryable` or `overloaded`.
    pub flags: Vec<String>,
}

impl TestError {
    /// The error that the control API's answer tells.
    pub(super) fn of_answer(status: u16, answer: &Json) -> Self {
        let text = |json: &Json, key: &str| json[key].as_str().unwrap_or_default().to_owned();
        let thrown = &answer["thrown"];
        if thrown.is_object() {
            let flags = thrown["flags"].as_array().into_iter().flatten();
            return Self::Thrown(Box::new(Thrown {
                name: text(thrown, "name"),
                message: text(thrown, "message"),
                stack: text(thrown, "stack"),
                flags: flags.filter_map(|flag| flag.as_str().map(str::to_owned)).collect(),
            }));
        }
        let pins = serde_json::from_value(answer["pins"].clone()).unwrap_or_default();
        match answer["error"].as_str() {
            Some(error) => Self::Refused { status, error: error.to_owned(), pins },
            None => Self::NotData(format!("the control API answered with {status}: {answer}")),
        }
    }

    /// What an object's code threw, if it did.
    pub fn thrown(&self) -> Option<&Thrown> {
        match self {
            Self::Thrown(thrown) => Some(thrown),
            _ => None,
        }
    }

    /// What keeps the object awake, if that is the reason.
    pub fn pins(&self) -> &[Pin] {
        match self {
            Self::Refused { pins, .. } => pins,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_become_errors() {
        for (answer, expected) in [
            (json!({ "error": "no such route" }), "no such route"),
            (
                json!({ "error": "RangeError: x", "thrown": { "name": "RangeError", "message": "x", "stack": "", "flags": ["remote"] } }),
                "RangeError: x",
            ),
            (json!("what"), "the control API answered with 500: \"what\""),
        ] {
            assert_eq!(TestError::of_answer(500, &answer).to_string(), expected);
        }
        let pinned = json!({ "error": "awake", "pins": [{ "kind": "timer", "what": "a timer is set", "at": null, "dueInMs": 5 }] });
        assert_eq!(TestError::of_answer(409, &pinned).pins()[0].due_in_ms, Some(5));
        let thrown = json!({ "thrown": { "flags": ["remote", "retryable"] } });
        assert_eq!(
            TestError::of_answer(500, &thrown).thrown().expect("thrown").flags,
            ["remote", "retryable"]
        );
    }
}
