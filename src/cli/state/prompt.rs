//! The SQL prompt: lines with history until `.exit`, statements that end with `;`.
//!
//! Every statement opens the object anew, so that a prompt that is left open neither holds a lock nor shows what is
//! no longer true. The history lies in the user's own state directory, for the project's is only read.

use std::borrow::Cow;
use std::path::PathBuf;

use reedline::{
    FileBackedHistory, Prompt, PromptEditMode, PromptHistorySearch, Reedline, Signal, ValidationResult,
    Validator,
};

use super::sql::{execute, rows_text};
use crate::cli::output::{answer, remark};
use crate::cli::place::{Outcome, Place, Said};
use crate::inspect::{Book, InspectError, KeyFilter, ObjectRef};

const HELP: &str = "\
  SELECT …;         rows; a statement may have several lines, up to its `;`
  .tables           tables with their numbers of rows
  .schema [TABLE]   the statements that made them
  .keys             keys with their values, which SQL shows as bytes
  .exit             leave; Ctrl-D too
";

/// Lines of history that are kept.
const HISTORY_LINES: usize = 1_000;

/// A statement is whole when it ends with `;`, a command with its line.
struct Whole;

impl Validator for Whole {
    fn validate(&self, line: &str) -> ValidationResult {
        let text = line.trim();
        match text.is_empty() || text.starts_with('.') || text.ends_with(';') {
            true => ValidationResult::Complete,
            false => ValidationResult::Incomplete,
        }
    }
}

/// `sql> `, and `...> ` for further lines.
struct Mark;

impl Prompt for Mark {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        "sql".into()
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        "> ".into()
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        "...> ".into()
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        format!("search: {} ", search.term).into()
    }
}

/// Runs the prompt.
pub fn run(book: &Book, object: &ObjectRef, place: &Place) -> Outcome {
    let mut editor = Reedline::create().with_validator(Box::new(Whole));
    // Without a history the prompt is no worse.
    let history = history_file().and_then(|file| FileBackedHistory::with_file(HISTORY_LINES, file).ok());
    if let Some(history) = history {
        editor = editor.with_history(Box::new(history));
    }
    place.remark(&format!("SQL on {}; `.help` says more, `.exit` leaves", object.label()));
    loop {
        let line = match editor.read_line(&Mark) {
            Ok(Signal::Success(line)) => line,
            Ok(Signal::CtrlC) => continue,
            Ok(_) => break,
            Err(error) => {
                return Err(InspectError::Invalid(format!("no prompt on this terminal: {error}")));
            }
        };
        match line.trim() {
            "" => {}
            text if text.starts_with('.') => match command(book, object, place, text) {
                Some(outcome) => show(outcome),
                None => break,
            },
            text => show(execute(place, book, object, text).map(|rows| rows_text(&rows, place))),
        }
    }
    Ok(Said::Done)
}

fn show(outcome: Result<String, InspectError>) {
    match outcome {
        Ok(text) => answer(&text),
        Err(error) => {
            let excerpt = error.excerpt().map(|text| format!("\n{text}")).unwrap_or_default();
            let help = error.help().map(|help| format!("\n  help: {help}")).unwrap_or_default();
            remark(&format!("error: {error}{excerpt}{help}\n"));
        }
    }
}

/// What a line that begins with a point says; `None` to leave.
fn command(
    book: &Book,
    object: &ObjectRef,
    place: &Place,
    line: &str,
) -> Option<Result<String, InspectError>> {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let view = || book.view(object, &KeyFilter::default());
    Some(match name {
        ".exit" | ".quit" => return None,
        ".help" => Ok(HELP.to_owned()),
        ".tables" => view().map(|view| {
            let rows = |rows: Option<u64>| rows.map_or_else(|| "?".to_owned(), |rows| rows.to_string());
            let mut table = crate::cli::table::Table::new(&["table", "rows>"]);
            view.tables.iter().for_each(|one| table.row(vec![one.name.clone(), rows(one.rows)]));
            table.draw(place.width, place.style.colour)
        }),
        ".schema" => view().map(|view| {
            let wanted = |name: &str| rest.trim().is_empty() || name == rest.trim();
            let tables = view.tables.iter().filter(|table| wanted(&table.name));
            tables.map(|table| format!("{};\n", table.sql)).collect()
        }),
        ".keys" => view().map(|view| {
            let mut table = crate::cli::table::Table::new(&["key", "value"]);
            let entries = view.keys.entries.iter();
            entries.for_each(|entry| table.row(vec![entry.key.clone(), super::shown::entry_text(entry)]));
            table.draw(place.width, place.style.colour)
        }),
        other => Err(InspectError::Invalid(format!("`{other}` is no command; `.help` lists them"))),
    })
}

fn history_file() -> Option<PathBuf> {
    let directory = match std::env::var_os("XDG_STATE_HOME").filter(|value| !value.is_empty()) {
        Some(directory) => PathBuf::from(directory),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".local/state"),
    };
    Some(directory.join("dodev/sql-history"))
}
