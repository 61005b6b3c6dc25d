//! The allocator of Rust code: the system's, or mimalloc in a process that asks for it.
//!
//! A bundler's process makes millions of small allocations on several threads and is gone a few seconds later;
//! mimalloc makes its first build of large packages a third faster. It must not use huge pages (`no_thp`): clearing
//! what nobody uses of them cost more than all else, up to a second where the machine's memory was not at hand. The
//! server keeps the system's allocator, with which it holds half as much memory when idle.
//!
//! Memory goes back to the allocator that it came from: what was allocated before the change is told from the rest by
//! its address.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};

use libmimalloc_sys as mi;

/// Whether new memory comes from mimalloc.
static FAST: AtomicBool = AtomicBool::new(false);

/// mimalloc's option for the time after which unused memory goes back to the system, as its header numbers it.
const PURGE_DELAY: mi::mi_option_t = 15;

/// In place of milliseconds after which unused memory goes back to the system.
const NEVER: std::ffi::c_long = -1;

/// The allocator of the program.
struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

/// From now on, memory comes from the allocator that is faster and keeps more; there is no way back.
pub fn allocate_fast() {
    // Giving memory back in between would cost more than the short life of such a process is worth.
    // SAFETY: sets a number in mimalloc's table of options.
    unsafe { mi::mi_option_set(PURGE_DELAY, NEVER) };
    FAST.store(true, Ordering::Relaxed);
}

fn is_fast() -> bool {
    FAST.load(Ordering::Relaxed)
}

/// Whether every block of `size` bytes from mimalloc is aligned to `align`: 16 bytes, or what fits into less.
///
/// Asking for an alignment takes a larger block nearly always (3.3.2, `mi_theap_malloc_zero_aligned_at`).
fn is_aligned_anyway(size: usize, align: usize) -> bool {
    align <= size && align <= 16
}

/// Whether `block` came from mimalloc.
fn is_ours(block: *mut u8) -> bool {
    // SAFETY: the function takes any address; it only looks it up in mimalloc's own tables.
    is_fast() && unsafe { mi::mi_is_in_heap_region(block.cast::<c_void>()) }
}

// SAFETY: every block comes from one of two sound allocators and goes back to the one that it came from: `System`
// until `allocate_fast`, mimalloc afterwards; `is_ours` tells which. Size and alignment are handed on unchanged.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_fast() {
            if is_aligned_anyway(layout.size(), layout.align()) {
                // SAFETY: a plain call, whose alignment is enough.
                return unsafe { mi::mi_malloc(layout.size()).cast() };
            }
            // SAFETY: the caller's promise about `layout`; its alignment is a power of two.
            unsafe { mi::mi_malloc_aligned(layout.size(), layout.align()).cast() }
        } else {
            // SAFETY: the caller's promise about `layout`.
            unsafe { System.alloc(layout) }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_fast() {
            if is_aligned_anyway(layout.size(), layout.align()) {
                // SAFETY: as in `alloc`.
                return unsafe { mi::mi_zalloc(layout.size()).cast() };
            }
            // SAFETY: as in `alloc`.
            unsafe { mi::mi_zalloc_aligned(layout.size(), layout.align()).cast() }
        } else {
            // SAFETY: as in `alloc`.
            unsafe { System.alloc_zeroed(layout) }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_ours(block) {
            // SAFETY: `block` came from mimalloc.
            unsafe { mi::mi_free(block.cast()) }
        } else {
            // SAFETY: `block` came from `System` with `layout`.
            unsafe { System.dealloc(block, layout) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if is_ours(block) {
            if is_aligned_anyway(size, layout.align()) {
                // SAFETY: `block` came from mimalloc.
                return unsafe { mi::mi_realloc(block.cast(), size).cast() };
            }
            // SAFETY: `block` came from mimalloc with this alignment.
            unsafe { mi::mi_realloc_aligned(block.cast(), size, layout.align()).cast() }
        } else {
            // A block of before the change stays where it came from.
            // SAFETY: `block` came from `System` with `layout`.
            unsafe { System.realloc(block, layout, size) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_of_before_the_change_can_grow_and_go_after_it() {
        let mut early: Vec<u64> = (0..100).collect();
        let early_zeroes = vec![0_u8; 1 << 20];
        allocate_fast();
        early.extend(100..10_000);
        let late: Vec<String> = (0..1_000).map(|n| format!("text {n}")).collect();
        let late_zeroes = vec![0_u8; 1 << 20];
        assert!(is_ours(late_zeroes.as_ptr().cast_mut()));
        for (size, align) in (1..200).flat_map(|size| [1, 2, 4, 8, 16, 32, 64].map(|align| (size, align))) {
            let layout = Layout::from_size_align(size, align).unwrap();
            let larger = Layout::from_size_align(size * 3, align).unwrap();
            // SAFETY: the sizes are not zero, and each block goes back with the layout that it has then.
            unsafe {
                let block = HEAP.alloc_zeroed(layout);
                assert!(block.addr().is_multiple_of(align) && (0..size).all(|at| *block.add(at) == 0));
                let block = HEAP.realloc(block, layout, larger.size());
                assert!(block.addr().is_multiple_of(align), "{layout:?}");
                HEAP.dealloc(block, larger);
                let block = HEAP.alloc(layout);
                assert!(block.addr().is_multiple_of(align), "{layout:?}");
                HEAP.dealloc(block, layout);
            }
        }
        assert!(!is_ours(early_zeroes.as_ptr().cast_mut()));
        assert_eq!(early_zeroes, late_zeroes);
        assert_eq!(early.iter().sum::<u64>(), 9_999 * 10_000 / 2);
        assert_eq!(late[999], "text 999");
        drop((early, early_zeroes, late, late_zeroes));
    }
}
