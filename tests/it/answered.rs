//! Reading what is left of a request's body after the response has left. What the cases answer was observed with workerd
//! 1.20261117.1 on 2026-11-22.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Connection, Request};
use crate::project::TestProject;

const MAIN: &str = r#"
import { DurableObject } from "cloudflare:workers";
const results = {};
const note = (name, work) => work.then((value) => { results[name] = value; }, (e) => { results[name] = `${e.name}: ${e.message}`; });
const later = (work) => scheduler.wait(20).then(work);
const cases = {
  text: (r, wait) => wait(later(() => r.text())),
  json: (r, wait) => wait(later(() => r.json())),
  form: (r, wait) => wait(later(() => r.formData())),
  pipe: (r, wait) => wait(later(() => r.body.pipeTo(new WritableStream()))),
  tee: (r, wait) => { const [, b] = r.body.tee(); wait(later(() => new Response(b).text())); },
  reader: (r, wait) => { const reader = r.body.getReader(); wait(later(() => reader.read())); },
  clone: (r, wait) => { const c = r.clone(); wait(later(() => c.text())); },
  cloneOfStream: (r, wait) => { r.body; const c = r.clone(); wait(later(() => c.text())); },
  again: (r, wait) => { const c = new Request(r); wait(later(() => c.text())); },
  used: (r, wait) => wait(later(() => r.bodyUsed)),
  thrown: (r, wait) => { wait(later(() => r.text())); throw new Error("boom"); },
  streamed: (r, wait) => { const s = new IdentityTransformStream(); wait((async () => { const w = s.writable.getWriter(); await w.write(new Uint8Array(3)); await w.close(); return later(() => r.text()); })()); return new Response(s.readable); },
  // What follows is read in time.
  begun: (r, wait) => wait(r.text().then((t) => t.length)),
  cloneOfRead: async (r, wait) => { const c = r.clone(); await r.text(); wait(later(() => c.text()).then((t) => t.length)); },
  streaming: (r, wait) => { const s = new IdentityTransformStream(); wait((async () => { const w = s.writable.getWriter(); await w.write(new Uint8Array(3)); const t = await later(() => r.text()); await w.close(); return t.length; })()); return new Response(s.readable); },
  pulled: (r) => new Response(new ReadableStream({ async pull(c) { c.enqueue(new TextEncoder().encode(await later(() => r.text()))); c.close(); } })),
  echo: (r) => new Response(r.body),
};
const run = async (request, wait) => {
  const name = new URL(request.url).pathname.split("/")[2];
  return (await cases[name](request, (work) => wait(note(name, work)))) ?? new Response("ok");
};
export class Room extends DurableObject { fetch(request) { return run(request, () => {}); } }
export default { async fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname === "/results") { await scheduler.wait(300); return Response.json(results); }
  if (pathname === "/names") return Response.json(Object.keys(cases));
  return pathname.startsWith("/object/") ? env.C.getByName("x").fetch(request) : run(request, (p) => ctx.waitUntil(p));
} };
"#;

const LIMIT: Duration = Duration::from_secs(20);

const CONFIG: &str = r#"{ "name": "w", "main": "index.js", "compatibility_date": "2026-06-01",
    "durable_objects": { "bindings": [{ "name": "C", "class_name": "Room" }] },
    "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Room"] }] }"#;

#[test]
fn a_body_cannot_be_read_after_the_response_has_left() {
    let sent = "TypeError: Can't read from request stream after response has been sent.";
    let threw = "TypeError: Can't read from request stream after responding with an exception.";
    // A short body is there as a whole, a long one comes in pieces.
    for (handler, length) in [("worker", 5), ("object", 5), ("worker", 100_000), ("object", 100_000)] {
        let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("index.js", MAIN)]);
        let server = project.start();
        let body = "x".repeat(length);
        let names: Vec<String> = serde_json::from_slice(&server.get("/names").body).expect("names");
        for name in &names {
            let path = format!("/{handler}/{name}");
            let request = Request::new("POST", &path).header("content-type", "text/plain").body(body.clone());
            let response = server.request(&request);
            assert_eq!(response.status, if name == "thrown" { 500 } else { 200 }, "{path}");
            if name == "echo" || name == "pulled" {
                assert_eq!(response.text(), body, "{path}");
            }
        }
        let mut given: Value = serde_json::from_slice(&server.get("/results").body).expect("results");
        let begun = given.as_object_mut().and_then(|given| given.remove("begun"));
        assert!(length > 5 || begun == Some(json!(5)), "a long body may come too late: {begun:?}");
        let expected = json!({
            "text": sent, "json": sent, "form": sent, "pipe": sent, "tee": sent, "reader": sent, "clone": sent,
            "cloneOfStream": sent, "again": sent, "used": false, "thrown": threw, "streamed": sent,
            "cloneOfRead": length, "streaming": length,
        });
        assert_eq!(given, expected, "{handler} {length}");
        server.stop();
    }
}

#[test]
fn who_sends_a_body_that_nobody_wants_gets_the_answer_and_keeps_the_connection() {
    let main = r#"
        import { DurableObject } from "cloudflare:workers";
        export class Room extends DurableObject { fetch() { return new Response("no", { status: 403 }); } }
        export default { async fetch(request, env) {
          const { pathname } = new URL(request.url);
          if (pathname === "/thrown") throw new Error("no");
          if (pathname === "/object") return env.C.getByName("x").fetch(request);
          if (pathname === "/begun") await request.body.getReader().read();
          return new Response("no", { status: pathname === "/hello" ? 200 : 401 });
        } };
    "#;
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("index.js", main)]);
    let server = project.start();
    let mut connection = Connection::open(server.port()).expect("a connection");
    // More than all buffers on the way can hold: it is sent as a whole before anything is read.
    let body = vec![b'x'; 24 * 1024 * 1024];
    let control = "/cdn-cgi/dodev/time/advance";
    for (path, status) in
        [("/refused", 401), ("/thrown", 500), ("/object", 403), ("/begun", 401), (control, 403)]
    {
        let request = Request::new("POST", path).body(body.clone());
        let answer = connection.exchange(&request, LIMIT).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(answer.status, status, "{path}");
    }
    assert_eq!(connection.exchange(&Request::new("GET", "/hello"), LIMIT).expect("an answer").status, 200);
}
