//! A bounded pipe of body bytes between two threads, with backpressure in both directions.
//!
//! Either end may be an asynchronous task (the HTTP edge) or an operation of an isolate; both wait by a
//! [`Waker`]. The writer is held back while more than [`limits::BODY_PIPE_BYTES`] wait to be read.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::base::limits;

/// How a body ended early, as text for the other side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PipeError(pub String);

#[derive(Debug, Default)]
struct State {
    chunks: VecDeque<Bytes>,
    waiting_bytes: usize,
    end: Option<Result<(), PipeError>>,
    reader_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

type Shared = Arc<Mutex<State>>;

/// The end that bytes come out of. Dropping it tells the writer to stop.
#[derive(Debug)]
pub struct PipeReader(Shared);

/// The end that bytes go into. Dropping it without [`PipeWriter::end`] is an error for the reader.
#[derive(Debug)]
pub struct PipeWriter(Shared);

/// Makes a pipe.
pub fn pipe() -> (PipeWriter, PipeReader) {
    let shared = Shared::default();
    (PipeWriter(shared.clone()), PipeReader(shared))
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl PipeReader {
    /// The next chunk, `None` at the end; pending while nothing is there yet.
    pub fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, PipeError>>> {
        let mut state = lock(&self.0);
        if let Some(chunk) = state.chunks.pop_front() {
            state.waiting_bytes -= chunk.len();
            let writer = state.writer.take();
            drop(state);
            wake(writer);
            return Poll::Ready(Some(Ok(chunk)));
        }
        match &state.end {
            Some(Ok(())) => Poll::Ready(None),
            Some(Err(error)) => Poll::Ready(Some(Err(error.clone()))),
            None => {
                state.reader = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.reader_gone = true;
        state.chunks.clear();
        state.waiting_bytes = 0;
        let writer = state.writer.take();
        drop(state);
        wake(writer);
    }
}

impl PipeWriter {
    /// Ready when the next chunk may be written; an error when nobody reads any more.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        let mut state = lock(&self.0);
        if state.reader_gone {
            return Poll::Ready(Err(PipeError("the reader of the body is gone".to_owned())));
        }
        if state.waiting_bytes < limits::BODY_PIPE_BYTES {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// Adds a chunk. Callers ask [`PipeWriter::poll_ready`] first, or hold the writer back by other means.
    pub fn write(&mut self, chunk: Bytes) {
        let mut state = lock(&self.0);
        if state.reader_gone || state.end.is_some() || chunk.is_empty() {
            return;
        }
        state.waiting_bytes += chunk.len();
        state.chunks.push_back(chunk);
        let reader = state.reader.take();
        drop(state);
        wake(reader);
    }

    /// Says that the body is complete.
    pub fn end(self) {
        self.finish(Ok(()));
    }

    /// Says that the body cannot be completed.
    pub fn fail(self, error: PipeError) {
        self.finish(Err(error));
    }

    fn finish(&self, end: Result<(), PipeError>) {
        let mut state = lock(&self.0);
        if state.end.is_none() {
            state.end = Some(end);
        }
        let reader = state.reader.take();
        drop(state);
        wake(reader);
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.finish(Err(PipeError("the body ended early".to_owned())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll<T>(f: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        f(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn chunks_arrive_in_order_and_then_the_end() {
        let (mut writer, mut reader) = pipe();
        assert!(poll(|c| reader.poll_read(c)).is_pending());
        writer.write(Bytes::from_static(b"a"));
        writer.write(Bytes::from_static(b"b"));
        writer.end();
        assert_eq!(poll(|c| reader.poll_read(c)), Poll::Ready(Some(Ok(Bytes::from_static(b"a")))));
        assert_eq!(poll(|c| reader.poll_read(c)), Poll::Ready(Some(Ok(Bytes::from_static(b"b")))));
        assert_eq!(poll(|c| reader.poll_read(c)), Poll::Ready(None));
    }

    #[test]
    fn a_full_pipe_holds_the_writer_back_until_somebody_reads() {
        let (mut writer, mut reader) = pipe();
        writer.write(Bytes::from(vec![0; limits::BODY_PIPE_BYTES]));
        assert!(poll(|c| writer.poll_ready(c)).is_pending());
        assert!(poll(|c| reader.poll_read(c)).is_ready());
        assert_eq!(poll(|c| writer.poll_ready(c)), Poll::Ready(Ok(())));
    }

    #[test]
    fn each_end_learns_that_the_other_is_gone() {
        let (mut writer, reader) = pipe();
        drop(reader);
        assert!(matches!(poll(|c| writer.poll_ready(c)), Poll::Ready(Err(_))));
        let (writer, mut reader) = pipe();
        drop(writer);
        assert!(matches!(poll(|c| reader.poll_read(c)), Poll::Ready(Some(Err(_)))));
    }
}
