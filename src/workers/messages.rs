//! HTTP messages between JavaScript's arrays and the host's structures.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use rquickjs::{Array, ArrayBuffer, Class, Ctx, IntoJs, Value};

use crate::engine::bytes::copy_bytes;
use crate::engine::coding::Coding;
use crate::engine::exception::throw;
use crate::engine::handle::Handle;
use crate::engine::http::{Body, FetchRequest, FetchResponse, Header, Upgrade, usual_reason};
use crate::engine::pipe::PipeReader;
use crate::engine::socket::SocketId;
use crate::engine::{Host, OpError};
use crate::web::body::{HeaderHandle, header_handle, headers_into_js};

/// The bytes of an `ArrayBuffer`, a view or a string, copied.
fn bytes_of(value: &Value<'_>) -> Option<Bytes> {
    match value.as_string() {
        Some(text) => text.to_string().ok().map(Bytes::from),
        None => copy_bytes(value).map(Bytes::from),
    }
}

/// A body as JavaScript gives it: nothing, text, bytes, or the number of a pipe.
fn body_of(host: &Host, value: &Value<'_>) -> Body {
    if let Some(id) = value.as_number() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "numbers of pipes are u32"
        )]
        return match host.bodies.take_reader(id as u32) {
            Some(reader) => {
                let length = reader.length();
                Body::Stream(reader, length)
            }
            None => Body::Empty,
        };
    }
    bytes_of(value).map_or(Body::Empty, Body::Bytes)
}

/// A body for JavaScript: `null`, an `ArrayBuffer`, or the number of a pipe.
fn body_into_js<'js>(ctx: &Ctx<'js>, host: &Host, body: Body) -> rquickjs::Result<Value<'js>> {
    match body {
        Body::Empty => Ok(Value::new_null(ctx.clone())),
        Body::Bytes(bytes) => Ok(ArrayBuffer::new_copy(ctx.clone(), &bytes)?.into_value()),
        Body::Stream(reader, length) => {
            host.bodies.add_reader(host.scope.get().owner, reader.sized(length)).into_js(ctx)
        }
    }
}

fn headers_of(flat: &Array<'_>) -> rquickjs::Result<Vec<Header>> {
    let mut headers = Vec::with_capacity(flat.len() / 2);
    for index in (0..flat.len()).step_by(2) {
        let (name, value): (String, String) = (flat.get(index)?, flat.get(index + 1)?);
        let field = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::try_from(value));
        let (Ok(name), Ok(value)) = field else {
            let message = format!("the header `{name}` has a name or a value that HTTP cannot carry");
            return Err(throw(flat.ctx(), &OpError::of("TypeError", message)));
        };
        headers.push((name, value));
    }
    Ok(headers)
}

/// What [`request_into_js`] gives.
pub type IncomingArguments<'js> =
    (Value<'js>, String, Class<'js, Handle<HeaderHandle>>, Value<'js>, Value<'js>);

/// The arguments of the prelude's functions for an incoming request: method, URL, headers, body, and `cf` as JSON.
pub fn request_into_js<'js>(
    ctx: &Ctx<'js>,
    host: &Host,
    request: FetchRequest,
) -> rquickjs::Result<IncomingArguments<'js>> {
    let headers = header_handle(ctx, request.headers, request.client)?;
    let body = body_into_js(ctx, host, request.body)?;
    let method = request.method.as_str().into_js(ctx)?;
    let cf = match request.cf {
        Some(text) => text.into_js(ctx)?,
        None => Value::new_undefined(ctx.clone()),
    };
    Ok((method, request.url, headers, body, cf))
}

/// A request as JavaScript describes it.
pub fn request_of<'js>(
    host: &Host,
    method: &str,
    url: String,
    headers: &Array<'js>,
    body: &Value<'js>,
    cf: Option<String>,
) -> rquickjs::Result<FetchRequest> {
    let method = Method::from_bytes(method.as_bytes()).expect("the prelude knows the methods");
    let cf = cf.map(String::into_boxed_str);
    Ok(FetchRequest {
        method,
        url,
        headers: headers_of(headers)?,
        body: body_of(host, body),
        cf,
        client: None,
    })
}

