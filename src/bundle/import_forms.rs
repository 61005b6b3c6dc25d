//! Imports of two forms that the bundler does not know, rewritten in the text that it reads.
//!
//! - What a file is may be said where it is imported: `import page from "./page.md" with { type: "text" }`, and `"bytes"` and
//!   `"json"` likewise. Such an import gets a specifier that [`said_type`] takes apart.
//! - The file may be computed, as in `` import(`./languages/${name}.js`) `` and in `require`: every file that may be meant is in
//!   the bundle, and the text decides when it runs.
//!
//! Fidelity: esbuild. The text has to begin with `./` or `../`; what is computed stands for any text without a slash, and behind
//! a slash for any text.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use memchr::memmem;
use oxc::allocator::Allocator;
use oxc::ast::ast::{
    BinaryOperator, CallExpression, ExportAllDeclaration, ExportFromDeclaration, Expression,
    ImportDeclaration, ImportExpression, StringLiteral, WithClause,
};
use oxc::ast_visit::{VisitJs, walk_js};
use oxc::parser::Parser;
use oxc::span::{GetSpan, SourceType, Span};
use rolldown_common::ResolvedExternal;
use rolldown_plugin::HookResolveIdOutput;

use super::edits::{Edit, apply_edits};

/// How a specifier begins whose import says what the file is.
const SAID: &str = "dodev-as:";
/// The most files that one computed import may mean.
const FILES_MAX: usize = 10_000;

/// `text` of `path` with such imports rewritten, or `None` if it has none.
///
/// `searched` gets the directories in which files for computed imports were looked for.
pub(super) fn rewrite_imports(path: &str, text: &str, searched: &mut BTreeSet<PathBuf>) -> Option<String> {
    let says = says_types(text);
    let computes = computes_imports(text);
    if !says && !computes {
        return None;
    }
    let allocator = Allocator::default();
    let source_type = SourceType::from_path(path).ok()?;
    let source_type =
        if source_type.is_typescript() { source_type } else { SourceType::unambiguous().with_jsx(true) };
    let parsed = Parser::new(&allocator, text, source_type).parse();
    if parsed.panicked || !parsed.diagnostics.is_empty() {
        return None;
    }
    let mut imports = Imports { directory: Path::new(path).parent()?, text, edits: Vec::new(), searched };
    imports.visit_program(&parsed.program);
    apply_edits(text, imports.edits)
}

/// What `specifier` says that the file is, and its own specifier.
pub(super) fn said_type(specifier: &str) -> Option<(&str, &str)> {
    specifier.strip_prefix(SAID)?.split_once(':')
}

/// Whether some import may say what its file is.
fn says_types(text: &str) -> bool {
    memmem::find_iter(text.as_bytes(), "type").any(|at| {
        let before = text[..at].trim_end().trim_end_matches(['"', '\'']).trim_end();
        before.strip_suffix('{').is_some_and(|before| before.trim_end().ends_with("with"))
    })
}

/// Whether some import may be computed.
fn computes_imports(text: &str) -> bool {
    ["import(", "require("].iter().any(|word| {
        memmem::find_iter(text.as_bytes(), word).any(|at| {
            let rest = text[at + word.len()..].trim_start();
            let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else {
                // A comment may stand there.
                return rest.starts_with('/');
            };
            let literal = &rest[1..];
            let end = literal.find(quote).map_or("", |end| literal[end + 1..].trim_start());
            literal.starts_with('.') && (quote == '`' || end.starts_with('+'))
        })
    })
}

struct Imports<'t> {
    directory: &'t Path,
    text: &'t str,
    edits: Vec<Edit>,
    searched: &'t mut BTreeSet<PathBuf>,
}

