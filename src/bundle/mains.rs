//! Packages that have a file for `import` and another one for `require`, in the fields `module` and `main` of their description.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// What the description of the package in `directory` says, if it has one that can be read.
pub(super) fn description_of(directory: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(directory.join("package.json")).ok()?;
    serde_json::from_str(&text).ok()
}

/// Whether `specifier` names a package and nothing in it.
pub(super) fn is_package_name(specifier: &str) -> bool {
    let slashes = specifier.matches('/').count();
    if specifier.starts_with('@') { slashes == 1 } else { slashes == 0 }
}

/// The file `main` of the package `name`, if `module` of the same package is what the bundler found, `found`.
pub(super) fn main_beside(found: &Path, name: &str) -> Option<PathBuf> {
    let is_of_package = |directory: &&Path| directory.ends_with(Path::new("node_modules").join(name));
    let linked = |directory: &&Path| directory.join("package.json").is_file();
    let directory =
        found.ancestors().skip(1).find(is_of_package).or_else(|| found.ancestors().skip(1).find(linked))?;
    let said = description_of(directory)?;
    let field = |name: &str| said.get(name).and_then(Value::as_str);
    if said.get("exports").is_some_and(|exports| !exports.is_null()) || field("browser").is_some() {
        return None;
    }
    let (module, main) = (file_of(directory, field("module")?)?, file_of(directory, field("main")?)?);
    (module == found && main != found).then_some(main)
}

/// The file that a description in `directory` means by `path`.
fn file_of(directory: &Path, path: &str) -> Option<PathBuf> {
    let path = directory.join(path);
    let with = |ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
    let variants = [path.clone(), with(".js"), with(".json"), path.join("index.js")];
    let file = variants.into_iter().find(|path| path.is_file())?;
    dunce::canonicalize(file).ok()
}
