//! Workers and objects that call each other without end: the platform's limit ends the chain, and says so.

use std::time::Duration;

use crate::http::{Connection, Request};
use crate::project::{Server, TestProject};

const LIMIT: Duration = Duration::from_secs(20);
/// Fidelity: production's text.
const TOO_DEEP: &str = "Error: Subrequest depth limit exceeded. This request recursed through Workers too many times. This can \
                        happen e.g. if you have a Worker or Durable Object that calls other Workers or objects recursively.";

const CONFIG: &str = r#"{ "name": "first", "main": "i.js", "compatibility_date": "2026-11-01",
  "compatibility_flags": ["global_fetch_strictly_public"],
  "services": [{ "binding": "SELF", "service": "first" }, { "binding": "NAMED", "service": "first", "entrypoint": "Named" },
               { "binding": "OTHER", "service": "second" }],
  "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }] }"#;

const SECOND: &str = r#"{ "name": "second", "main": "second.js", "compatibility_date": "2026-11-01",
  "services": [{ "binding": "OTHER", "service": "first" }] }"#;

const WORKER: &str = r#"
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
let calls = 0;
export class Named extends WorkerEntrypoint {
  deeper(n) { calls++; return this.env.NAMED.deeper(n + 1); }
}
export class O extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    if (ctx.id.name?.startsWith("make")) ctx.blockConcurrencyWhile(async () => { calls++; await env.O.getByName(`${ctx.id.name}+`).hello(); });
  }
  hello() { return "hello"; }
  ping(other, me) { calls++; return this.env.O.getByName(other).ping(me, other); }
  async fetch(request) { calls++; return this.env.O.getByName(new URL(request.url).pathname + "x").fetch(request.url + "x"); }
  depth(left) { return left === 0 ? "reached" : this.env.O.getByName(`d${left}`).depth(left - 1); }
  async timers() {
    let failed;
    this.wait = new Promise((resolve) => {
      const again = async () => { try { calls++; await this.env.O.getByName("back").bounce(this.ctx.id.name); setTimeout(again, 0); } catch (error) { resolve(String(error)); } };
      setTimeout(again, 0);
    });
    return this.wait;
  }
  bounce(name) { return this.env.O.getByName(name).hello(); }
}
export default {
  async fetch(request, env) {
    const { pathname, host } = new URL(request.url);
    if (pathname === "/calls") { const was = calls; calls = 0; return new Response(String(was)); }
    if (pathname === "/seen") return Response.json([...request.headers.keys()]);
    if (pathname.startsWith("/depth/")) return new Response(await env.O.getByName("d").depth(Number(pathname.slice(7))));
    if (pathname === "/self" || pathname === "/http" || pathname === "/other") calls++;
    try {
      if (pathname === "/self") return await env.SELF.fetch(request);
      if (pathname === "/other") return await env.OTHER.fetch(request);
      if (pathname === "/http") return await fetch(request);
      if (pathname === "/see") return await fetch(`http://${host}/seen`);
      if (pathname === "/named") return new Response(await env.NAMED.deeper(0));
      if (pathname === "/circle") return new Response(await env.O.getByName("a").ping("b", "a"));
      if (pathname === "/chain") return await env.O.getByName("c").fetch("http://o/c");
      if (pathname === "/make") return new Response(await env.O.getByName("make").hello());
      if (pathname === "/timers") return new Response(await env.O.getByName("t").timers());
    } catch (error) { return new Response(String(error), { status: 508 }); }
    return new Response("ok");
  },
};
"#;

const SECOND_WORKER: &str = "export default { fetch: (request, env) => env.OTHER.fetch(request) };";

fn start() -> Server {
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", CONFIG),
        ("i.js", WORKER),
        ("second.jsonc", SECOND),
        ("second.js", SECOND_WORKER),
    ]);
    let second = project.dir().join("second.jsonc").to_string_lossy().into_owned();
    project.start_with(&["--config", &second])
}

fn ask(server: &Server, path: &str) -> String {
    let answer =
        Connection::open(server.port()).and_then(|mut c| c.exchange(&Request::new("GET", path), LIMIT));
    answer.unwrap_or_else(|error| panic!("{path}: {error}:\n{}", server.process().output())).text()
}

#[test]
fn circles_end_at_the_sixteenth() {
    let server = start();
    for (path, calls) in [
        ("/self", 16),
        ("/http", 16),
        ("/named", 15),
        ("/circle", 15),
        ("/chain", 15),
        // Half of the chain are calls of the other Worker.
        ("/other", 8),
        ("/make", 15),
    ] {
        let text = ask(&server, path);
        assert!(text.starts_with(TOO_DEEP), "{path}: {text}");
        assert_eq!(ask(&server, "/calls"), calls.to_string(), "{path}");
    }
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn what_is_no_circle_goes_as_deep_as_it_may() {
    let server = start();
    // With the Worker and the first object, sixteen.
    assert_eq!(ask(&server, "/depth/14"), "reached");
    assert!(ask(&server, "/depth/15").starts_with(TOO_DEEP));
    // The same objects are no deeper afterwards.
    for _ in 0..20 {
        assert_eq!(ask(&server, "/depth/14"), "reached");
    }
    let seen = ask(&server, "/see");
    assert!(seen.contains("host") && !seen.contains("cf-ew-via"), "{seen}");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_timer_goes_on_from_where_its_object_was_called_last() {
    let server = start();
    let text = ask(&server, "/timers");
    assert_eq!(text, TOO_DEEP);
    assert_eq!(ask(&server, "/"), "ok");
}
