//! Faults that calls by stubs meet on purpose, through the control surface.

use serde_json::{Value, json};

use crate::control::{BASE, Watch, ask, get, post, project};
use crate::project::TestProject;

#[test]
fn what_an_object_received_runs_again_only_if_it_is_marked() {
    let project = project();
    let server = project.start();
    let faults = format!("{BASE}/faults");
    let lose = |count: u32, received: bool| {
        let fault =
            json!({ "class": "Counter", "fault": "disconnect", "received": received, "count": count });
        post(&server, &faults, &fault);
    };
    let lost = json!({ "message": "Network connection lost.", "retryable": true }).to_string();
    lose(1, true);
    assert_eq!(server.get("/inc").text(), lost, "the object refuses what it has received");
    assert_eq!(server.get("/inc").text(), "2", "it ran once");
    lose(1, true);
    assert_eq!(
        server.get("/marked").text(),
        "4",
        "a marked method runs again: the third and the fourth call"
    );
    lose(2, true);
    lose(1, false);
    assert_eq!(server.get("/marked").text(), "7");
    lose(6, true);
    assert_eq!(server.get("/marked").text(), lost, "five attempts in all");
    assert_eq!(get(&server, &faults)["faults"][0]["count"], 1);
    assert_eq!(server.get("/marked").text(), "14", "the sixth was lost as well and made again");
    lose(1, true);
    assert_eq!(server.get("/fetch").text(), lost, "a request is never made again");
    let wrong = json!({ "class": "Counter", "fault": "reset", "received": true });
    assert_eq!(ask(&server, "POST", &faults, &wrong).0, 400);
    server.stop();
}

#[test]
fn injects_faults_into_calls_by_stubs() {
    let project = project();
    let server = project.start();
    assert_eq!(server.get("/inc").text(), "1");
    let faults = format!("{BASE}/faults");
    let answer_with = |fault: Value| {
        post(&server, &faults, &fault);
        server.get("/memory").text()
    };
    let overload = answer_with(json!({ "class": "Counter", "fault": "overload" }));
    let text = "Durable Object is overloaded. Too many requests queued.";
    assert_eq!(overload, json!({ "message": text, "overloaded": true }).to_string());
    assert_eq!(server.get("/memory").text(), "1", "one call only");
    assert_eq!(answer_with(json!({ "class": "Counter", "object": "b", "fault": "overload" })), "1");
    assert_eq!(get(&server, &faults)["faults"].as_array().map(Vec::len), Some(1));
    assert_eq!(ask(&server, "DELETE", &faults, &Value::Null).1, json!({ "count": 1 }));
    assert_eq!(answer_with(json!({ "class": "Counter", "fault": "delay", "delayMs": 1 })), "1");
    assert_eq!(answer_with(json!({ "class": "Counter", "fault": "evict" })), "0");
    let lost = json!({ "class": "Counter", "fault": "disconnect" });
    let mut watch = Watch::start(server.port());
    assert_eq!(answer_with(lost.clone()), "0", "the call is made again");
    watch.wait("retry");
    post(&server, &faults, &lost);
    let lost = json!({ "message": "Network connection lost.", "retryable": true });
    assert_eq!(server.get("/once").text(), lost.to_string(), "the stub allows no retry");
    let reset = answer_with(json!({ "class": "Counter", "fault": "reset" }));
    let text = "Application called abort() to reset Durable Object.";
    assert_eq!(reset, json!({ "message": text, "durableObjectReset": true }).to_string());
    assert_eq!(ask(&server, "POST", &faults, &json!({ "class": "Counter", "fault": "delay" })).0, 400);
    assert_eq!(ask(&server, "POST", &faults, &json!({ "class": "No", "fault": "reset" })).0, 404);
    server.stop();
}

/// What each kind of call gives, what the object runs for it, and what came of both under a fault.
#[test]
fn every_kind_of_call_meets_every_fault() {
    const LOST: &str = "Network connection lost., retryable";
    let ended = "Application called abort() to reset Durable Object., durableObjectReset";
    let full = "Durable Object is overloaded. Too many requests queued., overloaded";
    let server = TestProject::from_fixture("faults").start();
    let faults = format!("{BASE}/faults");
    let calls = server.get("/").text();
    let mut objects = 0;
    let mut ask_with = |call: &str, fault: Option<Value>| -> (String, Vec<String>) {
        objects += 1;
        let name = format!("o{objects}");
        server.get(&format!("/wake/{name}"));
        if let Some(mut fault) = fault {
            fault["class"] = "O".into();
            fault["object"] = format!("name:{name}").into();
            post(&server, &faults, &fault);
        }
        let answer = server.get(&format!("/{call}/{name}")).text();
        ask(&server, "DELETE", &faults, &Value::Null);
        let (given, ran): (Value, _) = serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer}"));
        (given.as_str().map_or_else(|| given.to_string(), str::to_owned), ran)
    };
    for call in calls.lines() {
        let (given, ran) = ask_with(call, None);
        assert_eq!((ran.len(), &*ran[0]), (2, "before"), "{call} runs one thing");
        let (before, run) = (&ran[..1], &ran[1..]);
        let mut check = |fault: Value, answer: &str, left: &[String]| {
            let expected = (answer.to_owned(), left.to_vec());
            assert_eq!(ask_with(call, Some(fault.clone())), expected, "{call} with {fault}");
        };
        check(json!({ "fault": "evict" }), &given, run);
        check(json!({ "fault": "reset" }), ended, &[]);
        check(json!({ "fault": "overload" }), full, before);
        check(json!({ "fault": "delay", "delayMs": 1 }), &given, &ran);
        check(json!({ "fault": "disconnect" }), &given, &ran);
        check(json!({ "fault": "disconnect", "count": 4 }), &given, &ran);
        check(json!({ "fault": "disconnect", "count": 5 }), LOST, before);
        check(json!({ "fault": "disconnect", "received": true }), LOST, &ran);
    }
    server.stop();
}
