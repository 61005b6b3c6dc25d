//! Alarms of one world's objects: from due to delivered, from the handler's end to what follows, and the
//! list on disk kept in step with the objects' slots.
//!
//! Invariant: an alarm that is committed to a slot stands in its namespace's list, at its time or earlier.
//! So an earlier time is written to the list before the object commits, a later one or none after it; what
//! stands there too early is found out when it is due, by looking at the slot.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::base::clock::Timestamp;
use crate::base::generation::Generation;
use crate::base::limits;
use crate::engine::exception::Exception;
use crate::engine::{LogLevel, LogRecord, OwnerId};
use crate::storage::{AlarmIndex, AlarmRetries, CommitError, IndexChange, StorageError, StoredRetry};

use super::actor::{Namespace, Slot};
use super::alarm_clock::{After, DueAlarm, Outcome, StoredAlarm};
use super::alarms::{Alarms, Wake};
use super::control::AlarmFacts;
use super::demand::Extent;
use super::event::Event;
use super::failure::{Failure, RESET};
use super::gate::ROOT;
use super::journal::{DueKind, Noted};
use super::lease::LeaseKey;
use super::retry::Retries;
use super::scheduler::Objects;

/// An alarm that was delivered to its object and has not ended.
struct Run {
    /// Whether the handler was entered.
    begun: bool,
    /// Whether the program set or deleted the alarm since then.
    changed: bool,
    /// Whether a failure would be the program's own.
    counts: bool,
    /// Whether a failure is to be tried again.
    retry: bool,
    noted: Option<Noted>,
}

/// What one world knows about alarms.
pub struct AlarmTurns {
    shared: Alarms,
    generation: Generation,
    namespaces: Vec<String>,
    indexes: RefCell<Vec<AlarmIndex>>,
    retries: RefCell<AlarmRetries>,
    /// Objects whose slot may have changed since the last commit.
    changed: RefCell<Vec<Slot>>,
    running: RefCell<HashMap<Slot, Run>>,
    finished: RefCell<Vec<(Slot, Outcome)>>,
    /// When handlers must have ended, in order.
    limits: RefCell<VecDeque<(Duration, Slot, OwnerId)>>,
}

impl AlarmTurns {
    /// The alarms of `namespaces`, whose directories are in `objects_dir`; retries are kept in `own_dir`.
    /// Reads what is stored unless another world has already.
    ///
    /// # Errors
    /// When a list cannot be read.
    pub fn new(
        shared: Alarms,
        generation: Generation,
        namespaces: &[Namespace],
        objects_dir: &Path,
        own_dir: &Path,
    ) -> Result<Self, StorageError> {
        let keys: Vec<String> = namespaces.iter().map(|n| n.key.as_str().to_owned()).collect();
        let mut indexes: Vec<_> = keys.iter().map(|key| AlarmIndex::new(&objects_dir.join(key))).collect();
        let mut retries = AlarmRetries::new(own_dir);
        for (key, index) in keys.iter().zip(&mut indexes) {
            if shared.with(generation, |clock| clock.knows(key)) {
                continue;
            }
            let alarms = stored_alarms(key, index, &mut retries)?;
            shared.with(generation, |clock| clock.load(key, alarms));
        }
        Ok(Self {
            shared,
            generation,
            namespaces: keys,
            indexes: RefCell::new(indexes),
            retries: RefCell::new(retries),
            changed: RefCell::default(),
            running: RefCell::default(),
            finished: RefCell::default(),
            limits: RefCell::default(),
        })
    }

    /// Closes the lists of the namespaces that `extent` covers as a whole; they are opened again when needed.
    pub(super) fn close_lists(&self, extent: &Extent) {
        if matches!(extent, Extent::Objects(_)) {
            return;
        }
        self.retries.borrow_mut().close();
        for (key, index) in self.namespaces.iter().zip(&mut *self.indexes.borrow_mut()) {
            if extent.covers_all_of(key) {
                index.close();
            }
        }
    }

    /// Notes that the program set or deleted the alarm of the object in `slot`.
    pub fn note_change(&self, slot: Slot) {
        self.changed.borrow_mut().push(slot);
        self.set_changed(slot, true);
    }

