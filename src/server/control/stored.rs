//! Routes that read what is stored: lists, one object or class, alarms, differences, exports, migrations.
//!
//! They are answered by this program itself as another process (`dodev state … --json`). The process that serves
//! must not open files of databases that a world has open, because closing one drops its locks; another process reads them without a trace
//! (`inspect/reader.rs`). So the answers are those of the commands too, byte for byte.
//!
//! An answer that is short is looked at before it is sent, so that a failure has its status. A longer one is sent as it
//! comes; what fails then is its last line (`{"version", "command", "error"}`), or it breaks off.

use std::ffi::OsString;
use std::io::{Read, Result as IoResult};
use std::path::PathBuf;
use std::pin::Pin;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use bytes::{Bytes, BytesMut};
use http_body::Frame;
use serde_json::{Value as Json, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::Surface;
use super::query::Query;
use super::reply::{Problem, answer, invalid, problem, streamed};
use crate::base::limits;
use crate::objects::control::Command as WorldCommand;

/// Bytes that are passed on at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait between the process and the client.
const CHUNKS: usize = 4;
/// Largest failure: a longer answer is sent without looking at it.
const FAILURE_BYTES: usize = 64 * 1024;
/// Most that is kept of what the process says on the side.
const ASIDE_BYTES: u64 = 4 * 1024;
/// Longest address or name of a snapshot, bytes.
const ADDRESS_BYTES: usize = 8 * 1024;
/// Most keys of an object that `inspect` shows unless more are asked for; as the command's.
const KEYS: u32 = 100;

/// This program, for what only another process may do.
#[derive(Clone)]
pub struct OwnProgram {
    path: Arc<PathBuf>,
    migrate: Arc<[OsString]>,
    places: Arc<Semaphore>,
}

impl OwnProgram {
    /// The program at `path`; `migrate` are the arguments that tell `dodev migrate` of the served Workers, none where they
    /// cannot be told.
    pub fn new(path: PathBuf, migrate: Vec<OsString>) -> Self {
        let places = Arc::new(Semaphore::new(limits::CONTROL_READERS));
        Self { path: Arc::new(path), migrate: migrate.into(), places }
    }

    /// The same for another state, whose Workers' migrations are not its own.
    pub fn without_migrations(&self) -> Self {
        Self { migrate: Arc::new([]), ..self.clone() }
    }
}

/// `state/objects`, `state/inspect`, `state/alarms`, `state/diff`, `state/export` and `migrations`.
pub fn routes() -> Router<Surface> {
    Router::new()
        .route("/cdn-cgi/dodev/state/objects", get(objects))
        .route("/cdn-cgi/dodev/state/inspect", get(inspect))
        .route("/cdn-cgi/dodev/state/alarms", get(alarms))
        .route("/cdn-cgi/dodev/state/diff", get(diff))
        .route("/cdn-cgi/dodev/state/export", get(export))
        .route("/cdn-cgi/dodev/migrations", get(migrations))
}

async fn objects(State(surface): State<Surface>, RawQuery(query): RawQuery) -> Response {
    let words = Query::read(query.as_deref(), &["address"])
        .and_then(|query| Words::of(&["state", "list", "--json"]).address(query.text("address")));
    respond(&surface, words).await
}

async fn inspect(State(surface): State<Surface>, RawQuery(query): RawQuery) -> Response {
    let words = Query::read(query.as_deref(), &["address", "limit"]).and_then(|query| {
        let address =
            query.text("address").ok_or_else(|| invalid("say which object or class: `?address=`"))?;
        let most = u32::try_from(limits::CONTROL_ROWS).unwrap_or(u32::MAX);
        let limit = query.count("limit", most)?.unwrap_or(KEYS);
        Words::of(&["state", "inspect", "--json", "--limit", &limit.to_string()]).address(Some(address))
    });
    respond(&surface, words).await
}

async fn alarms(State(surface): State<Surface>, RawQuery(query): RawQuery) -> Response {
    let words = Query::read(query.as_deref(), &["address"])
        .and_then(|query| Words::of(&["alarm", "list", "--json"]).address(query.text("address")));
    respond(&surface, words).await
}

async fn diff(State(surface): State<Surface>, RawQuery(query): RawQuery) -> Response {
    let words = Query::read(query.as_deref(), &["from", "to", "only"]).and_then(|query| {
        let from = query.text("from").ok_or_else(|| {
            invalid("say what is compared: `?from=` a snapshot, `OBJECT@POINT` or `live`, and `to=`")
        })?;
        let words = Words::of(&["state", "diff", "--json"]).option("--only", query.text("only"))?;
        words.address(Some(from))?.address(query.text("to"))
    });
    if words.as_ref().is_ok_and(Words::has_point) {
        // What a point is compared with may have been committed just now. Without code that runs nothing waits.
        drop(surface.ask(WorldCommand::SaveHistory).await);
    }
    respond(&surface, words).await
}

async fn export(State(surface): State<Surface>, RawQuery(query): RawQuery) -> Response {
    let read = || -> Result<(Words, &'static str), Problem> {
        let query = Query::read(query.as_deref(), &["address", "sql"])?;
        let mut words = Words::of(&["state", "export", "--json"]);
        let is_sql = query.flag("sql")?;
        if is_sql {
            words.all.push("--sql".into());
        }
        Ok((
            words.address(query.text("address"))?,
            if is_sql { "application/sql" } else { "application/x-ndjson" },
        ))
    };
    match read() {
        Ok((words, kind)) => run(&surface, words, kind).await.unwrap_or_else(|problem| *problem),
        Err(problem) => *problem,
    }
}

async fn migrations(State(surface): State<Surface>, RawQuery(query): RawQuery) -> Response {
    let words = Query::read(query.as_deref(), &[]).and_then(|_| {
        let own = &surface.program.migrate;
        if own.is_empty() {
            return Err(problem(StatusCode::NOT_FOUND, "a session has no migrations of its own"));
        }
        let mut words = Words::of(&["migrate", "status", "--json"]);
        words.all.extend(own.iter().cloned());
        Ok(words)
    });
    respond(&surface, words).await
}

async fn respond(surface: &Surface, words: Result<Words, Problem>) -> Response {
    let answered = match words {
        Ok(words) => run(surface, words, "application/json").await,
        Err(problem) => Err(problem),
    };
    answered.unwrap_or_else(|problem| *problem)
}

/// The words of a command: options, and what stands behind `--`.
struct Words {
    all: Vec<OsString>,
    addresses: Vec<OsString>,
}

impl Words {
    fn of(all: &[&str]) -> Self {
        Self { all: all.iter().map(OsString::from).collect(), addresses: Vec::new() }
    }

    fn option(mut self, name: &str, text: Option<String>) -> Result<Self, Problem> {
        if let Some(text) = text {
            // As one word: the value may begin with a hyphen.
            self.all.push(format!("{name}={}", checked(text)?).into());
        }
        Ok(self)
    }

    fn address(mut self, text: Option<String>) -> Result<Self, Problem> {
        if let Some(text) = text {
            self.addresses.push(checked(text)?.into());
        }
        Ok(self)
    }

    /// Whether a point of a history may be meant.
    fn has_point(&self) -> bool {
        self.addresses.iter().any(|address| address.as_encoded_bytes().contains(&b'@'))
    }

    fn command(self, program: &OwnProgram, persist: PathBuf) -> Command {
        let mut command = Command::new(program.path.as_ref());
        command.args(self.all).arg("--persist-to").arg(persist);
        if !self.addresses.is_empty() {
            command.arg("--").args(self.addresses);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

fn checked(text: String) -> Result<String, Problem> {
    match text.len() > ADDRESS_BYTES || text.contains('\0') {
        true => Err(invalid("this is no address: it is too long, or has a zero byte")),
        false => Ok(text),
    }
}

/// What comes of the process: its output piece by piece, and how it ended.
enum Piece {
    Output(Bytes),
    End { status: ExitStatus, aside: String },
}

async fn run(surface: &Surface, words: Words, kind: &'static str) -> Result<Response, Problem> {
    let state = surface.state.read().unwrap_or_else(PoisonError::into_inner).clone();
    let persist = state.root().parent().map(std::path::Path::to_owned).unwrap_or_default();
    let broken = |what: String| problem(StatusCode::INTERNAL_SERVER_ERROR, what);
    let place = surface.program.places.clone().acquire_owned().await;
    let place = place.map_err(|_| broken("the server stops".to_owned()))?;
    let child = words.command(&surface.program, persist).spawn();
    let child =
        child.map_err(|error| broken(format!("the process that reads cannot be started: {error}")))?;
    let (sender, mut pieces) = mpsc::channel(CHUNKS);
    std::thread::Builder::new()
        .name("reader".to_owned())
        .spawn(move || follow(child, &sender, place))
        .map_err(|error| broken(format!("no thread can be started: {error}")))?;

    let mut head = BytesMut::new();
    loop {
        match pieces.recv().await {
            None => return Err(broken("the process that reads was lost".to_owned())),
            Some(Piece::End { status, aside }) => {
                return match failure(&head, status, &aside) {
                    Some(failure) => Err(failure),
                    None => Ok(streamed(kind, Body::from(head.freeze()))),
                };
            }
            Some(Piece::Output(bytes)) => head.extend_from_slice(&bytes),
        }
        if head.len() > FAILURE_BYTES {
            let body = Body::new(Pieces { head: Some(head.freeze()), rest: pieces });
            return Ok(streamed(kind, body));
        }
    }
}

/// Passes on what `child` says until it ends, or nobody listens; then it is ended.
fn follow(mut child: Child, sender: &mpsc::Sender<Piece>, place: OwnedSemaphorePermit) {
    let streams = (child.stdout.take(), child.stderr.take());
    let (Some(output), Some(aside)) = streams else { return };
    let aside = std::thread::spawn(move || read_aside(aside));
    let heard = pass_on(output, sender);
    if !heard.unwrap_or(false) {
        // It may have ended already.
        drop(child.kill());
    }
    let ended = child.wait();
    drop(place);
    let aside = aside.join().unwrap_or_default();
    if let Ok(status) = ended {
        // Nobody listens: nobody is told.
        drop(sender.blocking_send(Piece::End { status, aside }));
    }
}

/// Whether everything was passed on.
fn pass_on(mut output: ChildStdout, sender: &mpsc::Sender<Piece>) -> IoResult<bool> {
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let length = output.read(&mut buffer)?;
        if length == 0 {
            return Ok(true);
        }
        if sender.blocking_send(Piece::Output(Bytes::copy_from_slice(&buffer[..length]))).is_err() {
            return Ok(false);
        }
    }
}

fn read_aside(mut aside: ChildStderr) -> String {
    let mut kept = Vec::new();
    drop(aside.by_ref().take(ASIDE_BYTES).read_to_end(&mut kept));
    // The rest is read too, so that the process is not held up.
    drop(std::io::copy(&mut aside, &mut std::io::sink()));
    String::from_utf8_lossy(&kept).into_owned()
}

/// The response for a process that failed and said nothing but that.
fn failure(output: &[u8], status: ExitStatus, aside: &str) -> Option<Problem> {
    if let Ok(said) = serde_json::from_slice::<Json>(output)
        && let Some(error) = said.get("error").filter(|error| error.is_object())
    {
        let code = error["code"].as_str().unwrap_or_default();
        let body = json!({
            "error": error["message"], "code": code, "help": error["help"], "nearest": error["nearest"],
        });
        return Some(Box::new(answer(status_of(code), &body)));
    }
    // Without an output something is wrong with the process itself.
    (output.is_empty() && !status.success()).then(|| {
        let line = aside.lines().next().unwrap_or("it said nothing");
        problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("the process that reads failed ({status}): {line}"),
        )
    })
}

fn status_of(code: &str) -> StatusCode {
    match code {
        "no-state" | "not-found" => StatusCode::NOT_FOUND,
        "ambiguous" | "invalid" | "sql" => StatusCode::BAD_REQUEST,
        "exists" | "held" => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A body of what the process says, as it comes. A process that ends badly without saying why breaks it off.
struct Pieces {
    head: Option<Bytes>,
    rest: mpsc::Receiver<Piece>,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(head) = self.head.take() {
            return Poll::Ready(Some(Ok(Frame::data(head))));
        }
        self.rest.poll_recv(context).map(|piece| match piece {
            Some(Piece::Output(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Piece::End { status, .. }) if status.code().is_some() => None,
            Some(Piece::End { .. }) | None => {
                Some(Err(std::io::Error::other("the process that reads was lost")))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn what_the_command_says_of_its_failure_becomes_a_status() {
        for (code, expected) in
            [("not-found", 404), ("invalid", 400), ("ambiguous", 400), ("held", 409), ("damaged", 500)]
        {
            let said = format!(r#"{{"version":1,"command":"x","error":{{"code":"{code}","message":"m"}}}}"#);
            let problem = failure(said.as_bytes(), ExitStatus::from_raw(1 << 8), "").expect(code);
            assert_eq!(problem.status(), expected, "{code}");
        }
        let ended = |code: i32| ExitStatus::from_raw(code << 8);
        assert!(
            failure(br#"{"version":1,"objects":[]}"#, ended(3), "").is_none(),
            "a difference is an answer"
        );
        assert!(failure(b"", ended(0), "").is_none());
        assert_eq!(failure(b"", ended(2), "error: usage\n").expect("a failure").status(), 500);
        // An export with objects that cannot be read has the others all the same.
        assert!(failure(b"{\"object\":\"a\"}\n{\"error\":{}}\n", ended(1), "").is_none());
    }

    #[test]
    fn addresses_are_words_of_their_own() {
        let program = OwnProgram::new("dodev".into(), Vec::new());
        let words = Words::of(&["state", "diff"]).option("--only", Some("-x".to_owned())).ok();
        let words = words.and_then(|words| words.address(Some("--persist-to=/".to_owned())).ok());
        let command = words.expect("good words").command(&program, "state".into());
        let all: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        assert_eq!(all, ["state", "diff", "--only=-x", "--persist-to", "state", "--", "--persist-to=/"]);
        assert!(Words::of(&[]).address(Some("a\0b".to_owned())).is_err());
        assert!(Words::of(&[]).address(Some("x".repeat(ADDRESS_BYTES + 1))).is_err());
    }
}
