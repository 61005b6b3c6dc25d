//! rolldown's complaints as diagnostics: a stable code, a plain sentence, the place in the file, and
//! what to do.
//!
//! rolldown's own rendered text is never shown. It keeps the spans of syntax errors to itself, so a file
//! that does not parse is parsed once more here.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use oxc::allocator::Allocator;
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::SourceType;
use rolldown_error::{
    BuildDiagnostic, DiagnosableArcstr, DiagnosableResolveError, DiagnosticOptions, EventKind, Severity,
};

use super::decorators::Refusal;
use super::learned::{Problem, ProblemKind};
use super::module_forms::Misformed;
use super::node_builtins::is_bare_node_module;
use super::plugin::ProjectPlugin;
use super::request::{BundleRequest, ModuleKind};
use super::suggest;
use super::tsconfig_fault::TsconfigFault;
use crate::base::diag::{Diagnostic, SourceFile};

/// Every code that a diagnostic of this folder can have.
pub(super) const CODES: &[&str] = &[
    "bundle/alias",
    "bundle/bundler-crashed",
    "bundle/bundler-failed",
    "bundle/bundler-timeout",
    "bundle/decorators",
    "bundle/define",
    "bundle/entry-not-found",
    "bundle/missing-export",
    "bundle/no-rule",
    "bundle/node-module",
    "bundle/shadowed-rule",
    "bundle/syntax",
    "bundle/suspicious",
    "bundle/transform",
    "bundle/tsconfig",
    "bundle/unreadable",
    "bundle/unresolved-import",
    "bundle/unsupported",
    "bundle/whole",
];

/// Turns complaints about one build into diagnostics; reads each file at most once.
pub(super) struct Reporter<'a> {
    request: &'a BundleRequest,
    plugin: &'a ProjectPlugin,
    options: DiagnosticOptions,
    sources: HashMap<String, Arc<SourceFile>>,
}

impl<'a> Reporter<'a> {
    /// A reporter for a build of `request` with `plugin`.
    pub(super) fn new(request: &'a BundleRequest, plugin: &'a ProjectPlugin) -> Self {
        let options = DiagnosticOptions { cwd: request.root.clone() };
        Self { request, plugin, options, sources: HashMap::new() }
    }

    /// What `complaint` says; warnings that do not concern the user's own code give nothing.
    pub(super) fn report(&mut self, mut complaint: BuildDiagnostic) -> Option<Diagnostic> {
        if let Some(unresolved) = complaint.downcast_mut::<DiagnosableResolveError>() {
            let (specifier, span) = match &unresolved.importee {
                DiagnosableArcstr::String(text) => (text.to_string(), None),
                DiagnosableArcstr::Span(span) => {
                    let range = span.start as usize..span.end as usize;
                    let quoted = unresolved.source.get(range.clone()).unwrap_or_default();
                    (quoted.trim_matches(['"', '\'', '`']).to_owned(), Some(range))
                }
            };
            let importer = unresolved.importer_id.to_string();
            let written = self.plugin.lowered(&importer).and_then(|_| self.source(&importer));
            let span = span.filter(|_| written.is_none());
            let source =
                written.unwrap_or_else(|| SourceFile::new(self.shown(&importer), unresolved.source.as_str()));
            return Some(self.unresolved(&specifier, &importer, &source, span, &unresolved.reason));
        }
        if complaint.severity() != Severity::Error {
            return self.warning(&complaint);
        }
        let message = plain(&complaint.to_message_with(&self.options));
        Some(match complaint.kind() {
            EventKind::ParseError => self.syntax_error(&complaint, message),
            EventKind::JsonParseError => {
                self.at_place(&complaint, Diagnostic::error("bundle/syntax", message))
            }
            EventKind::TransformError => {
                self.at_place(&complaint, Diagnostic::error("bundle/transform", message))
            }
            EventKind::MissingExportError => self.missing_export(&complaint, message),
            EventKind::UnresolvedEntry => {
                let entry = self.shown(&self.request.entry.to_string_lossy());
                Diagnostic::error("bundle/entry-not-found", format!("cannot find the entry `{entry}`"))
                    .help("`main` in the configuration names the file that is the Worker")
            }
            EventKind::UnloadableDependencyError => {
                self.at_place(&complaint, Diagnostic::error("bundle/unreadable", message))
            }
            EventKind::InvalidDefineConfigError => Diagnostic::error("bundle/define", message)
                .help("values of `define` are JavaScript: a string needs its own quotes"),
            EventKind::TsConfigError => self.tsconfig(message),
            EventKind::IllegalReassignmentError => {
                // The rest is the file, which is shown.
                let message = message.split(" at ").next().unwrap_or_default();
                self.at_place(&complaint, Diagnostic::error("bundle/unsupported", message))
            }
            EventKind::UnsupportedFeatureError
            | EventKind::AssignToImportError
            | EventKind::RequireTlaError
            | EventKind::CircularReexportError => {
                self.at_place(&complaint, Diagnostic::error("bundle/unsupported", message))
            }
            _ => self.at_place(&complaint, Diagnostic::error("bundle/bundler-failed", message)),
        })
    }

