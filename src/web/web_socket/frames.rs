//! Frames of RFC 6455, from the other side's bytes to messages and from messages to bytes.
//!
//! Pure: bytes go in as they come, whole messages come out. Fragments are joined, masks removed, messages are
//! unpacked, and control frames are checked to be short and whole.
//!
//! Fidelity: observed with wrangler 4.164.0: texts of violations, and what is let pass. Bytes that are not UTF-8 are
//! replaced, and a close message may have any code. Deviation: masks and long control frames are checked here.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::deflate::{Deflater, InflateError, Inflater};
use super::extension::Parameters;
use crate::base::limits;
use crate::engine::socket::{Close, Frame, NO_CODE};

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// In a frame's first byte: the message is compressed.
const COMPRESSED: u8 = 0x40;

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

/// The payload as text; what is not UTF-8 is replaced.
fn text_of(payload: Vec<u8>) -> String {
    String::from_utf8(payload).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Joins a client's bytes to messages.
#[derive(Debug)]
pub struct Decoder {
    /// What was read and not yet taken.
    pub buffer: BytesMut,
    role: Role,
    message_max: usize,
    inflater: Option<Inflater>,
    /// A message whose last fragment did not come yet.
    partial: Option<Partial>,
    closed: bool,
}

#[derive(Debug)]
struct Partial {
    opcode: u8,
    compressed: bool,
    payload: BytesMut,
}

struct Header {
    fin: bool,
    compressed: bool,
    opcode: u8,
    mask: [u8; 4],
    start: usize,
    length: usize,
}

impl Decoder {
    /// For the side `role`, and messages of at most `message_max` bytes, compressed as `agreed`.
    pub fn new(role: Role, message_max: usize, agreed: Option<Parameters>) -> Self {
        let inflater = agreed.map(|agreed| Inflater::new(role, agreed));
        Self { buffer: BytesMut::new(), role, message_max, inflater, partial: None, closed: false }
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
                    return Ok(Some(Incoming::Message(Frame::Close(close_of(&payload)))));
                }
                opcode => {
                    let part = Partial { opcode, compressed: header.compressed, payload };
                    if let Some(message) = self.join(part, header.fin)? {
                        return Ok(Some(Incoming::Message(message)));
                    }
                }
            }
        }
    }

    fn header(&self) -> Result<Option<Header>, Violation> {
        let &[first, second, ref rest @ ..] = &self.buffer[..] else { return Ok(None) };
        let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
        if first & 0x30 != 0 {
            return Err(protocol("Received frame had RSV bits 2 or 3 set"));
        }
        let compressed = first & COMPRESSED != 0 && opcode < CLOSE;
        if compressed && self.inflater.is_none() {
            return Err(protocol(
                "Received a WebSocket frame whose compression bit was set, but the compression extension was not \
                 negotiated for this connection.",
            ));
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
        if !matches!(opcode, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG) {
            return Err(protocol(format!("Unknown opcode {opcode}")));
        }
        if opcode >= CLOSE && !fin {
            return Err(protocol("Received fragmented control frame"));
        }
        if opcode >= CLOSE && length > CONTROL_BYTES as u64 {
            return Err(protocol("Control frame is too long"));
        }
        let before = self.partial.as_ref().map_or(0, |part| part.payload.len());
        let room = self.message_max.saturating_sub(before);
        let length = match usize::try_from(length) {
            Ok(length) if length <= room || opcode >= CLOSE => length,
            _ => return Err(violation(1009, format!("Message is too large: {length} > {room}"))),
        };
        if !is_masked {
            return Ok(Some(Header { fin, compressed, opcode, mask: [0; 4], start: 2 + extended, length }));
        }
        let Some(mask) = rest.get(extended..extended + 4) else { return Ok(None) };
        let mask = mask.try_into().expect("four bytes");
        Ok(Some(Header { fin, compressed, opcode, mask, start: 2 + extended + 4, length }))
    }

    fn join(&mut self, part: Partial, fin: bool) -> Result<Option<Frame>, Violation> {
        let whole = match (self.partial.take(), part.opcode) {
            (None, CONTINUATION) => return Err(protocol("Unexpected continuation frame")),
            (None, _) => part,
            (Some(mut whole), CONTINUATION) => {
                whole.payload.unsplit(part.payload);
                whole.compressed |= part.compressed;
                whole
            }
            (Some(_), _) => return Err(protocol("Missing continuation frame")),
        };
        if !fin {
            self.partial = Some(whole);
            return Ok(None);
        }
        let Partial { opcode, compressed, payload } = whole;
        let inflater = self.inflater.as_mut().filter(|_| compressed);
        if let Some(inflater) = inflater {
            let message = inflater.inflate(&payload, self.message_max).map_err(|error| match error {
                InflateError::TooLarge => violation(1009, "Message is too large"),
                InflateError::Invalid => protocol("Invalid compressed data"),
            })?;
            return Ok(Some(match opcode {
                BINARY => Frame::Binary(message.into()),
                _ => Frame::Text(text_of(message)),
            }));
        }
        Ok(Some(match opcode {
            BINARY => Frame::Binary(payload.freeze()),
            _ => Frame::Text(text_of(payload.into())),
        }))
    }
}

