//! What to do about an import that leads nowhere: the nearest file name, the package to install, the
//! flag to set.

use std::path::{Path, PathBuf};

use rolldown_common::ImportKind;

use super::mains::description_of;
use super::node_builtins::is_bare_node_module;

/// Endings that an import may leave out, in the order of the resolver.
const EXTENSIONS: &[&str] = &["tsx", "ts", "jsx", "js", "json", "mts", "mjs", "cts", "cjs"];

/// What may be wrong with `specifier`, imported by the file `importer`, or nothing.
pub(super) fn help_for(specifier: &str, importer: &Path, node_compat: bool) -> Option<String> {
    if is_path(specifier) {
        return nearest_file(specifier, importer).map(|near| format!("did you mean `{near}`?"));
    }
    if is_bare_node_module(specifier) && !node_compat {
        return Some(format!(
            "`{specifier}` is built into Node: add \"nodejs_compat\" to `compatibility_flags`"
        ));
    }
    let package = package_of(specifier)?;
    Some(if is_installed(&package, importer) {
        format!(
            "the package `{package}` is installed, but has no such entry: check `exports` in its package.json"
        )
    } else if is_plug_and_play(importer) {
        "packages of Yarn's Plug'n'Play are not read: set `nodeLinker: node-modules` in .yarnrc.yml"
            .to_owned()
    } else {
        format!("is the package installed? try `npm install {package}`")
    })
}

/// Whether Yarn keeps the packages of the project of `importer` in archives, without directories for them.
fn is_plug_and_play(importer: &Path) -> bool {
    importer.ancestors().skip(1).any(|directory| directory.join(".pnp.cjs").exists())
}

/// Files that would make `specifier` resolve if they appeared.
pub(super) fn candidates(specifier: &str, importer: &Path) -> Vec<PathBuf> {
    let Some(directory) = importer.parent() else { return Vec::new() };
    if is_path(specifier) {
        let target = join(directory, specifier);
        let mut paths = vec![target.clone()];
        paths.extend(EXTENSIONS.iter().map(|extension| append(&target, extension)));
        paths.extend(["ts", "js"].iter().map(|extension| target.join("index").with_extension(extension)));
        return paths;
    }
    match package_of(specifier) {
        Some(package) => directory
            .ancestors()
            .filter(|ancestor| may_install(ancestor))
            .flat_map(|ancestor| files_of_package(&ancestor.join("node_modules").join(&package)))
            .collect(),
        None => Vec::new(),
    }
}

/// Whether packages are installed in `directory`, as far as its files tell.
fn may_install(directory: &Path) -> bool {
    const MARKS: &[&str] =
        &["package.json", "node_modules", "wrangler.jsonc", "wrangler.json", "wrangler.toml"];
    MARKS.iter().any(|mark| directory.join(mark).exists())
}

/// The files of the package in `directory` that an import may lead to: its description, and what that names, for
/// a package that is only being installed.
fn files_of_package(directory: &Path) -> Vec<PathBuf> {
    let mut paths = vec![directory.join("index.js")];
    if let Some(value) = description_of(directory) {
        for key in ["main", "module", "browser", "exports"] {
            add_paths(directory, value.get(key), &mut paths);
        }
    }
    paths.push(directory.join("package.json"));
    paths
}

/// Adds the paths among the texts of `value`, as the fields of a package's description have them.
fn add_paths(directory: &Path, value: Option<&serde_json::Value>, paths: &mut Vec<PathBuf>) {
    match value {
        Some(serde_json::Value::String(path)) if !path.contains('*') => paths.push(join(directory, path)),
        Some(serde_json::Value::Object(fields)) => {
            fields.values().for_each(|value| add_paths(directory, Some(value), paths));
        }
        Some(serde_json::Value::Array(items)) => {
            items.iter().for_each(|value| add_paths(directory, Some(value), paths));
        }
        _ => {}
    }
}

/// Whether `specifier` is a path rather than the name of a package.
pub(super) fn is_path(specifier: &str) -> bool {
    specifier.starts_with("./")
        || specifier.starts_with("../")
        || specifier.starts_with('/')
        || specifier == "."
        || specifier == ".."
}

