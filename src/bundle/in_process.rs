//! Bundling by calling rolldown in this process, incrementally while the request stays the same.
//!
//! A session holds rolldown's module graph. A build after an edit scans the edited files only; what was
//! edited since the last good build is kept, so that an error repeats until it is fixed. Files that
//! appear or vanish, and configuration, make the next scan a full one, because rolldown's resolver
//! remembers what it did not find.
//!
//! Invariant: rolldown is asked to rescan only files that it has loaded and that exist; anything else
//! would be reported as an unresolved entry.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rolldown::BundleOutput;
use rolldown_common::{Output, OutputAsset, OutputChunk, ScanMode};
use rolldown_error::{BatchedBuildDiagnostic, BuildDiagnostic, EventKind, Severity};
use tokio::runtime::Runtime;

use super::Bundler;
use super::dependencies::{Compiler, DependencyCall, DependencyOutcome, build_and_store};
use super::dependency_build::build_packages;
use super::external::{External, taken_names};
use super::failure::{Reporter, place_of_missing_export};
use super::first::{First, Tell};
use super::inputs::{Stamp, configuration_inputs, is_configuration};
use super::learned::{ProblemKind, TypeExport};
use super::options::bundler_options;
use super::order::{apart, order_of};
use super::output::{BuildFailure, Bundle, Module, OutputKind, hash_modules};
use super::plugin::{ProjectPlugin, Role};
use super::request::{BundleRequest, ModuleKind, Packages};
use super::suggest;
use super::tsconfig_stand_in::StandIn;
use super::type_exports::{may_declare_type, re_export_at};
use super::unbundled::{Search, collect, name_below};
use crate::base::diag::{Diagnostic, Severity as Weight};
use crate::base::processors::Processors;

/// The most threads that scan modules at a time.
const THREADS_MAX: usize = 4;

/// Builds bundles in this process; one project at a time.
///
/// What rolldown allocates stays in the process: use [`super::ChildBundler`] where that matters.
pub struct InProcessBundler {
    runtime: Runtime,
    session: Option<Session>,
    compiler: Option<Compiler>,
    first: First,
    /// Whether nothing was built yet.
    is_new: bool,
}

/// What is left of a build for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Graph {
    /// The module graph, so that only edited files are scanned.
    Kept,
    /// Nothing.
    Dropped,
}

/// The state of one request: rolldown's graph and what it does not keep itself.
struct Session {
    /// As the caller gave it.
    given: BundleRequest,
    /// The same with real paths, which are the only ones that rolldown speaks of.
    request: BundleRequest,
    bundler: rolldown::Bundler,
    plugin: Arc<ProjectPlugin>,
    unbundled: Search,
    /// What is read in the place of a TypeScript configuration that is not whole.
    stand_in: Option<StandIn>,
    graph: Graph,
    /// Files that rolldown has named since the last full scan.
    watched: BTreeSet<PathBuf>,
    /// Loaded files that were edited since the last good build, or hold its errors.
    pending: BTreeSet<String>,
    /// Whether the graph is whole, so that a partial scan is enough.
    scanned: bool,
    failed: bool,
    assets: HashMap<PathBuf, (Stamp, Bytes)>,
}

impl InProcessBundler {
    /// A bundler without any state yet.
    ///
    /// # Errors
    /// If the threads of the asynchronous runtime cannot be started.
    pub fn new() -> std::io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
        let processors = Processors::for_threads(threads).map(Arc::new);
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        runtime.worker_threads(threads).enable_all();
        if let Some(processors) = processors.clone() {
            runtime.on_thread_start(move || processors.roam());
        }
        let first = First::new(processors);
        Ok(Self { runtime: runtime.build()?, session: None, compiler: None, first, is_new: true })
    }

    /// Builds without a graph for later: the first build of a session, which a person waits for, and after which packages
    /// are taken apart. Keeping the graph would clone all syntax trees.
    fn build_once(&self, request: &BundleRequest) -> Result<Bundle, BuildFailure> {
        self.first.settle_pool();
        self.runtime.block_on(async {
            let mut session = Session::new(request, Graph::Dropped, self.first.clone())?;
            let result = session.build(&[]).await;
            self.first.release_threads();
            // The answer need not wait for a thousand syntax trees to be given back.
            _ = std::thread::Builder::new().name("bundle-drop".to_owned()).spawn(move || drop(session));
            result
        })
    }

    /// The same bundler, which tells how far a long first build is, and its code as soon as that is printed.
    pub(super) fn telling(mut self, tell: Tell) -> Self {
        self.first.tell = Some(tell);
        self
    }

    /// The same bundler, which also compiles packages.
    pub fn with_compiler(self, compiler: Compiler) -> Self {
        Self { compiler: Some(compiler), ..self }
    }
}

