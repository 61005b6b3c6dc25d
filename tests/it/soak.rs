//! Everything at once, for a while: requests, RPC, sockets, alarms, reloads and hibernation, with what must stay true.
//!
//! A short run belongs to every test run; `DODEV_SOAK=1000` reloads a thousand times.

use std::time::Duration;

use serde_json::json;

use crate::deadline::Deadline;
use crate::project::{Server, TestProject};
use crate::websocket::{Handshake, Message, Opcode, WebSocket};

const LIMIT: Duration = Duration::from_secs(20);
/// Reloads of a run with every test.
const RELOADS: usize = 40;
/// Reloads before the memory is looked at for the first time.
const SETTLED: usize = 15;
const OBJECTS: usize = 4;
/// What the process may have more in the end than when it had settled: what allocators keep, not what reloads leave.
const GROWTH_MAX_KB: u64 = 24 * 1_024;

/// Files of databases that may be open in the end: three of each object and of the alarms, and once more of the alarms for a world that is
/// about to end. They come and go by the moment.
const DATABASE_FILES_MAX: usize = (OBJECTS + 2) * 3;
/// Other files that it may have more: a connection that is being closed, a directory that is being read.
const FILES_MAX: usize = 2;

const CONFIG: &str = r#"{ "name": "s", "main": "i.js", "compatibility_date": "2026-11-01",
  "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }] }"#;

fn worker(generation: usize) -> String {
    format!(
        r#"
import {{ DurableObject }} from "cloudflare:workers";
const GENERATION = {generation};
export class O extends DurableObject {{
  constructor(ctx, env) {{
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS rows(n INTEGER PRIMARY KEY)");
  }}
  async next() {{
    const n = ((await this.ctx.storage.get("n")) ?? 0) + 1;
    await this.ctx.storage.put("n", n);
    this.ctx.storage.sql.exec("INSERT INTO rows VALUES (?)", n);
    if ((await this.ctx.storage.getAlarm()) === null) {{
      await this.ctx.storage.setAlarm(Date.now());
      await this.ctx.storage.put("set", ((await this.ctx.storage.get("set")) ?? 0) + 1);
    }}
    return n;
  }}
  async alarm() {{
    await this.ctx.storage.put("fired", ((await this.ctx.storage.get("fired")) ?? 0) + 1);
  }}
  async facts() {{
    const {{ rows }} = this.ctx.storage.sql.exec("SELECT count(*) AS rows FROM rows").one();
    const get = async (key) => (await this.ctx.storage.get(key)) ?? 0;
    const pending = (await this.ctx.storage.getAlarm()) === null ? 0 : 1;
    return [await get("n"), rows, (await get("set")) - (await get("fired")) - pending, this.ctx.getWebSockets().length].join();
  }}
  fetch() {{
    const [client, server] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(server);
    server.serializeAttachment({{ count: 0 }});
    return new Response(null, {{ status: 101, webSocket: client }});
  }}
  webSocketMessage(socket, message) {{
    const {{ count }} = socket.deserializeAttachment();
    socket.serializeAttachment({{ count: count + 1 }});
    socket.send(`${{message}} ${{count + 1}}`);
  }}
}}
export default {{
  async fetch(request, env) {{
    const [, what, name] = new URL(request.url).pathname.split("/");
    if (what === "generation") return new Response(String(GENERATION));
    const stub = env.O.getByName(name);
    return what === "socket" ? stub.fetch(request) : new Response(String(await stub[what]()));
  }},
}};
"#
    )
}

/// What a process holds.
struct Held {
    memory_kb: u64,
    threads: u64,
    /// Open files that belong to databases.
    databases: Vec<String>,
    /// All others, by what they are.
    files: Vec<String>,
}

impl std::fmt::Display for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (databases, files) = (self.databases.len(), self.files.len());
        write!(
            f,
            "{} kB, {} threads, {files} files and {databases} of databases",
            self.memory_kb, self.threads
        )
    }
}

/// `None` where the system does not tell.
fn held(server: &Server) -> Option<Held> {
    let folder = format!("/proc/{}", server.process().pid());
    let status = std::fs::read_to_string(format!("{folder}/status")).ok()?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    };
    let files = std::fs::read_dir(format!("{folder}/fd")).ok()?;
    let names = files.flatten().filter_map(|file| std::fs::read_link(file.path()).ok());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    let (databases, files) = names.into_iter().partition(|name| name.contains(".sqlite"));
    Some(Held { memory_kb: field("VmRSS:")?, threads: field("Threads:")?, databases, files })
}

fn echo(socket: &WebSocket, text: &str, expected: &str) {
    socket.send(Opcode::Text, text.as_bytes(), true).expect("the socket is open");
    let got = socket.receive(Deadline::after(LIMIT));
    assert_eq!(got, Some(Message::Text(expected.to_owned())));
}

/// Checks every object after so many reloads; all are awake afterwards.
fn facts(server: &Server, reloads: usize) {
    for object in 0..OBJECTS {
        let facts = server.get(&format!("/facts/o{object}")).text();
        assert_eq!(
            facts,
            format!("{reloads},{reloads},0,1"),
            "calls, rows, alarms set and not fired, sockets"
        );
    }
}

#[test]
fn nothing_is_lost_and_nothing_is_left_behind_while_everything_happens() {
    let reloads = std::env::var("DODEV_SOAK").ok().and_then(|text| text.parse().ok()).unwrap_or(RELOADS);
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("i.js", &worker(0))]);
    let server = project.start();
    let sockets: Vec<WebSocket> = (0..OBJECTS)
        .map(|object| {
            match WebSocket::connect(server.port(), &format!("/socket/o{object}"), &[], &[], LIMIT) {
                Ok(Handshake::Open { socket, .. }) => socket,
                Ok(Handshake::Refused(response)) => panic!("{response}"),
                Err(error) => panic!("{error}"),
            }
        })
        .collect();
    let mut settled = None;
    for generation in 1..=reloads {
        let seen = server.process().line_count();
        project.write("i.js", &worker(generation));
        // Calls and frames meet the reload wherever it is by now.
        for (object, socket) in sockets.iter().enumerate() {
            assert_eq!(server.get(&format!("/next/o{object}")).text(), generation.to_string());
            echo(socket, "hello", &format!("hello {generation}"));
        }
        let told = server.process().wait_line(seen, "Reloaded in", Deadline::after(LIMIT));
        assert!(told.is_some(), "no reload {generation}:\n{}", server.process().output());
        assert_eq!(server.get("/generation").text(), generation.to_string());
        if generation % 3 == 0 {
            assert_eq!(server.control("POST", "hibernate", &json!({})).0, 200);
        }
        if generation == SETTLED {
            facts(&server, generation);
            settled = held(&server);
        }
    }
    // Everything that is due has run when the time was moved.
    server.advance("1s");
    facts(&server, reloads);
    if let (Some(before), Some(after)) = (settled, held(&server)) {
        let figures = format!("{reloads} reloads: {before} became {after}");
        eprintln!("{figures}");
        assert!(after.memory_kb < before.memory_kb + GROWTH_MAX_KB, "{figures}");
        assert!(after.threads <= before.threads + 2, "{figures}");
        assert!(after.databases.len() <= DATABASE_FILES_MAX, "{figures}:\n{}", after.databases.join("\n"));
        let (was, is) = (before.files.join("\n"), after.files.join("\n"));
        assert!(after.files.len() <= before.files.len() + FILES_MAX, "{figures}:\n{was}\n\n{is}");
    }
    assert!(!server.process().output().contains("panicked"));
    assert_eq!(server.stop().code(), Some(0));
}
