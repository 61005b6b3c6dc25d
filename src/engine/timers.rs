//! Timers that JavaScript set: what is due when, and for whom.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::host::{OwnerId, Scope};

/// The timers of one isolate; times are the isolate clock's `elapsed()`.
#[derive(Debug, Default)]
pub struct Timers {
    next: u32,
    live: FxHashMap<u32, Scope>,
    queue: BinaryHeap<Reverse<(Duration, u64, u32)>>,
    order: u64,
    forgotten: Vec<u32>,
    /// Where timers were set; of few, of dead ones too until there are many.
    places: FxHashMap<u32, Box<str>>,
}

/// Places of dead timers are forgotten when there are this many more than timers.
const DEAD_PLACES: usize = 64;

impl Timers {
    /// Sets a timer that is due at `due`; returns its number, which is never 0.
    pub fn set(&mut self, due: Duration, scope: Scope) -> u32 {
        self.next = self.next.wrapping_add(1).max(1);
        self.set_again(self.next, due, scope);
        self.next
    }

    /// Sets the timer `id` anew, as an interval does after it fired.
    pub fn set_again(&mut self, id: u32, due: Duration, scope: Scope) {
        self.order += 1;
        self.live.insert(id, scope);
        self.queue.push(Reverse((due, self.order, id)));
    }

    /// Notes where in the user's code the timer `id` was set.
    pub fn set_place(&mut self, id: u32, at: Box<str>) {
        if self.places.len() >= 2 * self.live.len() + DEAD_PLACES {
            self.places.retain(|id, _| self.live.contains_key(id));
        }
        self.places.insert(id, at);
    }

    /// Where the timer `id` was set, if that was noted.
    pub fn place(&self, id: u32) -> Option<&str> {
        self.places.get(&id).map(|at| &**at)
    }

    /// Forgets the timer `id`, if it is still set.
    pub fn cancel(&mut self, id: u32) {
        self.live.remove(&id);
    }

    /// Forgets all timers of `owner`; JavaScript is told by [`Timers::take_forgotten`].
    pub fn cancel_all_of(&mut self, owner: OwnerId) {
        let forgotten = &mut self.forgotten;
        self.live.retain(|id, scope| {
            let keep = scope.owner != owner;
            if !keep {
                forgotten.push(*id);
            }
            keep
        });
    }

    /// Timers that ended with their owner and whose callbacks JavaScript still holds.
    pub fn take_forgotten(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.forgotten)
    }

    /// Whether `owner` has a timer.
    pub fn any_of(&self, owner: OwnerId) -> bool {
        self.live.values().any(|scope| scope.owner == owner)
    }

    /// The timers of `owner` and when each is due. Walks all timers.
    pub fn of(&self, owner: OwnerId) -> Vec<(u32, Duration)> {
        let mut due: Vec<(u32, Duration)> = Vec::new();
        for Reverse((at, _, id)) in &self.queue {
            if self.live.get(id).is_some_and(|scope| scope.owner == owner) {
                due.push((*id, *at));
            }
        }
        due.sort_unstable_by_key(|(id, at)| (*at, *id));
        due
    }

    /// When the next timer is due.
    pub fn next_due(&mut self) -> Option<Duration> {
        while let Some(Reverse((due, _, id))) = self.queue.peek() {
            if self.live.contains_key(id) {
                return Some(*due);
            }
            self.queue.pop();
        }
        None
    }

    /// The next timer: when it is due, and its scope.
    pub fn first(&mut self) -> Option<(Duration, Scope)> {
        let due = self.next_due()?;
        let Reverse((_, _, id)) = self.queue.peek()?;
        Some((due, *self.live.get(id)?))
    }

    /// Takes the next timer that is due at `now`, earliest first, in order of setting.
    pub fn take_due(&mut self, now: Duration) -> Option<(u32, Duration, Scope)> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse((due, _, id)) = self.queue.pop()?;
        self.live.remove(&id).map(|scope| (id, due, scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::host::SectionId;

    #[test]
    fn timers_fire_in_order_of_time_then_of_setting() {
        let mut timers = Timers::default();
        let scope = Scope { owner: OwnerId(1), section: SectionId(0) };
        let ms = Duration::from_millis;
        let late = timers.set(ms(20), scope);
        let first = timers.set(ms(10), scope);
        let second = timers.set(ms(10), scope);
        let gone = timers.set(ms(5), scope);
        timers.cancel(gone);
        assert_eq!(timers.first(), Some((ms(10), scope)));
        assert_eq!(timers.next_due(), Some(ms(10)));
        assert_eq!(timers.take_due(ms(9)), None);
        assert_eq!(timers.take_due(ms(30)), Some((first, ms(10), scope)));
        assert_eq!(timers.take_due(ms(30)), Some((second, ms(10), scope)));
        timers.cancel_all_of(OwnerId(2));
        assert!(timers.any_of(OwnerId(1)));
        assert_eq!(timers.take_due(ms(30)), Some((late, ms(20), scope)));
        assert_eq!(timers.take_due(ms(30)), None);
    }
}
