//! Answers in a coding that the client takes: as on the platform, those of compressible types are packed for who accepts that.
//!
//! Fidelity: observed with wrangler 4.164.0 (`fixtures/encodings`), which follows the platform's documentation for types and codings.
//! Deviation: a body that is empty stays as it is; there a coding is named for it.

use axum::http::header::{self, HeaderValue};
use axum::http::{Response, StatusCode};

use super::response::{WireBody, text};
use crate::engine::coding::Coding;
use crate::engine::pipe::PipeReader;

/// Types whose bodies are packed; those of no type are, too.
#[rustfmt::skip]
const COMPRESSIBLE: &[&str] = &[
    "application/eot", "application/font", "application/font-sfnt", "application/font-woff", "application/geo+json",
    "application/graphql+json", "application/javascript", "application/javascript-binast", "application/json",
    "application/ld+json", "application/manifest+json", "application/opentype", "application/otf", "application/rss+xml",
    "application/truetype", "application/ttf", "application/vnd.api+json", "application/vnd.ms-fontobject", "application/wasm",
    "application/x-httpd-cgi", "application/x-javascript", "application/x-opentype", "application/x-otf", "application/x-perl",
    "application/x-protobuf", "application/x-ttf", "application/xhtml+xml", "application/xml", "font/otf", "font/ttf",
    "font/x-woff", "image/svg+xml", "image/vnd.microsoft.icon", "image/x-icon", "multipart/bag", "multipart/mixed", "text/css",
    "text/html", "text/javascript", "text/js", "text/plain", "text/richtext", "text/x-component", "text/x-java-source",
    "text/x-markdown", "text/x-script", "text/xml",
];

fn is_compressible(content_type: Option<&HeaderValue>) -> bool {
    let Some(content_type) = content_type else { return true };
    let kind = content_type.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.is_empty() || COMPRESSIBLE.binary_search(&&*kind.to_ascii_lowercase()).is_ok()
}

/// A coding and how much it is wanted.
fn wish(element: &str) -> Option<(&str, f64)> {
    let (coding, weight) = match element.split_once(';') {
        Some((coding, weight)) => (coding.trim_end(), weight.trim_start().strip_prefix("q=")?.parse().ok()?),
        None => (element, 1.0),
    };
    let is_name = !coding.is_empty() && coding.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_name || coding == "*").then_some((coding, weight))
}

/// What is to be done about the coding of an answer.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    AsItIs,
    In(Coding),
    Unpacked,
    /// No coding that there is will do.
    Refused,
}

/// `accepted`: what the client's field says; `own`: the coding that the answer has.
fn judge(accepted: &str, own: Option<Coding>) -> Verdict {
    let mut wishes: Vec<_> = accepted.split(',').filter_map(|element| wish(element.trim())).collect();
    if wishes.is_empty() {
        return Verdict::AsItIs;
    }
    wishes.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let mut needs_coding = false;
    for (coding, weight) in wishes {
        match (coding, weight > 0.0) {
            ("identity" | "*", false) => needs_coding = true,
            ("identity", true) => break,
            (_, false) => {}
            (coding, true) => {
                if let Some(wanted) = Coding::of(coding.as_bytes(), true) {
                    return if own == Some(wanted) { Verdict::AsItIs } else { Verdict::In(wanted) };
                }
            }
        }
    }
    match (needs_coding, own) {
        (true, _) => Verdict::Refused,
        (false, Some(_)) => Verdict::Unpacked,
        (false, None) => Verdict::AsItIs,
    }
}

fn body_as_reader(body: WireBody) -> Result<PipeReader, WireBody> {
    match body {
        WireBody::Bytes(bytes) if !bytes.is_empty() => Ok(PipeReader::of_bytes(bytes)),
        WireBody::Pipe(reader, length) if length != Some(0) => Ok(reader),
        other => Err(other),
    }
}

/// `response` as the client takes it that says `accepted` in `accept-encoding`.
pub fn ensure(response: Response<WireBody>, accepted: Option<&HeaderValue>) -> Response<WireBody> {
    let Some(accepted) = accepted.and_then(|accepted| accepted.to_str().ok()) else { return response };
    let headers = response.headers();
    if response.status() == StatusCode::SWITCHING_PROTOCOLS
        || !is_compressible(headers.get(header::CONTENT_TYPE))
    {
        return response;
    }
    let own = headers.get(header::CONTENT_ENCODING).map(|value| Coding::of(value.as_bytes(), true));
    // Another coding is the Worker's business.
    let Ok(own) = own.map_or(Ok(None), |own| own.ok_or(()).map(Some)) else { return response };
    let wanted = match judge(accepted, own) {
        Verdict::AsItIs => return response,
        Verdict::Refused => {
            let kind = "text/plain;charset=UTF-8";
            let mut refusal = text(StatusCode::UNSUPPORTED_MEDIA_TYPE, kind, "Unsupported Media Type");
            refusal.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"));
            return refusal;
        }
        Verdict::Unpacked => None,
        Verdict::In(coding) => Some(coding),
    };
    let (mut parts, body) = response.into_parts();
    let reader = match body_as_reader(body) {
        Ok(reader) => reader,
        Err(body) => return Response::from_parts(parts, body),
    };
    let reader = match own {
        Some(own) => reader.unpacked(own),
        None => reader,
    };
    let reader = match wanted {
        Some(coding) => {
            parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
            reader.packed(coding)
        }
        None => {
            parts.headers.remove(header::CONTENT_ENCODING);
            reader
        }
    };
    Response::from_parts(parts, WireBody::Pipe(reader, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_sorted() {
        assert!(COMPRESSIBLE.is_sorted());
    }

    #[test]
    fn the_coding_is_the_one_that_is_wanted_most() {
        let (gzip, br) = (Verdict::In(Coding::Gzip), Verdict::In(Coding::Brotli));
        for (accepted, own, expected) in [
            ("", None, Verdict::AsItIs),
            ("gzip, deflate, br", None, gzip),
            ("gzip;q=0.5, br;q=0.9", None, br),
            ("gzip ; q=1", Some(Coding::Gzip), Verdict::AsItIs),
            ("gzip;q=high", None, Verdict::AsItIs),
            ("GZIP", Some(Coding::Gzip), Verdict::AsItIs),
            ("identity, gzip", Some(Coding::Brotli), Verdict::Unpacked),
            ("*", None, Verdict::AsItIs),
            ("*;q=0", None, Verdict::Refused),
            ("deflate, identity;q=0", Some(Coding::Gzip), Verdict::Refused),
        ] {
            assert_eq!(judge(accepted, own), expected, "{accepted} {own:?}");
        }
    }
}
