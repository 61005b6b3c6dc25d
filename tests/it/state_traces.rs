//! What commands about state must leave alone: every file when they only read, a state that another program uses, and files
//! beside those of objects.

use std::fs;
use std::time::Duration;

use crate::cli::Ran;
use crate::deadline::Deadline;
use crate::project::{TestProject, repository};
use crate::state::{LOBBY, copy_tree, done, files, recorded, run, run_json};

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_has_the_state_open_keeps_it_from_being_changed() {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};
    let project = recorded_project();
    let folder = fs::read_dir(project.state_dir().join("v3/do")).expect("a folder").next().expect("one");
    // As workerd does, it keeps the directory of a namespace open.
    let mut holder = Command::new("sh");
    holder.args(["-c", "exec 9<.; echo open; read line"]).current_dir(folder.expect("readable").path());
    let mut holder = holder.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
    let mut line = String::new();
    BufReader::new(holder.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    done(&project, &["state", "get", LOBBY, "count"]);
    let before = files(&project.state_dir());
    let words = format!("(pid {}) has this state open", holder.id());
    for command in [
        &["state", "put", LOBBY, "count", "9"][..],
        &["state", "rm", LOBBY, "--yes"],
        &["state", "reset", "--yes"],
        &["alarm", "cancel", LOBBY],
        &["state", "snapshot", "save", "one"],
    ] {
        run(&project, command).expect(1, "").expect_errors(&[&words, "stop it first"]);
    }
    let ran =
        project.dodev(&["migrate", "--persist-to", project.state_dir().to_str().expect("a plain path")]);
    assert!(!ran.status.success() && String::from_utf8_lossy(&ran.stderr).contains(&words));
    assert!(files(&project.state_dir()) == before, "who is refused leaves a trace");
    holder.stdin.take().expect("piped").write_all(b"\n").expect("it reads");
    holder.wait().expect("it ends");
    done(&project, &["state", "put", LOBBY, "count", "9"]);
}

/// Every command that only reads.
const READS: &[&[&str]] = &[
    &["state", "list"],
    &["state", "list", "Room"],
    &["state", "inspect", LOBBY],
    &["state", "inspect", "Room"],
    &["state", "get", LOBBY],
    &["state", "get", LOBBY, "count"],
    &["state", "get", LOBBY, "--prefix", "c"],
    &["state", "sql", LOBBY, "SELECT * FROM messages"],
    &["state", "sql", LOBBY, "--csv", "SELECT * FROM messages"],
    &["state", "export"],
    &["state", "export", LOBBY, "--sql"],
    &["state", "diff", "kept"],
    &["state", "diff", "kept", "live"],
    &["state", "log", LOBBY],
    &["state", "snapshot", "list"],
    &["alarm", "list"],
    &["alarm", "list", LOBBY],
    &["migrate", "status"],
    &["migrate", "plan"],
    &["completions", "bash"],
];

/// A project that goes with the recorded state, which is opened once.
fn recorded_project() -> TestProject {
    let project = TestProject::with_files(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "recorded", "main": "index.js", "compatibility_date": "2026-11-01",
                "durable_objects": { "bindings": [
                  { "name": "ROOM", "class_name": "Room" }, { "name": "OLD", "class_name": "Old" }] },
                "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Room"], "new_classes": ["Old"] }] }"#,
        ),
        (
            "index.js",
            r#"import { DurableObject } from "cloudflare:workers";
            export class Room extends DurableObject {
              touch() { this.ctx.storage.sql.exec("UPDATE messages SET text = text"); }
            }
            export class Old extends DurableObject {}
            export default { async fetch(request, env) {
              await env.ROOM.getByName("lobby").touch();
              return new Response("touched");
            } };"#,
        ),
    ]);
    copy_tree(&repository().join("fixtures/wrangler-state/state"), &project.state_dir());
    project
}

#[test]
fn no_command_that_reads_changes_a_byte_live_or_stopped() {
    let project = recorded_project();
    done(&project, &["state", "snapshot", "save", "kept"]);
    let server = project.start();
    assert_eq!(server.get("/").text(), "touched");
    // Commits come to the history within a second, and nothing is written after that.
    let deadline = Deadline::after(Duration::from_secs(10));
    while run(&project, &["state", "log", LOBBY]).code != Some(0) {
        assert!(!deadline.passed(), "there is no history");
    }
    read_everything(&project, "live");
    server.stop();
    read_everything(&project, "stopped");
}

#[test]
fn no_command_that_reads_leaves_a_file_in_a_state_that_wrangler_wrote() {
    let project = recorded_project();
    read_everything(&project, "new");
    let told = run(&project, &["migrate", "status"]);
    assert!(told.stdout.contains("v1       found    create"), "{}", told.stdout);
    let told = run_json(&project, &["migrate", "plan"], 0);
    assert_eq!(
        (&told["adopting"][0]["tag"], &told["pending"]),
        (&"v1".into(), &serde_json::json!([])),
        "{told}"
    );
}

/// Runs every command that reads, and finds every byte as it was.
fn read_everything(project: &TestProject, how: &str) {
    for words in READS {
        let before = files(&project.state_dir());
        for more in [&[][..], &["--json"]] {
            let ran = match words[0] {
                "completions" => Ran::dodev(project, words),
                _ => run(project, &[words, more].concat()),
            };
            assert!(matches!(ran.code, Some(0 | 3)), "{words:?}: {}", ran.stderr);
        }
        let after = files(&project.state_dir());
        let changed: Vec<_> = after.iter().filter(|(path, bytes)| before.get(*path) != Some(bytes)).collect();
        assert!(changed.is_empty() && after.len() == before.len(), "{words:?}, {how}: {changed:?}");
    }
}

#[test]
fn files_of_facets_are_no_objects_and_go_with_theirs() {
    let project = recorded();
    let listed = run_json(&project, &["state", "list", "Room"], 0);
    let folder = project.state_dir().join("v3/do/recorded-Room");
    let id = listed["namespaces"][0]["objects"][0]["id"].as_str().expect("an id");
    let name = listed["namespaces"][0]["objects"][0]["name"].as_str().expect("a name");
    let database = fs::read(folder.join(format!("{id}.sqlite"))).expect("a file");
    for file in [".1.sqlite", ".2.sqlite", ".facets"] {
        fs::write(folder.join(format!("{id}{file}")), &database).expect("ours");
    }
    let again = run_json(&project, &["state", "list", "Room"], 0);
    assert_eq!(again["namespaces"][0]["objects"].as_array().map(Vec::len), Some(3));
    assert_eq!(run_json(&project, &["state", "inspect", "Room"], 0)["objects"], 3);
    done(&project, &["state", "snapshot", "save", "one"]);
    let left = || {
        let entries = fs::read_dir(&folder).expect("a folder").flatten();
        let mut names: Vec<_> = entries.map(|one| one.file_name().to_string_lossy().into_owned()).collect();
        names.retain(|name| name.starts_with(id) && !name.ends_with("-wal") && !name.ends_with("-shm"));
        names.len()
    };
    done(&project, &["state", "rm", &format!("Room:{name}"), "--yes"]);
    assert_eq!(left(), 0);
    done(&project, &["state", "snapshot", "load", "one", "--yes"]);
    assert_eq!(left(), 4, "they come back with their object");
}
