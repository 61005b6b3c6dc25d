//! Straight between JavaScript values and V8's serialization: storage, socket attachments, RPC, `structuredClone`.
//!
//! Runs on every RPC call and every storage operation, so there is no tree in between and the engine is called through
//! its C interface. What is neither plain data nor a built-in object belongs to a host: `HostObjects` is how the layers
//! above add functions, stubs, streams or Headers without this one knowing them. It does not throw: it returns what is
//! to be thrown, for DOMException belongs to the layers above too.
//!
//! Fidelity: workerd's `src/workerd/jsg/ser.c++` and V8's ValueSerializer as recorded from workerd 1.20261117.1; the
//! samples are in `codec/samples.rs`. `Deviation:` comments name where the engine cannot know what V8 knows.

mod class;
mod identity;
mod raw;
mod read;
mod read_kinds;
mod refusal;
mod shown;
mod write;
mod write_kinds;

#[cfg(test)]
mod tests;

use rquickjs::{Ctx, Object, Value};

pub use read::Deserializer;
pub use shown::shown;
pub use write::Serializer;

use crate::base::limits;
use crate::codec::wire;

/// Bytes of native stack that one serialization may use: values some thousand levels deep, as with V8.
const WRITE_STACK_BYTES: usize = 2 * 1024 * 1024;
/// The same for reading, which uses more for a level.
///
/// Invariant: what was written can be read. An isolate's thread has as much stack behind JavaScript's.
const READ_STACK_BYTES: usize = 3 * WRITE_STACK_BYTES;
const _: () = assert!(READ_STACK_BYTES < limits::ISOLATE_THREAD_STACK_BYTES - limits::ISOLATE_STACK_BYTES);
/// What the engine says when the stack is used up, as a RangeError.
const STACK_MESSAGE: &std::ffi::CStr = c"Maximum call stack size exceeded";
/// Message of the Error to throw for bytes that are not a value.
///
/// Fidelity: V8's text; the message of `CloneError::Corrupt` is for whoever looks after the data.
pub const CORRUPT_MESSAGE: &str = "Unable to deserialize cloned data.";

/// Why nothing was written or read.
#[derive(Debug, thiserror::Error)]
pub enum CloneError {
    /// To be thrown as DOMException `DataCloneError` with this message.
    #[error("{0}")]
    DataClone(String),
    /// A JavaScript exception is pending in the context: a getter threw, or memory or stack ran out.
    #[error("an exception is pending")]
    Thrown,
    /// The bytes are not a value. To be thrown as Error with `CORRUPT_MESSAGE`.
    #[error("{0}")]
    Corrupt(String),
    /// A host's use of the binding failed.
    #[error(transparent)]
    Js(rquickjs::Error),
}

impl From<rquickjs::Error> for CloneError {
    fn from(error: rquickjs::Error) -> Self {
        match error {
            rquickjs::Error::Exception => CloneError::Thrown,
            other => CloneError::Js(other),
        }
    }
}

impl From<wire::Corrupt> for CloneError {
    fn from(corrupt: wire::Corrupt) -> Self {
        CloneError::Corrupt(corrupt.to_string())
    }
}

/// How errors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorForm {
    /// As a host object with all own properties: compatibility date 2026-04-21 and later, `enhanced_error_serialization`.
    HostObject,
    /// As V8 does: name of a known class, message, stack and cause (`legacy_error_serialization`).
    Native,
}

/// What is allowed and how; the differences between storage, attachments and RPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Instances of classes that the host does not know are written as plain objects; otherwise refused.
    pub plain_instances: bool,
    /// How errors are written. Both forms are read.
    pub errors: ErrorForm,
    /// Functions and proxies are offered to the host; otherwise refused.
    pub functions: bool,
    /// What becomes of the stacks of errors in host form when they are read.
    pub stacks: Stacks,
}

/// The stack of an error in host form that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stacks {
    /// The one it was written with, listed as every other property.
    Listed,
    /// The same, not listed.
    Hidden,
    /// Its first line, not listed: where the error is read, no code of the program runs.
    Headline,
}

impl Policy {
    /// Object storage, socket attachments, queues, `structuredClone`.
    pub const STORAGE: Policy = Policy {
        plain_instances: true,
        errors: ErrorForm::HostObject,
        functions: false,
        stacks: Stacks::Listed,
    };
    /// RPC arguments and results.
    pub const RPC: Policy = Policy {
        plain_instances: false,
        errors: ErrorForm::HostObject,
        functions: true,
        stacks: Stacks::Headline,
    };

    /// The same with errors as a Worker's compatibility date or flags ask for.
    pub const fn with_errors(self, errors: ErrorForm) -> Self {
        Self { errors, ..self }
    }
}

/// Why an object is offered to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidate {
    /// It can be called (`Policy::functions`).
    Function,
    /// It is a Proxy, one that can be called or not (`Policy::functions`).
    Proxy,
    /// It is an error; a DOMException may be one. Not the host's: written as the policy says.
    Error,
    /// Its prototype is not `Object.prototype`, or its class is the host's.
    Instance,
}

/// What the host made of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Written: its tag as varint, then whatever `HostObjects::read` will take.
    Done,
    /// Not known to the host.
    NotMine,
    /// The host's, and of a type that cannot be serialized.
    Refused,
}

/// What a host adds: objects that only it knows.
pub trait HostObjects<'js> {
    /// What is allowed here.
    fn policy(&self) -> Policy {
        Policy::STORAGE
    }

    /// Writes `object` if it is the host's: a number for its type as varint, then its contents (`out.value` for nested
    /// values). The tag `\` was written. What was written is dropped unless the answer is `Done`.
    fn write(
        &self,
        object: &Object<'js>,
        candidate: Candidate,
        out: &mut Serializer<'_, 'js>,
    ) -> Result<Written, CloneError> {
        let _ = (object, candidate, out);
        Ok(Written::NotMine)
    }

    /// Words of its own for a function or a Proxy that nobody writes.
    fn refusal(&self, object: &Object<'js>) -> Result<Option<String>, CloneError> {
        let _ = object;
        Ok(None)
    }

    /// Reads a host object of type `tag`; `input` stands behind that number.
    fn read(&self, tag: u32, input: &mut Deserializer<'_, '_, 'js>) -> Result<Value<'js>, CloneError> {
        let _ = input;
        Err(CloneError::Corrupt(format!("unknown host object {tag}")))
    }
}

/// No host: plain data and built-in objects, by the rules of `Policy::STORAGE` with the given form of errors.
#[derive(Debug, Clone, Copy)]
pub struct NoHosts(pub ErrorForm);

impl HostObjects<'_> for NoHosts {
    fn policy(&self) -> Policy {
        Policy::STORAGE.with_errors(self.0)
    }
}

/// Appends `value` with its header to `out`.
///
/// Getters run. On an error `out` is as it was before.
pub fn serialize<'js>(
    ctx: &Ctx<'js>,
    value: &Value<'js>,
    hosts: &dyn HostObjects<'js>,
    out: &mut Vec<u8>,
) -> Result<(), CloneError> {
    let mut serializer = Serializer::new(ctx, hosts, std::mem::take(out));
    let result = serializer.write_top(value);
    *out = serializer.into_bytes(result.is_err());
    result
}

/// The value in `bytes`; anything behind it is ignored.
///
/// Values without header are read as version 13.
pub fn deserialize<'js>(
    ctx: &Ctx<'js>,
    bytes: &[u8],
    hosts: &dyn HostObjects<'js>,
) -> Result<Value<'js>, CloneError> {
    Deserializer::new(ctx, bytes, hosts)?.read_top()
}
