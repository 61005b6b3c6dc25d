//! Talks to the server that holds the state, through its control surface.
//!
//! The note beside the lock says where it is and has the token for changes. A server that is too old for a route, or
//! that does not listen yet, counts as one that only holds the state.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use url::Url;

use crate::base::clock::Timestamp;
use crate::base::limits;
use crate::inspect::{Book, InspectError, Namespace, ObjectRef, ServerNote};

/// Time for reaching the server, which is on this machine.
const CONNECT: Duration = Duration::from_secs(2);
/// Time for an answer: what an object is busy with may take as long as an alarm's handler.
const ANSWER: Duration = limits::ALARM_HANDLER;

/// A running server.
#[derive(Debug, Clone)]
pub struct Live {
    note: ServerNote,
}

type Result<T> = std::result::Result<T, InspectError>;

impl Live {
    /// The server that holds the state of `book`; `None` if none does.
    ///
    /// # Errors
    /// When one does that cannot be reached.
    pub fn of(book: &Book) -> Result<Option<Self>> {
        match book.holder() {
            None => Ok(None),
            Some(holder) => match holder.server {
                Some(note) => Ok(Some(Self { note })),
                None => Err(InspectError::Held { pid: holder.pid }),
            },
        }
    }

    /// Sets `key` of `object` to the serialized value `bytes`.
    pub fn put(&self, object: &ObjectRef, key: &str, bytes: &[u8]) -> Result<()> {
        self.ask(Method::PUT, object, &["kv", key], &json!({ "v8": STANDARD.encode(bytes) })).map(drop)
    }

    /// Deletes `key` of `object`; whether it was there.
    pub fn delete(&self, object: &ObjectRef, key: &str) -> Result<bool> {
        let answer = self.ask(Method::DELETE, object, &["kv", key], &json!({}))?;
        Ok(answer["changed"].as_bool().unwrap_or(true))
    }

    /// Runs `sql` on `object`: the server's answer.
    pub fn sql(&self, object: &ObjectRef, sql: &str) -> Result<Json> {
        self.ask(Method::POST, object, &["sql"], &json!({ "query": sql }))
    }

    /// Removes the alarm of `object`.
    pub fn cancel_alarm(&self, object: &ObjectRef) -> Result<()> {
        self.ask(Method::DELETE, object, &["alarm"], &json!({})).map(drop)
    }

    /// Runs the alarm of `object` now: what came of it.
    pub fn run_alarm(&self, object: &ObjectRef) -> Result<Json> {
        self.ask(Method::POST, object, &["alarm", "run"], &json!({}))
    }

    /// What only the server knows of `object`: whether it is awake, its sockets, what waits.
    pub fn facts(&self, object: &ObjectRef) -> Result<Json> {
        self.ask(Method::GET, object, &[], &Json::Null)
    }

    /// All objects that the server has heard of.
    pub fn objects(&self) -> Result<Vec<Json>> {
        let mut url = self.url(&["objects"])?;
        url.set_query(Some("asleep"));
        let mut answer = block_on(async { self.answer(Method::GET, &url, &Json::Null).await })?;
        match answer["objects"].take() {
            Json::Array(objects) => Ok(objects),
            _ => Ok(Vec::new()),
        }
    }

    /// The object of the server's `class` with this `name` or id; `None` if it is asleep, unless `asleep`.
    pub fn find(&self, book: &Book, class: &str, name: &str, asleep: bool) -> Option<ObjectRef> {
        let url = self.url(&["objects", class, name]).ok()?;
        let facts = block_on(async { self.answer(Method::GET, &url, &Json::Null).await }).ok()?;
        (asleep || facts["state"] != "asleep").then(|| object_of(book, &facts)).flatten()
    }

    /// The server's time; `None` if it does not tell soon.
    pub fn now(&self) -> Option<Timestamp> {
        let url = self.url(&["health"]).ok()?;
        let asked = async {
            let asked = tokio::time::timeout(CONNECT, self.answer(Method::GET, &url, &Json::Null)).await;
            asked.unwrap_or_else(|_| Err(self.unreachable(&"it does not answer")))
        };
        Some(Timestamp(block_on(asked).ok()?["now"].as_i64()?))
    }

