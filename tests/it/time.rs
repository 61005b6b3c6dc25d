//! The clock through the binary on `fixtures/clock`: months pass in a moment, and everything fires at its time.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::Ran;
use crate::deadline::Deadline;
use crate::http::Request;
use crate::project::{Server, TestProject};
use crate::websocket::{Handshake, Message, Opcode, WebSocket};

const LIMIT: Duration = Duration::from_secs(10);
const NEW_YEAR: &str = "2027-01-01T00:00:00.000Z";

fn start(flags: &[&str]) -> (TestProject, Server) {
    let project = TestProject::from_fixture("clock");
    let server = project.start_with(flags);
    (project, server)
}

/// A server whose clock stands at the first moment of 2027.
fn frozen() -> (TestProject, Server) {
    start(&["--time", "2027-01-01T00:00:00Z", "--freeze"])
}

fn get(server: &Server, path: &str) -> Value {
    let response = server.get(path);
    serde_json::from_str(&response.text()).unwrap_or_else(|_| response.text().into())
}

fn time(server: &Server, verb: &str, body: &Value) -> (u16, Value) {
    let request = Request::new("POST", &format!("/cdn-cgi/dodev/time/{verb}"));
    let request = request.header("content-type", "application/json").body(body.to_string());
    let response = server.request(&request);
    (response.status, serde_json::from_str(&response.text()).expect("an answer in JSON"))
}

fn moved(server: &Server, verb: &str, body: &Value) -> Value {
    let (status, report) = time(server, verb, body);
    assert_eq!(status, 200, "{report}");
    report
}

/// Kind, time and outcome of what fired.
fn fired(report: &Value) -> Vec<[String; 3]> {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let list = report["fired"].as_array().expect("a list");
    list.iter().map(|entry| ["kind", "due", "outcome"].map(|key| text(entry, key))).collect()
}

fn only(kind: &str, report: &Value) -> Vec<[String; 2]> {
    let of_kind = fired(report).into_iter().filter(|[is, ..]| is == kind);
    of_kind.map(|[_, due, outcome]| [due, outcome]).collect()
}

#[test]
fn a_month_passes_and_the_alarm_finds_its_own_time() {
    let (_project, server) = frozen();
    assert_eq!(get(&server, "/begin?days=30"), NEW_YEAR);
    let shown = get(&server, "/cdn-cgi/dodev/time");
    assert_eq!((&shown["now"], &shown["state"]), (&json!(NEW_YEAR), &json!("frozen")));
    let report = moved(&server, "advance", &json!({ "by": "40d" }));
    assert_eq!(report["now"], "2027-02-10T00:00:00.000Z");
    assert_eq!(report["settled"], true, "{report}");
    assert_eq!(only("alarm", &report), [["2027-01-31T00:00:00.000Z", "ok"]]);
    assert_eq!(get(&server, "/log"), json!(["2027-01-31T00:00:00.000Z 0"]));
    let now = "2027-02-10T00:00:00";
    assert_eq!(
        get(&server, "/now"),
        json!([format!("{now}.000Z"), format!("{now}.000Z"), format!("{now}Z")])
    );
}

#[test]
fn six_retries_run_at_their_times_and_then_the_alarm_is_dropped() {
    let (_project, server) = frozen();
    get(&server, "/begin?days=0&failures=7");
    let first = get(&server, "/log");
    assert_eq!(first, json!(["2027-01-01T00:00:00.000Z 0"]), "it is due at once");
    let report = moved(&server, "advance", &json!({ "by": "5m" }));
    let times: Vec<String> = [2, 6, 14, 30, 62, 126]
        .map(|second| format!("2027-01-01T00:{:02}:{:02}.000Z", second / 60, second % 60))
        .to_vec();
    let alarms = only("alarm", &report);
    assert_eq!(alarms.iter().map(|[due, _]| due.clone()).collect::<Vec<_>>(), times);
    assert_eq!(alarms[0][1], "failed; retry 2 of 6 in 4.0 s");
    assert_eq!(alarms[5][1], "dropped: alarm() failed, and so did 6 retries");
    assert_eq!(report["fired"][0]["error"], "Error: the payment failed");
    let log: Vec<String> = (0..=6)
        .zip(["2027-01-01T00:00:00.000Z".to_owned()].iter().chain(&times))
        .map(|(count, time)| format!("{time} {count}"))
        .collect();
    assert_eq!(get(&server, "/log"), json!(log));
}

