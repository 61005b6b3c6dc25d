//! `dodev state` and `dodev alarm`, on state that wrangler wrote and on state that dodev wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::Ran;
use crate::deadline::Deadline;
use crate::process::Process;
use crate::project::{BINARY, TestProject, repository};

pub const LOBBY: &str = "Room:lobby";

/// A project whose state wrangler wrote; `fixtures/wrangler-state/README.md` says what is in it.
pub fn recorded() -> TestProject {
    let project = TestProject::with_files(&[]);
    copy_tree(&repository().join("fixtures/wrangler-state/state"), &project.state_dir());
    project
}

pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the target is ours");
    for entry in fs::read_dir(from).expect("a readable folder") {
        let entry = entry.expect("a readable folder");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::write(&target, fs::read(entry.path()).expect("a readable file")).expect("the target is ours");
        }
    }
}

/// Every file below `folder` with its bytes.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap_or_default());
        }
    }
    found
}

/// `dodev <words> --persist-to <state>`.
pub fn run(project: &TestProject, words: &[&str]) -> Ran {
    let state = project.state_dir();
    let place = ["--persist-to", state.to_str().expect("a path of ours")];
    Ran::dodev(project, &[words, &place].concat())
}

/// The same with `--json`, which must end with `code`.
pub fn run_json(project: &TestProject, words: &[&str], code: i32) -> Value {
    let ran = run(project, &[words, &["--json"]].concat());
    assert_eq!(ran.code, Some(code), "{words:?}: {}{}", ran.stdout, ran.stderr);
    let value: Value = serde_json::from_str(&ran.stdout).expect("one JSON object");
    assert_eq!(value["version"], 1);
    value
}

/// Runs a command that must succeed.
pub fn done(project: &TestProject, words: &[&str]) -> String {
    let ran = run(project, words);
    assert_eq!(ran.code, Some(0), "{words:?}: {}{}", ran.stdout, ran.stderr);
    ran.stdout
}

#[test]
fn what_wrangler_wrote_is_read_and_no_byte_of_it_changes() {
    let project = recorded();
    let before = files(&project.state_dir());

    let list = run_json(&project, &["state", "list"], 0);
    let names = |class: usize| -> Vec<Value> {
        let objects = list["namespaces"][class]["objects"].as_array().expect("objects");
        objects.iter().map(|object| object["name"].clone()).collect()
    };
    assert_eq!(list["namespaces"][0]["class"], "Old");
    assert_eq!(names(0), [Value::Null]);
    assert_eq!(names(1), [json!("kitchen"), json!("lobby"), Value::Null]);
    let lobby = &list["namespaces"][1]["objects"][1];
    assert_eq!(lobby["alarm"]["scheduled"], "2099-01-01T00:00:00.000Z");
    let text = done(&project, &["state", "list"]);
    assert!(text.contains("Room  3 objects of recorded") && text.contains("lobby"), "{text}");

    let view = run_json(&project, &["state", "inspect", LOBBY], 0);
    assert_eq!(view["keys_total"], 6);
    let tables: Vec<_> = view["tables"].as_array().expect("tables").iter().map(|one| &one["name"]).collect();
    assert_eq!(tables, ["messages", "words"]);
    assert_eq!((&view["tables"][0]["rows"], &view["tables"][1]["kind"]), (&json!(2), &json!("virtual")));
    let text = done(&project, &["state", "inspect", LOBBY]);
    assert!(text.contains("6 keys") && text.contains("messages  2 rows"), "{text}");
    assert_eq!(run_json(&project, &["state", "inspect", "Room"], 0)["objects"], 3);

    assert_eq!(done(&project, &["state", "get", LOBBY, "count"]), "7\n");
    assert_eq!(done(&project, &["state", "get", "Old:legacy", "count"]), "3\n");
    let user = r#"{ name: "Ada", since: new Date("2026-01-31T12:00:00.000Z"), tags: new Set(["a", "b"]) }"#;
    assert_eq!(done(&project, &["state", "get", LOBBY, "user"]), format!("{user}\n"));
    let seen = run_json(&project, &["state", "get", LOBBY, "seen"], 0);
    let map =
        json!({ "$": "Map", "v": [["ada", { "$": "bigint", "v": "3" }], ["bob", { "$": "undefined" }]] });
    assert_eq!(seen["value"], map);
    assert!(done(&project, &["state", "get", LOBBY, "cause"]).contains("TypeError"));
    let some = run_json(&project, &["state", "get", LOBBY, "--prefix", "c"], 0);
    assert_eq!(some["keys_total"], 2);

    let rows = run_json(&project, &["state", "sql", LOBBY, "SELECT * FROM messages"], 0);
    let raw = json!({ "$": "ArrayBuffer", "hex": "00ff" });
    assert_eq!(rows["rows"], json!([[1, "hello", 1.5, raw], [2, "it's\nme", null, null]]));
    let table = done(&project, &["state", "sql", LOBBY, "SELECT id, text FROM messages"]);
    assert_eq!(table, "id  text\n 1  hello\n 2  it's\\nme\n(2 rows)\n");
    let csv = done(&project, &["state", "sql", LOBBY, "--csv", "SELECT * FROM messages"]);
    assert_eq!(csv, "id,text,at,raw\n1,hello,1.5,00ff\n2,\"it's\nme\",,\n");
    let system = done(&project, &["state", "sql", LOBBY, "SELECT key FROM _cf_KV LIMIT 1"]);
    assert!(system.contains("bytes"), "{system}");

    assert!(done(&project, &["alarm", "list"]).contains(LOBBY));
    assert!(done(&project, &["state", "export"]).lines().count() > 10);
    assert!(done(&project, &["state", "export", LOBBY, "--sql"]).contains("CREATE TABLE messages"));
    assert!(done(&project, &["state", "diff", "live", "live"]).contains("Nothing differs"));

    assert_eq!(files(&project.state_dir()), before, "reading changed or made a file");
}

