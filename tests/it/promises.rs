//! Promises that one object makes and another one waits for or settles: each goes on as itself. What they answer was
//! recorded from wrangler 4.164.0 with workerd 1.20261117.1.

use serde_json::{Value, json};

use crate::project::TestProject;

const MAIN: &str = r#"
import { DurableObject } from "cloudflare:workers";
let shared, settle, ready = {};
const say = async (work) => { try { return await work(); } catch (e) { return `${e.name}: ${e.message}`; } };
// Each case: what the maker does, what the other does. Both write to their storage afterwards.
const cases = {
  await: { make: () => (shared = slow(7)), use: () => shared },
  reject: { make: () => (shared = slow(7).then((v) => { throw new TypeError("no " + v); })), use: () => shared },
  then: { make: () => (shared = slow(7)), use: () => shared.then((v) => v + 1) },
  catch: { make: () => (shared = slow(7).then(() => { throw new RangeError("bad"); })), use: () => shared.catch((e) => e.message) },
  finally: { make: () => (shared = slow(7)), use: () => shared.finally(() => 3) },
  all: { make: () => (shared = slow(7)), use: () => Promise.all([shared, 1]) },
  race: { make: () => (shared = slow(7)), use: () => Promise.race([shared, new Promise(() => {})]) },
  any: { make: () => (shared = slow(7)), use: () => Promise.any([shared]) },
  returned: { make: () => (shared = slow(7)), use: async () => { const f = async () => shared; return f(); } },
  resolvedWith: { make: () => (shared = slow(7)), use: () => new Promise((resolve) => resolve(shared)) },
  generator: { make: () => (shared = slow(7)), use: async () => { const out = []; for await (const v of (async function* () { yield await shared; yield shared; })()) out.push(v); return out; } },
  syncIterator: { make: () => (shared = slow(7)), use: async () => { const out = []; for await (const v of [shared, 2]) out.push(v); return out; } },
  subclass: { make: () => { class P extends Promise {} return (shared = P.resolve(slow(7))); }, use: () => shared },
  twice: { make: () => (shared = slow(7)), use: async () => [await shared, await shared] },
  elsewhere: { make: () => new Promise((resolve) => { settle = resolve; }), use: async () => { settle(9); return 1; } },
  elsewhereThen: { make: () => new Promise((resolve) => { settle = resolve; }).then((v) => v + 1), use: async () => { settle(9); return 1; } },
  elsewherePromise: { make: () => new Promise((resolve) => { settle = resolve; }), use: async () => { settle(slow(4)); return 1; } },
  withResolvers: { make: () => { const { promise, resolve } = Promise.withResolvers(); settle = resolve; return promise; }, use: async () => { settle({ a: 1 }); return 1; } },
  elsewhereReject: { make: () => new Promise((_, reject) => { settle = reject; }), use: async () => { settle(new TypeError("no")); return 1; } },
  elsewhereAwait: { make: async () => { await new Promise((_, reject) => { settle = reject; }); return 5; }, use: async () => { settle(new TypeError("no")); return 1; } },
  elsewhereCatch: { make: () => new Promise((_, reject) => { settle = reject; }).catch((e) => e.message), use: async () => { settle(new TypeError("no")); return 1; } },
  elsewhereAll: { make: () => Promise.allSettled([new Promise((_, reject) => { settle = reject; }), slow(1)]), use: async () => { settle(4); return 1; } },
  elsewhereThrow: { make: () => new Promise((resolve) => { settle = resolve; }), use: async () => { settle(slow(4).then(() => { throw new RangeError("bad"); })); return 1; } },
  elsewhereThenable: { make: () => new Promise((resolve) => { settle = resolve; }), use: async () => { settle({ then(_, reject) { reject("odd"); } }); return 1; } },
  elsewhereGenerator: { make: async () => { const g = (async function* () { try { yield await new Promise((_, reject) => { settle = reject; }); } catch (e) { yield e; } })(); return (await g.next()).value; }, use: async () => { settle("odd"); return 1; } },
  elsewhereMany: { make: async () => { const p = new Promise((_, reject) => { settle = reject; }); let n = 0; for (let i = 0; i < 200; i++) p.catch(() => { n++; }); await Promise.all(Array.from({ length: 200 }, () => (async () => { try { await p; } catch { n++; } })())); return n; }, use: async () => { settle("odd"); return 1; } },
  constructor: { make: () => (shared = slow(7)), use: async () => { const c = shared.constructor; return [c.name, shared instanceof Promise, await shared]; } },
};
cases.blocked = { make: () => new Promise((resolve) => { settle = resolve; }), use: async () => { settle(9); return 1; }, part: "blocked" };
cases.blockedUse = { make: () => (shared = slow(7)), use: () => shared, other: "blockedUse" };
cases.noisy = { make: () => (shared = slow(7).then(() => { throw new Error("told"); })), use: async () => { shared.then(() => {}); return 1; } };
const slow = (v) => scheduler.wait(60).then(() => v);
export class Room extends DurableObject {
  async run(name, part) {
    const value = await say(() => cases[name][part]());
    const stored = await say(async () => { await this.ctx.storage.put("v", value); return this.ctx.storage.get("v"); });
    return [value, stored];
  }
  async blockedUse(name) { return this.ctx.blockConcurrencyWhile(() => this.run(name, "use")); }
  async blocked(name) { return this.ctx.blockConcurrencyWhile(() => this.run(name, "make")); }
}
export default { async fetch(request, env) {
  const path = new URL(request.url).pathname.slice(1);
  const out = {};
  for (const name of path ? [path] : Object.keys(cases)) {
    const a = env.C.getByName("a" + name), b = env.C.getByName("b" + name);
    const first = a[cases[name].part ?? "run"](name, "make");
    await scheduler.wait(20);
    out[name] = await Promise.race([Promise.all([first, b[cases[name].other ?? "run"](name, "use")]), scheduler.wait(2000).then(() => "hangs")]);
  }
  return Response.json(out);
} };
"#;

