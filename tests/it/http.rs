//! A small blocking HTTP/1.1 client for tests.
//!
//! It exists so that tests see exactly the bytes the server wrote (header order, repeated headers, chunks)
//! and so that the test binary needs no HTTP library. Every exchange has a deadline. It follows no redirects,
//! decodes no content encodings and speaks plain HTTP to 127.0.0.1 only.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::deadline::{Deadline, timed_out};

/// How long one exchange may take unless the test says otherwise.
pub const EXCHANGE_LIMIT: Duration = Duration::from_secs(10);

/// A request to send: method, path with query, extra headers in order, and a body.
#[derive(Debug, Clone, Default)]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// A request without a body.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), ..Self::default() }
    }

    /// Adds a header after those already there.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Whether a header of this name (in any case) was added.
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// Sets the body; its length is announced in `content-length`.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The bytes that go over the wire to the server at `port`.
    fn to_bytes(&self, port: u16) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !self.has_header("host") {
            head += &format!("Host: 127.0.0.1:{port}\r\n");
        }
        if !self.has_header("accept-encoding") {
            head += "Accept-Encoding: identity\r\n";
        }
        let sends_length = self.body.is_some() || matches!(self.method.as_str(), "POST" | "PUT" | "PATCH");
        if sends_length && !self.has_header("content-length") && !self.has_header("transfer-encoding") {
            head += &format!("Content-Length: {}\r\n", self.body.as_ref().map_or(0, Vec::len));
        }
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += "\r\n";
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }
}

/// An answer, as received: header names in lower case, in order, repetitions kept.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The header's value; values of a repeated header are joined by line feeds.
    pub fn header(&self, name: &str) -> Option<String> {
        let values: Vec<&str> =
            self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect();
        (!values.is_empty()).then(|| values.join("\n"))
    }

    /// The body as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.text())
    }
}

/// A connection that stays open between exchanges.
pub struct Connection {
    port: u16,
    stream: BufReader<TimedStream>,
}

impl Connection {
    /// Connects to 127.0.0.1:`port`.
    pub fn open(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            port,
            stream: BufReader::new(TimedStream { stream, deadline: Deadline::after(EXCHANGE_LIMIT) }),
        })
    }

    /// Sends `request` and reads the whole answer, both within `limit`.
    pub fn exchange(&mut self, request: &Request, limit: Duration) -> io::Result<Response> {
        self.limit(limit);
        let bytes = request.to_bytes(self.port);
        self.write(&bytes)?;
        self.read_response(request.method == "HEAD")
    }

    /// Gives everything that follows `limit` from now.
    pub fn limit(&mut self, limit: Duration) {
        self.stream.get_mut().deadline = Deadline::after(limit);
    }

    /// Writes bytes as they are, for tests of malformed or pipelined requests.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let timed = self.stream.get_mut();
        let left = timed.deadline.left_or_error()?;
        timed.stream.set_write_timeout(Some(left))?;
        timed.stream.write_all(bytes)
    }

    /// Reads one answer; `head_only` for answers to HEAD, which announce a body and send none.
    pub fn read_response(&mut self, head_only: bool) -> io::Result<Response> {
        loop {
            let (status, headers) = self.read_head()?;
            if status == 100 {
                continue;
            }
            let bodiless = head_only || status == 101 || status == 204 || status == 304;
            let mut response = Response { status, headers, body: Vec::new() };
            if !bodiless {
                response.body = self.read_body(&response)?;
            }
            return Ok(response);
        }
    }

    /// Takes the connection apart after an upgrade: the stream, and bytes that were read too far.
    pub fn into_upgraded(self) -> (TcpStream, Vec<u8>) {
        let rest = self.stream.buffer().to_vec();
        (self.stream.into_inner().stream, rest)
    }

    fn read_head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let status_line = self.read_line()?;
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| broken(&format!("no status in `{status_line}`")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.read_line()?;
            if line.is_empty() {
                return Ok((status, headers));
            }
            let (name, value) =
                line.split_once(':').ok_or_else(|| broken(&format!("no colon in header `{line}`")))?;
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    fn read_body(&mut self, response: &Response) -> io::Result<Vec<u8>> {
        let chunked = response.header("transfer-encoding").is_some_and(|value| value.contains("chunked"));
        let mut body = Vec::new();
        if chunked {
            loop {
                let line = self.read_line()?;
                let digits = line.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(digits, 16)
                    .map_err(|_| broken(&format!("chunk size `{line}` is no number")))?;
                if size == 0 {
                    while !self.read_line()?.is_empty() {}
                    return Ok(body);
                }
                self.read_exactly(size, &mut body)?;
                self.read_line()?;
            }
        }
        match response.header("content-length") {
            Some(length) => {
                let length = length.parse().map_err(|_| broken(&format!("content-length `{length}`")))?;
                self.read_exactly(length, &mut body)?;
            }
            None => {
                self.stream.read_to_end(&mut body)?;
            }
        }
        Ok(body)
    }

    fn read_exactly(&mut self, size: u64, into: &mut Vec<u8>) -> io::Result<()> {
        let read = (&mut self.stream).take(size).read_to_end(into)?;
        if read as u64 == size { Ok(()) } else { Err(ended()) }
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Err(ended());
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        // Header bytes are Latin-1 on the wire.
        Ok(line.into_iter().map(char::from).collect())
    }
}

