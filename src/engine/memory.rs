//! Memory from the system before it is needed, and back to it: the allocator keeps what was freed for isolates that may never come.

/// What keeps the memory that was fetched ahead with the allocator, until it is dropped.
#[derive(Debug)]
pub struct Fetched {
    _last: Option<Vec<u8>>,
}

/// Has the system hand out `bytes`, rounded down to 64 KB, which the calling thread allocates from afterwards.
///
/// A page takes a microsecond, or twenty where the machine has to get it from its host, and a thread that compiles takes one after
/// the other. Whoever knows that it soon will can do so while it waits. Does nothing where allocators are of another kind.
pub fn fetch_ahead(bytes: usize) -> Fetched {
    const BLOCK: usize = 64 * 1024;
    const PAGE: usize = 4 * 1024;
    let count = if cfg!(all(target_os = "linux", target_env = "gnu")) { bytes / BLOCK } else { 0 };
    let touched = |_| {
        let mut block = vec![0; BLOCK];
        block.chunks_mut(PAGE).for_each(|page| page[0] = 1);
        std::hint::black_box(block)
    };
    let mut blocks: Vec<Vec<u8>> = (0..count).map(touched).collect();
    // All but the last become one free piece; at its end, the allocator would give it back.
    Fetched { _last: blocks.pop() }
}

/// Gives back what is free. It takes milliseconds when there is much; for threads that end.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the function may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
