//! Faults that calls by stubs meet on purpose: what production's infrastructure does now and then, and local
//! tools never.
//!
//! A rule names a class, perhaps one object, a fault and how many calls meet it. The oldest rule that fits
//! a call is used; a rule goes when it is used up. Only calls and requests that come from a stub count: what the
//! control surface itself calls meets no fault.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;

use crate::base::limits;
use crate::engine::Isolate;

use super::super::actor::{ActorKey, Slot};
use super::super::event::Event;
use super::super::failure::{Failure, OVERLOADED, QUEUE_FULL, RETRYABLE};
use super::super::outputs::Outgoing;
use super::super::scheduler::{Entry, Objects};
use super::{Answer, Refusal, Target};

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The object loses its instance before the call, if nothing pins it.
    Evict,
    /// The object is reset before the call, which fails with what was running.
    Reset,
    /// The call is refused because the object has too much to do.
    Overload,
    /// The connection is lost: before the call reaches the object, or, if it is `received`, before the answer leaves it.
    Disconnect {
        /// Whether the object gets the call.
        received: bool,
    },
    /// The call is delivered later.
    Delay(Duration),
}

impl Fault {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Evict => "evict",
            Self::Reset => "reset",
            Self::Overload => "overload",
            Self::Disconnect { .. } => "disconnect",
            Self::Delay(_) => "delay",
        }
    }
}

/// A fault and whom it meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// Name of the class.
    pub class: String,
    /// One object of it, or all.
    pub object: Option<super::Address>,
    /// What happens.
    pub fault: Fault,
    /// To how many calls.
    pub count: u32,
}

/// A rule that waits.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultFacts {
    /// Name of the class.
    pub class: String,
    /// Id of the object, if it is only one.
    pub id: Option<String>,
    /// What happens.
    pub fault: &'static str,
    /// Milliseconds of a delay.
    pub delay_ms: Option<u64>,
    /// Whether the object gets the call before the connection is lost.
    pub received: Option<bool>,
    /// How many calls it is still for.
    pub count: u32,
}

// Fidelity: the platform's texts, from its documentation and workerd's `jsg/util.c++`.
const LOST_TEXT: &str = "Network connection lost.";
const RESET_TEXT: &str = "Application called abort() to reset Durable Object.";

fn lost() -> Failure {
    Failure::platform(LOST_TEXT, &[RETRYABLE])
}

struct Rule {
    class: String,
    namespace: usize,
    key: Option<ActorKey>,
    fault: Fault,
    count: u32,
}

/// A call that is held back.
pub(in super::super) struct Delayed {
    due: Duration,
    outgoing: Outgoing,
    /// It is another attempt, which may meet the next fault.
    retried: bool,
}

/// The rules that wait, and the calls that are delayed.
#[derive(Default)]
pub(in super::super) struct Faults {
    rules: RefCell<Vec<Rule>>,
    delayed: RefCell<Vec<Delayed>>,
    /// Calls whose object is to lose its instance first, when no turn runs.
    evicting: RefCell<Vec<Outgoing>>,
}

impl Faults {
    /// The fault that the next call of `key` meets.
    fn take(&self, key: ActorKey) -> Option<Fault> {
        let mut rules = self.rules.borrow_mut();
        let fits = |rule: &Rule| rule.namespace == key.namespace && rule.key.is_none_or(|other| other == key);
        let index = rules.iter().position(fits)?;
        let rule = &mut rules[index];
        let fault = rule.fault;
        rule.count -= 1;
        if rule.count == 0 {
            rules.remove(index);
        }
        Some(fault)
    }

    /// Whether no fault waits: the usual case.
    pub fn is_empty(&self) -> bool {
        self.rules.borrow().is_empty()
    }

    pub(super) fn facts(&self) -> Vec<FaultFacts> {
        let rules = self.rules.borrow();
        let facts = rules.iter().map(|rule| FaultFacts {
            class: rule.class.clone(),
            id: rule.key.map(|key| key.id.to_string()),
            fault: rule.fault.name(),
            delay_ms: match rule.fault {
                Fault::Delay(delay) => u64::try_from(delay.as_millis()).ok(),
                _ => None,
            },
            received: match rule.fault {
                Fault::Disconnect { received } => Some(received),
                _ => None,
            },
            count: rule.count,
        });
        facts.collect()
    }

    pub(super) fn clear(&self) -> usize {
        std::mem::take(&mut *self.rules.borrow_mut()).len()
    }

    /// Holds `outgoing` until `due`, by the clock's `elapsed()`.
    fn delay(&self, due: Duration, outgoing: Outgoing, retried: bool) {
        let mut delayed = self.delayed.borrow_mut();
        let place = delayed.partition_point(|other| other.due <= due);
        delayed.insert(place, Delayed { due, outgoing, retried });
    }

    /// When the next delayed call goes on.
    pub fn next_due(&self) -> Option<Duration> {
        self.delayed.borrow().first().map(|delayed| delayed.due)
    }

    /// Whether a delayed call waits.
    pub fn holds_any(&self) -> bool {
        !self.delayed.borrow().is_empty() || !self.evicting.borrow().is_empty()
    }

