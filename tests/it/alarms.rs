//! Alarms whose handlers write nothing: their slots are emptied on disk a little later, and nobody can tell.

use std::time::Duration;

use crate::cli::Ran;
use crate::deadline::Deadline;
use crate::project::{Server, TestProject};

const LIMIT: Duration = Duration::from_secs(20);
const COUNT: usize = 300;

const CONFIG: &str = r#"{
  "name": "w", "main": "index.js", "compatibility_date": "2026-11-01",
  "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }, { "name": "ALL", "class_name": "All" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O", "All"] }]
}"#;

const WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";

export class O extends DurableObject {
  async set(value) {
    this.ctx.storage.kv.put("value", value);
    await this.ctx.storage.setAlarm(Date.now());
  }
  async alarm() { await this.env.ALL.getByName("all").fired(); }
  async look() {
    return [await this.ctx.storage.getAlarm(), this.ctx.storage.kv.get("value")].join();
  }
  async write(value) { this.ctx.storage.kv.put("value", value); }
  async fail(value) {
    this.ctx.storage.kv.put("value", value);
    this.ctx.abort("on purpose");
  }
}
export class All extends DurableObject {
  count = this.ctx.storage.kv.get("count") ?? 0;
  fired() { this.ctx.storage.kv.put("count", ++this.count); }
  fires() { return this.count; }
}
export default {
  async fetch(request, env) {
    const [, verb, value, from = 0, to = 1] = new URL(request.url).pathname.split("/");
    if (verb === "fires") return new Response(String(await env.ALL.getByName("all").fires()));
    const answers = [];
    for (let number = Number(from); number < Number(to); number++) {
      answers.push(await env.O.getByName("o" + number)[verb](value).catch((error) => error.message));
    }
    return new Response([...new Set(answers)].join("|"));
  },
};
// version 1
"#;

fn fire_all(server: &Server, times: usize) {
    assert_eq!(server.get(&format!("/set/a/0/{COUNT}")).text(), "");
    let deadline = Deadline::after(LIMIT);
    while server.get("/fires").text() != (times * COUNT).to_string() {
        assert!(!deadline.passed(), "{}", server.process().output());
    }
}

#[test]
fn alarms_that_wrote_nothing_fire_once_whatever_comes_after_them() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("index.js", WORKER)]);
    let server = project.start();
    fire_all(&server, 1);
    // The next event sees no alarm, and what it writes is kept without it.
    assert_eq!(server.get("/look/-/0/100").text(), ",a");
    assert_eq!(server.get("/write/b/0/50").text(), "");
    assert_eq!(server.get("/fail/c/25/75").text(), "on purpose");
    assert_eq!(server.get("/look/-/0/50").text(), ",b");
    assert_eq!(server.get("/look/-/50/100").text(), ",a");
    // Another world takes the rest over.
    fire_all(&server, 2);
    let seen = server.process().line_count();
    project.edit("index.js", "// version 1", "// version 2").expect("the version");
    let told = server.process().wait_line(seen, "eload", Deadline::after(LIMIT));
    assert!(told.is_some(), "{}", server.process().output());
    assert_eq!(server.get(&format!("/look/-/0/{COUNT}")).text(), ",a");
    fire_all(&server, 3);
    server.stop();
    let state = project.state_dir();
    let listed =
        Ran::dodev(&project, &["alarm", "list", "--persist-to", state.to_str().expect("a path of ours")]);
    assert_eq!(listed.code, Some(3), "no alarm is left: {}", listed.stdout);
    let server = project.start();
    assert_eq!(server.get(&format!("/look/-/0/{COUNT}")).text(), ",a");
    assert_eq!(server.get("/fires").text(), (3 * COUNT).to_string());
}

/// Fidelity: observed with wrangler 4.164.0.
#[test]
fn what_alarm_is_given_is_read_in_order_and_goes_nowhere() {
    let worker = r#"
        import { DurableObject } from "cloudflare:workers";
        const why = async (f) => { try { await f(); return "fine"; } catch (error) { return error.message; } };
        export class O extends DurableObject {
          async set() { await this.ctx.storage.setAlarm(1); }
          take() {}
          async alarm(info) {
            const text = [Object.keys(info).join(), Object.keys({ ...info }).length];
            text.push(await why(() => structuredClone(info)), await why(() => this.ctx.storage.put("info", info)));
            text.push(await why(() => this.env.O.getByName("other").take(info)), delete info.isRetry);
            this.ctx.storage.kv.put("text", text.join("|"));
          }
          text() { return this.ctx.storage.kv.get("text"); }
        }
        export default {
          async fetch(request, env) {
            const object = env.O.getByName("o");
            await object.set();
            for (let turn = 0; turn < 2000; turn++) {
              const text = await object.text();
              if (text) return new Response(text);
              await scheduler.wait(1);
            }
          },
        };
    "#;
    let config = r#"{ "name": "info", "main": "index.js", "compatibility_date": "2026-01-01",
        "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
        "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }] }"#;
    let project = TestProject::with_files(&[("wrangler.jsonc", config), ("index.js", worker)]);
    let server = project.start();
    let refused = r#"Could not serialize object of type "AlarmInvocationInfo". This type does not support serialization."#;
    let expected = format!("scheduledTime,retryCount,isRetry|3|{refused}|{refused}|{refused}|true");
    assert_eq!(server.get("/").text(), expected);
    server.stop();
}
