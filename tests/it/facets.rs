//! Facets: objects inside an object, with instances and databases of their own. What they answer was recorded from
//! wrangler 4.164.0 with workerd 1.20261117.1, except where a comment says otherwise.

use std::fs;

use serde_json::{Value, json};

use crate::deadline::Deadline;
use crate::project::{Server, TestProject};

const CONFIG: &str = r#"{ "name": "w", "main": "index.js", "compatibility_date": "2026-11-01",
    "durable_objects": { "bindings": [{ "name": "P", "class_name": "Parent" }] },
    "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Parent"] }] }"#;

const MAIN: &str = r#"
import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
const tried = async (call) => { try { return await call() ?? null; } catch (e) { return { threw: `${e.name}: ${e.message}`, reset: e.durableObjectReset === true }; } };
export class Child extends DurableObject {
  calls = 0;
  constructor(ctx, env) { super(ctx, env); if (ctx.props.boom) throw new Error("boom"); }
  inc() { const n = (this.ctx.storage.kv.get("n") ?? 0) + 1; this.ctx.storage.kv.put("n", n); return n; }
  memory() { return ++this.calls; }
  who() { return [typeof this.ctx.id, `${this.ctx.id}`.slice(0, 6), this.ctx.id.name ?? null, this.ctx.props]; }
  alarmIn(ms) { return this.ctx.storage.setAlarm(Date.now() + ms); }
  alarmInTransaction() { return this.ctx.storage.transaction(() => this.alarmIn(1000)); }
  alarmInSection() { return this.ctx.blockConcurrencyWhile(() => this.alarmIn(1000)); }
  alarmInSync() { return this.ctx.storage.transactionSync(() => this.alarmIn(1000)); }
  alarms() { return this.ctx.storage.getAlarm(); }
  alarm() {}
  stop() { this.ctx.abort("stopped"); }
  fail() { throw new RangeError("failed"); }
  empty() { return this.ctx.storage.deleteAll(); }
  twice(f) { return f(this.calls + 2); }
  timer() { setTimeout(() => {}, 600_000); }
  slow() { return scheduler.wait(600_000); }
  below(depth) { return depth === 0 ? this.inc() : this.ctx.facets.get("b", () => ({ class: this.ctx.exports.Child })).below(depth - 1); }
  fetch(request) { return new Response(`child ${new URL(request.url).pathname}`); }
}
export class Entry extends WorkerEntrypoint {}
export class Parent extends DurableObject {
  started = [];
  facet(name, more) {
    return this.ctx.facets.get(name, () => { this.started.push(name); return { class: this.ctx.exports.Child, ...more }; });
  }
  async use() {
    const a = this.facet("a");
    const before = this.started.length;
    const values = [await a.inc(), await a.inc(), await a.memory(), await this.facet("a").memory(), await this.facet("b").inc()];
    return [before, values, this.started, await (await a.fetch("http://x/y")).text(), await a.twice((x) => x * 2), await tried(() => a.fail()),
      Object.prototype.toString.call(a), typeof a.id, Object.keys(a)];
  }
  async kinds() {
    const { exports } = this.ctx;
    const own = this.ctx.id.toString().slice(0, 6);
    const other = this.env.P.idFromName("other");
    const told = [await this.facet("k1").who(), await this.facet("k2", { id: "text" }).who(), await this.facet("k3", { id: other }).who(),
      await this.facet("k4", { class: exports.Child({ props: { a: 1 } }) }).who()];
    told[0][1] = told[0][1] === own; told[3][1] = told[3][1] === own; told[2][1] = `${other}`.startsWith(told[2][1]);
    const passed = await this.env.P.getByName("other").make(exports.Child({ props: { b: 2 } }));
    return [told, passed[3], await this.facet("k5", { class: exports.Parent }).hello()];
  }
  make(type) { return this.facet("m", { class: type }).who(); }
  hello() { return "hello"; }
  async refused() {
    const { facets, exports } = this.ctx;
    const start = (options) => tried(() => facets.get(`${Math.random()}`, () => options).inc());
    const boom = this.facet("boom", { class: exports.Child({ props: { boom: 1 } }) });
    return [await tried(() => facets.get("x".repeat(257), () => {})), await tried(() => facets.get()), await tried(() => facets.get("x")),
      await start(undefined), await start({}), await start({ class: Child }), await start({ class: exports.Entry }), await start({ class: this.env.P }),
      await tried(() => facets.get("t", () => { throw new RangeError("no"); }).inc()), await tried(() => this.facet("t").inc()),
      await tried(() => boom.inc()), await tried(() => this.facet("boom").inc()),
      await tried(() => exports.Child()), await tried(() => this.facet("s").alarmIn(1000)), await tried(() => this.facet("s").alarms()),
      await tried(() => this.env.P.getByName("other").hello(this.facet("a"))), await tried(() => this.facet("deep").below(2)),
      await tried(() => this.facet("deep").below(3)), await tried(() => this.env.P.getByName("other").hello(exports.Child))];
  }
  async alarms() {
    const told = [];
    for (const how of ["alarmInTransaction", "alarmInSection", "alarmInSync"]) {
      const stub = this.facet(how);
      told.push(await tried(() => stub[how]()), await tried(() => stub.memory()), await this.facet(how).memory());
    }
    return told;
  }
  async ends() {
    const { facets } = this.ctx;
    const told = [];
    const lives = async (name) => { const stub = this.facet(name); await stub.inc(); return stub; };
    let stub = await lives("a");
    facets.abort("a", new RangeError("why"));
    told.push(await tried(() => stub.inc()), await this.facet("a").inc(), await this.facet("a").memory());
    stub = await lives("b");
    const running = tried(() => stub.slow());
    await stub.memory();
    facets.abort("b", "text");
    told.push(await running, await tried(() => stub.inc()));
    // A new one at once, while the old one has not ended yet.
    stub = await lives("c");
    facets.delete("c");
    told.push(await this.facet("c").inc(), await tried(() => stub.inc()));
    stub = await lives("d");
    told.push(await tried(() => stub.stop()), await tried(() => stub.inc()), await this.facet("d").inc());
    told.push(await this.facet("d").empty() ?? null, await this.facet("d").inc());
    await this.facet("e").below(2);
    facets.clone("e", "f");
    told.push(await this.facet("f").below(2), await this.facet("e").below(2), await this.facet("f").below(1));
    facets.delete("e");
    told.push(await this.facet("e").below(2), facets.abort("nobody", 1) ?? null, facets.delete("nobody") ?? null);
    stub = await lives("g");
    await this.ctx.storage.deleteAll();
    told.push(await tried(() => stub.inc()), await this.facet("g").inc(), await this.facet("a").inc());
    return told;
  }
  async break() { const stub = this.facet("a"); await stub.memory(); this.ctx.abort("broke"); }
  async pin(how) { await this.facet("a")[how](); }
  pinForever() { this.facet("a").slow().catch(() => {}); }
}
export default {
  async fetch(request, env) {
    const [, name, method, ...args] = new URL(request.url).pathname.split("/");
    return Response.json(await tried(() => env.P.getByName(name)[method](...args)));
  },
};
"#;

