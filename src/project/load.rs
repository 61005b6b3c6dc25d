//! From a directory and the command line's flags to a [`Project`], or to all that is wrong.
//!
//! The one function that knows the order: find, parse, compare with the table, overlay, read, compare.
//! Everything is reported; a project comes out only if nothing was an error.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::assets;
use super::bindings::{self, Names};
use super::build;
use super::classes;
use super::compatibility::Date;
use super::compatibility_keys;
use super::deployed;
use super::exports;
use super::kv;
use super::locate::{self, Located};
use super::main_module::main_module;
use super::migrations;
use super::overlay::Layers;
use super::public_host;
use super::rate_limits;
use super::read::{Inputs, Read, normal};
use super::report::{Language, Report};
use super::settings;
use super::site;
use super::telemetry;
use super::tree::{Node, Value};
use super::vars;
use super::{Project, jsonc, toml};
use crate::base::clock::Clock;
use crate::base::diag::{Diagnostic, SourceFile};

/// What to load.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// The working directory, absolute; the search starts here.
    pub cwd: PathBuf,
    /// The configuration, if it was named; relative to `cwd`.
    pub config: Option<PathBuf>,
    /// The environment, if one was named; else `CLOUDFLARE_ENV` counts. Empty for the top level.
    pub environment: Option<String>,
    /// What the command line sets.
    pub overrides: Overrides,
    /// The process's environment variables.
    pub process_env: BTreeMap<String, String>,
    /// Those that files add to them; filled in by [`load`].
    pub file_env: BTreeMap<String, String>,
    /// Tells today's date, the latest that a Worker may ask for.
    pub clock: Clock,
}

/// What the command line sets over the configuration.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The Worker's name, taken as it is.
    pub name: Option<String>,
    /// The main module, relative to the working directory.
    pub script: Option<PathBuf>,
    /// The compatibility date.
    pub compatibility_date: Option<String>,
    /// The compatibility flags, instead of those of the configuration.
    pub compatibility_flags: Option<Vec<String>>,
    /// Variables, always text.
    pub vars: Vec<(String, String)>,
    /// Definitions, added to those of the configuration.
    pub define: Vec<(String, String)>,
    /// Aliases, added to those of the configuration.
    pub alias: Vec<(String, String)>,
    /// Files to read variables from instead of the usual ones, relative to the configuration.
    pub env_files: Vec<PathBuf>,
    /// The `tsconfig.json`, relative to the working directory.
    pub tsconfig: Option<PathBuf>,
    /// What JSX elements become.
    pub jsx_factory: Option<String>,
    /// What JSX fragments become.
    pub jsx_fragment: Option<String>,
    /// Whether the main module is used as it is.
    pub no_bundle: Option<bool>,
    /// Whether to minify.
    pub minify: Option<bool>,
    /// The host that requests appear to be for.
    pub host: Option<String>,
    /// Routes instead of those of the configuration; the first one's host is what requests appear to be for.
    pub routes: Vec<String>,
    /// Whether requests keep the host that they were sent to, whatever the routes are.
    pub keeps_origin: bool,
    /// The scheme that requests appear to have.
    pub upstream_protocol: Option<String>,
    /// The directory of assets, relative to the working directory.
    pub assets: Option<PathBuf>,
    /// The directory of Workers Sites, relative to the working directory.
    pub site: Option<PathBuf>,
    /// Instead of `site.include`.
    pub site_include: Vec<String>,
    /// Instead of `site.exclude`.
    pub site_exclude: Vec<String>,
}

/// What came of loading.
#[derive(Debug)]
pub struct Loaded {
    /// The project, unless there is an error.
    pub project: Option<Project>,
    /// Everything that is wrong, errors first.
    pub diagnostics: Vec<Diagnostic>,
    /// Every file that was read or looked for.
    pub inputs: Vec<PathBuf>,
}

