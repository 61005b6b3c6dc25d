//! Durable Objects through the binary: jurisdictions, whose ids are their own and stay valid; warnings of what
//! was not disposed and of limits that are near; the limit of an object's queue.

use std::time::Duration;

use serde_json::{Value, json};

use crate::deadline::Deadline;

use crate::project::{Server, TestProject};

fn project(main: &str) -> TestProject {
    let config = r#"{ "name": "w", "main": "index.js", "compatibility_date": "2026-11-01",
        "durable_objects": { "bindings": [{ "name": "C", "class_name": "Room" }] },
        "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Room"] }] }"#;
    TestProject::with_files(&[("wrangler.jsonc", config), ("index.js", main)])
}

fn answer(server: &Server, path: &str) -> Value {
    let response = server.get(path);
    serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("{path}: {response}"))
}

const JURISDICTIONS: &str = r#"
import { DurableObject } from "cloudflare:workers";
const threw = (call) => { try { return `gave ${call()}`; } catch (e) { return `${e.name}: ${e.message}`; } };
export class Room extends DurableObject {
  who() { return [this.ctx.id.name ?? null, this.ctx.id.jurisdiction ?? null, this.ctx.id.toString()]; }
  async count() { return (await this.ctx.storage.put("n", (await this.ctx.storage.get("n") ?? 0) + 1), this.ctx.storage.get("n")); }
  stub(j) { return this.env.C.jurisdiction(j).getByName("r"); }
}
const cases = {
  async own({ C }) {
    const ids = [C, ...["eu", "fedramp", "fedramp-high", "us"].map((j) => C.jurisdiction(j))].map((n) => n.idFromName("r"));
    const again = ids.map((id) => C.idFromString(id.toString()));
    return [new Set(ids.map(String)).size, ids.map((id) => id.jurisdiction ?? null), again.map((id) => id.jurisdiction ?? null),
      ids.every((id, i) => id.equals(again[i])), Object.keys(ids[0]), Object.keys(ids[1])];
  },
  async unique({ C }) {
    const eu = C.jurisdiction("eu");
    const ids = [C.newUniqueId({ jurisdiction: "us" }), eu.newUniqueId(), eu.newUniqueId({ jurisdiction: null }), C.newUniqueId({})];
    return [ids.map((id) => id.jurisdiction ?? null), (await C.get(ids[0]).who())[1], (await eu.get(ids[1]).who())[1],
      C.jurisdiction(null).newUniqueId().jurisdiction ?? null, eu.jurisdiction("us").idFromName("r").jurisdiction];
  },
  async apart({ C }) {
    const eu = C.jurisdiction("eu");
    const stub = eu.getByName("r");
    const [name, jurisdiction, id] = await stub.who();
    const passed = await C.getByName("r").stub("us");
    return [await C.getByName("r").count(), await stub.count(), await C.get(eu.idFromName("r")).count(),
      name, jurisdiction, id === eu.idFromName("r").toString(), stub.id.jurisdiction, typeof passed.id, (await passed.who())[1]];
  },
  async refused({ C }) {
    const eu = C.jurisdiction("eu");
    const us = C.jurisdiction("us").idFromName("r");
    return [threw(() => eu.get(us)), threw(() => eu.get(C.idFromName("r"))), threw(() => eu.idFromString(us.toString())),
      threw(() => eu.newUniqueId({ jurisdiction: "us" })), threw(() => C.jurisdiction("moon"))];
  },
  async stored({ C }) { return [await C.getByName("r").count(), await C.jurisdiction("eu").getByName("r").count(), (await C.jurisdiction("eu").getByName("r").who())[1]]; },
};
export default {
  async fetch(request, env) { return Response.json(await cases[new URL(request.url).pathname.slice(1)](env)); },
};"#;

#[test]
fn jurisdictions_are_labels_with_ids_of_their_own() {
    let project = project(JURISDICTIONS);
    let server = project.start();
    let names = json!([null, "eu", "fedramp", "fedramp-high", "us"]);
    let own = json!([5, names, names, true, ["jurisdiction", "name"], ["jurisdiction", "name"]]);
    assert_eq!(answer(&server, "/own"), own);
    assert_eq!(answer(&server, "/unique"), json!([["us", "eu", "eu", null], "us", "eu", null, "us"]));
    assert_eq!(answer(&server, "/apart"), json!([1, 1, 2, "r", "eu", true, "eu", "function", "us"]));
    let other =
        "TypeError: get called on jurisdictional subnamespace with an ID from a different jurisdiction";
    let refused = json!([
        other,
        other,
        "TypeError: Durable Object ID is not valid for this namespace.",
        "TypeError: newUniqueId called on a subnamespace of the jurisdiction \"eu\" with the jurisdiction \"us\"",
        "Error: Jurisdiction restrictions are not implemented in workerd.",
    ]);
    assert_eq!(answer(&server, "/refused"), refused);
    server.stop();
    let server = project.start();
    assert_eq!(answer(&server, "/stored"), json!([2, 3, "eu"]));
    server.stop();
}

