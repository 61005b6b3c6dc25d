//! Routes about sessions: independent copies of state and clock with a server of their own.
//!
//! What a session is made of is the business of whoever runs this server; here is only the form of the routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::sync::oneshot;

use super::Surface;
use super::reply::{body, finish, problem};

/// What is to be done with sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionCommand {
    /// Make one, of the present state or of a snapshot.
    Create {
        /// The snapshot's name.
        snapshot: Option<String>,
    },
    /// Say which there are.
    List,
    /// Go back to the moment when it was made.
    Reset(String),
    /// End it.
    Delete(String),
}

/// Why it was not done: whether what was named is not there, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRefusal {
    /// There is no such session or snapshot.
    pub is_unknown: bool,
    /// The sentence.
    pub error: String,
}

/// Where the answer will be; it fails when the server stops.
pub type SessionAnswer = oneshot::Receiver<Result<Json, SessionRefusal>>;

/// Does what is to be done with sessions, without making the caller wait.
pub type Sessions = Arc<dyn Fn(SessionCommand) -> SessionAnswer + Send + Sync>;

/// What `POST sessions` is told.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    snapshot: Option<String>,
}

/// `sessions`.
pub fn routes() -> Router<Surface> {
    Router::new()
        .route("/cdn-cgi/dodev/sessions", get(list).post(create))
        .route("/cdn-cgi/dodev/sessions/{id}", axum::routing::delete(delete))
        .route("/cdn-cgi/dodev/sessions/{id}/reset", post(reset))
}

async fn list(State(surface): State<Surface>) -> Response {
    surface.session(SessionCommand::List).await
}

async fn create(State(surface): State<Surface>, request: Request) -> Response {
    match body::<Wanted>(request).await {
        Ok(Wanted { snapshot }) => surface.session(SessionCommand::Create { snapshot }).await,
        Err(problem) => *problem,
    }
}

async fn reset(State(surface): State<Surface>, Path(id): Path<String>) -> Response {
    surface.session(SessionCommand::Reset(id)).await
}

async fn delete(State(surface): State<Surface>, Path(id): Path<String>) -> Response {
    surface.session(SessionCommand::Delete(id)).await
}

impl Surface {
    async fn session(&self, command: SessionCommand) -> Response {
        let Some(sessions) = &self.sessions else {
            let error = "a session makes no sessions: ask the server that made it";
            return *problem(StatusCode::CONFLICT, error);
        };
        finish(match sessions(command).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(SessionRefusal { is_unknown: true, error })) => Err(problem(StatusCode::NOT_FOUND, error)),
            Ok(Err(SessionRefusal { is_unknown: false, error })) => Err(problem(StatusCode::CONFLICT, error)),
            Err(_) => Err(problem(StatusCode::SERVICE_UNAVAILABLE, "the server stops")),
        })
    }
}
