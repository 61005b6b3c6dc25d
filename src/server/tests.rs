//! The whole edge over real connections, with a function in place of a world.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::current::Answer;
use super::*;
use crate::base::clock::Clock;
use crate::base::diag::Diagnostic;
use crate::base::generation::Generation;
use crate::engine::pipe::{PipeReader, PipeWriter, pipe};
use crate::world::SharedState;
use crate::world::http::{Body, FetchError, FetchRequest, FetchResponse};

type Reply = oneshot::Sender<Result<FetchResponse, FetchError>>;

/// Hands every request to the test, which answers it.
struct ToTest(Mutex<Sender<(FetchRequest, Reply)>>);

impl Handler for ToTest {
    fn fetch(&self, request: FetchRequest) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.0.lock().unwrap().send((request, reply)).unwrap();
        answer
    }
}

struct Edge {
    server: Server,
    current: Arc<Current>,
    requests: Receiver<(FetchRequest, Reply)>,
    records: Receiver<RequestRecord>,
    _directory: tempfile::TempDir,
}

impl Edge {
    /// A server that has no code yet.
    fn starting() -> (Self, Serving) {
        let current = Arc::new(Current::default());
        let directory = tempfile::tempdir().unwrap();
        let (told, records) = mpsc::channel();
        let told = Mutex::new(told);
        let server = Server::start(ServerOptions {
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(),
            replies: std::sync::Arc::default(),
            current: current.clone(),
            observe: Arc::new(move |record| told.lock().unwrap().send(record).unwrap_or_default()),
            clock: Clock::system(),
            control: ControlOptions {
                token: "secret".into(),
                feed: crate::objects::Feed::default(),
                state: Arc::new(RwLock::new(Arc::new(SharedState::open(directory.path()).unwrap()))),
                reload: Arc::new(|| ()),
                program: OwnProgram::new("none".into(), Vec::new()),
                sessions: None,
            },
            full: Arc::new(|_| {}),
            connections: None,
            head_wait: crate::base::limits::HEAD_WAIT,
            tls: None,
            live_reload: true,
        });
        let (sender, requests) = mpsc::channel();
        let handler = Arc::new(ToTest(Mutex::new(sender)));
        let world = Serving::World { generation: Generation(1), handler };
        (Self { server: server.unwrap(), current, requests, records, _directory: directory }, world)
    }

    fn ready() -> Self {
        let (edge, world) = Self::starting();
        edge.current.swap(world);
        edge
    }

    fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Client(BufReader::new(stream))
    }

    fn next(&self) -> (FetchRequest, Reply) {
        self.requests.recv_timeout(Duration::from_secs(10)).unwrap()
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// Says that nothing more will be sent.
    fn end(&mut self) {
        self.0.get_ref().shutdown(std::net::Shutdown::Write).unwrap();
    }

    /// The status line and the fields, in lower case.
    fn head(&mut self) -> (String, Vec<String>) {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_owned());
        }
        let status = if lines.is_empty() { String::new() } else { lines.remove(0) };
        (status, lines.into_iter().map(|line| line.to_lowercase()).collect())
    }

    fn body(&mut self, length: usize) -> String {
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        String::from_utf8(body).unwrap()
    }

    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest
    }
}

fn ok(body: Body) -> Result<FetchResponse, FetchError> {
    Ok(FetchResponse { status: 200, status_text: "OK".into(), headers: Vec::new(), body, web_socket: None })
}

fn bytes(text: &'static str) -> Body {
    Body::Bytes(Bytes::from_static(text.as_bytes()))
}

/// Waits as a thread does.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn read(reader: &mut PipeReader) -> Option<Bytes> {
    wait(std::future::poll_fn(|context| reader.poll_read(context))).map(Result::unwrap)
}

fn ready_to_write(writer: &mut PipeWriter) -> bool {
    wait(std::future::poll_fn(|context| writer.poll_ready(context))).is_ok()
}

