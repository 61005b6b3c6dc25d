//! What the tests of this folder share: a project in a temporary directory, and diagnostics as lines.

use super::{LoadRequest, Loaded, Project, load};
use crate::base::clock::{Clock, Timestamp};
use crate::base::diag::Diagnostic;

mod assets;
mod deployed;
mod mistakes;
mod projects;
mod repairs;

/// 22 November 2026.
const NOW: Timestamp = Timestamp(1_795_305_600_000);

struct TestProject {
    directory: tempfile::TempDir,
    request: LoadRequest,
}

impl TestProject {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut request = LoadRequest::new(directory.path(), Clock::manual(NOW));
        request.process_env.clear();
        Self { directory, request }.file("src/index.ts", "export default {}")
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.directory.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a file has a directory")).expect("create");
        std::fs::write(path, text).expect("write");
        self
    }

    fn with(mut self, change: impl FnOnce(&mut LoadRequest)) -> Self {
        change(&mut self.request);
        self
    }

    fn env(self, name: &str) -> Self {
        self.with(|request| request.environment = Some(name.to_owned()))
    }

    fn load(&self) -> Loaded {
        load(&self.request)
    }

    /// The project, which must have no errors.
    fn project(&self) -> Project {
        let loaded = self.load();
        loaded.project.unwrap_or_else(|| panic!("{:?}", lines(&loaded.diagnostics)))
    }
}

fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics
        .iter()
        .map(|diagnostic| {
            let place = diagnostic.labels.first().map_or("-".to_owned(), |label| {
                let (line, column) = label.source.position(label.span.start);
                format!("{line}:{column}")
            });
            format!("{place} {} {}", diagnostic.code.trim_start_matches("config/"), diagnostic.message)
        })
        .collect()
}

/// A good JSONC configuration with `more` in its second line.
fn json(more: &str) -> String {
    format!(
        "{{ \"name\": \"w\", \"main\": \"src/index.ts\", \"compatibility_date\": \"2026-11-01\",\n{more}\n}}"
    )
}

/// A good TOML configuration with `more` from its second line on.
fn toml(more: &str) -> String {
    format!("name = 'w'; main = 'src/index.ts'\n{more}")
        .replace("; ", "\ncompatibility_date = '2026-11-01'\n")
}

fn check_json(text: &str, expected: &[&str]) {
    let project = TestProject::new().file("wrangler.jsonc", text);
    assert_eq!(lines(&project.load().diagnostics), expected, "{text}");
}

fn check_toml(text: &str, expected: &[&str]) {
    let project = TestProject::new().file("wrangler.toml", text);
    assert_eq!(lines(&project.load().diagnostics), expected, "{text}");
}

fn help(text: &str, code: &str) -> String {
    let name = if text.starts_with('{') { "wrangler.jsonc" } else { "wrangler.toml" };
    let loaded = TestProject::new().file(name, text).load();
    let found = loaded.diagnostics.iter().find(|diagnostic| diagnostic.code == code);
    let found = found.unwrap_or_else(|| panic!("{code} in {:?}", lines(&loaded.diagnostics)));
    found.help.clone().unwrap_or_default()
}

const DO: &str =
    "\"durable_objects\": { \"bindings\": [{ \"name\": \"THING\", \"class_name\": \"Thing\" }] }";
const DO_TOML: &str = "[[durable_objects.bindings]]\nname = 'THING'\nclass_name = 'Thing'\n";
