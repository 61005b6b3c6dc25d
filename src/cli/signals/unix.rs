//! Signals of Unix. The twin is `windows.rs`.

use std::io::{self, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use nix::sys::signal::{self as system, kill};
use nix::unistd::Pid;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use super::Signal;

/// Signals that were told and not taken yet.
#[derive(Debug)]
pub struct Signals {
    interrupt: Stream,
    terminate: Stream,
    hang_up: Stream,
    resumed: Option<Stream>,
}

impl Signals {
    /// Listens from now on, also for [`Signal::Resumed`] if `with_resumed`; to be called within a runtime with I/O.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn listen(with_resumed: bool) -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            resumed: with_resumed.then(|| signal(SignalKind::from_raw(libc::SIGCONT))).transpose()?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        let resumed = async {
            match &mut self.resumed {
                Some(resumed) => resumed.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.hang_up.recv() => Signal::HangUp,
            _ = resumed => Signal::Resumed,
        }
    }
}

/// What hands a signal on to `child`, which decides.
///
/// Ctrl-C on a terminal reaches the child by itself, as it belongs to the same group of processes.
///
/// # Errors
/// If `child` cannot be named.
pub fn forward(child: &Child) -> io::Result<impl FnMut(Signal) + Send + 'static> {
    let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
    let on_terminal = io::stdin().is_terminal();
    Ok(move |signal| {
        let signal = match signal {
            Signal::Interrupt if on_terminal => return,
            Signal::Interrupt => system::Signal::SIGINT,
            Signal::Terminate => system::Signal::SIGTERM,
            Signal::HangUp => system::Signal::SIGHUP,
            Signal::Resumed => return,
        };
        // The child may have ended already.
        let _ = kill(pid, signal);
    })
}

/// The exit code of `status`, as shells count it when a signal ended the process.
pub fn exit_code(status: ExitStatus) -> Option<i32> {
    const SIGNALLED: i32 = 128;
    status.code().or_else(|| status.signal().map(|signal| SIGNALLED + signal))
}
