//! Workers that misbehave: the server ends what they do at its limit, says so, and goes on answering.

use std::io::Read;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::http::{Connection, Request};
use crate::project::{Server, TestProject};

/// The limit of the fixture is 250 ms of CPU time; unoptimized code on a busy machine takes its time to end.
const LIMIT: Duration = Duration::from_secs(40);
/// What the server may have used at most, bytes: an isolate's 128 MB, a second one at its side, copies on the way.
const MEMORY_MAX: u64 = 700 << 20;

const CPU: &str = "Error: Worker exceeded CPU time limit.";
const STACK: &str = "RangeError: Maximum call stack size exceeded";
const MEMORY: &str = "Error: Worker exceeded memory limit.";

fn ask(server: &Server, path: &str) -> (u16, String) {
    let path = path.replace(' ', "%20");
    let answer =
        Connection::open(server.port()).and_then(|mut c| c.exchange(&Request::new("GET", &path), LIMIT));
    let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}:\n{}", server.process().output()));
    (answer.status, answer.text())
}

/// The most memory that the process had, bytes; `None` where the system does not tell.
fn memory_peak(server: &Server) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process().pid())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1_024)
}

#[test]
fn code_that_runs_away_is_ended_and_others_are_answered() {
    let server = TestProject::from_fixture("runaway").start();
    let mut served = 0;
    for (way, status, words) in [
        ("loop", 500, CPU),
        ("loop in finally", 500, CPU),
        ("microtasks", 500, CPU),
        ("promise that resolves itself", 500, CPU),
        ("asynchronous generator", 500, CPU),
        ("regex", 500, CPU),
        ("copies", 500, CPU),
        ("timers", 500, "Error: Worker exceeded"),
        ("endless waitUntil", 500, "Error: Worker exceeded"),
        ("console", 500, CPU),
        ("error that loops", 500, ""),
        ("generator", 500, "Error: Worker exceeded"),
        ("memory", 500, "Error: Worker exceeded"),
        ("memory of promises", 500, "Error: Worker exceeded"),
        ("memory of text", 500, "Error: Worker exceeded"),
        ("memory of blobs", 500, "Error: Worker exceeded"),
        ("memory that was small", 500, "Error: Worker exceeded"),
        ("one huge string", 500, MEMORY),
        ("endless rejections", 500, "Error: Worker exceeded"),
        ("rejections", 200, "ok"),
        ("growing string", 500, ""),
        ("growing array", 500, "Error: Worker exceeded"),
        ("growing map", 500, "Error: Worker exceeded"),
        ("growing set", 500, "Error: Worker exceeded"),
        ("typed arrays", 500, "Error: Worker exceeded"),
        ("huge array", 500, "Error: Worker exceeded"),
        ("wide JSON", 500, "Error: Worker exceeded"),
        ("text of JSON", 500, "Error: Worker exceeded"),
        ("circle in JSON", 500, ""),
        ("memory of wasm", 500, "Error: Worker exceeded"),
        ("split of a long text", 500, "Error: Worker exceeded"),
        ("join of a wide array", 500, "Error: Worker exceeded"),
        ("sparse arrays", 500, "Error: Worker exceeded"),
        ("walk over holes", 500, CPU),
        ("join of holes", 500, "Error: Worker exceeded"),
        ("reversal of holes", 500, CPU),
        ("slice of holes", 500, "Error: Worker exceeded"),
        ("splice of holes", 500, CPU),
        ("concatenation of holes", 500, "Error: Worker exceeded"),
        ("shift of holes", 500, CPU),
        ("unshift of a wide object", 500, CPU),
        ("sort of holes", 500, CPU),
        ("copy within holes", 500, CPU),
        ("flat holes", 500, CPU),
        ("fill of a wide object", 500, "Error: Worker exceeded"),
        ("search in a wide object", 500, CPU),
        ("reduction of a wide object", 500, CPU),
        ("padded text", 500, "Error: Worker exceeded"),
        ("abort signals", 500, "Error: Worker exceeded"),
        ("endless sort", 500, CPU),
        ("endless getter of a clone", 500, CPU),
        ("endless iterator", 500, "Error: Worker exceeded"),
        ("getter", 500, STACK),
        ("proxy", 500, STACK),
        ("sort that sorts", 500, STACK),
        ("replace that replaces", 500, STACK),
        ("stack", 500, STACK),
        ("deep JSON", 500, STACK),
        ("huge message", 500, "Error: eeee"),
        ("timer without end", 200, "ok"),
    ] {
        let (got, text) = ask(&server, &format!("/way/{way}"));
        let shown: String = text.chars().take(200).collect();
        assert!(got == status && text.starts_with(words), "{way}: {got} {shown}");
        assert!(text.len() < 200_000, "{way}: {} bytes", text.len());
        served += 1;
        assert_eq!(ask(&server, "/"), (200, served.to_string()), "after {way}");
    }
    let output = server.process().output();
    assert!(
        output.contains("4900 more rejections and exceptions were not handled"),
        "what is cut is counted"
    );
    assert!(!output.contains("panicked"), "{output}");
    if let Some(peak) = memory_peak(&server) {
        assert!(peak < MEMORY_MAX, "{} MB", peak >> 20);
    }
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn an_object_that_runs_away_is_reset_and_writes_nothing() {
    let server = TestProject::from_fixture("runaway").start();
    for path in ["/object/loop", "/object/microtasks", "/method/rows", "/method/writes"] {
        let (status, text) = ask(&server, path);
        let words = "Error: Durable Object exceeded its CPU time limit and was reset.";
        assert!(status == 500 && text.starts_with(words), "{path}: {status} {text}");
    }
    let (status, text) = ask(&server, "/object/one huge string");
    let words = "Error: Durable Object's isolate exceeded its memory limit and was reset.";
    assert!(status == 500 && text.starts_with(words), "{text}");
    assert_eq!(ask(&server, "/method/read"), (200, "false".to_owned()));
    assert_eq!(ask(&server, "/").1, "1");
}

#[test]
fn objects_that_keep_each_other_busy_let_others_in() {
    let server = TestProject::from_fixture("runaway").start();
    let mut busy = Connection::open(server.port()).expect("a connection");
    busy.write(b"GET /each%20other HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
    for count in 1..=5 {
        assert_eq!(ask(&server, "/"), (200, count.to_string()));
    }
    // Another hundred rounds later at the latest: the control surface asks the same thread.
    assert_eq!(ask(&server, "/cdn-cgi/dodev/objects").0, 200);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn an_object_with_a_thousand_intervals_lets_others_in() {
    let server = TestProject::from_fixture("runaway").start();
    assert_eq!(ask(&server, "/method/intervals").0, 200);
    let ticks = || ask(&server, "/ticks").1.parse::<u32>().expect("a number");
    while ticks() == 0 {}
    // Each takes five milliseconds, whatever the machine, and a batch a few of them. A request waits for two batches or three.
    for count in 1..=5 {
        let before = ticks();
        assert_eq!(ask(&server, "/"), (200, count.to_string()));
        let passed = ticks() - before;
        assert!(passed < 100, "{passed} ticks came before an answer");
    }
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn an_isolate_whose_memory_is_used_up_is_replaced() {
    let project = TestProject::from_fixture("runaway");
    project.edit("wrangler.jsonc", "250", "30000").expect("the limit of CPU time");
    let server = project.start();
    assert_eq!(ask(&server, "/keep"), (500, MEMORY.to_owned()));
    let deadline = Deadline::after(LIMIT);
    let told = server.process().wait_line(0, "the Worker has used up the 128 MB", deadline);
    assert!(told.is_some(), "{}", server.process().output());
    assert!(server.process().wait_line(0, "Reloaded in", deadline).is_some());
    assert_eq!(ask(&server, "/kept"), (200, "0".to_owned()));
    assert_eq!(ask(&server, "/"), (200, "1".to_owned()));
}

#[test]
fn an_endless_stream_ends_with_its_reader() {
    let server = TestProject::from_fixture("runaway").start();
    let mut endless = Connection::open(server.port()).expect("a connection");
    endless.write(b"GET /way/endless%20stream HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
    endless.limit(LIMIT);
    let mut stream = endless.into_upgraded().0;
    let mut some = vec![0; 1 << 20];
    stream.read_exact(&mut some).expect("it flows");
    // Nobody reads on: what the Worker may be ahead is bounded.
    assert_eq!(ask(&server, "/"), (200, "1".to_owned()));
    drop(stream);
    assert_eq!(ask(&server, "/"), (200, "2".to_owned()));
    if let Some(peak) = memory_peak(&server) {
        assert!(peak < MEMORY_MAX / 2, "{} MB", peak >> 20);
    }
}

#[test]
fn code_that_runs_away_holds_up_no_stop() {
    let project = TestProject::from_fixture("runaway");
    project.edit("wrangler.jsonc", "250", "300000").expect("the limit of CPU time");
    for way in ["loop", "microtasks", "timers", "reversal of holes"] {
        let server = project.start();
        assert_eq!(ask(&server, "/").0, 200);
        let mut busy = Connection::open(server.port()).expect("a connection");
        let path = format!("GET /way/{} HTTP/1.1\r\nHost: a\r\n\r\n", way.replace(' ', "%20"));
        busy.write(path.as_bytes()).expect("it is sent");
        // The one before it has been answered when it is begun.
        let mut next = Connection::open(server.port()).expect("a connection");
        next.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
        // Who is too slow is killed.
        assert_eq!(server.stop().code(), Some(0), "{way}");
    }
}
