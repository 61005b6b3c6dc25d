//! File descriptors: as many as the system lets this process have.
//!
//! A server has one for each connection, and a few for each open database. The limit that a shell sets is meant for programs
//! that wait with `select`, and may be raised by anybody up to the one above it.

use std::net::TcpListener;

/// Lets so many connections wait to be accepted, as far as the system allows: what comes beyond is tried again a second later.
pub fn set_backlog(listener: &TcpListener, connections: u16) {
    #[cfg(unix)]
    {
        use std::os::fd::AsRawFd;
        // SAFETY: the descriptor is open, and a socket that listens may be told so again. What fails changes nothing.
        unsafe { libc::listen(listener.as_raw_fd(), connections.into()) };
    }
    // Windows gives what it has from the start.
    #[cfg(not(unix))]
    let _ = (listener, connections);
}

/// Raises the limit of open files to what is allowed; how many may be open then, as far as that can be told.
pub fn raise_limit() -> Option<usize> {
    #[cfg(unix)]
    {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the pointer is to a local that outlives the call.
        if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
            return None;
        }
        // macOS says that there is no limit and refuses more than this.
        let allowed = if cfg!(target_vendor = "apple") { limit.rlim_max.min(10_240) } else { limit.rlim_max };
        if limit.rlim_cur < allowed {
            let wanted = libc::rlimit { rlim_cur: allowed, ..limit };
            // SAFETY: as above.
            if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const wanted) } == 0 {
                limit = wanted;
            }
        }
        usize::try_from(limit.rlim_cur).ok()
    }
    // Handles have no such limit on Windows.
    #[cfg(not(unix))]
    None
}
