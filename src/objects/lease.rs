//! Who may have an object awake: one world at a time.
//!
//! During a reload two worlds live side by side: the old one finishes its requests, the new one takes
//! new ones. An object's data must have a single writer, so a world leases an object before it wakes it.
//! A world that wants a leased object asks; the holder gives it up as soon as the object has nothing
//! more to do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::generation::Generation;
use crate::base::ids::ObjectId;

/// Names an object across worlds: the namespace's key and the id.
pub type LeaseKey = (String, ObjectId);

/// What a world is told about leases; called from other worlds' threads.
pub trait LeaseHolder: Send + Sync {
    /// Another world wants `key`: give it up when the object is idle.
    fn wanted(&self, key: LeaseKey);
    /// `key`, which this world asked for, is now leased to it.
    fn granted(&self, key: LeaseKey);
}

type World = (Generation, Arc<dyn LeaseHolder>);

struct Lease {
    holder: World,
    waiting: Vec<World>,
}

/// The leases of all worlds of one server.
#[derive(Default, Clone)]
pub struct Leases(Arc<Mutex<HashMap<LeaseKey, Lease>>>);

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Leases")
    }
}

impl Leases {
    /// Asks for `key`; `true` if it is leased to `world` now, else `granted` will be called.
    pub fn acquire(&self, key: &LeaseKey, world: &World) -> bool {
        let holder = {
            let mut leases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let lease = leases
                .entry(key.clone())
                .or_insert_with(|| Lease { holder: world.clone(), waiting: Vec::new() });
            if lease.holder.0 == world.0 {
                return true;
            }
            if !lease.waiting.iter().any(|(generation, _)| *generation == world.0) {
                lease.waiting.push(world.clone());
            }
            lease.holder.1.clone()
        };
        holder.wanted(key.clone());
        false
    }

    /// Gives `key` up; the first world that waits gets it.
    pub fn release(&self, key: &LeaseKey, generation: Generation) {
        let next = {
            let mut leases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(lease) = leases.get_mut(key).filter(|lease| lease.holder.0 == generation) else {
                return;
            };
            if lease.waiting.is_empty() {
                leases.remove(key);
                return;
            }
            lease.holder = lease.waiting.remove(0);
            (lease.holder.1.clone(), !lease.waiting.is_empty())
        };
        next.0.granted(key.clone());
        if next.1 {
            next.0.wanted(key.clone());
        }
    }

    /// Gives up everything that `generation` holds or waits for.
    pub fn release_all(&self, generation: Generation) {
        let held: Vec<LeaseKey> = {
            let mut leases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for lease in leases.values_mut() {
                lease.waiting.retain(|(waiting, _)| *waiting != generation);
            }
            leases.iter().filter(|(_, l)| l.holder.0 == generation).map(|(k, _)| k.clone()).collect()
        };
        for key in held {
            self.release(&key, generation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Notes(Mutex<Vec<&'static str>>);

    impl LeaseHolder for Notes {
        fn wanted(&self, _: LeaseKey) {
            self.0.lock().expect("no panic before").push("wanted");
        }

        fn granted(&self, _: LeaseKey) {
            self.0.lock().expect("no panic before").push("granted");
        }
    }

    #[test]
    fn one_world_holds_an_object_and_hands_it_over() {
        let leases = Leases::default();
        let key = ("w-C".to_owned(), ObjectId([1; 32]));
        let (old, new) = (Arc::new(Notes::default()), Arc::new(Notes::default()));
        let old_world: World = (Generation(1), old.clone());
        let new_world: World = (Generation(2), new.clone());
        assert!(leases.acquire(&key, &old_world));
        assert!(leases.acquire(&key, &old_world), "asking again is harmless");
        assert!(!leases.acquire(&key, &new_world));
        assert_eq!(*old.0.lock().expect("no panic before"), ["wanted"]);
        leases.release(&key, Generation(2));
        assert!(new.0.lock().expect("no panic before").is_empty(), "only the holder can give up");
        leases.release(&key, Generation(1));
        assert_eq!(*new.0.lock().expect("no panic before"), ["granted"]);
        assert!(leases.acquire(&key, &new_world));
        leases.release_all(Generation(2));
        assert!(leases.acquire(&key, &old_world));
    }
}
