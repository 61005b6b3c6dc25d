//! Reads the bindings: what the Worker finds in `env` besides its variables.
//!
//! Durable Objects and services are read in full. Every other kind is kept as [`Unsupported`], so that
//! it can be named at start and throw on first use instead of being absent without a word.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use super::keys::{KEYS, Role};
use super::overlay::Layers;
use super::report::Report;
use super::tree::{Node, Value};

/// A binding to a Durable Object class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DurableObjectBinding {
    /// Its name in `env`.
    pub name: String,
    /// The class.
    pub class_name: String,
    /// The Worker that has the class, if it is another one.
    pub script_name: Option<String>,
    /// The environment of that Worker.
    pub environment: Option<String>,
    /// Place of the class name in the configuration.
    pub span: Range<usize>,
}

impl DurableObjectBinding {
    /// Whether the class is one of the Worker called `worker`, the one that has the binding.
    pub fn is_own(&self, worker: &str) -> bool {
        self.script_name.as_deref().is_none_or(|script| script == worker)
    }
}

/// A binding to another Worker, or to an entry point of this one.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceBinding {
    /// Its name in `env`.
    pub binding: String,
    /// The Worker.
    pub service: String,
    /// The export that answers; the default one if absent.
    pub entrypoint: Option<String>,
    /// What the entry point finds in `ctx.props`; `{}` if absent.
    pub props: serde_json::Value,
    /// Place of the service's name in the configuration.
    pub span: Range<usize>,
}

/// Something asked for that dodev does not emulate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// The configuration's key, for example `kv_namespaces`.
    pub kind: String,
    /// The name in `env` that must throw on use, if it makes one.
    pub binding: Option<String>,
    /// Where it stands.
    pub span: Range<usize>,
}

/// Every name given to `env`, to find those given twice.
#[derive(Debug, Default)]
pub struct Names(Vec<(String, String, Range<usize>)>);

impl Names {
    /// Notes that `key` gives `name` at `span`.
    pub fn add(&mut self, name: &str, key: &str, span: Range<usize>) {
        self.0.push((name.to_owned(), key.to_owned(), span));
    }

    /// Whether what gives the name at `span` was read already.
    fn is_read(&self, span: &Range<usize>) -> bool {
        self.0.iter().any(|(_, _, known)| known == span)
    }

    /// All names so far.
    pub fn all(&self) -> BTreeSet<String> {
        self.0.iter().map(|(name, _, _)| name.clone()).collect()
    }

    /// Reports every name that is given more than once.
    pub fn check(self, report: &mut Report) {
        let mut places: BTreeMap<String, Vec<(String, Range<usize>)>> = BTreeMap::new();
        for (name, key, span) in self.0 {
            places.entry(name).or_default().push((key, span));
        }
        for (name, places) in places {
            for (key, span) in places.iter().skip(1) {
                let (first, first_span) = &places[0];
                let message = match first == key {
                    true => format!("the binding `{name}` is given twice in `{key}`"),
                    false => format!("the binding `{name}` is given in `{first}` and again in `{key}`"),
                };
                report
                    .error("config/duplicate-binding", span.clone(), message)
                    .also(first_span.clone(), "first given here")
                    .help("every name in `env` must be unique; rename one of them");
            }
        }
    }
}

/// What `durable_objects.code_update_strategy` says about objects that are busy: zero is `immediate`.
pub fn code_update_delay(layers: &Layers<'_>) -> Option<Duration> {
    let strategy = layers.find("durable_objects")?.entry.node.get("code_update_strategy")?;
    if strategy.text("mode") == Some("immediate") {
        return Some(Duration::ZERO);
    }
    let seconds = strategy.get("max_delay")?.as_number()?.as_f64()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// The bindings of `durable_objects`.
pub fn durable_objects(
    report: &mut Report,
    layers: &Layers<'_>,
    names: &mut Names,
) -> Vec<DurableObjectBinding> {
    let Some(found) = layers.find("durable_objects") else { return Vec::new() };
    let items = found.entry.node.get("bindings").map(Node::items).unwrap_or_default();
    if let Some(delay) = found.entry.node.get("code_update_strategy").and_then(|node| node.get("max_delay"))
        && delay
            .as_number()
            .and_then(|number| number.as_f64())
            .is_some_and(|s| !(0.0..=86_400.0).contains(&s))
    {
        let message =
            format!("`{}.code_update_strategy.max_delay` must be from 0 to 86400 seconds", found.path);
        report.error("config/bad-value", delay.span.clone(), message);
    }
    let mut bindings = Vec::new();
    for item in items {
        if let (Some(environment), None) = (item.entry("environment"), item.get("script_name")) {
            let message = "`environment` has no meaning without `script_name`";
            report
                .error("config/bad-value", environment.key_span.clone(), message)
                .help("add `script_name`, the Worker that has the class");
        }
        let (Some(name), Some(class)) = (item.get("name"), item.get("class_name")) else { continue };
        let (Some(name_text), Some(class_text)) = (name.as_text(), class.as_text()) else { continue };
        names.add(name_text, "durable_objects", name.span.clone());
        bindings.push(DurableObjectBinding {
            name: name_text.to_owned(),
            class_name: class_text.to_owned(),
            script_name: item.text("script_name").map(str::to_owned),
            environment: item.text("environment").map(str::to_owned),
            span: class.span.clone(),
        });
    }
    bindings
}

/// The bindings of `services`; those that want a remote Worker or a plugin go to `unsupported`.
pub fn services(
    layers: &Layers<'_>,
    names: &mut Names,
    unsupported: &mut Vec<Unsupported>,
) -> Vec<ServiceBinding> {
    let mut bindings = Vec::new();
    for item in layers.get("services").map(Node::items).unwrap_or_default() {
        let (Some(binding), Some(service)) = (item.get("binding"), item.get("service")) else { continue };
        let (Some(name), Some(service_name)) = (binding.as_text(), service.as_text()) else { continue };
        names.add(name, "services", binding.span.clone());
        let remote = item.get("remote").and_then(Node::as_bool) == Some(true);
        if remote || item.get("dev").is_some() {
            let kind = if remote { "services with `remote`" } else { "services with `dev`" };
            let span = binding.span.clone();
            unsupported.push(Unsupported { kind: kind.into(), binding: Some(name.to_owned()), span });
            continue;
        }
        bindings.push(ServiceBinding {
            binding: name.to_owned(),
            service: service_name.to_owned(),
            entrypoint: item.text("entrypoint").map(str::to_owned),
            props: item.get("props").map_or_else(|| serde_json::json!({}), Node::to_json),
            span: service.span.clone(),
        });
    }
    bindings
}

/// The items of the list `key` by their bindings' names; those that want the platform's own go to `unsupported`.
pub fn local_items<'a>(
    layers: &'a Layers<'_>,
    key: &str,
    names: &mut Names,
    unsupported: &mut Vec<Unsupported>,
) -> Vec<(&'a str, &'a Node)> {
    let mut items = Vec::new();
    for item in layers.get(key).map(Node::items).unwrap_or_default() {
        let Some(binding) = item.get("binding") else { continue };
        let Some(name) = binding.as_text() else { continue };
        names.add(name, key, binding.span.clone());
        if item.get("remote").and_then(Node::as_bool) == Some(true) {
            let (kind, span) = (format!("{key} with `remote`"), binding.span.clone());
            unsupported.push(Unsupported { kind, binding: Some(name.to_owned()), span });
        } else {
            items.push((name, item));
        }
    }
    items
}

