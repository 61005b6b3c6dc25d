//! Hotkeys of `dodev dev`, on a terminal only.
//!
//! The terminal stops waiting for Enter and showing what is typed, and nothing else changes: Ctrl-C and Ctrl-Z
//! stay signals, lines are printed as ever. It is put back whenever the session ends. While another
//! job has the terminal nothing is read and nothing set, because that would stop this one.

use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, read, tcgetpgrp};

/// How long input waits when another job has the terminal.
const BACKGROUND_WAIT: Duration = Duration::from_millis(500);

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Open the page in a browser.
    Browser,
    /// Load everything again.
    Reload,
    /// Clear the screen.
    Clear,
    /// End the session.
    Exit,
    /// Yes to a question.
    Yes,
    /// No to a question; Enter is the same.
    No,
}

/// The terminal while hotkeys work.
#[derive(Debug, Clone)]
pub struct Keys(Arc<Terminal>);

/// Puts the terminal back when it is dropped, be it by a panic.
#[derive(Debug)]
pub struct Restored(pub Keys);

impl Drop for Restored {
    fn drop(&mut self) {
        self.0.restore();
    }
}

#[derive(Debug)]
struct Terminal {
    /// How the terminal was before; `None` when it is that way again.
    before: Mutex<Option<Termios>>,
}

impl Keys {
    /// Reads keys from standard input from now on, on a thread of its own; `press` must not wait.
    ///
    /// # Errors
    /// If standard input is no terminal or no thread can be started.
    pub fn start(press: impl FnMut(Key) + Send + 'static) -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let keys = Self(Arc::new(Terminal { before: Mutex::new(Some(before)) }));
        keys.listen();
        let reader = keys.clone();
        thread::Builder::new().name("keys".to_owned()).spawn(move || reader.read_all(press))?;
        Ok(keys)
    }

    /// Lets keys through one by one; again after another job has had the terminal.
    pub fn listen(&self) {
        let before = self.0.lock();
        let Some(before) = before.as_ref().filter(|_| is_foreground()) else { return };
        let mut single = before.clone();
        single.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO);
        single.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        single.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        // A terminal that cannot be set hands over whole lines, which work as well.
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &single);
    }

    /// Puts the terminal back as it was, for good.
    pub fn restore(&self) {
        if let Some(before) = self.0.lock().take()
            && is_foreground()
        {
            // There is nobody left to tell.
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &before);
        }
    }

    fn read_all(&self, mut press: impl FnMut(Key)) {
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
                Ok(length) => keys_in(&bytes[..length]).for_each(&mut press),
                Err(Errno::EINTR) => {}
                Err(_) => return,
            }
        }
    }
}

impl Terminal {
    fn lock(&self) -> MutexGuard<'_, Option<Termios>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this job has the terminal.
pub fn is_foreground() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

/// The keys among typed `bytes`. What arrows and function keys send begins with Escape and is none.
fn keys_in(bytes: &[u8]) -> impl Iterator<Item = Key> + '_ {
    let mut bytes = bytes.iter().map(u8::to_ascii_lowercase);
    std::iter::from_fn(move || {
        loop {
            match bytes.next()? {
                b'\x1b' if matches!(bytes.next()?, b'[' | b'o') => {
                    bytes.find(|byte| (b'@'..=b'~').contains(byte))?;
                }
                b'b' => return Some(Key::Browser),
                b'r' => return Some(Key::Reload),
                b'c' => return Some(Key::Clear),
                b'x' | b'q' => return Some(Key::Exit),
                b'y' => return Some(Key::Yes),
                b'n' | b'\n' | b'\r' => return Some(Key::No),
                _ => {}
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_keys_and_escape_sequences_are_not() {
        for (bytes, expected) in [
            (&b"b"[..], vec![Key::Browser]),
            (b"R c\nX", vec![Key::Reload, Key::Clear, Key::No, Key::Exit]),
            (b"yN", vec![Key::Yes, Key::No]),
            (b"q", vec![Key::Exit]),
            (b"\x1b[B", vec![]),
            (b"\x1bORc", vec![Key::Clear]),
            (b"\x1b[1;5Bx", vec![Key::Exit]),
            (b"\x1bb", vec![]),
            ("ü".as_bytes(), vec![]),
            (b"", vec![]),
        ] {
            assert_eq!(keys_in(bytes).collect::<Vec<_>>(), expected, "{bytes:?}");
        }
    }
}
