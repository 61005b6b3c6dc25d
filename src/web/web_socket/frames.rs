//! Frames of RFC 6455, from the other side's bytes to messages and from messages to bytes.
//!
//! Pure: bytes go in as they come, whole messages come out. Fragments are joined, masks removed, text is
//! checked to be UTF-8, and control frames to be short and whole.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::base::limits;
use crate::engine::socket::{Close, Frame, NO_CODE};

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// Most bytes of a control frame's payload.
const CONTROL_BYTES: usize = 125;

/// Which side of a connection we are: clients mask what they send, servers do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Somebody connected to us.
    Server,
    /// We connected.
    Client,
}

/// What the other side sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A whole message.
    Message(Frame),
    /// It wants a pong with this payload.
    Ping(Bytes),
}

/// The client broke the protocol: the close message to end with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The close code.
    pub code: u16,
    /// What it did, in words.
    pub reason: String,
}

fn violation(code: u16, reason: impl Into<String>) -> Violation {
    Violation { code, reason: reason.into() }
}

fn protocol(reason: impl Into<String>) -> Violation {
    violation(1002, reason)
}

fn not_utf8() -> Violation {
    violation(1007, "Text message is not valid UTF-8")
}

/// Joins a client's bytes to messages.
#[derive(Debug)]
pub struct Decoder {
    /// What was read and not yet taken.
    pub buffer: BytesMut,
    role: Role,
    message_max: usize,
    /// Kind and payload of a message whose last fragment did not come yet.
    partial: Option<(u8, BytesMut)>,
    closed: bool,
}

struct Header {
    fin: bool,
    opcode: u8,
    mask: [u8; 4],
    start: usize,
    length: usize,
}

impl Decoder {
    /// For the side `role`, and messages of at most `message_max` bytes.
    pub fn new(role: Role, message_max: usize) -> Self {
        Self { buffer: BytesMut::new(), role, message_max, partial: None, closed: false }
    }

    /// The next message, if all of it is there; nothing comes after a close message.
    ///
    /// # Errors
    /// When the client broke the protocol.
    pub fn next(&mut self) -> Result<Option<Incoming>, Violation> {
        loop {
            if self.closed {
                self.buffer.clear();
                return Ok(None);
            }
            let Some(header) = self.header()? else { return Ok(None) };
            if self.buffer.len() < header.start + header.length {
                return Ok(None);
            }
            self.buffer.advance(header.start);
            let mut payload = self.buffer.split_to(header.length);
            apply_mask(&mut payload, header.mask);
            match header.opcode {
                PING => return Ok(Some(Incoming::Ping(payload.freeze()))),
                PONG => {}
                CLOSE => {
                    self.closed = true;
                    return close_of(&payload).map(|close| Some(Incoming::Message(Frame::Close(close))));
                }
                opcode => {
                    if let Some(message) = self.join(opcode, header.fin, payload)? {
                        return Ok(Some(Incoming::Message(message)));
                    }
                }
            }
        }
    }

    fn header(&self) -> Result<Option<Header>, Violation> {
        let &[first, second, ref rest @ ..] = &self.buffer[..] else { return Ok(None) };
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        if first & 0x70 != 0 {
            return Err(protocol("Frame uses an extension that was not negotiated"));
        }
        let is_masked = second & 0x80 != 0;
        match self.role {
            Role::Server if !is_masked => return Err(protocol("Client frame is not masked")),
            Role::Client if is_masked => return Err(protocol("Server frame is masked")),
            Role::Server | Role::Client => {}
        }
        let extended = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let Some(extra) = rest.get(..extended) else { return Ok(None) };
        let length = match extended {
            0 => u64::from(second & 0x7f),
            _ => extra.iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        };
        if opcode >= CLOSE && (!fin || length > CONTROL_BYTES as u64) {
            return Err(protocol("Control frame is fragmented or too long"));
        }
        if !matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG) {
            return Err(protocol(format!("Unknown opcode {opcode}")));
        }
        let before = self.partial.as_ref().map_or(0, |(_, payload)| payload.len());
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let whole = length.saturating_add(before);
        if whole > self.message_max {
            return Err(violation(1009, format!("Message is too large: {whole} > {}", self.message_max)));
        }
        if !is_masked {
            return Ok(Some(Header { fin, opcode, mask: [0; 4], start: 2 + extended, length }));
        }
        let Some(mask) = rest.get(extended..extended + 4) else { return Ok(None) };
        let mask = mask.try_into().expect("four bytes");
        Ok(Some(Header { fin, opcode, mask, start: 2 + extended + 4, length }))
    }

    fn join(&mut self, opcode: u8, fin: bool, payload: BytesMut) -> Result<Option<Frame>, Violation> {
        let (kind, payload) = match (self.partial.take(), opcode) {
            (None, CONTINUATION) => return Err(protocol("Continuation of no message")),
            (None, kind) => (kind, payload),
            (Some((kind, mut whole)), CONTINUATION) => {
                whole.unsplit(payload);
                (kind, whole)
            }
            (Some(_), _) => return Err(protocol("New message before the last fragment")),
        };
        if !fin {
            self.partial = Some((kind, payload));
            return Ok(None);
        }
        if kind == BINARY {
            return Ok(Some(Frame::Binary(payload.freeze())));
        }
        let text = String::from_utf8(payload.into()).map_err(|_| not_utf8())?;
        Ok(Some(Frame::Text(text)))
    }
}