    /// Whether the alarm that runs in `slot` has been set anew or deleted by its handler.
    pub fn is_changed(&self, slot: Slot) -> bool {
        self.running.borrow().get(&slot).is_some_and(|run| run.begun && run.changed)
    }

    /// Puts back what [`AlarmTurns::is_changed`] said before a transaction that was rolled back.
    pub fn set_changed(&self, slot: Slot, changed: bool) {
        if let Some(run) = self.running.borrow_mut().get_mut(&slot) {
            run.changed = run.begun && changed;
        }
    }

    /// Whether the program of the object in `slot` sees no alarm because its own runs.
    pub fn is_hidden(&self, slot: Slot) -> bool {
        self.running.borrow().get(&slot).is_some_and(|run| run.begun && !run.changed)
    }

    /// A failure of the alarm that runs in `slot` is not the program's.
    pub fn excuse(&self, slot: Slot) {
        if let Some(run) = self.running.borrow_mut().get_mut(&slot) {
            run.counts = false;
        }
    }

    /// The alarm that runs in `slot` is not to be tried again if it fails.
    pub fn give_up(&self, slot: Slot) {
        if let Some(run) = self.running.borrow_mut().get_mut(&slot) {
            run.retry = false;
        }
    }

    /// Whether an alarm of the object in `slot` runs.
    pub(super) fn runs(&self, slot: Slot) -> bool {
        self.running.borrow().contains_key(&slot)
    }

    /// When the next handler has run for too long, by the clock's `elapsed()`.
    pub(super) fn next_limit(&self) -> Option<Duration> {
        self.limits.borrow().front().map(|(due, ..)| *due)
    }

    fn noted(&self, slot: Slot) -> Option<Noted> {
        self.running.borrow().get(&slot)?.noted
    }

    /// Whether any alarm runs.
    pub(super) fn any_runs(&self) -> bool {
        !self.running.borrow().is_empty()
    }

    fn failed(&self, slot: Slot) -> Outcome {
        match self.running.borrow().get(&slot) {
            Some(Run { retry: false, .. }) => Outcome::Dropped,
            // Fidelity: observed with workerd 1.20261117.1: what a constructor throws is not counted.
            Some(run) => Outcome::Failed { counts: run.counts && run.begun },
            None => Outcome::Failed { counts: false },
        }
    }
}

/// What is stored of the alarms of the namespace `key`.
pub(super) fn stored_alarms(
    key: &str,
    index: &mut AlarmIndex,
    retries: &mut AlarmRetries,
) -> Result<Vec<StoredAlarm>, StorageError> {
    let stored: HashMap<_, _> = retries.list(key)?.into_iter().collect();
    let alarms = index.list()?.into_iter().map(|entry| {
        let retry = stored.get(&entry.id).filter(|retry| retry.scheduled == entry.time);
        let retry = retry.map(|r| {
            let retries = Retries { counted: r.counted, backoff: r.backoff, last_counted: r.last_counted };
            (r.due, retries)
        });
        (entry.id, entry.name, entry.time, retry)
    });
    Ok(alarms.collect())
}

impl Objects {
    /// This world serves: what is due is delivered from now on. `wake` wakes its thread.
    pub fn listen_for_alarms(&self, wake: Wake) {
        self.alarms.shared.listen(self.alarms.generation, wake);
    }

    /// Whether this world is the one that is told what is due.
    pub fn listens(&self) -> bool {
        self.alarms.shared.as_listener(self.alarms.generation, |_| ()).is_some()
    }

    /// Another world takes over: nothing more is delivered here.
    pub fn stop_alarms(&self) {
        self.alarms.shared.stop_listening(self.alarms.generation);
    }

    /// This world ends: what it has not finished is due in another one.
    pub fn release_alarms(&self) {
        self.stop_alarms();
        let generation = self.alarms.generation;
        self.alarms.shared.with(generation, |clock| clock.release_all(generation));
        self.alarms.indexes.borrow_mut().iter_mut().for_each(AlarmIndex::close);
        self.alarms.retries.borrow_mut().close();
    }

