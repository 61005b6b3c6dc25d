//! Histories from the command line: `dodev state log`, `restore` and points in `diff`, and what other commands and migrations
//! leave in them.

use std::fs;

use serde_json::{Value, json};

use crate::project::TestProject;
use crate::state::{done, run, run_json};

const GLOBAL: &str = "Counter:global";

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
          async make() { await this.ctx.storage.put("made", true); }
          async wind() { await this.ctx.storage.setAlarm(Date.now() + 3_600_000); }
          async burn() { await this.ctx.storage.deleteAll(); }
          alarm() {}
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

/// The points of `object`, the newest first.
fn log(project: &TestProject, object: &str) -> Vec<Value> {
    let log = run_json(project, &["state", "log", object], 0);
    log["points"].as_array().expect("points").clone()
}

/// Their causes: kind and detail.
fn causes(points: &[Value]) -> Vec<String> {
    let text = |point: &Value, member: &str| point["cause"][member].as_str().expect("a text").to_owned();
    points.iter().map(|point| format!("{} {}", text(point, "kind"), text(point, "detail"))).collect()
}

fn bookmark(point: &Value) -> &str {
    point["bookmark"].as_str().expect("a text")
}

fn count(project: &TestProject) -> String {
    done(project, &["state", "get", GLOBAL, "count"])
}

/// The fixture `counter`, whose object counted to `times`.
fn counted(times: usize) -> TestProject {
    let project = TestProject::from_fixture("counter");
    let server = project.start();
    for number in 1..=times {
        assert_eq!(server.get("/").text(), format!("Count: {number}"));
    }
    server.stop();
    project
}

