//! `dodev test -- COMMAND`: runs a command against a server of its own, with fresh and private state.
//!
//! What the server tells goes to a file, so that the output of the command stays its own; the end of that
//! file is shown when the command fails. Files are not watched: a test that writes into the project does not
//! change the code under its own feet.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use anyhow::{Context, bail};
use clap::Args;
use tempfile::{TempDir, TempPath};

use super::args::{DevArgs, LogLevel};
use super::dev;
use super::output::{self, Output, Style};
use super::show::show_url;
use super::signals::{self, Signals};
use super::test_state;
use crate::base::clock::Clock;
use crate::base::process;
use crate::dev::{Broken, Control, Ready, Report, Session, SessionOptions, StartFailure};

const TEST_ABOUT: &str = "\
Run a command, for example a test runner, against a server with fresh state.

Starts the project on a free port with state of its own in a temporary directory, waits until it \
answers, and runs the command with DODEV_URL, DODEV_CONTROL_URL, DODEV_TOKEN and DODEV_STATE in its \
environment. When the command ends, the server ends too, and `dodev test` ends with the command's exit code. A \
project that does not start is shown with its mistakes, and the command is not run.

What the server tells goes to a file; its last lines are shown when the command fails.";

const TEST_EXAMPLES: &str = "\
Examples:
  dodev test -- npx vitest run            any test runner
  dodev test -- node --test               finds the server by DODEV_URL
  dodev test -e staging -- ./smoke.sh     flags of `dodev dev` come before the dashes
  dodev test --keep -- npm test           look at the state afterwards
  dodev test --state before-import -- npm test         starts from a snapshot
  dodev test --seed fixtures/rooms.jsonl -- npm test   starts with exported objects";

/// Arguments of `dodev test`.
#[derive(Debug, Args)]
#[command(long_about = TEST_ABOUT, after_help = TEST_EXAMPLES)]
pub struct TestArgs {
    /// The server's.
    #[command(flatten)]
    pub dev: DevArgs,

    /// Start with a copy of this state directory, or of the snapshot of this name
    #[arg(long, value_name = "DIR|SNAPSHOT")]
    pub state: Option<PathBuf>,

    /// Store the objects of this file first, as `dodev state export` wrote them
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,

    /// Keep the state afterwards and say where it is
    #[arg(long)]
    pub keep: bool,

    /// Write what the server tells to this file
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,

    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// Lines of the log that are shown when the command fails.
const SHOWN_LINES: usize = 40;

/// Runs the command line after `--` against the project and gives back its exit code.
pub fn run(args: Box<TestArgs>, clock: Clock) -> ExitCode {
    let mut style = Style::of_process(args.dev.log_level, args.dev.quiet, args.dev.json);
    let TestArgs { state, seed, keep, log, command, dev } = *args;
    let words = Words { command, state, seed, keep, log };
    let outcome = dev::options(dev, clock).and_then(|mut options| {
        // What a test asks with knows no certificate of this machine, unless it was told to.
        options.secure.get_or_insert(false);
        style.cwd.clone_from(&options.load.cwd);
        run_with(words, options, style.clone())
    });
    // The command's output is its own: what is told here goes to standard error, as text.
    let output = Output::start(Style { level: LogLevel::Log, json: false, quiet: false, ..style });
    let code = match outcome {
        Ok(Outcome::Ended { status, log, state }) => {
            if let Some(log) = log {
                output::remark(&format!("{}\n\nThe server's log: {}\n", tail_of(&log), log.display()));
            }
            if let Some(state) = state {
                output::remark(&format!("State is kept in {}\n", state.display()));
            }
            code_of(status)
        }
        Ok(Outcome::Broken(broken)) => {
            output.diagnostics(broken.diagnostics);
            ExitCode::FAILURE
        }
        Ok(Outcome::NotStarted(failure)) => {
            dev::show_start_failure(&output, failure);
            ExitCode::FAILURE
        }
        Err(error) => {
            output.failure(format!("{error:#}"));
            ExitCode::FAILURE
        }
    };
    output.finish(code)
}

/// What is `dodev test`'s own on the command line.
struct Words {
    command: Vec<OsString>,
    state: Option<PathBuf>,
    seed: Option<PathBuf>,
    keep: bool,
    log: Option<PathBuf>,
}

enum Outcome {
    /// The command ended; the server's log if it failed, and the state's directory if that was to be kept.
    Ended { status: ExitStatus, log: Option<PathBuf>, state: Option<PathBuf> },
    /// The Worker does not start.
    Broken(Broken),
    /// There is no session.
    NotStarted(StartFailure),
}

/// The file that takes what the server tells.
enum Log {
    /// Goes away unless it is kept.
    Private(TempPath),
    Given(PathBuf),
}

impl Log {
    fn create(given: Option<PathBuf>) -> anyhow::Result<(Self, File)> {
        match given {
            Some(path) => {
                let file = File::create(&path);
                let file = file.with_context(|| format!("cannot write the log `{}`", path.display()))?;
                Ok((Self::Given(path), file))
            }
            None => {
                let log = tempfile::Builder::new().prefix("dodev-test-").suffix(".log").tempfile();
                let (file, path) = log.context("cannot write a log")?.into_parts();
                Ok((Self::Private(path), file))
            }
        }
    }

