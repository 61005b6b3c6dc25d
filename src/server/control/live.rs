//! Routes that tell what happens: a stream of events, and the last logs.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use http_body::Frame;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use super::Surface;
use super::query::Query;
use super::reply::{finish, streamed};
use crate::base::clock::Timestamp;
use crate::base::limits;
use crate::objects::Feed;
use crate::server::serve::RequestRecord;

/// Lines that wait between the feed and a client's connection.
const LINES: usize = 64;

/// `events` and `logs`.
pub fn routes() -> Router<Surface> {
    Router::new()
        .route("/cdn-cgi/dodev/events", get(events))
        .route("/cdn-cgi/dodev/logs", get(logs).delete(clear_logs))
}

/// Tells who watches that a request was answered.
pub fn tell_request(feed: &Feed, at: Timestamp, record: &RequestRecord) {
    feed.tell(at, "request", || {
        json!({
            "method": record.method.as_str(), "path": record.target.as_str(), "status": record.status,
            "durationMs": (record.duration.as_secs_f64() * 1e6).round() / 1e3, "asset": record.is_asset,
        })
    });
}

/// A body of lines, as they come.
struct Lines(mpsc::Receiver<Bytes>);

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|line| line.map(|line| Ok(Frame::data(line))))
    }
}

/// One JSON object per line until the client hangs up or the server stops.
async fn events(State(surface): State<Surface>) -> Response {
    let mut feed = surface.feed.listen();
    let (sender, lines) = mpsc::channel(LINES);
    let hello =
        json!({ "event": "hello", "at": surface.clock.now().0, "version": env!("CARGO_PKG_VERSION") });
    tokio::spawn(async move {
        let mut stopping = surface.stopping.clone();
        let mut line = hello.to_string();
        loop {
            line.push('\n');
            // Held back by a client that does not read, this task falls behind the feed, which does not wait.
            let sent = tokio::select! {
                sent = sender.send(Bytes::from(line)) => sent.is_ok(),
                _ = stopping.wait_for(Option::is_some) => false,
            };
            if !sent {
                return;
            }
            line = tokio::select! {
                event = feed.recv() => match event {
                    Ok(event) => event.to_string(),
                    Err(RecvError::Lagged(missed)) => {
                        json!({ "event": "missed", "at": surface.clock.now().0, "count": missed }).to_string()
                    }
                    Err(RecvError::Closed) => return,
                },
                () = sender.closed() => return,
                _ = stopping.wait_for(Option::is_some) => return,
            };
        }
    });
    streamed("application/x-ndjson", Body::new(Lines(lines)))
}

async fn logs(State(surface): State<Surface>, RawQuery(query): RawQuery) -> Response {
    let result = Query::read(query.as_deref(), &["limit"]).and_then(|query| {
        let most = u32::try_from(limits::FEED_LOGS).unwrap_or(u32::MAX);
        let limit = query.count("limit", most)?.unwrap_or(most);
        Ok(json!({ "logs": surface.feed.logs(limit as usize) }))
    });
    finish(result)
}

async fn clear_logs(State(surface): State<Surface>) -> Response {
    surface.feed.clear_logs();
    finish(Ok(json!({ "changed": true })))
}
