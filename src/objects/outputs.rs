//! The output gate: what objects say is held until what they wrote is committed.

use std::rc::Rc;

use rquickjs::{Ctx, Promise};

use crate::engine::http::Upgrade;
use crate::engine::socket::{Frame, SocketId};
use crate::engine::{Isolate, SectionId};

use super::actor::Slot;
use super::arrivals::Caller;
use super::call_retry::Attempts;
use super::event::{Event, Reply, ReplyTo};
use super::failure::{Failure, OVERLOADED, QUEUE_FULL};
use super::gate::ROOT;
use super::invoke::Callee;
use super::roster::answer_for_missing;
use super::scheduler::{Entry, Objects};

/// Something that an object told the world, waiting for its commit.
pub(super) struct Held {
    from: Slot,
    /// Whether nothing that the object wrote before waits for a commit, so that it counts whatever the object does later.
    is_free: bool,
    /// The number of the turn that said it.
    turn: u64,
    output: Output,
}

pub(super) enum Output {
    Answer(ReplyTo, Reply),
    /// The answer to a fetch, which the section that gave it belongs to.
    Response(SectionId, ReplyTo, Reply),
    Call(Outgoing),
    Invoke(Callee, Event),
    Frame(SocketId, Frame),
    /// The end of a socket whose last messages stand before it.
    End(SocketId),
    Outside(Box<dyn FnOnce()>),
}

/// An event for another object.
pub struct Outgoing {
    /// Whom it is for.
    pub slot: Slot,
    /// The number of breaks the stub has seen; it stays broken when the object broke since.
    pub breaks: u32,
    /// How often it was made already.
    pub attempts: Attempts,
    /// The event, a `Fetch` or a `Call`.
    pub event: Event,
}

impl Objects {
    /// Answers `to`: at once for a stateless context, after the commit for an object.
    pub fn reply(&self, to: ReplyTo, reply: Reply) {
        match self.current_slot() {
            Some(from) => self.hold(from, Output::Answer(to, reply)),
            None => self.answer(to, reply),
        }
    }

    /// The same for a fetch.
    pub fn reply_to_fetch(&self, to: ReplyTo, reply: Reply) {
        match self.current_slot() {
            Some(from) => self.hold(from, Output::Response(self.host.scope.get().section, to, reply)),
            None => self.answer(to, reply),
        }
    }

    /// Whether the object in `slot` wrote what is not committed.
    pub fn is_dirty(&self, slot: Slot) -> bool {
        self.stores.is_dirty(slot)
    }

