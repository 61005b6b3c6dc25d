//! Finds the configuration: the nearest one upward, or the one that a build tool made of it.
//!
//! Fidelity: wrangler 4.164.0 looks upward for `wrangler.json` first, then for `wrangler.jsonc`, then for
//! `wrangler.toml`, so that a `wrangler.json` further up wins over a `wrangler.toml` right here. Where
//! `.wrangler/deploy/config.json` stands beside it, as after `vite build`, the configuration named there counts
//! instead, unless one was named on the command line; state and `.dev.vars` stay beside the project's own.

use std::path::{Path, PathBuf};

use super::jsonc;
use super::read::{Inputs, Read, normal};
use super::report::{Language, Report};
use super::tree::Node;
use crate::base::diag::Diagnostic;

/// The names of configurations, in the order in which they are looked for.
pub const NAMES: [&str; 3] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/// Where build tools say which configuration they made.
const REDIRECT: &str = ".wrangler/deploy/config.json";

/// A configuration that was found.
#[derive(Debug)]
pub struct Located {
    /// The configuration that counts.
    pub path: PathBuf,
    /// The directory of the project's own configuration, or the one in which none was found.
    pub home: PathBuf,
    /// Whether a build tool made it.
    pub is_generated: bool,
}

/// The nearest configuration from `directory` upward, if there is one.
pub fn nearest(inputs: &mut Inputs, directory: &Path) -> Option<PathBuf> {
    NAMES.iter().find_map(|name| {
        directory.ancestors().map(|directory| directory.join(name)).find(|path| inputs.is_file(path))
    })
}

/// The configuration that counts in `directory`, if there is one.
pub fn find_config(directory: &Path) -> Option<PathBuf> {
    nearest(&mut Inputs::default(), directory)
}

/// Warnings about files near `config` that somebody may expect to count, but that do not.
pub fn overlooked(inputs: &mut Inputs, config: &Path) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    let Some(directory) = config.parent() else { return warnings };
    let used = config.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if NAMES.contains(&used.as_str()) {
        for name in NAMES.into_iter().filter(|name| *name != used) {
            if inputs.is_file(&directory.join(name)) {
                let message = format!("`{name}` is ignored, since `{used}` stands next to it");
                let help = "remove one of the two, or choose with `--config`";
                warnings.push(Diagnostic::warning("config/several-files", message).help(help));
            }
        }
    }
    warnings
}

/// The configuration that counts for `directory`, if there is one.
pub fn locate(inputs: &mut Inputs, directory: &Path) -> Result<Option<Located>, Diagnostic> {
    let own = nearest(inputs, directory);
    let home = own.as_deref().and_then(Path::parent).unwrap_or(directory).to_owned();
    let redirect =
        directory.ancestors().map(|directory| directory.join(REDIRECT)).find(|path| inputs.is_file(path));
    let Some(redirect) = redirect else {
        return Ok(own.map(|path| Located { path, home, is_generated: false }));
    };
    if let Some(own) = own
        && redirect != home.join(REDIRECT)
    {
        let (redirect, own) = (redirect.display(), own.display());
        let message = format!("`{redirect}` does not stand beside the configuration `{own}`");
        let help = "a build tool wrote it, maybe for another project: remove it, or choose a configuration with `--config`";
        return Err(Diagnostic::error("config/redirect", message).help(help));
    }
    let path = redirected(inputs, &redirect)?;
    Ok(Some(Located { path, home, is_generated: true }))
}

/// The configuration that the file `redirect` names.
fn redirected(inputs: &mut Inputs, redirect: &Path) -> Result<PathBuf, Diagnostic> {
    let help = "build the project again, or remove the file to use the project's own configuration";
    let unusable = |message: String| Diagnostic::error("config/redirect", message).help(help);
    let source = match inputs.read(redirect) {
        Read::Text(source) => source,
        Read::Absent => return Err(unusable(format!("`{}` is gone", redirect.display()))),
        Read::Failed(diagnostic) => return Err(diagnostic),
    };
    let mut report = Report::new(source, Language::Json);
    let tree = jsonc::parse(&mut report);
    let named = tree.as_ref().and_then(|tree| tree.get("configPath")).and_then(Node::as_text);
    if let Some(mistake) = report.into_diagnostics().into_iter().next() {
        return Err(mistake);
    }
    let Some(named) = named.filter(|named| !named.is_empty()) else {
        return Err(unusable(format!("`{}` has no `configPath`", redirect.display())));
    };
    let path = normal(&redirect.parent().unwrap_or(redirect).join(named));
    match inputs.is_file(&path) {
        true => Ok(path),
        false => {
            let (redirect, path) = (redirect.display(), path.display());
            Err(unusable(format!("`{redirect}` names the configuration `{path}`, which does not exist")))
        }
    }
}
