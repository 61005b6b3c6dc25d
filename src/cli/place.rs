//! Where the state is that a command is about, and how its answer is shown.
//!
//! Every command about state has the same four arguments. The directory is found as `dodev dev` finds it, without
//! reading the configuration: a mistake there does not hide what is stored.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value as Json, json};
use terminal_size::{Height, Width, terminal_size};

use super::args::LogLevel;
use super::live::Live;
use super::output::{Style, answer, remark};
use super::show::show_path;
use super::table::visible;
use crate::base::clock::{Clock, Timestamp};
use crate::dev::DEFAULT_STATE;
use crate::inspect::{Book, InspectError, Writer};
use crate::migrate::Migrator;
use crate::project::find_config;
use crate::storage::{StateDir, replacement};

/// Version of the shape of everything that is printed with `--json`.
pub const JSON_VERSION: u32 = 1;
/// Exit code when the answer is no: nothing found, or a difference found.
const NO: u8 = 3;
/// Columns where the terminal does not tell.
const WIDTH_DEFAULT: usize = 80;

/// Which state.
#[derive(Debug, Clone, Args)]
pub struct PlaceArgs {
    /// The configuration whose state is meant, instead of the nearest one; of several the first, as `dev` has it
    #[arg(short, long, value_name = "FILE", global = true, help_heading = "Which state")]
    pub config: Vec<PathBuf>,

    /// Run as if started in this directory
    #[arg(long, value_name = "DIR", global = true, help_heading = "Which state")]
    pub cwd: Option<PathBuf>,

    /// The directory of the state [default: .wrangler/state beside the configuration]
    #[arg(long, value_name = "DIR", global = true, help_heading = "Which state")]
    pub persist_to: Option<PathBuf>,

    /// Print one JSON object on standard output, for programs
    #[arg(long, global = true)]
    pub json: bool,
}

/// What a command said in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// It did what it was asked.
    Done,
    /// It looked, and the answer is no.
    No,
}

/// What a command returns.
pub type Outcome = Result<Said, InspectError>;

/// Where and how a command works.
#[derive(Debug)]
pub struct Place {
    /// `<persist>`.
    pub persist: PathBuf,
    /// What was named on the command line and is not there.
    missing: Option<PathBuf>,
    /// Whether a configuration was looked for in vain.
    is_searched: bool,
    /// Whether the answer is JSON.
    pub json: bool,
    /// Colours.
    pub style: Style,
    /// Columns that a line may have; `None` where nobody reads on a terminal.
    pub width: Option<usize>,
    /// The time.
    pub clock: Clock,
}

impl PlaceArgs {
    /// The directory of the state.
    pub fn persist(&self) -> PathBuf {
        let mut cwd = std::env::current_dir().unwrap_or_default();
        if let Some(directory) = &self.cwd {
            cwd = cwd.join(directory);
        }
        match (&self.persist_to, self.config.first()) {
            (Some(directory), _) => cwd.join(directory),
            (None, Some(config)) => state_beside(Some(cwd.join(config)), &cwd),
            (None, None) => state_of(&cwd),
        }
    }
}

/// The directory of the state of the project that `cwd` lies in, found as `dodev dev` finds it.
pub fn state_of(cwd: &Path) -> PathBuf {
    state_beside(find_config(cwd), cwd)
}

fn state_beside(config: Option<PathBuf>, cwd: &Path) -> PathBuf {
    let root = config.as_deref().and_then(Path::parent);
    root.unwrap_or(cwd).join(DEFAULT_STATE)
}

/// Configurations in the directories below `directory`, some levels deep, relative to it.
fn configs_below(directory: &Path) -> Vec<PathBuf> {
    const LEVELS: usize = 3;
    const MOST: usize = 4;
    let mut found = Vec::new();
    let mut open = vec![(directory.to_owned(), LEVELS)];
    while let Some((folder, levels)) = open.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(&folder).into_iter().flatten().flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let is_project = matches!(name.as_str(), "wrangler.jsonc" | "wrangler.json" | "wrangler.toml");
            if is_project && found.len() < MOST {
                found.push(path.strip_prefix(directory).unwrap_or(&path).to_owned());
            } else if levels > 1 && !name.starts_with('.') && name != "node_modules" && path.is_dir() {
                open.push((path, levels - 1));
            }
        }
    }
    found
}

impl Place {
    /// From the arguments and the process's streams.
    pub fn new(args: &PlaceArgs, clock: Clock) -> Self {
        let mut style = Style::of_process(LogLevel::Log, false, args.json);
        style.cwd = std::env::current_dir().unwrap_or_default();
        let width = style.terminal.then(|| {
            terminal_size().map_or(WIDTH_DEFAULT, |(Width(columns), _)| usize::from(columns).max(20))
        });
        let cwd = args.cwd.as_ref().map_or_else(|| style.cwd.clone(), |directory| style.cwd.join(directory));
        let named = args.config.iter().map(|config| cwd.join(config));
        let missing = std::iter::once(cwd.clone()).chain(named).find(|path| !path.exists());
        let is_searched = args.config.is_empty() && args.persist_to.is_none() && find_config(&cwd).is_none();
        Self { persist: args.persist(), missing, is_searched, json: args.json, style, width, clock }
    }

