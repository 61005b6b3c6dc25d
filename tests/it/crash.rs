//! The server killed at random moments under write load: what was acknowledged is there, and no half turn.
//!
//! Also: a disk that is full, a file that is damaged, a directory that another process holds.
//!
//! A few rounds run with every test; `DODEV_CRASH_ROUNDS=200` runs more.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use crate::http::Request;
use crate::process::READY_LIMIT;
use crate::project::{Server, ServerCommand, TestProject};

const ROUNDS: usize = 3;
const OBJECTS: usize = 4;
/// Writes of one client after which its round may end; the kill comes somewhere among them.
const LEAST_WRITES: u64 = 3;

const CONFIG: &str = r#"{
  "name": "w", "main": "src/index.js", "compatibility_date": "2026-11-01",
  "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }]
}"#;

/// Every turn writes the same number in four places: keys on both sides of an await, a row, an alarm.
const WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";

export class O extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY, filler)");
  }
  write(n) {
    const { storage } = this.ctx;
    storage.kv.put("a", n);
    storage.sql.exec("INSERT OR REPLACE INTO t VALUES (?, ?)", n, "x".repeat(n % 3000));
    storage.kv.put("b", n);
    storage.kv.put("key" + (n % 50), "y".repeat(n % 5000));
    return n;
  }
  read() {
    const { storage } = this.ctx;
    const [{ last, count }] = storage.sql.exec("SELECT max(n) AS last, count(*) AS count FROM t");
    const sound = storage.sql.exec("PRAGMA quick_check").one().quick_check;
    return [storage.kv.get("a") ?? 0, storage.kv.get("b") ?? 0, last ?? 0, count, sound].join(" ");
  }
}

export default {
  async fetch(request, env) {
    const [, object, n] = new URL(request.url).pathname.split("/");
    const stub = env.O.getByName(object);
    return new Response(String(n === undefined ? await stub.read() : await stub.write(Number(n))));
  },
};
"#;

/// One request on a connection of its own; `None` if the server went away before it had answered.
fn ask(port: u16, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    Some(body.to_owned())
}

/// What the writers of a round have reached, and who waits for it.
#[derive(Default)]
struct Progress {
    acknowledged: [AtomicU64; OBJECTS],
    count: Mutex<u64>,
    changed: Condvar,
}

fn load(server: Server, started: &[u64; OBJECTS], kill_after: u64) -> [(u64, u64); OBJECTS] {
    let progress = Arc::new(Progress::default());
    let port = server.port();
    let writers: Vec<_> = (0..OBJECTS)
        .map(|object| {
            let (progress, from) = (progress.clone(), started[object]);
            progress.acknowledged[object].store(from, Ordering::SeqCst);
            thread::spawn(move || {
                let mut n = from;
                loop {
                    n += 1;
                    match ask(port, &format!("/o{object}/{n}")) {
                        Some(answer) if answer == n.to_string() => {
                            progress.acknowledged[object].store(n, Ordering::SeqCst);
                            *progress.count.lock().expect("no writer panics with it") += 1;
                            progress.changed.notify_all();
                        }
                        _ => return n,
                    }
                }
            })
        })
        .collect();
    let reached = progress.count.lock().expect("no writer panics with it");
    let limit = Duration::from_secs(20);
    let waited = progress.changed.wait_timeout_while(reached, limit, |count| *count < kill_after);
    let (count, timeout) = waited.expect("no writer panics with it");
    assert!(!timeout.timed_out(), "only {} writes were acknowledged", *count);
    drop(count);
    server.kill();
    let mut result = [(0, 0); OBJECTS];
    for (object, writer) in writers.into_iter().enumerate() {
        let tried = writer.join().expect("a writer");
        result[object] = (progress.acknowledged[object].load(Ordering::SeqCst), tried);
    }
    result
}

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let rounds =
        std::env::var("DODEV_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("src/index.js", WORKER)]);
    let mut last = [0u64; OBJECTS];
    let mut total = 0;
    for round in 0..rounds as u64 {
        // A different moment each round, the same ones in every run.
        let kill_after = LEAST_WRITES + (round.wrapping_mul(2_654_435_761) >> 7) % 150;
        let written = load(project.start(), &last, kill_after);
        let server = project.start();
        for (object, (acknowledged, tried)) in written.into_iter().enumerate() {
            let state = ask(server.port(), &format!("/o{object}")).expect("the state");
            let parts: Vec<&str> = state.split(' ').collect();
            let n: u64 = parts[0].parse().expect("a number");
            let what = format!(
                "round {round}, object {object}: {state}, acknowledged {acknowledged}, tried {tried}"
            );
            assert!(n >= acknowledged && n <= tried, "a write is lost: {what}");
            let expected = format!("{n} {n} {n} {n} ok");
            assert_eq!(state, expected, "half a turn: {what}");
            total += n - last[object];
            last[object] = n;
        }
        server.kill();
    }
    assert!(total >= rounds as u64 * LEAST_WRITES);
}

