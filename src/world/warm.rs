//! An isolate made ahead of its code, to overlap with bundling.

use std::thread;

use crate::base::clock::Clock;
use crate::base::limits;
use crate::engine::mailbox::{Sender, mailbox};

use super::LogSink;
use super::runner::{self, Message};

/// A thread with an isolate that waits for code.
pub struct Warm {
    sender: Sender<Message>,
}

impl Warm {
    pub(super) fn start(log: LogSink, clock: Clock) -> Self {
        let (sender, receiver) = mailbox();
        let own = sender.clone();
        thread::Builder::new()
            .name("isolate".to_owned())
            .stack_size(limits::ISOLATE_THREAD_STACK_BYTES)
            .spawn(move || runner::run(receiver, own, log, clock))
            .expect("the system gives a thread");
        Self { sender }
    }

    pub(super) fn into_sender(self) -> Sender<Message> {
        let sender = self.sender.clone();
        // Taken into use: dropping the handle must not end the thread.
        std::mem::forget(self);
        sender
    }
}

impl Drop for Warm {
    fn drop(&mut self) {
        let (answer, _) = std::sync::mpsc::channel();
        drop(self.sender.send(Message::Stop { limit: std::time::Duration::ZERO, answer }));
    }
}
