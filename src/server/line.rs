//! A client's end of a connection: it may say that it sends no more, which is all that one says that went away.
//!
//! Who waits for an answer at that moment is taken for gone, and gets the answer all the same if there is one: the end is
//! kept from the server's reader, which would give the request up, and the answer is the last of its connection. At any
//! other time the end is what it is.
//!
//! Fidelity: observed with wrangler 4.164.0, which answers a client that closed its sending half.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::engine::presence::Presence;

#[derive(Debug, Default)]
struct State {
    /// Of the request that waits for its answer, once all of it has arrived.
    waiting: Option<Presence>,
    /// The end came while one waited.
    ended: bool,
}

/// What one connection's stream and its requests share.
#[derive(Debug, Clone, Default)]
pub struct Line(Arc<Mutex<State>>);

impl Line {
    /// A request has arrived as a whole and waits; dropping its presence says that its client is gone.
    pub fn wait(&self, presence: Presence) {
        self.lock().waiting = Some(presence);
    }

    /// The request has its answer: its presence, unless its client was taken for gone.
    pub fn answered(&self) -> Option<Presence> {
        self.lock().waiting.take()
    }

    /// Whether the answer is the last one.
    pub fn has_ended(&self) -> bool {
        self.lock().ended
    }

    /// Notes the end: whether it is to be kept from the reader.
    fn end(&self) -> bool {
        let mut state = self.lock();
        let presence = state.waiting.take();
        state.ended |= presence.is_some();
        let ended = state.ended;
        drop(state);
        // Whoever hears of it may ask this line something.
        drop(presence);
        ended
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that tells its line of its end.
#[derive(Debug)]
pub struct Stream<S> {
    stream: S,
    line: Line,
}

impl<S> Stream<S> {
    pub fn new(stream: S, line: Line) -> Self {
        Self { stream, line }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let is_end = matches!(read, Poll::Ready(Ok(()))) && room > 0 && buffer.filled().len() == before;
        // The answer wakes the connection.
        if is_end && self.line.end() { Poll::Pending } else { read }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
