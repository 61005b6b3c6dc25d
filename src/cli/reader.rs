//! Notices that nobody reads standard output any more, as in `dodev dev | head -1`.
//!
//! A program that goes on printing into a pipe without a reader is ended by the system; a server that prints nothing for a
//! while would run on unnoticed. So the pipe itself is watched. A terminal or a file is not: those have no reader that goes.

/// What shells show of a program that the system ended for writing to a pipe without a reader: 128 and the signal's number.
pub const BROKEN_PIPE: u8 = 141;

/// Calls `gone` once when the reader of standard output goes, if that is a pipe.
///
/// # Errors
/// When the system gives no thread to wait on.
#[cfg(unix)]
pub fn when_gone(gone: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;

    use nix::errno::Errno;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    let Ok(pipe) = std::io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from) else {
        return Ok(());
    };
    if !pipe.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
        return Ok(());
    }
    let watch = move || {
        // Nothing is asked for: only what is always told ends the wait.
        let mut fds = [PollFd::new(pipe.as_fd(), PollFlags::empty())];
        loop {
            match poll(&mut fds, PollTimeout::NONE) {
                Ok(_) => break,
                Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
        let told = fds[0].revents().unwrap_or(PollFlags::empty());
        if told.intersects(PollFlags::POLLERR | PollFlags::POLLHUP) {
            gone();
        }
    };
    std::thread::Builder::new().name("reader".to_owned()).stack_size(STACK_BYTES).spawn(watch).map(drop)
}

/// Enough for a thread that waits.
#[cfg(unix)]
const STACK_BYTES: usize = 64 * 1024;

/// Other systems tell who writes.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn when_gone(_: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    Ok(())
}
