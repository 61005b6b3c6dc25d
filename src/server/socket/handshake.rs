//! The HTTP part of a WebSocket: what the client asked, and the answer that switches protocols.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use sha1::{Digest, Sha1};

use crate::server::request::{Refusal, is_upgrade};
use crate::server::response::WireBody;
use crate::web::web_socket::extension::{self, Parameters};

/// What RFC 6455 appends to the client's key.
const KEY_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The connection behind a request, if it asks to become a WebSocket.
pub fn upgrade_of(parts: &mut Parts) -> Option<OnUpgrade> {
    parts.extensions.remove::<OnUpgrade>().filter(|_| is_upgrade(&parts.headers))
}

/// Makes `response` the answer to the handshake in `headers`; gives the compression that it agrees to, if the client
/// offers some; whether the program has a say is in `chooses`.
///
/// Fidelity: observed with wrangler 4.164.0, which compresses before the date of `web_socket_compression` too.
///
/// # Errors
/// When the client does not speak the protocol's version 13.
pub fn accept(
    headers: &HeaderMap,
    response: &mut Response<WireBody>,
    chooses: bool,
) -> Result<Option<Parameters>, Refusal> {
    let version = headers.get(header::SEC_WEBSOCKET_VERSION);
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    let (Some(key), true) = (key, version.is_some_and(|version| version == "13")) else {
        let text = "The request asks for a WebSocket without a key, or not in version 13";
        return Err(Refusal(StatusCode::BAD_REQUEST, text));
    };
    let mut insert = |name: HeaderName, value| response.headers_mut().insert(name, value);
    insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    insert(header::SEC_WEBSOCKET_ACCEPT, accept_key(key));
    let wanted = response.headers_mut().remove(header::SEC_WEBSOCKET_EXTENSIONS).filter(|_| chooses);
    let agreed = compression(headers, wanted.as_ref());
    if let Some(agreed) = agreed {
        let answer = HeaderValue::try_from(agreed.to_string()).expect("known words");
        response.headers_mut().insert(header::SEC_WEBSOCKET_EXTENSIONS, answer);
    }
    Ok(agreed)
}

/// What the offers in `headers` and the header that the program `wanted` have in common.
fn compression(headers: &HeaderMap, wanted: Option<&HeaderValue>) -> Option<Parameters> {
    let offers = headers.get_all(header::SEC_WEBSOCKET_EXTENSIONS).iter();
    let offers: Vec<&str> = offers.filter_map(|offer| offer.to_str().ok()).collect();
    let wanted = wanted.map(|wanted| wanted.to_str().unwrap_or_default());
    extension::negotiate(&offers.join(", "), wanted)
}

fn accept_key(key: &HeaderValue) -> HeaderValue {
    let digest = Sha1::new().chain_update(key.as_bytes()).chain_update(KEY_SUFFIX).finalize();
    HeaderValue::from_str(&STANDARD.encode(digest)).expect("base64 is ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_answered_as_in_the_rfc() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept_key(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn other_versions_are_refused() {
        let mut headers = HeaderMap::new();
        headers.insert(header::SEC_WEBSOCKET_KEY, HeaderValue::from_static("k"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("8"));
        let refused = accept(&headers, &mut Response::new(WireBody::Empty), true);
        assert!(refused.is_err_and(|Refusal(status, _)| status == StatusCode::BAD_REQUEST));
    }
}
