//! Stored data, read and changed from outside.

use std::cell::RefCell;
use std::rc::Rc;

use crate::base::limits;
use crate::storage::{CommitError, ListOptions, ObjectStore, SqlError, SqlValue, StorageError};

use super::super::actor::{ActorKey, Slot};
use super::super::event::{Event, Reply, ReplyTo};
use super::super::failure::{Failure, RESET};
use super::super::scheduler::Objects;
use super::{Answer, Asker, Change, Refusal, Rows, say};

/// A change on its way through an object's inbox.
pub struct DataCall {
    /// What to change.
    pub change: Change,
    /// Who asked for it.
    pub asker: Asker,
}

/// Why a change was not made.
enum Stopped {
    /// Nothing happened.
    Refused(Refusal),
    /// The object's storage failed: what it has not committed is lost.
    Broken(String),
}

impl From<StorageError> for Stopped {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Damaged { .. } | StorageError::Database { .. } | StorageError::Io { .. } => {
                Self::Broken(error.to_string())
            }
            error => Self::Refused(Refusal::Invalid(error.to_string())),
        }
    }
}

impl From<SqlError> for Stopped {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Statement(message) => Self::Refused(Refusal::Invalid(message)),
            SqlError::Critical(message) => Self::Broken(message),
            SqlError::Storage(error) => error.into(),
        }
    }
}

impl Objects {
    /// The store of an object for looking: its own while it is awake.
    fn store_to_read(&self, key: ActorKey, slot: Option<Slot>) -> Rc<RefCell<ObjectStore>> {
        let own = slot.and_then(|slot| self.stores.get(slot));
        own.unwrap_or_else(|| self.stores.detached(&self.namespaces[key.namespace], key.id, None))
    }

    pub(super) fn peek_value(
        &self,
        key: ActorKey,
        slot: Option<Slot>,
        stored: &str,
    ) -> Result<Answer, Refusal> {
        let store = self.store_to_read(key, slot);
        let found = store.borrow_mut().get(stored).map_err(unreadable)?;
        Ok(Answer::Value(found.map(|bytes| bytes.to_vec())))
    }

    pub(super) fn peek_list(
        &self,
        key: ActorKey,
        slot: Option<Slot>,
        options: &ListOptions,
    ) -> Result<Answer, Refusal> {
        let store = self.store_to_read(key, slot);
        let mut store = store.borrow_mut();
        let mut iterator = store.iterate(options).map_err(unreadable)?;
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while let Some((key, value)) = iterator.next(&mut store).map_err(unreadable)? {
            if bytes + key.len() + value.len() > limits::CONTROL_ANSWER_BYTES {
                return Ok(Answer::Entries(entries, true));
            }
            bytes += key.len() + value.len();
            entries.push((key, value.to_vec()));
        }
        Ok(Answer::Entries(entries, false))
    }

    /// Makes a change in the object whose turn runs; answered after the commit.
    pub fn change_awake(&self, slot: Slot, call: DataCall) {
        let DataCall { change, asker } = call;
        let store = self.stores.get(slot).expect("events enter objects that are awake");
        self.stores.touch(slot);
        let sets_alarm = matches!(change, Change::SetAlarm(_));
        let changed = self.change(slot, &mut store.borrow_mut(), change);
        match changed {
            Ok(answer) => {
                if sets_alarm {
                    self.alarms.note_change(slot);
                }
                self.reply(ReplyTo::Control(asker), Reply::Told(Box::new(answer)));
            }
            Err(Stopped::Refused(refusal)) => say(asker, Err(refusal)),
            Err(Stopped::Broken(message)) => {
                let failure = Failure::platform(message, &[RESET]);
                self.break_object(slot, failure.clone());
                say(asker, Err(Refusal::Failed(Box::new(failure))));
            }
        }
    }