    fn keep(self) -> anyhow::Result<PathBuf> {
        match self {
            Self::Private(path) => path.keep().context("cannot keep the log"),
            Self::Given(path) => Ok(path),
        }
    }
}

/// The directory of a run's state.
enum Place {
    Private(TempDir),
    Given(PathBuf),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Private(directory) => directory.path(),
            Self::Given(path) => path,
        }
    }
}

fn run_with(words: Words, mut options: SessionOptions, style: Style) -> anyhow::Result<Outcome> {
    let cwd = options.load.cwd.clone();
    let place = match &options.persist {
        Some(directory) => Place::Given(directory.clone()),
        None => Place::Private(tempfile::Builder::new().prefix("dodev-test-").tempdir()?),
    };
    fs::create_dir_all(place.path())
        .with_context(|| format!("cannot create `{}`", place.path().display()))?;
    if let Some(source) = &words.state {
        test_state::copy(source, place.path(), &options.load)?;
    }
    if let Some(file) = &words.seed {
        test_state::seed(file, place.path(), &options.load)?;
    }
    options.persist = Some(place.path().to_owned());
    options.port = Some(options.port.unwrap_or(0));
    options.watch = false;
    let (log, file) = Log::create(words.log.map(|path| cwd.join(path)))?;

    let output = Output::to_file(Style { colour: false, error_colour: false, ..style }, file);
    let (sender, started) = mpsc::channel();
    let sink = output.sink();
    options.report = Arc::new(move |report| {
        match &report {
            Report::Ready(ready) => drop(sender.send(Ok(ready.clone()))),
            Report::Broken(broken) => drop(sender.send(Err(broken.clone()))),
            _ => {}
        }
        sink.push(report);
    });
    let session = match Session::start(options) {
        Ok(session) => session,
        Err(failure) => return Ok(Outcome::NotStarted(failure)),
    };
    let control = session.control();
    let serving = thread::Builder::new().name("session".to_owned()).spawn(move || session.run())?;
    let ran = run_when_ready(&started, &words.command);
    stop(&control, serving);
    output.finish(ExitCode::SUCCESS);
    let status = match ran? {
        Ok(status) => status,
        Err(broken) => return Ok(Outcome::Broken(broken)),
    };
    let state = match place {
        Place::Private(directory) if words.keep => Some(directory.keep()),
        Place::Private(_) | Place::Given(_) => None,
    };
    let log = if status.success() { None } else { Some(log.keep()?) };
    Ok(Outcome::Ended { status, log, state })
}

fn stop(control: &Control, serving: thread::JoinHandle<()>) {
    control.stop();
    // A panic of the session has been reported by the panic hook.
    drop(serving.join());
}

/// Waits until the Worker answers, runs `command`, and waits for its end.
fn run_when_ready(
    started: &Receiver<Result<Ready, Broken>>,
    command: &[OsString],
) -> anyhow::Result<Result<ExitStatus, Broken>> {
    let ready = match started.recv().context("the session ended before it was ready")? {
        Ok(ready) => ready,
        Err(broken) => return Ok(Err(broken)),
    };
    let Some((program, arguments)) = command.split_first() else { bail!("there is no command to run") };
    let url = show_url(ready.address, ready.secure);
    let mut child = process::program(program)
        .args(arguments)
        .env("DODEV_URL", &url)
        .env("DODEV_CONTROL_URL", format!("{url}/cdn-cgi/dodev"))
        .env("DODEV_TOKEN", &*ready.token)
        .env("DODEV_STATE", &ready.persist)
        .spawn()
        .with_context(|| format!("cannot run `{}`", program.display()))?;
    forward_signals(&child)?;
    Ok(Ok(child.wait().context("cannot wait for the command")?))
}

/// Hands the signals that ask this process to end on to `child`.
fn forward_signals(child: &Child) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let context = runtime.enter();
    let mut signals = Signals::listen(false)?;
    drop(context);
    let mut forward = signals::forward(child)?;
    let run = move || {
        runtime.block_on(async {
            loop {
                forward(signals.next().await);
            }
        });
    };
    thread::Builder::new().name("signals".to_owned()).spawn(run)?;
    Ok(())
}

/// The command's own exit code.
fn code_of(status: ExitStatus) -> ExitCode {
    let code = signals::exit_code(status).and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

/// The last lines of the log.
fn tail_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_else(|error| format!("the log cannot be read: {error}"));
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}
