//! Who waits for what stateless contexts answer.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use crate::engine::OwnerId;
use crate::engine::presence::Client;

use super::scheduler::Objects;

/// The client of each context that answers one.
#[derive(Debug, Default)]
pub(super) struct Clients(RefCell<FxHashMap<OwnerId, Client>>);

impl Clients {
    /// The context has ended.
    pub(super) fn forget(&self, owner: OwnerId) {
        self.0.borrow_mut().remove(&owner);
    }
}

impl Objects {
    /// Notes who waits for the answer of the stateless context `owner`.
    pub fn note_client(&self, owner: OwnerId, client: Client) {
        self.clients.0.borrow_mut().insert(owner, client);
    }

    /// The client of a request that the running scope makes: it goes when the client goes that the scope answers.
    pub fn client_for_call(&self) -> Client {
        let clients = self.clients.0.borrow();
        clients.get(&self.host.scope.get().owner).map(Client::inner).unwrap_or_default()
    }
}
