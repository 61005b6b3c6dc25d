//! The host that requests appear to be for: `dev.host`, or that of the first route.
//!
//! Fidelity: wrangler 4.164.0 takes it from `--host`, `--local-upstream`, `dev.host` and the first route, in this order,
//! and refuses a first route without a host; the scheme is that of `dev.upstream_protocol`.

use url::Url;

use super::load::LoadRequest;
use super::overlay::Layers;
use super::report::Report;
use super::tree::{Node, Value};
use crate::base::diag::Diagnostic;

/// Where requests appear to be sent to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicHost {
    /// The host, with a port if it has one; the real one if there is none.
    pub host: Option<String>,
    /// Whether the scheme is `https`.
    pub secure: bool,
}

/// The host and scheme that requests to the project appear to be for, if they are not the real ones.
pub fn read(report: &mut Report, layers: &Layers<'_>, request: &LoadRequest) -> Option<PublicHost> {
    let overrides = &request.overrides;
    let dev = layers.get("dev");
    let text = |key: &str| dev.and_then(|dev| dev.text(key));
    let protocol = overrides.upstream_protocol.as_deref().or(text("upstream_protocol"));
    let given = overrides.host.as_deref().or(text("host")).filter(|host| !host.is_empty());
    let host = match given {
        Some(host) => Some(host.to_owned()),
        None if overrides.keeps_origin => None,
        None => match overrides.routes.first() {
            Some(route) => host_of(route).or_else(|| {
                let error = Diagnostic::error("config/no-host", without_host(route));
                report.push(error).help("give the host with `--host`");
                None
            }),
            None => first_route(layers).and_then(|route| of_route(report, route)),
        },
    };
    let seen = PublicHost { host, secure: protocol == Some("https") };
    (seen != PublicHost::default()).then_some(seen)
}

fn first_route<'a>(layers: &Layers<'a>) -> Option<&'a Node> {
    layers.get("route").or_else(|| layers.get("routes")?.items().first())
}

/// The host of the route at `node`; one of another type has been reported.
fn of_route(report: &mut Report, node: &Node) -> Option<String> {
    let pattern = match &node.value {
        Value::Text(text) => text.as_str(),
        _ => node.text("pattern")?,
    };
    if pattern.is_empty() {
        return None;
    }
    if let Some(host) = host_of(pattern).or_else(|| host_of(node.text("zone_name")?)) {
        return Some(host);
    }
    let span = node.get("pattern").unwrap_or(node).span.clone();
    report
        .error("config/no-host", span, without_host(pattern))
        .help("requests appear to be for the first route's host: set `dev.host`, or start with `--infer-origin-from-routes=false`");
    None
}

fn without_host(route: &str) -> String {
    format!("the route `{route}` has no host that requests could appear to be for")
}

/// The host of a route's pattern, without its stars.
fn host_of(pattern: &str) -> Option<String> {
    if ["*/", "http://*/", "https://*/"].iter().any(|start| pattern.starts_with(start)) {
        return None;
    }
    let plain = pattern.replace("*.", "").replace('*', "");
    let has_scheme = plain.starts_with("http://") || plain.starts_with("https://");
    let url = Url::parse(&if has_scheme { plain } else { format!("http://{plain}") }).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_hosts() {
        for (pattern, expected) in [
            ("example.com/*", Some("example.com")),
            ("*.example.com/*", Some("example.com")),
            ("*example.com/a", Some("example.com")),
            ("https://api.example.com/v1/*", Some("api.example.com")),
            ("example.com:8080/*", Some("example.com:8080")),
            ("*/*", None),
            ("https://*/*", None),
            ("", None),
        ] {
            assert_eq!(host_of(pattern).as_deref(), expected, "{pattern}");
        }
    }
}
