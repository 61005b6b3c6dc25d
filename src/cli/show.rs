//! How reports look to a person: one function from an item to its lines.
//!
//! Understandable without colour and within 80 columns where the text is ours. Mistakes are drawn by
//! miette with the source around them.

mod controls;
mod excerpt;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use owo_colors::{OwoColorize, Style as Paint};
use textwrap::WordSeparator;

use super::args::LogLevel;
use super::migrate_show;
use super::output::{Item, Line, Stream, Style};
use crate::base::diag::{Diagnostic, Label, Severity, SourceFile};
use crate::dev::{Broken, Migrated, Ready, Report};
use crate::engine::{LogLevel as Level, LogRecord, Origin};
use crate::project::{ClassStorage, Project, SITE_CONTENT};
use crate::server::RequestRecord;
use excerpt::Excerpt;

/// Columns of a line of ours.
const WIDTH: usize = 80;

/// Empties the screen and what scrolled off it, and goes to the first line.
const CLEAR: &str = "\x1b[2J\x1b[3J\x1b[H";

/// The lines that show `item`.
pub fn lines(item: &Item, style: &Style) -> Vec<Line> {
    let lines = match item {
        Item::Report(report) => report_lines(report, style),
        Item::Failure(message, help) => {
            let help = help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
            vec![err(format!("{}: {message}{help}", paint("error", red(), style.error_colour)))]
        }
        Item::Diagnostics(diagnostics) => diagnostics.iter().map(|d| err(diagnostic(d, style))).collect(),
        Item::Note(text) => vec![out(text.clone())],
        Item::Clear => vec![out(format!("{CLEAR}{}", key_hint(style)))],
        Item::Text(texts, _, diagnostics) => {
            let lines = texts.iter().map(|text| out(text.clone()));
            lines.chain(diagnostics.iter().map(|d| err(diagnostic(d, style)))).collect()
        }
        Item::Dropped(count) => vec![err(format!("{count} lines came too fast and are not shown"))],
    };
    if style.level == LogLevel::None { Vec::new() } else { lines }
}

fn report_lines(report: &Report, style: &Style) -> Vec<Line> {
    let shows = |level| style.level <= level;
    let note = |text: String| if shows(LogLevel::Log) { vec![out(text)] } else { Vec::new() };
    let warn = |text: String| {
        let text = format!("{}: {text}", paint("warning", yellow(), style.error_colour));
        if shows(LogLevel::Warn) { vec![err(text)] } else { Vec::new() }
    };
    match report {
        Report::PortMoved { wanted, holder, taken } => {
            let by = holder.as_ref().map(|holder| format!(" by {holder}")).unwrap_or_default();
            warn(format!("port {wanted} is in use{by}; using {taken} instead"))
        }
        Report::Warnings(diagnostics) => {
            let shown = diagnostics.iter().filter(|_| shows(LogLevel::Warn));
            shown.map(|d| err(diagnostic(d, style))).collect()
        }
        Report::Ready(ready) => {
            let mut lines = Vec::new();
            if shows(LogLevel::Log) && !style.quiet {
                lines.push(out(start_block(ready, style)));
            }
            lines.push(out(format!("Ready on {}", url(ready))));
            if style.keys && shows(LogLevel::Log) && !style.quiet {
                lines.push(out(key_hint(style)));
            }
            lines
        }
        Report::Reloaded { duration, .. } => {
            note(format!("{} in {}", paint("Reloaded", green(), style.colour), show_duration(*duration)))
        }
        Report::Unchanged => note("Saved without a change to the code".to_owned()),
        Report::Broken(broken) => broken_lines(broken, style),
        Report::RestartNeeded { key } => {
            warn(format!("`{key}` changed, which counts after a restart of dodev"))
        }
        Report::CommandStarted { command } => note(format!("{} {command}", build_tag(style.colour))),
        Report::CommandOutput { text, error: false } => note(format!("{} {text}", build_tag(style.colour))),
        Report::CommandOutput { text, error: true } if shows(LogLevel::Error) => {
            vec![err(format!("{} {text}", build_tag(style.error_colour)))]
        }
        Report::CommandOutput { .. } => Vec::new(),
        Report::WatchFailed(reason) => {
            warn(format!("some files cannot be watched, their changes may go unnoticed: {reason}"))
        }
        Report::Migrated { worker, migrated } => migrated_lines(worker, migrated, style),
        Report::Request(_) | Report::Stopping if style.quiet => Vec::new(),
        Report::Request(record) => note(request(record, style.colour)),
        Report::Log(record) => log(record, style),
        Report::Stopping => note("Stopping".to_owned()),
    }
}

/// What stands before a line of the user's build command.
fn build_tag(colour: bool) -> String {
    paint("[build]", Paint::new().dimmed(), colour)
}

