//! Hotkeys of `dodev dev`, on a terminal only.
//!
//! The terminal stops waiting for Enter and showing what is typed, and nothing else changes: Ctrl-C and Ctrl-Z
//! stay signals, lines are printed as ever. It is put back whenever the session ends. While another
//! job has the terminal nothing is read and nothing set, because that would stop this one. How that is done is the
//! system's: a file for each kind.

#[cfg_attr(unix, path = "keys/unix.rs")]
#[cfg_attr(windows, path = "keys/windows.rs")]
mod system;

use std::io;
use std::sync::Arc;
use std::thread;

use system::Terminal;
pub use system::is_foreground;

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

impl Keys {
    /// Reads keys from standard input from now on, on a thread of its own; `press` must not wait.
    ///
    /// # Errors
    /// If standard input is no terminal or no thread can be started.
    pub fn start(mut press: impl FnMut(Key) + Send + 'static) -> io::Result<Self> {
        let keys = Self(Arc::new(Terminal::open()?));
        keys.listen();
        let terminal = keys.0.clone();
        let read = move || terminal.read_all(|bytes| keys_in(bytes).for_each(&mut press));
        thread::Builder::new().name("keys".to_owned()).spawn(read)?;
        Ok(keys)
    }

    /// Lets keys through one by one; again after another job has had the terminal.
    pub fn listen(&self) {
        self.0.listen();
    }

    /// Puts the terminal back as it was, for good.
    pub fn restore(&self) {
        self.0.restore();
    }
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
