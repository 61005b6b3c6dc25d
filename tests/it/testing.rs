//! The helper for tests in Rust, `dodev::testing`, with the sample project: what the helper in JavaScript does with it.

use std::time::Duration;

use dodev::testing::{self, Closing, ListOptions, NONE, Request, Server, Start, TestError, to_json};
use serde_json::json;

use crate::deadline::Deadline;
use crate::project::{BINARY, TestProject, repository};
use crate::websocket::{Handshake, Message, Opcode, WebSocket};

const DAY_MS: i64 = 86_400_000;
const ANSWER: Duration = Duration::from_secs(10);

fn start() -> Server {
    let sample = Start::new(repository().join("fixtures/sample-tests"));
    sample.program(BINARY).start().unwrap_or_else(|error| panic!("{error}"))
}

fn join(server: &Server, room: &str, name: &str) -> WebSocket {
    let port = server.url().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    match WebSocket::connect(port, &format!("/rooms/{room}?name={name}"), &[], &[], ANSWER) {
        Ok(Handshake::Open { socket, .. }) => socket,
        Ok(Handshake::Refused(response)) => panic!("no WebSocket: {response}"),
        Err(error) => panic!("no answer: {error}"),
    }
}

fn say(socket: &WebSocket, text: &str) {
    socket.send(Opcode::Text, text.as_bytes(), true).expect("sent");
}

fn heard(socket: &WebSocket) -> Option<Message> {
    socket.receive(Deadline::after(ANSWER))
}

