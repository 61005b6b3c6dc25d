//! The thread that accepts connections and passes each request to the current world.
//!
//! One loop on one thread: a request costs one message to the world and one back, and there is no
//! middleware between hyper and the world. Only the control surface goes through axum's router. Request
//! bodies of known, small size are read whole before the Worker sees the request; others flow through a pipe.

mod upgraded;

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::http::header::{ACCEPT_ENCODING, CONNECTION};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;

use super::control::{ControlOptions, Surface};
use super::current::{Current, Serving};
use super::discard::RequestBody;
use super::line::{Line, Stream};
use super::live_reload::LiveReload;
use super::patience::Patience;
use super::public_host::Masked;
use super::request::{BodyForm, Head, Refusal};
use super::response::WireBody;
use super::{acceptable, control, error_page, request, response, socket};
use crate::assets::Routed;
use crate::base::clock::Clock;
use crate::base::limits;
use crate::engine::pipe::{self, PipeError, PipeWriter};
use crate::engine::presence::Client as Sender;
use crate::engine::{assets, descriptors};
use crate::world::Replies;
use crate::world::http::{Body, FetchError, FetchRequest};

/// Pause after the system refused to accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// The first byte of every connection with TLS.
const HANDSHAKE: u8 = 22;
/// The answer to plain requests where there is TLS.
const WANTS_HTTPS: &str = "This server speaks https: ask again with https:// in place of http://";

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// The method.
    pub method: Method,
    /// Path and query, as they came.
    pub target: PathAndQuery,
    /// The answer's status.
    pub status: u16,
    /// Whether static assets answered it, and no code.
    pub is_asset: bool,
    /// From the head of the request to the head of the answer.
    pub duration: Duration,
}

/// What a server needs.
pub struct ServerOptions {
    /// The socket.
    pub listener: TcpListener,
    /// What answers.
    pub current: Arc<Current>,
    /// The answers of all worlds.
    pub replies: Arc<Replies>,
    /// Told of every answered request, on the server's thread; must not wait.
    pub observe: Arc<dyn Fn(RequestRecord) + Send + Sync>,
    /// Measures durations.
    pub clock: Clock,
    /// Who may use the control surface, and what it tells.
    pub control: ControlOptions,
    /// Told, once, that no more connections can be taken; must not wait.
    pub full: Arc<dyn Fn(usize) + Send + Sync>,
    /// How many connections there may be; `None` is as many as the system has descriptors for.
    pub connections: Option<usize>,
    /// How long the head of a request may take.
    pub head_wait: Duration,
    /// What makes connections secure, for a server of `https`.
    pub tls: Option<TlsAcceptor>,
    /// Whether pages load again when new code serves.
    pub live_reload: bool,
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    is_secure: bool,
    stop: watch::Sender<Option<Duration>>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Starts to accept. Requests wait until [`Current`] holds something that answers.
    pub fn start(options: ServerOptions) -> io::Result<Self> {
        let address = options.listener.local_addr()?;
        let is_secure = options.tls.is_some();
        options.listener.set_nonblocking(true)?;
        descriptors::set_backlog(&options.listener, limits::BACKLOG);
        let (stop, stopping) = watch::channel(None);
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build();
            runtime.expect("the system gives an event queue").block_on(accept(options, stopping));
        };
        let thread = thread::Builder::new().name("edge".to_owned()).spawn(run)?;
        Ok(Self { address, is_secure, stop, thread })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it serves `https`.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// Accepts no more, gives requests in flight at most `limit` to finish, and ends.
    pub fn stop(self, limit: Duration) {
        self.stop.send_replace(Some(limit));
        // A panic of the thread has been reported by the panic hook.
        drop(self.thread.join());
    }
}

/// How a connection's requests come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Http,
    Https,
    /// As plain text, to a server of `https`: the control surface answers, which the tools of this machine use.
    HttpToHttps,
}

impl Way {
    fn scheme(self) -> &'static str {
        match self {
            Self::Http | Self::HttpToHttps => "http",
            Self::Https => "https",
        }
    }
}

/// Who is at the other side of a connection.
#[derive(Debug, Clone)]
struct Client {
    /// Its address, as text.
    address: HeaderValue,
    /// It is on this machine.
    is_local: bool,
    way: Way,
    line: Line,
    /// Its place among all connections, held as long as anything serves it.
    place: Arc<OwnedSemaphorePermit>,
}

