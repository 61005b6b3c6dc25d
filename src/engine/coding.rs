//! Content codings of bodies: gzip and Brotli, in pieces of a bounded size.
//!
//! A small packed chunk may hold gigabytes: what is taken out at a time never exceeds [`STEP_BYTES`].
//!
//! Fidelity: names and messages are workerd's (`api/system-streams.c++`); any other coding is left alone.
//! Deviation: Brotli is written without compressing, as stored blocks; every decoder reads them.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read, Write as _};

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use bytes::{Buf as _, Bytes};
use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

/// Most bytes that one step unpacks.
pub const STEP_BYTES: usize = 64 * 1024;

/// A content coding that the platform applies by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952
    Gzip,
    /// RFC 7932
    Brotli,
}

impl Coding {
    /// The coding that a `content-encoding` field of `value` asks for; `brotli`: whether the compatibility date
    /// knows Brotli. `None` if the body is left as it is.
    pub fn of(value: &[u8], brotli: bool) -> Option<Self> {
        match value {
            b"gzip" => Some(Self::Gzip),
            b"br" if brotli => Some(Self::Brotli),
            _ => None,
        }
    }

    /// Its name in a `content-encoding` field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }

    fn failed(self) -> &'static str {
        match self {
            Self::Gzip => "Gzip decompression failed.",
            Self::Brotli => "Brotli decompression failed.",
        }
    }

    fn ended_early(self) -> &'static str {
        match self {
            Self::Gzip => "Gzip compressed stream ended prematurely.",
            Self::Brotli => "Brotli compressed stream ended prematurely.",
        }
    }
}

/// What one step gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Some bytes, never none.
    Chunk(Bytes),
    /// Nothing before more is put in.
    Hungry,
    /// All was given.
    End,
}

/// Chunks that wait to be unpacked.
#[derive(Debug, Default)]
struct Input {
    chunks: VecDeque<Bytes>,
    ended: bool,
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let taken = self.fill_buf()?.read(into)?;
        self.consume(taken);
        Ok(taken)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.chunks.front() {
            Some(chunk) => Ok(chunk),
            None if self.ended => Ok(&[]),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn consume(&mut self, amount: usize) {
        let Some(chunk) = self.chunks.front_mut() else { return };
        chunk.advance(amount);
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
    }
}

type Brotli = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

enum State {
    Gzip(Box<MultiGzDecoder<Input>>),
    Brotli {
        state: Box<Brotli>,
        input: Input,
        /// Whether the stream that began has ended; another may follow.
        ended: bool,
    },
}

/// Unpacks a body.
pub struct Decoder {
    coding: Coding,
    state: State,
}

fn brotli() -> Box<Brotli> {
    Box::new(Brotli::new(StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default()))
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new(coding: Coding) -> Self {
        let state = match coding {
            Coding::Gzip => State::Gzip(Box::new(MultiGzDecoder::new(Input::default()))),
            Coding::Brotli => State::Brotli { state: brotli(), input: Input::default(), ended: false },
        };
        Self { coding, state }
    }

    fn input(&mut self) -> &mut Input {
        match &mut self.state {
            State::Gzip(decoder) => decoder.get_mut(),
            State::Brotli { input, .. } => input,
        }
    }

    /// Puts packed bytes in.
    pub fn put(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.input().chunks.push_back(chunk);
        }
    }

    /// Says that nothing more will be put in.
    pub fn end(&mut self) {
        self.input().ended = true;
    }

