//! The HTTP client behind the global `fetch`: one thread, one pool of connections for the whole process.
//!
//! It sends one request and gives one response; redirects are JavaScript's part. Bodies flow both ways
//! through pipes. HTTP/1.1, or HTTP/2 where a server chooses it, with TLS by rustls, the roots of Mozilla and those of
//! `NODE_EXTRA_CA_CERTS`; proxies are absent. Content codings are taken off when JavaScript reads a body.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use sha1::{Digest, Sha1};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::base::clock::Clock;
use crate::engine::http::{Body, FetchRequest, FetchResponse, Header, Upgrade};
use crate::engine::pipe::{PipeError, PipeReader, PipeWriter, pipe};
use crate::engine::socket::{LinkOptions, link};
use crate::web::web_socket::extension::{self, Parameters};
use crate::web::web_socket::{self, Role};
use crate::workers::messages::asks_for_upgrade;

/// Why there is no response, as a sentence.
pub type Failure = String;

type Pool = Client<HttpsConnector<HttpConnector>, Outgoing>;

/// What a request needs to know of the Worker that sends it.
pub struct Options {
    /// Whether its compatibility date knows Brotli as a content coding.
    pub brotli: bool,
    /// What a WebSocket may carry.
    pub link: LinkOptions,
    /// The clock of its sockets.
    pub clock: Clock,
}

struct Outside {
    runtime: Runtime,
    pool: Pool,
    /// Connections that may become WebSockets: only HTTP/1.1 lets them.
    upgrades: Pool,
}

