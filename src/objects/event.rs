//! Everything that can happen to a request's context or to an object.

use std::rc::Rc;

use crate::base::clock::Timestamp;
use crate::engine::http::{FetchError, FetchRequest, FetchResponse};
use crate::engine::socket::SocketId;
use crate::engine::{Completion, OpId};

use super::actor::Slot;
use super::control::{Answer as Told, Asker, DataCall};
use super::failure::Failure;
use super::farewell::Leaving;
use super::parcel::{Export, Message};

/// Where an event enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A stateless context of the Worker.
    Worker,
    /// An awake object.
    Object(Slot),
}

/// What may enter JavaScript, one variant for each way in.
pub enum Event {
    /// An HTTP request for the `fetch` handler of the Worker or of an object.
    Fetch {
        /// The request.
        request: FetchRequest,
        /// Who waits for the response.
        reply: ReplyTo,
    },
    /// A method call by RPC.
    Call {
        /// The property path from the object to the method, for example `["increment"]`.
        path: Vec<String>,
        /// The arguments, serialized as one array; `None` reads the property instead of calling it.
        args: Option<Message>,
        /// Why an earlier attempt failed that the object received: only methods marked with `retryable()` run again.
        before: Option<Box<Failure>>,
        /// Who waits for the result.
        reply: ReplyTo,
    },
    /// A call of a function or target that the context or object has let others call.
    CallExport {
        /// Which one; held until the call is over.
        export: Rc<Export>,
        /// The property path from it; empty for the export itself.
        path: Vec<String>,
        /// As in `Call`.
        args: Option<Message>,
        /// Who waits for the result.
        reply: ReplyTo,
    },
    /// Nobody refers to an export any more.
    DropExport {
        /// Its key in the prelude's table.
        id: u32,
        /// Whether a task of the context ends with it.
        ends_task: bool,
        /// Whether its disposer runs.
        disposes: bool,
    },
    /// A method call of an entry point of the Worker.
    CallEntrypoint {
        /// Which one.
        entrypoint: Box<Entrypoint>,
        /// As in `Call`.
        path: Vec<String>,
        /// As in `Call`.
        args: Option<Message>,
        /// Who waits for the result.
        reply: ReplyTo,
    },
    /// A request for an entry point of the Worker.
    FetchEntrypoint {
        /// Which one.
        entrypoint: Box<Entrypoint>,
        /// The request.
        request: FetchRequest,
        /// Who waits for the response.
        reply: ReplyTo,
    },
    /// Somebody outside changes the object's data; no code of the user's runs.
    Control(Box<DataCall>),
    /// The answer to a call or request that JavaScript made.
    Answer {
        /// The operation that waits for it.
        op: OpId,
        /// The answer.
        reply: Reply,
    },
    /// A finished operation.
    Complete(Completion),
    /// A timer that is due.
    Timer(u32),
    /// A response of the object's that waited for a critical section; no code of the user's runs.
    Leave {
        /// The response.
        response: FetchResponse,
        /// Who waits for it.
        reply: ReplyTo,
    },
    /// A cron trigger for the Worker's `scheduled` handler.
    Scheduled {
        /// The expression, or what a test request gave.
        cron: String,
        /// The time it is for, milliseconds; from a test request it may be anything.
        time_ms: f64,
        /// How `reply` is to be answered.
        answer: ScheduledAnswer,
        /// Who waits for the outcome.
        reply: ReplyTo,
    },
    /// An object's alarm that is due.
    Alarm {
        /// The time it was set for.
        scheduled: Timestamp,
        /// How many retries were counted before.
        retry_count: u32,
    },
    /// Something arrived for an accepted end of a WebSocket.
    Socket(SocketId),
    /// The object's instance is to go, for its `[onHibernate]` handler.
    Farewell(Leaving),
}

impl Event {
    /// Whether it comes from outside: what it makes an object do is counted anew.
    pub fn is_incoming(&self) -> bool {
        matches!(
            self,
            Self::Fetch { .. }
                | Self::Call { .. }
                | Self::CallExport { .. }
                | Self::Alarm { .. }
                | Self::Socket(_)
        )
    }

    /// The same call or request of a stub, whose answer nobody waits for, and who waited for it.
    pub(super) fn without_reply(self) -> (Self, ReplyTo) {
        let nobody = ReplyTo::Edge(Box::new(|_| {}));
        match self {
            Self::Fetch { request, reply } => (Self::Fetch { request, reply: nobody }, reply),
            Self::Call { path, args, before, reply } => {
                (Self::Call { path, args, before, reply: nobody }, reply)
            }
            _ => unreachable!("stubs send requests and calls"),
        }
    }

    /// The same call once more, after an attempt that was received failed with `failure`. `None` for what exists only
    /// once: a request, or arguments with streams in them.
    pub(super) fn again(&self, failure: &Failure) -> Option<Self> {
        let Self::Call { path, args, before, .. } = self else { return None };
        let args = match args {
            Some(args) => Some(args.copy()?),
            None => None,
        };
        let before = before.clone().unwrap_or_else(|| Box::new(failure.clone()));
        let reply = ReplyTo::Edge(Box::new(|_| {}));
        Some(Self::Call { path: path.clone(), args, before: Some(before), reply })
    }

    /// The same with another one who waits.
    pub(super) fn with_reply(self, reply: ReplyTo) -> Self {
        match self {
            Self::Fetch { request, .. } => Self::Fetch { request, reply },
            Self::Call { path, args, before, .. } => Self::Call { path, args, before, reply },
            _ => unreachable!("stubs send requests and calls"),
        }
    }

    /// What it is, for a developer; also says what promises are waited for that it leaves.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Fetch { .. } | Self::FetchEntrypoint { .. } => "fetch()",
            Self::Call { .. } | Self::CallEntrypoint { .. } => "an RPC call",
            Self::CallExport { .. } => "a call of a function that it passed on",
            Self::DropExport { .. } => "a disposer",
            Self::Control(_) => "a change from outside",
            Self::Answer { .. } | Self::Complete(_) => "an answer",
            Self::Timer(_) => "a timer",
            Self::Leave { .. } => "a response",
            Self::Scheduled { .. } => "scheduled()",
            Self::Alarm { .. } => "alarm()",
            Self::Socket(_) => "a WebSocket handler",
            Self::Farewell(_) => "[onHibernate]()",
        }
    }
}

/// How the outcome of a scheduled handler is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduledAnswer {
    /// A sentence; a failure is the request's failure.
    Sentence,
    /// The outcome's name, status 500 when it failed.
    Outcome,
    /// The same as JSON, and whether `noRetry()` was called.
    Json,
}

/// An entry point of the Worker.
pub struct Entrypoint {
    /// The export's name; `None` is the default export.
    pub name: Option<String>,
    /// What it finds in `ctx.props`, serialized; `None` is an empty object.
    pub props: Option<Message>,
    /// Whether another Worker calls it, so that its assets come first.
    pub from_outside: bool,
}

/// Who waits for the outcome of an event.
pub enum ReplyTo {
    /// The HTTP edge.
    Edge(Box<dyn FnOnce(Result<FetchResponse, FetchError>)>),
    /// An operation of this isolate.
    Op(OpId),
    /// The control surface.
    Control(Asker),
}

/// The outcome of an event.
pub enum Reply {
    /// The response to a fetch.
    Response(FetchResponse),
    /// The result of a call, serialized.
    Value(Message),
    /// What was asked for is done; there is no result.
    Done,
    /// What the control surface asked for.
    Told(Box<Told>),
    /// It failed.
    Failed(Failure),
}
