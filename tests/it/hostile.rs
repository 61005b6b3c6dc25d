//! Clients that are slow, many, malicious or broken: each gets an answer or the end of its connection, and nobody else notices.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use dodev::engine::descriptors;

use crate::deadline::Deadline;
use crate::http::{Connection, Request};
use crate::process::READY_LIMIT;
use crate::project::{Server, ServerCommand, TestProject};

const LIMIT: Duration = Duration::from_secs(20);
/// Connections at a time, as far as the system gives descriptors for them.
const CONNECTIONS: usize = 10_000;
/// Descriptors that this process needs beside.
const OWN_FILES: usize = 200;

const CONFIG: &str = r#"{ "name": "h", "main": "i.js", "compatibility_date": "2026-11-01",
  "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }] }"#;

const WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";
export class O extends DurableObject {
  next() {
    const n = (this.ctx.storage.kv.get("n") ?? 0) + 1;
    this.ctx.storage.kv.put("n", n);
    return n;
  }
  fetch() {
    const [client, server] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }
  webSocketMessage(socket, message) { socket.send(message); }
}
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/echo") return new Response(await request.text());
    if (pathname === "/ignore") return new Response("ignored");
    if (pathname === "/socket") return env.O.getByName("socket").fetch(request);
    return new Response(String(await env.O.getByName(pathname).next()));
  },
};
"#;

fn project() -> TestProject {
    TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("i.js", WORKER)])
}

/// Sends `bytes` on a connection of their own and reads until the server closes it, or has answered as often as `answers`.
fn raw(server: &Server, bytes: &[u8], answers: usize) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("a connection");
    stream.set_read_timeout(Some(LIMIT)).expect("a plain option");
    let mut writing = stream.try_clone().expect("a descriptor");
    let bytes = bytes.to_vec();
    // The server may close while the rest is on its way.
    let writer = std::thread::spawn(move || drop(writing.write_all(&bytes)));
    let mut got = Vec::new();
    let mut chunk = [0; 4_096];
    while count(&got) < answers {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(length) => got.extend_from_slice(&chunk[..length]),
        }
    }
    drop(stream.shutdown(Shutdown::Both));
    writer.join().expect("it only writes");
    String::from_utf8_lossy(&got).into_owned()
}

fn count(bytes: &[u8]) -> usize {
    bytes.windows(7).filter(|window| window == b"HTTP/1.").count()
}