fn project() -> TestProject {
    TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("index.js", MAIN)])
}

fn answer(server: &Server, path: &str) -> Value {
    let response = server.get(path);
    serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("{path}: {response}"))
}

fn threw(text: &str) -> Value {
    json!({ "threw": text, "reset": false })
}

fn control(server: &Server, method: &str, path: &str) -> Value {
    server.control(method, path, &json!({})).1
}

#[test]
fn an_alarm_of_a_facet_ends_its_instance() {
    let project = project();
    let told = |reset: bool| json!({ "threw": "Error: Facets currently cannot set alarms.", "reset": reset });
    let each = [true, false, false].map(|reset| [told(reset), told(reset), json!(1)]);
    assert_eq!(answer(&project.start(), "/x/alarms"), json!(each.concat()));
}

#[test]
fn a_facet_has_an_instance_an_identity_and_methods_of_its_own() {
    let project = project();
    let server = project.start();
    let used = json!([
        0,
        [1, 2, 1, 2, 1],
        ["a", "b"],
        "child /y",
        8,
        threw("RangeError: failed"),
        "[object Fetcher]",
        "function",
        []
    ]);
    assert_eq!(answer(&server, "/o/use"), used);
    let none = json!({});
    let told = json!([["object", true, "o", none], ["string", "text", null, none], ["object", true, "other", none],
        ["object", true, "o", { "a": 1 }]]);
    assert_eq!(answer(&server, "/o/kinds"), json!([told, { "b": 2 }, "hello"]));
}

#[test]
fn what_is_no_facet_is_refused_with_the_platforms_texts() {
    let project = project();
    let server = project.start();
    let class = threw(
        "TypeError: Incorrect type for the 'class' field on 'StartupOptions': the provided value is not of type \
         'DurableObjectClass or LoopbackDurableObjectNamespace or LoopbackColoLocalActorNamespace'.",
    );
    let parameter = |number: u8, kind: &str| {
        threw(&format!(
            "TypeError: Failed to execute 'get' on 'DurableObjectFacets': parameter {number} is not of type '{kind}'."
        ))
    };
    let expected = json!([
        threw("TypeError: Facet name is too long (max 256 characters)."),
        parameter(1, "string"),
        parameter(2, "function"),
        threw("TypeError: Cannot initialize N7workerd3api19DurableObjectFacets14StartupOptionsE with required members from an undefined or null value."),
        class, class, class, class,
        threw("RangeError: no"),
        threw("RangeError: no"),
        { "threw": "Error: boom", "reset": true },
        1,
        threw("TypeError: Failed to execute '(called as function)' on 'LoopbackDurableObjectClass': parameter 1 is not of type 'Options'."),
        threw("Error: Facets currently cannot set alarms."),
        null,
        threw("DataCloneError: Stubs pointing to Durable Object facets are not serializable."),
        1,
        threw("Error: Facet nesting depth limit exceeded. The maximum depth including the root Durable Object is 4."),
        threw("DataCloneError: Could not serialize object of type \"LoopbackDurableObjectClass\". This type does not support serialization."),
    ]);
    let given = answer(&server, "/o/refused");
    for (index, (given, expected)) in
        given.as_array().expect("answers").iter().zip(expected.as_array().expect("answers")).enumerate()
    {
        assert_eq!(given, expected, "number {index}");
    }
}

