//! Routes for faults that calls by stubs meet on purpose.

use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Surface;
use super::query::target;
use super::reply::{Problem, body, finish, invalid, unexpected};
use crate::objects::control::{Answer, Command, Fault, FaultRule};

/// Longest delay, milliseconds.
const DELAY_MAX_MS: u64 = 600_000;

/// `faults`.
pub fn routes() -> Router<Surface> {
    Router::new().route("/cdn-cgi/dodev/faults", get(list).post(inject).delete(clear))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FaultBody {
    class: String,
    object: Option<String>,
    fault: Kind,
    delay_ms: Option<u64>,
    received: Option<bool>,
    #[serde(default = "once")]
    count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Evict,
    Reset,
    Overload,
    Disconnect,
    Delay,
}

fn once() -> u32 {
    1
}

impl FaultBody {
    fn rule(self) -> Result<FaultRule, Problem> {
        if self.received.is_some() && !matches!(self.fault, Kind::Disconnect) {
            return Err(invalid("only a disconnect has `received`"));
        }
        let fault = match (self.fault, self.delay_ms) {
            (Kind::Delay, Some(ms)) if ms <= DELAY_MAX_MS => Fault::Delay(Duration::from_millis(ms)),
            (Kind::Delay, _) => {
                return Err(invalid(format!("a delay needs `delayMs`, at most {DELAY_MAX_MS}")));
            }
            (_, Some(_)) => return Err(invalid("only a delay has `delayMs`")),
            (Kind::Evict, None) => Fault::Evict,
            (Kind::Reset, None) => Fault::Reset,
            (Kind::Overload, None) => Fault::Overload,
            (Kind::Disconnect, None) => Fault::Disconnect { received: self.received == Some(true) },
        };
        let object = self.object.map(|object| target(self.class.clone(), &object)).transpose()?;
        Ok(FaultRule { class: self.class, object: object.map(|t| t.object), fault, count: self.count })
    }
}

async fn list(State(surface): State<Surface>) -> Response {
    finish(async { to_json(surface.ask(Command::Faults).await?) }.await)
}

async fn inject(State(surface): State<Surface>, request: Request) -> Response {
    let result = async {
        let rule = body::<FaultBody>(request).await?.rule()?;
        to_json(surface.ask(Command::Inject(rule)).await?)
    };
    finish(result.await)
}

async fn clear(State(surface): State<Surface>) -> Response {
    finish(async { to_json(surface.ask(Command::ClearFaults).await?) }.await)
}

fn to_json(answer: Answer) -> Result<Json, Problem> {
    match answer {
        Answer::Faults(faults) => Ok(json!({ "faults": faults })),
        Answer::Done(_) => Ok(json!({ "changed": true })),
        Answer::Count(count) => Ok(json!({ "count": count })),
        _ => Err(unexpected()),
    }
}
