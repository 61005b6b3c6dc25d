//! What the steps of a scripted case do.
//!
//! A step acts on a running fixture and may get an answer as JSON, which the caller compares. Each step ends
//! within its limit. The forms of steps and answers are described in `fixtures/conformance/README.md`.

use std::collections::HashMap;
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::compare::sorted;
use super::fixture::Fixture;
use crate::deadline::Deadline;
use crate::http::{self, Request, Response};
use crate::process::Signal;
use crate::websocket::{Handshake, Message, Opcode, WebSocket};

/// A step as it stands in the file.
pub type Step = Map<String, Value>;
/// A case's open sockets by name.
pub type Sockets = HashMap<String, WebSocket>;

/// Pause between two requests of an `until` step, unless the server writes something earlier.
const POLL: Duration = Duration::from_millis(50);
/// An `until` step gives up after this time unless it says otherwise.
const UNTIL_MS: u64 = 15_000;

/// The kinds of steps, by the key that names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Concurrent,
    Until,
    Http,
    Socket,
    Wait,
    Restart,
    Server,
    Edit,
    Write,
}

/// Tells what a step is; an error when it is nothing known.
pub fn kind(step: &Step) -> Result<Kind, String> {
    let kinds = [
        ("concurrent", Kind::Concurrent),
        ("until", Kind::Until),
        ("http", Kind::Http),
        ("ws", Kind::Socket),
        ("wait", Kind::Wait),
        ("restart", Kind::Restart),
        ("server", Kind::Server),
        ("edit", Kind::Edit),
        ("write", Kind::Write),
    ];
    let found = kinds.iter().find(|(key, _)| step.contains_key(*key));
    found.map(|(_, kind)| *kind).ok_or_else(|| format!("unknown step {}", Value::Object(step.clone())))
}

/// Does a step; `limit` holds where the step sets none. `Ok(None)` when it has no answer to compare.
pub fn run(
    step: &Step,
    fixture: &mut Fixture,
    sockets: &mut Sockets,
    limit: Duration,
) -> Result<Option<Value>, String> {
    let limit = step.get("timeout").and_then(Value::as_f64).map_or(limit, Duration::from_secs_f64);
    match kind(step)? {
        Kind::Concurrent => concurrent(step, fixture.port()?, limit).map(Some),
        Kind::Until => until(step, fixture).map(Some),
        Kind::Http => http_step(step, fixture.port()?, limit).map(Some),
        Kind::Socket => socket_step(step, sockets, fixture, limit),
        Kind::Wait => {
            // The case itself says how long nothing is to happen; there is no event to wait for.
            thread::sleep(Duration::from_millis(number(step, "wait")?));
            Ok(None)
        }
        Kind::Restart => {
            fixture.stop(if text(step, "restart")? == "kill" { Signal::Kill } else { Signal::Term });
            fixture.start().map(|()| None)
        }
        Kind::Server => match text(step, "server")? {
            "stop" => {
                fixture.stop(Signal::Term);
                Ok(None)
            }
            "start" => fixture.start().map(|()| None),
            other => Err(format!("a server cannot `{other}`")),
        },
        Kind::Edit => {
            fixture.project().edit(text(step, "edit")?, text(step, "find")?, text(step, "replace")?)?;
            Ok(None)
        }
        Kind::Write => {
            fixture.project().write(text(step, "write")?, text(step, "text")?);
            Ok(None)
        }
    }
}

