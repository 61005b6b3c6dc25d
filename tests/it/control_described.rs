//! The control API's OpenAPI description against its routes and answers.

use std::collections::BTreeSet;

use serde_json::json;

use crate::control::{BASE, ask, get, project, walk};
use crate::schema::mistakes;

/// Routes as the code has them, with `OBJECT` filled in.
fn routes() -> BTreeSet<String> {
    let folder = crate::project::repository().join("src/server/control");
    let mut found = BTreeSet::new();
    for (path, _) in walk(&folder).into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "rs"))
    {
        let text = std::fs::read_to_string(path).unwrap();
        for part in text.split(".route(").skip(1) {
            let argument = part.split(", ").next().unwrap();
            let object = format!("{BASE}/objects/{{class}}/{{object}}");
            let path = match argument.strip_prefix("&format!(\"") {
                Some(rest) => rest.trim_end_matches("\")").replace("{OBJECT}", &object),
                None if argument == "OBJECT" => object,
                None => argument.trim_matches(|c| c == '"' || c == '\n' || c == ' ').to_owned(),
            };
            found.insert(path.replace("{{", "{").replace("}}", "}"));
        }
    }
    found
}

#[test]
fn every_route_is_described_and_answers_as_described() {
    let project = project();
    let server = project.start();
    let description = get(&server, &format!("{BASE}/openapi.json"));
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(paths.keys().cloned().collect::<BTreeSet<_>>(), routes());
    let text = description.to_string();
    for name in description["components"]["schemas"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("#/components/schemas/{name}\"")), "{name} is not used");
    }

    let mut left: BTreeSet<String> = BTreeSet::new();
    for (path, methods) in paths {
        left.extend(methods.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
    }
    // One is endless, the other is lines; both are tested by themselves.
    assert!(left.remove(&format!("get {BASE}/events")) && left.remove(&format!("get {BASE}/state/export")));
    let of = |rest: &str| format!("{BASE}/objects/{{class}}/{{object}}{rest}");
    let at = |rest: &str| format!("{BASE}{rest}");
    let line = r#"{"object":"Counter:z","version":1,"worker":"ctl","class":"Counter","id":null,"name":"z"}"#;
    let steps = [
        ("get", at("/health"), json!({})),
        ("get", at("/overview"), json!({})),
        ("post", of("/call"), json!({ "method": "inc", "args": [] })),
        ("post", of("/call"), json!({ "method": "give", "args": [] })),
        ("post", of("/fetch"), json!({ "url": "http://x/y" })),
        ("put", of("/kv/{key}"), json!({ "value": { "a": [1, null] } })),
        ("get", of("/kv/{key}"), json!({})),
        ("get", of("/kv"), json!({})),
        ("put", of("/kv?key=..%2F.."), json!({ "value": 1 })),
        ("delete", of("/kv?key=..%2F.."), json!({})),
        ("delete", of("/kv/{key}"), json!({})),
        ("post", of("/sql"), json!({ "query": "SELECT 1, 'a', x'00', NULL, 1.5" })),
        ("get", of(""), json!({})),
        ("get", at("/objects?asleep"), json!({})),
        ("put", of("/alarm"), json!({ "time": 4_000_000_000_000_u64 })),
        ("get", of("/alarm"), json!({})),
        ("post", of("/alarm/run"), json!({})),
        ("delete", of("/alarm"), json!({})),
        ("post", of("/hibernate"), json!({})),
        ("post", of("/evict"), json!({ "webSockets": "close" })),
        ("post", of("/reset"), json!({ "reason": "why" })),
        ("post", at("/hibernate"), json!({})),
        ("post", at("/faults"), json!({ "class": "Counter", "fault": "delay", "delayMs": 5 })),
        ("get", at("/faults"), json!({})),
        ("delete", at("/faults"), json!({})),
        ("get", at("/logs?limit=5"), json!({})),
        ("delete", at("/logs"), json!({})),
        ("get", at("/time"), json!({})),
        ("post", at("/time/advance"), json!({ "by_ms": 10 })),
        ("post", at("/sessions"), json!({})),
        ("get", at("/sessions"), json!({})),
        ("post", at("/sessions/1/reset"), json!({})),
        ("delete", at("/sessions/1"), json!({})),
        ("post", at("/state/snapshots"), json!({ "name": "one" })),
        ("get", at("/state/snapshots"), json!({})),
        ("post", at("/state/import"), json!({ "lines": line })),
        ("get", at("/state/objects"), json!({})),
        ("get", at("/state/inspect?address=Counter:a&limit=1"), json!({})),
        ("get", at("/state/inspect?address=Counter"), json!({})),
        ("put", of("/alarm"), json!({ "time": 4_000_000_000_000_u64 })),
        ("get", at("/state/alarms?address=Counter"), json!({})),
        ("delete", of("/alarm"), json!({})),
        ("put", of("/kv/{key}"), json!({ "value": 1 })),
        ("get", at("/state/diff?from=one"), json!({})),
        ("get", at("/state/diff?from=one&to=live&only=Counter:a"), json!({})),
        ("get", at("/migrations"), json!({})),
        ("post", at("/state/save-history"), json!({})),
        ("get", of("/history").replace("{object}", "z"), json!({})),
        ("post", of("/restore").replace("{object}", "z"), json!({ "time": 0 })),
        ("post", at("/state/remove"), json!({ "objects": [{ "class": "Counter", "object": "name:a" }] })),
        ("post", at("/state/snapshots/one/load"), json!({})),
        ("post", at("/state/reset"), json!({ "class": "Counter" })),
        ("delete", at("/state/snapshots/one"), json!({})),
    ];
    for (method, path, body) in steps {
        let template = path.split('?').next().unwrap().replace("/z/", "/{object}/");
        let template = match template.strip_prefix(&at("/state/snapshots/")) {
            Some(rest) => at(&format!("/state/snapshots/{}", rest.replace("one", "{name}"))),
            None => {
                template.replace("/time/advance", "/time/{verb}").replace("/sessions/1", "/sessions/{id}")
            }
        };
        let place = path.replace("{class}", "Counter").replace("{object}", "a").replace("{key}", "k%2F1");
        let body = match body["time"].as_u64() {
            Some(0) => json!({ "time": get(&server, &at("/health"))["now"] }),
            _ => body,
        };
        let (status, answer) = ask(&server, &method.to_uppercase(), &place, &body);
        left.remove(&format!("{method} {template}"));
        assert_eq!(status, 200, "{method} {place}: {answer}");
        let schema = &paths[&template][method]["responses"]["200"]["content"]["application/json"]["schema"];
        assert_eq!(mistakes(&description, schema, &answer), Vec::<String>::new(), "{method} {place}");
    }
    left.remove(&format!("get {BASE}/openapi.json"));
    assert_eq!(left, BTreeSet::new(), "these were not asked");
    server.stop();
}
