//! WebSockets through the binary on `fixtures/sockets`: what a reload, a reset and a slow client do to them.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use dodev::base::clock::Clock;
use serde_json::{Value, json};

use crate::deadline::Deadline;
use crate::http::{Connection, Request};
use crate::project::{Server, TestProject};
use crate::websocket::{Handshake, Message, Opcode, WebSocket};

const LIMIT: Duration = Duration::from_secs(10);

fn connect(server: &Server, path: &str) -> WebSocket {
    match WebSocket::connect(server.port(), path, &[], &[], LIMIT).expect("a connection") {
        Handshake::Open { socket, accept_ok, .. } => {
            assert!(accept_ok, "the accept key answers ours");
            socket
        }
        Handshake::Refused(response) => panic!("refused: {response}\n{}", server.process().output()),
    }
}

fn say(socket: &WebSocket, text: &str) {
    socket.send(Opcode::Text, text.as_bytes(), true).expect("an open connection");
}

fn hear(socket: &WebSocket) -> String {
    match socket.receive(Deadline::after(LIMIT)) {
        Some(Message::Text(text)) => text,
        other => panic!("no text but {other:?}"),
    }
}

fn wait_for_version(server: &Server, version: &str) {
    let deadline = Deadline::after(LIMIT);
    while server.get("/").text() != version {
        assert!(!deadline.passed(), "still the old code:\n{}", server.process().output());
        let seen = server.process().line_count();
        server.process().wait_output(seen, Deadline::after(Duration::from_millis(50)));
    }
}

#[test]
fn hibernatable_sockets_survive_reloads_with_attachments_and_tags() {
    let project = TestProject::from_fixture("sockets");
    let server = project.start();
    let (ann, bob) = (connect(&server, "/room?name=ann"), connect(&server, "/room?name=bob"));
    say(&ann, "1");
    assert_eq!(hear(&ann), "first ann first ann 2 1");
    for (from, to) in [("first", "second"), ("second", "third")] {
        project.edit("src/index.ts", &format!("= \"{from}\""), &format!("= \"{to}\"")).expect("the version");
        say(&bob, "meanwhile");
        wait_for_version(&server, to);
        say(&ann, "after");
        assert_eq!(hear(&ann), format!("{to} ann first ann 2 after"));
        assert!(hear(&bob).ends_with("bob first bob 2 meanwhile"));
    }
    bob.close(Some(4000), "bye").expect("an open connection");
    let closed = bob.wait_closed(Deadline::after(LIMIT)).expect("the handler replies to a close message");
    assert_eq!((closed.code, closed.reason.as_str()), (Some(4000), "bye"));
    say(&ann, "alone");
    assert_eq!(hear(&ann), "third ann first ann 1 alone");
}

#[test]
fn a_goodbye_that_nobody_answers_leaves_the_connection_until_the_instance_goes() {
    let project = TestProject::from_fixture("sockets");
    let server = project.start_with(&["--freeze"]);
    let (ann, bob) = (connect(&server, "/room?name=ann"), connect(&server, "/room?name=bob"));
    ann.close(Some(4000), "unanswered").expect("an open connection");
    // It leaves the object's list when the handler was told.
    let deadline = Deadline::after(LIMIT);
    let left = || {
        say(&bob, "who");
        hear(&bob)
    };
    while left() != "first bob first bob 1 who" {
        assert!(!deadline.passed(), "{}", server.process().output());
    }
    server.advance("9s");
    assert_eq!(ann.receive(Deadline::after(Duration::ZERO)), None, "{}", server.process().output());
    server.advance("2s");
    let closed = ann.wait_closed(Deadline::after(LIMIT)).expect("the instance went");
    assert_eq!(closed.code, Some(1006));
    assert!(left().ends_with("1 who"), "the others stay");
}

#[test]
fn a_socket_that_listens_ends_with_its_code_and_the_log_says_so() {
    let project = TestProject::from_fixture("sockets");
    let server = project.start();
    let socket = connect(&server, "/listener");
    say(&socket, "hello");
    assert_eq!(hear(&socket), "first hello");
    let seen = server.process().line_count();
    project.edit("src/index.ts", "= \"first\"", "= \"second\"").expect("the version");
    let closed = socket.wait_closed(Deadline::after(LIMIT)).expect("the reload ends it");
    assert_eq!(closed.code, Some(1006));
    let said = server.process().wait_line(seen, "closed by the reload", Deadline::after(LIMIT));
    assert!(said.is_some(), "the log says why:\n{}", server.process().output());
}

