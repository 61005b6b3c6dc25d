//! Commands that replace whole objects, on a state that a server holds: the same answers as on a stopped one, while what
//! runs is broken off and wakes anew.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::deadline::Deadline;
use crate::project::{Server, TestProject};
use crate::state::{done, run, run_json};
use crate::websocket::{Handshake, Message, Opcode, WebSocket};

const LIMIT: Duration = Duration::from_secs(10);

const BOXES: &[(&str, &str)] = &[
    (
        "wrangler.jsonc",
        r#"{
          "name": "boxes", "main": "index.js", "compatibility_date": "2026-11-01",
          "durable_objects": { "bindings": [{ "name": "BOX", "class_name": "Box" }] },
          "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Box"] }]
        }"#,
    ),
    (
        "index.js",
        r#"
        import { DurableObject } from "cloudflare:workers";
        export class Box extends DurableObject {
          calls = 0;
          async add(by = 1) {
            this.calls++;
            const count = (await this.ctx.storage.get("count") ?? 0) + by;
            await this.ctx.storage.put("count", count);
            return count;
          }
          memory() { return this.calls; }
          async wind() { await this.add(); await this.ctx.storage.setAlarm(Date.now() + 3_600_000); }
          async alarm() { await this.ctx.storage.put("rang", this.ctx.id.name ?? "nobody"); }
          async hang() { await this.add(); return new Promise(() => {}); }
          fetch() {
            const [client, server] = Object.values(new WebSocketPair());
            this.ctx.acceptWebSocket(server);
            return new Response(null, { status: 101, webSocket: client });
          }
          async webSocketMessage(socket, text) { socket.send(`${text} ${await this.add()}`); }
        }
        export default {
          async fetch(request, env) {
            const [name, method] = new URL(request.url).pathname.slice(1).split("/").map(decodeURIComponent);
            if (request.headers.get("upgrade")) return env.BOX.getByName(name).fetch(request);
            if (method === "fill") {
              for (let i = 0; i < 150; i++) await env.BOX.getByName(`${name}${i}`).add();
              return new Response("full");
            }
            if (method === "move") {
              // What one gives, another takes: no state has more taken than given.
              for (let i = 0; i < 5; i++) {
                await env.BOX.getByName("giver").add();
                await env.BOX.getByName("taker").add();
              }
              return new Response("moved");
            }
            try {
              return Response.json(await env.BOX.getByName(name)[method]() ?? null);
            } catch (e) {
              return new Response(e.message, { status: 500 });
            }
          },
        };
        "#,
    ),
];

fn causes(project: &TestProject, object: &str) -> Vec<String> {
    let log = run_json(project, &["state", "log", object], 0);
    let cause = |point: &Value| {
        let text = |member: &str| point["cause"][member].as_str().expect("a text").to_owned();
        format!("{} {}", text("kind"), text("detail")).trim().to_owned()
    };
    log["points"].as_array().expect("points").iter().map(cause).collect()
}

fn alarms(project: &TestProject, code: i32) -> Vec<String> {
    let list = run_json(project, &["alarm", "list"], code);
    let name = |alarm: &Value| alarm["name"].as_str().unwrap_or("?").to_owned();
    list["alarms"].as_array().expect("alarms").iter().map(name).collect()
}

fn connect(server: &Server, path: &str) -> WebSocket {
    match WebSocket::connect(server.port(), path, &[], &[], LIMIT).expect("a connection") {
        Handshake::Open { socket, .. } => socket,
        Handshake::Refused(response) => panic!("refused: {response}\n{}", server.process().output()),
    }
}

fn echo(socket: &WebSocket, text: &str) -> String {
    socket.send(Opcode::Text, text.as_bytes(), true).expect("an open connection");
    match socket.receive(Deadline::after(LIMIT)) {
        Some(Message::Text(text)) => text,
        other => panic!("no text but {other:?}"),
    }
}

