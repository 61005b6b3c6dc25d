//! Where a TypeScript configuration is wrong, which rolldown tells without a place.

use std::ops::Range;
use std::path::{Path, PathBuf};

use jsonc_parser::ast::Value as Ast;
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
}

impl TsconfigFault {
    /// The first mistake of the configuration in force for the entry of `request`, or of one that it extends.
    pub(super) fn find(request: &BundleRequest) -> Option<Self> {
        let file = TsconfigFile::governing(request)?;
        find_in(file.path(), &mut Vec::new())
    }
}

fn find_in(path: &Path, above: &mut Vec<PathBuf>) -> Option<TsconfigFault> {
    let fault = |span, text| Some(TsconfigFault { path: path.to_owned(), span, text });
    let text = std::fs::read_to_string(path).ok()?;
    let value = match parse_to_ast(&text, &CollectOptions::default(), &JSONC) {
        Ok(parsed) => parsed.value,
        Err(error) => {
            let range = error.range();
            let end = range.end.max(range.start).min(text.len());
            return fault(range.start.min(end)..end, error.kind().to_string());
        }
    };
    let object = value.as_ref().and_then(Ast::as_object)?;
    let bases = match &object.get("extends")?.value {
        Ast::StringLit(base) => vec![base],
        Ast::Array(list) => list.elements.iter().filter_map(Ast::as_string_lit).collect(),
        _ => return None,
    };
    above.push(dunce::canonicalize(path).unwrap_or_else(|_| path.to_owned()));
    for base in bases {
        let span = base.start()..base.end();
        let directory = path.parent().unwrap_or(Path::new("/"));
        let Some(file) = TsconfigFile::find_base(directory, &base.value) else {
            return fault(span, "there is no such file".to_owned());
        };
        let real = dunce::canonicalize(file.path()).unwrap_or_else(|_| file.path().to_owned());
        if above.contains(&real) {
            return fault(span, "this file extends the one that it is extended by".to_owned());
        }
        if let Some(found) = find_in(file.path(), above) {
            return Some(found);
        }
    }
    above.pop();
    None
}
