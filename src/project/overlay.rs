//! Lays the chosen environment over the top level, with the platform's inheritance rules.
//!
//! What an environment does not inherit (bindings, variables, definitions) is warned of, since a missing
//! binding would otherwise be noticed only when the Worker uses it.
//! Fidelity: wrangler 4.164.0: an environment that is not defined is an error when others are and a
//! warning otherwise, and then the whole top level counts.

use std::collections::BTreeSet;

use super::keys::{self, BindingNames, KEYS, Key, Role, Scope};
use super::nearest::nearest;
use super::report::{Language, Report};
use super::shape::{Shape, unknown_key};
use super::tree::{Entry, Node, Value};

/// The top level and the environment that lies over it.
#[derive(Debug, Clone, Copy)]
pub struct Layers<'a> {
    top: &'a Node,
    environment: Option<Environment<'a>>,
}

#[derive(Debug, Clone, Copy)]
struct Environment<'a> {
    name: &'a str,
    /// None if the text does not define it: the top level counts in full.
    section: Option<&'a Entry>,
}

/// A key that counts, and its path for messages.
#[derive(Debug, Clone)]
pub struct Found<'a> {
    /// The key and its value.
    pub entry: &'a Entry,
    /// `vars` or `env.staging.vars`.
    pub path: String,
}

impl<'a> Layers<'a> {
    /// Chooses the environment called `name`, and reports if it is not there.
    pub fn select(report: &mut Report, top: &'a Node, name: Option<&'a str>) -> Self {
        let Some(name) = name else { return Self { top, environment: None } };
        let sections = top.get("env").map(Node::entries).unwrap_or_default();
        let section = sections.iter().rev().find(|entry| entry.key == name);
        if section.is_none() {
            report_undefined(report, top, name);
        }
        Self { top, environment: Some(Environment { name, section }) }
    }

    /// The whole text's tree.
    pub fn top(&self) -> &'a Node {
        self.top
    }

    /// The name of the chosen environment.
    pub fn environment(&self) -> Option<&'a str> {
        self.environment.map(|environment| environment.name)
    }

    /// The entry of `key` that counts, after inheritance; `null` counts as absent.
    pub fn find(&self, key: &str) -> Option<Found<'a>> {
        let scope = keys::key(key).map_or(Scope::TopLevel, |key| key.scope);
        if let Some((name, section)) = self.section()
            && scope != Scope::TopLevel
        {
            if let Some(entry) = section.node.entry(key).filter(|entry| !entry.node.is_null()) {
                return Some(Found { entry, path: format!("env.{name}.{key}") });
            }
            if scope == Scope::PerEnvironment {
                return None;
            }
        }
        let entry = self.top.entry(key).filter(|entry| !entry.node.is_null())?;
        Some(Found { entry, path: key.to_owned() })
    }

    /// The value of `key` that counts.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.find(key).map(|found| &found.entry.node)
    }

    /// The text of `key` that counts, if it is text.
    pub fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key).and_then(Node::as_text)
    }

    /// The boolean of `key` that counts, if it is one.
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(Node::as_bool)
    }

    /// Whether `key` stands in the chosen environment itself.
    pub fn stands_in_environment(&self, key: &str) -> bool {
        self.section().is_some_and(|(_, section)| section.node.get(key).is_some_and(|node| !node.is_null()))
    }

    /// Compares both layers with the table of keys, and warns of what is not inherited.
    ///
    /// Fidelity: wrangler 4.164.0 takes `legacy_env` from build tools, of which older ones write it.
    pub fn check(&self, report: &mut Report, is_generated: bool) {
        for entry in self.top.entries().iter().filter(|entry| !(is_generated && entry.key == "legacy_env")) {
            match keys::key(&entry.key) {
                _ if entry.key == "env" => Shape::Map(&Shape::Any).check(report, "env", &entry.node),
                Some(key) => check_key(report, key, key.name, entry),
                None => match misplaced(&entry.key) {
                    Some(place) => {
                        let message = format!("unknown key `{}`", entry.key);
                        report
                            .warning("config/unknown-key", entry.key_span.clone(), message)
                            .help(format!("did you mean `{place}`?"));
                    }
                    None => unknown_key(report, "", entry, KEYS.iter().map(|key| key.name).chain(["env"])),
                },
            }
        }
        if let Some((name, section)) = self.section() {
            check_section(report, name, section);
            for key in KEYS.iter().filter(|key| key.scope == Scope::PerEnvironment) {
                if let Some(above) = self.top.entry(key.name) {
                    warn_if_not_inherited(report, name, section, above);
                }
            }
        }
    }

    fn section(&self) -> Option<(&'a str, &'a Entry)> {
        self.environment.and_then(|environment| Some((environment.name, environment.section?)))
    }
}

/// Keys that people write at the top level, and where that stands.
const MISPLACED: &[(&str, &str)] = &[
    ("bindings", "durable_objects.bindings"),
    ("command", "build.command"),
    ("cpu_ms", "limits.cpu_ms"),
    ("cron", "triggers.crons"),
    ("crons", "triggers.crons"),
    ("entry", "main"),
    ("entrypoint", "main"),
    ("environment", "env"),
    ("environments", "env"),
    ("ip", "dev.ip"),
    ("local_protocol", "dev.local_protocol"),
    ("port", "dev.port"),
    ("schedules", "triggers.crons"),
    ("variables", "vars"),
];

