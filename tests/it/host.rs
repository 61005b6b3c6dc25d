//! What a Worker cannot reach, whatever it tries: files, environment and processes of the machine; and what is never told of it.

use serde_json::Value as Json;

use crate::http::Request;
use crate::project::TestProject;

const SECRET: &str = "s3cr3t-of-the-project";

const CONFIG: &str = r#"{ "name": "h", "main": "src/index.js", "compatibility_date": "2026-11-01",
  "compatibility_flags": ["nodejs_compat"],
  "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }] }"#;

/// Names of modules are made at run time, so that the bundler has no say.
const WORKER: &str = r#"
import { DurableObject } from "cloudflare:workers";
export class O extends DurableObject { put() { this.ctx.storage.kv.put("a", 1); } }
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
    for (const name of [file, `file://${file}`, "../../outside.mjs", "../outside.mjs", "/proc/self/environ", "dodev:host", "data:text/javascript,1", "http://127.0.0.1/a.js"]) {
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
