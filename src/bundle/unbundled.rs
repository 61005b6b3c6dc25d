//! Modules that are not bundled: files that a rule matches, under their names, and the entry if nothing is bundled.
//!
//! Fidelity: wrangler 4.164.0, `deployment-bundle/find-additional-modules.ts` and `no-bundle-worker.ts`: names are
//! relative to the base directory, all of which is searched; the configuration and `.wrangler` are passed over, and a
//! file is what the first rule that matches says. A file that the code imports by name too is not bundled then.
//! CommonJS modules are made into ES modules (`common_js.rs`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oxc::allocator::Allocator;
use oxc::diagnostics::OxcDiagnostic;
use oxc::parser::Parser;
use oxc::span::SourceType;
use oxc::syntax::module_record::{ExportExportName, ModuleRecord};
use oxc_sourcemap::SourceMapBuilder;

use super::built_maps;
use super::common_js::{Surroundings, common_js_modules};
use super::lowered_async::lower_modules;
use super::node_builtins::{is_bare_node_module, is_platform_module};
use super::output::{BuildFailure, Bundle, Module, OutputKind, hash_modules};
use super::request::{BundleRequest, ModuleKind, Unbundled};
use super::rules::Rules;
use crate::base::diag::{Diagnostic, SourceFile};
use crate::base::module_name;

/// The directory of the platform's tools, which is never searched.
const HIDDEN: &str = ".wrangler";

/// A file that becomes a module of its own.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// The name of the module.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    kind: ModuleKind,
}

/// All files that become modules of their own.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    /// The files, by their names.
    pub files: Vec<Found>,
    /// The directories that were searched.
    directories: Vec<PathBuf>,
}

impl Search {
    /// What is found for `request`, if it asks for that.
    pub(super) fn of(request: &BundleRequest) -> Result<Self, BuildFailure> {
        let mut search = Self::default();
        let Some(unbundled) = request.unbundled.as_ref().filter(|unbundled| unbundled.found) else {
            return Ok(search);
        };
        let rules = Rules::new(&request.rules);
        search.look_into(&unbundled.base, unbundled, request, &rules).map_err(|error| {
            let shown = unbundled.base.display();
            let message = format!("cannot look for modules in `{shown}`: {error}");
            BuildFailure::of(Diagnostic::error("bundle/unreadable", message))
        })?;
        search.files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(search)
    }

    fn look_into(
        &mut self,
        directory: &Path,
        unbundled: &Unbundled,
        request: &BundleRequest,
        rules: &Rules,
    ) -> io::Result<()> {
        self.directories.push(directory.to_owned());
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if entry.file_name() != HIDDEN {
                    self.look_into(&path, unbundled, request, rules)?;
                }
            } else if path != request.entry && path != unbundled.except {
                let name = name_below(&unbundled.base, &path);
                if let Some(kind) = rules.kind_of_file(&name) {
                    self.files.push(Found { name, path, kind });
                }
            }
        }
        Ok(())
    }

    /// Everything that decides what is found.
    pub(super) fn inputs(&self) -> impl Iterator<Item = PathBuf> {
        let files = self.files.iter().map(|file| file.path.clone());
        files.chain(self.directories.iter().cloned())
    }

    /// The files as modules.
    pub(super) fn modules(&self, request: &BundleRequest) -> Result<Vec<Module>, BuildFailure> {
        let mut modules = Vec::new();
        let files: BTreeMap<_, _> = self.files.iter().map(|file| (file.name.as_str(), file.kind)).collect();
        let around = Surroundings { files, node_compat: request.node_compat };
        for file in &self.files {
            let kind = match file.kind {
                ModuleKind::EsModule => OutputKind::EsModule,
                ModuleKind::Text => OutputKind::Text,
                ModuleKind::Data => OutputKind::Data,
                ModuleKind::CompiledWasm => OutputKind::Wasm,
                ModuleKind::CommonJs => {
                    let shown = file.path.strip_prefix(&request.root).unwrap_or(&file.path);
                    let text = String::from_utf8_lossy(&read(shown, &file.path)?).into_owned();
                    let made = common_js_modules(&file.name, shown, &text, &around);
                    modules.extend(made.map_err(|error| {
                        let inputs = std::iter::once(request.entry.clone()).chain(self.inputs());
                        BuildFailure { diagnostics: vec![error], inputs: inputs.collect() }
                    })?);
                    continue;
                }
            };
            modules.push(module(&request.root, &file.path, file.name.clone(), kind)?);
        }
        Ok(modules)
    }
}

/// The name of the file `path` as a module, relative to `base`.
pub(super) fn name_below(base: &Path, path: &Path) -> String {
    match path.strip_prefix(base) {
        Ok(below) => below.to_string_lossy().into_owned(),
        Err(_) => path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    }
}

