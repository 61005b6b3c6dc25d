//! Compressed messages of RFC 7692: raw deflate, flushed after each message, without the flush's last four bytes.
//!
//! Both directions make their state with the first message that needs it: most sockets are silent most of the time.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::extension::{MAX_WINDOW_BITS, Parameters};
use super::frames::Role;

/// What ends a flush and is not sent.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Room that is added to an output at a time, bytes.
const STEP_BYTES: usize = 4 * 1024;
/// The smallest window that the compressor knows, as a power of two.
const LEAST_BITS: u8 = 9;

/// Why a message cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InflateError {
    /// It is longer than the limit.
    TooLarge,
    /// It is no deflate.
    Invalid,
}

/// Compresses the messages of one side.
#[derive(Debug)]
pub struct Deflater {
    state: Option<Compress>,
    bits: u8,
    no_context: bool,
}

impl Deflater {
    /// For the side `role` of a connection with `agreed`.
    pub fn new(role: Role, agreed: Parameters) -> Self {
        let (bits, no_context) = match role {
            Role::Server => (agreed.server_bits, agreed.server_no_context),
            Role::Client => (agreed.client_bits, agreed.client_no_context),
        };
        Self { state: None, bits: bits.unwrap_or(MAX_WINDOW_BITS), no_context }
    }

    /// The payload of a message.
    pub fn deflate(&mut self, message: &[u8]) -> Vec<u8> {
        let state = self.state.get_or_insert_with(|| match self.bits {
            // Without references to earlier bytes every window is large enough.
            bits if bits < LEAST_BITS => {
                Compress::new_with_window_bits(Compression::none(), false, LEAST_BITS)
            }
            bits => Compress::new_with_window_bits(Compression::default(), false, bits),
        });
        let mut out = Vec::with_capacity(message.len() / 4 + 64);
        let start = state.total_in();
        loop {
            let taken = usize::try_from(state.total_in() - start).expect("no more than the message");
            let status = state.compress_vec(&message[taken..], &mut out, FlushCompress::Sync);
            debug_assert!(status.is_ok(), "a compressor without a dictionary does not fail");
            // A flush is complete when it leaves room.
            if out.len() < out.capacity() {
                break;
            }
            out.reserve(STEP_BYTES.max(out.len()));
        }
        if self.no_context {
            state.reset();
        }
        // Nothing comes of a flush after a flush.
        out.truncate(out.len().saturating_sub(TAIL.len()));
        // RFC 7692, 7.2.3.6: an empty message is a block that has nothing.
        if out.is_empty() {
            out.push(0);
        }
        out
    }
}

/// Reads the messages of the other side.
#[derive(Debug)]
pub struct Inflater {
    state: Option<Decompress>,
    no_context: bool,
}

impl Inflater {
    /// For the side `role`, which reads, of a connection with `agreed`.
    pub fn new(role: Role, agreed: Parameters) -> Self {
        let no_context = match role {
            Role::Server => agreed.client_no_context,
            Role::Client => agreed.server_no_context,
        };
        Self { state: None, no_context }
    }

    /// The message in `payload`, of at most `max` bytes.
    ///
    /// # Errors
    /// When it is longer, or not compressed.
    pub fn inflate(&mut self, payload: &[u8], max: usize) -> Result<Vec<u8>, InflateError> {
        // Not even a block: some send that for an empty message.
        if payload.is_empty() {
            return Ok(Vec::new());
        }
        let state = self.state.get_or_insert_with(|| Decompress::new(false));
        let mut out = Vec::with_capacity((payload.len() * 3).clamp(64, STEP_BYTES).min(max + 1));
        let ended = inflate_part(state, payload, &mut out, max)?;
        if ended || self.no_context {
            // What ends with a last block has no tail to come.
            if !ended {
                inflate_part(state, &TAIL, &mut out, max)?;
            }
            state.reset(false);
        } else {
            inflate_part(state, &TAIL, &mut out, max)?;
        }
        Ok(out)
    }
}

