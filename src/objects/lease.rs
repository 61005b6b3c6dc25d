//! Who may have an object awake: one world at a time.
//!
//! During a reload two worlds live side by side: the old one finishes its requests, the new one takes
//! new ones. An object's data must have a single writer, so a world leases an object before it wakes it.
//! A world that wants a leased object asks; the holder gives it up as soon as the object has nothing
//! more to do.
//!
//! Somebody outside, who replaces whole files or copies them, makes a demand instead (`demand.rs`): worlds obey at
//! once, and no lease of what is demanded is given until the demand ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::demand::{Busy, Demand, Extent, Kind, Obligation};
use crate::base::generation::Generation;
use crate::base::ids::ObjectId;

/// Names an object across worlds: the namespace's key and the id.
pub type LeaseKey = (String, ObjectId);

/// What a world is told about leases; called from other threads.
pub trait LeaseHolder: Send + Sync {
    /// Another world wants `key`: give it up when the object is idle.
    fn wanted(&self, key: LeaseKey);
    /// `key`, which this world asked for, is now leased to it.
    fn granted(&self, key: LeaseKey);
    /// Somebody outside demands something: it is done when the obligation is dropped.
    fn demanded(&self, obligation: Obligation);
}

type World = (Generation, Arc<dyn LeaseHolder>);

struct Lease {
    /// `None` while a demand covers the object.
    holder: Option<World>,
    waiting: Vec<World>,
}

#[derive(Default)]
struct Table {
    leases: HashMap<LeaseKey, Lease>,
    worlds: Vec<World>,
    demands: Vec<Arc<Demand>>,
}

impl Table {
    fn is_demanded(&self, key: &LeaseKey) -> bool {
        self.demands.iter().any(|demand| demand.extent.covers(key))
    }
}

/// The leases of all worlds of one server.
#[derive(Default, Clone)]
pub struct Leases(Arc<Mutex<Table>>);

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Leases")
    }
}

