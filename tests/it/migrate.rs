//! Migrations through the binary: what a user sees when a class is renamed or deleted.

use std::time::Duration;

use serde_json::Value;

use crate::deadline::Deadline;
use crate::project::TestProject;

const LIMIT: Duration = Duration::from_secs(10);
const V1: &str = r#"[{ "tag": "v1", "new_sqlite_classes": ["Counter"] }]"#;
const RENAMED: &str = r#"[{ "tag": "v1", "new_sqlite_classes": ["Counter"] },
    { "tag": "v2", "renamed_classes": [{ "from": "Counter", "to": "Tally" }] }]"#;
const DELETED: &str = r#"[{ "tag": "v1", "new_sqlite_classes": ["Counter"] },
    { "tag": "v2", "deleted_classes": ["Counter"] }]"#;
const BOUND: &str = r#""bindings": [{ "name": "COUNTER", "class_name": "Counter" }]"#;

fn migrate(project: &TestProject, args: &[&str]) -> (i32, String) {
    let state = project.state_dir();
    let own = ["migrate", "--persist-to", state.to_str().expect("a plain path")];
    let output = project.dodev(&[&own, args].concat());
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().expect("it exits"), String::from_utf8(text).expect("text"))
}

fn rename(project: &TestProject) {
    project.edit("src/index.ts", "export { Counter }", "export { Counter as Tally }").unwrap();
    project.edit("wrangler.jsonc", r#""class_name": "Counter""#, r#""class_name": "Tally""#).unwrap();
    project.edit("wrangler.jsonc", V1, RENAMED).unwrap();
}

#[test]
fn a_renamed_class_goes_on_counting_and_can_be_taken_back() {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 1");
    // To look is allowed while it runs, to change is not.
    let (code, output) = migrate(&project, &["status"]);
    assert!(code == 0 && output.contains("v1       applied"), "{output}");
    let (code, output) = migrate(&project, &["undo"]);
    assert!(code == 1 && output.contains("in use by another dodev process (pid "), "{output}");
    server.stop();

    rename(&project);
    let (code, output) = migrate(&project, &["--dry-run"]);
    assert!(code == 0 && output.contains("v2       pending  rename Counter to Tally (1 object)"), "{output}");
    let (code, output) = migrate(&project, &["--json"]);
    let told: Value = serde_json::from_str(&output).expect("one object");
    assert_eq!((code, &told["changed"][0]["tag"], &told["ok"]), (0, &"v2".into(), &true.into()), "{output}");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 2");
    server.stop();

    let (code, output) = migrate(&project, &["undo"]);
    assert!(code == 0 && output.contains("Took back `v2`"), "{output}");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 3", "the server applied it again");
    server.stop();
}

#[test]
fn a_class_renamed_under_a_running_server_goes_on_counting() {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 1");
    let seen = server.process().line_count();
    rename(&project);
    let deadline = Deadline::after(LIMIT);
    let migrated = server.process().wait_line(seen, "Migrated `v2`", deadline).expect("it is announced");
    server.process().wait_line(migrated, "Reloaded", deadline).expect("the new code serves");
    assert_eq!(server.get("/").text(), "Count: 2");
}

#[test]
fn a_deleted_class_waits_until_somebody_agrees() {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 1");
    server.stop();
    let folder = project.state_dir().join("v3/do/counter-worker-Counter");

    project.edit("wrangler.jsonc", BOUND, r#""bindings": []"#).unwrap();
    project.edit("wrangler.jsonc", V1, DELETED).unwrap();
    let server = project.start();
    assert!(server.process().output().contains("these migrations wait"), "{}", server.process().output());
    assert!(folder.exists());
    server.stop();

    let (code, output) = migrate(&project, &[]);
    assert!(code == 1 && output.contains("nothing was changed") && folder.exists(), "{output}");
    let (code, output) = migrate(&project, &["--yes"]);
    assert!(code == 0 && output.contains("delete Counter (1 object)") && !folder.exists(), "{output}");
    let (code, _) = migrate(&project, &["undo"]);
    assert!(code == 0 && folder.exists());
    assert_eq!(migrate(&project, &["--yes"]).0, 0);
    let (code, output) = migrate(&project, &["prune", "--yes"]);
    assert!(code == 0 && output.contains("of Counter (1 object)"), "{output}");
    let (code, output) = migrate(&project, &["undo"]);
    assert!(code == 1 && output.contains("was pruned"), "{output}");
}
