//! What `dodev dev` does while files change under it: build commands, odd saves, code that cannot start.

use std::fs;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::http::Request;
use crate::process::Signal;
use crate::project::{Server, TestProject};
#[cfg(target_os = "linux")]
use crate::terminal::OnTerminal;

const LIMIT: Duration = Duration::from_secs(15);

const CONFIG: &str = r#"{ "name": "w", "main": "src/index.ts", "compatibility_date": "2026-11-01" }"#;

fn worker(answer: &str) -> String {
    format!("export default {{ fetch() {{ return new Response({answer}); }} }};")
}

fn project(index: &str) -> TestProject {
    TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("src/index.ts", index)])
}

/// Waits until a line printed after the first `from` lines contains `words`; the number of lines then.
fn expect(server: &Server, from: usize, words: &str) -> usize {
    let line = server.process().wait_line(from, words, Deadline::after(LIMIT));
    line.unwrap_or_else(|| panic!("`{words}` is missing in:\n{}", server.process().output()))
}

/// Waits until `/` answers `text`.
fn expect_answer(server: &Server, text: &str) {
    let deadline = Deadline::after(LIMIT);
    loop {
        let seen = server.process().line_count();
        let answer = server.get("/").text();
        if answer == text {
            return;
        }
        assert!(!deadline.passed(), "`{answer}` instead of `{text}`:\n{}", server.process().output());
        server.process().wait_output(seen + 1, Deadline::after(Duration::from_millis(100)));
    }
}

#[test]
fn decorators_run_and_errors_name_the_users_line() {
    let project = project(
        "const twice = (method: Function, _: ClassMethodDecoratorContext) =>\n  \
           function (this: unknown) { return method.call(this) + method.call(this); } as any;\n\
         class A { accessor word = 'ha'; @twice say(): string { return this.word; }\n\
           @twice fail(): string {\n    throw new Error('here');\n  }\n}\n\
         export default { fetch(request: Request) {\n  \
           const a = new A();\n  return new Response(request.url.endsWith('/fail') ? a.fail() : a.say());\n} };",
    );
    let server = project.start();
    assert_eq!(server.get("/").text(), "haha");
    let failed = server.get("/fail");
    assert!(failed.text().contains("src/index.ts:5:"), "{}", failed.text());
}

#[test]
fn the_build_command_runs_first_and_again_but_not_for_its_own_files() {
    let config = r#"{ "name": "w", "main": "dist/index.js", "compatibility_date": "2026-11-01",
        "build": { "command": "sh build.sh" } }"#;
    // Writes into the watched directory as well as elsewhere.
    let script = "echo building; date +%N > src/stamp.txt; grep -q broken src/app.js && exit 3; \
        mkdir -p dist && cp src/app.js dist/index.js && echo built";
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", config),
        ("build.sh", script),
        ("src/app.js", &worker("'one'")),
        ("src/stamp.txt", "older"),
    ]);
    let server = project.start();
    assert_eq!(server.get("/").text(), "one");
    project.write("src/app.js", &worker("'two'"));
    expect_answer(&server, "two");
    let from = server.process().line_count();
    project.write("src/app.js", "broken");
    let from = expect(&server, from, "`build.command` failed: `sh build.sh` ended with exit code 3");
    expect(&server, from, "The last good code goes on serving");
    assert_eq!(server.get("/").text(), "two");
    project.write("src/app.js", &worker("'three'"));
    expect_answer(&server, "three");
    // One run for the start, perhaps one for the stamp that was there before, one for each save.
    let runs = server.process().output().matches("[build] building").count();
    assert!((4..=5).contains(&runs), "{runs} runs:\n{}", server.process().output());
    assert!(server.stop().success());
}

