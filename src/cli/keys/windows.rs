//! The console of Windows while hotkeys work. The twin is `unix.rs`.
//!
//! Keys are taken as the console's events, which need no change of its mode: nothing is shown, nothing waits for Enter, and
//! Ctrl-C stays a signal. So there is nothing to put back.

use std::io::{self, IsTerminal};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read};

/// Standard input's console.
#[derive(Debug)]
pub struct Terminal;

impl Terminal {
    /// The console as it is.
    ///
    /// # Errors
    /// If standard input is none.
    pub fn open() -> io::Result<Self> {
        if io::stdin().is_terminal() { Ok(Self) } else { Err(io::ErrorKind::Unsupported.into()) }
    }

    /// Keys come one by one as soon as they are read.
    pub fn listen(&self) {}

    /// Nothing was changed.
    pub fn restore(&self) {}

    /// Hands `typed` all characters that are typed, until there are no more.
    pub fn read_all(&self, mut typed: impl FnMut(&[u8])) {
        while let Ok(event) = read() {
            if let Event::Key(key) = event
                && let Some(character) = character(&key)
            {
                typed(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
    }
}

/// What a key types; nothing for one that is let go, or pressed together with Ctrl or Alt.
fn character(key: &KeyEvent) -> Option<char> {
    if key.kind == KeyEventKind::Release
        || key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
    {
        return None;
    }
    match key.code {
        KeyCode::Char(character) => Some(character),
        KeyCode::Enter => Some('\n'),
        _ => None,
    }
}

/// Whether this process has the console: there are no jobs that take it.
pub fn is_foreground() -> bool {
    io::stdin().is_terminal()
}
