//! What is known about the objects of one world at this moment.

use serde::Serialize;

use crate::base::limits;
use crate::engine::socket::SocketId;
use crate::engine::{Isolate, OwnerId};

use super::super::actor::{Actor, ActorKey, Slot, Wakefulness};
use super::super::scheduler::Objects;
use super::work::Work;
use super::{Answer, Refusal};

/// What lives in one world.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// The classes.
    pub namespaces: Vec<NamespaceFacts>,
    /// Heap of the isolate that all of them share, bytes.
    pub memory_bytes: u64,
    /// Its limit.
    pub memory_limit_bytes: usize,
    /// Requests and scheduled runs of the Worker that have not ended.
    pub contexts: usize,
    /// Open WebSockets.
    pub sockets: usize,
    /// What it has done so far.
    pub work: Work,
}

/// One class.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceFacts {
    /// Name of the class.
    pub class: String,
    /// `<script>-<Class>`: the name of its directory.
    pub key: String,
    /// Whether it offers SQL.
    pub sqlite: bool,
    /// How many objects this world has heard of.
    pub known: usize,
    /// How many have an instance.
    pub awake: usize,
}

/// One object.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectFacts {
    /// Name of its class.
    pub class: String,
    /// `<script>-<Class>`.
    pub namespace: String,
    /// 64 hexadecimal digits.
    pub id: String,
    /// Its name, where known.
    pub name: Option<String>,
    /// `asleep`, `waiting` (an older world still has it), `constructing` or `awake`.
    pub state: &'static str,
    /// When its instance was made, milliseconds since the epoch.
    pub awake_since: Option<i64>,
    /// Events that wait for it.
    pub pending_events: usize,
    /// How often it was reset since the world began.
    pub resets: u32,
    /// Why it was reset last.
    pub last_reset: Option<String>,
    /// What keeps it awake.
    pub pins: Vec<Pin>,
    /// Its alarm.
    pub alarm: Option<AlarmFacts>,
    /// Its hibernatable WebSockets, the oldest first.
    pub sockets: Vec<SocketFacts>,
    /// Its facets that were called since it woke, each before those below it.
    pub facets: Vec<FacetFacts>,
    /// Whether it has a file.
    pub stored: bool,
}

/// A facet of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FacetFacts {
    /// Its name, after those of the facets that it is in.
    pub path: Vec<String>,
    /// Name of its class, where known.
    pub class: Option<String>,
    /// As of the object; `starting` while its parent has not said its class.
    pub state: &'static str,
    /// Events that wait for it.
    pub pending_events: usize,
}

/// One thing that keeps an object awake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// `event`, `constructor`, `section`, `handler`, `waitUntil`, `operation`, `timer`, `socket`, `writes`,
    /// `alarm` or `output`.
    pub kind: &'static str,
    /// What it is, for a reader.
    pub what: String,
    /// Where the program began it, `file:line:column`, where known.
    pub at: Option<String>,
    /// When a timer is due, milliseconds from now.
    pub due_in_ms: Option<u64>,
}

impl Pin {
    fn new(kind: &'static str, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), at: None, due_in_ms: None }
    }

    /// Whether somebody waits for it: it is more than a thing that the object would do later.
    pub(super) fn is_work(&self) -> bool {
        !matches!(self.kind, "timer" | "waitUntil" | "operation")
    }
}

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmFacts {
    /// The time it was set for, milliseconds since the epoch.
    pub scheduled: i64,
    /// When it is delivered: later than that for a retry.
    pub due: i64,
    /// Retries that were counted.
    pub retry_count: u32,
    /// Whether its handler runs.
    pub running: bool,
}

/// A hibernatable WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketFacts {
    /// Its number in this world.
    pub id: u32,
    /// Its tags.
    pub tags: Vec<String>,
    /// As the program sees it.
    pub ready_state: u8,
    /// What is attached, serialized.
    #[serde(skip)]
    pub attachment: Option<Vec<u8>>,
    /// When it last answered by itself, milliseconds since the epoch.
    pub answered_at: Option<i64>,
}

fn state_of(actor: &Actor) -> &'static str {
    match actor.wakefulness {
        Wakefulness::Asleep => "asleep",
        Wakefulness::Starting => "starting",
        Wakefulness::AwaitingLease => "waiting",
        Wakefulness::Constructing => "constructing",
        Wakefulness::Awake => "awake",
    }
}