#[test]
fn what_an_object_says_before_it_is_reset_does_not_leave() {
    let project = TestProject::from_fixture("sockets");
    let server = project.start();
    let socket = connect(&server, "/room?name=ann");
    say(&socket, "write and fail");
    match socket.receive(Deadline::after(LIMIT)) {
        Some(Message::Closed(closed)) => assert_eq!(closed.code, Some(1006)),
        other => panic!("the reset ends the connection without a word, not with {other:?}"),
    }
}

#[test]
fn a_client_that_does_not_read_is_given_up_and_holds_nobody_back() {
    let project = TestProject::from_fixture("sockets");
    let server = project.start();
    let bob = connect(&server, "/room?name=bob");
    let mut silent = Connection::open(server.port()).expect("a connection");
    silent.limit(LIMIT);
    let handshake = "GET /room?name=silent HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
                     Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: ZG9kZXYgdGVzdCBjbGllbnQ=\r\n\r\n";
    silent.write(handshake.as_bytes()).expect("an open connection");
    assert_eq!(silent.read_response(true).expect("an answer").status, 101);
    let flood = [&[0x81, 0x85, 0, 0, 0, 0][..], b"flood"].concat();
    silent.write(&flood).expect("an open connection");
    let said = server.process().wait_line(0, "its client does not read", Deadline::after(LIMIT));
    assert!(said.is_some(), "the log says why:\n{}", server.process().output());
    say(&bob, "hello");
    assert_eq!(hear(&bob), "first bob first bob 1 hello");
}

/// Hibernatable sockets in rooms, each of which speaks before and after every replacement of the code: what is lost.
fn soak(count: usize, rooms: usize, reloads: usize) {
    let project = TestProject::from_fixture("sockets");
    let server = project.start();
    let clock = Clock::system();
    let begin = clock.machine();
    let sockets: Vec<WebSocket> = (0..count)
        .map(|number| connect(&server, &format!("/room?name=s{number}&room=r{}", number % rooms)))
        .collect();
    let mut version = "first".to_owned();
    for round in 0..reloads {
        let next = format!("v{round}");
        for (number, socket) in sockets.iter().enumerate() {
            // The save falls among the messages.
            if number == count / 2 {
                let edited =
                    project.edit("src/index.ts", &format!("= \"{version}\""), &format!("= \"{next}\""));
                edited.expect("the version");
            }
            say(socket, &format!("{round}"));
        }
        wait_for_version(&server, &next);
        for socket in &sockets {
            say(socket, "after");
        }
        for (number, socket) in sockets.iter().enumerate() {
            let (before, after) = (hear(socket), hear(socket));
            let rest = format!("s{number} first s{number} {} ", count / rooms);
            assert!(before.ends_with(&format!("{rest}{round}")), "{before}");
            // The old code may still have had a queue of messages before this one.
            assert!(after.ends_with(&format!("{rest}after")), "{after}");
        }
        version = next;
    }
    for (number, socket) in sockets.iter().enumerate() {
        say(socket, "last");
        let rest = format!("s{number} first s{number} {} ", count / rooms);
        assert_eq!(hear(socket), format!("{version} {rest}last"));
    }
    let messages = count * (2 * reloads + 1);
    println!(
        "{count} sockets of {rooms} objects, {reloads} reloads, {messages} messages: all answered, in {:.1} s",
        (clock.machine() - begin).as_secs_f64()
    );
}

#[test]
fn no_reload_loses_a_socket_or_a_message() {
    soak(200, 20, 8);
}

#[test]
#[ignore = "takes twenty seconds: `cargo test --test it -- --ignored --nocapture soak`, with the figures"]
fn soak_no_reload_loses_a_socket_or_a_message() {
    soak(1_000, 100, 50);
}

#[test]
fn a_reload_closes_hibernatable_sockets_where_that_is_wanted() {
    let project = TestProject::from_fixture("sockets");
    let server = project.start_with(&["--reload-sockets", "close"]);
    let ann = connect(&server, "/room?name=ann");
    say(&ann, "1");
    assert_eq!(hear(&ann), "first ann first ann 1 1");
    let seen = server.process().line_count();
    project.edit("src/index.ts", "= \"first\"", "= \"second\"").expect("the version");
    let closed = ann.wait_closed(Deadline::after(LIMIT)).expect("the reload ends it");
    assert_eq!(closed.code, Some(1006));
    let said =
        server.process().wait_line(seen, "1 WebSocket(s) of Room(room) were closed", Deadline::after(LIMIT));
    assert!(said.is_some(), "the log says why:\n{}", server.process().output());
    let bob = connect(&server, "/room?name=bob");
    say(&bob, "2");
    assert_eq!(hear(&bob), "second bob second bob 1 2");
}

