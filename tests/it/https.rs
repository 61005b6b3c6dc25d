//! `--local-protocol https`: the certificate, the URL that the Worker sees, WebSockets, and what asks in plain text.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::deadline::Deadline;
use crate::http::Request;
use crate::process::Signal;
use crate::project::{Server, ServerCommand, TestProject};

const LIMIT: Duration = Duration::from_secs(30);
const WORKER: &str = r#"
export default {
  fetch(request) {
    if (request.headers.get("upgrade") === null) return new Response(request.url);
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", ({ data }) => server.send(`${data} by ${request.url}`));
    return new Response(null, { status: 101, webSocket: client });
  },
};
"#;
const CONFIG: &str = r#"{ "name": "w", "main": "src/index.js", "compatibility_date": "2026-11-01" }"#;
const SECURE: &str = r#"{ "name": "w", "main": "src/index.js", "compatibility_date": "2026-11-01", "dev": { "local_protocol": "https" } }"#;
/// Where the certificate is that was made.
const MADE: &str = ".wrangler/dodev/https/cert.pem";

fn project(config: &str) -> TestProject {
    TestProject::with_files(&[("wrangler.jsonc", config), ("src/index.js", WORKER)])
}

/// Starts `dodev dev` with `arguments`; gives it with its port.
fn start(project: &TestProject, arguments: &[&str]) -> (Server, u16) {
    let server = project.spawn(&ServerCommand::from_env(), arguments).expect("it starts");
    let line = server.process().wait_line(0, "Ready on https://", Deadline::after(LIMIT));
    let output = server.process().output();
    let line = output.lines().nth(line.unwrap_or_else(|| panic!("it is ready:\n{output}")) - 1);
    let port = line.and_then(|line| line.rsplit(':').next()?.parse().ok()).expect("a port");
    (server, port)
}

/// A connection to the server at `port` that trusts the certificate in `trusted` and nobody else.
fn connect(port: u16, host: &str, trusted: &Path) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted).expect("a certificate")).expect("it can be trusted");
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = host.to_owned().try_into().expect("a name");
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it listens");
    stream.set_read_timeout(Some(LIMIT)).expect("the system takes it");
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a connection"), stream)
}

fn ask(port: u16, host: &str, trusted: &Path) -> String {
    let mut stream = connect(port, host, trusted);
    write!(stream, "GET /a?b HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n")
        .expect("it reads");
    let mut answer = String::new();
    // The end is that of the connection, with or without a word of farewell.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn a_worker_is_served_with_a_certificate_that_is_made_and_kept() {
    let project = project(CONFIG);
    let made = project.dir().join(MADE);
    let mut certificates = Vec::new();
    for _ in 0..2 {
        let (server, port) = start(&project, &["--local-protocol", "https"]);
        for host in ["localhost", "127.0.0.1"] {
            let answer = ask(port, host, &made);
            assert!(answer.ends_with(&format!("https://{host}:{port}/a?b")), "{answer}");
        }
        let output = server.process().output();
        assert!(output.contains(&format!("url           https://127.0.0.1:{port}")), "{output}");
        // Commands of this machine reach the control surface; everything else is told what to do.
        let plain = crate::http::exchange(port, &Request::new("GET", "/"), LIMIT).expect("an answer");
        assert_eq!(plain.status, 400);
        assert!(plain.text().contains("speaks https"), "{}", plain.text());
        assert!(project.dodev(&["time", "--port", &port.to_string()]).status.success());
        certificates.push(project.read(MADE));
        assert!(server.process().stop(Signal::Term).success());
    }
    assert_eq!(certificates[0], certificates[1]);
}

#[test]
fn web_sockets_run_by_https() {
    let project = project(SECURE);
    let (server, port) = start(&project, &[]);
    let mut stream = connect(port, "localhost", &project.dir().join(MADE));
    let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    write!(stream, "GET / HTTP/1.1\r\nHost: localhost\r\n{handshake}").expect("it reads");
    // A masked text frame with "hi", its mask zero.
    stream.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).expect("it reads");
    let mut received = Vec::new();
    let expected = b"hi by https://localhost/";
    while !received.windows(expected.len()).any(|part| part == expected) {
        let mut part = [0; 1024];
        let read = stream.read(&mut part).expect("an answer in time");
        assert!(read > 0, "closed after {}", String::from_utf8_lossy(&received));
        received.extend_from_slice(&part[..read]);
    }
    assert!(received.starts_with(b"HTTP/1.1 101"));
    assert!(server.process().stop(Signal::Term).success());
}

#[test]
fn a_certificate_of_the_user_is_shown() {
    // One that another project made will do.
    let other = project(SECURE);
    let (server, _) = start(&other, &[]);
    assert!(server.process().stop(Signal::Term).success());
    let project = project(SECURE);
    for name in ["cert.pem", "key.pem"] {
        project.write(name, &other.read(&format!(".wrangler/dodev/https/{name}")));
    }
    let given = ["--https-cert-path", "cert.pem", "--https-key-path", "key.pem"];
    let (server, port) = start(&project, &given);
    assert!(ask(port, "localhost", &other.dir().join(MADE)).contains("200 OK"));
    assert!(!project.dir().join(MADE).exists(), "none is made");
    assert!(server.process().stop(Signal::Term).success());

    project.write("key.pem", "nothing");
    let output = project.dodev(&[["dev"].as_slice(), &given].concat());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains("cannot read the key in"), "{text}");
    assert!(text.contains("none in PEM form") && text.contains("--https-key-path"), "{text}");
}