    /// Passes each line of the server's events to `line` until that says false or the server ends.
    pub fn events(&self, mut line: impl FnMut(&str) -> bool) -> Result<()> {
        let url = self.url(&["events"])?;
        block_on(async {
            let response = self.send(Method::GET, &url, &Json::Null).await?;
            if !response.status().is_success() {
                return Err(InspectError::Held { pid: Some(self.note.pid) });
            }
            let mut body = response.into_body();
            let mut rest = Vec::new();
            // The stream breaks off when the server ends, which is no failure.
            while let Some(Ok(frame)) = body.frame().await {
                rest.extend_from_slice(frame.data_ref().map_or(&[][..], |bytes| &bytes[..]));
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let text: Vec<u8> = rest.drain(..=end).collect();
                    if !line(String::from_utf8_lossy(&text).trim_end()) {
                        return Ok(());
                    }
                }
            }
            Ok(())
        })
    }

    fn url(&self, segments: &[&str]) -> Result<Url> {
        let mut url = Url::parse(&self.note.url)
            .map_err(|_| InspectError::Invalid(format!("`{}` is no URL of a server", self.note.url)))?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(["cdn-cgi", "dodev"]).extend(segments);
        }
        Ok(url)
    }

    fn ask(&self, method: Method, object: &ObjectRef, segments: &[&str], body: &Json) -> Result<Json> {
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            let what = "a key that is empty, `.` or `..` cannot be changed through a running server";
            return Err(InspectError::Invalid(what.to_owned()));
        }
        let (namespace, id) = (object.namespace.key(), format!("id:{}", object.id));
        let url = self.url(&[&["objects", namespace.as_str(), id.as_str()][..], segments].concat())?;
        block_on(async { self.answer(method, &url, body).await })
    }

    async fn answer(&self, method: Method, url: &Url, body: &Json) -> Result<Json> {
        let response = self.send(method, url, body).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(|error| self.unreachable(&error))?;
        let answer: Json = serde_json::from_slice(&bytes.to_bytes()).unwrap_or_default();
        let error = answer["error"].as_str().unwrap_or("the server answered without a reason");
        match status {
            status if status.is_success() => Ok(answer),
            // Another server than this version's: it has no such route.
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED if error.contains("control surface") => {
                Err(InspectError::Held { pid: Some(self.note.pid) })
            }
            _ => Err(InspectError::Server(error.to_owned())),
        }
    }

    async fn send(&self, method: Method, url: &Url, body: &Json) -> Result<http::Response<Incoming>> {
        let addresses = url.socket_addrs(|| None).map_err(|error| self.unreachable(&error))?;
        let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let connected = tokio::time::timeout(CONNECT, TcpStream::connect(&addresses[..])).await;
        let stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.unreachable(&error)),
            Err(_) => return Err(self.unreachable(&"it does not answer")),
        };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| self.unreachable(&error))?;
        tokio::spawn(connection);
        let request = Request::builder()
            .method(method)
            .uri(url[url::Position::BeforePath..].to_owned())
            .header(header::HOST, host)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.note.token))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) }))
            .map_err(|error| self.unreachable(&error))?;
        match tokio::time::timeout(ANSWER, sender.send_request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.unreachable(&error)),
            Err(_) => Err(self.unreachable(&"it does not answer")),
        }
    }

    fn unreachable(&self, reason: &dyn std::fmt::Display) -> InspectError {
        let ServerNote { url, pid, .. } = &self.note;
        InspectError::Server(format!("the server at {url} (pid {pid}) cannot be reached: {reason}"))
    }
}

/// The object that a server's `facts` are about.
pub fn object_of(book: &Book, facts: &Json) -> Option<ObjectRef> {
    let namespace = Namespace::of_dir(book.root().join("do").join(facts["namespace"].as_str()?))?;
    let name = facts["name"].as_str().map(str::to_owned);
    Some(ObjectRef { namespace, id: facts["id"].as_str()?.parse().ok()?, name })
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(InspectError::io("start", "an event loop".as_ref()))?;
    runtime.block_on(work)
}