#[test]
fn a_file_saved_during_the_first_build_is_not_missed() {
    let project =
        project("import { answer } from './answer';\nexport default { fetch: () => new Response(answer) };");
    // The first build takes long enough to save in it.
    let modules: String = (0..400).map(|n| format!("export const value{n} = {n};\n")).collect();
    for n in 0..40 {
        project.write(&format!("src/m{n}.ts"), &modules);
    }
    let imports: String =
        (0..40).map(|n| format!("import * as m{n} from './m{n}'; globalThis.m{n} = m{n};\n")).collect();
    project.write("src/answer.ts", &format!("{imports}export const answer = '0';"));
    let server =
        project.spawn(&crate::project::ServerCommand::from_env(), &[]).expect("the command can be started");
    let mut server = server;
    for n in 1..=20 {
        project.write("src/answer.ts", &format!("{imports}export const answer = '{n}';"));
        server.process().wait_output(0, Deadline::after(Duration::from_millis(10)));
    }
    server.wait_ready(LIMIT).expect("it starts");
    expect_answer(&server, "20");
}

#[test]
fn saves_of_every_kind_end_in_the_last_text() {
    let project = project(
        "import { answer } from './lib/answer';\nexport default { fetch: () => new Response(answer) };",
    );
    let answer = |text: &str| format!("export const answer = '{text}';");
    project.write("src/lib/answer.ts", &answer("0"));
    let server = project.start();
    // Ten saves at once.
    for n in 1..=10 {
        project.write("src/lib/answer.ts", &answer(&n.to_string()));
    }
    expect_answer(&server, "10");
    // An editor that writes beside and renames.
    project.write("src/lib/.answer.ts.tmp", &answer("renamed"));
    fs::rename(project.dir().join("src/lib/.answer.ts.tmp"), project.dir().join("src/lib/answer.ts"))
        .expect("ours");
    expect_answer(&server, "renamed");
    // A directory that goes away and comes back with other contents.
    let from = server.process().line_count();
    fs::rename(project.dir().join("src/lib"), project.dir().join("src/old")).expect("ours");
    expect(&server, from, "cannot find `./lib/answer`");
    assert_eq!(server.get("/").text(), "renamed");
    project.write("src/old/answer.ts", &answer("back"));
    fs::rename(project.dir().join("src/old"), project.dir().join("src/lib")).expect("ours");
    expect_answer(&server, "back");
    project.write("src/lib/answer.ts", &answer("edited"));
    expect_answer(&server, "edited");
    // The configuration goes away and comes back.
    let from = server.process().line_count();
    fs::remove_file(project.dir().join("wrangler.jsonc")).expect("ours");
    expect(&server, from, "The last good code goes on serving");
    assert_eq!(server.get("/").text(), "edited");
    let from = server.process().line_count();
    project.write("wrangler.jsonc", CONFIG);
    expect(&server, from, "Reloaded");
    project.write("src/lib/answer.ts", &answer("after"));
    expect_answer(&server, "after");
}

#[test]
fn a_main_module_that_was_emptied_changes_nothing_yet() {
    let project = project(&worker("'before'"));
    let server = project.start();
    project.write("src/index.ts", " \n");
    expect(&server, 0, "`src/index.ts` has no code");
    assert_eq!(server.get("/").text(), "before");
    // It is told once, and not at all of a file that is about to be written.
    project.write("src/index.ts", "\n\n");
    project.write("src/index.ts", &worker("'after'"));
    expect_answer(&server, "after");
    for turn in 0..20 {
        project.write("src/index.ts", "");
        let answer = format!("written {turn}");
        project.write("src/index.ts", &worker(&format!("'{answer}'")));
        expect_answer(&server, &answer);
    }
    let output = server.process().output();
    assert_eq!(output.matches("has no code").count(), 1, "{output}");
}

#[test]
fn a_linked_package_of_a_monorepo_is_watched() {
    let project =
        project("import { answer } from 'shared';\nexport default { fetch: () => new Response(answer) };");
    project.write(
        "packages/shared/package.json",
        r#"{ "name": "shared", "type": "module", "main": "src/index.ts" }"#,
    );
    project.write("packages/shared/src/index.ts", "export const answer: string = 'one';");
    fs::create_dir(project.dir().join("node_modules")).expect("ours");
    std::os::unix::fs::symlink("../packages/shared", project.dir().join("node_modules/shared"))
        .expect("ours");
    let server = project.start();
    assert_eq!(server.get("/").text(), "one");
    project.write("packages/shared/src/index.ts", "export const answer: string = 'two';");
    expect_answer(&server, "two");
}

