//! A request of a test, and its answer.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::Value as Json;

use super::failure::TestError;

/// A request to the Worker or to an object: a method, a path or a URL, headers and a body.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Request {
    /// A request without headers and body; `target` is a path with its query, or a URL.
    pub fn new(method: &str, target: &str) -> Self {
        let (method, target) = (method.to_owned(), target.to_owned());
        Self { method, target, headers: Vec::new(), body: Bytes::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The request as it is sent.
    pub(super) fn whole(self) -> Result<http::Request<Bytes>, TestError> {
        let mut request = http::Request::builder().method(self.method.as_bytes());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(self.body).map_err(|error| TestError::NotData(format!("this is no request: {error}")))
    }
}

impl From<&str> for Request {
    /// A GET of a path or a URL.
    fn from(target: &str) -> Self {
        Self::new("GET", target)
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Response(http::Response<Bytes>);

impl Response {
    pub(super) fn new(response: http::Response<Bytes>) -> Self {
        Self(response)
    }

    /// The answer that an object gave, as the control API tells it.
    pub(super) fn of_parts(
        status: u16,
        headers: &[(String, String)],
        body: Bytes,
    ) -> Result<Self, TestError> {
        let mut response = http::Response::new(body);
        let wrong = || TestError::NotData("the answer of the object is none of HTTP".to_owned());
        *response.status_mut() = http::StatusCode::from_u16(status).map_err(|_| wrong())?;
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            response.headers_mut().append(name, HeaderValue::from_str(value).map_err(|_| wrong())?);
        }
        Ok(Self(response))
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// Whether the status is one of 200 to 299.
    pub fn ok(&self) -> bool {
        self.0.status().is_success()
    }

    /// All values of the header `name`, joined with `, ` as `Headers.get()` does; `None` without any.
    pub fn header(&self, name: &str) -> Option<String> {
        let values = self.0.headers().get_all(name).iter();
        let texts: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }

    /// The body.
    pub fn bytes(&self) -> &Bytes {
        self.0.body()
    }

    /// The body as text; U+FFFD for what is none.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.0.body()).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Json, TestError> {
        serde_json::from_slice(self.0.body())
            .map_err(|error| TestError::NotData(format!("the body is no JSON ({error}): {}", self.text())))
    }
}
