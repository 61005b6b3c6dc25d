//! Builds a project's own code apart from its packages, so that a save costs the same at any size of packages.
//!
//! The code is built by the bundler below, the packages once in a process of their own, kept on disk
//! (`dependencies.rs`). What the two learn of each other leads to another round: a package that imports files of
//! the project becomes part of its code, one that asks for values that follow awaits has all code lowered, and a
//! re-exported name that a package does not have is taken for a type. Whatever does not fit this way is built as
//! one bundle as before, and the reason is told once.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Bundler;
use super::dependencies::{Dependencies, DependencyCall, DependencyOutcome, DependencyStore};
use super::external::External;
use super::in_process::real_path;
use super::inputs::is_configuration;
use super::output::{BuildFailure, Bundle};
use super::request::{BundleRequest, Outside, Packages};
use crate::base::diag::Diagnostic;

/// The most rounds that code and packages need to fit.
const ROUNDS_MAX: usize = 24;

/// A bundler for requests whose packages are to stay outside of the code.
#[derive(Debug)]
pub struct Prebundler<B> {
    bundler: B,
    store: DependencyStore,
    state: Option<State>,
    reason_told: bool,
}

/// What is known of the packages of one request.
#[derive(Debug)]
struct State {
    request: BundleRequest,
    outside: Outside,
    dependencies: Option<Arc<Dependencies>>,
    /// Files of the project that were built with the packages and edited since: who edits them goes on to do so,
    /// and the packages take longer than one bundle.
    edited: BTreeSet<PathBuf>,
    /// Why code and packages are one bundle.
    whole: Option<String>,
}

/// Why a round gave no bundle.
enum Stop {
    /// The user's code is wrong.
    Failed(BuildFailure),
    /// Packages and code do not come apart.
    Whole(String),
    /// They do not this time: what the code imports may be wrong.
    WholeOnce,
    /// Something was learned.
    Again,
}

impl<B: Bundler> Prebundler<B> {
    /// A bundler that keeps packages in `directory`, compiled for `engine`.
    pub fn new(bundler: B, directory: PathBuf, engine: &'static str) -> Self {
        let store = DependencyStore::new(directory, engine);
        Self { bundler, store, state: None, reason_told: false }
    }

    /// The bundler that builds the code.
    pub fn inner(&mut self) -> &mut B {
        &mut self.bundler
    }

    /// Gives a bundle that was kept for `request` the packages that it was put together with, if they are kept too.
    pub fn complete(&mut self, request: &BundleRequest, mut bundle: Bundle) -> Option<Bundle> {
        let Some(built) = bundle.external.as_ref().and_then(|external| external.built) else {
            return Some(bundle);
        };
        let dependencies = Arc::new(self.store.load_exactly(request, built)?);
        let outside = dependencies.outside().clone();
        bundle.dependencies = Some(dependencies.clone());
        self.state = Some(State {
            request: request.clone(),
            outside,
            dependencies: Some(dependencies),
            edited: BTreeSet::new(),
            whole: None,
        });
        Some(bundle)
    }

    /// Builds code and packages of `request` as one bundle if nothing is known of the packages: that is the shortest
    /// way to a first answer. `None` if they are known, or are not to be kept apart.
    pub fn build_first(&mut self, request: &BundleRequest) -> Option<Result<Bundle, BuildFailure>> {
        let known = request.packages == Packages::Inside || self.begin(request).dependencies.is_some();
        (!known).then(|| self.build_whole(request, &[], None))
    }

    /// Builds `request` for the builds to come; nobody is told of it, nor of a reason to make one bundle.
    pub fn build_ahead(&mut self, request: &BundleRequest) -> Option<Bundle> {
        let built = self.build(request, &[]).ok();
        self.reason_told = false;
        built
    }

