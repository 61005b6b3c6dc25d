//! Lets requests appear to be for another host than the one that serves: the project's first route, or `dev.host`.
//!
//! Fidelity: observed with wrangler 4.164.0: the request's URL and its Host field get the other host, URLs of this
//! server in other fields are rewritten to it, and the response's fields are rewritten back, with `Domain` of cookies.
//! Its own field `mf-original-hostname` is left out.

use std::sync::Arc;

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::project::PublicHost;

/// The two sides of one request: the host that it was sent to, and the one that the Worker sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked {
    outer: Url,
    inner: Url,
}

impl Masked {
    /// Makes the request with these `headers`, which came by `scheme`, one for `seen`; `None` if it has no host that can be
    /// replaced.
    pub fn enter(seen: &Arc<PublicHost>, headers: &mut HeaderMap, scheme: &str) -> Option<Self> {
        let host = headers.get(header::HOST)?.to_str().ok()?;
        let outer = Url::parse(&format!("{scheme}://{host}")).ok()?;
        let inner_scheme = if seen.secure { "https" } else { "http" };
        let inner = Url::parse(&format!("{inner_scheme}://{}", seen.host.as_deref().unwrap_or(host))).ok()?;
        let masked = Self { outer, inner };
        rewrite(headers, &masked.outer, &masked.inner);
        headers.insert(header::HOST, HeaderValue::from_str(&authority(&masked.inner)).ok()?);
        Some(masked)
    }

    /// The scheme that the Worker sees.
    pub fn scheme(&self) -> &str {
        self.inner.scheme()
    }

    /// Makes the Worker's response `headers` those of the host that the request was sent to.
    pub fn leave(&self, headers: &mut HeaderMap) {
        rewrite(headers, &self.inner, &self.outer);
    }
}

/// Host and port of `url`, the port only if it is not the scheme's own.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn rewrite(headers: &mut HeaderMap, from: &Url, to: &Url) {
    let host = authority(from);
    let changed: Vec<(HeaderName, Vec<HeaderValue>)> = headers
        .keys()
        .filter_map(|name| {
            let values = headers.get_all(name);
            let rewritten = |value: &HeaderValue| {
                let text = value.to_str().ok()?;
                let new: Option<String> = match *name == header::SET_COOKIE {
                    true => with_domain(text, from, to),
                    false => with_origin(text, &host, to),
                };
                HeaderValue::from_str(&new?).ok()
            };
            let new = |value: &HeaderValue| rewritten(value).unwrap_or_else(|| value.clone());
            let new: Vec<HeaderValue> = values.iter().map(new).collect();
            (!values.iter().eq(new.iter())).then(|| (name.clone(), new))
        })
        .collect();
    for (name, values) in changed {
        headers.remove(&name);
        for value in values {
            headers.append(name.clone(), value);
        }
    }
}

/// `text` with the origin of `to` in the URLs for `host`; `None` if there are none.
fn with_origin(text: &str, host: &str, to: &Url) -> Option<String> {
    if !text.contains(host) {
        return None;
    }
    let mut new = String::new();
    let mut rest = text;
    while let Some((at, length)) = next_scheme(rest) {
        let after = &rest[at + length..];
        let ends_url = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'');
        let end = after.find(|c: char| ends_url(c) || matches!(c, '/' | '?' | '#')).unwrap_or(after.len());
        let origin = &rest[at..at + length + end];
        new.push_str(&rest[..at]);
        match Url::parse(origin) {
            Ok(url) if authority(&url) == host => new.push_str(&to.origin().ascii_serialization()),
            _ => new.push_str(origin),
        }
        // What follows belongs to this URL, whatever it looks like.
        let tail = &after[end..];
        let tail_end = tail.find(ends_url).unwrap_or(tail.len());
        new.push_str(&tail[..tail_end]);
        rest = &tail[tail_end..];
    }
    new.push_str(rest);
    Some(new)
}

/// Where in `text` the first `http://` or `https://` is, and how long.
fn next_scheme(text: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let schemes = ["http://", "https://"].iter();
    schemes.filter_map(|scheme| lower.find(scheme).map(|at| (at, scheme.len()))).min()
}

/// The cookie `text` with the host of `to` as its domain, if that is the host of `from`.
fn with_domain(text: &str, from: &Url, to: &Url) -> Option<String> {
    let attribute = format!("Domain={}", from.host_str()?);
    let at = text.find(&attribute)?;
    let rest = &text[at + attribute.len()..];
    let is_whole = rest.is_empty() || rest.starts_with([';', ',']);
    is_whole.then(|| format!("{}Domain={}{rest}", &text[..at], to.host_str().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(seen: PublicHost, fields: &[(&'static str, &str)]) -> Option<(Masked, HeaderMap)> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let masked = Masked::enter(&Arc::new(seen), &mut headers, "http")?;
        Some((masked, headers))
    }

    fn example() -> PublicHost {
        PublicHost { host: Some("example.com".to_owned()), secure: false }
    }

    #[test]
    fn requests_get_the_other_host_everywhere() {
        let fields = [
            ("host", "localhost:8787"),
            ("origin", "http://localhost:8787"),
            ("referer", "http://LOCALHOST:8787/page?u=http://localhost:8787/x"),
            ("x-other", "http://localhost:9999/ localhost:8787"),
        ];
        let (masked, headers) = masked(example(), &fields).unwrap();
        assert_eq!(masked.scheme(), "http");
        for (name, expected) in [
            ("host", "example.com"),
            ("origin", "http://example.com"),
            ("referer", "http://example.com/page?u=http://localhost:8787/x"),
            ("x-other", "http://localhost:9999/ localhost:8787"),
        ] {
            assert_eq!(headers[name], expected, "{name}");
        }
    }

    #[test]
    fn responses_are_for_the_real_host_again() {
        let (masked, _) = masked(example(), &[("host", "localhost:8787")]).unwrap();
        for (name, value, expected) in [
            (
                "location",
                "http://example.com/a?b=http://example.com/c",
                "http://localhost:8787/a?b=http://example.com/c",
            ),
            ("location", "https://example.com/a", "http://localhost:8787/a"),
            ("location", "/a", "/a"),
            (
                "link",
                "<http://example.com/a>, \"http://example.com\"",
                "<http://localhost:8787/a>, \"http://localhost:8787\"",
            ),
            ("x-sub", "http://api.example.com/", "http://api.example.com/"),
            ("x-port", "http://example.com:8080/", "http://example.com:8080/"),
            ("access-control-allow-origin", "https://example.com", "http://localhost:8787"),
            ("set-cookie", "a=b; Domain=example.com; Path=/", "a=b; Domain=localhost; Path=/"),
            ("set-cookie", "a=b; Domain=example.com.au", "a=b; Domain=example.com.au"),
            ("set-cookie", "a=http://example.com/", "a=http://example.com/"),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(name, HeaderValue::from_static("http://other.example"));
            headers.append(name, HeaderValue::from_str(value).unwrap());
            masked.leave(&mut headers);
            let values: Vec<_> = headers.get_all(name).iter().collect();
            assert_eq!(values, ["http://other.example", expected], "{name}: {value}");
        }
    }

    #[test]
    fn the_scheme_can_be_another_alone() {
        let (masked, headers) =
            masked(PublicHost { host: None, secure: true }, &[("host", "localhost:8787")]).unwrap();
        assert_eq!(
            (masked.scheme(), &headers["host"]),
            ("https", &HeaderValue::from_static("localhost:8787"))
        );
        assert_eq!(self::masked(example(), &[]), None);
        assert_eq!(self::masked(example(), &[("host", "bad host")]), None);
    }
}
