//! An isolate made ahead of its code, to overlap with bundling or to be ready for the next save.

use std::sync::Arc;
use std::thread;

use crate::base::clock::Clock;
use crate::base::limits;
use crate::bundle::Early;
use crate::engine::mailbox::{Sender, mailbox};
use crate::engine::memory;

use super::ahead::Ahead;
use super::runner::{self, Message};
use super::standby::Preparation;
use super::{LogSink, WorkerCode};

/// A thread with an isolate that waits for code.
pub struct Warm {
    sender: Sender<Message>,
    preparation: Option<Arc<Preparation>>,
}

impl Warm {
    pub(super) fn start(log: LogSink, clock: Clock, preparation: Option<Preparation>) -> Self {
        let (sender, receiver) = mailbox();
        let own = sender.clone();
        thread::Builder::new()
            .name("isolate".to_owned())
            .stack_size(limits::ISOLATE_THREAD_STACK_BYTES)
            .spawn(move || {
                runner::run(receiver, own, log, clock);
                memory::give_back();
            })
            .expect("the system gives a thread");
        let preparation = preparation.map(Arc::new);
        if let Some(preparation) = &preparation {
            drop(sender.send(Message::Prepare(preparation.clone())));
        }
        Self { sender, preparation }
    }

    /// What has the entry of a Worker that will run here alone compiled ahead, and memory fetched for it.
    pub fn compiler(&self) -> impl Fn(Early) + Send + 'static {
        let sender = self.sender.clone();
        // An isolate that is gone needs no code.
        move |early| {
            drop(sender.send(match early {
                Early::Size(size) => Message::FetchMemory(size),
                Early::Code(name, code) => Message::Compile(Ahead { name, code }),
            }));
        }
    }

    /// Whether this code can be loaded here.
    pub(super) fn fits(&self, workers: &[WorkerCode]) -> bool {
        self.preparation.as_ref().is_none_or(|preparation| preparation.fits(workers))
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
