//! A bounded pipe of body bytes between two threads, with backpressure in both directions.
//!
//! Either end may be an asynchronous task (the HTTP edge) or an operation of an isolate; both wait by a
//! [`Waker`]. The writer is held back while more than [`limits::BODY_PIPE_BYTES`] wait to be read.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::coding::{Coding, Decoder, Encoder, Step};
use super::presence::{Client, Presence};
use crate::base::limits;

/// How a body ended early, for the other side.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PipeError {
    /// What happened, as text.
    pub message: String,
    /// What JavaScript gave as the reason, where it gave one.
    pub reason: Option<Reason>,
}

impl PipeError {
    /// An end of the host's own making.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), reason: None }
    }
}

/// A value that an isolate gave as a reason, in a form that only its layers above can read.
#[derive(Clone)]
pub struct Reason(pub Arc<dyn Any + Send + Sync>);

impl std::fmt::Debug for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reason")
    }
}

impl PartialEq for Reason {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Reason {}

#[derive(Debug, Default)]
struct State {
    chunks: VecDeque<Bytes>,
    waiting_bytes: usize,
    end: Option<Result<(), PipeError>>,
    reader_gone: bool,
    /// Why the reader went, where it said so.
    cancelled: Option<Reason>,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Who is told that the reader went, or that all was written.
    watcher: Option<Waker>,
}

type Shared = Arc<Mutex<State>>;

/// The end that bytes come out of. Dropping it tells the writer to stop.
pub struct PipeReader {
    shared: Shared,
    /// What the bytes go through on their way out, the first one first.
    stages: Vec<Stage>,
    /// How many bytes are put in, where that is known beforehand.
    length: Option<u64>,
    malformed: bool,
    /// Who is told whether all of it was read: the clients of all through whom it passes.
    audience: Vec<Audience>,
}

/// Whose answer a body is, and how many bytes are left of it, where that is known.
struct Audience {
    presence: Presence,
    left: Option<u64>,
}

enum Work {
    Decode(Decoder),
    Encode(Encoder),
    /// Lets all through and gives these bytes last.
    Append(Bytes),
}

/// A content coding that is applied, or taken off, while the body is read; or something that is added to it.
struct Stage {
    coding: Option<Coding>,
    work: Work,
    /// Whether it has asked for bytes.
    begun: bool,
    ended: bool,
}

/// The end that bytes go into. Dropping it without [`PipeWriter::end`] is an error for the reader.
#[derive(Debug)]
pub struct PipeWriter {
    shared: Shared,
    /// What the reader is told if it ends early.
    words: Option<Box<str>>,
}

/// Makes a pipe.
pub fn pipe() -> (PipeWriter, PipeReader) {
    let shared = Shared::default();
    (
        PipeWriter { shared: shared.clone(), words: None },
        PipeReader { shared, stages: Vec::new(), length: None, malformed: false, audience: Vec::new() },
    )
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
    /// A body whose bytes are all there.
    pub fn of_bytes(bytes: Bytes) -> Self {
        let (mut writer, reader) = pipe();
        writer.write(bytes);
        writer.end();
        reader
    }

    /// The same body, of which it is known that it has `length` bytes.
    #[must_use]
    pub fn sized(mut self, length: Option<u64>) -> Self {
        self.length = length;
        self
    }

    /// How many bytes the whole body has, if that is known.
    pub fn length(&self) -> Option<u64> {
        self.length.filter(|_| self.stages.is_empty())
    }

    /// The same body with `coding` taken off. One that was to be packed only then stays as it is.
    #[must_use]
    pub fn unpacked(mut self, coding: Coding) -> Self {
        match self.stages.last() {
            Some(Stage { work: Work::Encode(_), coding: Some(same), begun: false, .. })
                if *same == coding =>
            {
                self.stages.pop();
            }
            _ => self.stages.push(Stage::new(Some(coding), Work::Decode(Decoder::new(coding)))),
        }
        self
    }

    /// The same body in `coding`. One that came packed and was not read passes as it came.
    #[must_use]
    pub fn packed(mut self, coding: Coding) -> Self {
        match self.stages.last() {
            Some(Stage { work: Work::Decode(_), coding: Some(same), begun: false, .. })
                if *same == coding =>
            {
                self.stages.pop();
            }
            _ => self.stages.push(Stage::new(Some(coding), Work::Encode(Encoder::new(coding)))),
        }
        self
    }

    /// The same body and then `bytes`.
    #[must_use]
    pub fn followed_by(mut self, bytes: Bytes) -> Self {
        self.stages.push(Stage::new(None, Work::Append(bytes)));
        self
    }

    /// Whether reading failed because the bytes are not of their coding.
    pub fn is_malformed(&self) -> bool {
        self.malformed
    }

    /// Goes, and tells the writer why.
    pub fn cancel(self, reason: Option<Reason>) {
        lock(&self.shared).cancelled = reason;
    }

    /// The next chunk, `None` at the end; pending while nothing is there yet.
    pub fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, PipeError>>> {
        let polled = self.poll_stage(self.stages.len(), context);
        if let Poll::Ready(chunk) = &polled {
            for each in &mut self.audience {
                each.heard(chunk.as_ref());
            }
        }
        polled
    }

    /// Tells `client` that it was served when all of this body was read, or that it is gone when the body is dropped before.
    /// `length` is how many bytes will be read, where the reader stops there.
    pub fn tell(&mut self, client: Client, length: Option<u64>) {
        let mut presence = client.watch();
        if length == Some(0) {
            presence.serve();
        }
        self.audience.push(Audience { presence, left: length });
    }

    /// The next chunk that the first `depth` stages let through.
    fn poll_stage(
        &mut self,
        depth: usize,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, PipeError>>> {
        let Some(below) = depth.checked_sub(1) else { return self.poll_raw(context) };
        loop {
            let stage = &mut self.stages[below];
            if stage.ended {
                return Poll::Ready(None);
            }
            if let Work::Decode(decoder) = &mut stage.work {
                match decoder.step() {
                    Ok(Step::Chunk(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                    Ok(Step::Hungry) => {}
                    Ok(Step::End) => {
                        stage.ended = true;
                        return Poll::Ready(None);
                    }
                    Err(message) => {
                        self.malformed = true;
                        return Poll::Ready(Some(Err(PipeError::new(message))));
                    }
                }
            }
            stage.begun = true;
            let polled = std::task::ready!(self.poll_stage(below, context)).transpose();
            let chunk = match polled {
                Ok(chunk) => chunk,
                Err(error) => return Poll::Ready(Some(Err(error))),
            };
            let stage = &mut self.stages[below];
            match (&mut stage.work, chunk) {
                (Work::Decode(decoder), Some(chunk)) => decoder.put(chunk),
                (Work::Decode(decoder), None) => decoder.end(),
                (Work::Encode(encoder), Some(chunk)) => {
                    let packed = encoder.pack(&chunk);
                    if !packed.is_empty() {
                        return Poll::Ready(Some(Ok(packed)));
                    }
                }
                (Work::Encode(encoder), None) => {
                    stage.ended = true;
                    return Poll::Ready(Some(Ok(encoder.finish())));
                }
                (Work::Append(_), Some(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                (Work::Append(bytes), None) => {
                    stage.ended = true;
                    return Poll::Ready(Some(Ok(std::mem::take(bytes))));
                }
            }
        }
    }

    fn poll_raw(&self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, PipeError>>> {
        let mut state = lock(&self.shared);
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

impl Audience {
    fn heard(&mut self, chunk: Option<&Result<Bytes, PipeError>>) {
        match (chunk, &mut self.left) {
            (Some(Ok(bytes)), Some(left)) => {
                *left = left.saturating_sub(bytes.len() as u64);
                if *left == 0 {
                    self.presence.serve();
                }
            }
            (Some(Ok(_)), None) => {}
            // A body that breaks off is no doing of the client's.
            (Some(Err(_)) | None, _) => self.presence.serve(),
        }
    }
}

impl Stage {
    fn new(coding: Option<Coding>, work: Work) -> Self {
        Self { coding, work, begun: false, ended: false }
    }
}

impl std::fmt::Debug for PipeReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let codings: Vec<Option<Coding>> = self.stages.iter().map(|stage| stage.coding).collect();
        f.debug_struct("PipeReader").field("state", &self.shared).field("codings", &codings).finish()
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        // Whose client is gone hears of that before who writes has nothing left to do.
        self.audience.clear();
        let mut state = lock(&self.shared);
        state.reader_gone = true;
        state.chunks.clear();
        state.waiting_bytes = 0;
        let (writer, watcher) = (state.writer.take(), state.watcher.take());
        drop(state);
        wake(writer);
        wake(watcher);
    }
}

impl PipeWriter {
    /// The same pipe, whose reader is told `words` if it ends early.
    #[must_use]
    pub fn ending_early_with(mut self, words: String) -> Self {
        self.words = Some(words.into());
        self
    }

    /// Whether its reader is told something of its own if it ends early.
    pub fn has_own_words(&self) -> bool {
        self.words.is_some()
    }

    /// Ready when the next chunk may be written; an error when nobody reads any more.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), PipeError>> {
        let mut state = lock(&self.shared);
        if state.reader_gone {
            return Poll::Ready(Err(PipeError::new("the reader of the body is gone")));
        }
        if state.waiting_bytes < limits::BODY_PIPE_BYTES {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// Ready when all that was written has been read, or nobody reads any more.
    pub fn poll_drained(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.shared);
        if state.reader_gone || state.chunks.is_empty() {
            return Poll::Ready(());
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// Ready with the reason that it gave when the reader is gone. Also wakes when all was written.
    pub fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<Option<Reason>> {
        let mut state = lock(&self.shared);
        if state.reader_gone {
            return Poll::Ready(state.cancelled.clone());
        }
        state.watcher = Some(context.waker().clone());
        Poll::Pending
    }

    /// Adds a chunk. Callers ask [`PipeWriter::poll_ready`] first, or hold the writer back by other means.
    pub fn write(&mut self, chunk: Bytes) {
        let mut state = lock(&self.shared);
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
        let mut state = lock(&self.shared);
        if state.end.is_none() {
            state.end = Some(end);
        }
        let (reader, watcher) = (state.reader.take(), state.watcher.take());
        drop(state);
        wake(reader);
        wake(watcher);
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.finish(Err(PipeError::new(self.words.as_deref().unwrap_or("the body ended early"))));
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
    fn codings_apply_while_reading() {
        let read = |mut reader: PipeReader| {
            let mut all = Vec::new();
            while let Poll::Ready(Some(chunk)) = poll(|c| reader.poll_read(c)) {
                match chunk {
                    Ok(chunk) => all.extend_from_slice(&chunk),
                    Err(error) => return Err((error.message, reader.is_malformed())),
                }
            }
            Ok(all)
        };
        let body = || PipeReader::of_bytes(Bytes::from_static(b"hello"));
        for coding in [Coding::Gzip, Coding::Brotli] {
            let packed = read(body().packed(coding)).expect("packed");
            assert_ne!(packed, b"hello");
            let again = || PipeReader::of_bytes(packed.clone().into()).unpacked(coding);
            assert_eq!(read(again()).as_deref(), Ok(&b"hello"[..]));
            // What nobody looked at passes as it came, even where it is broken.
            assert_eq!(read(again().packed(coding)), Ok(packed.clone()));
            assert_eq!(read(body().unpacked(coding).packed(coding)).as_deref(), Ok(&b"hello"[..]));
            assert_eq!(read(body().packed(coding).unpacked(coding)).as_deref(), Ok(&b"hello"[..]));
            assert!(matches!(read(body().unpacked(coding)), Err((_, true))));
        }
        let other = read(body().packed(Coding::Gzip).packed(Coding::Brotli)).expect("packed twice");
        let twice = PipeReader::of_bytes(other.into()).unpacked(Coding::Brotli).unpacked(Coding::Gzip);
        assert_eq!(read(twice).as_deref(), Ok(&b"hello"[..]));
    }

    #[test]
    fn who_writes_learns_why_the_reader_went_and_what_was_read() {
        let (mut writer, mut reader) = pipe();
        assert!(poll(|c| writer.poll_gone(c)).is_pending());
        assert!(poll(|c| writer.poll_drained(c)).is_ready());
        writer.write(Bytes::from_static(b"a"));
        assert!(poll(|c| writer.poll_drained(c)).is_pending());
        assert!(poll(|c| reader.poll_read(c)).is_ready());
        assert!(poll(|c| writer.poll_drained(c)).is_ready());
        let reason = Reason(Arc::new("why"));
        reader.cancel(Some(reason.clone()));
        assert_eq!(poll(|c| writer.poll_gone(c)), Poll::Ready(Some(reason)));
        let (mut writer, reader) = pipe();
        drop(reader);
        assert_eq!(poll(|c| writer.poll_gone(c)), Poll::Ready(None));
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