impl Bundler for InProcessBundler {
    fn build(&mut self, request: &BundleRequest, changed: &[PathBuf]) -> Result<Bundle, BuildFailure> {
        if let Some(unbundled) = &request.unbundled {
            // Which files there are may change with every build.
            self.session = None;
            if unbundled.entry {
                return collect(request, unbundled);
            }
        }
        if self.is_new && request.packages == Packages::Inside {
            self.is_new = false;
            return self.build_once(request);
        }
        self.is_new = false;
        let session = match &mut self.session {
            Some(session) if session.given == *request && !session.is_outdated_by(changed) => session,
            stale => stale.insert(
                self.runtime.block_on(async { Session::new(request, Graph::Kept, First::default()) })?,
            ),
        };
        self.runtime.block_on(session.build(changed))
    }

    fn build_dependencies(&mut self, call: &DependencyCall) -> DependencyOutcome {
        build_and_store(call, self.compiler, |call| self.runtime.block_on(build_packages(call)))
    }
}

impl Session {
    fn new(given: &BundleRequest, graph: Graph, first: First) -> Result<Self, BuildFailure> {
        let (root, entry) = (real_path(&given.root), real_path(&given.entry));
        let mut request = BundleRequest { root, entry, ..given.clone() };
        if let Some(unbundled) = &mut request.unbundled {
            unbundled.base = real_path(&unbundled.base);
            unbundled.except = real_path(&unbundled.except);
        }
        let unbundled = Search::of(&request)?;
        let entry_name = entry_name(&request);
        let plugin = ProjectPlugin::new(&request).leaving_out(&unbundled, &entry_name);
        let plugin = Arc::new(plugin.for_first_build(first));
        let stand_in = StandIn::of(&request);
        let options = bundler_options(&request, graph == Graph::Kept, stand_in.as_ref());
        let bundler = rolldown::Bundler::with_plugins(options, vec![plugin.clone()]);
        let bundler = bundler.map_err(|errors| {
            let mut reporter = Reporter::new(&request, &plugin);
            let diagnostics = errors.into_vec().into_iter().filter_map(|error| reporter.report(error));
            BuildFailure { diagnostics: diagnostics.collect(), inputs: vec![request.entry.clone()] }
        })?;
        Ok(Self {
            given: given.clone(),
            request,
            bundler,
            plugin,
            unbundled,
            stand_in,
            graph,
            watched: BTreeSet::new(),
            pending: BTreeSet::new(),
            scanned: false,
            failed: false,
            assets: HashMap::new(),
        })
    }

    async fn build(&mut self, changed: &[PathBuf]) -> Result<Bundle, BuildFailure> {
        self.note_changes(changed);
        loop {
            let result = self.scan().await;
            match result {
                Err(errors) if self.accept_type_exports(&errors) => {}
                Err(errors) if self.plugin.accept_sloppy(&errors) => self.scanned = false,
                Ok(_) if self.plugin.unites_mains() => self.scanned = false,
                Ok(_) if self.wants_async_lowered() => {}
                Ok(output) => return self.finish(output),
                Err(errors) => return Err(self.fail(errors.into_vec())),
            }
        }
    }

    /// Whether configuration is among `changed`, from which the session's options were made.
    fn is_outdated_by(&self, changed: &[PathBuf]) -> bool {
        let configuration = configuration_inputs(&self.request);
        changed.iter().any(|path| is_configuration(path) || configuration.contains(&real_path(path)))
    }

