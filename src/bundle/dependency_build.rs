//! Builds the packages that a project imports, each imported file as a module of its own.
//!
//! What several of them share lands in modules between them, so that it exists once. Everything a file exports is
//! kept: which names the project uses changes with every save, and the packages must not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rolldown::{BundlerOptions, CodeSplittingMode, InputItem};
use rolldown_common::{Output, PreserveEntrySignatures};
use rolldown_error::{BuildDiagnostic, EventKind, Severity};

use super::dependencies::{BuiltDependencies, DependencyCall, DependencyOutcome};
use super::external::PREFIX;
use super::failure::Reporter;
use super::in_process::real_path;
use super::inputs::configuration_inputs;
use super::learned::ProblemKind;
use super::options::bundler_options;
use super::output::{Module, OutputKind};
use super::plugin::ProjectPlugin;
use super::request::{BundleRequest, ModuleKind};
use super::tsconfig_stand_in::StandIn;

/// Builds what `call` asks for.
///
/// # Errors
/// [`DependencyOutcome`]: what to do otherwise, or why nothing can be done.
pub(super) async fn build_packages(call: &DependencyCall) -> Result<BuiltDependencies, DependencyOutcome> {
    let failed = |reason: String| DependencyOutcome::Failed(reason);
    let request = BundleRequest { root: real_path(&call.request.root), ..call.request.clone() };
    let plugin = Arc::new(ProjectPlugin::of_packages(&request));
    let name_of = |name: &String| name.trim_start_matches(PREFIX).trim_end_matches(".js").to_owned();
    let input = call.entries.iter().map(|(name, path)| InputItem {
        name: Some(name_of(name)),
        import: path.to_string_lossy().into_owned(),
    });
    let stand_in = StandIn::of(&request);
    let options = BundlerOptions {
        input: Some(input.collect()),
        code_splitting: Some(CodeSplittingMode::Bool(true)),
        preserve_entry_signatures: Some(PreserveEntrySignatures::Strict),
        entry_filenames: Some(format!("{PREFIX}[name].js").into()),
        chunk_filenames: Some(format!("{PREFIX}shared-[name]-[hash].js").into()),
        // There is no second build to keep the syntax trees for.
        ..bundler_options(&request, false, stand_in.as_ref())
    };
    let describe = |errors: Vec<BuildDiagnostic>| {
        let mut reporter = Reporter::new(&request, &plugin);
        let first = errors.into_iter().find_map(|e| reporter.report(e.with_severity(Severity::Error)));
        failed(first.map_or_else(|| "the bundler does not say why".to_owned(), |first| first.to_string()))
    };
    let mut bundler = rolldown::Bundler::with_plugins(options, vec![plugin.clone()])
        .map_err(|errors| describe(errors.into_vec()))?;
    let mut result = bundler.generate().await;
    while result.as_ref().is_err_and(|errors| plugin.accept_sloppy(errors)) {
        result = bundler.generate().await;
    }
    let output = result.map_err(|errors| describe(errors.into_vec()))?;
    if plugin.unites_mains() {
        return Err(failed(
            "a package is taken by `import` and by `require`, which get different files of it".into(),
        ));
    }
    let (inline, asks_async) = {
        let state = plugin.state();
        (state.inline.clone(), state.async_context && !state.lowers_async)
    };
    if plugin.state().leads_back {
        return Err(failed(
            "a module that has to run before a package imports other files of the project".into(),
        ));
    }
    if !inline.is_empty() {
        return Err(DependencyOutcome::Inline(inline));
    }
    if asks_async {
        return Err(DependencyOutcome::AsksAsync);
    }
    let problems = plugin.state().problems.clone();
    let mut reporter = Reporter::new(&request, &plugin);
    let mut diagnostics = Vec::new();
    for problem in &problems {
        match (&problem.kind, reporter.report_problem(problem)) {
            (ProblemKind::NodeModule { .. }, diagnostic) => diagnostics.extend(diagnostic),
            (_, Some(diagnostic)) => return Err(failed(diagnostic.to_string())),
            (_, None) => return Err(failed(format!("something is wrong in {}", problem.id))),
        }
    }
    let is_unresolved = |warning: &&BuildDiagnostic| {
        let own = warning.id().is_none_or(|id| !id.contains("/node_modules/"));
        own && matches!(warning.kind(), EventKind::UnresolvedImport)
    };
    if let Some(warning) = output.warnings.iter().find(is_unresolved) {
        return Err(failed(format!("{} cannot be resolved", warning.id().unwrap_or_default())));
    }
    let mut modules = Vec::new();
    let mut exports = BTreeMap::new();
    let mut imported = BTreeSet::new();
    for output in &output.assets {
        let Output::Chunk(chunk) = output else { continue };
        let names = chunk.exports.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        exports.insert(chunk.filename.to_string(), names);
        imported.extend(chunk.imports.iter().chain(&chunk.dynamic_imports).map(ToString::to_string));
        modules.push(Module {
            name: chunk.filename.to_string(),
            kind: OutputKind::EsModule,
            code: chunk.code.clone().into(),
            source_map: chunk.map.as_ref().map(|map| map.to_json_string()),
        });
    }
    if let Some(name) = call.entries.keys().find(|name| !exports.contains_key(*name)) {
        return Err(failed(format!("the bundler made no module `{name}`")));
    }
    let assets = plugin.state().assets.clone();
    for (name, asset) in assets.into_iter().filter(|(name, _)| imported.contains(name)) {
        let code = std::fs::read(&asset.path)
            .map_err(|error| failed(format!("{} cannot be read: {error}", asset.path.display())))?;
        let kind = if asset.kind == ModuleKind::CompiledWasm { OutputKind::Wasm } else { OutputKind::Data };
        // Imports are relative to the module that has them.
        let name = format!("{PREFIX}{}", name.trim_start_matches("./"));
        modules.push(Module { name, kind, code: code.into(), source_map: None });
    }
    let watched = bundler.watch_files();
    let watched = watched.iter().filter(|file| !file.contains('\0')).map(|file| PathBuf::from(file.as_str()));
    let mut inputs: BTreeSet<PathBuf> =
        watched.filter(|path| path.is_absolute() && !StandIn::is_at(stand_in.as_ref(), path)).collect();
    inputs.extend(plugin.state().read.iter().cloned());
    inputs.extend(configuration_inputs(&request).into_iter().filter(|path| Path::is_absolute(path)));
    Ok(BuiltDependencies { modules, exports, inputs: inputs.into_iter().collect(), diagnostics })
}
