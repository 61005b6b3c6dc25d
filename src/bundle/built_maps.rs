//! Source maps that a build tool left for the modules that it built, which are not bundled again.
//!
//! Fidelity: wrangler 4.164.0 shows stacks of such modules in the files that the tool read.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use oxc_sourcemap::{OwnedSourceMap, SourceMapBuilder, Token};
use serde_json::Value;

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
