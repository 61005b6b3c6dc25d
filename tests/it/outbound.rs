//! The global `fetch`, by a Worker that talks to its own server over HTTP, and to a server with TLS and HTTP/2.

use std::convert::Infallible;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio_rustls::TlsAcceptor;

use crate::project::{ServerCommand, TestProject, repository};

#[test]
fn requests_leave_and_responses_come_back() {
    let server = TestProject::from_fixture("outbound").start();
    for (name, expected) in [
        (
            "simple",
            json!([
                201,
                "Made",
                true,
                false,
                ["a=1", "b=2"],
                "TypeError: Can't modify immutable headers.",
                ["GET", ["t", null, null, "1"], ""]
            ]),
        ),
        (
            "redirects",
            json!([
                [
                    [301, true, ["GET", ""]],
                    [302, true, ["GET", ""]],
                    [303, true, ["GET", ""]],
                    [307, true, ["POST", "kept"]],
                    [308, true, ["POST", "kept"]]
                ],
                302,
                true,
                "TypeError: Too many redirects.",
                "TypeError: A request with a one-time-use body (it was initialized from a stream, not a \
                 buffer) encountered a redirect requiring the body to be retransmitted. To avoid this error \
                 in the future, construct this request from a buffer-like body initializer."
            ]),
        ),
        (
            "failures",
            json!([
                "TypeError: Fetch API cannot load: ftp://a/",
                "TypeError: Invalid URL: nowhere",
                "Network connection lost.",
                true,
                true
            ]),
        ),
        (
            "packed",
            json!([
                ["gzip", 350],
                ["br", 350],
                ["zstd", 1],
                ["gzip", "TypeError: Gzip compressed stream ended prematurely."],
                ["br", "TypeError: Brotli decompression failed."],
                [true, true],
                "packed packed "
            ]),
        ),
        ("aborts", json!(["before", "tick", "RangeError: while reading"])),
        (
            "lengths",
            json!([
                ["/sized", "5", 5],
                ["/sizedPassed", "5", 5],
                ["/sizedAnew", "5", 5],
                ["/large", "3000000", 3_000_000],
                ["/echo", "5"],
                ["/forwards", "5"]
            ]),
        ),
        ("streams", json!(["3000000", 3_000_000])),
        (
            "object",
            json!([1, "[\"POST\",[null,\"14\",\"text/plain;charset=UTF-8\",null],\"from an object\"]"]),
        ),
    ] {
        let response = server.get(&format!("/check/{name}"));
        let answer: Value = serde_json::from_str(&response.text()).unwrap_or_else(|_| response.text().into());
        assert_eq!(answer, expected, "{name}");
    }
}

/// A server on a free port of 127.0.0.1 that speaks what `protocol` says by ALPN; it answers each request with the
/// version of HTTP, the method, the host that was asked, and the body.
fn secure_server(tls: &Path, protocol: &'static str) -> u16 {
    let certificate = CertificateDer::from_pem_file(tls.join("certificate.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(tls.join("key.pem")).expect("a key");
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the key is the certificate's");
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a listener that tasks can wait for");
    let port = listener.local_addr().expect("bound above").port();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((connection, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust the certificate goes away here.
                    let Ok(connection) = acceptor.accept(connection).await else { return };
                    let io = TokioIo::new(connection);
                    let served = match protocol {
                        "h2" => {
                            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                            builder.serve_connection(io, service_fn(answer)).await
                        }
                        _ => {
                            let builder = hyper::server::conn::http1::Builder::new();
                            builder.serve_connection(io, service_fn(answer)).await
                        }
                    };
                    // How a connection ends is the client's choice.
                    drop(served);
                });
            }
        });
    });
    port
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let host = parts.uri.authority().is_some() || parts.headers.contains_key("host");
    let text = json!([format!("{:?}", parts.version), parts.method.as_str(), host, body.len()]).to_string();
    Ok(Response::new(Full::new(text.into())))
}

#[test]
fn servers_with_tls_choose_the_version_of_http() {
    let tls = repository().join("fixtures/outbound/tls");
    let project = TestProject::from_fixture("outbound");
    let command = ServerCommand::with_variable("NODE_EXTRA_CA_CERTS", &tls.join("certificate.pem"));
    let mut server = project.spawn(&command, &[]).expect("the command can be started");
    server.wait_ready(Duration::from_secs(30)).expect("a server");
    for (protocol, version) in [("h2", "HTTP/2.0"), ("http/1.1", "HTTP/1.1")] {
        let port = secure_server(&tls, protocol);
        let answer = server.get(&format!("/check/secure?port={port}")).text();
        let answer: Value = serde_json::from_str(&answer).unwrap_or_else(|_| answer.into());
        let many = vec![json!([version, "GET", true, 0]); 8];
        assert_eq!(answer, json!([[version, "POST", true, 5], [version, "PUT", true, 3_000_000], many]));
    }
}

#[test]
fn a_server_that_nobody_vouches_for_is_not_talked_to() {
    let port = secure_server(&repository().join("fixtures/outbound/tls"), "h2");
    let server = TestProject::from_fixture("outbound").start();
    let answer = server.get(&format!("/check/secure?port={port}"));
    assert!(answer.text().contains("Network connection lost."), "{answer}");
}
