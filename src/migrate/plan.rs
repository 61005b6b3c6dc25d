//! Decides what has to happen to the state so that it fits the project: facts in, steps or mistakes out.
//!
//! Pure: what is declared, what the ledger says was applied, and which namespaces are on disk are all given. What
//! is pending are the migrations after the last applied tag, as on the platform; the `exports` form, which has no
//! tags, is compared with the classes that exist. A state directory without a ledger was written by wrangler, which
//! applies nothing, so what it went through is read off its directories (`baseline.rs`).
//!
//! Fidelity: what is refused is what a deployment refuses (the pages on Durable Object migrations and class exports).

use std::collections::BTreeMap;
use std::ops::Range;

use crate::base::diag::Diagnostic;
use crate::project::{ClassExport, ExportState, Migration, Project, Spanned, nearest};

use super::baseline;
use super::ledger::{Aside, Ledger, Step, Storage, WorkerLedger};

/// What the plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What is declared.
    pub project: &'a Project,
    /// What was applied.
    pub ledger: &'a Ledger,
    /// The namespaces on disk, by unique key, and how many objects each has.
    pub disk: &'a BTreeMap<String, usize>,
    /// What the bundle's main module exports, where known.
    pub exports: Option<&'a [String]>,
}

/// What has to happen.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Migrations that the state has been through already, though no ledger says so.
    pub adopted: Vec<Planned>,
    /// Migrations to apply, in order.
    pub pending: Vec<Planned>,
    /// Why nothing can be applied.
    pub errors: Vec<Diagnostic>,
    /// What a deployment would refuse beyond that, and what is odd.
    pub remarks: Vec<Diagnostic>,
}

/// One migration of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its tag; none for the `exports` form.
    pub tag: Option<String>,
    /// Its place in the configuration.
    pub span: Range<usize>,
    /// What it does. Copies have no numbers yet: 0.
    pub steps: Vec<Step>,
}

impl Planned {
    /// Whether somebody has to agree.
    pub fn is_destructive(&self) -> bool {
        self.steps.iter().any(Step::is_destructive)
    }
}

impl Plan {
    /// Whether the ledger says all that there is to say.
    pub fn is_empty(&self) -> bool {
        self.adopted.is_empty() && self.pending.is_empty()
    }
}

/// Whether nothing is pending, told without looking at the disk.
pub fn is_settled(project: &Project, ledger: &Ledger) -> bool {
    let Some(worker) = ledger.workers.get(&project.name) else {
        return project.migrations.is_empty() && project.exports.is_empty();
    };
    match project.migrations.last() {
        Some(last) => worker.last_tag() == Some(&last.tag.text),
        None => project.exports.iter().all(|export| !differs(export, &worker.classes)),
    }
}

fn differs(export: &ClassExport, classes: &BTreeMap<String, Storage>) -> bool {
    let known = classes.get(&export.class.text).copied();
    known != export.storage().map(Storage::from)
}

/// What has to happen so that the state fits the project.
pub fn plan(facts: Facts<'_>) -> Plan {
    let Facts { project, ledger, .. } = facts;
    let mut plan = Plan::default();
    let known = ledger.workers.get(&project.name);
    let mut fold = Fold::new(facts);
    if let Some(worker) = known {
        fold.classes.clone_from(&worker.classes);
    }
    if project.exports.is_empty() {
        let first = match known {
            None => {
                let count = baseline::applied_tags(facts);
                plan.adopted = fold.adopt(&project.migrations[..count]);
                count
            }
            Some(worker) => match position(project, worker) {
                Ok(first) => first,
                Err(error) => {
                    plan.errors.push(*error);
                    return plan;
                }
            },
        };
        plan.pending =
            project.migrations[first..].iter().map(|migration| fold.migration(migration)).collect();
    } else {
        if known.is_none() {
            fold.classes = baseline::classes_of_exports(facts);
            let steps =
                fold.classes.iter().map(|(class, storage)| fold.created(class, *storage, 0)).collect();
            if fold.classes.keys().any(|class| facts.disk.contains_key(&fold.key(class))) {
                plan.adopted = vec![Planned { tag: None, span: 0..0, steps }];
            } else {
                fold.classes.clear();
            }
        }
        let steps = fold.exports(&project.exports);
        if !steps.is_empty() {
            plan.pending = vec![Planned { tag: None, span: 0..0, steps }];
        }
    }
    plan.errors = std::mem::take(&mut fold.errors);
    plan.remarks = fold.remarks();
    plan
}

