//! What a client goes on sending after its answer: it is read and thrown away, because a client that sends without reading
//! would never see the answer, and one whose connection is closed meanwhile would lose it.
//!
//! Fidelity: `wrangler dev` reads such bodies to their end.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::runtime::Handle;

use crate::base::limits;

/// The body of a request. What is left of it when nobody wants it any more is read by a task of its own, for a limited time;
/// then the connection is closed.
#[derive(Debug)]
pub struct RequestBody(Option<Incoming>);

impl RequestBody {
    /// The body that a connection brings.
    pub fn new(body: Incoming) -> Self {
        Self(Some(body))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.0.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        // Without a runtime the server has ended, and its connections with it.
        if let Some(body) = self.0.take().filter(|body| !body.is_end_stream())
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(limits::UNREAD_BODY, read_out(body)));
        }
    }
}

/// Reads `body` to its end, or to where the client breaks it off.
async fn read_out(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}
