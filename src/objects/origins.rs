//! What Workers and objects are called in logs.

use super::actor::Slot;
use super::scheduler::Objects;
use crate::engine::exception::Exception;
use crate::engine::{LogLevel, LogRecord, Origin, OwnerId};

impl Objects {
    /// Whether the request or instance that `owner` stands for still exists.
    pub fn is_alive(&self, owner: OwnerId) -> bool {
        owner.is_none() || self.owners.borrow().contains_key(&owner) || self.requests.borrow().contains(owner)
    }

    /// Logs an exception that nobody handled.
    pub(super) fn report(&self, owner: OwnerId, exception: &Exception) {
        let record =
            LogRecord { origin: self.origin(owner), level: LogLevel::Uncaught, text: exception.to_string() };
        (self.host.log)(record);
    }

    /// Who `owner` is, for logs.
    pub fn origin(&self, owner: OwnerId) -> Origin {
        let slot = self.owners.borrow().get(&owner).copied();
        match slot {
            Some(slot) => self.origin_of(slot),
            None if self.roster.is_shared() => {
                Origin::OneOf(self.roster.name(owner.realm().into()).to_owned())
            }
            None => Origin::Worker,
        }
    }

    /// Who the object in `slot` is, for logs.
    pub(super) fn origin_of(&self, slot: Slot) -> Origin {
        let facet = self.facets.borrow().described(slot);
        let root = self.facets.borrow().root_of(slot);
        self.with_actor(root, |actor| {
            let name = actor.name.clone().unwrap_or_else(|| actor.key.id.to_string()[..8].to_owned());
            match facet {
                Some((class, names)) => Origin::Object { class, name: format!("{name}/{}", names.join("/")) },
                None => Origin::Object { class: self.class_of(actor.key.namespace).to_owned(), name },
            }
        })
    }

    /// What to call the class numbered `namespace`: its name, or its directory's where two Workers have one of that name.
    pub(super) fn class_of(&self, namespace: usize) -> &str {
        let own = &self.namespaces[namespace];
        let alike = self.own_namespaces().iter().filter(|other| other.class == own.class).count();
        if alike > 1 { own.key.as_str() } else { &own.class }
    }
}
