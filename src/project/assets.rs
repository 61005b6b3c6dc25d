//! Reads `assets`: the directory of static assets and how it is served, and looks at what is in it.
//!
//! Fidelity: what is refused is what wrangler 4.164.0 refuses; the limits are those of its upload.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Project;
use super::bindings::Names;
use super::compatibility::Compatibility;
use super::load::LoadRequest;
use super::nearest::nearest;
use super::overlay::{Found, Layers};
use super::read::{Inputs, normal};
use super::report::{Language, Report};
use super::tree::Node;
use crate::assets::{
    BasePath, HEADERS_FILE, HeaderRules, HtmlHandling, IGNORE_FILE, NotFoundHandling, REDIRECTS_FILE,
    Redirects, Routes, RoutesError, Settings, Site, Skipped, Survey, WorkerFirst,
};
use crate::base::diag::{Diagnostic, SourceFile};

/// The largest asset, bytes.
const MAX_BYTES: u64 = 25 * 1024 * 1024;
/// The most assets that any plan takes.
const MAX_FILES: usize = 100_000;
/// The most that the free plan takes.
const FREE_FILES: usize = 20_000;
/// The compatibility flag for requests of browsers that go to a page.
const NAVIGATION: &str = "assets_navigation_prefers_asset_serving";
/// What directories of assets are usually called.
const USUAL: &[&str] = &["public", "dist", "build", "static", "assets", "out"];

/// The static assets of a Worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assets {
    /// How they are served.
    pub settings: Settings,
    /// The name of the binding in `env`, if there is one.
    pub binding: Option<String>,
    /// The directory as it is written.
    pub shown: String,
    /// Where it is written, if it is in the configuration.
    pub span: Option<Range<usize>>,
}

/// What `read` needs beside the configuration.
pub struct Place<'a> {
    /// The directory of the configuration.
    pub root: &'a Path,
    /// What was asked for.
    pub request: &'a LoadRequest,
    /// Date and flags.
    pub compatibility: &'a Compatibility,
    /// Whether a command makes files first.
    pub is_built: bool,
}

/// After a command that makes files: what is wrong with the directory of `project` then.
pub fn check_assets(project: &Project) -> Option<Diagnostic> {
    let assets = project.assets.as_ref().filter(|assets| !assets.settings.directory.is_dir())?;
    let message = format!("the assets directory `{}` does not exist", assets.shown);
    let diagnostic = Diagnostic::error("config/assets", message);
    let diagnostic = match assets.span.clone() {
        Some(span) => diagnostic.at(&project.source, span, ""),
        None => diagnostic,
    };
    Some(diagnostic.help("`build.command` ended without making it"))
}

/// The assets, if the configuration has some.
pub fn read(
    report: &mut Report,
    layers: &Layers<'_>,
    place: &Place<'_>,
    inputs: &mut Inputs,
    names: &mut Names,
) -> Option<Assets> {
    let found = layers.find("assets");
    let node = found.as_ref().map(|found| &found.entry.node);
    let directory = directory(report, found.as_ref(), place, inputs)?;
    let has_worker = place.request.overrides.script.is_some() || layers.find("main").is_some();
    let (binding, first) = match node {
        Some(node) => (binding(report, node, has_worker, names), worker_first(report, node, has_worker)),
        None => (None, WorkerFirst::Never),
    };
    let text = |key| node.and_then(|node| node.text(key));
    let html = match text("html_handling") {
        Some("force-trailing-slash") => HtmlHandling::ForceTrailingSlash,
        Some("drop-trailing-slash") => HtmlHandling::DropTrailingSlash,
        Some("none") => HtmlHandling::None,
        _ => HtmlHandling::AutoTrailingSlash,
    };
    let not_found = match text("not_found_handling") {
        Some("single-page-application") => NotFoundHandling::SinglePageApplication,
        Some("404-page") => NotFoundHandling::Page,
        _ => NotFoundHandling::None,
    };
    if let (WorkerFirst::Always, None, Some(key)) =
        (&first, &binding, node.and_then(|node| node.entry("run_worker_first")))
    {
        let message =
            "`run_worker_first` sends every request to the Worker, which has no binding to its assets";
        report
            .warning("config/assets", key.key_span.clone(), message)
            .help("add `binding`, for example \"ASSETS\", to fetch them from the Worker");
    }
    let settings = Settings {
        directory: directory.path,
        html,
        not_found,
        base: node.map_or_else(BasePath::default, |node| base_path(report, node)),
        worker_first: first,
        has_worker,
        navigation_prefers_assets: place.compatibility.is_on(NAVIGATION),
    };
    if settings.directory.is_dir() {
        look(report, &settings, node, (!place.is_built).then_some(inputs));
    }
    let span =
        node.filter(|_| place.request.overrides.assets.is_none()).and_then(|node| node.get("directory"));
    let span = span.map(|node| node.span.clone());
    Some(Assets { settings, binding, shown: directory.shown, span })
}

/// A directory that the configuration or the command line names.
pub struct Directory {
    /// Where it is, absolute.
    pub path: PathBuf,
    /// As it is written.
    pub shown: String,
}

