//! Hibernatable sockets between two worlds: the old one leaves them here, the new one takes them.
//!
//! A world that gives an object up parks the object's sockets; what their clients send waits. The newest
//! world, the heir, is told and takes them over: its code handles the next message. Sockets of objects
//! that the heir does not know are dropped with the last world that could have had them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::generation::Generation;
use crate::engine::socket::{AutoResponses, Link};

use super::super::lease::LeaseKey;
use super::life::Life;

/// A socket without a world.
pub(super) struct ParkedSocket {
    pub link: Link,
    pub life: Life,
    pub tags: Vec<String>,
    pub attachment: Option<Vec<u8>>,
}

/// The sockets of one object, the oldest first, and what it set for them.
pub(super) struct ParkedRoom {
    pub name: Option<String>,
    pub sockets: Vec<ParkedSocket>,
    pub responses: AutoResponses,
    pub timeout: Option<f64>,
}

type Heir = (Generation, Arc<dyn Fn(LeaseKey) + Send + Sync>);

#[derive(Default)]
struct State {
    rooms: HashMap<LeaseKey, ParkedRoom>,
    heir: Option<Heir>,
}

/// The parked sockets of all worlds of one server.
#[derive(Default, Clone)]
pub struct Parking(Arc<Mutex<State>>);

impl std::fmt::Debug for Parking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parking")
    }
}

impl Parking {
    /// From now on `tell` is told of objects whose sockets are parked, of those that are so already too,
    /// unless a newer world is told.
    pub fn set_heir(&self, generation: Generation, tell: impl Fn(LeaseKey) + Send + Sync + 'static) {
        let tell = Arc::new(tell);
        let waiting: Vec<LeaseKey> = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if state.heir.as_ref().is_some_and(|(newest, _)| newest.0 > generation.0) {
                return;
            }
            state.heir = Some((generation, tell.clone()));
            state.rooms.keys().cloned().collect()
        };
        waiting.into_iter().for_each(|key| tell(key));
    }

    pub(super) fn park(&self, key: LeaseKey, room: ParkedRoom) {
        let heir = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.rooms.insert(key.clone(), room);
            state.heir.clone()
        };
        if let Some((_, tell)) = heir {
            tell(key);
        }
    }

    pub(super) fn take(&self, key: &LeaseKey) -> Option<ParkedRoom> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).rooms.remove(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::ObjectId;
    use crate::engine::socket::{LinkOptions, link};

    fn room() -> ParkedRoom {
        let life = Life::new(true);
        let options = LinkOptions { message_max: 1_000, compresses: false };
        let socket = ParkedSocket { link: link(options).0, life, tags: Vec::new(), attachment: None };
        ParkedRoom { name: None, sockets: vec![socket], responses: AutoResponses::default(), timeout: None }
    }

    #[test]
    fn the_newest_world_is_told_of_what_is_parked_before_and_after() {
        let parking = Parking::default();
        let key = |n| ("w-C".to_owned(), ObjectId([n; 32]));
        let told = Arc::new(Mutex::new(Vec::new()));
        let note = |world: u8| {
            let told = told.clone();
            move |key: LeaseKey| told.lock().expect("no panic before").push((world, key.1.0[0]))
        };
        parking.park(key(1), room());
        parking.set_heir(Generation(2), note(2));
        parking.set_heir(Generation(1), note(1));
        parking.park(key(2), room());
        assert_eq!(*told.lock().expect("no panic before"), [(2, 1), (2, 2)]);
        assert!(parking.take(&key(1)).is_some_and(|room| room.sockets.len() == 1));
        assert!(parking.take(&key(1)).is_none());
    }
}
