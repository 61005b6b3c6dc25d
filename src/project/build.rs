//! Reads what decides how the code is bundled: module rules, aliases, definitions and switches.
//!
//! Only read here, with paths made absolute; the bundler gives it meaning.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::define;
use super::load::LoadRequest;
use super::overlay::Layers;
use super::read::{Inputs, normal};
use super::report::Report;
use super::shape::Shape;
use super::tree::Node;
use crate::base::diag::Diagnostic;

/// The names that code asks for `NODE_ENV` by; `"development"` unless something else is said.
pub const NODE_ENV: [&str; 3] =
    ["process.env.NODE_ENV", "global.process.env.NODE_ENV", "globalThis.process.env.NODE_ENV"];

/// How the code is bundled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// What files become that are not code, first match counts; the platform's defaults are included.
    pub rules: Vec<Rule>,
    /// Import specifier to what is imported instead; relative targets are relative to the project's root.
    pub alias: Vec<(String, String)>,
    /// Name to the source text that stands for it.
    pub define: Vec<(String, String)>,
    /// The `tsconfig.json` to use instead of the nearest one.
    pub tsconfig: Option<PathBuf>,
    /// What JSX elements become; the platform's default is `React.createElement`, unless tsconfig says more.
    pub jsx_factory: Option<String>,
    /// What JSX fragments become; the platform's default is `React.Fragment`, unless tsconfig says more.
    pub jsx_fragment: Option<String>,
    /// The conditions by which the files of packages are chosen, besides those of the platform and the kind of import.
    pub conditions: Vec<String>,
    /// What the files of packages are chosen for.
    pub platform: BuildPlatform,
    /// Whether to minify.
    pub minify: bool,
    /// Whether functions and classes keep their names; on unless switched off.
    pub keep_names: bool,
    /// Whether the main module is used as it is.
    pub no_bundle: bool,
    /// A command to run before the main module is read.
    pub command: Option<BuildCommand>,
    /// Whether modules that nothing imports are found by `rules` below `base_dir`; follows `no_bundle`.
    pub find_additional_modules: bool,
    /// Where module names are relative to; the main module's directory if not given.
    pub base_dir: Option<PathBuf>,
}

/// What the files of packages are chosen for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BuildPlatform {
    /// A browser, which Workers are more like than anything else.
    #[default]
    Browser,
    /// Node.
    Node,
    /// Nothing in particular.
    Neutral,
}

/// `build.command` and what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildCommand {
    /// A shell's command line.
    pub command: String,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Directories whose changes run it again.
    pub watch_dir: Vec<PathBuf>,
    /// Place of the command in the configuration.
    pub span: Range<usize>,
    /// What files add to its environment.
    pub env: BTreeMap<String, String>,
}

/// What the files that match become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What they become.
    pub kind: ModuleKind,
    /// Patterns of paths; one must match.
    pub globs: Vec<String>,
    /// Whether later rules of the same kind count as well.
    pub fallthrough: bool,
}

/// What a file becomes as a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModuleKind {
    /// JavaScript with `import` and `export`.
    EsModule,
    /// JavaScript with `require` and `module.exports`.
    CommonJs,
    /// A `WebAssembly.Module`.
    CompiledWasm,
    /// A string.
    Text,
    /// An `ArrayBuffer`.
    Data,
}

impl ModuleKind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "ESModule" => Self::EsModule,
            "CommonJS" => Self::CommonJs,
            "CompiledWasm" => Self::CompiledWasm,
            "Text" => Self::Text,
            "Data" => Self::Data,
            _ => return None,
        })
    }
}

const KINDS: &[&str] = &["ESModule", "CommonJS", "CompiledWasm", "Text", "Data"];