    /// Sorts out what `changed` means for the next scan.
    fn note_changes(&mut self, changed: &[PathBuf]) {
        let mut forget = self.failed;
        if changed.is_empty() {
            self.scanned = false;
            forget = true;
        }
        for path in changed {
            // The graph knows files by their real path.
            let real = real_path(path);
            let elsewhere = self.plugin.leads_elsewhere(path, &real);
            forget |= elsewhere;
            self.scanned &= !elsewhere;
            self.note_searched(&real);
            let id = real.to_string_lossy().into_owned();
            let with_query = format!("{id}?");
            let state = self.plugin.state();
            let more: Vec<String> =
                state.graph.iter().filter(|id| id.starts_with(&with_query)).cloned().collect();
            drop(state);
            if !more.is_empty() && real.exists() {
                self.pending.extend(more);
                if !self.plugin.state().graph.contains(&id) {
                    continue;
                }
            }
            if !real.exists() {
                forget = true;
                self.scanned = false;
            } else if self.plugin.state().graph.contains(&id) {
                self.pending.insert(id);
            } else if !self.is_asset(&real) {
                // A file that is new to rolldown can only mend what failed.
                forget = true;
                self.scanned &= !self.failed && !self.watched.contains(&real);
            }
        }
        if forget {
            self.bundler.clear_resolver_cache();
            self.bundler.clear_transform_tsconfig_cache();
        }
        self.reconsider_type_exports();
    }

    /// A file that appears or goes where a computed import looks for files changes the module that has the import.
    fn note_searched(&mut self, path: &Path) {
        let state = self.plugin.state();
        let affected = |searched: &BTreeSet<PathBuf>| {
            searched.contains(path) || path.parent().is_some_and(|parent| searched.contains(parent))
        };
        let importers = state.searched.iter().filter(|(_, searched)| affected(searched));
        let importers: Vec<String> = importers.map(|(id, _)| id.clone()).collect();
        drop(state);
        importers.into_iter().for_each(|id| self.look_again_at(id));
    }

    fn is_asset(&self, path: &Path) -> bool {
        self.plugin.state().assets.values().any(|asset| asset.path == path)
    }

    /// A module that is about to be scanned again may have turned a type into a value.
    fn reconsider_type_exports(&mut self) {
        let mut state = self.plugin.state();
        if !self.scanned {
            state.type_exports.clear();
            return;
        }
        for (importer, exports) in &mut state.type_exports {
            let before = exports.len();
            exports.retain(|export| !self.pending.contains(&export.exporter));
            if exports.len() < before {
                self.pending.insert(importer.clone());
            }
        }
        state.type_exports.retain(|_, exports| !exports.is_empty());
    }

    async fn scan(&mut self) -> Result<BundleOutput, BatchedBuildDiagnostic> {
        let mode = if self.scanned && self.graph == Graph::Kept {
            let mut state = self.plugin.state();
            state.problems.retain(|problem| !self.pending.contains(&problem.id));
            ScanMode::Partial(self.pending.iter().map(|id| id.as_str().into()).collect())
        } else {
            let mut state = self.plugin.state();
            state.problems.clear();
            state.graph.clear();
            state.assets.clear();
            state.read.clear();
            state.links.clear();
            state.entries.clear();
            state.facts.clear();
            state.searched.clear();
            state.required = None;
            self.plugin.descriptions().clear();
            self.watched.clear();
            self.pending.clear();
            ScanMode::Full
        };
        let result = match self.graph {
            Graph::Kept => self.bundler.incremental_generate(mode).await,
            Graph::Dropped => self.bundler.generate().await,
        };
        for file in self.bundler.watch_files().iter() {
            let path = Path::new(file.as_str());
            let is_stand_in = StandIn::is_at(self.stand_in.as_ref(), path);
            if path.is_absolute() && !file.contains('\0') && !is_stand_in {
                self.watched.insert(path.to_owned());
            }
        }
        result
    }

