//! Migrations in a session: what is pending is applied before the code that needs it serves.
//!
//! On a terminal the user is asked before objects are put aside, at the start before anything runs, and on a reload while
//! the code before still serves. Where nobody can be asked it waits, and if the code cannot be served without it, it does
//! not serve. A project whose last tag is in the
//! ledger costs one small file at the start and nothing later.

use std::path::Path;
use std::sync::Arc;

use super::report::{Migrated, Report, ReportSink};
use crate::base::clock::Clock;
use crate::base::diag::Diagnostic;
use crate::migrate::{Consent, MigrateError, Migrator, Planned, Verdict, is_settled, judge};
use crate::project::{ClassStorage, Project};

/// Something that only the user can decide.
#[derive(Debug, Clone)]
pub enum Question {
    /// Whether to apply these migrations, some of which put objects aside.
    PutAside(Vec<Planned>),
    /// Whether to carry the state of the Worker `from` over to `to`.
    CarryOver {
        /// The name that the state has.
        from: String,
        /// The name in the configuration.
        to: String,
    },
}

/// Asks the user; may wait, while the code before serves if there is any.
pub type Ask = Arc<dyn Fn(&Question) -> bool + Send + Sync>;

/// What the user agrees to.
#[derive(Clone)]
pub enum Agreement {
    /// To everything.
    Always,
    /// To what this says.
    Ask(Ask),
    /// Nobody can be asked.
    Nobody,
}

impl Agreement {
    /// What is said to the migrations `pending`; may ask.
    fn consent(&self, pending: &[Planned]) -> Consent {
        match self {
            Self::Always => Consent::Given,
            Self::Nobody => Consent::Unasked,
            Self::Ask(ask) if pending.iter().any(Planned::is_destructive) => {
                if ask(&Question::PutAside(pending.to_vec())) { Consent::Given } else { Consent::Declined }
            }
            Self::Ask(_) => Consent::Declined,
        }
    }
}

/// What came of the migrations of a project.
pub enum Outcome {
    /// The state fits; nothing that worlds know has changed.
    Fits,
    /// The state fits; these namespaces have moved.
    Moved(Vec<String>),
    /// The code cannot be served.
    Refused(Vec<Diagnostic>),
}

/// The migrations of a session's state.
pub struct Migrations {
    migrator: Migrator,
    agreement: Agreement,
    /// What the user said at the start, until the first code serves.
    answer: Option<Consent>,
    /// The project that the state is known to fit.
    fits: Option<Arc<Project>>,
    report: ReportSink,
}

impl Migrations {
    /// Finishes what an earlier process began, and asks what has to be asked before anything runs.
    pub fn open(
        root: &Path,
        project: &Arc<Project>,
        agreement: Agreement,
        clock: &Clock,
        report: &ReportSink,
    ) -> Result<Self, MigrateError> {
        let migrator = Migrator::new(root, clock.clone());
        migrator.recover()?;
        let mut own = Self { migrator, agreement, answer: None, fits: None, report: report.clone() };
        if is_settled(project, &own.migrator.ledger()?) {
            own.fits = Some(project.clone());
            return Ok(own);
        }
        own.offer_carry_over(project)?;
        let pending = own.migrator.plan(project, None)?.pending;
        own.answer = Some(own.agreement.consent(&pending));
        Ok(own)
    }

    fn offer_carry_over(&self, project: &Project) -> Result<(), MigrateError> {
        let Some(from) = self.migrator.renamed_from(project)? else { return Ok(()) };
        let question = Question::CarryOver { from: from.clone(), to: project.name.clone() };
        match &self.agreement {
            Agreement::Ask(ask) if ask(&question) => {
                let entry = self.migrator.carry_over(project, &from)?;
                self.tell(project, Migrated::Applied(entry));
            }
            // `--yes` agrees to what the configuration says, and it does not say this.
            Agreement::Ask(_) | Agreement::Always | Agreement::Nobody => {
                self.tell(project, Migrated::CarryOverOffered { from });
            }
        }
        Ok(())
    }

