//! What a Worker may do while its modules are evaluated (`fixtures/global-scope`), against what wrangler 4.164.0 with
//! workerd 1.20261117.1 answered on 2026-11-23.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::project::TestProject;
use crate::recorded::assert_as_recorded;

const LIMIT: Duration = Duration::from_secs(30);

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("Response204", "the status is looked at first"),
    ("randomBytesCb", "refused at once instead of when the callback is due"),
    ("SELF.rpc", "errors of calls never come synchronously"),
    ("WasmCompile", "compiled at once"),
];

#[test]
fn what_needs_a_request_is_refused_in_the_global_scope() {
    assert_as_recorded("global-scope", DEVIATIONS, |server| -> BTreeMap<String, String> {
        serde_json::from_str(&server.get("/").text()).expect("the Worker answers in JSON")
    });
}

const CONFIG: &str = r#"{ "name": "w", "main": "src/index.js", "compatibility_date": "2026-11-01" }"#;
const OK: &str = "export default { fetch: () => new Response(\"ok\") };\n";

/// What a reload to a Worker that begins with `line` prints, up to `last`, its lines joined.
fn said_of(line: &str, last: &str) -> String {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("src/index.js", OK)]);
    let server = project.start();
    let from = server.process().line_count();
    project.write("src/index.js", &format!("{line}\n{OK}"));
    server.process().wait_line(from, last, Deadline::after(LIMIT)).expect("it is told");
    let output = server.process().output();
    let text = output.lines().skip(from).collect::<Vec<_>>().join(" ");
    assert_eq!(server.get("/").text(), "ok", "the last good code serves");
    assert!(server.stop().success());
    text
}

#[test]
fn a_mistake_in_the_global_scope_is_shown_with_its_place() {
    for line in
        ["const id = crypto.randomUUID();", "setInterval(() => {}, 1000);", "const r = new Response(\"a\");"]
    {
        let text = said_of(line, "goes on serving");
        assert!(text.contains("Error: Disallowed operation called"), "{text}");
        assert!(text.contains("src/index.js:1:"), "{text}");
    }
}

#[test]
fn a_promise_that_is_never_settled_is_told_at_once() {
    let text = said_of("await new Promise(() => {});", "goes on serving");
    assert!(text.contains("waits for something that does not happen"), "{text}");
    assert!(text.contains("Top-level await in module is unsettled."), "{text}");
}
