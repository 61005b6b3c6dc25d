//! Memory that was freed, back to the system: the allocator keeps it for isolates that may never come.

/// Gives back what is free. It takes milliseconds when there is much; for threads that end.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the function may be called at any time from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}