impl Leases {
    fn with<R>(&self, action: impl FnOnce(&mut Table) -> R) -> R {
        action(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// `world` may hold leases from now on, and is told of demands.
    pub fn join(&self, world: &World) {
        self.with(|table| table.worlds.push(world.clone()));
    }

    /// Asks for `key`; `true` if it is leased to `world` now, else `granted` will be called.
    pub fn acquire(&self, key: &LeaseKey, world: &World) -> bool {
        let holder = self.with(|table| {
            let demanded = table.is_demanded(key);
            let lease = table.leases.entry(key.clone()).or_insert_with(|| {
                let holder = (!demanded).then(|| world.clone());
                Lease { holder, waiting: Vec::new() }
            });
            if lease.holder.as_ref().is_some_and(|(generation, _)| *generation == world.0) {
                return Ok(());
            }
            if !lease.waiting.iter().any(|(generation, _)| *generation == world.0) {
                lease.waiting.push(world.clone());
            }
            Err(lease.holder.clone())
        });
        match holder {
            Ok(()) => true,
            Err(holder) => {
                if let Some((_, holder)) = holder {
                    holder.wanted(key.clone());
                }
                false
            }
        }
    }

    /// Gives `key` up; the first world that waits gets it, after the demand that covers it.
    pub fn release(&self, key: &LeaseKey, generation: Generation) {
        let next = self.with(|table| {
            let demanded = table.is_demanded(key);
            let lease = table.leases.get_mut(key)?;
            lease.holder.take_if(|holder| holder.0 == generation)?;
            if demanded && !lease.waiting.is_empty() { None } else { grant(table, key) }
        });
        tell(key, next);
    }

    /// Gives up everything that `generation` holds or waits for: the world ends.
    pub fn release_all(&self, generation: Generation) {
        let held: Vec<LeaseKey> = self.with(|table| {
            table.worlds.retain(|(world, _)| *world != generation);
            let mut held = Vec::new();
            table.leases.retain(|key, lease| {
                lease.waiting.retain(|(waiting, _)| *waiting != generation);
                if lease.holder.as_ref().is_some_and(|(holder, _)| *holder == generation) {
                    held.push(key.clone());
                }
                lease.holder.is_some() || !lease.waiting.is_empty()
            });
            held
        });
        for key in held {
            self.release(&key, generation);
        }
    }

    /// Demands `kind` of all worlds for the objects of `extent`, and waits until they have obeyed. No lease of these
    /// objects is given until the answer is dropped.
    ///
    /// # Errors
    /// When a world has not obeyed after `limit`; then everything goes on.
    pub fn demand(&self, extent: Extent, kind: Kind, limit: Duration) -> Result<Demanded, Busy> {
        let demand = Arc::new(Demand::new(extent, kind));
        let worlds = self.with(|table| {
            table.demands.push(demand.clone());
            table.worlds.clone()
        });
        let demanded = Demanded { leases: self.clone(), demand: demand.clone() };
        for (_, world) in worlds {
            world.demanded(Obligation::new(&demand));
        }
        if demand.wait(limit) { Ok(demanded) } else { Err(Busy) }
    }

    /// Whether a demand covers `key`.
    pub fn is_demanded(&self, key: &LeaseKey) -> bool {
        self.with(|table| table.is_demanded(key))
    }

    fn end(&self, demand: &Arc<Demand>) {
        let free = self.with(|table| {
            table.demands.retain(|other| !Arc::ptr_eq(other, demand));
            let free = table.leases.iter().filter(|(_, lease)| lease.holder.is_none());
            let mut free: Vec<_> = free.map(|(key, _)| key.clone()).collect();
            free.retain(|key| !table.is_demanded(key));
            free.into_iter().map(|key| (grant(table, &key), key)).collect::<Vec<_>>()
        });
        for (next, key) in free {
            tell(&key, next);
        }
    }
}

/// Gives `key`, which nobody holds, to the first world that waits; says whether others wait too.
fn grant(table: &mut Table, key: &LeaseKey) -> Option<(Arc<dyn LeaseHolder>, bool)> {
    let lease = table.leases.get_mut(key)?;
    if lease.waiting.is_empty() {
        table.leases.remove(key);
        return None;
    }
    let next = lease.waiting.remove(0);
    lease.holder = Some(next.clone());
    Some((next.1, !lease.waiting.is_empty()))
}

fn tell(key: &LeaseKey, next: Option<(Arc<dyn LeaseHolder>, bool)>) {
    let Some((world, is_wanted)) = next else { return };
    world.granted(key.clone());
    if is_wanted {
        world.wanted(key.clone());
    }
}

/// A demand that all worlds have obeyed; it ends when this is dropped.
pub struct Demanded {
    leases: Leases,
    demand: Arc<Demand>,
}

impl Demanded {
    /// Files that worlds could not close, because a transaction or a cursor is open in them.
    pub fn open_files(&self) -> Vec<std::path::PathBuf> {
        self.demand.open_files()
    }
}

impl Drop for Demanded {
    fn drop(&mut self) {
        self.leases.end(&self.demand);
        self.demand.end();
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

        fn demanded(&self, obligation: Obligation) {
            self.0.lock().expect("no panic before").push("demanded");
            drop(obligation);
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

    #[test]
    fn what_is_demanded_is_leased_to_nobody_until_the_demand_ends() {
        let leases = Leases::default();
        let [key, other] = [1, 2].map(|number| ("w-C".to_owned(), ObjectId([number; 32])));
        let world = Arc::new(Notes::default());
        let told = || std::mem::take(&mut *world.0.lock().expect("no panic before"));
        let own: World = (Generation(1), world.clone());
        leases.join(&own);
        assert!(leases.acquire(&key, &own));
        let extent = Extent::Objects(vec![key.clone()]);
        let demanded = leases.demand(extent, Kind::Leave { close_sockets: false }, Duration::ZERO);
        let demanded = demanded.expect("the obligation was dropped");
        assert_eq!(told(), ["demanded"]);
        leases.release(&key, Generation(1));
        assert!(!leases.acquire(&key, &own), "it is demanded");
        assert!(leases.acquire(&other, &own), "it is not");
        assert!(told().is_empty());
        drop(demanded);
        assert_eq!(told(), ["granted"]);
        assert!(leases.acquire(&key, &own));
    }

    #[test]
    fn a_world_that_does_not_obey_in_time_stops_the_demand() {
        #[derive(Default)]
        struct Stubborn(Mutex<Vec<Obligation>>);
        impl LeaseHolder for Stubborn {
            fn wanted(&self, _: LeaseKey) {}
            fn granted(&self, _: LeaseKey) {}
            fn demanded(&self, obligation: Obligation) {
                self.0.lock().expect("no panic before").push(obligation);
            }
        }
        let leases = Leases::default();
        let stubborn = Arc::new(Stubborn::default());
        let own: World = (Generation(1), stubborn.clone());
        leases.join(&own);
        assert!(leases.demand(Extent::All, Kind::StandStill, Duration::ZERO).is_err());
        let obligation = stubborn.0.lock().expect("no panic before").pop().expect("it was asked");
        assert!(obligation.is_over(), "who comes to it later does nothing");
        assert!(leases.acquire(&("w-C".to_owned(), ObjectId([1; 32])), &own), "it is over");
        leases.release_all(Generation(1));
        assert!(leases.demand(Extent::All, Kind::StandStill, Duration::ZERO).is_ok(), "the world is gone");
    }
}
