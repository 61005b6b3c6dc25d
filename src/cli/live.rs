//! Talks to the server that holds the state, through its control surface.
//!
//! The note beside the lock says where it is and has the token for changes. A server that is too old for a route, or
//! that does not listen yet, counts as one that only holds the state.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value as Json, json};
use url::Url;

use super::client::{CONNECT, Client};
use crate::base::clock::Timestamp;
use crate::base::limits;
use crate::inspect::snapshot::Snapshot;
use crate::inspect::{Book, InspectError, Namespace, ObjectRef, ServerNote};
use crate::storage::history::Bookmark;

/// Time for an answer: what an object is busy with may take as long as an alarm's handler.
const ANSWER: Duration = limits::ALARM_HANDLER;
/// Most bytes of lines that are sent at once, unless one object has more.
const IMPORT_BYTES: usize = 16 * 1024 * 1024;

/// A running server.
#[derive(Debug, Clone)]
pub struct Live {
    note: ServerNote,
    client: Client,
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
                Some(note) => {
                    let client =
                        Client::of(&note).map_err(|error| InspectError::Server(error.to_string()))?;
                    Ok(Some(Self { note, client }))
                }
                None => Err(InspectError::Held { pid: holder.pid }),
            },
        }
    }

    /// Sets `key` of `object` to the serialized value `bytes`.
    pub fn put(&self, object: &ObjectRef, key: &str, bytes: &[u8]) -> Result<()> {
        let url = self.key_url(object, key);
        let body = json!({ "v8": STANDARD.encode(bytes) });
        block_on(async { self.answer(Method::PUT, &url, &body).await }).map(drop)
    }

    /// Deletes `key` of `object`; whether it was there.
    pub fn delete(&self, object: &ObjectRef, key: &str) -> Result<bool> {
        let url = self.key_url(object, key);
        let answer = block_on(async { self.answer(Method::DELETE, &url, &json!({})).await })?;
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
        let mut url = self.client.surface(&["objects"]);
        url.set_query(Some("asleep"));
        let mut answer = block_on(async { self.answer(Method::GET, &url, &Json::Null).await })?;
        match answer["objects"].take() {
            Json::Array(objects) => Ok(objects),
            _ => Ok(Vec::new()),
        }
    }

    /// The object of the server's `class` with this `name` or id; `None` if it is asleep, unless `asleep`.
    pub fn find(&self, book: &Book, class: &str, name: &str, asleep: bool) -> Option<ObjectRef> {
        let url = self.client.surface(&["objects", class, name]);
        let facts = block_on(async { self.answer(Method::GET, &url, &Json::Null).await }).ok()?;
        (asleep || facts["state"] != "asleep").then(|| object_of(book, &facts)).flatten()
    }

    /// The server's time; `None` if it does not tell soon.
    pub fn now(&self) -> Option<Timestamp> {
        let url = self.client.surface(&["health"]);
        let asked = async {
            let asked = tokio::time::timeout(CONNECT, self.answer(Method::GET, &url, &Json::Null)).await;
            asked.unwrap_or_else(|_| Err(self.unreachable(&"it does not answer")))
        };
        Some(Timestamp(block_on(asked).ok()?["now"].as_i64()?))
    }

    /// Passes each line of the server's events to `line` until that says false or the server ends.
    pub fn events(&self, mut line: impl FnMut(&str) -> bool) -> Result<()> {
        let url = self.client.surface(&["events"]);
        block_on(async {
            let sent = self.client.send(Method::GET, &url, &Json::Null, ANSWER).await;
            let response = sent.map_err(|reason| self.unreachable(&reason))?;
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

    fn object_url(&self, object: &ObjectRef, segments: &[&str]) -> Url {
        let (namespace, id) = (object.namespace.key(), format!("id:{}", object.id));
        self.client.surface(&[&["objects", namespace.as_str(), id.as_str()][..], segments].concat())
    }

    fn key_url(&self, object: &ObjectRef, key: &str) -> Url {
        if !matches!(key, "" | "." | "..") {
            return self.object_url(object, &["kv", key]);
        }
        // A path cannot hold these.
        let mut url = self.object_url(object, &["kv"]);
        url.query_pairs_mut().append_pair("key", key);
        url
    }

    fn ask(&self, method: Method, object: &ObjectRef, segments: &[&str], body: &Json) -> Result<Json> {
        let url = self.object_url(object, segments);
        block_on(async { self.answer(method, &url, body).await })
    }

    async fn answer(&self, method: Method, url: &Url, body: &Json) -> Result<Json> {
        let exchanged = self.client.exchange(method, url, body, ANSWER).await;
        let (status, answer) = exchanged.map_err(|reason| self.unreachable(&reason))?;
        if status.is_success() {
            return Ok(answer);
        }
        let error = answer["error"].as_str().unwrap_or("the server answered without a reason").to_owned();
        let texts = |name: &str| {
            let texts = answer[name].as_array().into_iter().flatten();
            texts.filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        Err(match (status, answer["code"].as_str()) {
            // Another server than this version's: it has no such route.
            (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED, None)
                if error.contains("control surface") =>
            {
                InspectError::Held { pid: Some(self.note.pid) }
            }
            // What a stopped state would have been refused for.
            (_, Some("not-found")) => InspectError::NotFound {
                what: error,
                nearest: texts("nearest"),
                help: answer["help"].as_str().map(str::to_owned),
            },
            (_, Some("invalid")) => InspectError::Invalid(error),
            (_, Some("sql")) => InspectError::Sql(error),
            _ => InspectError::Server(error),
        })
    }

    fn post(&self, segments: &[&str], body: &Json) -> Result<Json> {
        let url = self.client.surface(segments);
        block_on(async { self.answer(Method::POST, &url, body).await })
    }

    /// Has everything that was committed taken over into the histories, which else happens within a second.
    pub fn save_history(&self) -> Result<()> {
        self.post(&["state", "save-history"], &json!({})).map(drop)
    }

    /// Removes `objects` with everything of them.
    pub fn remove(&self, objects: &[ObjectRef]) -> Result<()> {
        let objects: Vec<_> = objects.iter().map(named).collect();
        self.post(&["state", "remove"], &json!({ "objects": objects })).map(drop)
    }

    /// Removes all objects of `namespace`, or of all: how many there were.
    pub fn reset(&self, namespace: Option<&Namespace>) -> Result<usize> {
        let answer = self.post(&["state", "reset"], &json!({ "class": namespace.map(Namespace::key) }))?;
        Ok(answer["objects"].as_u64().and_then(|count| usize::try_from(count).ok()).unwrap_or_default())
    }

    /// Stores the objects that `lines` tell of, each an object's lines, in place of what is stored if `replace`; tells
    /// `progress` how many are done. What went wrong on the side.
    pub fn import(
        &self,
        objects: &[&str],
        worker: Option<&str>,
        replace: bool,
        progress: &dyn Fn(u64),
    ) -> Result<Vec<String>> {
        let mut warnings = Vec::new();
        let mut done = 0;
        while done < objects.len() {
            let mut lines = objects[done].to_owned();
            let mut next = done + 1;
            while next < objects.len() && lines.len() + objects[next].len() <= IMPORT_BYTES {
                lines.push_str(objects[next]);
                next += 1;
            }
            let body = json!({ "lines": lines, "worker": worker, "replace": replace });
            // Each letter may become six in the request: what may be too much is measured.
            if lines.len() > limits::CONTROL_IMPORT_BYTES / 6
                && body.to_string().len() > limits::CONTROL_IMPORT_BYTES
            {
                let limit = limits::CONTROL_IMPORT_BYTES / (1024 * 1024);
                return Err(InspectError::Server(format!(
                    "one object takes more than the {limit} MiB that a running server imports at once: stop it first{}",
                    if done > 0 {
                        format!("; {done} of {} objects were imported", objects.len())
                    } else {
                        String::new()
                    }
                )));
            }
            warnings.extend(warnings_of(&self.post(&["state", "import"], &body)?));
            done = next;
            progress(done as u64);
        }
        Ok(warnings)
    }

    /// Brings the state of `object` at `bookmark` back: the bookmark that undoes it, and what went wrong on the side.
    pub fn restore(&self, object: &ObjectRef, bookmark: Bookmark) -> Result<(Bookmark, Vec<String>)> {
        let body = json!({ "bookmark": bookmark.to_string(), "name": object.name });
        let answer = self.ask(Method::POST, object, &["restore"], &body)?;
        let undo = answer["undo"].as_str().and_then(|text| text.parse().ok());
        let undo = undo.ok_or_else(|| self.unreachable(&"its answer has no bookmark"))?;
        Ok((undo, warnings_of(&answer)))
    }

    /// Copies all objects as the snapshot `name`.
    pub fn save_snapshot(&self, name: &str, replace: bool) -> Result<Snapshot> {
        let answer = self.post(&["state", "snapshots"], &json!({ "name": name, "replace": replace }))?;
        self.snapshot(&answer)
    }

    /// Puts all objects back as the snapshot `name` has them; what went wrong on the side.
    pub fn load_snapshot(&self, name: &str) -> Result<(Snapshot, Vec<String>)> {
        let answer = self.post(&["state", "snapshots", name, "load"], &json!({}))?;
        Ok((self.snapshot(&answer)?, warnings_of(&answer)))
    }

    fn snapshot(&self, answer: &Json) -> Result<Snapshot> {
        let snapshot = &answer["snapshot"];
        let read = || {
            Some(Snapshot {
                name: snapshot["name"].as_str()?.to_owned(),
                made_ms: snapshot["made"].as_i64()?,
                objects: snapshot["objects"].as_u64()?,
                size_bytes: snapshot["sizeBytes"].as_u64()?,
            })
        };
        read().ok_or_else(|| self.unreachable(&"its answer is not about a snapshot"))
    }

    fn unreachable(&self, reason: &dyn std::fmt::Display) -> InspectError {
        let ServerNote { url, pid, .. } = &self.note;
        InspectError::Server(format!("the server at {url} (pid {pid}) cannot be reached: {reason}"))
    }
}

/// How the routes about several objects name one.
fn named(object: &ObjectRef) -> Json {
    json!({ "class": object.namespace.key(), "object": format!("id:{}", object.id) })
}

fn warnings_of(answer: &Json) -> Vec<String> {
    let warnings = answer["warnings"].as_array().into_iter().flatten();
    warnings.filter_map(|text| text.as_str().map(str::to_owned)).collect()
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
