//! Which imports lead to installed packages, and what the project's own code takes from them.
//!
//! A package's file is known by its real path, so that two versions of a package are two things and a
//! linked package of the same workspace is the user's own code. The names of the modules that stand for such
//! files are hashes of these paths: a new import changes no other name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use oxc::allocator::Allocator;
use oxc::ast::ast::{ImportDeclarationSpecifier, Program, Statement};
use oxc::parser::Parser;
use oxc::span::SourceType;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What the names of all modules of packages begin with.
pub const PREFIX: &str = "deps/";

/// What the code of a bundle needs of packages that are not part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct External {
    /// All packages' files that are imported, by the name of the module.
    pub(super) entries: BTreeMap<String, Imported>,
    /// The modules that are imported before the code runs, in the order in which they would run in it.
    pub order: Vec<String>,
    /// The names that the code takes from each module.
    pub(super) names: BTreeMap<String, BTreeSet<String>>,
    /// Modules all of whose names the code exports again.
    pub(super) stars: BTreeSet<String>,
    /// Whether the code itself asks for values that follow awaits.
    pub(super) asks_async: bool,
    /// Files of the project that have to be built with the packages too, since they run before one.
    pub(super) early: BTreeSet<PathBuf>,
    /// Why the code and its packages have to be one bundle after all.
    pub(super) inseparable: Option<String>,
    /// The hash of the packages that the code was put together with.
    pub(super) built: Option<[u8; 32]>,
}

/// A file of a package that the code imports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Imported {
    /// Its real path.
    pub path: PathBuf,
    /// How it is called in imports.
    pub specifiers: BTreeSet<String>,
}

/// The directory of the installed package that the file `path` belongs to; `None` for a file of the project at
/// `root`, which may itself lie in an installed package.
pub(super) fn package_of(root: &Path, path: &Path) -> Option<PathBuf> {
    let (base, below) = match path.strip_prefix(root) {
        Ok(below) => (root, below),
        Err(_) => (Path::new(""), path),
    };
    let parts: Vec<_> = below.iter().collect();
    let modules = parts.iter().rposition(|part| *part == "node_modules")?;
    let scoped = parts.get(modules + 1)?.to_string_lossy().starts_with('@');
    let end = modules + if scoped { 3 } else { 2 };
    // What lies directly in the directory belongs to no package.
    if parts.len() <= end {
        return None;
    }
    Some(base.join(parts[..end].iter().collect::<PathBuf>()))
}

/// The name of the module that stands for the package's file `path`.
pub(super) fn module_name(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let hash = Sha256::digest(below.to_string_lossy().as_bytes());
    let hash: String = hash.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let package = package_of(root, path).unwrap_or_default();
    let package: Vec<_> = package.iter().rev().take(2).map(|part| part.to_string_lossy()).collect();
    let package = match package.as_slice() {
        [name, scope] if scope.starts_with('@') => format!("{}-{name}", &scope[1..]),
        [name, ..] => name.to_string(),
        [] => String::new(),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let package: String = package.chars().map(plain).collect();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let stem: String = stem.chars().map(plain).collect();
    format!("{PREFIX}{package}-{stem}-{hash}.js")
}

/// Whether the file `path` is JavaScript that can be a module of its own.
pub(super) fn can_stand_alone(path: &str) -> bool {
    const EXTENSIONS: &[&str] = &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx"];
    Path::new(path).extension().and_then(|e| e.to_str()).is_some_and(|e| EXTENSIONS.contains(&e))
}

/// Whether the file at `path` is CommonJS, whose one export is a value: by its name, or as its text says.
pub(super) fn is_common_js(path: &Path) -> bool {
    match path.extension().and_then(|e| e.to_str()) {
        Some("cjs" | "cts") => return true,
        Some("mjs" | "mts") => return false,
        _ => {}
    }
    let Ok(text) = std::fs::read_to_string(path) else { return false };
    if !text.contains("exports") {
        return false;
    }
    let allocator = Allocator::default();
    let source_type = SourceType::from_path(path).unwrap_or_default();
    !Parser::new(&allocator, &text, source_type).parse().module_record.has_module_syntax
}

/// What the code of a chunk takes from packages' modules: names by module, and modules that are exported as a whole.
pub(super) fn taken_names(code: &str) -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, code, SourceType::mjs()).parse();
    taken_by(&parsed.program)
}

