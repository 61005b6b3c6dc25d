//! `dodev check`: what it finds, how it tells it, and how it ends.

use serde_json::Value;

use crate::cli::Ran;
use crate::project::TestProject;

const CONFIG: &str = r#"{ "name": "t", "main": "src/i.ts", "compatibility_date": "2026-01-01",
  "durable_objects": { "bindings": [{ "name": "C", "class_name": "C" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["C"] }] }"#;

const CODE: &str = r#"import { DurableObject } from "cloudflare:workers";
import { begin } from "./sql";
export class C extends DurableObject {
  webSocketMessage(socket: WebSocket) {
    begin(this.ctx.storage.sql);
  }
}
export default { fetch: () => new Response() };"#;

const SQL: &str = "export const begin = (sql: SqlStorage) => {\n  sql.exec(`\n    BEGIN`);\n};";

/// `CODE` with a class that answers clients that go.
fn answering() -> String {
    CODE.replacen("  }\n}", "  }\n  webSocketClose(socket: WebSocket) {\n    socket.close();\n  }\n}", 1)
}

fn project() -> TestProject {
    TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("src/i.ts", CODE), ("src/sql.ts", SQL)])
}

#[test]
fn mistakes_are_found_where_they_stand_and_nothing_is_started() {
    let project = project();
    let ran = Ran::dodev(&project, &["check"]);
    ran.expect(1, "t: 1 error, 1 warning in 2 files; 1 migration to apply\n");
    ran.expect_errors(&["src/sql.ts:3:5", "check/sql-transaction", "src/i.ts:4:3", "check/unanswered-close"]);
    let ran = Ran::dodev(&project, &["check", "--format", "github"]);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!((ran.code, lines.len()), (Some(1), 2), "{}", ran.stdout);
    let error = "::error file=src/sql.ts,line=3,endLine=3,col=5,endColumn=10,title=check/sql-transaction::";
    assert!(lines.iter().any(|line| line.starts_with(error)), "{}", ran.stdout);
    assert!(!project.dir().join(".wrangler/state").exists(), "state is only looked at");
}

#[test]
fn a_sound_project_passes_and_json_says_so() {
    let project = project();
    project.write("src/sql.ts", "export const begin = (sql: SqlStorage) => void sql.exec('SELECT 1');");
    project.write("src/i.ts", &answering());
    let ran = Ran::dodev(&project, &["check", "--json"]);
    let found: Value = serde_json::from_str(&ran.stdout).expect("one object");
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    assert_eq!((&found["version"], &found["ok"], &found["files"]), (&1.into(), &true.into(), &2.into()));
    assert_eq!(found["diagnostics"], Value::Array(Vec::new()));
    Ran::dodev(&project, &["check"]).expect(0, "t: nothing wrong in 2 files; 1 migration to apply\n");
}

#[test]
fn configuration_bundle_exports_and_migrations_are_judged() {
    let project = project();
    let codes = |project: &TestProject| {
        let ran = Ran::dodev(project, &["check", "--json"]);
        assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
        let found: Value = serde_json::from_str(&ran.stdout).expect("one object");
        let list = found["diagnostics"].as_array().expect("a list").clone();
        list.iter().map(|one| one["code"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    project.write("src/sql.ts", "export const begin = (");
    assert!(codes(&project).contains(&"bundle/syntax".to_owned()));
    project.write("src/sql.ts", "export const begin = () => {};");
    project.write("src/i.ts", "export default { fetch: () => new Response() };");
    assert!(codes(&project).contains(&"config/unknown-class".to_owned()));
    project.write("src/i.ts", CODE);
    project.write("wrangler.jsonc", &CONFIG.replace(r#""new_sqlite_classes""#, r#""deleted_classes""#));
    assert!(codes(&project).contains(&"config/no-migration".to_owned()));
    project.write("wrangler.jsonc", r#"{ "name": 7 }"#);
    assert!(codes(&project).iter().all(|code| code.starts_with("config/")));
    let ran = Ran::dodev(&project, &["check", "--format", "xml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}

#[test]
fn literals_beyond_limits_are_told_in_every_format() {
    let project = project();
    let long = "k".repeat(2_049);
    project
        .write("src/sql.ts", &format!("export const begin = (storage) => {{\n  storage.get('{long}');\n}};"));
    project.write("src/i.ts", &answering());
    let ran = Ran::dodev(&project, &["check", "--format", "github"]);
    let expected = "::error file=src/sql.ts,line=2,endLine=2,col=15,endColumn=2066,title=check/key::a key of 2049 bytes, of at most 2048";
    assert!(ran.code == Some(1) && ran.stdout.starts_with(expected), "{}", ran.stdout);
    let ran = Ran::dodev(&project, &["check", "--json"]);
    let found: Value = serde_json::from_str(&ran.stdout).expect("one object");
    assert_eq!((&found["errors"], &found["diagnostics"][0]["code"]), (&1.into(), &"check/key".into()));
    Ran::dodev(&project, &["check"]).expect(1, "t: 1 error in 2 files; 1 migration to apply\n");
}

#[test]
fn a_build_command_makes_what_is_looked_at() {
    let project = project();
    project.write("src/i.ts", &answering());
    let built =
        CONFIG.replacen('{', "{ \"build\": { \"command\": \"echo building; cp new.ts src/sql.ts\" },", 1);
    project.write("wrangler.jsonc", &built);
    project.write("new.ts", "export const begin = () => {};");
    let ran = Ran::dodev(&project, &["check", "--no-build"]);
    ran.expect(1, "t: 1 error, 1 hint in 2 files; 1 migration to apply\n")
        .expect_errors(&["cp new.ts src/sql.ts` is not run", "check/sql-transaction"]);
    let ran = Ran::dodev(&project, &["check", "--json"]);
    let found: Value = serde_json::from_str(&ran.stdout).expect("one object");
    assert_eq!((ran.code, &found["ok"]), (Some(0), &true.into()), "{}", ran.stdout);
    assert!(ran.stderr.contains("building"), "{}", ran.stderr);
    project.write("wrangler.jsonc", &built.replace("cp new.ts src/sql.ts", "exit 3"));
    let ran = Ran::dodev(&project, &["check"]);
    ran.expect(1, "t: 1 error in 0 files\n").expect_errors(&[
        "building",
        "`build.command` failed",
        "ended with exit code 3",
    ]);
}
