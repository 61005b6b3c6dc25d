//! A Worker project in a temporary directory, and the server that runs it.
//!
//! Tests go through the real binary: `TestProject` owns the files and the state folder, `Server` is one run
//! of `dodev dev` on them. The directory outlives restarts and goes away with the project. To try a test
//! against another tool, `DODEV_CONFORMANCE_CMD` replaces the command (see [`ServerCommand`]).

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::deadline::Deadline;
use crate::http::{self, EXCHANGE_LIMIT, Request, Response};
use crate::process::{NotReady, Process, READY_LIMIT, Signal};

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_dodev");

/// The repository's root.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// How a server is started: words in which `{config}`, `{port}`, `{state}` and `{dir}` are replaced.
#[derive(Debug, Clone)]
pub struct ServerCommand {
    words: Vec<String>,
}

impl ServerCommand {
    /// `dodev dev` on a free port, or what `DODEV_CONFORMANCE_CMD` says (words separated by blanks).
    pub fn from_env() -> Self {
        let ours = || {
            let args = ["dev", "--config", "{config}", "--port", "{port}", "--persist-to", "{state}"];
            [BINARY].iter().chain(&args).map(|word| (*word).to_owned()).collect()
        };
        let words = std::env::var("DODEV_CONFORMANCE_CMD")
            .map_or_else(|_| ours(), |line| line.split_whitespace().map(str::to_owned).collect());
        Self { words }
    }

    /// `dodev` with these words, some of which may be replaced as above.
    pub fn from_words(words: &[&str]) -> Self {
        Self { words: [BINARY].iter().chain(words).map(|word| (*word).to_owned()).collect() }
    }

