//! Bytes of a database with its zeros left out, for what waits in memory.
//!
//! A new database is mostly zeros: pages are filled from both ends. Thousands of objects that are made within a second each
//! wait with theirs for the history.

/// Zeros are left out in blocks of so many bytes.
const BLOCK: usize = 16;
/// Bytes that are looked at together first.
const WIDE: usize = 16 * BLOCK;
const ZEROS: [u8; WIDE] = [0; WIDE];

/// Bytes without their long runs of zeros.
#[derive(Debug, PartialEq, Eq)]
pub struct Sparse {
    length: usize,
    /// Where each run of blocks with something in them begins, and how many they are; they stand one after the other in `kept`.
    runs: Box<[(u32, u32)]>,
    kept: Box<[u8]>,
}

impl Sparse {
    /// `bytes` without their zeros.
    pub fn of(bytes: &[u8]) -> Self {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        let mut kept = Vec::new();
        for (index, wide) in bytes.chunks(WIDE).enumerate() {
            if wide == &ZEROS[..wide.len()] {
                continue;
            }
            for (number, block) in ((index * WIDE / BLOCK) as u32..).zip(wide.chunks(BLOCK)) {
                if block == &ZEROS[..block.len()] {
                    continue;
                }
                kept.extend_from_slice(block);
                match runs.last_mut() {
                    Some((begin, blocks)) if *begin + *blocks == number => *blocks += 1,
                    _ => runs.push((number, 1)),
                }
            }
        }
        Self { length: bytes.len(), runs: runs.into(), kept: kept.into() }
    }

    /// All bytes again.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.length];
        let mut rest = &self.kept[..];
        for (begin, blocks) in &self.runs {
            let begin = *begin as usize * BLOCK;
            let end = (begin + *blocks as usize * BLOCK).min(self.length);
            let (run, after) = rest.split_at(end - begin);
            bytes[begin..end].copy_from_slice(run);
            rest = after;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_left_out_comes_back(runs in proptest::collection::vec((0_usize..900, proptest::collection::vec(any::<u8>(), 0..40)), 0..20), end in 0_usize..900) {
            let mut bytes = Vec::new();
            for (zeros, run) in runs {
                bytes.resize(bytes.len() + zeros, 0);
                bytes.extend(run);
            }
            bytes.resize(bytes.len() + end, 0);
            prop_assert_eq!(Sparse::of(&bytes).bytes(), bytes);
        }
    }

    #[test]
    fn pages_that_are_mostly_empty_take_little() {
        let mut bytes = vec![0; 12_288];
        bytes[..100].fill(7);
        bytes[12_000..12_050].fill(9);
        let sparse = Sparse::of(&bytes);
        assert_eq!((sparse.runs.len(), sparse.kept.len()), (2, 112 + 64));
        assert_eq!(Sparse::of(&[]).bytes(), Vec::<u8>::new());
    }
}
