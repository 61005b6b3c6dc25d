//! Memory that the engine gave back and will soon want again.
//!
//! The engine takes small things in blocks of some 4 KiB. Code that makes and drops many of them, a parser in a loop for
//! example, would have the C library hand pages back to the system and fetch them again, which cost a third of its time.
//! So blocks that are freed within a turn wait here for the next one that asks.

use std::cell::Cell;
use std::ptr::{NonNull, null_mut};

/// What is taken for a block, bytes.
pub(super) const BLOCK: usize = 4096;

/// Requests from this size up to [`BLOCK`] get a block, bytes. The engine's have between 3,624 and 4,096.
const REQUEST_MIN: usize = 3584;

/// What the C library may give beyond the size that it was asked for, bytes.
const SLACK: usize = 64;

/// Most blocks that wait in a turn, and between turns.
const IN_TURN: usize = 4096;
const BETWEEN_TURNS: usize = 64;

/// Free blocks, each with the address of the next one at its start.
#[derive(Debug)]
pub(super) struct Spares {
    first: Cell<*mut u8>,
    count: Cell<usize>,
    free: unsafe fn(*mut u8),
}

impl Spares {
    /// Room for blocks that `free` gives back for good.
    pub(super) const fn new(free: unsafe fn(*mut u8)) -> Self {
        Self { first: Cell::new(null_mut()), count: Cell::new(0), free }
    }

    /// Whether a request for `size` bytes is one for a block.
    pub(super) fn suits(size: usize) -> bool {
        (REQUEST_MIN..=BLOCK).contains(&size)
    }

    /// A block that was freed.
    pub(super) fn take(&self) -> Option<NonNull<u8>> {
        let block = NonNull::new(self.first.get())?;
        // SAFETY: what waits begins with the address of the next one, which `put` wrote.
        self.first.set(unsafe { block.cast::<*mut u8>().read() });
        self.count.set(self.count.get() - 1);
        Some(block)
    }

    /// Keeps the free memory at `place`, of `size` bytes, if it is a block and there is room.
    ///
    /// # Safety
    /// `place` must be for `free` to give back, and nobody may use it.
    pub(super) unsafe fn put(&self, place: *mut u8, size: usize) -> bool {
        let is_kept = (BLOCK..BLOCK + SLACK).contains(&size) && self.count.get() < IN_TURN;
        if is_kept {
            // SAFETY: the block is larger than an address, aligned for it, and the caller's to give.
            unsafe { place.cast::<*mut u8>().write(self.first.get()) };
            self.first.set(place);
            self.count.set(self.count.get() + 1);
        }
        is_kept
    }

    /// Gives back all but a few blocks; for the end of a turn.
    pub(super) fn shrink(&self) {
        self.shrink_to(BETWEEN_TURNS);
    }

    fn shrink_to(&self, count: usize) {
        while self.count.get() > count
            && let Some(block) = self.take()
        {
            // SAFETY: `put` was promised so.
            unsafe { (self.free)(block.as_ptr()) };
        }
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_kept_within_limits_and_handed_out_again() {
        // SAFETY: of blocks that `malloc` gave below.
        let spares = Spares::new(|block| unsafe { libc::free(block.cast()) });
        assert!(spares.take().is_none());
        // SAFETY: plain calls.
        let blocks: Vec<*mut u8> = (0..IN_TURN + 1).map(|_| unsafe { libc::malloc(BLOCK) }.cast()).collect();
        for (index, block) in blocks.iter().enumerate() {
            // SAFETY: nobody uses the block.
            assert_eq!(unsafe { spares.put(*block, BLOCK + 8) }, index < IN_TURN);
        }
        // SAFETY: the last one was not kept; nobody uses it.
        unsafe {
            assert!(!spares.put(blocks[IN_TURN], BLOCK - 1) && !spares.put(blocks[IN_TURN], BLOCK * 2));
            libc::free(blocks[IN_TURN].cast());
        }
        assert_eq!(spares.take().map(NonNull::as_ptr), Some(blocks[IN_TURN - 1]));
        // SAFETY: as above.
        assert!(unsafe { spares.put(blocks[IN_TURN - 1], BLOCK) });
        spares.shrink();
        assert_eq!(spares.count.get(), BETWEEN_TURNS);
    }

    #[test]
    fn the_engines_blocks_are_of_that_size() {
        let sizes = [3624, 4040, 4096].map(Spares::suits);
        assert_eq!((sizes, Spares::suits(512), Spares::suits(4097)), ([true; 3], false, false));
    }
}