impl Imports<'_> {
    fn say(&mut self, source: &StringLiteral<'_>, clause: Option<&WithClause<'_>>) {
        let entries = clause.iter().flat_map(|clause| &clause.with_entries);
        let mut types = entries.filter(|entry| entry.key.as_arena_str() == "type");
        if let Some(said) = types.next() {
            let is_json = Path::new(source.value.as_str()).extension().is_some_and(|e| e == "json");
            if !(is_json && said.value.value == "json") {
                self.edits.push(Edit::insert(source.span.start + 1, format!("{SAID}{}:", said.value.value)));
            }
        }
    }

    /// Rewrites `call`, which imports what `argument` gives by `how`, if that is computed. What stands in its argument is left then.
    fn compute(&mut self, how: &str, call: Span, argument: &Expression<'_>) -> bool {
        let mut pattern = vec![String::new()];
        if !collect_pattern(argument, &mut pattern) || pattern.len() < 2 {
            return false;
        }
        if !pattern[0].starts_with("./") && !pattern[0].starts_with("../") {
            return false;
        }
        let entries = files_of(self.directory, &pattern, self.searched).into_iter().map(|file| {
            let file = serde_json::to_string(&file).unwrap_or_default();
            format!("{file}:()=>{how}({file})")
        });
        let entries: Vec<String> = entries.collect();
        let span = argument.span();
        let name = &self.text[span.start as usize..span.end as usize];
        let text = format!(
            "((files,name)=>{{if(Object.hasOwn(files,name))return files[name]();\
             throw new Error(\"Module not found in bundle: \"+name)}})({{{}}},{name})",
            entries.join(",")
        );
        self.edits.push(Edit { start: call.start, end: call.end, text });
        true
    }
}

impl<'a> VisitJs<'a> for Imports<'_> {
    fn visit_import_declaration(&mut self, import: &ImportDeclaration<'a>) {
        self.say(&import.source, import.with_clause.as_deref());
    }

    fn visit_export_from_declaration(&mut self, export: &ExportFromDeclaration<'a>) {
        self.say(&export.source, export.with_clause.as_deref());
    }

    fn visit_export_all_declaration(&mut self, export: &ExportAllDeclaration<'a>) {
        self.say(&export.source, export.with_clause.as_deref());
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        if !self.compute("import", import.span, &import.source) {
            walk_js::walk_import_expression(self, import);
        }
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if let Some(argument) = call.arguments.first().and_then(|argument| argument.as_expression())
            && call.arguments.len() == 1
            && call.callee.is_specific_id("require")
            && self.compute("require", call.span, argument)
        {
            return;
        }
        walk_js::walk_call_expression(self, call);
    }
}

/// Appends what `expression` is made of to `pattern`, whose parts stand on both sides of what is computed. Whether it
/// is text.
fn collect_pattern(expression: &Expression<'_>, pattern: &mut Vec<String>) -> bool {
    let add = |text: &str, pattern: &mut Vec<String>| {
        if let Some(last) = pattern.last_mut() {
            last.push_str(text);
        }
    };
    match expression {
        Expression::StringLiteral(literal) => add(&literal.value, pattern),
        Expression::TemplateLiteral(template) => {
            for (at, quasi) in template.quasis.iter().enumerate() {
                add(quasi.value.cooked.as_deref().unwrap_or_default(), pattern);
                if at < template.expressions.len() {
                    pattern.push(String::new());
                }
            }
        }
        Expression::BinaryExpression(sum) if sum.operator == BinaryOperator::Addition => {
            // The left side has to be text, or the sum may be a number.
            if !collect_pattern(&sum.left, pattern) {
                return false;
            }
            if !collect_pattern(&sum.right, pattern) {
                pattern.push(String::new());
            }
        }
        Expression::ParenthesizedExpression(inner) => return collect_pattern(&inner.expression, pattern),
        _ => return false,
    }
    true
}