/// One exchange on a connection of its own.
pub fn exchange(port: u16, request: &Request, limit: Duration) -> io::Result<Response> {
    Connection::open(port)?.exchange(request, limit)
}

/// GET `path` on a connection of its own, within [`EXCHANGE_LIMIT`].
pub fn get(port: u16, path: &str) -> io::Result<Response> {
    exchange(port, &Request::new("GET", path), EXCHANGE_LIMIT)
}

/// Asks the control API of the server at `port` for `path`, below its own: status and JSON of the answer.
pub fn control(port: u16, method: &str, path: &str, body: &Value) -> io::Result<(u16, Value)> {
    let mut request = Request::new(method, &format!("/cdn-cgi/dodev/{path}"));
    if method != "GET" {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let answer = exchange(port, &request, EXCHANGE_LIMIT)?;
    Ok((answer.status, serde_json::from_slice(&answer.body)?))
}

/// A stream whose reads end, together, at one deadline.
struct TimedStream {
    stream: TcpStream,
    deadline: Deadline,
}

impl Read for TimedStream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left_or_error()?))?;
        self.stream.read(into).map_err(|error| match error.kind() {
            // What a socket's timeout is called on Unix.
            io::ErrorKind::WouldBlock => timed_out(),
            _ => error,
        })
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the server ended the connection")
}

mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// A server that reads one request head per answer and writes the given bytes.
    fn serve(answers: &'static [&'static str]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let mut stream = BufReader::new(stream);
            for answer in answers {
                let mut line = String::new();
                while stream.read_line(&mut line).is_ok_and(|read| read > 2) {}
                stream.get_mut().write_all(answer.as_bytes()).expect("the client reads");
            }
        });
        port
    }

    #[test]
    fn keeps_the_connection_and_reads_lengths_and_chunks() {
        let port = serve(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-A: 1\r\nx-a: 2\r\n\r\none",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n\
             2;note=x\r\ntw\r\n1\r\no\r\n0\r\nTrailer: t\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\n\r\nuntil the end",
        ]);
        let mut connection = Connection::open(port).expect("it listens");
        let first = connection.exchange(&Request::new("GET", "/"), EXCHANGE_LIMIT).expect("answered");
        assert_eq!((first.status, first.text().as_str()), (200, "one"));
        assert_eq!(first.header("x-a").as_deref(), Some("1\n2"));
        let second = connection.exchange(&Request::new("GET", "/"), EXCHANGE_LIMIT).expect("answered");
        assert_eq!(second.to_string(), "201 two");
        let third = connection.exchange(&Request::new("GET", "/"), EXCHANGE_LIMIT).expect("answered");
        assert_eq!(third.to_string(), "404 until the end");
    }

    #[test]
    fn a_cut_answer_and_a_silent_server_are_errors() {
        let port = serve(&["HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\nshort"]);
        assert_eq!(get(port, "/").expect_err("cut").kind(), io::ErrorKind::UnexpectedEof);

        let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = silent.local_addr().expect("bound").port();
        let error = exchange(port, &Request::new("GET", "/"), Duration::from_millis(30)).expect_err("silent");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
    }

    #[test]
    fn announces_the_length_of_a_body() {
        let posted = Request::new("POST", "/p").header("X-B", "c").body("hi").to_bytes(80);
        let text = String::from_utf8(posted).expect("ascii");
        assert_eq!(
            text,
            "POST /p HTTP/1.1\r\nHost: 127.0.0.1:80\r\nAccept-Encoding: identity\r\nContent-Length: 2\r\nX-B: c\r\n\r\nhi"
        );
    }
}
