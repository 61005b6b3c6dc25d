//! Starts a server for tests that were not started by `dodev test`.
//!
//! It is a process, as the bundler of a server is one that the program starts from itself.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use serde_json::Value as Json;
use tempfile::TempDir;

use super::failure::TestError;
use super::server::Server;
use crate::base::process::ask_to_end;
use crate::inspect::ServerNote;

/// How a server is started: `dodev dev` on a free port, with fresh state in a temporary directory.
#[derive(Debug, Clone)]
pub struct Start {
    dir: PathBuf,
    args: Vec<OsString>,
    program: OsString,
}

impl Start {
    /// For the project in `dir`, by the program that `DODEV_BIN` names, else by `dodev` on the path.
    pub fn new(dir: impl AsRef<Path>) -> Self {
        let program = std::env::var_os("DODEV_BIN").unwrap_or_else(|| "dodev".into());
        Self { dir: dir.as_ref().to_owned(), args: Vec::new(), program }
    }

    /// Adds a flag of `dodev dev`, or its value. State that `--persist-to` names is not removed.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Starts this binary.
    #[must_use]
    pub fn program(mut self, program: impl Into<OsString>) -> Self {
        self.program = program.into();
        self
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When the project does not start, with the mistakes and their places.
    pub fn start(self) -> Result<Server, TestError> {
        let failed =
            |what: &str, error: &dyn std::fmt::Display| TestError::NotStarted(format!("{what}: {error}"));
        let mut command = Command::new(&self.program);
        command.args(["dev", "--port", "0", "--json"]);
        let is_given = |arg: &OsString| {
            let text = arg.to_string_lossy();
            text == "--persist-to" || text.starts_with("--persist-to=")
        };
        let state = match self.args.iter().any(is_given) {
            true => None,
            false => {
                let state = tempfile::Builder::new().prefix("dodev-test-").tempdir();
                Some(state.map_err(|error| failed("cannot make a directory for the state", &error))?)
            }
        };
        if let Some(state) = &state {
            command.arg("--persist-to").arg(state.path());
        }
        command.args(&self.args).current_dir(&self.dir).stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn();
        let child =
            child.map_err(|error| failed(&format!("cannot run {}", self.program.display()), &error))?;
        let mut running = Running { child, _state: state };
        let stdout = running.child.stdout.take().expect("piped above");
        let mut lines = BufReader::new(stdout);
        let ready = first_answer(&mut lines)?;
        drain(lines).map_err(|error| failed("cannot start a thread", &error))?;
        let own = Path::new(ready["state"].as_str().unwrap_or_default()).join("v3/dodev");
        let missing = || TestError::NotStarted(format!("there is no server.json in `{}`", own.display()));
        let note = ServerNote::read(&own).ok_or_else(missing)?;
        Server::started(&note.url, note.token, running)
    }
}

/// A process that was started, and its state.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    _state: Option<TempDir>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(ask_to_end(&mut self.child));
        drop(self.child.wait());
    }
}

/// The event that says that the server is ready; an error if it says why it is not.
fn first_answer(lines: &mut BufReader<ChildStdout>) -> Result<Json, TestError> {
    let mut line = String::new();
    loop {
        line.clear();
        match lines.read_line(&mut line) {
            Ok(0) => return Err(TestError::NotStarted("dodev ended before it was ready".to_owned())),
            Ok(_) => {}
            Err(error) => {
                return Err(TestError::NotStarted(format!("cannot read what dodev tells: {error}")));
            }
        }
        let Ok(event) = serde_json::from_str::<Json>(&line) else { continue };
        match event["event"].as_str() {
            Some("ready") => return Ok(event),
            Some("broken" | "failed") => return Err(TestError::NotStarted(reasons(&event))),
            _ => {}
        }
    }
}

/// Reads the rest, so that the server never waits for us.
fn drain(mut lines: BufReader<ChildStdout>) -> std::io::Result<()> {
    let read = move || drop(std::io::copy(&mut lines, &mut std::io::sink()));
    thread::Builder::new().name("dodev output".to_owned()).spawn(read).map(drop)
}

/// What is wrong, in lines.
fn reasons(event: &Json) -> String {
    let mut lines = vec!["the project does not start:".to_owned()];
    lines.extend(event["message"].as_str().map(str::to_owned));
    for diagnostic in event["diagnostics"].as_array().into_iter().flatten() {
        let label = &diagnostic["labels"][0];
        let place = match label["file"].as_str() {
            Some(file) => format!("{file}:{}:{}: ", label["line"], label["column"]),
            None => String::new(),
        };
        let text = |key: &str| diagnostic[key].as_str().unwrap_or_default();
        lines.push(format!("{place}{}: {}", text("severity"), text("message")));
    }
    lines.join("\n  ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reasons_name_their_places() {
        let event = json!({ "event": "broken", "diagnostics": [
            { "severity": "error", "message": "no", "labels": [{ "file": "a.ts", "line": 1, "column": 2 }] },
            { "severity": "error", "message": "nowhere", "labels": [] },
        ] });
        let expected = "the project does not start:\n  a.ts:1:2: error: no\n  error: nowhere";
        assert_eq!(reasons(&event), expected);
        assert_eq!(reasons(&json!({ "message": "x" })), "the project does not start:\n  x");
    }

    #[test]
    fn a_program_that_is_missing_is_told() {
        let error = Start::new(".").program("/nowhere/dodev").start().expect_err("it is missing");
        assert!(error.to_string().starts_with("cannot run /nowhere/dodev: "), "{error}");
    }
}