    /// When to look again, by the clock's `elapsed()`.
    pub(super) fn next_alarm(&self) -> Option<Duration> {
        let alarms = &self.alarms;
        let due = alarms
            .shared
            .as_listener(alarms.generation, |clock| clock.next_due(&alarms.namespaces))
            .flatten();
        due.map(|due| {
            let wait = due.0.saturating_sub(self.host.clock.now().0).max(0);
            let wait = Duration::from_millis(wait.cast_unsigned()).min(limits::WALL_CLOCK_CHECK);
            self.host.clock.elapsed() + wait
        })
    }

    /// The next alarm that this world will be told of: when, whose, and the object's name.
    pub(super) fn first_alarm(&self) -> Option<(Timestamp, (LeaseKey, Option<String>))> {
        let alarms = &self.alarms;
        alarms.shared.as_listener(alarms.generation, |clock| clock.first(&alarms.namespaces)).flatten()
    }

    /// Delivers alarms that are due, a bounded number, and ends handlers that took too long.
    pub(super) fn advance_alarms(&self, elapsed: Duration) {
        let alarms = &self.alarms;
        let now = self.host.clock.now();
        let due = alarms.shared.as_listener(alarms.generation, |clock| {
            clock.take_due(&alarms.namespaces, now, limits::ALARM_BATCH, alarms.generation)
        });
        for due in due.unwrap_or_default() {
            self.deliver_alarm(due);
        }
        loop {
            let late = alarms.limits.borrow_mut().pop_front_if(|(due, ..)| *due <= elapsed);
            let Some((due, slot, owner)) = late else { break };
            if alarms.runs(slot) && self.with_actor(slot, |actor| actor.owner == owner) {
                let message = "Alarm exceeded its allowed execution time";
                self.note_limit(slot, due, "alarm");
                self.break_object(slot, Failure::platform(message, &[RESET]));
            }
        }
    }

    fn deliver_alarm(&self, due: DueAlarm) {
        let (namespace, id) = &due.key;
        let namespace = self.alarms.namespaces.iter().position(|key| key == namespace);
        let namespace = namespace.expect("only alarms of this world's namespaces were asked for");
        let slot = self.slot(super::actor::ActorKey { namespace, id: *id }, due.name.as_deref());
        let noted = self.journal.note(|| self.fired(DueKind::Alarm, Some(slot), due.due));
        let run = Run { begun: false, changed: false, counts: true, retry: true, noted };
        self.alarms.running.borrow_mut().insert(slot, run);
        let event = Event::Alarm { scheduled: due.scheduled, retry_count: due.retry_count };
        self.deliver(slot, ROOT, event);
    }

    /// The handler for the alarm of `scheduled` is about to be entered; `false` if the object has another
    /// alarm by now, or none, and nothing is to be run.
    pub fn begin_alarm(&self, slot: Slot, scheduled: Timestamp) -> bool {
        let store = self.stores.get(slot).expect("events enter objects that are awake");
        let stored = store.borrow_mut().alarm();
        match stored {
            Ok(time) if time == Some(scheduled) => {}
            Ok(time) => {
                self.alarms.finished.borrow_mut().push((slot, Outcome::Moved(time)));
                return false;
            }
            Err(error) => {
                self.alarms.excuse(slot);
                self.break_object(slot, Failure::platform(error.to_string(), &[RESET]));
                self.fail_alarm(slot);
                return false;
            }
        }
        if let Some(run) = self.alarms.running.borrow_mut().get_mut(&slot) {
            run.begun = true;
        }
        let due = self.host.clock.elapsed() + limits::ALARM_HANDLER;
        let owner = self.with_actor(slot, |actor| actor.owner);
        self.alarms.limits.borrow_mut().push_back((due, slot, owner));
        true
    }

    /// The handler in `slot` has succeeded; takes effect with the commit.
    pub fn end_alarm(&self, slot: Slot) {
        if !self.alarms.is_changed(slot)
            && let Some(store) = self.stores.get(slot)
        {
            let put_off = self.put_off_alarm_end(slot);
            let emptied = store.borrow_mut().set_alarm(None);
            if let Err(error) = emptied {
                self.alarms.excuse(slot);
                self.break_object(slot, Failure::platform(error.to_string(), &[RESET]));
                return self.fail_alarm(slot);
            }
            if !put_off {
                self.stores.touch(slot);
                self.alarms.changed.borrow_mut().push(slot);
            }
        }
        self.alarms.finished.borrow_mut().push((slot, Outcome::Done));
    }

