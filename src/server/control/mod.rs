//! The control surface below `/cdn-cgi/dodev/`: what lives in the server, as JSON, and what can be done to it.
//!
//! The platform reserves `/cdn-cgi/`, so no route of a Worker is hidden by it. A request that [`judge`] lets
//! in becomes a command for the newest world's mailbox; nothing here touches an object itself. Every answer
//! is JSON, `{"error": …}` when there is none; `openapi.json`, which the server gives out, describes the routes, and
//! `docs/control-api.md` tells the same to a reader. A group of routes has a file.

mod access;
mod data;
mod faults;
mod live;
mod objects;
mod query;
mod reply;
mod sessions;
mod state;
mod stored;
mod time;
mod values;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use tokio::sync::watch;

use super::current::{Current, Serving};
use crate::base::clock::Clock;
use crate::objects::Feed;
use crate::world::SharedState;

pub use access::{Denied, judge};
pub use live::tell_request;
use reply::answer;
pub use sessions::{SessionAnswer, SessionCommand, SessionRefusal, Sessions};
pub use stored::OwnProgram;

/// Most bytes of a sentence of the router's.
const REFUSAL_BYTES: usize = 4_096;

/// Everything below is the control surface's.
pub const PREFIX: &str = "/cdn-cgi/dodev/";

/// Who may use the control surface beside this machine's programs, and what it tells.
#[derive(Clone)]
pub struct ControlOptions {
    /// The token that lets anybody in.
    pub token: Arc<str>,
    /// What happens.
    pub feed: Feed,
    /// The stored objects.
    pub state: StateCell,
    /// Builds the code anew: what it was told of the state at its start is another now.
    pub reload: Reload,
    /// Reads the stored objects.
    pub program: OwnProgram,
    /// Makes sessions; `None` in a session.
    pub sessions: Option<Sessions>,
}

/// The state that the server works on now; a session's is another after each reset.
pub type StateCell = Arc<RwLock<Arc<SharedState>>>;

/// Makes the session build its code anew.
pub type Reload = Arc<dyn Fn() + Send + Sync>;

/// What the routes share.
#[derive(Clone)]
pub struct Surface {
    /// The newest world.
    pub current: Arc<Current>,
    /// What happens.
    pub feed: Feed,
    /// The stored objects.
    pub state: StateCell,
    /// Builds the code anew.
    pub reload: Reload,
    /// Reads the stored objects.
    pub program: OwnProgram,
    /// Makes sessions.
    pub sessions: Option<Sessions>,
    /// Time.
    pub clock: Clock,
    /// Streams end when the server stops.
    pub stopping: watch::Receiver<Option<Duration>>,
}

/// The routes, without the check of [`judge`].
pub fn routes(surface: Surface) -> Router {
    Router::new()
        .route("/cdn-cgi/dodev/health", get(health))
        .route("/cdn-cgi/dodev/openapi.json", get(openapi))
        .merge(objects::routes())
        .merge(data::routes())
        .merge(faults::routes())
        .merge(live::routes())
        .merge(state::routes())
        .merge(stored::routes())
        .merge(sessions::routes())
        .merge(time::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(map_response(in_json))
        .with_state(surface)
}

/// What a request that is refused gets.
pub fn forbidden(denied: Denied) -> Response {
    let status = if denied == Denied::Token { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
    answer(status, &json!({ "error": denied.to_string() }))
}

async fn health(State(surface): State<Surface>) -> Response {
    let generation = surface.current.with(|serving| match serving {
        Serving::World { generation, .. } => Some(generation.0),
        Serving::Starting | Serving::Broken(_) => None,
    });
    let body = json!({
        "version": env!("CARGO_PKG_VERSION"), "generation": generation, "ready": generation.is_some(),
        "pid": std::process::id(), "now": surface.clock.now().0,
    });
    answer(StatusCode::OK, &body)
}

async fn openapi() -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (headers, include_str!("openapi.json")).into_response()
}

async fn not_found() -> Response {
    answer(StatusCode::NOT_FOUND, &json!({ "error": "the control surface has no such route" }))
}

/// The router's own refusals, of paths that are no text for example, have the form of ours.
async fn in_json(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !(status.is_client_error() || status.is_server_error())
        || kind.is_some_and(|kind| kind == "application/json")
    {
        return response;
    }
    let text = axum::body::to_bytes(response.into_body(), REFUSAL_BYTES).await.unwrap_or_default();
    answer(status, &json!({ "error": String::from_utf8_lossy(&text) }))
}

async fn wrong_method() -> Response {
    let error = "the control surface has this route, but not this method";
    answer(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": error }))
}
