//! Answers on their way from worlds to the edge: many at a time, with one wake-up.
//!
//! Waking the edge's event queue from another thread costs a system call. A world collects the answers of
//! a batch of turns and hands them over together; the edge runs [`Replies::deliver`], which gives each
//! answer to the task that waits for it on its own thread.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::engine::http::{FetchError, FetchResponse};

/// An answer and who waits for it.
pub type Reply = (oneshot::Sender<Result<FetchResponse, FetchError>>, Result<FetchResponse, FetchError>);

/// The answers that the edge has not taken yet.
#[derive(Debug, Default)]
pub struct Replies {
    waiting: Mutex<Vec<Reply>>,
    arrived: Notify,
}

impl Replies {
    /// Hands over a batch; `batch` is empty afterwards.
    pub(super) fn add(&self, batch: &mut Vec<Reply>) {
        if batch.is_empty() {
            return;
        }
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).append(batch);
        self.arrived.notify_one();
    }

    /// Gives every answer to who waits for it, for ever.
    pub async fn deliver(&self) {
        let mut batch = Vec::new();
        loop {
            self.arrived.notified().await;
            std::mem::swap(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner), &mut batch);
            for (waiting, result) in batch.drain(..) {
                // Whoever hung up does not want the answer.
                drop(waiting.send(result));
            }
        }
    }
}
