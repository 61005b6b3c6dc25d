//! A small blocking WebSocket client for tests.
//!
//! A reader thread answers pings and closes at once, as a browser would, so that the test's own thread may
//! be busy elsewhere; everything received waits in a queue. Frames can be split, unmasked bytes written raw
//! and the connection torn, which a well-behaved client library would refuse to do. No extensions, no TLS.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::deadline::Deadline;
use crate::http::{Connection, Request, Response};

/// Any 16 bytes do: the key only proves that the server speaks the protocol.
const KEY: &str = "ZG9kZXYgdGVzdCBjbGllbnQ=";
/// Masking needs no secret against our own server.
const MASK: [u8; 4] = [0x1d, 0x07, 0x5a, 0xe3];

/// Frame types of RFC 6455.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// What the server sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    Closed(Closed),
}

/// How the connection ended; code 1006 when it ended without a close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    pub code: Option<u16>,
    pub reason: String,
}

/// What came of an attempt to connect.
pub enum Handshake {
    /// The server switched protocols; whether its accept key was right, and its headers.
    Open { socket: WebSocket, accept_ok: bool, response: Response },
    /// The server answered like any other request.
    Refused(Response),
}

/// An open (or closed) client socket.
pub struct WebSocket {
    shared: Arc<Shared>,
}

struct Shared {
    stream: TcpStream,
    inbox: Mutex<Inbox>,
    arrived: Condvar,
}

#[derive(Default)]
struct Inbox {
    messages: VecDeque<Message>,
    closed: Option<Closed>,
    close_sent: bool,
}

impl WebSocket {
    /// Asks the server at `port` for a WebSocket, offering `protocols` when there are any.
    pub fn connect(
        port: u16,
        path: &str,
        headers: &[(String, String)],
        protocols: &[String],
        limit: Duration,
    ) -> io::Result<Handshake> {
        let mut request = Request::new("GET", path)
            .header("Upgrade", "websocket")
            .header("Connection", "Upgrade")
            .header("Sec-WebSocket-Key", KEY)
            .header("Sec-WebSocket-Version", "13");
        if !protocols.is_empty() {
            request = request.header("Sec-WebSocket-Protocol", &protocols.join(", "));
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut connection = Connection::open(port)?;
        let response = connection.exchange(&request, limit)?;
        if response.status != 101 {
            return Ok(Handshake::Refused(response));
        }
        let digest = Sha1::digest(format!("{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
        let accept_ok = response.header("sec-websocket-accept").as_deref() == Some(&STANDARD.encode(digest));
        let (stream, early) = connection.into_upgraded();
        stream.set_read_timeout(None)?;
        let shared = Arc::new(Shared { stream, inbox: Mutex::default(), arrived: Condvar::new() });
        let reader = Reader { shared: Arc::clone(&shared), early: early.into() };
        thread::spawn(move || reader.run());
        Ok(Handshake::Open { socket: WebSocket { shared }, accept_ok, response })
    }

    /// Sends one masked frame.
    pub fn send(&self, opcode: Opcode, payload: &[u8], is_final: bool) -> io::Result<()> {
        self.shared.send(opcode, payload, is_final)
    }

    /// Sends bytes as they are.
    pub fn send_raw(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.shared.stream).write_all(bytes)
    }

    /// Starts the closing handshake; `code` `None` sends an empty close frame.
    pub fn close(&self, code: Option<u16>, reason: &str) -> io::Result<()> {
        self.shared.inbox().close_sent = true;
        let mut payload = code.map(u16::to_be_bytes).map(Vec::from).unwrap_or_default();
        payload.extend_from_slice(reason.as_bytes());
        self.shared.send(Opcode::Close, &payload, true)
    }

    /// Ends the connection without a word, as a crashed browser or a pulled cable would.
    pub fn tear(&self) -> io::Result<()> {
        self.shared.stream.shutdown(Shutdown::Both)
    }

    /// The next message, or `None` when none comes by the deadline. After the end it is `Closed` for ever.
    pub fn receive(&self, deadline: Deadline) -> Option<Message> {
        let inbox = self.shared.inbox();
        let (mut inbox, _) = self
            .shared
            .arrived
            .wait_timeout_while(inbox, deadline.left(), |inbox| {
                inbox.messages.is_empty() && inbox.closed.is_none()
            })
            .expect("the reader does not panic");
        let next = inbox.messages.pop_front();
        next.or_else(|| inbox.closed.clone().map(Message::Closed))
    }

    /// Waits until the connection has ended, or `None` at the deadline. Messages stay in the queue.
    pub fn wait_closed(&self, deadline: Deadline) -> Option<Closed> {
        let inbox = self.shared.inbox();
        let (inbox, _) = self
            .shared
            .arrived
            .wait_timeout_while(inbox, deadline.left(), |inbox| inbox.closed.is_none())
            .expect("the reader does not panic");
        inbox.closed.clone()
    }
}

impl Drop for WebSocket {
    fn drop(&mut self) {
        // Ends the reader thread too. Already closed by the server is fine.
        let _ = self.shared.stream.shutdown(Shutdown::Both);
    }
}

impl Shared {
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().expect("no holder panics")
    }

    fn send(&self, opcode: Opcode, payload: &[u8], is_final: bool) -> io::Result<()> {
        let mut frame = vec![opcode as u8 | if is_final { 0x80 } else { 0 }];
        match payload.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            medium @ 126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&(medium as u16).to_be_bytes());
            }
            long => {
                frame.push(0x80 | 127);
                frame.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(&MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        (&self.stream).write_all(&frame)
    }

    fn put(&self, message: Message) {
        self.inbox().messages.push_back(message);
        self.arrived.notify_all();
    }

    fn end(&self, closed: Closed) {
        self.inbox().closed.get_or_insert(closed);
        self.arrived.notify_all();
    }
}

/// The receiving half, on a thread of its own.
struct Reader {
    shared: Arc<Shared>,
    /// Bytes that came together with the handshake.
    early: VecDeque<u8>,
}

impl Reader {
    fn run(mut self) {
        let mut parts = Vec::new();
        let mut kind = Opcode::Text;
        // An error is the end of the connection, reported below like a missing close frame.
        while let Ok((opcode, is_final, payload)) = self.read_frame() {
            match opcode {
                8 => self.closed(&payload),
                9 => drop(self.shared.send(Opcode::Pong, &payload, true)),
                10 => self.shared.put(Message::Pong(payload)),
                0..=2 => {
                    if opcode != 0 {
                        kind = if opcode == 1 { Opcode::Text } else { Opcode::Binary };
                        parts.clear();
                    }
                    parts.extend_from_slice(&payload);
                    if is_final {
                        let whole = std::mem::take(&mut parts);
                        self.shared.put(match kind {
                            Opcode::Text => Message::Text(String::from_utf8_lossy(&whole).into_owned()),
                            _ => Message::Binary(whole),
                        });
                    }
                }
                _ => break,
            }
        }
        self.shared.end(Closed { code: Some(1006), reason: String::new() });
    }

