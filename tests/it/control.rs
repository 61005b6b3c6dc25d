//! The control API through the binary: what it shows and changes, and whom it refuses.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Request;
use crate::project::{Server, TestProject};
use crate::schema::mistakes;

const BASE: &str = "/cdn-cgi/dodev";
const OBJECT: &str = "/cdn-cgi/dodev/objects/Counter/a";

fn project() -> TestProject {
    TestProject::with_files(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "ctl", "main": "index.js", "compatibility_date": "2026-11-01",
                "durable_objects": { "bindings": [{ "name": "C", "class_name": "Counter" }] },
                "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Counter"] }] }"#,
        ),
        (
            "index.js",
            r#"import { DurableObject } from "cloudflare:workers";
            export class Counter extends DurableObject {
              calls = 0;
              async inc() {
                this.calls++;
                const v = (await this.ctx.storage.get("v") ?? 0) + 1;
                await this.ctx.storage.put("v", v);
                return v;
              }
              memory() { return this.calls; }
              echo(value) { return value; }
              fail() { throw new TypeError("no"); }
              give() { return () => 1; }
              timer() { setTimeout(() => {}, 600_000); }
              hang() { return new Promise(() => {}); }
              block() { this.ctx.blockConcurrencyWhile(() => new Promise((go) => { this.go = go; setTimeout(go, 200); })); }
              alarmIn(ms) { return this.ctx.storage.setAlarm(Date.now() + ms); }
              async alarm() { await this.ctx.storage.put("alarmed", true); if (await this.ctx.storage.get("bad")) throw new Error("bad"); }
              fetch(request) {
                if (request.headers.get("upgrade")) {
                  const [client, server] = Object.values(new WebSocketPair());
                  this.ctx.acceptWebSocket(server, ["t"]);
                  server.serializeAttachment({ user: 1 });
                  return new Response(null, { status: 101, webSocket: client });
                }
                return new Response(`${request.method} ${new URL(request.url).pathname}`, { headers: { a: "b" } });
              }
            }
            export default {
              async fetch(request, env) {
                const stub = env.C.getByName("a");
                if (request.headers.get("upgrade")) return stub.fetch(request);
                try {
                  const { pathname, search } = new URL(request.url);
                  if (pathname === "/once") {
                    return Response.json(await env.C.getByName("a", { retry: { maxRetries: 0 } }).memory());
                  }
                  if (pathname === "/options") {
                    env.C.get(env.C.newUniqueId(), JSON.parse(decodeURIComponent(search.slice(1))));
                    return new Response("ok");
                  }
                  return Response.json(await stub[new URL(request.url).pathname.slice(1)]());
                } catch (e) {
                  return Response.json({ message: e.message, ...e }, { status: 500 });
                }
              },
            };"#,
        ),
    ])
}

fn ask(server: &Server, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut request = Request::new(method, path);
    if method != "GET" {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let response = server.request(&request);
    let json =
        serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("{method} {path}: {response}"));
    (response.status, json)
}

fn get(server: &Server, path: &str) -> Value {
    let (status, json) = ask(server, "GET", path, &Value::Null);
    assert_eq!(status, 200, "{path}: {json}");
    json
}

fn post(server: &Server, path: &str, body: &Value) -> Value {
    let (status, json) = ask(server, "POST", path, body);
    assert_eq!(status, 200, "{path}: {json}");
    json
}

fn call(server: &Server, method: &str, args: &Value) -> Value {
    post(server, &format!("{OBJECT}/call"), &json!({ "method": method, "args": args }))["value"].clone()
}

