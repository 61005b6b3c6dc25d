//! From the Worker's response to the one on the wire, and the bodies in both directions.
//!
//! The length on the wire is that of the body that is really sent, whatever the Worker's header says; a
//! stream of unknown length goes in chunks. Fields about the connection are dropped. Fidelity: observed with
//! wrangler 4.164.0, which sends no `date` either.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::header::{self, HeaderValue};
use axum::http::{Method, Response, StatusCode};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::ext::ReasonPhrase;

use super::request::is_of_connection;
use crate::engine::pipe::{PipeError, PipeReader};
use crate::world::http::{Body, FetchResponse};

/// The body of a response on its way to the socket.
pub enum WireBody {
    /// Nothing, or nothing more.
    Empty,
    /// All of it.
    Bytes(Bytes),
    /// It comes from a world; dropping it tells the Worker that the client is gone.
    Pipe(PipeReader, Option<u64>),
    /// It broke off, which is told when what came before has left.
    Broken(PipeError),
    /// The control surface's.
    Control(axum::body::Body),
}

/// Why a body broke off; the connection is closed without completing it.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The Worker's stream failed.
    #[error(transparent)]
    Pipe(#[from] PipeError),
    /// The control surface's did.
    #[error(transparent)]
    Control(#[from] axum::Error),
}

impl http_body::Body for WireBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Pipe(reader, _) => {
                let chunk = std::task::ready!(reader.poll_read(context)).transpose();
                let error = match chunk {
                    Ok(chunk) => return Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk)))),
                    Err(error) => error,
                };
                // An error makes hyper close the connection with what it has not sent yet; while it waits, it sends.
                *self = Self::Broken(error);
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::Broken(error) => Poll::Ready(Some(Err(error.clone().into()))),
            Self::Control(body) => {
                let frame = std::task::ready!(Pin::new(body).poll_frame(context));
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Pipe(..) | Self::Broken(_) => false,
            Self::Control(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty | Self::Pipe(_, Some(0)) => SizeHint::with_exact(0),
            Self::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pipe(_, Some(length)) => SizeHint::with_exact(*length),
            Self::Pipe(_, None) | Self::Broken(_) => SizeHint::default(),
            Self::Control(body) => body.size_hint(),
        }
    }
}

/// The response on the wire for the Worker's `response` to a request with `method`; `None` if its status
/// cannot be sent over HTTP/1.1.
pub fn wire(response: FetchResponse, method: &Method) -> Option<Response<WireBody>> {
    let body = match response.body {
        Body::Empty => WireBody::Empty,
        Body::Bytes(bytes) => WireBody::Bytes(bytes),
        Body::Stream(reader, length) => WireBody::Pipe(reader, length),
    };
    // A HEAD response without a body may announce the length that GET would have.
    let keeps_length = *method == Method::HEAD && matches!(body, WireBody::Empty);
    let mut wire = Response::new(body);
    *wire.status_mut() = StatusCode::from_u16(response.status).ok()?;
    for (name, value) in response.headers {
        let is_length = name == header::CONTENT_LENGTH && !keeps_length;
        if !is_length && name != header::TRANSFER_ENCODING && !is_of_connection(&name) {
            wire.headers_mut().append(name, value);
        }
    }
    let text = response.status_text;
    // Fidelity: observed with wrangler 4.164.0: of a reason that is no ASCII nothing is left.
    let text = if text.is_ascii() { text } else { "".into() };
    if Some(&*text) != wire.status().canonical_reason()
        && let Ok(reason) = ReasonPhrase::try_from(text.into_owned().into_bytes())
    {
        wire.extensions_mut().insert(reason);
    }
    Some(wire)
}

/// A response of the edge itself.
pub fn text(status: StatusCode, content_type: &'static str, text: impl Into<Bytes>) -> Response<WireBody> {
    let mut response = Response::new(WireBody::Bytes(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;
    use http_body::Body as _;

    use super::*;

    fn response(headers: &[(&'static str, &'static str)], body: Body) -> FetchResponse {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        FetchResponse { status: 200, status_text: "OK".into(), headers, body, web_socket: None }
    }

    #[test]
    fn the_length_is_the_bodys() {
        let bytes = || Body::Bytes(Bytes::from_static(b"abc"));
        let length = ("content-length", "10");
        for (method, headers, body, kept) in [
            (Method::GET, vec![length], bytes(), false),
            (Method::HEAD, vec![length], bytes(), false),
            (Method::HEAD, vec![length], Body::Empty, true),
            (Method::GET, vec![length], Body::Empty, false),
            (Method::GET, vec![("transfer-encoding", "x"), ("connection", "close")], bytes(), false),
        ] {
            let wire = wire(response(&headers, body), &method).unwrap();
            assert_eq!(!wire.headers().is_empty(), kept, "{method} {headers:?}");
        }
        let (_writer, reader) = crate::engine::pipe::pipe();
        let sized = wire(response(&[], Body::Stream(reader, Some(7))), &Method::GET).unwrap();
        assert_eq!(sized.body().size_hint().exact(), Some(7));
    }

    #[test]
    fn repeated_fields_and_reasons_stay() {
        let mut given = response(&[("set-cookie", "a=1"), ("set-cookie", "b=2")], Body::Empty);
        given.status = 418;
        given.status_text = "I am odd".into();
        let wire = wire(given, &Method::GET).unwrap();
        assert_eq!(wire.headers().get_all("set-cookie").iter().count(), 2);
        let reason = wire.extensions().get::<ReasonPhrase>().unwrap();
        assert_eq!(reason.as_bytes(), b"I am odd");
    }

    #[test]
    fn what_http_cannot_say_is_no_response() {
        let mut given = response(&[], Body::Empty);
        given.status = 7;
        assert!(wire(given, &Method::GET).is_none());
    }
}