const FORGETFUL: &str = r#"
import { DurableObject, RpcTarget, RpcStub } from "cloudflare:workers";
class Target extends RpcTarget { hi() { return "hi"; } }
export class Room extends DurableObject {
  plain() { return { a: 1 }; }
  stub() { return new Target(); }
  object() { return { target: new Target() }; }
  disposer() { return { [Symbol.dispose]() {} }; }
  take(call) { return call(); }
  keep(call) { this.call = call.dup(); }
}
const cases = {
  async plain(room) { await room.plain(); },
  async last() { console.warn("the end"); },
  async disposed(room) { using stub = await room.stub(); await stub.hi(); using o = await room.object(); using d = await room.disposer(); },
  async argument(room) { await room.take(() => 1); },
  async kept(room) { await room.keep(() => 1); },
  async piped(room) { await room.stub().hi(); },
  async stub(room) { const stub = await room.stub(); await stub.hi(); },
  async object(room) { const object = await room.object(); await object.target.hi(); },
  async local() { await new RpcStub(new Target()).hi(); },
  async disposer(room) { await room.disposer(); },
};
export default {
  async fetch(request, env) {
    for (const name of new URL(request.url).pathname.slice(1).split(",")) await cases[name](env.C.getByName("a"));
    return new Response("ok");
  },
};"#;

#[test]
fn what_was_not_disposed_is_warned_of_once() {
    let project = project(FORGETFUL);
    let silent = "/plain,disposed,argument,kept";
    let forgotten = |what: &str| format!("An RPC {what} was not disposed properly.");
    for (path, expected) in [
        (silent, &[][..]),
        ("/piped,piped", &["stub"][..]),
        ("/stub", &["stub"]),
        ("/object", &["stub"]),
        ("/local", &["stub"]),
        ("/disposer,disposer,stub", &["result", "stub"]),
    ] {
        let server = project.start();
        assert_eq!(server.get(path).text(), "ok", "{path}");
        // A later line of the same stream tells that nothing is missing.
        assert_eq!(server.get("/last").text(), "ok");
        let last = server.process().wait_line(0, "the end", Deadline::after(Duration::from_secs(10)));
        assert!(last.is_some(), "{}", server.process().output());
        let output = server.process().output();
        for what in ["stub", "result"] {
            let told = usize::from(expected.contains(&what));
            assert_eq!(output.matches(&forgotten(what)).count(), told, "{path}: {what}\n{output}");
        }
        server.stop();
    }
}

const QUEUE: &str = r#"
import { DurableObject } from "cloudflare:workers";
export class Room extends DurableObject {
  block() { this.ctx.blockConcurrencyWhile(() => new Promise((go) => setTimeout(go, 50))); }
  touch() { return 1; }
}
export default {
  async fetch(request, env) {
    const room = env.C.getByName("a");
    await room.block();
    const calls = Array.from({ length: Number(new URL(request.url).searchParams.get("n")) }, () => room.touch());
    const settled = await Promise.allSettled(calls);
    const refused = settled.filter((one) => one.status === "rejected").map((one) => one.reason);
    return Response.json([settled.length - refused.length, refused.length,
      refused[0] && [refused[0].name, refused[0].message, refused[0].overloaded, refused[0].retryable]]);
  },
};"#;

