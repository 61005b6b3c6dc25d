//! Several Workers in one process, on `fixtures/conformance/fixtures/workers`: what goes beyond the recorded answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::deadline::Deadline;
use crate::project::{Server, TestProject};
use crate::websocket::{Handshake, Message, Opcode, WebSocket};

const LIMIT: Duration = Duration::from_secs(15);

fn project() -> TestProject {
    TestProject::from_fixture("conformance/fixtures/workers")
}

fn start(project: &TestProject) -> Server {
    let others = ["back/wrangler.jsonc", "third/wrangler.toml"];
    let args: Vec<String> = others
        .iter()
        .flat_map(|path| ["--config".to_owned(), project.dir().join(path).to_string_lossy().into_owned()])
        .collect();
    project.start_with(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

fn wait_for_label(server: &Server, words: &str) {
    let deadline = Deadline::after(LIMIT);
    while !server.get("/label").text().contains(words) {
        assert!(!deadline.passed(), "still the old code:\n{}", server.process().output());
        let seen = server.process().line_count();
        server.process().wait_output(seen, Deadline::after(Duration::from_millis(50)));
    }
}

fn connect(server: &Server, path: &str) -> WebSocket {
    match WebSocket::connect(server.port(), path, &[], &[], LIMIT).expect("a connection") {
        Handshake::Open { socket, .. } => socket,
        Handshake::Refused(response) => panic!("refused: {response}\n{}", server.process().output()),
    }
}

fn ask(socket: &WebSocket, text: &str) -> String {
    socket.send(Opcode::Text, text.as_bytes(), true).expect("an open connection");
    match socket.receive(Deadline::after(LIMIT)) {
        Some(Message::Text(text)) => text,
        other => panic!("no text but {other:?}"),
    }
}

#[test]
fn sockets_of_the_others_objects_survive_reloads_of_either() {
    let project = project();
    let server = start(&project);
    let socket = connect(&server, "/sockets/room");
    assert_eq!(ask(&socket, "a"), "back got a, 1 so far, 1 here, /sockets/room");
    project.edit("back/src/index.ts", "back-one", "back-two").expect("the label");
    wait_for_label(&server, "back-two");
    assert_eq!(ask(&socket, "b"), "back got b, 2 so far, 1 here, /sockets/room");
    project.edit("src/index.ts", "front-one", "front-two").expect("the label");
    wait_for_label(&server, "front-two");
    assert_eq!(ask(&socket, "c"), "back got c, 3 so far, 1 here, /sockets/room");
}

#[test]
fn no_request_fails_while_the_called_worker_is_reloaded() {
    let project = project();
    let server = start(&project);
    let (done, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let response = server.get("/counts");
                    assert_eq!(response.status, 200, "{response}");
                    asked.fetch_add(2, Ordering::Relaxed);
                }
            });
        }
        for (from, to) in [("one", "two"), ("two", "three"), ("three", "four")] {
            let (from, to) = (format!("back-{from}"), format!("back-{to}"));
            project.edit("back/src/index.ts", &from, &to).expect("the label");
            wait_for_label(&server, &to);
        }
        done.store(true, Ordering::Relaxed);
    });
    let counts: Vec<u32> = serde_json::from_slice(&server.get("/counts").body).expect("two numbers");
    assert_eq!(counts, [asked.load(Ordering::Relaxed) + 1, asked.load(Ordering::Relaxed) + 2]);
}

#[test]
fn alarms_of_the_others_objects_follow_the_clock_and_classes_of_one_name_are_told_apart() {
    let project = project();
    let server = start(&project);
    let at = |class: &str, what: &str| format!("objects/{class}/{what}");
    let (status, put) = server.control(
        "POST",
        &at("conf-back-Box", "name:far/call"),
        &json!({ "method": "ringIn", "args": [86_400_000] }),
    );
    assert_eq!((status, &put["value"]), (200, &json!("set")));
    assert_eq!(server.get("/alarm/rung").text(), "undefined");
    let (status, report) = server.control("POST", "time/advance", &json!({ "by_ms": 86_500_000 }));
    assert_eq!(status, 200, "{report}");
    let rung = json!({ "method": "get", "args": ["rung"] });
    let (_, told) = server.control("POST", &at("conf-back-Box", "name:far/call"), &rung);
    assert_eq!(told["value"], "by back", "{report}");
    let (status, refused) = server.control("POST", &at("Box", "name:far/call"), &rung);
    assert_eq!(status, 400, "{refused}");
    for name in ["conf-front-Box", "conf-back-Box"] {
        assert!(refused.to_string().contains(name), "{refused}");
    }
    let (status, who) = server.control(
        "POST",
        &at("conf-front-Box", "name:far/call"),
        &json!({ "method": "who", "args": [] }),
    );
    assert_eq!((status, &who["value"]), (200, &json!("front")));
}

