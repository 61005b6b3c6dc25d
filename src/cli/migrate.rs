//! `dodev migrate`: plans, applies, takes back and prunes, and says what it did.
//!
//! Only glue: the configuration is loaded, the state directory is held, and `crate::migrate` does the rest. How
//! things look is `migrate_show.rs`'s business.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;

use super::args::{LogLevel, MigrateArgs, MigrateCommand};
use super::migrate_show::{self, Outcome};
use super::output::{self, Output, Style};
use crate::base::clock::Clock;
use crate::base::diag::Diagnostic;
use crate::bundle::BundleCache;
use crate::dev::{CACHE, DEFAULT_STATE, bundle_request};
use crate::inspect::{InspectError, user};
use crate::migrate::{Entry, Migrator, Plan, Planned, count};
use crate::project::{LoadRequest, Loaded, Overrides, Project, check_together, load, nearest};
use crate::storage::{StateDir, StateDirError};

/// What to do when the answer is no, or nobody can be asked.
const AGREE: &str = "add `--yes` to agree; a copy is kept until `dodev migrate prune`";

/// Runs the command.
pub fn run(args: &MigrateArgs, clock: Clock) -> ExitCode {
    let mut style = Style::of_process(LogLevel::Log, false, args.json);
    let requests = match requests(args, &clock) {
        Ok(requests) => requests,
        Err(error) => {
            let output = Output::start(style);
            output.failure(format!("{error:#}"));
            return output.finish(ExitCode::FAILURE);
        }
    };
    style.cwd.clone_from(&requests[0].cwd);
    let output = Output::start(style.clone());
    let workers = match load_all(&requests) {
        Ok(workers) => workers,
        Err(mistakes) => {
            output.diagnostics(mistakes);
            return output.finish(ExitCode::FAILURE);
        }
    };
    let persist = args.persist_to.as_ref().map_or_else(
        || workers[0].project.home.join(DEFAULT_STATE),
        |directory| requests[0].cwd.join(directory),
    );
    let command = match args.command {
        None if args.dry_run => Action::Plan,
        None => Action::Apply,
        Some(MigrateCommand::Plan) => Action::Plan,
        Some(MigrateCommand::Status) => Action::Status,
        Some(MigrateCommand::Undo) => Action::Undo,
        Some(MigrateCommand::Prune) => Action::Prune,
    };
    let run = Run { args, workers: &workers, persist: &persist, clock, style: &style };
    let code = match run.run(command) {
        Ok(outcomes) => {
            let failed = outcomes.iter().any(|outcome| outcome.failed);
            let (lines, object) = (migrate_show::show(&outcomes, &style), migrate_show::json(&outcomes));
            let diagnostics = outcomes.into_iter().flat_map(|outcome| outcome.diagnostics).collect();
            output.text(lines, object, diagnostics);
            if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            output.failure(format!("{error:#}"));
            ExitCode::FAILURE
        }
    };
    output.finish(code)
}

/// Holds the state below `root`; `None` where a server does and it is only looked at.
fn hold(root: &Path, looks: bool) -> anyhow::Result<Option<StateDir>> {
    match StateDir::open(root) {
        // The server has finished what an earlier run began.
        Err(StateDirError::Held { .. }) if looks => Ok(None),
        // Held by `dodev dev`, its objects are in use; its pid is in the message.
        held => Ok(Some(held?)),
    }
}

/// Which projects are meant: the primary one first, whose state it is.
fn requests(args: &MigrateArgs, clock: &Clock) -> anyhow::Result<Vec<LoadRequest>> {
    let mut cwd = std::env::current_dir().context("cannot tell the working directory")?;
    if let Some(directory) = &args.cwd {
        cwd = cwd.join(directory);
        cwd = dunce::canonicalize(&cwd).with_context(|| format!("cannot work in `{}`", cwd.display()))?;
    }
    if args.config.len() > 1 {
        for (name, is_given) in [("--to", args.to.is_some()), ("--carry-over", args.carry_over.is_some())] {
            anyhow::ensure!(!is_given, "`{name}` is about one Worker: give one `--config`");
        }
    }
    let mut request = LoadRequest::new(cwd, clock.clone());
    request.environment.clone_from(&args.env);
    let mut configs = args.config.iter().cloned();
    request.config = configs.next();
    // As `dodev dev` does: the others get nothing of the command line but the environment.
    let mut requests: Vec<_> =
        configs.map(|config| LoadRequest { config: Some(config), ..request.clone() }).collect();
    request.overrides = Overrides { name: args.name.clone(), ..Overrides::default() };
    requests.insert(0, request);
    Ok(requests)
}