    fn closed(&self, payload: &[u8]) {
        let code = payload.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
        let reason = String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into_owned();
        let answer = !std::mem::replace(&mut self.shared.inbox().close_sent, true);
        if answer {
            // The server may be gone already; its close frame is what counts.
            let _ = self.shared.send(Opcode::Close, payload, true);
        }
        self.shared.end(Closed { code, reason });
    }

    fn read_frame(&mut self) -> io::Result<(u8, bool, Vec<u8>)> {
        let [first, second] = self.read_array()?;
        let size = match second & 0x7f {
            126 => u64::from(u16::from_be_bytes(self.read_array()?)),
            127 => u64::from_be_bytes(self.read_array()?),
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        self.fill(&mut payload)?;
        Ok((first & 0x0f, first & 0x80 != 0, payload))
    }

    fn read_array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, into: &mut [u8]) -> io::Result<()> {
        let early = self.early.len().min(into.len());
        for (slot, byte) in into.iter_mut().zip(self.early.drain(..early)) {
            *slot = byte;
        }
        (&self.shared.stream).read_exact(&mut into[early..])
    }
}

mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    /// Accepts one socket, writes `frames` after the handshake, and returns what the client sent until its end.
    fn serve(frames: &'static [u8]) -> (u16, thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let handle = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("a client");
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|read| read > 2) {}
            let digest = Sha1::digest(format!("{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {}\r\n\r\n",
                STANDARD.encode(digest)
            );
            let mut bytes = head.into_bytes();
            bytes.extend_from_slice(frames);
            stream.get_mut().write_all(&bytes).expect("the client reads");
            let mut sent = Vec::new();
            stream.read_to_end(&mut sent).expect("the client ends in order");
            sent
        });
        (port, handle)
    }

    fn open(port: u16) -> WebSocket {
        match WebSocket::connect(port, "/", &[], &[], LIMIT).expect("a handshake") {
            Handshake::Open { socket, accept_ok: true, .. } => socket,
            Handshake::Open { .. } => panic!("wrong accept key"),
            Handshake::Refused(response) => panic!("refused: {response}"),
        }
    }

    #[test]
    fn joins_fragments_answers_pings_and_echoes_the_close() {
        let (port, server) = serve(b"\x01\x02ab\x89\x01p\x80\x01c\x82\x01\xff\x88\x05\x0f\xa0bye");
        let socket = open(port);
        let next = || socket.receive(Deadline::after(LIMIT));
        assert_eq!(next(), Some(Message::Text("abc".to_owned())));
        assert_eq!(next(), Some(Message::Binary(vec![0xff])));
        let closed = Closed { code: Some(4000), reason: "bye".to_owned() };
        assert_eq!(next(), Some(Message::Closed(closed.clone())));
        assert_eq!(socket.wait_closed(Deadline::after(LIMIT)), Some(closed));
        drop(socket);
        let sent = server.join().expect("no panic");
        assert_eq!(sent[..7], [0x8a, 0x81, MASK[0], MASK[1], MASK[2], MASK[3], b'p' ^ MASK[0]]);
        assert_eq!(sent[7..9], [0x88, 0x85], "the close comes back");
    }

    #[test]
    fn an_end_without_a_close_frame_is_1006_and_silence_is_none() {
        let (port, server) = serve(b"");
        let socket = open(port);
        assert_eq!(socket.receive(Deadline::after(Duration::from_millis(20))), None);
        socket.tear().expect("open until now");
        let closed = socket.wait_closed(Deadline::after(LIMIT)).expect("ended");
        assert_eq!(closed.code, Some(1006));
        assert!(server.join().expect("no panic").is_empty());
    }
}
