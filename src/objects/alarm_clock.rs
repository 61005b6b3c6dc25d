//! What is due when, over all objects of all namespaces, awake or not.
//!
//! A pure state machine: times go in, what is due comes out; whoever asks does the waiting, the running and
//! the writing. An object has one alarm. While its handler runs, an alarm that is set waits behind it and
//! wins over a retry. The clock outlives worlds: what waits for a retry goes on waiting when code is replaced.
//!
//! Fidelity: workerd `src/workerd/server/alarm-scheduler.c++`. Deviation: an alarm that is set while a retry
//! waits replaces it at once; workerd first wakes the object for a retry that it then cancels.

use std::collections::{BTreeSet, HashMap};

use crate::base::clock::Timestamp;
use crate::base::generation::Generation;
use crate::base::ids::ObjectId;

use super::lease::LeaseKey;
use super::retry::{NextTry, Retries};

/// An alarm that is due, to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueAlarm {
    /// Whose it is.
    pub key: LeaseKey,
    /// The object's name, where it is known.
    pub name: Option<String>,
    /// The time it was set for.
    pub scheduled: Timestamp,
    /// How many retries were counted before this run.
    pub retry_count: u32,
    /// When it was due: its time, or that of the retry.
    pub due: Timestamp,
}

/// How the run of an alarm ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The handler succeeded.
    Done,
    /// It failed; `counts` when by the program's own fault.
    Failed {
        /// Whether it counts against the limit of retries.
        counts: bool,
    },
    /// It is not to be tried again.
    Dropped,
    /// It did not run: the object's slot holds another time, or none.
    Moved(Option<Timestamp>),
}

impl Outcome {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Dropped => "dropped",
            Self::Moved(_) => "moved",
        }
    }
}

/// What follows the run of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// Nothing is left of it; if there is a next alarm, it is a new one.
    Over,
    /// It will be tried again at `due`.
    Retry {
        /// When.
        due: Timestamp,
        /// What happened so far.
        retries: Retries,
    },
    /// It failed too often, or was dropped: the object's slot is to be emptied.
    GivenUp,
}

/// An alarm as the list and the retries on disk have it: whose, its name where known, the time in the slot, and for one
/// that failed when it is tried again.
pub type StoredAlarm = (ObjectId, Option<String>, Timestamp, Option<(Timestamp, Retries)>);

#[derive(Debug)]
struct Alarm {
    name: Option<String>,
    scheduled: Timestamp,
    due: Timestamp,
    retries: Retries,
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    by: Generation,
    /// What the object's slot says since it began: untouched, emptied, or a new alarm.
    next: Option<Option<Timestamp>>,
}

#[derive(Debug, Default)]
struct Namespace {
    alarms: HashMap<ObjectId, Alarm>,
    /// Alarms that do not run, by when they are due.
    waiting: BTreeSet<(Timestamp, ObjectId)>,
}

/// The alarms of all objects.
#[derive(Debug, Default)]
pub struct AlarmClock {
    namespaces: HashMap<String, Namespace>,
}

impl Namespace {
    fn insert(&mut self, id: ObjectId, alarm: Alarm) {
        self.waiting.insert((alarm.due, id));
        self.alarms.insert(id, alarm);
    }

    fn wait_for(&mut self, id: ObjectId, name: Option<String>, time: Timestamp) {
        let alarm = Alarm { name, scheduled: time, due: time, retries: Retries::default(), run: None };
        self.insert(id, alarm);
    }
}

impl AlarmClock {
    /// Whether the alarms of `namespace` have been loaded.
    pub fn knows(&self, namespace: &str) -> bool {
        self.namespaces.contains_key(namespace)
    }

    /// Takes the stored alarms of `namespace` in.
    pub fn load(&mut self, namespace: &str, alarms: impl IntoIterator<Item = StoredAlarm>) {
        let place = self.namespaces.entry(namespace.to_owned()).or_default();
        for (id, name, scheduled, retry) in alarms {
            let (due, retries) = retry.unwrap_or((scheduled, Retries::default()));
            place.insert(id, Alarm { name, scheduled, due, retries, run: None });
        }
    }

