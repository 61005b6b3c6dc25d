//! Options that change what is served: modules that are not bundled, and the host that requests appear to be for.

use std::time::Duration;

use crate::deadline::Deadline;
use crate::http::Request;
use crate::project::{Server, TestProject};

const LIMIT: Duration = Duration::from_secs(15);

/// Waits until `path` answers `text`.
fn expect_answer(server: &Server, path: &str, text: &str) {
    let deadline = Deadline::after(LIMIT);
    loop {
        let seen = server.process().line_count();
        let answer = server.get(path).text();
        if answer == text {
            return;
        }
        assert!(!deadline.passed(), "`{answer}` instead of `{text}`:\n{}", server.process().output());
        server.process().wait_output(seen + 1, Deadline::after(Duration::from_millis(100)));
    }
}

#[test]
fn modules_run_as_they_are_without_bundling() {
    let config = r#"{ "name": "w", "main": "src/index.js", "compatibility_date": "2026-11-01", "no_bundle": true,
        "rules": [{ "type": "ESModule", "globs": ["**/*.js"] }],
        "durable_objects": { "bindings": [{ "name": "O", "class_name": "O" }] },
        "migrations": [{ "tag": "v1", "new_sqlite_classes": ["O"] }] }"#;
    let index = "import { DurableObject } from 'cloudflare:workers';\n\
        import { word } from './lib/word.js';\nimport note from './note.txt';\n\
        export class O extends DurableObject { say() { return `${word} ${note}`; } }\n\
        export default { async fetch(request, env) {\n\
          if (request.url.endsWith('/fail')) throw new Error('here');\n\
          const name = new URL(request.url).searchParams.get('load');\n\
          if (name) return new Response((await import(`./lib/${name}.js`)).word);\n\
          return new Response(await env.O.getByName('a').say());\n} };";
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", config),
        ("src/index.js", index),
        ("src/lib/word.js", "export { word } from '../words/one.js';"),
        ("src/words/one.js", "export const word = 'one';"),
        ("src/note.txt", "note"),
    ]);
    let server = project.start();
    assert_eq!(server.get("/").text(), "one note");
    assert!(server.get("/fail").text().contains("src/index.js:6:"), "{}", server.get("/fail").text());
    project.write("src/words/one.js", "export const word = 'two';");
    expect_answer(&server, "/", "two note");
    // A file that nothing imports by name is there when it was added.
    project.write("src/lib/late.js", "export const word = 'late';");
    expect_answer(&server, "/?load=late", "late");
    project.write("src/words/one.js", "export const word: string = 'types';");
    let line = server.process().wait_line(0, "src/words/one.js:1:14", Deadline::after(LIMIT));
    assert!(line.is_some(), "{}", server.process().output());
    assert_eq!(server.get("/").text(), "two note");
}

#[test]
fn found_modules_can_be_loaded_by_a_name_of_the_run_time() {
    let config = r#"{ "name": "w", "main": "src/index.ts", "compatibility_date": "2026-11-01",
        "find_additional_modules": true, "rules": [{ "type": "ESModule", "globs": ["lang/*.js"] }] }"#;
    let index = "const of = async (name: string) => (await import(`./lang/${name}.js`)).default;\n\
        export default { async fetch(request: Request) {\n\
          return new Response(await of(new URL(request.url).pathname.slice(1)));\n} };";
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", config),
        ("src/index.ts", index),
        ("src/lang/en.js", "export default 'hello';"),
    ]);
    let server = project.start();
    assert_eq!(server.get("/en").text(), "hello");
    project.write("src/lang/de.js", "export default 'hallo';");
    expect_answer(&server, "/de", "hallo");
}

#[test]
fn requests_appear_to_be_for_the_first_route() {
    let config = |more: &str| {
        format!(r#"{{ "name": "w", "main": "src/index.js", "compatibility_date": "2026-11-01"{more} }}"#)
    };
    let index = "export default { fetch(request) {\n\
        if (request.url.endsWith('/away')) return Response.redirect(new URL('/there', request.url), 302);\n\
        return new Response(`${request.url} ${request.headers.get('host')} ${request.headers.get('origin')}`);\n} };";
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", &config(r#", "routes": ["shop.example.com/*"]"#)),
        ("src/index.js", index),
    ]);
    let server = project.start();
    let host = format!("127.0.0.1:{}", server.port());
    let request = Request::new("GET", "/a").header("origin", &format!("http://{host}"));
    let seen = "http://shop.example.com/a shop.example.com http://shop.example.com";
    assert_eq!(server.request(&request).text(), seen);
    let away = server.get("/away");
    assert_eq!(away.header("location"), Some(format!("http://{host}/there")));
    let output = server.process().output().to_string();
    assert!(output.contains("seen as       http://shop.example.com, by the Worker"), "{output}");
    project.write(
        "wrangler.jsonc",
        &config(r#", "dev": { "host": "dev.example.com", "upstream_protocol": "https" }"#),
    );
    expect_answer(&server, "/a", "https://dev.example.com/a dev.example.com null");
    project.write("wrangler.jsonc", &config(""));
    expect_answer(&server, "/a", &format!("http://{host}/a {host} null"));
}
