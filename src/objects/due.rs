//! What of this world waits for time, and which of it comes first.
//!
//! Looking here changes nothing; making what is due ready is the scheduler's part. At the same moment cron
//! triggers come first, then objects go to sleep, then timers fire in the order in which they were set, then alarms.

use std::time::Duration;

use crate::base::clock::Timestamp;
use crate::engine::{Origin, Scope};

use super::actor::Slot;
use super::journal::{DueKind, Fired};
use super::scheduler::Objects;

/// Something that waits for time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// When, by the clock's `elapsed()`.
    pub at: Duration,
    /// What.
    pub kind: DueKind,
}

impl Objects {
    /// What is due next, of everything but cron triggers.
    pub fn first_due(&self) -> Option<Due> {
        let timer = self.host.timers.borrow_mut().next_due();
        let all = [
            (self.next_hibernation(), DueKind::Hibernation),
            (timer, DueKind::Timer),
            (self.first_alarm().map(|(time, _)| self.moment_of(time)), DueKind::Alarm),
            (self.next_limit(), DueKind::Limit),
        ];
        let due = all.into_iter().filter_map(|(at, kind)| Some(Due { at: at?, kind }));
        due.min_by_key(|due| due.at)
    }

    /// The first timer or alarm, as it will be told when it fires.
    pub fn first_awaited(&self) -> Option<Fired> {
        let timer = self.host.timers.borrow_mut().first();
        let alarm = self.first_alarm();
        let timer_at = timer.map(|(at, _)| self.time_of(at));
        match (timer.zip(timer_at), alarm) {
            (Some(((at, scope), time)), alarm) if alarm.as_ref().is_none_or(|(due, _)| time <= *due) => {
                Some(self.fired(DueKind::Timer, self.slot_of_scope(scope), self.time_of(at)))
            }
            (_, Some((due, key))) => {
                let namespace = self.namespaces.iter().position(|own| own.key.as_str() == key.0.0)?;
                let name = key.1.unwrap_or_else(|| key.0.1.to_string()[..8].to_owned());
                let origin = Origin::Object { class: self.class_of(namespace).to_owned(), name };
                Some(Fired { origin, id: Some(key.0.1), ..self.fired(DueKind::Alarm, None, due) })
            }
            _ => None,
        }
    }

    /// The entry for something of the object in `slot`, or of the Worker, that is due at `due`.
    pub(super) fn fired(&self, kind: DueKind, slot: Option<Slot>, due: Timestamp) -> Fired {
        Fired {
            kind,
            origin: slot.map_or(Origin::Worker, |slot| self.origin_of(slot)),
            id: slot.map(|slot| self.with_actor(slot, |actor| actor.key.id)),
            due,
            detail: None,
            outcome: "waiting".to_owned(),
            error: None,
        }
    }

    /// Notes that a limit of the object in `slot` was exceeded.
    pub(super) fn note_limit(&self, slot: Slot, due: Duration, detail: &str) {
        self.journal.note(|| Fired {
            detail: Some(detail.to_owned()),
            outcome: "exceeded".to_owned(),
            ..self.fired(DueKind::Limit, Some(slot), self.time_of(due))
        });
    }

    /// Notes the timer `id`, which is due.
    pub(super) fn note_timer(&self, id: u32, due: Duration, scope: Scope) {
        let noted =
            self.journal.note(|| self.fired(DueKind::Timer, self.slot_of_scope(scope), self.time_of(due)));
        if let Some(noted) = noted {
            self.journal.expect_timer(id, noted);
        }
    }

    fn slot_of_scope(&self, scope: Scope) -> Option<Slot> {
        self.owners.borrow().get(&scope.owner).copied()
    }

    /// The moment of the time of day `time`, by the clock's `elapsed()`; now if it has passed.
    pub fn moment_of(&self, time: Timestamp) -> Duration {
        let clock = &self.host.clock;
        let wait = time.as_nanos().saturating_sub(clock.now_nanos()).max(0);
        clock.elapsed() + Duration::from_nanos(wait.cast_unsigned())
    }

    /// The time of day of the moment `at`, by the clock's `elapsed()`.
    pub fn time_of(&self, at: Duration) -> Timestamp {
        let clock = &self.host.clock;
        let nanos = |duration: Duration| i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
        let ahead = nanos(at).saturating_sub(nanos(clock.elapsed()));
        Timestamp(clock.now_nanos().saturating_add(ahead).div_euclid(1_000_000))
    }
}
