//! The sample project's own tests, with the helper of `packages/dodev-test`, run as a user runs them.
//!
//! They need Node with a WebSocket client (22 or newer) on the path; where it is absent they are left out, and the
//! test says so.

use std::path::Path;
use std::process::Command;

use crate::cli::Ran;
use crate::project::{BINARY, TestProject, copy_tree, repository};

/// The first Node that has `WebSocket`.
const NODE_MAJOR: u32 = 22;

fn node_major() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn sample() -> Option<TestProject> {
    if node_major().is_none_or(|major| major < NODE_MAJOR) {
        eprintln!("skipped: there is no node {NODE_MAJOR} or newer on the path");
        return None;
    }
    let project = TestProject::from_fixture("sample-tests");
    let installed = project.dir().join("node_modules/dodev-test");
    copy_tree(&repository().join("packages/dodev-test"), &installed).expect("the project is ours");
    Some(project)
}

/// Whether all fifteen tests have passed.
fn expect_passed(code: Option<i32>, stdout: &str, stderr: &str) {
    assert_eq!(code, Some(0), "{stdout}\n{stderr}");
    assert!(stdout.contains("# pass 15\n") && stdout.contains("# fail 0\n"), "{stdout}");
}

#[test]
fn the_sample_projects_tests_pass_through_dodev_test() {
    let Some(project) = sample() else { return };
    let ran = Ran::dodev(&project, &["test", "--", "node", "--test", "--test-reporter", "tap"]);
    expect_passed(ran.code, &ran.stdout, &ran.stderr);
}

#[test]
fn the_helper_starts_a_server_where_there_is_none() {
    let Some(project) = sample() else { return };
    let run = |cwd: &Path| {
        let mut command = Command::new("node");
        command.args(["--test", "--test-reporter", "tap"]).current_dir(cwd).env("DODEV_BIN", BINARY);
        let output = command.env_remove("DODEV_URL").output().expect("node runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, stdout, stderr) = run(&project.dir());
    expect_passed(code, &stdout, &stderr);
    project.write("src/index.ts", "export default {");
    let (code, stdout, _) = run(&project.dir());
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.contains("the project does not start") && stdout.contains("src/index.ts:1:"), "{stdout}");
}
