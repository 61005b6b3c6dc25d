//! Pages that load again by themselves when new code serves: `--live-reload`.
//!
//! A script at the end of every HTML answer opens a WebSocket to this server and loads the page again for every message.
//!
//! Fidelity: read in the proxy of wrangler 4.164.0: the path, the protocol's name, the message, what counts as HTML (the start of
//! `content-type`), and that bodies in a content coding get the script too. As there, a page's own policy may forbid the script.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, Response};
use bytes::Bytes;

use super::response::WireBody;
use crate::engine::coding::Coding;
use crate::engine::pipe::PipeReader;
use crate::engine::socket::{Arrival, Frame, Link, LinkEdge, LinkOptions, link};

/// Where pages wait for new code.
pub const PATH: &str = "/cdn-cgi/live-reload";
/// The WebSocket protocol by which they ask for it.
const PROTOCOL: &str = "WRANGLER_PROXYWORKER_LIVE_RELOAD_PROTOCOL";
/// What they are told.
const RELOAD: &str = "reload";

/// Tries again after a tenth of a second when the connection is lost: the server may have been started anew.
const SCRIPT: &str = "
<script defer type=\"application/javascript\">(() => {
  const open = () => {
    const scheme = location.protocol === \"http:\" ? \"ws://\" : \"wss://\";
    const socket = new WebSocket(scheme + location.host + \"/cdn-cgi/live-reload\", \"WRANGLER_PROXYWORKER_LIVE_RELOAD_PROTOCOL\");
    socket.onmessage = () => location.reload();
    socket.onclose = () => setTimeout(open, 100);
  };
  open();
})();</script>
";

/// Most bytes that a page may say at a time: it says nothing.
const MESSAGE_BYTES: usize = 125;

/// The pages that wait.
#[derive(Debug, Clone, Default)]
pub struct LiveReload(Arc<Mutex<Vec<Link>>>);

impl LiveReload {
    /// Whether a request for `path` that asks for a WebSocket with `headers` is a page's.
    pub fn is_page(path: &str, headers: &HeaderMap) -> bool {
        path == PATH && headers.get(header::SEC_WEBSOCKET_PROTOCOL).is_some_and(|name| name == PROTOCOL)
    }

    /// The field that agrees to the protocol.
    pub fn protocol() -> HeaderValue {
        HeaderValue::from_static(PROTOCOL)
    }

    /// The connection of one more page.
    pub fn connect(&self) -> LinkEdge {
        let (page, edge) = link(LinkOptions { message_max: MESSAGE_BYTES, compresses: false });
        let pages = Arc::downgrade(&self.0);
        page.listen(Arc::new(move || {
            if let Some(pages) = pages.upgrade() {
                Self(pages).keep(is_open);
            }
        }));
        self.pages().push(page);
        edge
    }

    /// Has all pages load again.
    pub fn reload(&self) {
        // One that does not read is given up.
        self.keep(|page| page.send(Frame::Text(RELOAD.to_owned())).is_ok());
    }

    fn keep(&self, keeps: impl FnMut(&Link) -> bool) {
        self.pages().retain(keeps);
    }

    fn pages(&self) -> MutexGuard<'_, Vec<Link>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `response` to a request with `method`, with the script if it is a page.
    pub fn equip(&self, response: Response<WireBody>, method: &Method) -> Response<WireBody> {
        let kind = response.headers().get(header::CONTENT_TYPE);
        let is_html = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if !is_html || *method == Method::HEAD {
            return response;
        }
        let coding = response.headers().get(header::CONTENT_ENCODING);
        let coding = coding.and_then(|coding| Coding::of(coding.as_bytes(), true));
        response.map(|body| followed(body, coding))
    }
}

/// Whether the client of `page` stays; one that says goodbye is answered.
fn is_open(page: &Link) -> bool {
    while let Some(arrival) = page.take() {
        match arrival {
            Arrival::Frame(Frame::Text(_) | Frame::Binary(_)) => {}
            Arrival::Frame(close @ Frame::Close(_)) => {
                // It goes either way.
                let _ = page.send(close);
                return false;
            }
            Arrival::Lost | Arrival::Failed(_) => return false,
        }
    }
    true
}

