//! Notices that a Worker was renamed: its state lies under a name that the configuration no longer has.
//!
//! A guess, which the user decides on. A Worker of another environment, and one that this Worker is bound to, are
//! other Workers and not earlier names.

use std::collections::{BTreeMap, BTreeSet};

use crate::project::{ExportState, Project};

use super::ledger::Ledger;

/// The earlier name of `project`'s Worker, if exactly one seems to be it.
pub fn renamed_from(project: &Project, ledger: &Ledger, disk: &BTreeMap<String, usize>) -> Option<String> {
    let name = project.name.as_str();
    let is_own = |class: &String| disk.contains_key(&format!("{name}-{class}"));
    if ledger.workers.contains_key(name) || project.classes.keys().any(is_own) {
        return None;
    }
    let mut candidates: BTreeSet<&str> = BTreeSet::new();
    for (key, _) in disk.iter().filter(|(_, objects)| **objects > 0) {
        for class in project.classes.keys() {
            candidates.extend(key.strip_suffix(class.as_str()).and_then(|rest| rest.strip_suffix('-')));
        }
    }
    candidates.retain(|other| !other.is_empty() && !is_related(project, other));
    match Vec::from_iter(candidates).as_slice() {
        [one] => Some((*one).to_owned()),
        _ => None,
    }
}

/// Whether `other` is a Worker beside this one.
fn is_related(project: &Project, other: &str) -> bool {
    let continues = |long: &str, short: &str| {
        long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    continues(&project.name, other)
        || continues(other, &project.name)
        || project.durable_objects.iter().any(|binding| binding.script_name.as_deref() == Some(other))
        || project.services.iter().any(|service| service.service == other)
        || project.migrations.iter().flat_map(|m| &m.transferred_classes).any(|t| t.from_script.text == other)
        || project.exports.iter().any(|export| match &export.state {
            ExportState::ExpectingTransfer { from, .. } => from.text == other,
            ExportState::Transferred(to) => to.text == other,
            ExportState::Created(_) | ExportState::Deleted | ExportState::Renamed(_) => false,
        })
}
