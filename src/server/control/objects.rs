//! Routes about the life of objects: who is there, what keeps them awake, sleep, reset, alarm.

use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::Surface;
use super::query::{Query, target};
use super::reply::{Problem, body, finish, invalid, unexpected};
use super::values::stored;
use crate::base::clock::Timestamp;
use crate::objects::control::{Action, Answer, Change, Command, ObjectFacts};

/// Largest time that an alarm may have: it is kept in nanoseconds.
const TIME_MAX_MS: i64 = i64::MAX / 1_000_000;

/// `overview`, `objects`, `objects/{class}/{object}` and what ends in a verb.
pub fn routes() -> Router<Surface> {
    const OBJECT: &str = "/cdn-cgi/dodev/objects/{class}/{object}";
    Router::new()
        .route("/cdn-cgi/dodev/overview", get(overview))
        .route("/cdn-cgi/dodev/objects", get(objects))
        .route("/cdn-cgi/dodev/hibernate", post(hibernate_all))
        .route(OBJECT, get(object))
        .route(&format!("{OBJECT}/hibernate"), post(hibernate))
        .route(&format!("{OBJECT}/evict"), post(evict))
        .route(&format!("{OBJECT}/reset"), post(reset))
        .route(&format!("{OBJECT}/alarm"), get(alarm).put(set_alarm).delete(delete_alarm))
        .route(&format!("{OBJECT}/alarm/run"), post(run_alarm))
}

/// An object's place in a path: class and object.
pub type Place = Path<(String, String)>;

async fn overview(State(surface): State<Surface>) -> Response {
    finish(async { to_json(surface.ask(Command::Overview).await?) }.await)
}

async fn objects(State(surface): State<Surface>, RawQuery(query): RawQuery) -> Response {
    let result = async {
        let query = Query::read(query.as_deref(), &["class", "asleep"])?;
        let command = Command::Objects { class: query.text("class"), asleep: query.flag("asleep")? };
        to_json(surface.ask(command).await?)
    };
    finish(result.await)
}

async fn object(State(surface): State<Surface>, place: Place) -> Response {
    act(&surface, place, Action::Facts).await
}

async fn hibernate_all(State(surface): State<Surface>) -> Response {
    finish(async { to_json(surface.ask(Command::HibernateAll).await?) }.await)
}

async fn hibernate(State(surface): State<Surface>, place: Place) -> Response {
    act(&surface, place, Action::Hibernate).await
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EvictBody {
    #[serde(default)]
    web_sockets: WebSockets,
}

#[derive(Deserialize, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
enum WebSockets {
    #[default]
    Hibernate,
    Close,
}

async fn evict(State(surface): State<Surface>, place: Place, request: Request) -> Response {
    match body::<EvictBody>(request).await {
        Ok(body) => {
            let close_sockets = body.web_sockets == WebSockets::Close;
            act(&surface, place, Action::Evict { close_sockets }).await
        }
        Err(problem) => *problem,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResetBody {
    reason: Option<String>,
}

async fn reset(State(surface): State<Surface>, place: Place, request: Request) -> Response {
    match body::<ResetBody>(request).await {
        Ok(body) => act(&surface, place, Action::Reset(body.reason)).await,
        Err(problem) => *problem,
    }
}

async fn alarm(State(surface): State<Surface>, Path((class, object)): Place) -> Response {
    let result = async {
        match surface.ask_object(target(class, &object)?, Action::Facts).await? {
            Answer::Object(facts) => Ok(json!({ "alarm": facts.alarm })),
            _ => Err(unexpected()),
        }
    };
    finish(result.await)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlarmBody {
    time: i64,
}

async fn set_alarm(State(surface): State<Surface>, place: Place, request: Request) -> Response {
    match body::<AlarmBody>(request).await {
        Ok(AlarmBody { time }) if (1..=TIME_MAX_MS).contains(&time) => {
            act(&surface, place, Action::Change(Change::SetAlarm(Some(Timestamp(time))))).await
        }
        Ok(_) => *invalid("`time` is in milliseconds since the epoch, from 1970 to 2262"),
        Err(problem) => *problem,
    }
}

async fn delete_alarm(State(surface): State<Surface>, place: Place) -> Response {
    act(&surface, place, Action::Change(Change::SetAlarm(None))).await
}

async fn run_alarm(State(surface): State<Surface>, place: Place) -> Response {
    act(&surface, place, Action::RunAlarm).await
}

/// Asks for `action` and answers.
async fn act(surface: &Surface, Path((class, object)): Place, action: Action) -> Response {
    let result = async {
        let target = target(class, &object)?;
        to_json(surface.ask_object(target, action).await?)
    };
    finish(result.await)
}

fn to_json(answer: Answer) -> Result<Json, Problem> {
    Ok(match answer {
        Answer::Overview(overview) => json!(overview),
        Answer::Objects(objects) => json!({ "objects": objects.iter().map(facts).collect::<Vec<_>>() }),
        Answer::Object(object) => facts(&object),
        Answer::Done(changed) => json!({ "changed": changed }),
        Answer::Count(count) => json!({ "count": count }),
        Answer::AlarmRan(outcome) => json!({ "outcome": outcome }),
        _ => return Err(unexpected()),
    })
}

fn facts(object: &ObjectFacts) -> Json {
    let mut json = json!(object);
    let sockets = json.get_mut("sockets").and_then(Json::as_array_mut).into_iter().flatten();
    for (shown, socket) in sockets.zip(&object.sockets) {
        let attachment =
            socket.attachment.as_deref().map(|bytes: &[u8]| -> Map<String, Json> { stored(bytes) });
        shown["attachment"] = json!(attachment);
    }
    json
}