/// A Worker whose migrations are meant, and what there is to warn of.
struct Worker {
    project: Arc<Project>,
    warnings: Vec<Diagnostic>,
}

/// Reads all projects; an error is all that is wrong with any of them.
fn load_all(requests: &[LoadRequest]) -> Result<Vec<Worker>, Vec<Diagnostic>> {
    let mut workers = Vec::new();
    let mut mistakes = Vec::new();
    for request in requests {
        let Loaded { project, diagnostics, .. } = load(request);
        let Some(project) = project else {
            mistakes.extend(diagnostics);
            continue;
        };
        // The plan says the same about classes that are bound and not there, as errors.
        let warnings = diagnostics.into_iter().filter(|one| one.code == "config/migration").collect();
        workers.push(Worker { project: Arc::new(project), warnings });
    }
    if mistakes.is_empty() {
        let projects: Vec<_> = workers.iter().map(|worker| worker.project.clone()).collect();
        // What they say of each other's classes is for those who run them: a migration may be about to change it.
        mistakes = check_together(&projects);
        mistakes.retain(|mistake| mistake.code == "config/duplicate-worker");
    }
    if mistakes.is_empty() { Ok(workers) } else { Err(mistakes) }
}

/// What the command is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Apply what is pending.
    Apply,
    /// Show what is pending.
    Plan,
    /// Show everything.
    Status,
    /// Take the last one back.
    Undo,
    /// Remove copies.
    Prune,
}

struct Run<'a> {
    args: &'a MigrateArgs,
    workers: &'a [Worker],
    persist: &'a PathBuf,
    clock: Clock,
    style: &'a Style,
}

