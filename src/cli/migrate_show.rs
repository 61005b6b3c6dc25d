//! How migrations look: to a person, and as the JSON object of `dodev migrate --json`.

use std::path::{Path, PathBuf};

use owo_colors::Style as Paint;
use serde_json::{Value, json};

use super::json::diagnostics;
use super::migrate::Action as Command;
use super::output::Style;
use super::place::JSON_VERSION;
use super::show::{paint, show_path};
use crate::base::clock::Timestamp;
use crate::base::diag::Diagnostic;
use crate::migrate::{Copy, Entry, How, Ledger, Plan, Planned, count};
use crate::project::Date;

/// What a command of `dodev migrate` found and did.
#[derive(Debug)]
pub struct Outcome {
    command: Command,
    worker: String,
    state: PathBuf,
    notes: Vec<String>,
    applied: Vec<Entry>,
    adopting: Vec<Planned>,
    pending: Vec<Planned>,
    copies: Vec<Copy>,
    /// What was applied or taken back.
    pub changed: Vec<Entry>,
    /// The copies that were removed.
    pub pruned: Vec<Copy>,
    /// The Worker's earlier name, as it seems.
    pub renamed_from: Option<String>,
    /// What is wrong or odd.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether the command did not do what it was asked for.
    pub failed: bool,
}

impl Outcome {
    /// Nothing found and nothing done yet.
    pub fn new(command: Command, worker: &str, state: &Path, warnings: Vec<Diagnostic>) -> Self {
        Self {
            command,
            worker: worker.to_owned(),
            state: state.to_owned(),
            notes: Vec::new(),
            applied: Vec::new(),
            adopting: Vec::new(),
            pending: Vec::new(),
            copies: Vec::new(),
            changed: Vec::new(),
            pruned: Vec::new(),
            renamed_from: None,
            diagnostics: warnings,
            failed: false,
        }
    }