#[test]
fn who_asks_wrongly_is_told_what_to_do() {
    let project = recorded();
    let before = files(&project.state_dir());
    for (words, code, message) in [
        (&["state", "get", "Romo:lobby", "count"][..], 3, "did you mean `Room`?"),
        (&["state", "get", "Room:lobyb", "count"], 3, "did you mean `Room:lobby`?"),
        (&["state", "get", LOBBY, "cuont"], 3, "did you mean `count`?"),
        (&["state", "get", "Room", "count"], 1, "give an object of it, as in `Room:name`"),
        (&["state", "get", "Room:cellar", "count"], 3, "dodev state list Room"),
        (&["state", "put", LOBBY, "topic", "news"], 1, "a text needs quotes"),
        (&["state", "put", "Room:cellar", "count", "1"], 3, "--create"),
        (&["state", "sql", LOBBY, "SELECT * FROM mesages"], 1, "no such table: mesages"),
        (&["state", "delete", LOBBY, "count", "nothing"], 3, "has no key `nothing`"),
        (&["state", "rm", "Room:kitchen"], 1, "--yes"),
        (&["state", "reset"], 1, "--yes"),
        (&["state", "snapshot", "load", "before"], 3, "dodev state snapshot save before"),
        (&["state", "snapshot", "save", "../out"], 1, "cannot be a snapshot's name"),
        (&["state", "diff", "before"], 3, "there is no snapshot `before`"),
        (&["alarm", "cancel", "Room:kitchen"], 3, "has no alarm"),
    ] {
        let ran = run(&project, words);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), ""), "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(message), "{words:?}: {}", ran.stderr);
        let failure = run_json(&project, words, code);
        assert!(failure["error"]["code"].is_string(), "{failure}");
    }
    let mut after = files(&project.state_dir());
    after.retain(|path, _| !path.ends_with("v3/dodev/lock"));
    assert_eq!(after, before, "a refused command changed something");

    let empty = TestProject::with_files(&[]);
    let ran = run(&empty, &["state", "list"]);
    ran.expect(1, "").expect_errors(&["there is no state in", "dodev dev", "--persist-to"]);
    assert!(files(&empty.state_dir()).is_empty());
}

