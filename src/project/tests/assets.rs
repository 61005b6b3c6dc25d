//! `assets`: what is read, and each mistake once.

use super::*;
use crate::assets::{HtmlHandling, NotFoundHandling, WorkerFirst};

fn project(text: &str) -> TestProject {
    TestProject::new().file("public/index.html", "x").file("wrangler.jsonc", text)
}

/// The mistakes in a project that has a `public` with an `index.html`.
fn check(text: &str, expected: &[&str]) {
    assert_eq!(lines(&project(text).load().diagnostics), expected, "{text}");
}

fn help_of(text: &str) -> String {
    let loaded = project(text).load();
    loaded.diagnostics.iter().find_map(|diagnostic| diagnostic.help.clone()).unwrap_or_default()
}

fn alone(assets: &str) -> String {
    format!("{{ \"name\": \"w\", \"compatibility_date\": \"2026-11-01\",\n\"assets\": {assets} }}")
}

#[test]
fn assets_are_read() {
    let text = json(
        "\"assets\": { \"directory\": \"./public\", \"binding\": \"A\", \"html_handling\": \"none\", \
         \"not_found_handling\": \"404-page\", \"run_worker_first\": true }",
    );
    let test = project(&text);
    let project = test.project();
    assert!(project.has_worker() && project.unsupported.is_empty());
    let assets = project.assets.expect("there are assets");
    assert_eq!(assets.settings.directory, test.directory.path().join("public"));
    assert_eq!((assets.binding.as_deref(), assets.shown.as_str()), (Some("A"), "./public"));
    assert_eq!(assets.settings.html, HtmlHandling::None);
    assert_eq!(assets.settings.not_found, NotFoundHandling::Page);
    assert_eq!(assets.settings.worker_first, WorkerFirst::Always);
    assert!(assets.settings.navigation_prefers_assets);
}

#[test]
fn the_date_and_the_flags_say_whom_browsers_get() {
    for (date, flags, expected) in [
        ("2025-03-31", "", false),
        ("2025-04-01", "", true),
        ("2025-03-31", "\"assets_navigation_prefers_asset_serving\"", true),
        ("2025-04-01", "\"assets_navigation_has_no_effect\"", false),
    ] {
        let text = format!(
            "{{ \"name\": \"w\", \"compatibility_date\": \"{date}\", \"compatibility_flags\": [{flags}], \
             \"assets\": {{ \"directory\": \"public\" }} }}"
        );
        let project = project(&text).project();
        let prefers = project.assets.expect("there are assets").settings.navigation_prefers_assets;
        assert_eq!(prefers, expected, "{date} {flags}");
    }
}

#[test]
fn assets_need_no_worker() {
    let project = project(&alone("{ \"directory\": \"public\" }")).project();
    assert!(!project.has_worker());
    check(
        &alone("{ \"directory\": \"public\", \"binding\": \"A\" }"),
        &["2:47 assets a project of assets alone has no Worker that could use a binding"],
    );
    check(
        &alone("{ \"directory\": \"public\", \"run_worker_first\": [\"/a\"] }"),
        &["2:36 assets `run_worker_first` has no meaning without a Worker"],
    );
}

#[test]
fn the_directory_must_be_one() {
    check(
        &alone("{ \"directory\": \"publik\" }"),
        &["2:26 assets the assets directory `publik` does not exist"],
    );
    assert_eq!(help_of(&alone("{ \"directory\": \"publik\" }")), "did you mean `public`?");
    assert_eq!(help_of(&alone("{ \"directory\": \"/public\" }")), "did you mean `public`?");
    check(
        &alone("{ \"directory\": \"public/index.html\" }"),
        &["2:26 assets the assets directory `public/index.html` is not a directory"],
    );
    check(&alone("{ \"directory\": \"\" }"), &["2:26 assets `assets.directory` is empty"]);
    check(&alone("{}"), &["2:1 assets `assets` has no `directory`"]);
    assert_eq!(help_of(&alone("{}")), "add \"directory\": \"./public\"");
    // A command may make it.
    check(&json("\"assets\": { \"directory\": \"made\" }, \"build\": { \"command\": \"true\" }"), &[]);
}

#[test]
fn routes_are_checked_one_by_one() {
    let with = |routes: &str| {
        json(&format!("\"assets\": {{ \"directory\": \"public\", \"run_worker_first\": {routes} }}"))
    };
    check(&with("[\"/a/*\", \"!/a/b\"]"), &[]);
    check(
        &with("[\"/a/*\", \"/a/b\", \"x\"]"),
        &[
            "2:65 assets `/a/b` in `run_worker_first`: the pattern `/a/*` makes this one redundant",
            "2:73 assets `x` in `run_worker_first`: a pattern must start with `/` or `!/`",
        ],
    );
    check(&with("[]"), &["2:56 assets `run_worker_first`: the list is empty; it needs at least one pattern"]);
    check(
        &with("true"),
        &[
            "2:36 assets `run_worker_first` sends every request to the Worker, which has no binding to its assets",
        ],
    );
    check(
        &with("1"),
        &["2:56 wrong-type `assets.run_worker_first` must be a boolean or an array of strings, not a number"],
    );
}

#[test]
fn names_are_compared_with_those_known() {
    check(
        &json("\"assets\": { \"directory\": \"public\", \"html_handling\": \"force\" }"),
        &[
            "2:53 bad-value `assets.html_handling` must be one of `auto-trailing-slash`, `force-trailing-slash`, \
         `drop-trailing-slash`, `none`, not `force`",
        ],
    );
    check(
        &json("\"assets\": { \"directory\": \"public\", \"base_path\": \"/a?b\" }"),
        &["2:49 assets `base_path`: the value must not contain query strings or fragments"],
    );
    check(
        &json("\"vars\": { \"A\": 1 }, \"assets\": { \"directory\": \"public\", \"binding\": \"A\" }"),
        &["2:11 duplicate-binding the binding `A` is given in `assets` and again in `vars`"],
    );
}

#[test]
fn files_are_looked_at() {
    let text = alone("{ \"directory\": \"public\" }");
    let with = |name: &str, content: &str| lines(&project(&text).file(name, content).load().diagnostics);
    assert_eq!(
        with("public/_redirects", "/a /b\n/c\n"),
        ["2:1 assets-rule Expected exactly 2 or 3 whitespace-separated tokens. Got 1.",]
    );
    assert_eq!(with("public/_headers", "/a\n"), ["1:1 assets-rule No headers specified"]);
    assert_eq!(
        with("public/_worker.js", ""),
        ["2:26 assets `_worker.js` is among the assets, so that everybody could read the Worker's code",]
    );
    let meant = project(&text).file("public/_worker.js", "").file("public/.assetsignore", "");
    assert_eq!(lines(&meant.load().diagnostics), [""; 0]);
    let large = project(&text);
    let file = std::fs::File::create(large.directory.path().join("public/large")).expect("a file");
    file.set_len(25 * 1024 * 1024 + 1).expect("a sparse file");
    assert_eq!(
        lines(&large.load().diagnostics),
        ["2:26 assets the asset `large` has 25.0 MiB; 25 MiB is the most"]
    );
    let ignored = large.file("public/.assetsignore", "large\n");
    assert_eq!(lines(&ignored.load().diagnostics), [""; 0]);
}
