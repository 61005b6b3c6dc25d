//! Compressing and decompressing in pieces.

use std::io::Write as _;

use bytes::Bytes;
use flate2::write::{DeflateEncoder, GzDecoder, GzEncoder, ZlibEncoder};
use flate2::{Compression, Decompress, FlushDecompress, GzBuilder, Status};

use crate::engine::coding::{Coding, Decoder, Encoder, Step};

const FAILED: &str = "Decompression failed.";
const INCOMPLETE: &str = "Called close() on a decompression stream with incomplete data";
const TRAILING: &str = "Trailing bytes after end of compressed data";

/// Room that is added to the output at a time, bytes.
const STEP_BYTES: usize = 32 * 1024;

/// The operating system that a gzip header names: Unix, as the platform's does.
const GZIP_SYSTEM: u8 = 3;

/// A container of compressed data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 1952
    Gzip,
    /// zlib, RFC 1950
    Deflate,
    /// RFC 1951
    DeflateRaw,
    /// RFC 7932, for `node:zlib` only
    Brotli,
}

impl Format {
    /// The format that the platform calls `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "deflate-raw" => Self::DeflateRaw,
            "brotli" => Self::Brotli,
            _ => return None,
        })
    }
}

/// The state of one stream; errors are the platform's messages.
pub enum Coder {
    /// Writes gzip.
    Gzip(GzEncoder<Vec<u8>>),
    /// Writes zlib.
    Zlib(ZlibEncoder<Vec<u8>>),
    /// Writes raw deflate.
    Deflate(DeflateEncoder<Vec<u8>>),
    /// Reads gzip.
    Gunzip { decoder: Box<GzDecoder<Vec<u8>>>, seen: usize },
    /// Reads zlib or raw deflate.
    Inflate {
        /// The decoder.
        state: Decompress,
        /// Whether the end of the compressed data was seen.
        ended: bool,
        /// Whether what follows the end is left alone instead of being an error.
        lenient: bool,
    },
    /// Reads Brotli, or gzip, one member after the other.
    Members(Decoder),
    /// Writes Brotli.
    Brotli(Encoder),
}

impl Coder {
    /// A coder that compresses to `format`; `level` from 0 to 9, or the usual one.
    pub fn compress(format: Format, level: Option<u32>) -> Self {
        let level = level.map_or_else(Compression::default, |level| Compression::new(level.min(9)));
        match format {
            Format::Gzip => {
                Self::Gzip(GzBuilder::new().operating_system(GZIP_SYSTEM).write(Vec::new(), level))
            }
            Format::Deflate => Self::Zlib(ZlibEncoder::new(Vec::new(), level)),
            Format::DeflateRaw => Self::Deflate(DeflateEncoder::new(Vec::new(), level)),
            Format::Brotli => Self::Brotli(Encoder::new(Coding::Brotli)),
        }
    }

    /// A coder that decompresses from `format`.
    pub fn decompress(format: Format) -> Self {
        match format {
            Format::Gzip => Self::Gunzip { decoder: Box::new(GzDecoder::new(Vec::new())), seen: 0 },
            Format::Deflate => inflater(true, false),
            Format::DeflateRaw => inflater(false, false),
            Format::Brotli => Self::Members(Decoder::new(Coding::Brotli)),
        }
    }

    /// A coder that decompresses as zlib's programs do: gzip may have several members, and what follows the end of
    /// other data is left alone.
    pub fn unpack(format: Format) -> Self {
        match format {
            Format::Gzip => Self::Members(Decoder::new(Coding::Gzip)),
            Format::Deflate => inflater(true, true),
            Format::DeflateRaw => inflater(false, true),
            Format::Brotli => Self::Members(Decoder::new(Coding::Brotli)),
        }
    }