#[test]
fn shows_and_changes_what_objects_store_without_waking_them() {
    let project = project();
    let server = project.start();
    let files = || walk(&project.state_dir().join("v3/do"));
    let before = files();
    assert_eq!(get(&server, OBJECT)["state"], "asleep");
    assert_eq!(get(&server, &format!("{OBJECT}/kv"))["entries"], json!([]));
    assert_eq!(ask(&server, "GET", &format!("{OBJECT}/kv/v"), &Value::Null).0, 404);
    let sql = format!("{OBJECT}/sql");
    assert_eq!(ask(&server, "POST", &sql, &json!({ "query": "SELECT 1" })).0, 404);
    assert_eq!(files(), before, "reading makes no file");

    let key = |key: &str| format!("{OBJECT}/kv/{key}");
    assert_eq!(ask(&server, "PUT", &key("v"), &json!({ "value": 41 })), (200, json!({ "changed": true })));
    assert_eq!(get(&server, OBJECT)["state"], "asleep", "a change does not wake");
    assert_eq!(server.get("/inc").text(), "42");
    assert_eq!(get(&server, &key("v")), json!({ "key": "v", "value": 42, "v8": "/w9JVA==" }));
    // The object has read the key and keeps it: it sees the change all the same.
    assert_eq!(ask(&server, "PUT", &key("v"), &json!({ "v8": "/w9JAg==" })).0, 200);
    assert_eq!(server.get("/inc").text(), "2");
    let map = json!({ "$": "Map", "v": [["k", { "$": "undefined" }]] });
    assert_eq!(ask(&server, "PUT", &key("a%2Fb"), &json!({ "value": map })).0, 200);
    assert_eq!(get(&server, &key("a%2Fb"))["value"], map);
    let list = get(&server, &format!("{OBJECT}/kv?limit=1"));
    assert_eq!((&list["entries"][0]["key"], &list["more"]), (&json!("a/b"), &json!(true)));
    assert_eq!(ask(&server, "DELETE", &key("a%2Fb"), &Value::Null).1, json!({ "changed": true }));
    assert_eq!(ask(&server, "DELETE", &key("a%2Fb"), &Value::Null).1, json!({ "changed": false }));

    let text = "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, x'0102')";
    assert_eq!(post(&server, &sql, &json!({ "query": text }))["rowsWritten"], 1);
    let rows = post(&server, &sql, &json!({ "query": "SELECT a, b, ? AS c FROM t", "params": ["x"] }));
    assert_eq!(rows["columns"], json!(["a", "b", "c"]));
    assert_eq!(rows["rows"], json!([[1, { "base64": "AQI=" }, "x"]]));
    let (status, wrong) = ask(&server, "POST", &sql, &json!({ "query": "SELECT * FROM _cf_KV" }));
    assert_eq!((status, &wrong["error"]), (400, &json!("access to _cf_KV.key is prohibited: SQLITE_AUTH")));
    server.stop();
    let server = project.start();
    assert_eq!(server.get("/inc").text(), "3", "it was stored");
    server.stop();
}

#[test]
fn calls_methods_and_tells_what_keeps_an_object_awake() {
    let project = project();
    let server = project.start();
    assert_eq!(call(&server, "echo", &json!([{ "a": [1, null] }])), json!({ "a": [1, null] }));
    let path = format!("{OBJECT}/call");
    let (status, thrown) = ask(&server, "POST", &path, &json!({ "method": "fail" }));
    assert_eq!((status, &thrown["error"]), (500, &json!("TypeError: no")));
    assert_eq!(thrown["thrown"]["flags"], json!(["remote"]));
    assert!(thrown["thrown"]["stack"].as_str().is_some_and(|s| s.contains("index.js:")), "{thrown}");
    assert_eq!(post(&server, &path, &json!({ "method": "give" }))["stubs"], 1);
    let fetched = post(&server, &format!("{OBJECT}/fetch"), &json!({ "method": "PUT", "url": "http://x/y" }));
    assert_eq!((&fetched["status"], &fetched["text"]), (&json!(200), &json!("PUT /y")));

    server.get("/inc");
    assert_eq!(call(&server, "memory", &json!([])), 1);
    assert_eq!(post(&server, &format!("{OBJECT}/hibernate"), &json!({})), json!({ "changed": true }));
    assert_eq!(get(&server, OBJECT)["state"], "asleep");
    assert_eq!(call(&server, "memory", &json!([])), 0, "memory is gone");
    call(&server, "timer", &json!([]));
    let (status, busy) = ask(&server, "POST", &format!("{OBJECT}/hibernate"), &json!({}));
    assert_eq!((status, &busy["pins"][0]["kind"]), (409, &json!("timer")));
    assert_eq!(post(&server, &format!("{BASE}/hibernate"), &json!({})), json!({ "count": 0 }));
    assert_eq!(post(&server, &format!("{OBJECT}/evict"), &json!({})), json!({ "changed": true }));
    assert_eq!(get(&server, &format!("{BASE}/objects"))["objects"], json!([]));
    let known = get(&server, &format!("{BASE}/objects?asleep&class=Counter"));
    assert_eq!(known["objects"][0]["name"], "a");
    assert_eq!(get(&server, &format!("{BASE}/overview"))["namespaces"][0]["known"], 1);
    server.stop();
}

