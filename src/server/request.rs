//! From a request on the wire to the one that the Worker sees.
//!
//! Fidelity: observed with wrangler 4.164.0: the URL has the scheme `http` and the authority of the Host header, unless `public_host` says otherwise;
//! `accept-encoding` is always `br, gzip`; `cf-connecting-ip` is added unless the client sent one; fields
//! about the connection are taken away, `transfer-encoding` is left; a request that is neither GET nor
//! HEAD and has no body gets an empty one and `content-length: 0`; unknown methods are refused with 501.
//! `request.cf` is the Worker's side of the matter and is not made here.

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use url::Url;

use crate::world::http::Header;

const CF_CONNECTING_IP: HeaderName = HeaderName::from_static("cf-connecting-ip");

/// Why a request does not reach the Worker: the status and the text that answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal(pub StatusCode, pub &'static str);

const BAD_REQUEST: Refusal = Refusal(StatusCode::BAD_REQUEST, "Bad Request");
const UNKNOWN_METHOD: Refusal = Refusal(StatusCode::NOT_IMPLEMENTED, "ERROR: Unrecognized request method.");

/// Fidelity: the methods that workerd's HTTP library accepts (kj/compat/http.h), observed for those in use.
const METHODS: &[&str] = &[
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "PURGE",
    "COPY",
    "LOCK",
    "MKCOL",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "SEARCH",
    "UNLOCK",
    "ACL",
    "REPORT",
    "MKACTIVITY",
    "CHECKOUT",
    "MERGE",
    "MSEARCH",
    "NOTIFY",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "QUERY",
    "BAN",
];

/// What the headers say about the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyForm {
    /// `body` is null.
    None,
    /// So many bytes follow.
    Sized(u64),
    /// It comes in chunks.
    Chunked,
}

/// The head of a request as the Worker sees it.
#[derive(Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// The fields.
    pub headers: Vec<Header>,
    /// What body comes.
    pub body: BodyForm,
}

/// The head that the Worker sees of a request from the address `client`, its URL with `scheme`.
pub fn head(parts: &Parts, client: &HeaderValue, scheme: &str) -> Result<Head, Refusal> {
    if !METHODS.contains(&parts.method.as_str()) {
        return Err(UNKNOWN_METHOD);
    }
    let url = url(scheme, &parts.uri, &parts.headers).ok_or(BAD_REQUEST)?;
    let body = body_form(&parts.method, &parts.headers);
    let headers = fields(parts, client, body);
    Ok(Head { method: parts.method.clone(), url, headers, body })
}

/// Whether the client asks for a WebSocket.
pub fn is_upgrade(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn url(scheme: &str, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    if hosts.next().is_some() {
        // Whoever stands before this server may have gone by the other one.
        return None;
    }
    let target = uri.path_and_query()?.as_str();
    let is_plain_host = !host.is_empty() && !host.contains(['/', '?', '#', '@', '\\']);
    // An absolute target may have no path.
    let root = if target.starts_with('?') { "/" } else { "" };
    if !is_plain_host || !target.starts_with(['/', '?']) {
        return None;
    }
    let url = [scheme, "://", host, root, target].concat();
    if is_normal(host, target, scheme) { Some(url) } else { Url::parse(&url).ok().map(String::from) }
}

/// Whether a URL parser would leave the URL of `host` and `target` as it is: true for nearly all requests,
/// which so are spared the parser.
fn is_normal(host: &str, target: &str, scheme: &str) -> bool {
    let own_port = if scheme == "https" { 443 } else { 80 };
    let (name, port) = host.split_once(':').unwrap_or((host, "1"));
    let is_local =
        matches!(name, "localhost" | "127.0.0.1") && port.parse().is_ok_and(|port: u16| port != own_port);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_~.?&=+%,:;@!$*()".contains(&byte);
    is_local
        && !port.starts_with(['0', '+'])
        && !target.contains("/.")
        && !target.contains("%2")
        && target.bytes().all(plain)
}

fn body_form(method: &Method, headers: &HeaderMap) -> BodyForm {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return BodyForm::Chunked;
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        Some(length) if length > 0 => BodyForm::Sized(length),
        Some(_) | None if matches!(*method, Method::GET | Method::HEAD) => BodyForm::None,
        Some(_) | None => BodyForm::Sized(0),
    }
}

