//! Calls that end at assets: those by the binding, and those of other Workers that the assets answer first.
//!
//! Fidelity: in wrangler 4.164.0 a service binding to a Worker with assets leads to its router; a named entry point and
//! a call of a method do not.

use crate::assets::{Routed, Site};
use crate::engine::RealmId;
use crate::engine::assets::response;
use crate::engine::exception::Exception;

use super::event::{Event, Reply};
use super::failure::{Failure, REMOTE};
use super::scheduler::Objects;

impl Objects {
    /// Answers what was sent to the binding for `site`.
    pub(super) fn answer_from_assets(&self, site: &Site, event: Event) {
        match event {
            Event::FetchEntrypoint { request, reply, .. } => {
                let answer = site.answer(&request.method, &request.url, &request.headers);
                self.answer(reply, Reply::Response(response(answer)));
            }
            Event::CallEntrypoint { path, reply, .. } => {
                let name = path.last().map(String::as_str).unwrap_or_default();
                self.answer(reply, Reply::Failed(no_method(name)));
            }
            _ => {}
        }
    }

    /// The event for the Worker in `realm`, unless its assets have answered it.
    pub(super) fn routed(&self, realm: RealmId, event: Event) -> Option<Event> {
        let Some(site) = self.roster.site(realm) else { return Some(event) };
        match event {
            Event::FetchEntrypoint { entrypoint, request, reply }
                if entrypoint.name.is_none() && entrypoint.from_outside =>
            {
                match site.route(&request.method, &request.url, &request.headers) {
                    Routed::Worker => Some(Event::FetchEntrypoint { entrypoint, request, reply }),
                    Routed::Assets(answer) => {
                        self.answer(reply, Reply::Response(response(answer)));
                        None
                    }
                }
            }
            event => Some(event),
        }
    }
}

/// Fidelity: workerd's text.
fn no_method(name: &str) -> Failure {
    let message = format!("The RPC receiver does not implement the method \"{name}\".");
    let told = Some(("TypeError", message.clone()));
    let exception =
        Exception { name: "TypeError".to_owned(), message, stack: String::new(), causes: Vec::new() };
    Failure { exception, told, ..Failure::platform("", &[REMOTE]) }
}