    /// Whether some of `errors` are re-exports of types that were not known as such; the next scan takes them
    /// for types, and reports what else is wrong.
    fn accept_type_exports(&mut self, errors: &BatchedBuildDiagnostic) -> bool {
        let mut accepted = false;
        for error in errors.iter().filter(|error| matches!(error.kind(), EventKind::MissingExportError)) {
            let place = place_of_missing_export(error, &self.request, &self.plugin);
            let Some(((importer, text, offset), exporter)) = place.zip(error.exporter()) else { continue };
            let Some(import) = re_export_at(&importer, &text, offset) else { continue };
            if !may_declare_type(&exporter, &import.name) {
                continue;
            }
            let export = TypeExport { import, exporter };
            let mut state = self.plugin.state();
            let exports = state.type_exports.entry(importer.clone()).or_default();
            if !exports.contains(&export) {
                exports.push(export);
                self.pending.insert(importer);
                accepted = true;
            }
        }
        // Exports are looked at after the scan, so the graph is whole.
        self.scanned |= accepted;
        accepted
    }

    /// Whether the scan found the first module that asks for values that follow awaits: then all modules are
    /// scanned once more, with their async functions lowered.
    fn wants_async_lowered(&mut self) -> bool {
        let mut state = self.plugin.state();
        // Code without its packages is lowered when they are.
        if !state.async_context || state.lowers_async || *self.plugin.role() != Role::Whole {
            return false;
        }
        state.lowers_async = true;
        drop(state);
        self.scanned = false;
        true
    }

    fn finish(&mut self, output: BundleOutput) -> Result<Bundle, BuildFailure> {
        self.scanned = true;
        let mut chunk = None;
        let mut map = None;
        for output in output.assets {
            match output {
                Output::Chunk(entry) if entry.is_entry => chunk = Some(entry),
                // Its text; the chunk has the same one taken apart.
                Output::Asset(asset) if asset.filename.ends_with(".map") => map = Some(asset),
                Output::Chunk(_) | Output::Asset(_) => {}
            }
        }
        let Some(chunk) = chunk else {
            let error = Diagnostic::error("bundle/bundler-failed", "the bundler produced no entry");
            return Err(BuildFailure { diagnostics: vec![error], inputs: self.inputs(Vec::new()) });
        };
        // What a package may do without is not the user's mistake.
        let (unresolved, warnings): (Vec<_>, Vec<_>) = output.warnings.into_iter().partition(|warning| {
            let own = warning.id().is_none_or(|id| !id.contains("/node_modules/"));
            own && matches!(warning.kind(), EventKind::UnresolvedImport)
        });
        let fatal_problem = |kind: &ProblemKind| !matches!(kind, ProblemKind::NodeModule { .. });
        if !unresolved.is_empty() || self.plugin.state().problems.iter().any(|p| fatal_problem(&p.kind)) {
            return Err(self.fail(unresolved));
        }
        let diagnostics = self.diagnostics(warnings);
        let entry = match &self.request.unbundled {
            Some(_) => entry_name(&self.request),
            None => chunk.filename.to_string(),
        };
        let assets = self.asset_modules(&chunk)?;
        let unbundled = self.unbundled.modules(&self.request)?;
        self.failed = false;
        self.pending.clear();
        let exports = chunk.exports.iter().map(ToString::to_string).collect();
        let external = self.external(&chunk);
        let mut modules = vec![entry_module(chunk, map, entry.clone())];
        modules.extend(assets);
        modules.extend(unbundled);
        Ok(Bundle {
            entry,
            hash: hash_modules(&modules),
            modules,
            inputs: self.inputs(Vec::new()),
            exports,
            diagnostics,
            external,
            dependencies: None,
        })
    }

