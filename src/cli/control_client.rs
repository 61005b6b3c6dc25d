//! Asks a running server by its control surface, and finds it.
//!
//! A server writes where it is into `<state>/v3/dodev/server.json`. One request on one connection; no TLS,
//! since the server has none.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use url::Url;

use super::place::state_of;

const DEFAULT_URL: &str = "http://127.0.0.1:8787";

/// A server to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
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

/// The server that is meant: the one that was named, else the one of the project in `cwd`, else the default port.
///
/// # Errors
/// When the address is none.
pub fn find(named: &Named, cwd: &Path) -> anyhow::Result<Place> {
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
        return Ok(Place { url, token: None });
    }
    let state = named.persist.map_or_else(|| state_of(cwd), |persist| cwd.join(persist));
    let written = std::fs::read_to_string(state.join("v3/dodev/server.json")).ok();
    let written = written.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let text = |key: &str| written.as_ref().and_then(|value| value.get(key)?.as_str());
    let url = text("url").and_then(|url| Url::parse(url).ok());
    let token = text("token").filter(|_| url.is_some()).map(str::to_owned);
    let url = url.unwrap_or_else(|| Url::parse(DEFAULT_URL).expect("it is one"));
    Ok(Place { url, token })
}

/// Sends `body`, if there is one, to `path` of the server and gives its JSON answer; waits at most `limit`.
///
/// # Errors
/// When nobody answers, or the server refuses: then its words.
pub fn ask(place: &Place, path: &str, body: Option<&Value>, limit: Duration) -> anyhow::Result<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(async { tokio::time::timeout(limit, exchange(place, path, body)).await });
    let (status, bytes) = asked.map_err(|_| anyhow!("{} did not answer in time", place.url))??;
    let answer: Value = serde_json::from_slice(&bytes)
        .map_err(|_| anyhow!("what answers at {} is not dodev, or too old", place.url))?;
    if status.is_success() {
        return Ok(answer);
    }
    let words = answer.get("error").and_then(Value::as_str);
    Err(anyhow!("{}", words.unwrap_or("the server refused without a reason")))
}

async fn exchange(
    place: &Place,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<(hyper::StatusCode, Bytes)> {
    let host = place.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = place.url.port_or_known_default().unwrap_or(80);
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| {
        anyhow!(
            "nobody answers at {}: {error}\nstart `dodev dev`, or name another server with `--url`",
            place.url
        )
    })?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its errors are those of the request.
    tokio::spawn(async move { drop(connection.await) });
    let authority = format!("{}:{port}", place.url.host_str().unwrap_or_default());
    let mut request = hyper::Request::builder()
        .method(if body.is_some() { "POST" } else { "GET" })
        .uri(path)
        .header(header::HOST, authority);
    if let Some(token) = &place.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    let request =
        request.header(header::CONTENT_TYPE, "application/json").body(Full::new(Bytes::from(body)))?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
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
        let found = |named: Named| find(&named, &root.join("src")).map(|place| place.url.to_string());
        assert_eq!(found(Named::default()).unwrap(), "http://127.0.0.1:8787/");
        let own = root.join(".wrangler/state/v3/dodev");
        std::fs::create_dir_all(&own).unwrap();
        std::fs::write(own.join("server.json"), r#"{"url":"http://localhost:9123","token":"t"}"#).unwrap();
        assert_eq!(found(Named::default()).unwrap(), "http://localhost:9123/");
        assert_eq!(find(&Named::default(), root).unwrap().token.as_deref(), Some("t"));
        assert_eq!(found(Named { port: Some(80), ..Named::default() }).unwrap(), "http://127.0.0.1/");
        for wrong in ["nowhere", "https://localhost", "http:"] {
            assert!(found(Named { url: Some(wrong), ..Named::default() }).is_err(), "{wrong}");
        }
    }
}
