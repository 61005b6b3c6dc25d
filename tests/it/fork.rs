//! Sessions of the control API: copies of state and clock that see nothing of each other.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::deadline::Deadline;
use crate::http::{self, EXCHANGE_LIMIT, Request};
use crate::project::{Server, TestProject};

const CONFIG: &str = r#"{ "name": "f", "main": "i.js", "compatibility_date": "2026-11-01",
  "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }] }"#;

const WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";
const MARK = "one";
export class O extends DurableObject {
  seen = 0;
  async next() {
    const n = ((await this.ctx.storage.get("n")) ?? 0) + 1;
    await this.ctx.storage.put("n", n);
    if (n === 1) await this.ctx.storage.setAlarm(Date.now() + 86_400_000);
    return `${MARK} ${n} ${++this.seen} ${(await this.ctx.storage.get("fired")) ?? "not yet"}`;
  }
  async alarm() { await this.ctx.storage.put("fired", "fired"); }
}
export default {
  async fetch(request, env) { return new Response(await env.O.getByName("a").next()); },
};
"#;

/// Asks the control API at `port`.
fn ask(port: u16, method: &str, path: &str, body: &Json) -> (u16, Json) {
    http::control(port, method, path, body).expect("an answer")
}

fn next(port: u16) -> String {
    http::get(port, "/").expect("an answer").text()
}

struct Fork {
    id: String,
    port: u16,
    state: String,
}

fn fork(server: &Server, wanted: &Json) -> Fork {
    let (status, made) = ask(server.port(), "POST", "sessions", wanted);
    assert_eq!(status, 200, "{made}");
    let text = |key: &str| made[key].as_str().unwrap_or_else(|| panic!("no {key}: {made}")).to_owned();
    let port = text("url").rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    Fork { id: text("id"), port, state: text("state") }
}

fn project() -> TestProject {
    TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("i.js", WORKER)])
}

#[test]
fn sessions_have_state_and_time_of_their_own_and_go_back() {
    let project = project();
    let server = project.start();
    assert_eq!(next(server.port()), "one 1 1 not yet");
    let (first, second) = (fork(&server, &json!({})), fork(&server, &json!({})));
    assert_ne!((&first.id, first.port), (&second.id, second.port));
    for count in 2..4 {
        assert_eq!(next(first.port), format!("one {count} {} not yet", count - 1));
    }
    // A day later in one of them.
    let (status, moved) = ask(first.port, "POST", "time/advance", &json!({ "by": "2d" }));
    assert_eq!((status, &moved["fired"][0]["kind"]), (200, &json!("alarm")), "{moved}");
    assert_eq!(next(first.port), "one 4 1 fired");
    assert_eq!(next(second.port), "one 2 1 not yet");
    assert_eq!(next(server.port()), "one 2 2 not yet");
    // Back to the start, as often as one likes.
    for resets in 1..4 {
        let (status, reset) = ask(server.port(), "POST", &format!("sessions/{}/reset", first.id), &json!({}));
        assert_eq!((status, &reset["resets"]), (200, &json!(resets)), "{reset}");
        assert!(reset["now"].as_i64() < moved["now_ms"].as_i64(), "{reset}");
        assert_eq!(next(first.port), "one 2 1 not yet");
    }
    // The alarm is due again, of the state that the session began with.
    assert_eq!(
        ask(first.port, "POST", "time/advance", &json!({ "by": "2d" })).1["fired"][0]["kind"],
        "alarm"
    );
    let (_, listed) = ask(server.port(), "GET", "sessions", &json!({}));
    assert_eq!(listed["sessions"].as_array().map(Vec::len), Some(2), "{listed}");
    assert_eq!(ask(server.port(), "DELETE", &format!("sessions/{}", second.id), &json!({})).0, 200);
    assert!(!Path::new(&second.state).exists());
    assert!(http::get(second.port, "/").is_err(), "it is gone");
    assert_eq!(next(server.port()), "one 3 3 not yet");
    let (port, root) = (first.port, Path::new(&first.state).parent().expect("a directory").to_owned());
    assert_eq!(server.stop().code(), Some(0));
    assert!(http::get(port, "/").is_err() && !root.exists(), "sessions end with the server");
}

#[test]
fn sessions_start_from_snapshots_and_follow_saves() {
    let project = project();
    let server = project.start();
    assert_eq!(next(server.port()), "one 1 1 not yet");
    let state = project.state_dir();
    let saved =
        project.dodev(&["state", "snapshot", "save", "early", "--persist-to", &state.to_string_lossy()]);
    assert!(saved.status.success(), "{}", String::from_utf8_lossy(&saved.stderr));
    assert_eq!(next(server.port()), "one 2 2 not yet");
    let early = fork(&server, &json!({ "snapshot": "early" }));
    assert_eq!(next(early.port), "one 2 1 not yet");
    project.edit("i.js", "\"one\"", "\"two\"").expect("the mark");
    let deadline = Deadline::after(EXCHANGE_LIMIT);
    assert!(server.process().wait_line(0, "Reloaded in", deadline).is_some());
    while !next(early.port).starts_with("two ") {
        assert!(!deadline.passed(), "the session keeps its old code");
    }
    let (status, refused) = ask(server.port(), "POST", "sessions", &json!({ "snapshot": "late" }));
    assert_eq!(status, 404, "{refused}");
    assert!(refused["error"].as_str().is_some_and(|error| error.contains("no snapshot `late`")), "{refused}");
    assert_eq!(ask(server.port(), "POST", "sessions", &json!({ "snap": "early" })).0, 400);
    assert_eq!(ask(server.port(), "POST", "sessions/7/reset", &json!({})).0, 404);
    assert_eq!(ask(early.port, "POST", "sessions", &json!({})).0, 409);
    let foreign = Request::new("POST", "/cdn-cgi/dodev/sessions").body("{}");
    assert_eq!(server.request(&foreign).status, 403, "a page of another site could have sent it");
}