#[test]
fn objects_are_imported_restored_and_removed_under_a_running_server() {
    let project = TestProject::with_files(BOXES);
    let server = project.start();
    let get = |path: &str| server.get(path).text();
    let file = project.dir().join("a.jsonl");
    let file = file.to_str().expect("a path of ours");
    assert_eq!((get("/a/add"), get("/a/add"), get("/a/memory")), ("1".into(), "2".into(), "2".into()));
    done(&project, &["state", "export", "Box:a", "--out", file]);
    assert_eq!(get("/a/add"), "3");

    run(&project, &["state", "import", file]).expect(1, "").expect_errors(&["stored already", "--replace"]);
    assert_eq!(get("/a/memory"), "3", "what is refused ends nothing");
    assert_eq!(done(&project, &["state", "import", file, "--replace"]), "Imported Box:a\n");
    assert_eq!((get("/a/memory"), get("/a/add")), ("0".into(), "3".into()), "it woke anew");
    assert!(
        causes(&project, "Box:a").contains(&"command import".to_owned()),
        "{:?}",
        causes(&project, "Box:a")
    );

    // The point before the import, and back.
    let log = run_json(&project, &["state", "log", "Box:a"], 0);
    let points = log["points"].as_array().expect("points");
    let at = points.iter().position(|point| point["cause"]["detail"] == "import").expect("the import");
    let bookmark = points[at + 1]["bookmark"].as_str().expect("a bookmark");
    let restored = run_json(&project, &["state", "restore", &format!("Box:a@{bookmark}"), "--yes"], 0);
    assert_eq!(
        (get("/a/memory"), get("/a/add")),
        ("0".into(), "4".into()),
        "3 were stored before the import"
    );
    let undo = restored["undo"].as_str().expect("a bookmark");
    done(&project, &["state", "restore", &format!("Box:a@{undo}"), "--yes"]);
    assert_eq!(get("/a/add"), "4", "3 were stored before the restore");
    run(&project, &["state", "restore", "Box:a@2099-01-01T00:00Z", "--yes"]).expect(1, "");

    assert_eq!(done(&project, &["state", "rm", "Box:a", "--yes"]), "Removed Box:a\n");
    run(&project, &["state", "get", "Box:a"]).expect(3, "");
    run(&project, &["state", "log", "Box:a"]).expect(3, "");
    assert_eq!((get("/a/memory"), get("/a/add")), ("0".into(), "1".into()));
    run(&project, &["state", "rm", "Box:nobody", "--yes"]).expect(3, "");

    server.stop();
    assert_eq!(done(&project, &["state", "get", "Box:a", "count"]), "1\n");
}

#[test]
fn alarms_and_classes_follow_what_is_replaced_under_a_running_server() {
    let project = TestProject::with_files(BOXES);
    let server = project.start();
    let get = |path: &str| server.get(path).text();
    get("/b/wind");
    get("/c/add");
    let saved = run_json(&project, &["state", "snapshot", "save", "one"], 0);
    assert_eq!(saved["snapshot"]["objects"], 2);
    run(&project, &["state", "snapshot", "save", "one"]).expect(1, "").expect_errors(&["--replace"]);
    done(&project, &["alarm", "cancel", "Box:b"]);
    get("/d/wind");
    assert_eq!(alarms(&project, 0), ["d"]);
    run(&project, &["state", "snapshot", "load", "two", "--yes"]).expect(3, "");
    let loaded = run_json(&project, &["state", "snapshot", "load", "one", "--yes"], 0);
    assert_eq!(loaded["snapshot"]["name"], "one");
    assert_eq!(alarms(&project, 0), ["b"]);
    run(&project, &["alarm", "run", "Box:d"]).expect(3, "");
    let ran = run_json(&project, &["alarm", "run", "Box:b"], 0);
    assert_eq!((&ran["ran"], &ran["outcome"]), (&json!(true), &json!("done")));
    assert_eq!(done(&project, &["state", "get", "Box:b", "rang"]), "\"b\"\n");
    assert_eq!((get("/c/add"), get("/d/add")), ("2".into(), "1".into()), "d was not in the snapshot");

    // A restored alarm rings; one of an object that is removed does not.
    get("/e/wind");
    get("/e/add");
    done(&project, &["alarm", "cancel", "Box:e"]);
    let log = run_json(&project, &["state", "log", "Box:e"], 0);
    let bookmark = log["points"][1]["bookmark"].as_str().expect("a bookmark");
    done(&project, &["state", "restore", &format!("Box:e@{bookmark}"), "--yes"]);
    assert_eq!(alarms(&project, 0), ["e"]);
    assert_eq!(run_json(&project, &["alarm", "run", "Box:e"], 0)["outcome"], "done");
    get("/e/wind");
    done(&project, &["state", "rm", "Box:e", "--yes"]);
    assert!(alarms(&project, 3).is_empty());

    get("/f/wind");
    let reset = run_json(&project, &["state", "reset", "Box", "--yes"], 0);
    assert_eq!((&reset["objects"], &reset["classes"]), (&json!(4), &json!(["Box"])));
    assert!(alarms(&project, 3).is_empty());
    assert_eq!(get("/c/add"), "1");
    assert_eq!(run_json(&project, &["state", "reset", "--yes"], 0)["objects"], 1);
    assert_eq!(get("/c/wind"), "null");
    assert_eq!(alarms(&project, 0), ["c"]);
    server.stop();
    assert_eq!(alarms(&project, 0), ["c"]);
}