fn close_of(payload: &[u8]) -> Result<Close, Violation> {
    let (code, reason) = match payload {
        [] => return Ok(Close { code: NO_CODE, reason: String::new() }),
        [_] => return Err(protocol("Close frame is too short")),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
    };
    if !(1000..5000).contains(&code) || matches!(code, 1004..=1006 | 1015) {
        return Err(protocol("Close frame has a reserved code"));
    }
    let reason = std::str::from_utf8(reason).map_err(|_| not_utf8())?;
    Ok(Close { code, reason: reason.to_owned() })
}

/// Removes or adds a mask, eight bytes at a time.
fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    if mask == [0; 4] {
        return;
    }
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    for (byte, mask) in rest.iter_mut().skip(4).zip(mask) {
        *byte ^= mask;
    }
}

/// Appends a message of the side `role` to what is to be written.
pub fn encode(role: Role, frame: &Frame, out: &mut BytesMut) {
    match frame {
        Frame::Text(text) => append(role, TEXT, text.as_bytes(), out),
        Frame::Binary(bytes) => append(role, BINARY, bytes, out),
        Frame::Close(close) if close.code == NO_CODE => append(role, CLOSE, &[], out),
        Frame::Close(close) => {
            // Older compatibility dates accept longer reasons than a frame can carry.
            let end = close.reason.floor_char_boundary(limits::SOCKET_REASON_BYTES);
            let mut payload = Vec::with_capacity(2 + end);
            payload.extend(close.code.to_be_bytes());
            payload.extend(&close.reason.as_bytes()[..end]);
            append(role, CLOSE, &payload, out);
        }
    }
}

/// Appends the answer to a ping.
pub fn encode_pong(role: Role, payload: &[u8], out: &mut BytesMut) {
    append(role, PONG, payload, out);
}