    /// Takes `bytes` in and gives what can be given already.
    pub fn write(&mut self, bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
        match self {
            Self::Gzip(encoder) => {
                encoder.write_all(bytes).map_err(|_| FAILED)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Zlib(encoder) => {
                encoder.write_all(bytes).map_err(|_| FAILED)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Deflate(encoder) => {
                encoder.write_all(bytes).map_err(|_| FAILED)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Gunzip { decoder, seen } => gunzip(decoder, seen, bytes),
            Self::Inflate { state, ended, lenient } => inflate(state, ended, *lenient, bytes),
            Self::Brotli(encoder) => Ok(encoder.pack(bytes).into()),
            Self::Members(decoder) => {
                decoder.put(Bytes::copy_from_slice(bytes));
                all_steps(decoder)
            }
        }
    }

    /// Gives all that the bytes so far compress to.
    pub fn flush(&mut self) -> Result<Vec<u8>, &'static str> {
        match self {
            Self::Gzip(encoder) => {
                encoder.flush().map_err(|_| FAILED)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Zlib(encoder) => {
                encoder.flush().map_err(|_| FAILED)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Deflate(encoder) => {
                encoder.flush().map_err(|_| FAILED)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            // What is decompressed was given already.
            Self::Gunzip { .. } | Self::Inflate { .. } | Self::Members(_) | Self::Brotli(_) => Ok(Vec::new()),
        }
    }

    /// Ends the stream and gives the rest.
    pub fn end(&mut self) -> Result<Vec<u8>, &'static str> {
        match self {
            Self::Gzip(encoder) => {
                encoder.try_finish().map_err(|_| FAILED)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Zlib(encoder) => {
                encoder.try_finish().map_err(|_| FAILED)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Deflate(encoder) => {
                encoder.try_finish().map_err(|_| FAILED)?;
                Ok(std::mem::take(encoder.get_mut()))
            }
            Self::Gunzip { decoder, .. } => {
                // Only a decoder that has seen the end takes no more.
                if !matches!(decoder.write(&[0]), Ok(0)) {
                    return Err(INCOMPLETE);
                }
                decoder.try_finish().map_err(|_| FAILED)?;
                Ok(std::mem::take(decoder.get_mut()))
            }
            Self::Inflate { ended: true, .. } => Ok(Vec::new()),
            Self::Inflate { ended: false, .. } => Err(INCOMPLETE),
            Self::Brotli(encoder) => Ok(encoder.finish().into()),
            Self::Members(decoder) => {
                decoder.end();
                all_steps(decoder)
            }
        }
    }
}

/// What gzip begins with. The decoder waits for a whole header before it looks at these.
const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];

fn gunzip(
    decoder: &mut GzDecoder<Vec<u8>>,
    seen: &mut usize,
    mut bytes: &[u8],
) -> Result<Vec<u8>, &'static str> {
    let expected = MAGIC.get(*seen..).unwrap_or_default();
    if bytes.iter().zip(expected).any(|(found, wanted)| found != wanted) {
        return Err(FAILED);
    }
    *seen = seen.saturating_add(bytes.len());
    while !bytes.is_empty() {
        let taken = decoder.write(bytes).map_err(|_| FAILED)?;
        if taken == 0 {
            return Err(TRAILING);
        }
        bytes = &bytes[taken..];
    }
    decoder.flush().map_err(|_| FAILED)?;
    Ok(std::mem::take(decoder.get_mut()))
}

fn inflater(zlib: bool, lenient: bool) -> Coder {
    Coder::Inflate { state: Decompress::new(zlib), ended: false, lenient }
}

fn all_steps(decoder: &mut Decoder) -> Result<Vec<u8>, &'static str> {
    let mut output = Vec::new();
    while let Step::Chunk(chunk) = decoder.step()? {
        output.extend_from_slice(&chunk);
    }
    Ok(output)
}

fn inflate(
    state: &mut Decompress,
    ended: &mut bool,
    lenient: bool,
    bytes: &[u8],
) -> Result<Vec<u8>, &'static str> {
    let mut output = Vec::new();
    let mut rest = bytes;
    loop {
        if *ended {
            return if rest.is_empty() || lenient { Ok(output) } else { Err(TRAILING) };
        }
        output.reserve(STEP_BYTES);
        let before = state.total_in();
        let status = state.decompress_vec(rest, &mut output, FlushDecompress::None).map_err(|_| FAILED)?;
        let taken = usize::try_from(state.total_in() - before).expect("no more than was given");
        rest = &rest[taken..];
        *ended = status == Status::StreamEnd;
        if !*ended && rest.is_empty() && output.len() < output.capacity() {
            return Ok(output);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMATS: [Format; 3] = [Format::Gzip, Format::Deflate, Format::DeflateRaw];

    fn run(mut coder: Coder, bytes: &[u8], step: usize) -> Result<Vec<u8>, &'static str> {
        let mut all = Vec::new();
        for chunk in bytes.chunks(step) {
            all.extend(coder.write(chunk)?);
        }
        all.extend(coder.end()?);
        Ok(all)
    }

    #[test]
    fn what_is_compressed_comes_back() {
        let text = "hello ".repeat(40_000).into_bytes();
        for format in FORMATS {
            for step in [1_000_000, 1_000] {
                let small = run(Coder::compress(format, None), &text, step).expect("compressed");
                assert!(small.len() < text.len() / 50, "{format:?}");
                assert_eq!(run(Coder::decompress(format), &small, step), Ok(text.clone()), "{format:?}");
                assert_eq!(run(Coder::decompress(format), &small, 1), Ok(text.clone()), "{format:?}");
            }
        }
    }

    #[test]
    fn bytes_are_those_of_the_platform() {
        let gzip = run(Coder::compress(Format::Gzip, None), b"abc", 3).expect("compressed");
        assert_eq!(gzip[..10], [31, 139, 8, 0, 0, 0, 0, 0, 0, 3]);
        let zlib = run(Coder::compress(Format::Deflate, None), b"abc", 3).expect("compressed");
        assert_eq!(zlib, [120, 156, 75, 76, 74, 6, 0, 2, 77, 1, 39]);
    }

    #[test]
    fn zlibs_programs_forgive_what_follows() {
        for format in FORMATS {
            let good = run(Coder::compress(format, None), b"abc", 100).expect("compressed");
            let twice = run(Coder::unpack(format), &[&good[..], &good].concat(), 100);
            let expected = if format == Format::Gzip { &b"abcabc"[..] } else { b"abc" };
            assert_eq!(twice.as_deref(), Ok(expected), "{format:?}");
            assert!(run(Coder::unpack(format), &good[..good.len() - 1], 100).is_err(), "{format:?}");
        }
    }

    #[test]
    fn bad_data_is_told_apart() {
        for format in FORMATS {
            let good = run(Coder::compress(format, None), b"abcabcabc", 100).expect("compressed");
            let cut = &good[..good.len() - 2];
            assert_eq!(run(Coder::decompress(format), cut, 100), Err(INCOMPLETE), "{format:?}");
            let long = [&good[..], b"xyz"].concat();
            assert_eq!(run(Coder::decompress(format), &long, 100), Err(TRAILING), "{format:?}");
            assert_eq!(run(Coder::decompress(format), b"", 100), Err(INCOMPLETE), "{format:?}");
            assert_eq!(
                run(Coder::decompress(format), b"\xffnope not at all", 100),
                Err(FAILED),
                "{format:?}"
            );
        }
    }
}
