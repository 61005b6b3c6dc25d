//! How the bundler reads files otherwise than they are written, and which of a package's files it takes: what the hooks of
//! [`ProjectPlugin`] ask for, and what a scan that failed or found more lets them do with the next one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rolldown_common::{ImportKind, ResolvedId};
use rolldown_ecmascript::{EcmaAst, EcmaCompiler};
use rolldown_error::{BatchedBuildDiagnostic, EventKind};

use super::block_functions::hoist_block_functions;
use super::decorators::{Dialect, Language, Lowered, has_decorators, lower_decorators};
use super::descriptions::{Instead, package_of};
use super::endless::keep_endless_loops;
use super::import_forms::rewrite_imports;
use super::kept_variables::keep_variables;
use super::learned::ProblemKind;
use super::mains::{entry_despite, is_package_name, main_beside};
use super::module_forms::misformed;
use super::namespaces::qualify_exports;
use super::plugin::{ProjectPlugin, Role};
use super::required_names::{may_be_numbered, rename_numbered};
use super::sloppy::{is_about_sloppy, without_sloppy};
use super::type_exports::{ImportedName, mark_as_types};

impl ProjectPlugin {
    /// The text of `id` before its decorators are lowered, `text` being that of the file; `None` if it is the
    /// same.
    pub(super) fn text_seen(&self, id: &str, text: &str) -> Option<String> {
        let mut names: Vec<ImportedName> = match self.state().type_exports.get(id) {
            Some(exports) => exports.iter().map(|export| export.import.clone()).collect(),
            None => Vec::new(),
        };
        if let Role::Own(outside) = self.role() {
            let types = outside.types.iter().cloned();
            names.extend(types.map(|(request, name)| ImportedName { request, name }));
        }
        let marked = if names.is_empty() { None } else { mark_as_types(id, text, &names) };
        let sloppy = self.state().sloppy.contains(id);
        let marked = if sloppy { without_sloppy(text) } else { marked };
        let marked = qualify_exports(id, marked.as_deref().unwrap_or(text)).or(marked);
        let mut searched = BTreeSet::new();
        let rewritten = rewrite_imports(id, marked.as_deref().unwrap_or(text), &mut searched).or(marked);
        if !searched.is_empty() {
            let mut state = self.state();
            state.read.extend(searched.iter().cloned());
            state.searched.insert(id.to_owned(), searched);
        }
        rewritten
    }

    /// The module `id` as rolldown goes on with it, of which `ast` was read: mistakes that it would let pass are noted, and what it
    /// would change the meaning of is written otherwise.
    pub(super) fn settle(&self, id: &str, mut ast: EcmaAst, typescript: bool) -> anyhow::Result<EcmaAst> {
        let is_own = !id.starts_with('\0') && !id.contains("/node_modules/");
        if is_own {
            for mistake in misformed(ast.program()) {
                self.problem(id, ProblemKind::Misformed(mistake));
            }
        }
        let hoisted = if typescript { None } else { hoist_block_functions(ast.program()) };
        if let Some(hoisted) = hoisted {
            let parsed = EcmaCompiler::parse(id, hoisted, ast.source_type);
            ast = parsed.map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
        }
        if may_be_numbered(ast.source()) {
            rename_numbered(&mut ast);
        }
        keep_endless_loops(&mut ast);
        if is_own {
            keep_variables(&mut ast);
        }
        Ok(ast)
    }

    /// The modules of which `id` exports types again without saying so.
    pub(super) fn retyped(&self, id: &str) -> Vec<String> {
        let state = self.state();
        let mut requests: Vec<String> = match state.type_exports.get(id) {
            Some(exports) => exports.iter().map(|export| export.import.request.clone()).collect(),
            None => Vec::new(),
        };
        if let Role::Own(outside) = self.role() {
            requests.extend(outside.types.iter().map(|(request, _)| request.clone()));
        }
        requests
    }

    /// What rolldown reads in place of `id`, if that had decorators.
    pub(super) fn lowered(&self, id: &str) -> Option<Arc<Lowered>> {
        self.state().lowered.get(id).cloned()
    }

    /// `text` of the file `id` without decorators, if it has any.
    pub(super) fn lower(
        &self,
        id: &str,
        text: &str,
        language: Language,
        dialect: Dialect,
    ) -> Option<Arc<Lowered>> {
        if !has_decorators(text, language) {
            return None;
        }
        match lower_decorators(id, text, language, dialect) {
            Ok(lowered) => {
                let lowered = Arc::new(lowered);
                self.state().lowered.insert(id.to_owned(), lowered.clone());
                Some(lowered)
            }
            Err(refusal) => {
                self.problem(id, ProblemKind::Unlowered(refusal));
                None
            }
        }
    }

