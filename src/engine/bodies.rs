//! The pipe ends that one isolate's JavaScript reads from and writes to, by number.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use rquickjs::{ArrayBuffer, Ctx, Value};

use super::exception::throw;
use super::host::{Host, OwnerId};
use super::ops::{Completer, OpError, OpId, OpValue, READER};
use super::pipe::{PipeError, PipeReader, PipeWriter, Reason};

/// What waits for the reader to go of a pipe that brings one piece of news, or none.
const HOLDER: &str = "the holder of a signal to go";

/// Ends by number, each with the context or object that holds it. Numbers are not given again: who waits for an end may ask for it
/// when it is gone.
struct Ends<T> {
    held: HashMap<u32, (OwnerId, T)>,
    next: u32,
}

impl<T> Default for Ends<T> {
    fn default() -> Self {
        Self { held: HashMap::new(), next: 0 }
    }
}

impl<T> Ends<T> {
    fn add(&mut self, owner: OwnerId, end: T) -> u32 {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        self.held.insert(id, (owner, end));
        id
    }

    fn get(&mut self, id: u32) -> Option<&mut T> {
        self.held.get_mut(&id).map(|(_, end)| end)
    }

    fn take(&mut self, id: u32) -> Option<T> {
        self.held.remove(&id).map(|(_, end)| end)
    }

    /// Takes all that `owner` holds.
    fn take_all_of(&mut self, owner: OwnerId) -> Vec<T> {
        self.held.extract_if(|_, (holder, _)| *holder == owner).map(|(_, (_, end))| end).collect()
    }
}

/// The bodies of one isolate.
#[derive(Default)]
pub struct Bodies {
    readers: RefCell<Ends<PipeReader>>,
    writers: RefCell<Ends<PipeWriter>>,
    /// Whether the Worker's compatibility date knows Brotli as a content coding.
    pub brotli: Cell<bool>,
}

/// Finishes an operation when a pipe becomes ready.
struct OpWaker {
    completer: Completer,
    op: OpId,
}

impl Wake for OpWaker {
    fn wake(self: Arc<Self>) {
        self.completer.complete(self.op, Ok(OpValue::Undefined));
    }
}

impl Bodies {
    /// Hands a body to JavaScript of `owner` to read.
    pub fn add_reader(&self, owner: OwnerId, reader: PipeReader) -> u32 {
        self.readers.borrow_mut().add(owner, reader)
    }

    /// Hands a body to JavaScript of `owner` to write.
    pub fn add_writer(&self, owner: OwnerId, writer: PipeWriter) -> u32 {
        self.writers.borrow_mut().add(owner, writer)
    }

    /// Drops what `owner` has neither read nor written to the end.
    pub fn drop_all_of(&self, owner: OwnerId) {
        let readers = self.readers.borrow_mut().take_all_of(owner);
        let writers = self.writers.borrow_mut().take_all_of(owner);
        drop((readers, writers));
    }

    /// Whether somebody has yet to read what `owner` wrote; then the isolate's mailbox is woken when a part of that was read.
    pub fn waits_for_readers(&self, host: &Host, owner: OwnerId) -> bool {
        let waker = op_waker(host, OpId::NOBODYS);
        let mut writers = self.writers.borrow_mut();
        let own = writers.held.values_mut().filter(|(holder, _)| *holder == owner);
        let mut waits = false;
        for (_, writer) in own {
            waits |= writer.poll_drained(&mut Context::from_waker(&waker)).is_pending();
        }
        waits
    }

    /// Whether `owner` writes bodies that are not at their end.
    pub fn are_written_by(&self, owner: OwnerId) -> bool {
        self.writers.borrow().held.values().any(|(holder, _)| *holder == owner)
    }

    /// Tells the readers of what `owner` has not written to the end that it ended with `error`, or in the pipe's own words.
    /// `error` is made if there are any.
    pub fn fail_all_of(&self, owner: OwnerId, error: impl FnOnce() -> PipeError) {
        let writers = self.writers.borrow_mut().take_all_of(owner);
        if writers.is_empty() {
            return;
        }
        let error = error();
        for writer in writers {
            if writer.has_own_words() {
                drop(writer);
            } else {
                writer.fail(error.clone());
            }
        }
    }

    /// Takes a body back that JavaScript has not begun to read, to pass it on whole.
    pub fn take_reader(&self, id: u32) -> Option<PipeReader> {
        self.readers.borrow_mut().take(id)
    }

