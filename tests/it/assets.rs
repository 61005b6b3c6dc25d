//! Static assets in a session: what goes beyond the recorded answers of the suite `assets`.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::deadline::Deadline;
use crate::http::Request;
use crate::project::{Server, TestProject};
use crate::recorded::assert_as_recorded;

const LIMIT: Duration = Duration::from_secs(15);
const CONFIG: &str = r#"{ "name": "web", "main": "src/index.js", "compatibility_date": "2026-11-01",
  "assets": { "directory": "public", "binding": "ASSETS" } }"#;
const WORKER: &str = r#"
let count = 0;
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/through") return env.ASSETS.fetch(new URL("/large.bin", request.url));
    if (pathname === "/length") {
      const answer = await env.ASSETS.fetch(new URL("/large.bin", request.url));
      return new Response(String((await answer.arrayBuffer()).byteLength));
    }
    return new Response(`worker ${++count}`);
  },
};
"#;

fn project() -> TestProject {
    TestProject::with_files(&[
        ("wrangler.jsonc", CONFIG),
        ("src/index.js", WORKER),
        ("public/index.html", "one"),
    ])
}

fn wait_for(server: &Server, words: &str) {
    let deadline = Deadline::after(LIMIT);
    while !server.process().output().contains(words) {
        assert!(!deadline.passed(), "no `{words}`:\n{}", server.process().output());
        let seen = server.process().line_count();
        server.process().wait_output(seen, Deadline::after(Duration::from_millis(50)));
    }
}

#[test]
fn what_is_in_the_directory_is_served_as_it_is_now() {
    let project = project();
    let server = project.start();
    assert_eq!(server.get("/").text(), "one");
    assert_eq!(server.get("/new.txt").text(), "worker 1");
    project.write("public/index.html", "two");
    assert_eq!(server.get("/").text(), "two");
    project.write("public/new.txt", "new");
    assert_eq!(server.get("/new.txt").text(), "new");
    fs::remove_file(project.dir().join("public/new.txt")).expect("it is there");
    // The same code serves: nothing was reloaded for that.
    assert_eq!(server.get("/new.txt").text(), "worker 2");
    assert_eq!(server.get("/else").header("etag"), None);
    // A line may come after the answer that it tells of.
    for line in ["  assets        public", "ASSETS → assets", "GET / 200 ", " asset\n"] {
        wait_for(&server, line);
    }
    assert!(server.stop().success());
}

#[test]
fn an_entity_tag_answers_until_the_file_changes() {
    let project = project();
    let server = project.start();
    let tag = server.get("/").header("etag").expect("a tag");
    let ask = |tag: &str| server.request(&Request::new("GET", "/").header("if-none-match", tag));
    assert_eq!((ask(&tag).status, ask(&format!("W/{tag}")).status), (304, 304));
    assert_eq!(ask("\"other\"").status, 200);
    project.write("public/index.html", "changed");
    let answer = ask(&tag);
    assert_eq!((answer.status, answer.text().as_str()), (200, "changed"));
    assert_ne!(answer.header("etag"), Some(tag));
}

#[test]
fn rule_files_count_when_they_are_saved() {
    let project = project();
    let server = project.start();
    assert_eq!(server.get("/a").status, 200);
    project.write("public/_redirects", "/a /b 301\n");
    project.write("public/_headers", "/*\n  x-from: rules\n");
    let answer = server.get("/a");
    assert_eq!((answer.status, answer.header("location").as_deref()), (301, Some("/b")));
    assert_eq!(answer.header("x-from").as_deref(), Some("rules"));
    project.write("public/.assetsignore", "index.html\n");
    assert!(server.get("/").text().starts_with("worker"));
}

#[test]
fn large_files_are_streamed_to_the_client_and_to_the_worker() {
    let project = project();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 249) as u8).collect();
    fs::write(project.dir().join("public/large.bin"), &bytes).expect("a file");
    let server = project.start();
    let answer = server.get("/large.bin");
    assert_eq!(answer.header("content-length").as_deref(), Some("3000000"));
    assert!(answer.body == bytes);
    assert!(server.get("/through").body == bytes);
    assert_eq!(server.get("/length").text(), "3000000");
}

#[test]
fn assets_alone_are_a_project() {
    let config = r#"{ "name": "web", "compatibility_date": "2026-11-01",
      "assets": { "directory": "public", "not_found_handling": "404-page" } }"#;
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", config),
        ("public/index.html", "one"),
        ("public/404.html", "none"),
    ]);
    let server = project.start();
    assert_eq!(server.get("/").text(), "one");
    let missing = server.get("/x");
    assert_eq!((missing.status, missing.text().as_str()), (404, "none"));
    assert_eq!(server.request(&Request::new("POST", "/")).status, 405);
    // A Worker that is added takes what is left.
    project.write("src/index.js", "export default { fetch: () => new Response('worker') };");
    project.write("wrangler.jsonc", CONFIG);
    wait_for(&server, "Reloaded");
    assert_eq!(server.get("/x").text(), "worker");
    assert_eq!(project.dodev(&["check"]).status.code(), Some(0));
}

#[test]
fn the_build_command_makes_the_directory() {
    let config = r#"{ "name": "web", "main": "src/index.js", "compatibility_date": "2026-11-01",
      "build": { "command": "sh build.sh" }, "assets": { "directory": "made", "binding": "ASSETS" } }"#;
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", config),
        ("src/index.js", WORKER),
        ("src/page.html", "page one"),
        ("build.sh", "rm -rf made; mkdir made; cp src/page.html made/index.html; echo built\n"),
    ]);
    let server = project.start();
    assert_eq!(server.get("/").text(), "page one");
    project.write("src/page.html", "page two");
    let deadline = Deadline::after(LIMIT);
    while server.get("/").text() != "page two" {
        assert!(!deadline.passed(), "still the old page:\n{}", server.process().output());
        let seen = server.process().line_count();
        server.process().wait_output(seen, Deadline::after(Duration::from_millis(50)));
    }
    // What the command writes does not run it again; a file that is emptied and written may be noticed twice. The page may be
    // served before the command's last word is shown.
    let builds = || server.process().output().matches("] built").count();
    while builds() < 2 {
        assert!(!deadline.passed(), "the command never ended:\n{}", server.process().output());
        let seen = server.process().line_count();
        server.process().wait_output(seen, Deadline::after(Duration::from_millis(50)));
    }
    assert!(builds() <= 3, "{}", server.process().output());
    project.write("build.sh", "rm -rf made; echo removed\n");
    project.write("src/page.html", "page three");
    wait_for(&server, "the assets directory `made` does not exist");
}

#[test]
fn a_directory_that_goes_is_told_and_comes_back() {
    let project = project();
    let server = project.start();
    fs::rename(project.dir().join("public"), project.dir().join("away")).expect("renamed");
    wait_for(&server, "the assets directory `public` does not exist");
    fs::rename(project.dir().join("away"), project.dir().join("public")).expect("renamed");
    wait_for(&server, "Reloaded");
    assert_eq!(server.get("/").text(), "one");
}

/// `fixtures/asset-methods`, against what wrangler 4.164.0 answered on 2026-11-23.
#[test]
fn the_methods_of_the_binding_answer_as_recorded() {
    assert_as_recorded::<Value>("asset-methods", &[], |server| {
        serde_json::from_slice(&server.get("/").body).expect("JSON")
    });
}