fn fields(parts: &Parts, client: &HeaderValue, body: BodyForm) -> Vec<Header> {
    let mut fields = Vec::with_capacity(parts.headers.len() + 3);
    let upgrade = is_upgrade(&parts.headers);
    for (name, value) in &parts.headers {
        if *name != header::ACCEPT_ENCODING
            && (!is_of_connection(name) || (upgrade && *name == header::UPGRADE))
        {
            fields.push((name.clone(), value.clone()));
        }
    }
    fields.push((header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip")));
    if !parts.headers.contains_key(CF_CONNECTING_IP) {
        fields.push((CF_CONNECTING_IP, client.clone()));
    }
    if body == BodyForm::Sized(0) && !parts.headers.contains_key(header::CONTENT_LENGTH) {
        fields.push((header::CONTENT_LENGTH, HeaderValue::from_static("0")));
    }
    fields
}

/// Whether a field speaks about this connection alone and so never reaches the other side.
pub fn is_of_connection(name: &HeaderName) -> bool {
    *name == header::CONNECTION
        || *name == header::UPGRADE
        || *name == header::TE
        || *name == header::TRAILER
        || *name == "keep-alive"
        || *name == "proxy-connection"
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parse(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Head, Refusal> {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        head(&request.body(()).unwrap().into_parts().0, &HeaderValue::from_static("127.0.0.1"), "http")
    }

    #[test]
    fn urls_have_the_authority_of_the_host_field() {
        for (host, target, expected) in [
            ("127.0.0.1:8787", "/a%20b?q=1", Some("http://127.0.0.1:8787/a%20b?q=1")),
            ("example.com", "/x", Some("http://example.com/x")),
            ("EXAMPLE.com:80", "/x", Some("http://example.com/x")),
            ("localhost:80", "/", Some("http://localhost/")),
            ("localhost:8787", "/", Some("http://localhost:8787/")),
            ("localhost:08787", "/", Some("http://localhost:8787/")),
            ("[::1]:8787", "/", Some("http://[::1]:8787/")),
            ("localhost:1", "/../a/./b//c", Some("http://localhost:1/a/b//c")),
            ("localhost:1", "/%2e%2e/a", Some("http://localhost:1/a")),
            ("localhost:1", "/a'b?c'd", Some("http://localhost:1/a'b?c%27d")),
            ("localhost:1", "http://abs.example?q", Some("http://localhost:1/?q")),
            ("h.example", "http://abs.example/foo", Some("http://h.example/foo")),
            ("h.example", "*", None),
            ("bad host", "/", None),
            ("user@host", "/", None),
            ("", "/", None),
        ] {
            let url = parse("GET", target, &[("host", host)]).ok().map(|head| head.url);
            assert_eq!(url.as_deref(), expected, "{host} {target}");
        }
        assert_eq!(parse("GET", "/", &[]).unwrap_err(), BAD_REQUEST);
    }

    #[test]
    fn bodies_follow_the_headers_and_the_method() {
        for (method, header, expected) in [
            ("GET", None, BodyForm::None),
            ("HEAD", None, BodyForm::None),
            ("GET", Some(("content-length", "0")), BodyForm::None),
            ("GET", Some(("content-length", "5")), BodyForm::Sized(5)),
            ("POST", None, BodyForm::Sized(0)),
            ("DELETE", Some(("content-length", "0")), BodyForm::Sized(0)),
            ("POST", Some(("content-length", "5")), BodyForm::Sized(5)),
            ("POST", Some(("transfer-encoding", "chunked")), BodyForm::Chunked),
        ] {
            let headers: Vec<_> = [("host", "h")].into_iter().chain(header).collect();
            assert_eq!(parse(method, "/", &headers).unwrap().body, expected, "{method} {header:?}");
        }
        assert_eq!(parse("FOO", "/", &[("host", "h")]).unwrap_err(), UNKNOWN_METHOD);
    }

    #[test]
    fn headers_are_those_of_the_real_tool() {
        let names = |method: &str, headers: &[(&str, &str)]| {
            let mut fields: Vec<_> = parse(method, "/", headers)
                .unwrap()
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
                .collect();
            fields.sort();
            fields
        };
        let got = names(
            "POST",
            &[
                ("host", "h"),
                ("Accept-Encoding", "zstd"),
                ("Connection", "foo"),
                ("Foo", "bar"),
                ("TE", "trailers"),
                ("Upgrade", "h2c"),
                ("CF-Connecting-IP", "9.9.9.9"),
            ],
        );
        let expected = [
            "accept-encoding: br, gzip",
            "cf-connecting-ip: 9.9.9.9",
            "content-length: 0",
            "foo: bar",
            "host: h",
        ];
        assert_eq!(got, expected);
        let got = names("GET", &[("host", "h"), ("upgrade", "WebSocket"), ("connection", "Upgrade")]);
        let expected =
            ["accept-encoding: br, gzip", "cf-connecting-ip: 127.0.0.1", "host: h", "upgrade: WebSocket"];
        assert_eq!(got, expected);
    }
}