    /// The alarm of the object in `slot` has failed, before its handler was entered or in it.
    pub fn fail_alarm(&self, slot: Slot) {
        let outcome = self.alarms.failed(slot);
        if let Some(run) = self.alarms.running.borrow_mut().get_mut(&slot) {
            // The object sees its alarm again: it waits for the next try.
            run.begun = false;
        }
        self.alarms.finished.borrow_mut().push((slot, outcome));
    }

    /// Shows what the handler of the object in `slot` threw.
    pub fn report_alarm(&self, slot: Slot, exception: &Exception) {
        let (origin, text) = (self.origin_of(slot), exception.to_string());
        self.journal.fail(self.alarms.noted(slot), || exception.headline());
        (self.host.log)(LogRecord { origin, level: LogLevel::Uncaught, text });
    }

    /// The time that the slot of `key` is known to hold.
    pub(super) fn alarm_time(&self, key: &LeaseKey) -> Option<Timestamp> {
        self.alarms.shared.with(self.alarms.generation, |clock| clock.time(key))
    }

    pub(super) fn lease_key_of(&self, slot: Slot) -> (usize, LeaseKey, Option<String>) {
        self.with_actor(slot, |actor| {
            let key = (self.alarms.namespaces[actor.key.namespace].clone(), actor.key.id);
            (actor.key.namespace, key, actor.name.clone())
        })
    }

    /// Before the objects commit: puts into the lists what becomes due earlier than they say. Gives what is
    /// to be done afterwards.
    pub(super) fn list_alarms_before_commit(&self) -> Vec<Slot> {
        let mut slots = std::mem::take(&mut *self.alarms.changed.borrow_mut());
        if slots.is_empty() {
            return slots;
        }
        slots.sort_unstable_by_key(|slot| slot.0);
        slots.dedup();
        // Facets have no alarms.
        slots.retain(|slot| !self.is_facet(*slot));
        let mut earlier = Vec::new();
        slots.retain(|slot| {
            let Some(store) = self.stores.get(*slot) else { return false };
            if store.borrow().has_savepoint() {
                // A transaction is open: nothing of this object is committed yet.
                self.alarms.changed.borrow_mut().push(*slot);
                return false;
            }
            // What cannot be read fails again, and is told, in the commit.
            let time = store.borrow_mut().alarm().ok().flatten();
            let (namespace, key, name) = self.lease_key_of(*slot);
            let listed = self.alarms.shared.with(self.alarms.generation, |clock| clock.time(&key));
            if time.is_some_and(|time| listed.is_none_or(|listed| time < listed)) {
                earlier.push((namespace, *slot, IndexChange { id: key.1, time, name }));
            }
            true
        });
        for (slot, error) in self.write_lists(earlier) {
            self.alarms.excuse(slot);
            self.break_object(slot, Failure::platform(error, &[RESET]));
        }
        slots
    }

    /// The commit of the object in `slot` failed.
    pub(super) fn alarm_commit_failed(&self, slot: Slot, error: &CommitError) {
        if !matches!(error, CommitError::Constraint(_)) {
            self.alarms.excuse(slot);
        }
        let failed = self.alarms.failed(slot);
        for (finished, outcome) in &mut *self.alarms.finished.borrow_mut() {
            if *finished == slot && *outcome == Outcome::Done {
                *outcome = failed;
            }
        }
    }

    /// After the commit: the clock and the lists learn what the objects' slots hold, and runs that ended are
    /// wound up.
    pub(super) fn settle_alarms(&self, changed: Vec<Slot>) {
        let mut later = Vec::new();
        for slot in changed {
            // An object whose commit failed has lost its store, and keeps the alarm it had.
            let Some(store) = self.stores.get(slot) else { continue };
            let Ok(time) = store.borrow_mut().alarm() else { continue };
            let (namespace, key, name) = self.lease_key_of(slot);
            self.alarms.shared.with(self.alarms.generation, |clock| clock.set(&key, time, name.as_deref()));
            later.push((namespace, slot, IndexChange { id: key.1, time, name }));
        }
        let finished = std::mem::take(&mut *self.alarms.finished.borrow_mut());
        for (slot, outcome) in finished {
            later.extend(self.finish_alarm(slot, outcome));
        }
        self.list_alarms(later);
    }

