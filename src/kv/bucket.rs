//! A directory of files that a Worker finds in a namespace of Workers KV, as Workers Sites have it.
//!
//! Fidelity: miniflare's `sites.worker.ts` and `plugins/kv/sites.ts` of wrangler 4.164.0, recorded in `fixtures/site`. A path is a key
//! as it is, and once more with its characters escaped behind a prefix: so it stands in lists and in the manifest, and the
//! cache keeps nothing of it.

use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};

use super::glob::Glob;
use super::namespace::{Listed, Page, Query};

/// What keys in lists and in the manifest begin with.
const PREFIX: &str = "$__MINIFLARE_SITES__$/";

/// What JavaScript's `encodeURIComponent` escapes.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The files of a directory, as a namespace that can only be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    directory: PathBuf,
    include: Vec<Glob>,
    exclude: Vec<Glob>,
}

impl Bucket {
    /// The files of `directory` whose paths `include` takes if it has patterns, and otherwise those that `exclude` leaves.
    pub fn new(directory: PathBuf, include: &[String], exclude: &[String]) -> Self {
        let globs = |patterns: &[String]| patterns.iter().map(|pattern| Glob::new(pattern)).collect();
        Self { directory, include: globs(include), exclude: globs(exclude) }
    }

    /// JSON with the key of each file by its path.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn manifest(&self) -> io::Result<String> {
        let mut keys = Map::new();
        self.walk(&self.directory, "", false, &mut |path| {
            keys.insert(path.to_owned(), Value::String(key_of(path)));
        })?;
        Ok(Value::Object(keys).to_string())
    }

    /// The value of `key`: a path, or a path's key.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
        let path = match key.strip_prefix(PREFIX) {
            Some(escaped) => percent_decode_str(escaped).decode_utf8_lossy(),
            None => key.into(),
        };
        if !self.takes(&path) {
            return Ok(None);
        }
        let Some(file) = self.file(&path) else { return Ok(None) };
        match fs::metadata(&file) {
            Ok(metadata) if metadata.is_file() => fs::read(&file).map(Some),
            Ok(_) => Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The keys of `query`.
    ///
    /// # Errors
    /// What the disk refuses.
    pub fn list(&self, query: Query<'_>) -> io::Result<Page> {
        let mut names = Vec::new();
        self.walk(&self.directory, "", true, &mut |path| names.push(key_of(path)))?;
        names.retain(|name| name.starts_with(query.prefix) && name.as_str() > query.after);
        names.sort_unstable();
        let more = names.len() > query.limit;
        names.truncate(query.limit);
        let listed = |key| Listed { key, expiration: None, metadata: None };
        Ok(Page { keys: names.into_iter().map(listed).collect(), more })
    }

    fn takes(&self, path: &str) -> bool {
        match self.include.is_empty() {
            true => self.exclude.is_empty() || !Glob::any(&self.exclude, path),
            false => Glob::any(&self.include, path),
        }
    }

    /// Passes the paths below `directory`, which begin with `prefix`, to `found`, in the order of their bytes; `values` leaves out
    /// what has no value, files and directories whose names begin with a dot.
    fn walk(
        &self,
        directory: &Path,
        prefix: &str,
        values: bool,
        found: &mut impl FnMut(&str),
    ) -> io::Result<()> {
        let mut entries = fs::read_dir(directory)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_unstable_by_key(DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| !(values && name.starts_with('.'))) else {
                continue;
            };
            let path = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                self.walk(&entry.path(), &format!("{path}/"), values, found)?;
            } else if self.takes(&path) {
                found(&path);
            }
        }
        Ok(())
    }

    /// The file at `path`, which may go up in the directory, but not out of it; none where a name begins with a dot.
    fn file(&self, path: &str) -> Option<PathBuf> {
        let mut parts = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => drop(parts.pop()),
                hidden if hidden.starts_with('.') => return None,
                part => parts.push(part),
            }
        }
        let below: PathBuf = parts.iter().collect();
        let is_below = below.components().all(|part| matches!(part, Component::Normal(_)));
        (is_below && below.components().count() == parts.len()).then(|| self.directory.join(below))
    }
}

