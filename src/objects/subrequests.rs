//! How many requests and calls of other services an event has made.
//!
//! A stateless context counts for as long as it lives, an object from one incoming event to the next.
//!
//! Fidelity: figures and text of the platform's documentation on limits; what `wrangler dev` runs has no such limit.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use super::scheduler::Objects;
use crate::base::limits;
use crate::engine::{OpError, OwnerId, RealmId};

const TOO_MANY: &str = "Too many subrequests by single Worker invocation.";

/// The counts of the contexts and objects that made any.
#[derive(Debug, Default)]
pub(super) struct Subrequests {
    /// Of the Workers that have a limit of their own.
    limits: RefCell<FxHashMap<RealmId, u32>>,
    made: RefCell<FxHashMap<OwnerId, u32>>,
}

/// What a count means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    Few,
    /// The first one beyond the share that is warned of.
    Near,
    TooMany,
}

impl Subrequests {
    fn limit_of(&self, owner: OwnerId) -> u32 {
        self.limits.borrow().get(&owner.realm()).copied().unwrap_or(limits::SUBREQUESTS)
    }

    fn add(&self, owner: OwnerId) -> Count {
        let limit = self.limit_of(owner);
        let mut made = self.made.borrow_mut();
        let count = made.entry(owner).or_default();
        if *count >= limit {
            return Count::TooMany;
        }
        *count += 1;
        let near = u64::from(limit) * limits::WARN_AT_PERCENT as u64 / 100;
        if u64::from(*count) == near + 1 { Count::Near } else { Count::Few }
    }

    /// An event begins, or what `owner` was has ended.
    pub fn forget(&self, owner: OwnerId) {
        let mut made = self.made.borrow_mut();
        if !made.is_empty() {
            made.remove(&owner);
        }
    }
}

impl Objects {
    /// An event of the Worker in `realm` may make `limit` requests and calls.
    pub fn set_subrequests(&self, realm: RealmId, limit: u32) {
        self.subrequests.limits.borrow_mut().insert(realm, limit);
    }

    /// The running context or object makes a request or call.
    ///
    /// # Errors
    /// When it has made too many already.
    pub fn count_subrequest(&self) -> Result<(), OpError> {
        let owner = self.host.scope.get().owner;
        match self.subrequests.add(owner) {
            Count::Few => {}
            Count::Near => self.warn_of_subrequests(owner, self.subrequests.limit_of(owner)),
            Count::TooMany => return Err(OpError::new(TOO_MANY)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_warned_of_once_and_then_holds() {
        let counted = Subrequests::default();
        counted.limits.borrow_mut().insert(OwnerId(1).realm(), 10);
        let counts: Vec<Count> = (0..11).map(|_| counted.add(OwnerId(1))).collect();
        assert_eq!(counts[8], Count::Near);
        assert_eq!(counts[10], Count::TooMany);
        assert_eq!(counts.iter().filter(|count| **count == Count::Few).count(), 9);
        assert_eq!(counted.add(OwnerId(2)), Count::Few, "each counts for itself");
        counted.forget(OwnerId(1));
        assert_eq!(counted.add(OwnerId(1)), Count::Few);
    }
}
