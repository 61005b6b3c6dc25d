//! Rate limits (`ratelimits` and `unsafe.bindings`), against what wrangler 4.164.0 answered on 2026-11-23.

use serde_json::{Value, json};

use crate::project::{Server, TestProject};

const CONFIG: &str = r#"{ "name": "t", "main": "i.js", "compatibility_date": "2026-11-01",
  "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }],
  "ratelimits": [{ "name": "R", "namespace_id": "1", "simple": { "limit": 3, "period": 60 } },
    { "name": "SAME", "namespace_id": "1", "simple": { "limit": 5, "period": 60 } },
    { "name": "SHORT", "namespace_id": "1", "simple": { "limit": 2, "period": 10 } }],
  "unsafe": { "bindings": [{ "name": "OLD", "type": "ratelimit", "namespace_id": "9", "simple": { "limit": 2, "period": 60 } }] } }"#;

const WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";
const take = async (rate, key, times) => {
  const results = [];
  for (let i = 0; i < times; i++) results.push((await rate.limit({ key })).success);
  return results;
};
export class O extends DurableObject {
  take() { return take(this.env.R, "object", 4); }
}
export default {
  async fetch(request, env) {
    const { R, SAME, SHORT, OLD, O } = env;
    const told = async (options) => {
      try { return (await R.limit(options)).success; } catch (error) { return `${error.name}: ${error.message}`; }
    };
    switch (new URL(request.url).pathname) {
      case "/take":
        return Response.json([await take(R, "a", 4), await take(SAME, "a", 3), await take(SHORT, "a", 3), await take(OLD, "a", 3)]);
      case "/object":
        return Response.json(await O.getByName("o").take());
      case "/told": {
        const asked = [undefined, null, "x", [], {}, { key: 1 }, { key: null }, { key: undefined }, { key: "b", x: 1, y: 2 }, { key: "b", limit: "3" },
          { key: "b", limit: null }, { key: "b", period: "10" }, { key: "b", period: 11 }, { key: "b", limit: 1 }, { key: "b", limit: 1 },
          { key: "b", limit: 2, period: 10 }, { key: "c", delta: 0 }, { key: "c", delta: -1 }, { key: "c", delta: 0.5 }, { key: "c", delta: "2" },
          { key: "c", delta: NaN }, { key: "c", delta: null }, { key: "c", delta: 2 ** 33 }, { key: "c", delta: 4294967295 }, { key: "c", delta: 1n },
          { key: "c", delta: Symbol() }, { key: "d", limit: 0 }, { key: "d", limit: Infinity }, { key: "e", limit: 1.5 }, { key: "e", limit: 1.5 },
          { key: "e", limit: 1.5 }, { get key() { throw new RangeError("boo"); } }];
        const answers = [];
        for (const options of asked) answers.push(await told(options));
        return Response.json(answers);
      }
      default: {
        const { limit } = R;
        return Response.json([R.constructor.name, limit.length, R.limitVal, R.period, Object.getOwnPropertyNames(Object.getPrototypeOf(R)),
          await limit({ key: "a" }).catch((error) => error.message), await R.limit({ key: "z" })]);
      }
    }
  },
};
"#;

fn answer(server: &Server, path: &str) -> Value {
    let response = server.get(path);
    serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("{}", response.text()))
}

fn refused(times: usize) -> Vec<bool> {
    vec![false; times]
}

#[test]
fn calls_are_counted_by_window_namespace_and_key() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("i.js", WORKER)]);
    let server = project.start_with(&["--time", "2027-01-01T00:00:05Z", "--freeze"]);
    let printed = server.process().output();
    assert!(printed.contains("R → 3 calls in 60 s"), "{printed}");
    assert!(!printed.contains("not-emulated") && !printed.contains("unknown-key"), "{printed}");
    let all_refused = json!([refused(4), refused(3), refused(3), refused(3)]);
    assert_eq!(
        answer(&server, "/take"),
        json!([[true, true, true, false], [true, true, false], [true, true, false], [true, true, false]])
    );
    assert_eq!(answer(&server, "/take"), all_refused);
    assert_eq!(answer(&server, "/object"), json!([true, true, true, false]));
    project.edit("i.js", "case \"/take\":", "case \"/again\": case \"/take\":").expect("an edit");
    while server.get("/again").text().contains("Ratelimit") {}
    assert_eq!(answer(&server, "/again"), all_refused, "new code does not begin anew");

    server.advance("5s");
    let begun = json!([refused(4), refused(3), [true, true, false], refused(3)]);
    assert_eq!(answer(&server, "/take"), begun, "the window of ten seconds ended");
    server.advance("50s");
    assert_eq!(answer(&server, "/object"), json!([true, true, true, false]), "that of a minute, too");
    server.stop();
}

#[test]
fn options_are_told_of_as_by_wrangler() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("i.js", WORKER)]);
    let server = project.start_with(&["--freeze"]);
    let invalid = "Error: invalid rate limit options";
    let zero = "RangeError: delta must be non-zero";
    let expected = json!([
        invalid,
        invalid,
        invalid,
        true,
        true,
        "Error: invalid key: 1",
        "Error: invalid key: null",
        true,
        "Error: bad rate limit options: [x,y]",
        "Error: limit must be a number: 3",
        "Error: limit must be a number: null",
        "Error: period must be a number: 10",
        "Error: unsupported period: 11",
        true,
        false,
        true,
        zero,
        "TypeError: The value cannot be converted because it is negative and this API expects a positive number.",
        zero,
        true,
        "TypeError: The value cannot be converted because it is not an integer.",
        zero,
        "TypeError: Value out of range. Must be less than or equal to 4294967295.",
        true,
        "TypeError: Cannot convert a BigInt value to a number",
        "TypeError: Cannot convert a Symbol value to a number",
        false,
        false,
        true,
        true,
        false,
        "RangeError: boo",
    ]);
    assert_eq!(answer(&server, "/told"), expected);
    let detached = "Cannot read properties of undefined (reading 'limitVal')";
    let shape = json!(["Ratelimit", 1, 3, 60, ["constructor", "limit"], detached, { "success": true }]);
    assert_eq!(answer(&server, "/"), shape);
    server.stop();
}
