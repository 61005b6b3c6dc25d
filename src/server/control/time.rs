//! The control surface's part about time: `GET /cdn-cgi/dodev/time` shows the clock, `POST` to `freeze`,
//! `resume`, `advance`, `jump` and `next` below it moves it.
//!
//! What to do is said by a JSON body: `{"by": "30d"}` or `{"by_ms": 1000}` for `advance`,
//! `{"to": "2027-01-01T00:00Z"}` or `{"to_ms": 1798761600000}` for `jump`. The answer comes when everything
//! that was due has run, and lists it. It is the serving world that moves the time; here is only its form.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Surface;
use super::reply::{answer, body};
use crate::base::clock::Timestamp;
use crate::base::limits;
use crate::base::time_text::{parse_duration, parse_time, show_duration, show_time};
use crate::server::current::Serving;
use crate::world::{Ending, Fired, Origin, TimeCommand, TimeReport};

/// The routes about time.
pub fn routes() -> Router<Surface> {
    Router::new().route("/cdn-cgi/dodev/time", get(show)).route("/cdn-cgi/dodev/time/{verb}", post(change))
}

/// What `advance` and `jump` are told.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Arguments {
    by: Option<String>,
    by_ms: Option<u64>,
    to: Option<String>,
    to_ms: Option<i64>,
}

async fn show(State(shared): State<Surface>) -> Response {
    answer(StatusCode::OK, &shared.report(TimeCommand::Show).await.unwrap_or_else(|| shared.bare()))
}

async fn change(State(shared): State<Surface>, Path(verb): Path<String>, request: Request) -> Response {
    let arguments: Arguments = match body(request).await {
        Ok(arguments) => arguments,
        Err(problem) => return *problem,
    };
    let now = shared.clock.now();
    let command = match verb.as_str() {
        "freeze" => {
            shared.clock.freeze();
            Ok(TimeCommand::Show)
        }
        "resume" => {
            shared.clock.resume();
            Ok(TimeCommand::Show)
        }
        "advance" => by(&arguments).and_then(|by| match u64::try_from(Timestamp::LATEST.0 - now.0) {
            Ok(most) if by <= Duration::from_millis(most) => Ok(TimeCommand::By(by)),
            _ => Err(too_far()),
        }),
        "jump" => to(&arguments).and_then(|to| match to {
            to if to > Timestamp::LATEST => Err(too_far()),
            to if to < now => Err(format!(
                "{} is {} ago: time moves forward only; start the server again to go back",
                show_time(to),
                show_duration(now.0 - to.0)
            )),
            to => Ok(TimeCommand::To(to)),
        }),
        "next" => Ok(TimeCommand::Next),
        _ => {
            let verbs = "freeze, resume, advance, jump or next";
            return answer(
                StatusCode::NOT_FOUND,
                &json!({ "error": format!("time knows {verbs}, not `{verb}`") }),
            );
        }
    };
    match command {
        Err(mistake) => refuse(mistake),
        Ok(command) => match shared.report(command).await {
            Some(report) => answer(StatusCode::OK, &report),
            None if command == TimeCommand::Show => answer(StatusCode::OK, &shared.bare()),
            None => {
                let error =
                    "no code runs, or it was replaced while the time was moved: what is due cannot fire";
                answer(StatusCode::CONFLICT, &json!({ "error": error }))
            }
        },
    }
}

fn too_far() -> String {
    format!("time can be moved up to {}", show_time(Timestamp::LATEST))
}

fn by(arguments: &Arguments) -> Result<Duration, String> {
    match (&arguments.by, arguments.by_ms, arguments.to.is_some() || arguments.to_ms.is_some()) {
        (Some(text), None, false) => parse_duration(text),
        (None, Some(ms), false) => Ok(Duration::from_millis(ms)),
        _ => Err("`advance` takes `by`, such as \"30d\", or `by_ms`".to_owned()),
    }
}

fn to(arguments: &Arguments) -> Result<Timestamp, String> {
    match (&arguments.to, arguments.to_ms, arguments.by.is_some() || arguments.by_ms.is_some()) {
        (Some(text), None, false) => parse_time(text),
        (None, Some(ms), false) => Ok(Timestamp(ms)),
        _ => Err("`jump` takes `to`, such as \"2027-01-01T00:00Z\", or `to_ms`".to_owned()),
    }
}

fn refuse(error: String) -> Response {
    answer(StatusCode::BAD_REQUEST, &json!({ "error": error }))
}

impl Surface {
    async fn report(&self, command: TimeCommand) -> Option<Value> {
        let asked = self.current.with(|serving| match serving {
            Serving::World { handler, .. } => Some(handler.time(command)),
            Serving::Starting | Serving::Broken(_) => None,
        });
        asked?.await.ok().map(|report| report_json(&report))
    }

