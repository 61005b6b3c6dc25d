//! HTTP messages as they cross between the edge, isolates and objects.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, StatusCode};

use super::pipe::PipeReader;
use super::presence::Client;
use super::socket::{Link, LinkEdge, SocketId};

/// The body of a request or response.
#[derive(Debug)]
pub enum Body {
    /// No body.
    Empty,
    /// All of it.
    Bytes(Bytes),
    /// It comes in pieces; the length in bytes where it was announced.
    Stream(PipeReader, Option<u64>),
}

/// A header field. The types are those of the edge: the common ones are made and dropped without an allocation.
pub type Header = (HeaderName, HeaderValue);

/// A request for the Worker.
#[derive(Debug)]
pub struct FetchRequest {
    /// The method, for example `GET`.
    pub method: Method,
    /// The absolute URL, for example `http://127.0.0.1:8787/x?y`.
    pub url: String,
    /// The header fields in order.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Body,
    /// What `request.cf` is, as JSON; where a request from outside has none, the Worker's side supplies it.
    pub cf: Option<Box<str>>,
    /// Who sent it, where it is worth knowing whether they go away before they have the answer.
    pub client: Option<Client>,
}

/// The Worker's answer.
#[derive(Debug)]
pub struct FetchResponse {
    /// Status code, 200..=599, or 101.
    pub status: u16,
    /// Reason phrase, which may be empty.
    pub status_text: Cow<'static, str>,
    /// The header fields in order; `set-cookie` may occur several times.
    pub headers: Vec<Header>,
    /// The body.
    pub body: Body,
    /// The WebSocket that the connection becomes, with status 101.
    pub web_socket: Option<Upgrade>,
}

impl FetchResponse {
    /// A response with these headers and the body `text`.
    pub fn text(status: u16, headers: &[(&'static str, &'static str)], text: String) -> Self {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        Self {
            status,
            status_text: usual_reason(status).into(),
            headers: headers.iter().map(header).collect(),
            body: Body::Bytes(Bytes::from(text)),
            web_socket: None,
        }
    }
}

/// The reason phrase of a response that names none.
///
/// Fidelity: workerd `src/workerd/api/http.c++`, `defaultStatusText`: a status without a phrase has that of its class.
pub fn usual_reason(status: u16) -> &'static str {
    let known = StatusCode::from_u16(status).ok().filter(|_| status != 425);
    known.and_then(|known| known.canonical_reason()).unwrap_or(match status {
        200..=299 => "Successful",
        300..=399 => "Redirection",
        400..=499 => "Client Error",
        500..=599 => "Server Error",
        _ => "",
    })
}

/// A WebSocket in a response.
#[derive(Debug)]
pub enum Upgrade {
    /// An end of the isolate's table, while the response has not left the isolate.
    Returned(SocketId),
    /// The other side of the connection to be.
    Coupled(LinkEdge),
    /// A connection that was made for the isolate.
    Connected(Link),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchError {
    /// The Worker threw: name and message as one line, then the mapped stack (may be empty).
    Thrown {
        /// `Name: message`
        headline: String,
        /// The stack's lines, positions in the user's files.
        stack: String,
    },
    /// The world that held the request is gone (the server stops).
    Gone,
}