#[test]
fn stacks_of_lowered_functions_are_the_users_own() {
    let worker = r#"
import { AsyncLocalStorage } from "node:async_hooks";
const storage = new AsyncLocalStorage();
const failing = async () => {
  throw new Error("no");
};
export default { fetch: () => storage.run(1, async () => new Response(await failing().catch((e) => e.stack))) };
"#;
    let config = r#"{ "name": "w", "main": "src/index.js", "compatibility_date": "2026-11-01" }"#;
    let project = TestProject::with_files(&[("wrangler.jsonc", config), ("src/index.js", worker)]);
    let server = project.start();
    let stack = server.get("/").text();
    assert!(stack.contains("at src/index.js:5:"), "{stack}");
    assert!(
        !stack.contains(" index.js") && !stack.contains("(index.js") && !stack.contains("asyncGeneratorStep"),
        "{stack}"
    );
    assert!(server.process().stop(Signal::Term).success());
}

#[test]
fn stacks_of_json_that_is_none_begin_where_the_user_called() {
    let worker = r#"
const parsed = (...given) => { try { return JSON.parse(...given); } catch (error) { return error.stack; } };
const read = () => new Response("no").json().catch((error) => error.stack);
export default { fetch: async () => Response.json([parsed("no"), parsed("no", (key, value) => value), await read()]) };
"#;
    let config = r#"{ "name": "w", "main": "src/index.js", "compatibility_date": "2026-11-01" }"#;
    let project = TestProject::with_files(&[("wrangler.jsonc", config), ("src/index.js", worker)]);
    let server = project.start();
    let stacks: Vec<String> = serde_json::from_str(&server.get("/").text()).expect("three stacks");
    for (stack, frame) in
        stacks.iter().zip(["parsed (src/index.js:2:", "parsed (src/index.js:2:", "read (src/index.js:3:"])
    {
        let expected = format!("SyntaxError: Unexpected token 'o', \"no\" is not valid JSON\n    at {frame}");
        assert!(stack.starts_with(&expected), "{stack}");
    }
    assert!(server.process().stop(Signal::Term).success());
}

#[test]
fn code_that_cannot_start_is_shown_as_the_client_reads_it() {
    let project = project("throw new TypeError('at the top <b>');");
    let mut server = project.spawn(&crate::project::ServerCommand::from_env(), &[]).expect("started");
    let line = expect(&server, 0, "Waiting for a fix on http://");
    let output = server.process().output();
    let port =
        output.lines().nth(line - 1).and_then(|line| line.rsplit(':').next()?.parse().ok()).expect("a port");
    let get = |accept: &str| {
        crate::http::exchange(port, &Request::new("GET", "/").header("accept", accept), LIMIT)
            .expect("an answer")
    };
    let text = get("*/*");
    assert_eq!(
        (text.status, text.header("content-type").as_deref()),
        (503, Some("text/plain;charset=UTF-8"))
    );
    assert!(
        text.text().contains("at the top <b>") && text.text().contains("src/index.ts:1"),
        "{}",
        text.text()
    );
    let page = get("text/html,*/*;q=0.8");
    assert_eq!(page.header("content-type").as_deref(), Some("text/html;charset=utf-8"));
    assert!(page.text().contains("at the top &lt;b&gt;"), "{}", page.text());
    project.write("src/index.ts", &worker("'fixed'"));
    server.wait_ready(LIMIT).expect("it starts");
    assert_eq!(server.get("/").text(), "fixed");
}

#[test]
fn a_loop_at_the_top_level_holds_up_nothing() {
    let project = project(&worker("'one'"));
    let server = project.start();
    // A loop that did nothing would be left out by the bundler.
    project.write("src/index.ts", "for (;;) globalThis.turns = Math.random();");
    assert_eq!(server.get("/").text(), "one");
    project.write("src/index.ts", &worker("'two'"));
    expect_answer(&server, "two");
    let from = server.process().line_count();
    project.write("src/index.ts", "while (true) globalThis.turns = Math.random();");
    assert_eq!(server.get("/").text(), "two");
    let from = expect(&server, from, "the top level of the Worker still runs after 1 s");
    expect(&server, from, "the last good code goes on serving meanwhile");
    assert_eq!(server.get("/").text(), "two");
    assert!(server.process().stop(Signal::Term).success());
}