#[test]
fn a_worker_opens_connections_itself() {
    let project = TestProject::from_fixture("sockets");
    let server = project.start();
    let unclaimed = "TypeError: You must call one of accept() or state.acceptWebSocket() on this WebSocket before \
                     sending messages.";
    let failed = "Failed to establish websocket connection";
    for (name, expected) in [
        (
            "constructor",
            json!([
                0,
                true,
                unclaimed,
                "open",
                1,
                "b",
                "permessage-deflate",
                "hello",
                70_000,
                "close",
                4001,
                "enough",
                true,
                3,
                "error",
                "Uncaught Error: Network connection lost."
            ]),
        ),
        (
            "refused",
            json!([
                0,
                true,
                unclaimed,
                "error",
                "Uncaught TypeError: Failed to establish the WebSocket connection: expected server to reply with \
                 HTTP status code 101 (switching protocols), but received 200 instead.",
                "close",
                1006,
                failed,
                false,
                3
            ]),
        ),
        (
            "nobody",
            json!([
                0,
                true,
                unclaimed,
                "error",
                "Uncaught Error: Network connection lost.",
                "close",
                1006,
                failed,
                false,
                3
            ]),
        ),
        ("fetch", json!([101, "by fetch"])),
        ("early", json!(["Uncaught Error: Network connection lost.", 3])),
    ] {
        let response = server.get(&format!("/outbound?case={name}"));
        let answer: Value = serde_json::from_str(&response.text()).unwrap_or_else(|_| response.text().into());
        assert_eq!(answer, expected, "{name}");
    }
}

#[test]
fn the_largest_message_arrives_and_a_larger_one_ends_the_connection() {
    let project = TestProject::from_fixture("sockets");
    let server = project.start();
    let ann = connect(&server, "/room?name=ann");
    let largest = vec![b'x'; 32 << 20];
    ann.send(Opcode::Binary, &largest[..(32 << 20) - 1_000], true).expect("an open connection");
    assert!(hear(&ann).starts_with("first ann first ann 1 "), "a message of almost 32 MiB arrives");
    let bob = connect(&server, "/room?name=bob");
    // The server ends the connection while most of the message is still on its way.
    drop(ann.send(Opcode::Binary, &[largest, vec![b'x']].concat(), true));
    assert!(ann.wait_closed(Deadline::after(LIMIT)).is_some(), "a larger one ends it");
    say(&bob, "hello");
    assert_eq!(hear(&bob), "first bob first bob 1 hello");
}

#[test]
fn messages_are_compressed_when_the_client_offers_that() {
    let project = TestProject::from_fixture("sockets");
    let server = project.start();
    let offer = "permessage-deflate; client_max_window_bits, permessage-deflate";
    let request = Request::new("GET", "/room?name=ann")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", "ZG9kZXYgdGVzdCBjbGllbnQ=")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Extensions", offer);
    let mut connection = Connection::open(server.port()).expect("a server");
    let response = connection.exchange(&request, LIMIT).expect("an answer");
    let agreed = "permessage-deflate; client_max_window_bits=15";
    assert_eq!(response.header("sec-websocket-extensions").as_deref(), Some(agreed));
    let (mut stream, early) = connection.into_upgraded();
    assert!(early.is_empty(), "nobody spoke");
    stream.set_read_timeout(Some(LIMIT)).expect("a socket");
    let mut inflate = flate2::Decompress::new(false);
    let mut sizes = Vec::new();
    for _ in 0..2 {
        // The second example of RFC 7692, 7.2.3.2: the same bytes twice; masked with zeros.
        let payload = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        stream.write_all(&[&[0xc1, 0x87, 0, 0, 0, 0][..], &payload].concat()).expect("an open connection");
        let mut head = [0; 2];
        stream.read_exact(&mut head).expect("an answer");
        assert_eq!(head[0], 0xc1, "a compressed text");
        let mut packed = vec![0; head[1].into()];
        stream.read_exact(&mut packed).expect("all of it");
        sizes.push(packed.len());
        packed.extend([0, 0, 0xff, 0xff]);
        let mut text = Vec::with_capacity(100);
        inflate.decompress_vec(&packed, &mut text, flate2::FlushDecompress::Sync).expect("deflate");
        assert_eq!(String::from_utf8_lossy(&text), "first ann first ann 1 Hello");
    }
    assert!(sizes[1] < sizes[0] / 2, "the context is taken over: {sizes:?}");
}