impl Client {
    fn of(ip: IpAddr, stream: &TcpStream, place: OwnedSemaphorePermit) -> Self {
        // A program of this machine may come by any of the machine's addresses.
        let is_own = stream.local_addr().is_ok_and(|own| own.ip() == ip);
        let address = HeaderValue::try_from(ip.to_string()).expect("addresses are plain text");
        let is_local = is_own || ip.to_canonical().is_loopback();
        Self { address, is_local, way: Way::Http, line: Line::default(), place: Arc::new(place) }
    }
}

/// What all connections share.
struct Edge {
    current: Arc<Current>,
    control: TowerToHyperService<Router>,
    access: ControlOptions,
    observe: Arc<dyn Fn(RequestRecord) + Send + Sync>,
    clock: Clock,
    head_wait: Duration,
    patience: Patience,
    tls: Option<TlsAcceptor>,
    live_reload: Option<LiveReload>,
    /// Requests were delivered since the world was last woken.
    delivered: Notify,
}

/// How many connections leave enough descriptors for everything else.
fn connections_max() -> usize {
    match descriptors::raise_limit() {
        Some(files) => files.saturating_sub(limits::FILES_KEPT).max(files / 2),
        None => limits::CONNECTIONS,
    }
}

async fn accept(options: ServerOptions, stopping: watch::Receiver<Option<Duration>>) {
    let ServerOptions {
        listener,
        current,
        replies,
        observe,
        clock,
        control: access,
        full,
        connections,
        head_wait,
        tls,
        live_reload,
    } = options;
    tokio::spawn(async move { replies.deliver().await });
    let listener = tokio::net::TcpListener::from_std(listener).expect("the socket does not block");
    let surface = Surface {
        current: current.clone(),
        feed: access.feed.clone(),
        state: access.state.clone(),
        reload: access.reload.clone(),
        program: access.program.clone(),
        sessions: access.sessions.clone(),
        clock: clock.clone(),
        stopping: stopping.clone(),
    };
    let control = TowerToHyperService::new(control::routes(surface));
    let patience = Patience::default();
    tokio::spawn(patience.clone().measure());
    let live_reload = live_reload.then(LiveReload::default);
    if let Some(pages) = live_reload.clone() {
        let current = current.clone();
        tokio::spawn(async move { current.each_new(|| pages.reload()).await });
    }
    let delivered = Notify::new();
    let edge =
        Edge { current, control, access, observe, clock, head_wait, patience, tls, live_reload, delivered };
    let edge = Arc::new(edge);
    let most = connections.unwrap_or_else(connections_max);
    let places = Arc::new(Semaphore::new(most));
    let mut was_full = false;
    tokio::spawn(wake_worlds(edge.clone()));
    // Every connection holds `alive`; when `ended` yields nothing more, all have ended.
    let (alive, mut ended) = mpsc::channel::<()>(1);
    let mut stopped = stopping.clone();
    let limit = loop {
        let next = async {
            let place = places.clone().acquire_owned().await.expect("it is never closed");
            listener.accept().await.map(|accepted| (accepted, place))
        };
        tokio::select! {
            accepted = next => match accepted {
                Ok(((stream, client), place)) => {
                    if places.available_permits() == 0 && !std::mem::replace(&mut was_full, true) {
                        full(most);
                    }
                    let client = Client::of(client.ip(), &stream, place);
                    let serving = connection(edge.clone(), stream, client, stopping.clone());
                    let alive = alive.clone();
                    tokio::spawn(async move {
                        serving.await;
                        drop(alive);
                    });
                }
                // Out of file descriptors: connections that end will free some.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            limit = stopped.wait_for(Option::is_some) => {
                // Without a value the server's handle was dropped: end at once.
                break limit.ok().and_then(|limit| *limit).unwrap_or_default();
            }
        }
    };
    drop((listener, alive));
    // Whether they all ended or not, the runtime ends now and closes what is left.
    drop(tokio::time::timeout(limit, ended.recv()).await);
}

/// Wakes the world once for all requests that were read in the same round of the event loop: this task is
/// queued behind the connections that are ready.
async fn wake_worlds(edge: Arc<Edge>) {
    loop {
        edge.delivered.notified().await;
        // A world that was replaced since is woken by being retired.
        edge.current.with(|serving| {
            if let Serving::World { handler, .. } = serving {
                handler.wake();
            }
        });
    }
}

/// Serves one connection until either side closes it or the server stops.
async fn connection(
    edge: Arc<Edge>,
    stream: TcpStream,
    client: Client,
    stopping: watch::Receiver<Option<Duration>>,
) {
    // Only latency suffers where the system refuses.
    drop(stream.set_nodelay(true));
    match edge.tls.clone() {
        None => requests(edge, stream, client, stopping).await,
        // Boxed, like all that is rare.
        Some(tls) => Box::pin(secure_connection(tls, edge, stream, client, stopping)).await,
    }
}

