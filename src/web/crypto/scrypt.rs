//! scrypt (RFC 7914): key derivation that needs memory.

use super::hash::Hash;

/// Words of one block of Salsa20.
const WORDS: usize = 16;

/// `length` bytes derived from `password`; `cost` is a power of two above one, `block` and `lanes` are above zero.
///
/// It takes 128 × `block` × (`cost` + `lanes`) bytes of memory: the caller sees to a limit.
pub fn derive(password: &[u8], salt: &[u8], cost: u32, block: usize, lanes: usize, length: usize) -> Vec<u8> {
    let lane_bytes = 128 * block;
    let mut all = Hash::Sha256.pbkdf2(password, salt, 1, lane_bytes * lanes);
    let words = lane_bytes / 4;
    let mut table = vec![0_u32; words * cost as usize];
    let mut spare = vec![0_u32; words];
    for lane in all.chunks_exact_mut(lane_bytes) {
        let mut state: Vec<u32> =
            lane.chunks_exact(4).map(|bytes| u32::from_le_bytes(bytes.try_into().expect("four"))).collect();
        mix_lane(&mut state, &mut spare, &mut table);
        for (bytes, word) in lane.chunks_exact_mut(4).zip(&state) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
    }
    Hash::Sha256.pbkdf2(password, &all, 1, length)
}

/// scryptROMix: fills `table` with states of `state`, then reads it in an order that depends on them.
fn mix_lane(state: &mut Vec<u32>, spare: &mut Vec<u32>, table: &mut [u32]) {
    let words = state.len();
    for row in table.chunks_exact_mut(words) {
        row.copy_from_slice(state);
        mix_blocks(state, spare);
    }
    let rows = table.len() / words;
    for _ in 0..rows {
        // The number of rows is a power of two: the low word is enough.
        let row = state[words - WORDS] as usize & (rows - 1);
        state.iter_mut().zip(&table[row * words..]).for_each(|(a, b)| *a ^= b);
        mix_blocks(state, spare);
    }
}

/// scryptBlockMix: even blocks come first, odd ones last.
fn mix_blocks(state: &mut Vec<u32>, spare: &mut Vec<u32>) {
    let count = state.len() / WORDS;
    let mut running: [u32; WORDS] = state[state.len() - WORDS..].try_into().expect("a block");
    for (index, block) in state.chunks_exact(WORDS).enumerate() {
        running.iter_mut().zip(block).for_each(|(a, b)| *a ^= b);
        salsa(&mut running);
        let place = (index / 2 + (index % 2) * count / 2) * WORDS;
        spare[place..place + WORDS].copy_from_slice(&running);
    }
    std::mem::swap(state, spare);
}

/// The core of Salsa20 with eight rounds.
fn salsa(block: &mut [u32; WORDS]) {
    const QUARTERS: [[usize; 4]; 8] = [
        [0, 4, 8, 12],
        [5, 9, 13, 1],
        [10, 14, 2, 6],
        [15, 3, 7, 11],
        [0, 1, 2, 3],
        [5, 6, 7, 4],
        [10, 11, 8, 9],
        [15, 12, 13, 14],
    ];
    let mut x = *block;
    for _ in 0..4 {
        for [a, b, c, d] in QUARTERS {
            x[b] ^= x[a].wrapping_add(x[d]).rotate_left(7);
            x[c] ^= x[b].wrapping_add(x[a]).rotate_left(9);
            x[d] ^= x[c].wrapping_add(x[b]).rotate_left(13);
            x[a] ^= x[d].wrapping_add(x[c]).rotate_left(18);
        }
    }
    block.iter_mut().zip(x).for_each(|(word, mixed)| *word = word.wrapping_add(mixed));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_rfc_7914() {
        let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(derive(b"", b"", 16, 1, 1, 64)),
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442\
             fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        );
        assert_eq!(
            hex(derive(b"password", b"NaCl", 1024, 8, 16, 64)),
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162\
             2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        );
    }
}