#[test]
fn the_start_block_lists_every_worker_and_what_does_not_run() {
    let project = project();
    let server = start(&project);
    let output = server.process().output();
    for words in [
        "worker        conf-front",
        "worker        conf-back",
        "worker        conf-third",
        "API → conf-back#Api",
        "BACK_BOX → Box of conf-back",
        "GHOST_NAMED → conf-ghost#Named [not connected]",
        "GHOST_BOX → Box of conf-ghost [not connected]",
    ] {
        assert!(output.contains(words), "`{words}` is not in\n{output}");
    }
    assert!(!output.contains("conf-back [not connected]"), "{output}");
    let seen = server.process().line_count();
    server.get("/throw");
    let place = server.process().wait_line(seen, "back/src/index.ts:", Deadline::after(LIMIT));
    assert!(place.is_some(), "places of the other Worker are told apart:\n{}", server.process().output());
}

#[test]
fn each_worker_has_its_own_limits_triggers_and_log() {
    let front = r#"{ "name": "front", "main": "front.js", "compatibility_date": "2026-11-01",
        "services": [{ "binding": "API", "service": "back", "entrypoint": "Api" }] }"#;
    let back = r#"{ "name": "back", "main": "back.js", "compatibility_date": "2026-11-01",
        "limits": { "cpu_ms": 40 }, "triggers": { "crons": ["* * * * *"] } }"#;
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", front),
        ("back.jsonc", back),
        (
            "front.js",
            r#"export default { async fetch(request, env) {
                const { pathname } = new URL(request.url);
                try {
                  return new Response(`${await env.API[pathname.slice(1)]()}`);
                } catch (e) {
                  return new Response(e.message, { status: 500 });
                }
              } };"#,
        ),
        (
            "back.js",
            r#"import { WorkerEntrypoint } from "cloudflare:workers";
              let runs = 0;
              export class Api extends WorkerEntrypoint {
                runs() { return runs; }
                loop() { for (;;); }
                log() { console.log("written by back"); return "ok"; }
              }
              export default { fetch() {}, scheduled() { runs++; } };"#,
        ),
    ]);
    let back = project.dir().join("back.jsonc");
    let others = ["--config", &*back.to_string_lossy()];
    let server = project.start_with(&others);
    assert_eq!(server.get("/loop").text(), "Worker exceeded CPU time limit.");
    assert_eq!(server.get("/runs").text(), "0");
    let (status, report) = server.control("POST", "time/advance", &json!({ "by_ms": 60_000 }));
    assert_eq!((status, &report["fired"][0]["worker"]), (200, &json!("back")), "{report}");
    assert_eq!(server.get("/runs").text(), "1");
    let seen = server.process().line_count();
    assert_eq!(server.get("/log").text(), "ok");
    let line = server.process().wait_line(seen, "[back] written by back", Deadline::after(LIMIT));
    assert!(line.is_some(), "{}", server.process().output());
}

#[test]
fn mistakes_of_all_configurations_are_shown_and_of_what_they_say_of_each_other() {
    let project = project();
    let all = ["-c", "wrangler.jsonc", "-c", "back/wrangler.jsonc", "-c", "third/wrangler.toml"];
    let failed = |command: &[&str]| {
        let output = project.dodev(&[command, &all].concat());
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(output.status.code(), Some(1), "{text}");
        text
    };
    project.edit("third/wrangler.toml", "conf-third", "conf-back").expect("the name");
    for command in ["dev", "check"] {
        let text = failed(&[command]);
        assert!(text.contains("two configurations name their Worker `conf-back`"), "{text}");
    }
    project.edit("third/wrangler.toml", "conf-back", "conf-third").expect("the name");
    let sockets = "\"class_name\": \"Sockets\", \"script_name\"";
    project.edit("wrangler.jsonc", sockets, &sockets.replace("Sockets", "Socket")).expect("the class");
    for command in ["dev", "check"] {
        let text = failed(&[command]);
        assert!(text.contains("the Worker `conf-back` has no Durable Object class `Socket`"), "{text}");
        assert!(text.contains("did you mean `Sockets`?"), "{text}");
    }
    project.edit("wrangler.jsonc", "Socket\", \"script_name", "Sockets\", \"script_name").expect("the class");
    project
        .edit("wrangler.jsonc", "\"entrypoint\": \"Api\" }", "\"entrypoint\": \"Apy\" }")
        .expect("the export");
    let text = failed(&["check"]);
    assert!(text.contains("the Worker `conf-back` does not export an entry point `Apy`"), "{text}");
    project
        .edit("back/wrangler.jsonc", "\"main\": \"src/index.ts\"", "\"main\": 5")
        .expect("the main module");
    project.edit("third/wrangler.toml", "main = ", "mian = ").expect("the main module");
    let text = failed(&["dev"]);
    for place in ["back/wrangler.jsonc:3", "third/wrangler.toml"] {
        assert!(text.contains(place), "`{place}` is not in\n{text}");
    }
}