    /// The clock alone, where no code runs.
    fn bare(&self) -> Value {
        let clock = &self.clock;
        Value::Object(clock_json(clock.now(), clock.is_frozen(), clock.ahead_ms()))
    }
}

fn clock_json(now: Timestamp, frozen: bool, ahead_ms: i64) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("now".to_owned(), show_time(now).into());
    map.insert("now_ms".to_owned(), now.0.into());
    map.insert("state".to_owned(), if frozen { "frozen" } else { "running" }.into());
    map.insert("ahead_ms".to_owned(), ahead_ms.into());
    map
}

fn report_json(report: &TimeReport) -> Value {
    let mut map = clock_json(report.now, report.frozen, report.ahead_ms);
    if let Some(ending) = report.ending {
        let settled = ending != Ending::TooLong && !report.outside;
        map.insert("from".to_owned(), show_time(report.from).into());
        map.insert("moved_ms".to_owned(), (report.now.0 - report.from.0).into());
        map.insert("settled".to_owned(), settled.into());
        let why = match ending {
            Ending::TooLong => {
                let limit = limits::TIME_MOVE.as_secs();
                Some(format!("there was more to do than {limit} seconds allow: ask again to go on"))
            }
            Ending::NothingDue => Some("nothing is due: there is no alarm, timer or cron trigger".to_owned()),
            Ending::Arrived if report.outside => {
                Some("a request to the outside is still under way; time went on without it".to_owned())
            }
            Ending::Arrived => None,
        };
        map.insert("note".to_owned(), why.into());
        map.insert("fired".to_owned(), report.fired.iter().map(|fired| fired_json(fired, true)).collect());
        map.insert("more".to_owned(), report.more.into());
    }
    map.insert("next".to_owned(), report.next.as_ref().map(|next| fired_json(next, false)).into());
    Value::Object(map)
}

fn fired_json(fired: &Fired, with_outcome: bool) -> Value {
    let mut map = Map::new();
    map.insert("kind".to_owned(), fired.kind.name().into());
    let object = match &fired.origin {
        Origin::Worker | Origin::OneOf(_) => Value::Null,
        Origin::Object { class, name } => {
            json!({ "class": class, "name": name, "id": fired.id.map(|id| id.to_string()) })
        }
    };
    map.insert("object".to_owned(), object);
    if let Origin::OneOf(worker) = &fired.origin {
        map.insert("worker".to_owned(), worker.as_str().into());
    }
    map.insert("due".to_owned(), show_time(fired.due).into());
    map.insert("due_ms".to_owned(), fired.due.0.into());
    if let Some(detail) = &fired.detail {
        map.insert("detail".to_owned(), detail.as_str().into());
    }
    if with_outcome {
        map.insert("outcome".to_owned(), fired.outcome.as_str().into());
    }
    if let Some(error) = &fired.error {
        map.insert("error".to_owned(), error.as_str().into());
    }
    Value::Object(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_name_one_way() {
        let read = |text: &str| serde_json::from_str::<Arguments>(text);
        assert_eq!(by(&read(r#"{"by":"2h"}"#).unwrap()), Ok(Duration::from_secs(7_200)));
        assert_eq!(by(&read(r#"{"by_ms":5}"#).unwrap()), Ok(Duration::from_millis(5)));
        assert!(by(&Arguments::default()).is_err());
        assert!(by(&read(r#"{"by":"2h","by_ms":5}"#).unwrap()).is_err());
        assert_eq!(to(&read(r#"{"to":"1970-01-02"}"#).unwrap()), Ok(Timestamp(86_400_000)));
        assert!(read(r#"{"until":1}"#).is_err());
    }

    #[test]
    fn a_report_says_what_fired_and_why_it_ended() {
        let fired = Fired {
            kind: crate::world::DueKind::Alarm,
            origin: Origin::Object { class: "C".to_owned(), name: "a".to_owned() },
            id: None,
            due: Timestamp(1_000),
            detail: None,
            outcome: "ok".to_owned(),
            error: None,
        };
        let report = TimeReport {
            from: Timestamp(0),
            now: Timestamp(2_000),
            ahead_ms: 0,
            frozen: true,
            ending: Some(Ending::Arrived),
            outside: false,
            fired: vec![fired],
            more: 0,
            next: None,
        };
        let shown = report_json(&report);
        assert_eq!(shown["state"], "frozen");
        assert_eq!((&shown["moved_ms"], &shown["settled"]), (&json!(2_000), &json!(true)));
        assert_eq!(shown["fired"][0]["object"]["name"], "a");
        assert_eq!(shown["fired"][0]["due"], "1970-01-01T00:00:01.000Z");
        let slow = report_json(&TimeReport { outside: true, ..report });
        assert_eq!(slow["settled"], json!(false));
    }
}
