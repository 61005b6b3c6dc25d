//! Bindings that keep nothing: `analytics_engine_datasets` and `version_metadata`, against what wrangler 4.164.0 answered on 2026-11-23.

use serde_json::{Value, json};

use crate::project::{Server, TestProject};

const CONFIG: &str = r#"{ "name": "t", "main": "i.js", "compatibility_date": "2026-11-01",
  "analytics_engine_datasets": [{ "binding": "HITS", "dataset": "hits" }, { "binding": "N" }, { "binding": "FAR", "remote": true }],
  "version_metadata": { "binding": "VERSION" } }"#;

const WORKER: &str = r#"
import { env as early } from "cloudflare:workers";
const atTopLevel = early.VERSION.id;
const caught = (f) => { try { return typeof f(); } catch (error) { return `${error.name}: ${error.message}`; } };
export default {
  fetch(request, { HITS, N, FAR, VERSION }) {
    const many = { indexes: ["a", "b"], blobs: new Array(50).fill("x"), doubles: [1] };
    const { writeDataPoint } = HITS;
    return Response.json({
      calls: [[], ["x"], [{ indexes: ["i"] }], [many]].map((call) => caught(() => HITS.writeDataPoint(...call))),
      detached: caught(() => writeDataPoint({})),
      far: caught(() => FAR.writeDataPoint({})),
      shape: [HITS, HITS.constructor.name, Object.getOwnPropertyNames(Object.getPrototypeOf(HITS)), writeDataPoint.length],
      named: N,
      same: atTopLevel === VERSION.id,
      version: VERSION,
    });
  },
};
"#;

fn answer(server: &Server) -> Value {
    serde_json::from_slice(&server.get("/").body).expect("JSON")
}

#[test]
fn datasets_drop_data_points_and_a_version_is_of_its_code() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("i.js", WORKER)]);
    let server = project.start();
    let printed = server.process().output();
    for words in
        ["HITS → Analytics Engine, dropped", "VERSION → version", "analytics_engine_datasets with `remote`"]
    {
        assert!(printed.contains(words), "{words} is missing in:\n{printed}");
    }
    let mut first = answer(&server);
    let version = first["version"].take();
    let expected = json!({
        "calls": ["undefined", "undefined", "undefined", "undefined"],
        "detached": "TypeError: Cannot read properties of undefined (reading 'env')",
        "far": "Error: dodev does not emulate the binding \"FAR\" (analytics_engine_datasets with `remote`) yet",
        "shape": [{ "env": { "dataset": "hits" } }, "LocalAnalyticsEngineDataset", ["constructor", "writeDataPoint"], 1],
        "named": { "env": { "dataset": "N" } },
        "same": true,
        "version": null,
    });
    assert_eq!(first, expected);
    let text = |key: &str| version[key].as_str().expect("a text").to_owned();
    assert_eq!((text("id").len(), text("tag"), text("timestamp").len()), (36, String::new(), 24));
    assert_eq!(answer(&server)["version"], version, "one version serves");
    server.stop();
    assert_ne!(answer(&project.start())["version"]["id"], version["id"], "what starts is a new one");
}
