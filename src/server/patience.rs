//! How long clients may take for the head of a request, measured by one timer for all connections.
//!
//! Every request sets such a limit and hardly any runs out. A timer of the runtime writes to its own event queue whenever it is
//! set, a system call per request that wakes nobody; this one is set again when it has gone off.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};
use tokio::sync::Notify;

/// The machine's time, as sockets have it.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// When a wait ends, and its number among those that end together.
type Key = (Instant, u64);

#[derive(Default)]
struct Waiting {
    wakers: BTreeMap<Key, Waker>,
    next: u64,
    /// Nobody measures: there was nothing to wait for.
    rests: bool,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    begun: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The limits of all connections of a server. All are equally long: the one that was set first runs out first.
#[derive(Clone, Default)]
pub struct Patience(Arc<Shared>);

impl Patience {
    /// Wakes those whose time is over, for ever.
    pub async fn measure(self) {
        loop {
            let next = {
                let mut waiting = self.0.lock();
                let next = waiting.wakers.first_key_value().map(|(key, _)| key.0);
                waiting.rests = next.is_none();
                next
            };
            match next {
                None => self.0.begun.notified().await,
                Some(next) => tokio::time::sleep_until(next.into()).await,
            }
            let due = {
                let mut waiting = self.0.lock();
                let later = waiting.wakers.split_off(&(now(), 0));
                std::mem::replace(&mut waiting.wakers, later)
            };
            due.into_values().for_each(Waker::wake);
        }
    }

    fn wait(&self, until: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Wait { shared: self.0.clone(), until, place: None })
    }
}

impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.wait(now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.wait(deadline)
    }
}

/// One limit.
struct Wait {
    shared: Arc<Shared>,
    until: Instant,
    /// Where its waker stands, once it was polled.
    place: Option<Key>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if now() >= self.until {
            return Poll::Ready(());
        }
        let mut waiting = self.shared.lock();
        let place = self.place.unwrap_or_else(|| {
            waiting.next += 1;
            (self.until, waiting.next)
        });
        match waiting.wakers.get_mut(&place) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => drop(waiting.wakers.insert(place, cx.waker().clone())),
        }
        let begins = std::mem::take(&mut waiting.rests);
        drop(waiting);
        if begins {
            self.shared.begun.notify_one();
        }
        self.place = Some(place);
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.shared.lock().wakers.remove(&place);
            drop(waker);
        }
    }
}

impl Sleep for Wait {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_end_in_time_and_leave_nothing_behind() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let patience = Patience::default();
        runtime.block_on(async {
            tokio::spawn(patience.clone().measure());
            for ms in [2, 1, 0, 2] {
                let (begun, limit) = (now(), Duration::from_millis(ms));
                patience.sleep(limit).await;
                assert!(now() - begun >= limit);
                assert!(patience.0.lock().wakers.is_empty());
            }
            let long = patience.sleep(Duration::from_secs(600));
            let over = tokio::time::timeout(Duration::from_millis(1), long).await;
            assert!(over.is_err(), "ten minutes are not over");
            assert!(patience.0.lock().wakers.is_empty());
        });
    }
}
