//! The pipe ends that one isolate's JavaScript reads from and writes to, by number.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use rquickjs::{ArrayBuffer, Ctx, Value};

use super::exception::throw;
use super::host::Host;
use super::ops::{Completer, OpError, OpId, OpValue};
use super::pipe::{PipeError, PipeReader, PipeWriter};

struct Ends<T> {
    slots: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Default for Ends<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Ends<T> {
    fn add(&mut self, end: T) -> u32 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[index] = Some(end);
        u32::try_from(index).expect("fewer than 2^32 bodies")
    }

    fn get(&mut self, id: u32) -> Option<&mut T> {
        self.slots.get_mut(id as usize)?.as_mut()
    }

    fn take(&mut self, id: u32) -> Option<T> {
        let end = self.slots.get_mut(id as usize)?.take();
        if end.is_some() {
            self.free.push(id as usize);
        }
        end
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
    /// Hands a body to JavaScript to read.
    pub fn add_reader(&self, reader: PipeReader) -> u32 {
        self.readers.borrow_mut().add(reader)
    }

    /// Hands a body to JavaScript to write.
    pub fn add_writer(&self, writer: PipeWriter) -> u32 {
        self.writers.borrow_mut().add(writer)
    }

    /// Takes a body back that JavaScript has not begun to read, to pass it on whole.
    pub fn take_reader(&self, id: u32) -> Option<PipeReader> {
        self.readers.borrow_mut().take(id)
    }

    /// Takes the end of a body back that JavaScript has not written to, to pass it on whole.
    pub fn take_writer(&self, id: u32) -> Option<PipeWriter> {
        self.writers.borrow_mut().take(id)
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
                let class = if malformed { "TypeError" } else { "Error" };
                Err(throw(ctx, &OpError::of(class, error.to_string())))
            }
            Poll::Ready(None) | Poll::Pending => {
                readers.take(id);
                Ok(Value::new_null(ctx.clone()))
            }
        }
    }

    /// Nobody wants the rest of the body `id`.
    pub fn cancel(&self, id: u32) {
        let reader = self.readers.borrow_mut().take(id);
        drop(reader);
    }

    /// Writes a chunk; a promise to wait for when the pipe is full, else `undefined`.
    ///
    /// # Errors
    /// Throws when nobody reads any more.
    pub fn write<'js>(
        &self,
        ctx: &Ctx<'js>,
        host: &Host,
        id: u32,
        chunk: Bytes,
    ) -> rquickjs::Result<Value<'js>> {
        let mut writers = self.writers.borrow_mut();
        let gone = |error: PipeError| throw(ctx, &OpError::new(error.to_string()));
        let Some(writer) = writers.get(id) else {
            return Err(gone(PipeError("the reader of the body is gone".to_owned())));
        };
        writer.write(chunk);
        match writer.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Ok(Value::new_undefined(ctx.clone())),
            Poll::Ready(Err(error)) => {
                writers.take(id);
                Err(gone(error))
            }
            Poll::Pending => {
                let (op, promise) = host.ops.start_named(ctx, host.scope.get(), "a body")?;
                if writer.poll_ready(&mut Context::from_waker(&op_waker(host, op))).is_ready() {
                    host.ops.forget(op);
                    return Ok(Value::new_undefined(ctx.clone()));
                }
                Ok(promise.into_value())
            }
        }
    }

    /// The body `id` is complete, or failed with a message.
    pub fn end(&self, id: u32, failure: Option<String>) {
        let writer = self.writers.borrow_mut().take(id);
        match (writer, failure) {
            (Some(writer), None) => writer.end(),
            (Some(writer), Some(message)) => writer.fail(PipeError(message)),
            (None, _) => {}
        }
    }
}

/// Finishes `op` with `undefined` when it is woken.
pub fn op_waker(host: &Host, op: OpId) -> Waker {
    Waker::from(Arc::new(OpWaker { completer: host.completer.clone(), op }))
}
