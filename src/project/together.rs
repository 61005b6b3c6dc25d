//! What several projects that run together must agree on: names, and what they are bound to of each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Project;
use super::nearest::nearest;
use crate::base::diag::Diagnostic;

/// The mistakes that only show when `projects` are looked at together; none for a single one.
pub fn check_together(projects: &[Arc<Project>]) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let mut named: BTreeMap<&str, &Project> = BTreeMap::new();
    for project in projects {
        let Some(first) = named.insert(&project.name, project) else { continue };
        let message = match first.root == project.root && first.source.path == project.source.path {
            true => format!("the configuration of the Worker `{}` is given twice", project.name),
            false => format!("two configurations name their Worker `{}`", project.name),
        };
        diagnostics.push(
            Diagnostic::error("config/duplicate-worker", message)
                .help("every Worker that runs needs a name of its own: change `name` in one of them"),
        );
    }
    for project in projects {
        for binding in &project.durable_objects {
            let owner = binding.script_name.as_deref().filter(|script| *script != project.name);
            let Some(owner) = owner.and_then(|script| named.get(script)) else { continue };
            if owner.classes.contains_key(&binding.class_name) {
                continue;
            }
            let message =
                format!("the Worker `{}` has no Durable Object class `{}`", owner.name, binding.class_name);
            let help = match nearest(&binding.class_name, owner.classes.keys().map(String::as_str)) {
                Some(known) => format!("did you mean `{known}`?"),
                None => "declare it in a migration of that Worker".to_owned(),
            };
            diagnostics.push(
                Diagnostic::error("config/unknown-class", message)
                    .at(&project.source, binding.span.clone(), "")
                    .help(help),
            );
        }
    }
    diagnostics
}

/// After bundling: the bindings of `project` to entry points that the Worker does not have. `exports_of` tells what the
/// main module of a Worker exports, if it runs.
pub fn check_entrypoints<'a>(
    project: &Project,
    exports_of: impl Fn(&str) -> Option<&'a [String]>,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for service in &project.services {
        let (Some(entrypoint), Some(exports)) = (&service.entrypoint, exports_of(&service.service)) else {
            continue;
        };
        if exports.contains(entrypoint) {
            continue;
        }
        let message =
            format!("the Worker `{}` does not export an entry point `{entrypoint}`", service.service);
        let help = match nearest(entrypoint, exports.iter().map(String::as_str)) {
            Some(export) => format!("did you mean `{export}`?"),
            None => {
                format!("add `export class {entrypoint} extends WorkerEntrypoint {{ … }}` to its main module")
            }
        };
        diagnostics.push(
            Diagnostic::error("config/unknown-entrypoint", message)
                .at(&project.source, service.span.clone(), "")
                .help(help),
        );
    }
    diagnostics
}
