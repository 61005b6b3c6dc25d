//! One object and its state of wakefulness.

use std::collections::VecDeque;

use rquickjs::{Function, Persistent, Value};

use crate::base::clock::Timestamp;
use crate::base::ids::{NamespaceKey, ObjectId};
use crate::base::jurisdiction::Jurisdiction;
use crate::engine::{OpId, OwnerId, Scope, SectionId};
use crate::storage::FormerIds;

use super::arrivals::Arrivals;
use super::event::Event;
use super::failure::Failure;
use super::gate::{Gate, ROOT};
use super::roster::WorkerNumber;

/// A Durable Object class as this Worker declares it.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// The Worker that has the class.
    pub worker: WorkerNumber,
    /// Derives ids and names the state directory.
    pub key: NamespaceKey,
    /// Name of the class, as exported.
    pub class: String,
    /// Whether storage offers SQL and the synchronous KV API.
    pub sqlite: bool,
    /// Ids that its objects had before the class moved here.
    pub former: FormerIds,
}

impl Namespace {
    /// The id of the object called `name` in `jurisdiction`, or outside all of them.
    pub fn named(&self, jurisdiction: Option<Jurisdiction>, name: &str) -> ObjectId {
        // Most namespaces never moved and pay nothing.
        let moved = if self.former.is_empty() { None } else { self.former.named(jurisdiction, name) };
        moved.unwrap_or_else(|| self.key.named(jurisdiction, name))
    }

    /// The present id of the object that `id` names; `None` if the namespace never made it.
    pub fn present_id(&self, id: ObjectId) -> Option<ObjectId> {
        if self.key.owns(&id) { Some(id) } else { self.former.present(&self.key, &id) }
    }
}

/// Which object of which namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ActorKey {
    /// Index into the world's namespaces.
    pub namespace: usize,
    /// The object.
    pub id: ObjectId,
}

/// The place of an object in the tables of one isolate, in Rust and in JavaScript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot(pub u32);

/// How awake an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wakefulness {
    /// No instance exists.
    Asleep,
    /// A facet whose parent has not said yet which class it is.
    Starting,
    /// Another world still holds the object; it will hand it over.
    AwaitingLease,
    /// The constructor runs, or its turn has not ended yet.
    Constructing,
    /// An instance exists.
    Awake,
}

/// A callback of `blockConcurrencyWhile` that waits for its turn or runs.
pub struct Critical {
    /// Its section.
    pub section: SectionId,
    /// What to call; taken when it is called.
    pub callback: Option<Persistent<Function<'static>>>,
    /// The promise that the caller of `blockConcurrencyWhile` holds.
    pub op: OpId,
}

/// The result of a critical section, to be delivered before anything else.
pub struct Handover {
    /// The section that was the parent.
    pub section: SectionId,
    /// The promise to resolve.
    pub op: OpId,
    /// With what.
    pub value: Persistent<Value<'static>>,
}

/// An object: identity, gate, and what waits for it.
pub struct Actor {
    /// Identity.
    pub key: ActorKey,
    /// The name it was addressed by, where known.
    pub name: Option<String>,
    /// Owner of the current instance's turns.
    pub owner: OwnerId,
    /// How awake it is.
    pub wakefulness: Wakefulness,
    /// Which events may enter.
    pub gate: Gate,
    /// Events in order of arrival.
    pub inbox: VecDeque<(SectionId, Event)>,
    /// Critical sections that wait or run.
    pub critical: Vec<Critical>,
    /// Results of critical sections to deliver first.
    pub handovers: VecDeque<Handover>,
    /// Set when the instance must go, with what its callers are told.
    pub broken: Option<Failure>,
    /// How often an instance broke: stubs made before a break stay broken.
    pub breaks: u32,
    /// Why the last instance broke.
    pub last_break: Option<Failure>,
    /// Whether the object stands in the ready queue.
    pub queued: bool,
    /// Whether the instance is told before it goes.
    pub bids_farewell: bool,
    /// Whether it was told, and new events wait for the next instance.
    pub leaving: bool,
    /// What came from the newest turn that called it.
    pub arrivals: Arrivals,
    /// When the current instance was made, or the last one if there is none.
    pub woke_at: Option<Timestamp>,
}

impl Actor {
    /// An object without an instance.
    pub fn new(key: ActorKey, name: Option<String>) -> Self {
        Self {
            key,
            name,
            owner: OwnerId::NONE,
            wakefulness: Wakefulness::Asleep,
            gate: Gate::default(),
            inbox: VecDeque::new(),
            critical: Vec::new(),
            handovers: VecDeque::new(),
            broken: None,
            breaks: 0,
            last_break: None,
            queued: false,
            bids_farewell: false,
            leaving: false,
            arrivals: Arrivals::default(),
            woke_at: None,
        }
    }

