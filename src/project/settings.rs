//! Reads what is left: how to serve (`dev`), `limits`, cron expressions and the name.
//!
//! A flag of the command line wins over the configuration everywhere, and has no place to point at.

use std::net::{IpAddr, Ipv4Addr};

use super::cron::CronSchedule;
use super::load::LoadRequest;
use super::overlay::Layers;
use super::report::Report;
use super::tree::Node;
use super::worker_name::{is_valid, slug};
use crate::base::diag::Diagnostic;

/// How to serve, as far as the configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dev {
    /// The address to listen on.
    pub ip: Option<String>,
    /// The port to listen on; 0 for any.
    pub port: Option<u16>,
    /// `http` or `https`.
    pub local_protocol: Option<String>,
}

/// Limits of one invocation, as far as the configuration sets them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// CPU time, milliseconds.
    pub cpu_ms: Option<u32>,
    /// Number of requests made.
    pub subrequests: Option<u32>,
}

/// The Worker's name: `worker` if none is given, with the environment's name after that of the top level.
pub fn name(report: &mut Report, layers: &Layers<'_>, request: &LoadRequest) -> String {
    if let Some(name) = &request.overrides.name {
        if !is_valid(name) {
            report.push(Diagnostic::error("config/bad-name", bad_name(name))).help(name_help(name));
        }
        return name.clone();
    }
    let Some(found) = layers.find("name") else { return "worker".to_owned() };
    let node = &found.entry.node;
    let Some(name) = node.as_text().filter(|name| !name.is_empty()) else { return "worker".to_owned() };
    if !is_valid(name) {
        report.error("config/bad-name", node.span.clone(), bad_name(name)).help(name_help(name));
    }
    match layers.environment().filter(|_| !layers.stands_in_environment("name")) {
        Some(environment) => format!("{name}-{environment}"),
        None => name.to_owned(),
    }
}

fn bad_name(name: &str) -> String {
    format!("`{name}` cannot be the `name` of a Worker")
}

fn name_help(name: &str) -> String {
    let rule = "use lower-case letters, digits, dashes and underscores";
    match slug(name).as_str() {
        "" => rule.to_owned(),
        slug => format!("{rule}, for example `{slug}`"),
    }
}

/// The cron expressions of `triggers`.
///
/// Fidelity: wrangler 4.164.0 looks at them only when it deploys, so that a Worker with a wrong one runs.
pub fn crons(report: &mut Report, layers: &Layers<'_>) -> Vec<String> {
    let node = layers.get("triggers").and_then(|triggers| triggers.get("crons"));
    for item in node.map(Node::items).unwrap_or_default() {
        if let Some(text) = item.as_text()
            && let Err(wrong) = CronSchedule::parse(text)
        {
            let message = format!("`{text}` is not a cron expression: {wrong}");
            report
                .warning("config/bad-cron", item.span.clone(), message)
                .label("never comes true, and cannot be deployed")
                .help(
                    "for example `*/30 * * * *`; weekdays are 1 (Sunday) to 7, or SUN to SAT; times are UTC",
                );
        }
    }
    texts(node)
}

/// The `dev` table.
pub fn dev(report: &mut Report, layers: &Layers<'_>) -> Dev {
    let Some(node) = layers.get("dev") else { return Dev::default() };
    let text = |key: &str| node.text(key).map(str::to_owned);
    if let Some(ip) = node.get("ip")
        && let Some(text) = ip.as_text().filter(|text| parse_ip(text).is_none())
    {
        report
            .error(
                "config/bad-value",
                ip.span.clone(),
                format!("`dev.ip` is `{text}`, which is not an address"),
            )
            .help("for example \"127.0.0.1\", \"localhost\", or \"*\" for all addresses of this machine");
    }
    Dev {
        ip: text("ip"),
        port: whole(report, "dev.port", node.get("port"), u64::from(u16::MAX)).map(|port| port as u16),
        local_protocol: text("local_protocol"),
    }
}

/// The address that `text` means: an address, `localhost`, or `*` for all.
pub fn parse_ip(text: &str) -> Option<IpAddr> {
    match text {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        "*" => Some(Ipv4Addr::UNSPECIFIED.into()),
        text => text.trim_start_matches('[').trim_end_matches(']').parse().ok(),
    }
}

/// The `limits` table.
pub fn limits(report: &mut Report, layers: &Layers<'_>) -> Limits {
    let Some(found) = layers.find("limits") else { return Limits::default() };
    let node = &found.entry.node;
    let mut limit = |key: &str| {
        let path = format!("{}.{key}", found.path);
        whole(report, &path, node.get(key), u64::from(u32::MAX)).map(|value| value as u32)
    };
    Limits { cpu_ms: limit("cpu_ms"), subrequests: limit("subrequests") }
}

/// The whole number that `node` holds, from 0 to `max`.
fn whole(report: &mut Report, path: &str, node: Option<&Node>, max: u64) -> Option<u64> {
    let node = node?;
    let number = node.as_number()?;
    // `8787.0` is the same number as `8787` to JavaScript.
    let whole = number.as_u64().or_else(|| {
        let float = number.as_f64()?;
        (float.fract() == 0.0 && (0.0..=u64::MAX as f64).contains(&float)).then_some(float as u64)
    });
    let whole = whole.filter(|value| *value <= max);
    if whole.is_none() {
        let message = format!("`{path}` must be a whole number from 0 to {max}, not `{number}`");
        report.error("config/bad-value", node.span.clone(), message);
    }
    whole
}

fn texts(node: Option<&Node>) -> Vec<String> {
    let items = node.map(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| item.as_text().map(str::to_owned)).collect()
}
