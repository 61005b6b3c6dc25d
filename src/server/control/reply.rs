//! Asking the newest world, and answering in JSON.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::Surface;
use crate::base::limits;
use crate::objects::Failure;
use crate::objects::control::{Action, Answer, Command, Refusal, Target};
use crate::server::current::Serving;

/// A response that says why there is no answer.
pub type Problem = Box<Response>;

/// A response with JSON.
pub fn answer(status: StatusCode, body: &Json) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

/// The response that both ways to end give.
pub fn finish(result: Result<Json, Problem>) -> Response {
    result.map_or_else(|problem| *problem, |body| answer(StatusCode::OK, &body))
}

/// A problem with a status and a sentence.
pub fn problem(status: StatusCode, error: impl Into<String>) -> Problem {
    Box::new(answer(status, &json!({ "error": error.into() })))
}

/// The request makes no sense.
pub fn invalid(error: impl Into<String>) -> Problem {
    problem(StatusCode::BAD_REQUEST, error)
}

/// The request's body, which is JSON of a known shape and of bounded size.
///
/// # Errors
/// When it is neither.
pub async fn body<T: DeserializeOwned>(request: Request) -> Result<T, Problem> {
    parse(&bytes_of(request, limits::CONTROL_BODY_BYTES).await?)
}

/// The request's body, of at most `limit` bytes.
///
/// # Errors
/// When it has more, or is broken off.
pub async fn bytes_of(request: Request, limit: usize) -> Result<Bytes, Problem> {
    to_bytes(request.into_body(), limit).await.map_err(|_| {
        let limit = limit / (1024 * 1024);
        let text = format!("the body cannot be read, or has more than {limit} MiB");
        problem(StatusCode::PAYLOAD_TOO_LARGE, text)
    })
}

/// What a body says, which is JSON of a known shape.
///
/// # Errors
/// When it is not.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Without a body every field has its default.
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
    serde_json::from_slice(text).map_err(|error| invalid(format!("the body is not as expected: {error}")))
}

impl Surface {
    /// Asks the newest world.
    ///
    /// # Errors
    /// The response that says why there is no answer.
    pub async fn ask(&self, command: Command) -> Result<Answer, Problem> {
        let asked = self.current.with(|serving| match serving {
            Serving::World { handler, .. } => Some(handler.control(command)),
            Serving::Starting | Serving::Broken(_) => None,
        });
        let gone = |error: &str| problem(StatusCode::SERVICE_UNAVAILABLE, error);
        let Some(asked) = asked else { return Err(gone("no code runs: it is being built, or is broken")) };
        match tokio::time::timeout(limits::CONTROL_WAIT, asked).await {
            Ok(Ok(answer)) => answer.map_err(|refusal| Box::new(refused(refusal))),
            Ok(Err(_)) => {
                Err(gone("the code was replaced, or the server stopped, before there was an answer"))
            }
            Err(_) => {
                let seconds = limits::CONTROL_WAIT.as_secs();
                let error = format!("the object has not answered for {seconds} seconds; it goes on");
                Err(problem(StatusCode::GATEWAY_TIMEOUT, error))
            }
        }
    }

    /// Asks something about one object.
    ///
    /// # Errors
    /// As [`Surface::ask`].
    pub async fn ask_object(&self, target: Target, action: Action) -> Result<Answer, Problem> {
        self.ask(Command::Object { target, action }).await
    }
}

/// An answer of the wrong kind: a defect of this program.
pub fn unexpected() -> Problem {
    problem(StatusCode::INTERNAL_SERVER_ERROR, "the world answered another question")
}

fn refused(refusal: Refusal) -> Response {
    match refusal {
        Refusal::NoClass(class, classes) => answer(
            StatusCode::NOT_FOUND,
            &json!({ "error": format!("the Worker has no class `{class}`"), "classes": classes }),
        ),
        Refusal::ForeignId => *invalid("the id does not belong to this class"),
        Refusal::NotFound(error) => *problem(StatusCode::NOT_FOUND, error),
        Refusal::Invalid(error) => *invalid(error),
        Refusal::Pinned(error, pins) => {
            answer(StatusCode::CONFLICT, &json!({ "error": error, "pins": pins }))
        }
        Refusal::Failed(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> Response {
    let exception = &failure.exception;
    let body = json!({
        "error": exception.headline(),
        "thrown": {
            "name": exception.name, "message": exception.message, "stack": exception.stack,
            "flags": failure.flags,
        },
    });
    answer(StatusCode::INTERNAL_SERVER_ERROR, &body)
}

/// A body that is made as it is read.
pub fn streamed(kind: &'static str, body: Body) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], body).into_response()
}