    /// Unpacks some of what was put in.
    ///
    /// # Errors
    /// The platform's message when the bytes are not of this coding or stop in the middle.
    pub fn step(&mut self) -> Result<Step, &'static str> {
        let coding = self.coding;
        match &mut self.state {
            State::Gzip(decoder) => {
                let mut out = vec![0; STEP_BYTES];
                match decoder.read(&mut out) {
                    Ok(0) => Ok(Step::End),
                    Ok(size) => {
                        out.truncate(size);
                        Ok(Step::Chunk(out.into()))
                    }
                    Err(error) => match error.kind() {
                        io::ErrorKind::WouldBlock => Ok(Step::Hungry),
                        io::ErrorKind::UnexpectedEof => Err(coding.ended_early()),
                        _ => Err(coding.failed()),
                    },
                }
            }
            State::Brotli { state, input, ended } => step_brotli(state, input, ended),
        }
    }
}

fn step_brotli(state: &mut Box<Brotli>, input: &mut Input, ended: &mut bool) -> Result<Step, &'static str> {
    loop {
        let chunk = input.chunks.front().cloned().unwrap_or_default();
        if *ended {
            if chunk.is_empty() {
                return Ok(if input.ended { Step::End } else { Step::Hungry });
            }
            *state = brotli();
            *ended = false;
        }
        let mut out = vec![0; STEP_BYTES];
        let (mut left, mut at, mut room, mut written, mut total) = (chunk.len(), 0, out.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut at,
            &chunk,
            &mut room,
            &mut written,
            &mut out,
            &mut total,
            state,
        );
        input.consume(at);
        *ended = matches!(result, BrotliResult::ResultSuccess);
        if matches!(result, BrotliResult::ResultFailure) {
            return Err(Coding::Brotli.failed());
        }
        if written > 0 {
            out.truncate(written);
            return Ok(Step::Chunk(out.into()));
        }
        if !*ended && input.chunks.is_empty() {
            return if input.ended { Err(Coding::Brotli.ended_early()) } else { Ok(Step::Hungry) };
        }
    }
}

/// Packs a body; every chunk can be unpacked as soon as it arrives.
pub enum Encoder {
    /// Writes gzip.
    Gzip(Box<GzEncoder<Vec<u8>>>),
    /// Writes Brotli.
    Brotli {
        /// Whether the stream's header was written.
        begun: bool,
    },
}

/// Most bytes of a stored block of Brotli whose length has four digits.
const BLOCK_BYTES: usize = 1 << 16;

