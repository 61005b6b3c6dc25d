//! Where a position in a bundle's code came from.
//!
//! A map is parsed when the first position in its module is asked for, since most bundles never throw;
//! its text is dropped then. Only positions are translated here: what to do with a stack trace is the
//! engine's business.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use oxc_sourcemap::{OwnedSourceMap, Token};

use super::dependencies::Dependencies;
use super::external::PREFIX;
use super::output::Bundle;

/// The source maps of one bundle.
#[derive(Debug)]
pub struct SourceMaps {
    maps: HashMap<String, LazyMap>,
    dependencies: Option<Arc<Dependencies>>,
    /// The maps of packages, read from the disk when the first is needed.
    dependency_maps: OnceLock<HashMap<String, LazyMap>>,
}

/// A position in a file that the user wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// The file, relative to the project's root, with `/`; absolute if it was never a file.
    pub path: String,
    /// One-based line.
    pub line: u32,
    /// One-based column, in UTF-16 units.
    pub column: u32,
    /// What the thing at this place is called in the file, if the bundler renamed it.
    pub name: Option<String>,
}

/// Where code comes from that has no origin of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nearest {
    /// It stands for code at or after this place.
    At(Original),
    /// It is the bundler's own, between the user's files.
    Nowhere,
    /// The module has no map.
    Unknown,
}

#[derive(Debug)]
struct LazyMap {
    text: Mutex<Option<String>>,
    parsed: OnceLock<Option<ParsedMap>>,
}

#[derive(Debug)]
struct ParsedMap {
    map: OwnedSourceMap,
    /// Ordered by position in the code.
    tokens: Vec<Token>,
}

impl SourceMaps {
    /// The maps of `bundle`; nothing is parsed yet.
    pub fn new(bundle: &Bundle) -> Self {
        let maps = bundle
            .modules
            .iter()
            .filter_map(|module| Some((module.name.clone(), LazyMap::new(module.source_map.clone()?))))
            .collect();
        Self { maps, dependencies: bundle.dependencies.clone(), dependency_maps: OnceLock::new() }
    }

    fn map_of(&self, module: &str) -> Option<&LazyMap> {
        if !module.starts_with(PREFIX) {
            return self.maps.get(module);
        }
        let dependencies = self.dependencies.as_ref()?;
        let maps = self.dependency_maps.get_or_init(|| {
            let maps = dependencies.read_maps().into_iter();
            maps.map(|(name, text)| (name, LazyMap::new(text))).collect()
        });
        maps.get(module)
    }

    /// The origin of `line` and `column` (both one-based, the column in UTF-16 units) of the module
    /// called `module`; `None` if it has no map, or none for this place.
    pub fn lookup(&self, module: &str, line: u32, column: u32) -> Option<Original> {
        let parsed = self.map_of(module)?.parsed()?;
        let line = line.checked_sub(1)?;
        let column = column.saturating_sub(1);
        let token = parsed.tokens[..parsed.after(line, column)].last()?;
        if token.get_dst_line() == line { Self::origin(module, parsed, token) } else { None }
    }

    /// The same for code that the bundler wrote in the place of the user's, which has no origin of its own: what follows on the same
    /// line, or the nearest one before it, if what follows is of the same file.
    pub fn nearest(&self, module: &str, line: u32, column: u32) -> Nearest {
        let Some(parsed) = self.map_of(module).and_then(LazyMap::parsed) else { return Nearest::Unknown };
        let after = parsed.after(line.saturating_sub(1), column.saturating_sub(1));
        let (before, rest) = parsed.tokens.split_at(after);
        // What stands first on its line, like a parenthesis, belongs to what follows it there.
        if let Some(next) = rest.first().filter(|next| next.get_dst_line() + 1 == line)
            && let Some(origin) = Self::origin(module, parsed, next)
        {
            return Nearest::At(origin);
        }
        let around = [before.last(), rest.first()].map(|token| token.and_then(Token::get_source_id));
        let origin = match (around, before.last()) {
            ([Some(one), Some(other)], Some(token)) if one == other => Self::origin(module, parsed, token),
            _ => None,
        };
        origin.map_or(Nearest::Nowhere, Nearest::At)
    }

    fn origin(module: &str, parsed: &ParsedMap, token: &Token) -> Option<Original> {
        let source = token.get_source_id()?;
        let map = &parsed.map;
        let path = map.get_source(source)?;
        // Sources are relative to the module.
        let path = if module.starts_with(PREFIX) { path.strip_prefix("../").unwrap_or(path) } else { path };
        Some(Original {
            path: path.to_owned(),
            line: token.get_src_line() + 1,
            column: token.get_src_col() + 1,
            name: token.get_name_id().and_then(|id| map.get_name(id)).map(str::to_owned),
        })
    }
}

