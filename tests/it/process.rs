//! A server process under test: started, watched and always ended.
//!
//! Threads collect its output and wait for its end, so that a test waits for an event (a line, the exit)
//! until a deadline and never sleeps. The process leads a group of its own; whatever is left of the group
//! is killed when the leader has ended, and only then is the end reported. Unix only, as the signals are.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use crate::deadline::Deadline;

/// How long a server may take until it says that it is ready.
pub const READY_LIMIT: Duration = Duration::from_secs(20);
/// How long a server may take to end after SIGTERM before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(8);

/// The words that announce the address, followed by `http://<host>:<port>`.
const READY_WORDS: &str = "Ready on http://";
/// The same with `--json`.
const READY_EVENT: &str = r#""event":"ready""#;

/// What ends a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: asks to end in order.
    Term,
    /// SIGKILL: ends at once, like a crash.
    Kill,
}

/// Why a server is not ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReady {
    Exited(ExitStatus),
    TooSlow,
}

/// A running (or ended) process; dropping it ends it.
pub struct Process {
    pid: u32,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Standard output and standard error, in the order in which lines arrived.
    lines: Vec<String>,
    open_pipes: usize,
    exited: Option<ExitStatus>,
}

impl Process {
    /// Starts `program` in `dir` without input, without colour and without telemetry of peers.
    pub fn spawn(program: &OsStr, args: &[String], dir: &Path) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(args)
            .current_dir(dir)
            .envs([("CI", "1"), ("NO_COLOR", "1"), ("WRANGLER_SEND_METRICS", "false")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State { open_pipes: 2, ..State::default() }),
            changed: Condvar::new(),
        });
        let stdout = child.stdout.take().expect("piped above");
        let stderr = child.stderr.take().expect("piped above");
        let process = Self { pid: child.id(), shared: Arc::clone(&shared) };
        collect(stdout, Arc::clone(&shared));
        collect(stderr, Arc::clone(&shared));
        thread::spawn(move || watch(child, &shared));
        Ok(process)
    }

    /// Waits for the line that announces the address and returns its port.
    pub fn wait_ready(&self, deadline: Deadline) -> Result<u16, NotReady> {
        let state = self.wait_until(deadline, |state| ready_port(state).is_some() || state.exited.is_some());
        match (ready_port(&state), state.exited) {
            (_, Some(status)) => Err(NotReady::Exited(status)),
            (Some(port), None) => Ok(port),
            (None, None) => Err(NotReady::TooSlow),
        }
    }

    /// Waits until a line at or after number `from` contains `words`; returns the number after that line.
    pub fn wait_line(&self, from: usize, words: &str, deadline: Deadline) -> Option<usize> {
        let find = |state: &State| {
            state.lines.iter().skip(from).position(|line| line.contains(words)).map(|at| from + at + 1)
        };
        let state = self.wait_until(deadline, |state| find(state).is_some() || state.drained());
        find(&state)
    }

    /// Waits until there are more than `seen` lines, the process has ended, or the deadline has passed.
    pub fn wait_output(&self, seen: usize, deadline: Deadline) {
        drop(self.wait_until(deadline, |state| state.lines.len() > seen || state.exited.is_some()));
    }

    /// Waits for the end of the process and of its output.
    pub fn wait_exit(&self, deadline: Deadline) -> Option<ExitStatus> {
        self.wait_until(deadline, State::drained).exited
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// How many lines of output there are so far.
    pub fn line_count(&self) -> usize {
        self.shared.state().lines.len()
    }

    /// Everything written so far.
    pub fn output(&self) -> String {
        self.shared.state().lines.join("\n")
    }

    /// The exit status, once ended.
    pub fn exited(&self) -> Option<ExitStatus> {
        self.shared.state().exited
    }

    /// Ends the process group and returns the leader's status. After SIGTERM, it is killed when it is slow.
    pub fn stop(&self, signal: Signal) -> ExitStatus {
        let limit = match signal {
            Signal::Term => STOP_LIMIT,
            Signal::Kill => Duration::ZERO,
        };
        if signal == Signal::Term {
            self.signal(signal);
        }
        if let Some(status) = self.wait_until(Deadline::after(limit), |state| state.exited.is_some()).exited {
            return status;
        }
        self.signal(Signal::Kill);
        let ended = self.wait_until(Deadline::after(STOP_LIMIT), |state| state.exited.is_some()).exited;
        ended.expect("nothing survives SIGKILL")
    }

    /// Signals the group unless its leader has been waited for: its number may belong to others then.
    fn signal(&self, signal: Signal) {
        let state = self.shared.state();
        if state.exited.is_none() {
            signal_group(self.pid, signal);
        }
    }

    fn wait_until(&self, deadline: Deadline, holds: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self.shared.state();
        let waited = self.shared.changed.wait_timeout_while(state, deadline.left(), |state| !holds(state));
        waited.expect("no holder panics").0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop(Signal::Term);
    }
}

