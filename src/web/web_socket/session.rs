//! Serves one WebSocket: moves messages between the connection and its link until either side ends it.
//!
//! Reading stops while the isolate does not keep up, writing never stops reading. Pings and automatic
//! responses are answered here, without the isolate.

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::extension::Parameters;
use super::frames::{Decoder, Encoder, Incoming, Role, Violation};
use crate::base::clock::Clock;
use crate::base::limits;
use crate::engine::socket::{Arrival, Close, Fate, Frame, LinkEdge};

/// Bytes to write that are collected before the next message is taken from the link.
const WRITE_BYTES: usize = 64 * 1024;
/// Room made for each read, bytes.
const READ_BYTES: usize = 8 * 1024;

/// What is known about one connection.
struct Session {
    role: Role,
    link: LinkEdge,
    clock: Clock,
    decoder: Decoder,
    encoder: Encoder,
    out: BytesMut,
    closed_in: bool,
    closed_out: bool,
    /// Nothing more is read: the other side ended its side, or broke the protocol.
    deaf: bool,
}

/// Serves the side `role` of the connection `io`, with messages compressed as `agreed`, until it ends; the link
/// learns how.
pub async fn serve(
    io: impl AsyncRead + AsyncWrite,
    link: LinkEdge,
    clock: Clock,
    role: Role,
    agreed: Option<Parameters>,
) {
    let (mut reader, mut writer) = tokio::io::split(io);
    let decoder = Decoder::new(role, link.options().message_max, agreed);
    let (encoder, out) = (Encoder::new(role, agreed), BytesMut::new());
    let mut session = Session {
        role,
        link,
        clock,
        decoder,
        encoder,
        out,
        closed_in: false,
        closed_out: false,
        deaf: false,
    };
    loop {
        session.hear();
        if session.speak() {
            break;
        }
        let reads = !session.deaf && (session.closed_in || session.link.has_room());
        session.decoder.buffer.reserve(READ_BYTES);
        tokio::select! {
            read = reader.read_buf(&mut session.decoder.buffer), if reads => match read {
                Ok(0) => session.deaf = true,
                Ok(_) => {}
                Err(_) => return,
            },
            written = writer.write_buf(&mut session.out), if !session.out.is_empty() => {
                if written.is_err() {
                    return;
                }
            }
            () = session.link.changed() => {}
        }
    }
    // The client sees the end of the stream either way.
    drop(writer.shutdown().await);
    drop(session);
    drop(tokio::time::timeout(limits::SOCKET_LINGER, read_out(reader)).await);
}

/// Reads what the client still sends: a connection that is closed with bytes unread, or that gets more, is torn by the
/// system, and the client may lose the close message that it was sent.
async fn read_out(mut reader: impl AsyncRead + Unpin) {
    let mut bytes = vec![0; WRITE_BYTES];
    while matches!(reader.read(&mut bytes).await, Ok(1..)) {}
}

impl Session {
    /// Hands what was read to the isolate, as far as it keeps up.
    fn hear(&mut self) {
        while self.closed_in || self.link.has_room() {
            match self.decoder.next() {
                Ok(Some(Incoming::Ping(payload))) if !self.closed_out => {
                    self.encoder.pong(&payload, &mut self.out);
                }
                Ok(Some(Incoming::Ping(_))) => {}
                Ok(Some(Incoming::Message(frame))) => self.take(frame),
                Ok(None) => return,
                Err(violation) => return self.fail(violation),
            }
        }
    }

    fn take(&mut self, frame: Frame) {
        self.closed_in |= matches!(frame, Frame::Close(_));
        if let Frame::Text(text) = &frame
            && let Some(response) = self.link.auto_response(text, self.clock.now())
        {
            if !self.closed_out {
                self.encoder.message(&Frame::Text(response), &mut self.out);
            }
            return;
        }
        self.link.arrive(Arrival::Frame(frame));
    }

    fn fail(&mut self, violation: Violation) {
        let Violation { code, reason } = violation;
        // Fidelity: the text that workerd gives handlers and listeners.
        self.link.arrive(Arrival::Failed(format!(
            "WebSocket protocol error; protocolError.statusCode = {code}; protocolError.description = {reason}"
        )));
        if !self.closed_out {
            let close = Close { code, reason };
            self.encoder.message(&Frame::Close(close), &mut self.out);
            self.closed_out = true;
        }
        self.closed_in = true;
        self.deaf = true;
        self.decoder = Decoder::new(self.role, 0, None);
    }