    /// Forgets what is known of `namespace`, whose alarms were changed on disk.
    pub fn forget(&mut self, namespace: &str) {
        self.namespaces.remove(namespace);
    }

    /// Takes in what is stored of the alarm of `key`, whose object was replaced: nothing of what was known counts.
    pub fn replace(&mut self, key: &LeaseKey, stored: Option<StoredAlarm>) {
        let Some(place) = self.namespaces.get_mut(&key.0) else { return };
        if let Some(alarm) = place.alarms.remove(&key.1) {
            place.waiting.remove(&(alarm.due, key.1));
        }
        self.load(&key.0, stored);
    }

    /// The namespaces whose alarms are known.
    pub fn known(&self) -> Vec<String> {
        self.namespaces.keys().cloned().collect()
    }

    /// The time that the slot of `key` is known to hold.
    pub fn time(&self, key: &LeaseKey) -> Option<Timestamp> {
        let alarm = self.namespaces.get(&key.0)?.alarms.get(&key.1)?;
        match &alarm.run {
            Some(Run { next: Some(next), .. }) => *next,
            Some(Run { next: None, .. }) | None => Some(alarm.scheduled),
        }
    }

    /// What is known of the alarm of `key`: the time it was set for, when it is due, how it fared, and whether
    /// it runs.
    pub fn look(&self, key: &LeaseKey) -> Option<(Timestamp, Timestamp, Retries, bool)> {
        let alarm = self.namespaces.get(&key.0)?.alarms.get(&key.1)?;
        Some((alarm.scheduled, alarm.due, alarm.retries, alarm.run.is_some()))
    }

    /// Makes the alarm of `key` due at `now`, if it waits for a later time; says whether there is one.
    pub fn hurry(&mut self, key: &LeaseKey, now: Timestamp) -> bool {
        let Some(place) = self.namespaces.get_mut(&key.0) else { return false };
        let Some(alarm) = place.alarms.get_mut(&key.1) else { return false };
        if alarm.run.is_none() && alarm.due > now {
            place.waiting.remove(&(alarm.due, key.1));
            alarm.due = now;
            place.waiting.insert((now, key.1));
        }
        true
    }

    /// The object's slot was committed with `time`.
    pub fn set(&mut self, key: &LeaseKey, time: Option<Timestamp>, name: Option<&str>) {
        let place = self.namespaces.entry(key.0.clone()).or_default();
        let id = key.1;
        let Some(alarm) = place.alarms.get_mut(&id) else {
            if let Some(time) = time {
                place.wait_for(id, name.map(str::to_owned), time);
            }
            return;
        };
        if alarm.name.is_none() {
            alarm.name = name.map(str::to_owned);
        }
        if let Some(run) = &mut alarm.run {
            run.next = Some(time);
            return;
        }
        if time == Some(alarm.scheduled) {
            return;
        }
        place.waiting.remove(&(alarm.due, id));
        let name = alarm.name.take();
        match time {
            Some(time) => place.wait_for(id, name, time),
            None => drop(place.alarms.remove(&id)),
        }
    }

    /// When the next alarm of `namespaces` is due.
    pub fn next_due(&self, namespaces: &[String]) -> Option<Timestamp> {
        let first = |name: &String| Some(self.namespaces.get(name)?.waiting.first()?.0);
        namespaces.iter().filter_map(first).min()
    }

    /// The next alarm of `namespaces`: when it is due, whose it is, and the object's name where it is known.
    pub fn first(&self, namespaces: &[String]) -> Option<(Timestamp, (LeaseKey, Option<String>))> {
        let first = |name: &String| {
            let namespace = self.namespaces.get(name)?;
            let (due, id) = *namespace.waiting.first()?;
            Some((due, ((name.clone(), id), namespace.alarms.get(&id)?.name.clone())))
        };
        namespaces.iter().filter_map(first).min_by_key(|(due, _)| *due)
    }

