//! Which files a bundle depends on besides its modules, and whether files are still as they were.
//!
//! rolldown names the modules, their package.json files and each module's nearest tsconfig.json. What
//! that configuration extends, and one that appears where none was, are found here.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use jsonc_parser::ParseOptions;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::mains::description_of;
use super::request::BundleRequest;

/// The most configurations that are followed through `extends`.
const EXTENDS_DEPTH: usize = 16;

/// A tsconfig.json; one that cannot be parsed says nothing here, and rolldown complains of it.
#[derive(Debug, Clone)]
pub(super) struct TsconfigFile {
    path: PathBuf,
    value: Value,
}

impl TsconfigFile {
    /// The configuration of the request's entry: the named one, or the nearest.
    pub(super) fn governing(request: &BundleRequest) -> Option<Self> {
        match &request.tsconfig {
            Some(path) => Self::read(&request.root.join(path)),
            None => request.entry.ancestors().skip(1).find_map(|dir| Self::read(&dir.join("tsconfig.json"))),
        }
    }

    pub(super) fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let value =
            jsonc_parser::parse_to_serde_value(&text, &ParseOptions::default()).unwrap_or(Value::Null);
        Some(Self { path: path.to_owned(), value })
    }

    /// Its `compilerOptions`, those of the configurations that it extends included.
    pub(super) fn compiler_options(&self) -> Map<String, Value> {
        let mut options = Map::new();
        for file in self.chain().iter().rev() {
            options.extend(file.own_compiler_options());
        }
        options
    }

    /// The `compilerOptions` of this file alone.
    pub(super) fn own_compiler_options(&self) -> Map<String, Value> {
        self.value.get("compilerOptions").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// This configuration and all that it extends, itself first.
    pub(super) fn chain(&self) -> Vec<Self> {
        let mut chain = vec![self.clone()];
        let mut next = 0;
        while next < chain.len() && chain.len() < EXTENDS_DEPTH {
            let bases = chain[next].bases();
            let directory = chain[next].directory().to_owned();
            chain.extend(bases.iter().filter_map(|base| Self::find_base(&directory, base)));
            next += 1;
        }
        chain
    }

    /// What `extends` names, what wins first.
    fn bases(&self) -> Vec<String> {
        match self.value.get("extends") {
            Some(Value::String(base)) => vec![base.clone()],
            // Later ones win.
            Some(Value::Array(bases)) => {
                bases.iter().rev().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    /// Where files may appear that this configuration extends by a path and that are not there.
    fn missing_bases(&self) -> Vec<PathBuf> {
        let directory = self.directory();
        let is_missing =
            |base: &&String| base.starts_with(['.', '/']) && Self::find_base(directory, base).is_none();
        self.bases().iter().filter(is_missing).map(|base| directory.join(base)).collect()
    }

    /// The configuration that `references` of one in `directory` means by `path`: a file, or a directory with one.
    pub(super) fn find_reference(directory: &Path, path: &str) -> Option<Self> {
        let path = directory.join(path);
        Self::read(&path).or_else(|| Self::read(&path.join("tsconfig.json")))
    }

    /// Whether this configuration extends one that a package names by its field `tsconfig`.
    pub(super) fn extends_by_field(&self) -> bool {
        let is_field = |directory: &Path, base: &str| {
            let (path, found) = (directory.to_owned(), Self::find_base(directory, base));
            let packages = path.ancestors().map(|above| above.join("node_modules"));
            let mut named = packages.filter_map(|packages| field_of_package(&packages, base));
            found.is_some_and(|found| named.any(|path| path == found.path))
        };
        self.chain().iter().any(|file| {
            let bases = file.bases();
            bases.iter().any(|base| !base.starts_with(['.', '/']) && is_field(file.directory(), base))
        })
    }

    /// What `extends: base` means in a configuration that stands in `directory`.
    pub(super) fn find_base(directory: &Path, base: &str) -> Option<Self> {
        let variants = |path: PathBuf| {
            let with_ending = PathBuf::from(format!("{}.json", path.display()));
            [path.clone(), with_ending, path.join("tsconfig.json")]
        };
        if base.starts_with('.') || base.starts_with('/') {
            return variants(directory.join(base)).iter().find_map(|path| Self::read(path));
        }
        directory
            .ancestors()
            .map(|dir| dir.join("node_modules"))
            .flat_map(|packages| {
                variants(packages.join(base)).into_iter().chain(named_by_package(&packages, base))
            })
            .find_map(|path| Self::read(&path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The configuration that `base` names below the directory `packages`, if the package says itself where it is: by its field
/// `tsconfig`, or by `exports`.
fn named_by_package(packages: &Path, base: &str) -> Option<PathBuf> {
    exported_by_package(packages, base).or_else(|| field_of_package(packages, base))
}

/// The configuration that the package `base` below `packages` names in its field `tsconfig`.
fn field_of_package(packages: &Path, base: &str) -> Option<PathBuf> {
    let package = packages.join(base);
    let said = description_of(&package)?;
    said.get("tsconfig").and_then(Value::as_str).map(|target| package.join(target))
}

/// The configuration that a package exports as `base`.
fn exported_by_package(packages: &Path, base: &str) -> Option<PathBuf> {
    let names = if base.starts_with('@') { 2 } else { 1 };
    let end = base.match_indices('/').nth(names - 1).map_or(base.len(), |(at, _)| at);
    let package = packages.join(&base[..end]);
    let said = description_of(&package)?;
    let subpath = format!(".{}", &base[end..]);
    let mut target = said.get("exports").and_then(|exports| exports.get(&subpath));
    while let Some(Value::Object(conditions)) = target {
        target = ["require", "import", "default"].iter().find_map(|condition| conditions.get(*condition));
    }
    target.and_then(Value::as_str).map(|target| package.join(target))
}

/// Configuration files on which a bundle of `request` depends: every tsconfig.json in force with all that it
/// extends, and the places where missing ones may appear.
pub(super) fn configuration_inputs(request: &BundleRequest) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = TsconfigFile::governing(request)
        .map(|file| {
            file.chain()
                .into_iter()
                .flat_map(|file| {
                    let missing = file.missing_bases();
                    missing.into_iter().chain([file.path])
                })
                .collect()
        })
        .unwrap_or_default();
    if request.tsconfig.is_none() {
        paths.push(request.root.join("tsconfig.json"));
    }
    paths
}

/// Whether a change of `path` can change how other files are resolved or transformed.
pub(super) fn is_configuration(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
        name == "package.json" || (name.starts_with("tsconfig") && name.ends_with(".json"))
    })
}

/// How a file looked when it was last read: enough to see a change without reading it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    size_bytes: u64,
    modified_ns: i128,
}

impl Stamp {
    /// The stamp of `path`, or `None` if there is no such file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?;
        let modified_ns = match modified.duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
        };
        Some(Self { size_bytes: metadata.len(), modified_ns })
    }

    /// Whether the file was written before the one that `other` describes.
    pub(super) fn is_older_than(&self, other: &Self) -> bool {
        self.modified_ns < other.modified_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_configurations_are_merged_and_named() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let write = |name: &str, text: &str| {
            std::fs::create_dir_all(root.join(name).parent().unwrap()).unwrap();
            std::fs::write(root.join(name), text).unwrap();
        };
        write("tsconfig.json", r#"{ "extends": ["./base", "@org/ts"], "compilerOptions": { "a": 1, }, }"#);
        write("base.json", r#"{ "compilerOptions": { "a": 2, "jsx": "react", "b": 2 } } // comment"#);
        write("node_modules/@org/ts/tsconfig.json", r#"{ "compilerOptions": { "b": 3 } }"#);
        let file = TsconfigFile::read(&root.join("tsconfig.json")).unwrap();
        let options = serde_json::to_value(file.compiler_options()).unwrap();
        assert_eq!(options, serde_json::json!({ "a": 1, "jsx": "react", "b": 3 }));
        assert_eq!(file.chain().len(), 3);
    }

    #[test]
    fn stamps_tell_a_changed_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        assert_eq!(Stamp::of(&path), None);
        std::fs::write(&path, "1").unwrap();
        let first = Stamp::of(&path);
        assert_eq!(first, Stamp::of(&path));
        std::fs::write(&path, "12").unwrap();
        assert_ne!(first, Stamp::of(&path));
    }
}