    fn begin(&mut self, request: &BundleRequest) -> &mut State {
        let same = self.state.as_ref().is_some_and(|state| state.request == *request);
        if !same {
            // What an earlier session learned saves rounds.
            let dependencies = self.store.load(request).map(Arc::new);
            let outside = dependencies.as_ref().map(|kept| kept.outside().clone()).unwrap_or_default();
            self.state = Some(State {
                request: request.clone(),
                outside,
                dependencies,
                edited: BTreeSet::new(),
                whole: None,
            });
        }
        self.state.as_mut().expect("it was just set")
    }

    fn round(&mut self, request: &BundleRequest, changed: &[PathBuf]) -> Result<Bundle, Stop> {
        let state = self.begin(request);
        let own = BundleRequest { packages: Packages::Outside(state.outside.clone()), ..request.clone() };
        let mut bundle = self.bundler.build(&own, changed).map_err(Stop::Failed)?;
        let Some(external) = &bundle.external else { return Ok(bundle) };
        let state = self.begin(request);
        if let Some(reason) = &external.inseparable {
            return Err(Stop::Whole(reason.clone()));
        }
        if !external.early.is_empty() {
            let known = state.outside.early.len();
            state.outside.early.extend(external.early.iter().cloned());
            return Err(if state.outside.early.len() > known {
                Stop::Again
            } else {
                Stop::Whole("a module of the project has to run before a package".to_owned())
            });
        }
        if external.asks_async && !state.outside.lowers_async {
            state.outside.lowers_async = true;
            return Err(Stop::Again);
        }
        if external.entries.is_empty() {
            bundle.external = None;
            return Ok(bundle);
        }
        let dependencies = self.dependencies(&own, external)?;
        let state = self.begin(request);
        let missing = missing_names(external, &dependencies);
        if !missing.is_empty() {
            let known = state.outside.types.len();
            state.outside.types.extend(missing);
            return Err(if state.outside.types.len() > known { Stop::Again } else { Stop::WholeOnce });
        }
        Ok(joined(bundle, dependencies))
    }

    /// The packages for `external`, built if they have to be.
    fn dependencies(&mut self, own: &BundleRequest, external: &External) -> Result<Arc<Dependencies>, Stop> {
        let Packages::Outside(outside) = &own.packages else { unreachable!("the code is built by itself") };
        let state = self.state.as_mut().expect("a round began");
        if let Some(kept) = state.dependencies.as_ref().filter(|kept| kept.covers(external, outside)) {
            return Ok(kept.clone());
        }
        state.dependencies = None;
        let entries =
            external.entries.iter().map(|(name, entry)| (name.clone(), entry.path.clone())).collect();
        let file = self.store.file_of(&state.request);
        let call = DependencyCall { request: own.clone(), entries, file };
        match self.bundler.build_dependencies(&call) {
            DependencyOutcome::Stored => {
                let stored = self.store.load(&state.request);
                let fitting = stored.filter(|built| built.covers(external, outside)).map(Arc::new);
                state.dependencies.clone_from(&fitting);
                fitting.ok_or_else(|| Stop::Whole("what was built of the packages cannot be read".to_owned()))
            }
            DependencyOutcome::Inline(packages) => {
                let known = state.outside.inline.len();
                state.outside.inline.extend(packages);
                Err(if state.outside.inline.len() > known {
                    Stop::Again
                } else {
                    Stop::Whole("a package imports files of the project".to_owned())
                })
            }
            DependencyOutcome::AsksAsync => {
                state.outside.lowers_async = true;
                Err(Stop::Again)
            }
            DependencyOutcome::Failed(reason) => Err(Stop::Whole(reason)),
        }
    }

    fn build_whole(
        &mut self,
        request: &BundleRequest,
        changed: &[PathBuf],
        reason: Option<&str>,
    ) -> Result<Bundle, BuildFailure> {
        let whole = BundleRequest { packages: Packages::Inside, ..request.clone() };
        let mut bundle = self.bundler.build(&whole, changed)?;
        if let Some(reason) = reason.filter(|_| !self.reason_told) {
            self.reason_told = true;
            let message = format!("packages are bundled again with every save: {reason}");
            bundle.diagnostics.push(Diagnostic::warning("bundle/whole", message));
        }
        Ok(bundle)
    }
}

