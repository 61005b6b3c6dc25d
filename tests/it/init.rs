//! `dodev init`, and every template as its user meets it: made, started, used.

use std::time::Duration;

use crate::cli::Ran;
use crate::deadline::Deadline;
use crate::http::Request;
use crate::project::{Server, TestProject};
use crate::websocket::{Handshake, Message, Opcode, WebSocket};

const LIMIT: Duration = Duration::from_secs(10);

/// A project made of a template, and its server.
fn start(template: &str) -> (TestProject, Server) {
    let project = TestProject::with_files(&[]);
    let made = Ran::dodev(&project, &["init", "--template", template]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let server = project.start();
    (project, server)
}

fn send(server: &Server, method: &str, path: &str, body: &str) -> (u16, String) {
    let response = server.request(&Request::new(method, path).body(body));
    (response.status, response.text())
}

#[test]
fn a_project_is_made_and_says_what_comes_next() {
    let project = TestProject::with_files(&[]);
    let made = Ran::dodev(&project, &["init", "my-app"]);
    made.expect(
        0,
        "Made the Worker `my-app` from the template `counter`:\n  my-app/.gitignore\n  my-app/README.md\n  \
         my-app/package.json\n  my-app/src/index.ts\n  my-app/tsconfig.json\n  my-app/worker-configuration.d.ts\n  \
         my-app/wrangler.jsonc\n\nNext:\n  cd my-app\n  dodev dev          serve it, reload on every save\n  \
         npm install        types for your editor, and wrangler\n  npm run deploy     put it on Cloudflare, as it is\n",
    );
    assert!(project.read("my-app/wrangler.jsonc").contains("\"name\": \"my-app\""));
    Ran::dodev(&project, &["init", "my-app"])
        .expect(1, "")
        .expect_errors(&["my-app` is not empty", "--force"]);
    Ran::dodev(&project, &["init", "My_App"]).expect(1, "").expect_errors(&["try `dodev init my-app`"]);
    Ran::dodev(&project, &["init", "x", "-t", "blog"]).expect(2, "").expect_errors(&["counter", "notes"]);
}

#[test]
fn the_counter_counts() {
    let (_project, server) = start("counter");
    assert_eq!(send(&server, "POST", "/apples", ""), (200, r#"{"name":"apples","value":1}"#.to_owned()));
    assert_eq!(server.get("/apples").text(), r#"{"name":"apples","value":1}"#);
    assert_eq!(server.get("/").text(), r#"{"name":"main","value":0}"#);
    assert_eq!(send(&server, "DELETE", "/", "").0, 405);
}

#[test]
fn the_chat_has_rooms_with_a_history() {
    let (_project, server) = start("chat");
    let page = server.get("/");
    assert!(page.text().contains("<!doctype html>") && page.status == 200);
    assert_eq!((server.get("/rooms/lobby").status, server.get("/nowhere").status), (426, 404));
    let connect = |name: &str| {
        let path = format!("/rooms/lobby?name={name}");
        match WebSocket::connect(server.port(), &path, &[], &[], LIMIT).expect("a connection") {
            Handshake::Open { socket, .. } => socket,
            Handshake::Refused(response) => panic!("refused: {response}"),
        }
    };
    let hear = |socket: &WebSocket| match socket.receive(Deadline::after(LIMIT)) {
        Some(Message::Text(text)) => text,
        other => panic!("no text but {other:?}"),
    };
    let ada = connect("ada");
    assert_eq!(hear(&ada), r#"{"type":"joined","name":"ada"}"#);
    ada.send(Opcode::Text, b"hello", true).expect("an open connection");
    assert!(hear(&ada).starts_with(r#"{"type":"message","name":"ada","text":"hello","sentAt":"#));
    ada.send(Opcode::Text, b"ping", true).expect("an open connection");
    assert_eq!(hear(&ada), "pong");
    let bob = connect("bob");
    assert!(hear(&bob).contains("hello"), "the history comes first");
    assert_eq!(hear(&bob), r#"{"type":"joined","name":"bob"}"#);
    assert_eq!(hear(&ada), r#"{"type":"joined","name":"bob"}"#);
    ada.close(Some(1000), "").expect("an open connection");
    assert_eq!(hear(&bob), r#"{"type":"left","name":"ada"}"#);
}

#[test]
fn the_alarms_ring() {
    let (_project, server) = start("alarms");
    let (status, text) = send(&server, "POST", "/ada", r#"{"text":"tea","seconds":0}"#);
    assert!(status == 201 && text.contains(r#""text":"tea""#), "{text}");
    let rang = server.process().wait_line(0, "Reminder: tea", Deadline::after(LIMIT));
    assert!(rang.is_some(), "{}", server.process().output());
    assert!(server.get("/ada").text().contains(r#""done":true"#));
    assert_eq!(send(&server, "POST", "/ada", "{").0, 400);
}

#[test]
fn the_notes_are_kept_and_found() {
    let (_project, server) = start("notes");
    assert_eq!(send(&server, "POST", "/ada/notes", "Buy tea").0, 201);
    assert_eq!(send(&server, "POST", "/ada/notes", "Sleep").0, 201);
    assert_eq!(send(&server, "PUT", "/ada/notes/1", "Buy green tea").0, 200);
    assert!(server.get("/ada/notes?q=GREEN").text().starts_with(r#"[{"id":1,"text":"Buy green tea","#));
    assert_eq!(send(&server, "DELETE", "/ada/notes/1", "").0, 204);
    assert_eq!((server.get("/ada/notes/1").status, server.get("/ada/notes/2").status), (404, 200));
    assert_eq!(server.get("/bob/notes").text(), "[]");
}
