//! What the plugin's hooks learn of a project while the bundler works.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::decorators::{Lowered, Refusal};
use super::external::Imported;
use super::module_forms::Misformed;
use super::order::Facts;
use super::request::ModuleKind;
use super::type_exports::ImportedName;

/// What the hooks have learned; grows with the graph.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Ids of all modules that were ever loaded.
    pub graph: HashSet<String>,
    /// Files read by the plugin itself.
    pub read: BTreeSet<PathBuf>,
    /// Links by which packages were found, which may come to lead elsewhere.
    pub links: BTreeSet<PathBuf>,
    /// Data and WebAssembly files by the name that the code imports.
    pub assets: BTreeMap<String, Asset>,
    /// What is wrong, by the module in which it stands.
    pub problems: Vec<Problem>,
    /// Re-exports that turned out to be types, by importing module.
    pub type_exports: HashMap<String, Vec<TypeExport>>,
    /// Modules that had decorators.
    pub lowered: HashMap<String, Arc<Lowered>>,
    /// Whether some module asks for values that follow awaits.
    pub async_context: bool,
    /// Whether a file that is built with the packages imports one of the project that is not.
    pub leads_back: bool,
    /// Whether async functions are lowered for that.
    pub lowers_async: bool,
    /// Packages' files that the project's code imports, by the name of their module.
    pub entries: BTreeMap<String, Imported>,
    /// What decides the order of the project's modules, by id.
    pub facts: HashMap<String, Facts>,
    /// The first package that the project's code takes by `require`.
    pub required: Option<String>,
    /// Directories of packages that import files of the project.
    pub inline: BTreeSet<PathBuf>,
    /// Whether a file of a package is CommonJS.
    pub common_js: HashMap<PathBuf, bool>,
    /// Files that a rule makes text or JavaScript.
    pub ruled: HashMap<String, ModuleKind>,
    /// Modules in which what only sloppy code may write is rewritten.
    pub sloppy: HashSet<String>,
    /// Directories whose files computed imports may mean, by module.
    pub searched: HashMap<String, BTreeSet<PathBuf>>,
    /// What `require` finds of packages that say something else for `import`, by the id of the latter.
    pub mains: HashMap<String, String>,
    /// Those of which `import` gets the same.
    pub united: HashSet<String>,
}

/// A file that stays outside of the code.
#[derive(Debug, Clone)]
pub(super) struct Asset {
    pub path: PathBuf,
    pub kind: ModuleKind,
}

/// A mistake or a doubt that the hooks found in the module `id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub id: String,
    pub kind: ProblemKind,
}

/// What a [`Problem`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// Decorators that cannot be lowered.
    Unlowered(Refusal),
    /// A module that is none.
    Misformed(Misformed),
    /// An import matched only a rule that an earlier one put out of force.
    ShadowedRule { specifier: String, glob: String, kind: ModuleKind },
    /// A file that is no script, and no rule says what it is.
    NoRule { specifier: String, extension: String },
    /// An import says that its file is of a type that is none.
    UnknownType { specifier: String, said: String },
    /// An alias leads nowhere.
    DeadAlias { specifier: String, target: String },
    /// An import of a package leads nowhere.
    Unresolved { specifier: String },
    /// A package does not give what an import names, for this reason.
    NoEntry { specifier: String, reason: String },
    /// A module of Node is imported though `nodejs_compat` is off.
    NodeModule { specifier: String },
}

/// A re-export of a name that `exporter` does not have as a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TypeExport {
    pub import: ImportedName,
    pub exporter: String,
}