#[test]
fn a_queue_that_is_full_refuses_more_and_warns_before() {
    let project = project(QUEUE);
    project
        .edit("wrangler.jsonc", r#""name": "w","#, r#""name": "w", "limits": { "subrequests": 20000 },"#)
        .expect("it is there");
    let server = project.start();
    let warning = "80 % of the 10000 requests that may wait for one object";
    assert_eq!(answer(&server, "/?n=7999"), json!([7999, 0, null]));
    assert!(!server.process().output().contains(warning));
    let text = "Durable Object is overloaded. Too many requests queued.";
    assert_eq!(answer(&server, "/?n=10002"), json!([10000, 2, ["Error", text, true, null]]));
    assert_eq!(answer(&server, "/?n=8100"), json!([8100, 0, null]), "it goes on");
    let told = server.process().wait_line(0, warning, Deadline::after(Duration::from_secs(20)));
    assert!(told.is_some(), "the log warns:\n{}", server.process().output());
    assert_eq!(server.process().output().matches(warning).count(), 1);
    server.stop();
}

const PINNED: &str = r#"import { DurableObject } from "cloudflare:workers";
export class Room extends DurableObject {
  async wait() {
    await null;
    setTimeout(() => {}, 600_000);
    setInterval(() => {}, 700_000);
    scheduler.wait(800_000);
    this.env.C.getByName("b").never();
  }
  never() { return new Promise(() => {}); }
}
export default {
  async fetch(request, env) { return Response.json(await env.C.getByName("a").wait() ?? null); },
};"#;

#[test]
fn what_pins_an_object_is_shown_with_its_source_line_once_somebody_asks() {
    let project = project(PINNED);
    let server = project.start();
    let pins = |server: &Server| {
        let facts = answer(server, "/cdn-cgi/dodev/objects/Room/a");
        let pins = facts["pins"].as_array().unwrap_or_else(|| panic!("{facts}")).clone();
        pins.into_iter().map(|pin| (pin["kind"].clone(), pin["at"].clone())).collect::<Vec<_>>()
    };
    let unknown = |pins: &[(Value, Value)]| pins.iter().filter(|(_, at)| at.is_null()).count();
    assert_eq!(answer(&server, "/"), Value::Null);
    let before = pins(&server);
    assert_eq!((before.len(), unknown(&before)), (4, 4), "nobody had asked: {before:?}");
    assert_eq!(answer(&server, "/"), Value::Null);
    let after = pins(&server);
    assert_eq!((after.len(), unknown(&after)), (8, 4), "{after:?}");
    for (kind, line) in [("timer", 5), ("timer", 6), ("timer", 7), ("operation", 8)] {
        let start = format!("index.js:{line}:");
        let found = after
            .iter()
            .filter(|(of, at)| of == kind && at.as_str().is_some_and(|at| at.starts_with(&start)));
        assert_eq!(found.count(), 1, "{kind} {start} in {after:?}");
    }
    server.stop();
}

const MANY_CALLS: &str = r#"
import { DurableObject } from "cloudflare:workers";
import * as own from "cloudflare:durable-objects";
const tried = async (call) => { try { return await call(); } catch (e) { return `${e.name}: ${e.message}`; } };
export class Room extends DurableObject {
  one() { return 1; }
  give(mib) { return new Uint8Array(mib << 20); }
  async calls(n) {
    const other = this.env.C.getByName("other");
    for (let i = 1; i < n; i++) await other.one();
    return tried(() => other.one());
  }
  stay() { this.timer = setInterval(() => {}, 3_600_000); }
}
const cases = {
  async nine(room) { for (let i = 1; i < 9; i++) await room.one(); return tried(() => room.one()); },
  async eleven(room) { for (let i = 1; i < 11; i++) await room.one(); return [await tried(() => room.one()), await tried(() => fetch("http://127.0.0.1:1/")), await tried(() => room.fetch("http://x/"))]; },
  async object(room) { return [await room.calls(10), await room.calls(11), await room.calls(10)]; },
  async large(room) { return [(await room.give(24)).byteLength >> 20, (await room.give(27)).byteLength >> 20, await tried(() => room.give(32))]; },
  async stay(room) { await room.stay(); return 1; },
  async retryable() { return [Object.keys(own), typeof own.onHibernate, own.retryable(Room.prototype.one) ?? null, await tried(() => own.retryable("one"))]; },
};
export default {
  async fetch(request, env) { return Response.json(await cases[new URL(request.url).pathname.slice(1)](env.C.getByName("r"))); },
};"#;

fn limited() -> TestProject {
    let config = r#"{ "name": "w", "main": "index.js", "compatibility_date": "2026-11-01", "limits": { "subrequests": 10 },
        "durable_objects": { "bindings": [{ "name": "C", "class_name": "Room" }] },
        "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Room"] }] }"#;
    TestProject::with_files(&[("wrangler.jsonc", config), ("index.js", MANY_CALLS)])
}

