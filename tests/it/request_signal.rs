//! `request.signal`: who handles a request hears when its client goes away, and only then.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use crate::project::{Server, TestProject};

const CONFIG: &str = r#"{ "name": "signals", "main": "index.js", "compatibility_date": "2026-11-17", FLAGS
    "durable_objects": { "bindings": [{ "name": "OBJECTS", "class_name": "Watcher" }] },
    "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Watcher"] }] }"#;

/// `/log` answers what was heard so far, once `?count` of it was.
const INDEX: &str = r#"
import { DurableObject } from "cloudflare:workers";
const heard = [];
let waiting = [];
function hear(text) {
  heard.push(text);
  waiting = waiting.filter(({ count, resolve }) => heard.length < count || resolve());
}
const watch = (name, signal) => signal.addEventListener("abort", () => hear(`${name}: ${signal.reason.name}: ${signal.reason.message}`));
const pieces = (ends) => new ReadableStream({
  start(controller) {
    controller.enqueue(new TextEncoder().encode("one"));
    if (ends) controller.close();
    else setTimeout(() => {}, 1e6);
  },
});
export class Watcher extends DurableObject {
  async fetch(request) {
    watch("object", request.signal);
    hear("object asked");
    if (new URL(request.url).pathname === "/object/quick") return new Response("quick");
    if (new URL(request.url).pathname === "/object/pieces") return new Response(pieces());
    await new Promise(() => setTimeout(() => {}, 1e6));
  }
}
export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === "/log") {
      const count = +url.searchParams.get("count");
      if (heard.length < count) {
        // Who waits for another request alone would hang.
        const awake = setInterval(() => {}, 1e6);
        await new Promise((resolve) => waiting.push({ count, resolve }));
        clearInterval(awake);
      }
      return Response.json(heard.splice(0));
    }
    if (url.pathname === "/passed") {
      // What is passed on does not hear of the client unless it asks for it.
      const copy = new Request(request);
      watch("copy", copy.signal);
    }
    watch("worker", request.signal);
    hear("worker asked");
    if (url.pathname.startsWith("/object")) return env.OBJECTS.getByName("o").fetch(request);
    if (url.pathname === "/quick") return new Response("quick");
    if (url.pathname === "/sized") return new Response(pieces(true).pipeThrough(new FixedLengthStream(3)));
    if (url.pathname === "/whole") return new Response(pieces(true));
    if (url.pathname === "/pieces") return new Response(pieces());
    await new Promise(() => setTimeout(() => {}, 1e6));
  },
};
"#;

fn start(flags: &str) -> Server {
    TestProject::with_files(&[("wrangler.jsonc", &CONFIG.replace("FLAGS", flags)), ("index.js", INDEX)])
        .start()
}

/// Sends a request for `path`, waits until `count` things were heard and `text` has arrived, and goes away.
fn leave(server: &Server, path: &str, count: usize, text: &str) -> String {
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).expect("a connection");
    write!(client, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    let asked = server.get(&format!("/log?count={count}")).text();
    let mut seen = Vec::new();
    let mut chunk = [0; 1024];
    while !String::from_utf8_lossy(&seen).contains(text) {
        let count = client.read(&mut chunk).expect("an answer");
        assert!(count > 0, "the answer ended: {}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&chunk[..count]);
    }
    asked
}

const GONE: &str = "AbortError: The client has disconnected";

#[test]
fn who_answers_hears_that_the_client_is_gone() {
    let server = start("");
    for (path, count, text, expected) in [
        ("/never", 1, "", vec!["worker"]),
        ("/pieces", 1, "one", vec!["worker"]),
        ("/passed", 1, "", vec!["copy", "worker"]),
        ("/object/never", 2, "", vec!["worker", "object"]),
        // The Worker only passed it on, and is done.
        ("/object/pieces", 2, "one", vec!["object"]),
    ] {
        leave(&server, path, count, text);
        let log = server.get(&format!("/log?count={}", expected.len())).text();
        let mut heard: Vec<String> = serde_json::from_str(&log).expect("a list");
        heard.sort_unstable();
        let mut expected: Vec<String> = expected.iter().map(|name| format!("{name}: {GONE}")).collect();
        expected.sort_unstable();
        assert_eq!(heard, expected, "{path}");
    }
}

#[test]
fn who_was_answered_hears_nothing() {
    let server = start("");
    for (path, count, text) in [
        ("/quick", 1, "quick"),
        ("/sized", 1, "one"),
        ("/whole", 1, "0\r\n\r\n"),
        ("/object/quick", 2, "quick"),
    ] {
        leave(&server, path, count, text);
    }
    // What it would have been told stands before the next request.
    assert_eq!(server.get("/quick").text(), "quick");
    assert_eq!(server.get("/log?count=1").text(), r#"["worker asked"]"#);
}

#[test]
fn without_the_flag_nobody_hears_anything() {
    let server = start(r#""compatibility_flags": ["disable_request_signal"],"#);
    leave(&server, "/never", 1, "");
    leave(&server, "/pieces", 1, "one");
    assert_eq!(server.get("/quick").text(), "quick");
    assert_eq!(server.get("/log?count=1").text(), r#"["worker asked"]"#);
}
