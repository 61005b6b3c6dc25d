//! What a Worker cannot reach, whatever it tries: files, environment and processes of the machine; and what is never told of it.

use serde_json::Value as Json;

use crate::http::Request;
use crate::process::{READY_LIMIT, Signal};
use crate::project::{ServerCommand, TestProject};

const SECRET: &str = "s3cr3t-of-the-project";

const CONFIG: &str = r#"{ "name": "h", "main": "src/index.js", "compatibility_date": "2026-11-01",
  "compatibility_flags": ["nodejs_compat"],
  "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }] }"#;

/// Names of modules are made at run time, so that the bundler has no say.
const WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";
export class O extends DurableObject {
  put() { this.ctx.storage.kv.put("a", 1); }
  run(sql) { return this.ctx.storage.sql.exec(sql).toArray(); }
}
const tried = async (what) => {
  try { return ["got", await what()]; } catch (error) { return ["threw", `${error.name}: ${error.message}`]; }
};
const load = (name) => import([name].join(""));
export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === "/put") {
      await env.O.getByName("a").put();
      console.log("stored for", Object.keys(env));
      return new Response(env.API_KEY);
    }
    const file = decodeURIComponent(new URL(request.url).searchParams.get("file"));
    const results = {};
    for (const name of [file, `file://${file}`, "../../outside.mjs", "../outside.mjs", "/proc/self/environ", "dodev:host", "std", "qjs:std", "qjs:os", "bjson", "data:text/javascript,1", "http://127.0.0.1/a.js"]) {
      results[`import ${name}`] = await tried(async () => Object.keys(await load(name)));
    }
    results.readFileSync = await tried(async () => (await load("node:fs")).readFileSync(file, "utf8"));
    results.writeFileSync = await tried(async () => (await load("node:fs")).writeFileSync(file, "changed"));
    results.readFile = await tried(async () => (await load("node:fs/promises")).readFile(file, "utf8"));
    results.exec = await tried(async () => (await load("node:child_process")).execSync(`cat ${file}`));
    results.spawn = await tried(async () => (await load("node:child_process")).spawn("cat", [file]));
    const { createRequire } = await load("node:module");
    results.require = await tried(() => createRequire("/")(file));
    results.required = await tried(() => createRequire("/")("fs").readFileSync(file, "utf8"));
    results.fetch = await tried(async () => (await fetch(`file://${file}`)).text());
    results.eval = await tried(() => eval("1"));
    results.function = await tried(() => new Function("return 1")());
    const globals = ["Deno", "Bun", "std", "os", "scriptArgs", "print", "load", "__loadScript", "require", "bjson", "gc"];
    results.globals = ["threw", ""];
    if (globals.some((name) => name in globalThis)) results.globals = ["got", globals.filter((name) => name in globalThis)];
    results.names = await tried(async () => {
      const ids = [];
      for (const name of ["../../../../evil", "/etc/passwd", "..", ".", "", "\0", "x".repeat(5_000)]) {
        ids.push(await env.O.getByName(name).put());
      }
      throw new Error("all have ids, and no file has their names");
    });
    const statements = [`ATTACH '${file}' AS x`, "SELECT load_extension('x')", `SELECT readfile('${file}')`,
      `VACUUM INTO '${file}'`, "PRAGMA temp_store_directory = '/'", `CREATE VIRTUAL TABLE x USING csv(filename = '${file}')`];
    for (const sql of statements) results[sql] = await tried(() => env.O.getByName("sql").run(sql));
    return Response.json({ results, env: process.env, pid: process.pid, argv: process.argv, cwd: process.cwd() });
  },
};
"#;

fn project() -> TestProject {
    TestProject::with_files(&[
        ("wrangler.jsonc", CONFIG),
        ("src/index.js", WORKER),
        (".dev.vars", &format!("API_KEY={SECRET}\n")),
        ("outside.mjs", "export default 'outside';"),
    ])
}

