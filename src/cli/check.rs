//! `dodev check`: everything that can be said of a project without starting it, for editors and CI.
//!
//! Configuration, bundle, exports and migrations are judged by whoever judges them in `dodev dev`; the platform's
//! prohibitions by `crate::check`. Nothing is written but the cache of built packages, and what `build.command` writes, which
//! runs first; no other code of the user's runs. State is looked at only to tell which migrations are pending.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::args::LogLevel;
use super::json::diagnostics as as_json;
use super::output::{self, Output, Style};
use super::place::JSON_VERSION;
use super::table::count;
use crate::base::clock::Clock;
use crate::base::diag::{Diagnostic, Severity, SourceFile};
use crate::bundle::{Bundle, Bundler, ChildBundler, Prebundler};
use crate::check;
use crate::dev::{
    CACHE, DEFAULT_STATE, Report, ReportSink, bundle_request, run_build_command, with_whole_paths,
};
use crate::engine::bytecode;
use crate::migrate::Migrator;
use crate::project::{LoadRequest, Loaded, Project, check_entrypoints, check_exports, check_together, load};

const ABOUT: &str = "\
Say what is wrong with a project, without starting it.

Reads the configuration, bundles the code, compares classes, exports and migrations, and looks for what the \
platform forbids: transactions in `sql.exec()` and constants beyond its limits (errors), standard WebSockets in a class whose other ones \
hibernate and closings that nobody answers (warnings), variables of a module that handlers write (hint). \
`build.command` runs first, as in `dodev dev`; what it prints goes to standard error.";

const EXAMPLES: &str = "\
Examples:
  dodev check                      the project of this directory
  dodev check -c web/wrangler.jsonc -c api/wrangler.jsonc
                                   two Workers that run together
  dodev check -e staging           with the settings of env.staging
  dodev check --format github      annotations, in a GitHub action
  dodev check --json               one object: version, command, worker, ok, errors, warnings, hints,
                                   files, pending (migrations), diagnostics

Exit codes: 0 no errors, 1 errors, 2 wrong usage.";

/// Arguments of `dodev check`.
#[derive(Debug, Args)]
#[command(long_about = ABOUT, after_help = EXAMPLES)]
pub struct CheckArgs {
    /// The configuration file, instead of the nearest one; given again, further Workers that run beside the first
    #[arg(short, long, value_name = "FILE")]
    pub config: Vec<PathBuf>,

    /// Run as if started in this directory
    #[arg(long, value_name = "DIR")]
    pub cwd: Option<PathBuf>,

    /// The environment of the configuration, for example `staging`
    #[arg(short, long, value_name = "NAME")]
    pub env: Option<String>,

    /// The state's directory [default: .wrangler/state beside the configuration]
    #[arg(long, value_name = "DIR")]
    pub persist_to: Option<PathBuf>,

    /// Leave `build.command` out: look at what it made last
    #[arg(long)]
    pub no_build: bool,

    /// How to tell what was found
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub format: Format,

    /// The same as `--format json`
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}

/// How to tell what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One object on standard output.
    Json,
    /// Workflow commands that GitHub shows beside the code.
    Github,
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    worker: Option<String>,
    /// The project's root; places are relative to it.
    root: PathBuf,
    /// Files of the project's own code.
    files: usize,
    /// Migrations that `dodev dev` or `dodev migrate` would apply.
    pending: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Found {
    fn of(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count()
    }

    fn is_ok(&self) -> bool {
        self.of(Severity::Error) == 0
    }
}