/// How many of the migrations have been applied.
fn position(project: &Project, worker: &WorkerLedger) -> Result<usize, Box<Diagnostic>> {
    let Some(last) = worker.last_tag() else { return Ok(0) };
    if let Some(index) = project.migrations.iter().rposition(|migration| migration.tag.text == last) {
        return Ok(index + 1);
    }
    let message = format!("the state is at migration `{last}`, which the configuration does not have");
    let is_new = |tag: &&str| worker.entries.iter().all(|entry| entry.tag.as_deref() != Some(*tag));
    let tags = project.migrations.iter().map(|migration| migration.tag.text.as_str()).filter(is_new);
    let help = match nearest(last, tags) {
        Some(near) => format!("was `{last}` renamed to `{near}`? A tag that was applied keeps its name"),
        None => format!("put `{last}` back into `migrations`, or take it back with `dodev migrate undo`"),
    };
    let error = Diagnostic::error("migrate/unknown-tag", message).help(help);
    Err(Box::new(match project.migrations.last() {
        Some(migration) => error.at(&project.source, migration.tag.span.clone(), "the last one here"),
        None => error,
    }))
}

/// Plays migrations through, on what exists and what is on disk.
struct Fold<'a> {
    facts: Facts<'a>,
    classes: BTreeMap<String, Storage>,
    disk: BTreeMap<String, usize>,
    errors: Vec<Diagnostic>,
}

impl<'a> Fold<'a> {
    fn new(facts: Facts<'a>) -> Self {
        Self { facts, classes: BTreeMap::new(), disk: facts.disk.clone(), errors: Vec::new() }
    }

    fn key(&self, class: &str) -> String {
        format!("{}-{class}", self.facts.project.name)
    }

    fn created(&self, class: &str, storage: Storage, objects: usize) -> Step {
        Step::Create { class: class.to_owned(), storage, objects, restored: None }
    }

    /// Takes `migrations` for applied: only the classes follow them.
    fn adopt(&mut self, migrations: &[Migration]) -> Vec<Planned> {
        let mut adopted = Vec::new();
        for migration in migrations {
            for class in &migration.deleted_classes {
                self.classes.remove(&class.text);
            }
            for rename in &migration.renamed_classes {
                let storage = self.classes.remove(&rename.from.text).unwrap_or(Storage::LegacyKv);
                self.classes.insert(rename.to.text.clone(), storage);
            }
            let transferred = migration.transferred_classes.iter().map(|t| (&t.to, Storage::LegacyKv));
            let kv = migration.new_classes.iter().map(|class| (class, Storage::LegacyKv));
            let sqlite = migration.new_sqlite_classes.iter().map(|class| (class, Storage::Sqlite));
            let created: Vec<_> = transferred.chain(kv).chain(sqlite).collect();
            for (class, storage) in created {
                self.classes.insert(class.text.clone(), storage);
            }
            let (tag, span) = (Some(migration.tag.text.clone()), migration.span.clone());
            adopted.push(Planned { tag, span, steps: Vec::new() });
        }
        if let Some(last) = adopted.last_mut() {
            let objects = |class: &String| self.disk.get(&self.key(class)).copied().unwrap_or(0);
            let found = self.classes.iter().map(|(class, s)| self.created(class, *s, objects(class)));
            last.steps = found.collect();
        }
        adopted
    }

    fn migration(&mut self, migration: &Migration) -> Planned {
        let tag = Some(migration.tag.text.clone());
        let mut steps = Vec::new();
        steps.extend(migration.deleted_classes.iter().filter_map(|class| self.delete(class)));
        steps.extend(migration.renamed_classes.iter().filter_map(|r| self.rename(&r.from, &r.to)));
        for transfer in &migration.transferred_classes {
            let (script, from) = (&transfer.from_script.text, &transfer.from.text);
            steps.extend(self.transfer(script, from, &transfer.to, None));
        }
        for (list, storage) in
            [(&migration.new_classes, Storage::LegacyKv), (&migration.new_sqlite_classes, Storage::Sqlite)]
        {
            steps.extend(list.iter().filter_map(|class| self.create(class, storage, tag.as_deref())));
        }
        Planned { tag, span: migration.span.clone(), steps }
    }