#[test]
fn facets_end_one_by_one_and_their_data_with_them() {
    let project = project();
    let server = project.start();
    let deleted = threw("Error: Facet was deleted.");
    let stopped = json!({ "threw": "Error: stopped", "reset": true });
    let expected = json!([
        threw("RangeError: why"),
        2,
        1,
        threw("Error: text"),
        threw("Error: text"),
        1,
        deleted,
        stopped,
        stopped,
        2,
        null,
        1,
        2,
        2,
        1,
        1,
        null,
        null,
        deleted,
        1,
        1,
    ]);
    assert_eq!(answer(&server, "/o/ends"), expected);
    assert_eq!(answer(&server, "/o/break"), json!({ "threw": "Error: broke", "reset": true }));
    assert_eq!(answer(&server, "/o/use")[1], json!([2, 3, 1, 2, 1]));
}

#[test]
fn facets_sleep_wake_and_move_with_their_object() {
    let project = project();
    let server = project.start();
    let object = "objects/Parent/o";
    let pins = |server: &Server| {
        let facts = control(server, "GET", object);
        facts["pins"].as_array().expect("pins").iter().map(|pin| pin["what"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(answer(&server, "/o/use")[1], json!([1, 2, 1, 2, 1]));
    let facts = control(&server, "GET", object);
    let facet =
        |name: &str| json!({ "path": [name], "class": "Child", "state": "awake", "pendingEvents": 0 });
    assert_eq!(facts["facets"], json!([facet("b"), facet("a")]), "{facts}");
    assert_eq!(control(&server, "POST", &format!("{object}/hibernate")), json!({ "changed": true }));
    let facts = control(&server, "GET", object);
    assert_eq!((&facts["state"], &facts["facets"]), (&json!("asleep"), &json!([])), "{facts}");
    // Anew: its memory is gone, its data is not.
    assert_eq!(answer(&server, "/o/use")[1], json!([3, 4, 1, 2, 2]));
    assert_eq!(answer(&server, "/o/pin/timer"), Value::Null);
    assert_eq!(pins(&server), ["facet a: a timer is set"]);
    let refused = control(&server, "POST", &format!("{object}/hibernate"));
    assert_eq!(refused["pins"][0]["what"], "facet a: a timer is set", "{refused}");
    assert_eq!(control(&server, "POST", &format!("{object}/evict")), json!({ "changed": true }));
    let known = control(&server, "GET", "overview");
    assert_eq!(known["namespaces"][0]["known"], 1, "facets are no objects: {known}");
    // New code has them from the old one.
    assert_eq!(answer(&server, "/o/use")[1], json!([5, 6, 1, 2, 3]));
    let seen = server.process().line_count();
    project.edit("index.js", "calls = 0", "calls = 100").expect("it is there");
    let told =
        server.process().wait_line(seen, "Reloaded", Deadline::after(std::time::Duration::from_secs(20)));
    assert!(told.is_some(), "{}", server.process().output());
    assert_eq!(answer(&server, "/o/use")[1], json!([7, 8, 101, 102, 4]));
    assert!(server.stop().success());
    let server = project.start();
    assert_eq!(answer(&server, "/o/use")[1], json!([9, 10, 101, 102, 5]));
    assert!(server.stop().success());
    // Laid out as wrangler does; an object is listed once.
    let directory = project.state_dir().join("v3/do/w-Parent");
    let mut endings: Vec<String> = fs::read_dir(&directory)
        .expect("the state is there")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.get(64..).map(str::to_owned))
        .filter(|name| !name.is_empty())
        .collect();
    endings.sort();
    assert_eq!(endings, [".1.sqlite", ".2.sqlite", ".facets", ".sqlite"]);
    let state = project.state_dir().display().to_string();
    let listed = project.dodev(&["state", "list", "--json", "--persist-to", &state]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(
        listed.matches("\"name\":\"o\"").count() + listed.matches("\"name\": \"o\"").count(),
        1,
        "{listed}"
    );
}
