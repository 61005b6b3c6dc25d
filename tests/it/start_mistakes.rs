//! Mistakes that show when the code is built and evaluated, each with the place to look at, as 80 columns show it.

use std::time::Duration;

use crate::deadline::Deadline;
use crate::project::TestProject;

const LIMIT: Duration = Duration::from_secs(30);
const OK: &str = "export default { fetch: () => new Response(\"ok\") };\n";

/// The configuration with further `keys`.
fn config(keys: &str) -> String {
    format!(
        "{{\n  \"name\": \"w\",\n  \"main\": \"src/index.js\",\n  \"compatibility_date\": \"2026-11-01\"{keys}\n}}\n"
    )
}

/// What a reload to these files prints, while the last good code goes on.
fn said_of(keys: &str, worker: &str) -> String {
    let project = TestProject::with_files(&[("wrangler.jsonc", &config("")), ("src/index.js", OK)]);
    let server = project.start();
    let from = server.process().line_count();
    project.write("src/index.js", worker);
    project.write("wrangler.jsonc", &config(keys));
    server.process().wait_line(from, "goes on serving", Deadline::after(LIMIT)).expect("it is told");
    // The first of the two saves may have been told of alone.
    let words = "  ·";
    server.process().wait_line(from, words, Deadline::after(LIMIT)).expect("a place is shown");
    assert_eq!(server.get("/").text(), "ok");
    let output = server.process().output();
    assert!(server.stop().success());
    output.lines().skip(from).collect::<Vec<_>>().join("\n")
}

const CLASS: &str = r#",
  "durable_objects": { "bindings": [{ "name": "B", "class_name": "B" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["B"] }]"#;

#[test]
fn a_failing_build_command_is_shown_in_the_configuration() {
    let text = said_of(",\n  \"build\": { \"command\": \"exit 3\" }", OK);
    assert!(text.contains("ended with exit code 3"), "{text}");
    assert!(text.contains("[wrangler.jsonc:5:25]"), "{text}");
}

#[test]
fn what_is_not_there_is_shown_where_it_is_asked_for() {
    for (worker, place) in [
        ("const found = {};\nfound.a.b();\n", "[src/index.js:2:1]"),
        ("const none = globalThis.none;\nconst { a } = none;\nconsole.log(a);\n", "[src/index.js:2:9]"),
    ] {
        let text = said_of("", &format!("{worker}{OK}"));
        assert!(text.contains(place) && text.contains("thrown here"), "{text}");
    }
}

#[test]
fn an_export_that_is_no_class_is_shown_at_the_binding() {
    for worker in [
        "export const B = () => 1;\n",
        "export const B = { fetch() {} };\n",
        "import { WorkerEntrypoint } from \"cloudflare:workers\";\nexport class B extends WorkerEntrypoint {}\n",
    ] {
        let text = said_of(CLASS, &format!("{worker}{OK}"));
        assert!(text.contains("exports as `B` is no class of Durable Objects"), "{text}");
        assert!(text.contains("[wrangler.jsonc:5:66]"), "{text}");
    }
}

#[test]
fn an_export_that_is_nothing_to_call_is_shown_where_it_is() {
    let text = said_of("", &format!("const A = 1;\nexport const B = 5;\n{OK}"));
    assert!(text.contains("[src/index.js:2:14]") && text.contains("exported here"), "{text}");
}

#[test]
fn variables_in_a_directory_are_no_riddle() {
    let project = TestProject::with_files(&[
        ("wrangler.jsonc", &config("")),
        ("src/index.js", OK),
        (".dev.vars/a", ""),
    ]);
    let output = project.dodev(&["dev"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && text.contains(".dev.vars` is a directory"), "{text}");
    assert!(text.contains("put a file in its place, or remove it"), "{text}");
}

/// Whoever stops reading ends the server, as the system ends programs that print all the time.
#[cfg(unix)]
#[test]
fn a_server_whose_output_nobody_reads_ends() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    use std::sync::mpsc;
    use std::thread;

    let project = TestProject::with_files(&[("wrangler.jsonc", &config("")), ("src/index.js", OK)]);
    let mut command = Command::new(crate::project::BINARY);
    command.args(["dev", "--port", "0"]).current_dir(project.dir());
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().expect("it starts");
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a number"));
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    reader.read_line(&mut String::new()).expect("a line");
    drop(reader);
    let (ended, end) = mpsc::channel();
    thread::spawn(move || drop(ended.send(child.wait())));
    let status = end.recv_timeout(LIMIT).inspect_err(|_| {
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
    });
    assert_eq!(status.expect("it ends").expect("it was ours").code(), Some(141));
}
