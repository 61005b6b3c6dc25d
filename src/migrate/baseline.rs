//! How far a state directory without a ledger has come, as its directories show.
//!
//! wrangler applies no migration: it keeps objects under the class they had when they were made. So a class that a
//! migration renames or deletes, and whose directory is still there, says that this migration and all later ones
//! are yet to come. Where the directories allow two readings, the one that moves nothing is taken.

use std::collections::BTreeMap;

use crate::project::{ExportState, Migration};

use super::ledger::Storage;
use super::plan::Facts;

/// How many migrations the state has been through.
pub fn applied_tags(facts: Facts<'_>) -> usize {
    let migrations = &facts.project.migrations;
    if !has_state(facts) {
        return 0;
    }
    let pending = (0..migrations.len()).find(|index| is_pending(facts, &migrations[*index], *index));
    pending.unwrap_or(migrations.len())
}

fn is_pending(facts: Facts<'_>, migration: &Migration, index: usize) -> bool {
    let name = &facts.project.name;
    let has = |class: &str| facts.disk.contains_key(&format!("{name}-{class}"));
    let later = &facts.project.migrations[index..];
    let deleted = migration.deleted_classes.iter().any(|class| {
        // A class that was made again may be the new one's.
        has(&class.text) && !later.iter().any(|migration| creates(migration, &class.text))
    });
    let renamed = migration.renamed_classes.iter().any(|rename| {
        has(&rename.from.text)
            && !has(&rename.to.text)
            && !later.iter().any(|migration| creates(migration, &rename.from.text))
            // What the new name became later may hold its objects.
            && !later.iter().flat_map(|m| &m.renamed_classes).any(|next| next.from.text == rename.to.text && has(&next.to.text))
    });
    let transferred = migration.transferred_classes.iter().any(|transfer| {
        let source = format!("{}-{}", transfer.from_script.text, transfer.from.text);
        facts.disk.contains_key(&source) && !has(&transfer.to.text)
    });
    deleted || renamed || transferred
}

fn creates(migration: &Migration, class: &str) -> bool {
    let made = migration.new_classes.iter().chain(&migration.new_sqlite_classes);
    let came = migration.transferred_classes.iter().map(|transfer| &transfer.to);
    let became = migration.renamed_classes.iter().map(|rename| &rename.to);
    made.chain(came).chain(became).any(|name| name.text == class)
}

/// The classes that the state has, for a project with `exports`.
pub fn classes_of_exports(facts: Facts<'_>) -> BTreeMap<String, Storage> {
    let project = facts.project;
    let has = |script: &str, class: &str| facts.disk.contains_key(&format!("{script}-{class}"));
    let mut classes = BTreeMap::new();
    if !has_state(facts) {
        return classes;
    }
    for export in &project.exports {
        let class = export.class.text.as_str();
        let here = has(&project.name, class);
        let storage = match &export.state {
            ExportState::Created(storage) => {
                let takes_over = project.exports.iter().any(|other| {
                    matches!(&other.state, ExportState::Renamed(to) if to.text == class)
                        && has(&project.name, &other.class.text)
                });
                (here || !takes_over).then_some(Storage::from(*storage))
            }
            ExportState::ExpectingTransfer { from, storage } => {
                (here || !has(&from.text, class)).then_some(Storage::from(*storage))
            }
            ExportState::Renamed(to) if here && !has(&project.name, &to.text) => {
                project.classes.get(&to.text).map(|storage| Storage::from(*storage))
            }
            ExportState::Deleted | ExportState::Transferred(_) if here => Some(Storage::LegacyKv),
            _ => None,
        };
        if let Some(storage) = storage {
            classes.insert(class.to_owned(), storage);
        }
    }
    classes
}

/// Whether any class that the project has or ever had is on disk.
fn has_state(facts: Facts<'_>) -> bool {
    let project = facts.project;
    let migrations = project.migrations.iter().flat_map(|migration| {
        let renamed = migration.renamed_classes.iter().flat_map(|rename| [&rename.from, &rename.to]);
        let made = migration.new_classes.iter().chain(&migration.new_sqlite_classes);
        let came = migration.transferred_classes.iter().map(|transfer| &transfer.to);
        renamed.chain(made).chain(came)
    });
    let exports = project.exports.iter().map(|export| &export.class);
    let mut classes = migrations.chain(exports).map(|class| class.text.as_str());
    classes.any(|class| facts.disk.contains_key(&format!("{}-{class}", project.name)))
}
