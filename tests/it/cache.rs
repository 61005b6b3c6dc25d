//! `caches` through the binary: what is kept, how it answers, and that it outlives the server.
//!
//! `fixtures/cache/golden.json` was recorded with wrangler 4.164.0.

use serde_json::{Value, json};

use crate::project::{TestProject, repository};

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn caches_answer_as_recorded() {
    let golden =
        std::fs::read_to_string(repository().join("fixtures/cache/golden.json")).expect("the answers");
    let project = TestProject::from_fixture("cache");
    let server = project.start();
    let (found, expected) = (parse(&server.get("/all").text()), parse(&golden));
    for (name, expected) in expected.as_object().expect("an answer per name") {
        assert_eq!(found[name], *expected, "{name}");
    }
}

#[test]
fn a_cache_outlives_the_server() {
    let project = TestProject::from_fixture("cache");
    let server = project.start();
    assert_eq!(parse(&server.get("/kept").text()), Value::Null);
    assert_eq!(parse(&server.get("/keep").text())[1], json!("kept"));
    server.stop();
    let server = project.start();
    assert_eq!(parse(&server.get("/kept").text())[1], json!("kept"));
}