/// How the module `importer` writes the import of the module `name`.
pub(super) fn specifier_from(importer: &str, name: &str) -> String {
    let directory: Vec<&str> =
        importer.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect();
    let parts: Vec<&str> = name.split('/').collect();
    let shared = directory.iter().zip(&parts).take_while(|(a, b)| a == b).count();
    let up = "../".repeat(directory.len() - shared);
    let start = if up.is_empty() { "./" } else { up.as_str() };
    format!("{start}{}", parts[shared..].join("/"))
}

fn module(root: &Path, path: &Path, name: String, kind: OutputKind) -> Result<Module, BuildFailure> {
    let shown = path.strip_prefix(root).unwrap_or(path);
    let code = read(shown, path)?;
    let source_map = (kind == OutputKind::EsModule).then(|| {
        let text = String::from_utf8_lossy(&code);
        let own = || map_to_itself(&text, &shown.display().to_string(), 0);
        built_maps::map_of(root, path, &text).unwrap_or_else(own)
    });
    Ok(Module { name, kind, code: code.into(), source_map })
}

fn read(shown: &Path, path: &Path) -> Result<Vec<u8>, BuildFailure> {
    fs::read(path).map_err(|error| {
        let message = format!("cannot read `{}`: {error}", shown.display());
        let error = Diagnostic::error("bundle/unreadable", message);
        BuildFailure { diagnostics: vec![error], inputs: vec![path.to_owned()] }
    })
}

/// A source map that says that every word of `code` stands where it is, in the file `path`, but for `before` characters before its
/// first line.
pub(super) fn map_to_itself(code: &str, path: &str, before: usize) -> String {
    let mut map = SourceMapBuilder::default();
    let source = map.add_source_and_content(path, "");
    for (line, text) in code.split('\n').enumerate() {
        let (mut column, mut in_word, line) = (0, false, line as u32);
        for character in text.chars() {
            let word = character.is_alphanumeric() || matches!(character, '_' | '$');
            let goes_on = word && in_word;
            if column == 0 || !(goes_on || character.is_whitespace()) {
                let shift = if line == 0 { before as u32 } else { 0 };
                map.add_token(line, column + shift, line, column, Some(source), None);
            }
            in_word = word;
            column += character.len_utf16() as u32;
        }
    }
    map.into_sourcemap().to_json_string()
}

/// The bundle of a `request` that has nothing bundled.
pub(super) fn collect(request: &BundleRequest, unbundled: &Unbundled) -> Result<Bundle, BuildFailure> {
    let search = Search::of(request)?;
    let inputs: Vec<PathBuf> = std::iter::once(request.entry.clone()).chain(search.inputs()).collect();
    let fail = |diagnostics| BuildFailure { diagnostics, inputs: inputs.clone() };
    let entry = name_below(&unbundled.base, &request.entry);
    let mut modules = vec![module(&request.root, &request.entry, entry.clone(), OutputKind::EsModule)?];
    modules.extend(search.modules(request)?);
    let mut diagnostics = Vec::new();
    let paths: HashMap<&str, &Path> =
        search.files.iter().map(|file| (file.name.as_str(), file.path.as_path())).collect();
    let shown = |module: &Module| {
        let path = paths.get(module.name.as_str()).copied().unwrap_or(&request.entry);
        path.strip_prefix(&request.root).unwrap_or(path)
    };
    let mut records = HashMap::new();
    let names: HashSet<&str> = modules.iter().map(|module| module.name.as_str()).collect();
    let is_common_js = |module: &&Module| {
        let name = module.name.split('?').next().unwrap_or_default();
        search.files.iter().any(|file| file.kind == ModuleKind::CommonJs && file.name == name)
    };
    let scripts = modules.iter().filter(|module| module.kind == OutputKind::EsModule);
    for module in scripts.filter(|module| !is_common_js(module)) {
        let file = File { shown: shown(module), name: &module.name };
        match file.read(&module.code, &names, request, unbundled) {
            Ok((exports, unresolved)) => {
                diagnostics.extend(unresolved);
                records.insert(module.name.clone(), exports);
            }
            Err(error) => diagnostics.push(error),
        }
    }
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(fail(diagnostics));
    }
    lower_modules(&mut modules, |module| shown(module).display().to_string());
    let mut exports = BTreeSet::new();
    names_of(&entry, &records, &mut HashSet::new(), &mut exports);
    Ok(Bundle {
        entry,
        hash: hash_modules(&modules),
        modules,
        inputs,
        exports: exports.into_iter().collect(),
        diagnostics,
        external: None,
        dependencies: None,
    })
}

/// What one module exports: names of its own, and modules all of whose names it exports again.
struct Exports {
    names: Vec<String>,
    stars: Vec<String>,
}

/// A file that is a JavaScript module.
struct File<'a> {
    /// Its path, as it is shown.
    shown: &'a Path,
    /// The name of the module.
    name: &'a str,
}

