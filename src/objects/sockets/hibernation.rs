//! When objects that have nothing to do lose their instance: those with hibernatable sockets soon, the others
//! later. The next event makes a new instance.
//!
//! [`Drowsiness`] is a pure state machine: activity and time go in, the objects to look at come out. What an object
//! waits for, and a timer, keep it awake: it is looked at again later.
//!
//! Fidelity: ten seconds after the last event with sockets (observed with workerd 1.20261117.1), 70 to 140 seconds
//! without (the platform's documentation on the life of objects).

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::time::Duration;

use crate::base::limits;
use crate::engine::Isolate;

use super::super::actor::{Slot, Wakefulness};
use super::super::farewell::Leaving;
use super::super::journal::{DueKind, Fired};
use super::super::scheduler::{Entry, Objects};
use super::table::Gone;

/// When which object was last active, and when to look at it again.
#[derive(Debug, Default)]
pub(super) struct Drowsiness(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    /// By slot.
    objects: Vec<Idle>,
    looks: BinaryHeap<Reverse<(Duration, u32)>>,
    sleepy: Vec<Slot>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Idle {
    active_at: Duration,
    patience: Duration,
    /// The earliest look that is planned.
    look: Option<Duration>,
}

impl Drowsiness {
    /// The object in `slot` is active; it may be idle for `patience`.
    fn note(&self, slot: Slot, now: Duration, patience: Duration) {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        let index = slot.0 as usize;
        if state.objects.len() <= index {
            state.objects.resize(index + 1, Idle::default());
        }
        let idle = &mut state.objects[index];
        (idle.active_at, idle.patience) = (now, patience);
        let due = now + patience;
        if idle.look.is_none_or(|look| due < look) {
            idle.look = Some(due);
            state.looks.push(Reverse((due, slot.0)));
        }
    }

    fn next_due(&self) -> Option<Duration> {
        self.0.borrow().looks.peek().map(|Reverse((due, _))| *due)
    }

    /// Finds out which objects were not active for long enough at `now`.
    fn advance(&self, now: Duration) {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        while let Some(Reverse((look, slot))) =
            state.looks.peek().copied().filter(|Reverse((look, _))| *look <= now)
        {
            state.looks.pop();
            let idle = &mut state.objects[slot as usize];
            // One that was planned earlier since has taken its place.
            if idle.look != Some(look) {
                continue;
            }
            let due = idle.active_at + idle.patience;
            idle.look = (due > now).then_some(due);
            match idle.look {
                Some(due) => state.looks.push(Reverse((due, slot))),
                None => state.sleepy.push(Slot(slot)),
            }
        }
    }

    /// The objects that were found and have not been active since.
    fn take_sleepy(&self) -> Vec<Slot> {
        let mut state = self.0.borrow_mut();
        let mut sleepy = std::mem::take(&mut state.sleepy);
        sleepy.retain(|slot| state.objects[slot.0 as usize].look.is_none());
        sleepy
    }

    /// `slots`, the least recently active first.
    fn sort_by_age(&self, slots: &mut [Slot]) {
        let state = self.0.borrow();
        slots.sort_by_key(|slot| state.objects.get(slot.0 as usize).map_or(Duration::ZERO, |o| o.active_at));
    }
}

/// How long an object without sockets stays in memory: different for each, so that not all go at once.
fn eviction_after(slot: Slot) -> Duration {
    let spread = u32::try_from((limits::EVICT_AFTER_MAX - limits::EVICT_AFTER_MIN).as_millis());
    let spread = spread.expect("the two are minutes");
    // Fibonacci hashing spreads neighbours evenly.
    let part = slot.0.wrapping_mul(2_654_435_769) % (spread + 1);
    limits::EVICT_AFTER_MIN + Duration::from_millis(u64::from(part))
}

impl Objects {
    /// The object in `slot` did something.
    pub(in super::super) fn note_activity(&self, slot: Slot) {
        let (root, below) = {
            let facets = self.facets.borrow();
            let root = facets.root_of(slot);
            (root, facets.below(root))
        };
        let rooms = self.sockets.rooms.borrow();
        let listed =
            |slot: &Slot| rooms.get(slot).is_some_and(|room| !room.listed.is_empty() || room.left_open);
        let has_sockets = listed(&root) || below.iter().any(listed);
        let slot = root;
        let patience = if has_sockets { self.hibernate_after.get() } else { eviction_after(slot) };
        self.sockets.drowsiness.note(slot, self.host.clock.elapsed(), patience);
    }

    /// When an object may have been idle for long enough.
    pub(in super::super) fn next_hibernation(&self) -> Option<Duration> {
        self.sockets.drowsiness.next_due()
    }

    /// Finds out which objects may lose their instance now.
    pub(in super::super) fn advance_hibernation(&self, now: Duration) {
        self.sockets.drowsiness.advance(now);
    }

    /// Puts the objects to sleep that were found; one that waits for something is looked at again later.
    pub(in super::super) fn hibernate_idle(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        self.finish_farewells(isolate, entry);
        for slot in self.sockets.drowsiness.take_sleepy() {
            let tree = self.tree(slot);
            let sleeps =
                |slot: &Slot| self.with_actor(*slot, |actor| actor.wakefulness == Wakefulness::Asleep);
            if tree.iter().all(sleeps) {
                continue;
            }
            if self.is_tree_pinned(isolate, slot) {
                self.tell_why_awake(isolate, slot);
                self.note_activity(slot);
                continue;
            }
            let has_sockets = tree.iter().any(|slot| !self.sockets.of_object(*slot, None).is_empty());
            if has_sockets {
                self.journal.note(|| Fired {
                    outcome: "ok".to_owned(),
                    ..self.fired(DueKind::Hibernation, Some(slot), self.host.clock.now())
                });
            }
            let why = if has_sockets { "hibernate" } else { "evict" };
            self.send_to_sleep(isolate, entry, slot, Leaving::Inactive, why);
        }
        if self.awake.get() > limits::AWAKE_OBJECTS {
            self.evict_oldest(isolate, entry);
        }
    }

    /// Too many objects are awake: those that were idle for the longest time go, a tenth of all at once.
    fn evict_oldest(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        let mut slots = self.awake_slots();
        self.sockets.drowsiness.sort_by_age(&mut slots);
        let mut left = limits::AWAKE_OBJECTS / 10;
        for slot in slots {
            if left == 0 {
                return;
            }
            if !self.is_tree_pinned(isolate, slot) {
                self.send_to_sleep(isolate, entry, slot, Leaving::System, "evict");
                left -= 1;
            }
        }
    }

    /// The JavaScript objects of the sockets of `slot` go with its instance; the sockets stay.
    pub(in super::super) fn forget_instances_of_sockets(&self, slot: Slot) {
        let ids = self.sockets.of_object(slot, None);
        self.sockets.forgotten.borrow_mut().extend(ids.into_iter().map(Gone::left));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_object_sleeps_when_it_was_idle_for_long_enough() {
        let drowsiness = Drowsiness::default();
        drowsiness.note(Slot(1), Duration::ZERO, 10 * SECOND);
        drowsiness.note(Slot(2), SECOND, 10 * SECOND);
        drowsiness.note(Slot(1), 5 * SECOND, 10 * SECOND);
        assert_eq!(drowsiness.next_due(), Some(10 * SECOND));
        drowsiness.advance(10 * SECOND);
        assert_eq!(drowsiness.take_sleepy(), []);
        drowsiness.advance(11 * SECOND);
        assert_eq!(drowsiness.take_sleepy(), [Slot(2)]);
        drowsiness.advance(15 * SECOND);
        assert_eq!(drowsiness.take_sleepy(), [Slot(1)]);
        assert_eq!(drowsiness.next_due(), None);
    }

    #[test]
    fn a_first_socket_shortens_the_wait() {
        let drowsiness = Drowsiness::default();
        drowsiness.note(Slot(0), Duration::ZERO, 100 * SECOND);
        drowsiness.note(Slot(0), SECOND, 10 * SECOND);
        drowsiness.advance(11 * SECOND);
        assert_eq!(drowsiness.take_sleepy(), [Slot(0)]);
        drowsiness.advance(200 * SECOND);
        assert_eq!(drowsiness.take_sleepy(), [], "the later look is void");
    }

    #[test]
    fn activity_in_the_last_moment_counts() {
        let drowsiness = Drowsiness::default();
        drowsiness.note(Slot(0), Duration::ZERO, 10 * SECOND);
        drowsiness.advance(10 * SECOND);
        drowsiness.note(Slot(0), 10 * SECOND, 10 * SECOND);
        assert_eq!(drowsiness.take_sleepy(), []);
    }

    #[test]
    fn evictions_are_spread_over_the_documented_time() {
        let times: Vec<Duration> = (0..1_000).map(|slot| eviction_after(Slot(slot))).collect();
        assert!(times.iter().all(|time| (limits::EVICT_AFTER_MIN..=limits::EVICT_AFTER_MAX).contains(time)));
        let early = times.iter().filter(|time| **time < 105 * SECOND).count();
        assert!((400..600).contains(&early), "{early}");
    }

    proptest! {
        /// Against the obvious model: an object is found at the first look after its patience has ended, once,
        /// and never before.
        #[test]
        fn idle_objects_are_found_once_and_no_active_one_is(
            steps in prop::collection::vec((0u32..5, 0u64..8, prop::sample::select(vec![3u64, 20])), 1..200),
        ) {
            let drowsiness = Drowsiness::default();
            let mut model: HashMap<Slot, Duration> = HashMap::new();
            let mut now = Duration::ZERO;
            for (slot, wait, patience) in steps {
                now += SECOND * u32::try_from(wait).expect("small");
                drowsiness.advance(now);
                let mut found = drowsiness.take_sleepy();
                found.sort_by_key(|slot| slot.0);
                let mut expected: Vec<Slot> = model.iter().filter(|(_, due)| **due <= now).map(|(s, _)| *s).collect();
                expected.sort_by_key(|slot| slot.0);
                prop_assert_eq!(&found, &expected);
                model.retain(|_, due| *due > now);
                drowsiness.note(Slot(slot), now, SECOND * u32::try_from(patience).expect("small"));
                model.insert(Slot(slot), now + SECOND * u32::try_from(patience).expect("small"));
                prop_assert!(drowsiness.next_due() <= model.values().min().copied(), "it is woken in time");
            }
        }
    }
}
