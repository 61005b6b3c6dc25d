//! What to bundle and how: the bundler's own input, so that it knows nothing of configuration files.
//!
//! The fields are those of the platform's configuration that change what a bundle contains. Whoever
//! reads the configuration resolves paths and environments first.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Everything that decides the contents of a bundle, besides the files themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleRequest {
    /// The project's directory, absolute; paths shown to the user and in source maps are relative to it.
    pub root: PathBuf,
    /// The file that is the Worker, absolute.
    pub entry: PathBuf,
    /// Expressions that replace global names, `name -> JavaScript text`.
    pub define: Vec<(String, String)>,
    /// Specifiers that stand for others, `specifier -> package or path relative to the root`.
    pub alias: Vec<(String, String)>,
    /// Rules for files that are not JavaScript; the platform's default rules follow them.
    pub rules: Vec<ModuleRule>,
    /// The TypeScript configuration for all files; without it each file has its nearest one.
    pub tsconfig: Option<PathBuf>,
    /// What a JSX element calls when TypeScript's configuration does not say.
    pub jsx_factory: Option<String>,
    /// What a JSX fragment is when TypeScript's configuration does not say.
    pub jsx_fragment: Option<String>,
    /// The conditions of packages' `exports` that hold besides those of the platform and of the kind of import.
    pub conditions: Vec<String>,
    /// What packages are chosen for.
    pub platform: BuildPlatform,
    /// Whether to shorten the code.
    pub minify: bool,
    /// Whether functions and classes keep their `name` when the bundler has to rename them.
    pub keep_names: bool,
    /// Whether `nodejs_compat` or `nodejs_compat_v2` is on, so that Node's built-in modules exist.
    pub node_compat: bool,
    /// Whether `node:async_hooks` exists, if only by `nodejs_als`.
    pub async_hooks: bool,
    /// What becomes of installed packages.
    pub packages: Packages,
    /// Modules that are not bundled, if there may be any.
    pub unbundled: Option<Unbundled>,
}

/// What the files of packages are chosen for.
///
/// Fidelity: esbuild's `platform`, as far as it decides on conditions and on fields of descriptions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BuildPlatform {
    /// The condition `browser`, and the field of that name first.
    #[default]
    Browser,
    /// The condition `node`; of the fields, `main` first, and no `browser`.
    Node,
    /// No condition, and no field: only `exports` count.
    Neutral,
}

impl BundleRequest {
    /// The conditions that hold for every kind of import.
    pub(super) fn all_conditions(&self) -> Vec<String> {
        let of_platform = match self.platform {
            BuildPlatform::Browser => Some("browser"),
            BuildPlatform::Node => Some("node"),
            BuildPlatform::Neutral => None,
        };
        let mut conditions = self.conditions.clone();
        conditions.extend(of_platform.map(str::to_owned).filter(|name| !self.conditions.contains(name)));
        conditions
    }
}

/// Modules that stay files of their own, under their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unbundled {
    /// The directory that their names are relative to, absolute.
    pub base: PathBuf,
    /// Whether the entry is one of them: then nothing is bundled.
    pub entry: bool,
    /// Whether the files below `base` that a rule matches are.
    pub found: bool,
    /// A file that never is one: the configuration.
    pub except: PathBuf,
}

/// What becomes of imports that lead to installed packages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Packages {
    /// The packages are part of the code.
    #[default]
    Inside,
    /// The imports stay, for modules that are built apart.
    Outside(Outside),
}

/// What the project's own code has to know of packages that are not part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// Directories of packages that are part of the code all the same, absolute.
    pub inline: BTreeSet<PathBuf>,
    /// Files of the project that have to run before a package, and all that they import: they are built with the
    /// packages, so that their order is kept; real paths.
    pub early: BTreeSet<PathBuf>,
    /// Whether async functions are lowered because a package asks for values that follow awaits.
    pub lowers_async: bool,
    /// Names that packages do not export, so that a re-export of them names a type: specifier and name.
    pub types: BTreeSet<(String, String)>,
}

/// How files whose import matches one of `globs` become modules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleRule {
    /// What such a file is.
    pub kind: ModuleKind,
    /// Patterns for the specifier as written in the import: `*` stands for any text.
    pub globs: Vec<String>,
    /// Whether later rules of the same kind still count.
    pub fallthrough: bool,
}

/// What a file is that a rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ModuleKind {
    /// JavaScript with `import` and `export`.
    EsModule,
    /// JavaScript with `require` and `module.exports`.
    CommonJs,
    /// UTF-8 text; the default export is a string.
    Text,
    /// Bytes; the default export is an `ArrayBuffer`.
    Data,
    /// A WebAssembly module; the default export is the compiled module.
    CompiledWasm,
}
