//! Faults that calls by stubs meet on purpose, through the control surface.

use serde_json::{Value, json};

use crate::control::{BASE, Watch, ask, get, post, project};

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