#[test]
fn a_connection_serves_many_requests() {
    let edge = Edge::ready();
    let mut client = edge.connect();
    for target in ["/one", "/two?x"] {
        client.send(&format!("GET {target} HTTP/1.1\r\nHost: localhost:1\r\n\r\n"));
        let (request, reply) = edge.next();
        assert_eq!(request.url, format!("http://localhost:1{target}"));
        assert!(matches!(request.body, Body::Empty));
        reply.send(ok(bytes("hello"))).unwrap();
        assert_eq!(client.head(), ("HTTP/1.1 200 OK".to_owned(), vec!["content-length: 5".to_owned()]));
        assert_eq!(client.body(5), "hello");
        let record = edge.records.recv().unwrap();
        assert_eq!((record.method.as_str(), record.target.as_str(), record.status), ("GET", target, 200));
    }
}

#[test]
fn small_bodies_arrive_whole_and_others_in_pieces() {
    let edge = Edge::ready();
    let mut client = edge.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    let (request, reply) = edge.next();
    assert!(matches!(&request.body, Body::Bytes(bytes) if bytes == "hello"), "{request:?}");
    reply.send(ok(Body::Empty)).unwrap();
    assert_eq!(client.head().1, ["content-length: 0"]);

    client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    let (request, reply) = edge.next();
    let Body::Stream(mut reader, None) = request.body else { panic!("a stream: {:?}", request.body) };
    assert_eq!(read(&mut reader), Some(Bytes::from_static(b"ab")));
    client.send("1\r\nc\r\n0\r\n\r\n");
    assert_eq!(read(&mut reader), Some(Bytes::from_static(b"c")));
    assert_eq!(read(&mut reader), None);
    reply.send(ok(Body::Empty)).unwrap();
    assert_eq!(client.head().0, "HTTP/1.1 200 OK");
}

#[test]
fn a_streamed_response_flows_while_it_is_written() {
    let edge = Edge::ready();
    let mut client = edge.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let (mut writer, reader) = pipe();
    edge.next().1.send(ok(Body::Stream(reader, None))).unwrap();
    assert_eq!(client.head().1, ["transfer-encoding: chunked"]);
    for text in ["ab", "cd"] {
        assert!(ready_to_write(&mut writer));
        writer.write(Bytes::from(text));
        assert_eq!(client.body(7), format!("2\r\n{text}\r\n"));
    }
    writer.end();
    assert_eq!(client.body(5), "0\r\n\r\n");
}

#[test]
fn the_worker_learns_that_the_client_is_gone() {
    let edge = Edge::ready();
    let mut client = edge.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let (mut writer, reader) = pipe();
    edge.next().1.send(ok(Body::Stream(reader, None))).unwrap();
    client.head();
    drop(client);
    // Full pipes make the writer wait until it learns that nobody reads.
    while ready_to_write(&mut writer) {
        writer.write(Bytes::from(vec![0; 64 * 1024]));
    }

    // One that goes before it is answered might only send no more; it is taken for gone.
    let mut client = edge.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let (request, reply) = edge.next();
    drop(client);
    let sender = request.client.expect("every request has one");
    assert!(wait(std::future::poll_fn(|context| sender.poll_gone(context))));
    let (mut writer, reader) = pipe();
    reply.send(ok(Body::Stream(reader, None))).unwrap();
    while ready_to_write(&mut writer) {
        writer.write(Bytes::from(vec![0; 64 * 1024]));
    }
}

#[test]
fn a_client_that_sends_no_more_is_answered() {
    let edge = Edge::ready();
    let mut client = edge.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    client.end();
    let (request, reply) = edge.next();
    let sender = request.client.expect("every request has one");
    assert!(wait(std::future::poll_fn(|context| sender.poll_gone(context))));
    let (mut writer, reader) = pipe();
    reply.send(ok(Body::Stream(reader, None))).unwrap();
    assert_eq!(client.head().1, ["connection: close", "transfer-encoding: chunked"]);
    assert!(ready_to_write(&mut writer));
    writer.write(Bytes::from("ab"));
    writer.end();
    assert_eq!(client.rest(), "2\r\nab\r\n0\r\n\r\n");
}

