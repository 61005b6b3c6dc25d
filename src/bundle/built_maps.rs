//! Source maps that a build tool left for the modules that it built: those that are not bundled again, and those of packages.
//!
//! Fidelity: wrangler 4.164.0 shows stacks of such modules in the files that the tool read, whether these are there or not.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use oxc_sourcemap::{OwnedSourceMap, SourceMapBuilder, Token};
use serde_json::Value;

use super::source_maps::Original;

const MARK: &str = "//# sourceMappingURL=";

/// What the last line of `code` says of its map.
fn named(code: &str) -> Option<&str> {
    Some(code.trim_end().rsplit('\n').next()?.strip_prefix(MARK)?.trim())
}

/// Whether `code` says where its map is.
pub(super) fn has_map(code: &str) -> bool {
    named(code).is_some()
}

/// The map that `code`, the file `path`, names, with its sources relative to `root`; `None` if there is none that can be read.
pub(super) fn map_of(root: &Path, path: &Path, code: &str) -> Option<String> {
    let url = named(code)?;
    let file = path.parent()?.join(url);
    let text = match url.strip_prefix("data:") {
        Some(data) => String::from_utf8(BASE64_STANDARD.decode(data.split_once("base64,")?.1).ok()?).ok()?,
        None => fs::read_to_string(&file).ok()?,
    };
    let mut map: Value = serde_json::from_str(&text).ok()?;
    let map = map.as_object_mut()?;
    map.remove("sourcesContent");
    let start = map.remove("sourceRoot");
    let base = match url.starts_with("data:") {
        true => path.parent()?,
        false => file.parent()?,
    };
    let base = base.join(start.as_ref().and_then(Value::as_str).unwrap_or_default());
    for source in map.get_mut("sources")?.as_array_mut()? {
        if let Some(name) = source.as_str().filter(|name| !name.contains("://") && !name.contains('\0')) {
            *source = Value::String(relative(root, &base.join(name)));
        }
    }
    let text = Value::Object(std::mem::take(map)).to_string();
    OwnedSourceMap::from_json_string(&text).ok()?;
    Some(text)
}

/// How to get from the directory `root` to `path`, with `/`.
fn relative(root: &Path, path: &Path) -> String {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let shared = root.components().zip(&parts).take_while(|(one, other)| one == *other).count();
    let up = root.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(parts[shared..].iter().copied()).collect();
    way.to_string_lossy().replace('\\', "/")
}

/// The files that build tools read, for positions in what they built. Maps are read when a position is asked for, and one is kept at a
/// time: those of large packages are large.
#[derive(Debug)]
pub struct BuiltMaps {
    root: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    last: Option<(String, Option<OwnedSourceMap>)>,
    origins: HashMap<(String, u32, u32), Option<Original>>,
}

impl BuiltMaps {
    /// Those of the files below `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), known: Mutex::default() }
    }

    /// Where `built` comes from, which is a place in a file that may have been built; itself, if it was not.
    pub fn origin(&self, built: Original) -> Original {
        let Original { path, line, column, .. } = &built;
        if ![".js", ".mjs", ".cjs"].iter().any(|ending| path.ends_with(ending)) {
            return built;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (path.clone(), *line, *column);
        if let Some(origin) = known.origins.get(&place) {
            return origin.clone().unwrap_or(built);
        }
        if known.last.as_ref().is_none_or(|(last, _)| last != path) {
            known.last = Some((path.clone(), self.read(path)));
        }
        let map = known.last.as_ref().and_then(|(_, map)| map.as_ref());
        let origin = map.and_then(|map| origin_in(map, line.checked_sub(1)?, column.saturating_sub(1)));
        known.origins.insert(place, origin.clone());
        origin.unwrap_or(built)
    }

    fn read(&self, path: &str) -> Option<OwnedSourceMap> {
        let file = self.root.join(path);
        let code = fs::read_to_string(&file).ok()?;
        OwnedSourceMap::from_json_string(&map_of(&self.root, &file, &code)?).ok()
    }
}