impl Encoder {
    /// An encoder that has seen nothing.
    pub fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self::Gzip(Box::new(GzEncoder::new(Vec::new(), Compression::default()))),
            Coding::Brotli => Self::Brotli { begun: false },
        }
    }

    /// `chunk`, packed.
    pub fn pack(&mut self, chunk: &[u8]) -> Bytes {
        match self {
            Self::Gzip(encoder) => {
                encoder.write_all(chunk).and_then(|()| encoder.flush()).expect("a vector takes everything");
                std::mem::take(encoder.get_mut()).into()
            }
            Self::Brotli { begun } => {
                let mut out = Vec::with_capacity(chunk.len() + 8);
                for block in chunk.chunks(BLOCK_BYTES) {
                    // From the lowest bit: not the last block, length of four digits, length, stored.
                    let size = u32::try_from(block.len() - 1).expect("at most 65,536");
                    let head = (size << 3) | (1 << 19);
                    // The first is preceded by a zero bit, a window of 64 KiB.
                    let head = if *begun { head } else { head << 1 };
                    *begun = true;
                    out.extend_from_slice(&head.to_le_bytes()[..3]);
                    out.extend_from_slice(block);
                }
                out.into()
            }
        }
    }

    /// What comes after the last chunk.
    pub fn finish(&mut self) -> Bytes {
        match self {
            Self::Gzip(encoder) => {
                encoder.try_finish().expect("a vector takes everything");
                std::mem::take(encoder.get_mut()).into()
            }
            // The last block, and empty.
            Self::Brotli { begun: true } => Bytes::from_static(&[0b11]),
            Self::Brotli { begun: false } => Bytes::from_static(&[0b110]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODINGS: [Coding; 2] = [Coding::Gzip, Coding::Brotli];

    fn pack(coding: Coding, chunks: &[&[u8]]) -> Vec<u8> {
        let mut encoder = Encoder::new(coding);
        let mut out = Vec::new();
        for chunk in chunks {
            out.extend_from_slice(&encoder.pack(chunk));
        }
        out.extend_from_slice(&encoder.finish());
        out
    }

    fn unpack(coding: Coding, packed: &[u8], size: usize) -> Result<Vec<u8>, &'static str> {
        let mut decoder = Decoder::new(coding);
        let mut chunks = packed.chunks(size);
        let mut out = Vec::new();
        loop {
            match decoder.step()? {
                Step::Chunk(chunk) => {
                    assert!(!chunk.is_empty() && chunk.len() <= STEP_BYTES);
                    out.extend_from_slice(&chunk);
                }
                Step::Hungry => match chunks.next() {
                    Some(chunk) => decoder.put(Bytes::copy_from_slice(chunk)),
                    None => decoder.end(),
                },
                Step::End => return Ok(out),
            }
        }
    }

    #[test]
    fn what_is_packed_comes_back_in_pieces_of_any_size() {
        let long = b"0123456789".repeat(20_000);
        for coding in CODINGS {
            for chunks in [&[][..], &[&b"hello"[..]], &[b"a", b"", b"bc"], &[&long, b"x", &long]] {
                let packed = pack(coding, chunks);
                for size in [1, 7, 1 << 20] {
                    assert_eq!(unpack(coding, &packed, size), Ok(chunks.concat()), "{coding:?} {size}");
                }
            }
        }
    }

    #[test]
    fn compressed_brotli_is_read() {
        // `packed ` fifty times, as Node.js writes it.
        let packed = [
            0x1b, 0x5d, 0x01, 0xf8, 0x05, 0x3c, 0x64, 0xa9, 0x3e, 0x57, 0x43, 0x52, 0x04, 0x6d, 0x91, 0xc0,
            0x88, 0xcb, 0x6b, 0x00,
        ];
        let text = "packed ".repeat(50).into_bytes();
        assert_eq!(unpack(Coding::Brotli, &packed, 1), Ok(text));
    }

    #[test]
    fn a_stream_may_follow_a_stream_and_nothing_else() {
        let gzip = pack(Coding::Gzip, &[b"hello"]);
        for coding in CODINGS {
            let one = pack(coding, &[b"hello"]);
            assert_eq!(unpack(coding, &[&one[..], &one].concat(), 3), Ok(b"hellohello".to_vec()));
            assert_eq!(unpack(coding, &one[..one.len() - 1], 3), Err(coding.ended_early()));
            assert_eq!(unpack(coding, b"", 3), Err(coding.ended_early()));
            assert_eq!(unpack(coding, &[0xff; 20], 3), Err(coding.failed()));
        }
        assert_eq!(
            unpack(Coding::Gzip, &[&gzip[..], b"not another one"].concat(), 3),
            Err(Coding::Gzip.failed())
        );
    }

    #[test]
    fn a_bomb_goes_off_in_small_steps() {
        let packed = pack(Coding::Gzip, &[&vec![0; 50_000_000]]);
        assert!(packed.len() < 60_000);
        let mut decoder = Decoder::new(Coding::Gzip);
        decoder.put(packed.into());
        assert!(matches!(decoder.step(), Ok(Step::Chunk(chunk)) if chunk.len() <= STEP_BYTES));
    }

    #[test]
    fn only_the_names_of_the_platform_are_codings() {
        assert_eq!(Coding::of(b"gzip", false), Some(Coding::Gzip));
        assert_eq!(Coding::of(b"br", true), Some(Coding::Brotli));
        assert_eq!(Coding::of(b"br", false), None);
        for other in ["GZIP", "deflate", "zstd", "gzip, br", ""] {
            assert_eq!(Coding::of(other.as_bytes(), true), None, "{other}");
        }
    }
}
