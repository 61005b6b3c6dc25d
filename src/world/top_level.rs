//! Words for what the top level of a Worker threw, with the place in the user's files.

use std::path::Path;
use std::sync::Arc;

use super::stack;
use crate::base::diag::{Diagnostic, SourceFile};
use crate::engine::exception::Exception;
use crate::project::Project;

/// The mistake of `project`, called `who` in sentences, whose modules threw `exception`; `root` is where paths begin.
pub fn thrown(root: &Path, who: &str, project: &Project, exception: &Exception) -> Diagnostic {
    let headline = exception.headline();
    let message = format!("the top level of {who} threw `{headline}`");
    let diagnostic = Diagnostic::error("worker/top-level-throw", message);
    if let Some(export) = refused_export(&headline) {
        let diagnostic = diagnostic.help(
            "a main module exports handlers, classes and functions only; move other values to another module",
        );
        return match place_of_export(project, export) {
            Some((source, at)) => diagnostic.at(&source, at..at + export.len(), "exported here"),
            None => diagnostic,
        };
    }
    match stack::first_position(root, &exception.stack) {
        Some((source, offset)) => diagnostic.at(&source, offset..offset + 1, "thrown here"),
        None => diagnostic,
    }
}

/// The export that the platform refuses with `headline`.
fn refused_export(headline: &str) -> Option<&str> {
    let (_, rest) = headline.split_once("Incorrect type for map entry '")?;
    Some(rest.split_once('\'')?.0)
}

/// Where the main module of `project` exports `name`, as far as its lines tell.
fn place_of_export(project: &Project, name: &str) -> Option<(Arc<SourceFile>, usize)> {
    let text = std::fs::read_to_string(&project.main).ok()?;
    let at = find_export(&text, name)?;
    Some((SourceFile::new(&project.main, text), at))
}

fn find_export(text: &str, name: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let is_whole = |at: usize| {
        let around = [text[..at].chars().next_back(), text[at + name.len()..].chars().next()];
        !around.into_iter().flatten().any(is_part)
    };
    let places = || text.match_indices(name).map(|(at, _)| at).filter(|at| is_whole(*at));
    let declared = places().find(|at| {
        let line = text[..*at].rfind('\n').map_or(0, |index| index + 1);
        let before: Vec<&str> = text[line..*at].split_whitespace().collect();
        matches!(before[..], ["export"] | ["export", "const" | "let" | "var"])
    });
    declared.or_else(|| {
        places().find(|at| {
            // In the braces of `export { … }`.
            let open = text[..*at].rfind('{');
            open.is_some_and(|open| {
                text[..open].trim_end().ends_with("export") && !text[open..*at].contains('}')
            })
        })
    })
}

/// The engine itself could not be started.
pub fn engine_failed(reason: &str) -> Diagnostic {
    Diagnostic::error("dodev/engine", format!("the JavaScript engine could not be started: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_found_where_they_are_declared() {
        let check = |text: &str, name: &str, expected: Option<&str>| {
            let at = find_export(text, name);
            assert_eq!(at.map(|at| &text[at..]), expected, "{text}");
        };
        check("const a = 1;\nexport const a = 5;\n", "a", Some("a = 5;\n"));
        check("export let $b: number = 1", "$b", Some("$b: number = 1"));
        check("const limit = 1;\nexport { limit };", "limit", Some("limit };"));
        check("import { limit } from './x';\nexport {\n  other,\n  limit as max\n}", "max", Some("max\n}"));
        check("export default 5;", "default", Some("default 5;"));
        check("export * from './limits';", "limit", None);
        check("export const limits = 1;", "limit", None);
    }

    #[test]
    fn the_platforms_words_name_the_export() {
        let headline = "TypeError: Incorrect type for map entry 'a': the provided value is not of type 'x'.";
        assert_eq!(refused_export(headline), Some("a"));
        assert_eq!(refused_export("Error: a"), None);
    }
}
