//! Ten thousand objects: what listing them costs, counted by the system, so that no busy machine changes the outcome.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::deadline::Deadline;
use crate::project::{BINARY, TestProject};

const OBJECTS: usize = 10_000;
/// Bytes that are read of an object: its schema and its name.
const OBJECT_BYTES: u64 = 8 * 1024;
/// Calls that read an object.
const OBJECT_READS: u64 = 1;
/// The program itself, libraries and lists of directories.
const OTHER_BYTES: u64 = 8 * 1024 * 1024;
const OTHER_READS: u64 = 2_000;
/// 0.6 s is usual for a debug build on two cores.
const TIME_MAX: Duration = Duration::from_secs(20);

/// A number of `/proc/<pid>/io`.
fn counted(io: &str, name: &str) -> u64 {
    let value =
        io.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}: {io}"));
    value.trim().parse().unwrap_or_else(|_| panic!("{name}{value}"))
}

#[test]
fn ten_thousand_objects_are_listed_by_reading_little_of_each() {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 1");
    server.stop();
    let folder = project.state_dir().join("v3/do/counter-worker-Counter");
    let files = std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let is_object = |path: &std::path::PathBuf| path.file_stem().is_some_and(|stem| stem.len() == 64);
    let one = files.into_iter().find(is_object).expect("an object");
    for number in 1..OBJECTS {
        std::fs::hard_link(&one, folder.join(format!("{number:064x}.sqlite"))).expect("a link");
    }

    let deadline = Deadline::after(TIME_MAX);
    let mut child = Command::new(BINARY)
        .args(["state", "list", "--json", "--persist-to"])
        .arg(project.state_dir())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary can be started");
    let mut output = child.stdout.take().expect("it is piped");
    // The answer begins when all was read, and is longer than a pipe holds: the process waits.
    let mut text = vec![0];
    output.read_exact(&mut text).expect("an answer");
    let is_late = deadline.passed();
    let io = std::fs::read_to_string(format!("/proc/{}/io", child.id())).expect("it still runs");
    output.read_to_end(&mut text).expect("an answer");
    assert!(child.wait().expect("it ends").success());

    let told: Value = serde_json::from_slice(&text).expect("one object");
    let objects = told["namespaces"][0]["objects"].as_array().expect("a list");
    assert_eq!(objects.len(), OBJECTS);
    assert!(objects.iter().all(|object| object["name"] == "global" && object["error"].is_null()));
    let (bytes, reads) = (counted(&io, "rchar:"), counted(&io, "syscr:"));
    let count = OBJECTS as u64;
    assert!(bytes <= count * OBJECT_BYTES + OTHER_BYTES, "{} bytes an object", bytes / count);
    assert!(reads <= count * OBJECT_READS + OTHER_READS, "{reads} reads");
    assert!(!is_late, "it took more than {TIME_MAX:?}");
}
