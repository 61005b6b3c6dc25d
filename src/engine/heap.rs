//! The memory of one isolate: counted, limited, and refused with a note of why.
//!
//! The engine's own limit says nothing when it is met: an engine that has no memory left for an error throws `null`. So the
//! limit is held here, by the allocator, and whoever reads an exception can ask whether memory was refused. Everything
//! that JavaScript holds is allocated here: bytes that Rust made are copied.
//!
//! Allocation is also where loops in the engine's native code can be ended, which never ask whether to stop: a turn that is
//! far beyond its CPU time is refused memory.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rquickjs::allocator::Allocator;

use super::spares::{BLOCK, Spares};
use super::watchdog::Watchdog;
use crate::base::limits;

/// Allocations between two looks at the CPU clock; the engine takes small things in blocks.
const LOOK_EVERY: u32 = 64;
/// An allocation of this size looks at once, bytes.
const LOOK_BYTES: usize = 256 * 1024;

thread_local! {
    /// Whether memory was refused on this thread since [`forget_refusals`].
    static REFUSED: Cell<bool> = const { Cell::new(false) };
}

/// Whether an isolate of this thread was refused memory in the running turn.
pub fn was_refused() -> bool {
    REFUSED.get()
}

/// Begins anew to note refusals; for the start of a turn.
pub(super) fn forget_refusals() {
    REFUSED.set(false);
}

/// What an isolate uses and may use.
#[derive(Debug)]
pub struct Heap {
    used: Cell<usize>,
    taken: Cell<u64>,
    limit: Cell<usize>,
    unlimited: Cell<u32>,
    until_look: Cell<u32>,
    watchdog: RefCell<Option<Watchdog>>,
    spares: Spares,
}

impl Heap {
    pub(super) fn new(limit: usize) -> Rc<Self> {
        Rc::new(Self {
            used: Cell::new(0),
            taken: Cell::new(0),
            limit: Cell::new(limit),
            unlimited: Cell::new(0),
            until_look: Cell::new(LOOK_EVERY),
            watchdog: RefCell::new(None),
            spares: Spares::new(free),
        })
    }

    /// Refuses memory to turns that `watchdog` finds far beyond their time.
    pub(super) fn watch(&self, watchdog: Watchdog) {
        *self.watchdog.borrow_mut() = Some(watchdog);
    }

    /// Gives back what only the turn that ends may have wanted again.
    pub(super) fn end_turn(&self) {
        self.spares.shrink();
    }

    /// Changes the limit, bytes.
    pub(super) fn set_limit(&self, limit: usize) {
        self.limit.set(limit);
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used.get()
    }

    /// Whether so little is left that the isolate is of no more use, percent of the limit.
    pub fn is_nearly_full(&self) -> bool {
        self.is_beyond(limits::MEMORY_WORN_PERCENT)
    }

    /// Whether more than `percent` of the limit is in use.
    pub fn is_beyond(&self, percent: usize) -> bool {
        self.used.get() > self.limit.get() / 100 * percent
    }

    /// How many pieces were taken so far.
    pub fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// Bytes that may be in use.
    pub fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Lets `work` of the host's own have what it needs.
    pub(super) fn without_limit<R>(&self, work: impl FnOnce() -> R) -> R {
        self.unlimited.set(self.unlimited.get() + 1);
        let result = work();
        self.unlimited.set(self.unlimited.get() - 1);
        result
    }

    /// Whether `size` bytes more may be taken; notes it when they may not.
    fn allows(&self, size: usize) -> bool {
        if self.unlimited.get() > 0 {
            return true;
        }
        let fits = self.used.get().saturating_add(size) <= self.limit.get();
        let left = self.until_look.get();
        if fits && left > 0 && size < LOOK_BYTES {
            self.until_look.set(left - 1);
            return true;
        }
        self.until_look.set(LOOK_EVERY);
        let overdue = || self.watchdog.borrow().as_ref().is_some_and(Watchdog::poll_overdue);
        let allowed = fits && !overdue();
        if !allowed {
            REFUSED.set(true);
        }
        allowed
    }

    /// How many bytes more may be taken.
    pub fn room(&self) -> usize {
        match self.unlimited.get() {
            0 => self.limit.get().saturating_sub(self.used.get()),
            _ => usize::MAX,
        }
    }

    /// Counts `size` bytes that JavaScript uses and another allocator gave.
    pub fn charge(&self, size: usize) {
        self.add(size);
    }