fn close_of(payload: &[u8]) -> Close {
    match payload {
        [] | [_] => Close { code: NO_CODE, reason: String::new() },
        [high, low, reason @ ..] => {
            Close { code: u16::from_be_bytes([*high, *low]), reason: text_of(reason.to_vec()) }
        }
    }
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

/// Turns the messages of one side into frames.
#[derive(Debug)]
pub struct Encoder {
    role: Role,
    deflater: Option<Deflater>,
}

impl Encoder {
    /// For the side `role`, compressing as `agreed`.
    pub fn new(role: Role, agreed: Option<Parameters>) -> Self {
        Self { role, deflater: agreed.map(|agreed| Deflater::new(role, agreed)) }
    }

    /// Appends a message to what is to be written.
    pub fn message(&mut self, frame: &Frame, out: &mut BytesMut) {
        match frame {
            Frame::Text(text) => self.data(TEXT, text.as_bytes(), out),
            Frame::Binary(bytes) => self.data(BINARY, bytes, out),
            Frame::Close(close) if close.code == NO_CODE => append(self.role, CLOSE, &[], out),
            Frame::Close(close) => {
                // Older compatibility dates accept longer reasons than a frame can carry.
                let end = close.reason.floor_char_boundary(limits::SOCKET_REASON_BYTES);
                let mut payload = Vec::with_capacity(2 + end);
                payload.extend(close.code.to_be_bytes());
                payload.extend(&close.reason.as_bytes()[..end]);
                append(self.role, CLOSE, &payload, out);
            }
        }
    }

    fn data(&mut self, opcode: u8, payload: &[u8], out: &mut BytesMut) {
        match &mut self.deflater {
            Some(deflater) => append(self.role, COMPRESSED | opcode, &deflater.deflate(payload), out),
            None => append(self.role, opcode, payload, out),
        }
    }

    /// Appends the answer to a ping.
    pub fn pong(&self, payload: &[u8], out: &mut BytesMut) {
        append(self.role, PONG, payload, out);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "each length was compared with its width")]
fn append(role: Role, first: u8, payload: &[u8], out: &mut BytesMut) {
    out.reserve(14 + payload.len());
    out.put_u8(0x80 | first);
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
        let mut decoder = Decoder::new(Role::Server, 1_000, None);
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
    fn what_is_not_utf8_is_replaced() {
        assert_eq!(decode(&masked(0x81, b"a\xffb")), Ok(vec![text("a\u{fffd}b")]));
    }

    #[test]
    fn compressed_messages_may_be_fragmented_and_mixed_with_others() {
        let mut decoder = Decoder::new(Role::Server, 1_000, Some(Parameters::default()));
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        let bytes = [
            masked(0x41, &hello[..3]),
            masked(0xc9, b"k"),
            masked(0x80, &hello[3..]),
            masked(0x81, b"plain"),
            masked(0xc1, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
        ];
        decoder.buffer.extend_from_slice(&bytes.concat());
        let got: Result<Vec<Incoming>, Violation> =
            std::iter::from_fn(|| decoder.next().transpose()).collect();
        let ping = Incoming::Ping(Bytes::from_static(b"k"));
        assert_eq!(got, Ok(vec![ping, text("Hello"), text("plain"), text("Hello")]));
        decoder.buffer.extend_from_slice(&masked(0xc1, &[0xff; 4]));
        assert_eq!(decoder.next(), Err(protocol("Invalid compressed data")));
    }

    #[test]
    fn close_messages_have_a_code_or_none() {
        let close = |code, reason: &str| {
            Ok(vec![Incoming::Message(Frame::Close(Close { code, reason: reason.to_owned() }))])
        };
        assert_eq!(decode(&masked(0x88, b"")), close(NO_CODE, ""));
        assert_eq!(decode(&masked(0x88, b"x")), close(NO_CODE, ""));
        assert_eq!(decode(&masked(0x88, b"\x11\x94because")), close(4500, "because"));
        assert_eq!(decode(&masked(0x88, b"\x00\x07\xff")), close(7, "\u{fffd}"));
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
            (masked(0xa1, b"x"), 1002),
            (vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], 1009),
            (masked(0x82, &[0; 1_001]), 1009),
            ([masked(0x02, &[0; 600]), masked(0x80, &[0; 600])].concat(), 1009),
        ] {
            assert_eq!(decode(&bytes).map_err(|violation| violation.code), Err(code), "{bytes:?}");
        }
    }

    #[test]
    fn a_reason_that_is_too_long_is_cut_between_characters() {
        let mut out = BytesMut::new();
        let close = Close { code: 4000, reason: "ż".repeat(100) };
        Encoder::new(Role::Server, None).message(&Frame::Close(close), &mut out);
        assert_eq!(&out[..4], [0x88, 124, 0x0f, 0xa0]);
        assert!(std::str::from_utf8(&out[4..]).is_ok());
    }

    #[test]
    fn what_one_side_writes_the_other_side_reads() {
        let lengths = [0, 1, 7, 8, 13, 125, 126, 70_000];
        let deflate = Some(Parameters::default());
        for (writer, reader) in [(Role::Server, Role::Client), (Role::Client, Role::Server)] {
            for (length, agreed) in lengths.into_iter().flat_map(|length| [(length, None), (length, deflate)])
            {
                let frame = Frame::Binary((0..length).map(|n| n as u8).collect::<Vec<_>>().into());
                let mut decoder = Decoder::new(reader, 70_000, agreed);
                Encoder::new(writer, agreed).message(&frame, &mut decoder.buffer);
                assert_eq!(decoder.next(), Ok(Some(Incoming::Message(frame))), "{writer:?} {length}");
            }
            let mut own = Decoder::new(writer, 1_000, None);
            Encoder::new(writer, None).message(&Frame::Text("x".to_owned()), &mut own.buffer);
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
            let mut decoder = Decoder::new(Role::Server, 70_000, None);
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
