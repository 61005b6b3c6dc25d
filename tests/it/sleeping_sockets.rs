//! Sockets of objects that slept: what wakes the objects, what they find, and what the other side hears, through stubs, services,
//! other objects and the network (`fixtures/sleeping-sockets`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on
//! 2026-11-23. There objects sleep after ten seconds; here they are put to sleep by the control API.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::project::Server;
use crate::recorded::assert_as_recorded;

const LIMIT: &str = "a handler that runs for too long ends its object; the peer's object goes on, but nothing that it waits for";
const UNMADE: &str = "who said goodbye to an object that cannot be made hears of no error";

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("object constructor throws at close", UNMADE),
    ("service constructor throws at close", UNMADE),
    ("stub constructor throws at close", UNMADE),
    ("stub event timeout passes", LIMIT),
];

/// What `server` answers, by way and name of the case.
fn ask(server: &Server) -> BTreeMap<String, Value> {
    let mut given = BTreeMap::new();
    for way in server.get("/").text().lines() {
        let sleep = format!("http://127.0.0.1:{}/cdn-cgi/dodev/hibernate", server.port());
        let response = server.get(&format!("/{way}?sleep={sleep}"));
        let answers: BTreeMap<String, Value> = serde_json::from_slice(&response.body).expect("JSON");
        given.extend(answers.into_iter().map(|(name, answer)| (format!("{way} {name}"), answer)));
    }
    given
}

#[test]
fn what_sockets_wake_is_as_recorded() {
    assert_as_recorded("sleeping-sockets", DEVIATIONS, ask);
}
