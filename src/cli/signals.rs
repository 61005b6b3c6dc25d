//! What the system tells a process that runs on a terminal: to stop, to end, that it goes on.
//!
//! One file for each kind of system. Both begin to listen at once, so that none is lost before somebody waits.

#[cfg_attr(unix, path = "signals/unix.rs")]
#[cfg_attr(windows, path = "signals/windows.rs")]
mod system;

pub use system::{Signals, exit_code, forward};

/// Something that the system told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// The process is to end.
    Terminate,
    /// The terminal is gone.
    HangUp,
    /// The process goes on after Ctrl-Z. Only Unix knows that.
    Resumed,
}