/// Everything else that the table of keys calls unsupported.
pub fn unsupported(layers: &Layers<'_>, names: &mut Names, unsupported: &mut Vec<Unsupported>) {
    for key in KEYS {
        let Role::Unsupported(how) = key.role else { continue };
        let Some(found) = layers.find(key.name) else { continue };
        let node = &found.entry.node;
        // An empty list or table asks for nothing.
        if node.items().is_empty() && node.entries().is_empty() && node.as_text().is_none() {
            continue;
        }
        let all = how.of(node);
        let bindings: Vec<_> = all.iter().filter(|(_, span)| !names.is_read(span)).collect();
        if bindings.len() < all.len() && bindings.is_empty() {
            continue;
        }
        // Nor do tables of empty lists, which build tools write.
        let empty = |node: &Node| matches!(&node.value, Value::List(items) if items.is_empty());
        let entries = node.entries();
        if !entries.is_empty() && entries.iter().all(|entry| empty(&entry.node)) {
            continue;
        }
        for (name, span) in &bindings {
            names.add(name, key.name, span.clone());
            let binding = Some((*name).to_owned());
            unsupported.push(Unsupported { kind: key.name.into(), binding, span: span.clone() });
        }
        if bindings.is_empty() {
            let span = found.entry.key_span.clone();
            unsupported.push(Unsupported { kind: key.name.into(), binding: None, span });
        }
    }
    if let Some(entry) = layers.get("triggers").and_then(|node| node.entry("events")) {
        let span = entry.key_span.clone();
        unsupported.push(Unsupported { kind: "triggers.events".into(), binding: None, span });
    }
}

/// Reports names of R2 buckets that the platform does not take.
///
/// Fidelity: wrangler 4.164.0 does not start with them.
pub fn check_buckets(report: &mut Report, layers: &Layers<'_>) {
    for item in layers.get("r2_buckets").map(Node::items).unwrap_or_default() {
        for key in ["bucket_name", "preview_bucket_name"] {
            let Some(node) = item.get(key) else { continue };
            let Some(name) = node.as_text().filter(|name| !is_bucket_name(name)) else { continue };
            let message = format!("`{name}` cannot be the name of an R2 bucket");
            report.error("config/bad-name", node.span.clone(), message).help(
                "use 3 to 63 lower-case letters, digits and dashes, with no dash at the beginning or the end",
            );
        }
    }
}

fn is_bucket_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.chars().all(|c| is_plain(c) || c == '-')
        && name.starts_with(is_plain)
        && name.ends_with(is_plain)
}

/// Warns of all that is not emulated, once per kind.
pub fn report_unsupported(report: &mut Report, unsupported: &[Unsupported]) {
    let mut kinds: Vec<&str> = Vec::new();
    for item in unsupported {
        if !kinds.contains(&item.kind.as_str()) {
            kinds.push(&item.kind);
        }
    }
    for kind in kinds {
        let of_kind: Vec<&Unsupported> = unsupported.iter().filter(|item| item.kind == kind).collect();
        let mut bindings: Vec<&str> = of_kind.iter().filter_map(|item| item.binding.as_deref()).collect();
        bindings.dedup();
        let kind = if kind.contains('`') { kind.to_owned() } else { format!("`{kind}`") };
        let message = format!("dodev does not emulate {kind} yet");
        let mut added = report.warning("config/not-emulated", of_kind[0].span.clone(), message);
        for item in &of_kind[1..] {
            added = added.also(item.span.clone(), "");
        }
        match bindings.is_empty() {
            true => added.help("the Worker starts without it"),
            false => added.help(format!("the Worker starts; using `{}` throws", bindings.join("`, `"))),
        };
    }
}