#[test]
fn packages_that_are_installed_again_are_noticed() {
    let project = project("import { v } from 'pkg';\nexport default { fetch: () => new Response(v) };");
    let install = |main: &str, value: &str| {
        let manifest =
            format!(r#"{{ "name": "pkg", "version": "1.0.0", "type": "module", "main": "{main}" }}"#);
        project.write("node_modules/pkg/package.json", &manifest);
        project.write(&format!("node_modules/pkg/{main}"), &format!("export const v = '{value}';"));
    };
    install("index.js", "one");
    let server = project.start();
    assert_eq!(server.get("/").text(), "one");
    let from = server.process().line_count();
    fs::remove_dir_all(project.dir().join("node_modules")).expect("ours");
    expect(&server, from, "cannot find `pkg`");
    assert_eq!(server.get("/").text(), "one");
    install("lib/main.js", "two");
    expect_answer(&server, "two");
    // One that is there, but not whole, and then is.
    let from = server.process().line_count();
    fs::remove_dir_all(project.dir().join("node_modules/pkg/lib")).expect("ours");
    expect(&server, from, "cannot find `pkg`");
    install("lib/main.js", "three");
    expect_answer(&server, "three");
}

#[test]
fn a_first_start_that_loops_is_told_and_mended() {
    let project = project("export default {};\nfor (;;) globalThis.turns = Math.random();");
    let mut server = project.spawn(&crate::project::ServerCommand::from_env(), &[]).expect("started");
    expect(&server, 0, "the top level of the Worker still runs after 1 s");
    project.write("src/index.ts", &worker("'mended'"));
    server.wait_ready(LIMIT).expect("it starts");
    assert_eq!(server.get("/").text(), "mended");
    assert!(server.stop().success());
}

#[cfg(target_os = "linux")]
#[test]
fn keys_work_on_a_terminal_which_is_put_back() {
    let project = project(&worker("'one'"));
    for (exit, code) in [("x", 0), ("q", 0), ("\x03", 0)] {
        let mut run = OnTerminal::dev(&project, &[]);
        run.expect("b browser · r reload · c clear · x exit");
        assert!(!run.waits_for_enter());
        run.type_key("r");
        run.expect("Reloaded in");
        run.type_key("\x1b[Bc");
        run.type_key("c");
        run.expect("\x1b[2J");
        run.type_key(exit);
        run.expect("Stopping");
        assert_eq!(run.wait().code(), Some(code));
        assert!(run.waits_for_enter(), "after {exit:?}");
    }
    let mut run = OnTerminal::dev(&project, &["--show-interactive-dev-session=false"]);
    run.expect("Ready on");
    assert!(run.waits_for_enter());
    run.type_key("\x03");
    run.expect("Stopping");
    assert_eq!(run.wait().code(), Some(0));
}

#[test]
fn a_project_that_was_moved_away_does_not_come_back_empty() {
    let worker = r#"
import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  next() {
    this.ctx.storage.kv.put("n", (this.ctx.storage.kv.get("n") ?? 0) + 1);
    return this.ctx.storage.kv.get("n");
  }
}
export default { fetch: async ({ url }, env) => new Response(await env.COUNTER.getByName(new URL(url).pathname).next()) };
"#;
    let config = r#"{ "name": "w", "main": "index.js", "compatibility_date": "2026-11-01",
      "durable_objects": { "bindings": [{ "name": "COUNTER", "class_name": "Counter" }] },
      "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Counter"] }] }"#;
    let project = TestProject::with_files(&[("wrangler.jsonc", config), ("index.js", worker)]);
    let command =
        crate::project::ServerCommand::from_words(&["dev", "--config", "{config}", "--port", "{port}"]);
    let mut server = project.spawn(&command, &[]).expect("started");
    server.wait_ready(LIMIT).expect("ready");
    assert_eq!(server.get("/a").text(), "1");
    let (here, away) = (project.dir(), project.dir().with_extension("away"));
    fs::rename(&here, &away).expect("moved");
    for _ in 0..2 {
        let answer = server.get("/b");
        assert_eq!(answer.status, 500, "{}", answer.text());
        assert!(answer.text().contains("cannot create"), "{}", answer.text());
    }
    assert!(!here.exists());
    fs::rename(&away, &here).expect("moved back");
    assert_eq!(server.get("/b").text(), "1");
    assert_eq!(server.get("/a").text(), "2");
    assert!(server.stop().success());
}

