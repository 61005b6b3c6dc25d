//! What must hold of every head of a request: for `fuzz/`, and for the bounded run in the tests.

use std::convert::Infallible;

use axum::http::{HeaderValue, Request, Response, header};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use super::request::{BodyForm, Head, head};

/// Bytes that one end may be ahead of the other.
const AHEAD: usize = 64 * 1024;

/// Lets a connection bring `bytes` and end: each request is refused, or has a head that the Worker can rely on; whatever
/// is answered is HTTP.
///
/// # Panics
/// When that does not hold.
pub fn check_heads(bytes: &[u8]) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().expect("it needs nothing of the system");
    let answered = runtime.block_on(async {
        let (client, server) = tokio::io::duplex(AHEAD);
        let service = service_fn(|request: Request<Incoming>| async move {
            let (parts, _) = request.into_parts();
            if let Ok(head) = head(&parts, &HeaderValue::from_static("127.0.0.1"), "http") {
                assert_sound(&head);
            }
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
        });
        let (mut reader, mut writer) = tokio::io::split(client);
        let talk = async {
            // A server that has heard enough does not read the rest.
            drop(writer.write_all(bytes).await);
            drop(writer.shutdown().await);
        };
        let listen = async {
            let mut answered = Vec::new();
            reader.read_to_end(&mut answered).await.map(|_| answered)
        };
        let serve = http1::Builder::new().serve_connection(TokioIo::new(server), service);
        tokio::join!(talk, listen, async { drop(serve.await) }).1.expect("memory can be read")
    });
    assert!(answered.is_empty() || answered.starts_with(b"HTTP/1."), "{answered:?}");
}

fn assert_sound(head: &Head) {
    let url = Url::parse(&head.url).expect("the URL of a request is one");
    assert_eq!(url.as_str(), head.url, "a parser would change it");
    assert!(url.scheme() == "http" && url.username().is_empty() && url.fragment().is_none(), "{url}");
    let count = |name| head.headers.iter().filter(|(other, _)| *other == name).count();
    assert_eq!(count(header::ACCEPT_ENCODING), 1);
    assert_eq!((count(header::CONNECTION), count(header::HOST)), (0, 1));
    if let BodyForm::Sized(length @ 1..) = head.body {
        let text = length.to_string();
        let told =
            head.headers.iter().find(|(name, _)| *name == header::CONTENT_LENGTH).map(|(_, value)| value);
        let told = told.and_then(|value| value.to_str().ok()).map(|value| value.trim_start_matches('0'));
        assert_eq!(told, Some(&*text));
    }
}
