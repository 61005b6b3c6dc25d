//! Requests whose code can never answer, and those that only look so (`fixtures/hangs`), against what wrangler 4.164.0 with workerd
//! 1.20261117.1 answered on 2026-11-23.

use std::io::Read;

use crate::http::Connection;
use crate::project::TestProject;
use crate::recorded::{answers_in_groups, assert_as_recorded};

const COMPRESSION: &str =
    "the peer takes the reading of a compression stream that nobody writes to for something that may end";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("others settled", "who settles a promise whose request has ended settles it"),
    ("waitsNamed readCompression", COMPRESSION),
    ("waitsNamed readDecompression", COMPRESSION),
    ("waitsPlain readCompression", COMPRESSION),
    ("waitsPlain readDecompression", COMPRESSION),
    ("waitsRpc readCompression", COMPRESSION),
    ("waitsRpc readDecompression", COMPRESSION),
];

#[test]
fn what_can_never_answer_ends_as_recorded() {
    assert_as_recorded("hangs", DEVIATIONS, answers_in_groups);
}

#[test]
fn clients_are_told_and_what_was_sent_arrives() {
    let server = TestProject::from_fixture("hangs").start();
    for path in [
        "/direct/never",
        "/direct/timerThenNever",
        "/direct/pairAccepted",
        "/direct/selfNever",
        "/read/never",
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 500, "{path}");
        assert!(answer.text().contains("your Worker's code had hung"), "{path}: {answer}");
    }
    for (path, sent) in [
        ("/direct/bodyNever", ""),
        ("/direct/bodyChunkNever", "5\r\nhello\r\n"),
        ("/direct/bodyChunkTimer", "5\r\nhello\r\n4\r\nmore\r\n"),
        ("/direct/bodyTransform", "2\r\nhi\r\n"),
    ] {
        let mut connection = Connection::open(server.port()).expect("a connection");
        connection.write(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).expect("a request");
        let (mut stream, mut answer) = connection.into_upgraded();
        stream.read_to_end(&mut answer).expect("the end of the connection");
        let answer = String::from_utf8_lossy(&answer);
        let body = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{path}: {answer}")).1;
        assert_eq!(body, sent, "{path}");
    }
    assert_eq!(server.get("/direct/waitUntilNever").text(), "answered");
    assert!(server.stop().success(), "nothing is left that the stop would wait for");
}
