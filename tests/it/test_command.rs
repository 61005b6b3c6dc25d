//! `dodev test`: a server around a command.

use std::fs;

use crate::cli::Ran;
use crate::project::TestProject;

const CONFIG: &str = r#"{ "name": "t", "main": "i.js", "compatibility_date": "2026-01-01",
  "durable_objects": { "bindings": [{ "name": "C", "class_name": "C" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["C"] }] }"#;

const CODE: &str = r#"import { DurableObject } from "cloudflare:workers";
export class C extends DurableObject {
  async count() {
    const n = ((await this.ctx.storage.get("n")) ?? 0) + 1;
    await this.ctx.storage.put("n", n);
    return n;
  }
}
export default {
  async fetch(request, env) {
    console.log("was asked");
    return new Response(`n=${await env.C.getByName("a").count()}`);
  },
};"#;

fn project() -> TestProject {
    TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("i.js", CODE)])
}

/// A shell's own HTTP: `dodev test` runs where neither curl nor Node can be counted on.
const ASK: &str = r#"
authority=${DODEV_URL#http://}
exec 3<>"/dev/tcp/${authority%:*}/${authority##*:}"
printf 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n' >&3
tail -n 1 <&3; echo"#;

#[test]
fn the_command_finds_a_server_with_fresh_state() {
    let project = project();
    for _ in 0..2 {
        Ran::dodev(&project, &["test", "--", "bash", "-c", ASK]).expect(0, "n=1\n");
    }
    assert!(!project.dir().join(".wrangler/state").exists(), "the project's own state is left alone");
}

#[test]
fn the_exit_code_is_the_commands_and_a_failure_shows_the_log() {
    let project = project();
    let failing = format!("{ASK}\nexit 7");
    let ran = Ran::dodev(&project, &["test", "--", "bash", "-c", &failing]);
    ran.expect(7, "n=1\n").expect_errors(&["was asked", "The server's log: "]);
    let killed = Ran::dodev(&project, &["test", "--", "bash", "-c", "kill -TERM $$"]);
    assert_eq!(killed.code, Some(128 + 15), "{}", killed.stderr);
    let ran = Ran::dodev(&project, &["test", "--", "no-such-program-anywhere"]);
    ran.expect(1, "").expect_errors(&["cannot run `no-such-program-anywhere`"]);
}

#[test]
fn a_project_that_does_not_start_is_shown_and_the_command_not_run() {
    let project = project();
    project.write("i.js", "export default {");
    let ran = Ran::dodev(&project, &["test", "--", "echo", "ran"]);
    ran.expect(1, "").expect_errors(&["i.js:1"]);
    project.write("wrangler.jsonc", r#"{ "name": 7 }"#);
    let ran = Ran::dodev(&project, &["test", "--", "echo", "ran"]);
    ran.expect(1, "").expect_errors(&["wrangler.jsonc:1"]);
    let ran = Ran::dodev(&project, &["test"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
}

#[test]
fn state_is_kept_or_copied_on_request() {
    let project = project();
    let state = project.state_dir();
    let state = state.to_str().expect("plain text");
    Ran::dodev(&project, &["test", "--persist-to", state, "--", "bash", "-c", ASK]).expect(0, "n=1\n");
    for _ in 0..2 {
        let args = ["test", "--state", state, "--", "bash", "-c", ASK];
        Ran::dodev(&project, &args).expect(0, "n=2\n");
    }
    let ran = Ran::dodev(&project, &["test", "--keep", "--", "bash", "-c", ASK]);
    let kept = ran.stderr.lines().find_map(|line| line.strip_prefix("State is kept in "));
    let kept = kept.expect("it says where");
    assert!(fs::exists(format!("{kept}/v3/do/t-C")).expect("readable"));
    fs::remove_dir_all(kept).expect("it was kept for us");
}

#[test]
fn the_command_may_use_the_control_surface() {
    let project = project();
    // A change without the token needs `content-type: application/json`; with a wrong one it is refused.
    let ask = r#"
authority=${DODEV_URL#http://}
for token in "$DODEV_TOKEN" wrong; do
  exec 3<>"/dev/tcp/${authority%:*}/${authority##*:}"
  printf 'POST /cdn-cgi/dodev/hibernate HTTP/1.1\r\nhost: %s\r\nauthorization: Bearer %s\r\nconnection: close\r\n\r\n' \
    "$authority" "$token" >&3
  head -n 1 <&3 | cut -d ' ' -f 2
done"#;
    Ran::dodev(&project, &["test", "--", "bash", "-c", ask]).expect(0, "200\n401\n");
}

#[test]
fn state_comes_from_a_snapshot_or_a_seed() {
    let project = project();
    let own = project.dir().join(".wrangler/state");
    let own = own.to_str().expect("plain text");
    Ran::dodev(&project, &["test", "--persist-to", own, "--", "bash", "-c", ASK]).expect(0, "n=1\n");
    assert_eq!(Ran::dodev(&project, &["state", "snapshot", "save", "one"]).code, Some(0));
    assert_eq!(Ran::dodev(&project, &["state", "export", "--out", "one.jsonl"]).code, Some(0));
    Ran::dodev(&project, &["test", "--persist-to", own, "--", "bash", "-c", ASK]).expect(0, "n=2\n");
    for from in [["--state", "one"], ["--seed", "one.jsonl"]] {
        let args = ["test", from[0], from[1], "--", "bash", "-c", ASK];
        Ran::dodev(&project, &args).expect(0, "n=2\n");
    }
    // Another environment is another Worker; the objects are its own all the same.
    let config = CONFIG.replacen("\"main\"", "\"env\": { \"x\": { \"durable_objects\": { \"bindings\": [{ \"name\": \"C\", \"class_name\": \"C\" }] } } }, \"main\"", 1);
    project.write("wrangler.jsonc", &config);
    let args = ["test", "-e", "x", "--seed", "one.jsonl", "--", "bash", "-c", ASK];
    Ran::dodev(&project, &args).expect(0, "n=2\n");
    let ran = Ran::dodev(&project, &["test", "--state", "oen", "--", "echo", "ran"]);
    ran.expect(1, "").expect_errors(&["`oen` is no directory and no snapshot"]);
    project.write("other.jsonl", &project.read("one.jsonl").replace("\"class\":\"C\"", "\"class\":\"D\""));
    let ran = Ran::dodev(&project, &["test", "--seed", "other.jsonl", "--", "echo", "ran"]);
    ran.expect(1, "").expect_errors(&["has an object of `D`, which is no class of this Worker"]);
    let ran = Ran::dodev(&project, &["test", "--seed", "i.js", "--", "echo", "ran"]);
    ran.expect(1, "").expect_errors(&["cannot take objects from", "i.js"]);
}