    /// Takes the alarms of `namespaces` that are due at `now`, the earliest first, at most `limit`; they run
    /// in the world `by` from now on.
    pub fn take_due(
        &mut self,
        namespaces: &[String],
        now: Timestamp,
        limit: usize,
        by: Generation,
    ) -> Vec<DueAlarm> {
        let mut due = Vec::new();
        while due.len() < limit {
            let earliest = namespaces.iter().filter_map(|name| {
                let (time, id) = *self.namespaces.get(name)?.waiting.first()?;
                (time <= now).then_some((time, name, id))
            });
            let Some((time, namespace, id)) = earliest.min_by_key(|(time, ..)| *time) else { break };
            let place = self.namespaces.get_mut(namespace).expect("it was just read");
            place.waiting.remove(&(time, id));
            let alarm = place.alarms.get_mut(&id).expect("what waits is an alarm");
            alarm.run = Some(Run { by, next: None });
            due.push(DueAlarm {
                key: (namespace.clone(), id),
                name: alarm.name.clone(),
                scheduled: alarm.scheduled,
                retry_count: alarm.retries.counted,
                due: alarm.due,
            });
        }
        due
    }

    /// The run of the alarm of `key` in the world `by` ended at `now`; `chance`, between 0 and 1, is for the
    /// jitter. What was committed to the slot during the run was told by [`AlarmClock::set`] before.
    pub fn finish(
        &mut self,
        key: &LeaseKey,
        by: Generation,
        outcome: Outcome,
        now: Timestamp,
        chance: f64,
    ) -> After {
        let Some(place) = self.namespaces.get_mut(&key.0) else { return After::Over };
        let Some(alarm) = place.alarms.get_mut(&key.1) else { return After::Over };
        let Some(run) = alarm.run.take_if(|run| run.by == by) else { return After::Over };
        let next = match (run.next, outcome) {
            (Some(next), _) | (None, Outcome::Moved(next)) => next,
            (None, Outcome::Done) => None,
            (None, Outcome::Failed { counts }) => match alarm.retries.fail(counts, chance) {
                NextTry::After(delay) => {
                    alarm.due = now.plus_ms(delay);
                    place.waiting.insert((alarm.due, key.1));
                    return After::Retry { due: alarm.due, retries: alarm.retries };
                }
                NextTry::Never => {
                    place.alarms.remove(&key.1);
                    return After::GivenUp;
                }
            },
            (None, Outcome::Dropped) => {
                place.alarms.remove(&key.1);
                return After::GivenUp;
            }
        };
        let name = place.alarms.remove(&key.1).and_then(|alarm| alarm.name);
        if let Some(time) = next {
            place.wait_for(key.1, name, time);
        }
        After::Over
    }

