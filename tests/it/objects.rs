//! Which object an id means, through the binary: jurisdictions, whose ids are their own and stay valid.

use serde_json::{Value, json};

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
      name, jurisdiction, id === eu.idFromName("r").toString(), stub.id.jurisdiction, passed.id.jurisdiction, (await passed.who())[1]];
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
    let own = json!([5, names, names, true, ["name"], ["name", "jurisdiction"]]);
    assert_eq!(answer(&server, "/own"), own);
    assert_eq!(answer(&server, "/unique"), json!([["us", "eu", "eu", null], "us", "eu", null, "us"]));
    assert_eq!(answer(&server, "/apart"), json!([1, 1, 2, "r", "eu", true, "eu", "us", "us"]));
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
