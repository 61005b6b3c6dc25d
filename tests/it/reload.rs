//! Saves in a project with packages, seen from outside: what is fresh, what stays, what it costs.

use std::time::Duration;

use crate::deadline::Deadline;
use crate::http::Connection;
use crate::project::{Server, ServerCommand, TestProject};

/// For one event.
const LIMIT: Duration = Duration::from_secs(20);

const CONFIG: &str = r#"{ "name": "app", "main": "src/index.ts", "compatibility_date": "2026-01-01" }"#;
const MANIFEST: &str = r#"{ "name": "pkg", "version": "1.0.0", "type": "module", "main": "index.js" }"#;
const PACKAGE: &str = "\
let calls = 0;
globalThis.evaluated = (globalThis.evaluated ?? 0) + 1;
console.log('package evaluated');
export const next = () => ++calls;
export class Failure extends Error {}
export function fail() {
  throw new Failure('from the package');
}
";

fn index(mark: &str) -> String {
    format!(
        "import {{ next, fail }} from 'pkg';
globalThis.leftover = (globalThis.leftover ?? 0) + 1;
export default {{
  fetch(request) {{
    if (request.url.endsWith('/fail')) fail();
    return new Response(['{mark}', next(), globalThis.evaluated, globalThis.leftover].join());
  }},
}};
"
    )
}

fn project() -> TestProject {
    TestProject::with_files(&[
        ("wrangler.jsonc", CONFIG),
        ("src/index.ts", &index("0")),
        ("node_modules/pkg/package.json", MANIFEST),
        ("node_modules/pkg/index.js", PACKAGE),
    ])
}

fn start(project: &TestProject, args: &[&str]) -> Server {
    project.start_with(&[&["--json"], args].concat())
}

/// Writes `path` and waits until the `event` that follows is told.
fn save(project: &TestProject, server: &Server, path: &str, text: &str, event: &str) {
    let seen = server.process().line_count();
    project.write(path, text);
    let words = format!(r#""event":"{event}""#);
    let told = server.process().wait_line(seen, &words, Deadline::after(LIMIT));
    assert!(told.is_some(), "no {event} after {path}:\n{}", server.process().output());
}

fn count(server: &Server, words: &str) -> usize {
    server.process().output().lines().filter(|line| line.contains(words)).count()
}

#[test]
fn every_generation_has_packages_of_its_own() {
    let project = project();
    let server = start(&project, &[]);
    assert_eq!(server.get("/").text(), "0,1,1,1");
    assert_eq!(server.get("/").text(), "0,2,1,1");
    for mark in ["1", "2", "3", "4"] {
        save(&project, &server, "src/index.ts", &index(mark), "reloaded");
        assert_eq!(server.get("/").text(), format!("{mark},1,1,1"));
    }
    assert_eq!(count(&server, "package evaluated"), 5, "{}", server.process().output());
    // An edited package, a broken save, and its correction.
    let edited = PACKAGE.replace("++calls", "++calls * 100");
    save(&project, &server, "node_modules/pkg/index.js", &edited, "reloaded");
    assert_eq!(server.get("/").text(), "4,100,1,1");
    save(&project, &server, "src/index.ts", "import { next from 'pkg';", "broken");
    assert_eq!(server.get("/").text(), "4,200,1,1");
    save(&project, &server, "src/index.ts", &index("5"), "reloaded");
    assert_eq!(server.get("/").text(), "5,100,1,1");
    assert!(server.stop().success());
    // An unchanged project starts from what was kept.
    let server = start(&project, &[]);
    assert_eq!(server.get("/").text(), "5,100,1,1");
}

#[test]
fn an_error_from_a_package_names_its_file() {
    let project = project();
    let server = start(&project, &[]);
    for _ in 0..2 {
        let seen = server.process().line_count();
        assert_eq!(server.get("/fail").status, 500);
        let told = server.process().wait_line(seen, "node_modules/pkg/index.js:7:", Deadline::after(LIMIT));
        assert!(told.is_some(), "{}", server.process().output());
        assert!(server.process().output().contains("src/index.ts:5:"), "{}", server.process().output());
        save(&project, &server, "src/index.ts", &index("1"), "reloaded");
    }
}

#[test]
fn a_package_that_throws_is_shown_and_mended() {
    let project = project();
    let throws = "export const next = 1, fail = 2; if (next) throw new Error('not today');";
    project.write("node_modules/pkg/index.js", throws);
    let mut server = project.spawn(&ServerCommand::from_env(), &["--json"]).expect("it can be started");
    let told = server.process().wait_line(0, "not today", Deadline::after(LIMIT));
    let place = r#""file":"node_modules/pkg/index.js","line":1"#;
    assert!(told.is_some() && server.process().output().contains(place), "{}", server.process().output());
    save(&project, &server, "node_modules/pkg/index.js", PACKAGE, "ready");
    server.wait_ready(LIMIT).expect("it is mended");
    assert_eq!(server.get("/").text(), "0,1,1,1");
}

#[test]
fn packages_can_be_bundled_with_every_save() {
    let project = project();
    let server = start(&project, &["--no-prebundle"]);
    assert_eq!(server.get("/").text(), "0,1,1,1");
    save(&project, &server, "src/index.ts", &index("1"), "reloaded");
    assert_eq!(server.get("/").text(), "1,1,1,1");
    assert!(!project.dir().join(".wrangler/dodev").read_dir().is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().starts_with("packages-")))
    }));
}

