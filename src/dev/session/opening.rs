//! What a session looks at before anything runs: its projects, and who else uses the state.

use std::ffi::OsString;
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use super::SessionOptions;
use crate::base::diag::Diagnostic;
use crate::dev::report::{Report, ReportSink};
use crate::dev::unmet::unmet;
use crate::inspect::{InspectError, user};
use crate::project::{Loaded, Project, check_together, load};

/// Warns of another program that uses the state below `root`; looks for it on a thread of its own.
pub(super) fn warn_of_users(root: &Path, report: &ReportSink) {
    let (root, report) = (root.to_owned(), report.clone());
    let look = move || {
        if let Some(user) = user(&root) {
            let message = InspectError::Used(user).to_string();
            let help = "stop it, `wrangler dev` for example: what both write to the same objects gets lost";
            report(Report::Warnings(vec![Diagnostic::warning("dev/state-in-use", message).help(help)]));
        }
    };
    // It is only a warning: without a thread there is none.
    drop(thread::Builder::new().name("users".to_owned()).spawn(look));
}

/// A project, what there is to warn of, and its files.
pub(super) type LoadedMember = (Arc<Project>, Vec<Diagnostic>, Vec<PathBuf>);

/// Reads all projects; an error is all that is wrong with any of them.
pub(super) fn load_all(options: &SessionOptions) -> Result<Vec<LoadedMember>, Vec<Diagnostic>> {
    let mut loaded = Vec::new();
    let mut failure = Vec::new();
    for id in 0..=options.more.len() {
        let Loaded { project, diagnostics, inputs } = load(options.load_of(id));
        match project {
            Some(project) => {
                let warnings = [diagnostics, unmet(&project)].concat();
                loaded.push((Arc::new(project), warnings, inputs));
            }
            None => failure.extend(diagnostics),
        }
    }
    if failure.is_empty() {
        let projects: Vec<_> = loaded.iter().map(|(project, ..)| project.clone()).collect();
        failure = check_together(&projects);
    }
    if failure.is_empty() { Ok(loaded) } else { Err(failure) }
}

/// The arguments that tell `dodev migrate` of the same Workers.
pub(super) fn migrate_words(options: &SessionOptions) -> Vec<OsString> {
    let load = &options.load;
    let mut words: Vec<OsString> = vec!["--cwd".into(), load.cwd.clone().into()];
    for load in iter::once(load).chain(&options.more) {
        words.extend(load.config.iter().flat_map(|config| ["-c".into(), config.clone().into()]));
    }
    // As one word: the value may begin with a hyphen.
    words.extend(load.environment.iter().map(|name| format!("--env={name}").into()));
    words.extend(load.overrides.name.iter().map(|name| format!("--name={name}").into()));
    words
}