#[test]
fn a_damaged_object_is_named_and_the_others_go_on() {
    let project = recorded();
    let list = run_json(&project, &["state", "list", "Room"], 0);
    let id = list["namespaces"][0]["objects"][0]["id"].as_str().expect("an id").to_owned();
    let file = project.state_dir().join(format!("v3/do/recorded-Room/{id}.sqlite"));
    fs::write(&file, "this is no database, but long enough to be looked at as one".repeat(99)).expect("ours");
    let log = file.with_extension("sqlite-wal");
    fs::remove_file(log).expect("the log was there");
    let text = done(&project, &["state", "list", "Room"]);
    assert!(text.contains("damaged") && text.contains(&id) && text.contains("lobby"), "{text}");
    let ran = run(&project, &["state", "inspect", &format!("Room:{id}")]);
    ran.expect(1, "").expect_errors(&["cannot be read", &id, "dodev state rm"]);
    let ran = run(&project, &["state", "export", "--out", "all.jsonl"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("Exported 3 objects"), "{}", ran.stdout);
    done(&project, &["state", "rm", "--yes", &format!("Room:{id}")]);
    assert!(!file.exists());
}

#[test]
fn values_are_put_as_a_program_would_and_deleted() {
    let project = recorded();
    for (text, shown) in [
        ("42", "42"),
        ("-1.5", "-1.5"),
        ("\"text\"", "\"text\""),
        ("{\"a\": [1, null]}", "{ a: [1, null] }"),
        ("new Map([['a', 1n]])", "new Map([[\"a\", 1n]])"),
        ("new Date('2026-01-31')", "new Date(\"2026-01-31T00:00:00.000Z\")"),
        ("undefined", "undefined"),
        ("new Uint8Array([1, 2])", "Uint8Array.fromHex(\"0102\")"),
    ] {
        done(&project, &["state", "put", LOBBY, "value", text]);
        assert_eq!(done(&project, &["state", "get", LOBBY, "value"]), format!("{shown}\n"));
    }
    // The same value gives the same bytes as the real tool's.
    let recorded = run_json(&project, &["state", "get", LOBBY, "user"], 0)["v8"].clone();
    let user = "{ name: 'Ada', since: new Date('2026-01-31T12:00:00Z'), tags: new Set(['a', 'b']) }";
    done(&project, &["state", "put", LOBBY, "copy", user]);
    assert_eq!(run_json(&project, &["state", "get", LOBBY, "copy"], 0)["v8"], recorded);

    let deleted = run_json(&project, &["state", "delete", LOBBY, "copy", "value"], 0);
    assert_eq!(deleted["deleted"], json!(["copy", "value"]));
    assert_eq!(run_json(&project, &["state", "get", LOBBY], 0)["keys_total"], 6);

    done(&project, &["state", "put", "Room:cellar", "count", "5", "--create"]);
    assert_eq!(done(&project, &["state", "get", "Room:cellar", "count"]), "5\n");
    assert!(done(&project, &["state", "list", "Room"]).contains("cellar"));
}

#[test]
fn sql_changes_follow_the_rules_of_the_platform() {
    let project = recorded();
    let sql = |text: &str| run(&project, &["state", "sql", LOBBY, text]);
    // A row, its index entry and the sequence.
    let inserted = sql("INSERT INTO messages (text) VALUES ('new') RETURNING id");
    inserted.expect(0, "id\n 3\n(1 row)\n3 rows written\n");
    sql("DELETE FROM _cf_KV").expect(1, "").expect_errors(&["not authorized: SQLITE_AUTH"]);
    // All or nothing.
    sql("DELETE FROM messages; INSERT INTO nowhere VALUES (1)")
        .expect(1, "")
        .expect_errors(&["no such table: nowhere"]);
    sql("SELECT count(*) AS n FROM messages").expect(0, "n\n3\n(1 row)\n");
}

#[test]
fn an_export_gives_the_same_state_again() {
    let project = recorded();
    done(&project, &["state", "snapshot", "save", "before"]);
    done(&project, &["state", "export", "--out", "all.jsonl"]);
    let lines = project.read("all.jsonl");

    let refused = run(&project, &["state", "import", "all.jsonl"]);
    refused.expect(1, "").expect_errors(&["is stored already", "--replace"]);
    done(&project, &["state", "reset", "--yes"]);
    assert_eq!(run_json(&project, &["state", "list"], 3)["namespaces"], json!([]));
    done(&project, &["state", "import", "all.jsonl"]);
    assert_eq!(done(&project, &["state", "export"]), lines);
    assert!(done(&project, &["state", "diff", "before"]).contains("Nothing differs"));
    let found = done(&project, &["state", "sql", LOBBY, "SELECT body FROM words WHERE words MATCH 'two'"]);
    assert!(found.contains("one two three"), "{found}");
    assert!(done(&project, &["alarm", "list"]).contains(LOBBY));

    // Into another Worker ids are others, names stay.
    done(&project, &["state", "import", "all.jsonl", "--worker", "staging"]);
    assert_eq!(done(&project, &["state", "get", "staging-Room:lobby", "count"]), "7\n");
    let ran = run(&project, &["state", "get", LOBBY, "count"]);
    ran.expect(1, "").expect_errors(&["recorded-Room", "staging-Room"]);

    project.write("hand.jsonl", "{\"object\":\"x\",\"version\":1,\"worker\":\"w\",\"class\":\"C\",\"name\":\"n\"}\n{\"key\":\"a\",\"value\":{\"b\":1}}\n");
    done(&project, &["state", "import", "hand.jsonl"]);
    assert_eq!(done(&project, &["state", "get", "C:n", "a"]), "{ b: 1 }\n");
    project.write(
        "wrong.jsonl",
        "{\"object\":\"x\",\"version\":1,\"worker\":\"../w\",\"class\":\"C\",\"name\":\"n\"}\n",
    );
    run(&project, &["state", "import", "wrong.jsonl"]).expect(1, "").expect_errors(&["line 1"]);
}

#[test]
fn snapshots_keep_what_was_and_diff_tells_what_changed() {
    let project = recorded();
    done(&project, &["state", "snapshot", "save", "before"]);
    done(&project, &["state", "put", LOBBY, "count", "8"]);
    done(&project, &["state", "delete", LOBBY, "topic"]);
    done(&project, &["state", "sql", LOBBY, "UPDATE messages SET text = 'bye' WHERE id = 1"]);
    done(&project, &["state", "rm", "Room:kitchen", "--yes"]);
    done(&project, &["alarm", "cancel", LOBBY]);

    let ran = run(&project, &["state", "diff", "before"]);
    let expected = "\
Room:kitchen  removed
  - count: 1

Room:lobby
  - alarm 2099-01-01T00:00:00.000Z
  - count: 7
  + count: 8
  - topic: \"news\"
  table messages
  - id=1 text=hello at=1.5 raw=x'00ff'
  + id=1 text=bye at=1.5 raw=x'00ff'
";
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    let mut parts: Vec<_> = ran.stdout.split_inclusive("\n\n").map(str::trim_end).collect();
    parts.sort_unstable();
    let mut wanted: Vec<_> = expected.split_inclusive("\n\n").map(str::trim_end).collect();
    wanted.sort_unstable();
    assert_eq!(parts, wanted);
    assert_eq!(run(&project, &["state", "diff", "before", "live", "--only", "Old"]).code, Some(0));
    let found = run_json(&project, &["state", "diff", "before"], 3);
    assert_eq!(found["objects"].as_array().map(Vec::len), Some(2));

    run(&project, &["state", "snapshot", "save", "before"]).expect(1, "").expect_errors(&["--replace"]);
    let listed = run_json(&project, &["state", "snapshot", "list"], 0);
    assert_eq!(
        (&listed["snapshots"][0]["name"], &listed["snapshots"][0]["objects"]),
        (&json!("before"), &json!(4))
    );
    done(&project, &["state", "snapshot", "load", "before", "--yes"]);
    assert!(done(&project, &["state", "diff", "before"]).contains("Nothing differs"));
    assert_eq!(done(&project, &["state", "get", "Room:kitchen", "count"]), "1\n");
    done(&project, &["state", "snapshot", "rm", "before"]);
    run(&project, &["state", "snapshot", "list"]).expect(3, "").expect_errors(&["there are no snapshots"]);
}

#[test]
fn a_live_server_is_read_without_a_trace_and_changed_through_itself() {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 1");
    let before = files(&project.state_dir());
    let noted: Value =
        serde_json::from_slice(&before[&project.state_dir().join("v3/dodev/server.json")]).expect("JSON");
    assert_eq!(noted["url"], format!("http://127.0.0.1:{}", server.port()));

    assert_eq!(done(&project, &["state", "get", "Counter:global", "count"]), "1\n");
    done(&project, &["state", "list"]);
    let view = done(&project, &["state", "inspect", "Counter:global"]);
    assert!(view.contains(&format!("runs (pid {})", noted["pid"])), "{view}");
    done(&project, &["state", "sql", "Counter:global", "SELECT 1"]);
    done(&project, &["state", "export"]);
    assert_eq!(files(&project.state_dir()), before, "reading changed or made a file");

    done(&project, &["state", "snapshot", "save", "live-copy"]);
    // Changes go through the server: its cache and its gates hold.
    done(&project, &["state", "put", "Counter:global", "count", "10"]);
    assert_eq!(server.get("/").text(), "Count: 11");
    assert_eq!(done(&project, &["state", "get", "Counter:global", "count"]), "11\n");
    let sql = "CREATE TABLE t (a); INSERT INTO t VALUES (1)";
    assert_eq!(run_json(&project, &["state", "sql", "Counter:global", sql], 0)["rows_written"], 1);
    assert_eq!(done(&project, &["state", "sql", "Counter:global", "SELECT a FROM t"]), "a\n1\n(1 row)\n");
    let wrong = run(&project, &["state", "sql", "Counter:global", "INSERT INTO u VALUES (1)"]);
    wrong.expect(1, "").expect_errors(&["no such table: u"]);
    done(&project, &["state", "delete", "Counter:global", "count"]);
    assert_eq!(server.get("/").text(), "Count: 1");
    assert_eq!(run_json(&project, &["state", "inspect", "Counter:global"], 0)["live"]["state"], "awake");
    let list = run_json(&project, &["state", "list"], 0);
    assert_eq!(list["namespaces"][0]["objects"][0]["live"]["state"], "awake");
    assert!(done(&project, &["state", "list"]).contains("awake"));
    // Keys that no path can hold.
    for key in [".", "..", "a/b ü?#%"] {
        done(&project, &["state", "put", "Counter:global", key, "1"]);
        assert_eq!(done(&project, &["state", "get", "Counter:global", key]), "1\n");
        done(&project, &["state", "delete", "Counter:global", key]);
    }
    assert_eq!(server.get("/").text(), "Count: 2");
    server.stop();
    assert!(!project.state_dir().join("v3/dodev/server.json").exists());

    done(&project, &["state", "put", "Counter:global", "count", "41"]);
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 42");
    drop(server);
    done(&project, &["state", "snapshot", "load", "live-copy", "--yes"]);
    assert_eq!(done(&project, &["state", "get", "Counter:global", "count"]), "1\n");
}

#[test]
fn state_is_found_beside_the_configuration() {
    let project = TestProject::from_fixture("counter");
    copy_tree(&repository().join("fixtures/wrangler-state/state"), &project.dir().join(".wrangler/state"));
    fs::create_dir(project.dir().join("deep")).expect("ours");
    for words in [
        &["state", "list"][..],
        &["state", "list", "--cwd", "deep"],
        &["state", "list", "-c", "wrangler.jsonc"],
    ] {
        let ran = Ran::dodev(&project, words);
        assert_eq!(ran.code, Some(0), "{words:?}: {}", ran.stderr);
        assert!(ran.stdout.contains("lobby"), "{}", ran.stdout);
    }
}

#[test]
fn who_stands_above_several_projects_is_told_their_configurations() {
    let project = TestProject::with_files(&[("apps/a/wrangler.jsonc", "{}"), ("apps/b/wrangler.toml", "")]);
    let ran = Ran::dodev(&project, &["state", "list"]);
    let names = ["--config", "apps/a/wrangler.jsonc", "apps/b/wrangler.toml"];
    ran.expect(1, "").expect_errors(&["there is no state in"]).expect_errors(&names);
    let ran = Ran::dodev(&project, &["state", "list", "-c", "apps/c/wrangler.json"]);
    ran.expect(1, "").expect_errors(&["there is no `", "apps/c/wrangler.json`"]);
}

#[test]
fn shells_complete_names_of_objects() {
    let project = recorded();
    copy_tree(&project.state_dir(), &project.dir().join(".wrangler/state"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = done_plain(&project, &["completions", shell]);
        assert!(script.contains("COMPLETE"), "{script}");
    }
    let complete = |word: &str| {
        let mut command = std::process::Command::new(BINARY);
        command.args(["--", "dodev", "state", "get", word]).current_dir(project.dir());
        command.env("COMPLETE", "fish");
        let output = command.output().expect("the binary can be started");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(complete("Ro"), ["Room", "Room:"]);
    assert_eq!(complete("Room:l"), [LOBBY]);
    assert!(complete("Nothing:").is_empty());
}

fn done_plain(project: &TestProject, words: &[&str]) -> String {
    let ran = Ran::dodev(project, words);
    assert_eq!(ran.code, Some(0), "{words:?}: {}", ran.stderr);
    ran.stdout
}

const SLEEPY: &[(&str, &str)] = &[
    (
        "wrangler.jsonc",
        r#"{
          "name": "sleepy", "main": "index.js", "compatibility_date": "2026-11-01",
          "durable_objects": { "bindings": [{ "name": "BED", "class_name": "Bed" }] },
          "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Bed"] }]
        }"#,
    ),
    (
        "index.js",
        r#"
        import { DurableObject } from "cloudflare:workers";
        export class Bed extends DurableObject {
          lie() {}
          async wind() { await this.ctx.storage.setAlarm(Date.now() + 3_600_000); }
          async alarm() { await this.ctx.storage.put("rang", true); }
        }
        export default {
          async fetch(request, env) {
            await env.BED.getByName("big")[new URL(request.url).pathname.slice(1)]();
            return new Response("ok");
          },
        };
        "#,
    ),
];