    /// What `problem`, found by the plugin, says.
    pub(super) fn report_problem(&mut self, problem: &Problem) -> Option<Diagnostic> {
        let source = match &problem.kind {
            ProblemKind::Unlowered(_) | ProblemKind::Misformed(_) => self.source(&problem.id)?,
            // Where these stand is looked for in what the user wrote.
            _ => SourceFile::new(self.shown(&problem.id), std::fs::read_to_string(&problem.id).ok()?),
        };
        Some(match &problem.kind {
            ProblemKind::Unlowered(Refusal { message, start, end }) => {
                let message = format!("cannot lower the decorators of this file: {}", plain(message));
                Diagnostic::error("bundle/decorators", message).at(
                    &source,
                    clamp(*start as usize..*end as usize, &source),
                    "",
                )
            }
            ProblemKind::Misformed(Misformed { message, start, end }) => {
                let place = clamp(*start as usize..*end as usize, &source);
                Diagnostic::error("bundle/syntax", message.clone()).at(&source, place, "here")
            }
            ProblemKind::ShadowedRule { specifier, glob, kind } => {
                let kind = rule_name(*kind);
                Diagnostic::error(
                    "bundle/shadowed-rule",
                    format!("`{specifier}` matches the {kind} rule `{glob}`, which an earlier {kind} rule puts out of force"),
                )
                .at(&source, find_specifier(&source, specifier), "imported here")
                .help(format!("add \"fallthrough\": true to the earlier {kind} rule"))
            }
            ProblemKind::NoRule { specifier, extension } => Diagnostic::error(
                "bundle/no-rule",
                format!("`{specifier}` is no JavaScript, and no rule says what it is"),
            )
            .at(&source, find_specifier(&source, specifier), "imported here")
            .help(format!(
                "for its text, add {{ \"type\": \"Text\", \"globs\": [\"**/*.{extension}\"], \"fallthrough\": true }} to `rules`"
            )),
            ProblemKind::UnknownType { specifier, said } => Diagnostic::error(
                "bundle/unsupported",
                format!("files cannot be imported with the type `{said}`"),
            )
            .at(&source, find_specifier(&source, specifier), "imported here")
            .help("`text`, `bytes` and `json` are types of files"),
            ProblemKind::DeadAlias { specifier, target } => Diagnostic::error(
                "bundle/alias",
                format!("the alias of `{specifier}` leads to `{target}`, which does not exist"),
            )
            .at(&source, find_specifier(&source, specifier), "imported here")
            .help("`alias` names a package, or a path relative to the configuration file"),
            ProblemKind::Unresolved { specifier } => {
                self.unresolved(specifier, &problem.id, &source, None, "not found")
            }
            ProblemKind::NoEntry { specifier, reason } => {
                self.unresolved(specifier, &problem.id, &source, None, reason)
            }
            ProblemKind::NodeModule { specifier } => Diagnostic::warning(
                "bundle/node-module",
                format!("`{specifier}` is a module of Node, which Workers have only with `nodejs_compat`"),
            )
            .at(&source, find_specifier(&source, specifier), "imported here")
            .help("add \"nodejs_compat\" to `compatibility_flags`"),
        })
    }

    /// The file `id` as the user knows it, and its text; `None` if it cannot be read.
    fn source(&mut self, id: &str) -> Option<Arc<SourceFile>> {
        if let Some(source) = self.sources.get(id) {
            return Some(source.clone());
        }
        let text = std::fs::read_to_string(id).ok()?;
        let text = self.plugin.text_seen(id, &text).unwrap_or(text);
        let source = SourceFile::new(self.shown(id), text);
        self.sources.insert(id.to_owned(), source.clone());
        Some(source)
    }

    fn tsconfig(&mut self, message: String) -> Diagnostic {
        let error = Diagnostic::error("bundle/tsconfig", message);
        match TsconfigFault::find(self.request).first() {
            Some(fault) => self.at_fault(error, fault),
            None => error,
        }
    }

    /// What is said of a configuration that goes without a file that it extends.
    pub(super) fn missing_base(&mut self, fault: &TsconfigFault) -> Diagnostic {
        let warning = Diagnostic::warning(
            "bundle/tsconfig",
            "a TypeScript configuration extends a file that is not there",
        );
        self.at_fault(warning, fault).help("the rest of the configuration is in force")
    }