/// Runs the command.
pub fn run(args: &CheckArgs, clock: Clock) -> ExitCode {
    let format = if args.json { Format::Json } else { args.format };
    let mut style = Style::of_process(LogLevel::Log, false, format == Format::Json);
    let mut request = match request(args) {
        Ok(request) => request,
        Err(error) => return output::refusal(&format!("{error:#}"), format == Format::Json),
    };
    request.environment.clone_from(&args.env);
    style.cwd.clone_from(&request.cwd);
    let found = match look_at_all(&request, args, &clock) {
        Ok(found) => found,
        Err(error) => return output::refusal(&format!("{error:#}"), format == Format::Json),
    };
    let code = if found.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if format == Format::Github {
        let lines: Vec<_> =
            found.diagnostics.iter().map(|one| annotation(one, &found.root, &style.cwd)).collect();
        output::answer(&lines.concat());
        return code;
    }
    let object = json!({
        "version": JSON_VERSION, "command": "check", "worker": found.worker, "ok": found.is_ok(),
        "errors": found.of(Severity::Error), "warnings": found.of(Severity::Warning),
        "hints": found.of(Severity::Hint), "files": found.files, "pending": found.pending,
        "diagnostics": as_json(&found.diagnostics),
    });
    let output = Output::start(style);
    output.text(vec![summary(&found)], object, found.diagnostics);
    output.finish(code)
}

fn request(args: &CheckArgs) -> anyhow::Result<LoadRequest> {
    let mut cwd = std::env::current_dir().context("cannot tell the working directory")?;
    if let Some(directory) = &args.cwd {
        cwd = cwd.join(directory);
        cwd = dunce::canonicalize(&cwd).with_context(|| format!("cannot work in `{}`", cwd.display()))?;
    }
    Ok(LoadRequest::new(cwd, Clock::system()))
}

fn summary(found: &Found) -> String {
    let counts = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Hint, "hint")];
    let counts: Vec<_> = counts
        .iter()
        .map(|(severity, word)| (found.of(*severity), word))
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| count(number, word))
        .collect();
    let what = if counts.is_empty() { "nothing wrong".to_owned() } else { counts.join(", ") };
    let pending = match found.pending {
        0 => String::new(),
        number => format!("; {} to apply", count(number, "migration")),
    };
    match &found.worker {
        Some(worker) => format!("{worker}: {what} in {}{pending}", count(found.files, "file")),
        None => what,
    }
}

/// Looks at every configuration by itself, then at what they say of each other.
fn look_at_all(request: &LoadRequest, args: &CheckArgs, clock: &Clock) -> anyhow::Result<Found> {
    let configs: Vec<Option<PathBuf>> = match args.config.as_slice() {
        [] => vec![None],
        configs => configs.iter().cloned().map(Some).collect(),
    };
    let several = configs.len() > 1;
    let mut persist = args.persist_to.as_ref().map(|directory| request.cwd.join(directory));
    let (mut all, mut looks) = (Found { root: request.cwd.clone(), ..Found::default() }, Vec::new());
    for config in configs {
        let request = LoadRequest { config, ..request.clone() };
        let Loaded { project, diagnostics, .. } = load(&request);
        let Some(project) = project else {
            all.diagnostics.extend(diagnostics);
            continue;
        };
        let persist = persist.get_or_insert_with(|| project.home.join(DEFAULT_STATE));
        let (mut found, exports) = look(&project, diagnostics, persist, args, clock.clone())?;
        if several {
            found.diagnostics = with_whole_paths(&project.root, found.diagnostics);
        } else {
            all.root.clone_from(&project.root);
        }
        all.worker.get_or_insert_with(|| project.name.clone());
        all.files += found.files;
        all.pending += found.pending;
        all.diagnostics.extend(found.diagnostics);
        looks.push((Arc::new(project), exports));
    }
    let projects: Vec<_> = looks.iter().map(|(project, _)| project.clone()).collect();
    all.diagnostics.extend(check_together(&projects));
    for project in &projects {
        all.diagnostics.extend(check_entrypoints(project, |name| {
            let (_, exports) = looks.iter().find(|(project, _)| project.name == name)?;
            exports.as_deref()
        }));
    }
    Ok(all)
}

