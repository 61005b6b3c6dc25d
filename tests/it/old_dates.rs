//! What Workers with older compatibility dates find, against what wrangler 4.164.0 with workerd 1.20261117.1 answered on
//! 2026-11-23 (without bundling, which adds globals of its own).

use std::collections::BTreeMap;

use crate::http::Request;
use crate::project::TestProject;

const WORKER: &str = r#"
const answers = {};
const attempt = (name, run) => {
  try {
    answers[name] = `${run()}`;
  } catch (error) {
    answers[name] = `${error}`;
  }
};
export default {
  async fetch() {
    attempt("channels", () => [typeof MessageChannel, typeof MessagePort]);
    attempt("weak", () => [typeof WeakRef, typeof FinalizationRegistry]);
    attempt("language", () => navigator.language);
    attempt("node", () => [typeof Buffer, typeof process, typeof global, typeof setImmediate]);
    attempt("cookies", () => typeof new Headers().getSetCookie);
    for (const cache of ["no-store", "no-cache", "reload"]) attempt(cache, () => new Request("http://a/", { cache }).cache);
    for (const method of ["patch", "get"]) attempt(method, () => new Request("http://a/", { method }).method);
    answers.list = await new Response(["a", "b"]).text().catch(String);
    return Response.json(answers);
  },
};
"#;

const NOT_IMPLEMENTED: &str = "Error: The 'cache' field on 'RequestInitializerDict' is not implemented.";
const NO_BYTES: &str = "TypeError: This ReadableStream did not return bytes.";

/// What the Worker answers with `date` and `flags`.
fn answers(date: &str, flags: &str) -> BTreeMap<String, String> {
    let config = format!(
        r#"{{ "name": "w", "main": "index.js", "no_bundle": true, "compatibility_date": "{date}", "compatibility_flags": [{flags}] }}"#
    );
    let project = TestProject::with_files(&[("wrangler.jsonc", &config), ("index.js", WORKER)]);
    let server = project.start();
    let answers = serde_json::from_str(&server.get("/").text()).expect("JSON");
    assert!(server.stop().success());
    answers
}

#[test]
fn later_things_are_missing_before_their_dates() {
    let none = "undefined,undefined";
    let both = "function,function";
    let no_node = "undefined,undefined,undefined,undefined";
    let node = "function,object,object,function";
    for (date, flags, expected) in [
        (
            "2022-12-01",
            "",
            [none, none, "undefined", no_node, "undefined", NOT_IMPLEMENTED, NOT_IMPLEMENTED, "a,b"],
        ),
        (
            "2024-01-01",
            "\"nodejs_compat\"",
            [none, none, "undefined", no_node, "function", NOT_IMPLEMENTED, NOT_IMPLEMENTED, "a,b"],
        ),
        (
            "2025-03-01",
            "\"nodejs_compat\"",
            [
                none,
                none,
                "undefined",
                node,
                "function",
                "no-store",
                "TypeError: Unsupported cache mode: no-cache",
                "a,b",
            ],
        ),
        ("2025-12-01", "", [both, both, "en", no_node, "function", "no-store", "no-cache", "a,b"]),
        ("2026-10-01", "", [both, both, "en", node, "function", "no-store", "no-cache", NO_BYTES]),
    ] {
        let given = answers(date, flags);
        let names = ["channels", "weak", "language", "node", "cookies", "no-store", "no-cache", "list"];
        let found = names.map(|name| given[name].as_str());
        assert_eq!(found, expected, "{date} {flags}");
        let patch =
            if date < "2024-10-14" { "TypeError: Invalid HTTP method string: patch" } else { "PATCH" };
        assert_eq!([&given["patch"], &given["get"]], [patch, "GET"], "{date}");
        let reload =
            if date < "2024-11-11" { NOT_IMPLEMENTED } else { "TypeError: Unsupported cache mode: reload" };
        assert_eq!(given["reload"], reload, "{date}");
    }
}

#[test]
fn the_second_version_of_nodes_modules_may_be_asked_for_alone() {
    let worker = r#"
import { format } from "node:util";
import { EventEmitter } from "events";
import http from "node:http";
const path = require("path");
const { nodejs_compat, nodejs_compat_v2 } = Cloudflare.compatibilityFlags;
export default {
  fetch: () => Response.json([
    format("%d", 1), typeof EventEmitter, typeof http.createServer, path.join("a", "b"), typeof Buffer, process.env.A ?? null,
    typeof setTimeout(() => {}, 1), nodejs_compat, nodejs_compat_v2,
  ]),
};
"#;
    let config = r#"{ "name": "w", "main": "index.js", "vars": { "A": "b" }, "compatibility_date": "2024-09-25",
                      "compatibility_flags": ["nodejs_compat_v2"] }"#;
    let project = TestProject::with_files(&[("wrangler.jsonc", config), ("index.js", worker)]);
    let server = project.start();
    let expected = r#"["1","function","function","a/b","function",null,"number",false,true]"#;
    assert_eq!(server.get("/").text(), expected);
    assert!(server.stop().success());
}

#[test]
fn clients_may_compress_messages_at_every_date() {
    let worker = r#"export default {
      fetch(request) {
        const wanted = new URL(request.url).search.slice(1);
        const headers = wanted ? { "sec-websocket-extensions": wanted } : {};
        return new Response(null, { status: 101, webSocket: new WebSocketPair()[0], headers });
      },
    };"#;
    let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let agreed =
        Some("permessage-deflate; client_no_context_takeover; server_no_context_takeover".to_owned());
    for (date, with_wish) in [("2023-08-14", agreed.clone()), ("2023-08-15", None)] {
        let config = format!(r#"{{ "name": "w", "main": "index.js", "compatibility_date": "{date}" }}"#);
        let project = TestProject::with_files(&[("wrangler.jsonc", &config), ("index.js", worker)]);
        let server = project.start();
        for (path, expected) in [("/", &agreed), ("/?permessage-deflate", &with_wish)] {
            let request = Request::new("GET", path)
                .header("Upgrade", "websocket")
                .header("Connection", "Upgrade")
                .header("Sec-WebSocket-Key", "ZG9kZXYgdGVzdCBjbGllbnQ=")
                .header("Sec-WebSocket-Version", "13")
                .header("Sec-WebSocket-Extensions", both);
            let answer = server.request(&request);
            assert_eq!(
                (answer.status, &answer.header("sec-websocket-extensions")),
                (101, expected),
                "{date} {path}"
            );
        }
        assert!(server.stop().success());
    }
}
