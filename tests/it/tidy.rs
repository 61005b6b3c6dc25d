//! The rules of the source tree that rot silently, as tests.
//!
//! Each rule is a function from files to complaints, so that the rules themselves are tested on made-up
//! files. What needs judgement (names, comments, length below the limit) is not checked here.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dodev::LAYERS;

use crate::project::repository;
use crate::rust_text::{code_only, crate_paths, lines_with, without_tests};

/// No source file is longer.
const LINES_MAX: usize = 600;
/// Where `unsafe` may stand: the engine's door to C, and files that need a few calls of C each.
const UNSAFE_ALLOWED: &[&str] = &[
    "src/engine/",
    "src/storage/sqlite.rs",
    "src/storage/sqlite/",
    "src/base/clock.rs",
    "src/base/heap.rs",
    "src/base/process/windows.rs",
];
/// The only file that prints.
const PRINTER: &str = "src/cli/output.rs";
/// What only some systems have, as it stands in code.
const SYSTEMS_WORDS: &[&str] = &[
    "os::unix",
    "os::fd",
    "nix::",
    "signal::unix",
    "libc::",
    "os::windows",
    "windows_sys",
    "signal::windows",
];
/// How a file says for which systems a part of it is.
const SYSTEM_WORDS: &[&str] = &["cfg(unix)", "cfg(windows)", "cfg(target_os", "cfg(all(target_os"];
/// Files for one system alone, which another one's call.
const ONE_SYSTEM: &[&str] = &["src/storage/sqlite/time.rs"];
/// Files for one kind of system, and what their twins are called.
const TWINS: [(&str, &str); 2] = [("/unix.rs", "/windows.rs"), ("/windows.rs", "/unix.rs")];
/// Folders of a developer's machine, which no file may mention. Put together so that this file does not.
const MACHINE_PATHS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// A file of the repository: its path from the root, with `/`, and its text.
struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn is_js(&self) -> bool {
        self.path.ends_with(".js")
    }

    fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// The folder directly under `src/`, for files that lie in one.
    fn layer_name(&self) -> Option<&str> {
        self.path.strip_prefix("src/")?.split_once('/').map(|(folder, _)| folder)
    }

    fn complain_at(&self, lines: &[usize], what: &str) -> Vec<String> {
        lines.iter().map(|line| format!("{}:{line}: {what}", self.path)).collect()
    }
}

/// All text files below `folders` that are sources: not built, not recorded, not hidden.
fn read_files(folders: &[&str]) -> Vec<SourceFile> {
    let mut files = Vec::new();
    for folder in folders {
        read_folder(&repository().join(folder), &mut files);
    }
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the source tree was not found");
    files
}

fn read_folder(folder: &Path, files: &mut Vec<SourceFile>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().expect("a listed file has a name").to_string_lossy();
        if path.is_dir() {
            if !matches!(&*name, "node_modules" | "target" | ".wrangler" | "__pycache__") {
                read_folder(&path, files);
            }
        } else if let Ok(text) = fs::read_to_string(&path) {
            let inside = path.strip_prefix(repository()).expect("below the root");
            files.push(SourceFile { path: inside.to_string_lossy().replace('\\', "/"), text });
        }
    }
}

