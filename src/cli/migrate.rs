//! `dodev migrate`: plans, applies, takes back and prunes, and says what it did.
//!
//! Only glue: the configuration is loaded, the state directory is held, and `crate::migrate` does the rest. How
//! things look is `migrate_show.rs`'s business.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::args::{LogLevel, MigrateArgs, MigrateCommand};
use super::migrate_show::{self, Outcome};
use super::output::{self, Output, Style};
use crate::base::clock::Clock;
use crate::base::diag::Diagnostic;
use crate::bundle::BundleCache;
use crate::dev::{CACHE, DEFAULT_STATE, bundle_request};
use crate::inspect::{InspectError, user};
use crate::migrate::{Migrator, Plan, Planned, count};
use crate::project::{LoadRequest, Loaded, Overrides, Project, load, nearest};
use crate::storage::{StateDir, StateDirError};

/// What to do when the answer is no, or nobody can be asked.
const AGREE: &str = "add `--yes` to agree; a copy is kept until `dodev migrate prune`";

/// Runs the command.
pub fn run(args: &MigrateArgs, clock: Clock) -> ExitCode {
    let mut style = Style::of_process(LogLevel::Log, false, args.json);
    let request = match request(args, &clock) {
        Ok(request) => request,
        Err(error) => {
            let output = Output::start(style);
            output.failure(format!("{error:#}"));
            return output.finish(ExitCode::FAILURE);
        }
    };
    style.cwd.clone_from(&request.cwd);
    let output = Output::start(style.clone());
    let Loaded { project, diagnostics, .. } = load(&request);
    let Some(project) = project else {
        output.diagnostics(diagnostics);
        return output.finish(ExitCode::FAILURE);
    };
    let persist = args
        .persist_to
        .as_ref()
        .map_or_else(|| project.root.join(DEFAULT_STATE), |directory| request.cwd.join(directory));
    let command = match args.command {
        None if args.dry_run => Action::Plan,
        None => Action::Apply,
        Some(MigrateCommand::Plan) => Action::Plan,
        Some(MigrateCommand::Status) => Action::Status,
        Some(MigrateCommand::Undo) => Action::Undo,
        Some(MigrateCommand::Prune) => Action::Prune,
    };
    let run = Run { args, project: &project, persist: &persist, clock, style: &style };
    let code = match run.run(command) {
        Ok(mut outcome) => {
            // The plan says the same about classes that are bound and not there, as errors.
            let others =
                diagnostics.into_iter().filter(|diagnostic| diagnostic.code != "config/no-migration");
            let warnings: Vec<Diagnostic> = others.filter(|d| d.code == "config/migration").collect();
            outcome.diagnostics.splice(0..0, warnings);
            let failed = outcome.failed;
            output.text(
                migrate_show::show(&outcome, &style),
                migrate_show::json(&outcome),
                outcome.diagnostics,
            );
            if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(error) => {
            output.failure(format!("{error:#}"));
            ExitCode::FAILURE
        }
    };
    output.finish(code)
}

fn request(args: &MigrateArgs, clock: &Clock) -> anyhow::Result<LoadRequest> {
    let mut cwd = std::env::current_dir().context("cannot tell the working directory")?;
    if let Some(directory) = &args.cwd {
        cwd = cwd.join(directory);
        cwd = cwd.canonicalize().with_context(|| format!("cannot work in `{}`", cwd.display()))?;
    }
    let mut request = LoadRequest::new(cwd, clock.clone());
    request.config.clone_from(&args.config);
    request.environment.clone_from(&args.env);
    request.overrides = Overrides { name: args.name.clone(), ..Overrides::default() };
    Ok(request)
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
    project: &'a Project,
    persist: &'a PathBuf,
    clock: Clock,
    style: &'a Style,
}

impl Run<'_> {
    fn run(&self, command: Action) -> anyhow::Result<Outcome> {
        let worker = &self.project.name;
        let root = self.persist.join("v3");
        let mut outcome = Outcome::new(command, worker, self.persist);
        if !root.exists() && command != Action::Apply {
            // Looking makes no directory.
            let nothing = Migrator::new(&root, self.clock.clone());
            outcome.note(&nothing.ledger()?, worker, nothing.plan(self.project, None)?);
            return Ok(outcome);
        }
        let looks = matches!(command, Action::Plan | Action::Status);
        let held = match StateDir::open(&root) {
            // The server has finished what an earlier run began.
            Err(StateDirError::Held { .. }) if looks => None,
            // Held by `dodev dev`, its objects are in use; its pid is in the message.
            held => Some(held?),
        };
        if !looks && let Some(user) = user(&root) {
            let error = InspectError::Used(user);
            anyhow::bail!("{error}: {}", error.help().unwrap_or_default());
        }
        let migrator = Migrator::new(&root, self.clock.clone());
        if held.is_some() && migrator.recover()? {
            outcome.say("finished what an earlier run began");
        }
        match command {
            Action::Plan | Action::Status => {}
            Action::Apply => self.apply(&migrator, &mut outcome)?,
            Action::Undo => self.undo(&migrator, &mut outcome)?,
            Action::Prune => self.prune(&migrator, &mut outcome)?,
        }
        let plan = self.plan(&migrator)?;
        outcome.failed |= command == Action::Apply && !plan.errors.is_empty();
        outcome.renamed_from = migrator.renamed_from(self.project)?;
        outcome.note(&migrator.ledger()?, worker, plan);
        Ok(outcome)
    }

    fn plan(&self, migrator: &Migrator) -> anyhow::Result<Plan> {
        let cache = BundleCache::new(self.project.root.join(CACHE));
        // What the code exports is known if it is as it was when it last ran.
        let bundle = [true, false]
            .into_iter()
            .find_map(|apart| cache.load_if_unchanged(&bundle_request(self.project, apart)?));
        let exports = bundle.as_ref().map(|bundle| bundle.exports.as_slice());
        Ok(migrator.plan(self.project, exports)?)
    }

    fn apply(&self, migrator: &Migrator, outcome: &mut Outcome) -> anyhow::Result<()> {
        let worker = &self.project.name;
        if let Some(from) = &self.args.carry_over {
            if from == worker {
                anyhow::bail!("the Worker is called `{worker}` already");
            }
            let entry = migrator.carry_over(self.project, from)?;
            if entry.steps.is_empty() {
                migrator.undo(worker)?;
                anyhow::bail!("there is no state of a Worker `{from}` in `{}`", self.persist.display());
            }
            outcome.changed.push(entry);
        }
        let plan = self.plan(migrator)?;
        if !plan.errors.is_empty() {
            return Ok(());
        }
        let pending = self.wanted(&plan)?;
        if plan.remarks.iter().any(Diagnostic::is_error) {
            // A deployment would be refused; nothing is applied halfway.
            outcome.failed = true;
            return Ok(());
        }
        let question = format!("{}\nApply?", migrate_show::plan_lines(pending, self.style).join("\n"));
        if pending.iter().any(Planned::is_destructive) && !self.agrees(&question, outcome) {
            return Ok(());
        }
        migrator.adopt(worker, &plan.adopted)?;
        if let Some(last) = plan.adopted.last() {
            outcome.say(&format!("adopted the state as it is at `{}`", last.title()));
        }
        for planned in pending {
            outcome.changed.push(migrator.apply(worker, planned)?);
        }
        Ok(())
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

    fn undo(&self, migrator: &Migrator, outcome: &mut Outcome) -> anyhow::Result<()> {
        let worker = &self.project.name;
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

    fn prune(&self, migrator: &Migrator, outcome: &mut Outcome) -> anyhow::Result<()> {
        let copies = migrator.ledger()?.copies;
        if !copies.is_empty() {
            let objects = copies.iter().map(|copy| copy.objects).sum();
            let question = format!("{} of {} copies go for good. Remove them?", count(objects), copies.len());
            if !self.agrees(&question, outcome) {
                return Ok(());
            }
        }
        outcome.pruned = migrator.prune()?;
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
