//! Prints: the only file that writes to standard output and standard error.
//!
//! Reports come from any thread into one queue, and one thread writes them in order, a batch at a time, so
//! that a request costs its server's thread no system call. The session's record (start block, requests,
//! reloads, what the program logs) goes to standard output as with `wrangler dev`, mistakes and warnings
//! to standard error; with `--json` every event goes to standard output.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::args::LogLevel;
use super::{json, show};
use crate::base::diag::Diagnostic;
use crate::base::limits;
use crate::dev::Report;

/// Time that lines about requests are collected before they are written.
const BATCH: Duration = Duration::from_millis(4);

/// How things are shown.
#[derive(Debug, Clone)]
pub struct Style {
    /// The least level that is shown.
    pub level: LogLevel,
    /// Whether the start block and requests are left out.
    pub quiet: bool,
    /// Whether events are shown as JSON.
    pub json: bool,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    /// Whether standard output takes colours.
    pub colour: bool,
    /// Whether standard error takes colours.
    pub error_colour: bool,
    /// Whether single keys work.
    pub keys: bool,
    /// Paths below this directory are shown relative to it.
    pub cwd: PathBuf,
}

/// Where a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Text for one of the streams, without the final line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it goes.
    pub stream: Stream,
    /// One or more lines.
    pub text: String,
}

/// Something to print.
#[derive(Debug, Clone)]
pub enum Item {
    /// What a session tells.
    Report(Report),
    /// Why a command fails, and perhaps what to do.
    Failure(String, Option<String>),
    /// What a command that is no session has to say.
    Note(String),
    /// The screen is to be empty.
    Clear,
    /// Mistakes that make a command fail.
    Diagnostics(Vec<Diagnostic>),
    /// What a command found: lines for a person, an object for programs, and what is wrong.
    Text(Vec<String>, Box<serde_json::Value>, Vec<Diagnostic>),
    /// So many reports came faster than they could be printed.
    Dropped(u64),
}

/// Whether the terminal understands sequences for colours. Consoles of Windows do once they are asked to.
fn is_understood() -> bool {
    #[cfg(unix)]
    return true;
    #[cfg(windows)]
    return crossterm::ansi_support::supports_ansi();
}

impl Style {
    /// The style for this process's streams and environment.
    pub fn of_process(level: LogLevel, quiet: bool, json: bool) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let off = |name: &str| std::env::var_os(name).is_some_and(|value| value == "0");
        let forced = ["FORCE_COLOR", "CLICOLOR_FORCE"].iter().any(|name| set(name) && !off(name));
        let refused = set("NO_COLOR") || off("FORCE_COLOR") || off("CLICOLOR");
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let coloured = |is_terminal: bool| !refused && (forced || is_terminal && !is_dumb && is_understood());
        Self {
            level,
            quiet,
            json,
            terminal: io::stdout().is_terminal(),
            colour: coloured(io::stdout().is_terminal()),
            error_colour: coloured(io::stderr().is_terminal()),
            keys: false,
            cwd: PathBuf::new(),
        }
    }

    /// `word` in the colour of mistakes.
    pub fn error_word(&self, word: &str) -> String {
        show::paint(word, show::red(), self.error_colour)
    }

    /// `text` less bright, for what is only in the way when one looks for something else.
    pub fn dimmed(&self, text: &str) -> String {
        show::paint(text, owo_colors::Style::new().dimmed(), self.colour)
    }

    /// `text` as a heading.
    pub fn bold(&self, text: &str) -> String {
        show::paint(text, owo_colors::Style::new().bold(), self.colour)
    }
}

/// Whether a person sits before this process and reads what it prints.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

#[derive(Debug, Default)]
struct Queue {
    items: Vec<Item>,
    /// Bytes of the program's logs among them.
    bytes: usize,
    dropped: u64,
    /// Something other than a request or a log waits.
    urgent: bool,
    closed: bool,
    printer_waits: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
}

/// Takes items from any thread.
#[derive(Debug, Clone)]
pub struct Sink(Arc<Shared>);

