//! The control API through the binary: what it shows and changes, and whom it refuses.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Request;
use crate::project::{Server, TestProject};
use crate::schema::mistakes;

pub const BASE: &str = "/cdn-cgi/dodev";
pub const OBJECT: &str = "/cdn-cgi/dodev/objects/Counter/a";

pub fn project() -> TestProject {
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
            import { retryable } from "cloudflare:durable-objects";
            export class Counter extends DurableObject {
              static { retryable(this.prototype.marked); }
              calls = 0;
              marked() { return ++this.calls; }
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
                  if (pathname === "/fetch") return await stub.fetch(request);
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

pub fn ask(server: &Server, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut request = Request::new(method, path);
    if method != "GET" {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let response = server.request(&request);
    let json =
        serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("{method} {path}: {response}"));
    (response.status, json)
}

pub fn get(server: &Server, path: &str) -> Value {
    let (status, json) = ask(server, "GET", path, &Value::Null);
    assert_eq!(status, 200, "{path}: {json}");
    json
}

pub fn post(server: &Server, path: &str, body: &Value) -> Value {
    let (status, json) = ask(server, "POST", path, body);
    assert_eq!(status, 200, "{path}: {json}");
    json
}

pub fn call(server: &Server, method: &str, args: &Value) -> Value {
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

/// A listener of the stream of events.
pub struct Watch(BufReader<TcpStream>);

impl Watch {
    pub fn start(port: u16) -> Self {
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

    pub fn wait(&mut self, event: &str) -> Value {
        loop {
            let line = self.next().unwrap_or_else(|| panic!("the stream ended before `{event}`"));
            if line["event"] == event {
                return line;
            }
        }
    }
}

/// Names and sizes of all files below `folder`.
pub fn walk(folder: &std::path::Path) -> Vec<(std::path::PathBuf, u64)> {
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