    /// Whether some of `errors` are about what only sloppy code may write, in files that may be such; the next scan reads these otherwise.
    pub(super) fn accept_sloppy(&self, errors: &BatchedBuildDiagnostic) -> bool {
        let mut accepted = false;
        for error in errors.iter().filter(|error| matches!(error.kind(), EventKind::ParseError)) {
            let Some(id) = error.id().filter(|_| is_about_sloppy(&error.to_string())) else { continue };
            let text = std::fs::read_to_string(&id).unwrap_or_default();
            accepted |= without_sloppy(&text).is_some() && self.state().sloppy.insert(id);
        }
        accepted
    }

    /// Whether there is a package of which `import` and `require` get different files, and that is taken by both; then `import`
    /// gets, with the next scan, what `require` gets.
    pub(super) fn unites_mains(&self) -> bool {
        let mut state = self.state();
        let known = state.united.len();
        let twice: Vec<String> =
            state.mains.keys().filter(|module| state.graph.contains(*module)).cloned().collect();
        state.united.extend(twice);
        state.united.len() > known
    }

    /// What stands for the module `id` of the package that `specifier` names, by the kind of its import: `main` of the package, if
    /// `id` is what its `module` names.
    ///
    /// Fidelity: esbuild 0.28, which looks at `browser`, `module` and `main` in this order, but gives `main` to `require`, and to
    /// everyone where there is a `require`.
    pub(super) fn main_instead(&self, kind: ImportKind, specifier: &str, id: &str) -> Option<String> {
        if kind == ImportKind::Require && is_package_name(specifier) {
            let main = main_beside(Path::new(id), specifier)?.to_string_lossy().into_owned();
            self.state().mains.insert(id.to_owned(), main.clone());
            return Some(main);
        }
        let state = self.state();
        state.mains.get(id).filter(|_| state.united.contains(id)).cloned()
    }

    /// What the import `specifier` of a package leads to, if not to what rolldown `found`.
    pub(super) fn instead(&self, kind: ImportKind, specifier: &str, found: &ResolvedId) -> Option<Instead> {
        let by_kind = if kind == ImportKind::Require { "require" } else { "import" };
        let mut conditions: Vec<&str> = self.conditions().iter().map(String::as_str).collect();
        conditions.push(by_kind);
        let package_json = found.package_json.as_ref()?.realpath();
        self.descriptions().instead(specifier, Path::new(found.id.as_str()), package_json, &conditions)
    }

    /// The file of the package in `specifier` that is imported from `importer`, where the bundler finds none.
    pub(super) fn entry_despite(&self, specifier: &str, importer: Option<&str>) -> Option<String> {
        let package = package_of(specifier)?;
        let place = places_of(package, importer?).find(|place| place.is_dir())?;
        let file = entry_despite(&place, specifier[package.len()..].trim_start_matches('/'))?;
        self.state().read.insert(place.join("package.json"));
        Some(file.to_string_lossy().into_owned())
    }

    /// Whether `path` is a link that may have come to lead elsewhere: one to a package, or one in the place of a module; `real` is
    /// where it leads.
    pub(super) fn leads_elsewhere(&self, path: &Path, real: &Path) -> bool {
        let state = self.state();
        state.links.contains(path) || path != real && state.graph.contains(path.to_string_lossy().as_ref())
    }

    /// Notes what led to the package that `specifier` names: its description, and the link to it that a workspace or a package
    /// manager has made.
    pub(super) fn note_package(&self, specifier: &str, importer: Option<&str>, found: &ResolvedId) {
        let Some(description) = &found.package_json else { return };
        let mut state = self.state();
        if !state.read.contains(description.realpath()) {
            state.read.insert(description.realpath().to_owned());
        }
        let (Some(importer), Some(package)) = (importer, package_of(specifier)) else { return };
        for place in places_of(package, importer) {
            if Path::new(found.id.as_str()).starts_with(&place) {
                return;
            }
            if state.links.contains(&place) || place.is_symlink() {
                state.read.insert(place.clone());
                state.links.insert(place);
                return;
            }
        }
    }

    /// Whether the module `importer` imports `specifier` for its effect alone.
    pub(super) fn is_bare(&self, importer: Option<&str>, specifier: &str) -> bool {
        let Some(importer) = importer else { return false };
        self.state().facts.get(importer).is_some_and(|facts| facts.bare.iter().any(|bare| bare == specifier))
    }
}

/// Where `package` may be installed for the module `importer`, the nearest place first.
fn places_of(package: &str, importer: &str) -> impl Iterator<Item = PathBuf> {
    Path::new(importer).ancestors().skip(1).map(move |directory| directory.join("node_modules").join(package))
}
