//! The descriptions of installed packages, `package.json`, where rolldown reads them otherwise than esbuild.
//!
//! Each is read once while the graph is whole, and only what is asked for of it is kept.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rolldown_common::side_effects::HookSideEffects;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::effect_patterns::is_meant;
use super::package_exports::{Target, exports_about, target_of};

/// What a package's `package.json` says.
#[derive(Debug, Deserialize)]
struct Description {
    name: Option<String>,
    /// Whether there are some; they may be most of a large file.
    exports: Option<IgnoredAny>,
    #[serde(rename = "sideEffects")]
    side_effects: Option<Value>,
    /// The file, if it has `exports`.
    #[serde(skip)]
    text: Vec<u8>,
}

impl Description {
    fn read(text: Vec<u8>) -> Option<Self> {
        let read: Self = serde_json::from_slice(&text).ok()?;
        let text = if read.exports.is_some() { text } else { Vec::new() };
        Some(Self { text, ..read })
    }

    /// The parts of `exports` that may say something of `path`.
    fn exports_about(&self, path: &str) -> Option<Value> {
        self.exports.as_ref()?;
        exports_about(&self.text, path)
    }
}

/// The descriptions that were asked for, by directory.
#[derive(Debug, Default)]
pub(super) struct Descriptions {
    known: Mutex<FxHashMap<PathBuf, Option<Arc<Description>>>>,
}

/// What an import of a package leads to, if not to the file that rolldown found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Instead {
    /// This file.
    File(PathBuf),
    /// Nothing, for this reason.
    Nothing(String),
}

/// The other names of a file that `exports` give, by the ending of the name.
const REWRITTEN: &[(&str, &[&str])] =
    &[("js", &["ts", "tsx"]), ("jsx", &["ts", "tsx"]), ("mjs", &["mts"]), ("cjs", &["cts"])];

impl Descriptions {
    /// Forgets everything: files may have changed.
    pub(super) fn clear(&self) {
        self.known().clear();
    }

    fn known(&self) -> MutexGuard<'_, FxHashMap<PathBuf, Option<Arc<Description>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The description in `directory`, if there is one that can be read.
    fn of(&self, directory: &Path) -> Option<Arc<Description>> {
        if let Some(known) = self.known().get(directory) {
            return known.clone();
        }
        let text = std::fs::read(directory.join("package.json")).ok();
        let read = text.and_then(Description::read).map(Arc::new);
        self.known().insert(directory.to_owned(), read.clone());
        read
    }

    /// What `specifier` leads to, if not to the file `found` of the package whose description is `package_json`.
    pub(super) fn instead(
        &self,
        specifier: &str,
        found: &Path,
        package_json: &Path,
        conditions: &[&str],
    ) -> Option<Instead> {
        let directory = package_json.parent()?;
        let description = self.of(directory)?;
        let package = package_of(specifier)?;
        // The field `browser` of another package may have led to this one.
        if !directory.ends_with(package) && description.name.as_deref() != Some(package) {
            return None;
        }
        let path = format!(".{}", &specifier[package.len()..]);
        match target_of(&description.exports_about(&path)?, &path, conditions) {
            Target::File(target) => {
                let file = directory.join(&target);
                if found == file {
                    return None;
                }
                match existing(&file) {
                    Some(file) if file == found => None,
                    Some(file) => Some(Instead::File(file)),
                    None => Some(Instead::Nothing(format!(
                        "`exports` of `{package}` name `./{target}`, which is no file"
                    ))),
                }
            }
            Target::Closed(condition) => Some(Instead::Nothing(match condition {
                Some(condition) => {
                    format!("`exports` of `{package}` have `null` for the condition `{condition}`")
                }
                None => format!("`exports` of `{package}` have `null` for it"),
            })),
            Target::Nothing | Target::Unknown => None,
        }
    }

    /// Whether the module `id` of a package has effects, where its nearest description says something else than the
    /// package's own, or what only rolldown understands.
    ///
    /// Fidelity: esbuild 0.28, for which the nearest description counts, and which knows a boolean and an array.
    pub(super) fn effects_of(&self, id: &Path) -> Option<HookSideEffects> {
        for directory in id.ancestors().skip(1) {
            let is_root = is_package(directory);
            if let Some(description) = self.of(directory) {
                return match &description.side_effects {
                    Some(Value::String(_)) => Some(HookSideEffects::True),
                    Some(Value::Array(patterns)) => {
                        let path = id.strip_prefix(directory).ok()?.to_str()?.replace('\\', "/");
                        let meant = patterns.iter().filter_map(Value::as_str).any(|one| is_meant(one, &path));
                        Some(if meant { HookSideEffects::True } else { HookSideEffects::False })
                    }
                    _ if is_root => None,
                    Some(Value::Bool(false)) => Some(HookSideEffects::False),
                    _ => Some(HookSideEffects::True),
                };
            }
            if is_root {
                break;
            }
        }
        None
    }
}

/// The real path of `file`, or of the one with the ending that a compiler would have read.
fn existing(file: &Path) -> Option<PathBuf> {
    let others = REWRITTEN.iter().find(|(ending, _)| file.extension().is_some_and(|own| own == *ending));
    let others = others.into_iter().flat_map(|(_, endings)| endings.iter());
    let mut names = std::iter::once(file.to_owned()).chain(others.map(|ending| file.with_extension(ending)));
    dunce::canonicalize(names.find(|path| path.is_file())?).ok()
}

/// Whether `directory` is that of an installed package.
fn is_package(directory: &Path) -> bool {
    let named =
        |path: Option<&Path>| path.and_then(Path::file_name).is_some_and(|name| name == "node_modules");
    let parent = directory.parent();
    let is_scoped =
        parent.and_then(Path::file_name).is_some_and(|name| name.to_string_lossy().starts_with('@'));
    named(parent) || (is_scoped && named(parent.and_then(Path::parent)))
}

/// The name of the package in `specifier`.
pub(super) fn package_of(specifier: &str) -> Option<&str> {
    if specifier.starts_with(['#', '.', '/']) || specifier.contains([':', '\\']) {
        return None;
    }
    let first = specifier.find('/');
    match specifier.strip_prefix('@') {
        Some(_) => {
            let name = first? + 1;
            Some(specifier[name..].find('/').map_or(specifier, |end| &specifier[..name + end]))
        }
        None => Some(first.map_or(specifier, |end| &specifier[..end])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_are_told_from_paths_in_them() {
        for (specifier, expected) in [
            ("a", Some("a")),
            ("a/b/c", Some("a")),
            ("@s/a", Some("@s/a")),
            ("@s/a/b", Some("@s/a")),
            ("@s", None),
            ("#a", None),
            ("./a", None),
            ("npm:a", None),
        ] {
            assert_eq!(package_of(specifier), expected, "{specifier}");
        }
    }

    #[test]
    fn directories_of_packages_are_told_from_those_in_them() {
        for (directory, expected) in [
            ("/p/node_modules/a", true),
            ("/p/node_modules/@s/a", true),
            ("/p/node_modules/@s/a/lib", false),
            ("/p/node_modules/a/lib", false),
            ("/p/src", false),
        ] {
            assert_eq!(is_package(Path::new(directory)), expected, "{directory}");
        }
    }
}
