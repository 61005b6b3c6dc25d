//! How a file is compiled, by the TypeScript configuration that is nearest to it.
//!
//! The bundler knows most of it. Where it decides otherwise than esbuild, a file is compiled here with its own options, before
//! the bundler does it: `include`, `exclude` and `files` say nothing of which files a configuration is for, `jsconfig.json` counts
//! as well, class fields are defined unless an old `target` or `useDefineForClassFields` says that they are set, each file's JSX
//! is its nearest configuration's, and pragmas of JSX may stand anywhere.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use oxc::ast::ast::{Program, Statement};
use oxc::semantic::SemanticBuilder;
use oxc::transformer::{JsxRuntime, TransformOptions, Transformer};
use rolldown_ecmascript::{EcmaAst, WithMutFields};
use serde_json::{Map, Value};

use super::inputs::TsconfigFile;
use super::kept_imports::Unused;
use super::request::BundleRequest;
use super::tsconfig_stand_in::flattened_options;

/// The configurations of a project's files.
#[derive(Debug)]
pub(super) struct FileOptions {
    /// The one for all files, if one is named.
    named: Option<Arc<Configuration>>,
    jsx_factory: Option<String>,
    jsx_fragment: Option<String>,
    nearest: Mutex<HashMap<PathBuf, Option<Arc<Configuration>>>>,
}

/// A configuration with all that it extends.
#[derive(Debug)]
pub(super) struct Configuration {
    options: Map<String, Value>,
    /// The files that it comes from.
    pub files: Vec<PathBuf>,
}

impl FileOptions {
    pub(super) fn new(request: &BundleRequest) -> Self {
        let named = request.tsconfig.is_some().then(|| TsconfigFile::governing(request)).flatten();
        Self {
            named: named.map(|file| Arc::new(Configuration::new(&file))),
            jsx_factory: request.jsx_factory.clone(),
            jsx_fragment: request.jsx_fragment.clone(),
            nearest: Mutex::default(),
        }
    }

    /// The configuration of the file `path`; packages have none.
    pub(super) fn of(&self, path: &Path) -> Option<Arc<Configuration>> {
        if is_of_package(path) {
            return None;
        }
        self.named.clone().or_else(|| self.nearest_in(path.parent()?))
    }

    fn nearest_in(&self, directory: &Path) -> Option<Arc<Configuration>> {
        let known = self.nearest.lock().unwrap_or_else(PoisonError::into_inner).get(directory).cloned();
        if let Some(known) = known {
            return known;
        }
        let here = ["tsconfig.json", "jsconfig.json"]
            .iter()
            .find_map(|name| TsconfigFile::read(&directory.join(name)));
        let found = match here {
            Some(file) => Some(Arc::new(Configuration::new(&file))),
            None => directory.parent().and_then(|parent| self.nearest_in(parent)),
        };
        let mut nearest = self.nearest.lock().unwrap_or_else(PoisonError::into_inner);
        nearest.insert(directory.to_owned(), found.clone());
        found
    }

    /// What the file `path`, of whose JSX `comments` speak, has to be compiled with in the place of `given`.
    pub(super) fn options_for(
        &self,
        path: &Path,
        comments: &str,
        given: &TransformOptions,
    ) -> TransformOptions {
        let mut options = given.clone();
        if is_of_package(path) {
            return options;
        }
        let configuration = self.of(path);
        let said =
            |name: &str| configuration.as_ref().and_then(|configuration| configuration.options.get(name));
        let is_set = |name: &str| said(name).and_then(Value::as_bool);
        let text_of = |name: &str| said(name).and_then(Value::as_str).map(str::to_owned);

        let defined = is_set("useDefineForClassFields")
            .unwrap_or_else(|| text_of("target").is_none_or(|target| defines_fields(&target)));
        options.assumptions.set_public_class_fields = !defined;
        options.typescript.remove_class_fields_without_initializer = !defined;
        options.typescript.only_remove_type_imports =
            is_set("verbatimModuleSyntax").or_else(|| is_set("preserveValueImports")).unwrap_or(false);

        let jsx = text_of("jsx");
        options.jsx.jsx_plugin = true;
        if matches!(jsx.as_deref(), Some("react-jsx" | "react-jsxdev")) {
            options.jsx.runtime = JsxRuntime::Automatic;
            options.jsx.development = jsx.as_deref() == Some("react-jsxdev");
            options.jsx.import_source = text_of("jsxImportSource");
            (options.jsx.pragma, options.jsx.pragma_frag) = (None, None);
        } else {
            options.jsx.runtime = JsxRuntime::Classic;
            options.jsx.development = false;
            options.jsx.import_source = None;
            options.jsx.pragma = text_of("jsxFactory").or_else(|| self.jsx_factory.clone());
            options.jsx.pragma_frag = text_of("jsxFragmentFactory").or_else(|| self.jsx_fragment.clone());
        }
        apply_pragmas(comments, &mut options);
        let names = [
            (&options.jsx.pragma, &mut options.typescript.jsx_pragma),
            (&options.jsx.pragma_frag, &mut options.typescript.jsx_pragma_frag),
        ];
        for (pragma, name) in names {
            if let Some(pragma) = pragma {
                *name = pragma.clone().into();
            }
        }
        options
    }
}

impl Configuration {
    fn new(file: &TsconfigFile) -> Self {
        let files = file.chain().iter().map(|file| file.path().to_owned()).collect();
        Self { options: flattened_options(file), files }
    }

    /// What becomes of imports that take no values.
    pub(super) fn unused_imports(&self) -> Unused {
        Unused::of(&self.options)
    }