#[test]
fn objects_are_called_and_looked_into_and_time_passes() {
    let server = start();
    let monthly = server.object("Subscription", "monthly");
    let before = server.clock().now().expect("answered");
    let first = monthly.call("subscribe", [json!({ "name": "basic", "price": 9.5 })]).expect("subscribed");
    assert_eq!(to_json(&first)["$"], "Date");
    let due = monthly.alarm().get().expect("answered").expect("an alarm");
    assert!(due >= before + 30 * DAY_MS, "{due}");

    // What is stored, without waking anybody.
    monthly.expect_hibernates().expect("nothing keeps it awake");
    let plan = to_json(&monthly.kv().get("plan").expect("answered").expect("stored"));
    assert_eq!((&plan["name"], &plan["since"]["$"]), (&json!("basic"), &json!("Date")));
    monthly.kv().put("..", json!({ "$": "Map", "v": [[1, 2]] })).expect("stored");
    assert_eq!(
        monthly.kv().get("..").expect("answered").map(|value| to_json(&value)),
        Some(json!({ "$": "Map", "v": [[1, 2]] }))
    );
    let keys = |options| {
        let entries = monthly.kv().list(&options).expect("answered");
        entries.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(keys(ListOptions::default()), ["..", "plan"]);
    assert_eq!(keys(ListOptions { reverse: true, limit: Some(1), ..ListOptions::default() }), ["plan"]);
    assert_eq!(keys(ListOptions { prefix: Some("p".to_owned()), ..ListOptions::default() }), ["plan"]);
    assert!(monthly.kv().delete("..").expect("answered") && !monthly.kv().delete("..").expect("answered"));
    assert_eq!(monthly.info().expect("answered")["state"], "asleep");

    // A month, and the eleven after it.
    assert_eq!(server.clock().advance("29d").expect("moved").fired, []);
    let report = server.clock().advance("1d").expect("moved");
    let fired =
        report.fired.iter().find(|fired| fired.object.as_ref().is_some_and(|of| of.name == "monthly"));
    assert_eq!(fired.and_then(|fired| fired.outcome.as_deref()), Some("ok"), "{report:?}");
    server.clock().advance_ms(335 * DAY_MS.unsigned_abs()).expect("moved");
    let rows = monthly.sql("SELECT count(*) AS n, sum(price) AS paid FROM renewals", &[]).expect("rows");
    assert_eq!(json!(*rows), json!([{ "n": 12, "paid": 114.0 }]));
    let logs = server.logs().expect("answered");
    assert!(logs.iter().any(|line| line.text == "renewed basic" && line.name.as_deref() == Some("monthly")));
    server.clear_logs().expect("answered");
    assert_eq!(server.logs().expect("answered"), []);

    assert_eq!(monthly.alarm().run().expect("ran"), "done");
    monthly.call("cancel", NONE).expect("cancelled");
    assert_eq!(monthly.alarm().get().expect("answered"), None);
}

#[test]
fn errors_and_what_keeps_an_object_awake_are_told() {
    let server = start();
    let object = server.object("Subscription", "a");
    let error = object.call("subscribe", [json!({ "name": "free", "price": 0 })]).expect_err("it throws");
    let thrown = error.thrown().unwrap_or_else(|| panic!("{error:?}"));
    assert_eq!((thrown.name.as_str(), thrown.message.as_str()), ("RangeError", "a plan has a price"));
    assert!(thrown.stack.contains("src/index.ts:"), "{thrown:?}");
    assert_eq!(thrown.flags, ["remote"]);

    assert_eq!(to_json(&object.call("callsSinceWoken", NONE).expect("called")), 1);
    assert_eq!(to_json(&object.call("callsSinceWoken", NONE).expect("called")), 2);
    object.call("pollForever", NONE).expect("called");
    let error = object.expect_hibernates().expect_err("a timer is set");
    let text = error.to_string();
    assert!(
        text.starts_with("Subscription \"a\" does not hibernate:\n  - a timer is set, due in "),
        "{text}"
    );
    assert!(object.hibernate().expect_err("as before").pins().iter().any(|pin| pin.kind == "timer"));
    assert!(object.evict(Closing::Hibernate).expect("evicted"));
    assert_eq!(to_json(&object.call("callsSinceWoken", NONE).expect("called")), 1);
    assert!(object.reset(Some("for the test")).expect("reset"));
    assert_eq!(object.info().expect("answered")["lastReset"], "for the test");
    let id = object.info().expect("answered")["id"].as_str().expect("an id").to_owned();
    let same = server.object_with_id("Subscription", &id);
    assert_eq!(to_json(&same.call("callsSinceWoken", NONE).expect("called")), 1);

    let error = server.object("Plan", "a").info().expect_err("there is no such class");
    assert!(matches!(&error, TestError::Refused { status: 404, .. }), "{error:?}");
    let error = object.sql("SELEC", &[]).expect_err("no SQL");
    assert!(error.to_string().contains("syntax error"), "{error}");
    let error = object.call("subscribe", [json!({ "$": "Nothing" })]).expect_err("no value");
    assert!(matches!(error, TestError::NotData(_)), "{error:?}");
    let error = server.fetch("http://127.0.0.1:1/").expect_err("another server");
    assert!(error.to_string().contains("no URL of this server"), "{error}");
}

#[test]
fn sockets_hibernate_with_their_attachments() {
    let server = start();
    assert_eq!(server.fetch("/").expect("answered").status(), 404);
    let answer =
        server.fetch(Request::new("GET", "/rooms/lobby?name=ada").header("x-any", "1")).expect("answered");
    assert_eq!((answer.ok(), answer.json().expect("JSON")), (true, json!([])));
    assert_eq!(answer.header("content-type").as_deref(), Some("application/json"));
    let room = server.object("Room", "lobby");
    assert_eq!(room.fetch("/?name=ada").expect("answered").json().expect("JSON"), json!([]));
    assert_eq!(room.fetch("/").expect("answered").status(), 400);

    let (ada, bob) = (join(&server, "lobby", "ada"), join(&server, "lobby", "bob"));
    say(&ada, "hello");
    for socket in [&ada, &bob] {
        assert_eq!(heard(socket), Some(Message::Text("ada: hello".to_owned())));
    }
    room.expect_hibernates().expect("its sockets hibernate");
    let sockets = room.sockets().expect("answered");
    let seen: Vec<_> = sockets
        .iter()
        .map(|socket| {
            (socket.tags.clone(), to_json(socket.attachment.as_ref().expect("attached"))["name"].clone())
        })
        .collect();
    assert_eq!(seen, [(vec!["ada".to_owned()], json!("ada")), (vec!["bob".to_owned()], json!("bob"))]);
    say(&bob, "still there?");
    assert_eq!(heard(&ada), Some(Message::Text("bob: still there?".to_owned())));
    let mut present = room.call("present", NONE).map(|list| to_json(&list)).expect("called");
    present.as_array_mut().expect("a list").sort_by_key(ToString::to_string);
    assert_eq!(present, json!(["ada", "bob"]));
    room.evict(Closing::Close).expect("evicted");
    assert!(matches!(heard(&ada), Some(Message::Closed(_))));
    assert_eq!(room.sockets().expect("answered"), []);
}

#[test]
fn sessions_see_nothing_of_each_other_and_go_back() {
    let server = start();
    let (one, other) = (server.session().expect("made"), server.session().expect("made"));
    assert_ne!((one.id(), one.url()), (other.id(), other.url()));
    let began = one.clock().now().expect("answered");
    one.object("Room", "r").kv().put("mark", json!("one")).expect("stored");
    one.clock().advance("365d").expect("moved");
    assert!(other.clock().now().expect("answered") < began + DAY_MS, "another session has its own time");
    assert_eq!(other.object("Room", "r").kv().get("mark").expect("answered"), None);
    one.reset().expect("reset");
    assert_eq!(one.object("Room", "r").kv().get("mark").expect("answered"), None);
    assert!(one.clock().now().expect("answered") < began + DAY_MS);
    let url = one.url().to_owned();
    drop(one);
    assert!(Server::at(&url, None).expect("an address").fetch("/").is_err(), "it ended");
    let missing = server.session_from("none").expect_err("no such snapshot");
    assert!(missing.to_string().contains("no snapshot `none`"), "{missing}");
}

#[test]
fn a_server_ends_with_its_state_and_a_broken_project_says_why() {
    let server = start();
    let url = server.url().to_owned();
    let state = server.control(http::Method::GET, &["health"], None).expect("answered")["pid"].as_u64();
    assert!(state.is_some());
    server.stop();
    assert!(Server::at(&url, None).expect("an address").fetch("/").is_err(), "it ended");

    let project = TestProject::from_fixture("sample-tests");
    project.write("src/index.ts", "export default {");
    let error = Start::new(project.dir()).program(BINARY).start().expect_err("broken");
    let text = error.to_string();
    assert!(text.starts_with("the project does not start:\n  src/index.ts:1:"), "{text}");
    // Without `dodev test` around it, there is nothing to connect to.
    if std::env::var_os("DODEV_URL").is_none() {
        assert!(testing::connect().is_err());
    }
}