/// What is wrong with `project` beside the `diagnostics` of its configuration, and what its code exports if it could be
/// bundled.
fn look(
    project: &Project,
    mut diagnostics: Vec<Diagnostic>,
    persist: &Path,
    args: &CheckArgs,
    clock: Clock,
) -> anyhow::Result<(Found, Option<Vec<String>>)> {
    let mut found = Found::default();
    if let Some(command) = &project.build.command {
        if args.no_build {
            let message = format!("`{}` is not run: what it made last is looked at", command.command);
            diagnostics.push(Diagnostic::hint("check/build-command", message));
        } else if let Some(failure) = run_build_command(command, &project.source, &printed()) {
            found.diagnostics = diagnostics;
            found.diagnostics.push(failure.help("what it printed stands above"));
            return Ok((found, None));
        }
    }
    let (inputs, exports) = match build(project)? {
        Ok(bundle) => {
            diagnostics.extend(check_exports(project, &bundle.exports));
            diagnostics.extend(bundle.diagnostics);
            (bundle.inputs, Some(bundle.exports))
        }
        Err(failure) => {
            diagnostics.extend(failure.diagnostics);
            (failure.inputs, None)
        }
    };
    let plan = Migrator::new(&persist.join("v3"), clock).plan(project, exports.as_deref())?;
    found.pending = plan.pending.len();
    // The plan says it better.
    diagnostics.retain(|diagnostic| diagnostic.code != "config/no-migration");
    for planned in plan.errors.into_iter().chain(plan.remarks) {
        if !diagnostics.contains(&planned) {
            diagnostics.push(planned);
        }
    }
    for path in own_code(&inputs, &project.root) {
        // A file that was looked for and is not there is an input too.
        let Ok(text) = fs::read_to_string(&path) else { continue };
        let shown = path.strip_prefix(&project.root).unwrap_or(&path);
        diagnostics.extend(check::check(&SourceFile::new(shown, text)));
        found.files += 1;
    }
    found.diagnostics = diagnostics;
    Ok((found, exports))
}

/// What a command prints is no part of the answer.
fn printed() -> ReportSink {
    Arc::new(|report| {
        if let Report::CommandOutput { text, .. } = report {
            output::remark(&format!("{text}\n"));
        }
    })
}

fn build(project: &Project) -> anyhow::Result<Result<Bundle, crate::bundle::BuildFailure>> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let child = ChildBundler::new(program);
    let mut bundler = Prebundler::new(child, project.home.join(CACHE), bytecode::ENGINE);
    let Some(request) = bundle_request(project, true) else { return Ok(Ok(Bundle::of_nothing())) };
    Ok(bundler.build(&request, &[]))
}

/// The files of code among `inputs` that are the project's own.
fn own_code(inputs: &[PathBuf], root: &Path) -> BTreeSet<PathBuf> {
    let is_own = |path: &&PathBuf| {
        let is_package = path.components().any(|part| part.as_os_str() == "node_modules");
        !is_package && !path.starts_with(root.join(CACHE)) && check::is_code(path)
    };
    inputs.iter().filter(is_own).cloned().collect()
}

/// A workflow command of GitHub; paths are relative to the working directory, which is the checkout's root there.
fn annotation(diagnostic: &Diagnostic, root: &Path, cwd: &Path) -> String {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "notice",
    };
    let mut place = String::new();
    if let Some(label) = diagnostic.labels.first() {
        let path = root.join(&label.source.path);
        let path = path.strip_prefix(cwd).unwrap_or(&path).to_string_lossy().into_owned();
        let (line, column) = label.source.position(label.span.start);
        let (end_line, end_column) = label.source.position(label.span.end);
        place = format!("file={},line={line},endLine={end_line},", property(&path));
        if line == end_line {
            place += &format!("col={column},endColumn={end_column},");
        }
    }
    let help = diagnostic.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let message = escaped(&format!("{}{help}", diagnostic.message));
    format!("::{level} {place}title={}::{message}\n", property(diagnostic.code))
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_name_the_place_and_escape_what_github_reads() {
        let source = SourceFile::new("a,b.ts", "one\ntwo three");
        let one = Diagnostic::warning("check/x", "100% wrong").at(&source, 8..13, "").help("do\nthis");
        assert_eq!(
            annotation(&one, Path::new("/p/api"), Path::new("/p")),
            "::warning file=api/a%2Cb.ts,line=2,endLine=2,col=5,endColumn=10,title=check/x::100%25 wrong%0Ado%0Athis\n"
        );
        let nowhere = Diagnostic::error("check/y", "bad");
        assert_eq!(annotation(&nowhere, Path::new("/p"), Path::new("/p")), "::error title=check/y::bad\n");
    }
}
