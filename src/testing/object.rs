//! One Durable Object as a test sees it: called, looked into, put to sleep.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Map, Value as Json, json};
use url::Url;

use super::control::{Control, decode, encode, part};
use super::facts::{Rows, Socket};
use super::failure::TestError;
use super::request::{Request, Response};
use super::stored::{Argument, Kv, array};
use crate::codec::Value;

/// An object. Made by [`super::Server::object`]; asking for what is stored wakes nobody.
pub struct Object<'s> {
    control: &'s Control,
    class: String,
    /// `name:<name>` or `id:<id>`.
    address: String,
}

/// What becomes of the WebSockets of an object that is evicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// They hibernate.
    Hibernate,
    /// They are closed.
    Close,
}

impl<'s> Object<'s> {
    pub(super) fn new(control: &'s Control, class: &str, address: String) -> Self {
        Self { control, class: class.to_owned(), address }
    }

    /// Calls a method with arguments, JSON or [`Value`]s ([`super::NONE`] for no arguments); what it returns.
    ///
    /// # Errors
    /// What it throws is [`TestError::Thrown`].
    pub fn call<A: Into<Argument>>(
        &self,
        method: &str,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Value, TestError> {
        let mut body = encode(&array(args)?)?;
        body["method"] = method.into();
        decode(&self.post(&["call"], &body)?, &format!("the result of {method}()"))
    }

    /// Sends its `fetch` handler a request: a path for a GET, or a whole [`Request`]. WebSockets are opened through the
    /// Worker.
    ///
    /// # Errors
    /// What it throws, and when it answers with a WebSocket.
    pub fn fetch(&self, request: impl Into<Request>) -> Result<Response, TestError> {
        let request = request.into();
        let base = Url::parse("http://object/").expect("it is a URL");
        let url = base.join(&request.target);
        let url =
            url.map_err(|error| TestError::NotData(format!("`{}` is no URL: {error}", request.target)))?;
        let mut body = json!({ "method": request.method, "url": url.as_str(), "headers": request.headers });
        if !request.body.is_empty() {
            body["base64"] = STANDARD.encode(&request.body).into();
        }
        let answer = self.post(&["fetch"], &body)?;
        let status: u16 = part(&answer, "status")?;
        if status < 200 {
            let error = format!("the object answered with {status}: open its WebSockets through the Worker");
            return Err(TestError::NotData(error));
        }
        let bytes = match (answer["text"].as_str(), answer["base64"].as_str()) {
            (Some(text), _) => text.as_bytes().to_vec(),
            (None, text) => STANDARD
                .decode(text.unwrap_or_default())
                .map_err(|error| TestError::NotData(format!("the body of the answer is damaged: {error}")))?,
        };
        Response::of_parts(status, &part::<Vec<(String, String)>>(&answer, "headers")?, bytes.into())
    }

    /// Runs a statement. A parameter is null, a number, text, or `{"base64": …}` for bytes.
    ///
    /// # Errors
    /// What SQLite says, and when there are more rows than are shown.
    pub fn sql(&self, query: &str, params: &[Json]) -> Result<Rows, TestError> {
        let answer = self.post(&["sql"], &json!({ "query": query, "params": params }))?;
        if part(&answer, "truncated")? {
            let error = format!("there are more rows than are shown: add a LIMIT to {query}");
            return Err(TestError::NotData(error));
        }
        let columns: Vec<String> = part(&answer, "columns")?;
        let rows: Vec<Vec<Json>> = part(&answer, "rows")?;
        let row = |row: Vec<Json>| -> Map<String, Json> { columns.iter().cloned().zip(row).collect() };
        Ok(Rows {
            rows: rows.into_iter().map(row).collect(),
            rows_read: part(&answer, "rowsRead")?,
            rows_written: part(&answer, "rowsWritten")?,
        })
    }

    /// What it stores under keys.
    pub fn kv(&self) -> Kv<'_> {
        Kv(self)
    }