fn migrated_lines(worker: &str, migrated: &Migrated, style: &Style) -> Vec<Line> {
    let shows = |level| style.level <= level;
    let warn = |text: String| {
        let text = format!("{}: {text}", paint("warning", yellow(), style.error_colour));
        if shows(LogLevel::Warn) { vec![err(text)] } else { Vec::new() }
    };
    match migrated {
        Migrated::Applied(_) | Migrated::Adopted { .. } if !shows(LogLevel::Log) => Vec::new(),
        Migrated::Applied(entry) => vec![out(migrate_show::applied(entry, style))],
        Migrated::Adopted { tag: Some(tag) } => vec![out(format!("Adopted the state, at migration `{tag}`"))],
        Migrated::Adopted { tag: None } => vec![out("Adopted the state".to_owned())],
        Migrated::Waiting(pending) => {
            let lines = migrate_show::plan_lines(pending, style).join("\n");
            warn(format!(
                "these migrations wait, because objects would disappear:\n{lines}\n  help: stop dodev and run \
                 `dodev migrate`, or start it with `--yes`; a copy is kept until it is pruned"
            ))
        }
        Migrated::Impossible(diagnostics) => {
            let mut lines = warn("no migration is applied, because they do not fit the state".to_owned());
            lines.extend(
                diagnostics.iter().filter(|_| shows(LogLevel::Warn)).map(|d| err(diagnostic(d, style))),
            );
            lines
        }
        Migrated::CarryOverOffered { from } => warn(migrate_show::offer(from, worker)),
    }
}

fn out(text: String) -> Line {
    Line { stream: Stream::Out, text }
}

fn err(text: String) -> Line {
    Line { stream: Stream::Err, text }
}

fn url(ready: &Ready) -> String {
    show_url(ready.address, ready.secure)
}

/// The URL that reaches `address` from this machine, by `https` if it is `secure`.
pub fn show_url(address: std::net::SocketAddr, secure: bool) -> String {
    let (scheme, port) = (if secure { "https" } else { "http" }, address.port());
    match address {
        address if address.ip().is_unspecified() => format!("{scheme}://127.0.0.1:{port}"),
        address => format!("{scheme}://{address}"),
    }
}

/// The line that names the keys.
fn key_hint(style: &Style) -> String {
    let keys = [("b", "browser"), ("r", "reload"), ("c", "clear"), ("x", "exit")];
    let key = |(key, what)| format!("{} {}", paint(key, Paint::new().bold(), style.colour), what);
    keys.map(key).join(&paint(" · ", Paint::new().dimmed(), style.colour))
}

fn start_block(ready: &Ready, style: &Style) -> String {
    let project = &ready.projects[0];
    let mut rows = vec![("worker", project.name.clone()), ("url", url(ready))];
    if let Some(environment) = &project.environment {
        rows.push(("environment", environment.clone()));
    }
    if project.is_generated {
        rows.push(("built", show_path(&project.source.path, &style.cwd)));
    }
    rows.extend(worker_rows(project, &ready.projects));
    for other in &ready.projects[1..] {
        rows.push(("worker", other.name.clone()));
        rows.extend(worker_rows(other, &ready.projects));
    }
    if let Some(seen) = &project.public_host {
        let scheme = if seen.secure { "https" } else { "http" };
        let host = seen.host.clone().unwrap_or_else(|| ready.address.to_string());
        rows.push(("seen as", format!("{scheme}://{host}, by the Worker")));
    }
    rows.push(("state", show_path(&ready.persist, &style.cwd)));
    rows.push(("started in", ready.duration.map(show_duration).unwrap_or_default()));

    let mut block =
        format!("{} {}\n", paint("dodev", Paint::new().bold(), style.colour), env!("CARGO_PKG_VERSION"));
    for (key, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        let key = paint(&format!("{key:<13}"), Paint::new().dimmed(), style.colour);
        block.push_str(&format!("  {key} {}\n", wrap(&value, WIDTH - 16).join(&format!("\n{:16}", ""))));
    }
    block
}

/// The classes and bindings of `project`, one of the `running` ones.
fn worker_rows(project: &Project, running: &[Arc<Project>]) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let classes = project.classes.iter().map(|(class, storage)| match storage {
        ClassStorage::Sqlite => format!("{class} (SQLite)"),
        ClassStorage::Kv => format!("{class} (key-value)"),
    });
    rows.push(("classes", classes.collect::<Vec<_>>().join(", ")));
    if let Some(assets) = &project.assets {
        rows.push(("assets", assets.shown.clone()));
    }
    let bindings = bindings(project, running).into_iter().map(|(name, target)| match target {
        Some(target) => format!("{name} → {target}"),
        None => name,
    });
    rows.push(("bindings", bindings.collect::<Vec<_>>().join(", ")));
    rows.push(("not emulated", not_emulated(project).join(", ")));
    rows
}