#[test]
fn what_runs_is_broken_off_and_sockets_stay_unless_their_object_goes() {
    let project = TestProject::with_files(BOXES);
    let server = project.start();
    let socket = connect(&server, "/s/connect");
    assert_eq!(echo(&socket, "hi"), "hi 1");
    assert_eq!(echo(&socket, "hi"), "hi 2");
    done(&project, &["state", "snapshot", "save", "one"]);
    assert_eq!(echo(&socket, "hi"), "hi 3");
    let port = server.port();
    let hanging = thread::spawn(move || crate::http::get(port, "/s/hang").expect("an answer").text());
    // The call is in the object when its commit can be read.
    let deadline = Deadline::after(LIMIT);
    while done(&project, &["state", "get", "Box:s", "count"]) != "4\n" {
        assert!(!deadline.passed(), "the call never came");
    }
    done(&project, &["state", "snapshot", "load", "one", "--yes"]);
    let broken = hanging.join().expect("no panic");
    assert_eq!(broken, "Durable Object was reset because its stored state was replaced.");
    assert_eq!(echo(&socket, "again"), "again 3", "the connection stays");
    done(&project, &["state", "rm", "Box:s", "--yes"]);
    assert!(socket.wait_closed(Deadline::after(LIMIT)).is_some(), "the connection goes with its object");
    assert_eq!(server.get("/s/add").text(), "1");
}

#[test]
fn a_snapshot_of_a_running_server_is_one_state_of_all_objects() {
    let project = TestProject::with_files(BOXES);
    let server = project.start();
    assert_eq!(server.get("/filler/fill").text(), "full");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let moving = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert_eq!(server.get("/x/move").text(), "moved");
            }
        });
        for name in ["one", "two", "three"] {
            done(&project, &["state", "snapshot", "save", name]);
        }
        over.store(true, Ordering::Relaxed);
        moving.join().expect("no panic");
    });
    server.stop();
    for name in ["one", "two", "three"] {
        done(&project, &["state", "snapshot", "load", name, "--yes"]);
        let count = |object: &str| -> i64 {
            let ran = run(&project, &["state", "get", object, "count"]);
            ran.stdout.trim().parse().unwrap_or(0)
        };
        let (given, taken) = (count("Box:giver"), count("Box:taker"));
        assert!((taken..=taken + 1).contains(&given), "{name}: {taken} were taken of {given}");
    }
}

#[test]
fn snapshots_carry_applied_migrations_and_former_ids() {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 1");
    server.stop();
    done(&project, &["state", "snapshot", "save", "before"]);
    project.edit("src/index.ts", "export { Counter }", "export { Counter as Tally }").unwrap();
    project.edit("wrangler.jsonc", r#""class_name": "Counter""#, r#""class_name": "Tally""#).unwrap();
    let v1 = r#"[{ "tag": "v1", "new_sqlite_classes": ["Counter"] }]"#;
    let renamed = r#"[{ "tag": "v1", "new_sqlite_classes": ["Counter"] },
        { "tag": "v2", "renamed_classes": [{ "from": "Counter", "to": "Tally" }] }]"#;
    project.edit("wrangler.jsonc", v1, renamed).unwrap();
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 2");
    let former = project.state_dir().join("v3/dodev/former-ids");
    assert_eq!(std::fs::read_dir(&former).expect("a folder").count(), 1);
    done(&project, &["state", "snapshot", "save", "after"]);

    // Back to before the migration: it is applied again, by the running server.
    let seen = server.process().line_count();
    done(&project, &["state", "snapshot", "load", "before", "--yes"]);
    let soon = || Deadline::after(Duration::from_secs(20));
    let seen = server.process().wait_line(seen, "Migrated `v2`", soon()).expect("it is announced");
    server.process().wait_line(seen, "Reloaded", soon()).expect("the new code serves");
    assert_eq!(server.get("/").text(), "Count: 2");
    server.stop();

    done(&project, &["state", "snapshot", "load", "before", "--yes"]);
    assert_eq!(std::fs::read_dir(&former).expect("a folder").count(), 0);
    done(&project, &["state", "snapshot", "load", "after", "--yes"]);
    assert_eq!(std::fs::read_dir(&former).expect("a folder").count(), 1);
    let server = project.start();
    assert!(!server.process().output().contains("Migrated"), "{}", server.process().output());
    assert_eq!(server.get("/").text(), "Count: 3");
}
