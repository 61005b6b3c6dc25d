//! The sample project's own tests, with the helper of `packages/dodev-test`, run as a user runs them.
//!
//! They need Node, and those of vitest and jest npm and a registry that answers, or npm's cache; where something is absent they are left
//! out, and the test says so.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::cli::Ran;
use crate::project::{BINARY, TestProject, copy_tree, repository};

/// The first Node that the helper supports.
const NODE_MAJOR: u32 = 20;
/// Up to this one, Node's client of WebSockets has to be asked for.
const NODE_MAJOR_ASKED: u32 = 21;

fn node_major() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The sample project with the helper in its packages, and what Node is told; none without Node.
fn sample() -> Option<(TestProject, &'static str)> {
    let major = node_major().filter(|major| *major >= NODE_MAJOR);
    let Some(major) = major else {
        eprintln!("skipped: there is no node {NODE_MAJOR} or newer on the path");
        return None;
    };
    let project = TestProject::from_fixture("sample-tests");
    install_helper(&project);
    Some((project, if major <= NODE_MAJOR_ASKED { "--experimental-websocket" } else { "" }))
}

fn install_helper(project: &TestProject) {
    let installed = project.dir().join("node_modules/dodev-test");
    copy_tree(&repository().join("packages/dodev-test"), &installed).expect("the project is ours");
}

/// Runs `command` in the project by `dodev test`.
fn run_with(project: &TestProject, options: &str, command: &[&str]) -> Ran {
    let node_options = format!("NODE_OPTIONS={options}");
    Ran::dodev(project, &[&["test", "--", "env", &node_options], command].concat())
}

/// Has npm install the packages that the project names, without their scripts; whether it could.
fn install_packages(project: &TestProject) -> bool {
    let file = project.read("package.json");
    // The helper is not published: it is copied.
    let without = file.replace("\"dodev-test\": \"file:../../packages/dodev-test\", ", "");
    assert_ne!(file, without);
    project.write("package.json", &without);
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--prefer-offline",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--fetch-retries=0",
    ]);
    npm.args(["--fetch-timeout=10000"]).current_dir(project.dir()).stdin(Stdio::null());
    let installed = npm.output().is_ok_and(|output| output.status.success());
    install_helper(project);
    installed
}

/// All tests of the folder for `node:test`.
const NODE_TEST: &[&str] = &[
    "node",
    "--test",
    "--test-reporter",
    "tap",
    "test/room.test.js",
    "test/session.test.js",
    "test/subscription.test.js",
];

/// Whether all fifteen tests have passed.
fn expect_passed(code: Option<i32>, stdout: &str, stderr: &str) {
    assert_eq!(code, Some(0), "{stdout}\n{stderr}");
    assert!(stdout.contains("# pass 15\n") && stdout.contains("# fail 0\n"), "{stdout}");
}

#[test]
fn the_sample_projects_tests_pass_through_dodev_test() {
    let Some((project, options)) = sample() else { return };
    let ran = run_with(&project, options, NODE_TEST);
    expect_passed(ran.code, &ran.stdout, &ran.stderr);
}

/// Runs a program of an installed package that reports as vitest and jest do, and compares how many tests passed.
fn expect_reported(project: &TestProject, options: &str, command: &[&str], passed: u32) {
    let ran = run_with(project, options, &[&["npx", "--no-install"], command].concat());
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
    let figures = (&report["numPassedTests"], &report["numFailedTests"]);
    assert_eq!((ran.code, figures), (Some(0), (&passed.into(), &0.into())), "{}\n{}", ran.stdout, ran.stderr);
}

#[test]
fn the_helper_works_under_vitest_and_jest_and_its_types_fit() {
    let Some((project, options)) = sample() else { return };
    if !install_packages(&project) {
        eprintln!("skipped: npm is absent, or does not get vitest, jest and typescript");
        return;
    }
    let vitest = ["vitest", "run", "--dir", "vitest", "--reporter", "json"];
    expect_reported(&project, options, &vitest, 13);
    let modules = format!("--experimental-vm-modules {options}");
    expect_reported(&project, &modules, &["jest", "--rootDir", "jest", "--json"], 6);
    // The types of the helper, as the tests in TypeScript use them.
    let mut compiler = Command::new("npx");
    compiler.args(["--no-install", "tsc", "--noEmit"]).current_dir(project.dir()).stdin(Stdio::null());
    let output = compiler.output().expect("it ran before");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    project.edit("vitest/sample.test.ts", ".alarm.run()", ".alarm.runs()").expect("it says so");
    let output = compiler.output().expect("it ran before");
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stdout).contains("'runs'"));
}

#[test]
fn the_helper_starts_a_server_where_there_is_none() {
    let Some((project, options)) = sample() else { return };
    let run = |cwd: &Path| {
        let mut command = Command::new(NODE_TEST[0]);
        command.args(&NODE_TEST[1..]).current_dir(cwd).env("DODEV_BIN", BINARY).env("NODE_OPTIONS", options);
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