#[test]
fn a_live_server_tells_what_only_it_knows_and_runs_alarms() {
    let project = TestProject::with_files(SLEEPY);
    let server = project.start();
    let state = project.state_dir().to_string_lossy().into_owned();
    let args = ["state", "tail", "Bed:big", "--persist-to", &state].map(str::to_owned);
    let tail = Process::spawn(BINARY.as_ref(), &args, &project.dir()).expect("the binary can be started");
    // The first event is about nobody: without it, one cannot tell when the tail listens.
    let all = ["state", "tail", "--persist-to", &state].map(str::to_owned);
    let all = Process::spawn(BINARY.as_ref(), &all, &project.dir()).expect("the binary can be started");
    let soon = || Deadline::after(Duration::from_secs(10));
    all.wait_line(0, "hello", soon()).expect("an event");

    assert_eq!(server.get("/lie").text(), "ok");
    all.wait_line(0, "wake Bed:big", soon()).expect("an event");
    let text = done(&project, &["state", "list"]);
    assert!(text.contains("never") && text.contains("awake"), "{text}");
    let text = done(&project, &["state", "inspect", "Bed:big"]);
    assert!(text.starts_with("Bed:big") && text.contains("Nothing is stored in it"), "{text}");
    run(&project, &["state", "put", "Bed:big", "a", "1"]).expect(3, "").expect_errors(&["--create"]);
    done(&project, &["state", "put", "Bed:big", "a", "1", "--create"]);
    assert_eq!(done(&project, &["state", "get", "Bed:big", "a"]), "1\n");

    assert_eq!(server.get("/wind").text(), "ok");
    assert!(done(&project, &["alarm", "list"]).contains("Bed:big"));
    let ran = run_json(&project, &["alarm", "run", "Bed:big"], 0);
    assert_eq!((&ran["ran"], &ran["outcome"]), (&json!(true), &json!("done")));
    assert_eq!(done(&project, &["state", "get", "Bed:big", "rang"]), "true\n");
    assert_eq!(server.get("/wind").text(), "ok");
    done(&project, &["alarm", "cancel", "Bed:big"]);
    assert_eq!(run_json(&project, &["alarm", "list"], 3)["alarms"], json!([]));
    tail.wait_line(0, "commit Bed:big", soon()).expect("an event");
    assert!(!tail.output().contains("hello"), "{}", tail.output());
    server.stop();
    assert_eq!(
        all.wait_exit(soon()).and_then(|status| status.code()),
        Some(0),
        "a tail ends with its server"
    );
}
