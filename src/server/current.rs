//! The slot that holds what answers requests: nothing yet, a world, or the reasons why there is none.
//!
//! A reload swaps the slot's content. Requests are delivered while the slot is locked for reading, so when
//! [`Current::swap`] returns, nobody will deliver to what was in it before, and it may be retired without
//! failing a request. Building worlds and retiring them is the session's business.
//!
//! Invariant: nothing waits while the slot is locked; delivering only puts the request into a mailbox.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};

use crate::assets::Site;
use crate::base::diag::Diagnostic;
use crate::base::generation::Generation;
use crate::objects::control::{self, Command, Refusal};
use crate::project::PublicHost;
use crate::world::http::{FetchError, FetchRequest, FetchResponse};
use crate::world::{TimeCommand, TimeReport, World};

/// The answer to a request, when it comes.
pub type Answer = oneshot::Receiver<Result<FetchResponse, FetchError>>;

/// The answer to a question of the control surface, when it comes.
pub type Asked = oneshot::Receiver<Result<control::Answer, Refusal>>;

/// Something that answers requests: a world, or a stand-in in tests.
pub trait Handler: Send + Sync {
    /// Delivers `request` without waiting. A dropped receiver means that nobody wants the answer any more.
    fn fetch(&self, request: FetchRequest) -> Answer;

    /// Asks for something about the objects, without waiting. A dropped sender means that nobody answers.
    fn control(&self, command: Command) -> Asked {
        drop(command);
        oneshot::channel().1
    }

    /// Shows or moves the time; the receiver fails where there is none, or it ends meanwhile.
    fn time(&self, _command: TimeCommand) -> oneshot::Receiver<TimeReport> {
        oneshot::channel().1
    }

    /// The assets that a request for `url` is first looked for in.
    fn site(&self, _url: &str) -> Option<Arc<Site>> {
        None
    }

    /// Where requests appear to be sent to, if not to this server.
    fn public_host(&self) -> Option<Arc<PublicHost>> {
        None
    }

    /// Follows one or more calls of [`Handler::fetch`]: nobody else will come at this moment.
    fn wake(&self) {}
}

impl Handler for World {
    fn control(&self, command: Command) -> Asked {
        World::control(self, command)
    }

    fn fetch(&self, request: FetchRequest) -> Answer {
        World::fetch(self, request)
    }

    fn time(&self, command: TimeCommand) -> oneshot::Receiver<TimeReport> {
        World::time(self, command)
    }

    fn site(&self, url: &str) -> Option<Arc<Site>> {
        World::site(self, url)
    }

    fn public_host(&self) -> Option<Arc<PublicHost>> {
        World::public_host(self)
    }

    fn wake(&self) {
        World::wake(self);
    }
}

/// What answers requests now.
#[derive(Clone)]
pub enum Serving {
    /// The first code is being built: requests wait.
    Starting,
    /// This code.
    World {
        /// Which code.
        generation: Generation,
        /// It.
        handler: Arc<dyn Handler>,
    },
    /// There is no code that works: the error page answers.
    Broken(Arc<[Diagnostic]>),
}

impl Serving {
    /// Whether requests are answered by code.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::World { .. })
    }

    fn is_settled(&self) -> bool {
        !matches!(self, Self::Starting)
    }
}

/// The slot; shared by the session, which swaps, and the server, which delivers.
pub struct Current(watch::Sender<Serving>);

impl Default for Current {
    fn default() -> Self {
        Self(watch::Sender::new(Serving::Starting))
    }
}

impl Current {
    /// Puts `serving` into the slot and returns what was there.
    pub fn swap(&self, serving: Serving) -> Serving {
        self.0.send_replace(serving)
    }

    /// Lets `read` see the content while nobody can swap it.
    pub fn with<T>(&self, read: impl FnOnce(&Serving) -> T) -> T {
        read(&self.0.borrow())
    }

    /// Calls `tell` whenever other code serves than before, as long as it is awaited.
    pub async fn each_new(&self, mut tell: impl FnMut()) {
        let mut slot = self.0.subscribe();
        slot.mark_changed();
        let mut newest = None;
        // The slot outlives its readers.
        while slot.changed().await.is_ok() {
            let serving = match &*slot.borrow_and_update() {
                Serving::World { generation, .. } => Some(*generation),
                Serving::Starting | Serving::Broken(_) => None,
            };
            if serving.is_some() && serving != newest {
                newest = serving;
                tell();
            }
        }
    }

    /// Waits until the slot holds something other than [`Serving::Starting`].
    pub async fn settled(&self) {
        if self.with(Serving::is_settled) {
            return;
        }
        let waited = self.0.subscribe().wait_for(Serving::is_settled).await.map(drop);
        waited.expect("the slot outlives its readers");
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn requests_wait_for_the_first_code_only() {
        let current = Current::default();
        let mut waiting = pin!(current.settled());
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(waiting.as_mut().poll(&mut context), Poll::Pending);
        let before = current.swap(Serving::Broken(Arc::new([])));
        assert!(matches!(before, Serving::Starting));
        assert_eq!(waiting.as_mut().poll(&mut context), Poll::Ready(()));
        assert!(!current.with(Serving::is_ready));
        assert_eq!(pin!(current.settled()).poll(&mut context), Poll::Ready(()));
    }
}