    /// The state, to be read: of one that is between two states nothing is told, as it would be wrong.
    pub fn book(&self) -> Result<Book, InspectError> {
        let book = self.stored()?;
        let migrator = Migrator::new(book.root(), self.clock.clone());
        let is_interrupted = migrator.is_interrupted() || replacement::is_interrupted(book.root());
        if is_interrupted && book.holder().is_none() {
            return Err(InspectError::Migration(
                "a change of the whole state was interrupted, and what it moved cannot be read until it is \
                 finished: `dodev migrate` or `dodev dev` does that"
                    .to_owned(),
            ));
        }
        Ok(book)
    }

    fn stored(&self) -> Result<Book, InspectError> {
        if let Some(missing) = &self.missing {
            return Err(InspectError::Invalid(format!("there is no `{}`", missing.display())));
        }
        Book::open(&self.persist).map_err(|error| match error {
            InspectError::NoState { path, .. } => {
                let near = if self.is_searched { configs_below(&self.style.cwd) } else { Vec::new() };
                InspectError::NoState { path, near }
            }
            error => error,
        })
    }

    /// The state, to be changed: what an interrupted migration left is finished first.
    pub fn book_to_change(&self) -> Result<Book, InspectError> {
        let book = self.stored()?;
        self.finish_migration(&book)?;
        Ok(book)
    }

    /// Finishes a migration of the state of `book` that was interrupted, unless a server holds it: that has done so.
    pub fn finish_migration(&self, book: &Book) -> Result<(), InspectError> {
        let migrator = Migrator::new(book.root(), self.clock.clone());
        if !migrator.is_interrupted() || book.holder().is_some() {
            return Ok(());
        }
        let _held = StateDir::open(book.root())?;
        migrator.recover().map_err(|error| InspectError::Migration(error.to_string()))?;
        self.remark("Finished a migration that was interrupted");
        Ok(())
    }

    /// Brings the histories of the state of `book` up to date, where a server keeps them.
    pub fn save_history(&self, book: &Book) {
        // One that runs no code, or cannot, has nothing that waits, or tells the same a second later.
        if let Ok(Some(live)) = Live::of(book) {
            drop(live.save_history());
        }
    }

    /// What changes the stopped state of `book`.
    pub fn writer(&self, book: &Book) -> Result<Writer, InspectError> {
        let writer = Writer::open(book, self.clock.clone())?;
        // Between the look before and the lock a migration may have begun and ended abruptly.
        let migrator = Migrator::new(book.root(), self.clock.clone());
        match migrator.recover().map_err(|error| InspectError::Migration(error.to_string()))? {
            false => Ok(writer),
            true => Err(InspectError::Migration(
                "a migration that was interrupted was finished just now; say the command again".to_owned(),
            )),
        }
    }

    /// Tells what went wrong on the side.
    pub fn warn_of(&self, writer: &Writer) {
        self.warn_of_all(&writer.take_warnings());
    }

    /// The same, as somebody else told it.
    pub fn warn_of_all(&self, warnings: &[String]) {
        for warning in warnings {
            self.remark(&format!("warning: {warning}"));
        }
    }

    /// The time that counts for the state of `book`: the server's that holds it, whose clock may have been moved.
    pub fn now(&self, book: &Book) -> Timestamp {
        let live = Live::of(book).ok().flatten();
        live.and_then(|live| live.now()).unwrap_or_else(|| self.clock.now())
    }

    /// `path`, short where it lies below the working directory.
    pub fn shown(&self, path: &Path) -> String {
        show_path(path, &self.style.cwd)
    }

    /// Prints the answer of `command`: `members` as JSON, or else the text.
    pub fn answer(&self, command: &str, members: impl FnOnce() -> Json, text: impl FnOnce() -> String) {
        if self.json {
            answer(&format!("{}\n", self.envelope(command, members())));
        } else {
            self.page(&text());
        }
    }

    /// `members` with what every answer has.
    fn envelope(&self, command: &str, members: Json) -> Json {
        let mut all = serde_json::Map::new();
        all.insert("version".to_owned(), json!(JSON_VERSION));
        all.insert("command".to_owned(), json!(command));
        if let Json::Object(members) = members {
            all.extend(members);
        }
        Json::Object(all)
    }

    /// Prints text, with the pager if it is longer than the terminal.
    pub fn page(&self, text: &str) {
        let rows = terminal_size().map_or(24, |(_, Height(rows))| usize::from(rows));
        if self.style.terminal && text.lines().count() >= rows && super::pager::show(text) {
            return;
        }
        answer(text);
    }

    /// Says something on the side that is no part of the answer.
    pub fn remark(&self, text: &str) {
        if !self.json {
            remark(&format!("{text}\n"));
        }
    }

    /// The exit code for `outcome`, whose failure is printed.
    pub fn finish(&self, command: &str, outcome: Outcome) -> ExitCode {
        match outcome {
            Ok(Said::Done) => ExitCode::SUCCESS,
            Ok(Said::No) => ExitCode::from(NO),
            Err(error) => {
                let (message, help) = (error.to_string(), error.help());
                // What was typed or stored may have letters that move the cursor.
                let shown = visible(&message);
                if self.json {
                    let error = json!({
                        "code": error.code(), "message": message, "help": help, "nearest": error.nearest(),
                    });
                    answer(&format!("{}\n", self.envelope(command, json!({ "error": error }))));
                } else {
                    let excerpt = error.excerpt().map(|text| format!("\n{text}")).unwrap_or_default();
                    let help = help.map(|help| format!("\n  help: {help}")).unwrap_or_default();
                    remark(&format!("{}: {shown}{excerpt}{help}\n", self.style.error_word("error")));
                }
                match error {
                    InspectError::NotFound { .. } => ExitCode::from(NO),
                    _ => ExitCode::FAILURE,
                }
            }
        }
    }
}