    /// Adds a sentence.
    pub fn say(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    /// Takes in how things stand at the end.
    pub fn note(&mut self, ledger: &Ledger, worker: &str, plan: Plan) {
        self.applied = ledger.workers.get(worker).map(|own| own.entries.clone()).unwrap_or_default();
        self.copies = ledger.copies.iter().filter(|copy| copy.worker == worker).cloned().collect();
        self.adopting = plan.adopted;
        self.pending = plan.pending;
        self.diagnostics.extend(plan.errors);
        self.diagnostics.extend(plan.remarks);
    }
}

/// The lines for a person.
pub fn show(outcomes: &[Outcome], style: &Style) -> Vec<String> {
    if let [outcome] = outcomes {
        return show_one(outcome, style);
    }
    let mut lines = Vec::new();
    // Copies are the state's, not a Worker's.
    let shown = if outcomes[0].command == Command::Prune { &outcomes[..1] } else { outcomes };
    for outcome in shown {
        let own = show_one(outcome, style);
        let has_heading = matches!(outcome.command, Command::Plan | Command::Status);
        // What was not touched is not worth a heading.
        if !has_heading && !own.is_empty() {
            lines.push(paint(&outcome.worker, Paint::new().bold(), style.colour));
        }
        lines.extend(own);
    }
    lines
}

fn show_one(outcome: &Outcome, style: &Style) -> Vec<String> {
    let dim = |text: &str| paint(text, Paint::new().dimmed(), style.colour);
    let mut lines: Vec<String> = outcome.notes.clone();
    let heading = format!("{} {}", outcome.worker, dim(&show_path(&outcome.state, &style.cwd)));
    match outcome.command {
        Command::Apply => {
            lines.extend(outcome.changed.iter().map(|entry| applied(entry, style)));
            if outcome.changed.is_empty() && !outcome.failed {
                lines.push("Nothing to do: the state has been through all migrations".to_owned());
            }
            if !outcome.changed.is_empty() {
                lines.push(dim("`dodev migrate undo` takes the last one back"));
            }
            if !outcome.pending.is_empty() {
                lines.push("Pending:".to_owned());
                lines.extend(plan_lines(&outcome.pending, style));
            }
        }
        Command::Plan => {
            lines.push(heading);
            lines.extend(outcome.adopting.iter().map(adopting));
            match outcome.pending.as_slice() {
                [] if !outcome.adopting.is_empty() => {}
                [] => lines.push("  nothing is pending".to_owned()),
                pending => lines.extend(plan_lines(pending, style)),
            }
        }
        Command::Status => {
            lines.push(heading);
            lines.extend(outcome.applied.iter().map(|entry| {
                let how = match entry.how {
                    How::Applied => "applied",
                    How::Adopted => "adopted",
                    How::Carried => "carried",
                };
                let when = show_time(Timestamp(entry.at_ms));
                format!("  {:<8} {how}  {}  {}", entry.title(), dim(&when), entry.describe())
            }));
            lines.extend(outcome.adopting.iter().map(adopting));
            lines.extend(plan_lines(&outcome.pending, style));
            if outcome.applied.is_empty() && outcome.adopting.is_empty() && outcome.pending.is_empty() {
                lines.push("  no migrations".to_owned());
            }
            for copy in &outcome.copies {
                let of = copy.tag.as_ref().map(|tag| format!(" of `{tag}`")).unwrap_or_default();
                let why = if copy.undone { "put aside by the undoing" } else { "put aside by a step" };
                let (class, objects) = (&copy.class, count(copy.objects));
                lines.push(format!("  copy {}: {class} ({objects}), {why}{of}", copy.id));
            }
        }
        Command::Undo => {
            for entry in &outcome.changed {
                lines.push(format!("Took back `{}`: {}", entry.title(), entry.describe()));
            }
            if let ([entry], Some(_)) = (outcome.changed.as_slice(), outcome.pending.first()) {
                let title = entry.title();
                lines.push(dim(&format!("remove `{title}` from the configuration, or it is applied again")));
            }
        }
        Command::Prune => {
            lines.extend(
                outcome.pruned.iter().map(|copy| {
                    format!("Removed copy {} of {} ({})", copy.id, copy.class, count(copy.objects))
                }),
            );
            if outcome.pruned.is_empty() && !outcome.failed {
                lines.push("Nothing to do: there are no copies".to_owned());
            }
        }
    }
    if let Some(from) = &outcome.renamed_from {
        lines.push(offer(from, &outcome.worker));
    }
    lines
}

/// `Applied v2: rename A to B (3 objects)`.
pub fn applied(entry: &Entry, style: &Style) -> String {
    let word = paint("Migrated", Paint::new().green(), style.colour);
    format!("{word} `{}`: {}", entry.title(), entry.describe())
}

/// What is pending, a line each.
pub fn plan_lines(pending: &[Planned], style: &Style) -> Vec<String> {
    let line = |planned: &Planned| {
        let warning = if planned.is_destructive() { ", needs your agreement" } else { "" };
        let warning = paint(warning, Paint::new().yellow(), style.colour);
        format!("  {:<8} pending  {}{warning}", planned.title(), planned.describe())
    };
    pending.iter().map(line).collect()
}

/// What the state has been through already, though no ledger says so: another tool wrote it.
fn adopting(planned: &Planned) -> String {
    format!("  {:<8} found    {}", planned.title(), planned.describe())
}

/// The sentence about a Worker that seems to have been renamed.
pub fn offer(from: &str, worker: &str) -> String {
    format!(
        "There is state of a Worker `{from}`, and none of `{worker}`. If it was renamed, \
         `dodev migrate --carry-over {from}` carries the state over"
    )
}

/// The JSON object; its shape is part of the command's help.
pub fn json(outcomes: &[Outcome]) -> Value {
    let of = |outcome: &Outcome| {
        json!({
            "worker": outcome.worker,
            "applied": outcome.applied,
            "changed": outcome.changed,
            "adopting": outcome.adopting.iter().map(planned).collect::<Vec<_>>(),
            "pending": outcome.pending.iter().map(planned).collect::<Vec<_>>(),
            "copies": outcome.copies,
            "pruned": outcome.pruned,
            "renamed_from": outcome.renamed_from,
            "diagnostics": diagnostics(&outcome.diagnostics),
            "ok": !outcome.failed,
        })
    };
    let command = match outcomes[0].command {
        Command::Apply => "migrate",
        Command::Plan => "plan",
        Command::Status => "status",
        Command::Undo => "undo",
        Command::Prune => "prune",
    };
    let mut all = json!({ "version": JSON_VERSION, "command": command, "state": outcomes[0].state });
    match outcomes {
        [outcome] => {
            if let (Some(all), Value::Object(own)) = (all.as_object_mut(), of(outcome)) {
                all.extend(own);
            }
        }
        several => {
            all["workers"] = several.iter().map(of).collect();
            all["ok"] = json!(several.iter().all(|outcome| !outcome.failed));
        }
    }
    all
}

/// A pending migration as JSON.
pub fn planned(planned: &Planned) -> Value {
    json!({ "tag": planned.tag, "destructive": planned.is_destructive(), "steps": planned.steps })
}

/// `2026-11-22 13:05`, in UTC.
fn show_time(time: Timestamp) -> String {
    let minutes = time.0.div_euclid(60_000).rem_euclid(24 * 60);
    format!("{} {:02}:{:02}", Date::of(time), minutes / 60, minutes % 60)
}
