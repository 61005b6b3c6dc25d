//! The main job on `fixtures/counter`: from a saved file to a stored number.
//!
//! Other suites go into depth; if one of these fails, nothing else matters.

use std::fs;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::http::Request;
use crate::project::{Server, TestProject};

/// How long a saved file may take until its code answers.
const SAVE_LIMIT: Duration = Duration::from_secs(10);

fn count(server: &Server) -> String {
    server.get("/").text()
}

/// The first answer that contains `words`; panics with the last one when none comes in time.
fn answer_with(server: &Server, words: &str) -> String {
    let deadline = Deadline::after(SAVE_LIMIT);
    loop {
        let seen = server.process().line_count();
        let answer = server.request(&Request::new("GET", "/"));
        if answer.text().contains(words) {
            return answer.text();
        }
        assert!(!deadline.passed(), "still {answer}; output:\n{}", server.process().output());
        server.process().wait_output(seen, Deadline::after(Duration::from_millis(50)));
    }
}

#[test]
fn the_count_survives_an_end_and_a_crash() {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    assert_eq!(count(&server), "Count: 1");
    assert_eq!(count(&server), "Count: 2");
    let status = server.stop();
    assert!(status.success(), "SIGTERM ends the server in order: {status}");

    let server = project.start();
    assert_eq!(count(&server), "Count: 3");
    server.kill();

    let server = project.start();
    assert_eq!(count(&server), "Count: 4");
}

#[test]
fn the_state_lies_where_wrangler_keeps_it() {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    count(&server);
    server.stop();
    let folder = project.state_dir().join("v3/do/counter-worker-Counter");
    let names: Vec<String> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").file_name().to_string_lossy().into_owned())
        .collect();
    let is_object = |name: &&String| name.strip_suffix(".sqlite").is_some_and(|id| id.len() == 64);
    assert_eq!(names.iter().filter(is_object).count(), 1, "{names:?}");
}

#[test]
fn a_save_is_live_and_a_broken_save_keeps_the_last_good_code() {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    assert_eq!(count(&server), "Count: 1");
    project.edit("src/index.ts", "Count: ", "Saved: ").expect("the fixture says so");
    assert_eq!(answer_with(&server, "Saved: ").get(..7), Some("Saved: "));

    let seen = server.process().line_count();
    project.write("src/index.ts", "export default {{");
    let reported = server.process().wait_line(seen, "index.ts", Deadline::after(SAVE_LIMIT));
    assert!(reported.is_some(), "the broken file is not named:\n{}", server.process().output());
    assert!(count(&server).starts_with("Saved: "));

    project.write(
        "src/index.ts",
        "export { Counter } from './counter';\nexport default { fetch: () => new Response('fixed') };",
    );
    answer_with(&server, "fixed");
}
