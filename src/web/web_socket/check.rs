//! What must hold for any bytes of a client's, for the fuzz target in `fuzz/` and a bounded run with every test.

use super::extension::Parameters;
use super::frames::{Decoder, Role};

/// Longest message of the check, bytes.
const MESSAGE_MAX: usize = 1_024;

/// Reads `bytes` whole and in pieces. Broken protocol is fine.
///
/// # Panics
/// When pieces are read differently from the whole, or something panics: a bug.
pub fn check_frames(bytes: &[u8]) {
    for agreed in [None, Some(Parameters::default())] {
        let whole = read(bytes, bytes.len().max(1), agreed);
        for piece in [1, 3, 7] {
            assert_eq!(read(bytes, piece, agreed), whole, "pieces of {piece} bytes, {agreed:?}");
        }
    }
}

/// What a decoder says of `bytes` that arrive in pieces of `piece` bytes, compressed as `agreed`.
fn read(bytes: &[u8], piece: usize, agreed: Option<Parameters>) -> Vec<String> {
    let mut decoder = Decoder::new(Role::Server, MESSAGE_MAX, agreed);
    let mut said = Vec::new();
    for piece in bytes.chunks(piece) {
        decoder.buffer.extend_from_slice(piece);
        loop {
            match decoder.next() {
                Ok(Some(message)) => said.push(format!("{message:?}")),
                Ok(None) => break,
                Err(violation) => {
                    said.push(format!("{violation:?}"));
                    return said;
                }
            }
        }
    }
    said
}
