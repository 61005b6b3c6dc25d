//! Reads the bindings that count calls: `ratelimits`, and those of type `ratelimit` among `unsafe.bindings`, where they stood before.

use super::bindings::Names;
use super::overlay::Layers;
use super::report::Report;
use super::tree::Node;

/// The lengths of windows that the platform has, in seconds.
const PERIODS: [f64; 2] = [10.0, 60.0];

/// A binding to a rate limit.
#[derive(Debug, Clone, PartialEq)]
pub struct RateLimit {
    /// Its name in `env`.
    pub binding: String,
    /// Which counts it shares: those of bindings with the same one.
    pub namespace: String,
    /// How many calls with one key a window has.
    pub limit: f64,
    /// The length of a window, in seconds.
    pub period: f64,
}

/// All rate limits.
///
/// Fidelity: wrangler 4.164.0 checks the period of `ratelimits` alone; what is `unsafe` may have no namespace, and is told of its period when it is used.
pub fn read(report: &mut Report, layers: &Layers<'_>, names: &mut Names) -> Vec<RateLimit> {
    let mut found = Vec::new();
    for item in layers.get("ratelimits").map(Node::items).unwrap_or_default() {
        check_period(report, item);
        found.extend(rate_limit(item, "ratelimits", names));
    }
    let others = layers.get("unsafe").and_then(|node| node.get("bindings")).map(Node::items);
    for item in others.unwrap_or_default() {
        if item.text("type") == Some("ratelimit") && item.get("dev").is_none() {
            found.extend(rate_limit(item, "unsafe", names));
        }
    }
    found
}

fn rate_limit(item: &Node, key: &str, names: &mut Names) -> Option<RateLimit> {
    let number = |name: &str| item.get("simple")?.get(name)?.as_number()?.as_f64();
    let (limit, period) = (number("limit")?, number("period")?);
    let node = item.get("name")?;
    let name = node.as_text()?;
    names.add(name, key, node.span.clone());
    let namespace = item.text("namespace_id").unwrap_or(name).to_owned();
    Some(RateLimit { binding: name.to_owned(), namespace, limit, period })
}

fn check_period(report: &mut Report, item: &Node) {
    let Some(node) = item.get("simple").and_then(|simple| simple.get("period")) else { return };
    let seconds = node.as_number().and_then(|number| number.as_f64());
    if seconds.is_some_and(|seconds| !PERIODS.contains(&seconds)) {
        let message = "`simple.period` of a rate limit must be 10 or 60";
        report.error("config/bad-value", node.span.clone(), message);
    }
}
