//! Stateless contexts: one per request of the Worker, alive while any of its tasks runs.

use rustc_hash::FxHashMap;

use super::arrivals::Arrivals;
use super::scheduler::Objects;
use crate::engine::OwnerId;
use crate::engine::presence::Client;

/// Counts the tasks of each stateless context: the handler, the response's body, `waitUntil`.
#[derive(Debug, Default)]
pub struct Requests {
    tasks: FxHashMap<OwnerId, u32>,
    /// How many values of a context others hold.
    exports: FxHashMap<OwnerId, u32>,
    /// The same of contexts that were aborted.
    abandoned: FxHashMap<OwnerId, u32>,
    /// Who waits for what a context answers.
    clients: FxHashMap<OwnerId, Client>,
    /// What the newest turn that called services said to them.
    pub(super) arrivals: Arrivals,
}

impl Requests {
    /// Adds a task to `owner`, which begins to exist with its first task.
    pub fn begin(&mut self, owner: OwnerId) {
        *self.tasks.entry(owner).or_default() += 1;
    }

    /// Ends a task of `owner`; says whether it was the last one and the context is gone.
    pub fn end(&mut self, owner: OwnerId) -> bool {
        let Some(tasks) = self.tasks.get_mut(&owner) else { return false };
        *tasks -= 1;
        let last = *tasks == 0;
        if last {
            self.tasks.remove(&owner);
            self.exports.remove(&owner);
            self.clients.remove(&owner);
        }
        last
    }

    /// Ends all tasks of `owner`, which was aborted; says whether there were any.
    pub fn abandon(&mut self, owner: OwnerId) -> bool {
        if let Some(exports) = self.exports.remove(&owner).filter(|exports| *exports > 0) {
            self.abandoned.insert(owner, exports);
        }
        self.clients.remove(&owner);
        self.tasks.remove(&owner).is_some()
    }

    /// Whether `owner` is a context that still exists.
    pub fn contains(&self, owner: OwnerId) -> bool {
        self.tasks.contains_key(&owner)
    }

    /// Others hold one more value of `owner`, if it is a context that exists.
    pub fn add_export(&mut self, owner: OwnerId) {
        if self.contains(owner) {
            *self.exports.entry(owner).or_default() += 1;
        }
    }

    /// Nobody holds a value of `owner` any more that was added; says whether its context was aborted.
    pub fn drop_export(&mut self, owner: OwnerId) -> bool {
        if let Some(exports) = self.exports.get_mut(&owner) {
            *exports = exports.saturating_sub(1);
        }
        let Some(exports) = self.abandoned.get_mut(&owner) else { return false };
        *exports -= 1;
        if *exports == 0 {
            self.abandoned.remove(&owner);
        }
        true
    }

    /// Whether others hold any value of `owner`.
    pub fn has_exports(&self, owner: OwnerId) -> bool {
        self.exports.get(&owner).is_some_and(|exports| *exports > 0)
    }

    /// How many contexts exist.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }
}

impl Objects {
    /// Notes who waits for the answer of the stateless context `owner`.
    pub fn note_client(&self, owner: OwnerId, client: Client) {
        self.requests.borrow_mut().clients.insert(owner, client);
    }

    /// The client of a request that the running scope makes: it goes when the client goes that the scope answers.
    pub fn client_for_call(&self) -> Client {
        let requests = self.requests.borrow();
        requests.clients.get(&self.host.scope.get().owner).map(Client::inner).unwrap_or_default()
    }

    /// Ends a task; with its last task a stateless context ends, and what it still waits for is dropped.
    pub fn end_task(&self, owner: OwnerId) {
        let ended = self.requests.borrow_mut().end(owner);
        if ended {
            self.forget_context(owner);
        }
    }

    /// The stateless context `owner` was aborted: nothing of it goes on, and what others hold of it is gone.
    pub fn abandon_context(&self, owner: OwnerId) {
        let existed = self.requests.borrow_mut().abandon(owner);
        if existed {
            self.forget_context(owner);
        }
    }

    fn forget_context(&self, owner: OwnerId) {
        self.subrequests.forget(owner);
        self.depths.forget(owner);
        self.drop_sockets_of(owner);
        self.host.ops.cancel_all_of(owner);
        self.host.bodies.drop_all_of(owner);
        self.host.timers.borrow_mut().cancel_all_of(owner);
        self.parcels.end_holder(owner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_lives_as_long_as_its_last_task() {
        let mut requests = Requests::default();
        let owner = OwnerId(1);
        requests.begin(owner);
        requests.begin(owner);
        assert!(!requests.end(owner));
        assert!(requests.contains(owner));
        assert!(requests.end(owner));
        assert_eq!(requests.len(), 0);
        assert!(!requests.end(owner));
    }

    #[test]
    fn an_aborted_context_ends_with_all_its_tasks_and_is_known_until_nobody_holds_its_values() {
        let mut requests = Requests::default();
        let owner = OwnerId(1);
        requests.begin(owner);
        requests.begin(owner);
        requests.add_export(owner);
        requests.add_export(owner);
        assert!(requests.abandon(owner));
        assert!(!requests.contains(owner) && !requests.has_exports(owner));
        assert!(!requests.end(owner) && !requests.abandon(owner));
        assert!(requests.drop_export(owner) && requests.drop_export(owner));
        assert!(!requests.drop_export(owner));
    }
}
