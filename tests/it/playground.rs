//! `fixtures/playground`: what passes through a Worker unharmed, what goes wrong in it, and what is printed.

use std::time::Duration;

use crate::deadline::Deadline;
use crate::http::Request;
use crate::project::{Server, TestProject};

/// Printing is queued behind answering.
const PRINT_LIMIT: Duration = Duration::from_secs(5);

fn start() -> (TestProject, Server) {
    let project = TestProject::from_fixture("playground");
    let server = project.start();
    (project, server)
}

fn get(server: &Server, path: &str) -> String {
    server.get(path).text()
}

/// Waits until `words` was printed.
fn expect_printed(server: &Server, words: &str) {
    let line = server.process().wait_line(0, words, Deadline::after(PRINT_LIMIT));
    assert!(line.is_some(), "`{words}` is missing in:\n{}", server.process().output());
}

#[test]
fn bodies_stream_through_unchanged() {
    let (_project, server) = start();
    let body: Vec<u8> = (0..3_000_000u32).map(|n| (n * 7 % 251) as u8).collect();
    for size in [0, 1, 1_000, 65_536, 65_537, body.len()] {
        let request = Request::new("POST", "/echo").header("content-type", "a/b").body(&body[..size]);
        let response = server.request(&request);
        assert_eq!(response.header("x-type").as_deref(), Some("a/b"), "{size} bytes");
        assert!(response.body == body[..size], "{size} bytes came back as {}", response.body.len());
    }
}

#[test]
fn the_environment_holds_variables_and_refuses_the_rest_by_name() {
    let (_project, server) = start();
    assert_eq!(get(&server, "/env"), r#"["hello",{"depth":3}]"#);
    let refused = server.get("/cache");
    assert_eq!(refused.status, 500);
    let words = r#"dodev does not emulate the binding "CACHE" (r2_buckets) yet"#;
    assert!(refused.text().contains(words), "{}", refused.text());
    expect_printed(&server, "r2_buckets");
}

/// Calls the object until it is reset, and once more: its memory is gone.
fn expect_reset(server: &Server, method: &str, expected: &str) {
    assert_eq!(get(server, "/room/count"), "1", "before {method}");
    assert_eq!(get(server, "/room/count"), "2", "before {method}");
    assert_eq!(get(server, &format!("/room/{method}")), expected);
    assert_eq!(get(server, "/room/count"), "1", "after {method}");
    assert_eq!(get(server, "/room/abort"), "Error: stop here|true|undefined");
}

#[test]
fn an_object_that_overruns_its_limits_is_reset_and_the_others_live() {
    let (_project, server) = start();
    let words = "Error: Durable Object exceeded its CPU time limit and was reset.|true|undefined";
    expect_reset(&server, "loop", words);
    assert_eq!(get(&server, "/room/aborted"), "undefined", "what was not committed is gone");
    let looped = server.get("/loop");
    assert_eq!((looped.status, looped.text().as_str()), (500, "Error: Worker exceeded CPU time limit."));
    assert_eq!(get(&server, "/"), "ready");
}

#[test]
fn an_object_that_overruns_its_memory_is_reset_and_the_others_live() {
    let project = TestProject::from_fixture("playground");
    // Memory that a machine hands out for the first time may take longer than the limit of the fixture.
    project.edit("wrangler.jsonc", "\"cpu_ms\": 300", "\"cpu_ms\": 30000").expect("the limit of CPU time");
    let server = project.start();
    let words = "Error: Durable Object's isolate exceeded its memory limit and was reset.|true|undefined";
    expect_reset(&server, "memory", words);
    assert_eq!(get(&server, "/"), "ready");
}

#[test]
fn the_console_shows_values_with_the_name_of_who_printed_them() {
    let (_project, server) = start();
    get(&server, "/room/print");
    for words in [
        "[Room:lobby] values Map(1) { 'a' => { b: 1 } } Set(2) { 1, 'x' } Money { amount: 5, currency: 'EUR' }",
        "[Room:lobby] <ref *1> {",
        "deep: { deeper: { deepest: [Object] } },",
        "self: [Circular *1]",
        "[Room:lobby] Error: outer",
        "[cause]: TypeError: inner",
        "at print (src/room.ts:",
    ] {
        expect_printed(&server, words);
    }
    get(&server, "/later");
    expect_printed(&server, "[Worker] after the answer");
}

#[test]
fn what_nobody_handles_is_reported_with_its_place_in_the_users_files() {
    let (_project, server) = start();
    assert_eq!(get(&server, "/room/reject"), "rejected");
    expect_printed(&server, "[Room:lobby] RangeError: nobody handles me");
    expect_printed(&server, "at reject (src/room.ts:39:");
    let failed = server.get("/uncaught");
    assert_eq!(failed.status, 500);
    assert!(failed.text().contains("TypeError: thrown in the room"), "{}", failed.text());
    expect_printed(&server, "TypeError: thrown in the room");
    expect_printed(&server, "at fail (src/room.ts:43:");
}
