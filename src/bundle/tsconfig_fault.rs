//! Where a TypeScript configuration is wrong, which rolldown tells without a place.

use std::ops::Range;
use std::path::{Path, PathBuf};

use jsonc_parser::ast::{ObjectProp, StringLit, Value as Ast};
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, parse_to_ast};

use super::inputs::TsconfigFile;
use super::request::BundleRequest;
use crate::project::JSONC;

/// A mistake in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TsconfigFault {
    /// The file.
    pub path: PathBuf,
    /// Bytes of its text.
    pub span: Range<usize>,
    /// What is wrong there.
    pub text: String,
    /// Whether all that is wrong is that a file is not there which this one extends.
    pub is_missing_base: bool,
}

impl TsconfigFault {
    /// The mistakes of the configuration in force for the entry of `request`, and of those that it extends or refers to.
    pub(super) fn find(request: &BundleRequest) -> Vec<Self> {
        let mut found = Vec::new();
        if let Some(file) = TsconfigFile::governing(request) {
            find_in(file.path(), &mut Vec::new(), &mut found);
        }
        found
    }
}

fn find_in(path: &Path, above: &mut Vec<PathBuf>, found: &mut Vec<TsconfigFault>) {
    let fault = |span, text: String, is_missing_base| TsconfigFault {
        path: path.to_owned(),
        span,
        text,
        is_missing_base,
    };
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let value = match parse_to_ast(&text, &CollectOptions::default(), &JSONC) {
        Ok(parsed) => parsed.value,
        Err(error) => {
            let range = error.range();
            let end = range.end.max(range.start).min(text.len());
            found.push(fault(range.start.min(end)..end, error.kind().to_string(), false));
            return;
        }
    };
    let Some(object) = value.as_ref().and_then(Ast::as_object) else { return };
    let directory = path.parent().unwrap_or(Path::new("/"));
    above.push(dunce::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
    for base in object.get("extends").map(strings_of).unwrap_or_default() {
        let span = base.start()..base.end();
        let Some(file) = TsconfigFile::find_base(directory, &base.value) else {
            found.push(fault(span, "there is no such file".to_owned(), true));
            continue;
        };
        let real = dunce::canonicalize(file.path()).unwrap_or_else(|_| file.path().to_owned());
        if above.contains(&real) {
            let text = "this file extends the one that it is extended by";
            found.push(fault(span, text.to_owned(), false));
            continue;
        }
        find_in(file.path(), above, found);
    }
    // Only the configuration in force is searched for references.
    if above.len() == 1
        && let Some(references) = object.get_array("references")
    {
        for reference in references.elements.iter().filter_map(Ast::as_object) {
            let Some(to) = reference.get_string("path") else { continue };
            if let Some(file) = TsconfigFile::find_reference(directory, &to.value) {
                find_in(file.path(), above, found);
            }
        }
    }
    above.pop();
}

/// The strings of a property that is one string or an array of them.
fn strings_of<'a>(property: &'a ObjectProp<'a>) -> Vec<&'a StringLit<'a>> {
    match &property.value {
        Ast::StringLit(one) => vec![one],
        Ast::Array(list) => list.elements.iter().filter_map(Ast::as_string_lit).collect(),
        _ => Vec::new(),
    }
}
