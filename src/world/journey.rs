//! The way of a clock that is moved: from one thing that is due to the next, until the goal is reached.
//!
//! Pure: what the world looks like goes in, what to do comes out. Time is moved only when there is nothing to
//! run and nothing under way in the world outside, so each thing that fires finds the time at which it was due.
//! Requests to the world outside take no time by this clock: it stands for them, but not for ever. One that is
//! still under way after [`limits::TIME_OUTSIDE`] counts as slow, and time moves on without it.

use std::time::Duration;

use crate::base::limits;

/// Where to. Moments are the clock's `elapsed()`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// This moment.
    At(Duration),
    /// The next moment at which an alarm, a timer or a cron trigger is due.
    Next,
}

/// What the world looks like when it has nothing to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The moment that the clock shows.
    pub elapsed: Duration,
    /// The machine's own time.
    pub machine: Duration,
    /// The first moment at which anything is due.
    pub due: Option<Duration>,
    /// The first moment at which an alarm, a timer or a cron trigger is due.
    pub awaited: Option<Duration>,
    /// The number of the newest thing under way in the world outside.
    pub outside: Option<u64>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Set the clock to this moment, and run what is due then.
    Go(Duration),
    /// Wait for the world outside, at most so long by the machine's time.
    Wait(Duration),
    /// The way ends here.
    Stop(Ending),
}

/// How a way ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At the goal, with nothing left to do.
    Arrived,
    /// Nothing is due: there is no next moment.
    NothingDue,
    /// There was too much to do on the way.
    TooLong,
}

/// A way that is being gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journey {
    goal: Goal,
    began: Duration,
    /// What is waited for in the world outside, and since when.
    waits: Option<(u64, Duration)>,
    /// What is no longer waited for: everything up to this number.
    slow: Option<u64>,
}

impl Journey {
    /// A way to `goal` that begins at the machine's time `machine`.
    pub fn new(goal: Goal, machine: Duration) -> Self {
        Self { goal, began: machine, waits: None, slow: None }
    }

    /// What to do in a world that looks like `seen`.
    pub fn decide(&mut self, seen: &Seen) -> Decision {
        if seen.machine.saturating_sub(self.began) > limits::TIME_MOVE {
            return Decision::Stop(Ending::TooLong);
        }
        if let Some(left) = self.patience(seen) {
            return Decision::Wait(left);
        }
        let goal = match (self.goal, seen.awaited) {
            (Goal::At(goal), _) => goal,
            (Goal::Next, None) => return Decision::Stop(Ending::NothingDue),
            (Goal::Next, Some(awaited)) => awaited.max(seen.elapsed),
        };
        self.goal = Goal::At(goal);
        match seen.due {
            Some(due) if due <= goal.max(seen.elapsed) => Decision::Go(due.max(seen.elapsed)),
            _ if seen.elapsed < goal => Decision::Go(goal),
            _ => Decision::Stop(Ending::Arrived),
        }
    }

