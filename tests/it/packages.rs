//! Unmodified npm packages bundle and run: `fixtures/packages` uses one per path, with recorded answers.
//!
//! The packages come from npm, so these run only when `DODEV_NPM_TESTS=1` is set; otherwise they say so.

use std::process::Command;

use serde_json::Value;

use crate::http::Request;
use crate::project::{TestProject, repository};

/// Whether the packages may be fetched; says why not.
fn may_fetch() -> bool {
    if std::env::var("DODEV_NPM_TESTS").is_ok_and(|set| set == "1") {
        return true;
    }
    eprintln!("skipped: set DODEV_NPM_TESTS=1 to fetch the packages from npm");
    false
}

#[test]
fn real_packages_give_the_recorded_answers() {
    if !may_fetch() {
        return;
    }
    let project = TestProject::from_fixture("packages");
    let installed = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(project.dir())
        .status()
        .expect("npm is installed");
    assert!(installed.success(), "npm install: {installed}");
    let server = project.start();
    let golden = repository().join("fixtures/packages/golden.json");
    let golden = std::fs::read_to_string(&golden).expect("the recorded answers");
    let golden: serde_json::Map<String, Value> =
        serde_json::from_str(&golden).expect("an object per package");
    let mut wrong = Vec::new();
    for (name, expected) in golden {
        let answer = server.request(&Request::new("GET", &format!("/{name}")));
        match serde_json::from_str::<Value>(&answer.text()) {
            Ok(found) if found == expected => {}
            _ => wrong.push(format!("{name}: {answer}\n  want {expected}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
