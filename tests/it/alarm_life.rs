//! Alarms that throw, abort, set and delete alarms, and objects whose constructors throw (`fixtures/alarm-life`), against what
//! wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::project::Server;
use crate::recorded::assert_as_recorded;

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[(
    "handlers aborts without retryAlarm after set",
    "an alarm that is given up is gone; the peer keeps it and never lets it ring",
)];

/// What `server` answers; the clock is moved over the time that retries take.
fn ask(server: &Server) -> BTreeMap<String, Value> {
    let mut given = BTreeMap::new();
    for group in server.get("/").text().lines() {
        let answers: BTreeMap<String, Value> =
            serde_json::from_slice(&server.get(&format!("/{group}")).body).expect("JSON");
        given.extend(answers.into_iter().map(|(name, answer)| (format!("{group} {name}"), answer)));
        if group == "arm" {
            server.advance("9s");
        }
    }
    given
}

#[test]
fn the_life_of_alarms_is_as_recorded() {
    assert_as_recorded("alarm-life", DEVIATIONS, ask);
}
