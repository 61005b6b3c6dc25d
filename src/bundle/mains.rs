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

/// The file `below` a package that is installed in `directory`, its main one if that is empty, where the bundler finds none: `exports` are `null`, which is none at
/// all, or `browser` names files without `./`, or in a circle.
///
/// Fidelity: esbuild 0.28, which asks `browser` once for what `module` or `main` name.
pub(super) fn entry_despite(directory: &Path, below: &str) -> Option<PathBuf> {
    let said = description_of(directory)?;
    if said.get("exports").is_some_and(|exports| !exports.is_null()) {
        return None;
    }
    if !below.is_empty() {
        return file_of(directory, below);
    }
    let browser = said.get("browser");
    let fields = [browser, said.get("module"), said.get("main")];
    let named = fields.into_iter().flatten().filter_map(Value::as_str);
    let path =
        named.map(|path| path.trim_start_matches("./")).find(|path| file_of(directory, path).is_some());
    let path = path.unwrap_or("index.js");
    let instead = |key: String| browser?.get(key)?.as_str();
    let instead = instead(format!("./{path}")).or_else(|| instead(path.to_owned()));
    file_of(directory, instead.unwrap_or(path))
}

/// The file that a description in `directory` means by `path`.
fn file_of(directory: &Path, path: &str) -> Option<PathBuf> {
    let path = directory.join(path);
    let with = |ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
    let variants = [path.clone(), with(".js"), with(".json"), path.join("index.js")];
    let file = variants.into_iter().find(|path| path.is_file())?;
    dunce::canonicalize(file).ok()
}
