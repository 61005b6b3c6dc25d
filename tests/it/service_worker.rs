//! Workers that listen for events instead of exporting handlers, and bindings at the top level of modules.

use std::time::Duration;

use serde_json::{Value, json};

use crate::deadline::Deadline;
use crate::project::TestProject;

/// For one event.
const LIMIT: Duration = Duration::from_secs(20);

const CONFIG: &str = r#"{
  "name": "listens", "main": "index.js", "compatibility_date": "2026-11-01",
  "vars": { "TEXT": "a text", "DATA": { "a": 1 } }, "triggers": { "crons": ["0 0 * * *"] }
}"#;

const LISTENS: &str = r#"
import { part } from "./part.js";
const early = [TEXT, DATA.a, part];
let ran;
addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/unanswered") return;
  if (pathname === "/throws") throw new RangeError("no");
  if (pathname === "/second") return;
  if (pathname === "/twice") {
    event.respondWith(new Response("first"));
    try {
      event.respondWith(new Response("second"));
    } catch (error) {
      event.respondWith = undefined;
      ran = `${error.name}: ${error.message}`;
    }
    return;
  }
  event.waitUntil(Promise.resolve());
  event.respondWith(Promise.resolve(Response.json({
    early, ran, type: event.type, own: Object.keys(event), trusted: event.isTrusted,
    kinds: [event instanceof FetchEvent, event instanceof ExtendableEvent, event.target === globalThis],
  })));
});
addEventListener("fetch", (event) => {
  if (new URL(event.request.url).pathname === "/second") event.respondWith(new Response("by the second"));
});
addEventListener("scheduled", (event) => {
  ran = [event.cron, event.scheduledTime > 0, event instanceof ScheduledEvent];
});
"#;

#[test]
fn listeners_answer_requests_and_crons() {
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", CONFIG),
        ("index.js", LISTENS),
        ("part.js", "export const part = typeof TEXT;"),
    ]);
    let server = project.start();
    assert_eq!(server.get("/second").text(), "by the second");
    assert_eq!(server.get("/twice").text(), "first");
    let expected = json!({
        "early": ["a text", 1, "string"],
        "ran": "InvalidStateError: FetchEvent.respondWith() has already been called; it can only be called once.",
        "type": "fetch", "own": ["request", "actorState"], "trusted": true, "kinds": [true, true, true],
    });
    let seen = || serde_json::from_str::<Value>(&server.get("/").text()).expect("JSON");
    assert_eq!(seen(), expected);
    assert_eq!(server.get("/cdn-cgi/handler/scheduled?cron=a").text(), "ok");
    assert_eq!(seen()["ran"], json!(["a", true, true]));
    let unanswered = server.get("/unanswered");
    assert_eq!(unanswered.status, 500);
    assert!(unanswered.text().contains("No response!"), "{}", unanswered.text());
    assert!(server.get("/throws").text().contains("RangeError: no"));
}

#[test]
fn listeners_may_come_and_go_later() {
    let worker = r#"
let ran = 0;
const count = () => { ran += 1; };
addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/add") addEventListener("scheduled", count);
  if (pathname === "/remove") removeEventListener("scheduled", count);
  event.respondWith(new Response(`${ran}`));
});
"#;
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("index.js", worker)]);
    let server = project.start();
    let run = || server.get("/cdn-cgi/handler/scheduled").status;
    assert_eq!(run(), 500);
    server.get("/add");
    assert_eq!(run(), 200);
    assert_eq!(server.get("/remove").text(), "1");
    assert_eq!(run(), 500);
}

#[test]
fn the_top_level_sees_the_environment_also_in_packages_and_after_a_save() {
    let index = "import { env } from 'cloudflare:workers';\nimport seen from 'pkg';\nconst early = env.TEXT;\n\
                 export default { fetch: () => Response.json([early, seen, 'version']) };";
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", CONFIG),
        ("index.js", index),
        (
            "node_modules/pkg/package.json",
            r#"{ "name": "pkg", "version": "1.0.0", "main": "i.js", "type": "module" }"#,
        ),
        ("node_modules/pkg/i.js", "import { env } from 'cloudflare:workers';\nexport default env.TEXT;"),
    ]);
    let server = project.start_with(&["--json"]);
    assert_eq!(server.get("/").text(), r#"["a text","a text","version"]"#);
    for version in ["second", "third"] {
        let seen = server.process().line_count();
        project.write("index.js", &index.replace("version", version));
        let told = server.process().wait_line(seen, r#""event":"reloaded""#, Deadline::after(LIMIT));
        assert!(told.is_some(), "{}", server.process().output());
        assert_eq!(server.get("/").text(), format!(r#"["a text","a text","{version}"]"#));
    }
}

#[test]
fn a_default_export_that_is_no_entry_point_answers_nothing() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("index.js", "")]);
    for export in ["class { fetch() { return new Response('no'); } }", "function () {}", "async () => {}"] {
        project.write("index.js", &format!("export default {export}"));
        let answer = project.start().get("/");
        assert_eq!(answer.status, 500, "{export}");
        assert!(answer.text().contains("Handler does not export a fetch() function."), "{export}");
    }
}
