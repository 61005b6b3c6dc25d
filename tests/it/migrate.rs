//! Migrations through the binary: what a user sees when a class is renamed or deleted.

use std::time::Duration;

use serde_json::Value;

use crate::deadline::Deadline;
use crate::project::TestProject;
#[cfg(target_os = "linux")]
use crate::terminal::OnTerminal;

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
    // It goes to the other stream than the line that a start waits for.
    let told = server.process().wait_line(0, "these migrations wait", Deadline::after(LIMIT));
    told.expect("it is announced");
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

fn delete(project: &TestProject) {
    project.edit("wrangler.jsonc", BOUND, r#""bindings": []"#).unwrap();
    project.edit("wrangler.jsonc", V1, DELETED).unwrap();
}

/// The fixture `counter`, whose object counted to one, and where its class is kept.
fn counted() -> (TestProject, std::path::PathBuf) {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 1");
    server.stop();
    let folder = project.state_dir().join("v3/do/counter-worker-Counter");
    (project, folder)
}

#[cfg(target_os = "linux")]
#[test]
fn a_start_on_a_terminal_asks_before_a_class_is_deleted() {
    let (project, folder) = counted();
    delete(&project);
    let state = project.state_dir();
    let args = ["--persist-to", state.to_str().expect("a plain path")];
    for (answer, words, stays) in [("n\n", "these migrations wait", true), ("y\n", "Migrated `v2`", false)] {
        let mut run = OnTerminal::dev(&project, &args);
        let question = run.expect("Apply them? [y/N] ");
        assert!(question.contains("delete Counter (1 object)"), "{question}");
        run.type_key(answer);
        run.expect(words);
        run.expect("b browser");
        run.type_key("x");
        assert!(run.wait().success());
        assert_eq!(folder.exists(), stays, "{answer}");
    }
    let mut run = OnTerminal::dev(&project, &args);
    assert!(!run.expect("b browser").contains("Apply"), "it is done");
}

#[cfg(target_os = "linux")]
#[test]
fn a_running_server_asks_before_a_class_is_deleted() {
    let (project, folder) = counted();
    let state = project.state_dir();
    let args = ["--persist-to", state.to_str().expect("a plain path")];
    let mut run = OnTerminal::dev(&project, &args);
    run.expect("b browser");
    delete(&project);
    let question = run.expect("Apply them? [y/N] ");
    assert!(question.contains("delete Counter (1 object)"), "{question}");
    run.type_key("n");
    run.expect("these migrations wait");
    run.expect("Reloaded in");
    assert!(folder.exists());
    run.type_key("r");
    run.expect("Apply them? [y/N] ");
    run.type_key("y");
    run.expect("Migrated `v2`");
    run.expect("Reloaded in");
    assert!(!folder.exists());
    // Who leaves while it asks, leaves.
    project.edit("wrangler.jsonc", DELETED, V1).unwrap();
    run.type_key("x");
    run.expect("Stopping");
    assert!(run.wait().success());
}

#[test]
fn whoever_says_yes_is_not_asked() {
    let (project, folder) = counted();
    delete(&project);
    let server = project.start_with(&["--yes"]);
    let output = server.process().output();
    assert!(output.contains("Migrated `v2`") && output.contains("delete Counter (1 object)"), "{output}");
    assert!(!folder.exists());
    server.stop();
    let (code, output) = migrate(&project, &["undo"]);
    assert!(code == 0 && folder.exists(), "{output}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_renamed_worker_is_offered_its_state() {
    let (project, folder) = counted();
    project.edit("wrangler.jsonc", r#""name": "counter-worker""#, r#""name": "tally""#).unwrap();
    let server = project.start();
    let output = server.process().output();
    assert!(output.contains("counter-worker") && output.contains("carry"), "{output}");
    assert!(folder.exists(), "nobody agreed");
    server.stop();
    let (code, output) = migrate(&project, &["--carry-over", "counter-worker", "--yes"]);
    assert!(code == 0 && !folder.exists(), "{output}");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 2");
    server.stop();

    let (project, folder) = counted();
    project.edit("wrangler.jsonc", r#""name": "counter-worker""#, r#""name": "tally""#).unwrap();
    let state = project.state_dir();
    let args = ["--persist-to", state.to_str().expect("a plain path")];
    let mut run = OnTerminal::dev(&project, &args);
    run.expect("There is state of a Worker `counter-worker`, and none of `tally`. Carry it over? [y/N] ");
    run.type_key("y\n");
    run.expect("b browser");
    run.type_key("x");
    assert!(run.wait().success());
    assert!(!folder.exists() && state.join("v3/do/tally-Counter").exists());
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 2");
}

const EXPORTS: &str = r#""exports": { "Counter": { "type": "durable-object", "storage": "sqlite" } }"#;

#[test]
fn the_newer_form_creates_renames_and_deletes() {
    let project = TestProject::from_fixture("counter");
    let old = format!(r#""migrations": {V1}"#);
    project.edit("wrangler.jsonc", &old, EXPORTS).unwrap();
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 1");
    server.stop();
    project.edit("src/index.ts", "export { Counter }", "export { Counter as Tally }").unwrap();
    project.edit("wrangler.jsonc", r#""class_name": "Counter""#, r#""class_name": "Tally""#).unwrap();
    let renamed = r#""exports": { "Counter": { "type": "durable-object", "state": "renamed", "renamed_to": "Tally" },
        "Tally": { "type": "durable-object", "storage": "sqlite" } }"#;
    project.edit("wrangler.jsonc", EXPORTS, renamed).unwrap();
    let (code, output) = migrate(&project, &["plan"]);
    assert!(code == 0 && output.contains("rename Counter to Tally (1 object)"), "{output}");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 2");
    server.stop();
}

#[test]
fn a_class_goes_to_another_worker_with_its_objects() {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 1");
    server.stop();
    // Another project, with the same state.
    let other = TestProject::from_fixture("counter");
    other.edit("wrangler.jsonc", r#""name": "counter-worker""#, r#""name": "heir""#).unwrap();
    let transferred = r#"[{ "tag": "v1", "transferred_classes": [
        { "from": "Counter", "from_script": "counter-worker", "to": "Counter" }] }]"#;
    other.edit("wrangler.jsonc", V1, transferred).unwrap();
    let state = project.state_dir();
    let place = ["--persist-to", state.to_str().expect("a plain path")];
    let ran = other.dodev(&[&["migrate", "plan"], &place[..]].concat());
    let output = String::from_utf8([ran.stdout, ran.stderr].concat()).expect("text");
    assert!(
        ran.status.success() && output.contains("counter-worker") && output.contains("1 object"),
        "{output}"
    );
    let ran = other.dodev(&[&["migrate"], &place[..]].concat());
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    assert!(
        !state.join("v3/do/counter-worker-Counter").exists() && state.join("v3/do/heir-Counter").exists()
    );
    let ran = other.dodev(&[&["state", "get", "Counter:global", "count"], &place[..]].concat());
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "1\n");
    let ran = other.dodev(&[&["state", "log", "Counter:global"], &place[..]].concat());
    assert!(ran.status.success(), "its history went with it");
    let ran = other.dodev(&[&["migrate", "undo"], &place[..]].concat());
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 2");
}

/// An entry of `exports`.
fn class(entry: &str) -> String {
    format!(r#"{{ "type": "durable-object", {entry} }}"#)
}

/// A project in `folder` of another's directory, whose class `Counter` counts as the fixture's does.
fn worker(project: &TestProject, folder: &str, name: &str, exports: &str, is_bound: bool) {
    let binding = if is_bound { r#"{ "name": "COUNTER", "class_name": "Counter" }"# } else { "" };
    project.write(
        &format!("{folder}/wrangler.jsonc"),
        &format!(
            r#"{{ "name": "{name}", "main": "index.js", "compatibility_date": "2026-11-01",
                "durable_objects": {{ "bindings": [{binding}] }}, "exports": {exports} }}"#
        ),
    );
    let exported = if is_bound { "export { Counter };" } else { "" };
    project.write(
        &format!("{folder}/index.js"),
        &format!(
            r#"import {{ DurableObject }} from "cloudflare:workers";
            class Counter extends DurableObject {{
              async inc() {{
                const count = (await this.ctx.storage.get("count") ?? 0) + 1;
                await this.ctx.storage.put("count", count);
                await this.ctx.storage.setAlarm(4_000_000_000_000);
                return count;
              }}
              alarm() {{}}
            }}
            {exported}
            export default {{
              async fetch(request, env) {{ return new Response(await env.COUNTER.getByName("global").inc()); }},
            }};"#
        ),
    );
}

const A: &str = "a/wrangler.jsonc";
const B: &str = "b/wrangler.jsonc";

/// One request to the Worker of `config`, over the project's state.
fn count_of(project: &TestProject, config: &str) -> String {
    let config = project.dir().join(config).to_string_lossy().into_owned();
    let command =
        crate::project::ServerCommand::from_words(&["dev", "--port", "{port}", "--persist-to", "{state}"]);
    let mut server = project.spawn(&command, &["-c", &config]).expect("the binary can be started");
    server.wait_ready(LIMIT * 2).unwrap_or_else(|error| panic!("{error}: {}", server.process().output()));
    let text = server.get("/").text();
    server.stop();
    text
}

#[test]
fn the_newer_form_deletes_and_brings_back() {
    let project = TestProject::with_files(&[]);
    let created = class(r#""storage": "sqlite""#);
    worker(&project, "a", "one", &format!(r#"{{ "Counter": {created} }}"#), true);
    assert_eq!(count_of(&project, A), "1");
    let folder = project.state_dir().join("v3/do/one-Counter");

    // Another kind of storage is refused, at its place.
    let kv = class(r#""storage": "legacy-kv""#);
    worker(&project, "a", "one", &format!(r#"{{ "Counter": {kv} }}"#), true);
    let (code, output) = migrate(&project, &["-c", A]);
    assert!(code == 1 && output.contains("the class `Counter` exists and uses SQLite"), "{output}");
    assert!(output.contains("a/wrangler.jsonc:2:"), "{output}");

    let deleted = class(r#""state": "deleted""#);
    worker(&project, "a", "one", &format!(r#"{{ "Counter": {deleted} }}"#), true);
    let (code, output) = migrate(&project, &["-c", A, "--yes"]);
    assert!(
        code == 1 && output.contains("bound as `COUNTER`, but was deleted") && folder.exists(),
        "{output}"
    );
    worker(&project, "a", "one", &format!(r#"{{ "Counter": {deleted} }}"#), false);
    let (code, output) = migrate(&project, &["-c", A]);
    assert!(code == 1 && output.contains("nobody agreed") && folder.exists(), "{output}");
    let (code, output) = migrate(&project, &["-c", A, "--yes"]);
    assert!(code == 0 && output.contains("delete Counter (1 object)") && !folder.exists(), "{output}");
    // What is gone stays declared as gone.
    let (code, output) = migrate(&project, &["-c", A, "--yes"]);
    assert!(code == 0 && output.contains("Nothing to do"), "{output}");
    let (code, output) = migrate(&project, &["-c", A, "undo", "--yes"]);
    assert!(code == 0 && folder.exists(), "{output}");
    worker(&project, "a", "one", &format!(r#"{{ "Counter": {created} }}"#), true);
    assert_eq!(count_of(&project, A), "2");
}

#[test]
fn the_newer_form_hands_a_class_over_in_one_command() {
    let project = TestProject::with_files(&[]);
    let created = class(r#""storage": "sqlite""#);
    worker(&project, "a", "one", &format!(r#"{{ "Counter": {created} }}"#), true);
    assert_eq!(count_of(&project, A), "1");
    let key = |worker: &str| project.state_dir().join(format!("v3/do/{worker}-Counter"));

    let leaves = class(r#""state": "transferred", "transferred_to": "two""#);
    let comes = class(r#""state": "expecting-transfer", "storage": "sqlite", "transfer_from": "one""#);
    worker(&project, "a", "one", &format!(r#"{{ "Counter": {leaves} }}"#), false);
    worker(&project, "b", "two", &format!(r#"{{ "Counter": {comes} }}"#), true);
    let both = ["-c", A, "-c", B];
    let (code, output) = migrate(&project, &[&both[..], &["plan"]].concat());
    assert!(code == 0 && output.contains("leave Counter to two"), "{output}");
    assert!(output.contains("transfer Counter of one to Counter (1 object)"), "{output}");
    let (code, output) = migrate(&project, &[&both[..], &["--json"]].concat());
    let told: Value = serde_json::from_str(&output).expect("one object");
    assert_eq!((code, &told["ok"], &told["version"]), (0, &true.into(), &1.into()), "{output}");
    assert_eq!(told["workers"][0]["changed"][0]["steps"][0]["kind"], "leave", "{output}");
    assert_eq!(told["workers"][1]["changed"][0]["steps"][0]["objects"], 1, "{output}");
    assert!(!key("one").exists() && key("two").exists());
    let (code, output) = migrate(&project, &both);
    assert!(code == 0 && output.matches("Nothing to do").count() == 2, "{output}");

    // The first one's state is meant, with the objects of both; the alarm and the history went along.
    let of = |args: &[&str]| {
        let state = project.state_dir();
        let ran =
            project.dodev(&[args, &both, &["--persist-to", state.to_str().expect("a plain path")]].concat());
        String::from_utf8([ran.stdout, ran.stderr].concat()).expect("text")
    };
    assert_eq!(of(&["state", "get", "two-Counter:global", "count"]), "1\n");
    assert!(of(&["alarm", "list"]).contains("Counter:global"));
    assert!(of(&["state", "log", "Counter:global"]).contains("rpc inc"));
    assert_eq!(count_of(&project, B), "2");

    // The last one first.
    let (code, output) = migrate(&project, &[&both[..], &["undo"]].concat());
    assert!(code == 0 && output.contains("two") && key("one").exists() && !key("two").exists(), "{output}");
    let (code, output) = migrate(&project, &[&both[..], &["undo"]].concat());
    assert!(code == 0 && output.contains("one"), "{output}");
    worker(&project, "a", "one", &format!(r#"{{ "Counter": {created} }}"#), true);
    assert_eq!(count_of(&project, A), "3");

    for (args, words) in [
        (["--to", "v1"], "`--to` is about one Worker"),
        (["--carry-over", "x"], "`--carry-over` is about one Worker"),
        (["-c", A], "the configuration of the Worker `one` is given twice"),
    ] {
        let (code, output) = migrate(&project, &[&both[..], &args].concat());
        assert!(code == 1 && output.contains(words), "{args:?}: {output}");
    }
}

#[test]
fn what_one_of_several_workers_cannot_do_stops_all() {
    let project = TestProject::with_files(&[]);
    let created = class(r#""storage": "sqlite""#);
    worker(&project, "a", "one", &format!(r#"{{ "Counter": {created} }}"#), true);
    assert_eq!(count_of(&project, A), "1");
    let leaves = class(r#""state": "transferred", "transferred_to": "two""#);
    let own = class(r#""state": "expecting-transfer", "storage": "sqlite", "transfer_from": "two""#);
    worker(&project, "a", "one", &format!(r#"{{ "Counter": {leaves} }}"#), false);
    worker(&project, "b", "two", &format!(r#"{{ "Counter": {own} }}"#), true);
    let (code, output) = migrate(&project, &["-c", A, "-c", B, "--yes"]);
    assert!(code == 1 && output.contains("cannot come from `two`: that is this Worker"), "{output}");
    let (_, output) = migrate(&project, &["-c", A, "status"]);
    assert!(
        output.contains("pending  leave Counter to two"),
        "nothing was applied of the other one: {output}"
    );
}
