//! A server of dodev, and sessions of it.

use std::ops::Deref;
use std::path::Path;

use http::Method;
use serde_json::{Value as Json, json};

use super::clock::Clock;
use super::control::{Control, part};
use super::facts::LogLine;
use super::failure::TestError;
use super::object::Object;
use super::request::{Request, Response};
use super::start::{Running, Start};

/// The server of `dodev test -- COMMAND`, which sets `DODEV_URL` and `DODEV_TOKEN`.
///
/// # Errors
/// When there is none.
pub fn connect() -> Result<Server, TestError> {
    let missing = "there is no server: run the tests with `dodev test -- COMMAND`, or start one";
    let url = std::env::var("DODEV_URL").map_err(|_| TestError::NotStarted(missing.to_owned()))?;
    Server::at(&url, std::env::var("DODEV_TOKEN").ok())
}

/// The server of `dodev test` if there is one, else one of its own for the project in `dir`, which ends when it is dropped.
///
/// # Errors
/// When it does not start, with the reasons.
pub fn open(dir: impl AsRef<Path>) -> Result<Server, TestError> {
    if std::env::var_os("DODEV_URL").is_some() { connect() } else { Start::new(dir).start() }
}

/// A server of dodev. One that was started ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    control: Control,
    /// The process, if it is ours.
    running: Option<Running>,
}

impl Server {
    /// The server at `url`, which is somebody else's; `token` is that of its control API.
    ///
    /// # Errors
    /// When `url` is none.
    pub fn at(url: &str, token: Option<String>) -> Result<Self, TestError> {
        Ok(Self { control: Control::new(url, token)?, running: None })
    }

    pub(super) fn started(url: &str, token: String, running: Running) -> Result<Self, TestError> {
        Ok(Self { control: Control::new(url, Some(token))?, running: Some(running) })
    }

    /// The Worker's address, `http://127.0.0.1:<port>`, without a slash at its end.
    pub fn url(&self) -> &str {
        self.control.url.as_str().trim_end_matches('/')
    }

    /// Sends the Worker a request: a path for a GET, or a whole [`Request`]. No redirect is followed.
    ///
    /// # Errors
    /// When nobody answers, or it is no request to this server.
    pub fn fetch(&self, request: impl Into<Request>) -> Result<Response, TestError> {
        let request = request.into();
        let wrong =
            |why: &str| TestError::NotData(format!("`{}` is no URL of this server{why}", request.target));
        let url = self.control.url.join(&request.target).map_err(|error| wrong(&format!(": {error}")))?;
        if url.origin() != self.control.url.origin() {
            return Err(wrong(""));
        }
        self.control.send(&url, request.whole()?)
    }

    /// The object of a class (its own name, not the binding's) with this name.
    pub fn object(&self, class: &str, name: &str) -> Object<'_> {
        Object::new(&self.control, class, format!("name:{name}"))
    }

    /// The object of a class with this id: 64 hexadecimal digits.
    pub fn object_with_id(&self, class: &str, id: &str) -> Object<'_> {
        Object::new(&self.control, class, format!("id:{id}"))
    }

    /// Its clock.
    pub fn clock(&self) -> Clock<'_> {
        Clock(&self.control)
    }

    /// Lines that the code logged, the oldest first.
    ///
    /// # Errors
    /// When nobody answers; so do the others.
    pub fn logs(&self) -> Result<Vec<LogLine>, TestError> {
        part(&self.control(Method::GET, &["logs"], None)?, "logs")
    }

    /// Forgets the lines that were logged.
    ///
    /// # Errors
    /// As [`Server::logs`].
    pub fn clear_logs(&self) -> Result<(), TestError> {
        self.control(Method::DELETE, &["logs"], Some(&json!({}))).map(drop)
    }

    /// Puts every object to sleep that nothing keeps awake; how many.
    ///
    /// # Errors
    /// As [`Server::logs`].
    pub fn hibernate(&self) -> Result<u64, TestError> {
        part(&self.control(Method::POST, &["hibernate"], Some(&json!({})))?, "count")
    }

    /// A copy of the present state and clock, with an address of its own.
    ///
    /// # Errors
    /// As [`Server::logs`].
    pub fn session(&self) -> Result<Session, TestError> {
        self.session_with(&json!({}))
    }

    /// A session of the snapshot with this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn session_from(&self, snapshot: &str) -> Result<Session, TestError> {
        self.session_with(&json!({ "snapshot": snapshot }))
    }

    fn session_with(&self, wanted: &Json) -> Result<Session, TestError> {
        let made = self.control(Method::POST, &["sessions"], Some(wanted))?;
        let (id, url): (String, String) = (part(&made, "id")?, part(&made, "url")?);
        Ok(Session { server: Self::at(&url, self.control.token.clone())?, from: self.control.clone(), id })
    }

    /// Asks the control API for `path`, in segments; the JSON of the answer. `docs/control-api.md` has all of it.
    ///
    /// # Errors
    /// What it refuses.
    pub fn control(&self, method: Method, path: &[&str], body: Option<&Json>) -> Result<Json, TestError> {
        self.control.ask(method, &self.control.at(path), body)
    }

    /// Ends the server if it was started here; one of `dodev test` ends with its command.
    pub fn stop(self) {
        drop(self.running);
    }
}

/// A session of a server, which it must not outlive: a whole server by itself, with state and time of its own. It ends
/// when it is dropped.
#[derive(Debug)]
pub struct Session {
    server: Server,
    from: Control,
    id: String,
}

impl Session {
    /// Its number.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Back to the state and the time when the session was made: objects lose their memory, WebSockets are closed.
    ///
    /// # Errors
    /// When nobody answers.
    pub fn reset(&self) -> Result<(), TestError> {
        self.from
            .ask(Method::POST, &self.from.at(&["sessions", &self.id, "reset"]), Some(&json!({})))
            .map(drop)
    }
}

impl Deref for Session {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A server that is gone has no sessions.
        drop(self.from.ask(Method::DELETE, &self.from.at(&["sessions", &self.id]), Some(&json!({}))));
    }
}
