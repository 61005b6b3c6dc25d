//! How deep a chain of Workers and objects is that call each other, so that one that never ends is ended.
//!
//! A request from outside, an alarm, a WebSocket message and a cron trigger begin a chain; every call of another Worker or
//! object, and every request to a server on this machine, is one deeper. An object is as deep as the event that entered it
//! last. Functions that were passed along belong to the chain that passed them.
//!
//! Fidelity: the message is production's. Its depth is the one that users of Durable Objects observed: sixteen Workers and
//! objects answer, the seventeenth is not reached; requests that Workers send have a field `cf-ew-via` that counts down from
//! fifteen. `wrangler dev` has no such limit.
//! Deviation: the field is sent to servers on this machine only, where the circle may close.

use std::cell::RefCell;

use http::{HeaderName, HeaderValue};
use rustc_hash::FxHashMap;
use url::{Host, Url};

use super::event::{Event, ReplyTo};
use super::failure::Failure;
use super::scheduler::Objects;
use crate::base::limits;
use crate::engine::http::{FetchRequest, Header};
use crate::engine::{OpError, OwnerId};

const TOO_DEEP: &str = "Subrequest depth limit exceeded. This request recursed through Workers too many times. This can \
                        happen e.g. if you have a Worker or Durable Object that calls other Workers or objects recursively.";

/// The field of a request that says how many Workers may follow.
const VIA: HeaderName = HeaderName::from_static("cf-ew-via");

/// The depths of the contexts and objects that are deeper than the first.
#[derive(Debug, Default)]
pub(super) struct Depths(RefCell<FxHashMap<OwnerId, u32>>);

impl Depths {
    fn of(&self, owner: OwnerId) -> u32 {
        self.0.borrow().get(&owner).copied().unwrap_or(1)
    }

    /// `owner` is `depth` deep from now on.
    pub fn set(&self, owner: OwnerId, depth: u32) {
        let mut depths = self.0.borrow_mut();
        if depth > 1 {
            depths.insert(owner, depth);
        } else if !depths.is_empty() {
            depths.remove(&owner);
        }
    }

    /// What `owner` was has ended.
    pub fn forget(&self, owner: OwnerId) {
        self.set(owner, 1);
    }
}

impl Objects {
    /// The running context or object calls another one.
    ///
    /// # Errors
    /// When it is as deep as a chain may be.
    pub fn check_depth(&self) -> Result<(), OpError> {
        let deepest = self.depths.of(self.host.scope.get().owner) >= limits::CALL_DEPTH;
        if deepest { Err(OpError::new(TOO_DEEP)) } else { Ok(()) }
    }

    /// Says in a `request` to a server on this machine how deep the running context or object is.
    pub fn mark_depth(&self, request: &mut FetchRequest) {
        if is_local(&request.url) {
            let left = limits::CALL_DEPTH.saturating_sub(self.depths.of(self.host.scope.get().owner));
            request.headers.retain(|(name, _)| *name != VIA);
            request.headers.push((VIA, HeaderValue::from(left)));
        }
    }

    /// `owner`, an object's, is as deep as `event`, which enters it, from now on.
    pub(super) fn deepen(&self, owner: OwnerId, event: &Event) {
        if let Some(depth) = self.depth_of(event) {
            self.depths.set(owner, depth);
        }
    }

    /// How deep `event` is; `None` for what belongs to a chain that is there already.
    fn depth_of(&self, event: &Event) -> Option<u32> {
        let depth_for = |reply: &ReplyTo| match reply {
            ReplyTo::Op(op) => self.host.ops.scope(*op).map_or(1, |caller| self.depths.of(caller.owner) + 1),
            ReplyTo::Edge(_) | ReplyTo::Control(_) => 1,
        };
        match event {
            Event::Fetch { reply, .. }
            | Event::Call { reply, .. }
            | Event::CallEntrypoint { reply, .. }
            | Event::FetchEntrypoint { reply, .. } => Some(depth_for(reply)),
            Event::Alarm { .. } | Event::Socket(_) | Event::Scheduled { .. } => Some(1),
            Event::CallExport { .. }
            | Event::DropExport { .. }
            | Event::Control(_)
            | Event::Answer { .. }
            | Event::Complete(_)
            | Event::Leave { .. }
            | Event::Timer(_)
            | Event::Farewell(_) => None,
        }
    }

    /// The `event` for a new context and how deep it is; a request from outside that is too deep is answered.
    pub(super) fn begin_chain(&self, event: Event) -> Option<(u32, Event)> {
        let Event::Fetch { mut request, reply: reply @ ReplyTo::Edge(_) } = event else {
            return Some((self.depth_of(&event).unwrap_or(1), event));
        };
        let depth = depth_from_outside(&mut request.headers);
        if depth > limits::CALL_DEPTH {
            self.refuse(reply, Failure::platform(TOO_DEEP, &[]));
            return None;
        }
        Some((depth, Event::Fetch { request, reply }))
    }
}

/// How deep a request from outside is by its fields, from which the mark is taken.
fn depth_from_outside(headers: &mut Vec<Header>) -> u32 {
    let Some(at) = headers.iter().position(|(name, _)| *name == VIA) else { return 1 };
    let (_, left) = headers.swap_remove(at);
    let left = left.to_str().ok().and_then(|text| text.parse::<u32>().ok());
    left.map_or(1, |left| limits::CALL_DEPTH.saturating_sub(left) + 1)
}

/// Whether `url` names a server on this machine.
fn is_local(url: &str) -> bool {
    match Url::parse(url).as_ref().ok().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_counts_down_and_is_taken_away() {
        let field = |name: &'static str, value: &'static str| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        for (value, depth) in [("15", 2), ("1", 16), ("0", 17), ("99", 1), ("x", 1), ("-1", 1), ("", 1)] {
            let mut headers = vec![field("a", "b"), field("cf-ew-via", value)];
            assert_eq!(depth_from_outside(&mut headers), depth, "{value}");
            assert_eq!(headers, [field("a", "b")]);
        }
        assert_eq!(depth_from_outside(&mut vec![field("a", "b")]), 1);
    }

    #[test]
    fn servers_on_this_machine_are_known() {
        for (url, expected) in [
            ("http://127.0.0.1:8787/a", true),
            ("https://localhost/", true),
            ("http://a.localhost:1", true),
            ("http://[::1]:8787", true),
            ("http://0.0.0.0:1", true),
            ("http://10.0.0.1/", false),
            ("http://localhost.example/", false),
            ("nothing", false),
        ] {
            assert_eq!(is_local(url), expected, "{url}");
        }
    }

    #[test]
    fn only_what_is_deep_is_kept() {
        let depths = Depths::default();
        depths.set(OwnerId(1), 1);
        assert!(depths.0.borrow().is_empty());
        depths.set(OwnerId(1), 3);
        assert_eq!((depths.of(OwnerId(1)), depths.of(OwnerId(2))), (3, 1));
        depths.forget(OwnerId(1));
        assert!(depths.0.borrow().is_empty());
    }
}
