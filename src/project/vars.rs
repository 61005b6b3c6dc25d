//! Reads the variables of the Worker: `vars`, then `.dev.vars` or the `.env` family, then flags.
//!
//! Files next to the configuration hold what must not be committed; they win over `vars`, and flags win
//! over files. Only one family of files is read.
//! Fidelity: wrangler 4.164.0: `.dev.vars.<env>` replaces `.dev.vars`, and either one replaces all `.env`
//! files, of which later ones win: `.env`, `.env.local`, `.env.<env>`, `.env.<env>.local`. A file's value
//! never hides a binding of another kind. Only a flag names the `<env>` here, not `CLOUDFLARE_ENV`. The `.env` files of
//! the working directory are also added to the tool's own environment, where `CLOUDFLARE_ENV` chooses.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::bindings::Names;
use super::dotenv;
use super::load::LoadRequest;
use super::overlay::Layers;
use super::read::{Inputs, Read};
use super::report::Report;
use super::tree::{Node, Value};
use crate::base::diag::Diagnostic;

/// The value of a variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Var {
    /// A string, as it is.
    Text(String),
    /// Any other JSON value, which the Worker sees as such.
    Json(serde_json::Value),
}

/// The variables in the order of `env`, names unique. `names` must already have the bindings of other kinds.
pub fn read(
    report: &mut Report,
    layers: &Layers<'_>,
    request: &LoadRequest,
    home: &Path,
    inputs: &mut Inputs,
    names: &mut Names,
) -> Vec<(String, Var)> {
    let mut vars = Vars::default();
    let taken = names.all();
    if let Some(found) = layers.find("vars") {
        for entry in found.entry.node.entries() {
            refuse_dates(report, &format!("{}.{}", found.path, entry.key), &entry.node);
            // A key given twice has been reported, and is no second binding.
            if !vars.has(&entry.key) {
                names.add(&entry.key, "vars", entry.key_span.clone());
            }
            vars.set(&entry.key, Var::of(&entry.node));
        }
    }
    let secrets = secrets(layers, names);
    let environment = request.flagged_environment();
    let mut values = from_files(report, request, environment, home, inputs, secrets.is_some());
    report_not_read(report, request, environment, home, inputs);
    for name in values.iter().flatten().map(|(name, _)| name).filter(|name| taken.contains(*name)) {
        let message =
            format!("the variable `{name}` of a file is ignored, since a binding has the same name");
        report.push(Diagnostic::warning("config/env-file", message)).help("rename one of them");
    }
    values.iter_mut().for_each(|values| values.retain(|(name, _)| !taken.contains(name)));
    let read_names: Vec<String> = values.iter().flatten().map(|(name, _)| name.clone()).collect();
    match &secrets {
        // With `secrets`, only what is named there or in `vars` comes from files.
        Some(required) => {
            for (name, value) in values.iter().flatten() {
                if vars.has(name) || required.iter().any(|(secret, _)| secret == name) {
                    vars.set(name, Var::Text(value.clone()));
                }
            }
            let given = |name: &str| {
                values.iter().flatten().any(|(other, _)| other == name)
                    || request.overrides.vars.iter().any(|(other, _)| other == name)
            };
            let missing: Vec<_> = required.iter().filter(|(name, _)| !given(name)).collect();
            report_missing(report, &missing);
        }
        None => {
            for (name, value) in values.into_iter().flatten() {
                vars.set(&name, Var::Text(value));
            }
        }
    }
    for (name, value) in &request.overrides.vars {
        vars.set(name, Var::Text(value.clone()));
    }
    let of_files: BTreeSet<&str> = read_names.iter().map(String::as_str).collect();
    in_order(vars.0, &request.overrides.vars, &of_files)
}

/// `vars` as the Worker meets them.
///
/// Fidelity: wrangler 4.164.0: JSON first, then what flags say in their order, then texts of the configuration, then those of
/// files.
fn in_order(
    vars: Vec<(String, Var)>,
    flags: &[(String, String)],
    of_files: &BTreeSet<&str>,
) -> Vec<(String, Var)> {
    let mut vars = vars;
    vars.sort_by_key(|(name, var)| {
        let flag = flags.iter().position(|(other, _)| other == name);
        match (var, flag) {
            (Var::Json(_), _) => (0, 0),
            (_, Some(at)) => (1, at),
            _ if !of_files.contains(name.as_str()) => (2, 0),
            _ => (3, 0),
        }
    });
    vars
}