#[test]
fn requests_that_servers_read_differently_are_refused_or_unambiguous() {
    let server = project().start();
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\n";
    let big = "a".repeat(2_000_000);
    for (what, bytes, status) in [
        ("two lengths", format!("{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhelloo"), 400),
        ("a list of lengths", format!("{post}Content-Length: 5, 5\r\n\r\nhello"), 400),
        ("a signed length", format!("{post}Content-Length: +5\r\n\r\nhello"), 400),
        ("a negative length", format!("{post}Content-Length: -5\r\n\r\nhello"), 400),
        ("a hexadecimal length", format!("{post}Content-Length: 0x5\r\n\r\nhello"), 400),
        ("a length beyond numbers", format!("{post}Content-Length: 99999999999999999999\r\n\r\nhello"), 400),
        ("an unknown coding", format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 400),
        ("no coding", format!("{post}Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello"), 400),
        (
            "chunks that are not last",
            format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
            400,
        ),
        ("a blank before the colon", format!("{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"), 400),
        ("a folded line", format!("{post}X: a\r\n b\r\nContent-Length: 0\r\n\r\n"), 400),
        ("a lone CR", "GET /ignore HTTP/1.1\r\nX: a\rb\r\nHost: a\r\n\r\n".to_owned(), 400),
        ("a NUL", "GET /ignore HTTP/1.1\r\nX: a\0b\r\nHost: a\r\n\r\n".to_owned(), 400),
        ("two hosts", "GET /ignore HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(), 400),
        ("no host", "GET /ignore HTTP/1.1\r\n\r\n".to_owned(), 400),
        (
            "chunks in HTTP/1.0",
            "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            400,
        ),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n".to_owned(), 400),
        ("an old protocol", "GET /\r\n\r\n".to_owned(), 400),
        ("a head of 2 MB", format!("GET /ignore HTTP/1.1\r\nHost: a\r\nX: {big}\r\n\r\n"), 431),
        ("endless fields", format!("GET /ignore HTTP/1.1\r\nHost: a\r\n{}", "X: a\r\n".repeat(100_000)), 431),
        ("a long target", format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", &big[..70_000]), 414),
        ("no method of HTTP", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n".to_owned(), 501),
        (
            "a foreign control surface",
            "GET http://e.example/cdn-cgi/dodev/health HTTP/1.1\r\nHost: e.example\r\n\r\n".to_owned(),
            403,
        ),
        (
            "chunks that are no numbers",
            format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"),
            500,
        ),
        (
            "chunks beyond numbers",
            format!("{post}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n"),
            500,
        ),
        (
            "an endless extension",
            format!("{post}Transfer-Encoding: chunked\r\n\r\n5;{}", &big[..200_000]),
            500,
        ),
        (
            "endless trailers",
            format!("{post}Transfer-Encoding: chunked\r\n\r\n0\r\n{}", "A: bbbb\r\n".repeat(100_000)),
            500,
        ),
    ] {
        let answer = raw(&server, bytes.as_bytes(), 1);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{what}: {}",
            &answer[..answer.len().min(300)]
        );
        // What follows is no second request.
        assert_eq!(count(answer.as_bytes()), 1, "{what}: {answer}");
    }
    // Chunks win over a length, and the connection ends: what follows would be a request to one reader and a body to another.
    let both = format!(
        "{post}Content-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /ignore HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    assert_eq!(count(raw(&server, both.as_bytes(), 2).as_bytes()), 1);
    let pipelined = "GET /ignore HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    assert_eq!(count(raw(&server, pipelined.as_bytes(), 100).as_bytes()), 100);
    let unread =
        format!("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello{}", &pipelined[..37]);
    assert_eq!(count(raw(&server, unread.as_bytes(), 2).as_bytes()), 2);
    assert_eq!(server.get("/echo").status, 200);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn frames_that_break_the_protocol_end_their_socket_only() {
    let server = project().start();
    let open = "GET /socket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                Sec-WebSocket-Key: ZG9kZXYgdGVzdCBjbGllbnQ=\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let good = [0x81, 0x82, 0, 0, 0, 0, b'h', b'i'];
    let too_large = [&[0x82, 0xff, 0, 0, 0, 0, 2, 0x10, 0, 0, 0, 0, 0, 0][..], &vec![0; 33 << 20]].concat();
    for (what, frame, code) in [
        ("no mask", &[0x81, 0x02, b'h', b'i'][..], 1002),
        ("a reserved bit", &[0xc1, 0x80, 0, 0, 0, 0], 1002),
        ("an unknown opcode", &[0x83, 0x80, 0, 0, 0, 0], 1002),
        ("a ping in two", &[0x09, 0x80, 0, 0, 0, 0], 1002),
        ("a ping of 126 bytes", &[0x89, 0xfe, 0, 126, 0, 0, 0, 0], 1002),
        ("the end of nothing", &[0x80, 0x80, 0, 0, 0, 0], 1002),
        (
            "a length beyond all limits",
            &[0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0],
            1009,
        ),
        ("a message that is too large, sent whole", &too_large, 1009),
    ] {
        let mut connection = Connection::open(server.port()).expect("a connection");
        connection.write(&[open.as_bytes(), &good].concat()).expect("it is sent");
        connection.read_response(true).expect("an upgrade");
        let (mut stream, mut got) = connection.into_upgraded();
        stream.set_read_timeout(Some(LIMIT)).expect("a plain option");
        while got.len() < 4 {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("the echo");
            got.push(byte[0]);
        }
        assert_eq!(got, [0x81, 0x02, b'h', b'i'], "{what}");
        stream.write_all(frame).expect("it is sent");
        drop(stream.shutdown(Shutdown::Write));
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("the connection ends in order");
        let told = rest.get(2..4).map(|code| u16::from_be_bytes([code[0], code[1]]));
        assert_eq!((rest.first(), told), (Some(&0x88), Some(code)), "{what}: {rest:?}");
    }
    let overview = server.get("/cdn-cgi/dodev/overview").text();
    assert!(server.get("/a").text() == "1", "{overview}");
}

#[test]
fn clients_that_never_finish_keep_nobody_waiting() {
    let server = project().start();
    let mut slow: Vec<TcpStream> = Vec::new();
    for part in [
        "",
        "G",
        "GET /a HTTP/1.1\r\nHost: a\r\nX-Slow",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf",
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\nendless",
    ] {
        for _ in 0..20 {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("a connection");
            stream.write_all(part.as_bytes()).expect("it is sent");
            slow.push(stream);
        }
    }
    for count in 1..=20 {
        assert_eq!(server.get("/good").text(), count.to_string());
    }
    // Torn in the middle, all at once.
    drop(slow);
    assert_eq!(server.get("/good").text(), "21");
    assert_eq!(server.stop().code(), Some(0));
}

/// Opens `wanted` connections.
fn open(server: &Server, wanted: usize) -> Vec<TcpStream> {
    (0..wanted).map(|_| TcpStream::connect(("127.0.0.1", server.port())).expect("a connection")).collect()
}

#[test]
fn ten_thousand_connections_are_served() {
    let room = descriptors::raise_limit().unwrap_or(CONNECTIONS).saturating_sub(OWN_FILES);
    let wanted = CONNECTIONS.min(room / 2);
    let server = project().start();
    let mut connections = open(&server, wanted);
    for (number, stream) in connections.iter_mut().enumerate().filter(|(number, _)| number % 50 == 0) {
        stream.set_read_timeout(Some(LIMIT)).expect("a plain option");
        stream.write_all(b"GET /ignore HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap_or_else(|error| panic!("{number} of {wanted}: {error}"));
        assert_eq!(&start, b"HTTP/1.1 200");
    }
    assert_eq!(server.get("/good").text(), "1");
    drop(connections);
    assert_eq!(server.get("/good").text(), "2");
}

#[test]
fn without_descriptors_connections_wait_and_storage_goes_on() {
    const FILES: &str = "700";
    let wrapped = ServerCommand::wrapped(&format!("ulimit -n {FILES}; exec \"$@\""));
    let project = project();
    let mut server = project.spawn(&wrapped, &[]).expect("the command starts");
    server.wait_ready(READY_LIMIT).unwrap_or_else(|error| panic!("{error}: {}", server.process().output()));
    let mut first = Connection::open(server.port()).expect("a connection");
    let next = |connection: &mut Connection, path: &str| {
        connection.exchange(&Request::new("GET", path), LIMIT).map(|answer| answer.text())
    };
    assert_eq!(next(&mut first, "/a").expect("an answer"), "1");
    let many = open(&server, 500);
    let told = server.process().wait_line(0, "as many as open files allow", Deadline::after(LIMIT));
    assert!(told.is_some(), "{}", server.process().output());
    // Who has a connection is served, by objects whose files are opened now.
    for object in 0..20 {
        assert_eq!(next(&mut first, &format!("/new{object}")).expect("an answer"), "1");
    }
    // Who waits is served when others go.
    let mut waiting = Connection::open(server.port()).expect("the system takes it");
    waiting.write(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
    drop(many);
    waiting.limit(LIMIT);
    assert_eq!(waiting.read_response(false).expect("an answer").text(), "2");
    assert_eq!(server.stop().code(), Some(0));
}