    /// The delayed calls that go on at `now`, in order.
    pub fn take_due(&self, now: Duration) -> Vec<Delayed> {
        let mut delayed = self.delayed.borrow_mut();
        let count = delayed.partition_point(|delayed| delayed.due <= now);
        delayed.drain(..count).collect()
    }
}

impl Objects {
    /// The fault that the next call of the object in `slot` meets. Facets meet none: the platform runs them where
    /// their parent is.
    pub(in super::super) fn next_fault(&self, slot: Slot) -> Option<Fault> {
        if self.is_facet(slot) {
            return None;
        }
        self.faults.take(self.with_actor(slot, |actor| actor.key))
    }

    /// The call `outgoing` meets `fault`. May be called within a turn.
    pub(in super::super) fn suffer(&self, fault: Fault, outgoing: Outgoing) {
        let (slot, known) = (outgoing.slot, outgoing.breaks);
        let broken = self.with_actor(slot, |actor| actor.breaks != known);
        match fault {
            // A broken stub is told why, as without a fault.
            _ if broken => self.arrive(outgoing),
            Fault::Evict => self.faults.evicting.borrow_mut().push(outgoing),
            Fault::Reset => {
                let failure = Failure::asked_for(RESET_TEXT);
                // What is broken refuses its inbox, this call with it.
                if self.has_instance(slot) {
                    self.break_object(slot, failure);
                    self.arrive(outgoing);
                } else {
                    self.break_stubs(slot, failure.clone());
                    self.refuse_call(outgoing, failure);
                }
            }
            Fault::Overload => self.refuse_call(outgoing, Failure::platform(QUEUE_FULL, &[OVERLOADED])),
            Fault::Disconnect { received: false } => self.lose_call(outgoing, lost()),
            Fault::Disconnect { received: true } => self.lose_answer(outgoing, lost()),
            Fault::Delay(delay) => self.faults.delay(self.host.clock.elapsed() + delay, outgoing, false),
        }
    }

    /// The call did not reach its object: it is made again, or fails.
    fn lose_call(&self, mut outgoing: Outgoing, failure: Failure) {
        let now = self.host.clock.elapsed();
        match outgoing.attempts.fail(&failure, now) {
            Some(delay) => self.faults.delay(now + delay, outgoing, true),
            None => self.refuse_call(outgoing, failure),
        }
    }

    /// The object gets the call, and the caller no answer: it is made again as the same one, which only methods marked
    /// with `retryable()` take twice, or fails.
    fn lose_answer(&self, outgoing: Outgoing, failure: Failure) {
        let Outgoing { slot, breaks, mut attempts, event } = outgoing;
        let (delivered, reply) = event.without_reply();
        let again = delivered.again(&failure);
        self.arrive(Outgoing { slot, breaks, attempts, event: delivered });
        let now = self.host.clock.elapsed();
        match again.zip(attempts.fail(&failure, now)) {
            Some((again, delay)) => {
                let event = again.with_reply(reply);
                self.faults.delay(now + delay, Outgoing { slot, breaks, attempts, event }, true);
            }
            None => self.refuse(reply, failure),
        }
    }

    /// A call that was held back goes on.
    pub(in super::super) fn go_on(&self, delayed: Delayed) {
        if delayed.retried {
            self.tell(delayed.outgoing.slot, "retry");
            self.dispatch(delayed.outgoing);
        } else {
            self.arrive(delayed.outgoing);
        }
    }

    /// Ends the instances that calls wait to find gone, where nothing pins them, and lets the calls go on;
    /// says whether there were any.
    pub(in super::super) fn evict_on_fault(
        self: &Rc<Self>,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
    ) -> bool {
        let calls = std::mem::take(&mut *self.faults.evicting.borrow_mut());
        let any = !calls.is_empty();
        for outgoing in calls {
            let slot = outgoing.slot;
            if self.has_instance(slot) && !self.is_tree_pinned(isolate, slot) {
                self.put_to_sleep(isolate, entry, slot, "evict");
            }
            self.arrive(outgoing);
        }
        any
    }

    fn refuse_call(&self, outgoing: Outgoing, failure: Failure) {
        match outgoing.event {
            Event::Fetch { reply, .. } | Event::Call { reply, .. } => self.refuse(reply, failure),
            _ => unreachable!("stubs send requests and calls"),
        }
    }

    pub(super) fn inject(&self, rule: FaultRule) -> Result<Answer, Refusal> {
        let FaultRule { class, object, fault, count } = rule;
        let namespace = self.namespace_of(&class)?;
        let key = object.map(|object| self.resolve(&Target { class, object })).transpose()?;
        let class = self.namespaces[namespace].class.clone();
        let mut rules = self.faults.rules.borrow_mut();
        if rules.len() >= limits::FAULTS || count == 0 {
            return Err(Refusal::Invalid(format!(
                "`count` is at least 1, and at most {} faults wait",
                limits::FAULTS
            )));
        }
        rules.push(Rule { class, namespace, key: key.map(|(key, _)| key), fault, count });
        Ok(Answer::Done(true))
    }
}
