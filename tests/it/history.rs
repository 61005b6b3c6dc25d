//! Point-in-time recovery through the binary: bookmarks, restores that survive an abrupt end, edits by other tools.

use std::path::PathBuf;

use serde_json::Value;

use crate::http::Request;
use crate::process::READY_LIMIT;
use crate::project::{Server, ServerCommand, TestProject};

const CONFIG: &str = r#"{
  "name": "w", "main": "src/index.js", "compatibility_date": "2026-11-01",
  "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }]
}"#;

const WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";

export class O extends DurableObject {
  async put(value) { await this.ctx.storage.put("k", value); return this.ctx.storage.getCurrentBookmark(); }
  async get() { return (await this.ctx.storage.get("k")) ?? null; }
  async alarm() {}
  async setAlarm(time) { await this.ctx.storage.setAlarm(Number(time)); return this.ctx.storage.getCurrentBookmark(); }
  async getAlarm() { return this.ctx.storage.getAlarm(); }
  async bookmark() { return this.ctx.storage.getCurrentBookmark(); }
  async at(time) { return this.ctx.storage.getBookmarkForTime(new Date(Number(time))); }
  async deleteAll() { await this.ctx.storage.deleteAll(); return this.ctx.storage.getCurrentBookmark(); }
  async restore(bookmark) { return this.ctx.storage.onNextSessionRestoreBookmark(bookmark); }
  async abort() { this.ctx.abort("restoring"); }
}

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    try {
      const stub = env.O.getByName("o");
      return Response.json({ ok: await stub[pathname.slice(1)](searchParams.get("v") ?? undefined) });
    } catch (error) {
      return Response.json({ error: error.message });
    }
  },
};
"#;

fn project() -> TestProject {
    TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("src/index.js", WORKER)])
}

fn call(server: &Server, path: &str) -> Value {
    let answer = server.request(&Request::new("GET", path));
    serde_json::from_str(&answer.text()).unwrap_or_else(|error| panic!("{path}: {answer}: {error}"))
}

fn text(server: &Server, path: &str) -> String {
    let answer = call(server, path);
    answer["ok"].as_str().unwrap_or_else(|| panic!("{path} gave {answer}")).to_owned()
}

fn object_file(project: &TestProject) -> PathBuf {
    let folder = project.state_dir().join("v3/do/w-O");
    let files = std::fs::read_dir(&folder).expect("the folder of the class");
    let mut names = files.map(|entry| entry.expect("an entry").path());
    let is_object = |path: &PathBuf| {
        path.extension().is_some_and(|end| end == "sqlite")
            && path.file_stem().is_some_and(|stem| stem.len() == 64)
    };
    names.find(is_object).expect("an object")
}

#[test]
fn a_bookmark_restores_the_state_and_its_alarm_at_the_next_session() {
    let project = project();
    let server = project.start();
    let alarm = 4_000_000_000_000_i64;
    let first = text(&server, &format!("/setAlarm?v={alarm}"));
    let second = text(&server, "/put?v=one");
    assert!(first < second);
    assert_eq!(text(&server, "/bookmark"), second);
    text(&server, "/put?v=two");
    text(&server, "/deleteAll");
    let last = text(&server, "/put?v=three");
    assert_eq!(call(&server, "/getAlarm")["ok"], Value::Null);
    let undo = text(&server, &format!("/restore?v={second}"));
    assert!(last < undo);
    assert_eq!(text(&server, "/get"), "three", "not before the next session");
    assert_eq!(call(&server, "/abort")["error"], "restoring");
    assert_eq!(text(&server, "/get"), "one");
    assert_eq!(call(&server, "/getAlarm")["ok"], alarm);
    // The undo is applied by the next process, after an abrupt end.
    text(&server, &format!("/restore?v={undo}"));
    server.kill();
    let server = project.start();
    assert_eq!(text(&server, "/get"), "three");
    assert_eq!(call(&server, "/getAlarm")["ok"], Value::Null);
    let wrong = call(&server, "/restore?v=never");
    assert_eq!(wrong["error"], "Invalid bookmark: never");
    let future = call(&server, "/at?v=99999999999999");
    assert!(future["error"].as_str().is_some_and(|text| text.contains("future")), "{future}");
    assert!(server.stop().success());
}

#[test]
fn without_a_history_nothing_is_kept_and_restoring_is_refused() {
    let project = project();
    let command = ServerCommand::from_env();
    let mut server = project.spawn(&command, &["--no-history"]).expect("dodev starts");
    server.wait_ready(READY_LIMIT).unwrap_or_else(|error| panic!("{error}"));
    let bookmark = text(&server, "/put?v=one");
    let refused = call(&server, &format!("/restore?v={bookmark}"));
    assert_eq!(
        refused["error"],
        "This Durable Object's storage back-end does not implement point-in-time recovery."
    );
    server.stop();
    assert!(!project.state_dir().join("v3/dodev/history").exists());
}

#[test]
fn an_edit_by_another_tool_is_seen_by_an_awake_object() {
    let project = project();
    let server = project.start();
    text(&server, "/put?v=one");
    assert_eq!(text(&server, "/get"), "one");
    let database = rusqlite::Connection::open(object_file(&project)).expect("the object's file");
    // A string as V8 serializes it: `two`.
    database.execute("UPDATE _cf_KV SET value = x'ff0f220374776f' WHERE key = 'k'", []).expect("an update");
    assert_eq!(text(&server, "/get"), "two");
    drop(database);
    text(&server, "/put?v=three");
    assert_eq!(text(&server, "/get"), "three");
    assert!(server.stop().success());
}

#[test]
fn another_tool_moves_the_log_into_the_file_of_an_awake_object() {
    let project = project();
    let server = project.start();
    for value in ["one", "two"] {
        text(&server, &format!("/put?v={value}"));
    }
    let database = rusqlite::Connection::open(object_file(&project)).expect("the object's file");
    database.busy_timeout(std::time::Duration::ZERO).expect("a setting");
    let moved = || {
        let counts = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        database.query_row("PRAGMA wal_checkpoint", [], counts).expect("the log is moved")
    };
    let (busy, frames, done): (i64, i64, i64) = moved();
    assert!(busy == 0 && frames == done && frames > 0, "{busy} {frames} {done}");
    database
        .execute("UPDATE _cf_KV SET value = x'ff0f22057468726565' WHERE key = 'k'", [])
        .expect("an update");
    assert_eq!(text(&server, "/get"), "three");
    text(&server, "/put?v=four");
    let (busy, frames, done): (i64, i64, i64) = moved();
    assert!(busy == 0 && frames == done, "{busy} {frames} {done}");
    assert_eq!(text(&server, "/get"), "four");
    drop(database);
    assert!(server.stop().success());
    let server = project.start();
    assert_eq!(text(&server, "/get"), "four");
}