/// Has `request`, which goes to another Worker or object, tell of its body what is known.
///
/// Fidelity: workerd `src/workerd/api/global-scope.c++`, `ServiceWorkerGlobalScope::request`: a body's length, or that it comes in pieces, stands
/// in the headers where the sender wrote neither, and what the sender wrote stands for a body.
pub fn tell_of_body(request: &mut FetchRequest) {
    let tells = |(name, _): &Header| *name == header::CONTENT_LENGTH || *name == header::TRANSFER_ENCODING;
    let is_told = request.headers.iter().any(tells);
    let length = match &request.body {
        Body::Empty => {
            if is_told {
                request.body = Body::Bytes(Bytes::new());
            }
            return;
        }
        Body::Bytes(bytes) => Some(bytes.len() as u64),
        Body::Stream(_, length) => *length,
    };
    if is_told {
        return;
    }
    request.headers.push(match length {
        Some(length) => (header::CONTENT_LENGTH, HeaderValue::from(length)),
        None => (header::TRANSFER_ENCODING, HeaderValue::from_static("chunked")),
    });
}

/// Whether `request` asks for a WebSocket.
pub fn asks_for_upgrade(request: &FetchRequest) -> bool {
    request
        .headers
        .iter()
        .any(|(name, value)| *name == header::UPGRADE && value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// The coding that the platform takes off a response's body, or puts on.
fn coding_of(host: &Host, headers: &[Header]) -> Option<Coding> {
    let (_, value) = headers.iter().find(|(name, _)| *name == header::CONTENT_ENCODING)?;
    Coding::of(value.as_bytes(), host.bodies.brotli.get())
}

/// `body` after `change`, as a stream; a missing body stays missing.
fn recoded(body: Body, change: impl FnOnce(PipeReader) -> PipeReader) -> Body {
    match body {
        Body::Empty => Body::Empty,
        Body::Bytes(bytes) => Body::Stream(change(PipeReader::of_bytes(bytes)), None),
        Body::Stream(reader, length) => {
            let reader = change(reader.sized(length));
            let length = reader.length();
            Body::Stream(reader, length)
        }
    }
}

/// `[status, statusText, headers, body, webSocket]` for JavaScript. The body is what its coding holds, once it is read.
pub fn response_into_js<'js>(
    ctx: &Ctx<'js>,
    host: &Host,
    response: FetchResponse,
) -> rquickjs::Result<Value<'js>> {
    let body = match coding_of(host, &response.headers) {
        Some(coding) => recoded(response.body, |reader| reader.unpacked(coding)),
        None => response.body,
    };
    let parts = Array::new(ctx.clone())?;
    parts.set(0, response.status)?;
    parts.set(1, &*response.status_text)?;
    parts.set(2, headers_into_js(ctx, &response.headers)?)?;
    parts.set(3, body_into_js(ctx, host, body)?)?;
    if let Some(Upgrade::Returned(id)) = response.web_socket {
        parts.set(4, id.0)?;
    }
    Ok(parts.into_value())
}

/// The host's response for the JavaScript `Response` in `value`, taken apart by the prelude; `upgrades`:
/// whether the request asked for a WebSocket.
///
/// # Errors
/// Throws the platform's error when `value` is no response, or its body or WebSocket cannot be sent.
pub fn response_of<'js>(
    ctx: &Ctx<'js>,
    host: &Host,
    value: Value<'js>,
    upgrades: bool,
) -> rquickjs::Result<FetchResponse> {
    let parts: Array<'js> = host.entry(ctx, "takeResponse")?.call((value,))?;
    let status_text: Option<String> = parts.get(1)?;
    let headers: Array<'js> = parts.get(2)?;
    let body: Value<'js> = parts.get(3)?;
    let web_socket: Option<u32> = parts.get(4)?;
    if web_socket.is_some() && !upgrades {
        // Fidelity: a client that did not ask for a WebSocket gets an error, not a 4xx status.
        let message = "Worker tried to return a WebSocket in a response to a request which did not contain the \
                       header \"Upgrade: websocket\".";
        return Err(throw(ctx, &OpError::of("TypeError", message)));
    }
    let headers = headers_of(&headers)?;
    let mut body = body_of(host, &body);
    if let Some(coding) = coding_of(host, &headers) {
        // Only a response that says so brings its body packed.
        let manual: Option<bool> = parts.get(5)?;
        if manual != Some(true) {
            body = recoded(body, |reader| reader.packed(coding));
        }
    }
    let status = parts.get(0)?;
    Ok(FetchResponse {
        status,
        status_text: status_text.map_or(usual_reason(status).into(), Cow::from),
        headers,
        body,
        web_socket: web_socket.map(|id| Upgrade::Returned(SocketId(id))),
    })
}
