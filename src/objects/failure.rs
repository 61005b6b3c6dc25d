//! Why an event failed, in a form that leaves JavaScript and may enter it again elsewhere.

use crate::engine::exception::Exception;
use crate::engine::http::FetchError;
use crate::storage::CommitError;

/// A failed event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What was thrown, as text.
    pub exception: Exception,
    /// The thrown value, serialized, where it could be.
    pub thrown: Option<Vec<u8>>,
    /// Class and message of the error that callers see where it could not be serialized.
    pub told: Option<(&'static str, String)>,
    /// Properties that are `true` on the error which the caller sees.
    pub flags: Vec<&'static str>,
    /// The id of the object whose code threw.
    pub object_id: Option<String>,
    /// Whether it was a DOMException.
    pub is_dom: bool,
    /// Whether somebody knows of the end of an object: who asked for it, or who was told already.
    pub is_known: bool,
}

/// The error was thrown by the code of the other side, or ended a fetch there.
pub const REMOTE: &str = "remote";
/// The object was reset; its stubs are broken.
pub const RESET: &str = "durableObjectReset";
/// The object or its host had too much to do.
pub const OVERLOADED: &str = "overloaded";

/// Fidelity: the platform's documented text for an object whose queue is full.
pub const QUEUE_FULL: &str = "Durable Object is overloaded. Too many requests queued.";

/// The call may succeed when it is made again.
pub const RETRYABLE: &str = "retryable";

impl Failure {
    /// A failure of the platform itself, an `Error` with `message` and `flags`.
    pub fn platform(message: impl Into<String>, flags: &[&'static str]) -> Self {
        let exception = Exception {
            name: "Error".to_owned(),
            message: message.into(),
            stack: String::new(),
            causes: Vec::new(),
        };
        Self {
            exception,
            thrown: None,
            told: None,
            flags: flags.to_vec(),
            object_id: None,
            is_dom: false,
            is_known: false,
        }
    }

    /// An object's end that its code or a person wanted.
    pub fn asked_for(message: impl Into<String>) -> Self {
        Self { is_known: true, ..Self::platform(message, &[RESET]) }
    }

    /// Why a batch of writes was lost.
    ///
    /// Fidelity: workerd marks what resets an object with `broken.`, but not the violated constraint of a commit
    /// (`TxnCommitRegulator::onError` in `src/workerd/io/actor-sqlite.c++`).
    pub fn of_commit(error: &CommitError) -> Self {
        let flags: &[_] = if matches!(error, CommitError::Constraint(_)) { &[] } else { &[RESET] };
        Self::platform(error.to_string(), flags)
    }

    /// Whether this tells of the reset by `failure`.
    pub fn is_end_by(&self, failure: &Self) -> bool {
        self.flags.contains(&RESET) && self.exception == failure.exception
    }

    /// The same as the caller of a fetch is told.
    ///
    /// Fidelity: every error that leaves the entrypoint of a request is marked (`exceptionToPropagate` in
    /// `src/workerd/io/worker-entrypoint.c++`); of calls only those that their method has thrown.
    pub fn of_fetch(mut self) -> Self {
        if !self.flags.contains(&REMOTE) {
            self.flags.insert(0, REMOTE);
        }
        self
    }
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        let stack = failure.exception.to_string();
        Self::Thrown { headline: failure.exception.headline(), stack }
    }
}

/// What callers are told when a turn used too much CPU time, or too much memory.
///
/// Fidelity: the messages that the platform documents for Durable Objects and for Workers.
pub fn overrun(is_object: bool, cpu: bool) -> Failure {
    match (is_object, cpu) {
        (true, true) => {
            Failure::platform("Durable Object exceeded its CPU time limit and was reset.", &[RESET])
        }
        (true, false) => {
            Failure::platform("Durable Object's isolate exceeded its memory limit and was reset.", &[RESET])
        }
        (false, true) => Failure::platform("Worker exceeded CPU time limit.", &[]),
        (false, false) => Failure::platform("Worker exceeded memory limit.", &[]),
    }
}