fn concurrent(step: &Step, port: u16, limit: Duration) -> Result<Value, String> {
    let requests = step["concurrent"].as_array().ok_or("`concurrent` is a list of steps")?;
    let answers: Result<Vec<Value>, String> = thread::scope(|scope| {
        let threads: Vec<_> = requests
            .iter()
            .map(|request| {
                scope.spawn(move || http_step(request.as_object().ok_or("not a step")?, port, limit))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a request does not panic")).collect()
    });
    let answers = answers?;
    Ok(Value::Array(if flag(step, "sorted") { sorted(answers) } else { answers }))
}

fn until(step: &Step, fixture: &Fixture) -> Result<Value, String> {
    let words = text(step, "until")?;
    let within_ms = step.get("within").and_then(Value::as_u64).unwrap_or(UNTIL_MS);
    let deadline = Deadline::after(Duration::from_millis(within_ms));
    let (method, path) = method_and_path(step)?;
    let request = with_headers(Request::new(method, path), step);
    let mut last = String::new();
    while !deadline.passed() {
        let seen = fixture.line_count();
        // A server that is just reloading may not answer; the deadline decides.
        if let Ok(response) = http::exchange(fixture.port()?, &request, Duration::from_secs(5)) {
            last = response.text();
            if last.contains(words) {
                return Ok(json!({"reached": true}));
            }
        }
        fixture.wait_output(seen, Deadline::after(POLL));
    }
    Ok(json!({"reached": false, "last": last.chars().take(300).collect::<String>()}))
}

fn http_step(step: &Step, port: u16, limit: Duration) -> Result<Value, String> {
    let (method, path) = method_and_path(step)?;
    let mut request = with_headers(Request::new(method, path), step);
    match step.get("body") {
        None | Some(Value::Null) => {}
        Some(Value::String(body)) => request = request.body(body.as_str()),
        Some(Value::Object(body)) => {
            if let Some(value) = body.get("json") {
                if !request.has_header("content-type") {
                    request = request.header("content-type", "application/json");
                }
                request = request.body(value.to_string());
            } else if body.contains_key("hex") {
                request = request.body(from_hex(text(body, "hex")?)?);
            } else {
                let times = usize::try_from(number(body, "times")?).map_err(|error| error.to_string())?;
                request = request.body(text(body, "repeat")?.repeat(times));
            }
        }
        Some(other) => return Err(format!("unknown body {other}")),
    }
    let response = http::exchange(port, &request, limit).map_err(|error| format!("no answer: {error}"))?;
    take_response(step, &response)
}

/// What of an answer the case compares.
fn take_response(step: &Step, response: &Response) -> Result<Value, String> {
    let mut out = Map::new();
    out.insert("status".to_owned(), json!(response.status));
    if let Some(kept) = kept_headers(step, response) {
        out.insert("headers".to_owned(), kept);
    }
    let is_json = response.header("content-type").is_some_and(|kind| kind.contains("json"));
    let (key, value) =
        match step.get("take").map_or(Ok("auto"), |take| take.as_str().ok_or("`take` is a word"))? {
            "status" => return Ok(Value::Object(out)),
            "length" => ("length", json!(response.body.len())),
            "has" => {
                let body = response.text();
                let words = strings(step, "words");
                let has = words.into_iter().map(|word| (body.contains(&word), word));
                ("has", Value::Object(has.map(|(has, word)| (word, Value::Bool(has))).collect()))
            }
            "hex" => ("hex", Value::String(to_hex(&response.body))),
            "auto" => match serde_json::from_slice(&response.body) {
                Ok(value) if is_json => ("json", value),
                _ => ("text", Value::String(response.text())),
            },
            other => return Err(format!("cannot take `{other}` of an answer")),
        };
    out.insert(key.to_owned(), value);
    Ok(Value::Object(out))
}

fn socket_step(
    step: &Step,
    sockets: &mut Sockets,
    fixture: &Fixture,
    limit: Duration,
) -> Result<Option<Value>, String> {
    let name = text(step, "ws")?;
    if step.contains_key("connect") {
        return connect(step, sockets, fixture.port()?, limit).map(Some);
    }
    let socket = sockets.get(name).ok_or_else(|| format!("socket `{name}` is not connected"))?;
    let deadline = Deadline::after(limit);
    let has = |key| step.contains_key(key);
    let sent = if has("send") {
        let payload = match &step["send"] {
            Value::Object(long) => {
                let times = usize::try_from(number(long, "times")?).map_err(|error| error.to_string())?;
                text(long, "repeat")?.repeat(times)
            }
            _ => text(step, "send")?.to_owned(),
        };
        socket.send(Opcode::Text, payload.as_bytes(), true)
    } else if has("sendHex") {
        socket.send(Opcode::Binary, &from_hex(text(step, "sendHex")?)?, true)
    } else if has("frag") {
        let parts = strings(step, "frag");
        parts.iter().enumerate().try_for_each(|(at, part)| {
            let opcode = if at == 0 { Opcode::Text } else { Opcode::Continuation };
            socket.send(opcode, part.as_bytes(), at + 1 == parts.len())
        })
    } else if has("ping") {
        socket.send(Opcode::Ping, text(step, "ping")?.as_bytes(), true)
    } else if has("raw") {
        socket.send_raw(&from_hex(text(step, "raw")?)?)
    } else if has("close") {
        let close = step["close"].as_array().map(Vec::as_slice).unwrap_or_default();
        let code = close.first().and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        socket.close(code, close.get(1).and_then(Value::as_str).unwrap_or_default())
    } else if has("drop") {
        socket.tear()
    } else if has("recv") {
        return receive(step, socket, deadline).map(Some);
    } else if has("quiet") {
        return Ok(Some(quiet(socket, Duration::from_millis(number(step, "quiet")?))));
    } else if has("closed") {
        let closed = socket.wait_closed(deadline);
        return Ok(Some(closed.map_or_else(
            || json!({"timeout": true}),
            |closed| json!({"code": closed.code, "reason": closed.reason}),
        )));
    } else {
        return Err(format!("unknown socket step {}", Value::Object(step.clone())));
    };
    sent.map_err(|error| format!("socket `{name}`: {error}"))?;
    Ok(None)
}

fn connect(step: &Step, sockets: &mut Sockets, port: u16, limit: Duration) -> Result<Value, String> {
    let headers = headers(step);
    let protocols = strings(step, "protocols");
    let handshake = WebSocket::connect(port, text(step, "connect")?, &headers, &protocols, limit)
        .map_err(|error| format!("no handshake: {error}"))?;
    match handshake {
        Handshake::Open { socket, accept_ok, response } => {
            sockets.insert(text(step, "ws")?.to_owned(), socket);
            let mut out = json!({"status": 101, "accept": accept_ok});
            if let Some(kept) = kept_headers(step, &response) {
                out["headers"] = kept;
            }
            Ok(out)
        }
        Handshake::Refused(response) if step.get("take").is_some_and(|take| take == "status") => {
            Ok(json!({"status": response.status}))
        }
        Handshake::Refused(response) => Ok(json!({"status": response.status, "text": response.text()})),
    }
}

fn receive(step: &Step, socket: &WebSocket, deadline: Deadline) -> Result<Value, String> {
    let count = usize::try_from(number(step, "recv")?).map_err(|error| error.to_string())?;
    let mut got = Vec::new();
    while got.len() < count {
        let Some(message) = socket.receive(deadline) else {
            got.push(json!({"timeout": true}));
            break;
        };
        let ended = matches!(message, Message::Closed(_));
        got.push(as_json(message));
        if ended {
            break;
        }
    }
    if flag(step, "sorted") {
        got = sorted(got);
    }
    let convert = |item: Value| match (&item, step.get("as").and_then(Value::as_str)) {
        (Value::String(text), Some("length")) => Ok(json!(text.chars().count())),
        (Value::String(text), Some("json")) => {
            serde_json::from_str(text).map_err(|error| format!("`{text}` is not JSON: {error}"))
        }
        _ => Ok(item),
    };
    got.into_iter().map(convert).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// Everything that arrives within `time`; an empty list when the server keeps quiet.
fn quiet(socket: &WebSocket, time: Duration) -> Value {
    let deadline = Deadline::after(time);
    let mut got = Vec::new();
    while let Some(message) = socket.receive(deadline) {
        let ended = matches!(message, Message::Closed(_));
        got.push(as_json(message));
        if ended {
            break;
        }
    }
    Value::Array(got)
}

fn as_json(message: Message) -> Value {
    match message {
        Message::Text(text) => Value::String(text),
        Message::Binary(bytes) => json!({"hex": to_hex(&bytes)}),
        Message::Pong(bytes) => json!({"pong": String::from_utf8_lossy(&bytes)}),
        Message::Closed(closed) => json!({"close": {"code": closed.code, "reason": closed.reason}}),
    }
}

fn kept_headers(step: &Step, response: &Response) -> Option<Value> {
    step.get("keep")?;
    let kept = strings(step, "keep").into_iter().map(|name| {
        let value = response.header(&name).map_or(Value::Null, Value::String);
        (name, value)
    });
    Some(Value::Object(kept.collect()))
}

fn method_and_path(step: &Step) -> Result<(&str, &str), String> {
    text(step, "http")?.split_once(' ').ok_or_else(|| "`http` is a method and a path".to_owned())
}

fn with_headers(request: Request, step: &Step) -> Request {
    headers(step).iter().fold(request, |request, (name, value)| request.header(name, value))
}

fn headers(step: &Step) -> Vec<(String, String)> {
    let fields = step.get("headers").and_then(Value::as_object);
    let pairs = fields.into_iter().flatten();
    pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

fn text<'a>(step: &'a Step, key: &str) -> Result<&'a str, String> {
    step.get(key).and_then(Value::as_str).ok_or_else(|| format!("`{key}` is not a string"))
}

fn number(step: &Step, key: &str) -> Result<u64, String> {
    step.get(key).and_then(Value::as_u64).ok_or_else(|| format!("`{key}` is not a number"))
}

fn flag(step: &Step, key: &str) -> bool {
    step.get(key) == Some(&Value::Bool(true))
}

fn strings(step: &Step, key: &str) -> Vec<String> {
    let items = step.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    let digits = digits.ok_or_else(|| format!("`{text}` is not hexadecimal"))?;
    Ok(digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect())
}