impl ParsedMap {
    /// How many tokens stand at or before a position, zero-based.
    fn after(&self, line: u32, column: u32) -> usize {
        self.tokens.partition_point(|t| (t.get_dst_line(), t.get_dst_col()) <= (line, column))
    }
}

impl LazyMap {
    fn new(text: String) -> Self {
        Self { text: Mutex::new(Some(text)), parsed: OnceLock::new() }
    }

    fn parsed(&self) -> Option<&ParsedMap> {
        self.parsed
            .get_or_init(|| {
                let text = self.text.lock().unwrap_or_else(PoisonError::into_inner).take()?;
                let map = OwnedSourceMap::from_json_string(&text).ok()?;
                let tokens = map.get_tokens().collect();
                Some(ParsedMap { map, tokens })
            })
            .as_ref()
    }
}

/// Reads `bytes` as a source map and asks for places of it, for the fuzz target in `fuzz/` and a bounded run with every test.
///
/// # Panics
/// When something panics: a bug.
pub fn check_source_map(bytes: &[u8]) {
    let map = LazyMap::new(String::from_utf8_lossy(bytes).into_owned());
    let maps = HashMap::from([("module".to_owned(), map)]);
    let maps = SourceMaps { maps, dependencies: None, dependency_maps: OnceLock::new() };
    for (line, column) in [(0, 0), (1, 1), (1, 1_000), (3, 5), (u32::MAX, u32::MAX)] {
        let _ = maps.lookup("module", line, column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::output::{Module, OutputKind, hash_modules};

    fn bundle_with(source_map: Option<&str>) -> Bundle {
        let modules = vec![Module {
            name: "index.js".into(),
            kind: OutputKind::EsModule,
            code: "throw new Error()".into(),
            source_map: source_map.map(str::to_owned),
        }];
        let hash = hash_modules(&modules);
        Bundle { entry: "index.js".into(), modules, hash, ..Bundle::default() }
    }

    #[test]
    fn a_position_is_found_in_its_file() {
        // Code line 1 column 1 is line 2 column 3 of the file; column 7 is column 9 and called `fail`.
        let text = r#"{"version":3,"names":["fail"],"sources":["src/a.ts"],
            "sourcesContent":["// first\n  throw fail()\n"],"mappings":"AACE,MAAMA"}"#;
        let maps = SourceMaps::new(&bundle_with(Some(text)));
        let expected = Original { path: "src/a.ts".into(), line: 2, column: 3, name: None };
        assert_eq!(maps.lookup("index.js", 1, 4), Some(expected.clone()));
        let named = Original { column: 9, name: Some("fail".into()), ..expected };
        assert_eq!(maps.lookup("index.js", 1, 7), Some(named));
        assert_eq!(maps.lookup("index.js", 2, 1), None);
        assert_eq!(maps.lookup("index.js", 0, 1), None);
        assert_eq!(maps.lookup("other.js", 1, 1), None);
    }

    #[test]
    fn what_the_bundler_wrote_is_in_a_file_or_between_files() {
        // Code line 2 is line 1 of a.ts, line 4 is its line 3, line 6 is line 1 of b.ts.
        let text = r#"{"version":3,"names":[],"sources":["a.ts","b.ts"],"mappings":";AAAA;;AAEA;;ACFA"}"#;
        let maps = SourceMaps::new(&bundle_with(Some(text)));
        let at = |line| match maps.nearest("index.js", line, 5) {
            Nearest::At(original) => format!("{}:{}", original.path, original.line),
            other => format!("{other:?}"),
        };
        assert_eq!(
            [1, 2, 3, 4, 5, 6].map(at),
            ["Nowhere", "a.ts:1", "a.ts:1", "Nowhere", "Nowhere", "Nowhere"]
        );
        assert_eq!(maps.nearest("other.js", 1, 1), Nearest::Unknown);
        let text = r#"{"version":3,"names":[],"sources":["a.ts"],"mappings":";CAEA;CACA"}"#;
        let maps = SourceMaps::new(&bundle_with(Some(text)));
        let at = |line| match maps.nearest("index.js", line, 1) {
            Nearest::At(original) => format!("{}:{}", original.path, original.line),
            other => format!("{other:?}"),
        };
        assert_eq!([1, 2, 3].map(at), ["Nowhere", "a.ts:3", "a.ts:4"]);
    }

    #[test]
    fn a_broken_map_finds_nothing() {
        let maps = SourceMaps::new(&bundle_with(Some("{")));
        assert_eq!(maps.lookup("index.js", 1, 1), None);
        assert_eq!(maps.lookup("index.js", 1, 1), None);
        assert_eq!(SourceMaps::new(&bundle_with(None)).lookup("index.js", 1, 1), None);
    }
}