impl LoadRequest {
    /// A request for the project at `cwd`, without flags and with the variables of this process.
    pub fn new(cwd: impl Into<PathBuf>, clock: Clock) -> Self {
        let process_env = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            cwd: cwd.into(),
            config: None,
            environment: None,
            overrides: Overrides::default(),
            process_env,
            file_env: BTreeMap::new(),
            clock,
        }
    }

    /// Today, in UTC.
    pub fn today(&self) -> Date {
        Date::of(self.clock.now())
    }

    /// The boolean in the process's variable `name`, or `default`.
    pub fn switch(&self, name: &str, default: bool) -> bool {
        match self.process_env.get(name).map(|value| value.to_lowercase()).as_deref() {
            Some("true") => true,
            Some("false") => false,
            _ => default,
        }
    }

    /// The environment that a flag asks for, if one does.
    pub fn flagged_environment(&self) -> Option<&str> {
        self.environment.as_deref().filter(|name| !name.is_empty())
    }

    /// The environment that was asked for, if one was.
    pub fn environment(&self) -> Option<&str> {
        let given = self.environment.as_ref().or_else(|| self.process_env.get("CLOUDFLARE_ENV"));
        given.map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// Loads the project that `request` describes.
pub fn load(request: &LoadRequest) -> Loaded {
    let mut inputs = Inputs::default();
    let request = &vars::with_env_files(request, &mut inputs);
    let (project, diagnostics) = match open(request, &mut inputs) {
        Ok(opened) => validate(request, opened, &mut inputs),
        Err(diagnostic) => (None, vec![diagnostic]),
    };
    let inputs = inputs.into_paths();
    let project = project.map(|project| Project { inputs: inputs.clone(), ..project });
    Loaded { project, diagnostics, inputs }
}

/// A configuration that was found, or the want of one.
struct Opened {
    report: Report,
    root: PathBuf,
    home: PathBuf,
    is_generated: bool,
    has_file: bool,
}

fn open(request: &LoadRequest, inputs: &mut Inputs) -> Result<Opened, Diagnostic> {
    let Located { path, home, is_generated } = match &request.config {
        Some(config) => {
            let path = normal(&request.cwd.join(config));
            let home = path.parent().unwrap_or(&request.cwd).to_owned();
            Located { path, home, is_generated: false }
        }
        None => {
            let script = request.overrides.script.as_ref().map(|script| request.cwd.join(script));
            let start = script.as_deref().and_then(Path::parent).unwrap_or(&request.cwd);
            match locate::locate(inputs, start)? {
                Some(located) => located,
                // A script alone is a project.
                None if script.is_some() => {
                    let report = Report::new(SourceFile::new("wrangler.jsonc", "{}"), Language::Json);
                    let root = request.cwd.clone();
                    let home = root.clone();
                    return Ok(Opened { report, root, home, is_generated: false, has_file: false });
                }
                None => return Err(not_found(&request.cwd)),
            }
        }
    };
    if path.is_dir() {
        let message = format!("the configuration `{}` is a directory", path.display());
        let inside = locate::NAMES.iter().map(|name| path.join(name)).find(|path| path.is_file());
        let help = match inside {
            Some(inside) => format!("did you mean `{}`?", inside.display()),
            None => "name the file in it".to_owned(),
        };
        return Err(Diagnostic::error("config/unreadable", message).help(help));
    }
    let root = path.parent().unwrap_or(&request.cwd).to_owned();
    let language = match path.extension().and_then(|extension| extension.to_str()) {
        Some("json" | "jsonc") => Language::Json,
        Some("toml") => Language::Toml,
        _ => {
            let message = format!("the configuration `{}` is neither JSON nor TOML", path.display());
            let help = "name a file that ends in .json, .jsonc or .toml";
            return Err(Diagnostic::error("config/unreadable", message).help(help));
        }
    };
    match inputs.read(&path) {
        Read::Text(source) => {
            Ok(Opened { report: Report::new(source, language), root, home, is_generated, has_file: true })
        }
        Read::Absent => {
            let message = format!("the configuration `{}` does not exist", path.display());
            Err(Diagnostic::error("config/not-found", message).help("correct the path, or create the file"))
        }
        Read::Failed(diagnostic) => Err(diagnostic),
    }
}

fn not_found(cwd: &Path) -> Diagnostic {
    let message =
        format!("no `wrangler.jsonc`, `wrangler.json` or `wrangler.toml` in `{}` or above", cwd.display());
    let help = format!(
        "run dodev in the project's directory, or create a `wrangler.jsonc`:\n\
         {{ \"name\": \"my-worker\", \"main\": \"src/index.ts\", \"compatibility_date\": \"{}\" }}",
        Date::LATEST
    );
    Diagnostic::error("config/not-found", message).help(help)
}

fn validate(
    request: &LoadRequest,
    opened: Opened,
    inputs: &mut Inputs,
) -> (Option<Project>, Vec<Diagnostic>) {
    let Opened { mut report, root, home, is_generated, has_file } = opened;
    let tree = match report.language() {
        Language::Json => jsonc::parse(&mut report),
        Language::Toml => toml::parse(&mut report),
    };
    let Some(tree) = tree else { return (None, report.into_diagnostics()) };
    if !matches!(tree.value, Value::Record(_)) {
        let message = format!("the configuration must be an object, not {}", tree.value.kind());
        report.error("config/wrong-type", tree.span.clone(), message);
        return (None, report.into_diagnostics());
    }
    if has_file {
        let path = report.source().path.clone();
        for warning in locate::overlooked(inputs, &path) {
            report.push(warning);
        }
    }
    let found = Found { tree: &tree, root: &root, home: &home, is_generated, has_file };
    let project = read(&mut report, request, &found, inputs);
    let project = project.filter(|_| !report.has_errors());
    (project, report.into_diagnostics())
}

/// What was read, and where.
struct Found<'a> {
    tree: &'a Node,
    root: &'a Path,
    home: &'a Path,
    is_generated: bool,
    has_file: bool,
}