fn key_of(path: &str) -> String {
    format!("{PREFIX}{}", utf8_percent_encode(path, ESCAPED))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Query<'static> = Query { prefix: "", after: "", limit: 1000 };

    fn bucket(include: &[&str], exclude: &[&str]) -> (tempfile::TempDir, Bucket) {
        let directory = tempfile::tempdir().expect("a directory");
        let files =
            ["index.html", "sub/a b.txt", ".hidden", "sub/.well-known/x", "ü&(1).txt", "node_modules/x/a.js"];
        for file in files {
            let path = directory.path().join("public").join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            fs::write(path, file).expect("written");
        }
        fs::write(directory.path().join("secret"), "secret").expect("written");
        let patterns = |list: &[&str]| list.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>();
        let bucket = Bucket::new(directory.path().join("public"), &patterns(include), &patterns(exclude));
        (directory, bucket)
    }

    fn names(page: Page) -> Vec<String> {
        page.keys.into_iter().map(|listed| listed.key).collect()
    }

    #[test]
    fn files_are_values_by_path_and_by_key() {
        let (_directory, bucket) = bucket(&[], &[]);
        let get =
            |key: &str| bucket.get(key).expect("read").map(|value| String::from_utf8(value).expect("text"));
        for (key, expected) in [
            ("index.html", Some("index.html")),
            ("/index.html", Some("index.html")),
            ("$__MINIFLARE_SITES__$/index.html", Some("index.html")),
            ("$__MINIFLARE_SITES__$/sub%2Fa%20b.txt", Some("sub/a b.txt")),
            ("$__MINIFLARE_SITES__$/%C3%BC%26(1).txt", Some("ü&(1).txt")),
            ("sub/../index.html", Some("index.html")),
            ("sub", None),
            ("index.html/x", None),
            ("missing", None),
            (".hidden", None),
            ("sub/.well-known/x", None),
            ("../secret", None),
            ("sub/../../secret", None),
            ("$__MINIFLARE_SITES__$/..%2Fsecret", None),
        ] {
            assert_eq!(get(key).as_deref(), expected, "{key}");
        }
        // Above the directory is the directory itself, as in a URL.
        assert_eq!(get("../../index.html").as_deref(), Some("index.html"));
    }

    #[test]
    fn the_manifest_has_every_file_and_lists_those_with_values() {
        let (_directory, bucket) = bucket(&[], &[]);
        let manifest = bucket.manifest().expect("read");
        let expected = [
            (".hidden", ".hidden"),
            ("index.html", "index.html"),
            ("node_modules/x/a.js", "node_modules%2Fx%2Fa.js"),
            ("sub/.well-known/x", "sub%2F.well-known%2Fx"),
            ("sub/a b.txt", "sub%2Fa%20b.txt"),
            ("ü&(1).txt", "%C3%BC%26(1).txt"),
        ];
        let parts = expected.map(|(path, key)| format!("\"{path}\":\"{PREFIX}{key}\""));
        assert_eq!(manifest, format!("{{{}}}", parts.join(",")));
        let all = names(bucket.list(ALL).expect("listed"));
        let values = ["%C3%BC%26(1).txt", "index.html", "node_modules%2Fx%2Fa.js", "sub%2Fa%20b.txt"];
        assert_eq!(all, values.map(|key| format!("{PREFIX}{key}")));
        let page = bucket.list(Query { limit: 1, after: &all[0], ..ALL }).expect("listed");
        assert_eq!((page.more, names(page)), (true, all[1..2].to_vec()));
        let page = bucket.list(Query { prefix: "sub/", ..ALL }).expect("listed");
        assert_eq!((page.more, names(page)), (false, Vec::<String>::new()));
    }

    #[test]
    fn patterns_take_files_or_leave_them_out() {
        let text = |key: &str| format!("{PREFIX}{key}");
        let (_directory, only) = bucket(&["*.txt", "!sub/**"], &["index.html"]);
        assert_eq!(names(only.list(ALL).expect("listed")), [text("%C3%BC%26(1).txt")]);
        assert_eq!(only.get("sub/a b.txt").expect("read"), None);
        let (_directory, rest) = bucket(&[], &["*.txt", "node_modules/"]);
        assert_eq!(names(rest.list(ALL).expect("listed")), [text("index.html")]);
        assert!(rest.manifest().expect("read").starts_with("{\".hidden\""));
    }

    #[test]
    fn a_directory_that_is_gone_is_told() {
        let (directory, bucket) = bucket(&[], &[]);
        fs::remove_dir_all(directory.path().join("public")).expect("removed");
        assert!(bucket.manifest().is_err());
        assert!(bucket.list(ALL).is_err());
        assert_eq!(bucket.get("index.html").expect("nothing there"), None);
    }
}
