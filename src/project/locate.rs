//! Finds the configuration: the file that was named, or the nearest one upward.
//!
//! Fidelity: wrangler 4.164.0 looks upward for `wrangler.json` first, then for `wrangler.jsonc`, then for
//! `wrangler.toml`, so that a `wrangler.json` further up wins over a `wrangler.toml` right here.

use std::path::{Path, PathBuf};

use super::read::Inputs;
use crate::base::diag::Diagnostic;

/// The names of configurations, in the order in which they are looked for.
pub const NAMES: [&str; 3] = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

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
    let redirect = directory.join(".wrangler/deploy/config.json");
    if inputs.is_file(&redirect) {
        let message =
            format!("`{}` is ignored: dodev reads the project's own configuration", redirect.display());
        let help = "a build tool wrote it; name the configuration it made with `--config` to use that one";
        warnings.push(Diagnostic::warning("config/several-files", message).help(help));
    }
    warnings
}