/// Reports the TOML dates in the variable `path`: workerd has none.
fn refuse_dates(report: &mut Report, path: &str, node: &Node) {
    if let Value::Datetime(date) = &node.value {
        let message = format!("`{path}` is a TOML date, which cannot be a variable");
        let added = report.error("config/wrong-type", node.span.clone(), message);
        added.help(format!("put it in quotes: \"{date}\""));
    }
    for entry in node.entries() {
        refuse_dates(report, &format!("{path}.{}", entry.key), &entry.node);
    }
    for (index, item) in node.items().iter().enumerate() {
        refuse_dates(report, &format!("{path}[{index}]"), item);
    }
}

/// `request` with the process's environment as files add to it, where the process has no value of its own.
pub fn with_env_files(request: &LoadRequest, inputs: &mut Inputs) -> LoadRequest {
    let environment = request.flagged_environment();
    let mut parsed: Vec<(String, String)> = Vec::new();
    for path in env_files(request, environment, &request.cwd) {
        // What is wrong with a file is told when variables are taken from it.
        if let (Read::Text(source), _) = inputs.read_any(&path) {
            for assignment in dotenv::parse(&source).0 {
                assign(&mut parsed, assignment.name, assignment.value);
            }
        }
    }
    let mut request = request.clone();
    let named: BTreeSet<String> = parsed.iter().map(|(name, _)| name.clone()).collect();
    let values = expand_all(parsed, Some(&request.process_env));
    request.file_env = values
        .into_iter()
        .filter(|(name, _)| {
            named.contains(name) && request.process_env.get(name).is_none_or(String::is_empty)
        })
        .collect();
    request.process_env.extend(request.file_env.clone());
    request
}

/// Warns of files for the environment that `CLOUDFLARE_ENV` chose, which are read for that of a flag alone.
fn report_not_read(
    report: &mut Report,
    request: &LoadRequest,
    environment: Option<&str>,
    home: &Path,
    inputs: &mut Inputs,
) {
    let (None, Some(chosen)) = (environment, request.environment()) else { return };
    for prefix in [".dev.vars", ".env"] {
        let name = format!("{prefix}.{chosen}");
        if inputs.is_file(&home.join(&name)) {
            let message = format!(
                "`{name}` is not read: `CLOUDFLARE_ENV` chose the environment `{chosen}`, not a flag"
            );
            let help = format!("start with `--env {chosen}`, as with wrangler");
            report.push(Diagnostic::warning("config/env-file", message)).help(help);
        }
    }
}

/// Warns of secrets that have no value, together: whoever lacks one lacks most of them.
fn report_missing(report: &mut Report, missing: &[&(String, Range<usize>)]) {
    let Some(((first, span), others)) = missing.split_first() else { return };
    let names: Vec<String> = missing.iter().map(|(name, _)| format!("`{name}`")).collect();
    let message = match others {
        [] => format!("the secret `{first}` has no value"),
        _ => format!("the secrets {} have no value", names.join(", ")),
    };
    let mut added = report.warning("config/missing-secret", span.clone(), message);
    for (_, span) in others {
        added = added.also(span.clone(), "");
    }
    added.help(format!("add `{first}=…` to `.dev.vars` or `.env`, or set it in the environment"));
}

impl Var {
    fn of(node: &Node) -> Self {
        match &node.value {
            Value::Text(text) => Self::Text(text.clone()),
            _ => Self::Json(node.to_json()),
        }
    }
}

#[derive(Default)]
struct Vars(Vec<(String, Var)>);

impl Vars {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(other, _)| other == name)
    }

    fn set(&mut self, name: &str, value: Var) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }
}

fn secrets(layers: &Layers<'_>, names: &mut Names) -> Option<Vec<(String, Range<usize>)>> {
    let node = layers.get("secrets")?;
    let items = node.get("required").map(Node::items).unwrap_or_default();
    let required: Vec<(String, Range<usize>)> =
        items.iter().filter_map(|item| Some((item.as_text()?.to_owned(), item.span.clone()))).collect();
    for (name, span) in &required {
        names.add(name, "secrets", span.clone());
    }
    Some(required)
}