/// The printer.
#[derive(Debug)]
pub struct Output {
    sink: Sink,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    /// Says that something that was asked for did not work.
    pub fn failure(&self, message: String) {
        self.add(Item::Failure(message, None), true);
    }

    /// Clears the screen.
    pub fn clear(&self) {
        self.add(Item::Clear, true);
    }

    /// Prints `report` soon. Never waits; requests and logs that come too fast are counted instead.
    pub fn push(&self, report: Report) {
        let urgent = !matches!(report, Report::Request(_) | Report::Log(_));
        self.add(Item::Report(report), urgent);
    }

    fn add(&self, item: Item, urgent: bool) {
        let mut queue = self.lock();
        let bytes = if let Item::Report(Report::Log(record)) = &item { record.text.len() } else { 0 };
        let is_full =
            queue.items.len() >= limits::OUTPUT_REPORTS || queue.bytes + bytes > limits::OUTPUT_BYTES;
        if is_full && !urgent {
            queue.dropped += 1;
            return;
        }
        queue.bytes += bytes;
        queue.items.push(item);
        queue.urgent |= urgent;
        if queue.printer_waits {
            self.0.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch; `None` when all is printed and no more comes.
    fn take(&self) -> Option<Vec<Item>> {
        let mut queue = self.lock();
        loop {
            if !queue.items.is_empty() || queue.dropped > 0 {
                queue.urgent = false;
                let mut items = std::mem::take(&mut queue.items);
                queue.bytes = 0;
                let dropped = std::mem::take(&mut queue.dropped);
                if dropped > 0 {
                    items.push(Item::Dropped(dropped));
                }
                return Some(items);
            }
            if queue.closed {
                return None;
            }
            queue.printer_waits = true;
            queue = self.0.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
            queue.printer_waits = false;
        }
    }

    /// Lets lines collect, unless something urgent comes.
    fn pause(&self) {
        let queue = self.lock();
        let waited = self.0.wake.wait_timeout_while(queue, BATCH, |queue| {
            queue.printer_waits = queue.urgent || queue.closed;
            !queue.urgent && !queue.closed
        });
        waited.unwrap_or_else(PoisonError::into_inner).0.printer_waits = false;
    }
}

impl Output {
    /// Starts to print to the standard streams.
    pub fn start(style: Style) -> Self {
        Self::start_with(move |items| write_all(items, &style))
    }

    /// Starts to print everything to `file`.
    pub fn to_file(style: Style, mut file: File) -> Self {
        Self::start_with(move |items| {
            let mut text = String::new();
            for line in items.iter().flat_map(|item| lines_of(item, &style)) {
                text.push_str(&line.text);
                text.push('\n');
            }
            flush(&mut text, &mut file);
        })
    }

    fn start_with(mut write: impl FnMut(&[Item]) + Send + 'static) -> Self {
        let sink = Sink(Arc::default());
        let source = sink.clone();
        let print = move || {
            while let Some(items) = source.take() {
                write(&items);
                source.pause();
            }
        };
        // Without a thread to print, nothing can be told.
        let thread = thread::Builder::new().name("output".to_owned()).spawn(print).ok();
        Self { sink, thread }
    }

    /// Where others put their reports.
    pub fn sink(&self) -> Sink {
        self.sink.clone()
    }

    /// Says why a command fails.
    pub fn failure(&self, message: impl Into<String>) {
        self.sink.failure(message.into());
    }

    /// Says why a command fails and what to do.
    pub fn failure_with_help(&self, message: impl Into<String>, help: impl Into<String>) {
        self.sink.add(Item::Failure(message.into(), Some(help.into())), true);
    }

    /// Says what a command did.
    pub fn note(&self, text: impl Into<String>) {
        self.sink.add(Item::Note(text.into()), true);
    }

    /// Shows what a command found: `lines` and `diagnostics`, or with `--json` only `object`.
    pub fn text(&self, lines: Vec<String>, object: serde_json::Value, diagnostics: Vec<Diagnostic>) {
        self.sink.add(Item::Text(lines, Box::new(object), diagnostics), true);
    }

    /// Shows the mistakes that make a command fail.
    pub fn diagnostics(&self, diagnostics: Vec<Diagnostic>) {
        self.sink.add(Item::Diagnostics(diagnostics), true);
    }

    /// Prints what is left and passes `code` on.
    pub fn finish(mut self, code: ExitCode) -> ExitCode {
        self.sink.lock().closed = true;
        self.sink.0.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the printer has been reported by the panic hook.
            drop(thread.join());
        }
        code
    }
}

/// Prints the result of a command that ends.
pub fn result(text: &str) -> ExitCode {
    flush(&mut text.to_owned(), io::stdout().lock());
    ExitCode::SUCCESS
}

/// Says why a command that ends cannot do what it should: in words, or as JSON on standard output.
pub fn refusal(message: &str, as_json: bool) -> ExitCode {
    if as_json {
        flush(&mut format!("{}\n", serde_json::json!({ "error": message })), io::stdout().lock());
    } else {
        flush(&mut format!("error: {message}\n"), io::stderr().lock());
    }
    ExitCode::FAILURE
}

/// Whether there is somebody to ask.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question; no without a terminal, and for anything but a clear yes.
pub fn confirm(question: &str) -> bool {
    let answer = ask(&format!("{question} [y/N] "));
    answer.is_some_and(|answer| matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}

/// Prints what clap says about the arguments: help to standard output, mistakes to standard error.
pub fn usage(error: &clap::Error) -> ExitCode {
    // If the stream is closed there is nobody to tell.
    drop(error.print());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn lines_of(item: &Item, style: &Style) -> Vec<Line> {
    if style.json { json::lines(item) } else { show::lines(item, style) }
}

/// Prints a command's answer to standard output, at once.
pub fn answer(text: &str) {
    flush(&mut text.to_owned(), io::stdout().lock());
}

/// Prints what is no part of a command's answer to standard error, at once.
pub fn remark(text: &str) {
    flush(&mut text.to_owned(), io::stderr().lock());
}

/// Asks `question` on the terminal and reads a line; `None` where there is nobody to answer.
pub fn ask(question: &str) -> Option<String> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return None;
    }
    remark(question);
    let mut line = String::new();
    io::stdin().read_line(&mut line).ok()?;
    Some(line.trim().to_owned())
}

fn write_all(items: &[Item], style: &Style) {
    let (mut out, mut err) = (String::new(), String::new());
    for item in items {
        for Line { stream, text } in lines_of(item, style) {
            // Keeps the order of the two streams as they appear on one terminal.
            match stream {
                Stream::Out => {
                    flush(&mut err, io::stderr().lock());
                    out.push_str(&text);
                    out.push('\n');
                }
                Stream::Err => {
                    flush(&mut out, io::stdout().lock());
                    err.push_str(&text);
                    err.push('\n');
                }
            }
        }
    }
    flush(&mut out, io::stdout().lock());
    flush(&mut err, io::stderr().lock());
}

fn flush(text: &mut String, mut stream: impl Write) {
    if !text.is_empty() {
        // A reader that went away does not stop the server.
        drop(stream.write_all(text.as_bytes()).and_then(|()| stream.flush()));
        text.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Report {
        Report::Request(crate::server::RequestRecord {
            method: http::Method::GET,
            target: http::uri::PathAndQuery::from_static("/"),
            status: 200,
            is_asset: false,
            duration: Duration::ZERO,
        })
    }

    #[test]
    fn what_comes_too_fast_is_counted() {
        let sink = Sink(Arc::default());
        for _ in 0..limits::OUTPUT_REPORTS + 3 {
            sink.push(request());
        }
        sink.push(Report::Unchanged);
        let items = sink.take().unwrap();
        assert_eq!(items.len(), limits::OUTPUT_REPORTS + 2);
        assert!(matches!(items[items.len() - 2], Item::Report(Report::Unchanged)));
        assert!(matches!(items[items.len() - 1], Item::Dropped(3)));
        sink.lock().closed = true;
        assert!(sink.take().is_none());
    }
}
