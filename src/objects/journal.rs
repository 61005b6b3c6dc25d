//! What fired while the time was moved, and how it ended.
//!
//! Empty and free unless somebody records. An entry is made when something is due and completed when its code
//! has run, which may be later: a handler can wait for time that has not come.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::base::clock::Timestamp;
use crate::base::ids::ObjectId;
use crate::base::limits;
use crate::engine::Origin;

/// What waits for time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueKind {
    /// An object's alarm, or a retry of it.
    Alarm,
    /// A timer of JavaScript.
    Timer,
    /// A cron trigger.
    Cron,
    /// An object that goes to sleep.
    Hibernation,
    /// A limit on the time that something may take.
    Limit,
}

impl DueKind {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alarm => "alarm",
            Self::Timer => "timer",
            Self::Cron => "cron",
            Self::Hibernation => "hibernation",
            Self::Limit => "limit",
        }
    }

    /// Whether a program set it, so that one can ask for the next of them.
    pub fn is_awaited(self) -> bool {
        match self {
            Self::Alarm | Self::Timer | Self::Cron => true,
            Self::Hibernation | Self::Limit => false,
        }
    }
}

/// Something that fired, or will.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// What.
    pub kind: DueKind,
    /// Whose.
    pub origin: Origin,
    /// The object, if it is one's.
    pub id: Option<ObjectId>,
    /// When it was due.
    pub due: Timestamp,
    /// Which one of its kind: the cron expression, the limit.
    pub detail: Option<String>,
    /// How it ended.
    pub outcome: String,
    /// What its code threw.
    pub error: Option<String>,
}

/// The place of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noted(usize);

#[derive(Default)]
struct Record {
    fired: Vec<Fired>,
    /// Entries beyond the limit.
    more: usize,
    timers: HashMap<u32, Noted>,
}

/// The record of one world, if one is kept.
#[derive(Default)]
pub struct Journal(RefCell<Option<Record>>);

impl Journal {
    /// Begins a record.
    pub fn begin(&self) {
        *self.0.borrow_mut() = Some(Record::default());
    }

    /// Ends the record: what fired, and how many more did that were not listed.
    pub fn take(&self) -> (Vec<Fired>, usize) {
        self.0.borrow_mut().take().map_or((Vec::new(), 0), |record| (record.fired, record.more))
    }

    /// Whether a record is kept.
    pub fn is_kept(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Notes what `fired` says, if a record is kept.
    pub fn note(&self, fired: impl FnOnce() -> Fired) -> Option<Noted> {
        if !self.is_kept() {
            return None;
        }
        // It may look at the world, which may want to note something.
        let fired = fired();
        let mut record = self.0.borrow_mut();
        let record = record.as_mut()?;
        if record.fired.len() >= limits::TIME_FIRED {
            record.more += 1;
            return None;
        }
        record.fired.push(fired);
        Some(Noted(record.fired.len() - 1))
    }

    /// The timer `id` fired, as `noted`.
    pub(super) fn expect_timer(&self, id: u32, noted: Noted) {
        if let Some(record) = &mut *self.0.borrow_mut() {
            record.timers.insert(id, noted);
        }
    }

    /// The callback of the timer `id` ran, and threw `error` or nothing.
    pub fn timer_ran(&self, id: u32, error: impl FnOnce() -> Option<String>) {
        let mut record = self.0.borrow_mut();
        let Some(record) = record.as_mut() else { return };
        let Some(fired) = record.timers.remove(&id).and_then(|noted| record.fired.get_mut(noted.0)) else {
            return;
        };
        fired.error = error();
        fired.outcome = if fired.error.is_some() { "threw" } else { "ok" }.to_owned();
    }

    /// What `noted` stands for ended so.
    pub fn end(&self, noted: Option<Noted>, outcome: impl Into<String>) {
        self.change(noted, |fired| fired.outcome = outcome.into());
    }

    /// The code of what `noted` stands for threw `error`.
    pub fn fail(&self, noted: Option<Noted>, error: impl FnOnce() -> String) {
        self.change(noted, |fired| fired.error = Some(error()));
    }

    fn change(&self, noted: Option<Noted>, change: impl FnOnce(&mut Fired)) {
        let mut record = self.0.borrow_mut();
        let fired = record.as_mut().zip(noted).and_then(|(record, noted)| record.fired.get_mut(noted.0));
        if let Some(fired) = fired {
            change(fired);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer() -> Fired {
        Fired {
            kind: DueKind::Timer,
            origin: Origin::Worker,
            id: None,
            due: Timestamp(1),
            detail: None,
            outcome: "waiting".to_owned(),
            error: None,
        }
    }

    #[test]
    fn nothing_is_noted_unless_somebody_records() {
        let journal = Journal::default();
        assert_eq!(journal.note(|| unreachable!()), None);
        journal.begin();
        let noted = journal.note(timer);
        journal.end(noted, "ok");
        let (fired, more) = journal.take();
        assert_eq!((fired.len(), fired[0].outcome.as_str(), more), (1, "ok", 0));
        journal.end(noted, "late");
        assert!(!journal.is_kept());
    }

    #[test]
    fn timers_are_found_by_their_number() {
        let journal = Journal::default();
        journal.begin();
        for id in [7, 8] {
            journal.expect_timer(id, journal.note(timer).expect("recorded"));
        }
        journal.timer_ran(8, || Some("Error: no".to_owned()));
        let (fired, _) = journal.take();
        assert_eq!([fired[0].outcome.as_str(), fired[1].outcome.as_str()], ["waiting", "threw"]);
        assert_eq!(fired[1].error.as_deref(), Some("Error: no"));
    }

    #[test]
    fn what_exceeds_the_limit_is_counted() {
        let journal = Journal::default();
        journal.begin();
        (0..limits::TIME_FIRED + 3).for_each(|_| {
            assert!(journal.is_kept() && journal.note(timer).is_none_or(|noted| noted.0 < limits::TIME_FIRED))
        });
        let (fired, more) = journal.take();
        assert_eq!((fired.len(), more), (limits::TIME_FIRED, 3));
    }
}