/// The part of `specifier` that names a package, `@scope/name` or `name`.
fn package_of(specifier: &str) -> Option<String> {
    let mut parts = specifier.split('/');
    let first = parts.next().filter(|part| !part.is_empty())?;
    if specifier.contains(':') || first.starts_with('#') || first == "~" || first == "@" {
        return None;
    }
    if first.starts_with('@') {
        return Some(format!("{first}/{}", parts.next()?));
    }
    Some(first.to_owned())
}

fn is_installed(package: &str, importer: &Path) -> bool {
    importer.ancestors().any(|directory| directory.join("node_modules").join(package).is_dir())
}

/// The specifier of the file whose name is nearest to what `specifier` says, in the same directory.
fn nearest_file(specifier: &str, importer: &Path) -> Option<String> {
    let target = join(importer.parent()?, specifier);
    let wanted = target.file_name()?.to_str()?;
    let (prefix, _) = specifier.rsplit_once('/')?;
    let mut best: Option<(f64, String)> = None;
    for entry in std::fs::read_dir(target.parent()?).ok()?.flatten() {
        let path = entry.path();
        if path == importer {
            continue;
        }
        let Some(full) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let bare = path.file_stem().and_then(|name| name.to_str()).unwrap_or(full);
        let leave_out = path.extension().and_then(|e| e.to_str()).is_some_and(|e| EXTENSIONS.contains(&e));
        for name in [full, bare] {
            let score = strsim::jaro_winkler(&wanted.to_lowercase(), &name.to_lowercase());
            if score >= 0.8 && best.as_ref().is_none_or(|(so_far, _)| score > *so_far) {
                let shown = if leave_out && Path::new(wanted).extension().is_none() { bare } else { full };
                best = Some((score, format!("{prefix}/{shown}")));
            }
        }
    }
    best.map(|(_, name)| name)
}

fn join(directory: &Path, specifier: &str) -> PathBuf {
    let mut path = directory.to_owned();
    for part in Path::new(specifier).components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => {
                path.pop();
            }
            other => path.push(other),
        }
    }
    path
}

fn append(path: &Path, extension: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(".");
    text.push(extension);
    PathBuf::from(text)
}

/// Whether an import of this kind must lead somewhere. A `require` may stand in a `try`, which rolldown
/// looks at; so may an `import()` in a package, for something that need not be installed.
pub(super) fn is_required(importer: &str, kind: ImportKind) -> bool {
    match kind {
        ImportKind::DynamicImport => !importer.contains("/node_modules/"),
        ImportKind::Import => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_file_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str| std::fs::write(directory.path().join(name), "").unwrap();
        write("counter.ts");
        write("index.ts");
        write("data.json");
        let importer = directory.path().join("index.ts");
        for (specifier, expected) in [
            ("./conter", Some("did you mean `./counter`?")),
            ("./Counter", Some("did you mean `./counter`?")),
            ("./conter.ts", Some("did you mean `./counter.ts`?")),
            ("./dat.json", Some("did you mean `./data.json`?")),
            ("./zebra", None),
        ] {
            assert_eq!(help_for(specifier, &importer, true).as_deref(), expected, "{specifier}");
        }
    }

    #[test]
    fn packages_and_node_modules_get_their_own_advice() {
        let directory = tempfile::tempdir().unwrap();
        let importer = directory.path().join("index.ts");
        for (specifier, node_compat, expected) in [
            ("hono", true, "npm install hono"),
            ("@scope/pkg/sub", true, "npm install @scope/pkg"),
            ("fs", false, "nodejs_compat"),
        ] {
            let help = help_for(specifier, &importer, node_compat).unwrap();
            assert!(help.contains(expected), "{specifier}: {help}");
        }
        assert_eq!(help_for("~/x", &importer, true), None);
        std::fs::write(directory.path().join(".pnp.cjs"), "").unwrap();
        let importer = directory.path().join("src/index.ts");
        assert!(help_for("hono", &importer, true).unwrap().contains("nodeLinker"));
    }
}