    /// Its alarm.
    pub fn alarm(&self) -> Alarm<'_> {
        Alarm(self)
    }

    /// What is known of it: `state`, `pins`, `alarm`, `sockets` and more, as `docs/control-api.md` says.
    ///
    /// # Errors
    /// When the Worker has no such class, or nobody answers.
    pub fn info(&self) -> Result<Json, TestError> {
        self.ask(Method::GET, &[], None)
    }

    /// Its hibernatable WebSockets, the oldest first, with their attachments.
    ///
    /// # Errors
    /// As [`Object::info`].
    pub fn sockets(&self) -> Result<Vec<Socket>, TestError> {
        let sockets: Vec<Json> = part(&self.info()?, "sockets")?;
        let socket = |socket: &Json| {
            let attachment = &socket["attachment"];
            Ok(Socket {
                id: part(socket, "id")?,
                tags: part(socket, "tags")?,
                ready_state: part(socket, "readyState")?,
                attachment: (!attachment.is_null())
                    .then(|| decode(attachment, "the attachment"))
                    .transpose()?,
                answered_at: part(socket, "answeredAt")?,
            })
        };
        sockets.iter().map(socket).collect()
    }

    /// Ends its instance as hibernation does; whether there was one.
    ///
    /// # Errors
    /// While something keeps it awake: [`TestError::pins`] says what.
    pub fn hibernate(&self) -> Result<bool, TestError> {
        self.change(&["hibernate"], &json!({}))
    }

    /// Fails, and says why, unless the object can hibernate and keeps its WebSockets.
    ///
    /// # Errors
    /// [`TestError::NotHibernating`] with everything that keeps it awake.
    pub fn expect_hibernates(&self) -> Result<(), TestError> {
        let before = self.sockets()?.len();
        let says = |what: String| Err(TestError::NotHibernating(format!("{} {what}", self.label())));
        match self.hibernate() {
            Err(error) if !error.pins().is_empty() => {
                let reasons: Vec<_> = error.pins().iter().map(|pin| format!("\n  - {pin}")).collect();
                return says(format!("does not hibernate:{}", reasons.concat()));
            }
            other => other?,
        };
        let info = self.info()?;
        let (state, after): (String, Vec<Json>) = (part(&info, "state")?, part(&info, "sockets")?);
        if state != "asleep" {
            return says(format!("is {state} again right after it hibernated"));
        }
        if after.len() != before {
            return says(format!("had {before} WebSockets and has {} in hibernation", after.len()));
        }
        Ok(())
    }

    /// Ends its instance with its timers and what runs beside; whether there was one.
    ///
    /// # Errors
    /// While somebody waits for what it does.
    pub fn evict(&self, sockets: Closing) -> Result<bool, TestError> {
        let sockets = match sockets {
            Closing::Hibernate => "hibernate",
            Closing::Close => "close",
        };
        self.change(&["evict"], &json!({ "webSockets": sockets }))
    }

    /// Resets it as `ctx.abort(reason)` does; whether there was an instance.
    ///
    /// # Errors
    /// As [`Object::info`].
    pub fn reset(&self, reason: Option<&str>) -> Result<bool, TestError> {
        self.change(&["reset"], &reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason })))
    }

    fn label(&self) -> String {
        match self.address.split_once(':') {
            Some(("name", name)) => format!("{} \"{name}\"", self.class),
            _ => format!("{} {}", self.class, self.address.trim_start_matches("id:")),
        }
    }

    fn change(&self, route: &[&str], body: &Json) -> Result<bool, TestError> {
        part(&self.post(route, body)?, "changed")
    }

    fn post(&self, route: &[&str], body: &Json) -> Result<Json, TestError> {
        self.ask(Method::POST, route, Some(body))
    }

    pub(super) fn url(&self, route: &[&str]) -> Url {
        let object = ["objects", &*self.class, &*self.address];
        self.control.at(&[&object, route].concat())
    }

    pub(super) fn ask(&self, method: Method, route: &[&str], body: Option<&Json>) -> Result<Json, TestError> {
        self.ask_at(method, &self.url(route), body)
    }

    pub(super) fn ask_at(&self, method: Method, url: &Url, body: Option<&Json>) -> Result<Json, TestError> {
        self.control.ask(method, url, body)
    }
}

/// The alarm of an object. Made by [`Object::alarm`].
pub struct Alarm<'o>(&'o Object<'o>);

impl Alarm<'_> {
    /// The time it is set for, milliseconds since the epoch.
    ///
    /// # Errors
    /// As [`Object::info`]; so do the others.
    pub fn get(&self) -> Result<Option<i64>, TestError> {
        Ok(self.0.ask(Method::GET, &["alarm"], None)?["alarm"]["scheduled"].as_i64())
    }

    /// Sets it.
    ///
    /// # Errors
    /// As [`Alarm::get`].
    pub fn set(&self, time_ms: i64) -> Result<(), TestError> {
        self.0.ask(Method::PUT, &["alarm"], Some(&json!({ "time": time_ms }))).map(drop)
    }

    /// Removes it.
    ///
    /// # Errors
    /// As [`Alarm::get`].
    pub fn delete(&self) -> Result<(), TestError> {
        self.0.ask(Method::DELETE, &["alarm"], Some(&json!({}))).map(drop)
    }

    /// Runs its handler now and waits for its end: `done`, `failed`, `dropped` or `moved`.
    ///
    /// # Errors
    /// As [`Alarm::get`], and when there is no alarm.
    pub fn run(&self) -> Result<String, TestError> {
        part(&self.0.post(&["alarm", "run"], &json!({}))?, "outcome")
    }
}