fn misplaced(key: &str) -> Option<&'static str> {
    let found = nearest(key, MISPLACED.iter().map(|(name, _)| *name))?;
    // A key that exists may be nearer.
    let known = nearest(key, KEYS.iter().map(|key| key.name));
    let distance = |other: &str| strsim::damerau_levenshtein(key, other);
    if known.is_some_and(|known| distance(known) <= distance(found)) {
        return None;
    }
    MISPLACED.iter().find(|(name, _)| *name == found).map(|(_, place)| *place)
}

fn check_key(report: &mut Report, key: &Key, path: &str, entry: &Entry) {
    match key.role {
        Role::Removed(instead) => {
            let message = format!("`{path}` is no longer supported");
            report.error("config/removed-key", entry.key_span.clone(), message).help(instead);
        }
        Role::Read | Role::Deploy | Role::Unsupported(_) => key.shape.check(report, path, &entry.node),
    }
}

fn report_undefined(report: &mut Report, top: &Node, name: &str) {
    let message = format!("environment `{name}` is not defined");
    match top.entry("env") {
        Some(env) => {
            let names: Vec<&str> = env.node.entries().iter().map(|entry| entry.key.as_str()).collect();
            let help = match nearest(name, names.iter().copied()) {
                Some(known) => format!("did you mean `{known}`?"),
                None if names.is_empty() => format!("add `{name}` to `env`"),
                None => format!("defined are `{}`", names.join("`, `")),
            };
            report.error("config/unknown-environment", env.key_span.clone(), message).help(help);
        }
        None => {
            let lines = match report.language() {
                Language::Json => format!("\"env\": {{ \"{name}\": {{}} }}"),
                Language::Toml => format!("[env.{name}]"),
            };
            report
                .warning("config/unknown-environment", 0..0, message)
                .help(format!("the top level is used as it is; to define the environment, add\n{lines}"));
        }
    }
}

fn check_section(report: &mut Report, name: &str, section: &Entry) {
    let path = format!("env.{name}");
    if !matches!(section.node.value, Value::Record(_)) {
        let message = format!("`{path}` must be an object, not {}", section.node.value.kind());
        report.error("config/wrong-type", section.node.span.clone(), message);
    }
    for entry in section.node.entries() {
        match keys::key(&entry.key) {
            Some(key) if key.scope == Scope::TopLevel => {
                let message = format!("`{}` has no effect in an environment", entry.key);
                report
                    .warning("config/unknown-key", entry.key_span.clone(), message)
                    .help(format!("move `{}` to the top level", entry.key));
            }
            Some(key) => check_key(report, key, &format!("{path}.{}", key.name), entry),
            None => {
                let known = KEYS.iter().filter(|key| key.scope != Scope::TopLevel).map(|key| key.name);
                unknown_key(report, &path, entry, known);
            }
        }
    }
}

fn warn_if_not_inherited(report: &mut Report, environment: &str, section: &Entry, above: &Entry) {
    let key = above.key.as_str();
    let Some(own) = section.node.entry(key) else {
        report
            .warning(
                "config/not-inherited",
                section.key_span.clone(),
                format!("environment `{environment}` has no `{key}` of its own and does not inherit it"),
            )
            .label("missing here")
            .also(above.key_span.clone(), "only counts without an environment")
            .help(format!("add `{key}` to `env.{environment}`"));
        return;
    };
    let given: BTreeSet<&str> = names(own).into_iter().collect();
    let missing: Vec<&str> = names(above).into_iter().filter(|name| !given.contains(name)).collect();
    if !missing.is_empty() {
        let missing = format!("`{}`", missing.join("`, `"));
        report
            .warning(
                "config/not-inherited",
                own.key_span.clone(),
                format!(
                    "`{key}` of environment `{environment}` lacks {missing} \
                     and does not inherit from the top level"
                ),
            )
            .label("missing here")
            .also(above.key_span.clone(), "given here")
            .help(format!("add {missing} to `env.{environment}.{key}`"));
    }
}

/// The names that the value of `entry` gives to the Worker.
fn names(entry: &Entry) -> Vec<&str> {
    let how = match (entry.key.as_str(), keys::key(&entry.key).map(|key| key.role)) {
        ("vars" | "define", _) => BindingNames::Keys,
        ("durable_objects", _) => BindingNames::Nested("bindings", "name"),
        ("services", _) => BindingNames::Field("binding"),
        (_, Some(Role::Unsupported(how))) => how,
        (_, _) => BindingNames::None,
    };
    how.of(&entry.node).into_iter().map(|(name, _)| name).collect()
}

impl BindingNames {
    /// The bindings' names in `node`, the value of their key, with the places of the names.
    pub fn of<'a>(&self, node: &'a Node) -> Vec<(&'a str, std::ops::Range<usize>)> {
        let name_of = |item: &'a Node, field: &str| {
            let name = item.get(field)?;
            Some((name.as_text()?, name.span.clone()))
        };
        match self {
            Self::None => Vec::new(),
            Self::Keys => {
                node.entries().iter().map(|entry| (entry.key.as_str(), entry.key_span.clone())).collect()
            }
            Self::Field(field) => match node.items() {
                [] => name_of(node, field).into_iter().collect(),
                items => items.iter().filter_map(|item| name_of(item, field)).collect(),
            },
            Self::Nested(list, field) => {
                let items = node.get(list).map(Node::items).unwrap_or_default();
                items.iter().filter_map(|item| name_of(item, field)).collect()
            }
        }
    }
}
