//! What requests cost, in counts that are the same on every machine, against what was recorded in `benches/costs.json`.
//!
//! Turns, allocations, calls, statements and commits come from the server itself (`work` of the control surface), system
//! calls from Linux. Instructions are counted by valgrind, by a test that runs when it is asked for and valgrind is there.
//! `DODEV_RECORD_COSTS=1` records what is measured, for a change that is worth its price: say so in the commit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::deadline::Deadline;
use crate::http::{Connection, Request};
use crate::process::Signal;
use crate::project::{Server, ServerCommand, TestProject, repository};
use crate::websocket::{Handshake, Opcode, WebSocket};

const LIMIT: Duration = Duration::from_secs(30);
/// How long a server may take to start under valgrind.
const SLOW_START: Duration = Duration::from_secs(180);
/// Requests before anything is counted: caches are filled then.
const WARM_UP: u32 = 150;
/// Requests that are counted.
const COUNTED: u32 = 1_000;
/// Requests that are counted under valgrind.
const COUNTED_SLOWLY: u32 = 200;

const CONFIG: &str = r#"{ "name": "c", "main": "i.js", "compatibility_date": "2026-11-01",
  "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }] }"#;

const WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";
export class O extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS rows(n INTEGER PRIMARY KEY, text TEXT)");
  }
  echo(value) { return value; }
  async next() {
    const n = ((await this.ctx.storage.get("n")) ?? 0) + 1;
    await this.ctx.storage.put("n", n);
    return n;
  }
  insert() {
    this.ctx.storage.sql.exec("INSERT INTO rows(text) VALUES (?)", "text");
    return this.ctx.storage.sql.exec("SELECT text FROM rows ORDER BY n DESC LIMIT 1").one().text;
  }
  fetch() {
    const [client, server] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }
  webSocketMessage(socket, message) { socket.send(message); }
}
export default {
  async fetch(request, env) {
    const [, what, name] = new URL(request.url).pathname.split("/");
    if (what === "hello") return new Response("hello");
    if (what === "body") return Response.json({ got: (await request.text()).length });
    const stub = env.O.getByName(name ?? "one");
    if (what === "socket") return stub.fetch(request);
    return new Response(String(await stub[what]("value")));
  },
};
"#;

fn project() -> TestProject {
    TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("i.js", WORKER)])
}

/// Named figures of one thing that is done.
type Figures = BTreeMap<String, f64>;

/// How far each figure may be above what was recorded: a share of it, and so much more. Turns, commits and statements are exact.
/// System calls, and how often the engine asks whether to stop, depend on how threads meet and on how many cores there are; so do pieces of
/// memory, which the engine takes when its blocks are full.
fn tolerance(figure: &str) -> (f64, f64) {
    match figure {
        "turns" | "commits" => (0.0, 0.02),
        "steps" => (0.0, 0.05),
        "allocations" => (0.1, 10.0),
        "polls" => (0.5, 0.02),
        "instructions" => (0.2, 0.0),
        _ => (0.5, 2.0),
    }
}

/// What of `measured` is dearer than `recorded` allows, as sentences.
fn dearer(what: &str, measured: &Figures, recorded: &Value) -> Vec<String> {
    let judge = |(figure, value): (&String, &f64)| {
        let Some(before) = recorded[what][figure].as_f64() else {
            return Some(format!("{what}: {figure} is {value:.3}, and was never recorded"));
        };
        let (share, more) = tolerance(figure);
        let limit = before * (1.0 + share) + more;
        (*value > limit).then(|| format!("{what}: {figure} rose from {before:.3} to {value:.3}"))
    };
    measured.iter().filter_map(judge).collect()
}

fn record_path() -> PathBuf {
    repository().join("benches/costs.json")
}

/// Compares `measured` with the record, or makes it the record.
fn compare(measured: &BTreeMap<&str, Figures>) {
    static WRITING: Mutex<()> = Mutex::new(());
    let text = std::fs::read_to_string(record_path()).unwrap_or_else(|_| "{}".to_owned());
    let recorded: Value = serde_json::from_str(&text).expect("the record is JSON");
    for (what, figures) in measured {
        eprintln!("{what}: {figures:.3?}");
    }
    if std::env::var_os("DODEV_RECORD_COSTS").is_none() {
        let dearer: Vec<String> =
            measured.iter().flat_map(|(what, figures)| dearer(what, figures, &recorded)).collect();
        assert!(dearer.is_empty(), "dearer than recorded in benches/costs.json:\n{}", dearer.join("\n"));
        return;
    }
    let writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let text = std::fs::read_to_string(record_path()).unwrap_or_else(|_| "{}".to_owned());
    let mut record: Value = serde_json::from_str(&text).expect("the record is JSON");
    for (what, figures) in measured {
        for (figure, value) in figures {
            record[*what][figure] = json!((value * 1_000.0).round() / 1_000.0);
        }
    }
    let text = serde_json::to_string_pretty(&record).expect("JSON") + "\n";
    std::fs::write(record_path(), text).expect("the repository can be written");
    drop(writing);
}

/// What the running code has done so far, and the system calls of the whole process where the system tells them.
fn work(server: &Server) -> Figures {
    let overview: Value =
        serde_json::from_str(&server.get("/cdn-cgi/dodev/overview").text()).expect("an overview");
    let work = overview["work"].as_object().expect("it tells its work");
    let mut figures: Figures =
        work.iter().map(|(name, count)| (name.clone(), count.as_f64().expect("a number"))).collect();
    let io = std::fs::read_to_string(format!("/proc/{}/io", server.process().pid())).unwrap_or_default();
    for (field, name) in [("syscr: ", "reads"), ("syscw: ", "writes")] {
        let count = io.lines().find_map(|line| line.strip_prefix(field)?.parse().ok());
        figures.extend(count.map(|count: f64| (name.to_owned(), count)));
    }
    figures
}