    /// What `chunk` needs of packages that are not in it; `None` if they are, or if there are none.
    fn external(&self, chunk: &OutputChunk) -> Option<External> {
        let state = self.plugin.state();
        let imported = chunk.imports.iter().chain(&chunk.dynamic_imports);
        let mut entries: BTreeMap<_, _> = imported
            .filter_map(|name| {
                state.entries.get(name.as_str()).map(|entry| (name.to_string(), entry.clone()))
            })
            .collect();
        let order = order_of(&self.request.entry.to_string_lossy(), &state.facts);
        // What is reached but not used has an effect perhaps.
        for name in &order.packages {
            entries.extend(state.entries.get(name).map(|entry| (name.clone(), entry.clone())));
        }
        if entries.is_empty() && state.required.is_none() && !state.async_context {
            return None;
        }
        let (names, stars) = taken_names(&chunk.code);
        let shown = |id: &str| {
            let path = Path::new(id);
            path.strip_prefix(&self.request.root).unwrap_or(path).display().to_string()
        };
        let specifier = |name: &str| {
            let entry = state.entries.get(name).and_then(|entry| entry.specifiers.first().cloned());
            entry.unwrap_or_else(|| name.to_owned())
        };
        let unordered = chunk.imports.iter().find(|name| {
            state.entries.contains_key(name.as_str()) && !order.packages.iter().any(|p| p == name.as_str())
        });
        let entry = self.request.entry.to_string_lossy();
        let apart = order.late.as_ref().and_then(|(module, _)| apart(module, &entry, &state.facts));
        let early = apart.unwrap_or_default().into_iter().map(PathBuf::from).collect::<BTreeSet<_>>();
        let inseparable = if let Some(specifier) = &state.required {
            Some(format!("`{specifier}` is imported by `require`"))
        } else if let Some((module, package)) = order.late.as_ref().filter(|_| early.is_empty()) {
            Some(format!("`{}` has to run before `{}`", shown(module), specifier(package)))
        } else if order.late.is_some() {
            None
        } else {
            unordered.map(|name| format!("`{}` is imported only where `import()` leads", specifier(name)))
        };
        let asks_async = state.async_context;
        Some(External {
            entries,
            order: order.packages,
            names,
            stars,
            asks_async,
            early,
            inseparable,
            built: None,
        })
    }

    /// The failure that `complaints` and the plugin's own findings make.
    fn fail(&mut self, complaints: Vec<BuildDiagnostic>) -> BuildFailure {
        self.failed = true;
        let mut wanted = Vec::new();
        for complaint in &complaints {
            let Some(importer) = complaint.id() else { continue };
            if let (EventKind::UnresolvedImport | EventKind::ResolveError, Some(specifier)) =
                (complaint.kind(), complaint.exporter())
            {
                wanted.extend(suggest::candidates(&specifier, Path::new(&importer)));
            }
            self.look_again_at(importer);
        }
        let problems = self.plugin.state().problems.clone();
        for problem in problems {
            if let ProblemKind::Unresolved { specifier } | ProblemKind::NoEntry { specifier, .. } =
                &problem.kind
            {
                wanted.extend(suggest::candidates(specifier, Path::new(&problem.id)));
            }
            self.look_again_at(problem.id);
        }
        let complaints =
            complaints.into_iter().map(|complaint| complaint.with_severity(Severity::Error)).collect();
        let mut diagnostics = self.diagnostics(complaints);
        if !diagnostics.iter().any(Diagnostic::is_error) {
            let message = "the build failed for a reason that the bundler does not name";
            diagnostics.push(Diagnostic::error("bundle/bundler-failed", message));
        }
        BuildFailure { diagnostics, inputs: self.inputs(wanted) }
    }

    fn look_again_at(&mut self, id: String) {
        if self.plugin.state().graph.contains(&id) && Path::new(&id).exists() {
            self.pending.insert(id);
        }
    }