/// Appends what `input` says; tells whether it ends with a block that is marked as the last one.
fn inflate_part(
    state: &mut Decompress,
    input: &[u8],
    out: &mut Vec<u8>,
    max: usize,
) -> Result<bool, InflateError> {
    let mut rest = input;
    loop {
        let before = state.total_in();
        let status = state.decompress_vec(rest, out, FlushDecompress::Sync);
        let status = status.map_err(|_| InflateError::Invalid)?;
        rest = &rest[usize::try_from(state.total_in() - before).expect("no more than the input")..];
        if out.len() > max {
            return Err(InflateError::TooLarge);
        }
        if status == Status::StreamEnd {
            // RFC 7692, 7.2.3.5: after it comes the byte of an empty block whose rest is the tail.
            if rest.is_empty() || rest == [0] {
                return Ok(true);
            }
            state.reset(false);
        } else if out.len() < out.capacity() {
            return if rest.is_empty() { Ok(false) } else { Err(InflateError::Invalid) };
        }
        if out.len() == out.capacity() {
            out.reserve(out.len().clamp(STEP_BYTES, (max + 1).saturating_sub(out.len()).max(STEP_BYTES)));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(agreed: Parameters) -> (Deflater, Inflater) {
        (Deflater::new(Role::Server, agreed), Inflater::new(Role::Client, agreed))
    }

    #[test]
    fn the_examples_of_the_rfc_are_read() {
        let mut inflater = Inflater::new(Role::Server, Parameters::default());
        let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(inflater.inflate(&hello, 5), Ok(b"Hello".to_vec()));
        assert_eq!(inflater.inflate(&[0xf2, 0x00, 0x11, 0x00, 0x00], 5), Ok(b"Hello".to_vec()));
        let stored = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
        assert_eq!(inflater.inflate(&stored, 5), Ok(b"Hello".to_vec()));
        let last = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
        assert_eq!(inflater.inflate(&last, 5), Ok(b"Hello".to_vec()));
        assert_eq!(inflater.inflate(&last[..7], 5), Ok(b"Hello".to_vec()), "without its last byte");
        let two = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
        assert_eq!(inflater.inflate(&two, 5), Ok(b"Hello".to_vec()));
        assert_eq!(inflater.inflate(&[0], 0), Ok(Vec::new()));
        assert_eq!(inflater.inflate(&[], 0), Ok(Vec::new()));
    }

    #[test]
    fn a_context_is_taken_over_unless_that_was_given_up() {
        let (mut with, _) = pair(Parameters::default());
        let text = b"a text that is said more than once";
        let first = with.deflate(text);
        assert!(with.deflate(text).len() < first.len() / 2);
        let (mut without, mut reader) = pair(Parameters { server_no_context: true, ..Parameters::default() });
        for _ in 0..2 {
            assert_eq!(without.deflate(text), first);
            assert_eq!(reader.inflate(&first, 100), Ok(text.to_vec()));
        }
    }

    #[test]
    fn empty_messages_leave_the_context_alone() {
        let (mut deflater, mut inflater) = pair(Parameters::default());
        for text in ["text", "", "", "text", ""] {
            let payload = deflater.deflate(text.as_bytes());
            assert_eq!(inflater.inflate(&payload, 4), Ok(text.as_bytes().to_vec()));
            assert_eq!(inflater.inflate(&[], 4), Ok(Vec::new()));
        }
    }

    #[test]
    fn what_grows_too_large_is_given_up_early() {
        let (mut deflater, mut inflater) = pair(Parameters::default());
        let bomb = deflater.deflate(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(inflater.inflate(&bomb, 9_999_999), Err(InflateError::TooLarge));
        let (mut deflater, mut inflater) = pair(Parameters::default());
        let payload = deflater.deflate(&vec![0; 10_000_000]);
        assert_eq!(inflater.inflate(&payload, 10_000_000).map(|message| message.len()), Ok(10_000_000));
        assert_eq!(inflater.inflate(&[0xff; 4], 100), Err(InflateError::Invalid));
    }

    proptest! {
        /// Whatever is agreed: the same messages come out, however well they compress.
        #[test]
        fn messages_survive(
            messages in prop::collection::vec((0usize..100_000, any::<bool>()), 1..4),
            bits in prop::option::of(8u8..=15),
            no_context in any::<bool>(),
        ) {
            let agreed =
                Parameters { server_no_context: no_context, server_bits: bits, ..Parameters::default() };
            let (mut deflater, mut inflater) = pair(agreed);
            for (length, random) in messages {
                let mut seed = 1u32;
                let mut byte = || {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    if random { seed.to_be_bytes()[0] } else { 7 }
                };
                let message: Vec<u8> = (0..length).map(|_| byte()).collect();
                let payload = deflater.deflate(&message);
                prop_assert_eq!(inflater.inflate(&payload, length), Ok(message));
            }
        }
    }
}