/// The same for a server of `https`. What goes wrong before the first request is the client's business.
async fn secure_connection(
    tls: TlsAcceptor,
    edge: Arc<Edge>,
    stream: TcpStream,
    mut client: Client,
    mut stopping: watch::Receiver<Option<Duration>>,
) {
    let begin = async {
        let mut first = [0];
        if stream.peek(&mut first).await.ok()? == 0 {
            return None;
        }
        if first[0] != HANDSHAKE {
            return Some(Err(stream));
        }
        tls.accept(stream).await.ok().map(Ok)
    };
    let begun = tokio::select! {
        begun = tokio::time::timeout(edge.head_wait, begin) => begun.ok().flatten(),
        _ = stopping.wait_for(Option::is_some) => None,
    };
    match begun {
        Some(Ok(stream)) => {
            client.way = Way::Https;
            requests(edge, stream, client, stopping).await;
        }
        Some(Err(stream)) => {
            client.way = Way::HttpToHttps;
            requests(edge, stream, client, stopping).await;
        }
        None => {}
    }
}

/// Answers the requests that come on `stream`.
async fn requests<S>(
    edge: Arc<Edge>,
    stream: S,
    client: Client,
    mut stopping: watch::Receiver<Option<Duration>>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (head_wait, patience) = (edge.head_wait, edge.patience.clone());
    let asking = client.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (edge, client) = (edge.clone(), asking.clone());
        let request = request.map(RequestBody::new);
        async move {
            let mut response = edge.answer(request, &client).await;
            if client.line.has_ended() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let builder = http1::Builder::new()
        .auto_date_header(false)
        .timer(patience)
        .header_read_timeout(head_wait)
        .serve_connection(TokioIo::new(Stream::new(stream, client.line)), service)
        .with_upgrades();
    let mut connection = pin!(builder);
    // Errors of a connection are the client's business: it sent nonsense, which hyper answers, or went away.
    let stopped = tokio::select! {
        result = connection.as_mut() => { drop(result); false }
        _ = stopping.wait_for(Option::is_some) => true,
    };
    if stopped {
        connection.as_mut().graceful_shutdown();
        drop(connection.await);
    }
}

impl Edge {
    async fn answer(&self, request: Request<RequestBody>, client: &Client) -> Response<WireBody> {
        if request.uri().path().starts_with(control::PREFIX) {
            // Boxed, like all that is rare: the future is moved with every request.
            return Box::pin(self.control(request, client.is_local)).await;
        }
        if client.way == Way::HttpToHttps {
            return response::text(StatusCode::BAD_REQUEST, "text/plain", WANTS_HTTPS);
        }
        let started = self.clock.machine();
        let (mut parts, body) = request.into_parts();
        let upgrade = socket::upgrade_of(&mut parts);
        if let (Some(pages), Some(upgrade)) = (&self.live_reload, &upgrade)
            && LiveReload::is_page(parts.uri.path(), &parts.headers)
        {
            return self.wait_for_reload(pages, &parts, upgrade.clone(), client);
        }
        let mut is_asset = false;
        let masked = self.masked(&mut parts.headers, client.way).await;
        let scheme = masked.as_deref().map_or(client.way.scheme(), Masked::scheme);
        let mut response = match request::head(&parts, &client.address, scheme) {
            Ok(head) => match self.asset(&head).await {
                Some(response) => {
                    is_asset = true;
                    response
                }
                None => self.fetch(head, body, &parts, upgrade, client).await,
            },
            Err(Refusal(status, text)) => response::text(status, "text/plain", text),
        };
        if let Some(pages) = &self.live_reload {
            response = pages.equip(response, &parts.method);
        }
        response = acceptable::ensure(response, parts.headers.get(ACCEPT_ENCODING));
        if let Some(masked) = &masked {
            masked.leave(response.headers_mut());
        }
        let record = RequestRecord {
            target: parts.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("*")),
            method: parts.method,
            status: response.status().as_u16(),
            is_asset,
            duration: self.clock.machine().saturating_sub(started),
        };
        if self.access.feed.is_watched() {
            control::tell_request(&self.access.feed, self.clock.now(), &record);
        }
        (self.observe)(record);
        response
    }

    async fn control(&self, request: Request<RequestBody>, is_local: bool) -> Response<WireBody> {
        let judged = control::judge(request.method(), request.headers(), is_local, &self.access.token);
        let response = match judged {
            Ok(()) => {
                let answered = self.control.call(request).await;
                answered.unwrap_or_else(|never| match never {})
            }
            Err(denied) => control::forbidden(denied),
        };
        response.map(WireBody::Control)
    }

    /// Makes a request with these headers one for the host that it is to appear for, if there is one.
    async fn masked(&self, headers: &mut HeaderMap, way: Way) -> Option<Box<Masked>> {
        self.current.settled().await;
        let host = self.current.with(|serving| match serving {
            Serving::World { handler, .. } => handler.public_host(),
            Serving::Broken(_) | Serving::Starting => None,
        })?;
        Masked::enter(&host, headers, way.scheme()).map(Box::new)
    }

    /// The answer of static assets, if they have one.
    async fn asset(&self, head: &Head) -> Option<Response<WireBody>> {
        self.current.settled().await;
        let site = self.current.with(|serving| match serving {
            Serving::World { handler, .. } => handler.site(&head.url),
            Serving::Broken(_) | Serving::Starting => None,
        })?;
        match site.route(&head.method, &head.url, &head.headers) {
            Routed::Assets(answer) => response::wire(assets::response(answer), &head.method),
            Routed::Worker => None,
        }
    }

    async fn fetch(
        &self,
        head: Head,
        body: RequestBody,
        parts: &Parts,
        upgrade: Option<OnUpgrade>,
        client: &Client,
    ) -> Response<WireBody> {
        let html = error_page::wants_html(&parts.headers);
        let received = match head.body {
            BodyForm::None => Ok(Body::Empty),
            form => Box::pin(receive(form, body)).await,
        };
        let body = match received {
            Ok(body) => body,
            Err(Refusal(status, text)) => return response::text(status, "text/plain", text),
        };
        // Dropped with this future when the connection ends before there is an answer.
        let (presence, sender) = Sender::new();
        let presence = match &body {
            Body::Stream(..) => Some(presence),
            _ => {
                client.line.wait(presence);
                None
            }
        };
        let request = FetchRequest {
            method: head.method,
            url: head.url,
            headers: head.headers,
            body,
            cf: None,
            client: Some(sender),
        };
        let mut request = Some(request);
        let delivered = loop {
            self.current.settled().await;
            let delivered = self.current.with(|serving| match serving {
                Serving::World { handler, .. } => request.take().map(|request| Ok(handler.fetch(request))),
                Serving::Broken(diagnostics) => Some(Err(diagnostics.clone())),
                // State began to be moved at this very moment.
                Serving::Starting => None,
            });
            if let Some(delivered) = delivered {
                break delivered;
            }
        };
        let answer = match delivered {
            Ok(answer) => {
                self.delivered.notify_one();
                answer
            }
            Err(diagnostics) => return error_page::broken(&diagnostics, html),
        };
        let answered = answer.await;
        if let Some(presence) = presence.or_else(|| client.line.answered()) {
            presence.release();
        }
        match answered {
            Ok(Ok(response)) => self.respond(response, parts, upgrade, client).unwrap_or_else(|| {
                let headline = "TypeError: the response has a status or a header that HTTP/1.1 cannot carry";
                error_page::thrown(headline, "", html)
            }),
            Ok(Err(FetchError::Thrown { headline, stack })) => error_page::thrown(&headline, &stack, html),
            Ok(Err(FetchError::Gone)) | Err(_) => {
                let text = "The server stopped before the Worker answered";
                response::text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", text)
            }
        }
    }
}