/// Reads everything about bundling; relative paths are relative to `root`, the configuration's directory.
pub fn read(
    report: &mut Report,
    layers: &Layers<'_>,
    request: &LoadRequest,
    root: &Path,
    inputs: &mut Inputs,
) -> Build {
    let overrides = &request.overrides;
    let no_bundle = overrides.no_bundle.or(layers.flag("no_bundle")).unwrap_or(false);
    let text = |key: &str, flag: &Option<String>| flag.clone().or(layers.text(key).map(str::to_owned));
    define::check(report, layers, &overrides.define);
    let given = [("jsx_factory", &overrides.jsx_factory), ("jsx_fragment", &overrides.jsx_fragment)];
    let given: Vec<_> = given.iter().filter(|(_, flag)| flag.is_some()).map(|(key, _)| *key).collect();
    define::check_jsx(report, layers, &given);
    Build {
        rules: rules(report, layers),
        alias: pairs(layers.get("alias"), &overrides.alias),
        define: with_node_env(pairs(layers.get("define"), &overrides.define), request),
        tsconfig: tsconfig(report, layers, request, root, inputs),
        jsx_factory: text("jsx_factory", &overrides.jsx_factory),
        jsx_fragment: text("jsx_fragment", &overrides.jsx_fragment),
        conditions: conditions(request),
        platform: platform(report, request),
        minify: overrides.minify.or(layers.flag("minify")).unwrap_or(false),
        keep_names: layers.flag("keep_names").unwrap_or(true),
        no_bundle,
        command: command(layers.get("build"), request, root),
        find_additional_modules: layers.flag("find_additional_modules").unwrap_or(no_bundle),
        base_dir: layers.text("base_dir").map(|path| normal(&root.join(path))),
    }
}

/// The file named as `tsconfig`, which must exist unless a command makes it first.
fn tsconfig(
    report: &mut Report,
    layers: &Layers<'_>,
    request: &LoadRequest,
    root: &Path,
    inputs: &mut Inputs,
) -> Option<PathBuf> {
    let message = |text: &str| format!("the TypeScript configuration `{text}` does not exist");
    let help = "correct the path, or leave it out for the nearest `tsconfig.json`";
    if let Some(path) = &request.overrides.tsconfig {
        let full = normal(&request.cwd.join(path));
        if !inputs.is_file(&full) {
            let message = message(&path.display().to_string());
            report.push(Diagnostic::error("config/tsconfig-not-found", message)).help(help);
        }
        return Some(full);
    }
    let found = layers.find("tsconfig")?;
    let node = &found.entry.node;
    let text = node.as_text()?;
    let full = normal(&root.join(text));
    let is_built = layers.get("build").is_some_and(|build| build.text("command").is_some());
    if !is_built && !inputs.is_file(&full) {
        report.error("config/tsconfig-not-found", node.span.clone(), message(text)).help(help);
    }
    Some(full)
}

/// The entries of a table of texts, with those of the command line over them.
fn pairs(node: Option<&Node>, overrides: &[(String, String)]) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let given = node.map(Node::entries).unwrap_or_default();
    let given = given.iter().filter_map(|entry| Some((entry.key.clone(), entry.node.as_text()?.to_owned())));
    for (name, value) in given.chain(overrides.iter().cloned()) {
        match pairs.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => pairs.push((name, value)),
        }
    }
    pairs
}

/// `define` with what `NODE_ENV` says, if it says something: packages choose their code by it.
fn with_node_env(mut define: Vec<(String, String)>, request: &LoadRequest) -> Vec<(String, String)> {
    let Some(said) = request.process_env.get("NODE_ENV").filter(|said| !said.is_empty()) else {
        return define;
    };
    for name in NODE_ENV {
        if !define.iter().any(|(other, _)| other == name) {
            define.push((name.to_owned(), serde_json::Value::from(said.as_str()).to_string()));
        }
    }
    define
}

/// Fidelity: wrangler 4.164.0 splits the variable at commas and changes nothing else; an empty one leaves no condition.
fn conditions(request: &LoadRequest) -> Vec<String> {
    let said = request.process_env.get("WRANGLER_BUILD_CONDITIONS").map(String::as_str);
    said.unwrap_or("workerd,worker,browser").split(',').map(str::to_owned).collect()
}

/// What the process's environment says of the platform.
fn platform(report: &mut Report, request: &LoadRequest) -> BuildPlatform {
    const VARIABLE: &str = "WRANGLER_BUILD_PLATFORM";
    match request.process_env.get(VARIABLE).map(String::as_str) {
        None | Some("browser") => BuildPlatform::Browser,
        Some("node") => BuildPlatform::Node,
        Some("neutral") => BuildPlatform::Neutral,
        Some(other) => {
            let message = format!("the environment variable `{VARIABLE}` is `{other}`, which is no platform");
            report
                .push(Diagnostic::error("config/environment-variable", message))
                .help("set it to `browser`, `node` or `neutral`, or unset it");
            BuildPlatform::Browser
        }
    }
}

