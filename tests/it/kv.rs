//! Workers KV (`fixtures/kv`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use serde_json::{Value, json};

use crate::http;
use crate::project::TestProject;
use crate::recorded::{answers_in_groups, assert_as_recorded};

#[test]
fn namespaces_answer_as_recorded() {
    assert_as_recorded("kv", &[], answers_in_groups);
}

const CONFIG: &str = r#"{ "name": "k", "main": "i.js", "compatibility_date": "2026-11-01",
  "kv_namespaces": [{ "binding": "KV", "id": "a" }, { "binding": "SAME", "id": "a" }] }"#;

const WORKER: &str = r#"
export default {
  async fetch(request, { KV, SAME }) {
    const [, what, key, value] = new URL(request.url).pathname.split("/");
    if (what === "put") await KV.put(key, value, { expirationTtl: 60, metadata: { of: key } });
    if (what === "list") return Response.json((await KV.list()).keys.map((key) => key.name));
    return Response.json(await SAME.getWithMetadata(key));
  },
};
"#;

fn value(answer: &http::Response) -> Value {
    let answer: Value = serde_json::from_slice(&answer.body).expect("JSON");
    answer["value"].clone()
}

#[test]
fn values_outlive_the_server_have_an_end_and_belong_to_a_session() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("i.js", WORKER)]);
    let server = project.start();
    assert!(server.process().output().contains("KV → KV, SAME → KV"), "{}", server.process().output());
    assert_eq!(value(&server.get("/put/a/one")), "one");
    server.stop();
    let server = project.start();
    assert_eq!(value(&server.get("/get/a")), "one");

    let (_, session) = server.control("POST", "sessions", &json!({}));
    let url = session["url"].as_str().expect("a URL");
    let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    let get = |path: &str| http::get(port, path).expect("an answer");
    assert_eq!(value(&get("/get/a")), "one");
    assert_eq!(value(&get("/put/a/two")), "two");
    assert_eq!(value(&server.get("/get/a")), "one");

    server.advance("61s");
    assert_eq!(value(&server.get("/get/a")), Value::Null);
    assert_eq!(server.get("/list").text(), "[]");
    assert_eq!(value(&get("/get/a")), "two");
    server.stop();
}
