//! The terminal of Unix while hotkeys work. The twin is `windows.rs`.

use std::io;
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, read, tcgetpgrp};

/// How long input waits when another job has the terminal.
const BACKGROUND_WAIT: Duration = Duration::from_millis(500);

/// Standard input's terminal.
#[derive(Debug)]
pub struct Terminal {
    /// How the terminal was before; `None` when it is that way again.
    before: Mutex<Option<Termios>>,
}

impl Terminal {
    /// The terminal as it is.
    ///
    /// # Errors
    /// If standard input is none.
    pub fn open() -> io::Result<Self> {
        Ok(Self { before: Mutex::new(Some(tcgetattr(io::stdin())?)) })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Termios>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets keys through one by one.
    pub fn listen(&self) {
        let before = self.lock();
        let Some(before) = before.as_ref().filter(|_| is_foreground()) else { return };
        let mut single = before.clone();
        single.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        single.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        single.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        // A terminal that cannot be set hands over whole lines, which work as well.
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &single);
    }

    /// Puts it back as it was, for good.
    pub fn restore(&self) {
        if let Some(before) = self.lock().take()
            && is_foreground()
        {
            // There is nobody left to tell.
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &before);
        }
    }

    /// Hands `typed` all bytes that are typed, until there are no more.
    pub fn read_all(&self, mut typed: impl FnMut(&[u8])) {
        let stdin = io::stdin();
        let mut bytes = [0; 64];
        loop {
            let mut waiting = [PollFd::new(stdin.as_fd(), PollFlags::POLLIN)];
            match poll(&mut waiting, PollTimeout::NONE) {
                Ok(_) => {}
                Err(Errno::EINTR) => continue,
                Err(_) => return,
            }
            if !is_foreground() {
                thread::sleep(BACKGROUND_WAIT);
                continue;
            }
            match read(stdin.as_fd(), &mut bytes) {
                Ok(0) => return,
                Ok(length) => typed(&bytes[..length]),
                Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }
}

/// Whether this job has the terminal.
pub fn is_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}