/// The bindings of `project`, one of the `running` ones, and what each but a variable leads to.
pub fn bindings(project: &Project, running: &[Arc<Project>]) -> Vec<(String, Option<String>)> {
    // As wrangler marks what is bound and does not run.
    let mark = |worker: &str| match running.iter().any(|project| project.name == worker) {
        true => "",
        false => " [not connected]",
    };
    let to = |name: &str, target: String| (name.to_owned(), Some(target));
    let objects = project.durable_objects.iter().map(|binding| {
        let other = binding.script_name.as_ref().filter(|script| **script != project.name);
        let script = other.map(|script| format!(" of {script}{}", mark(script))).unwrap_or_default();
        to(&binding.name, format!("{}{script}", binding.class_name))
    });
    let assets = project.assets.iter().filter_map(|assets| assets.binding.as_ref());
    let assets = assets.map(|name| to(name, "assets".to_owned()));
    let services = project.services.iter().map(|service| {
        let entrypoint = service.entrypoint.as_ref().map(|name| format!("#{name}")).unwrap_or_default();
        to(&service.binding, format!("{}{entrypoint}{}", service.service, mark(&service.service)))
    });
    let values = project.kv_namespaces.iter().map(|namespace| to(&namespace.binding, "KV".to_owned()));
    let site = project.site.iter().map(|site| to(SITE_CONTENT, site.shown.clone()));
    let datasets = project.datasets.iter();
    let datasets = datasets.map(|set| to(&set.binding, "Analytics Engine, dropped".to_owned()));
    let rates = project.rate_limits.iter();
    let rates = rates.map(|rate| to(&rate.binding, format!("{} calls in {} s", rate.limit, rate.period)));
    let version = project.version_metadata.iter().map(|name| to(name, "version".to_owned()));
    let vars = project.vars.iter().map(|(name, _)| (name.clone(), None));
    objects
        .chain(assets)
        .chain(values)
        .chain(site)
        .chain(services)
        .chain(datasets)
        .chain(rates)
        .chain(version)
        .chain(vars)
        .collect()
}

/// What `project` binds or asks for that is not emulated.
pub fn not_emulated(project: &Project) -> Vec<&str> {
    project.unsupported.iter().map(|u| u.binding.as_deref().unwrap_or(&u.kind)).collect()
}

/// `text` in lines of at most `width` columns, broken after commas where possible.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in text.split_inclusive(", ") {
        let line = lines.last().expect("there is a first line");
        if !line.is_empty() && line.chars().count() + part.trim_end().chars().count() > width {
            lines.push(String::new());
        }
        lines.last_mut().expect("there is a first line").push_str(part);
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// `method path status duration`, and whether it was an asset.
fn request(record: &RequestRecord, colour: bool) -> String {
    let RequestRecord { method, target, status, is_asset, duration } = record;
    let paint_of = match status {
        500.. => red(),
        400.. => yellow(),
        300.. => Paint::new().cyan(),
        _ => green(),
    };
    let asset = if *is_asset { paint(" asset", Paint::new().dimmed(), colour) } else { String::new() };
    let status = paint(&status.to_string(), paint_of, colour);
    format!("{method} {target} {status} {}{asset}", show_duration(*duration))
}

/// A duration with two or three digits, as in `0.42 ms`, `12 ms` or `1.5 s`.
pub fn show_duration(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1_000.0;
    match ms {
        0.0..1.0 => format!("{ms:.2} ms"),
        1.0..10.0 => format!("{ms:.1} ms"),
        10.0..1_000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1_000.0),
    }
}

fn log(record: &LogRecord, style: &Style) -> Vec<Line> {
    let (least, stream, paint_of) = match record.level {
        Level::Debug => (LogLevel::Debug, Stream::Out, None),
        Level::Log | Level::Info => (LogLevel::Log, Stream::Out, None),
        Level::Warn => (LogLevel::Warn, Stream::Err, Some(yellow())),
        Level::Error | Level::Uncaught => (LogLevel::Error, Stream::Err, Some(red())),
    };
    if style.level > least {
        return Vec::new();
    }
    let colour = if stream == Stream::Out { style.colour } else { style.error_colour };
    let tag = paint(&format!("[{}]", show_origin(&record.origin)), Paint::new().dimmed(), colour);
    // A file or a program gets what was logged.
    let text = if style.terminal { controls::harmless(&record.text) } else { record.text.as_str().into() };
    let text = paint_of.map_or_else(|| text.to_string(), |paint_of| paint(&text, paint_of, colour));
    vec![Line { stream, text: format!("{tag} {text}") }]
}

