//! Reads `exports`, the newer way to declare classes: what is, instead of a list of what happened.
//!
//! Entries for Workers' own entry points say nothing that matters locally; workflows are not emulated.
//! Fidelity: the states and the keys each allows are those of wrangler 4.164.0.

use std::ops::Range;

use super::bindings::Unsupported;
use super::classes::{ClassStorage, Departure};
use super::migrations::Spanned;
use super::overlay::Layers;
use super::report::Report;
use super::shape::{Field, Shape, may, must};
use super::tree::Node;

/// A Durable Object class of `exports`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassExport {
    /// Its name.
    pub class: Spanned,
    /// What became of it.
    pub state: ExportState,
    /// The whole entry.
    pub span: Range<usize>,
}

/// What became of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportState {
    /// It exists.
    Created(ClassStorage),
    /// It went with its objects.
    Deleted,
    /// It goes on under this name.
    Renamed(Spanned),
    /// It went to this Worker.
    Transferred(Spanned),
    /// It comes from the Worker `from`.
    ExpectingTransfer {
        /// The other Worker.
        from: Spanned,
        /// What its objects store in.
        storage: ClassStorage,
    },
}

impl ClassExport {
    /// What the class stores in, if it exists.
    pub fn storage(&self) -> Option<ClassStorage> {
        match &self.state {
            ExportState::Created(storage) | ExportState::ExpectingTransfer { storage, .. } => Some(*storage),
            ExportState::Deleted | ExportState::Renamed(_) | ExportState::Transferred(_) => None,
        }
    }

    /// How the class went, if it did.
    pub fn departure(&self) -> Option<Departure> {
        match &self.state {
            ExportState::Created(_) | ExportState::ExpectingTransfer { .. } => None,
            ExportState::Deleted => Some(Departure::Deleted),
            ExportState::Renamed(to) => Some(Departure::Renamed(to.text.clone())),
            ExportState::Transferred(to) => Some(Departure::Transferred(to.text.clone())),
        }
    }
}

const TYPES: &[&str] = &["durable-object", "worker", "workflow"];
/// For entries of no known type: only the type is wrong, whatever else is there.
const ANY_TYPE: Shape = Shape::Record(&[must("type", Shape::OneOf(TYPES))]);
const STATES: &[&str] = &["created", "deleted", "renamed", "transferred", "expecting-transfer"];
const TYPE: Field = must("type", Shape::Text);
const STATE: Field = may("state", Shape::Text);
const STORAGE: Field = must("storage", Shape::OneOf(&["sqlite", "legacy-kv"]));
const CONTAINER: Field = may("container", Shape::Text);

const CREATED: Shape = Shape::Strict(&[TYPE, STATE, STORAGE, CONTAINER]);
const DELETED: Shape = Shape::Strict(&[TYPE, STATE]);
const RENAMED: Shape = Shape::Strict(&[TYPE, STATE, must("renamed_to", Shape::Text)]);
const TRANSFERRED: Shape = Shape::Strict(&[TYPE, STATE, must("transferred_to", Shape::Text)]);
const EXPECTING: Shape =
    Shape::Strict(&[TYPE, STATE, STORAGE, must("transfer_from", Shape::Text), CONTAINER]);
const WORKER: Shape = Shape::Record(&[TYPE, may("cache", Shape::Record(&[must("enabled", Shape::Flag)]))]);
const WORKFLOW: Shape = Shape::Record(&[
    TYPE,
    must("name", Shape::Text),
    may("limits", Shape::Map(&Shape::Any)),
    may("concurrency", Shape::Map(&Shape::Any)),
    may("schedules", Shape::Either(&[Shape::Text, Shape::List(&Shape::Text)])),
    may("default_retention", Shape::Map(&Shape::Any)),
    may("jurisdiction", Shape::OneOf(&["eu", "fedramp", "us"])),
]);

/// Reads `exports`, reports what is wrong in it, and adds workflows to `unsupported`.
pub fn read(
    report: &mut Report,
    layers: &Layers<'_>,
    unsupported: &mut Vec<Unsupported>,
) -> Vec<ClassExport> {
    let Some(found) = layers.find("exports") else { return Vec::new() };
    let mut exports = Vec::new();
    for entry in found.entry.node.entries() {
        let path = format!("{}.{}", found.path, entry.key);
        let node = &entry.node;
        let class = Spanned { text: entry.key.clone(), span: entry.key_span.clone() };
        match node.text("type") {
            Some("durable-object") => {
                if entry.key.is_empty() {
                    let message = "a class of `exports` has no name";
                    report
                        .error("config/bad-value", entry.key_span.clone(), message)
                        .help("name the class that the code exports");
                    continue;
                }
                if let Some(state) = state(report, &path, &entry.key, node) {
                    exports.push(ClassExport { class, state, span: node.span.clone() });
                }
            }
            Some("worker") => WORKER.check(report, &path, node),
            Some("workflow") => {
                WORKFLOW.check(report, &path, node);
                let span = entry.key_span.clone();
                unsupported.push(Unsupported { kind: "workflows".into(), binding: None, span });
            }
            _ => ANY_TYPE.check(report, &path, node),
        }
    }
    exports
}

fn state(report: &mut Report, path: &str, class: &str, node: &Node) -> Option<ExportState> {
    let storage = || match node.text("storage") {
        Some("sqlite") => Some(ClassStorage::Sqlite),
        Some("legacy-kv") => Some(ClassStorage::Kv),
        _ => None,
    };
    let field = |key: &str| node.get(key).and_then(Spanned::of);
    let state = match node.get("state") {
        None => "created",
        Some(state) => {
            Shape::OneOf(STATES).check(report, &format!("{path}.state"), state);
            state.as_text()?
        }
    };
    match state {
        "created" => {
            CREATED.check(report, path, node);
            storage().map(ExportState::Created)
        }
        "deleted" => {
            DELETED.check(report, path, node);
            Some(ExportState::Deleted)
        }
        "renamed" => {
            RENAMED.check(report, path, node);
            let to = field("renamed_to")?;
            let problem = match (is_identifier(&to.text), to.text == class) {
                (false, _) => Some("is not a class name"),
                (_, true) => Some("is the class itself"),
                (true, false) => None,
            };
            if let Some(problem) = problem {
                let message = format!("`{path}.renamed_to` {problem}: `{}`", to.text);
                report.error("config/bad-value", to.span.clone(), message).help("give the new class name");
            }
            Some(ExportState::Renamed(to))
        }
        "transferred" => {
            TRANSFERRED.check(report, path, node);
            worker(report, path, node, "transferred_to").map(ExportState::Transferred)
        }
        "expecting-transfer" => {
            EXPECTING.check(report, path, node);
            let from = worker(report, path, node, "transfer_from")?;
            Some(ExportState::ExpectingTransfer { from, storage: storage()? })
        }
        _ => None,
    }
}

/// The Worker that the field `key` names.
fn worker(report: &mut Report, path: &str, node: &Node, key: &str) -> Option<Spanned> {
    let found = node.get(key).and_then(Spanned::of)?;
    if found.text.is_empty() {
        let message = format!("`{path}.{key}` is empty");
        report
            .error("config/bad-value", found.span.clone(), message)
            .help("give the name of the other Worker");
        return None;
    }
    Some(found)
}

fn is_identifier(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$');
    name.chars().all(allowed) && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())
}