    fn exports(&mut self, exports: &[ClassExport]) -> Vec<Step> {
        let mut steps = Vec::new();
        // Classes go before others come, so that a name can be used again.
        for export in exports {
            let class = &export.class;
            if !self.classes.contains_key(&class.text) {
                continue;
            }
            match &export.state {
                ExportState::Deleted => steps.extend(self.delete(class)),
                ExportState::Renamed(to) => steps.extend(self.rename(class, to)),
                ExportState::Transferred(to) => {
                    let storage = self.classes.remove(&class.text).unwrap_or(Storage::LegacyKv);
                    let (class, to_script) = (class.text.clone(), to.text.clone());
                    steps.push(Step::Leave { class, to_script, storage });
                }
                ExportState::Created(_) | ExportState::ExpectingTransfer { .. } => {}
            }
        }
        for export in exports {
            let class = &export.class;
            let Some(storage) = export.storage().map(Storage::from) else { continue };
            match self.classes.get(&class.text) {
                Some(known) if *known == storage => {}
                Some(_) => self.keeps_storage(class),
                None => match &export.state {
                    ExportState::ExpectingTransfer { from, .. } => {
                        steps.extend(self.transfer(&from.text, &class.text, class, Some(storage)));
                    }
                    _ => steps.extend(self.create(class, storage, None)),
                },
            }
        }
        steps
    }

    fn delete(&mut self, class: &Spanned) -> Option<Step> {
        let storage = self.remove(class, "deleted")?;
        let aside = self.disk.remove(&self.key(&class.text)).map(|objects| Aside { objects, copy: 0 });
        Some(Step::Delete { class: class.text.clone(), storage, aside })
    }

    fn rename(&mut self, from: &Spanned, to: &Spanned) -> Option<Step> {
        if self.classes.contains_key(&to.text) {
            self.exists(to, "renamed to");
            return None;
        }
        let storage = self.remove(from, "renamed")?;
        self.classes.insert(to.text.clone(), storage);
        let (objects, aside) = self.move_objects(self.key(&from.text), self.key(&to.text));
        Some(Step::Rename { from: from.text.clone(), to: to.text.clone(), storage, objects, aside })
    }

    fn transfer(
        &mut self,
        from_script: &str,
        from: &str,
        to: &Spanned,
        declared: Option<Storage>,
    ) -> Option<Step> {
        if self.classes.contains_key(&to.text) {
            self.exists(to, "transferred to");
            return None;
        }
        if from_script == self.facts.project.name {
            let message =
                format!("the class `{}` cannot come from `{from_script}`: that is this Worker", to.text);
            let help = "rename a class of this Worker, or name the other one";
            self.error("migrate/own-transfer", to, message, help.to_owned());
            return None;
        }
        let other = self.facts.ledger.workers.get(from_script);
        let listed = other.and_then(|other| other.classes.get(from)).copied();
        let storage = listed.or(declared).unwrap_or(Storage::LegacyKv);
        self.classes.insert(to.text.clone(), storage);
        let (objects, aside) = self.move_objects(format!("{from_script}-{from}"), self.key(&to.text));
        let (from_script, from, to) = (from_script.to_owned(), from.to_owned(), to.text.clone());
        Some(Step::Transfer { from_script, from, to, storage, objects, aside, listed: listed.is_some() })
    }

    fn create(&mut self, class: &Spanned, storage: Storage, tag: Option<&str>) -> Option<Step> {
        if let Some(known) = self.classes.get(&class.text) {
            if *known == storage {
                self.exists(class, "created as")
            } else {
                self.keeps_storage(class)
            }
            return None;
        }
        self.classes.insert(class.text.clone(), storage);
        let key = self.key(&class.text);
        if let Some(objects) = self.disk.get(&key) {
            return Some(self.created(&class.text, storage, *objects));
        }
        // A migration that was taken back and is applied again brings back what it had.
        let worker = &self.facts.project.name;
        let is_its = |copy: &&super::ledger::Copy| {
            copy.undone && copy.worker == *worker && copy.class == class.text && copy.tag.as_deref() == tag
        };
        let copy = self.facts.ledger.copies.iter().rev().find(is_its);
        let (objects, restored) = (copy.map_or(0, |copy| copy.objects), copy.map(|copy| copy.id));
        if copy.is_some() {
            self.disk.insert(key, objects);
        }
        Some(Step::Create { class: class.text.clone(), storage, objects, restored })
    }

    /// How many objects move, and what is in their way.
    fn move_objects(&mut self, from: String, to: String) -> (usize, Option<Aside>) {
        let Some(objects) = self.disk.remove(&from) else { return (0, None) };
        let aside = self.disk.insert(to, objects).map(|objects| Aside { objects, copy: 0 });
        (objects, aside)
    }

