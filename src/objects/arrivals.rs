//! In which order calls and requests of one turn arrive at an object or a service.
//!
//! Fidelity: each call lets the event loop do everything else first (`JsRpcTargetBase::call` in
//! `src/workerd/api/worker-rpc.c++`), and what an object sends waits for its output gate in ways of its own. Recorded in
//! `fixtures/arrivals`. Deviation: what an object sends together with the first write of its life comes there calls first.

use super::actor::Actor;
use super::event::Event;
use super::invoke::Callee;
use super::outputs::Outgoing;
use super::scheduler::Objects;

/// Who calls.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// A stateless context: requests come first.
    Context,
    /// An object: its first request, its calls, its other requests.
    Object,
}

/// Events of one turn at the end of an inbox, as many as there are of each rank.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arrivals {
    turn: u64,
    ranks: [u32; 3],
}

impl Arrivals {
    /// How many of the events of `turn` that came before let the next one pass.
    pub(super) fn passed(&mut self, turn: u64, caller: Caller, is_fetch: bool) -> usize {
        if self.turn != turn {
            *self = Self { turn, ranks: [0; 3] };
        }
        let rank = match (caller, is_fetch) {
            (Caller::Context, true) => 0,
            (_, false) => 1,
            (Caller::Object, true) if self.ranks[0] == 0 => 0,
            (Caller::Object, true) => 2,
        };
        self.ranks[rank] += 1;
        self.ranks[rank + 1..].iter().sum::<u32>() as usize
    }
}

impl Actor {
    /// Puts the event that stands last in the inbox, of `turn`, where it belongs among others of that turn.
    fn place_last(&mut self, turn: u64, caller: Caller, is_fetch: bool) {
        let passed = self.arrivals.passed(turn, caller, is_fetch);
        if passed > 0
            && let Some(event) = self.inbox.pop_back()
        {
            let place = self.inbox.len().saturating_sub(passed);
            self.inbox.insert(place, event);
        }
    }
}

impl Objects {
    /// Sends what the running stateless context says to `callee`.
    pub(super) fn invoke_in_order(&self, callee: Callee, event: Event) {
        if matches!(callee, Callee::Export(_)) {
            return self.dispatch_invoke(callee, event);
        }
        let is_fetch = matches!(event, Event::FetchEntrypoint { .. });
        let waiting = self.ready.borrow().len();
        self.dispatch_invoke(callee, event);
        let mut ready = self.ready.borrow_mut();
        if ready.len() > waiting {
            let turn = self.host.turns.get();
            let passed = self.requests.borrow_mut().arrivals.passed(turn, Caller::Context, is_fetch);
            if passed > 0
                && let Some(work) = ready.pop_back()
            {
                let place = ready.len().saturating_sub(passed);
                ready.insert(place, work);
            }
        }
    }

    /// Sends what `caller` gave in turn number `turn` to its object.
    pub(super) fn dispatch_in_order(&self, outgoing: Outgoing, caller: Caller, turn: u64) {
        let slot = outgoing.slot;
        let is_fetch = matches!(outgoing.event, Event::Fetch { .. });
        let waiting = self.with_actor(slot, |actor| actor.inbox.len());
        self.dispatch(outgoing);
        self.with_actor(slot, |actor| {
            // It may have been refused, or delayed by a fault.
            if actor.inbox.len() > waiting {
                actor.place_last(turn, caller, is_fetch);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order in which the letters of `sent` arrive: `f` is a request, `c` a call.
    fn arrived(caller: Caller, sent: &str) -> String {
        let mut arrivals = Arrivals::default();
        let mut inbox = vec!["c0".to_owned()];
        for (number, letter) in sent.chars().enumerate() {
            let passed = arrivals.passed(1, caller, letter == 'f');
            inbox.insert(inbox.len() - passed, format!("{letter}{}", number + 1));
        }
        inbox.join(" ")
    }

    #[test]
    fn requests_and_calls_of_one_turn_have_an_order() {
        assert_eq!(arrived(Caller::Context, "cfcf"), "c0 f2 f4 c1 c3");
        assert_eq!(arrived(Caller::Object, "cfcfcf"), "c0 f2 c1 c3 c5 f4 f6");
        assert_eq!(arrived(Caller::Object, "ffc"), "c0 f1 c3 f2");
        assert_eq!(arrived(Caller::Object, "ccc"), "c0 c1 c2 c3");
    }

    #[test]
    fn what_came_in_another_turn_is_not_passed() {
        let mut arrivals = Arrivals::default();
        assert_eq!(arrivals.passed(1, Caller::Context, false), 0);
        assert_eq!(arrivals.passed(2, Caller::Context, true), 0);
    }
}