/// What a request's body is on the wire.
enum Outgoing {
    Bytes(Option<Bytes>),
    Pipe(PipeReader),
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = PipeError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PipeError>>> {
        match &mut *self {
            Self::Bytes(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pipe(reader) => {
                let chunk = std::task::ready!(reader.poll_read(context));
                Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Bytes(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Bytes(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Pipe(reader) => reader.length().map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// How servers prove who they are.
///
/// Fidelity: miniflare trusts the certificates of `NODE_EXTRA_CA_CERTS` too.
fn tls() -> Result<ClientConfig, Failure> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = std::env::var_os("NODE_EXTRA_CA_CERTS").filter(|path| !path.is_empty()) {
        let unread = |error: &dyn std::fmt::Display| format!("NODE_EXTRA_CA_CERTS cannot be read: {error}");
        for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unread(&error))? {
            let certificate = certificate.map_err(|error| unread(&error))?;
            roots.add(certificate).map_err(|error| unread(&error))?;
        }
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

fn outside() -> Result<&'static Outside, Failure> {
    static OUTSIDE: OnceLock<Result<Outside, Failure>> = OnceLock::new();
    let made = OUTSIDE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("outbound")
            .enable_all()
            .build()
            .map_err(|error| format!("the client's thread could not be started: {error}"))?;
        let tls = tls()?;
        // Timers of the pools belong to the runtime.
        let inside = runtime.enter();
        let connector = || HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http();
        let client = || Client::builder(TokioExecutor::new());
        let pool = client().build(connector().enable_all_versions().build());
        let upgrades = client().build(connector().enable_http1().build());
        drop(inside);
        Ok(Outside { runtime, pool, upgrades })
    });
    made.as_ref().map_err(Clone::clone)
}

/// Sends `request` and hands the response, or why there is none, to `done` on another thread.
///
/// A message on `cancelled` ends the exchange, a response's body included. A request that asks for a WebSocket and
/// gets one becomes a link with `options.link`.
pub fn send(
    request: FetchRequest,
    cancelled: oneshot::Receiver<()>,
    options: Options,
    done: impl FnOnce(Result<FetchResponse, Failure>) + Send + 'static,
) {
    let outside = match outside() {
        Ok(outside) => outside,
        Err(failure) => return done(Err(failure)),
    };
    outside.runtime.spawn(async move {
        let cancelled = async move {
            // A sender that is dropped only means that nobody will cancel.
            if cancelled.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let mut cancelled = std::pin::pin!(cancelled);
        let upgrades = asks_for_upgrade(&request);
        let exchange = async {
            let mut request = outgoing(request, options.brotli)?;
            let key = upgrades.then(|| handshake(request.headers_mut(), options.link.compresses));
            let offered = request.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS);
            let pool = if upgrades { &outside.upgrades } else { &outside.pool };
            let response = pool.request(request).await.map_err(|error| reason(&error))?;
            let agreed = match response.status() {
                hyper::StatusCode::SWITCHING_PROTOCOLS => {
                    check_handshake(response.headers(), key.as_deref(), offered)?
                }
                _ => None,
            };
            Ok((response, agreed))
        };
        let response = tokio::select! {
            response = exchange => response,
            () = &mut cancelled => Err("the request was aborted".to_owned()),
        };
        let response = match response {
            Ok((mut response, agreed)) if response.status() == hyper::StatusCode::SWITCHING_PROTOCOLS => {
                let upgrade = hyper::upgrade::on(&mut response);
                let (link, edge) = link(options.link);
                let (response, _) = incoming(response);
                let web_socket = Some(Upgrade::Connected(link));
                done(Ok(FetchResponse { body: Body::Empty, web_socket, ..response }));
                // The exchange is over; the connection goes on by itself, until its link is dropped.
                tokio::spawn(async move {
                    if let Ok(connection) = upgrade.await {
                        let io = TokioIo::new(connection);
                        web_socket::serve(io, edge, options.clock, Role::Client, agreed).await;
                    }
                });
                return;
            }
            response => response.map(|(response, _)| response),
        };
        let (response, rest) = match response {
            Ok(response) => incoming(response),
            Err(failure) => return done(Err(failure)),
        };
        done(Ok(response));
        if let Some((body, writer)) = rest {
            tokio::select! {
                () = pass_on(body, writer) => {}
                () = &mut cancelled => {}
            }
        }
    });
}

/// The innermost cause says what happened; what is around it says where.
fn reason(error: &hyper_util::client::legacy::Error) -> Failure {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}

/// Makes the request a handshake of RFC 6455, which offers what is known of its extensions if it `compresses`; gives
/// its key.
fn handshake(headers: &mut HeaderMap, compresses: bool) -> String {
    let mut bytes = [0; 16];
    // The key only proves that the server speaks the protocol: without chance a fixed one does.
    let _ = getrandom::fill(&mut bytes);
    let key = STANDARD.encode(bytes);
    for (name, value) in [
        (header::CONNECTION, "Upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_VERSION, "13"),
        (header::SEC_WEBSOCKET_KEY, &key),
    ] {
        headers.insert(name, HeaderValue::from_str(value).expect("base64 is ASCII"));
    }
    let wanted = headers.remove(header::SEC_WEBSOCKET_EXTENSIONS).filter(|_| compresses);
    let offers = wanted.and_then(|wanted| extension::offers(wanted.to_str().ok()?));
    if let Some(offers) = offers {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, HeaderValue::try_from(offers).expect("known words"));
    }
    key
}

/// Whether the server answered our key, and what it agreed to if something was `offered`.
fn check_handshake(
    headers: &HeaderMap,
    key: Option<&str>,
    offered: bool,
) -> Result<Option<Parameters>, Failure> {
    const SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let Some(key) = key else { return Err("the server switched protocols unasked".to_owned()) };
    let expected = STANDARD.encode(Sha1::new().chain_update(key).chain_update(SUFFIX).finalize());
    if headers.get(header::SEC_WEBSOCKET_ACCEPT).is_none_or(|accept| accept != expected.as_str()) {
        return Err("the server did not accept the WebSocket's key".to_owned());
    }
    let Some(answer) = headers.get(header::SEC_WEBSOCKET_EXTENSIONS) else { return Ok(None) };
    let agreed = answer.to_str().ok().and_then(extension::agreed).filter(|_| offered);
    agreed.map(Some).ok_or_else(|| "the server chose an extension that was not offered".to_owned())
}

/// `brotli`: whether the Worker's compatibility date knows that coding.
fn outgoing(request: FetchRequest, brotli: bool) -> Result<hyper::Request<Outgoing>, Failure> {
    let bodiless = matches!(request.method, Method::GET | Method::HEAD);
    let body = match request.body {
        Body::Empty => Outgoing::Bytes(None),
        Body::Bytes(bytes) if bytes.is_empty() => Outgoing::Bytes(None),
        Body::Bytes(bytes) => Outgoing::Bytes(Some(bytes)),
        Body::Stream(reader, _) => Outgoing::Pipe(reader),
    };
    let empty = matches!(body, Outgoing::Bytes(None));
    let mut out = hyper::Request::new(body);
    *out.method_mut() = request.method;
    *out.uri_mut() = request.url.parse().map_err(|error| format!("{}: {error}", request.url))?;
    for (name, value) in request.headers {
        if !is_ours(&name) {
            out.headers_mut().append(name, value);
        }
    }
    if let header::Entry::Vacant(entry) = out.headers_mut().entry(header::ACCEPT_ENCODING) {
        entry.insert(HeaderValue::from_static(if brotli { "gzip, br" } else { "gzip" }));
    }
    if empty && !bodiless {
        out.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(out)
}

/// Whether a field is the client's business and never the program's.
fn is_ours(name: &HeaderName) -> bool {
    let others = ["keep-alive", "proxy-connection"];
    [
        header::HOST,
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::TE,
        header::TRAILER,
        header::UPGRADE,
    ]
    .contains(name)
        || others.contains(&name.as_str())
}

type Rest = Option<(Incoming, PipeWriter)>;

fn incoming(response: hyper::Response<Incoming>) -> (FetchResponse, Rest) {
    let (parts, body) = response.into_parts();
    let empty = body.is_end_stream();
    let kept = |name: &HeaderName| *name != header::TRANSFER_ENCODING && *name != header::CONNECTION;
    let headers = parts.headers.iter().filter(|(name, _)| kept(name));
    let headers: Vec<Header> = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
    let reason = parts.extensions.get::<hyper::ext::ReasonPhrase>();
    let status_text = match reason {
        Some(reason) => String::from_utf8_lossy(reason.as_bytes()).into_owned().into(),
        None => parts.status.canonical_reason().unwrap_or_default().into(),
    };
    let status = parts.status.as_u16();
    if empty {
        return (FetchResponse { status, status_text, headers, body: Body::Empty, web_socket: None }, None);
    }
    let length = body.size_hint().exact();
    let (writer, reader) = pipe();
    let response =
        FetchResponse { status, status_text, headers, body: Body::Stream(reader, length), web_socket: None };
    (response, Some((body, writer)))
}

/// Moves the body into the pipe as fast as it is read.
async fn pass_on(mut body: Incoming, mut writer: PipeWriter) {
    loop {
        if poll_fn(|context| writer.poll_ready(context)).await.is_err() {
            return;
        }
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(chunk) = frame.into_data() {
                    writer.write(chunk);
                }
            }
            Some(Err(_)) => return writer.fail(PipeError::new("Network connection lost.")),
            None => return writer.end(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn connections_are_not_the_programs_business() {
        let headers = [("host", "evil"), ("content-length", "9"), ("connection", "close"), ("x-a", "1")];
        let headers =
            headers.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let request = FetchRequest {
            method: Method::POST,
            url: "http://127.0.0.1:1/x?y".to_owned(),
            headers: headers.to_vec(),
            body: Body::Bytes(Bytes::from_static(b"abc")),
            cf: None,
            client: None,
        };
        let out = outgoing(request, true).expect("a request");
        let mut names: Vec<_> = out.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept-encoding", "x-a"]);
        assert_eq!(out.headers()[header::ACCEPT_ENCODING], "gzip, br");
        assert_eq!(out.body().size_hint().exact(), Some(3));
        for (brotli, asked, expected) in
            [(false, None, "gzip"), (true, None, "gzip, br"), (true, Some("identity"), "identity")]
        {
            let asked = asked.map(|value| (header::ACCEPT_ENCODING, HeaderValue::from_static(value)));
            let request = FetchRequest {
                method: Method::GET,
                url: "http://127.0.0.1:1/".to_owned(),
                headers: asked.into_iter().collect(),
                body: Body::Empty,
                cf: None,
                client: None,
            };
            let out = outgoing(request, brotli).expect("a request");
            assert_eq!(out.headers()[header::ACCEPT_ENCODING], expected);
        }
    }
}