    fn at_fault(&mut self, diagnostic: Diagnostic, fault: &TsconfigFault) -> Diagnostic {
        match self.source(&fault.path.to_string_lossy()) {
            Some(source) => diagnostic.at(&source, fault.span.clone(), fault.text.clone()),
            None => diagnostic,
        }
    }

    fn shown(&self, id: &str) -> String {
        let path = Path::new(id);
        path.strip_prefix(&self.request.root).unwrap_or(path).to_string_lossy().into_owned()
    }

    fn unresolved(
        &self,
        specifier: &str,
        importer: &str,
        source: &Arc<SourceFile>,
        span: Option<Range<usize>>,
        reason: &str,
    ) -> Diagnostic {
        let span = span.unwrap_or_else(|| find_specifier(source, specifier));
        let missing_builtin = is_bare_node_module(specifier) && !self.request.node_compat;
        let message = if missing_builtin {
            format!("cannot find `{specifier}`, a module of Node")
        } else {
            format!("cannot find `{specifier}`")
        };
        let text = if reason.contains("not found") { String::new() } else { plain(reason) };
        let diagnostic =
            Diagnostic::error("bundle/unresolved-import", message).at(source, clamp(span, source), text);
        match suggest::help_for(specifier, Path::new(importer), self.request.node_compat) {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        }
    }

    fn syntax_error(&mut self, complaint: &BuildDiagnostic, message: String) -> Diagnostic {
        let parsed = complaint.id().and_then(|id| {
            let source = self.source(&id)?;
            let raw = complaint.to_message_with(&self.options);
            syntax_error_in(&id, &source, &raw, &message)
        });
        parsed.unwrap_or_else(|| self.at_place(complaint, Diagnostic::error("bundle/syntax", message)))
    }

    fn missing_export(&mut self, complaint: &BuildDiagnostic, message: String) -> Diagnostic {
        // The message begins with the name in quotes.
        let name = complaint.to_message_with(&self.options).split('"').nth(1).map(str::to_owned);
        let (Some(name), Some(exporter)) = (name, complaint.exporter()) else {
            return self.at_place(complaint, Diagnostic::error("bundle/missing-export", message));
        };
        let shown = self.shown(&exporter);
        let diagnostic =
            Diagnostic::error("bundle/missing-export", format!("`{shown}` does not export `{name}`"));
        let diagnostic = self.at_place(complaint, diagnostic);
        let exports = self.source(&exporter).map(|source| exports_of(&exporter, &source.text));
        match exports.and_then(|exports| nearest(&name, exports)) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic,
        }
    }

    fn warning(&mut self, complaint: &BuildDiagnostic) -> Option<Diagnostic> {
        let worth_saying = matches!(
            complaint.kind(),
            EventKind::ImportIsUndefined
                | EventKind::CannotCallNamespace
                | EventKind::CommonJsVariableInEsm
                | EventKind::NamespaceConflict
                | EventKind::ParseError
        );
        let own = complaint.id().is_none_or(|id| !id.contains("/node_modules/"));
        if !worth_saying || !own {
            return None;
        }
        let message = plain(&complaint.to_message_with(&self.options));
        Some(self.at_place(complaint, Diagnostic::warning("bundle/suspicious", message)))
    }

    /// `diagnostic` with the place that rolldown names first: from there to the end of the word.
    fn at_place(&mut self, complaint: &BuildDiagnostic, diagnostic: Diagnostic) -> Diagnostic {
        let Some((file, line, column, _)) =
            complaint.to_diagnostic_with(&self.options).get_primary_location()
        else {
            return diagnostic;
        };
        let id = self.request.root.join(&file).to_string_lossy().into_owned();
        let Some(source) = self.source(&id) else { return diagnostic };
        let (line, column) = written_place(self.plugin, &id, line, column);
        let start = offset_of(&source.text, line, column);
        let word = source.text[start..].find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$');
        let length = word.unwrap_or(source.text.len() - start).max(1);
        diagnostic.at(&source, clamp(start..start + length, &source), "")
    }
}

/// Where `complaint`, a missing export, stands: the importing file, its text and the byte offset in it.
pub(super) fn place_of_missing_export(
    complaint: &BuildDiagnostic,
    request: &BundleRequest,
    plugin: &ProjectPlugin,
) -> Option<(String, String, usize)> {
    let options = DiagnosticOptions { cwd: request.root.clone() };
    let importer = complaint.id()?;
    let (_, line, column, _) = complaint.to_diagnostic_with(&options).get_primary_location()?;
    let text = std::fs::read_to_string(&importer).ok()?;
    let text = plugin.text_seen(&importer, &text).unwrap_or(text);
    let (line, column) = written_place(plugin, &importer, line, column);
    let offset = offset_of(&text, line, column);
    Some((importer, text, offset))
}

