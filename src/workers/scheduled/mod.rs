//! The outcome of the `scheduled` handler, as a response.
//!
//! Fidelity: wrangler 4.164, recorded: `ok` or `exception` with status 500, or both facts as JSON, from
//! `/cdn-cgi/handler/scheduled`; a sentence from `/__scheduled`, also where there is no handler at all.

use std::rc::Rc;

use bytes::Bytes;
use http::{HeaderValue, header};
use rquickjs::{Array, Ctx, Value};

use crate::engine::Scope;
use crate::engine::http::{Body, FetchResponse, usual_reason};
use crate::engine::turn::Entered;
use crate::objects::{Objects, Reply, ReplyTo, ScheduledAnswer};

use super::platform::failure;

/// Calls the handler.
pub(super) fn call<'js>(
    ctx: &Ctx<'js>,
    objects: &Objects,
    cron: &str,
    time_ms: f64,
) -> rquickjs::Result<Value<'js>> {
    objects.host.entry(ctx, "scheduled")?.call((cron, time_ms))
}

/// Waits for the outcome of what was `called` and tells `reply`, in the form of `answer`.
pub(super) fn enter<'js>(
    called: rquickjs::Result<Value<'js>>,
    objects: &Rc<Objects>,
    scope: Scope,
    answer: ScheduledAnswer,
    reply: ReplyTo,
) -> Entered<'js> {
    let objects = objects.clone();
    Entered::Root(
        called,
        Box::new(move |ctx, result| {
            let outcome =
                result.and_then(|value| read(ctx, value, answer, &objects).map_err(|_| ctx.catch()));
            let reply_with = match outcome {
                Ok(Ok(response)) => Reply::Response(response),
                Ok(Err(thrown)) | Err(thrown) => Reply::Failed(failure(&objects, ctx, &thrown)),
            };
            objects.reply(reply, reply_with);
            objects.end_task(scope.owner);
        }),
    )
}

/// The response for `[succeeded, noRetry, thrown, hasHandler]`, or what is to be shown as the request's own failure.
fn read<'js>(
    ctx: &Ctx<'js>,
    outcome: Value<'js>,
    answer: ScheduledAnswer,
    objects: &Objects,
) -> rquickjs::Result<Result<FetchResponse, Value<'js>>> {
    let outcome = Array::from_value(outcome)?;
    let (succeeded, no_retry): (bool, bool) = (outcome.get(0)?, outcome.get(1)?);
    if !succeeded {
        let thrown: Value<'js> = outcome.get(2)?;
        let has_handler: bool = outcome.get(3)?;
        if has_handler && answer == ScheduledAnswer::Sentence {
            return Ok(Err(thrown));
        }
        objects.host.violations.add_thrown(ctx, &thrown);
    }
    let name = if succeeded { "ok" } else { "exception" };
    let (kind, text) = match answer {
        ScheduledAnswer::Sentence => ("text/plain;charset=UTF-8", "Ran scheduled event".to_owned()),
        ScheduledAnswer::Outcome => ("text/plain;charset=UTF-8", name.to_owned()),
        ScheduledAnswer::Json => {
            ("application/json", format!(r#"{{"outcome":"{name}","noRetry":{no_retry}}}"#))
        }
    };
    let status = if succeeded || answer == ScheduledAnswer::Sentence { 200 } else { 500 };
    Ok(Ok(FetchResponse {
        status,
        status_text: usual_reason(status).into(),
        headers: vec![(header::CONTENT_TYPE, HeaderValue::from_static(kind))],
        body: Body::Bytes(Bytes::from(text)),
        web_socket: None,
    }))
}