#[test]
fn resets_break_calls_that_run() {
    let project = project();
    let server = project.start();
    let port = server.port();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut watch = Watch::start(port);
    stream.write_all(b"GET /hang HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    watch.wait("wake");
    let (status, busy) = ask(&server, "POST", &format!("{OBJECT}/evict"), &json!({}));
    assert_eq!((status, &busy["pins"][0]["kind"]), (409, &json!("handler")));
    assert_eq!(post(&server, &format!("{OBJECT}/reset"), &json!({ "reason": "because" }))["changed"], true);
    assert_eq!(watch.wait("reset")["reason"], "because");
    let answer = std::io::read_to_string(stream).unwrap();
    assert!(answer.ends_with(r#"{"message":"because","durableObjectReset":true}"#), "{answer}");
    let facts = get(&server, OBJECT);
    assert_eq!((&facts["resets"], &facts["lastReset"]), (&json!(1), &json!("because")));
    server.stop();
}

#[test]
fn runs_sets_and_deletes_alarms() {
    let project = project();
    let server = project.start();
    let alarm = format!("{OBJECT}/alarm");
    let run = format!("{alarm}/run");
    assert_eq!(ask(&server, "POST", &run, &json!({})).0, 404);
    // Set on an object that has no file and sleeps.
    assert_eq!(ask(&server, "PUT", &alarm, &json!({ "time": 6_000_000_000_000_i64 })).0, 200);
    assert_eq!(get(&server, OBJECT)["state"], "asleep");
    assert_eq!(get(&server, &alarm)["alarm"]["scheduled"], 6_000_000_000_000_i64);
    assert_eq!(post(&server, &run, &json!({})), json!({ "outcome": "done" }));
    assert_eq!(get(&server, &format!("{OBJECT}/kv/alarmed"))["value"], true);
    assert_eq!(get(&server, &alarm)["alarm"], Value::Null);
    // On one that is awake; a failed run is tried again, now or later.
    assert_eq!(ask(&server, "PUT", &format!("{OBJECT}/kv/bad"), &json!({ "value": 1 })).0, 200);
    call(&server, "alarmIn", &json!([600_000]));
    assert_eq!(post(&server, &run, &json!({})), json!({ "outcome": "failed" }));
    assert_eq!(get(&server, &alarm)["alarm"]["retryCount"], 1);
    assert_eq!(post(&server, &run, &json!({})), json!({ "outcome": "failed" }));
    assert_eq!(ask(&server, "DELETE", &alarm, &Value::Null).1, json!({ "changed": true }));
    assert_eq!(get(&server, &alarm)["alarm"], Value::Null);
    server.stop();
    let server = project.start();
    assert_eq!(get(&server, &alarm)["alarm"], Value::Null, "the list on disk agrees");
    server.stop();
}

#[test]
fn injects_faults_into_calls_by_stubs() {
    let project = project();
    let server = project.start();
    assert_eq!(server.get("/inc").text(), "1");
    let faults = format!("{BASE}/faults");
    let answer_with = |fault: Value| {
        post(&server, &faults, &fault);
        server.get("/memory").text()
    };
    let overload = answer_with(json!({ "class": "Counter", "fault": "overload" }));
    let text = "Durable Object is overloaded. Too many requests queued.";
    assert_eq!(overload, json!({ "message": text, "overloaded": true }).to_string());
    assert_eq!(server.get("/memory").text(), "1", "one call only");
    assert_eq!(answer_with(json!({ "class": "Counter", "object": "b", "fault": "overload" })), "1");
    assert_eq!(get(&server, &faults)["faults"].as_array().map(Vec::len), Some(1));
    assert_eq!(ask(&server, "DELETE", &faults, &Value::Null).1, json!({ "count": 1 }));
    assert_eq!(answer_with(json!({ "class": "Counter", "fault": "delay", "delayMs": 1 })), "1");
    assert_eq!(answer_with(json!({ "class": "Counter", "fault": "evict" })), "0");
    let lost = json!({ "class": "Counter", "fault": "disconnect" });
    let mut watch = Watch::start(server.port());
    assert_eq!(answer_with(lost.clone()), "0", "the call is made again");
    watch.wait("retry");
    post(&server, &faults, &lost);
    let lost = json!({ "message": "Network connection lost.", "retryable": true });
    assert_eq!(server.get("/once").text(), lost.to_string(), "the stub allows no retry");
    let reset = answer_with(json!({ "class": "Counter", "fault": "reset" }));
    let text = "Application called abort() to reset Durable Object.";
    assert_eq!(reset, json!({ "message": text, "durableObjectReset": true }).to_string());
    assert_eq!(ask(&server, "POST", &faults, &json!({ "class": "Counter", "fault": "delay" })).0, 400);
    assert_eq!(ask(&server, "POST", &faults, &json!({ "class": "No", "fault": "reset" })).0, 404);
    server.stop();
}

#[test]
fn limits_of_retries_are_checked_as_on_the_platform() {
    let project = project();
    let server = project.start();
    let wrong = |name: &str, owner: &str, kind: &str| {
        format!(
            "Incorrect type for the '{name}' field on '{owner}': the provided value is not of type '{kind}'."
        )
    };
    let retries = "retry.maxRetries must be an integer between 0 and 10".to_owned();
    let timeout = "retry.timeoutMs must be an integer between 500 and 60000".to_owned();
    for (options, message) in [
        (json!({ "retry": { "maxRetries": 10, "timeoutMs": 500 } }), None),
        (json!({ "retry": {} }), None),
        (json!({ "retry": null }), None),
        (json!({ "retry": { "maxRetries": 11 } }), Some(retries.clone())),
        (json!({ "retry": { "maxRetries": 1.5 } }), Some(retries.clone())),
        (json!({ "retry": { "maxRetries": 99, "timeoutMs": -1 } }), Some(retries)),
        (json!({ "retry": { "timeoutMs": 0 } }), Some(timeout)),
        (json!({ "retry": { "maxRetries": null } }), Some(wrong("maxRetries", "RetryOptions", "number"))),
        (json!({ "retry": { "timeoutMs": "x" } }), Some(wrong("timeoutMs", "RetryOptions", "number"))),
        (json!({ "retry": 1 }), Some(wrong("retry", "GetDurableObjectOptions", "RetryOptions"))),
    ] {
        let text = options.to_string().replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
        let expected =
            message.map_or_else(|| "ok".to_owned(), |message| json!({ "message": message }).to_string());
        assert_eq!(server.get(&format!("/options?{text}")).text(), expected, "{options}");
    }
    server.stop();
}

#[test]
fn tells_what_happens_and_ends_with_the_server() {
    let project = project();
    let server = project.start();
    let mut watch = Watch::start(server.port());
    server.get("/inc");
    for event in ["wake", "commit", "request"] {
        let line = watch.wait(event);
        assert!(line["at"].is_i64() && (event == "request" || line["name"] == "a"), "{line}");
    }
    post(&server, &format!("{OBJECT}/hibernate"), &json!({}));
    watch.wait("hibernate");
    assert_eq!(get(&server, &format!("{BASE}/logs"))["logs"], json!([]));
    server.stop();
    assert_eq!(watch.next(), None);
    let left = walk(&project.state_dir().join("v3/do"));
    let has_log = |(path, _): &(std::path::PathBuf, u64)| path.to_string_lossy().ends_with("-wal");
    assert!(!left.is_empty() && !left.iter().any(has_log), "sleeping objects are finished too: {left:?}");
}

#[test]
fn only_local_callers_and_those_with_the_token_are_served() {
    let project = project();
    let server = project.start();
    let file = project.state_dir().join("v3/dodev/server.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let told: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(told["url"], format!("http://127.0.0.1:{}", server.port()));
    let token = format!("Bearer {}", told["token"].as_str().unwrap());
    let own = format!("http://127.0.0.1:{}", server.port());
    let put = format!("{OBJECT}/kv/v");
    let json = ("content-type", "application/json");
    for (method, path, headers, status) in [
        ("GET", OBJECT, vec![], 200),
        ("GET", OBJECT, vec![("host", "rebound.example")], 403),
        ("GET", OBJECT, vec![("origin", "https://site.example")], 403),
        ("GET", OBJECT, vec![("sec-fetch-site", "cross-site")], 403),
        ("PUT", &put, vec![json], 200),
        ("PUT", &put, vec![json, ("origin", &own)], 200),
        ("PUT", &put, vec![], 403),
        ("PUT", &put, vec![("content-type", "text/plain")], 403),
        ("PUT", &put, vec![json, ("origin", "http://localhost:1")], 403),
        ("PUT", &put, vec![json, ("origin", "null")], 403),
        ("PUT", &put, vec![json, ("host", "rebound.example")], 403),
        ("PUT", &put, vec![("authorization", &token), ("host", "proxy.example")], 200),
        ("PUT", &put, vec![("authorization", "Bearer wrong"), json], 401),
    ] {
        let mut request = Request::new(method, path).body(r#"{"value":1}"#);
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let response = server.request(&request);
        assert_eq!(response.status, status, "{method} {headers:?}: {response}");
        assert_eq!(response.header("access-control-allow-origin"), None);
    }
    for (method, path, status) in [
        ("GET", "/objects/Counter/id:12", 400),
        ("GET", "/objects/Nope/a", 404),
        ("GET", "/objects/..%2F..%2Fetc/a", 404),
        ("GET", &format!("/objects/Counter/{}", "00".repeat(32)), 400),
        ("GET", "/objects?what=1", 400),
        ("GET", "/nowhere", 404),
        ("POST", "/health", 405),
        ("POST", "/faults", 400),
    ] {
        let (found, body) = ask(&server, method, &format!("{BASE}{path}"), &json!({ "x": 1 }));
        assert!(found == status && body["error"].is_string(), "{method} {path}: {found} {body}");
    }
    server.stop();
    assert!(!file.exists(), "the file goes with the server");
}

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

#[test]
fn who_asks_nonsense_gets_a_sentence_and_changes_nothing() {
    let project = project();
    let server = project.start();
    call(&server, "inc", &json!([]));
    let description = get(&server, &format!("{BASE}/openapi.json"));
    let schema = json!({ "$ref": "#/components/schemas/Error" });
    // Else the history is written within a second.
    post(&server, &format!("{BASE}/state/save-history"), &json!({}));
    let before = walk(&project.state_dir());
    let state = format!("{BASE}/state");
    let deep = format!("{BASE}/objects/{}/a", "x".repeat(5_000));
    for (method, path, body, status) in [
        ("GET", format!("{BASE}/objects/%ff/a"), json!({}), 400),
        ("GET", format!("{BASE}/objects/Counter/a/kv/%ff"), json!({}), 400),
        ("GET", deep, json!({}), 400),
        ("GET", format!("{BASE}/objects/Counter/a/history?limit=0"), json!({}), 400),
        ("GET", format!("{BASE}/objects/..%2F..%2Fetc/a/history"), json!({}), 404),
        ("GET", format!("{BASE}/objects/Counter/nobody/history"), json!({}), 404),
        ("POST", format!("{BASE}/objects/Counter/a/restore"), json!({}), 400),
        ("POST", format!("{BASE}/objects/Counter/a/restore"), json!({ "bookmark": "../x" }), 400),
        (
            "POST",
            format!("{state}/remove"),
            json!({ "objects": [{ "class": "Counter", "object": "z" }] }),
            404,
        ),
        ("POST", format!("{state}/remove"), json!({ "objects": [{ "class": "..", "object": "z" }] }), 404),
        (
            "POST",
            format!("{state}/remove"),
            json!({ "objects": [{ "class": "Counter", "object": "id:../x" }] }),
            400,
        ),
        ("POST", format!("{state}/reset"), json!({ "class": "../.." }), 404),
        ("POST", format!("{state}/reset"), json!({ "clas": "Counter" }), 400),
        ("POST", format!("{state}/import"), json!({ "lines": "{" }), 400),
        (
            "POST",
            format!("{state}/import"),
            json!({ "lines": r#"{"object":"x","version":1,"worker":"../..","class":"X","id":null,"name":"a"}"# }),
            400,
        ),
        (
            "POST",
            format!("{state}/import"),
            json!({ "lines": r#"{"object":"x","version":1,"worker":"w","class":"X","name":"a"}"#, "worker": "../.." }),
            400,
        ),
        ("POST", format!("{state}/snapshots"), json!({ "name": "../x" }), 400),
        ("POST", format!("{state}/snapshots"), json!({ "name": "live" }), 400),
        ("POST", format!("{state}/snapshots/..%2F../load"), json!({}), 404),
        ("DELETE", format!("{state}/snapshots/.."), json!({}), 404),
        ("DELETE", format!("{state}/snapshots/%2e%2e%2f"), json!({}), 404),
        ("PUT", format!("{state}/snapshots"), json!({}), 405),
        ("GET", format!("{state}/objects?address=Nope"), json!({}), 404),
        ("GET", format!("{state}/objects?address=..%2F.."), json!({}), 404),
        ("GET", format!("{state}/objects?class=Counter"), json!({}), 400),
        ("GET", format!("{state}/inspect"), json!({}), 400),
        ("GET", format!("{state}/inspect?address=Counter:a&limit=0"), json!({}), 400),
        ("GET", format!("{state}/inspect?address=--help"), json!({}), 404),
        ("GET", format!("{state}/inspect?address=Counter:%00"), json!({}), 400),
        ("GET", format!("{state}/inspect?address={}", "x".repeat(9_000)), json!({}), 400),
        ("GET", format!("{state}/alarms?address=Counter:nobody"), json!({}), 404),
        ("GET", format!("{state}/diff"), json!({}), 400),
        ("GET", format!("{state}/diff?from=..%2F..%2Fdo"), json!({}), 404),
        ("GET", format!("{state}/diff?from=Counter:a%40never"), json!({}), 404),
        ("GET", format!("{state}/export?address=Counter:nobody"), json!({}), 404),
        ("GET", format!("{state}/export?out=%2Ftmp%2Fx"), json!({}), 400),
        ("GET", format!("{state}/export?sql=perhaps"), json!({}), 400),
        ("POST", format!("{state}/export"), json!({}), 405),
        ("GET", format!("{BASE}/migrations?to=v1"), json!({}), 400),
        ("GET", format!("{state}/remove"), json!({}), 405),
        ("POST", format!("{BASE}/time/backwards"), json!({}), 404),
        ("POST", format!("{BASE}/time/advance"), json!({ "by": "tomorrow" }), 400),
    ] {
        let (found, answer) = ask(&server, method, &path, &body);
        assert_eq!(found, status, "{method} {path}: {answer}");
        assert_eq!(mistakes(&description, &schema, &answer), Vec::<String>::new(), "{method} {path}");
    }
    // Nobody reads so much; the answer may come before all was sent.
    for path in ["objects/Counter/a/sql", "state/remove", "time/advance"] {
        let request = Request::new("POST", &format!("{BASE}/{path}"))
            .header("content-type", "application/json")
            .body(vec![b' '; 49 * 1024 * 1024]);
        assert_eq!(server.request(&request).status, 413, "{path}");
    }
    assert_eq!(walk(&project.state_dir()), before, "files were made or changed");
    assert_eq!(call(&server, "inc", &json!([])), 2);
}

/// What `dodev` prints for `args` about the project's state.
fn printed(project: &TestProject, args: &[&str]) -> String {
    let state = project.state_dir();
    let output = project.dodev(&[args, &["--persist-to", state.to_str().expect("a plain path")]].concat());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn what_is_stored_is_read_as_by_the_commands_and_nobody_wakes() {
    let project = project();
    let server = project.start();
    let names = ["a", "b", "\u{f6}/\"'", "-x"];
    for name in names {
        let place = format!("{BASE}/objects/Counter/{}/call", encoded(name));
        assert_eq!(post(&server, &place, &json!({ "method": "inc" }))["value"], 1);
    }
    call(&server, "alarmIn", &json!([3_600_000]));
    post(
        &server,
        &format!("{OBJECT}/sql"),
        &json!({ "query": "CREATE TABLE t (a); INSERT INTO t VALUES (x'00ff')" }),
    );
    post(&server, &format!("{BASE}/state/snapshots"), &json!({ "name": "one" }));
    call(&server, "inc", &json!([]));
    post(&server, &format!("{BASE}/hibernate"), &json!({}));
    post(&server, &format!("{BASE}/state/save-history"), &json!({}));
    let before = walk(&project.state_dir());

    let state = |rest: &str| get(&server, &format!("{BASE}/state/{rest}"));
    let same = |answer: Value, args: &[&str]| {
        let said: Value = serde_json::from_str(&printed(&project, args)).expect("JSON");
        assert_eq!(answer, said, "{args:?}");
        answer
    };
    let all = same(state("objects"), &["state", "list", "--json"]);
    assert_eq!(all["namespaces"][0]["objects"].as_array().map(Vec::len), Some(names.len()));
    same(state("objects?address=Counter:-x"), &["state", "list", "--json", "Counter:-x"]);
    let one = same(state("inspect?address=Counter:a"), &["state", "inspect", "--json", "Counter:a"]);
    assert_eq!((&one["tables"][0]["rows"], &one["live"]["state"]), (&json!(1), &json!("asleep")));
    let odd = encoded("Counter:\u{f6}/\"'");
    assert_eq!(state(&format!("inspect?address={odd}"))["keys_total"], 1);
    let alarms = same(state("alarms"), &["alarm", "list", "--json"]);
    assert_eq!(alarms["alarms"][0]["name"], "a");
    let diff = same(state("diff?from=one"), &["state", "diff", "--json", "one"]);
    assert_eq!(diff["objects"][0]["keys"][0]["to"]["value"], 2);
    let points = get(&server, &format!("{OBJECT}/history"));
    let newest = points["points"][0]["bookmark"].as_str().expect("a point");
    let details = points["points"].as_array().expect("points").iter().map(|point| &point["cause"]["detail"]);
    let sql = "sql CREATE TABLE t (a); INSERT INTO t VALUES (x'00ff')";
    assert!(details.clone().any(|detail| detail == sql), "{points}");
    assert_eq!(state(&format!("diff?from=Counter:a%40{newest}"))["objects"], json!([]));
    let told = get(&server, &format!("{BASE}/migrations"));
    assert_eq!((&told["applied"][0]["tag"], &told["pending"]), (&json!("v1"), &json!([])));

    let lines = server.get(&format!("{BASE}/state/export"));
    assert_eq!((lines.status, lines.text()), (200, printed(&project, &["state", "export"])));
    let sql = server.get(&format!("{BASE}/state/export?address=Counter:a&sql"));
    assert!(sql.text().contains("x'00ff'") || sql.text().contains("X'00FF'"), "{sql}");
    for line in get(&server, &format!("{BASE}/objects?asleep"))["objects"].as_array().unwrap() {
        assert_eq!(line["state"], "asleep", "reading wakes nobody");
    }
    assert_eq!(walk(&project.state_dir()), before, "reading makes and changes no file");

    // What was exported is imported again.
    post(&server, &format!("{BASE}/state/reset"), &json!({}));
    assert_eq!(state("objects")["namespaces"], json!([]));
    assert_eq!(ask(&server, "GET", &format!("{BASE}/state/export"), &Value::Null).0, 404);
    post(&server, &format!("{BASE}/state/import"), &json!({ "lines": lines.text() }));
    assert_eq!(call(&server, "inc", &json!([])), 3);
    server.stop();
}

#[test]
fn a_long_export_is_streamed_and_tells_of_what_it_could_not_read() {
    let project = project();
    let server = project.start();
    let key = format!("{OBJECT}/kv/big");
    assert_eq!(ask(&server, "PUT", &key, &json!({ "value": "x".repeat(1_000_000) })).0, 200);
    let other = format!("{BASE}/objects/Counter/b/kv/k");
    assert_eq!(ask(&server, "PUT", &other, &json!({ "value": 1 })).0, 200);
    server.stop();
    let folder = project.state_dir().join("v3/do/ctl-Counter");
    let garbage = folder.join(format!("{}.sqlite", "ab".repeat(32)));
    std::fs::write(&garbage, vec![b'?'; 8_192]).unwrap();
    let server = project.start();
    let all = server.get(&format!("{BASE}/state/export"));
    assert_eq!(all.status, 200);
    let last: Value = serde_json::from_str(all.text().lines().last().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "damaged", "{last}");
    assert!(all.body.len() > 1_000_000);
    let import = format!("{BASE}/state/import");
    let (status, refused) = ask(&server, "POST", &import, &json!({ "lines": all.text(), "replace": true }));
    assert!(status == 400 && refused["error"].as_str().unwrap().contains("cannot be read"), "{refused}");
    server.stop();
}

/// `text` as a part of a URL.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// A listener of the stream of events.
struct Watch(BufReader<TcpStream>);

impl Watch {
    fn start(port: u16) -> Self {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let head = format!("GET {BASE}/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut watch = Self(BufReader::new(stream));
        watch.wait("hello");
        watch
    }

    /// The next event; `None` at the end of the stream.
    fn next(&mut self) -> Option<Value> {
        loop {
            let mut line = String::new();
            // Beside events there are the head and the sizes of chunks.
            if self.0.read_line(&mut line).unwrap() == 0 || line == "0\r\n" {
                return None;
            }
            if line.starts_with('{') {
                return Some(serde_json::from_str(&line).unwrap());
            }
        }
    }

    fn wait(&mut self, event: &str) -> Value {
        loop {
            let line = self.next().unwrap_or_else(|| panic!("the stream ended before `{event}`"));
            if line["event"] == event {
                return line;
            }
        }
    }
}

/// Names and sizes of all files below `folder`.
fn walk(folder: &std::path::Path) -> Vec<(std::path::PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        match entry.path() {
            path if path.is_dir() => found.extend(walk(&path)),
            path => found.push((path, entry.metadata().unwrap().len())),
        }
    }
    found.sort();
    found
}