impl Run<'_> {
    fn run(&self, command: Action) -> anyhow::Result<Vec<Outcome>> {
        let root = self.persist.join("v3");
        let mut outcomes: Vec<_> = self
            .workers
            .iter()
            .map(|worker| Outcome::new(command, &worker.project.name, self.persist, worker.warnings.clone()))
            .collect();
        if !root.exists() && command != Action::Apply {
            // Looking makes no directory.
            let nothing = Migrator::new(&root, self.clock.clone());
            for (outcome, Worker { project, .. }) in outcomes.iter_mut().zip(self.workers) {
                outcome.note(&nothing.ledger()?, &project.name, nothing.plan(project, None)?);
            }
            return Ok(outcomes);
        }
        let looks = matches!(command, Action::Plan | Action::Status);
        if !looks && let Some(user) = user(&root) {
            let error = InspectError::Used(user);
            anyhow::bail!("{error}: {}", error.help().unwrap_or_default());
        }
        let migrator = Migrator::new(&root, self.clock.clone());
        // Looking makes no file either.
        let held = if looks && !migrator.is_interrupted() { None } else { hold(&root, looks)? };
        if held.is_some() && migrator.recover()? {
            outcomes[0].say("finished what an earlier run began");
        }
        match command {
            Action::Plan | Action::Status => {}
            Action::Apply => self.apply(&migrator, &mut outcomes)?,
            Action::Undo => self.undo(&migrator, &mut outcomes)?,
            Action::Prune => self.prune(&migrator, &mut outcomes)?,
        }
        for (outcome, Worker { project, .. }) in outcomes.iter_mut().zip(self.workers) {
            let plan = self.plan(&migrator, project)?;
            outcome.failed |= command == Action::Apply && !plan.errors.is_empty();
            outcome.renamed_from = migrator.renamed_from(project)?;
            outcome.note(&migrator.ledger()?, &project.name, plan);
        }
        Ok(outcomes)
    }

    fn plan(&self, migrator: &Migrator, project: &Project) -> anyhow::Result<Plan> {
        let cache = BundleCache::new(project.home.join(CACHE));
        // What the code exports is known if it is as it was when it last ran.
        let bundle = [true, false]
            .into_iter()
            .find_map(|apart| cache.load_if_unchanged(&bundle_request(project, apart)?, |_| {}));
        let exports = bundle.as_ref().map(|bundle| bundle.exports.as_slice());
        Ok(migrator.plan(project, exports)?)
    }

    fn apply(&self, migrator: &Migrator, outcomes: &mut [Outcome]) -> anyhow::Result<()> {
        if let Some(from) = &self.args.carry_over {
            let entry = self.carry_over(migrator, &self.workers[0].project, from)?;
            outcomes[0].changed.push(entry);
        }
        let mut plans = Vec::new();
        for Worker { project, .. } in self.workers {
            plans.push(self.plan(migrator, project)?);
        }
        // A deployment would be refused; nothing is applied halfway, of no Worker.
        let mut fits = true;
        for (plan, outcome) in plans.iter().zip(outcomes.iter_mut()) {
            let is_refused = plan.errors.iter().chain(&plan.remarks).any(Diagnostic::is_error);
            outcome.failed |= is_refused;
            fits &= !is_refused;
        }
        if !fits {
            return Ok(());
        }
        let mut wanted = Vec::new();
        for plan in &plans {
            wanted.push(self.wanted(plan)?);
        }
        if wanted.iter().copied().flatten().any(Planned::is_destructive) {
            let lines = wanted.iter().flat_map(|pending| migrate_show::plan_lines(pending, self.style));
            let question = format!("{}\nApply?", lines.collect::<Vec<_>>().join("\n"));
            if !self.agrees(&question, &mut outcomes[0]) {
                return Ok(());
            }
        }
        for (at, Worker { project, .. }) in self.workers.iter().enumerate() {
            // What another Worker's migrations moved is seen as it is now.
            let fresh = if at == 0 { None } else { Some(self.plan(migrator, project)?) };
            let plan = fresh.as_ref().unwrap_or(&plans[at]);
            if !plan.errors.is_empty() {
                return Ok(());
            }
            migrator.adopt(&project.name, &plan.adopted)?;
            if let Some(last) = plan.adopted.last() {
                outcomes[at].say(&format!("adopted the state as it is at `{}`", last.title()));
            }
            for planned in self.wanted(plan)? {
                outcomes[at].changed.push(migrator.apply(&project.name, planned)?);
            }
        }
        Ok(())
    }

    fn carry_over(&self, migrator: &Migrator, project: &Project, from: &str) -> anyhow::Result<Entry> {
        let worker = &project.name;
        anyhow::ensure!(from != worker, "the Worker is called `{worker}` already");
        let entry = migrator.carry_over(project, from)?;
        if entry.steps.is_empty() {
            migrator.undo(worker)?;
            anyhow::bail!("there is no state of a Worker `{from}` in `{}`", self.persist.display());
        }
        Ok(entry)
    }

    /// The pending migrations up to the one that was named.
    fn wanted<'p>(&self, plan: &'p Plan) -> anyhow::Result<&'p [Planned]> {
        let Some(to) = &self.args.to else { return Ok(&plan.pending) };
        let tags = || plan.pending.iter().filter_map(|planned| planned.tag.as_deref());
        match tags().position(|tag| tag == to) {
            Some(index) => Ok(&plan.pending[..=index]),
            None => match nearest(to, tags()) {
                Some(near) => anyhow::bail!("no pending migration is called `{to}`; did you mean `{near}`?"),
                None => {
                    anyhow::bail!("no pending migration is called `{to}`; `dodev migrate status` lists all")
                }
            },
        }
    }

    /// Takes the last one back; of several Workers, of the one that was migrated last.
    fn undo(&self, migrator: &Migrator, outcomes: &mut [Outcome]) -> anyhow::Result<()> {
        let ledger = migrator.ledger()?;
        let when = |at: &usize| {
            let own = ledger.workers.get(&self.workers[*at].project.name);
            own.and_then(|own| own.entries.last()).map(|entry| entry.at_ms)
        };
        let at = (0..self.workers.len()).max_by_key(when).unwrap_or(0);
        let (worker, outcome) = (&self.workers[at].project.name, &mut outcomes[at]);
        let (entry, objects) = migrator.last(worker)?;
        if objects > 0 {
            let question = format!(
                "Taking back `{}` ({}) puts aside {}. Take it back?",
                entry.title(),
                entry.describe(),
                count(objects)
            );
            if !self.agrees(&question, outcome) {
                return Ok(());
            }
        }
        outcome.changed.push(migrator.undo(worker)?);
        Ok(())
    }

    fn prune(&self, migrator: &Migrator, outcomes: &mut [Outcome]) -> anyhow::Result<()> {
        let copies = migrator.ledger()?.copies;
        if !copies.is_empty() {
            let objects = copies.iter().map(|copy| copy.objects).sum();
            let question = format!("{} of {} copies go for good. Remove them?", count(objects), copies.len());
            if !self.agrees(&question, &mut outcomes[0]) {
                return Ok(());
            }
        }
        outcomes[0].pruned = migrator.prune()?;
        Ok(())
    }

    /// Whether the user agrees; if nobody can be asked, the outcome says what to do.
    fn agrees(&self, question: &str, outcome: &mut Outcome) -> bool {
        let agrees = self.args.yes || (!self.args.json && output::confirm(question));
        if !agrees {
            outcome.failed = true;
            let message = "nothing was changed: objects would disappear, and nobody agreed";
            outcome.diagnostics.push(Diagnostic::error("migrate/not-agreed", message).help(AGREE));
        }
        agrees
    }
}