#[test]
fn a_worker_reaches_no_file_process_or_environment_of_the_machine() {
    let project = project();
    let server = project.start();
    let file = project.dir().join("outside.mjs");
    let path = format!("/?file={}", file.to_string_lossy().replace('/', "%2F"));
    let answer: Json = serde_json::from_str(&server.get(&path).text()).expect("JSON");
    for (tried, outcome) in answer["results"].as_object().expect("an object") {
        assert_eq!(outcome[0], "threw", "{tried}: {outcome}");
        assert!(!outcome.to_string().contains("'outside'"), "{tried}: {outcome}");
    }
    assert_eq!(project.read("outside.mjs"), "export default 'outside';");
    assert_eq!(
        answer["env"].as_object().map(|env| env.keys().cloned().collect()),
        Some(vec!["API_KEY".to_owned()])
    );
    assert_ne!(answer["pid"].as_u64(), Some(server.process().pid().into()));
    let about = answer["argv"].to_string() + &answer["cwd"].to_string();
    assert!(!about.contains(&*project.dir().to_string_lossy()), "{about}");
}

#[test]
fn a_start_uses_no_network_but_its_own_address() {
    let project = project();
    let record = project.dir().join("trace");
    let trace = format!("exec strace -f -qq -e trace=%network -o {} \"$@\"", record.display());
    let traces = std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !traces.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no strace on the path, or it may not trace");
        return;
    }
    let mut server = project.spawn(&ServerCommand::wrapped(&trace), &[]).expect("a shell starts");
    server.wait_ready(READY_LIMIT).unwrap_or_else(|error| panic!("{error}: {}", server.process().output()));
    assert_eq!(server.get("/put").text(), SECRET);
    server.process().stop(Signal::Term);
    let calls = std::fs::read_to_string(&record).expect("strace wrote");
    let families = ["AF_INET", "AF_INET6", "AF_NETLINK", "AF_PACKET"];
    let net = |line: &&str| {
        families
            .iter()
            .any(|family| line.contains(&format!("{family},")) || line.contains(&format!("={family}")))
    };
    let foreign: Vec<&str> = calls
        .lines()
        .filter(net)
        .filter(|line| !line.contains("socket(") && !line.contains("127.0.0.1") && !line.contains("\"::1\""))
        .collect();
    assert!(calls.contains("bind(") && foreign.is_empty(), "{}", foreign.join("\n"));
    assert!(
        !calls.contains("connect(")
            || calls.lines().filter(|l| l.contains("connect(")).all(|l| l.contains("AF_UNIX")),
        "{calls}"
    );
}

#[test]
fn secrets_are_told_to_the_worker_alone() {
    let project = project();
    let server = project.start();
    assert_eq!(server.get("/put").text(), SECRET);
    for route in
        ["health", "overview", "objects", "objects/O/a", "logs", "faults", "sessions", "time", "openapi.json"]
    {
        let told = server.request(&Request::new("GET", &format!("/cdn-cgi/dodev/{route}")));
        assert!(told.status == 200 && !told.text().contains(SECRET), "{route}: {told}");
    }
    let state = project.state_dir();
    let state = state.to_string_lossy();
    for args in [
        &["state", "list"][..],
        &["state", "inspect", "O:a"],
        &["state", "export"],
        &["state", "log", "O:a"],
        &["alarm", "list"],
        &["check", "--json"],
        &["migrate", "status"],
    ] {
        let told = project.dodev(&[args, &["--persist-to", &state]].concat());
        let text =
            [told.stdout, told.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(!text.contains(SECRET) && !text.contains("unexpected argument"), "{args:?}: {text}");
    }
    assert!(!server.process().output().contains(SECRET), "{}", server.process().output());
    server.stop();
    let mut folders = vec![project.dir().join(".wrangler"), project.state_dir()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if let Ok(bytes) = std::fs::read(entry.path()) {
                let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
                assert!(!found, "{} has the secret", entry.path().display());
            }
        }
    }
}
