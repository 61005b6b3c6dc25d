//! Whether the client of a request still wants its answer.
//!
//! The edge holds a [`Presence`] until it has the answer: dropping it says that the client went away. The answer's body, if it
//! comes in pieces, takes over from there (`engine/pipe.rs`). Whoever handles the request holds a [`Client`], which
//! tells how it ended, once. Either side may be on any thread.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Waiting,
    Served,
    Gone,
}

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    /// Who asked; a request may be looked at through several copies.
    wakers: Vec<Waker>,
    /// Clients of requests that are made to answer this one.
    inner: Vec<Weak<Mutex<State>>>,
}

/// The client as the handler of its request sees it.
#[derive(Debug, Clone, Default)]
pub struct Client(Arc<Mutex<State>>);

/// Says, when dropped, that the client is gone.
#[derive(Debug)]
pub struct Presence(Option<Client>);

impl Client {
    /// A client that waits, and what says when it goes.
    pub fn new() -> (Presence, Self) {
        let client = Self::default();
        (Presence(Some(client.clone())), client)
    }

    /// The client of a request that is made on behalf of this one: it goes with this one at the latest.
    #[must_use]
    pub fn inner(&self) -> Self {
        let inner = Self::default();
        let mut state = self.lock();
        match state.stage {
            Stage::Gone => inner.lock().stage = Stage::Gone,
            Stage::Waiting | Stage::Served => {
                state.inner.retain(|each| each.strong_count() > 0);
                state.inner.push(Arc::downgrade(&inner.0));
            }
        }
        inner
    }

    /// The client has all of its answer.
    pub fn serve(&self) {
        self.end(Stage::Served);
    }

    /// What says from now on that the client is gone.
    #[must_use]
    pub fn watch(self) -> Presence {
        Presence(Some(self))
    }

    /// How it ended: whether the client went away before it had its answer.
    pub fn poll_gone(&self, context: &mut Context<'_>) -> Poll<bool> {
        let mut state = self.lock();
        match state.stage {
            Stage::Served => Poll::Ready(false),
            Stage::Gone => Poll::Ready(true),
            Stage::Waiting => {
                state.wakers.push(context.waker().clone());
                Poll::Pending
            }
        }
    }

    fn end(&self, stage: Stage) {
        let mut state = self.lock();
        if state.stage != Stage::Waiting {
            return;
        }
        state.stage = stage;
        let wakers = std::mem::take(&mut state.wakers);
        let inner = if stage == Stage::Gone { std::mem::take(&mut state.inner) } else { Vec::new() };
        drop(state);
        for waker in wakers {
            waker.wake();
        }
        for each in inner {
            if let Some(each) = each.upgrade() {
                Self(each).end(stage);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Presence {
    /// Somebody else watches from now on.
    pub fn release(mut self) {
        self.0 = None;
    }

    /// The client has all of its answer.
    pub fn serve(&mut self) {
        if let Some(client) = self.0.take() {
            client.serve();
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            client.end(Stage::Gone);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(client: &Client) -> Poll<bool> {
        client.poll_gone(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_client_is_served_or_goes_and_that_is_the_end() {
        let (presence, client) = Client::new();
        assert!(ended(&client).is_pending());
        drop(presence);
        assert_eq!(ended(&client), Poll::Ready(true));
        client.serve();
        assert_eq!(ended(&client), Poll::Ready(true));

        let (mut presence, client) = Client::new();
        presence.serve();
        drop(presence);
        assert_eq!(ended(&client), Poll::Ready(false));

        let (presence, client) = Client::new();
        presence.release();
        assert!(ended(&client).is_pending());
        drop(client.clone().watch());
        assert_eq!(ended(&client), Poll::Ready(true));
    }

    #[test]
    fn clients_of_inner_requests_go_with_it_unless_they_were_served() {
        let (presence, client) = Client::new();
        let (open, served) = (client.inner(), client.inner());
        let deeper = open.inner();
        served.serve();
        drop(presence);
        assert_eq!([ended(&open), ended(&deeper), ended(&served)], [true, true, false].map(Poll::Ready));
        assert_eq!(ended(&client.inner()), Poll::Ready(true));
    }
}