fn answers(config: &str, main: &str) -> Value {
    let config = format!(
        r#"{{ "name": "w", "main": "index.js", "compatibility_date": "2026-06-01", {config}
        "durable_objects": {{ "bindings": [{{ "name": "C", "class_name": "Room" }}] }},
        "migrations": [{{ "tag": "v1", "new_sqlite_classes": ["Room"] }}] }}"#
    );
    let project = TestProject::with_files(&[("wrangler.jsonc", &config), ("index.js", main)]);
    let server = project.start();
    let response = server.get("/");
    serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("{response}"))
}

fn recorded() -> Value {
    json!({
        "await": [[7, 7], [7, 7]],
        "reject": [["TypeError: no 7", "TypeError: no 7"], ["TypeError: no 7", "TypeError: no 7"]],
        "then": [[7, 7], [8, 8]],
        "catch": [["RangeError: bad", "RangeError: bad"], ["bad", "bad"]],
        "finally": [[7, 7], [7, 7]],
        "all": [[7, 7], [[7, 1], [7, 1]]],
        "race": [[7, 7], [7, 7]],
        "any": [[7, 7], [7, 7]],
        "returned": [[7, 7], [7, 7]],
        "resolvedWith": [[7, 7], [7, 7]],
        "generator": [[7, 7], [[7, 7], [7, 7]]],
        "syncIterator": [[7, 7], [[7, 2], [7, 2]]],
        "subclass": [[7, 7], [7, 7]],
        "twice": [[7, 7], [[7, 7], [7, 7]]],
        "elsewhere": [[9, 9], [1, 1]],
        "elsewhereThen": [[10, 10], [1, 1]],
        "elsewherePromise": [[4, 4], [1, 1]],
        "withResolvers": [[{"a": 1}, {"a": 1}], [1, 1]],
        "elsewhereReject": [["TypeError: no", "TypeError: no"], [1, 1]],
        "elsewhereAwait": [["TypeError: no", "TypeError: no"], [1, 1]],
        "elsewhereCatch": [["no", "no"], [1, 1]],
        "elsewhereAll": [
            [[{"status": "rejected", "reason": 4}, {"status": "fulfilled", "value": 1}],
             [{"status": "rejected", "reason": 4}, {"status": "fulfilled", "value": 1}]], [1, 1]],
        "elsewhereThrow": [["RangeError: bad", "RangeError: bad"], [1, 1]],
        "elsewhereThenable": [["undefined: undefined", "undefined: undefined"], [1, 1]],
        "elsewhereGenerator": [["odd", "odd"], [1, 1]],
        "elsewhereMany": [[400, 400], [1, 1]],
        "constructor": [[7, 7], [["Promise", true, 7], ["Promise", true, 7]]],
        "blocked": "hangs",
        "blockedUse": [[7, 7], [7, 7]],
        "noisy": [["Error: told", "Error: told"], [1, 1]]
    })
}

#[test]
fn who_waits_for_a_promise_of_another_object_goes_on_as_itself() {
    assert_eq!(answers("", MAIN), recorded());
}

#[test]
fn so_does_who_uses_async_context() {
    let main = format!("import \"node:async_hooks\";{MAIN}");
    assert_eq!(answers(r#""compatibility_flags": ["nodejs_compat"],"#, &main), recorded());
}