#[test]
fn configurations_that_are_links_are_watched_where_they_lead() {
    let project = project(&worker("env.A + env.B"));
    project.write("src/index.ts", "export default { fetch: (_, env) => new Response(env.A + env.B) };");
    let config =
        |value: &str| CONFIG.replace("\"main\"", &format!("\"vars\": {{ \"A\": \"{value}\" }}, \"main\""));
    project.write("shared/one.jsonc", &config("one"));
    project.write("shared/secrets", "B=1");
    fs::remove_file(project.dir().join("wrangler.jsonc")).expect("ours");
    let link = |to: &str, from: &str| {
        std::os::unix::fs::symlink(to, project.dir().join(from)).expect("ours");
    };
    link("shared/first", "wrangler.jsonc");
    link("one.jsonc", "shared/first");
    link("shared/secrets", ".dev.vars");
    let server = project.start();
    assert_eq!(server.get("/").text(), "one1");
    project.write("shared/one.jsonc", &config("two"));
    expect_answer(&server, "two1");
    project.write("shared/secrets", "B=2");
    expect_answer(&server, "two2");
    // A link that leads elsewhere is followed there.
    project.write("shared/two.jsonc", &config("three"));
    fs::remove_file(project.dir().join("wrangler.jsonc")).expect("ours");
    link("shared/two.jsonc", "wrangler.jsonc");
    expect_answer(&server, "three2");
    project.write("shared/two.jsonc", &config("four"));
    expect_answer(&server, "four2");
}

#[test]
fn events_say_what_the_start_block_says() {
    let project = project(&format!(
        "import {{ DurableObject }} from 'cloudflare:workers';\nexport class Room extends DurableObject {{}}\n{}",
        worker("'x'")
    ));
    let rest = r#""vars": { "A": 1 }, "r2_buckets": [{ "binding": "FILES", "bucket_name": "files" }],
        "durable_objects": { "bindings": [{ "name": "ROOMS", "class_name": "Room" }] },
        "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Room"] }], "main""#;
    project.write("wrangler.jsonc", &CONFIG.replace("\"main\"", rest));
    let server = project.start_with(&["--json"]);
    let output = server.process().output();
    let ready = output.lines().find(|line| line.contains(r#""event":"ready""#)).expect("it is ready");
    let ready: serde_json::Value = serde_json::from_str(ready).expect("one line is one event");
    let told = &ready["projects"][0];
    assert_eq!(told["name"], "w");
    assert_eq!(told["classes"], serde_json::json!([{ "name": "Room", "storage": "sqlite" }]));
    assert_eq!(
        told["bindings"],
        serde_json::json!([{ "name": "ROOMS", "target": "Room" }, { "name": "A", "target": null }])
    );
    assert_eq!(told["not_emulated"], serde_json::json!(["FILES"]));
}

#[test]
fn an_address_of_another_machine_is_refused_with_what_helps() {
    let project = project(&worker("'x'"));
    // Kept for documentation, and so nobody's.
    let output = project.dodev(&["dev", "--port", "0", "--ip", "192.0.2.1"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot listen on 192.0.2.1") && told.contains("`--ip`"), "{told}");
    assert!(!told.contains("stop it"), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_worker_logs_leaves_the_terminal_as_it_was() {
    let project = project(
        "console.log('\\x1b[2Jcleared\\x1b[31m red');\nexport default { fetch: () => new Response('') };",
    );
    let mut run = OnTerminal::dev(&project, &[]);
    run.expect("\\x1b[2Jcleared\x1b[31m red\x1b[0m");
    run.type_key("x");
    assert_eq!(run.wait().code(), Some(0));
    // A program that reads gets the text itself.
    let server = project.start();
    expect(&server, 0, "\x1b[2Jcleared\x1b[31m red");
}
