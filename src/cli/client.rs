//! Finds a running server and asks it by its control surface.
//!
//! A server writes where it is into `<state>/v3/dodev/server.json`. One request on one connection; no TLS,
//! since the server has none.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value as Json;
use tokio::net::TcpStream;
use url::Url;

use super::place::state_of;
use crate::inspect::ServerNote;

const DEFAULT_URL: &str = "http://127.0.0.1:8787";
/// A server that does not accept within this time is taken for hanging.
pub const CONNECT: Duration = Duration::from_secs(2);

/// A server to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Where it is.
    pub url: Url,
    /// What it wants to be shown, if it says so.
    token: Option<String>,
}

/// How the server was named on the command line.
#[derive(Debug, Default)]
pub struct Named<'a> {
    /// Its address.
    pub url: Option<&'a str>,
    /// Its port on this machine.
    pub port: Option<u16>,
    /// Its state.
    pub persist: Option<&'a Path>,
}

impl Client {
    /// The server that `note` tells of.
    ///
    /// # Errors
    /// When its address is none.
    pub fn of(note: &ServerNote) -> anyhow::Result<Self> {
        let url = Url::parse(&note.url).map_err(|_| anyhow!("`{}` is no URL of a server", note.url))?;
        Ok(Self { url, token: Some(note.token.clone()) })
    }

    /// The server that is meant: the one that was named, else the one of the project in `cwd`, else the default port.
    ///
    /// # Errors
    /// When the address is none.
    pub fn find(named: &Named, cwd: &Path) -> anyhow::Result<Self> {
        let given = match (named.url, named.port) {
            (Some(url), _) => Some(url.to_owned()),
            (None, Some(port)) => Some(format!("http://127.0.0.1:{port}")),
            (None, None) => None,
        };
        if let Some(text) = given {
            let url = Url::parse(&text).with_context(|| format!("`{text}` is not a URL"))?;
            if url.scheme() != "http" || url.host().is_none() {
                bail!("`{text}` is not the address of a server; give for example http://localhost:8787");
            }
            return Ok(Self { url, token: None });
        }
        let state = named.persist.map_or_else(|| state_of(cwd), |persist| cwd.join(persist));
        let written = ServerNote::read(&state.join("v3/dodev")).and_then(|note| Self::of(&note).ok());
        let fallback = || Self { url: Url::parse(DEFAULT_URL).expect("it is one"), token: None };
        Ok(written.unwrap_or_else(fallback))
    }

    /// The URL of `segments` below the control surface.
    pub fn surface(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(["cdn-cgi", "dodev"]).extend(segments);
        }
        url
    }

    /// Sends `body`, unless it is null, to `url` of the server; `limit` is the time until the head of the answer.
    ///
    /// # Errors
    /// Why there is none, as the end of a sentence.
    pub async fn send(
        &self,
        method: Method,
        url: &Url,
        body: &Json,
        limit: Duration,
    ) -> Result<http::Response<Incoming>, String> {
        let mut request = Request::builder().method(method).header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        send(url, request.body(Full::new(body)).map_err(|error| error.to_string())?, limit).await
    }

    /// As [`Client::send`], with the whole answer; what is no JSON is null.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn exchange(
        &self,
        method: Method,
        url: &Url,
        body: &Json,
        limit: Duration,
    ) -> Result<(StatusCode, Json), String> {
        let response = self.send(method, url, body, limit).await?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(|error| error.to_string())?;
        Ok((status, serde_json::from_slice(&bytes.to_bytes()).unwrap_or_default()))
    }

    /// Asks for `segments` of the control surface, and posts `body` if there is one; waits at most `limit`.
    ///
    /// # Errors
    /// When nobody answers, or the server refuses: then its words.
    pub fn ask(&self, segments: &[&str], body: Option<Json>, limit: Duration) -> anyhow::Result<Json> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let method = if body.is_some() { Method::POST } else { Method::GET };
        let url = self.surface(segments);
        let body = body.unwrap_or_default();
        let asked = self.exchange(method, &url, &body, limit);
        let (status, answer) = runtime.block_on(asked).map_err(|reason| {
            let help = "start `dodev dev`, or name another server with `--url`";
            anyhow!("nobody answers at {}: {reason}\n{help}", self.url)
        })?;
        if answer.is_null() {
            bail!("what answers at {} is not dodev, or too old", self.url);
        }
        if status.is_success() {
            return Ok(answer);
        }
        let words = answer.get("error").and_then(Json::as_str);
        Err(anyhow!("{}", words.unwrap_or("the server refused without a reason")))
    }
}

/// Sends `request`, whose target and host are those of `url`, to the server there, over a connection of its own; `limit` is
/// the time until the head of the answer.
///
/// # Errors
/// Why there is none, as the end of a sentence.
pub async fn send(
    url: &Url,
    mut request: Request<Full<Bytes>>,
    limit: Duration,
) -> Result<http::Response<Incoming>, String> {
    let slow = || "it does not answer".to_owned();
    let addresses = url.socket_addrs(|| None).map_err(|error| error.to_string())?;
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    *request.uri_mut() = target.parse().map_err(|error: http::uri::InvalidUri| error.to_string())?;
    let host = HeaderValue::from_str(host).map_err(|error| error.to_string())?;
    request.headers_mut().entry(header::HOST).or_insert(host);
    let connected = tokio::time::timeout(CONNECT, TcpStream::connect(&addresses[..])).await;
    let stream = connected.map_err(|_| slow())?.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // Its errors are those of the request.
    tokio::spawn(async move { drop(connection.await) });
    let sent = tokio::time::timeout(limit, sender.send_request(request)).await;
    sent.map_err(|_| slow())?.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_found_where_it_was_named_or_wrote_itself_down() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        std::fs::write(root.join("wrangler.jsonc"), "{}").unwrap();
        std::fs::create_dir_all(root.join("src")).unwrap();
        let found = |named: Named| Client::find(&named, &root.join("src")).map(|place| place.url.to_string());
        assert_eq!(found(Named::default()).unwrap(), "http://127.0.0.1:8787/");
        let own = root.join(".wrangler/state/v3/dodev");
        std::fs::create_dir_all(&own).unwrap();
        let note = r#"{"version":"1","pid":1,"url":"http://localhost:9123","token":"t"}"#;
        std::fs::write(own.join("server.json"), note).unwrap();
        assert_eq!(found(Named::default()).unwrap(), "http://localhost:9123/");
        assert_eq!(Client::find(&Named::default(), root).unwrap().token.as_deref(), Some("t"));
        assert_eq!(found(Named { port: Some(80), ..Named::default() }).unwrap(), "http://127.0.0.1/");
        for wrong in ["nowhere", "https://localhost", "http:"] {
            assert!(found(Named { url: Some(wrong), ..Named::default() }).is_err(), "{wrong}");
        }
    }
}