    /// Puts into the lists what the objects' slots hold.
    pub(super) fn list_alarms(&self, changes: Vec<(usize, Slot, IndexChange)>) {
        for (slot, error) in self.write_lists(changes) {
            self.log_alarm(slot, format!("the list of alarms could not be written: {error}"));
        }
    }

    /// Makes the alarm of the object in `slot` due now; says whether it has one.
    pub(super) fn hurry_alarm(&self, slot: Slot) -> bool {
        let (_, key, _) = self.lease_key_of(slot);
        let now = self.host.clock.now();
        // Told as nobody: this world listens itself, and looks in its next step.
        self.alarms.shared.with(self.alarms.generation, |clock| clock.hurry(&key, now))
    }

    /// What is known of the alarm of the object `key`.
    pub(super) fn alarm_facts(&self, key: super::actor::ActorKey) -> Option<AlarmFacts> {
        let lease = (self.alarms.namespaces[key.namespace].clone(), key.id);
        let look = self.alarms.shared.with(self.alarms.generation, |clock| clock.look(&lease));
        look.map(|(scheduled, due, retries, running)| AlarmFacts {
            scheduled: scheduled.0,
            due: due.0,
            retry_count: retries.counted,
            running,
        })
    }

    /// Writes the alarm slot of an object that sleeps, and the lists; says whether that changed anything.
    ///
    /// # Errors
    /// Why it could not be written; then an earlier time may stand in the list, which is harmless.
    pub(super) fn store_alarm_asleep(&self, slot: Slot, time: Option<Timestamp>) -> Result<bool, String> {
        let (namespace, key, name) = self.lease_key_of(slot);
        let change = || vec![(namespace, slot, IndexChange { id: key.1, time, name: name.clone() })];
        let listed = |changes| match self.write_lists(changes).pop() {
            Some((_, error)) => Err(error),
            None => Ok(()),
        };
        if time.is_some() {
            listed(change())?;
        }
        let actor_key = self.with_actor(slot, |actor| actor.key);
        let store = self.stores.detached(&self.namespaces[actor_key.namespace], key.1, name.as_deref());
        let mut store = store.borrow_mut();
        let changed = store.set_alarm(time).map_err(|error| error.to_string())?;
        store.commit().map_err(|error| error.to_string())?;
        self.alarms.shared.with(self.alarms.generation, |clock| clock.set(&key, time, name.as_deref()));
        self.forget_retry(slot, &key);
        if time.is_none() {
            listed(change())?;
        }
        Ok(changed)
    }