const FILLER: &str = r#"
import { DurableObject } from "cloudflare:workers";

export class O extends DurableObject {
  async write(n) { this.ctx.storage.put("last", n); this.ctx.storage.put("key" + n, "x".repeat(100_000)); }
  async read() { return (await this.ctx.storage.get("last")) ?? 0; }
}

export default {
  async fetch(request, env) {
    const [, object, n] = new URL(request.url).pathname.split("/");
    const stub = env.O.getByName(object);
    try {
      return new Response(`${n === undefined ? await stub.read() : (await stub.write(Number(n)), "written")}`);
    } catch (error) {
      return new Response(error.message, { status: 500 });
    }
  },
};
"#;

#[test]
fn a_full_disk_resets_the_object_and_loses_nothing_acknowledged() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("src/index.js", FILLER)]);
    let mut server = project.spawn(&ServerCommand::with_file_limit(2_048), &[]).expect("the command starts");
    if let Err(error) = server.wait_ready(READY_LIMIT) {
        panic!("{error}; output:\n{}", server.process().output());
    }
    let get = |server: &Server, path: &str| server.request(&Request::new("GET", path));
    let mut written = 0;
    let refused = loop {
        let answer = get(&server, &format!("/full/{}", written + 1));
        if answer.text() != "written" {
            break answer.text();
        }
        written += 1;
        assert!(written < 100, "the limit does not hold");
    };
    assert!(written > 5, "{refused}");
    let clear = refused.contains("disk is full") || refused.contains("disk I/O error");
    assert!(clear && refused.contains("the storage of object"), "{refused}");
    assert_eq!(get(&server, "/full").text(), written.to_string());
    assert_eq!(get(&server, "/other/1").text(), "written");
    server.stop();
    let server = project.start();
    assert_eq!(get(&server, "/full").text(), written.to_string());
    assert_eq!(get(&server, &format!("/full/{}", written + 1)).text(), "written");
    server.stop();
}

#[test]
fn a_damaged_file_is_set_aside_and_the_other_objects_go_on() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("src/index.js", FILLER)]);
    let server = project.start();
    let get = |server: &Server, path: &str| server.request(&Request::new("GET", path)).text();
    assert_eq!(get(&server, "/one/1"), "written");
    server.stop();
    let folder = project.state_dir().join("v3/do/w-O");
    let files = || {
        let entries =
            std::fs::read_dir(&folder).expect("the objects").map(|entry| entry.expect("a file").path());
        entries.collect::<Vec<_>>()
    };
    let garbage = b"this is no database at all, and was one";
    let file =
        files().into_iter().find(|path| path.extension().is_some_and(|end| end == "sqlite")).expect("a file");
    std::fs::write(&file, garbage).expect("writable");
    let server = project.start();
    assert_eq!(get(&server, "/two/1"), "written");
    let told = get(&server, "/one");
    let id = file.file_stem().and_then(|name| name.to_str()).expect("an id");
    assert!(told.contains(&format!("the database of object `{id}` is damaged")), "{told}");
    assert!(told.contains(file.to_str().expect("UTF-8")), "{told}");
    assert_eq!((get(&server, "/two"), get(&server, "/one")), ("1".to_owned(), "0".to_owned()));
    assert_eq!(get(&server, "/one/2"), "written");
    server.stop();
    let aside = files().into_iter().find(|path| path.extension().is_some_and(|end| end == "damaged-1"));
    assert_eq!(std::fs::read(aside.expect("the damaged file")).expect("readable"), garbage);
}

#[test]
fn a_directory_in_use_is_refused_with_the_process_that_holds_it() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("src/index.js", FILLER)]);
    let server = project.start();
    let holder = server.process().pid();
    let mut second = project.spawn(&ServerCommand::from_env(), &[]).expect("the command starts");
    assert!(second.wait_ready(READY_LIMIT).is_err(), "two servers hold one directory");
    let output = second.process().output();
    assert!(output.contains(&format!("is in use by another dodev process (pid {holder})")), "{output}");
    server.stop();
}