impl Directory {
    /// Whether it is there, or may be made by the project's own command; reports under a code and by a word what it is, at `node` if
    /// the configuration names it.
    pub fn is_usable(
        &self,
        report: &mut Report,
        place: &Place<'_>,
        inputs: &mut Inputs,
        (code, word): (&'static str, &str),
        node: Option<&Node>,
    ) -> bool {
        let Self { path, shown } = self;
        // What is made, removed or replaced here changes the project, unless its own command does so.
        if !place.is_built {
            inputs.add(path);
        }
        if path.is_dir() || (place.is_built && !path.exists()) {
            return true;
        }
        let message = match path.exists() {
            true => format!("the {word} `{shown}` is not a directory"),
            false => format!("the {word} `{shown}` does not exist"),
        };
        let base = if node.is_some() { place.root } else { &place.request.cwd };
        let help = help_for_missing(path, shown, base);
        match node {
            Some(node) => drop(report.error(code, node.span.clone(), message).help(help)),
            None => drop(report.push(Diagnostic::error(code, message)).help(help)),
        }
        false
    }
}

fn directory(
    report: &mut Report,
    found: Option<&Found<'_>>,
    place: &Place<'_>,
    inputs: &mut Inputs,
) -> Option<Directory> {
    let given = place.request.overrides.assets.as_ref();
    let node = found.and_then(|found| found.entry.node.get("directory"));
    let (path, shown) = match (given, found) {
        (Some(given), _) => (normal(&place.request.cwd.join(given)), given.display().to_string()),
        (None, None) => return None,
        (None, Some(found)) => {
            let Some(node) = node else {
                report_missing(report, found, place.root);
                return None;
            };
            let text = node.as_text()?;
            if text.is_empty() {
                report.error(
                    "config/assets",
                    node.span.clone(),
                    format!("`{}.directory` is empty", found.path),
                );
                return None;
            }
            (normal(&place.root.join(text)), text.to_owned())
        }
    };
    let node = node.filter(|_| given.is_none());
    let named = Directory { path, shown };
    named.is_usable(report, place, inputs, ("config/assets", "assets directory"), node).then_some(named)
}

fn report_missing(report: &mut Report, found: &Found<'_>, root: &Path) {
    let entries = found.entry.node.entries();
    if !matches!(found.entry.node.value, super::tree::Value::Record(_)) {
        // Its form is reported already.
        return;
    }
    let misspelt = entries
        .iter()
        .find(|entry| nearest(&entry.key, ["directory"]).is_some() && entry.node.as_text().is_some());
    let span = misspelt.map_or(found.entry.key_span.clone(), |entry| entry.key_span.clone());
    let usual = USUAL.iter().find(|name| root.join(name).is_dir()).unwrap_or(&USUAL[0]);
    let line = match report.language() {
        Language::Json => format!("\"directory\": \"./{usual}\""),
        Language::Toml => format!("directory = \"./{usual}\""),
    };
    let vite = ["vite.config.ts", "vite.config.js", "vite.config.mjs", "vite.config.mts"];
    let help = match misspelt {
        Some(_) => "did you mean `directory`?".to_owned(),
        None if vite.iter().any(|name| root.join(name).is_file()) => format!(
            "the Vite plugin fills it in when it builds: run `vite build`, and what it built is served; or add {line}"
        ),
        None => format!("add {line}"),
    };
    report.error("config/assets", span, format!("`{}` has no `directory`", found.path)).help(help);
}

/// What may have been meant by a directory that is not there.
fn help_for_missing(path: &Path, shown: &str, root: &Path) -> String {
    if path.is_file() {
        return "name the directory that it is in".to_owned();
    }
    let near = path.parent().and_then(|parent| {
        let directories = std::fs::read_dir(parent).ok()?.flatten().filter(|entry| entry.path().is_dir());
        let names: Vec<String> =
            directories.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        let name = path.file_name()?.to_str()?;
        nearest(name, names.iter().map(String::as_str)).map(|name| parent.join(name))
    });
    let near = near.or_else(|| {
        // What was meant to start at the project's root.
        let inside = root.join(shown.trim_start_matches('/'));
        (shown.starts_with('/') && inside.is_dir()).then_some(inside)
    });
    let near = near.or_else(|| USUAL.iter().map(|name| root.join(name)).find(|path| path.is_dir()));
    match near {
        Some(near) => format!("did you mean `{}`?", near.strip_prefix(root).unwrap_or(&near).display()),
        None => format!("create `{}`, or build the project that writes it", path.display()),
    }
}

fn binding(report: &mut Report, node: &Node, has_worker: bool, names: &mut Names) -> Option<String> {
    let binding = node.get("binding")?;
    let name = binding.as_text()?;
    if !has_worker {
        let message = "a project of assets alone has no Worker that could use a binding";
        report
            .error("config/assets", binding.span.clone(), message)
            .help("remove `binding`, or add `main`, the Worker");
        return None;
    }
    names.add(name, "assets", binding.span.clone());
    Some(name.to_owned())
}

fn worker_first(report: &mut Report, node: &Node, has_worker: bool) -> WorkerFirst {
    let Some(entry) = node.entry("run_worker_first") else { return WorkerFirst::Never };
    let items = entry.node.items();
    let is_list = matches!(entry.node.value, super::tree::Value::List(_));
    if !has_worker && (is_list || entry.node.as_bool() == Some(true)) {
        let message = "`run_worker_first` has no meaning without a Worker";
        report
            .error("config/assets", entry.key_span.clone(), message)
            .help("remove it, or add `main`, the Worker");
        return WorkerFirst::Never;
    }
    if entry.node.as_bool() == Some(true) {
        return WorkerFirst::Always;
    }
    let rules: Vec<&str> = items.iter().filter_map(Node::as_text).collect();
    if !is_list || rules.len() < items.len() {
        // Its form is reported already.
        return WorkerFirst::Never;
    }
    match Routes::parse(&rules) {
        Ok(routes) => return WorkerFirst::Routes(routes),
        Err(RoutesError::List(message)) => {
            let message = format!("`run_worker_first`: {message}");
            report.error("config/assets", entry.node.span.clone(), message);
        }
        Err(RoutesError::Rules(wrong)) => {
            for (index, message) in wrong {
                let message = format!("`{}` in `run_worker_first`: {message}", rules[index]);
                report.error("config/assets", items[index].span.clone(), message);
            }
        }
    }
    WorkerFirst::Never
}

fn base_path(report: &mut Report, node: &Node) -> BasePath {
    let Some(value) = node.get("base_path") else { return BasePath::default() };
    let Some(text) = value.as_text() else { return BasePath::default() };
    BasePath::parse(text).unwrap_or_else(|reason| {
        report.error("config/assets", value.span.clone(), format!("`base_path`: {reason}"));
        BasePath::default()
    })
}

/// Reports what is wrong with the files of the directory.
fn look(report: &mut Report, settings: &Settings, node: Option<&Node>, mut inputs: Option<&mut Inputs>) {
    let directory = &settings.directory;
    let span = node.and_then(|node| node.get("directory")).map(|node| node.span.clone());
    let mut tell = |is_error: bool, message: String, help: String| {
        let code = "config/assets";
        let added = match (is_error, span.clone()) {
            (true, Some(span)) => report.error(code, span, message),
            (false, Some(span)) => report.warning(code, span, message),
            (true, None) => report.push(Diagnostic::error(code, message)),
            (false, None) => report.push(Diagnostic::warning(code, message)),
        };
        added.help(help);
    };
    let ignore = directory.join(IGNORE_FILE);
    let mut follow = |path: &Path| inputs.iter_mut().for_each(|inputs| inputs.add(path));
    follow(&ignore);
    if std::fs::read(&ignore).is_ok_and(|bytes| bytes.contains(&0) || std::str::from_utf8(&bytes).is_err()) {
        let message = format!("`{}` is not UTF-8 text", ignore.display());
        tell(true, message, "save the file as UTF-8, without null characters".to_owned());
        return;
    }
    let Survey { files, large, has_worker, has_ignore } = Site::new(settings.clone()).survey(MAX_BYTES);
    for (path, bytes) in large {
        let path = path.strip_prefix(directory).unwrap_or(&path).display().to_string();
        #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
        let size = bytes as f64 / (1024.0 * 1024.0);
        let message = format!("the asset `{path}` has {size:.1} MiB; 25 MiB is the most");
        tell(true, message, format!("make it smaller, or add it to `{IGNORE_FILE}` in the directory"));
    }
    if files > MAX_FILES {
        let message = format!("the assets directory has {files} files; {MAX_FILES} is the most");
        tell(
            true,
            message,
            format!("is it the right directory? `{IGNORE_FILE}` in it names what to leave out"),
        );
    } else if files > FREE_FILES {
        let message = format!("the assets directory has {files} files; the free plan takes {FREE_FILES}");
        tell(false, message, format!("`{IGNORE_FILE}` in the directory names what to leave out"));
    }
    if has_worker && !has_ignore {
        let message = "`_worker.js` is among the assets, so that everybody could read the Worker's code";
        let help = format!(
            "`wrangler deploy` refuses this: add a file `{IGNORE_FILE}` with the line `_worker.js` to the directory, \
             or an empty one if it is meant"
        );
        tell(false, message.to_owned(), help);
    }
    let mut rules = |name: &str, skipped: &dyn Fn(&str) -> Vec<Skipped>| {
        let path = directory.join(name);
        follow(&path);
        let Ok(bytes) = std::fs::read(&path) else { return };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let skipped = skipped(&text);
        let source = SourceFile::new(&path, text);
        for Skipped { line, reason } in skipped {
            let start = source.offset(line, 1);
            let text = source.text[start..].lines().next().unwrap_or_default();
            let begin = start + text.len() - text.trim_start().len();
            let end = begin + text.trim().len();
            let diagnostic = Diagnostic::warning("config/assets-rule", reason);
            report.push(diagnostic.at(&source, begin..end, "this line has no effect"));
        }
    };
    rules(HEADERS_FILE, &|text| HeaderRules::parse(text).skipped);
    rules(REDIRECTS_FILE, &|text| Redirects::parse(text, settings.html).skipped);
}