/// `Worker`, or `Class:name`.
pub fn show_origin(origin: &Origin) -> String {
    match origin {
        Origin::Worker => "Worker".to_owned(),
        Origin::OneOf(worker) => worker.clone(),
        Origin::Object { class, name } => format!("{class}:{name}"),
    }
}

fn broken_lines(broken: &Broken, style: &Style) -> Vec<Line> {
    let mut lines: Vec<_> = broken.diagnostics.iter().map(|d| err(diagnostic(d, style))).collect();
    lines.push(err(if broken.older_code_serves {
        "The last good code goes on serving".to_owned()
    } else {
        format!("Waiting for a fix on {}", show_url(broken.address, broken.secure))
    }));
    lines
}

/// `path`, relative if it lies below `cwd`.
pub fn show_path(path: &Path, cwd: &Path) -> String {
    let short = path.strip_prefix(cwd).ok().filter(|short| !short.as_os_str().is_empty());
    short.unwrap_or(path).display().to_string()
}

/// The colour of mistakes.
pub fn red() -> Paint {
    Paint::new().red()
}

fn yellow() -> Paint {
    Paint::new().yellow()
}

fn green() -> Paint {
    Paint::new().green()
}

/// `text` in these colours, if any.
pub fn paint(text: &str, paint: Paint, colour: bool) -> String {
    if colour { text.style(paint).to_string() } else { text.to_owned() }
}

fn diagnostic(diagnostic: &Diagnostic, style: &Style) -> String {
    let theme =
        if style.error_colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    let drawn = GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(WIDTH)
        // A path stays whole.
        .with_word_separator(WordSeparator::AsciiSpace)
        .render_report(&mut text, &Drawn::new(diagnostic, &style.cwd));
    if drawn.is_err() {
        // The place lies outside its text: the words still stand.
        return format!("{diagnostic}");
    }
    text.trim_end().to_owned()
}

/// A diagnostic in miette's terms: the labels of one file, those of other files as related ones.
#[derive(Debug)]
struct Drawn {
    code: Option<&'static str>,
    severity: Severity,
    message: String,
    help: Option<String>,
    source: Option<Excerpt>,
    labels: Vec<LabeledSpan>,
    related: Vec<Drawn>,
}

impl Drawn {
    fn new(diagnostic: &Diagnostic, cwd: &Path) -> Self {
        let main = diagnostic.labels.first().map(|label| &label.source);
        let (own, others): (Vec<&Label>, Vec<_>) =
            diagnostic.labels.iter().partition(|label| Some(&label.source) == main);
        let related = others.into_iter().map(|label| {
            let (source, labels) = excerpt(&[label], cwd);
            Self {
                code: None,
                severity: Severity::Hint,
                message: "the other place".to_owned(),
                help: None,
                source: Some(source),
                labels,
                related: Vec::new(),
            }
        });
        let (source, labels) = match own.is_empty() {
            true => (None, Vec::new()),
            false => {
                let (source, labels) = excerpt(&own, cwd);
                (Some(source), labels)
            }
        };
        Self {
            code: Some(diagnostic.code),
            severity: diagnostic.severity,
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            source,
            labels,
            related: related.collect(),
        }
    }
}

/// The source of `labels`, which are of one file, and the labels in it.
fn excerpt(labels: &[&Label], cwd: &Path) -> (Excerpt, Vec<LabeledSpan>) {
    let source: &SourceFile = &labels[0].source;
    let end = source.text.len();
    let clamped = |label: &&Label| {
        let start = source.text.floor_char_boundary(label.span.start.min(end));
        start..source.text.floor_char_boundary(label.span.end.min(end)).max(start)
    };
    let spans: Vec<_> = labels.iter().map(clamped).collect();
    let (excerpt, moved) = Excerpt::new(show_path(&source.path, cwd), &source.text, &spans);
    let spans = labels.iter().zip(moved).map(|(label, range)| span(label, range, end)).collect();
    (excerpt, spans)
}

/// `label` at `range`; its file has `end` bytes.
fn span(label: &Label, range: std::ops::Range<usize>, end: usize) -> LabeledSpan {
    let text = if label.text.is_empty() { "here" } else { &label.text };
    // An empty span would get no arrow.
    let length = range.len().max(usize::from(label.span.start < end));
    LabeledSpan::new(Some(text.to_owned()), range.start, length)
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Drawn {}

impl miette::Diagnostic for Drawn {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.code.map(|code| Box::new(code) as Box<dyn fmt::Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Warning => miette::Severity::Warning,
            Severity::Hint => miette::Severity::Advice,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        Some(Box::new(self.related.iter().map(|other| other as &dyn miette::Diagnostic)))
    }
}

#[cfg(test)]
mod tests;
