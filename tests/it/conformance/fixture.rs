//! One fixture of the corpus with its server: started, checked, restarted.
//!
//! A server that dies or hangs must fail its own case and no other, so it is started again, but only so often:
//! a fixture that cannot be served at all must not cost its time limit for every case.

use std::time::Duration;

use crate::deadline::Deadline;
use crate::http::{self, Request};
use crate::process::Signal;
use crate::project::{Server, ServerCommand, TestProject};

/// How long a server may take to answer that it is alive.
const ALIVE_LIMIT: Duration = Duration::from_secs(3);
/// The route of every fixture that answers 200 as soon as its code runs.
const READY_PATH: &str = "/__ready";
/// How long an end may take to show after a connection broke.
const END_LIMIT: Duration = Duration::from_millis(500);
/// How often a dead or hanging server is started again.
const REVIVALS_MAX: u32 = 3;
/// Characters of output shown when a server does not come up.
const OUTPUT_SHOWN: usize = 1_000;

/// A private copy of a fixture and the server on it, if one runs.
pub struct Fixture {
    project: TestProject,
    command: ServerCommand,
    args: Vec<String>,
    ready_limit: Duration,
    server: Option<Server>,
    starts: u32,
    failure: Option<String>,
}

impl Fixture {
    /// A copy of the fixture `name`, not started; `args` follow the command's own.
    pub fn new(name: &str, args: &[String], ready_limit: Duration) -> Self {
        let project = TestProject::from_fixture(&format!("conformance/fixtures/{name}"));
        let args = [args, &own_arguments(&project)].concat();
        Self {
            project,
            command: ServerCommand::from_env(),
            args,
            ready_limit,
            server: None,
            starts: 0,
            failure: None,
        }
    }

    /// The files.
    pub fn project(&self) -> &TestProject {
        &self.project
    }

    /// The running server's port.
    pub fn port(&self) -> Result<u16, String> {
        self.server.as_ref().map(Server::port).ok_or_else(|| "the server does not run".to_owned())
    }

    /// Starts the server on the same files and state; an error shows the end of its output.
    pub fn start(&mut self) -> Result<(), String> {
        self.starts += 1;
        let mut server = self.spawn()?;
        let ready = server.wait_ready(self.ready_limit).map_err(|error| error.to_string());
        let checked = ready.and_then(|()| check_ready(&server));
        if checked.is_err() && server.process().exited().is_some() {
            server.process().wait_exit(Deadline::after(ALIVE_LIMIT));
        }
        let checked =
            checked.map_err(|error| format!("{error}; output: {}", end_of(&server.process().output())));
        self.failure = checked.clone().err();
        if checked.is_ok() {
            self.server = Some(server);
        }
        checked
    }

    /// Starts the server and returns without waiting.
    pub fn spawn(&self) -> Result<Server, String> {
        self.project
            .spawn(&self.command, &self.args.iter().map(String::as_str).collect::<Vec<_>>())
            .map_err(|error| format!("cannot start the command: {error}"))
    }

    /// Ends the server.
    pub fn stop(&mut self, signal: Signal) {
        match (self.server.take(), signal) {
            (Some(server), Signal::Term) => drop(server.stop()),
            (Some(server), Signal::Kill) => server.kill(),
            (None, _) => {}
        }
    }

    /// Makes sure that a server answers, starting or reviving it; an error once that was tried too often.
    pub fn revive(&mut self) -> Result<(), String> {
        if self.server.as_ref().is_some_and(|server| check_ready(server).is_ok()) {
            return Ok(());
        }
        self.stop(Signal::Kill);
        if self.starts > REVIVALS_MAX {
            let last = self.failure.as_deref().unwrap_or("it died or hung each time");
            return Err(format!("the server was started {} times: {last}", self.starts));
        }
        self.start()
    }

    /// What became of the server after `error`: adds its last words when it has ended.
    pub fn explain(&self, error: &str) -> String {
        let process = self.server.as_ref().map(Server::process);
        let ended = process.and_then(|process| {
            process.wait_exit(Deadline::after(END_LIMIT)).map(|status| (process, status))
        });
        match ended {
            Some((process, status)) => {
                format!("{error}; the server ended with {status}; output: {}", end_of(&process.output()))
            }
            None => error.to_owned(),
        }
    }

    /// Lines of output so far.
    pub fn line_count(&self) -> usize {
        self.server.as_ref().map_or(0, |server| server.process().line_count())
    }

    /// Waits for output beyond `seen` lines, until the deadline.
    pub fn wait_output(&self, seen: usize, deadline: Deadline) {
        if let Some(server) = &self.server {
            server.process().wait_output(seen, deadline);
        }
    }
}

/// What a fixture of several Workers adds to every command, from its `arguments.json`.
fn own_arguments(project: &TestProject) -> Vec<String> {
    let Ok(text) = std::fs::read_to_string(project.dir().join("arguments.json")) else { return Vec::new() };
    let arguments: Vec<String> = serde_json::from_str(&text).expect("a list of words");
    let dir = project.dir();
    arguments.iter().map(|word| word.replace("{dir}", &dir.to_string_lossy())).collect()
}

/// Whether the fixture's code answers.
fn check_ready(server: &Server) -> Result<(), String> {
    match http::exchange(server.port(), &Request::new("GET", READY_PATH), ALIVE_LIMIT) {
        Ok(response) if response.status == 200 => Ok(()),
        Ok(response) => Err(format!("{READY_PATH} answered {response}")),
        Err(error) => Err(format!("{READY_PATH}: {error}")),
    }
}

/// What a server did with a project that may be broken.
pub enum Start {
    Serving,
    Exited { success: bool },
    Neither,
}

/// Starts a server and watches what it does until `limit`; returns that and its output.
pub fn watch_start(fixture: &Fixture, words: &[String], limit: Duration) -> Result<(Start, String), String> {
    let mut server = fixture.spawn()?;
    let deadline = Deadline::after(limit);
    let start = loop {
        let seen = server.process().line_count();
        if server.process().exited().is_some() {
            let status = server.process().wait_exit(Deadline::after(ALIVE_LIMIT));
            break Start::Exited { success: status.is_some_and(|status| status.success()) };
        }
        if server.wait_ready(Duration::ZERO).is_ok() && check_ready(&server).is_ok() {
            break Start::Serving;
        }
        if deadline.passed() {
            break Start::Neither;
        }
        server.process().wait_output(seen, deadline);
    };
    // Warnings may come just after the address.
    let said = Deadline::after(if matches!(start, Start::Serving) { ALIVE_LIMIT } else { Duration::ZERO });
    let has_all = |output: &str| words.iter().all(|word| mentions(output, word));
    while !said.passed() && !has_all(&server.process().output()) {
        server.process().wait_output(server.process().line_count(), said);
    }
    Ok((start, server.process().output()))
}

/// Whether the output contains a word, in any case.
pub fn mentions(output: &str, word: &str) -> bool {
    output.to_lowercase().contains(&word.to_lowercase())
}

fn end_of(output: &str) -> String {
    let from = output.char_indices().rev().nth(OUTPUT_SHOWN).map_or(0, |(at, _)| at);
    output[from..].replace('\n', " | ")
}