    fn remove(&mut self, class: &Spanned, how: &str) -> Option<Storage> {
        let storage = self.classes.remove(&class.text);
        if storage.is_none() {
            let message = format!("the class `{}` cannot be {how}: it does not exist", class.text);
            let near = nearest(&class.text, self.classes.keys().map(String::as_str));
            let help = near.map_or_else(
                || "an earlier migration must create the class".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            self.error("migrate/unknown-class", class, message, help);
        }
        storage
    }

    fn exists(&mut self, class: &Spanned, how: &str) {
        let message = format!("a class cannot be {how} `{}`: that class exists already", class.text);
        let help = "delete or rename the class that exists in an earlier migration";
        self.error("migrate/class-exists", class, message, help.to_owned());
    }

    fn keeps_storage(&mut self, class: &Spanned) {
        let known = self.classes.get(&class.text);
        let message = match known {
            Some(Storage::Sqlite) => format!("the class `{}` exists and uses SQLite", class.text),
            _ => format!("the class `{}` exists and uses key-value storage", class.text),
        };
        let help = "a class keeps the storage it was created with; create another class and copy the data";
        self.error("migrate/storage-kept", class, message, help.to_owned());
    }

    fn error(&mut self, code: &'static str, class: &Spanned, message: String, help: String) {
        let error = Diagnostic::error(code, message).help(help);
        self.errors.push(error.at(&self.facts.project.source, class.span.clone(), ""));
    }

    /// What a deployment would say about the classes as they are at the end.
    fn remarks(&self) -> Vec<Diagnostic> {
        let Facts { project, exports, .. } = self.facts;
        let mut remarks = Vec::new();
        let mut seen = Vec::new();
        for binding in project.durable_objects.iter().filter(|binding| binding.is_own(&project.name)) {
            let class = &binding.class_name;
            if self.classes.contains_key(class) || seen.contains(&class) {
                continue;
            }
            seen.push(class);
            let (message, help) = match departed(project, class) {
                Some(how) => (
                    format!("the class `{class}` is bound as `{}`, but was {how}", binding.name),
                    "remove the binding, or bind the class that it became",
                ),
                None => (
                    format!(
                        "the class `{class}` is bound as `{}`, but no migration creates it",
                        binding.name
                    ),
                    "add it to `new_sqlite_classes` of a new migration",
                ),
            };
            let remark = Diagnostic::error("migrate/bound-class", message).help(help);
            remarks.push(remark.at(&project.source, binding.span.clone(), ""));
        }
        let Some(exports) = exports else { return remarks };
        let place = |class: &str| declared_at(project, class);
        for class in self.classes.keys().filter(|class| !exports.contains(class)) {
            let message = format!("the class `{class}` exists, but the Worker does not export it");
            let remark = Diagnostic::error("migrate/not-exported", message)
                .help(format!("export it, or add a migration that deletes or renames `{class}`"));
            remarks.push(match place(class) {
                Some(span) => remark.at(&project.source, span, ""),
                None => remark,
            });
        }
        for class in exports.iter().filter(|class| !self.classes.contains_key(*class)) {
            let Some(how) = departed(project, class) else { continue };
            let message = format!("the Worker still exports the class `{class}`, which was {how}");
            let remark =
                Diagnostic::warning("migrate/still-exported", message).help("remove it from the code");
            remarks.push(match place(class) {
                Some(span) => remark.at(&project.source, span, ""),
                None => remark,
            });
        }
        remarks
    }
}

/// How `class` went, by the last word of the configuration about it.
fn departed(project: &Project, class: &str) -> Option<&'static str> {
    for migration in project.migrations.iter().rev() {
        if migration.renamed_classes.iter().any(|rename| rename.from.text == class) {
            return Some("renamed");
        }
        if migration.deleted_classes.iter().any(|deleted| deleted.text == class) {
            return Some("deleted");
        }
    }
    let export = project.exports.iter().find(|export| export.class.text == class)?;
    match export.state {
        ExportState::Deleted => Some("deleted"),
        ExportState::Renamed(_) => Some("renamed"),
        ExportState::Transferred(_) => Some("transferred"),
        ExportState::Created(_) | ExportState::ExpectingTransfer { .. } => None,
    }
}

/// Where the configuration last speaks of `class`.
fn declared_at(project: &Project, class: &str) -> Option<Range<usize>> {
    let of = |migration: &Migration| -> Option<Range<usize>> {
        let renames = migration.renamed_classes.iter().flat_map(|rename| [&rename.from, &rename.to]);
        let names = renames
            .chain(&migration.new_classes)
            .chain(&migration.new_sqlite_classes)
            .chain(&migration.deleted_classes)
            .chain(migration.transferred_classes.iter().map(|transfer| &transfer.to));
        names.into_iter().find(|name| name.text == class).map(|name| name.span.clone())
    };
    let in_exports = || project.exports.iter().find(|e| e.class.text == class).map(|e| e.class.span.clone());
    project.migrations.iter().rev().find_map(of).or_else(in_exports)
}