/// Where the user wrote what rolldown sees at this one-based line and zero-based column of `id`.
fn written_place(plugin: &ProjectPlugin, id: &str, line: usize, column: usize) -> (usize, usize) {
    plugin.lowered(id).and_then(|lowered| lowered.origin(line, column)).unwrap_or((line, column))
}

/// The syntax error of `source` whose message is `raw`, with all its places; `message` is how it is shown.
fn syntax_error_in(id: &str, source: &Arc<SourceFile>, raw: &str, message: &str) -> Option<Diagnostic> {
    let allocator = Allocator::default();
    let mut source_type = SourceType::from_path(id).ok()?;
    if source_type.is_javascript() {
        source_type = source_type.with_jsx(true);
    }
    let parsed = Parser::new(&allocator, &source.text, source_type).parse();
    let semantic = SemanticBuilder::new().with_check_syntax_error(true).build(&parsed.program);
    let error = parsed
        .diagnostics
        .into_iter()
        .chain(semantic.diagnostics)
        .find(|error| error.message.as_ref() == raw)?;
    let mut diagnostic = Diagnostic::error("bundle/syntax", message);
    for label in error.labels.iter() {
        let start = label.offset() as usize;
        let span = clamp(start..start + label.len() as usize, source);
        diagnostic = diagnostic.at(source, span, label.label().unwrap_or_default());
    }
    Some(match &error.help {
        Some(help) => diagnostic.help(plain(help)),
        None => diagnostic,
    })
}

/// The names that a module exports by itself.
fn exports_of(id: &str, text: &str) -> Vec<String> {
    let Ok(source_type) = SourceType::from_path(id) else { return Vec::new() };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, source_type).parse();
    parsed.module_record.exported_bindings.keys().map(ToString::to_string).collect()
}

fn nearest(name: &str, among: Vec<String>) -> Option<String> {
    let score = |other: &String| strsim::jaro_winkler(&name.to_lowercase(), &other.to_lowercase());
    among.into_iter().filter(|other| score(other) >= 0.8).max_by(|a, b| score(a).total_cmp(&score(b)))
}

/// Where `specifier` stands in quotes, or the start of the text.
fn find_specifier(source: &SourceFile, specifier: &str) -> Range<usize> {
    ['"', '\'', '`']
        .iter()
        .find_map(|quote| {
            let quoted = format!("{quote}{specifier}{quote}");
            let code = source.text.match_indices(&quoted).find(|(at, _)| !is_in_comment(&source.text, *at));
            code.map(|(start, _)| start..start + quoted.len())
        })
        .unwrap_or(0..0)
}

/// Whether the line of `at` begins as comments do.
fn is_in_comment(text: &str, at: usize) -> bool {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = text[line..].trim_start();
    ["//", "/*", "*"].iter().any(|opening| line.starts_with(opening))
}

/// The byte offset of a one-based line and a zero-based column in UTF-16 units.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
    let mut units = 0;
    for (index, character) in text[start..].char_indices() {
        if units >= column || character == '\n' {
            return start + index;
        }
        units += character.len_utf16();
    }
    text.len()
}

fn clamp(span: Range<usize>, source: &SourceFile) -> Range<usize> {
    let start = source.text.floor_char_boundary(span.start);
    let end = source.text.floor_char_boundary(span.end.max(start));
    start..end
}

/// The first line of a message in the house's form: lower case, no full stop.
fn plain(message: &str) -> String {
    let line = message.lines().find(|line| !line.trim().is_empty()).unwrap_or("unknown error").trim();
    let line = line.strip_suffix('.').unwrap_or(line);
    let mut characters = line.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && !second.is_uppercase() => {
            first.to_lowercase().chain([second]).chain(characters).collect()
        }
        _ => line.to_owned(),
    }
}

fn rule_name(kind: ModuleKind) -> &'static str {
    match kind {
        ModuleKind::EsModule => "ESModule",
        ModuleKind::CommonJs => "CommonJS",
        ModuleKind::Text => "Text",
        ModuleKind::Data => "Data",
        ModuleKind::CompiledWasm => "CompiledWasm",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_take_the_form_of_the_house() {
        for (message, expected) in [
            ("Unexpected token.", "unexpected token"),
            ("JSON is bad", "JSON is bad"),
            ("\n\n  Cannot assign\nmore", "cannot assign"),
            ("", "unknown error"),
        ] {
            assert_eq!(plain(message), expected);
        }
    }

    #[test]
    fn columns_count_utf16_units() {
        let text = "a\n😀x\nlast";
        for (line, column, expected) in [(1, 0, 0), (2, 0, 2), (2, 2, 6), (2, 9, 7), (3, 4, 12), (9, 0, 12)] {
            assert_eq!(offset_of(text, line, column), expected, "{line}:{column}");
        }
    }
}