/// Fidelity: in wrangler 4.164.0 the command runs in the working directory, not the configuration's, while
/// `watch_dir` is relative to the configuration and `./src` by default.
fn command(build: Option<&Node>, request: &LoadRequest, root: &Path) -> Option<BuildCommand> {
    let build = build?;
    let node = build.get("command")?;
    let command = node.as_text().filter(|command| !command.is_empty())?;
    let watch_dir = match build.get("watch_dir") {
        None => vec![root.join("src")],
        Some(node) => {
            let texts = node.items().iter().chain(Some(node)).filter_map(Node::as_text);
            texts.map(|path| normal(&root.join(path))).collect()
        }
    };
    Some(BuildCommand {
        command: command.to_owned(),
        cwd: build.text("cwd").map_or_else(|| request.cwd.clone(), |cwd| request.cwd.join(cwd)),
        watch_dir,
        span: node.span.clone(),
        env: request.file_env.clone(),
    })
}

/// The rules of the configuration and then the platform's own, without those that a rule before hides.
///
/// Fidelity: wrangler 4.164.0: a rule hides all later ones of its kind unless it has `fallthrough`, the
/// defaults too; it warns of that unless `fallthrough` is explicitly false.
fn rules(report: &mut Report, layers: &Layers<'_>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let mut closed: BTreeMap<ModuleKind, Option<&Node>> = BTreeMap::new();
    let found = layers.find("rules");
    let items = found.as_ref().map(|found| found.entry.node.items()).unwrap_or_default();
    for (index, node) in items.iter().enumerate() {
        let Some(kind_node) = node.get("type") else { continue };
        let Some(kind) = kind_node.as_text().and_then(ModuleKind::of) else {
            if let Some(found) = &found
                && kind_node.as_text().is_some()
            {
                let path = format!("{}[{index}].type", found.path);
                Shape::OneOf(KINDS).check(report, &path, kind_node);
            }
            continue;
        };
        let Some(globs) = node.get("globs").map(Node::items) else { continue };
        let fallthrough = node.get("fallthrough").and_then(Node::as_bool);
        match closed.get(&kind) {
            Some(Some(first)) => {
                report
                    .warning("config/rule-ignored", node.span.clone(), "this rule is ignored")
                    .also(first.span.clone(), "this one has the same type and no `fallthrough`")
                    .help("add `fallthrough`, true, to the first rule, or false to say that this is meant");
                continue;
            }
            Some(None) => continue,
            None => {}
        }
        if fallthrough != Some(true) {
            closed.insert(kind, (fallthrough != Some(false)).then_some(node));
        }
        rules.push(Rule {
            kind,
            globs: globs.iter().filter_map(|glob| glob.as_text().map(str::to_owned)).collect(),
            fallthrough: fallthrough == Some(true),
        });
    }
    for rule in default_rules() {
        match closed.get(&rule.kind) {
            None => rules.push(rule),
            Some(None) => {}
            Some(Some(first)) => {
                let globs = rule.globs.join("`, `");
                report
                    .warning(
                        "config/rule-ignored",
                        first.span.clone(),
                        "this rule hides a default one of its type",
                    )
                    .label(format!("`{globs}` no longer count"))
                    .help("add `fallthrough`, true, to keep the default, or false to say that this is meant");
            }
        }
    }
    rules
}

fn default_rules() -> Vec<Rule> {
    let rule = |kind, globs: &[&str]| Rule {
        kind,
        globs: globs.iter().map(|glob| (*glob).to_owned()).collect(),
        fallthrough: false,
    };
    vec![
        rule(ModuleKind::Text, &["**/*.txt", "**/*.html", "**/*.sql"]),
        rule(ModuleKind::Data, &["**/*.bin"]),
        rule(ModuleKind::CompiledWasm, &["**/*.wasm", "**/*.wasm?module"]),
    ]
}
