//! Modules and globals of Node.js in a Worker, through the bundler.

use serde_json::{Value, json};

use crate::project::TestProject;

#[test]
fn values_follow_awaits_and_globals_are_there() {
    let server = TestProject::from_fixture("node").start();
    let response = server.get("/");
    let answer: Value = serde_json::from_str(&response.text()).unwrap_or_else(|_| response.text().into());
    let seen = |name: &str| {
        let pair = format!("{name},{name}");
        let items = [format!("0{name}"), format!("1{name}")];
        json!([
            name, name, name, name, name, items[0], items[1], "private", 2, name, "special", pair,
            "disposed", name
        ])
    };
    assert_eq!(
        answer,
        json!({
            "followed": [seen("a"), seen("b")],
            "outside": null,
            "globals": [true, "a text", "{\"a\":1}", true, ["function", "text", "a/b"]],
        })
    );
}

#[test]
fn modules_of_node_need_the_flag() {
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", r#"{ "name": "plain", "main": "index.js", "compatibility_date": "2026-01-01" }"#),
        (
            "index.js",
            "export default { async fetch() {
                 const found = await import('node:buffer').catch((error) => error.message);
                 return Response.json([typeof found, typeof Buffer, typeof process]);
             } };",
        ),
    ]);
    let server = project.start();
    assert_eq!(server.get("/").text(), r#"["string","undefined","undefined"]"#);
}
