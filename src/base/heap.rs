//! The allocator of Rust code: the system's, or in a process that asks for it one that suits a bundler's first build.
//!
//! A bundler's process makes millions of allocations on several threads, keeps most of them, and is gone a few seconds later. What
//! it pays for most is touching new pages of memory, on a virtual machine above all. So blocks are cut one behind the other
//! from a part of a large region that a thread has for itself, and nothing is written before, beside or into them: an arena
//! of a parser that uses the end of its 16 KB touches the page there and no other. A free block waits in a list of its thread and its
//! size, long lists go to all threads, and nothing ever goes back to the system, nor to blocks of another size. Blocks that are
//! larger than [`LARGEST`] are the system's: it makes them grow without copying them.
//!
//! The server keeps the system's allocator, with which it holds half as much memory when idle. Memory goes back to the
//! allocator that it came from: the region's addresses tell.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Addresses that are taken at once, bytes; those that are never used cost nothing. When they are used up, the system gives more.
const REGION: usize = 16 << 30;
/// What a thread takes of them at a time, bytes.
const PART: usize = 1 << 20;
/// The largest block from there, bytes.
const LARGEST: usize = 64 << 10;
/// Up to here sizes are multiples of [`UNIT`], bytes; beyond, there are four for each doubling.
const FINE: usize = 1024;
/// The smallest block, and what all are aligned to, bytes.
const UNIT: usize = 16;
const FINE_CLASSES: usize = FINE / UNIT;
const CLASSES: usize = FINE_CLASSES + 1 + 4 * (LARGEST / FINE).ilog2() as usize;
/// A list that holds more goes to all threads, bytes.
const LIST_BYTES: usize = 128 << 10;
/// In place of the region's address while there is none: no address is a region's length behind it.
const NOWHERE: usize = 1 << (usize::BITS - 1);

/// The region's first address.
static REGION_START: AtomicUsize = AtomicUsize::new(NOWHERE);
/// The first address in it that no thread has taken.
static NEXT_PART: AtomicUsize = AtomicUsize::new(0);
/// Lists that threads gave away, by size; a list is known by its first block.
static LISTS: [Stack; CLASSES] = [const { Stack(AtomicUsize::new(0)) }; CLASSES];
/// What threads that have ended left of their parts.
static REMAINDERS: Stack = Stack(AtomicUsize::new(0));

thread_local! {
    // Without a destructor, so that it is there as long as its thread allocates.
    static OWN: UnsafeCell<Own> = const {
        UnsafeCell::new(Own { next: 0, end: 0, lists: [const { List { first: 0, length: 0 } }; CLASSES] })
    };
    static LEAVING: Leaving = const { Leaving };
}

/// The allocator of the program.
struct Heap;

#[global_allocator]
static HEAP: Heap = Heap;

/// From now on, memory comes from the allocator that is faster and keeps more; there is no way back. A system that does not
/// give the addresses for it goes on with its own.
pub fn allocate_fast() {
    if REGION_START.load(Ordering::Relaxed) == NOWHERE
        && let Some(start) = reserve()
    {
        NEXT_PART.store(start, Ordering::Relaxed);
        REGION_START.store(start, Ordering::Release);
    }
}

/// Addresses for the region, whose memory comes when it is touched, all zeroes.
#[cfg(all(unix, target_pointer_width = "64"))]
fn reserve() -> Option<usize> {
    let (access, kind) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE);
    // SAFETY: maps new addresses, wherever there is room.
    let start = unsafe { libc::mmap(ptr::null_mut(), REGION, access, kind, -1, 0) };
    if start == libc::MAP_FAILED {
        return None;
    }
    // Clearing what nobody uses of huge pages cost more than all else, up to a second where the machine's memory was not at hand.
    // SAFETY: says how the new addresses will be used.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::madvise(start, REGION, libc::MADV_NOHUGEPAGE)
    };
    Some(start.addr())
}