    /// The same, where no file can grow beyond `kilobytes`: as if the disk were full then.
    pub fn with_file_limit(kilobytes: usize) -> Self {
        Self::wrapped(&format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", kilobytes * 2))
    }

    /// The same, as the arguments of a shell script.
    pub fn wrapped(script: &str) -> Self {
        let mut words = ["sh", "-c", script, "sh"].map(str::to_owned).to_vec();
        words.extend(Self::from_env().words);
        Self { words }
    }

    /// The same, with a variable of the environment.
    pub fn with_variable(name: &str, value: &Path) -> Self {
        let mut words = vec!["env".to_owned(), format!("{name}={}", value.display())];
        words.extend(Self::from_env().words);
        Self { words }
    }

    /// Whether another tool stands in for dodev.
    pub fn is_replaced() -> bool {
        std::env::var_os("DODEV_CONFORMANCE_CMD").is_some()
    }
}

/// A project's files and state in a temporary directory.
pub struct TestProject {
    root: TempDir,
}

impl TestProject {
    /// A project with these files: path and text.
    pub fn with_files(files: &[(&str, &str)]) -> Self {
        let project =
            Self { root: tempfile::Builder::new().prefix("dodev-it-").tempdir().expect("a directory") };
        fs::create_dir(project.dir()).expect("the root is ours");
        fs::create_dir(project.state_dir()).expect("the root is ours");
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// A copy of `fixtures/<name>`, so that a test may change it.
    pub fn from_fixture(name: &str) -> Self {
        let project = Self::with_files(&[]);
        let source = repository().join("fixtures").join(name);
        let shared = repository().join("fixtures/shared");
        for (from, to) in [(source, project.dir()), (shared, project.root.path().join("shared"))] {
            copy_tree(&from, &to).unwrap_or_else(|error| panic!("copying fixture {name}: {error}"));
        }
        project
    }

    /// The folder of the configuration and sources.
    pub fn dir(&self) -> PathBuf {
        self.root.path().join("project")
    }

    /// The folder given as `--persist-to`.
    pub fn state_dir(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// The configuration file; `wrangler.jsonc` when there is none, so that a test can see it missed.
    pub fn config(&self) -> PathBuf {
        let names = ["wrangler.jsonc", "wrangler.json", "wrangler.toml"];
        let found = names.iter().map(|name| self.dir().join(name)).find(|path| path.exists());
        found.unwrap_or_else(|| self.dir().join(names[0]))
    }

    /// Reads a file of the project.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.dir().join(path)).unwrap_or_else(|error| panic!("reading {path}: {error}"))
    }

    /// Writes a file of the project, with the folders above it.
    pub fn write(&self, path: &str, text: &str) {
        let full = self.dir().join(path);
        fs::create_dir_all(full.parent().expect("inside the project")).expect("the project is ours");
        fs::write(&full, text).unwrap_or_else(|error| panic!("writing {path}: {error}"));
    }

    /// Replaces `find` by `replace` in a file; an error says that the text is not there.
    pub fn edit(&self, path: &str, find: &str, replace: &str) -> Result<(), String> {
        let text = self.read(path);
        if !text.contains(find) {
            return Err(format!("`{find}` is not in {path}"));
        }
        self.write(path, &text.replace(find, replace));
        Ok(())
    }

    /// Starts a server and waits until it is ready; panics with the output when it is not.
    pub fn start(&self) -> Server {
        self.start_with(&[])
    }

    /// As `start`, with `args` after the command's own.
    pub fn start_with(&self, args: &[&str]) -> Server {
        let mut server = self.spawn(&ServerCommand::from_env(), args).expect("the command can be started");
        if let Err(error) = server.wait_ready(READY_LIMIT) {
            panic!("{error}; output:\n{}", server.process.output());
        }
        server
    }

    /// Starts a server with `args` after the command's own and does not wait.
    pub fn spawn(&self, command: &ServerCommand, args: &[&str]) -> io::Result<Server> {
        let places = [
            ("{config}", self.config()),
            ("{state}", self.state_dir()),
            ("{dir}", self.dir()),
            ("{port}", PathBuf::from("0")),
        ];
        let mut words = command.words.iter().map(|word| {
            places.iter().fold(word.clone(), |word, (name, path)| word.replace(name, &path.to_string_lossy()))
        });
        let program = OsString::from(words.next().expect("a command has words"));
        let all: Vec<String> = words.chain(args.iter().map(|arg| (*arg).to_owned())).collect();
        Ok(Server { process: Process::spawn(&program, &all, &self.dir())?, port: 0 })
    }

    /// Runs `dodev <args>` in the project to its end.
    pub fn dodev(&self, args: &[&str]) -> Output {
        let mut command = std::process::Command::new(BINARY);
        command.args(args).current_dir(self.dir()).env("NO_COLOR", "1").stdin(std::process::Stdio::null());
        command.output().expect("the binary can be started")
    }
}

/// One run of the server; dropping it ends it.
pub struct Server {
    process: Process,
    port: u16,
}

impl Server {
    /// Waits for the announced address, until `limit`.
    pub fn wait_ready(&mut self, limit: Duration) -> Result<(), NotReady> {
        self.port = self.process.wait_ready(Deadline::after(limit))?;
        Ok(())
    }

    /// The port it serves on; known once it is ready.
    pub fn port(&self) -> u16 {
        assert_ne!(self.port, 0, "the server is not ready");
        self.port
    }

    /// The process, for its output and its end.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// GET `path`; panics with the server's output when there is no answer.
    pub fn get(&self, path: &str) -> Response {
        self.request(&Request::new("GET", path))
    }

    /// Sends a request; panics with the server's output when there is no answer.
    pub fn request(&self, request: &Request) -> Response {
        http::exchange(self.port(), request, EXCHANGE_LIMIT).unwrap_or_else(|error| {
            panic!("no answer to {request:?}: {error}; output:\n{}", self.process.output())
        })
    }

    /// Asks the control API for `path`, below its own; panics with the server's output when there is no answer in JSON.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        http::control(self.port(), method, path, body)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}; output:\n{}", self.process.output()))
    }

    /// Moves the server's clock on by `span`, written as on the command line: `10s`.
    pub fn advance(&self, span: &str) {
        let (status, report) = self.control("POST", "time/advance", &json!({ "by": span }));
        assert_eq!(status, 200, "{report}");
    }

    /// Asks it to end (SIGTERM) and returns its exit status.
    pub fn stop(self) -> ExitStatus {
        self.process.stop(Signal::Term)
    }

    /// Ends it like a crash (SIGKILL).
    pub fn kill(self) {
        self.process.stop(Signal::Kill);
    }
}

pub fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            // Bytes only: a read-only checkout must not make the copy read-only.
            fs::write(&target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}