impl Objects {
    pub(super) fn overview(&self, isolate: &Isolate) -> Overview {
        let actors = self.actors.borrow();
        let slots = self.object_slots();
        let of = |index: usize| {
            let objects = slots.iter().map(|slot| &actors[slot.0 as usize]);
            objects.filter(move |actor| actor.key.namespace == index)
        };
        let namespaces = self.own_namespaces().iter().enumerate().map(|(index, namespace)| NamespaceFacts {
            class: namespace.class.clone(),
            key: namespace.key.as_str().to_owned(),
            sqlite: namespace.sqlite,
            known: of(index).count(),
            awake: of(index).filter(|actor| actor.wakefulness == Wakefulness::Awake).count(),
        });
        Overview {
            namespaces: namespaces.collect(),
            memory_bytes: isolate.memory_bytes(),
            memory_limit_bytes: limits::ISOLATE_MEMORY_BYTES * isolate.realms().count(),
            contexts: self.requests.borrow().len(),
            sockets: self.sockets.count_of_clients(),
            work: self.work(isolate),
        }
    }

    pub(super) fn known_objects(
        &self,
        isolate: &Isolate,
        class: Option<&str>,
        asleep: bool,
    ) -> Result<Answer, Refusal> {
        let namespace = class.map(|class| self.namespace_of(class)).transpose()?;
        let mut slots = self.object_slots();
        slots.retain(|slot| {
            self.with_actor(*slot, |actor| {
                namespace.is_none_or(|namespace| actor.key.namespace == namespace)
                    && (asleep || actor.wakefulness != Wakefulness::Asleep || !actor.inbox.is_empty())
            })
        });
        Ok(Answer::Objects(slots.into_iter().map(|slot| self.facts_of(isolate, slot)).collect()))
    }

    pub(super) fn object_facts(
        &self,
        isolate: &Isolate,
        key: ActorKey,
        name: Option<String>,
    ) -> Result<Answer, Refusal> {
        let known = self.index.borrow().get(&key).copied();
        let facts = match known {
            Some(slot) => self.facts_of(isolate, slot),
            None => self.sleeping_facts(key, name),
        };
        Ok(Answer::Object(Box::new(facts)))
    }

    fn sleeping_facts(&self, key: ActorKey, name: Option<String>) -> ObjectFacts {
        let namespace = &self.namespaces[key.namespace];
        ObjectFacts {
            class: namespace.class.clone(),
            namespace: namespace.key.as_str().to_owned(),
            id: key.id.to_string(),
            name,
            state: "asleep",
            awake_since: None,
            pending_events: 0,
            resets: 0,
            last_reset: None,
            pins: Vec::new(),
            alarm: self.alarm_facts(key),
            sockets: Vec::new(),
            facets: Vec::new(),
            stored: self.stores.is_stored(namespace, key.id),
        }
    }

    fn facts_of(&self, isolate: &Isolate, slot: Slot) -> ObjectFacts {
        let (key, name) = self.with_actor(slot, |actor| (actor.key, actor.name.clone()));
        let mut facts = self.sleeping_facts(key, name);
        self.with_actor(slot, |actor| {
            facts.state = state_of(actor);
            let has_instance = matches!(facts.state, "constructing" | "awake");
            facts.awake_since = actor.woke_at.filter(|_| has_instance).map(|at| at.0);
            facts.pending_events = actor.inbox.len();
            facts.resets = actor.breaks;
            facts.last_reset = actor.last_break.as_ref().map(|failure| failure.exception.message.clone());
        });
        // Who asks once will ask again.
        self.places_asked.set(true);
        facts.pins = self.pins(isolate, slot);
        facts.sockets = self.socket_facts(slot);
        facts.facets = self.facet_facts(slot);
        facts
    }

    fn facet_facts(&self, slot: Slot) -> Vec<FacetFacts> {
        let facets = self.facets.borrow();
        let described = facets.below(slot).into_iter().rev().filter_map(|slot| {
            let (class, path) = facets.described(slot)?;
            let class = Some(class).filter(|class| !class.is_empty());
            Some(self.with_actor(slot, |actor| FacetFacts {
                path,
                class,
                state: state_of(actor),
                pending_events: actor.inbox.len(),
            }))
        });
        described.collect()
    }

