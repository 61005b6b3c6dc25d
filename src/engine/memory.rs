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

/// Lets the system take the program's own pages, code and constants, out of what this process holds: of those that a start
/// touched, most are not needed again soon. What is needed comes back from the file's cache, some pages at a time.
///
/// Only segments that nobody writes are let go; what was relocated stays. Does nothing but on Linux.
pub fn release_program() {
    #[cfg(target_os = "linux")]
    // SAFETY: the callback is given a valid description of each object that is loaded, for the time of the call.
    unsafe {
        libc::dl_iterate_phdr(Some(release_first), std::ptr::null_mut());
    }
}

/// Releases the segments of the first object, the program, and has the system tell of no other.
#[cfg(target_os = "linux")]
unsafe extern "C" fn release_first(
    object: *mut libc::dl_phdr_info,
    _size: usize,
    _data: *mut libc::c_void,
) -> libc::c_int {
    // SAFETY: the caller's promise.
    let (base, segments) = unsafe {
        let object = &*object;
        (object.dlpi_addr as usize, std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()))
    };
    // SAFETY: a number that the system knows.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    for segment in segments {
        if segment.p_type != libc::PT_LOAD || segment.p_flags & libc::PF_W != 0 {
            continue;
        }
        let start = (base + segment.p_vaddr as usize) / page * page;
        let end = (base + segment.p_vaddr as usize + segment.p_memsz as usize).next_multiple_of(page);
        // SAFETY: pages that nobody writes are the file's, and are read from it again.
        unsafe {
            libc::madvise(start as *mut libc::c_void, end - start, libc::MADV_DONTNEED);
        }
    }
    1
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    /// What this process holds of files in memory, KB.
    fn held_of_files() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("the system tells of processes");
        let line = status.lines().find_map(|line| line.strip_prefix("RssFile:")).expect("a line about files");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    #[test]
    fn a_program_that_is_released_runs_on() {
        let before = held_of_files();
        super::release_program();
        let after = held_of_files();
        assert!(after < before * 3 / 4, "{before} KB of files became {after}");
    }
}
