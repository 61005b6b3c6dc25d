//! `--live-reload`: pages get a script, and what it opens is told of new code.

use std::time::Duration;

use crate::deadline::Deadline;
use crate::http::Request;
use crate::project::{Server, TestProject};
use crate::websocket::{Handshake, Message, WebSocket};

const LIMIT: Duration = Duration::from_secs(15);
const PATH: &str = "/cdn-cgi/live-reload";
const PROTOCOL: &str = "WRANGLER_PROXYWORKER_LIVE_RELOAD_PROTOCOL";

const INDEX: &str = "const html = (more) => ({ headers: { 'content-type': 'text/html', ...more } });\n\
    export default { fetch(request) {\n\
      const path = new URL(request.url).pathname;\n\
      if (path === '/plain') return new Response('one');\n\
      if (path === '/packed') return new Response('<p>one', html({ 'content-encoding': 'gzip' }));\n\
      if (path === '/fail') throw new Error('no');\n\
      return new Response('<p>one', html({}));\n} };\n";

fn project() -> TestProject {
    let config = r#"{ "name": "w", "main": "src/index.js", "compatibility_date": "2026-11-01",
        "assets": { "directory": "public" } }"#;
    TestProject::with_files(&[
        ("wrangler.jsonc", config),
        ("src/index.js", INDEX),
        ("public/page.html", "<p>asset"),
    ])
}

fn wait(server: &Server) -> Handshake {
    WebSocket::connect(server.port(), PATH, &[], &[PROTOCOL.to_owned()], LIMIT).expect("a connection")
}

#[test]
fn pages_are_told_of_new_code() {
    let project = project();
    let server = project.start_with(&["--live-reload"]);
    for (path, begins) in [("/", "<p>one"), ("/page", "<p>asset")] {
        let page = server.get(path).text();
        assert!(page.starts_with(begins) && page.trim_end().ends_with("</script>"), "{page}");
        assert!(page.contains(PATH) && page.contains(PROTOCOL), "{page}");
    }
    assert_eq!(server.get("/plain").text(), "one");
    let packed = server.request(&Request::new("GET", "/packed").header("accept-encoding", "gzip"));
    assert_eq!(packed.header("content-encoding").as_deref(), Some("gzip"));
    let Handshake::Open { socket, accept_ok: true, response } = wait(&server) else { panic!("refused") };
    assert_eq!(response.header("sec-websocket-protocol").as_deref(), Some(PROTOCOL));
    for (from, to) in [("'one'", "'two'"), ("'two'", "'three'")] {
        project.edit("src/index.js", from, to).expect("the word is there");
        match socket.receive(Deadline::after(LIMIT)) {
            Some(Message::Text(text)) => assert_eq!(text, "reload"),
            other => panic!("{other:?}:\n{}", server.process().output()),
        }
    }
    assert_eq!(server.get("/plain").text(), "three");
    socket.close(Some(1001), "").expect("an open connection");
    assert_eq!(socket.wait_closed(Deadline::after(LIMIT)).map(|closed| closed.code), Some(Some(1001)));
}

#[test]
fn nothing_is_added_unless_it_is_asked_for() {
    let project = project();
    for args in [&[][..], &["--no-live-reload"], &["--live-reload=false"]] {
        let server = project.start_with(args);
        assert_eq!(server.get("/").text(), "<p>one");
        // The path is the Worker's, like any other.
        assert!(matches!(wait(&server), Handshake::Refused(response) if response.text() == "<p>one"));
    }
}
