//! Requests to the control API, and to the Worker, over one connection each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, header};
use http_body_util::{BodyExt, Full};
use serde_json::{Value as Json, json};
use url::Url;

use super::failure::TestError;
use super::request::Response;
use crate::base::limits;
use crate::cli;
use crate::codec::{self, Value};

/// Where a server is, and what it wants to be shown.
#[derive(Debug, Clone)]
pub(super) struct Control {
    /// The Worker's address.
    pub url: Url,
    pub token: Option<String>,
}

impl Control {
    /// The server at `url`.
    pub fn new(url: &str, token: Option<String>) -> Result<Self, TestError> {
        let wrong = |_| TestError::NotStarted(format!("`{url}` is not the address of a server"));
        Ok(Self { url: Url::parse(url).map_err(wrong)?, token })
    }

    /// The URL of `segments` below the control API, each of which may hold any text but `.` and `..`.
    pub fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(["cdn-cgi", "dodev"]).extend(segments);
        }
        url
    }

    /// Asks for `url`; the JSON of the answer.
    pub fn ask(&self, method: Method, url: &Url, body: Option<&Json>) -> Result<Json, TestError> {
        let mut request =
            http::Request::builder().method(method).header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = body.map(Json::to_string).unwrap_or_default();
        let request = request.body(Bytes::from(body));
        let response = self.send(url, request.map_err(|error| TestError::NotData(error.to_string()))?)?;
        let answer = response.json().map_err(|_| {
            TestError::NotData(format!(
                "the control API answered with {}: {}",
                response.status(),
                response.text()
            ))
        })?;
        if response.ok() { Ok(answer) } else { Err(TestError::of_answer(response.status(), &answer)) }
    }

    /// Sends `request` to `url`, which is the server's, and waits for the whole answer.
    pub fn send(&self, url: &Url, request: http::Request<Bytes>) -> Result<Response, TestError> {
        let unreachable = |reason: String| TestError::Unreachable { url: self.url.to_string(), reason };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unreachable(error.to_string()))?;
        runtime.block_on(async {
            let sent = cli::send(url, request.map(Full::new), limits::ALARM_HANDLER).await;
            let (head, body) = sent.map_err(unreachable)?.into_parts();
            let body = body.collect().await.map_err(|error| unreachable(error.to_string()))?;
            Ok(Response::new(http::Response::from_parts(head, body.to_bytes())))
        })
    }
}

/// The JSON that carries `value`.
pub(super) fn encode(value: &Value) -> Result<Json, TestError> {
    let bytes = codec::write(value).map_err(|error| TestError::NotData(error.to_string()))?;
    Ok(json!({ "v8": STANDARD.encode(bytes) }))
}

/// The value that `entry` carries; `what` is for the error.
pub(super) fn decode(entry: &Json, what: &str) -> Result<Value, TestError> {
    let wrong = |why: &str| TestError::NotData(format!("{what} is no data: {why}"));
    if let Some(why) = entry["unreadable"].as_str() {
        return Err(wrong(why));
    }
    let text = entry["v8"].as_str().ok_or_else(|| wrong("nothing was sent"))?;
    let bytes = STANDARD.decode(text).map_err(|error| wrong(&error.to_string()))?;
    codec::read(&bytes).map(|(value, _)| value).map_err(|error| wrong(&error.to_string()))
}

/// A part of an answer, which is of a known kind.
pub(super) fn part<T: serde::de::DeserializeOwned>(answer: &Json, key: &str) -> Result<T, TestError> {
    serde_json::from_value(answer[key].clone())
        .map_err(|error| TestError::NotData(format!("`{key}` of the answer is not as expected: {error}")))
}
