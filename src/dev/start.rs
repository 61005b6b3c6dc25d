//! What a session needs before its first build: an address to serve on, and words for why there is none.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use super::report::{Report, ReportSink};
use super::session::{CACHE, SessionOptions};
use crate::base::clock::Clock;
use crate::base::diag::Diagnostic;
use crate::base::limits;
use crate::migrate::MigrateError;
use crate::project::{Project, parse_ip};
use crate::server::{
    Certificate, CertificateError, ControlOptions, Current, ListenError, PortChoice, Server, ServerOptions,
    listen,
};
use crate::world::{Replies, StateError};

/// The platform's default port for local development.
const DEFAULT_PORT: u16 = 8787;

/// Why a session cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartFailure {
    /// The configuration is wrong.
    #[error("the configuration is wrong")]
    Project(Vec<Diagnostic>),
    /// No port can be taken.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// There is no certificate for `https`.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The state directory cannot be used.
    #[error("cannot open the state in `{path}`: {error}")]
    State {
        /// The directory.
        path: PathBuf,
        /// Why.
        error: StateError,
    },
    /// The state cannot be migrated.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The system refuses a thread or a socket.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Takes the port that `options` or `project` want and serves what is current.
pub(super) fn start_server(
    options: &SessionOptions,
    project: &Project,
    current: Arc<Current>,
    replies: Arc<Replies>,
    control: ControlOptions,
) -> Result<Server, StartFailure> {
    let configured = project.dev.ip.as_deref().and_then(parse_ip);
    let ip = options.ip.or(configured).unwrap_or(Ipv4Addr::LOCALHOST.into());
    let choice = match options.port {
        Some(port) => PortChoice::Exactly(port),
        None => PortChoice::From(project.dev.port.unwrap_or(DEFAULT_PORT)),
    };
    let tls = match is_secure(options, project) {
        true => {
            let kept = || Certificate::Kept(project.home.join(CACHE).join("https"));
            let certificate = options.certificate.clone().unwrap_or_else(kept);
            Some(certificate.acceptor(ip, Clock::system().now())?)
        }
        false => {
            if options.certificate.is_some() {
                (options.report)(Report::Warnings(vec![unused_certificate()]));
            }
            None
        }
    };
    let listening = listen(ip, choice)?;
    if let Some((wanted, holder)) = listening.instead_of {
        (options.report)(Report::PortMoved { wanted, holder, taken: listening.address.port() });
    }
    let (listener, clock) = (listening.listener, options.clock.clone());
    let server = server_options(listener, current, replies, clock, control, &options.report);
    Ok(Server::start(ServerOptions { tls, live_reload: options.live_reload, ..server })?)
}

/// Whether `https` is served.
fn is_secure(options: &SessionOptions, project: &Project) -> bool {
    options.secure.unwrap_or(project.dev.local_protocol.as_deref() == Some("https"))
}

/// What a server of `http` on `listener` needs that tells `report` what happens.
pub(super) fn server_options(
    listener: TcpListener,
    current: Arc<Current>,
    replies: Arc<Replies>,
    clock: Clock,
    control: ControlOptions,
    report: &ReportSink,
) -> ServerOptions {
    let (report, full) = (report.clone(), report.clone());
    ServerOptions {
        listener,
        current,
        replies,
        observe: Arc::new(move |record| report(Report::Request(record))),
        clock,
        control,
        full: Arc::new(move |connections| full(Report::Warnings(vec![too_many(connections)]))),
        connections: None,
        head_wait: limits::HEAD_WAIT,
        tls: None,
        live_reload: false,
    }
}

fn unused_certificate() -> Diagnostic {
    let message = "`--https-cert-path` and `--https-key-path` have no effect: `http` is served";
    Diagnostic::warning("dev/no-effect", message).help("add `--local-protocol https`")
}

fn too_many(connections: usize) -> Diagnostic {
    let message = format!("there are {connections} connections, as many as open files allow: others wait");
    Diagnostic::warning("dev/connections", message)
        .help("raise the limit with `ulimit -Hn`, or close connections that nobody uses")
}