    /// Whether the state is known to fit `project`.
    pub fn fits(&self, project: &Arc<Project>) -> bool {
        self.fits.as_ref().is_some_and(|fits| Arc::ptr_eq(fits, project))
    }

    /// Applies what is pending for `project`, whose bundle exports `exports`. `release` is called before anything
    /// moves, and must see to it that no object is in use.
    pub fn apply(
        &mut self,
        project: &Arc<Project>,
        exports: &[String],
        release: impl FnOnce(),
    ) -> Result<Outcome, MigrateError> {
        // Only after a failure, which has stopped the code that served.
        self.migrator.recover()?;
        if is_settled(project, &self.migrator.ledger()?) {
            self.fits = Some(project.clone());
            return Ok(Outcome::Fits);
        }
        let plan = self.migrator.plan(project, Some(exports))?;
        if !plan.errors.is_empty() {
            // The code is served on the state as it is, as wrangler does.
            self.fits = Some(project.clone());
            self.tell(project, Migrated::Impossible(plan.errors));
            return Ok(Outcome::Fits);
        }
        let consent = self.answer.take().unwrap_or_else(|| self.agreement.consent(&plan.pending));
        let count = match judge(&plan.pending, consent) {
            Verdict::Apply(count) => count,
            Verdict::Refuse(index) => {
                return Ok(Outcome::Refused(vec![refusal(project, &plan.pending[index])]));
            }
        };
        let (apply, wait) = plan.pending.split_at(count);
        let moves = apply.iter().flat_map(|planned| &planned.steps).any(crate::migrate::Step::moves);
        let before = if moves { self.migrator.disk()? } else { Default::default() };
        if moves {
            release();
        }
        self.migrator.adopt(&project.name, &plan.adopted)?;
        if let Some(last) = plan.adopted.last() {
            self.tell(project, Migrated::Adopted { tag: last.tag.clone() });
        }
        for planned in apply {
            let entry = self.migrator.apply(&project.name, planned)?;
            self.tell(project, Migrated::Applied(entry));
        }
        if !wait.is_empty() {
            self.tell(project, Migrated::Waiting(wait.to_vec()));
        }
        self.fits = Some(project.clone());
        if !moves {
            return Ok(Outcome::Fits);
        }
        let after = self.migrator.disk()?;
        Ok(Outcome::Moved(before.into_keys().chain(after.into_keys()).collect()))
    }

    /// `project` with the storage that transferred classes brought along, which its configuration cannot tell.
    pub fn fitted(&self, project: &Arc<Project>) -> Arc<Project> {
        let transferred = |class: &String| {
            let transfers = project.migrations.iter().flat_map(|migration| &migration.transferred_classes);
            transfers.into_iter().any(|transfer| transfer.to.text == *class)
        };
        if !project.classes.keys().any(transferred) {
            return project.clone();
        }
        let Ok(ledger) = self.migrator.ledger() else { return project.clone() };
        let Some(own) = ledger.workers.get(&project.name) else { return project.clone() };
        let mut fitted = Project::clone(project);
        for (class, storage) in &mut fitted.classes {
            if let (true, Some(known)) = (transferred(class), own.classes.get(class)) {
                *storage = ClassStorage::from(*known);
            }
        }
        Arc::new(fitted)
    }

    fn tell(&self, project: &Project, migrated: Migrated) {
        (self.report)(Report::Migrated { worker: project.name.clone(), migrated });
    }
}

fn refusal(project: &Project, planned: &Planned) -> Diagnostic {
    let message = format!("migration `{}` was not agreed to: {}", planned.title(), planned.describe());
    let error = Diagnostic::error("migrate/not-agreed", message)
        .help("stop dodev and run `dodev migrate`, or start with `--yes`; a copy is kept until it is pruned");
    if planned.span.is_empty() { error } else { error.at(&project.source, planned.span.clone(), "") }
}