#[test]
fn an_event_makes_a_limited_number_of_subrequests() {
    let project = limited();
    let server = project.start();
    let near = "more than 80 % of the 10 subrequests";
    let too_many = "Error: Too many subrequests by single Worker invocation.";
    assert_eq!(answer(&server, "/nine"), 1);
    assert!(server.process().wait_line(0, near, Deadline::after(Duration::from_secs(10))).is_some());
    assert_eq!(answer(&server, "/eleven"), json!([too_many, too_many, too_many]));
    // Each event of an object has its own.
    assert_eq!(answer(&server, "/object"), json!([1, too_many, 1]));
    let too_large = "Error: Serialized RPC arguments or return values are limited to 32MiB, but the size of this value \
                     was: 33554447 bytes.";
    assert_eq!(answer(&server, "/large"), json!([24, 27, too_large]));
    let near = "[Room:r] more than 80 % of the 32 MiB that the arguments or the result of an RPC call may have are used (27 MiB)";
    assert!(server.process().wait_line(0, near, Deadline::after(Duration::from_secs(10))).is_some());
    let told = json!([
        ["onHibernate", "retryable"],
        "undefined",
        null,
        "TypeError: retryable() accepts only functions."
    ]);
    assert_eq!(answer(&server, "/retryable"), told);
    server.stop();
}

const MEMORY: &str = r#"import { DurableObject } from "cloudflare:workers";
export class Room extends DurableObject {
  kept = [];
  garbage() { for (let i = 0; i < 9; i++) { const a = [new Uint8Array(10 << 20)]; a.push(a); } return 1; }
  grow(count) { for (let i = 0; i < count; i++) this.kept.push(new Uint8Array(10 << 20)); return this.kept.length; }
  shrink() { this.kept = []; return 0; }
  end() { this.ctx.abort(); }
}
export default {
  async fetch(request, env) {
    const [, name, method, count] = new URL(request.url).pathname.split("/");
    try { return Response.json(await env.C.getByName(name)[method](Number(count))); } catch (error) { return Response.json(`${error}`); }
  },
};"#;

