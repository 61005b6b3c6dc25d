//! Processes of Unix: `/bin/sh`, process groups, signals. The twin is `windows.rs`.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// The program that a shell would run for `name`.
pub fn program(name: &OsStr) -> Command {
    Command::new(name)
}

/// The system's shell, to run `line`.
pub fn shell(line: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line);
    command
}

/// Has `command` start as the first of a group of its own, which Ctrl-C in the terminal does not reach.
pub fn in_own_group(command: &mut Command) {
    command.process_group(0);
}

/// A process that was started [`in_own_group`], and all that it started.
#[derive(Debug)]
pub struct Group(Pid);

impl Group {
    /// That of `child`; `None` if it cannot be told.
    pub fn of(child: &Child) -> Option<Self> {
        i32::try_from(child.id()).ok().map(|pid| Self(Pid::from_raw(pid)))
    }

    /// Asks all of them to end.
    pub fn end(self) {
        // They may have ended by themselves just now.
        let _ = killpg(self.0, Signal::SIGTERM);
    }
}

/// Asks `child` to end in order, if it still runs.
///
/// # Errors
/// If the system does not allow it.
pub fn ask_to_end(child: &mut Child) -> io::Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    kill(Pid::from_raw(pid), Signal::SIGTERM).map_err(Into::into)
}