    /// The world `by` is gone: what it ran is due again, and nothing is counted.
    pub fn release_all(&mut self, by: Generation) {
        for place in self.namespaces.values_mut() {
            let mut replaced = Vec::new();
            for (id, alarm) in &mut place.alarms {
                let Some(run) = alarm.run.take_if(|run| run.by == by) else { continue };
                match run.next {
                    Some(next) => replaced.push((*id, alarm.name.take(), next)),
                    None => drop(place.waiting.insert((alarm.due, *id))),
                }
            }
            for (id, name, next) in replaced {
                place.alarms.remove(&id);
                if let Some(time) = next {
                    place.wait_for(id, name, time);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use crate::base::clock::Clock;

    use super::*;

    const OLD: Generation = Generation(1);
    const NEW: Generation = Generation(2);

    fn key(number: u8) -> LeaseKey {
        ("w-C".to_owned(), ObjectId([number; 32]))
    }

    fn namespaces() -> Vec<String> {
        vec!["w-C".to_owned()]
    }

    /// A clock with one alarm at `time`, which runs.
    fn running(time: i64) -> AlarmClock {
        let mut clock = AlarmClock::default();
        clock.set(&key(1), Some(Timestamp(time)), Some("a"));
        assert_eq!(clock.take_due(&namespaces(), Timestamp(time), 9, OLD).len(), 1);
        clock
    }

    const FAILED: Outcome = Outcome::Failed { counts: true };

    #[test]
    fn how_a_run_ends_decides_what_follows() {
        let now = Timestamp(5_000);
        let set = |time| Some(Some(Timestamp(time)));
        let retry = Retries { counted: 1, backoff: 1, last_counted: true };
        let retried = After::Retry { due: Timestamp(7_000), retries: retry };
        for (during, outcome, after, next) in [
            (None, Outcome::Done, After::Over, None),
            (None, FAILED, retried, Some(7_000)),
            (None, Outcome::Dropped, After::GivenUp, None),
            (None, Outcome::Moved(None), After::Over, None),
            (None, Outcome::Moved(Some(Timestamp(6_000))), After::Over, Some(6_000)),
            // A new alarm wins over success, failure and retry.
            (set(9_000), Outcome::Done, After::Over, Some(9_000)),
            (set(9_000), FAILED, After::Over, Some(9_000)),
            (set(1_000), FAILED, After::Over, Some(1_000)),
            // deleteAlarm() during the run: it goes on, but is not tried again.
            (Some(None), Outcome::Done, After::Over, None),
            (Some(None), FAILED, After::Over, None),
        ] {
            let mut clock = running(1_000);
            if let Some(time) = during {
                clock.set(&key(1), time, None);
            }
            assert_eq!(clock.next_due(&namespaces()), None, "what runs is not due");
            assert_eq!(clock.finish(&key(1), OLD, outcome, now, 0.0), after, "{during:?} {outcome:?}");
            assert_eq!(clock.next_due(&namespaces()), next.map(Timestamp), "{during:?} {outcome:?}");
        }
    }

    #[test]
    fn six_retries_on_a_manual_clock_then_the_end() {
        let time = Clock::manual(Timestamp(0));
        let mut clock = AlarmClock::default();
        clock.set(&key(1), Some(Timestamp(0)), Some("a"));
        let mut counts = Vec::new();
        while let Some(due) = clock.next_due(&namespaces()) {
            let wait = due.0 - time.now().0;
            time.advance(Duration::from_millis(wait.try_into().expect("time goes forward")));
            let taken = clock.take_due(&namespaces(), time.now(), 9, OLD);
            assert_eq!(taken[0].scheduled, Timestamp(0), "the time it was set for stays");
            counts.push(taken[0].retry_count);
            clock.finish(&key(1), OLD, FAILED, time.now(), 0.0);
        }
        assert_eq!(counts, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(time.now(), Timestamp(126_000));
    }

    #[test]
    fn a_new_alarm_replaces_a_waiting_retry_and_the_same_time_does_not() {
        let mut clock = running(1_000);
        clock.finish(&key(1), OLD, FAILED, Timestamp(1_000), 0.0);
        clock.set(&key(1), Some(Timestamp(1_000)), None);
        assert_eq!(clock.next_due(&namespaces()), Some(Timestamp(3_000)), "nothing was set");
        clock.set(&key(1), Some(Timestamp(1_500)), None);
        let taken = clock.take_due(&namespaces(), Timestamp(1_500), 9, OLD);
        assert_eq!((taken[0].retry_count, taken[0].name.as_deref()), (0, Some("a")));
    }

    #[test]
    fn a_world_that_goes_gives_back_what_it_ran() {
        let mut clock = running(1_000);
        clock.release_all(NEW);
        assert_eq!(clock.next_due(&namespaces()), None, "another world's");
        clock.release_all(OLD);
        let taken = clock.take_due(&namespaces(), Timestamp(1_000), 9, NEW);
        assert_eq!(taken[0].retry_count, 0);
        assert_eq!(clock.finish(&key(1), OLD, FAILED, Timestamp(1_000), 0.0), After::Over, "it is too late");
        assert!(matches!(clock.finish(&key(1), NEW, FAILED, Timestamp(1_000), 0.0), After::Retry { .. }));
    }

    #[test]
    fn stored_retries_go_on_and_undeclared_namespaces_rest() {
        let mut clock = AlarmClock::default();
        let retries = Retries { counted: 3, backoff: 3, last_counted: true };
        let retry = Some((Timestamp(8_000), retries));
        clock.load("w-C", [(key(1).1, None, Timestamp(1_000), retry)]);
        clock.load("w-Gone", [(key(2).1, None, Timestamp(500), None)]);
        assert!(clock.knows("w-C") && !clock.knows("w-D"));
        assert_eq!(clock.next_due(&namespaces()), Some(Timestamp(8_000)));
        let taken = clock.take_due(&namespaces(), Timestamp(9_000), 9, OLD);
        assert_eq!((taken.len(), taken[0].scheduled, taken[0].retry_count), (1, Timestamp(1_000), 3));
    }

    #[test]
    fn many_due_at_once_come_out_in_order_and_in_batches() {
        let mut clock = AlarmClock::default();
        for number in 0..100 {
            clock.set(&key(number), Some(Timestamp(1_000 - i64::from(number))), None);
        }
        let mut seen = Vec::new();
        loop {
            let batch = clock.take_due(&namespaces(), Timestamp(1_000), 64, OLD);
            assert!(batch.len() <= 64);
            if batch.is_empty() {
                break;
            }
            seen.extend(batch.into_iter().map(|due| due.scheduled.0));
        }
        assert!(seen.is_sorted());
        assert_eq!(seen.len(), 100);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Set(u8, Option<i64>),
        Advance(i64),
        Take(usize),
        Finish(usize, Outcome),
        Restart,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let outcome = prop_oneof![
            Just(Outcome::Done),
            any::<bool>().prop_map(|counts| Outcome::Failed { counts }),
            Just(Outcome::Dropped),
        ];
        prop::collection::vec(
            prop_oneof![
                (0u8..4, prop::option::of(0i64..20_000)).prop_map(|(n, t)| Step::Set(n, t)),
                (0i64..4_000).prop_map(Step::Advance),
                (1usize..4).prop_map(Step::Take),
                (0usize..4, outcome).prop_map(|(n, outcome)| Step::Finish(n, outcome)),
                Just(Step::Restart),
            ],
            1..120,
        )
    }

    proptest! {
        /// Under any order of events: never early, never twice at once, what waits is what is set, and an
        /// alarm that nobody finished or replaced is never lost.
        #[test]
        fn one_run_at_a_time_and_none_is_lost(steps in steps()) {
            let mut clock = AlarmClock::default();
            let (mut now, mut running) = (Timestamp(0), Vec::<DueAlarm>::new());
            let mut owed = std::collections::HashSet::new();
            for step in steps {
                match step {
                    Step::Set(number, time) => {
                        clock.set(&key(number), time.map(Timestamp), None);
                        if time.is_some() { owed.insert(key(number)) } else { owed.remove(&key(number)) };
                    }
                    Step::Advance(by) => now = now.plus_ms(by),
                    Step::Take(limit) => for due in clock.take_due(&namespaces(), now, limit, OLD) {
                        prop_assert!(due.scheduled <= now, "never early");
                        prop_assert!(running.iter().all(|other| other.key != due.key), "one at a time");
                        running.push(due);
                    },
                    Step::Finish(index, outcome) => if index < running.len() {
                        let due = running.swap_remove(index);
                        let before = clock.time(&due.key);
                        match clock.finish(&due.key, OLD, outcome, now, 0.5) {
                            After::Retry { due: at, .. } => prop_assert!(at > now),
                            After::GivenUp => drop(owed.remove(&due.key)),
                            After::Over if clock.time(&due.key).is_none() => {
                                prop_assert!(outcome == Outcome::Done || before.is_none());
                                owed.remove(&due.key);
                            }
                            After::Over => {}
                        }
                    },
                    Step::Restart => {
                        clock.release_all(OLD);
                        running.clear();
                    }
                }
                for key in &owed {
                    prop_assert!(clock.time(key).is_some() || running.iter().any(|due| due.key == *key));
                }
            }
            clock.release_all(OLD);
            let left = clock.take_due(&namespaces(), Timestamp(i64::MAX), usize::MAX, OLD);
            let left: std::collections::HashSet<_> = left.into_iter().map(|due| due.key).collect();
            for key in owed {
                prop_assert!(left.contains(&key));
            }
        }
    }
}
