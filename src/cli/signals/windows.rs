//! What the console tells its processes on Windows. The twin is `unix.rs`.

use std::io;
use std::process::{Child, ExitStatus};

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
};

use super::Signal;

/// What was told and not taken yet.
#[derive(Debug)]
pub struct Signals {
    interrupt: CtrlC,
    terminate: CtrlBreak,
    closed: CtrlClose,
    shutdown: CtrlShutdown,
}

impl Signals {
    /// Listens from now on; to be called within a runtime. Jobs do not stop here, so none is resumed.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn listen(_with_resumed: bool) -> io::Result<Self> {
        Ok(Self {
            interrupt: ctrl_c()?,
            terminate: ctrl_break()?,
            closed: ctrl_close()?,
            shutdown: ctrl_shutdown()?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.closed.recv() => Signal::HangUp,
            _ = self.shutdown.recv() => Signal::Terminate,
        }
    }
}

/// What hands a signal on to `child`: nothing, as the console tells every process that is attached to it.
///
/// # Errors
/// Never.
pub fn forward(_child: &Child) -> io::Result<impl FnMut(Signal) + Send + 'static> {
    Ok(|_signal| {})
}

/// The exit code of `status`.
pub fn exit_code(status: ExitStatus) -> Option<i32> {
    status.code()
}
