//! Keys that mean something only when the Worker is deployed, and whose mistakes keep wrangler from starting all the same.
//!
//! What each holds is checked by its shape; here, what their parts have to do with each other.
//! Fidelity: wrangler 4.164.0, its `validation.ts` and `validate-routes.ts`.

use super::overlay::{Found, Layers};
use super::report::Report;
use super::tree::{Node, Value};

/// Reports what is wrong with `observability`, `placement`, routes, and bindings that lead to one of several things.
pub fn check(report: &mut Report, layers: &Layers<'_>) {
    let is_record = |found: &Found<'_>| matches!(found.entry.node.value, Value::Record(_));
    if let Some(found) = layers.find("observability").filter(is_record) {
        check_observability(report, &found);
    }
    if let Some(found) = layers.find("placement").filter(is_record) {
        check_placement(report, &found);
    }
    if let Some(found) = layers.find("route") {
        check_route(report, &found.path, &found.entry.node);
    }
    if let Some(found) = layers.find("routes") {
        for (index, route) in found.entry.node.items().iter().enumerate() {
            check_route(report, &format!("{}[{index}]", found.path), route);
        }
    }
    for (key, targets) in ONE_OF {
        let Some(found) = layers.find(key) else { continue };
        for (index, item) in found.entry.node.items().iter().enumerate() {
            check_target(report, &format!("{}[{index}]", found.path), item, targets);
        }
    }
}

/// Lists whose items need one of these keys.
const ONE_OF: &[(&str, &[&str])] = &[
    ("pipelines", &["stream", "pipeline"]),
    ("vpc_networks", &["tunnel_id", "network_id"]),
    ("containers", &["class_name", "name"]),
];

fn check_target(report: &mut Report, path: &str, node: &Node, targets: &[&str]) {
    let named = targets.iter().map(|target| format!("`{target}`")).collect::<Vec<_>>().join(" or ");
    if matches!(node.value, Value::Record(_)) && targets.iter().all(|target| node.get(target).is_none()) {
        let message = format!("`{path}` needs {named}");
        let help = format!("add \"{}\": \"…\"", targets[0]);
        report.error("config/missing-key", node.span.clone(), message).help(help);
    }
}

fn check_observability(report: &mut Report, Found { entry, path }: &Found<'_>) {
    let node = &entry.node;
    let part = |key: &str| if key.is_empty() { Some(node) } else { node.get(key) };
    let is_said = |key: &str| part(key).is_some_and(|part| part.get("enabled").is_some());
    if !["", "logs", "traces", "issues"].into_iter().any(is_said) {
        report
            .error(
                "config/missing-key",
                entry.key_span.clone(),
                format!("`{path}` does not say what is enabled"),
            )
            .help("add \"enabled\": true to it");
    }
    for key in ["", "logs", "traces"] {
        let Some(rate) = part(key).and_then(|part| part.get("head_sampling_rate")) else { continue };
        if rate
            .as_number()
            .and_then(serde_json::Number::as_f64)
            .is_some_and(|rate| !(0.0..=1.0).contains(&rate))
        {
            let dot = if key.is_empty() { "" } else { "." };
            let message = format!("`{path}{dot}{key}.head_sampling_rate` must be from 0 to 1");
            report.error("config/bad-value", rate.span.clone(), message).help("1 is all, 0.1 every tenth");
        }
    }
}

fn check_placement(report: &mut Report, Found { entry, path }: &Found<'_>) {
    let node = &entry.node;
    let mode = node.get("mode");
    let said = mode.and_then(Node::as_text);
    let targets: Vec<_> = node
        .entries()
        .iter()
        .filter(|entry| matches!(entry.key.as_str(), "region" | "host" | "hostname"))
        .collect();
    let hint = node.entry("hint");
    if let (Some(hint), Some(target)) = (hint, targets.first()) {
        let message = format!("`{path}` cannot have both `hint` and `{}`", target.key);
        report
            .error("config/bad-value", hint.key_span.clone(), message)
            .also(target.key_span.clone(), "")
            .help("keep one of the two");
        return;
    }
    if let [first, second, ..] = targets.as_slice() {
        let message = format!("`{path}` cannot have both `{}` and `{}`", first.key, second.key);
        report
            .error("config/bad-value", second.key_span.clone(), message)
            .also(first.key_span.clone(), "")
            .help("keep one of the two");
    }
    for target in targets.iter().filter(|target| target.node.as_text() == Some("")) {
        let message = format!("`{path}.{}` must not be empty", target.key);
        report.error("config/bad-value", target.node.span.clone(), message);
    }
    let Some(mode) = mode else {
        if targets.is_empty() {
            let message = format!("`{path}` needs `mode`");
            report
                .error("config/missing-key", entry.key_span.clone(), message)
                .help("add \"mode\": \"smart\" to it");
        }
        return;
    };
    let wanted = match (hint, targets.is_empty()) {
        (Some(_), _) => "smart",
        (None, false) => "targeted",
        (None, true) if said == Some("targeted") => {
            let message = format!("`{path}` is `targeted` at nothing");
            report
                .error("config/missing-key", mode.span.clone(), message)
                .help("add `region`, `host` or `hostname` to it");
            return;
        }
        (None, true) => return,
    };
    if said.is_some_and(|said| said != wanted) {
        let beside = hint.map_or_else(|| targets[0].key.as_str(), |hint| hint.key.as_str());
        let message = format!("`{path}.{beside}` needs the mode `{wanted}`");
        report
            .error("config/bad-value", mode.span.clone(), message)
            .help(format!("write \"{wanted}\", or remove `{beside}`"));
    }
}

fn check_route(report: &mut Report, path: &str, node: &Node) {
    let Some(pattern) = node.get("pattern") else { return };
    let Some(text) = pattern.as_text() else { return };
    if let (Some(_), Some(zone)) = (node.get("zone_id"), node.entry("zone_name")) {
        let message = format!("`{path}` cannot have both `zone_id` and `zone_name`");
        report.error("config/bad-value", zone.key_span.clone(), message).help("keep one of the two");
    }
    if !["zone_id", "zone_name", "custom_domain"].into_iter().any(|key| node.get(key).is_some()) {
        let message = format!("`{path}` does not say which zone `{text}` belongs to");
        report
            .error("config/missing-key", pattern.span.clone(), message)
            .help("add `zone_name`, `zone_id` or `custom_domain`");
    }
    if node.get("custom_domain").and_then(Node::as_bool) == Some(true) && text.contains(['*', '/']) {
        let message = format!("`{text}` cannot be a custom domain");
        report
            .error("config/bad-value", pattern.span.clone(), message)
            .help("a custom domain is a host without a path and without stars");
    }
}