fn taken_by(program: &Program<'_>) -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut stars = BTreeSet::new();
    let mut take = |source: &str, name: &str| {
        names.entry(source.to_owned()).or_default().insert(name.to_owned());
    };
    for statement in &program.body {
        match statement {
            Statement::ImportDeclaration(import) if import.source.value.starts_with(PREFIX) => {
                for specifier in import.specifiers.iter().flatten() {
                    match specifier {
                        ImportDeclarationSpecifier::ImportSpecifier(specifier) => {
                            take(&import.source.value, &specifier.imported.name());
                        }
                        ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => {
                            take(&import.source.value, "default");
                        }
                        ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => {}
                    }
                }
            }
            Statement::ExportFromDeclaration(export) if export.source.value.starts_with(PREFIX) => {
                for specifier in &export.specifiers {
                    take(&export.source.value, &specifier.local.name());
                }
            }
            Statement::ExportAllDeclaration(export)
                if export.source.value.starts_with(PREFIX) && export.exported.is_none() =>
            {
                stars.insert(export.source.value.to_string());
            }
            _ => {}
        }
    }
    (names, stars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_known_by_their_directory() {
        for (path, expected) in [
            ("/p/src/a.ts", None),
            ("/p/node_modules/a.js", None),
            ("/p/node_modules/pkg/a.js", Some("/p/node_modules/pkg")),
            ("/p/node_modules/@s/pkg/lib/a.js", Some("/p/node_modules/@s/pkg")),
            ("/p/node_modules/a/node_modules/b/c.js", Some("/p/node_modules/a/node_modules/b")),
            ("/node_modules/pkg/a.js", Some("/node_modules/pkg")),
            ("/other/a.ts", None),
        ] {
            assert_eq!(package_of(Path::new("/p"), Path::new(path)), expected.map(PathBuf::from), "{path}");
        }
        // A template that is tried out where it was installed.
        let root = Path::new("/w/node_modules/template");
        assert_eq!(package_of(root, &root.join("src/a.ts")), None);
        assert!(package_of(root, &root.join("node_modules/b/c.js")).is_some());
        assert!(package_of(root, Path::new("/w/node_modules/b/c.js")).is_some());
    }

    #[test]
    fn names_are_stable_and_readable() {
        let root = Path::new("/p");
        let name = |path: &str| module_name(root, Path::new(path));
        assert!(name("/p/node_modules/@hono/zod/dist/index.js").starts_with("deps/hono-zod-index-"));
        assert!(name("/p/node_modules/zod/index.js").starts_with("deps/zod-index-"));
        assert_ne!(name("/p/node_modules/zod/index.js"), name("/p/node_modules/a/node_modules/zod/index.js"));
        // Where the project lies does not matter.
        assert_eq!(
            name("/p/node_modules/z/i.js"),
            module_name(Path::new("/q"), Path::new("/q/node_modules/z/i.js"))
        );
    }

    #[test]
    fn the_names_that_a_chunk_takes() {
        let (names, stars) = taken_names(
            "import a, { b as c, default as d } from 'deps/x.js';\nimport * as e from 'deps/y.js';\n\
             import 'deps/z.js'; import { f } from 'node:fs'; export { g as h } from 'deps/x.js';\n\
             export * from 'deps/s.js'; export * as t from 'deps/t.js';",
        );
        let expected = BTreeSet::from(["b", "default", "g"].map(str::to_owned));
        assert_eq!(names, BTreeMap::from([("deps/x.js".to_owned(), expected)]));
        assert_eq!(stars, BTreeSet::from(["deps/s.js".to_owned()]));
    }
}