    /// Makes the changes that an object which sleeps has first in its inbox; says whether there were any.
    pub(in super::super) fn change_asleep(&self, slot: Slot) -> bool {
        let mut any = false;
        loop {
            let call = self.with_actor(slot, |actor| match actor.inbox.front() {
                Some((_, Event::Control(_))) => actor.inbox.pop_front().map(|(_, event)| event),
                _ => None,
            });
            let Some(Event::Control(call)) = call else { return any };
            any = true;
            let DataCall { change, asker } = *call;
            let answer = self.change_detached(slot, change).map_err(|stopped| match stopped {
                Stopped::Refused(refusal) => refusal,
                Stopped::Broken(message) => Refusal::Failed(Box::new(Failure::platform(message, &[RESET]))),
            });
            say(asker, answer);
        }
    }

    fn change_detached(&self, slot: Slot, change: Change) -> Result<Answer, Stopped> {
        if let Change::SetAlarm(time) = change {
            return self.set_alarm_asleep(slot, time).map_err(Stopped::Broken);
        }
        let (key, name) = self.with_actor(slot, |actor| (actor.key, actor.name.clone()));
        let store = self.stores.detached(&self.namespaces[key.namespace], key.id, name.as_deref());
        let answer = self.change(slot, &mut store.borrow_mut(), change)?;
        store.borrow_mut().commit().map_err(|error: CommitError| Stopped::Broken(error.to_string()))?;
        self.tell(slot, "commit");
        Ok(answer)
    }

    fn change(&self, slot: Slot, store: &mut ObjectStore, change: Change) -> Result<Answer, Stopped> {
        match change {
            Change::Put(key, value) => {
                store.check(&key, value.len())?;
                store.put(&key, value)?;
                Ok(Answer::Done(true))
            }
            Change::Delete(key) => Ok(Answer::Done(store.delete(&key)?)),
            Change::Sql(text, parameters) => {
                let namespace = self.with_actor(slot, |actor| actor.key.namespace);
                if !self.namespaces[namespace].sqlite {
                    let message = "the class keeps keys and values only: it is declared in `new_classes`";
                    return Err(Stopped::Refused(Refusal::Invalid(message.to_owned())));
                }
                let makes =
                    text.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("create"));
                if !makes && !store.path().exists() {
                    let message = "the object has stored nothing yet";
                    return Err(Stopped::Refused(Refusal::NotFound(message.to_owned())));
                }
                run_sql(store, &text, &parameters).map(Answer::Rows).map_err(Stopped::from)
            }
            Change::SetAlarm(time) => Ok(Answer::Done(store.set_alarm(time)?)),
        }
    }
}

fn unreadable(error: StorageError) -> Refusal {
    match Stopped::from(error) {
        Stopped::Refused(refusal) => refusal,
        Stopped::Broken(message) => Refusal::Failed(Box::new(Failure::platform(message, &[]))),
    }
}

fn run_sql(store: &mut ObjectStore, text: &str, parameters: &[SqlValue]) -> Result<Rows, SqlError> {
    let cursor = store.exec(text, parameters)?;
    let columns = store.column_names(cursor).to_vec();
    let (mut rows, mut bytes, mut truncated) = (Vec::new(), 0, false);
    loop {
        match store.step(cursor) {
            Ok(Some(row)) => {
                bytes += row.iter().map(size).sum::<usize>();
                if rows.len() >= limits::CONTROL_ROWS || bytes > limits::CONTROL_ANSWER_BYTES {
                    truncated = true;
                    break;
                }
                rows.push(row);
            }
            Ok(None) => break,
            Err(error) => {
                store.close_cursor(cursor);
                return Err(error);
            }
        }
    }
    let (rows_read, rows_written) = (store.rows_read(cursor), store.rows_written(cursor));
    store.close_cursor(cursor);
    Ok(Rows { columns, rows, truncated, rows_read, rows_written })
}

fn size(value: &SqlValue) -> usize {
    match value {
        SqlValue::Null | SqlValue::Integer(_) | SqlValue::Real(_) => 8,
        SqlValue::Text(bytes) | SqlValue::Blob(bytes) => bytes.len() + 8,
    }
}