    /// A promise that is resolved when what the object in `slot` has written so far is committed.
    pub fn after_commit<'js>(&self, ctx: &Ctx<'js>, slot: Slot) -> rquickjs::Result<Promise<'js>> {
        let (op, promise) = self.host.ops.start_named(ctx, self.host.scope.get(), "a commit")?;
        self.hold(slot, Output::Answer(ReplyTo::Op(op), Reply::Done));
        Ok(promise)
    }

    /// Holds a WebSocket message of the object in `from` until its commit.
    pub(super) fn hold_frame(&self, from: Slot, id: SocketId, frame: Frame) {
        self.hold(from, Output::Frame(id, frame));
    }

    /// Lets the end `id` go after its messages that wait for a commit; says whether there are any.
    pub(super) fn hold_end(&self, id: SocketId) -> bool {
        let of_end = |held: &Held| match &held.output {
            Output::Frame(of, _) if *of == id => Some(held.from),
            _ => None,
        };
        let from = self.held.borrow().iter().find_map(of_end);
        if let Some(from) = from {
            self.hold(from, Output::End(id));
        }
        from.is_some()
    }

    /// The running turn of the object in `slot` ends the object: WebSocket messages of this turn do not leave.
    ///
    /// Fidelity: observed with wrangler 4.164.0, in accepted and in hibernating sockets: messages leave when the turn is over,
    /// and the connection is gone by then.
    pub fn drop_frames_of_turn(&self, slot: Slot) {
        let mut number = 0;
        self.held.borrow_mut().retain(|held| {
            number += 1;
            number <= self.held_before_turn.get()
                || held.from != slot
                || !matches!(held.output, Output::Frame(..))
        });
    }

    /// Bytes of messages of the end `id` that wait for a commit.
    pub(super) fn held_bytes(&self, id: SocketId) -> usize {
        let held = self.held.borrow();
        let sizes = held.iter().map(|held| match &held.output {
            Output::Frame(of, frame) if *of == id => frame.message_bytes(),
            _ => 0,
        });
        sizes.sum()
    }

    /// Whether the object in `slot` said something that waits for its commit.
    pub(super) fn holds_of(&self, slot: Slot) -> bool {
        self.held.borrow().iter().any(|held| held.from == slot)
    }

    /// Sends an event to an object: at once from a stateless context, after the commit from an object.
    pub fn send(&self, outgoing: Outgoing) {
        match self.current_slot() {
            Some(from) => self.hold(from, Output::Call(outgoing)),
            None => self.dispatch_in_order(outgoing, Caller::Context, self.host.turns.get()),
        }
    }

    /// Lets a request to the world outside go: at once from a stateless context, after the commit from an object.
    pub fn send_outside(&self, send: Box<dyn FnOnce()>) {
        match self.current_slot() {
            Some(from) => self.hold(from, Output::Outside(send)),
            None => send(),
        }
    }

    /// Answers `to` at once.
    pub fn answer(&self, to: ReplyTo, reply: Reply) {
        match to {
            ReplyTo::Edge(send) => match reply {
                Reply::Response(mut response) => {
                    if let Some(Upgrade::Returned(id)) = response.web_socket {
                        response.web_socket = Some(Upgrade::Coupled(self.couple(id)));
                    }
                    send(Ok(response));
                }
                Reply::Failed(failure) => send(Err(failure.into())),
                Reply::Value(_) | Reply::Done | Reply::Told(_) => {
                    let message = "the edge asks for responses only";
                    send(Err(Failure::platform(message, &[]).into()));
                }
            },
            ReplyTo::Control(asker) => self.answer_control(asker, reply),
            ReplyTo::Op(op) => {
                if let Some(scope) = self.host.ops.scope(op) {
                    if let Reply::Response(response) = &reply
                        && let Some(Upgrade::Returned(id)) = response.web_socket
                    {
                        self.send_socket_to(id, scope.owner);
                    }
                    self.deliver_to_scope(scope, Event::Answer { op, reply });
                } else {
                    self.lose_socket_of(&reply);
                }
            }
        }
    }

    /// Holds what the object in `from` tells the world until its commit.
    pub(super) fn hold(&self, from: Slot, output: Output) {
        let is_free = !self.stores.is_dirty(from) && self.with_actor(from, |actor| actor.broken.is_none());
        self.held.borrow_mut().push(Held { from, is_free, turn: self.host.turns.get(), output });
    }

    /// Nobody receives `reply`: the WebSocket in it has no client.
    pub(super) fn lose_socket_of(&self, reply: &Reply) {
        if let Reply::Response(response) = reply
            && let Some(Upgrade::Returned(id)) = response.web_socket
        {
            self.lose_returned(id);
        }
    }

    pub(super) fn dispatch(&self, outgoing: Outgoing) {
        let namespace = self.with_actor(outgoing.slot, |actor| actor.key.namespace);
        let worker = self.namespaces[namespace].worker;
        if self.roster.realm(worker).is_none() {
            let answer = answer_for_missing(self.roster.name(worker), &outgoing.event);
            if let Event::Fetch { reply, .. } | Event::Call { reply, .. } = outgoing.event {
                self.answer(reply, answer);
            }
            return;
        }
        if self.faults.is_empty() {
            return self.arrive(outgoing);
        }
        match self.next_fault(outgoing.slot) {
            Some(fault) => self.suffer(fault, outgoing),
            None => self.arrive(outgoing),
        }
    }

    /// Delivers a call to its object, unless its stub is broken.
    pub(super) fn arrive(&self, outgoing: Outgoing) {
        let Outgoing { slot, breaks, event, .. } = outgoing;
        let (broken, queued) = self.with_actor(slot, |actor| {
            let broken = (actor.breaks != breaks).then(|| actor.last_break.clone()).flatten();
            (broken, actor.inbox.len())
        });
        match (broken, event) {
            (None, Event::Fetch { reply, .. } | Event::Call { reply, .. })
                if !self.has_room(slot, queued) =>
            {
                self.refuse(reply, Failure::platform(QUEUE_FULL, &[OVERLOADED]));
            }
            (Some(failure), Event::Fetch { reply, .. } | Event::Call { reply, .. }) => {
                self.refuse(reply, failure);
            }
            (_, event) => self.deliver(slot, ROOT, event),
        }
    }

    /// Commits every object that wrote, then lets out what was held; says whether there was anything.
    pub(super) fn release(self: &Rc<Self>, isolate: &Isolate, entry: &Rc<dyn Entry>) -> bool {
        let alarms = self.list_alarms_before_commit();
        self.break_pending(isolate, entry);
        let watched = self.feed.borrow().is_watched();
        let mut committed = if watched { self.stores.dirty() } else { Vec::new() };
        for (slot, error) in self.stores.commit_all() {
            committed.retain(|other| *other != slot);
            self.alarm_commit_failed(slot, &error);
            self.mark_broken(slot, Failure::of_commit(&error));
        }
        committed.into_iter().for_each(|slot| self.tell(slot, "commit"));
        self.break_pending(isolate, entry);
        self.settle_alarms(alarms);
        self.hand_over_wanted(isolate, entry);
        let held = std::mem::take(&mut *self.held.borrow_mut());
        let any = !held.is_empty() | self.evict_on_fault(isolate, entry);
        held.into_iter().for_each(|held| self.let_out(held));
        any
    }

    fn let_out(&self, held: Held) {
        match held.output {
            Output::Answer(to, reply) => self.answer(to, reply),
            Output::Response(section, to, reply) => self.answer_fetch(held.from, section, to, reply),
            Output::Call(outgoing) => self.dispatch_in_order(outgoing, Caller::Object, held.turn),
            Output::Invoke(callee, event) => self.dispatch_invoke(callee, event),
            Output::Frame(id, frame) => self.transmit(id, frame),
            Output::End(id) => self.remove_if_over(id),
            Output::Outside(send) => send(),
        }
    }

    /// Answers a fetch of the object in `slot`, unless a critical section runs: the response goes when that is over, or is lost
    /// with the object. What was thrown goes at once, as do results of calls.
    ///
    /// Fidelity: `FetchEvent::respondWith` in `src/workerd/api/http.c++` waits for the output gate as for any I/O, and goes on
    /// through the input gate. Recorded in `fixtures/held-answers`.
    fn answer_fetch(&self, slot: Slot, section: SectionId, to: ReplyTo, reply: Reply) {
        match reply {
            Reply::Response(response) if !self.with_actor(slot, |actor| actor.gate.admits(section)) => {
                self.deliver(slot, section, Event::Leave { response, reply: to });
            }
            reply => self.answer(to, reply),
        }
    }

    /// Turns what the object in `slot` wanted to say into `failure`: its writes are lost. What it said before it wrote goes out.
    /// Says whether anybody is told of the failure.
    pub(super) fn fail_held(&self, slot: Slot, failure: &Failure) -> bool {
        let mut any = false;
        let (failed, kept) = {
            let mut held = self.held.borrow_mut();
            std::mem::take(&mut *held).into_iter().partition::<Vec<_>, _>(|h| h.from == slot)
        };
        self.held.borrow_mut().extend(kept);
        for held in failed {
            any |= !held.is_free && matches!(held.output, Output::Answer(..) | Output::Response(..));
            match held.output {
                _ if held.is_free => self.let_out(held),
                // It says so already, as its caller is to be told.
                Output::Answer(_, Reply::Failed(ref told)) if told.is_end_by(failure) => self.let_out(held),
                Output::Answer(to, _) => self.refuse(to, failure.clone()),
                Output::Response(_, to, _) => self.refuse(to, failure.clone().of_fetch()),
                _ => {}
            }
        }
        any
    }
}
