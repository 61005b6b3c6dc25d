//! Plans as tables, and a project's walk through every kind of migration on real files, cut short everywhere.

use std::fs;

use tempfile::TempDir;

use crate::base::clock::{Clock, Timestamp};
use crate::project::{LoadRequest, Project, load};

mod plans;
mod walk;

/// The project of a `wrangler.jsonc` with `keys` and the Worker's `name`.
fn project(name: &str, keys: &str) -> Project {
    let directory = TempDir::new().unwrap();
    let text =
        format!(r#"{{ "name": "{name}", "main": "a.js", "compatibility_date": "2026-11-01", {keys} }}"#);
    fs::write(directory.path().join("wrangler.jsonc"), text).unwrap();
    fs::write(directory.path().join("a.js"), "export default {}").unwrap();
    let mut request = LoadRequest::new(directory.path(), Clock::manual(Timestamp(1_795_000_000_000)));
    request.process_env.clear();
    let loaded = load(&request);
    loaded.project.unwrap_or_else(|| panic!("{keys}: {:?}", loaded.diagnostics))
}

/// `migrations` with one entry per line: a tag, and its lists.
fn migrations(list: &[(&str, &str)]) -> String {
    let entries: Vec<_> =
        list.iter().map(|(tag, lists)| format!(r#"{{ "tag": "{tag}", {lists} }}"#)).collect();
    format!(r#""migrations": [{}]"#, entries.join(", "))
}

const NEW_A: (&str, &str) = ("v1", r#""new_sqlite_classes": ["A"]"#);
const A_TO_B: (&str, &str) = ("v2", r#""renamed_classes": [{ "from": "A", "to": "B" }]"#);
