//! The HTTP client behind the global `fetch`: one thread, one pool of connections for the whole process.
//!
//! It sends one request and gives one response; redirects are JavaScript's part. Bodies flow both ways
//! through pipes. HTTP/1.1 with TLS by rustls and the roots of Mozilla; HTTP/2 and proxies are absent.

use std::future::poll_fn;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
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

struct Outside {
    runtime: Runtime,
    pool: Pool,
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
            Self::Pipe(_) => SizeHint::default(),
        }
    }
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
        let connector =
            HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        let pool = {
            // Timers of the pool belong to the runtime.
            let _inside = runtime.enter();
            Client::builder(TokioExecutor::new()).build(connector)
        };
        Ok(Outside { runtime, pool })
    });
    made.as_ref().map_err(Clone::clone)
}

/// Sends `request` and hands the response, or why there is none, to `done` on another thread.
///
/// A message on `cancelled` ends the exchange, a response's body included. A request that asks for a WebSocket and
/// gets one becomes a link with `options`.
pub fn send(
    request: FetchRequest,
    cancelled: oneshot::Receiver<()>,
    options: LinkOptions,
    clock: Clock,
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
            let mut request = outgoing(request)?;
            let key = upgrades.then(|| handshake(request.headers_mut(), options.compresses));
            let offered = request.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS);
            let response = outside.pool.request(request).await.map_err(|error| reason(&error))?;
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
                let (link, edge) = link(options);
                let answered = incoming(response).map(|(response, _)| FetchResponse {
                    body: Body::Empty,
                    web_socket: Some(Upgrade::Connected(link)),
                    ..response
                });
                let made = answered.is_ok();
                done(answered);
                // The exchange is over; the connection goes on by itself, until its link is dropped.
                if made {
                    tokio::spawn(async move {
                        if let Ok(connection) = upgrade.await {
                            let io = TokioIo::new(connection);
                            web_socket::serve(io, edge, clock, Role::Client, agreed).await;
                        }
                    });
                }
                return;
            }
            response => response.map(|(response, _)| response),
        };
        let response = match response.and_then(incoming) {
            Ok(response) => response,
            Err(failure) => return done(Err(failure)),
        };
        let (response, rest) = response;
        done(Ok(response));
        if let Some((body, writer, coding)) = rest {
            tokio::select! {
                () = pass_on(body, writer, coding) => {}
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

fn outgoing(request: FetchRequest) -> Result<hyper::Request<Outgoing>, Failure> {
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
    // Deviation: the platform asks for Brotli too.
    out.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate"));
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
        header::ACCEPT_ENCODING,
    ]
    .contains(name)
        || others.contains(&name.as_str())
}

/// How a response's body is packed.
enum Coding {
    None,
    Gzip(Box<GzDecoder<Vec<u8>>>),
    Zlib(Box<ZlibDecoder<Vec<u8>>>),
    /// `deflate` is both of these in practice: the first byte tells.
    Deflate(Option<Box<DeflateDecoder<Vec<u8>>>>),
}

type Rest = Option<(Incoming, PipeWriter, Coding)>;

fn incoming(response: hyper::Response<Incoming>) -> Result<(FetchResponse, Rest), Failure> {
    let (parts, body) = response.into_parts();
    let empty = body.is_end_stream();
    let coding = if empty { Coding::None } else { coding(&parts.headers)? };
    let decoded = !matches!(coding, Coding::None);
    // Deviation: the platform keeps the field and packs the body again if it is passed on.
    let kept = |name: &HeaderName| {
        !(decoded && (*name == header::CONTENT_ENCODING || *name == header::CONTENT_LENGTH))
            && *name != header::TRANSFER_ENCODING
            && *name != header::CONNECTION
    };
    let headers = parts.headers.iter().filter(|(name, _)| kept(name));
    let headers: Vec<Header> = headers.map(|(name, value)| (name.clone(), value.clone())).collect();
    let reason = parts.extensions.get::<hyper::ext::ReasonPhrase>();
    let status_text = match reason {
        Some(reason) => String::from_utf8_lossy(reason.as_bytes()).into_owned(),
        None => parts.status.canonical_reason().unwrap_or_default().to_owned(),
    };
    let status = parts.status.as_u16();
    if empty {
        return Ok((
            FetchResponse { status, status_text, headers, body: Body::Empty, web_socket: None },
            None,
        ));
    }
    let length = if decoded { None } else { body.size_hint().exact() };
    let (writer, reader) = pipe();
    let response =
        FetchResponse { status, status_text, headers, body: Body::Stream(reader, length), web_socket: None };
    Ok((response, Some((body, writer, coding))))
}

fn coding(headers: &HeaderMap) -> Result<Coding, Failure> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Coding::None) };
    match value.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Coding::None),
        "gzip" | "x-gzip" => Ok(Coding::Gzip(Box::new(GzDecoder::new(Vec::new())))),
        "deflate" => Ok(Coding::Deflate(None)),
        other => Err(format!("dodev does not emulate responses with `content-encoding: {other}` yet")),
    }
}