#[test]
fn points_are_listed_compared_and_brought_back() {
    let project = counted(2);
    done(&project, &["state", "put", GLOBAL, "count", "41"]);
    done(&project, &["state", "sql", GLOBAL, "CREATE TABLE t (a); INSERT INTO t VALUES (1)"]);
    done(&project, &["state", "put", GLOBAL, "more", "1"]);
    done(&project, &["state", "delete", GLOBAL, "more"]);
    let points = log(&project, GLOBAL);
    let all = causes(&points);
    let commands = [
        "command delete more",
        "command put more",
        "command sql CREATE TABLE t (a); INSERT INTO t VALUES (1)",
    ];
    assert_eq!(all[..3], commands, "{all:?}");
    assert_eq!(all[3], "command put count");
    assert_eq!(all.last().map(String::as_str), Some("created "));
    assert!(points[0]["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{}", points[0]);
    assert!(bookmark(&points[0]) > bookmark(&points[1]));
    let few = run_json(&project, &["state", "log", GLOBAL, "--limit", "1"], 0);
    assert_eq!((few["points"].as_array().map(Vec::len), &few["points_total"]), (Some(1), &json!(all.len())));
    let text = done(&project, &["state", "log", GLOBAL, "--limit", "1"]);
    let short = &bookmark(&points[0])[..17];
    assert!(text.contains(short) && text.contains("delete more") && text.contains("--limit"), "{text}");

    let second = format!("{GLOBAL}@{}", bookmark(&points[4]));
    let found = run_json(&project, &["state", "diff", &second], 3);
    let key = &found["objects"][0]["keys"][0];
    assert_eq!((&key["from"]["value"], &key["to"]["value"]), (&json!(2), &json!(41)));
    assert_eq!(found["objects"][0]["tables"][0]["name"], "t");
    let between = format!("{GLOBAL}@{}", &bookmark(&points[3])[..17]);
    let found = run_json(&project, &["state", "diff", &second, &between], 3);
    assert_eq!(found["objects"][0]["tables"], json!([]));
    done(&project, &["state", "diff", &format!("{GLOBAL}@{short}"), GLOBAL]);
    run(&project, &["state", "diff", &second, "--only", "Counter"]).expect(1, "").expect_errors(&["--only"]);

    run(&project, &["state", "restore", &second]).expect(1, "").expect_errors(&["--yes"]);
    let restored = run_json(&project, &["state", "restore", &second, "--yes"], 0);
    assert_eq!(restored["point"]["bookmark"], points[4]["bookmark"]);
    assert_eq!(count(&project), "2\n");
    let points = log(&project, GLOBAL);
    assert_eq!(points[0]["cause"]["kind"], "restore");
    let text = done(&project, &["state", "log", GLOBAL, "--limit", "1"]);
    assert!(text.contains(&format!("restore {}  ", &bookmark(&points[1 + 4])[..17])), "{text}");
    let undo = format!("{GLOBAL}@{}", restored["undo"].as_str().expect("a bookmark"));
    let text = done(&project, &["state", "restore", &undo, "-y"]);
    assert!(text.contains("command delete more") && text.contains("Undo with"), "{text}");
    assert_eq!(count(&project), "41\n");

    // What a server does then goes on from there.
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 42");
    done(&project, &["state", "restore", &second, "--yes"]);
    assert_eq!(server.get("/").text(), "Count: 3");
    assert!(log(&project, GLOBAL).len() > points.len(), "a live history is read");
    server.stop();
    assert_eq!(
        log(&project, GLOBAL).iter().filter(|point| point["cause"]["kind"] == "another process").count(),
        0
    );
}

#[test]
fn who_names_no_point_is_told_what_to_do() {
    let project = counted(1);
    let far = format!("{GLOBAL}@2099-01-01T00:00Z");
    let old = format!("{GLOBAL}@-20d");
    let foreign = format!("{GLOBAL}@00000000-00000000-00000000-00000000000000000000000000000001");
    for (words, code, message) in [
        (&["state", "log", "Counter:golbal"][..], 3, "did you mean `Counter:global`?"),
        (&["state", "restore", GLOBAL, "-y"], 1, "OBJECT@POINT"),
        (&["state", "restore", "Counter:global@yesterday", "-y"], 1, "OBJECT@POINT"),
        (&["state", "restore", &far, "-y"], 1, "in the future"),
        (&["state", "restore", &old, "-y"], 3, "begins after the given time"),
        (&["state", "restore", &foreign, "-y"], 3, "does not belong to this object"),
        (&["state", "diff", &foreign], 3, "dodev state log Counter:global"),
    ] {
        run(&project, words).expect(code, "").expect_errors(&[message]);
    }
    fs::remove_dir_all(project.state_dir().join("v3/dodev/history")).expect("it was kept");
    run(&project, &["state", "log", GLOBAL]).expect(3, "").expect_errors(&["has no history", "--no-history"]);
}

#[test]
fn an_alarm_comes_and_goes_with_the_state_it_belongs_to() {
    let project = TestProject::with_files(SLEEPY);
    let server = project.start();
    for step in ["/make", "/wind", "/burn"] {
        assert_eq!(server.get(step).text(), "ok");
    }
    server.stop();
    let points = log(&project, "Bed:big");
    let [burnt, wound, made] = &points[..3] else { panic!("{points:?}") };
    assert_eq!((&burnt["cause"]["kind"], &burnt["size_bytes"]), (&json!("deleteAll"), &json!(0)));
    let back = |point: &Value| {
        done(&project, &["state", "restore", &format!("Bed:big@{}", bookmark(point)), "--yes"]);
        run(&project, &["alarm", "list"]).code
    };
    // The object is gone, and only its history knows of it.
    assert_eq!(back(wound), Some(0));
    assert_eq!(done(&project, &["state", "get", "Bed:big", "made"]), "true\n");
    done(&project, &["alarm", "cancel", "Bed:big"]);
    assert_eq!(causes(&log(&project, "Bed:big"))[0], "command alarm cancel");
    assert_eq!(back(wound), Some(0));
    assert_eq!(back(made), Some(3));
    assert_eq!(back(burnt), Some(3));
    assert_eq!(run_json(&project, &["state", "get", "Bed:big"], 3)["keys_total"], 0);
}

#[test]
fn replaced_files_are_points_and_removed_ones_are_forgotten() {
    let project = counted(1);
    done(&project, &["state", "put", GLOBAL, "count", "10"]);
    done(&project, &["state", "snapshot", "save", "ten"]);
    let exported = project.dir().join("ten.jsonl").to_string_lossy().into_owned();
    done(&project, &["state", "export", "--out", &exported]);
    done(&project, &["state", "put", GLOBAL, "count", "20"]);
    done(&project, &["state", "put", "Counter:other", "count", "1", "--create"]);
    let twenty = format!("{GLOBAL}@{}", bookmark(&log(&project, GLOBAL)[0]));

    done(&project, &["state", "snapshot", "load", "ten", "--yes"]);
    assert_eq!(count(&project), "10\n");
    let all = causes(&log(&project, GLOBAL));
    assert_eq!(all[..3], ["command snapshot load ten", "command put count", "command put count"]);
    // What the snapshot did not have is gone, and can be had again.
    let other = log(&project, "Counter:other");
    assert_eq!(causes(&other)[0], "command snapshot load ten");
    done(&project, &["state", "restore", &format!("Counter:other@{}", bookmark(&other[1])), "--yes"]);
    assert_eq!(done(&project, &["state", "get", "Counter:other", "count"]), "1\n");
    done(&project, &["state", "restore", &twenty, "--yes"]);
    assert_eq!(count(&project), "20\n");

    done(&project, &["state", "import", &exported, "--replace"]);
    assert_eq!(count(&project), "10\n");
    assert_eq!(causes(&log(&project, GLOBAL))[0], "command import");
    done(&project, &["state", "restore", &twenty, "--yes"]);
    assert_eq!(count(&project), "20\n");
    done(&project, &["state", "put", GLOBAL, "count", "21"]);
    assert!(!causes(&log(&project, GLOBAL)).iter().any(|cause| cause.starts_with("another")));

    done(&project, &["state", "rm", GLOBAL, "--yes"]);
    run(&project, &["state", "log", GLOBAL]).expect(3, "").expect_errors(&["no object `global`"]);
    done(&project, &["state", "import", &exported]);
    assert_eq!(causes(&log(&project, GLOBAL)), ["command import"], "nothing of the one before");
    run(&project, &["state", "restore", &twenty, "--yes"]).expect(3, "").expect_errors(&["does not belong"]);
    done(&project, &["state", "reset", "--yes"]);
    assert!(!project.state_dir().join("v3/dodev/history/counter-worker-Counter").exists());
}

#[test]
fn a_snapshot_of_a_running_server_is_told_from_what_came_later_in_the_same_log() {
    let project = counted(1);
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 2");
    done(&project, &["state", "snapshot", "save", "two"]);
    assert_eq!(server.get("/").text(), "Count: 3");
    server.kill();
    done(&project, &["state", "snapshot", "load", "two", "--yes"]);
    assert_eq!(count(&project), "2\n");
    let points = log(&project, GLOBAL);
    assert_eq!(causes(&points)[0], "command snapshot load two");
    done(&project, &["state", "restore", &format!("{GLOBAL}@{}", bookmark(&points[1])), "--yes"]);
    assert_eq!(count(&project), "3\n", "the commits of a process that ended abruptly are in the history");
}

#[test]
fn a_migration_is_a_point_and_ids_from_before_it_stay_addresses() {
    let project = counted(2);
    let state = project.state_dir();
    let id = run_json(&project, &["state", "inspect", GLOBAL], 0)["id"].as_str().expect("an id").to_owned();
    let first = log(&project, GLOBAL)[1].clone();
    project.edit("src/index.ts", "export { Counter }", "export { Counter as Tally }").expect("as we know it");
    project
        .edit("wrangler.jsonc", r#""class_name": "Counter""#, r#""class_name": "Tally""#)
        .expect("as we know it");
    let v1 = r#"[{ "tag": "v1", "new_sqlite_classes": ["Counter"] }]"#;
    let v2 = r#"[{ "tag": "v1", "new_sqlite_classes": ["Counter"] },
        { "tag": "v2", "renamed_classes": [{ "from": "Counter", "to": "Tally" }] }]"#;
    project.edit("wrangler.jsonc", v1, v2).expect("as we know it");
    done(&project, &["migrate"]);

    let points = log(&project, "Tally:global");
    assert_eq!(causes(&points)[0], "migration counter-worker-Counter to counter-worker-Tally");
    let former = format!("Tally:{id}");
    assert_eq!(done(&project, &["state", "get", &former, "count"]), "2\n");
    let view = run_json(&project, &["state", "inspect", &former], 0);
    assert!(view["name"] == "global" && view["id"] != id.as_str(), "{view}");
    done(&project, &["state", "restore", &format!("{former}@{}", bookmark(&first)), "--yes"]);
    assert_eq!(done(&project, &["state", "get", "Tally:global", "count"]), "1\n");
    let server = project.start();
    assert_eq!(server.get("/").text(), "Count: 2");
    server.stop();

    // A process that ended in the last phase of a migration: the next change finishes it.
    let own = state.join("v3/dodev");
    let ledger: Value =
        serde_json::from_slice(&fs::read(own.join("migrations.json")).expect("a ledger")).expect("JSON");
    let key = "counter-worker-Tally";
    let journal = json!({
        "version": 1, "phase": "place", "ledger": ledger,
        "moves": [{ "from": { "in-use": key }, "to": { "in-use": key }, "keys": null, "ids": [] }],
    });
    let interrupt = || {
        fs::create_dir_all(own.join("moving/0")).expect("ours");
        fs::rename(state.join("v3/do").join(key), own.join("moving/0/do")).expect("it is there");
        fs::write(own.join("journal.json"), journal.to_string()).expect("ours");
    };
    for words in [&["state", "put", "Tally:global", "count", "7"][..], &["alarm", "cancel", "Tally:global"]] {
        interrupt();
        // What it moved would be taken for gone.
        for reading in [&["state", "list"][..], &["state", "get", "Tally:global"], &["alarm", "list"]] {
            run(&project, reading).expect(1, "").expect_errors(&["was interrupted", "`dodev migrate`"]);
            assert_eq!(run_json(&project, reading, 1)["error"]["code"], "migration");
        }
        let ran = run(&project, words);
        assert!(ran.stderr.contains("Finished a migration that was interrupted"), "{}", ran.stderr);
        assert!(!own.join("journal.json").exists() && !own.join("moving").exists());
    }
    assert_eq!(done(&project, &["state", "get", "Tally:global", "count"]), "7\n");
}

#[test]
fn alarms_are_as_far_as_the_servers_clock_says() {
    let project = TestProject::with_files(SLEEPY);
    let server = project.start_with(&["--time", "2040-01-01T00:00:00Z", "--freeze"]);
    assert_eq!(server.get("/wind").text(), "ok");
    for words in [&["alarm", "list"][..], &["state", "list"], &["state", "inspect", "Bed:big"]] {
        let text = done(&project, words);
        assert!(text.contains("in 1 h"), "{words:?}: {text}");
    }
    server.stop();
    let text = done(&project, &["alarm", "list"]);
    assert!(text.contains(" years"), "{text}");
}