    /// Takes what the isolate sent, as far as there is room; says whether the connection is over.
    fn speak(&mut self) -> bool {
        while self.out.len() < WRITE_BYTES && !self.closed_out {
            let Some(frame) = self.link.next() else { break };
            self.closed_out = matches!(frame, Frame::Close(_));
            self.encoder.message(&frame, &mut self.out);
        }
        let written = self.out.is_empty();
        let heard = !self.closed_in && self.deaf && self.link.has_room();
        match self.link.fate() {
            Fate::Tear => true,
            Fate::Flush => written,
            Fate::Open => heard || (written && self.closed_in && (self.closed_out || self.deaf)),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;

    use super::*;
    use crate::engine::socket::{Link, LinkOptions, NO_CODE, link};

    fn text(text: &str) -> Frame {
        Frame::Text(text.to_owned())
    }

    /// A client's frame: masked with zeros, which changes nothing.
    fn client(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).expect("short");
        let mut bytes = vec![0x80 | opcode, 0x80 | length, 0, 0, 0, 0];
        bytes.extend(payload);
        bytes
    }

    fn start() -> (DuplexStream, Link, tokio::task::JoinHandle<()>) {
        let (near, far) = tokio::io::duplex(1024);
        let (link, edge) = link(LinkOptions { message_max: 1_000, compresses: false });
        let task = tokio::spawn(serve(far, edge, Clock::system(), Role::Server, None));
        (near, link, task)
    }

    async fn arrival(link: &Link) -> Arrival {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        link.listen(std::sync::Arc::new(move || {
            let _ = sender.send(());
        }));
        receiver.recv().await.expect("the link listens");
        link.unlisten();
        link.take().expect("it was woken for something")
    }

    #[tokio::test]
    async fn a_close_from_the_client_is_over_when_the_isolate_replied() {
        let (mut near, link, task) = start();
        near.write_all(&client(1, b"hi")).await.expect("served");
        assert_eq!(arrival(&link).await, Arrival::Frame(text("hi")));
        near.write_all(&client(8, b"")).await.expect("served");
        let close = Close { code: NO_CODE, reason: String::new() };
        assert_eq!(arrival(&link).await, Arrival::Frame(Frame::Close(close.clone())));
        link.send(text("one more thing")).expect("there is room");
        link.send(Frame::Close(close)).expect("there is room");
        let mut got = Vec::new();
        near.read_to_end(&mut got).await.expect("the session ends the stream");
        assert_eq!(got, [&[0x81, 14][..], b"one more thing", &[0x88, 0]].concat());
        task.await.expect("no panic");
    }

    #[tokio::test]
    async fn pings_are_answered_without_the_isolate() {
        let (mut near, link, _task) = start();
        near.write_all(&client(9, b"k")).await.expect("served");
        let mut pong = [0; 3];
        near.read_exact(&mut pong).await.expect("an answer");
        assert_eq!(pong, [0x8a, 1, b'k']);
        assert!(!link.has_arrived());
    }

    #[tokio::test]
    async fn a_client_that_vanishes_is_lost_and_a_dropped_link_tears_the_connection() {
        let (near, link, _task) = start();
        drop(near);
        assert_eq!(arrival(&link).await, Arrival::Lost);
        let (mut near, link, _task) = start();
        drop(link);
        let mut got = Vec::new();
        near.read_to_end(&mut got).await.expect("the session ends the stream");
        assert!(got.is_empty(), "there is no close frame");
    }

    #[tokio::test]
    async fn what_was_sent_before_the_link_was_dropped_leaves_and_what_comes_after_the_end_is_read() {
        let (mut near, link, task) = start();
        link.send(text("last words")).expect("there is room");
        drop(link);
        let mut got = Vec::new();
        near.read_to_end(&mut got).await.expect("the session ends the stream");
        assert_eq!(got, [&[0x81, 10][..], b"last words"].concat());
        near.write_all(&[0; 100_000]).await.expect("somebody reads");
        drop(near);
        task.await.expect("no panic");
    }

    #[tokio::test]
    async fn a_violation_ends_with_its_code() {
        let (mut near, link, _task) = start();
        near.write_all(&[0x81, 0x01, b'x']).await.expect("served");
        assert!(matches!(arrival(&link).await, Arrival::Failed(_)));
        let mut head = [0; 4];
        near.read_exact(&mut head).await.expect("a close frame");
        assert_eq!((head[0], u16::from_be_bytes([head[2], head[3]])), (0x88, 1002));
    }
}
