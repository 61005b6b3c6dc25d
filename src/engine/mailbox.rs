//! The way into an isolate's thread: messages from any thread, taken in batches.
//!
//! A plain vector behind a mutex, swapped out whole; the receiver's thread is woken only when it sleeps.
//! Under load a batch forms while the previous one is worked on, and nobody pays for a wake-up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

#[derive(Debug)]
struct Shared<M> {
    queue: Mutex<Vec<M>>,
    asleep: AtomicBool,
    closed: AtomicBool,
    receiver: OnceLock<Thread>,
}

/// Puts messages in. Cheap to clone.
#[derive(Debug)]
pub struct Sender<M>(Arc<Shared<M>>);

impl<M> Clone for Sender<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// Takes messages out, on the thread that called [`Receiver::bind`].
#[derive(Debug)]
pub struct Receiver<M>(Arc<Shared<M>>);

/// Makes a mailbox.
pub fn mailbox<M>() -> (Sender<M>, Receiver<M>) {
    let shared = Arc::new(Shared {
        queue: Mutex::new(Vec::new()),
        asleep: AtomicBool::new(false),
        closed: AtomicBool::new(false),
        receiver: OnceLock::new(),
    });
    (Sender(shared.clone()), Receiver(shared))
}

impl<M> Sender<M> {
    /// Adds a message and wakes the receiver; gives the message back if the receiver is gone.
    pub fn send(&self, message: M) -> Result<(), M> {
        self.post(message)?;
        self.wake();
        Ok(())
    }

    /// Adds a message without waking the receiver: [`Sender::wake`] must follow, once for many messages.
    pub fn post(&self, message: M) -> Result<(), M> {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.closed.load(Ordering::Acquire) {
            return Err(message);
        }
        queue.push(message);
        Ok(())
    }

    /// Wakes the receiver if it sleeps.
    pub fn wake(&self) {
        if self.0.asleep.swap(false, Ordering::AcqRel)
            && let Some(thread) = self.0.receiver.get()
        {
            thread.unpark();
        }
    }
}

impl<M> Receiver<M> {
    /// Makes the calling thread the one that [`Receiver::take`] will sleep on.
    pub fn bind(&self) {
        let _ = self.0.receiver.set(thread::current());
    }

    /// Swaps waiting messages into the empty `batch`; sleeps until there is one, at most `limit`.
    ///
    /// `Some(ZERO)` never sleeps; `None` sleeps as long as it takes. `batch` may stay empty.
    pub fn take(&self, batch: &mut Vec<M>, limit: Option<Duration>) {
        debug_assert!(batch.is_empty(), "the last batch was worked off");
        if self.swap(batch) || limit == Some(Duration::ZERO) {
            return;
        }
        self.0.asleep.store(true, Ordering::Release);
        // Whoever sent before the flag was set did not wake us: look once more.
        if !self.swap(batch) {
            match limit {
                Some(limit) => thread::park_timeout(limit),
                None => thread::park(),
            }
            self.swap(batch);
        }
        self.0.asleep.store(false, Ordering::Release);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn swap(&self, batch: &mut Vec<M>) -> bool {
        let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *queue, batch);
        !batch.is_empty()
    }
}

impl<M> Drop for Receiver<M> {
    fn drop(&mut self) {
        let left = {
            let mut queue = self.0.queue.lock().unwrap_or_else(PoisonError::into_inner);
            self.0.closed.store(true, Ordering::Release);
            std::mem::take(&mut *queue)
        };
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_from_other_threads_arrive_in_order_and_wake_the_receiver() {
        let (sender, receiver) = mailbox();
        receiver.bind();
        let producer = thread::spawn(move || (0..10_000).for_each(|n| sender.send(n).expect("a receiver")));
        let (mut batch, mut seen) = (Vec::new(), Vec::new());
        while seen.len() < 10_000 {
            receiver.take(&mut batch, None);
            seen.append(&mut batch);
        }
        producer.join().expect("the producer ends");
        assert!(seen.iter().copied().eq(0..10_000));
    }

    #[test]
    fn a_message_for_nobody_comes_back() {
        let (sender, receiver) = mailbox();
        drop(receiver);
        assert_eq!(sender.send(1), Err(1));
    }
}
