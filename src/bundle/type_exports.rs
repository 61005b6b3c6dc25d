//! Re-exports of types: `export { T } from "./t"` where `./t` declares only a type `T`.
//!
//! Looking at one file alone nobody can tell such a `T` from a value, and the bundler reports a missing
//! export. esbuild, which the platform's tools bundle with, accepts it in TypeScript. So the failed
//! build's complaints are looked up here, and those that are re-exports are marked `type` in the text
//! that the bundler sees; all other missing exports stay errors. So are imports marked whose name no value is made of, which the
//! compiler keeps by `verbatimModuleSyntax`. Offsets are bytes.

use oxc::allocator::Allocator;
use oxc::ast::ast::{ImportDeclarationSpecifier, Program, Statement};
use oxc::parser::Parser;
use oxc::semantic::SemanticBuilder;
use oxc::span::{GetSpan, SourceType, Span};

use super::edits::{Edit, apply_edits};

/// A name that one module takes from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ImportedName {
    /// The specifier as written.
    pub request: String,
    /// The name in the other module.
    pub name: String,
}

/// A place where a file names what it imports.
struct Site {
    import: ImportedName,
    span: Span,
    /// Whether nothing but a type may be meant.
    may_be_type: bool,
}

/// The name imported at `offset` in the TypeScript `text` of `path`, if it is there only to be exported again, or for no value.
pub(super) fn re_export_at(path: &str, text: &str, offset: usize) -> Option<ImportedName> {
    let offset = u32::try_from(offset).ok()?;
    sites(path, text)?
        .into_iter()
        .find(|site| site.may_be_type && site.span.start <= offset && offset < site.span.end)
        .map(|site| site.import)
}

/// `text` with `type ` before every one of `names` that may be a type, or `None` if there is none.
pub(super) fn mark_as_types(path: &str, text: &str, names: &[ImportedName]) -> Option<String> {
    let sites = sites(path, text)?.into_iter();
    let marks = sites
        .filter(|site| site.may_be_type && names.contains(&site.import))
        .map(|site| Edit::insert(site.span.start, "type ".to_owned()));
    apply_edits(text, marks.collect())
}

/// Whether the file `path` may declare a type called `name`: JavaScript may, in a declaration file beside it.
pub(super) fn may_declare_type(path: &str, name: &str) -> bool {
    if !is_typescript(path) {
        return true;
    }
    let Ok(text) = std::fs::read_to_string(path) else { return false };
    let is_word = |at: usize| {
        let part_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        !text[..at].ends_with(part_of_name) && !text[at + name.len()..].starts_with(part_of_name)
    };
    text.contains("export *") || text.match_indices(name).any(|(at, _)| is_word(at))
}

/// Whether `path` is TypeScript by its name.
pub(super) fn is_typescript(path: &str) -> bool {
    [".ts", ".tsx", ".mts", ".cts"].iter().any(|extension| path.ends_with(extension))
}

fn sites(path: &str, text: &str) -> Option<Vec<Site>> {
    if !is_typescript(path) {
        return None;
    }
    let allocator = Allocator::default();
    let source_type = SourceType::from_path(path).ok()?;
    let parsed = Parser::new(&allocator, text, source_type).parse();
    Some(sites_of(&parsed.program))
}

fn sites_of(program: &Program<'_>) -> Vec<Site> {
    let exported: Vec<String> = program
        .body
        .iter()
        .filter_map(|statement| match statement {
            Statement::ExportNamedDeclaration(export) if !export.export_kind.is_type() => Some(export),
            _ => None,
        })
        .flat_map(|export| &export.specifiers)
        .filter(|specifier| !specifier.export_kind.is_type())
        .map(|specifier| specifier.local.name().to_string())
        .collect();
    let scoping = SemanticBuilder::new().build(program).semantic.into_scoping();
    let is_unused = |symbol| !scoping.get_resolved_references(symbol).any(|reference| reference.is_value());
    let mut sites = Vec::new();
    for statement in &program.body {
        match statement {
            Statement::ExportFromDeclaration(export) if !export.export_kind.is_type() => {
                for specifier in export.specifiers.iter().filter(|s| !s.export_kind.is_type()) {
                    sites.push(Site {
                        import: ImportedName {
                            request: export.source.value.to_string(),
                            name: specifier.local.name().to_string(),
                        },
                        span: specifier.span(),
                        may_be_type: true,
                    });
                }
            }
            Statement::ImportDeclaration(import) if !import.import_kind.is_type() => {
                for specifier in import.specifiers.iter().flatten() {
                    let ImportDeclarationSpecifier::ImportSpecifier(specifier) = specifier else { continue };
                    if specifier.import_kind.is_type() {
                        continue;
                    }
                    sites.push(Site {
                        import: ImportedName {
                            request: import.source.value.to_string(),
                            name: specifier.imported.name().to_string(),
                        },
                        span: specifier.span(),
                        may_be_type: exported.iter().any(|name| *name == specifier.local.name.as_str())
                            || is_unused(specifier.local.symbol_id()),
                    });
                }
            }
            _ => {}
        }
    }
    sites
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_re_exports_and_unused_imports_are_types() {
        let text = "import { A, B, C } from './t';\nexport { A };\nexport { D as E } from './u';\nuse(B);";
        for (needle, expected) in [
            ("A, B", Some(("./t", "A"))),
            ("B, C", None),
            ("C }", Some(("./t", "C"))),
            ("D as", Some(("./u", "D"))),
            ("use", None),
        ] {
            let offset = text.find(needle).unwrap();
            let found = re_export_at("/p/a.ts", text, offset);
            let found = found.as_ref().map(|found| (found.request.as_str(), found.name.as_str()));
            assert_eq!(found, expected, "{needle}");
        }
        assert_eq!(re_export_at("/p/a.js", text, text.find("D as").unwrap()), None);
    }

    #[test]
    fn a_name_that_a_file_never_mentions_is_no_type_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("t.ts");
        let path = path.to_str().unwrap();
        for (text, name, expected) in [
            ("export type Tall = 1;", "T", false),
            ("export type Tall = 1; interface T {}", "T", true),
            ("export * from './u'", "T", true),
            ("", "T", false),
        ] {
            std::fs::write(path, text).unwrap();
            assert_eq!(may_declare_type(path, name), expected, "{text}");
        }
        assert!(may_declare_type("/p/a.js", "T"));
    }

    #[test]
    fn marking_inserts_type_before_the_name() {
        let text = "export { A, B } from './t';\nimport { A as C } from './t';\nexport { C };";
        let name = |name: &str| ImportedName { request: "./t".into(), name: name.into() };
        assert_eq!(
            mark_as_types("/p/a.ts", text, &[name("A")]).as_deref(),
            Some("export { type A, B } from './t';\nimport { type A as C } from './t';\nexport { C };")
        );
        assert_eq!(mark_as_types("/p/a.ts", text, &[name("Z")]), None);
    }
}