#[test]
fn heads_have_no_body() {
    let edge = Edge::ready();
    let mut client = edge.connect();
    client.send("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    edge.next().1.send(ok(bytes("hello"))).unwrap();
    let (status, fields) = client.head();
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(fields.contains(&"content-length: 5".to_owned()), "{fields:?}");
    assert_eq!(client.rest(), "");
}

#[test]
fn nonsense_is_answered_with_400() {
    let edge = Edge::ready();
    for (text, status) in [
        ("GARBAGE\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        ("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "HTTP/1.1 400 Bad Request"),
        ("FOO / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 501 Not Implemented"),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 400 Bad Request"),
    ] {
        let mut client = edge.connect();
        client.send(text);
        assert_eq!(client.head().0, status, "{text}");
    }
    let fields: String = (0..200).map(|number| format!("X-{number}: 1\r\n")).collect();
    let mut client = edge.connect();
    client.send(&format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n"));
    assert!(client.head().0.starts_with("HTTP/1.1 431 "));
}

#[test]
fn requests_wait_for_the_first_code_and_see_why_there_is_none() {
    let (edge, world) = Edge::starting();
    let mut client = edge.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    edge.current.swap(Serving::Broken(Arc::new([Diagnostic::error("a/b", "it is broken")])));
    let (status, fields) = client.head();
    assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
    assert!(fields.contains(&"content-type: text/plain;charset=utf-8".to_owned()), "{fields:?}");
    let length = fields.iter().find_map(|field| field.strip_prefix("content-length: ")).unwrap();
    assert!(client.body(length.parse().unwrap()).contains("it is broken"));

    edge.current.swap(world);
    client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let thrown = FetchError::Thrown { headline: "Error: x".to_owned(), stack: "    at y".to_owned() };
    edge.next().1.send(Err(thrown)).unwrap();
    assert_eq!(client.head().0, "HTTP/1.1 500 Internal Server Error");
    assert_eq!(client.body(15), "Error: x\n    at");
}

#[test]
fn the_control_surface_hides_nothing_else() {
    let edge = Edge::ready();
    for (target, host, status) in [
        ("/cdn-cgi/dodev/health", "localhost", "HTTP/1.1 200 OK"),
        ("/cdn-cgi/dodev/nothing", "localhost", "HTTP/1.1 404 Not Found"),
        ("/cdn-cgi/dodev/health", "rebound.example", "HTTP/1.1 403 Forbidden"),
    ] {
        let mut client = edge.connect();
        client.send(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let (got, fields) = client.head();
        assert_eq!(got, status, "{target} {host}");
        assert!(fields.contains(&"content-type: application/json".to_owned()), "{fields:?}");
    }
    let mut client = edge.connect();
    client.send("GET /cdn-cgi/other HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(edge.next().0.url, "http://h/cdn-cgi/other");
}

#[test]
fn stopping_lets_requests_in_flight_finish() {
    let edge = Edge::ready();
    let address = edge.server.address();
    let mut busy = edge.connect();
    let mut idle = edge.connect();
    busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    let (_, reply) = edge.next();
    let server = edge.server;
    let stopping = std::thread::spawn(move || server.stop(Duration::from_secs(10)));
    // Idle connections are closed at once.
    assert_eq!(idle.rest(), "");
    reply.send(ok(bytes("done"))).unwrap();
    assert_eq!(busy.head().0, "HTTP/1.1 200 OK");
    assert_eq!(busy.body(4), "done");
    stopping.join().unwrap();
    assert!(TcpStream::connect(address).is_err());
}