#[test]
fn timers_crons_and_alarms_fire_in_the_order_of_their_times() {
    let (_project, server) = frozen();
    get(&server, "/begin?days=1");
    get(&server, "/wait");
    let report = moved(&server, "jump", &json!({ "to": "2027-01-02T06:00Z" }));
    let all = fired(&report);
    assert!(all.is_sorted_by_key(|[_, due, _]| due.clone()), "{report}");
    assert_eq!(only("cron", &report).len(), 30);
    assert_eq!(only("cron", &report)[2], ["2027-01-01T03:00:00.000Z", "failed"]);
    assert_eq!(only("alarm", &report), [["2027-01-02T00:00:00.000Z", "ok"]]);
    let waited = get(&server, "/waited");
    let timers: Vec<&str> = waited
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .filter(|line| !line.starts_with("cron"))
        .collect();
    assert_eq!(
        timers,
        ["step 1 +60000", "TimeoutError +90000", "step 2 +120000", "step 3 +180000", "scheduler +86580000"]
    );
    let cron = "cron 2027-01-01T01:00:00.000Z 2027-01-01T01:00:00.000Z";
    assert!(waited.as_array().unwrap().contains(&json!(cron)), "{waited}");
}

#[test]
fn the_next_thing_is_gone_to_and_nothing_is_no_next_thing() {
    let (project, server) = frozen();
    get(&server, "/begin?days=30&name=bob");
    let shown = get(&server, "/cdn-cgi/dodev/time");
    assert_eq!((&shown["next"]["kind"], &shown["next"]["detail"]), (&json!("cron"), &json!("0 * * * *")));
    let report = moved(&server, "next", &json!({}));
    assert_eq!(fired(&report), [["cron", "2027-01-01T01:00:00.000Z", "ok"]]);
    let port = server.port().to_string();
    let ran = Ran::dodev(&project, &["time", "jump", "2027-01-30T23:30Z", "--port", &port]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let report: Value = {
        let ran = Ran::dodev(&project, &["time", "next", "--json", "--port", &port]);
        serde_json::from_str(&ran.stdout).expect("JSON")
    };
    assert_eq!(
        fired(&report),
        [["cron", "2027-01-31T00:00:00.000Z", "ok"], ["alarm", "2027-01-31T00:00:00.000Z", "ok"],]
    );
    assert_eq!(report["fired"][1]["object"]["name"], "bob");
}

#[test]
fn an_object_with_sockets_sleeps_after_ten_seconds_of_that_clock() {
    let (_project, server) = frozen();
    let Ok(Handshake::Open { socket, .. }) = WebSocket::connect(server.port(), "/room", &[], &[], LIMIT)
    else {
        panic!("no connection");
    };
    let say = |text: &str| {
        socket.send(Opcode::Text, text.as_bytes(), true).expect("an open connection");
        match socket.receive(Deadline::after(LIMIT)) {
            Some(Message::Text(text)) => text,
            other => panic!("no text but {other:?}"),
        }
    };
    assert_eq!(say("a"), format!("a {NEW_YEAR} {NEW_YEAR}"));
    let report = moved(&server, "advance", &json!({ "by": "9s" }));
    assert_eq!(fired(&report), Vec::<[String; 3]>::new());
    assert_eq!(say("b"), format!("b {NEW_YEAR} 2027-01-01T00:00:09.000Z"));
    let report = moved(&server, "advance", &json!({ "by": "1m" }));
    assert_eq!(fired(&report), [["hibernation", "2027-01-01T00:00:19.000Z", "ok"]]);
    assert_eq!(say("c"), "c 2027-01-01T00:01:09.000Z 2027-01-01T00:01:09.000Z");
}

#[test]
fn time_goes_on_without_a_request_to_the_outside_that_is_slow() {
    let (_project, server) = frozen();
    let deaf = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", deaf.local_addr().expect("bound"));
    server.request(&Request::new("GET", "/slow").header("x-url", &url));
    let report = moved(&server, "advance", &json!({ "by": "5s" }));
    assert_eq!(only("timer", &report), [["2027-01-01T00:00:05.000Z", "ok"]]);
    assert_eq!(get(&server, "/waited"), json!(["TimeoutError"]));
}

#[test]
fn a_clock_that_runs_goes_on_running_and_mistakes_are_told() {
    let (project, server) = start(&["--strict-time"]);
    get(&server, "/begin?days=30");
    let report = moved(&server, "advance", &json!({ "by_ms": 31 * 86_400_000_i64 }));
    assert_eq!((&report["state"], only("alarm", &report).len()), (&json!("running"), 1));
    assert_eq!(get(&server, "/still"), json!([0, 0, true]), "time stands still during a turn");
    for (verb, body, status, words) in [
        ("advance", json!({ "by": "30" }), 400, "`30` is not a duration"),
        ("advance", json!({}), 400, "`advance` takes `by`"),
        ("advance", json!({ "by": "1d", "to": "x" }), 400, "`advance` takes `by`"),
        ("advance", json!({ "by": "99999d" }), 400, "up to 2200"),
        ("jump", json!({ "to": "2020-01-01" }), 400, "time moves forward only"),
        ("jump", json!({ "until": "2030-01-01" }), 400, "unknown field"),
        ("back", json!({}), 404, "freeze, resume, advance, jump or next"),
    ] {
        let (got, answer) = time(&server, verb, &body);
        let told = answer["error"].as_str().is_some_and(|error| error.contains(words));
        assert!(got == status && told, "{verb} {body}: {answer}");
    }
    let ran = Ran::dodev(&project, &["time", "--port", "1"]);
    assert_eq!(ran.code, Some(1));
    ran.expect_errors(&["nobody answers at http://127.0.0.1:", "start `dodev dev`"]);
}

#[test]
fn a_handler_that_exceeds_the_objects_own_limit_ends_the_object_and_its_sockets() {
    let (_project, server) = frozen();
    let Ok(Handshake::Open { socket, .. }) = WebSocket::connect(server.port(), "/room", &[], &[], LIMIT)
    else {
        panic!("no connection");
    };
    for text in ["hang", "too long"] {
        socket.send(Opcode::Text, text.as_bytes(), true).expect("an open connection");
    }
    // Both messages have entered when the next request is answered: they came first.
    let born = server.get("/room").text();
    assert_eq!(born, NEW_YEAR);
    let deadline = Deadline::after(LIMIT);
    while get(&server, "/cdn-cgi/dodev/time")["next"]["kind"] != "timer" {
        assert!(!deadline.passed(), "the handler never began to wait");
    }
    let report = moved(&server, "advance", &json!({ "by": "45s" }));
    assert_eq!(only("limit", &report), [["2027-01-01T00:00:30.000Z", "exceeded"]]);
    let closed = socket.wait_closed(Deadline::after(LIMIT)).expect("the reset ends it");
    assert_eq!(closed.code, Some(1006));
    assert_eq!(server.get("/room").text(), "2027-01-01T00:00:45.000Z", "a new instance");
}

#[test]
fn a_session_in_the_past_starts_although_its_files_are_newer() {
    start(&["--time", "2024-01-01T00:00:00Z", "--freeze"]);
}