/// None where addresses have to be paid for, or are few.
#[cfg(not(all(unix, target_pointer_width = "64")))]
fn reserve() -> Option<usize> {
    None
}

/// What one thread has.
struct Own {
    /// Where the next new block begins.
    next: usize,
    /// Where its part of the region ends.
    end: usize,
    lists: [List; CLASSES],
}

/// Free blocks of one size. The last bytes of each say where the next one is: most large blocks are arenas, which are used from
/// their end.
#[derive(Clone, Copy)]
struct List {
    first: usize,
    length: usize,
}

/// Lists, or remainders, linked by their first members. Members are taken all at once, so that none can come back while
/// it is being taken.
struct Stack(AtomicUsize);

/// Gives back what its thread has when that ends.
struct Leaving;

/// The class of blocks for `size` bytes, and their size.
fn class_of(size: usize) -> (usize, usize) {
    if size <= FINE {
        let class = size.div_ceil(UNIT);
        return (class, class * UNIT);
    }
    let doubling = (size - 1).ilog2();
    let step = 1 << (doubling - 2);
    let rounded = size.next_multiple_of(step);
    let first = FINE_CLASSES + 4 * (doubling - FINE.ilog2()) as usize;
    (first + (rounded - (1 << doubling)) / step, rounded)
}

/// Where a free block of `size` bytes says which one is the next of its list, and behind that which list is the next.
fn links(block: usize, size: usize) -> *mut [usize; 2] {
    ptr::with_exposed_provenance_mut(block + size - UNIT)
}

/// Whether `block` is the region's.
fn is_ours(block: *mut u8) -> bool {
    block.addr().wrapping_sub(REGION_START.load(Ordering::Relaxed)) < REGION
}

/// Whether `layout` is for the region, if there is one.
fn is_for_region(layout: Layout) -> bool {
    layout.size() <= LARGEST && layout.align() <= UNIT && REGION_START.load(Ordering::Relaxed) != NOWHERE
}

/// A block of at least `size` bytes, and whether it is new and so all zeroes; nothing if the region is used up.
fn take(size: usize) -> Option<(*mut u8, bool)> {
    let (class, size) = class_of(size);
    OWN.with(|own| {
        // SAFETY: only this thread has it, and nothing below comes back here.
        let own = unsafe { &mut *own.get() };
        let mut list = own.lists[class];
        if list.first == 0 && LISTS[class].has_some() {
            list = LISTS[class].pop(|list| links(list, size).wrapping_byte_add(size_of::<usize>()).cast());
        }
        if list.first != 0 {
            let block = list.first;
            // SAFETY: `block` is free, and of this size.
            let first = unsafe { (*links(block, size))[0] };
            own.lists[class] = List { first, length: list.length.saturating_sub(1) };
            return Some((ptr::with_exposed_provenance_mut(block), false));
        }
        if own.end - own.next < size && !own.take_part() {
            return None;
        }
        let block = own.next;
        own.next += size;
        Some((ptr::with_exposed_provenance_mut(block), true))
    })
}

/// Takes back a block of `size` bytes.
///
/// # Safety
/// It came from [`take`] for a size of the same class, and nobody uses it.
unsafe fn give_back(block: *mut u8, size: usize) {
    let (class, size) = class_of(size);
    let block = block.expose_provenance();
    OWN.with(|own| {
        // SAFETY: as in `take`.
        let list = unsafe { &mut (*own.get()).lists[class] };
        if list.length * size >= LIST_BYTES {
            give_away(class, size, std::mem::replace(list, List { first: 0, length: 0 }));
        }
        // SAFETY: nobody uses the block, which has room for the links.
        unsafe { (*links(block, size))[0] = list.first };
        *list = List { first: block, length: list.length + 1 };
    });
}

/// Lets all threads have `list`, whose blocks are free and of `size` bytes.
fn give_away(class: usize, size: usize, list: List) {
    if list.first != 0 {
        LISTS[class].push(list.first, |list| links(list, size).wrapping_byte_add(size_of::<usize>()).cast());
    }
}

