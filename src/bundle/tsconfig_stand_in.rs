//! A TypeScript configuration in the place of one that extends files which are not there, or that a package names by its field
//! `tsconfig`, which rolldown does not look for.
//!
//! Such a configuration is usual where a project was taken out of its repository, or where a framework has not written
//! its part yet. rolldown refuses it. The platform's bundler goes on with what is there and says nothing; here, the
//! missing file is told as a warning. References to other configurations, which that bundler does not follow, are left out.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use super::inputs::TsconfigFile;
use super::request::BundleRequest;
use super::tsconfig_fault::TsconfigFault;

/// A file for rolldown, which is removed with this value and is no input of a bundle.
#[derive(Debug)]
pub(super) struct StandIn {
    file: NamedTempFile,
    /// What is missing.
    pub(super) faults: Vec<TsconfigFault>,
}

impl StandIn {
    /// The stand-in that `request` needs; `None` if its configuration is whole, or wrong in other ways, or if no file can be
    /// written: then rolldown says what is wrong.
    pub(super) fn of(request: &BundleRequest) -> Option<Self> {
        let faults = TsconfigFault::find(request);
        let file = TsconfigFile::governing(request)?;
        if !faults.iter().all(|fault| fault.is_missing_base)
            || (faults.is_empty() && !file.extends_by_field())
        {
            return None;
        }
        let text = flattened(&file);
        let mut file = tempfile::Builder::new().prefix("tsconfig-").suffix(".json").tempfile().ok()?;
        file.write_all(text.to_string().as_bytes()).ok()?;
        Some(Self { file, faults })
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Whether `path` is that of `stand_in`, on which no bundle depends.
    pub(super) fn is_at(stand_in: Option<&Self>, path: &Path) -> bool {
        stand_in.is_some_and(|stand_in| stand_in.path() == path)
    }
}

/// What `file` and all that it extends say about compiling, as one configuration that means the same in any directory.
fn flattened(file: &TsconfigFile) -> Value {
    json!({ "compilerOptions": flattened_options(file) })
}

/// The options of that configuration.
pub(super) fn flattened_options(file: &TsconfigFile) -> Map<String, Value> {
    let place = file.path().parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    let mut merged = Map::new();
    for part in file.chain().iter().rev() {
        let directory = part.path().parent().unwrap_or(Path::new("/"));
        let mut options = part.own_compiler_options();
        if let Some(base) = options.get_mut("baseUrl") {
            *base = anchored(base, directory);
        }
        let base = options.get("baseUrl").or_else(|| merged.get("baseUrl")).and_then(Value::as_str);
        let base = base.map_or_else(|| directory.to_owned(), Into::into);
        if let Some(Value::Object(paths)) = options.get_mut("paths") {
            for targets in paths.values_mut().filter_map(Value::as_array_mut) {
                targets.iter_mut().for_each(|target| *target = anchored(target, &base));
            }
        }
        merged.extend(options);
    }
    if let Some(Value::Object(paths)) = merged.get_mut("paths") {
        for target in paths.values_mut().filter_map(Value::as_array_mut).flatten() {
            if let Some((_, behind)) = target.as_str().and_then(|target| target.split_once("${configDir}")) {
                *target = json!(format!("{place}{behind}"));
            }
        }
    }
    merged
}

/// `path` as an absolute one, if it was relative to `directory`.
fn anchored(path: &Value, directory: &Path) -> Value {
    match path.as_str() {
        Some(text) => json!(directory.join(text).to_string_lossy()),
        None => path.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn paths_keep_their_places() {
        let directory = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(directory.path()).unwrap();
        fs::create_dir(root.join("base")).unwrap();
        let cases = [
            (
                r#"{ "compilerOptions": { "jsx": "preserve", "paths": { "~/*": ["./lib/*"] } } }"#,
                r#"{ "extends": ["./none", "./base/ts.json"], "compilerOptions": { "jsx": "react" } }"#,
                json!({ "jsx": "react", "paths": { "~/*": ["ROOT/./base/./lib/*"] } }),
            ),
            (
                r#"{ "compilerOptions": { "baseUrl": "src" } }"#,
                r#"{ "extends": "./base/ts", "compilerOptions": { "paths": { "@/*": ["a/*", "/b/*"] } } }"#,
                json!({ "baseUrl": "ROOT/./base/src", "paths": { "@/*": ["ROOT/./base/src/a/*", "/b/*"] } }),
            ),
        ];
        for (base, own, expected) in cases {
            fs::write(root.join("base/ts.json"), base).unwrap();
            fs::write(root.join("tsconfig.json"), own).unwrap();
            let file = TsconfigFile::find_base(&root, "./tsconfig.json").unwrap();
            let text = flattened(&file)["compilerOptions"].to_string();
            assert_eq!(text.replace(root.to_str().unwrap(), "ROOT"), expected.to_string());
        }
    }
}