    fn diagnostics(&self, complaints: Vec<BuildDiagnostic>) -> Vec<Diagnostic> {
        let mut reporter = Reporter::new(&self.request, &self.plugin);
        let missing = self.stand_in.iter().flat_map(|stand_in| &stand_in.faults);
        let mut diagnostics: Vec<Diagnostic> = missing.map(|fault| reporter.missing_base(fault)).collect();
        // rolldown knows the place of an import better than the plugin.
        let told: Vec<_> =
            complaints.iter().map(|complaint| (complaint.id(), complaint.exporter())).collect();
        let mut problems = self.plugin.state().problems.clone();
        problems.retain(|problem| match &problem.kind {
            ProblemKind::Unresolved { specifier } => {
                !told.contains(&(Some(problem.id.clone()), Some(specifier.clone())))
            }
            _ => true,
        });
        let found =
            problems.iter().filter_map(|problem| reporter.report_problem(problem)).collect::<Vec<_>>();
        let reported = complaints.into_iter().filter_map(|complaint| reporter.report(complaint));
        for diagnostic in found.into_iter().chain(reported.collect::<Vec<_>>()) {
            if !diagnostics.contains(&diagnostic) {
                diagnostics.push(diagnostic);
            }
        }
        // Modules are scanned side by side and tell of mistakes in any order.
        diagnostics.sort_by_cached_key(|diagnostic| {
            let place = diagnostic.labels.first().map(|label| (label.source.path.clone(), label.span.start));
            (diagnostic.severity != Weight::Error, place)
        });
        diagnostics
    }

    /// Everything that the last scan depends on, and `wanted`.
    fn inputs(&self, wanted: Vec<PathBuf>) -> Vec<PathBuf> {
        let mut inputs = self.watched.clone();
        inputs.insert(self.request.entry.clone());
        inputs.extend(self.plugin.state().read.iter().cloned());
        inputs.extend(configuration_inputs(&self.request));
        inputs.extend(self.unbundled.inputs());
        inputs.extend(wanted);
        inputs.into_iter().collect()
    }

    /// The files outside of the code that `chunk` imports; a file is read again when its stamp changed.
    fn asset_modules(&mut self, chunk: &OutputChunk) -> Result<Vec<Module>, BuildFailure> {
        let imported: BTreeSet<&str> =
            chunk.imports.iter().chain(&chunk.dynamic_imports).map(|name| name.as_str()).collect();
        let assets = self.plugin.state().assets.clone();
        let mut modules = Vec::new();
        for (name, asset) in assets.into_iter().filter(|(name, _)| imported.contains(name.as_str())) {
            let stamp = Stamp::of(&asset.path);
            let bytes = match (stamp, self.assets.get(&asset.path)) {
                (Some(now), Some((then, bytes))) if now == *then => bytes.clone(),
                _ => match std::fs::read(&asset.path) {
                    Ok(bytes) => Bytes::from(bytes),
                    Err(error) => return Err(self.unreadable(&asset.path, &error)),
                },
            };
            if let Some(stamp) = stamp {
                self.assets.insert(asset.path.clone(), (stamp, bytes.clone()));
            }
            let kind =
                if asset.kind == ModuleKind::CompiledWasm { OutputKind::Wasm } else { OutputKind::Data };
            modules.push(Module { name, kind, code: bytes, source_map: None });
        }
        Ok(modules)
    }

    fn unreadable(&mut self, path: &Path, error: &std::io::Error) -> BuildFailure {
        self.failed = true;
        let shown = path.strip_prefix(&self.request.root).unwrap_or(path).display();
        let error = Diagnostic::error("bundle/unreadable", format!("cannot read `{shown}`: {error}"));
        BuildFailure { diagnostics: vec![error], inputs: self.inputs(Vec::new()) }
    }
}

/// `path` without symbolic links, or as it is if there is no such file.
pub(super) fn real_path(path: &Path) -> PathBuf {
    dunce::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The name of the bundled entry among modules that are not bundled, which it imports by relative paths.
fn entry_name(request: &BundleRequest) -> String {
    let base = request.unbundled.as_ref().map_or(request.root.as_path(), |unbundled| &unbundled.base);
    let name = name_below(base, &request.entry);
    Path::new(&name).with_extension("js").to_string_lossy().into_owned()
}

fn entry_module(chunk: Arc<OutputChunk>, map: Option<Arc<OutputAsset>>, name: String) -> Module {
    // Nobody else holds them.
    let map = map.and_then(|map| Arc::unwrap_or_clone(map).source.try_into_string().ok());
    let code = Arc::unwrap_or_clone(chunk).code.into();
    Module { name, kind: OutputKind::EsModule, code, source_map: map }
}