    /// Gives back what [`Heap::charge`] counted, bytes.
    pub fn release(&self, size: usize) {
        self.subtract(size);
    }

    fn add(&self, size: usize) {
        self.used.set(self.used.get().wrapping_add(size));
    }

    fn subtract(&self, size: usize) {
        self.used.set(self.used.get().wrapping_sub(size));
    }
}

/// The C library's allocator, counted and limited.
pub(super) struct HeapAllocator(pub Rc<Heap>);

impl HeapAllocator {
    fn take(&self, size: usize, take: impl FnOnce() -> *mut u8) -> *mut u8 {
        self.0.taken.set(self.0.taken.get() + 1);
        if !self.0.allows(size) {
            return std::ptr::null_mut();
        }
        let place = take();
        self.0.add(size_of(place));
        place
    }
}

/// Gives `place` back to the C library.
///
/// # Safety
/// It must have come from there, and nobody may use it any more.
unsafe fn free(place: *mut u8) {
    // SAFETY: the caller says so.
    unsafe { libc::free(place.cast()) }
}

/// What the C library really gave at `place`, bytes; nothing for null.
fn size_of(place: *mut u8) -> usize {
    // SAFETY: `place` is null or was given by the C library and is not freed yet.
    #[cfg(target_os = "linux")]
    return unsafe { libc::malloc_usable_size(place.cast()) };
    // SAFETY: as above.
    #[cfg(target_vendor = "apple")]
    return unsafe { libc::malloc_size(place.cast()) };
    // SAFETY: as above.
    #[cfg(windows)]
    return if place.is_null() { 0 } else { unsafe { _msize(place.cast()) } };
    #[cfg(not(any(target_os = "linux", target_vendor = "apple", windows)))]
    compile_error!("say here how the C library tells the size of an allocation on this system");
}

#[cfg(windows)]
unsafe extern "C" {
    /// The C library's, of Windows alone.
    fn _msize(place: *mut libc::c_void) -> usize;
}

// SAFETY: all four functions are the C library's, whose alignment suits every type; sizes are its own.
unsafe impl Allocator for HeapAllocator {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        let spares = &self.0.spares;
        let take = || match Spares::suits(size) {
            true => match spares.take() {
                Some(block) => block.as_ptr(),
                // SAFETY: a plain call.
                None => unsafe { libc::malloc(BLOCK) }.cast(),
            },
            // SAFETY: as above.
            false => unsafe { libc::malloc(size) }.cast(),
        };
        self.take(size, take)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        // SAFETY: a plain call, which checks the product.
        self.take(count.saturating_mul(size), || unsafe { libc::calloc(count, size) }.cast())
    }

    unsafe fn dealloc(&mut self, place: *mut u8) {
        let size = size_of(place);
        self.0.subtract(size);
        // SAFETY: the caller says that `place` is ours and that nobody uses it any more.
        unsafe {
            if !self.0.spares.put(place, size) {
                free(place);
            }
        }
    }

    unsafe fn realloc(&mut self, place: *mut u8, size: usize) -> *mut u8 {
        let before = size_of(place);
        if size > before && !self.0.allows(size - before) {
            return std::ptr::null_mut();
        }
        // SAFETY: as above.
        let moved: *mut u8 = unsafe { libc::realloc(place.cast(), size) }.cast();
        if !moved.is_null() || size == 0 {
            self.0.subtract(before);
            self.0.add(size_of(moved));
        }
        moved
    }

    unsafe fn usable_size(place: *mut u8) -> usize {
        size_of(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_counted_given_back_and_limited() {
        let heap = Heap::new(10_000);
        let mut allocator = HeapAllocator(heap.clone());
        forget_refusals();
        let first = allocator.alloc(4_000);
        assert!(heap.used() >= 4_000 && !was_refused());
        assert!(allocator.calloc(2, 4_000).is_null());
        assert!(was_refused());
        let free = heap.without_limit(|| allocator.alloc(40_000));
        assert!(heap.used() >= 44_000 && heap.is_nearly_full());
        // SAFETY: both were given by this allocator.
        unsafe {
            let first = allocator.realloc(first, 2_000);
            assert!(!first.is_null(), "shrinking needs nothing");
            allocator.dealloc(first);
            allocator.dealloc(free);
        }
        assert_eq!(heap.used(), 0);
    }
}
