//! Who may use the control surface: whoever has the server's token, and programs and pages of this machine.
//!
//! The token stands in a file that only the user can read. Without it, a page of a foreign site must get
//! nowhere, although a browser lets it send requests to this machine: a Host with a foreign name (a rebound
//! DNS name) or a foreign Origin is refused, and so is every change that a page could send without being
//! allowed to by a preflight: changes need the server's own Origin or none, and a JSON body. Requests from other
//! machines, possible with `--ip`, need the token.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, Method, header};
use url::{Host, Url};

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Wrong Host, foreign Origin, or another machine.
    #[error(
        "only pages and programs of this machine, or those with the server's token, may use the control surface"
    )]
    Foreign,
    /// The token is not this server's.
    #[error("the token is not this server's: it stands in `v3/dodev/server.json` of the state directory")]
    Token,
    /// A change that a page of another origin could have sent.
    #[error("a change needs the server's token, or `content-type: application/json` and no foreign origin")]
    Simple,
}

/// Decides about a request; `peer_is_local` says that it comes from this machine.
///
/// # Errors
/// Why it is refused.
pub fn judge(method: &Method, headers: &HeaderMap, peer_is_local: bool, token: &str) -> Result<(), Denied> {
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let given = given.as_bytes().strip_prefix(b"Bearer ").unwrap_or_default();
        return if is_same(given, token.as_bytes()) { Ok(()) } else { Err(Denied::Token) };
    }
    if !peer_is_local || !is_allowed(headers) || site(headers) == Some("cross-site") {
        return Err(Denied::Foreign);
    }
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let is_json = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(|kind| {
        kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    });
    let is_own = has_own_origin(headers) && matches!(site(headers), None | Some("same-origin" | "none"));
    if is_json && is_own { Ok(()) } else { Err(Denied::Simple) }
}

/// Compares in a time that does not tell how much fits.
fn is_same(given: &[u8], token: &[u8]) -> bool {
    given.len() == token.len() && given.iter().zip(token).fold(0, |differs, (a, b)| differs | (a ^ b)) == 0
}

fn site(headers: &HeaderMap) -> Option<&str> {
    headers.get("sec-fetch-site").map(|site| site.to_str().unwrap_or("cross-site"))
}

/// Whether the request names no origin, or the one that it goes to.
fn has_own_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), headers.get(header::HOST).map(HeaderValue::to_str))
    else {
        return false;
    };
    origin.eq_ignore_ascii_case(&format!("http://{host}"))
}

/// Whether a request with these headers comes from this machine's own programs or pages.
pub(super) fn is_allowed(headers: &HeaderMap) -> bool {
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

    #[test]
    fn changes_need_the_token_or_what_no_foreign_page_can_send() {
        const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
        const OWN: (&str, &str) = ("origin", "http://127.0.0.1:8787");
        const TOKEN: (&str, &str) = ("authorization", "Bearer secret");
        let local = |method: Method, more: &[(&'static str, &'static str)]| {
            let mut headers =
                HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("127.0.0.1:8787"))]);
            for (name, value) in more {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            (method, headers)
        };
        for ((method, headers), peer_is_local, expected) in [
            (local(Method::GET, &[]), true, Ok(())),
            (local(Method::GET, &[]), false, Err(Denied::Foreign)),
            (local(Method::GET, &[("sec-fetch-site", "cross-site")]), true, Err(Denied::Foreign)),
            (local(Method::GET, &[("origin", "http://localhost:5173")]), true, Ok(())),
            (local(Method::POST, &[JSON]), true, Ok(())),
            (local(Method::POST, &[JSON, OWN]), true, Ok(())),
            (local(Method::POST, &[JSON, OWN, ("sec-fetch-site", "same-origin")]), true, Ok(())),
            (local(Method::POST, &[JSON, ("sec-fetch-site", "same-site")]), true, Err(Denied::Simple)),
            (local(Method::POST, &[JSON, ("origin", "http://localhost:5173")]), true, Err(Denied::Simple)),
            (local(Method::POST, &[JSON, ("origin", "null")]), true, Err(Denied::Foreign)),
            (local(Method::POST, &[]), true, Err(Denied::Simple)),
            (local(Method::POST, &[("content-type", "text/plain")]), true, Err(Denied::Simple)),
            (
                local(Method::POST, &[("content-type", "text/plain; application/json")]),
                true,
                Err(Denied::Simple),
            ),
            (local(Method::PUT, &[]), true, Err(Denied::Simple)),
            (local(Method::DELETE, &[]), true, Err(Denied::Simple)),
            (local(Method::OPTIONS, &[("origin", "https://site.example")]), true, Err(Denied::Foreign)),
            (local(Method::POST, &[("host", "rebound.example:8787"), JSON]), true, Err(Denied::Foreign)),
            // The token is enough, from anywhere; a wrong one is never looked over.
            (local(Method::POST, &[TOKEN]), false, Ok(())),
            (local(Method::DELETE, &[TOKEN, ("host", "proxy.example")]), false, Ok(())),
            (local(Method::GET, &[("authorization", "Bearer secre")]), true, Err(Denied::Token)),
            (local(Method::GET, &[("authorization", "Bearer secrets")]), true, Err(Denied::Token)),
            (local(Method::GET, &[("authorization", "Basic secret")]), true, Err(Denied::Token)),
        ] {
            assert_eq!(judge(&method, &headers, peer_is_local, "secret"), expected, "{method} {headers:?}");
        }
    }
}