    /// Winds a run up; gives what is to be changed in the list of its namespace.
    fn finish_alarm(&self, slot: Slot, outcome: Outcome) -> Option<(usize, Slot, IndexChange)> {
        let noted = self.alarms.running.borrow_mut().remove(&slot)?.noted;
        self.alarm_waiters.tell(slot, outcome);
        self.tell_more(slot, "alarm", || json!({ "outcome": outcome.name() }));
        let (namespace, key, name) = self.lease_key_of(slot);
        let (now, generation) = (self.host.clock.now(), self.alarms.generation);
        let scheduled = self.alarms.shared.with(generation, |clock| clock.time(&key));
        // Retries of a time that is moved by hand are due at the same time in every run.
        let chance = if self.host.clock.stands() { 0.0 } else { random_fraction() };
        let after =
            self.alarms.shared.with(generation, |clock| clock.finish(&key, generation, outcome, now, chance));
        let change = |time| Some((namespace, slot, IndexChange { id: key.1, time, name }));
        match after {
            After::Retry { due, retries } => {
                let Retries { counted, backoff, last_counted } = retries;
                #[expect(clippy::cast_precision_loss, reason = "a delay, to be read")]
                let seconds = (due.0 - now.0) as f64 / 1_000.0;
                let which = match outcome {
                    Outcome::Failed { counts: true } => {
                        format!("retry {counted} of {}", limits::ALARM_RETRIES)
                    }
                    _ => "a retry that does not count".to_owned(),
                };
                self.journal.end(noted, format!("failed; {which} in {seconds:.1} s"));
                self.warn_of_alarm(slot, &format!("alarm() failed; {which} in {seconds:.1} s"));
                let scheduled = scheduled.unwrap_or(due);
                let retry = StoredRetry { scheduled, due, counted, backoff, last_counted };
                let kept = self.alarms.retries.borrow_mut().put(&key.0, &key.1, retry);
                if let Err(error) = kept {
                    self.log_alarm(slot, format!("the retry of an alarm could not be stored: {error}"));
                }
                None
            }
            After::Over => {
                self.forget_retry(slot, &key);
                let ended = match outcome {
                    Outcome::Done => "ok",
                    Outcome::Moved(_) => "replaced before it ran",
                    Outcome::Failed { .. } | Outcome::Dropped => "failed; a new alarm was set meanwhile",
                };
                self.journal.end(noted, ended);
                match outcome {
                    Outcome::Moved(_) => {
                        change(self.alarms.shared.with(generation, |clock| clock.time(&key)))
                    }
                    Outcome::Done | Outcome::Failed { .. } | Outcome::Dropped => None,
                }
            }
            After::GivenUp => {
                self.forget_retry(slot, &key);
                let why = if outcome == Outcome::Dropped {
                    "abort() was called with retryAlarm: false".to_owned()
                } else {
                    format!("alarm() failed, and so did {} retries", limits::ALARM_RETRIES)
                };
                self.journal.end(noted, format!("dropped: {why}"));
                self.log_alarm(slot, format!("the alarm is dropped and will not run again: {why}"));
                if let Err(error) = self.empty_slot(slot) {
                    self.log_alarm(slot, format!("the dropped alarm could not be deleted: {error}"));
                }
                change(None)
            }
        }
    }

    fn forget_retry(&self, slot: Slot, key: &LeaseKey) {
        if let Err(error) = self.alarms.retries.borrow_mut().remove(&key.0, &key.1) {
            self.log_alarm(slot, format!("the retry of an alarm could not be forgotten: {error}"));
        }
    }

    /// Empties the alarm slot of an object, awake or not, and commits that.
    fn empty_slot(&self, slot: Slot) -> Result<(), CommitError> {
        let store = self.stores.get(slot).unwrap_or_else(|| {
            let (key, name) = self.with_actor(slot, |actor| (actor.key, actor.name.clone()));
            self.stores.detached(&self.namespaces[key.namespace], key.id, name.as_deref())
        });
        let mut store = store.borrow_mut();
        store.set_alarm(None)?;
        store.commit()
    }

    /// Writes `changes` to the lists, one transaction for each namespace; gives the objects of those that
    /// could not be written.
    fn write_lists(&self, changes: Vec<(usize, Slot, IndexChange)>) -> Vec<(Slot, String)> {
        let mut by_namespace: HashMap<usize, (Vec<Slot>, Vec<IndexChange>)> = HashMap::new();
        for (namespace, slot, change) in changes {
            let place = by_namespace.entry(namespace).or_default();
            place.0.push(slot);
            place.1.push(change);
        }
        let mut failed = Vec::new();
        for (namespace, (slots, changes)) in by_namespace {
            if let Err(error) = self.alarms.indexes.borrow_mut()[namespace].apply(&changes) {
                failed.extend(slots.into_iter().map(|slot| (slot, error.to_string())));
            }
        }
        failed
    }

    fn log_alarm(&self, slot: Slot, text: String) {
        (self.host.log)(LogRecord { origin: self.origin_of(slot), level: LogLevel::Error, text });
    }

    /// Warns in the name of the object in `slot`.
    pub fn warn_of_alarm(&self, slot: Slot, text: &str) {
        let record = LogRecord { origin: self.origin_of(slot), level: LogLevel::Warn, text: text.to_owned() };
        (self.host.log)(record);
    }
}

/// A number between 0 and 1 by chance.
fn random_fraction() -> f64 {
    // Jitter is a courtesy: without randomness there is none.
    getrandom::u32().map_or(0.0, |random| f64::from(random) / f64::from(u32::MAX))
}
