//! Workers Sites (`fixtures/site`), against what wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.

use std::time::Duration;

use crate::cli::Ran;
use crate::deadline::Deadline;
use crate::project::TestProject;
use crate::recorded::{answers_in_groups, assert_as_recorded};

#[test]
fn files_answer_as_recorded() {
    let listing = "a path that ends with a slash gives a list of the directory, as JSON";
    assert_as_recorded("site", &[("values sub/", listing)], answers_in_groups);
}

const CONFIG: &str =
    r#"{ "name": "s", "main": "i.js", "compatibility_date": "2026-11-01", "site": { "bucket": "public" } }"#;

const MODULE: &str = r#"
import text from "__STATIC_CONTENT_MANIFEST";
export default {
  async fetch(request, { __STATIC_CONTENT: files }) {
    const key = JSON.parse(text)[new URL(request.url).pathname.slice(1)];
    if (key === undefined) return new Response("no file", { status: 404 });
    const cached = new Request(new URL(key, request.url));
    const found = await caches.default.match(cached);
    const value = await files.get(key);
    const response = new Response(value, { headers: { "cache-control": "max-age=60", "x-cached": `${found !== undefined}` } });
    await caches.default.put(cached, response.clone());
    if (request.method === "PUT") await files.put("index.html", "new");
    return response;
  },
};
"#;

const LISTENER: &str = r#"
addEventListener("fetch", (event) => event.respondWith(answer()));
async function answer() {
  return Response.json([typeof __STATIC_CONTENT_MANIFEST, await __STATIC_CONTENT.get(__STATIC_CONTENT_MANIFEST["index.html"])]);
}
"#;

fn project(code: &str) -> TestProject {
    TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("i.js", code), ("public/index.html", "one")])
}

#[test]
fn files_are_read_when_they_are_asked_for_and_never_written() {
    let project = project(MODULE);
    let server = project.start();
    assert!(server.process().output().contains("__STATIC_CONTENT → public"), "{}", server.process().output());
    assert_eq!(server.get("/index.html").text(), "one");
    project.write("public/index.html", "two");
    let again = server.get("/index.html");
    assert_eq!((again.text().as_str(), again.header("x-cached").as_deref()), ("two", Some("false")));
    let refused = server.request(&crate::http::Request::new("PUT", "/index.html"));
    assert_eq!(refused.status, 500);
    let message = "KV PUT failed: 405 Cannot put() with Workers Sites namespace";
    assert!(refused.text().contains(message), "{}", refused.text());
    assert_eq!(std::fs::read_to_string(project.dir().join("public/index.html")).expect("there"), "two");
}

#[test]
fn listening_workers_have_the_manifest_as_a_global() {
    let project = project(LISTENER);
    assert_eq!(project.start().get("/").text(), r#"["object","one"]"#);
}

#[test]
fn the_command_line_names_other_files() {
    let project = project(MODULE);
    project.write("other/a.txt", "a");
    project.write("other/b.txt", "b");
    let server = project.start_with(&["--site", "other", "--site-exclude", "a.*"]);
    let status = |path: &str| server.get(path).status;
    assert_eq!([status("/index.html"), status("/a.txt"), status("/b.txt")], [404, 404, 200]);
}

#[test]
fn mistakes_are_told_with_their_places() {
    let project = project(MODULE);
    for (site, words) in [
        (r#""site": { "bucket": "publik" }"#, "the bucket `publik` does not exist"),
        (r#""site": { "bucket": "i.js" }"#, "the bucket `i.js` is not a directory"),
        (
            r#""site": { "bucket": "public" }, "assets": { "directory": "public" }"#,
            "cannot have `assets` and Workers Sites",
        ),
        (
            r#""site": { "bucket": "public", "entry-point": "workers-site" }"#,
            "`main` says already what `entry-point` would",
        ),
        (r#""site": {}"#, "`site` needs `bucket`"),
    ] {
        let config =
            format!(r#"{{ "name": "s", "main": "i.js", "compatibility_date": "2026-11-01", {site} }}"#);
        project.write("wrangler.jsonc", &config);
        let ran = Ran::dodev(&project, &["check"]);
        let told = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            ran.code != Some(0) && told.contains(words) && told.contains("wrangler.jsonc:1:"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn without_files_there_is_no_manifest_as_when_it_is_deployed() {
    let project = project(MODULE);
    let server = project.start();
    let from = server.process().line_count();
    project.write("wrangler.jsonc", &CONFIG.replace(r#", "site": { "bucket": "public" }"#, ""));
    let deadline = Deadline::after(Duration::from_secs(20));
    let told = server.process().wait_line(from, "threw `Error: No such module", deadline);
    assert!(told.is_some(), "{}", server.process().output());
    assert_eq!(server.get("/index.html").text(), "one", "the last good code goes on");
}