/// `body`, which is in `coding`, and the script; nothing stays nothing.
fn followed(body: WireBody, coding: Option<Coding>) -> WireBody {
    let script = Bytes::from_static(SCRIPT.as_bytes());
    let (reader, length) = match body {
        WireBody::Bytes(bytes) if coding.is_none() => {
            return WireBody::Bytes([bytes, script].concat().into());
        }
        WireBody::Bytes(bytes) => (PipeReader::of_bytes(bytes), None),
        WireBody::Pipe(reader, length) => (reader, length),
        other @ (WireBody::Empty | WireBody::Broken(_) | WireBody::Control(_)) => return other,
    };
    match coding {
        Some(coding) => WireBody::Pipe(reader.unpacked(coding).followed_by(script).packed(coding), None),
        None => {
            let length = length.map(|length| length + script.len() as u64);
            WireBody::Pipe(reader.followed_by(script), length)
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;
    use http_body_util::BodyExt;

    use super::super::response::text;
    use super::*;
    use crate::engine::socket::{Close, Fate};

    fn body(response: Response<WireBody>) -> Bytes {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(response.into_body().collect()).unwrap_or_else(|_| panic!("it ends")).to_bytes()
    }

    fn streamed(kind: &'static str, bytes: &'static [u8], length: Option<u64>) -> Response<WireBody> {
        let reader = PipeReader::of_bytes(Bytes::from_static(bytes));
        text(StatusCode::OK, kind, "").map(|_| WireBody::Pipe(reader, length))
    }

    #[test]
    fn pages_get_the_script_and_all_else_stays() {
        let live = LiveReload::default();
        for (kind, method, expected) in [
            ("text/html", Method::GET, true),
            ("text/html;charset=utf-8", Method::POST, true),
            ("text/html", Method::HEAD, false),
            ("Text/HTML", Method::GET, false),
            ("text/plain", Method::GET, false),
        ] {
            for given in [text(StatusCode::OK, kind, "<p>a"), streamed(kind, b"<p>a", None)] {
                let body = body(live.equip(given, &method));
                assert!(body.starts_with(b"<p>a"));
                assert_eq!(body.ends_with(SCRIPT.as_bytes()), expected, "{kind} {method}");
                assert_eq!(body.len() == 4, !expected, "{kind} {method}");
            }
        }
        assert!(SCRIPT.contains(PATH) && SCRIPT.contains(PROTOCOL));
    }

    #[test]
    fn the_length_is_that_of_both() {
        use http_body::Body as _;
        let sized = LiveReload::default().equip(streamed("text/html", b"<p>a", Some(4)), &Method::GET);
        assert_eq!(sized.body().size_hint().exact(), Some(4 + SCRIPT.len() as u64));
        assert_eq!(body(sized).len(), 4 + SCRIPT.len());
    }

    #[test]
    fn packed_pages_get_it_inside() {
        let live = LiveReload::default();
        for (name, coding) in [("gzip", Coding::Gzip), ("br", Coding::Brotli)] {
            let packed = PipeReader::of_bytes(Bytes::from_static(b"<p>a")).packed(coding);
            let packed = body(Response::new(WireBody::Pipe(packed, None)));
            for given in [
                WireBody::Bytes(packed.clone()),
                WireBody::Pipe(PipeReader::of_bytes(packed.clone()), Some(packed.len() as u64)),
            ] {
                let mut given = text(StatusCode::OK, "text/html", "").map(|_| given);
                given.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
                let (parts, equipped) = live.equip(given, &Method::GET).into_parts();
                let WireBody::Pipe(reader, None) = equipped else { panic!("its length is not known") };
                let plain = body(Response::from_parts(parts, WireBody::Pipe(reader.unpacked(coding), None)));
                assert_eq!(plain, [b"<p>a", SCRIPT.as_bytes()].concat(), "{name}");
            }
        }
    }

    #[test]
    fn pages_are_told_until_they_are_gone() {
        let live = LiveReload::default();
        let (stays, goes) = (live.connect(), live.connect());
        live.reload();
        assert_eq!(stays.next(), Some(Frame::Text(RELOAD.to_owned())));
        drop(goes);
        assert_eq!(live.0.lock().unwrap().len(), 1);
        let close = Close { code: 1001, reason: String::new() };
        stays.arrive(Arrival::Frame(Frame::Text("hello".to_owned())));
        assert_eq!(live.0.lock().unwrap().len(), 1);
        stays.arrive(Arrival::Frame(Frame::Close(close.clone())));
        assert_eq!(live.0.lock().unwrap().len(), 0);
        assert_eq!((stays.next(), stays.fate()), (Some(Frame::Close(close)), Fate::Flush));
    }
}