    /// How much longer to wait for the world outside, if at all.
    fn patience(&mut self, seen: &Seen) -> Option<Duration> {
        let newest = seen.outside.filter(|number| self.slow.is_none_or(|slow| *number > slow));
        let Some(newest) = newest else {
            self.waits = None;
            return None;
        };
        let since = match self.waits {
            Some((number, since)) if number == newest => since,
            _ => seen.machine,
        };
        self.waits = Some((newest, since));
        let left = limits::TIME_OUTSIDE.saturating_sub(seen.machine.saturating_sub(since));
        if left.is_zero() {
            self.slow = Some(newest);
            self.waits = None;
            return None;
        }
        Some(left)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn seen(elapsed: u64, due: Option<u64>) -> Seen {
        let due = due.map(ms);
        Seen { elapsed: ms(elapsed), machine: ms(5), due, awaited: due, outside: None }
    }

    #[test]
    fn time_goes_from_one_thing_to_the_next() {
        let mut journey = Journey::new(Goal::At(ms(100)), ms(5));
        for (elapsed, due, expected) in [
            (0, Some(30), Decision::Go(ms(30))),
            (30, Some(30), Decision::Go(ms(30))),
            (30, Some(10), Decision::Go(ms(30))),
            (30, Some(100), Decision::Go(ms(100))),
            (100, Some(100), Decision::Go(ms(100))),
            (100, Some(101), Decision::Stop(Ending::Arrived)),
            (30, Some(101), Decision::Go(ms(100))),
            (30, None, Decision::Go(ms(100))),
            (100, None, Decision::Stop(Ending::Arrived)),
        ] {
            assert_eq!(journey.decide(&seen(elapsed, due)), expected, "{elapsed} {due:?}");
        }
    }

    #[test]
    fn the_next_moment_is_chosen_once_and_what_comes_before_it_happens() {
        let mut journey = Journey::new(Goal::Next, ms(5));
        let sleepy = Seen { due: Some(ms(10)), ..seen(0, Some(40)) };
        assert_eq!(journey.decide(&sleepy), Decision::Go(ms(10)));
        assert_eq!(journey.decide(&seen(10, Some(20))), Decision::Go(ms(20)), "it was set on the way");
        assert_eq!(journey.decide(&seen(20, Some(40))), Decision::Go(ms(40)));
        assert_eq!(journey.decide(&seen(40, Some(41))), Decision::Stop(Ending::Arrived));
        assert_eq!(
            Journey::new(Goal::Next, ms(5)).decide(&seen(0, None)),
            Decision::Stop(Ending::NothingDue)
        );
    }

    #[test]
    fn time_stands_for_the_world_outside_but_not_for_ever() {
        let mut journey = Journey::new(Goal::At(ms(100)), ms(0));
        let at = |machine, outside| Seen { machine: ms(machine), outside, ..seen(0, Some(50)) };
        let second = limits::TIME_OUTSIDE;
        assert_eq!(journey.decide(&at(0, Some(1))), Decision::Wait(second));
        assert_eq!(journey.decide(&at(400, Some(1))), Decision::Wait(second - ms(400)));
        assert_eq!(journey.decide(&at(500, Some(2))), Decision::Wait(second), "a new request");
        assert_eq!(journey.decide(&at(1_500, Some(2))), Decision::Go(ms(50)), "it is slow");
        assert_eq!(journey.decide(&at(1_600, Some(1))), Decision::Go(ms(50)), "so is an older one");
        assert_eq!(journey.decide(&at(1_700, Some(3))), Decision::Wait(second));
        assert_eq!(journey.decide(&at(1_800, None)), Decision::Go(ms(50)));
    }

    #[test]
    fn what_never_ends_is_given_up() {
        let mut journey = Journey::new(Goal::At(ms(100)), ms(0));
        let late = Seen { machine: limits::TIME_MOVE + ms(1), ..seen(0, Some(0)) };
        assert_eq!(journey.decide(&late), Decision::Stop(Ending::TooLong));
    }

    proptest! {
        /// Things that are due, each of which may set another one: all up to the goal fire, in order, each at
        /// its own moment, and the clock ends at the goal.
        #[test]
        fn everything_fires_in_order_at_its_own_time(
            first in prop::collection::vec((0u64..1_000, prop::option::of(0u64..300)), 0..30),
            goal in 0u64..1_200,
        ) {
            let mut waiting = first.clone();
            let (mut elapsed, mut fired) = (ms(0), Vec::new());
            let mut journey = Journey::new(Goal::At(ms(goal)), ms(0));
            loop {
                let due = waiting.iter().map(|(at, _)| ms(*at)).min();
                let now = Seen { elapsed, machine: ms(0), due, awaited: due, outside: None };
                match journey.decide(&now) {
                    Decision::Go(at) => {
                        prop_assert!(at >= elapsed && at <= ms(goal));
                        elapsed = at;
                        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(at, _)| ms(*at) <= elapsed);
                        waiting = rest;
                        for (at, next) in ready {
                            prop_assert_eq!(ms(at), elapsed, "at its own time");
                            fired.push(at);
                            waiting.extend(next.map(|delay| (at + delay, None)));
                        }
                    }
                    Decision::Stop(ending) => {
                        prop_assert_eq!(ending, Ending::Arrived);
                        break;
                    }
                    Decision::Wait(_) => prop_assert!(false, "nothing is outside"),
                }
            }
            prop_assert_eq!(elapsed, ms(goal));
            prop_assert!(fired.is_sorted() && waiting.iter().all(|(at, _)| *at > goal));
            let expected = first.iter().flat_map(|(at, next)| [Some(*at), next.map(|delay| at + delay)]);
            prop_assert_eq!(fired.len(), expected.flatten().filter(|at| *at <= goal).count());
        }
    }
}