/// What stands at or before `column` of `line`, both zero-based.
fn origin_in(map: &OwnedSourceMap, line: u32, column: u32) -> Option<Original> {
    let here = map.get_tokens().filter(|token| token.get_dst_line() == line && token.get_dst_col() <= column);
    let token = here.max_by_key(Token::get_dst_col)?;
    Some(Original {
        path: map.get_source(token.get_source_id()?)?.to_owned(),
        line: token.get_src_line() + 1,
        column: token.get_src_col() + 1,
        name: token.get_name_id().and_then(|id| map.get_name(id)).map(str::to_owned),
    })
}

/// The map that leads through `outer` and then through `inner`; `None` if one of them is no map.
pub(super) fn joined(outer: &str, inner: &str) -> Option<String> {
    let outer = OwnedSourceMap::from_json_string(outer).ok()?;
    let inner = OwnedSourceMap::from_json_string(inner).ok()?;
    let tokens: Vec<Token> = inner.get_tokens().collect();
    let mut map = SourceMapBuilder::default();
    let (mut sources, mut names) = (HashMap::new(), HashMap::new());
    for token in outer.get_tokens() {
        let (line, column) = (token.get_src_line(), token.get_src_col());
        let after = tokens.partition_point(|t| (t.get_dst_line(), t.get_dst_col()) <= (line, column));
        let origin =
            tokens[..after].last().filter(|t| t.get_dst_line() == line && token.get_source_id().is_some());
        let source = origin.and_then(|t| {
            let id = t.get_source_id()?;
            let name = inner.get_source(id)?;
            Some((*sources.entry(id).or_insert_with(|| map.add_source_and_content(name, "")), t))
        });
        let (to_line, to_column) = (token.get_dst_line(), token.get_dst_col());
        match source {
            None => map.add_token(to_line, to_column, 0, 0, None, None),
            Some((source, t)) => {
                let name = t.get_name_id().and_then(|id| {
                    let name = inner.get_name(id)?;
                    Some(*names.entry(id).or_insert_with(|| map.add_name(name)))
                });
                map.add_token(to_line, to_column, t.get_src_line(), t.get_src_col(), Some(source), name);
            }
        }
    }
    Some(map.into_sourcemap().to_json_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_named_from_the_root() {
        for (path, expected) in [
            ("/p/build/server/a.js", "a.js"),
            ("/p/build/server/../../app/b.tsx", "../../app/b.tsx"),
            ("/q/c.js", "../../../q/c.js"),
        ] {
            assert_eq!(relative(Path::new("/p/build/server"), Path::new(path)), expected);
        }
    }

    #[test]
    fn a_place_in_a_built_file_leads_to_what_it_was_built_from() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let dist = directory.path().join("node_modules/p/dist");
        fs::create_dir_all(&dist).expect("create");
        // Line 1 column 1 is line 2 column 3 of the source; column 7 is column 9.
        let map = r#"{"version":3,"names":[],"sources":["../src/a.ts"],"mappings":"AACE,MAAM"}"#;
        fs::write(dist.join("a.js"), "throw fail()\n//# sourceMappingURL=a.js.map\n").expect("write");
        fs::write(dist.join("a.js.map"), map).expect("write");
        fs::write(dist.join("b.js"), "throw fail()\n").expect("write");
        let maps = BuiltMaps::new(directory.path());
        let origin = |file: &str, line, column| {
            let path = format!("node_modules/p/dist/{file}");
            let found = maps.origin(Original { path, line, column, name: None });
            format!("{}:{}:{}", found.path, found.line, found.column)
        };
        for _ in 0..2 {
            assert_eq!(origin("a.js", 1, 2), "node_modules/p/src/a.ts:2:3");
            assert_eq!(origin("a.js", 1, 9), "node_modules/p/src/a.ts:2:9");
            assert_eq!(origin("a.js", 2, 1), "node_modules/p/dist/a.js:2:1");
            assert_eq!(origin("b.js", 1, 2), "node_modules/p/dist/b.js:1:2");
            assert_eq!(origin("none.js", 1, 2), "node_modules/p/dist/none.js:1:2");
        }
    }

    #[test]
    fn the_last_line_names_the_map() {
        for (code, expected) in [
            ("a\n//# sourceMappingURL=a.js.map\n", Some("a.js.map")),
            ("//# sourceMappingURL=a.js.map\nb", None),
            ("", None),
        ] {
            assert_eq!(named(code), expected, "{code}");
        }
    }
}