impl Own {
    /// Takes the next part of the region; whether there was one.
    fn take_part(&mut self) -> bool {
        // What is left of the last part is less than one block; a thread that ends leaves more.
        if REMAINDERS.has_some() {
            let part = REMAINDERS.pop(ptr::with_exposed_provenance_mut).first;
            if part != 0 {
                (self.next, self.end) = (part, part.next_multiple_of(PART));
                // SAFETY: the remainder is this thread's alone; new blocks are all zeroes.
                unsafe { *ptr::with_exposed_provenance_mut::<usize>(part) = 0 };
                if self.end - self.next >= LARGEST {
                    return true;
                }
            }
        }
        let start = REGION_START.load(Ordering::Relaxed);
        // Parts end at multiples of their size, wherever the region begins.
        let part = NEXT_PART.fetch_add(PART, Ordering::Relaxed).next_multiple_of(PART);
        if part - start > REGION - PART {
            return false;
        }
        (self.next, self.end) = (part, part + PART);
        // A thread that is about to end may do without.
        let _ = LEAVING.try_with(|_| ());
        true
    }
}

impl Stack {
    fn has_some(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// Adds `member`; `link` is where it says which one is the next.
    fn push(&self, member: usize, link: impl Fn(usize) -> *mut usize) {
        let mut first = self.0.load(Ordering::Relaxed);
        loop {
            // SAFETY: nobody else has the member yet, and it has room for its link.
            unsafe { *link(member) = first };
            match self.0.compare_exchange_weak(first, member, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// Takes one; how long it is as a list is not known.
    fn pop(&self, link: impl Fn(usize) -> *mut usize) -> List {
        let first = self.0.swap(0, Ordering::Acquire);
        if first != 0 {
            // SAFETY: all members are this thread's now.
            let mut rest = unsafe { *link(first) };
            while rest != 0 {
                // SAFETY: as above.
                let next = unsafe { *link(rest) };
                self.push(rest, &link);
                rest = next;
            }
        }
        List { first, length: 0 }
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        OWN.with(|own| {
            // SAFETY: only this thread has it.
            let own = unsafe { &mut *own.get() };
            for (class, list) in own.lists.iter_mut().enumerate() {
                let size = if class <= FINE_CLASSES { class * UNIT } else { size_of_class(class) };
                give_away(class, size, std::mem::replace(list, List { first: 0, length: 0 }));
            }
            if own.end - own.next >= LARGEST {
                REMAINDERS.push(own.next, ptr::with_exposed_provenance_mut);
            }
            (own.next, own.end) = (0, 0);
        });
    }
}

/// The size of the blocks of a class beyond [`FINE`].
fn size_of_class(class: usize) -> usize {
    let (doubling, step) = ((class - FINE_CLASSES - 1) / 4, (class - FINE_CLASSES - 1) % 4 + 1);
    (FINE << doubling) / 4 * (4 + step)
}

// SAFETY: every block comes from the region or from `System` and goes back where it came from; `is_ours` tells which. A block of the
// region is nobody else's until it is given back, is as large as its class, and aligned to `UNIT`.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_for_region(layout)
            && let Some((block, _)) = take(layout.size())
        {
            return block;
        }
        // SAFETY: the caller's promise about `layout`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_for_region(layout)
            && let Some((block, is_new)) = take(layout.size())
        {
            if !is_new {
                // SAFETY: the block is at least so large.
                unsafe { block.write_bytes(0, layout.size()) };
            }
            return block;
        }
        // SAFETY: the caller's promise about `layout`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if is_ours(block) {
            // SAFETY: the caller's promise; a block's class follows from the size that it was asked for last.
            unsafe { give_back(block, layout.size()) }
        } else {
            // SAFETY: `block` came from `System` with `layout`.
            unsafe { System.dealloc(block, layout) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !is_ours(block) {
            // It stays where it came from.
            // SAFETY: `block` came from `System` with `layout`.
            return unsafe { System.realloc(block, layout, size) };
        }
        if size <= LARGEST && class_of(size).0 == class_of(layout.size()).0 {
            return block;
        }
        // SAFETY: the caller's promise about `size` and the alignment; both blocks are as large as what is copied.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                new.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::mpsc::sync_channel;
    use std::thread;

    use super::*;

    #[test]
    fn memory_of_before_the_change_can_grow_and_go_after_it() {
        let mut early: Vec<u64> = (0..100).collect();
        allocate_fast();
        early.extend(100..10_000);
        let late: Vec<String> = (0..1_000).map(|n| format!("text {n}")).collect();
        assert_eq!(is_ours(late[0].as_ptr().cast_mut()), cfg!(all(unix, target_pointer_width = "64")));
        for (size, align) in (1..200).flat_map(|size| [1, 2, 4, 8, 16, 32, 64].map(|align| (size, align))) {
            let layout = Layout::from_size_align(size, align).unwrap();
            let larger = Layout::from_size_align(size * 3, align).unwrap();
            // SAFETY: the sizes are not zero, and each block goes back with the layout that it has then.
            unsafe {
                let block = HEAP.alloc_zeroed(layout);
                assert!(block.addr().is_multiple_of(align) && (0..size).all(|at| *block.add(at) == 0));
                block.write_bytes(7, size);
                let block = HEAP.realloc(block, layout, larger.size());
                assert!(block.addr().is_multiple_of(align), "{layout:?}");
                assert!((0..size).all(|at| *block.add(at) == 7), "{layout:?}");
                block.write_bytes(7, larger.size());
                HEAP.dealloc(block, larger);
                let block = HEAP.alloc(layout);
                assert!(block.addr().is_multiple_of(align), "{layout:?}");
                HEAP.dealloc(block, layout);
            }
        }
        assert_eq!(early.iter().sum::<u64>(), 9_999 * 10_000 / 2);
        assert_eq!(late[999], "text 999");
    }

    #[test]
    fn every_size_has_a_class_that_is_large_enough_and_not_much_larger() {
        let mut last = 0;
        for size in 1..=LARGEST {
            let (class, rounded) = class_of(size);
            assert!(class < CLASSES && (last..=last + 1).contains(&class), "{size}");
            assert!(rounded >= size && rounded.is_multiple_of(UNIT), "{size}");
            assert!(rounded - size < UNIT.max(size.div_ceil(4) + 1), "{size}");
            let known = if class <= FINE_CLASSES { class * UNIT } else { size_of_class(class) };
            assert_eq!(known, rounded, "{size}");
            last = class;
        }
        assert_eq!(last, CLASSES - 1);
    }

    #[test]
    fn what_one_thread_takes_and_another_gives_back_is_used_again() {
        allocate_fast();
        let (sender, receiver) = sync_channel::<Vec<Vec<u8>>>(1);
        let consumer = thread::spawn(move || {
            for blocks in receiver {
                assert!(blocks.iter().all(|block| block.iter().all(|byte| *byte == 7)));
            }
        });
        let mut places = BTreeSet::new();
        for _ in 0..200 {
            let blocks: Vec<_> = (0..100).map(|_| vec![7; 5_000]).collect();
            places.extend(blocks.iter().map(|block| block.as_ptr().addr()));
            sender.send(blocks).expect("the other thread lives");
        }
        drop(sender);
        consumer.join().expect("it ends");
        // Of 20,000 blocks, 300 are there at a time; other tests have some too.
        assert!(places.len() < 3_000, "{}", places.len());
    }

    #[test]
    fn threads_that_end_leave_what_they_had() {
        allocate_fast();
        let block = || thread::spawn(|| vec![7_u8; 100].as_ptr().addr() / PART).join().expect("it ends");
        let parts: BTreeSet<_> = (0..500).map(|_| block()).collect();
        assert!(parts.len() < 100, "{}", parts.len());
    }
}
