//! The control surface below `/cdn-cgi/dodev/`: JSON about the server itself.
//!
//! The platform reserves `/cdn-cgi/`, so no route of a Worker is hidden by it. Because it will show and change
//! state, it answers only those who are on this machine: a request whose Host is a foreign name (a
//! rebound DNS name) or whose Origin is a foreign site is refused.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use url::{Host, Url};

use super::current::{Current, Serving};

/// Everything below is the control surface's.
pub const PREFIX: &str = "/cdn-cgi/dodev/";

/// The routes, without the check of [`is_allowed`].
pub fn routes(current: Arc<Current>) -> Router {
    Router::new().route("/cdn-cgi/dodev/health", get(health)).fallback(not_found).with_state(current)
}

/// What a request that is not allowed gets.
pub fn forbidden() -> Response {
    let error = "only pages and programs of this machine may use the control surface";
    answer(StatusCode::FORBIDDEN, json!({ "error": error }))
}

/// Whether a request with these headers comes from this machine's own programs or pages.
pub fn is_allowed(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(HeaderValue::to_str);
    let Some(Ok(host)) = text(header::HOST) else { return false };
    let Some(host) = Url::parse(&format!("http://{host}")).ok() else { return false };
    let is_known = match host.host() {
        // A name that a foreign site controls is never an address literal.
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        name => is_local(name),
    };
    let origin_fits = match text(header::ORIGIN) {
        None => true,
        Some(Ok(origin)) => Url::parse(origin).is_ok_and(|origin| {
            is_local(origin.host()) || (origin.host() == host.host() && origin.port() == host.port())
        }),
        Some(Err(_)) => false,
    };
    is_known && origin_fits
}

fn is_local(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        None => false,
    }
}

async fn health(State(current): State<Arc<Current>>) -> Response {
    let generation = current.with(|serving| match serving {
        Serving::World { generation, .. } => Some(generation.0),
        Serving::Starting | Serving::Broken(_) => None,
    });
    let version = env!("CARGO_PKG_VERSION");
    let body = json!({ "version": version, "generation": generation, "ready": generation.is_some() });
    answer(StatusCode::OK, body)
}

async fn not_found() -> Response {
    answer(StatusCode::NOT_FOUND, json!({ "error": "the control surface has no such route" }))
}

pub(super) fn answer(status: StatusCode, body: serde_json::Value) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_names_and_sites_are_refused() {
        for (host, origin, expected) in [
            (Some("localhost:8787"), None, true),
            (Some("app.localhost"), None, true),
            (Some("127.0.0.1:8787"), Some("http://127.0.0.1:8787"), true),
            (Some("127.0.0.1:8787"), Some("http://localhost:5173"), true),
            (Some("[::1]:8787"), None, true),
            (Some("192.168.1.5:8787"), Some("http://192.168.1.5:8787"), true),
            (Some("192.168.1.5:8787"), Some("http://192.168.1.6:8787"), false),
            (Some("192.168.1.5:8787"), Some("http://192.168.1.5:1"), false),
            (Some("rebound.example"), None, false),
            (Some("localhost.example"), None, false),
            (Some("127.0.0.1:8787"), Some("https://site.example"), false),
            (Some("127.0.0.1:8787"), Some("null"), false),
            (Some("a b"), None, false),
            (None, None, false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(header::HOST, host), (header::ORIGIN, origin)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(is_allowed(&headers), expected, "{host:?} {origin:?}");
        }
    }
}