/// What each of `count` things costs that `each` does, after some that are not counted.
fn per_each(server: &Server, count: u32, mut each: impl FnMut(u32)) -> Figures {
    (0..WARM_UP).for_each(&mut each);
    let before = work(server);
    (0..count).for_each(&mut each);
    let after = work(server);
    after
        .into_iter()
        .map(|(name, value)| (name.clone(), (value - before[&name]) / f64::from(count)))
        .collect()
}

fn ask(connection: &mut Connection, request: &Request) {
    let answer = connection.exchange(request, LIMIT).expect("an answer");
    assert_eq!(answer.status, 200, "{answer}");
}

#[test]
fn requests_are_not_dearer_than_recorded() {
    let server = project().start();
    let mut connection = Connection::open(server.port()).expect("a connection");
    let mut measured = BTreeMap::new();
    for (what, path) in
        [("hello", "/hello"), ("rpc echo", "/echo"), ("increment", "/next"), ("sql", "/insert")]
    {
        let request = Request::new("GET", path);
        measured.insert(what, per_each(&server, COUNTED, |_| ask(&mut connection, &request)));
    }
    let body = Request::new("POST", "/body").body("x".repeat(10_000));
    measured.insert("body", per_each(&server, COUNTED, |_| ask(&mut connection, &body)));
    let spread = |number: u32| Request::new("GET", &format!("/next/o{}", number % 100));
    measured.insert("spread", per_each(&server, COUNTED, |number| ask(&mut connection, &spread(number))));
    let socket = match WebSocket::connect(server.port(), "/socket/s", &[], &[], LIMIT).expect("a connection")
    {
        Handshake::Open { socket, .. } => socket,
        Handshake::Refused(response) => panic!("{response}"),
    };
    let echo = |_| {
        socket.send(Opcode::Text, b"hello", true).expect("it is open");
        assert!(socket.receive(Deadline::after(LIMIT)).is_some());
    };
    measured.insert("socket echo", per_each(&server, COUNTED, echo));
    compare(&measured);
}

#[test]
fn starts_and_reloads_are_not_dearer_than_recorded() {
    let project = project();
    let server = project.start();
    // Of the process, these depend on the files around.
    let of_world = |mut figures: Figures| {
        figures.retain(|name, _| !matches!(name.as_str(), "reads" | "writes" | "polls"));
        figures
    };
    let mut measured = BTreeMap::from([("start", of_world(work(&server)))]);
    let seen = server.process().line_count();
    project.edit("i.js", "Response(\"hello\")", "Response(\"changed\")").expect("it says so");
    assert!(server.process().wait_line(seen, "Reloaded in", Deadline::after(LIMIT)).is_some());
    assert_eq!(server.get("/hello").text(), "changed");
    measured.insert("reload", of_world(work(&server)));
    compare(&measured);
}

/// Instructions of a server that answers `count` requests for `path`, from its start to its end.
fn instructions(path: &str, count: u32) -> Option<f64> {
    let valgrind = "exec valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null \"$@\"";
    let project = project();
    let mut server = project.spawn(&ServerCommand::wrapped(valgrind), &[]).expect("a shell starts");
    server.wait_ready(SLOW_START).unwrap_or_else(|error| panic!("{error}: {}", server.process().output()));
    let mut connection = Connection::open(server.port()).expect("a connection");
    let request = Request::new("GET", path);
    (0..count).for_each(|_| ask(&mut connection, &request));
    assert_eq!(server.process().stop(Signal::Term).code(), Some(0), "{}", server.process().output());
    server.process().wait_exit(Deadline::after(LIMIT));
    let output = server.process().output();
    let line = output.lines().find_map(|line| line.split_once("refs:"))?;
    line.1.trim().replace(',', "").parse().ok()
}

#[test]
#[ignore = "takes a minute and needs valgrind: `cargo test --test it -- --ignored instructions`"]
fn instructions_are_not_more_than_recorded() {
    let version = std::process::Command::new("valgrind").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no valgrind on the path");
        return;
    }
    let of = |path, count| instructions(path, count).expect("valgrind tells them");
    let mut measured = BTreeMap::new();
    // Both ends of a difference have made the object and filled the caches.
    for (what, path) in [("hello", "/hello"), ("increment", "/next")] {
        let each = (of(path, 20 + COUNTED_SLOWLY) - of(path, 20)) / f64::from(COUNTED_SLOWLY);
        measured.insert(what, Figures::from([("instructions".to_owned(), each)]));
    }
    measured.insert("start", Figures::from([("instructions".to_owned(), of("/hello", 0))]));
    compare(&measured);
}

#[test]
fn what_is_dearer_is_told_and_what_is_cheaper_is_not() {
    let recorded = json!({ "a": { "turns": 3.0, "allocations": 100.0, "instructions": 1_000_000 } });
    for (figure, value, told) in [
        ("turns", 3.0, false),
        ("turns", 4.0, true),
        ("turns", 2.0, false),
        ("allocations", 119.0, false),
        ("allocations", 121.0, true),
        ("instructions", 1_190_000.0, false),
        ("instructions", 1_210_000.0, true),
        ("commits", 0.0, true),
    ] {
        let measured = Figures::from([(figure.to_owned(), value)]);
        assert_eq!(!dearer("a", &measured, &recorded).is_empty(), told, "{figure} {value}");
    }
    assert!(!dearer("b", &Figures::from([("turns".to_owned(), 1.0)]), &recorded).is_empty());
}
