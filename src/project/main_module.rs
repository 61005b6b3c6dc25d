//! Finds the main module, and says what was meant where it is not.
//!
//! Fidelity: wrangler 4.164.0 takes `src/index` for `src/index.ts` and the like, and refuses directories.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::load::LoadRequest;
use super::nearest::nearest;
use super::overlay::Layers;
use super::read::{Inputs, normal};
use super::report::{Language, Report};
use super::tree::Node;
use crate::base::diag::Diagnostic;

/// What may be left out at the end of a path, in the order in which it is tried.
const EXTENSIONS: &[&str] = &["tsx", "ts", "jsx", "js"];
/// What main modules are called that nobody named.
const USUAL: &[&str] =
    &["src/index.ts", "src/index.js", "src/worker.ts", "src/main.ts", "index.ts", "index.js"];

/// The main module, which must exist unless a command makes it first.
pub fn main_module(
    report: &mut Report,
    layers: &Layers<'_>,
    request: &LoadRequest,
    root: &Path,
    is_built: bool,
    inputs: &mut Inputs,
) -> Option<PathBuf> {
    if let Some(script) = &request.overrides.script {
        let path = resolve(&normal(&request.cwd.join(script)), inputs);
        if !is_built && !inputs.is_file(&path) {
            let wrong = Wrong::of(&script.display().to_string(), &path, &request.cwd);
            report.push(Diagnostic::error("config/main-not-found", wrong.message)).help(wrong.help);
        }
        return Some(path);
    }
    let Some(found) = layers.find("main") else {
        // What is wrong with assets that would do alone has been said.
        if layers.find("assets").is_none() {
            report_absent(report, layers, root);
        }
        return None;
    };
    let node = &found.entry.node;
    let text = node.as_text()?;
    let path = resolve(&normal(&root.join(text)), inputs);
    if !is_built && !inputs.is_file(&path) {
        let wrong = Wrong::of(text, &path, root);
        report.error("config/main-not-found", node.span.clone(), wrong.message).help(wrong.help);
    }
    Some(path)
}

/// `path`, or the same with the extension that was left out.
fn resolve(path: &Path, inputs: &mut Inputs) -> PathBuf {
    if path.extension().is_none() && !path.is_file() {
        let with = |extension: &&str| path.with_extension(extension);
        if let Some(found) = EXTENSIONS.iter().map(with).find(|path| path.is_file()) {
            return found;
        }
        // Its appearance would mend the project.
        inputs.add(&path.with_extension("ts"));
    }
    path.to_owned()
}

fn report_absent(report: &mut Report, layers: &Layers<'_>, root: &Path) {
    let usual = USUAL.iter().find(|path| root.join(path).is_file()).unwrap_or(&USUAL[0]);
    let line = match report.language() {
        Language::Json => format!("add \"main\": \"{usual}\""),
        Language::Toml => format!("add main = \"{usual}\""),
    };
    let stray = stray(report, layers.top(), "main");
    let added = report.error("config/no-main", 0..0, "the configuration has no `main`, the module to run");
    match stray {
        Some((span, table)) => {
            added.also(span, format!("this belongs to `[{table}]`")).help(move_up("main", &table));
        }
        None => {
            added.help(line);
        }
    }
}

/// Where `key` stands in a table of a TOML file, below whose header its author did not see it: its place
/// and the table.
pub fn stray(report: &Report, top: &Node, key: &str) -> Option<(Range<usize>, String)> {
    if report.language() != Language::Toml {
        return None;
    }
    let tables = top.entries().iter().filter(|table| table.key != "env");
    tables.into_iter().find_map(|table| {
        let entry = table.node.entry(key)?;
        Some((entry.key_span.clone(), table.key.clone()))
    })
}

/// What to do with a key that [`stray`] found.
pub fn move_up(key: &str, table: &str) -> String {
    format!("a key belongs to the last header above it; move `{key}` above `[{table}]`")
}

/// What is wrong with a main module that is no file.
struct Wrong {
    message: String,
    help: String,
}

impl Wrong {
    /// `text` led from `root` to `path`.
    fn of(text: &str, path: &Path, root: &Path) -> Self {
        if text.is_empty() {
            return Self { message: "`main` is empty".into(), help: format!("for example \"{}\"", USUAL[0]) };
        }
        let near = near_file(path, root).or_else(|| {
            // What was meant to start at the project's root.
            let inside = root.join(text.trim_start_matches('/'));
            (text.starts_with('/') && inside.is_file()).then_some(inside)
        });
        let shown = near.map(|near| near.strip_prefix(root).unwrap_or(&near).display().to_string());
        if path.is_dir() {
            let message = format!("the main module `{text}` is a directory");
            let inside = USUAL.iter().filter(|usual| !usual.contains('/')).find(|n| path.join(n).is_file());
            let help = match inside {
                Some(name) => format!("did you mean `{}/{name}`?", text.trim_end_matches('/')),
                None => "name the module in it".to_owned(),
            };
            return Self { message, help };
        }
        let help = match shown {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("create `{}`, or correct the path", path.display()),
        };
        Self { message: format!("the main module `{text}` does not exist"), help }
    }
}

/// A module that `path` may have meant: beside it, or where main modules usually are.
fn near_file(path: &Path, root: &Path) -> Option<PathBuf> {
    let same = EXTENSIONS.iter().map(|extension| path.with_extension(extension)).find(|path| path.is_file());
    if same.is_some() {
        return same;
    }
    let directory = path.parent()?;
    let names: Vec<String> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| Path::new(name).extension().is_some_and(|e| EXTENSIONS.iter().any(|x| e == *x)))
        .collect();
    let name = path.file_name()?.to_str()?;
    let near = nearest(name, names.iter().map(String::as_str)).map(|name| directory.join(name));
    near.or_else(|| USUAL.iter().map(|usual| root.join(usual)).find(|path| path.is_file()))
}
