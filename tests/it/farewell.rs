//! `[onHibernate]`: what an object is told before its instance goes. Answers were observed with wrangler 4.164.0 and
//! workerd 1.20261117.1, but for code updates, which reset objects there.

use std::time::Duration;

use crate::deadline::Deadline;
use crate::http::Request;
use crate::project::{Server, TestProject};

const LIMIT: Duration = Duration::from_secs(20);

const MAIN: &str = r#"
import { DurableObject } from "cloudflare:workers";
import { onHibernate } from "cloudflare:durable-objects";
export class Room extends DurableObject {
  n = 0;
  async fetch() {
    this.n++;
    return Response.json([this.n, await this.ctx.storage.get("told") ?? null]);
  }
  async [onHibernate](info) {
    await this.ctx.storage.put("told", { ...info, n: this.n });
    if (this.ctx.id.name === "throws") throw new Error("bad farewell");
    if (this.ctx.id.name === "hangs") await new Promise(() => {});
    if (this.ctx.id.name === "timer") setTimeout(() => this.ctx.storage.put("told", "late"), 1);
    if (this.ctx.id.name === "asks") {
      const other = await (await this.env.C.getByName("plain").fetch("http://x/")).json();
      await this.ctx.storage.put("told", { ...info, other: other[0] });
    }
  }
}
export default { fetch(request, env) {
  const name = new URL(request.url).pathname.slice(1);
  return name === "symbol" ? new Response(String(onHibernate)) : env.C.getByName(name).fetch(request);
} };
"#;

fn project(flags: &str) -> TestProject {
    let config = format!(
        r#"{{ "name": "w", "main": "index.js", "compatibility_date": "2026-06-01", "compatibility_flags": [{flags}],
        "durable_objects": {{ "bindings": [{{ "name": "C", "class_name": "Room" }}] }},
        "migrations": [{{ "tag": "v1", "new_sqlite_classes": ["Room"] }}] }}"#
    );
    TestProject::with_files(&[("wrangler.jsonc", &config), ("index.js", MAIN)])
}

fn hibernate(server: &Server, name: &str) {
    let path = format!("/cdn-cgi/dodev/objects/Room/{name}/hibernate");
    let request = Request::new("POST", &path).header("content-type", "application/json");
    let response = server.request(&request);
    assert_eq!(response.status, 200, "{response}");
}

#[test]
fn an_object_is_told_before_its_instance_goes() {
    let project = project(r#""experimental""#);
    let server = project.start();
    assert_eq!(server.get("/symbol").text(), "Symbol(cloudflare:durable-objects:onHibernate)");
    for name in ["throws", "timer", "asks"] {
        assert_eq!(server.get(&format!("/{name}")).text(), "[1,null]");
        hibernate(&server, name);
        let told = match name {
            "asks" => r#"[1,{"reason":"inactive","other":1}]"#,
            _ => r#"[1,{"reason":"inactive","n":1}]"#,
        };
        assert_eq!(server.get(&format!("/{name}")).text(), told);
    }
    assert!(server.process().output().contains("bad farewell"), "{}", server.process().output());
}

#[test]
fn one_whose_farewell_never_ends_is_given_up() {
    let project = project(r#""experimental""#);
    let server = project.start();
    assert_eq!(server.get("/hangs").text(), "[1,null]");
    hibernate(&server, "hangs");
    server.advance("10s");
    assert_eq!(server.get("/hangs").text(), r#"[1,{"reason":"inactive","n":1}]"#);
    let told = "onHibernate handler exceeded its allowed execution time";
    assert!(server.process().wait_line(0, told, Deadline::after(LIMIT)).is_some(), "it is told");
}

#[test]
fn new_code_finds_that_the_old_one_was_told() {
    let project = project(r#""experimental""#);
    let server = project.start_with(&["--json"]);
    assert_eq!(server.get("/plain").text(), "[1,null]");
    project.write("index.js", &MAIN.replace("this.n++;", "this.n += 2;"));
    assert!(
        server.process().wait_line(0, r#""event":"reloaded""#, Deadline::after(LIMIT)).is_some(),
        "it is reloaded"
    );
    assert_eq!(server.get("/plain").text(), r#"[2,{"reason":"codeUpdated","n":1}]"#);
}

#[test]
fn without_the_flag_there_is_no_key() {
    let project = project("");
    assert_eq!(project.start().get("/symbol").text(), "undefined");
}

const FACETS: &str = r#"
import { DurableObject } from "cloudflare:workers";
import { onHibernate } from "cloudflare:durable-objects";
export class Child extends DurableObject {
  hi() { return "hi"; }
  told() { return this.ctx.storage.kv.get("told") ?? null; }
  [onHibernate](info) { this.ctx.storage.kv.put("told", info.reason); }
}
export class Room extends DurableObject {
  child() { return this.ctx.facets.get("child", () => ({ class: this.ctx.exports.Child })); }
  async fetch(request) {
    const method = new URL(request.url).searchParams.get("m");
    return Response.json([await this.child()[method](), this.ctx.storage.kv.get("told") ?? null]);
  }
  [onHibernate](info) { this.ctx.storage.kv.put("told", info.reason); }
}
export default { fetch: (request, env) => env.C.getByName("a").fetch(request) };
"#;

/// Fidelity: observed with workerd 1.20261117.1: the root is told, its facets are not.
#[test]
fn facets_are_not_told() {
    let config = r#"{ "name": "w", "main": "index.js", "compatibility_date": "2026-06-01",
        "compatibility_flags": ["experimental"],
        "durable_objects": { "bindings": [{ "name": "C", "class_name": "Room" }] },
        "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Room"] }] }"#;
    let project = TestProject::with_files(&[("wrangler.jsonc", config), ("index.js", FACETS)]);
    let server = project.start();
    assert_eq!(server.get("/?m=hi").text(), "[\"hi\",null]");
    hibernate(&server, "a");
    assert_eq!(server.get("/?m=told").text(), "[null,\"inactive\"]");
    server.stop();
}