impl State {
    /// Whether the process has ended and all its output is here.
    fn drained(&self) -> bool {
        self.exited.is_some() && self.open_pipes == 0
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder panics")
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "the server ended with {status}"),
            Self::TooSlow => f.write_str("the server did not become ready in time"),
        }
    }
}

/// Copies a pipe's lines into the shared state until its end.
fn collect(pipe: impl Read + Send + 'static, shared: Arc<Shared>) {
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            shared.change(|state| state.lines.push(text));
            line.clear();
        }
        shared.change(|state| state.open_pipes -= 1);
    });
}

/// Waits for the leader, ends the rest of its group and reports the end.
fn watch(mut child: Child, shared: &Shared) {
    let status = child.wait().expect("a child can be waited for");
    // A group keeps its number while it has members, so this reaches this server's own children or nobody.
    signal_group(child.id(), Signal::Kill);
    shared.change(|state| state.exited = Some(status));
}

/// Sends a signal through the shell's built-in `kill`, which every Unix has; the group may be gone already.
fn signal_group(pid: u32, signal: Signal) {
    let name = match signal {
        Signal::Term => "TERM",
        Signal::Kill => "KILL",
    };
    let script = format!("kill -s {name} -- -{pid}");
    let sent = Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    sent.expect("a shell can be started");
}

fn ready_port(state: &State) -> Option<u16> {
    state.lines.iter().rev().find_map(|line| {
        let as_event = || line.split_once(READY_EVENT)?.1.split_once("http://");
        let (_, address) = line.split_once(READY_WORDS).or_else(as_event)?;
        let (_, port) = address.split_once(':')?;
        let digits = port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len());
        port[..digits].parse().ok()
    })
}

mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        let args = ["-c".to_owned(), script.to_owned()];
        Process::spawn(OsStr::new("sh"), &args, Path::new(".")).expect("a shell starts")
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(10))
    }

    #[test]
    fn finds_the_port_and_stops_in_order() {
        let process = shell(
            "trap 'echo bye; exit 3' TERM; echo 'Ready on http://127.0.0.1:4567/ now'; tail -f /dev/null & wait",
        );
        assert_eq!(process.wait_ready(soon()), Ok(4567));
        let seen = process.line_count();
        assert_eq!(process.stop(Signal::Term).code(), Some(3));
        assert!(process.wait_line(seen, "bye", soon()).is_some(), "{}", process.output());
        assert_eq!(process.exited().and_then(|status| status.code()), Some(3));
    }

    #[test]
    fn kill_leaves_no_time_and_children_end_too() {
        // The grandchild holds the pipes: they close only when it has been ended as well.
        let process = shell("trap 'echo bye' TERM; tail -f /dev/null & echo up; wait");
        assert_eq!(process.wait_line(0, "up", soon()), Some(1));
        assert_eq!(process.stop(Signal::Kill).code(), None);
        assert!(process.wait_exit(soon()).is_some(), "the grandchild still holds the output");
        assert_eq!(process.output(), "up");
    }

    #[test]
    fn an_early_end_and_silence_are_told_apart() {
        let ended = shell("echo oops >&2; exit 2");
        assert!(
            matches!(ended.wait_ready(soon()), Err(NotReady::Exited(status)) if status.code() == Some(2))
        );
        ended.wait_exit(soon()).expect("it ended");
        assert_eq!(ended.output(), "oops");
        let silent = shell("tail -f /dev/null");
        assert_eq!(silent.wait_ready(Deadline::after(Duration::from_millis(20))), Err(NotReady::TooSlow));
    }
}
