//! A pseudo terminal with a command on it. Linux only.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::project::{BINARY, TestProject};

const LIMIT: Duration = Duration::from_secs(15);

/// A command that runs on a terminal of its own; dropping it kills it.
pub struct OnTerminal {
    terminal: nix::pty::OpenptyResult,
    child: Child,
    chunks: mpsc::Receiver<String>,
    /// What was printed and not expected yet.
    text: String,
}

impl OnTerminal {
    /// `dodev dev` on any port.
    pub fn dev(project: &TestProject, args: &[&str]) -> Self {
        Self::start(project, &[&["dev", "--port", "0"], args].concat())
    }

    /// `dodev <words>` in the project's folder, 80 columns wide.
    pub fn start(project: &TestProject, words: &[&str]) -> Self {
        let size = nix::pty::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = nix::pty::openpty(Some(&size), None).expect("a pseudo terminal");
        let end = || Stdio::from(terminal.slave.try_clone().expect("a descriptor"));
        // `setsid` makes it the controlling terminal, which is not possible here without unsafe code.
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", BINARY]).args(words).current_dir(project.dir());
        command.env("NO_COLOR", "1").env("TERM", "xterm").env_remove("CI");
        command.stdin(end()).stdout(end()).stderr(end()).process_group(0);
        let child = command.spawn().expect("util-linux is there");
        let mut master = File::from(terminal.master.try_clone().expect("a descriptor"));
        let (sender, chunks) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(length @ 1..) = master.read(&mut bytes) {
                drop(sender.send(String::from_utf8_lossy(&bytes[..length]).into_owned()));
            }
        });
        Self { terminal, child, chunks, text: String::new() }
    }

    /// Waits until `words` are printed; gives what was printed since the last ones, these included.
    pub fn expect(&mut self, words: &str) -> String {
        let deadline = Deadline::after(LIMIT);
        loop {
            if let Some(at) = self.text.find(words) {
                let rest = self.text.split_off(at + words.len());
                return std::mem::replace(&mut self.text, rest);
            }
            match self.chunks.recv_timeout(deadline.left()) {
                Ok(chunk) => self.text += &chunk,
                Err(_) => panic!("`{words}` is missing in:\n{}", self.text),
            }
        }
    }

    /// Types `keys`.
    pub fn type_key(&self, keys: &str) {
        let master = self.terminal.master.try_clone().expect("a descriptor");
        File::from(master).write_all(keys.as_bytes()).expect("the terminal is open");
    }

    /// Whether the terminal waits for Enter and shows what is typed.
    pub fn waits_for_enter(&self) -> bool {
        let flags = nix::sys::termios::tcgetattr(&self.terminal.slave).expect("a terminal").local_flags;
        flags.contains(nix::sys::termios::LocalFlags::ICANON | nix::sys::termios::LocalFlags::ECHO)
    }

    /// Waits for the end of the command.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.type_key("\x03");
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}
