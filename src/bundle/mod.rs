//! From a TypeScript project to a [`Bundle`]: immutable modules, their source maps and the list of
//! files that they depend on.
//!
//! rolldown does the work, behind the trait [`Bundler`]: [`InProcessBundler`] calls it directly and
//! keeps its graph for incremental builds; [`ChildBundler`] has it done by a child process of the
//! same binary ([`run_child`]), so that nothing of a bundler's memory stays in the server and a crash
//! of a parser cannot take it down. [`Prebundler`] has either of them build the project's own code apart from
//! its packages, which are built once ([`Dependencies`]). [`BundleCache`] remembers the last bundle on disk, for a
//! start without any bundler.
//!
//! Nothing here reads a configuration file or knows JavaScript's engine: the caller fills a
//! [`BundleRequest`], and the engine resolves the module names that a bundle mentions.

mod block_functions;
mod built_maps;
mod cache;
mod child;
mod common_js;
mod decorators;
mod dependencies;
mod dependency_build;
mod descriptions;
mod edits;
mod effect_patterns;
mod endless;
mod external;
mod failure;
mod file_options;
mod first;
mod guards;
mod import_forms;
mod in_process;
mod inputs;
mod kept_imports;
mod kept_variables;
mod learned;
mod legacy_decorators;
mod lowered_async;
mod mains;
mod module_forms;
mod namespaces;
mod node_builtins;
mod options;
mod order;
mod output;
mod package_exports;
mod plugin;
mod prebundle;
mod queries;
mod readings;
mod request;
mod required_names;
mod ruled;
mod rules;
mod runtime_text;
mod scripts;
mod sloppy;
mod source_maps;
mod stored;
mod style_sheets;
mod suggest;
mod tsconfig_fault;
mod tsconfig_stand_in;
mod type_exports;
mod unbundled;
mod wire;

pub use built_maps::BuiltMaps;
pub use cache::{BundleCache, CacheMark};
pub use child::{ChildBundler, Early, TellEarly, run_child};
pub use dependencies::{
    Compiler, Dependencies, DependencyCall, DependencyForm, DependencyModule, DependencyOutcome,
};
pub use external::External;
pub use in_process::InProcessBundler;
pub use output::{BuildFailure, Bundle, Module, OutputKind};
pub use prebundle::Prebundler;
pub use request::{BuildPlatform, BundleRequest, ModuleKind, ModuleRule, Outside, Packages, Unbundled};
pub use source_maps::{Nearest, Original, SourceMaps, check_source_map};

use std::path::PathBuf;

/// Something that builds bundles, again and again, for one project at a time.
pub trait Bundler {
    /// Builds what `request` describes.
    ///
    /// `changed` names the files that were written, created or removed since the last call, absolute;
    /// an empty list rebuilds everything. A request that differs from the last one starts afresh. A
    /// failure leaves the bundler usable: the next call builds whatever the failed one did not.
    fn build(&mut self, request: &BundleRequest, changed: &[PathBuf]) -> Result<Bundle, BuildFailure>;

    /// Builds packages and stores them where `call` says.
    fn build_dependencies(&mut self, call: &DependencyCall) -> DependencyOutcome;
}

#[cfg(test)]
mod tests;
