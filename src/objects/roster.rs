//! The Workers that run in one isolate, and those that bindings name and that do not run.
//!
//! Every Worker has a number: those that run have that of their realm, the others follow. A call of one that does not
//! run is answered as wrangler answers it, by a response or an error, and never leaves the caller waiting.

use std::sync::Arc;

use crate::assets::Site;
use crate::engine::RealmId;
use crate::engine::http::FetchResponse;

use super::event::{Event, Reply};
use super::failure::{Failure, REMOTE};

/// The status of a response on behalf of a Worker that does not run.
const UNAVAILABLE: u16 = 503;

/// Which Worker, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WorkerNumber(pub u32);

/// Where the numbers of Workers' assets begin, as `workers/service/service.js` knows: no session has so many Workers.
const ASSETS: u32 = 1 << 16;

impl WorkerNumber {
    /// The number that stands for the assets of this Worker.
    pub fn of_assets(self) -> Self {
        Self(self.0 + ASSETS)
    }
}

impl From<RealmId> for WorkerNumber {
    fn from(realm: RealmId) -> Self {
        Self(u32::from(realm.0))
    }
}

/// All Workers by number.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    running: Vec<String>,
    missing: Vec<String>,
    /// The assets of those that run, in their order.
    sites: Vec<Option<Arc<Site>>>,
}

impl Roster {
    /// The Workers `running`, in the order of their realms.
    ///
    /// # Panics
    /// When there are more than an isolate can have.
    pub fn new(running: Vec<String>) -> Self {
        assert!(u8::try_from(running.len()).is_ok(), "an isolate has at most 255 Workers");
        Self { running, missing: Vec::new(), sites: Vec::new() }
    }

    /// The same, the Workers that run with these assets.
    #[must_use]
    pub fn with_sites(self, sites: Vec<Option<Arc<Site>>>) -> Self {
        Self { sites, ..self }
    }

    /// The assets of the Worker that runs in `realm`.
    pub fn site(&self, realm: RealmId) -> Option<&Arc<Site>> {
        self.sites.get(usize::from(realm.0))?.as_ref()
    }

    /// The assets that `number` stands for, if it stands for assets.
    pub fn assets(&self, number: WorkerNumber) -> Option<&Arc<Site>> {
        let place = number.0.checked_sub(ASSETS)?;
        self.sites.get(usize::try_from(place).ok()?)?.as_ref()
    }

    /// The number of the Worker called `name`, which may not run.
    pub fn number(&mut self, name: &str) -> WorkerNumber {
        let known = self.running.iter().chain(&self.missing).position(|known| known == name);
        let place = known.unwrap_or_else(|| {
            self.missing.push(name.to_owned());
            self.running.len() + self.missing.len() - 1
        });
        WorkerNumber(u32::try_from(place).expect("few Workers"))
    }

    /// Where the Worker runs, if it does.
    pub fn realm(&self, number: WorkerNumber) -> Option<RealmId> {
        let running = (number.0 as usize) < self.running.len();
        running.then(|| RealmId(u8::try_from(number.0).expect("few Workers run")))
    }

    /// The Worker's name.
    pub fn name(&self, number: WorkerNumber) -> &str {
        let mut names = self.running.iter().chain(&self.missing);
        names.nth(number.0 as usize).expect("numbers come from here")
    }

    /// How many Workers run.
    pub fn running_count(&self) -> usize {
        self.running.len()
    }

    /// Whether several Workers run.
    pub fn is_shared(&self) -> bool {
        self.running.len() > 1
    }
}

/// The answer to `event` on behalf of the Worker `name`, which does not run.
///
/// Fidelity: texts and status of wrangler 4.164.0, whose proxy for Workers that do not run is a Worker itself.
pub fn answer_for_missing(name: &str, event: &Event) -> Reply {
    let text = format!("Worker \"{name}\" not found. Make sure it is running locally.");
    match event {
        Event::Fetch { .. } | Event::FetchEntrypoint { .. } => {
            let headers = [("content-type", "text/plain;charset=UTF-8")];
            Reply::Response(FetchResponse::text(UNAVAILABLE, &headers, text))
        }
        _ => Reply::Failed(Failure::platform(text, &[REMOTE])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_that_do_not_run_are_numbered_after_those_that_do() {
        let mut roster = Roster::new(vec!["a".to_owned(), "b".to_owned()]);
        let (b, ghost) = (roster.number("b"), roster.number("ghost"));
        assert_eq!((b, ghost, roster.number("ghost")), (WorkerNumber(1), WorkerNumber(2), WorkerNumber(2)));
        assert_eq!((roster.realm(b), roster.realm(ghost)), (Some(RealmId(1)), None));
        assert_eq!((roster.name(b), roster.name(ghost)), ("b", "ghost"));
    }
}
