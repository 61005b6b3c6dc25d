//! WebSockets through the binary on `fixtures/sockets`: what a reload, a reset and a slow client do to them.

use std::time::Duration;

use crate::deadline::Deadline;
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
    let closed = bob.wait_closed(Deadline::after(LIMIT)).expect("the host replies to a close message");
    assert_eq!((closed.code, closed.reason.as_str()), (Some(4000), "bye"));
    say(&ann, "alone");
    assert_eq!(hear(&ann), "third ann first ann 1 alone");
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