/// The project with a module that runs before its package.
fn with_setup(project: &TestProject, setup: &str, mark: &str) -> String {
    project.write("src/setup.ts", setup);
    importing_setup(mark)
}

/// The entry of that project.
fn importing_setup(mark: &str) -> String {
    format!("import {{ setup }} from './setup';\n{}", index(mark).replace("next(),", "setup(), next(),"))
}

const SETUP: &str = "import { next } from 'pkg/order';
globalThis.evaluated = 10;
let calls = 0;
export const setup = () => [++calls, next].join(':');
";

#[test]
fn modules_that_run_before_a_package_are_kept_with_it() {
    let project = project();
    project.write("node_modules/pkg/order.js", "export const next = typeof globalThis.evaluated;");
    project.write("src/index.ts", &with_setup(&project, SETUP, "0"));
    let server = start(&project, &[]);
    // `pkg/order` runs first, then the module, then `pkg`: in each generation.
    assert_eq!(server.get("/").text(), "0,1:undefined,1,11,1");
    for mark in ["1", "2", "3"] {
        save(&project, &server, "src/index.ts", &importing_setup(mark), "reloaded");
        assert_eq!(server.get("/").text(), format!("{mark},1:undefined,1,11,1"));
    }
    // An edit of such a module, twice, and one elsewhere.
    for start in ["20", "30"] {
        save(&project, &server, "src/setup.ts", &SETUP.replace("10", start), "reloaded");
        assert_eq!(server.get("/").text(), format!("3,1:undefined,1,{}1,1", &start[..1]));
    }
    save(&project, &server, "src/index.ts", &importing_setup("4"), "reloaded");
    assert_eq!(server.get("/").text(), "4,1:undefined,1,31,1");
    // A mistake in it is shown, and mended.
    save(&project, &server, "src/setup.ts", "export const setup = ;", "broken");
    assert_eq!(server.get("/").text(), "4,2:undefined,2,31,1");
    save(&project, &server, "src/setup.ts", SETUP, "reloaded");
    assert_eq!(server.get("/").text(), "4,1:undefined,1,11,1");
    assert_eq!(count(&server, "bundle/whole"), 0, "{}", server.process().output());
    assert!(server.stop().success());
    let server = start(&project, &[]);
    assert_eq!(server.get("/").text(), "4,1:undefined,1,11,1");
}