impl Coding {
    /// What `chunk` unpacks to.
    fn unpack(&mut self, chunk: Bytes) -> std::io::Result<Bytes> {
        if let Self::Deflate(None) = self
            && let Some(first) = chunk.first()
        {
            // The low half of the first byte of the zlib format is 8.
            if first & 0x0f == 8 {
                *self = Self::Zlib(Box::new(ZlibDecoder::new(Vec::new())));
            } else {
                *self = Self::Deflate(Some(Box::new(DeflateDecoder::new(Vec::new()))));
            }
        }
        let taken = match self {
            Self::None | Self::Deflate(None) => return Ok(chunk),
            Self::Gzip(decoder) => {
                decoder.write_all(&chunk)?;
                decoder.flush()?;
                std::mem::take(decoder.get_mut())
            }
            Self::Zlib(decoder) => {
                decoder.write_all(&chunk)?;
                decoder.flush()?;
                std::mem::take(decoder.get_mut())
            }
            Self::Deflate(Some(decoder)) => {
                decoder.write_all(&chunk)?;
                decoder.flush()?;
                std::mem::take(decoder.get_mut())
            }
        };
        Ok(Bytes::from(taken))
    }

    /// Checks that nothing is missing at the end.
    fn finish(self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::None | Self::Deflate(None) => Ok(Vec::new()),
            Self::Gzip(decoder) => decoder.finish(),
            Self::Zlib(decoder) => decoder.finish(),
            Self::Deflate(Some(decoder)) => decoder.finish(),
        }
    }
}

/// Moves the body into the pipe as fast as it is read.
async fn pass_on(mut body: Incoming, mut writer: PipeWriter, mut coding: Coding) {
    loop {
        if poll_fn(|context| writer.poll_ready(context)).await.is_err() {
            return;
        }
        match body.frame().await {
            Some(Ok(frame)) => {
                let Ok(chunk) = frame.into_data() else { continue };
                match coding.unpack(chunk) {
                    Ok(bytes) => writer.write(bytes),
                    Err(error) => {
                        return writer.fail(PipeError(format!("the body cannot be unpacked: {error}")));
                    }
                }
            }
            Some(Err(_)) => return writer.fail(PipeError("Network connection lost.".to_owned())),
            None => {
                return match coding.finish() {
                    Ok(rest) => {
                        writer.write(Bytes::from(rest));
                        writer.end();
                    }
                    Err(error) => writer.fail(PipeError(format!("the body cannot be unpacked: {error}"))),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    fn unpack(name: &'static str, packed: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        let mut coding = coding(&headers).expect("a known coding");
        let mut all = Vec::new();
        for chunk in packed.chunks(3) {
            all.extend_from_slice(&coding.unpack(Bytes::copy_from_slice(chunk))?);
        }
        all.extend(coding.finish()?);
        Ok(all)
    }

    #[test]
    fn bodies_are_unpacked_in_pieces() {
        let text = b"hello hello hello hello";
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(text).unwrap();
        let gzip = gzip.finish().unwrap();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(text).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(text).unwrap();
        assert_eq!(unpack("gzip", &gzip).unwrap(), text);
        assert_eq!(unpack("deflate", &zlib.finish().unwrap()).unwrap(), text);
        assert_eq!(unpack("deflate", &raw.finish().unwrap()).unwrap(), text);
        assert!(unpack("gzip", &gzip[..gzip.len() - 4]).is_err());
        assert!(unpack("gzip", b"not gzip at all").is_err());
    }

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
        };
        let out = outgoing(request).expect("a request");
        let mut names: Vec<_> = out.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept-encoding", "x-a"]);
        assert_eq!(out.body().size_hint().exact(), Some(3));
    }
}