    /// The next chunk as an `ArrayBuffer`, `null` at the end, or a promise to wait for before asking again.
    ///
    /// # Errors
    /// Throws when the body broke off.
    pub fn poll<'js>(&self, ctx: &Ctx<'js>, host: &Host, id: u32) -> rquickjs::Result<Value<'js>> {
        let mut readers = self.readers.borrow_mut();
        let Some(reader) = readers.get(id) else { return Ok(Value::new_null(ctx.clone())) };
        // Look first without waiting: most chunks are there already.
        let mut polled = reader.poll_read(&mut Context::from_waker(Waker::noop()));
        if polled.is_pending() {
            let (op, promise) = host.ops.start_named(ctx, host.scope.get(), "a body")?;
            polled = reader.poll_read(&mut Context::from_waker(&op_waker(host, op)));
            if polled.is_pending() {
                return Ok(promise.into_value());
            }
            host.ops.forget(op);
        }
        match polled {
            Poll::Ready(Some(Ok(chunk))) => Ok(ArrayBuffer::new_copy(ctx.clone(), &chunk)?.into_value()),
            Poll::Ready(Some(Err(error))) => {
                let malformed = readers.take(id).is_some_and(|reader| reader.is_malformed());
                drop(readers);
                if let Some(reason) = error.reason.as_ref().and_then(|reason| host.unpack(ctx, reason)) {
                    return Err(ctx.throw(reason));
                }
                let class = if malformed { "TypeError" } else { "Error" };
                Err(throw(ctx, &OpError::of(class, error.to_string())))
            }
            Poll::Ready(None) | Poll::Pending => {
                readers.take(id);
                Ok(Value::new_null(ctx.clone()))
            }
        }
    }

    /// Nobody wants the rest of the body `id`, for `reason`.
    pub fn cancel(&self, id: u32, reason: Option<Reason>) {
        let reader = self.readers.borrow_mut().take(id);
        if let Some(reader) = reader {
            reader.cancel(reason);
        }
    }

    /// `undefined` when the reader of the body `id` is gone or all of it was written, else a promise of that. `is_awaited` says
    /// that more hangs on it than what is read.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn gone<'js>(
        &self,
        ctx: &Ctx<'js>,
        host: &Host,
        id: u32,
        is_awaited: bool,
    ) -> rquickjs::Result<Value<'js>> {
        let mut writers = self.writers.borrow_mut();
        let Some(writer) = writers.get(id) else { return Ok(Value::new_undefined(ctx.clone())) };
        let (op, promise) =
            host.ops.start_named(ctx, host.scope.get(), if is_awaited { HOLDER } else { READER })?;
        if writer.poll_gone(&mut Context::from_waker(&op_waker(host, op))).is_ready() {
            host.ops.forget(op);
            return Ok(Value::new_undefined(ctx.clone()));
        }
        Ok(promise.into_value())
    }

    /// Whether the reader of the body `id` is gone, and the reason that it gave.
    pub fn cancelled(&self, id: u32) -> Option<Option<Reason>> {
        let mut writers = self.writers.borrow_mut();
        match writers.get(id)?.poll_gone(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(reason) => Some(reason),
            Poll::Pending => None,
        }
    }

    /// Writes a chunk; a promise to wait for when the pipe is full, or where it is to be `drained` not empty, else
    /// `undefined`.
    ///
    /// # Errors
    /// Throws when nobody reads any more.
    pub fn write<'js>(
        &self,
        ctx: &Ctx<'js>,
        host: &Host,
        id: u32,
        chunk: Bytes,
        drained: bool,
    ) -> rquickjs::Result<Value<'js>> {
        let mut writers = self.writers.borrow_mut();
        let gone = |error: PipeError| throw(ctx, &OpError::new(error.to_string()));
        let Some(writer) = writers.get(id) else {
            return Err(gone(PipeError::new("the reader of the body is gone")));
        };
        writer.write(chunk);
        let poll = |writer: &mut PipeWriter, context: &mut Context<'_>| match writer.poll_ready(context) {
            Poll::Ready(Ok(())) if drained => writer.poll_drained(context).map(Ok),
            other => other,
        };
        match poll(writer, &mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Ok(Value::new_undefined(ctx.clone())),
            Poll::Ready(Err(error)) => {
                writers.take(id);
                Err(gone(error))
            }
            Poll::Pending => {
                let (op, promise) = host.ops.start_named(ctx, host.scope.get(), "a body")?;
                if poll(writer, &mut Context::from_waker(&op_waker(host, op))).is_ready() {
                    host.ops.forget(op);
                    return Ok(Value::new_undefined(ctx.clone()));
                }
                Ok(promise.into_value())
            }
        }
    }

    /// The body `id` is complete, or failed.
    pub fn end(&self, id: u32, failure: Option<PipeError>) {
        let writer = self.writers.borrow_mut().take(id);
        match (writer, failure) {
            (Some(writer), None) => writer.end(),
            (Some(writer), Some(error)) => writer.fail(error),
            (None, _) => {}
        }
    }
}

/// Finishes `op` with `undefined` when it is woken.
pub fn op_waker(host: &Host, op: OpId) -> Waker {
    Waker::from(Arc::new(OpWaker { completer: host.completer.clone(), op }))
}