    fn socket_facts(&self, slot: Slot) -> Vec<SocketFacts> {
        let mut ids: Vec<SocketId> = self.sockets.of_object(slot, None);
        ids.reverse();
        let facts = ids.into_iter().map(|id| SocketFacts {
            id: id.0,
            tags: self.sockets.tags(id).unwrap_or_default(),
            ready_state: self.sockets.ready_state(id),
            attachment: self.sockets.attachment(id),
            answered_at: self.sockets.answered_at(id),
        });
        facts.collect()
    }

    /// Whether anything keeps the object in `slot` awake; cheaper than naming it.
    pub(in super::super) fn is_pinned(&self, isolate: &Isolate, slot: Slot) -> bool {
        let Some(scope) = self.with_actor(slot, |actor| actor.idle_scope()) else { return true };
        let owner = scope.owner;
        self.alarms.runs(slot)
            || isolate.roots().any_of(owner)
            || self.host.ops.any_of(owner)
            || self.host.timers.borrow().any_of(owner)
            || self.stores.is_dirty(slot)
            || self.holds_of(slot)
            || self.listens_to_sockets(scope)
    }

    /// What keeps the object in `slot` and its facets awake; nothing if all sleep.
    pub(in super::super) fn pins(&self, isolate: &Isolate, slot: Slot) -> Vec<Pin> {
        let mut pins = self.own_pins(isolate, slot);
        let below = self.facets.borrow().below(slot);
        for facet in below.into_iter().rev() {
            let name =
                self.facets.borrow().described(facet).map(|(_, path)| path.join("/")).unwrap_or_default();
            let own = self.own_pins(isolate, facet).into_iter();
            pins.extend(own.map(|pin| Pin { what: format!("facet {name}: {}", pin.what), ..pin }));
        }
        pins
    }

    fn own_pins(&self, isolate: &Isolate, slot: Slot) -> Vec<Pin> {
        let mut pins = Vec::new();
        let owner = self.with_actor(slot, |actor| {
            if actor.wakefulness == Wakefulness::Starting {
                pins.push(Pin::new("constructor", "the callback of ctx.facets.get() has not settled"));
            }
            let without = [Wakefulness::Asleep, Wakefulness::Starting, Wakefulness::AwaitingLease];
            if without.contains(&actor.wakefulness) {
                return OwnerId::NONE;
            }
            if actor.wakefulness == Wakefulness::Constructing {
                pins.push(Pin::new("constructor", "its constructor has not ended"));
            }
            pins.extend(
                actor.inbox.iter().map(|(_, event)| Pin::new("event", format!("{} waits", event.name()))),
            );
            let sections = actor.critical.len() + actor.handovers.len();
            pins.extend((0..sections).map(|_| Pin::new("section", "blockConcurrencyWhile() runs")));
            actor.owner
        });
        if owner == OwnerId::NONE {
            return pins;
        }
        for what in isolate.roots().of(owner) {
            let kind = if what == "waitUntil()" { "waitUntil" } else { "handler" };
            pins.push(Pin::new(kind, format!("{what} has not settled")));
        }
        for (what, at) in self.host.ops.of(owner) {
            let at = at.map(String::from);
            pins.push(Pin { at, ..Pin::new("operation", format!("it waits for {what}")) });
        }
        let now = self.host.clock.elapsed();
        let timers = self.host.timers.borrow();
        for (id, due) in timers.of(owner) {
            let at = timers.place(id).map(str::to_owned);
            let due_in_ms = u64::try_from(due.saturating_sub(now).as_millis()).ok();
            pins.push(Pin { due_in_ms, at, ..Pin::new("timer", "a timer is set") });
        }
        if self.alarms.runs(slot) {
            pins.push(Pin::new("alarm", "its alarm is due or runs"));
        }
        if self.stores.is_dirty(slot) {
            pins.push(Pin::new("writes", "a transaction is open"));
        }
        if self.holds_of(slot) {
            pins.push(Pin::new("output", "what it said waits for its commit"));
        }
        let scope = crate::engine::Scope { owner, section: super::super::gate::ROOT };
        if self.listens_to_sockets(scope) {
            let what =
                "a WebSocket that it accepted with accept(): one of ctx.acceptWebSocket() would let it sleep";
            pins.push(Pin::new("socket", what));
        }
        pins
    }
}
