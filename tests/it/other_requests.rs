//! What one request or object made, used by another one (`fixtures/other-requests`), and `request.cf` on its way
//! (`fixtures/cf`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-22.

use serde_json::Value;

use crate::http::Request;
use crate::project::TestProject;
use crate::recorded::recorded;

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("counterDup worker worker", "a stub whose request has ended has no kind any more"),
    ("counterDup worker b", "a stub whose request has ended has no kind any more"),
    ("socketAttachment worker worker", "an unaccepted end is forgotten with its request"),
    ("socketAttachment worker b", "an unaccepted end is forgotten with its request"),
];

#[test]
fn what_belongs_to_another_request_or_object_is_refused() {
    let project = TestProject::from_fixture("other-requests");
    let server = project.start();
    let post = |path: String| {
        let response = server.request(&Request::new("POST", &path).header("x-a", "1").body("posted"));
        match response.status {
            200 => serde_json::from_slice(&response.body).unwrap_or_else(|_| response.text().into()),
            status => Value::from(format!("status {status}")),
        }
    };
    let mut wrong = Vec::new();
    for (name, expected) in recorded::<Value>("other-requests") {
        let words: Vec<&str> = name.split(' ').collect();
        let [case, maker, user] = words[..] else { panic!("three words") };
        post(format!("/{maker}/make/{case}"));
        let given = post(format!("/{user}/use/{case}"));
        let deviates = DEVIATIONS.iter().any(|(deviation, _)| *deviation == name);
        if (given == expected) == deviates {
            wrong.push(format!("{name}\n  recorded {expected}\n  given    {given}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    server.stop();
}

#[test]
fn cf_reaches_objects_and_services() {
    let project = TestProject::from_fixture("cf");
    let server = project.start();
    let mut wrong = Vec::new();
    for (path, expected) in recorded::<Value>("cf") {
        let (given, expected) = (server.get(&path).text(), expected.as_str().expect("text").to_owned());
        if given != expected {
            wrong.push(format!("{path}\n  recorded {expected}\n  given    {given}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    server.stop();
}