    /// Whether decorators are TypeScript's older ones.
    pub(super) fn has_older_decorators(&self) -> bool {
        self.options.get("experimentalDecorators").and_then(Value::as_bool).unwrap_or(false)
    }

    /// The files that `specifier` may mean by `paths` and `baseUrl`, what fits best first.
    pub(super) fn candidates(&self, specifier: &str) -> Vec<String> {
        let mut found: Vec<(usize, &Value, &str)> = Vec::new();
        for (pattern, targets) in self.options.get("paths").and_then(Value::as_object).into_iter().flatten() {
            match pattern.split_once('*') {
                None if pattern == specifier => found.push((usize::MAX, targets, "")),
                Some((before, after)) => {
                    let middle = specifier.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
                    found.extend(middle.map(|middle| (before.len(), targets, middle)));
                }
                None => {}
            }
        }
        let best = found.into_iter().max_by_key(|(length, ..)| *length);
        let mut candidates: Vec<String> = best
            .into_iter()
            .flat_map(|(_, targets, middle)| {
                let targets = targets.as_array().into_iter().flatten().filter_map(Value::as_str);
                targets.map(|target| target.replacen('*', middle, 1)).collect::<Vec<_>>()
            })
            .collect();
        if let Some(base) = self.options.get("baseUrl").and_then(Value::as_str) {
            candidates.push(Path::new(base).join(specifier).to_string_lossy().into_owned());
        }
        candidates
    }
}

/// Whether the file `path` belongs to an installed package.
fn is_of_package(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "node_modules")
}

/// Whether class fields are defined in a language of the year that `target` names.
fn defines_fields(target: &str) -> bool {
    let target = target.to_ascii_lowercase();
    match target.strip_prefix("es").and_then(|year| year.parse::<u32>().ok()) {
        Some(year) => year >= 2022,
        None => target == "esnext",
    }
}

/// The comments of `ast` that may hold pragmas of JSX.
pub(super) fn comments_on_jsx(ast: &EcmaAst) -> String {
    let source = ast.source();
    if !source.contains("@jsx") {
        return String::new();
    }
    let comments = ast.program().comments.iter();
    let texts = comments.map(|comment| comment.content_span().source_text(source));
    texts.filter(|text| text.contains("@jsx")).collect::<Vec<_>>().join("\n")
}

/// Takes over what pragmas of JSX in `text` say.
fn apply_pragmas(text: &str, options: &mut TransformOptions) {
    for (at, _) in text.match_indices("@jsx") {
        let mut words = text[at..].split_ascii_whitespace();
        let (Some(keyword), Some(value)) = (words.next(), words.next()) else { continue };
        let value = value.to_owned();
        match keyword {
            "@jsx" => options.jsx.pragma = Some(value),
            "@jsxFrag" => options.jsx.pragma_frag = Some(value),
            "@jsxImportSource" => options.jsx.import_source = Some(value),
            "@jsxRuntime" if value == "classic" => options.jsx.runtime = JsxRuntime::Classic,
            "@jsxRuntime" if value == "automatic" => options.jsx.runtime = JsxRuntime::Automatic,
            _ => {}
        }
    }
    match options.jsx.runtime {
        JsxRuntime::Classic => options.jsx.import_source = None,
        // Fidelity: esbuild warns that a factory has no effect then.
        JsxRuntime::Automatic => (options.jsx.pragma, options.jsx.pragma_frag) = (None, None),
    }
}

/// Whether two sets of options compile a file, with JSX in it or not, in the same way.
pub(super) fn compile_alike(a: &TransformOptions, b: &TransformOptions, typescript: bool, jsx: bool) -> bool {
    let fields = |options: &TransformOptions| {
        (
            options.assumptions.set_public_class_fields,
            options.typescript.remove_class_fields_without_initializer,
            options.typescript.only_remove_type_imports,
        )
    };
    let elements = |options: &TransformOptions| {
        let jsx = options.jsx.clone();
        let classic = jsx.runtime == JsxRuntime::Classic;
        (classic, jsx.development, jsx.import_source, jsx.pragma, jsx.pragma_frag, jsx.jsx_plugin)
    };
    (!typescript || fields(a) == fields(b)) && (!jsx || elements(a) == elements(b))
}

/// Whether a `using` declaration stands at the top level of `program`.
///
/// The bundler makes variables of all declarations there, and what is behind such a one would never be disposed of.
pub(super) fn uses_at_top_level(program: &Program<'_>) -> bool {
    program.body.iter().any(|statement| match statement {
        Statement::VariableDeclaration(declaration) => declaration.kind.is_using(),
        _ => false,
    })
}

/// Compiles `ast`, the file `path`, with `options`; one with mistakes is left to the bundler, which tells of them.
///
/// # Errors
/// What the transformer complains about, as text.
pub(super) fn compile(ast: &mut EcmaAst, path: &Path, options: &TransformOptions) -> Result<(), String> {
    let result = ast.program.with_mut(|WithMutFields { program, allocator, .. }| {
        let checked =
            SemanticBuilder::new().with_check_syntax_error(true).with_enum_eval(true).build(program);
        if !checked.diagnostics.is_empty() {
            return None;
        }
        let scoping = checked.semantic.into_scoping();
        Some(Transformer::new(allocator, path, options).build_with_scoping(scoping, program))
    });
    let Some(result) = result else { return Ok(()) };
    match result.diagnostics.iter().find(|problem| problem.severity == oxc::diagnostics::Severity::Error) {
        Some(problem) => Err(problem.to_string()),
        None => Ok(()),
    }
}