/// The body of a request as the world takes it.
async fn receive(form: BodyForm, body: RequestBody) -> Result<Body, Refusal> {
    const BROKEN_OFF: Refusal = Refusal(StatusCode::BAD_REQUEST, "Bad Request");
    let length = match form {
        BodyForm::None => return Ok(Body::Empty),
        BodyForm::Sized(0) => return Ok(Body::Bytes(Bytes::new())),
        BodyForm::Sized(length) if length <= limits::BODY_INLINE_BYTES as u64 => {
            let whole = body.collect().await.map_err(|_| BROKEN_OFF)?;
            return Ok(Body::Bytes(whole.to_bytes()));
        }
        BodyForm::Sized(length) => Some(length),
        BodyForm::Chunked => None,
    };
    let (writer, reader) = pipe::pipe();
    tokio::spawn(pump(body, writer));
    Ok(Body::Stream(reader, length))
}

/// Moves a request's body into a world, no faster than the world takes it.
async fn pump(mut body: RequestBody, mut writer: PipeWriter) {
    loop {
        let room = poll_fn(|context: &mut Context<'_>| writer.poll_ready(context)).await;
        if room.is_err() {
            // Nobody reads it any more.
            return;
        }
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(chunk) = frame.into_data() {
                    writer.write(chunk);
                }
            }
            Some(Err(_)) => return writer.fail(PipeError::new("the client broke the request off")),
            None => return writer.end(),
        }
    }
}