fn assert_tidy(folders: &[&str], rule: impl Fn(&SourceFile) -> Vec<String>) {
    let complaints: Vec<String> = read_files(folders).iter().flat_map(rule).collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

fn check_layers(file: &SourceFile) -> Vec<String> {
    let (true, Some(own)) = (file.is_rust(), file.layer_name()) else { return Vec::new() };
    let Some(number) = layer(own) else {
        return vec![format!("{}: folder `{own}` is missing in LAYERS in src/lib.rs", file.path)];
    };
    let paths = crate_paths(&code_only(&file.text));
    let is_wrong = |name: &str| name != own && layer(name).is_some_and(|other| other >= number);
    let wrong = paths.into_iter().filter(|(_, name)| is_wrong(name));
    wrong.map(|(line, name)| format!("{}:{line}: `{own}` may not import `{name}`", file.path)).collect()
}

fn check_opening(file: &SourceFile) -> Vec<String> {
    let (opens, with) = if file.is_rust() {
        (file.text.starts_with("//!"), "//!")
    } else if file.is_js() {
        (file.text.starts_with("//") || file.text.starts_with("/*"), "a comment")
    } else {
        return Vec::new();
    };
    if opens { Vec::new() } else { vec![format!("{}:1: does not start with {with}", file.path)] }
}

fn check_length(file: &SourceFile) -> Vec<String> {
    let lines = file.text.lines().count();
    if lines <= LINES_MAX || !(file.is_rust() || file.is_js()) {
        return Vec::new();
    }
    vec![format!("{}: {lines} lines, at most {LINES_MAX}", file.path)]
}

fn check_unsafe(file: &SourceFile) -> Vec<String> {
    if !file.is_rust() || UNSAFE_ALLOWED.iter().any(|allowed| file.is_in(allowed)) {
        return Vec::new();
    }
    file.complain_at(&lines_with(&code_only(&file.text), "unsafe"), "`unsafe` outside the engine")
}

fn check_printing(file: &SourceFile) -> Vec<String> {
    if !file.is_rust() || file.path == PRINTER {
        return Vec::new();
    }
    let code = without_tests(&code_only(&file.text));
    let calls = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
    let complain =
        |call: &&str| file.complain_at(&lines_with(&code, call), &format!("`{call}` outside {PRINTER}"));
    calls.iter().flat_map(complain).collect()
}

fn check_unwrap(file: &SourceFile) -> Vec<String> {
    let is_test =
        file.path.ends_with("/tests.rs") || file.path.contains("/tests/") || file.path.contains("/testing/");
    if !file.is_rust() || is_test {
        return Vec::new();
    }
    let code = without_tests(&code_only(&file.text));
    file.complain_at(&lines_with(&code, ".unwrap()"), "bare `.unwrap()`: say with `expect` why it holds")
}

fn uses_system(file: &SourceFile) -> Vec<usize> {
    let code = without_tests(&code_only(&file.text));
    let lines = code.lines().enumerate();
    let found = lines.filter(|(_, line)| SYSTEMS_WORDS.iter().any(|word| line.contains(word)));
    found.map(|(at, _)| at + 1).collect()
}

fn check_systems(file: &SourceFile) -> Vec<String> {
    let is_test = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
    let is_known = ONE_SYSTEM.contains(&file.path.as_str());
    let is_twin = TWINS.iter().any(|(own, _)| file.path.ends_with(own));
    let says_so = SYSTEM_WORDS.iter().any(|word| file.text.contains(word));
    if !file.is_rust() || is_test || is_known || is_twin || says_so {
        return Vec::new();
    }
    file.complain_at(
        &uses_system(file),
        "not every system has this: say `#[cfg(unix)]` or `#[cfg(windows)]`, and what others do",
    )
}

/// The names that `files` of one kind of system give to others and their twins do not.
fn check_twins(files: &[SourceFile]) -> Vec<String> {
    let names = |file: &SourceFile| -> BTreeSet<String> {
        let code = without_tests(&code_only(&file.text));
        let starts = ["pub fn ", "pub async fn ", "pub struct ", "pub enum "];
        let name = |line: &str| {
            let rest = starts.iter().find_map(|start| line.trim_start().strip_prefix(start))?;
            Some(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        };
        code.lines().filter_map(name).collect()
    };
    let mut complaints = Vec::new();
    for file in files {
        let twin =
            TWINS.iter().find_map(|(own, other)| Some(format!("{}{other}", file.path.strip_suffix(own)?)));
        let Some(twin) = twin else { continue };
        match files.iter().find(|file| file.path == twin) {
            None => complaints.push(format!("{}: its twin {twin} is missing", file.path)),
            Some(other) => {
                let (own, other) = (names(file), names(other));
                let missing = own.difference(&other);
                complaints
                    .extend(missing.map(|name| format!("{twin}: `{name}` is missing, its twin has it")));
            }
        }
    }
    complaints
}

fn check_machine_paths(file: &SourceFile) -> Vec<String> {
    let on = |path: &&str| -> Vec<usize> {
        let lines = file.text.lines().enumerate();
        lines.filter(|(_, line)| line.contains(path)).map(|(at, _)| at + 1).collect()
    };
    MACHINE_PATHS
        .iter()
        .flat_map(|path| file.complain_at(&on(path), "a path of a developer's machine"))
        .collect()
}

#[test]
fn folders_import_only_what_lies_below_them() {
    assert_tidy(&["src"], check_layers);
}

#[test]
fn files_open_with_what_they_are_for() {
    assert_tidy(&["src", "tests", "benches"], check_opening);
}

#[test]
fn files_stay_short() {
    assert_tidy(&["src", "tests", "benches"], check_length);
}

#[test]
fn unsafe_stays_in_the_engine() {
    assert_tidy(&["src"], check_unsafe);
}

#[test]
fn only_the_printer_prints() {
    assert_tidy(&["src"], check_printing);
}

#[test]
fn nothing_is_unwrapped_without_a_reason() {
    assert_tidy(&["src"], check_unwrap);
}

#[test]
fn what_not_every_system_has_says_so() {
    assert_tidy(&["src"], check_systems);
    let files = read_files(&["src"]);
    for path in ONE_SYSTEM {
        let file = files.iter().find(|file| file.path == *path);
        assert!(file.is_some_and(|file| !uses_system(file).is_empty()), "{path} needs no place in the list");
    }
}

#[test]
fn files_for_one_system_have_twins_for_the_others() {
    let files = read_files(&["src"]);
    let complaints = check_twins(&files);
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    assert!(files.iter().any(|file| file.path.ends_with("/windows.rs")));
}

#[test]
fn no_file_knows_the_machine_it_was_written_on() {
    assert_tidy(
        &["src", "tests", "benches", "fixtures", "templates", "wrangler-compat", ".ci"],
        check_machine_paths,
    );
}

mod tests {
    use super::*;

    fn check(rule: impl Fn(&SourceFile) -> Vec<String>, path: &str, text: &str, expected: &[&str]) {
        let file = SourceFile { path: path.to_owned(), text: text.to_owned() };
        assert_eq!(rule(&file), expected, "{path}");
    }

    #[test]
    fn layers() {
        let up = ["src/codec/a.rs:2: `codec` may not import `engine`"];
        check(check_layers, "src/codec/a.rs", "use crate::base::X;\nuse crate::engine::Y;", &up);
        let equal = ["src/web/a.rs:1: `web` may not import `objects`"];
        check(
            check_layers,
            "src/web/a.rs",
            "#[cfg(test)] mod t { use crate::{web::a, objects::b}; }",
            &equal,
        );
        check(check_layers, "src/engine/a.rs", "// crate::cli\nuse crate::engine::b;", &[]);
        check(check_layers, "src/main.rs", "use crate::cli;", &[]);
        let unknown = ["src/new/a.rs: folder `new` is missing in LAYERS in src/lib.rs"];
        check(check_layers, "src/new/a.rs", "", &unknown);
    }

    #[test]
    fn words() {
        check(
            check_unsafe,
            "src/web/a.rs",
            "// unsafe\nunsafe {}",
            &["src/web/a.rs:2: `unsafe` outside the engine"],
        );
        check(check_unsafe, "src/engine/a.rs", "unsafe {}", &[]);
        check(
            check_printing,
            "src/dev/a.rs",
            "println!()",
            &["src/dev/a.rs:1: `println!` outside src/cli/output.rs"],
        );
        check(check_printing, PRINTER, "println!()", &[]);
        let bare = ["src/dev/a.rs:1: bare `.unwrap()`: say with `expect` why it holds"];
        check(check_unwrap, "src/dev/a.rs", "a.unwrap();\n#[cfg(test)]\nmod t { b.unwrap() }", &bare);
        let path = format!("x {}", MACHINE_PATHS[0]);
        check(check_machine_paths, "src/a.js", &path, &["src/a.js:1: a path of a developer's machine"]);
    }

    #[test]
    fn systems() {
        let bare = [
            "src/dev/a.rs:1: not every system has this: say `#[cfg(unix)]` or `#[cfg(windows)]`, and what others do",
        ];
        check(check_systems, "src/dev/a.rs", "use std::os::unix::fs::MetadataExt;", &bare);
        check(check_systems, "src/dev/a.rs", "use windows_sys::X;", &bare);
        check(check_systems, "src/dev/a.rs", "#[cfg(unix)]\nuse nix::unistd::Pid;", &[]);
        check(check_systems, "src/dev/a.rs", "// libc::x\n#[cfg(test)]\nmod t { use nix::poll; }", &[]);
        check(check_systems, "src/dev/a/unix.rs", "use nix::unistd::Pid;", &[]);
        let file = |path: &str, text: &str| SourceFile { path: path.to_owned(), text: text.to_owned() };
        let (unix, windows) =
            (file("a/unix.rs", "pub fn a() {}\nfn b() {}"), file("a/windows.rs", "fn a() {}"));
        assert_eq!(check_twins(&[unix, windows]), ["a/windows.rs: `a` is missing, its twin has it"]);
        assert_eq!(check_twins(&[file("a/unix.rs", "")]), ["a/unix.rs: its twin a/windows.rs is missing"]);
    }

    #[test]
    fn openings_and_lengths() {
        check(check_opening, "src/a.rs", "use a;", &["src/a.rs:1: does not start with //!"]);
        check(check_opening, "src/a.js", "let a", &["src/a.js:1: does not start with a comment"]);
        check(check_opening, "src/a.js", "/* a */", &[]);
        check(check_length, "src/a.rs", &"\n".repeat(601), &["src/a.rs: 601 lines, at most 600"]);
        check(check_length, "src/a.rs", &"\n".repeat(600), &[]);
    }
}

#[test]
fn every_event_of_dev_is_described() {
    let described = fs::read_to_string(repository().join("docs/json.md")).expect("the description");
    let code = fs::read_to_string(repository().join("src/cli/json.rs")).expect("the code");
    let code = code.split("mod tests").next().expect("there is something before the tests");
    let events: BTreeSet<&str> =
        code.split(r#""event": ""#).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(events.len() > 15, "{events:?}");
    let missing: Vec<_> = events.iter().filter(|event| !described.contains(&format!("`{event}`"))).collect();
    assert!(missing.is_empty(), "docs/json.md does not tell of {missing:?}");
}
