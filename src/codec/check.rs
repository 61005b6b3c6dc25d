//! What must hold for any bytes, for the fuzz target in `fuzz/` and a bounded run with every test.

use super::{read, show, to_json, write};

/// Reads `bytes`, and writes and reads again what they give. Errors are fine.
///
/// # Panics
/// When a value changes on the way, or something panics: a bug.
pub fn check(bytes: &[u8]) {
    let Ok((value, _)) = read(bytes) else { return };
    let _ = (show(&value).len(), to_json(&value).to_string().len());
    // Not every tree makes sense in the newest version; what does comes back.
    if let Ok(written) = write(&value) {
        let (again, _) = read(&written).expect("what was written can be read");
        let twice = write(&again).expect("what was read can be written");
        assert_eq!(twice, written, "a value changes on the way");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::samples::STORED;
    use crate::codec::tests::from_hex;

    /// The same changes in every run: one generator with a fixed seed.
    #[test]
    fn changed_samples_are_errors_or_values() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % below.max(1) as u64) as usize
        };
        let samples: Vec<Vec<u8>> = STORED.iter().map(|(_, hex)| from_hex(hex)).collect();
        for _ in 0..20_000 {
            let mut bytes = samples[random(samples.len())].clone();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                match random(5) {
                    0 => bytes[at] = random(256) as u8,
                    1 => bytes[at] ^= 1 << random(8),
                    2 => bytes.truncate(at.max(2)),
                    3 => bytes.insert(at, b"\xff\0oIS\"aA:{B$@V"[random(14)]),
                    _ => {
                        let other = &samples[random(samples.len())];
                        bytes.extend_from_slice(&other[random(other.len())..]);
                    }
                }
            }
            check(&bytes);
        }
    }
}
