//! Decides whose turn it is, and runs turns until nothing is left to do.
//!
//! A batch goes like this: turns until the ready queue is empty, then one commit per object that wrote,
//! then everything that was held for those commits is released, which may make new turns ready; and
//! again until nothing is left. Thirty-two increments of one object that wait together are one
//! transaction.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::{Ctx, Value};
use rustc_hash::FxHashMap;

use super::sockets::Gone;
use crate::base::limits;
use crate::engine::turn::{Entered, TurnReport};
use crate::engine::{
    Completion, Host, Isolate, LogLevel, LogRecord, Origin, OwnerId, RealmId, Scope, SectionId,
};

use super::actor::{Actor, ActorKey, Namespace, Slot, Wakefulness};
use super::alarm_turns::AlarmTurns;
use super::control::{AlarmWaiters, Faults};
use super::event::{Event, ReplyTo, Target};
use super::failure::{Failure, OVERLOADED, RESET, overrun};
use super::feed::Feed;
use super::gate::ROOT;
use super::outputs::Held;
use super::requests::Requests;
use super::roster::Roster;
use super::sockets::Sockets;
use super::stores::Stores;

/// Turns events into calls of JavaScript; the surface of the platform implements it.
pub trait Entry {
    /// Calls the constructor of the object, or facet, in `slot`.
    fn construct<'js>(
        &self,
        ctx: &Ctx<'js>,
        slot: Slot,
        key: ActorKey,
        name: Option<&str>,
    ) -> rquickjs::Result<Value<'js>>;
    /// Forgets the instance in `slot`.
    fn destroy(&self, ctx: &Ctx<'_>, slot: Slot);
    /// Enters with `event`.
    fn enter<'js>(&self, ctx: &Ctx<'js>, scope: Scope, target: Target, event: Event) -> Entered<'js>;
    /// What was thrown, as a failure that can leave the isolate.
    fn failure<'js>(&self, ctx: &Ctx<'js>, thrown: &Value<'js>) -> Failure;
    /// Forgets what the facets in `slots` were to be, which ended.
    fn forget_facets(&self, ctx: &Ctx<'_>, slots: &[Slot]);
    /// Drops the callbacks of timers that ended with their owner.
    fn forget_timers(&self, ctx: &Ctx<'_>, timers: &[u32]);
    /// Drops the JavaScript objects of socket ends that are gone.
    fn forget_sockets(&self, ctx: &Ctx<'_>, sockets: &[Gone]);
    /// The error to throw inside JavaScript for `failure`.
    fn error<'js>(&self, ctx: &Ctx<'js>, failure: &Failure) -> Value<'js>;
}

/// Something that is ready to run.
#[expect(clippy::large_enum_variant, reason = "nearly all of it is events")]
pub(super) enum Work {
    /// An event for a stateless context.
    Context(Scope, Event),
    /// An object that can take a turn.
    Actor(Slot),
}

/// A limit on the time that a critical section takes.
struct Deadline {
    due: Duration,
    slot: Slot,
    owner: OwnerId,
    section: SectionId,
}

/// All contexts and objects of one isolate.
pub struct Objects {
    /// What the host operations share.
    pub host: Rc<Host>,
    /// The Workers that run here, and those that bindings name.
    pub roster: Roster,
    /// The classes of the Workers that run here; behind them those of others that bindings name.
    pub namespaces: Vec<Namespace>,
    /// The objects' data.
    pub stores: Stores,
    /// The objects' alarms.
    pub alarms: AlarmTurns,
    pub(super) alarm_ends: super::alarm_ends::AlarmEnds,
    /// The ends of WebSockets.
    pub sockets: Sockets,
    /// What fired while the time was moved.
    pub journal: super::journal::Journal,
    pub(super) actors: RefCell<Vec<Actor>>,
    pub(super) index: RefCell<FxHashMap<ActorKey, Slot>>,
    pub(super) owners: RefCell<FxHashMap<OwnerId, Slot>>,
    pub(super) ready: RefCell<VecDeque<Work>>,
    pub(super) held: RefCell<Vec<Held>>,
    /// How many of them were held when the running turn of an object began.
    pub(super) held_before_turn: Cell<usize>,
    pub(super) requests: RefCell<Requests>,
    pub(super) breaking: RefCell<Option<Failure>>,
    /// The stateless context that its code aborted in the running turn, and why.
    pub(super) aborted: RefCell<Option<(OwnerId, Failure)>>,
    pub(super) to_break: RefCell<Vec<Slot>>,
    pub(super) handing_over: super::handover::HandingOver,
    pub(super) parcels: super::parcel::Parcels,
    pub(super) warnings: super::warnings::Warnings,
    pub(super) code_update: super::code_update::CodeUpdate,
    pub(super) hangs: super::hang::Hangs,
    pub(super) farewells: super::farewell::Farewells,
    pub(super) subrequests: super::subrequests::Subrequests,
    pub(super) depths: super::depth::Depths,
    pub(super) facets: RefCell<super::facets::Facets>,
    pub(super) faults: Faults,
    pub(super) alarm_waiters: AlarmWaiters,
    pub(super) feed: RefCell<Feed>,
    /// Whether somebody asked what keeps an object awake.
    pub(super) places_asked: Cell<bool>,
    /// How long an object with hibernatable sockets may be idle.
    pub(super) hibernate_after: Cell<Duration>,
    /// How many objects have an instance.
    pub(super) awake: Cell<usize>,
    deadlines: RefCell<Vec<Deadline>>,
    /// Whether the isolate's memory is used up and stays so.
    pub worn: Cell<bool>,
    /// The newest request to the world outside that is not over.
    outside: RefCell<Box<dyn Fn() -> Option<u32>>>,
    next_owner: Cell<u64>,
}

impl Objects {
    /// An isolate's objects, all asleep.
    pub fn new(
        host: Rc<Host>,
        roster: Roster,
        namespaces: Vec<Namespace>,
        stores: Stores,
        alarms: AlarmTurns,
        handing_over: super::handover::HandingOver,
    ) -> Rc<Self> {
        Rc::new(Self {
            host,
            roster,
            namespaces,
            stores,
            alarms,
            alarm_ends: super::alarm_ends::AlarmEnds::default(),
            handing_over,
            parcels: super::parcel::Parcels::default(),
            warnings: super::warnings::Warnings::default(),
            code_update: super::code_update::CodeUpdate::default(),
            hangs: super::hang::Hangs::default(),
            farewells: super::farewell::Farewells::default(),
            subrequests: super::subrequests::Subrequests::default(),
            depths: super::depth::Depths::default(),
            facets: RefCell::default(),
            faults: Faults::default(),
            alarm_waiters: AlarmWaiters::default(),
            feed: RefCell::default(),
            places_asked: Cell::default(),
            hibernate_after: Cell::new(limits::HIBERNATE_AFTER),
            awake: Cell::default(),
            worn: Cell::default(),
            sockets: Sockets::default(),
            journal: super::journal::Journal::default(),
            outside: RefCell::new(Box::new(|| None)),
            actors: RefCell::default(),
            index: RefCell::default(),
            owners: RefCell::default(),
            ready: RefCell::default(),
            held: RefCell::default(),
            held_before_turn: Cell::default(),
            requests: RefCell::default(),
            breaking: RefCell::default(),
            aborted: RefCell::default(),
            to_break: RefCell::default(),
            deadlines: RefCell::default(),
            next_owner: Cell::new(1),
        })
    }

    /// Tells what happens to `feed` from now on.
    pub fn set_feed(&self, feed: Feed) {
        *self.feed.borrow_mut() = feed;
    }

    /// Objects with hibernatable sockets hibernate after `idle` without an event.
    pub fn set_hibernate_after(&self, idle: Duration) {
        self.hibernate_after.set(idle);
    }

    /// A new owner for a context or an instance in `realm`.
    pub(super) fn new_owner(&self, realm: RealmId) -> OwnerId {
        let owner = self.next_owner.get();
        self.next_owner.set(owner + 1);
        OwnerId::of(realm, owner)
    }

    /// Where the object in `slot` runs.
    ///
    /// # Panics
    /// When its Worker does not run: then it never wakes.
    pub(super) fn realm_of(&self, slot: Slot) -> RealmId {
        let namespace = self.with_actor(slot, |actor| actor.key.namespace);
        let realm = self.roster.realm(self.namespaces[namespace].worker);
        realm.expect("objects of Workers that do not run are never woken")
    }

    /// The classes of the Workers that run here.
    pub(super) fn own_namespaces(&self) -> &[Namespace] {
        let own = self.namespaces.iter().take_while(|own| self.roster.realm(own.worker).is_some()).count();
        &self.namespaces[..own]
    }

    /// Whether the object `key` has a place.
    pub fn knows(&self, key: &ActorKey) -> bool {
        self.index.borrow().contains_key(key)
    }

    /// The place of the object `key`, made if it has none yet.
    pub fn slot(&self, key: ActorKey, name: Option<&str>) -> Slot {
        if let Some(slot) = self.index.borrow().get(&key) {
            let mut actors = self.actors.borrow_mut();
            let actor = &mut actors[slot.0 as usize];
            if actor.name.is_none() {
                actor.name = name.map(str::to_owned);
            }
            return *slot;
        }
        let mut actors = self.actors.borrow_mut();
        let slot = Slot(u32::try_from(actors.len()).expect("fewer than 2^32 objects"));
        actors.push(Actor::new(key, name.map(str::to_owned)));
        self.index.borrow_mut().insert(key, slot);
        slot
    }

    /// The slots of all objects that were heard of, in order; facets are part of their objects.
    pub(super) fn object_slots(&self) -> Vec<Slot> {
        let mut slots: Vec<Slot> = self.index.borrow().values().copied().collect();
        slots.sort_unstable_by_key(|slot| slot.0);
        slots
    }

    /// Looks at the object in `slot`.
    pub fn with_actor<R>(&self, slot: Slot, look: impl FnOnce(&mut Actor) -> R) -> R {
        look(&mut self.actors.borrow_mut()[slot.0 as usize])
    }

    /// The object whose turn runs, if it is an object's.
    pub fn current_slot(&self) -> Option<Slot> {
        self.owners.borrow().get(&self.host.scope.get().owner).copied()
    }

    /// Starts a stateless context of the Worker in `realm` with `event`.
    pub fn deliver_to_worker(&self, realm: RealmId, event: Event) {
        let Some((depth, event)) = self.begin_chain(event) else { return };
        let owner = self.new_owner(realm);
        self.depths.set(owner, depth);
        self.requests.borrow_mut().begin(owner);
        self.ready.borrow_mut().push_back(Work::Context(Scope { owner, section: ROOT }, event));
    }

    /// Puts `event` into the inbox of the object in `slot`.
    pub fn deliver(&self, slot: Slot, section: SectionId, event: Event) {
        // What stood in the inbox before was looked at when it came, and when the gate changed last: only the new event is
        // looked at, so that a long queue before a closed gate costs nothing.
        let ready = self.with_actor(slot, |actor| {
            let ready = actor.can_begin(section, &event) && !actor.queued;
            actor.queued |= ready;
            actor.inbox.push_back((section, event));
            ready
        });
        if ready {
            self.ready.borrow_mut().push_back(Work::Actor(slot));
        }
    }

    /// Delivers a finished operation to whoever waits for it.
    pub fn complete(&self, completion: Completion) {
        if let Some(scope) = self.host.ops.scope(completion.op) {
            self.deliver_to_scope(scope, Event::Complete(completion));
        }
    }

    /// Delivers `event` to the context or object that runs in `scope`, if it still exists.
    pub(super) fn deliver_to_scope(&self, scope: Scope, event: Event) {
        let slot = self.owners.borrow().get(&scope.owner).copied();
        match slot {
            Some(slot) => self.deliver(slot, scope.section, event),
            None if self.requests.borrow().contains(scope.owner) || scope.owner.is_none() => {
                self.ready.borrow_mut().push_back(Work::Context(scope, event));
            }
            None => {}
        }
    }

    pub(super) fn enqueue(&self, slot: Slot) {
        let ready = self.with_actor(slot, |actor| {
            let ready = actor.has_work() && !actor.queued;
            actor.queued |= ready;
            ready
        });
        if ready {
            self.ready.borrow_mut().push_back(Work::Actor(slot));
        }
    }

    /// Time until something is due, counted from the clock's `elapsed()`.
    pub fn next_due(&self) -> Option<Duration> {
        let timer = self.host.timers.borrow_mut().next_due();
        let delayed = self.faults.next_due();
        let update = self.code_update.next_due(self.roster.running_count());
        [timer, self.next_limit(), self.next_hibernation(), self.next_alarm(), delayed, update]
            .into_iter()
            .flatten()
            .min()
    }

    /// When the next limit is exceeded.
    pub(super) fn next_limit(&self) -> Option<Duration> {
        let section = self.deadlines.borrow().iter().map(|d| d.due).min();
        [section, self.alarms.next_limit(), self.next_event_limit(), self.farewells.next_due()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Sets what tells the newest request to the world outside that is not over.
    pub fn set_outside(&self, newest: impl Fn() -> Option<u32> + 'static) {
        *self.outside.borrow_mut() = Box::new(newest);
    }

    /// The number of the newest thing that this world waits for and that no moving of the time brings: a
    /// request to the world outside, or an object that another world still holds. Numbers grow.
    pub fn newest_outside(&self) -> Option<u64> {
        let actors = self.actors.borrow();
        let leases = actors.iter().filter(|actor| actor.wakefulness == Wakefulness::AwaitingLease).count();
        let request = (self.outside.borrow())();
        (leases > 0 || request.is_some())
            .then(|| ((leases as u64) << 32) | u64::from(request.unwrap_or_default()))
    }

    /// Makes what is due ready.
    pub fn advance(&self) {
        let now = self.host.clock.elapsed();
        self.advance_hibernation(now);
        loop {
            let due = self.host.timers.borrow_mut().take_due(now);
            let Some((id, due, scope)) = due else { break };
            self.note_timer(id, due, scope);
            self.deliver_to_scope(scope, Event::Timer(id));
        }
        self.advance_alarms(now);
        for delayed in self.faults.take_due(now) {
            self.go_on(delayed);
        }
        self.advance_event_limits(now);
        self.advance_alarm_ends();
        self.stores.save_history(self.host.clock.machine());
        for text in self.stores.take_warnings() {
            (self.host.log)(LogRecord { origin: Origin::Worker, level: LogLevel::Warn, text });
        }
        let expired: Vec<_> = {
            let mut deadlines = self.deadlines.borrow_mut();
            let expired =
                deadlines.iter().filter(|d| d.due <= now).map(|d| (d.slot, d.owner, d.due)).collect();
            deadlines.retain(|d| d.due > now);
            expired
        };
        for (slot, owner, due) in expired {
            if self.with_actor(slot, |actor| actor.owner == owner) {
                self.note_limit(slot, due, "blockConcurrencyWhile");
                self.break_object(
                    slot,
                    Failure::platform(
                        "A call to blockConcurrencyWhile() in a Durable Object waited for too long. \
                         The call was canceled and the Durable Object was reset.",
                        &[RESET, OVERLOADED],
                    ),
                );
            }
        }
    }

    /// Limits the time that `section` of the object in `slot` may take.
    pub(super) fn limit_section(&self, slot: Slot, owner: OwnerId, section: SectionId) {
        let due = self.host.clock.elapsed() + limits::BLOCK_CONCURRENCY_WHILE;
        self.deadlines.borrow_mut().push(Deadline { due, slot, owner, section });
    }

    pub(super) fn unlimit_section(&self, slot: Slot, section: SectionId) {
        self.deadlines.borrow_mut().retain(|d| d.slot != slot || d.section != section);
    }

    /// Runs turns, commits and releases until nothing is left to do.
    pub fn run(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) {
        self.host.places.want(self.places_asked.get() || self.feed.borrow().wants_places());
        // Limits may have been exceeded while nothing ran.
        self.break_pending(isolate, entry);
        let (mut turns, end) = (0, self.host.clock.machine() + limits::BATCH_TIME);
        let is_over = |turns| turns >= limits::BATCH_TURNS || turns > 0 && self.host.clock.machine() >= end;
        loop {
            loop {
                if is_over(turns) {
                    break;
                }
                turns += 1;
                let work = self.ready.borrow_mut().pop_front();
                match work {
                    Some(Work::Context(scope, event)) => {
                        let report =
                            isolate.turn(scope, |ctx| entry.enter(ctx, scope, Target::Worker, event));
                        self.after_turn(isolate, entry, scope, report);
                        self.note_ran(scope.owner);
                    }
                    Some(Work::Actor(slot)) => self.run_actor(isolate, entry, slot),
                    None => break,
                }
            }
            let released = self.release(isolate, entry) | self.drop_exports();
            if is_over(turns) && self.has_work() {
                // Objects that keep each other busy, or timers in plenty, would let nothing else in.
                return;
            }
            if !released && !isolate.sweep() && self.ready.borrow().is_empty() {
                self.hibernate_idle(isolate, entry);
                self.hand_over_what_is_left(isolate, entry);
                self.obey_demands();
                // An instance that ended may have had ends of sockets whose other ends are told.
                if !self.ready.borrow().is_empty() {
                    continue;
                }
                self.forget_sockets(isolate, entry);
                self.forget_facets(isolate, entry);
                return self.forget_timers(isolate, entry);
            }
        }
    }

    fn run_actor(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>, slot: Slot) {
        self.held_before_turn.set(self.held.borrow().len());
        self.with_actor(slot, |actor| actor.queued = false);
        let wakefulness = self.with_actor(slot, |actor| actor.wakefulness.clone());
        match wakefulness {
            // A reset may have emptied the inbox since the object was queued.
            Wakefulness::Asleep if self.with_actor(slot, |actor| actor.inbox.is_empty()) => {}
            Wakefulness::Asleep => {
                if !self.acquire_lease(slot) {
                    self.with_actor(slot, |actor| actor.wakefulness = Wakefulness::AwaitingLease);
                } else if !self.change_asleep(slot) {
                    self.wake(isolate, entry, slot);
                }
            }
            Wakefulness::Starting | Wakefulness::AwaitingLease | Wakefulness::Constructing => {}
            Wakefulness::Awake => {
                self.settle_alarm_end(slot);
                if !self.run_section(isolate, entry, slot) {
                    let next = self.with_actor(slot, |actor| Some((actor.owner, actor.take_admitted()?)));
                    if let Some((owner, (section, event))) = next {
                        let scope = Scope { owner, section };
                        self.stores.begin_event(slot, &event);
                        self.deepen(owner, &event);
                        if event.is_incoming() {
                            self.subrequests.forget(owner);
                        }
                        let report =
                            isolate.turn(scope, |ctx| entry.enter(ctx, scope, Target::Object(slot), event));
                        self.after_turn(isolate, entry, scope, report);
                    }
                }
            }
        }
        self.break_pending(isolate, entry);
        if self.with_actor(slot, |actor| actor.wakefulness != Wakefulness::Asleep) {
            self.note_activity(slot);
        }
        self.enqueue(slot);
        self.hand_over_if_wanted(isolate, entry, slot);
    }

    fn wake(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>, slot: Slot) {
        let owner = self.new_owner(self.realm_of(slot));
        let now = self.host.clock.now();
        self.owners.borrow_mut().insert(owner, slot);
        // Its constructor belongs to what wakes it.
        self.with_actor(slot, |actor| actor.inbox.front().map(|(_, event)| self.deepen(owner, event)));
        let (key, name) = self.with_actor(slot, |actor| {
            actor.owner = owner;
            actor.woke_at = Some(now);
            actor.wakefulness = Wakefulness::Constructing;
            (actor.key, actor.name.clone())
        });
        let facet = self.facets.borrow().number(slot);
        if facet == 0 {
            self.adopt_sockets(&self.lease_key(slot));
        }
        match self.stores.open(slot, &self.namespaces[key.namespace], key.id, facet, name.as_deref()) {
            Ok(false) => {}
            // The alarm may be another one now.
            Ok(true) => self.alarms.note_change(slot),
            Err(error) => {
                let text = format!("the state that was to be restored could not be: {error}");
                let origin = self.origin_of(slot);
                (self.host.log)(LogRecord { origin, level: LogLevel::Error, text });
            }
        }
        self.awake.set(self.awake.get() + 1);
        self.tell(slot, "wake");
        isolate.roots().doing("its constructor");
        let scope = Scope { owner, section: ROOT };
        let (objects, constructor) = (self.clone(), entry.clone());
        let report = isolate.turn(scope, |ctx| {
            let result = entry.construct(ctx, slot, key, name.as_deref());
            Entered::Root(
                result,
                Box::new(move |ctx, result| match result {
                    Ok(_) => {
                        objects.with_actor(slot, |actor| actor.wakefulness = Wakefulness::Awake);
                    }
                    Err(thrown) => {
                        let failure = constructor.failure(ctx, &thrown);
                        objects.break_object(slot, failure);
                    }
                }),
            )
        });
        self.after_turn(isolate, entry, scope, report);
    }

    /// What must be done after every turn: reset objects that broke, report what nobody handled.
    pub(super) fn after_turn(
        self: &Rc<Self>,
        isolate: &Isolate,
        entry: &Rc<dyn Entry>,
        scope: Scope,
        report: TurnReport,
    ) {
        let slot = self.owners.borrow().get(&scope.owner).copied();
        for exception in &report.uncaught {
            self.report(scope.owner, exception);
        }
        if report.more_uncaught > 0 {
            let text = format!("{} more rejections and exceptions were not handled", report.more_uncaught);
            let origin = self.origin(scope.owner);
            (self.host.log)(LogRecord { origin, level: LogLevel::Uncaught, text });
        }
        if report.memory_refused {
            isolate.collect_garbage();
            if isolate.heap().is_nearly_full() {
                self.worn.set(true);
            }
        }
        self.warn_of_memory(isolate, scope.owner);
        if let Some(limit) = report.cpu_near {
            self.warn_of_cpu(scope.owner, limit);
        }
        if report.cpu_exceeded || report.memory_exceeded {
            let failure = overrun(slot.is_some(), report.cpu_exceeded);
            match slot {
                Some(slot) => self.break_object(slot, failure),
                None => drop(self.fail_roots(isolate, entry, scope.owner, failure)),
            }
        }
        self.end_aborted(isolate, entry);
        self.break_pending(isolate, entry);
    }

    /// Adds a task to the context or object that runs in `scope`.
    pub fn begin_task(&self, owner: OwnerId) {
        if !self.owners.borrow().contains_key(&owner) {
            self.requests.borrow_mut().begin(owner);
        }
    }

    /// Whether something is ready to run.
    pub fn has_work(&self) -> bool {
        !self.ready.borrow().is_empty()
    }

    /// Whether no context is active and no object has anything to do.
    pub fn is_idle(&self) -> bool {
        self.requests.borrow().len() == 0
            && !self.alarms.any_runs()
            && self.ready.borrow().is_empty()
            && self.held.borrow().is_empty()
            && !self.faults.holds_any()
            && self.actors.borrow().iter().all(|actor| actor.inbox.is_empty())
    }

    /// Answers `reply` with `failure` on behalf of the platform, at once.
    pub(super) fn refuse(&self, reply: ReplyTo, failure: Failure) {
        self.answer(reply, super::event::Reply::Failed(failure));
    }
}
