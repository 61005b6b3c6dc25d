//! Alarms from outside: run now, set, delete.

use std::cell::RefCell;

use crate::base::clock::Timestamp;

use super::super::actor::Slot;
use super::super::alarm_clock::Outcome;
use super::super::scheduler::Objects;
use super::{Answer, Asker, Refusal, say};

/// Who waits for the end of an alarm's run.
#[derive(Default)]
pub(in super::super) struct AlarmWaiters(RefCell<Vec<(Slot, Asker)>>);

impl AlarmWaiters {
    /// The run in `slot` ended.
    pub fn tell(&self, slot: Slot, outcome: Outcome) {
        if self.0.borrow().is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut *self.0.borrow_mut());
        let (told, kept): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(other, _)| *other == slot);
        self.0.borrow_mut().extend(kept);
        for (_, asker) in told {
            say(asker, Ok(Answer::AlarmRan(outcome.name())));
        }
    }

    fn add(&self, slot: Slot, asker: Asker) {
        self.0.borrow_mut().push((slot, asker));
    }
}

impl Objects {
    /// Makes the alarm of the object in `slot` due; one that runs already is waited for.
    pub(super) fn run_alarm_now(&self, slot: Slot, asker: Asker) {
        if !self.alarms.runs(slot) && !self.hurry_alarm(slot) {
            let message = "the object has no alarm".to_owned();
            return say(asker, Err(Refusal::NotFound(message)));
        }
        self.alarm_waiters.add(slot, asker);
    }

    /// Sets or deletes the alarm of an object that sleeps.
    pub(super) fn set_alarm_asleep(&self, slot: Slot, time: Option<Timestamp>) -> Result<Answer, String> {
        let changed = self.store_alarm_asleep(slot, time)?;
        self.tell(slot, "commit");
        Ok(Answer::Done(changed))
    }
}