/// The values of the family of files that counts, or None if there is none.
fn from_files(
    report: &mut Report,
    request: &LoadRequest,
    environment: Option<&str>,
    root: &Path,
    inputs: &mut Inputs,
    has_secrets: bool,
) -> Option<Vec<(String, String)>> {
    if request.overrides.env_files.is_empty() {
        let named = environment.map(|name| root.join(format!(".dev.vars.{name}")));
        for path in named.into_iter().chain([root.join(".dev.vars")]) {
            if let Some(values) = read_file(report, inputs, &path) {
                return Some(values);
            }
        }
    }
    if !request.switch("CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV", true) {
        return None;
    }
    let mut parsed: Vec<(String, String)> = Vec::new();
    let mut found = false;
    for path in env_files(request, environment, root) {
        let values = read_file(report, inputs, &path);
        if values.is_none() && !request.overrides.env_files.is_empty() {
            let message = format!("the file `{}` of `--env-file` does not exist", path.display());
            report.push(Diagnostic::warning("config/env-file", message));
        }
        found |= values.is_some();
        for (name, value) in values.into_iter().flatten() {
            assign(&mut parsed, name, value);
        }
    }
    let with_process = has_secrets || request.switch("CLOUDFLARE_INCLUDE_PROCESS_ENV", false);
    if !found && !with_process {
        return None;
    }
    Some(expand_all(parsed, with_process.then_some(&request.process_env)))
}

fn env_files(request: &LoadRequest, environment: Option<&str>, root: &Path) -> Vec<PathBuf> {
    if !request.overrides.env_files.is_empty() {
        return request.overrides.env_files.iter().map(|path| root.join(path)).collect();
    }
    let mut names = vec![".env".to_owned(), ".env.local".to_owned()];
    if let Some(environment) = environment {
        names.extend([format!(".env.{environment}"), format!(".env.{environment}.local")]);
    }
    names.iter().map(|name| root.join(name)).collect()
}

/// Expands references to variables above, and to those of the process, which also win over the files.
fn expand_all(
    parsed: Vec<(String, String)>,
    process: Option<&BTreeMap<String, String>>,
) -> Vec<(String, String)> {
    let empty = BTreeMap::new();
    let process = process.unwrap_or(&empty);
    let mut known = process.clone();
    let mut values: Vec<(String, String)> = Vec::new();
    for (name, value) in parsed {
        let value = match process.get(&name).filter(|value| !value.is_empty()) {
            Some(value) => value.clone(),
            None => dotenv::expand(&value, &known),
        };
        known.entry(name.clone()).or_insert_with(|| value.clone());
        values.push((name, value));
    }
    for (name, value) in process {
        if values.iter().all(|(other, _)| other != name) {
            values.push((name.clone(), value.clone()));
        }
    }
    values
}

fn read_file(report: &mut Report, inputs: &mut Inputs, path: &Path) -> Option<Vec<(String, String)>> {
    // A directory `.env` is that of some other tool.
    if path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".env")) {
        return None;
    }
    let (read, warning) = inputs.read_any(path);
    if let Some(warning) = warning {
        report.push(warning);
    }
    let source = match read {
        Read::Text(source) => source,
        Read::Absent => return None,
        Read::Failed(diagnostic) => {
            report.push(diagnostic);
            return None;
        }
    };
    let (assignments, diagnostics) = dotenv::parse(&source);
    for diagnostic in diagnostics {
        report.push(diagnostic);
    }
    let mut values: Vec<(String, String)> = Vec::new();
    for assignment in assignments {
        assign(&mut values, assignment.name, assignment.value);
    }
    Some(values)
}

/// Gives the variable `name` a value; one that had another keeps its place, from which later ones can refer to it.
fn assign(values: &mut Vec<(String, String)>, name: String, value: String) {
    match values.iter_mut().find(|(other, _)| *other == name) {
        Some((_, old)) => *old = value,
        None => values.push((name, value)),
    }
}