#[test]
fn the_reason_for_one_bundle_is_told_once() {
    let project = project();
    // What only a running Worker has cannot be asked for ahead of it.
    project.write("src/setup.ts", "import 'cloudflare:workers'; globalThis.prepared = true;");
    let with_setup = |mark: &str| format!("import './setup';\n{}", index(mark));
    project.write("src/index.ts", &with_setup("0"));
    let server = start(&project, &[]);
    for mark in ["1", "2"] {
        save(&project, &server, "src/index.ts", &with_setup(mark), "reloaded");
        assert_eq!(server.get("/").text(), format!("{mark},1,1,1"));
    }
    assert_eq!(count(&server, "`src/setup.ts` has to run before `pkg`"), 1, "{}", server.process().output());
}

/// The resident memory of the process `pid` in kibibytes.
#[cfg(target_os = "linux")]
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux tells it");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

#[cfg(target_os = "linux")]
fn memory_stays_flat(warm_up: usize, saves: usize, growth_kib: u64) {
    let project = project();
    let server = start(&project, &[]);
    let reload = |number: usize| {
        save(&project, &server, "src/index.ts", &index(&number.to_string()), "reloaded");
        assert_eq!(server.get("/").text(), format!("{number},1,1,1"));
    };
    (1..=warm_up).for_each(reload);
    let before = resident_kib(server.process().pid());
    (warm_up + 1..=warm_up + saves).for_each(reload);
    let after = resident_kib(server.process().pid());
    assert!(after < before + growth_kib, "{before} KiB before {saves} reloads, {after} KiB after");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_stays_flat_over_reloads() {
    memory_stays_flat(10, 30, 12 * 1024);
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes a minute"]
fn memory_stays_flat_over_a_thousand_reloads() {
    memory_stays_flat(50, 1_000, 12 * 1024);
}

/// An object whose `hang` never ends, under the strategy `strategy` for code updates.
fn busy(strategy: &str) -> TestProject {
    let config = format!(
        r#"{{ "name": "app", "main": "index.js", "compatibility_date": "2026-11-01",
            "durable_objects": {{ "bindings": [{{ "name": "C", "class_name": "Room" }}], "code_update_strategy": {strategy} }},
            "migrations": [{{ "tag": "v1", "new_sqlite_classes": ["Room"] }}] }}"#
    );
    TestProject::with_files(&[("wrangler.jsonc", &config), ("index.js", &room("old"))])
}

fn room(mark: &str) -> String {
    format!(
        r#"import {{ DurableObject }} from "cloudflare:workers";
        export class Room extends DurableObject {{
          async hang() {{ console.log("hangs"); this.timer = setInterval(() => {{}}, 1000); await scheduler.wait(3_600_000); }}
          say() {{ return "{mark}"; }}
        }}
        export default {{
          async fetch(request, env) {{
            try {{ return Response.json(await env.C.getByName("a")[new URL(request.url).pathname.slice(1)]()); }}
            catch (error) {{ return Response.json([error.message, {{ ...error }}]); }}
          }},
        }};"#
    )
}

#[test]
fn busy_objects_are_reset_when_the_strategy_for_code_updates_says_so() {
    for strategy in [r#"{ "mode": "immediate" }"#, r#"{ "mode": "deferred", "max_delay": 0.3 }"#] {
        let project = busy(strategy);
        let server = start(&project, &[]);
        let mut waiting = Connection::open(server.port()).expect("a connection");
        waiting.limit(LIMIT);
        waiting.write(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n").expect("it is sent");
        assert!(server.process().wait_line(0, "hangs", Deadline::after(LIMIT)).is_some());
        save(&project, &server, "index.js", &room("new"), "reloaded");
        // It waits for the object, which the old code has until then.
        assert_eq!(server.get("/say").text(), r#""new""#, "{strategy}");
        let told = waiting.read_response(false).expect("an answer").text();
        let words = r#"["Durable Object reset because its code was updated.",{"durableObjectReset":true}]"#;
        assert_eq!(told, words, "{strategy}");
        server.stop();
    }
}
