//! The platform's modules beside `cloudflare:workers`: what packages import from them is there, and what is not
//! emulated refuses by name.

use serde_json::{Value, json};

use crate::project::TestProject;

const CONFIG: &str = r#"{ "name": "modules", "main": "src/index.js", "compatibility_date": "2026-06-01", "compatibility_flags": ["nodejs_compat"] }"#;
const WORKER: &str = r#"
import { EmailMessage } from "cloudflare:email";
import { connectHandler } from "cloudflare:node";
import { connect } from "cloudflare:sockets";
import { cache, tracing } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

const said = (run) => {
  try {
    return run();
  } catch (error) {
    return `${error}`;
  }
};

export default {
  fetch() {
    const span = tracing.startSpan("a");
    return Response.json({
      email: new EmailMessage("a@example.com", "b@example.com", "Subject: x"),
      error: [new NonRetryableError("no").name, new NonRetryableError("no", "Mine").name],
      span: [tracing.enterSpan("a", (_, value) => value, 5), Object.prototype.toString.call(span), span.end()],
      purge: typeof cache.purge,
      refused: [said(() => connect("example.com:80")), said(() => connectHandler(8080))],
    });
  },
};
"#;

#[test]
fn packages_find_the_modules_that_they_import() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("src/index.js", WORKER)]);
    let server = project.start();
    let answer: Value = serde_json::from_str(&server.get("/").text()).expect("JSON");
    // Fidelity: wrangler 4.164.0 answers the same but for what is refused.
    let expected = json!({
        "email": { "from": "a@example.com", "to": "b@example.com", "EmailMessage::raw": "Subject: x" },
        "error": ["NonRetryableError", "Mine"],
        "span": [5, "[object Span]", null],
        "purge": "undefined",
        "refused": [
            "Error: dodev does not emulate connect() of cloudflare:sockets yet",
            "Error: dodev does not emulate connectHandler() of cloudflare:node yet",
        ],
    });
    assert_eq!(answer, expected);
    assert!(server.stop().success());
}

const WAITS: &str = r#"
import { AsyncLocalStorage } from "node:async_hooks";
import { Thing, later, numbers } from "./lib/more.js";
const storage = new AsyncLocalStorage();
const get = () => storage.getStore();
const answer = async () => {
  const found = [];
  await later();
  found.push(get());
  for await (const n of numbers(get)) found.push(n);
  for await (const n of [Promise.resolve("r"), "s"]) found.push(n, get());
  const thing = new Thing(get);
  found.push(await thing.own("a"));
  await thing.fails().catch((error) => found.push(error.message, get()));
  {
    await using held = { async [Symbol.asyncDispose]() { await null; found.push("disposed", get()); } };
    using quick = { [Symbol.dispose]() { found.push("sync"); } };
    await null;
  }
  const steps = numbers(get);
  found.push((await steps.next()).value, (await steps.return(7)).value, (await steps.next()).done);
  const both = thing.both();
  await both.next();
  await both.throw(new Error("thrown")).catch((error) => found.push(error.message));
  for await (const n of thing.both()) found.push(n);
  found.push(later instanceof (async () => {}).constructor, Object.prototype.toString.call(steps));
  return Response.json(found);
};
export default { fetch: () => storage.run("v", answer) };
"#;

const WAITS_MORE: &str = r#"
export async function later() { await new Promise((resolve) => setTimeout(resolve, 1)); }
export async function* numbers(get) { try { yield 1; await null; yield get(); yield* [3]; } finally { await null; } }
export class Thing {
  #get;
  constructor(get) { this.#get = get; }
  own = async (x) => { await null; return x + this.#get(); };
  async fails() { await null; throw new Error("failed in " + this.#get()); }
  async *both() { yield* numbers(this.#get); yield await "end"; }
}
"#;

/// Recorded with wrangler 4.164.0.
#[test]
fn values_follow_awaits_in_modules_that_are_not_bundled() {
    let config = r#"{ "name": "waits", "main": "index.js", "compatibility_date": "2026-02-05",
        "compatibility_flags": ["nodejs_compat"], "no_bundle": true,
        "rules": [{ "type": "ESModule", "globs": ["lib/*.js"] }] }"#;
    let files = [("wrangler.jsonc", config), ("index.js", WAITS), ("lib/more.js", WAITS_MORE)];
    let server = TestProject::with_files(&files).start();
    let expected = r#"["v",1,"v",3,"r","v","s","v","av","failed in v","v","sync","disposed","v",1,7,true,"thrown",1,"v",3,"end",true,"[object AsyncGenerator]"]"#;
    assert_eq!(server.get("/").text(), expected);
}