/// The files below `directory` that `pattern` may mean, as it would name them.
fn files_of(directory: &Path, pattern: &[String], searched: &mut BTreeSet<PathBuf>) -> Vec<String> {
    let Some((prefix, _)) = pattern[0].rsplit_once('/') else { return Vec::new() };
    let is_deep = pattern[..pattern.len() - 1].iter().any(|part| part.ends_with('/'));
    let mut files = Vec::new();
    let mut open = vec![(directory.join(prefix), prefix.to_owned())];
    while let Some((directory, name)) = open.pop() {
        searched.insert(directory.components().collect());
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(&directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for path in entries {
            let Some(last) = path.file_name().and_then(|last| last.to_str()) else { continue };
            let name = format!("{name}/{last}");
            let deeper = is_deep || pattern.iter().skip(1).any(|part| part.contains('/'));
            if path.is_dir() {
                if deeper && last != "node_modules" && !last.starts_with('.') {
                    open.push((path, name));
                }
            } else if matches(&name, pattern) && files.len() < FILES_MAX {
                files.push(name);
            }
        }
    }
    files.sort();
    files
}

/// Whether `name` is made of the parts of `pattern`, with something between them.
fn matches(name: &str, pattern: &[String]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return name.is_empty() };
    let Some(behind) = name.strip_prefix(first.as_str()) else { return false };
    if rest.is_empty() {
        return behind.is_empty();
    }
    let reach = if first.ends_with('/') { behind.len() } else { behind.find('/').unwrap_or(behind.len()) };
    (0..=reach).filter(|at| behind.is_char_boundary(*at)).any(|at| matches(&behind[at..], rest))
}

/// A module that stays an import in the code, under exactly this name.
pub(super) fn external(name: &str) -> HookResolveIdOutput {
    HookResolveIdOutput {
        external: Some(ResolvedExternal::Bool(true)),
        normalize_external_id: Some(false),
        ..HookResolveIdOutput::from_id(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_imports_say_go_into_their_specifiers() {
        for (text, expected) in [
            (
                "import a from './a.md' with { type: 'text' };",
                "import a from 'dodev-as:text:./a.md' with { type: 'text' };",
            ),
            (
                "export * from \"./a\" with {\"type\": \"bytes\"}",
                "export * from \"dodev-as:bytes:./a\" with {\"type\": \"bytes\"}",
            ),
        ] {
            assert_eq!(rewrite_imports("/p/a.ts", text, &mut BTreeSet::new()).as_deref(), Some(expected));
        }
        for text in
            ["import a from './a.json' with { type: 'json' };", "with ({ type: 1 }) {}", "import a from 'a'"]
        {
            assert_eq!(rewrite_imports("/p/a.js", text, &mut BTreeSet::new()), None, "{text}");
        }
        assert_eq!(said_type("dodev-as:text:./a.md"), Some(("text", "./a.md")));
        assert_eq!(said_type("./a.md"), None);
    }

    #[test]
    fn computed_imports_hold_every_file_that_they_may_mean() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        std::fs::create_dir_all(root.join("src/words/deep")).unwrap();
        for file in ["words/de.js", "words/en.js", "words/en.json", "words/deep/fr.js", "word-x.js"] {
            std::fs::write(root.join("src").join(file), "").unwrap();
        }
        let path = root.join("src/index.js");
        for (text, expected) in [
            ("import(`./words/${n}.js`)", "./words/de.js ./words/deep/fr.js ./words/en.js"),
            ("import('./word-' + n + \".js\")", "./word-x.js"),
            ("require('./words/e' + n)", "./words/en.js ./words/en.json"),
            ("import(/* why */ `../src/words/${a}/${b}.js`)", "../src/words/deep/fr.js"),
            ("import(`./none/${n}.js`)", ""),
            (
                "import(`./words/${require('./words/' + n)}s`)",
                "./words/de.js ./words/deep/fr.js ./words/en.js",
            ),
        ] {
            let rewritten = rewrite_imports(path.to_str().unwrap(), text, &mut BTreeSet::new()).unwrap();
            let (_, names) = rewritten.split_once("({").unwrap();
            let names: Vec<&str> = names.split("\":()").filter_map(|part| part.rsplit('"').next()).collect();
            assert_eq!(names[..names.len() - 1].join(" "), expected, "{text}");
        }
        for text in [
            "import(`${a}.js`)",
            "import(a + './b')",
            "import('./words/de.js')",
            "import(`./words/de.js`)",
            "require(x)",
        ] {
            assert_eq!(rewrite_imports(path.to_str().unwrap(), text, &mut BTreeSet::new()), None, "{text}");
        }
    }
}
