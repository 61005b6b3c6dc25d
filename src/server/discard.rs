//! What a client goes on sending after its answer: it is read and thrown away, because a client that sends without reading
//! would never see the answer, and one whose connection is closed meanwhile would lose it.
//!
//! Fidelity: `wrangler dev` reads such bodies to their end.

use http_body_util::BodyExt;
use hyper::body::Body;

use crate::base::limits;

/// Reads the rest of `body` in a task of its own, for a limited time; then the connection is closed.
pub fn discard<B>(body: B)
where
    B: Body + Send + Unpin + 'static,
    B::Data: Send,
    B::Error: Send,
{
    if !body.is_end_stream() {
        tokio::spawn(tokio::time::timeout(limits::UNREAD_BODY, read_out(body)));
    }
}

/// Reads `body` to its end, or to where the client breaks it off.
async fn read_out(mut body: impl Body + Unpin) {
    while let Some(Ok(_)) = body.frame().await {}
}