#[test]
fn memory_that_is_nearly_used_up_is_warned_of_once_in_an_objects_life() {
    let server = project(MEMORY).start();
    let warnings = || {
        // The lines of what was asked stand behind its warnings.
        let from = server.process().line_count();
        server.get("/z/shrink/0");
        let asked = server.process().wait_line(from, "/z/shrink/0", Deadline::after(Duration::from_secs(10)));
        assert!(asked.is_some());
        let lines = server.process().output();
        lines
            .lines()
            .filter(|l| l.contains("% of the memory is in use"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(answer(&server, "/a/garbage/0"), 1);
    assert_eq!(answer(&server, "/a/grow/5"), 5);
    assert_eq!(warnings(), [""; 0], "garbage does not count");
    assert_eq!(answer(&server, "/b/grow/6"), 6);
    let told = warnings();
    assert!(told.len() == 1 && told[0].contains("[Room:b]"), "it names who took the most of it: {told:?}");
    assert_eq!(answer(&server, "/b/shrink/0"), 0);
    assert_eq!(answer(&server, "/b/grow/6"), 6);
    assert_eq!(warnings().len(), 1, "once is enough");
    assert!(answer(&server, "/b/end/0").is_string());
    assert_eq!(answer(&server, "/b/grow/6"), 6);
    assert_eq!(warnings().len(), 2, "but an object that was reset begins anew");
    server.stop();
}

#[test]
fn what_keeps_an_object_awake_is_told() {
    let project = limited();
    let server = project.start_with(&["--log-level", "debug"]);
    assert_eq!(answer(&server, "/stay"), 1);
    server.advance("200s");
    let told = server.process().wait_line(
        0,
        "stays awake without events: a timer is set (index.js:",
        Deadline::after(Duration::from_secs(10)),
    );
    assert!(told.is_some(), "{}", server.process().output());
    server.stop();
}

const FOREIGN: &str = r#"
import { DurableObject } from "cloudflare:workers";
let kept;
const text = async (call) => { try { return await call(); } catch (e) { return /\(I\/O type: (\w+)\)$/.exec(e.message)?.[1] ?? e.message; } };
export class Room extends DurableObject {
  keep() { kept = { ctx: this.ctx, storage: this.ctx.storage, cursor: this.ctx.storage.sql.exec("SELECT 1 UNION SELECT 2") }; }
  async use() {
    return [await text(() => kept.storage.get("a")), await text(() => kept.storage.transaction(async () => 1)),
      await text(() => kept.cursor.toArray()), await text(() => kept.ctx.abort("mine")),
      await text(() => kept.ctx.facets.get("a", () => ({ class: this.ctx.exports.Room })).use())];
  }
  still() { return kept.ctx === this.ctx; }
}
export default {
  async fetch(request, env) {
    await env.C.getByName("a").keep();
    return Response.json([await env.C.getByName("b").use(), await env.C.getByName("a").still()]);
  },
};"#;

#[test]
fn what_belongs_to_another_object_is_refused_with_its_kind() {
    let project = project(FOREIGN);
    let server = project.start();
    // Recorded from workerd 1.20261117.1.
    let storage = "ActorCacheInterface";
    assert_eq!(answer(&server, "/"), json!([[storage, storage, "State", storage, "FacetManager"], true]));
    server.stop();
}

const BROKEN_IN_BACKGROUND: &str = r#"import { DurableObject } from "cloudflare:workers";
export class Room extends DurableObject {
  wanted() { setTimeout(() => this.ctx.abort("wanted"), 0); return 1; }
  blocked() {
    setTimeout(() => this.ctx.blockConcurrencyWhile(async () => { throw new Error("a section threw"); }), 0);
    return 1;
  }
  waited() {
    this.ctx.waitUntil(scheduler.wait(1).then(() => this.ctx.abort("waited for")));
    return 1;
  }
  called() { this.ctx.abort("told the caller"); }
}
export default {
  async fetch(request, env) {
    const [, method] = new URL(request.url).pathname.split("/");
    try { return Response.json(await env.C.getByName(method)[method]()); } catch (error) { return Response.json(`${error}`); }
  },
};"#;

#[test]
fn why_an_object_was_reset_is_told_where_nobody_else_hears_of_it() {
    let config = r#"{ "name": "w", "main": "index.js", "compatibility_date": "2026-11-01",
        "durable_objects": { "bindings": [{ "name": "C", "class_name": "Room" }] },
        "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Room"] }] }"#;
    let project = TestProject::with_files(&[("wrangler.jsonc", config), ("index.js", BROKEN_IN_BACKGROUND)]);
    let server = project.start();
    assert_eq!(answer(&server, "/wanted"), 1);
    assert_eq!(answer(&server, "/called"), "Error: told the caller");
    for (path, line) in [
        ("/blocked", "[Room:blocked] Error: a section threw"),
        ("/waited", "[Room:waited] Error: waited for"),
    ] {
        assert_eq!(answer(&server, path), 1);
        let told = server.process().wait_line(0, line, Deadline::after(Duration::from_secs(10)));
        assert!(told.is_some(), "{line}: {}", server.process().output());
    }
    let output = server.process().output();
    assert_eq!(output.matches("[Room:").count(), 2, "an end that was asked for is no mistake: {output}");
    server.stop();
}

/// Fidelity: the texts of wrangler 4.164.0.
#[test]
fn base_classes_want_a_context_and_an_environment() {
    let config = r#"{ "name": "t", "main": "i.js", "compatibility_date": "2026-11-01",
      "durable_objects": { "bindings": [{ "name": "O", "class_name": "Short" }] },
      "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Short"] }] }"#;
    let worker = r#"
      import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";
      export class Short extends DurableObject { constructor(ctx) { super(ctx); } m() {} }
      class Own extends WorkerEntrypoint {}
      const told = async (run) => { try { await run(); return "made"; } catch (error) { return `${error.name}: ${error.message}`; } };
      export default { async fetch(request, env, ctx) {
        const tries = [() => new Short(), () => new Short({}), () => new Short(ctx), () => env.O.getByName("o").m(), () => new Own(), () => new Own(ctx), () => new Own({}, env)];
        return Response.json(await Promise.all(tries.map(told)));
      } };"#;
    let server = TestProject::with_files(&[("wrangler.jsonc", config), ("i.js", worker)]).start();
    let given: Vec<String> = serde_json::from_slice(&server.get("/").body).expect("a list");
    let refusal = |class: &str, position: u8, wanted: &str| {
        format!(
            "TypeError: Failed to construct '{class}': constructor parameter {position} is not of type '{wanted}'."
        )
    };
    let no_state = refusal("DurableObjectBase", 1, "DurableObjectState");
    let expected = [
        no_state.clone(),
        no_state.clone(),
        no_state,
        refusal("DurableObjectBase", 2, "Object"),
        refusal("WorkerEntrypoint", 1, "Object"),
        refusal("WorkerEntrypoint", 2, "Object"),
        "made".to_owned(),
    ];
    assert_eq!(given, expected);
    server.stop();
}