impl File<'_> {
    /// What its text `code` exports and which imports lead to none of the modules `names`, or its first syntax error.
    fn read(
        &self,
        code: &[u8],
        names: &HashSet<&str>,
        request: &BundleRequest,
        unbundled: &Unbundled,
    ) -> Result<(Exports, Vec<Diagnostic>), Diagnostic> {
        let text = String::from_utf8_lossy(code);
        let allocator = Allocator::default();
        let parsed = Parser::new(&allocator, &text, SourceType::mjs()).parse();
        let source = SourceFile::new(self.shown, text.as_ref());
        if let Some(error) = parsed.diagnostics.into_iter().next() {
            return Err(syntax_error(&source, error));
        }
        let record = &parsed.module_record;
        let mut unresolved = Vec::new();
        for (specifier, requests) in &record.requested_modules {
            let name = module_name::resolve(self.name, specifier);
            let is_node = request.node_compat && is_bare_node_module(specifier);
            if is_node || is_platform_module(specifier) || names.contains(name.as_str()) {
                continue;
            }
            let span = requests
                .first()
                .map_or(0..0, |request| request.span.start as usize..request.span.end as usize);
            let message = format!("cannot find `{specifier}`");
            let error = Diagnostic::error("bundle/unresolved-import", message).at(&source, span, "");
            unresolved.push(error.help(meant(specifier, &name, unbundled)));
        }
        unresolved.sort_by_key(|error| error.labels.first().map(|label| label.span.start));
        Ok((exports_of(record), unresolved))
    }
}

/// A mistake in a file that is taken as it is.
pub(super) fn syntax_error(source: &Arc<SourceFile>, error: OxcDiagnostic) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("bundle/syntax", first_in_lower_case(&error.message));
    for label in error.labels.iter() {
        let start = (label.offset() as usize).min(source.text.len());
        let end = (start + label.len() as usize).min(source.text.len());
        diagnostic = diagnostic.at(source, start..end, label.label().unwrap_or_default());
    }
    diagnostic.help("without bundling, modules are JavaScript as it runs: no TypeScript, no JSX")
}

/// What to do about an import of `specifier`, which would be the module `name`.
fn meant(specifier: &str, name: &str, unbundled: &Unbundled) -> String {
    if !specifier.starts_with(['.', '/']) {
        return format!("`no_bundle` takes files only: without it, the package `{specifier}` is bundled");
    }
    if !unbundled.base.join(name).is_file() {
        return "create the file, or correct the path; extensions cannot be left out".to_owned();
    }
    if !unbundled.found {
        return "set `find_additional_modules`, so that files beside the main module are found".to_owned();
    }
    let extension = Path::new(name).extension().map(|extension| extension.to_string_lossy().into_owned());
    let extension = extension.unwrap_or_default();
    let kind = match extension.as_str() {
        "js" | "mjs" => "ESModule",
        "cjs" => "CommonJS",
        "wasm" => "CompiledWasm",
        "txt" | "md" | "html" | "sql" | "csv" | "svg" => "Text",
        _ => "Data",
    };
    format!(
        "no rule says what it is: add {{ \"type\": \"{kind}\", \"globs\": [\"**/*.{extension}\"] }} to `rules`"
    )
}

fn first_in_lower_case(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    first + characters.as_str()
}

fn exports_of(record: &ModuleRecord<'_>) -> Exports {
    let entries = record.local_export_entries.iter().chain(&record.indirect_export_entries);
    let names = entries.filter_map(|entry| match &entry.export_name {
        ExportExportName::Name(name) => Some(name.name.to_string()),
        ExportExportName::Default(_) => Some("default".to_owned()),
        ExportExportName::Null => None,
    });
    let stars = record.star_export_entries.iter();
    let stars = stars.filter_map(|entry| Some(entry.module_request.as_ref()?.name.to_string()));
    Exports { names: names.collect(), stars: stars.collect() }
}

/// Adds what the module `name` exports to `all`.
fn names_of(
    name: &str,
    records: &HashMap<String, Exports>,
    seen: &mut HashSet<String>,
    all: &mut BTreeSet<String>,
) {
    let Some(exports) = records.get(name).filter(|_| seen.insert(name.to_owned())) else { return };
    all.extend(exports.names.iter().cloned());
    for star in &exports.stars {
        let mut again = BTreeSet::new();
        names_of(&module_name::resolve(name, star), records, seen, &mut again);
        again.remove("default");
        all.extend(again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_lead_from_one_module_to_another() {
        for (importer, name) in [
            ("index.js", "a.txt"),
            ("index.js", "deep/a.txt"),
            ("src/index.js", "src/deep/a.txt"),
            ("src/index.js", "a.txt"),
            ("src/one/index.js", "src/two/a.txt"),
        ] {
            let specifier = specifier_from(importer, name);
            assert!(specifier.starts_with("./") || specifier.starts_with("../"), "{specifier}");
            assert_eq!(module_name::resolve(importer, &specifier), name, "{specifier}");
        }
    }
}
