//! State that wrangler wrote, recorded by `wrangler-compat/interchange.py`: every value is right.
//!
//! The other direction needs wrangler and is checked by that script.

use std::fs;
use std::path::Path;

use crate::project::{TestProject, repository};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("the recorded state") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("entries have names"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

#[test]
fn a_state_directory_of_wrangler_opens_with_every_value_right() {
    let project = TestProject::from_fixture("interchange");
    copy(&repository().join("fixtures/interchange/state"), &project.state_dir());
    let server = project.start();
    assert_eq!(server.get("/").text(), project.read("read.txt"));
    server.stop();
    // Nothing but what was there: no table of ours, and the list of alarms is as it was.
    let folder = project.state_dir().join("v3/do/interchange-Box");
    let alarms = rusqlite::Connection::open(folder.join("metadata.sqlite")).expect("the list of alarms");
    let alarm = alarms.query_row("SELECT scheduled_time, actor_name FROM _cf_ALARM", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    assert_eq!(alarm.expect("one alarm"), (4_000_000_000_000_000_000, "box".to_owned()));
}