impl<B: Bundler> Bundler for Prebundler<B> {
    fn build(&mut self, request: &BundleRequest, changed: &[PathBuf]) -> Result<Bundle, BuildFailure> {
        if request.packages == Packages::Inside {
            return self.bundler.build(request, changed);
        }
        let state = self.begin(request);
        let early: Vec<PathBuf> = changed
            .iter()
            .map(|path| real_path(path))
            .filter(|path| state.outside.early.contains(path) || state.edited.contains(path))
            .collect();
        if !early.is_empty() {
            state.edited.extend(early);
            state.dependencies = None;
            state.outside = Outside::default();
            state.whole = None;
            return self.build_whole(request, changed, None);
        }
        if changed.iter().any(|path| is_of_packages(path, state.dependencies.as_deref())) {
            // Whatever was learned may be different now.
            if state.dependencies.as_ref().is_none_or(|kept| !kept.is_current()) {
                state.dependencies = None;
                state.outside = Outside::default();
                state.whole = None;
            }
        }
        if let Some(reason) = state.whole.clone() {
            return self.build_whole(request, changed, Some(&reason));
        }
        for _ in 0..ROUNDS_MAX {
            match self.round(request, changed) {
                Ok(bundle) => return Ok(bundle),
                Err(Stop::Failed(failure)) => return Err(failure),
                Err(Stop::Again) => {}
                Err(Stop::WholeOnce) => {
                    self.begin(request).outside.types.clear();
                    return self.build_whole(request, &[], None);
                }
                Err(Stop::Whole(reason)) => {
                    self.begin(request).whole = Some(reason.clone());
                    return self.build_whole(request, &[], Some(&reason));
                }
            }
        }
        self.build_whole(request, &[], None)
    }

    fn build_dependencies(&mut self, call: &DependencyCall) -> DependencyOutcome {
        self.bundler.build_dependencies(call)
    }
}

/// Whether a change of `path` may concern packages.
fn is_of_packages(path: &PathBuf, dependencies: Option<&Dependencies>) -> bool {
    is_configuration(path)
        || path.iter().any(|part| part == "node_modules")
        || dependencies.is_some_and(|kept| kept.inputs().binary_search(path).is_ok())
}

/// Names that the code takes and the packages do not have: specifier and name.
fn missing_names(external: &External, dependencies: &Dependencies) -> BTreeSet<(String, String)> {
    let mut missing = BTreeSet::new();
    for (module, names) in &external.names {
        let Some(exports) = dependencies.exports_of(module) else { continue };
        let specifiers = external.entries.get(module).map(|entry| &entry.specifiers);
        for name in names.difference(exports) {
            for specifier in specifiers.into_iter().flatten() {
                missing.insert((specifier.clone(), name.clone()));
            }
        }
    }
    missing
}

fn joined(mut bundle: Bundle, dependencies: Arc<Dependencies>) -> Bundle {
    let external = bundle.external.as_mut().expect("only such bundles have packages");
    external.built = Some(dependencies.hash());
    for star in &external.stars {
        let names = dependencies.exports_of(star).into_iter().flatten().filter(|name| *name != "default");
        bundle.exports.extend(names.cloned());
    }
    let mut hash = Sha256::new();
    hash.update(bundle.hash);
    hash.update(dependencies.hash());
    bundle.hash = hash.finalize().into();
    bundle.inputs.extend_from_slice(dependencies.inputs());
    bundle.inputs.sort();
    bundle.inputs.dedup();
    bundle.diagnostics.extend(dependencies.diagnostics());
    bundle.dependencies = Some(dependencies);
    bundle
}