/// Reports what a configuration that a build tool made cannot have.
fn check_built(report: &mut Report, tree: &Node, request: &LoadRequest) {
    let rebuild = "build the project again for the environment that you want";
    if let Some(environments) = tree.entry("env").filter(|env| !env.node.entries().is_empty()) {
        let message = "a configuration that a build tool made cannot have environments";
        report.error("config/redirect", environments.key_span.clone(), message).help(rebuild);
    }
    if let (Some(asked), Some(target)) = (request.environment(), tree.entry("targetEnvironment"))
        && let Some(built) = target.node.as_text().filter(|built| *built != asked && !built.is_empty())
    {
        let message = format!("the project was built for the environment `{built}`, not for `{asked}`");
        report.error("config/redirect", target.node.span.clone(), message).help(rebuild);
    }
}

fn read(
    report: &mut Report,
    request: &LoadRequest,
    found: &Found<'_>,
    inputs: &mut Inputs,
) -> Option<Project> {
    let Found { tree, root, home, is_generated, has_file } = *found;
    // The build tool chose the environment already.
    let environment = if is_generated { None } else { request.environment() };
    if is_generated {
        check_built(report, tree, request);
    }
    let layers = Layers::select(report, tree, environment);
    layers.check(report, is_generated);

    let name = settings::name(report, &layers, request);
    let compatibility = compatibility_keys::compatibility(report, &layers, request, has_file);

    let mut names = Names::default();
    let mut unsupported = Vec::new();
    let durable_objects = bindings::durable_objects(report, &layers, &mut names);
    let services = bindings::services(&layers, &mut names, &mut unsupported);
    let kv_namespaces = kv::read(report, &layers, &mut names, &mut unsupported);
    let datasets = telemetry::datasets(&layers, &mut names, &mut unsupported);
    let rate_limits = rate_limits::read(report, &layers, &mut names);
    let version_metadata = telemetry::version_metadata(&layers, &mut names);
    bindings::unsupported(&layers, &mut names, &mut unsupported);
    bindings::check_buckets(report, &layers);
    let is_built = layers.get("build").is_some_and(|build| build.get("command").is_some());
    let place = assets::Place { root, request, compatibility: &compatibility, is_built };
    let assets = assets::read(report, &layers, &place, inputs, &mut names);
    let site = site::read(report, &layers, &place, inputs, &mut names);
    let vars = vars::read(report, &layers, request, home, inputs, &mut names);
    names.check(report);

    let migrations = migrations::read(&layers);
    let exports = exports::read(report, &layers, &mut unsupported);
    let mut classes = migrations::fold(report, &migrations);
    if let (Some(migrations), Some(exports), false) =
        (layers.find("migrations"), layers.find("exports"), migrations.is_empty() || exports.is_empty())
    {
        let message = "`migrations` and `exports` cannot both declare Durable Object classes";
        report
            .error("config/migration", exports.entry.key_span.clone(), message)
            .also(migrations.entry.key_span.clone(), "declared here too")
            .help("keep one of the two");
    }
    classes.add_exports(&exports);
    // A list that is broken says nothing of what it lacks.
    let is_whole = |node: &Node| matches!(&node.value, Value::List(items) if items.len() == migrations.len());
    if layers.get("migrations").is_none_or(is_whole) {
        let by_exports = !exports.is_empty();
        classes::declare_bound(report, &mut classes, &durable_objects, &migrations, by_exports, &name);
    }
    bindings::report_unsupported(report, &unsupported);

    let build = build::read(report, &layers, request, root, inputs);
    let dev = settings::dev(report, &layers);
    deployed::check(report, &layers);
    let public_host = public_host::read(report, &layers, request);
    let limits = settings::limits(report, &layers);
    let alone = assets.as_ref().is_some_and(|assets| !assets.settings.has_worker);
    let main = match alone {
        true => report.source().path.clone(),
        false => main_module(report, &layers, request, root, build.command.is_some(), inputs)?,
    };
    Some(Project {
        root: root.to_owned(),
        home: home.to_owned(),
        is_generated,
        source: report.source().clone(),
        name,
        main,
        assets,
        site,
        compatibility,
        environment: match is_generated {
            true => layers.text("targetEnvironment").map(str::to_owned),
            false => layers.environment().map(str::to_owned),
        },
        durable_objects,
        classes: classes.declared,
        migrations,
        exports,
        vars,
        unsupported,
        kv_namespaces,
        rate_limits,
        datasets,
        version_metadata,
        services,
        build,
        dev,
        public_host,
        limits,
        code_update_delay: bindings::code_update_delay(&layers),
        crons: settings::crons(report, &layers),
        inputs: Vec::new(),
    })
}