    /// Takes the first event that the gate admits.
    pub fn take_admitted(&mut self) -> Option<(SectionId, Event)> {
        let (gate, leaving) = (&self.gate, self.leaving);
        let enters = |(section, event): &(SectionId, Event)| {
            gate.admits(*section) && !(leaving && event.is_incoming())
        };
        let index = self.inbox.iter().position(enters)?;
        let event = self.inbox.remove(index);
        // Whatever else that turn sends comes behind those that are left.
        self.arrivals = Arrivals::default();
        if self.inbox.is_empty() {
            // Thousands of objects are awake with nothing to do.
            self.inbox = VecDeque::new();
        }
        event
    }

    /// The scope of the instance, if there is one and no event waits for it.
    pub fn idle_scope(&self) -> Option<Scope> {
        let idle = self.inbox.is_empty() && self.critical.is_empty() && self.handovers.is_empty();
        let awake = self.wakefulness == Wakefulness::Awake && self.broken.is_none();
        (idle && awake).then_some(Scope { owner: self.owner, section: ROOT })
    }

    /// Whether a turn could be run now.
    pub fn has_work(&self) -> bool {
        self.has_own_work() || self.inbox.iter().any(|(section, event)| self.lets_in(*section, event))
    }

    /// Whether a turn could be run if `event` of `section` were the only one.
    pub fn can_begin(&self, section: SectionId, event: &Event) -> bool {
        self.has_own_work() || self.lets_in(section, event)
    }

    /// Whether a turn could be run without any event: a section begins, or one is over.
    pub fn has_own_work(&self) -> bool {
        let next = self.wakefulness == Wakefulness::Awake && self.gate.has_next();
        next || self.broken.is_some() || !self.handovers.is_empty()
    }

    fn lets_in(&self, section: SectionId, event: &Event) -> bool {
        match self.wakefulness {
            Wakefulness::Starting | Wakefulness::AwaitingLease | Wakefulness::Constructing => false,
            Wakefulness::Asleep => true,
            Wakefulness::Awake => self.gate.admits(section) && !(self.leaving && event.is_incoming()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes the next event, which must be one that `section`, the innermost that runs, lets in; notes its number.
    fn take(
        actor: &mut Actor,
        section: SectionId,
        entered: &mut Vec<(SectionId, u32)>,
    ) -> Result<bool, TestCaseError> {
        let Some((of, Event::Timer(number))) = actor.take_admitted() else { return Ok(false) };
        prop_assert!(section == ROOT || of != ROOT, "{number} came from outside into a section");
        entered.push((of, number));
        Ok(true)
    }

    proptest! {
        /// Random arrivals while sections wait, run and end: every event enters once, none past its gate, those of one section
        /// in their order.
        #[test]
        fn events_enter_once_in_order_and_through_the_gate(choices in prop::collection::vec(0u8..8, 1..200)) {
            let mut actor = Actor::new(ActorKey { namespace: 0, id: ObjectId([0; 32]) }, None);
            let (mut running, mut number, mut entered) = (vec![ROOT], 0, Vec::new());
            for choice in choices {
                let top = running.last().copied().unwrap_or(ROOT);
                match choice {
                    0..=2 => {
                        number += 1;
                        actor.inbox.push_back((if choice == 0 { top } else { ROOT }, Event::Timer(number)));
                    }
                    3 => {
                        // What waits to begin goes before events, too.
                        let waits = actor.gate.start(top).is_ok();
                        prop_assert!(!waits || actor.take_admitted().is_none());
                        running.extend(actor.gate.next_section());
                    }
                    4 if running.len() > 1 => drop(running.pop().map(|done| actor.gate.finish(done))),
                    _ => drop(take(&mut actor, top, &mut entered)?),
                }
            }
            while running.len() > 1 {
                running.pop().map(|done| actor.gate.finish(done));
            }
            while take(&mut actor, ROOT, &mut entered)? {}
            let mut orders: Vec<(SectionId, u32)> = entered.clone();
            orders.sort_by_key(|(section, _)| section.0);
            prop_assert!(orders.is_sorted_by_key(|(section, number)| (section.0, *number)), "{entered:?}");
            let mut all: Vec<u32> = entered.iter().map(|(_, number)| *number).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (1..=number).collect::<Vec<_>>());
        }
    }
}