#[expect(clippy::cast_possible_truncation, reason = "each length was compared with its width")]
fn append(role: Role, opcode: u8, payload: &[u8], out: &mut BytesMut) {
    out.reserve(14 + payload.len());
    out.put_u8(0x80 | opcode);
    let masked = if role == Role::Client { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..=125 => out.put_u8(masked | length as u8),
        length @ 126..=0xffff => {
            out.put_u8(masked | 126);
            out.put_u16(length as u16);
        }
        length => {
            out.put_u8(masked | 127);
            out.put_u64(length as u64);
        }
    }
    if role == Role::Server {
        return out.put_slice(payload);
    }
    // The mask protects proxies from programs that choose their bytes. Without chance it is a fixed one.
    let mask = getrandom::u32().unwrap_or(0x5a5a_5a5a).to_ne_bytes();
    out.put_slice(&mask);
    let start = out.len();
    out.put_slice(payload);
    apply_mask(&mut out[start..], mask);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut frame = BytesMut::new();
        append(Role::Server, first & 0x0f, payload, &mut frame);
        let header = frame.len() - payload.len();
        let mut bytes = frame[..header].to_vec();
        bytes[0] = first;
        bytes[1] |= 0x80;
        bytes.extend(mask);
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Vec<Incoming>, Violation> {
        let mut decoder = Decoder::new(Role::Server, 1_000);
        decoder.buffer.extend_from_slice(bytes);
        std::iter::from_fn(|| decoder.next().transpose()).collect()
    }

    fn text(text: &str) -> Incoming {
        Incoming::Message(Frame::Text(text.to_owned()))
    }

    #[test]
    fn fragments_are_joined_around_control_frames() {
        let bytes =
            [masked(0x01, b"ec"), masked(0x89, b"k"), masked(0x00, b"ho "), masked(0x80, b"x")].concat();
        assert_eq!(decode(&bytes), Ok(vec![Incoming::Ping(Bytes::from_static(b"k")), text("echo x")]));
    }

    #[test]
    fn a_character_may_be_split_between_fragments() {
        let turtle = "🐢".as_bytes();
        let bytes = [masked(0x01, &turtle[..2]), masked(0x80, &turtle[2..])].concat();
        assert_eq!(decode(&bytes), Ok(vec![text("🐢")]));
    }

    #[test]
    fn close_messages_have_a_code_or_none() {
        let close = |code, reason: &str| {
            Ok(vec![Incoming::Message(Frame::Close(Close { code, reason: reason.to_owned() }))])
        };
        assert_eq!(decode(&masked(0x88, b"")), close(NO_CODE, ""));
        assert_eq!(decode(&masked(0x88, b"\x11\x94because")), close(4500, "because"));
        let bytes = [masked(0x88, b"\x03\xe8"), masked(0x81, b"late")].concat();
        assert_eq!(decode(&bytes), close(1000, ""), "nothing comes after it");
    }

    #[test]
    fn violations_name_their_close_code() {
        for (bytes, code) in [
            (vec![0x81, 0x01, b'x'], 1002),
            (masked(0xc1, b"x"), 1002),
            (masked(0x83, b"x"), 1002),
            (masked(0x09, b"x"), 1002),
            (masked(0x89, &[0; 126]), 1002),
            (masked(0x80, b"x"), 1002),
            ([masked(0x01, b"x"), masked(0x81, b"y")].concat(), 1002),
            (masked(0x88, b"x"), 1002),
            (masked(0x88, &1006u16.to_be_bytes()), 1002),
            (masked(0x81, b"\xff"), 1007),
            (masked(0x82, &[0; 1_001]), 1009),
            ([masked(0x02, &[0; 600]), masked(0x80, &[0; 600])].concat(), 1009),
        ] {
            assert_eq!(decode(&bytes).map_err(|violation| violation.code), Err(code), "{bytes:?}");
        }
    }

    #[test]
    fn a_reason_that_is_too_long_is_cut_between_characters() {
        let mut out = BytesMut::new();
        encode(Role::Server, &Frame::Close(Close { code: 4000, reason: "ż".repeat(100) }), &mut out);
        assert_eq!(&out[..4], [0x88, 124, 0x0f, 0xa0]);
        assert!(std::str::from_utf8(&out[4..]).is_ok());
    }

    #[test]
    fn what_one_side_writes_the_other_side_reads() {
        for (writer, reader) in [(Role::Server, Role::Client), (Role::Client, Role::Server)] {
            for length in [0, 1, 7, 8, 13, 125, 126, 70_000] {
                let frame = Frame::Binary((0..length).map(|n| n as u8).collect::<Vec<_>>().into());
                let mut decoder = Decoder::new(reader, 70_000);
                encode(writer, &frame, &mut decoder.buffer);
                assert_eq!(decoder.next(), Ok(Some(Incoming::Message(frame))), "{writer:?} {length}");
            }
            let mut own = Decoder::new(writer, 1_000);
            encode(writer, &Frame::Text("x".to_owned()), &mut own.buffer);
            assert_eq!(own.next().map_err(|violation| violation.code), Err(1002));
        }
    }

    proptest! {
        /// Whatever the sizes and however the bytes are cut: the same messages come out.
        #[test]
        fn messages_survive_any_cut(sizes in prop::collection::vec(0usize..70_000, 1..4), cut in 1usize..5_000) {
            let messages: Vec<Frame> = sizes.iter().map(|n| Frame::Binary(Bytes::from(vec![7; *n]))).collect();
            let bytes: Vec<u8> = messages
                .iter()
                .flat_map(|frame| match frame {
                    Frame::Binary(bytes) => masked(0x82, bytes),
                    Frame::Text(_) | Frame::Close(_) => Vec::new(),
                })
                .collect();
            let mut decoder = Decoder::new(Role::Server, 70_000);
            let mut got = Vec::new();
            for piece in bytes.chunks(cut) {
                decoder.buffer.extend_from_slice(piece);
                while let Some(incoming) = decoder.next().expect("well formed") {
                    got.push(incoming);
                }
            }
            prop_assert_eq!(got, messages.into_iter().map(Incoming::Message).collect::<Vec<_>>());
        }
    }
}
