//! What packages say of themselves, read as the platform's bundler reads it.

use super::*;
use crate::bundle::BuildPlatform;

/// The project whose entry gives all that the package `p` exports; `p` has this description and these files.
fn importing(specifier: &str, description: &str, files: &[(&str, &str)]) -> TestProject {
    let entry = format!("import * as p from '{specifier}'; globalThis.result = {{ ...p }};");
    let project = TestProject::new(&[("src/index.ts", &entry)]);
    project.write("node_modules/p/package.json", description);
    for (name, text) in files {
        project.write(&format!("node_modules/p/{name}"), text);
    }
    project
}

const FILES: &[(&str, &str)] = &[
    ("a.js", "export const which = 'a';"),
    ("b.js", "export const which = 'b';"),
    ("lib/index.js", "export const which = 'index';"),
    ("lib/c.js", "export const which = 'c';"),
];

#[test]
fn exports_lead_to_files_by_their_whole_names() {
    for (specifier, exports, expected) in [
        (
            "p",
            r#"{ ".": { "workerd": null, "default": "./a.js" } }"#,
            "`exports` of `p` have `null` for the condition `workerd`",
        ),
        (
            "p",
            r#"{ ".": { "import": { "browser": null, "default": "./b.js" } } }"#,
            "`exports` of `p` have `null` for the condition `browser`",
        ),
        ("p", r#""./a""#, "`exports` of `p` name `./a`, which is no file"),
        ("p", r#""./lib""#, "`exports` of `p` name `./lib`, which is no file"),
        ("p/c", r#"{ "./*": "./lib/*" }"#, "`exports` of `p` name `./lib/c`, which is no file"),
    ] {
        let description = format!(r#"{{ "name": "p", "type": "module", "exports": {exports} }}"#);
        let failure = importing(specifier, &description, FILES).fail(&[]);
        assert_eq!(failure.diagnostics.len(), 1, "{}", shown(&failure.diagnostics));
        let label = &failure.diagnostics[0].labels[0];
        assert_eq!(label.text, expected, "{exports}");
        assert_eq!(label.source.text[label.span.clone()].trim_matches('\''), specifier);
    }
    for (specifier, exports, which) in [
        ("p", r#"{ ".": { "node": null, "default": "./a.js" } }"#, "a"),
        ("p/c", r#"{ "./*": "./lib/*.js", "./a": null }"#, "c"),
        ("p", r#"["./b.js"]"#, "b"),
    ] {
        let description = format!(r#"{{ "name": "p", "type": "module", "exports": {exports} }}"#);
        let bundle = importing(specifier, &description, FILES).build();
        assert_eq!(run(&bundle), format!(r#"{{"which":"{which}"}}"#), "{exports}");
    }
}

#[test]
fn a_package_without_an_entry_may_come_to_have_one() {
    let description = |target: &str| format!(r#"{{ "type": "module", "exports": "{target}" }}"#);
    let mut project = importing("p", &description("./a"), FILES);
    project.fail(&[]);
    let path = project.write("node_modules/p/package.json", description("./b.js"));
    assert_eq!(run(&project.rebuild(&[path])), r#"{"which":"b"}"#);
}

#[test]
fn what_exports_name_is_not_replaced_by_the_field_for_browsers() {
    for (browser, which) in [(r#"{ "./a.js": "./b.js" }"#, "a"), (r#""./b.js""#, "a")] {
        let description = format!(r#"{{ "type": "module", "exports": "./a.js", "browser": {browser} }}"#);
        let bundle = importing("p", &description, FILES).build();
        assert_eq!(run(&bundle), format!(r#"{{"which":"{which}"}}"#), "{browser}");
    }
}

#[test]
fn the_field_for_browsers_puts_own_files_in_the_place_of_packages() {
    let description =
        r#"{ "name": "p", "type": "module", "exports": "./a.js", "browser": { "q": "./b.js" } }"#;
    let mut project = importing("p", description, &[("a.js", "export * from 'q';"), FILES[1]]);
    assert_eq!(run(&project.build()), r#"{"which":"b"}"#);
}

#[test]
fn what_the_field_for_browsers_leaves_out_is_an_empty_object() {
    let description = r#"{ "type": "module", "main": "./a.js", "browser": { "./b.js": false, "q": false } }"#;
    let text = "import * as ns from './b.js'; import whole from './b.js'; import q from 'q';\n\
                export const all = [ns, whole, q];";
    let mut project = importing("p", description, &[("a.js", text), ("b.js", "export default 1;")]);
    assert_eq!(run(&project.build()), r#"{"all":[{"default":{}},{},{}]}"#);
}

#[test]
fn the_nearest_description_says_what_has_effects() {
    let log = |name: &str| format!("(globalThis.log ??= []).push('{name}');");
    for (own, nested, expected) in [
        ("false", r#"{ "type": "module" }"#, r#"["nested","index"]"#),
        ("true", r#"{ "sideEffects": false }"#, r#"["index"]"#),
        (r#""./none.js""#, r#"{ "sideEffects": "none.js" }"#, r#"["nested","index"]"#),
    ] {
        let description = format!(r#"{{ "type": "module", "main": "index.js", "sideEffects": {own} }}"#);
        let index = format!("import './sub/nested.js'; {} export const x = 1;", log("index"));
        let mut project = TestProject::new(&[
            ("src/index.ts", "import { x } from 'p'; globalThis.result = x && globalThis.log;"),
            ("node_modules/p/package.json", &description),
            ("node_modules/p/index.js", &index),
            ("node_modules/p/sub/package.json", nested),
            ("node_modules/p/sub/nested.js", &log("nested")),
        ]);
        assert_eq!(run(&project.build()), expected, "{own} {nested}");
    }
}

#[test]
fn a_module_that_exports_what_it_imports_is_kept() {
    let mut project = TestProject::new(&[
        ("src/index.ts", "import { x } from 'p'; globalThis.result = [x, globalThis.log];"),
        ("node_modules/p/package.json", r#"{ "type": "module", "main": "index.js", "sideEffects": false }"#),
        (
            "node_modules/p/index.js",
            "import { x } from './x.js'; globalThis.log = 'index'; const own = 1; export { own, x };",
        ),
        ("node_modules/p/x.js", "export const x = 'x';"),
    ]);
    assert_eq!(run(&project.build()), r#"["x","index"]"#);
}

#[test]
fn conditions_and_platforms_choose_the_files() {
    let exports = r#"{ "type": "module", "main": "./a.js", "exports": {
        "mine": "./mine.js", "node": "./node.js", "workerd": "./workerd.js", "browser": "./browser.js", "default": "./a.js" } }"#;
    let fields = r#"{ "module": "./mine.js", "main": "./node.js", "browser": "./browser.js" }"#;
    let names = ["mine", "node", "workerd", "browser", "a"];
    let texts = names.map(|name| (format!("{name}.js"), format!("export const which = '{name}';")));
    let files = texts.each_ref().map(|(name, text)| (name.as_str(), text.as_str()));
    for (description, conditions, platform, expected) in [
        (exports, "workerd,worker,browser", BuildPlatform::Browser, "workerd"),
        (exports, "mine", BuildPlatform::Browser, "mine"),
        (exports, " mine", BuildPlatform::Browser, "browser"),
        (exports, "", BuildPlatform::Browser, "browser"),
        (exports, "", BuildPlatform::Node, "node"),
        (exports, "workerd", BuildPlatform::Node, "node"),
        (exports, "", BuildPlatform::Neutral, "a"),
        (fields, "workerd", BuildPlatform::Browser, "browser"),
        (fields, "workerd", BuildPlatform::Node, "node"),
    ] {
        let mut project = importing("p", description, &files);
        project.request.conditions = conditions.split(',').map(str::to_owned).collect();
        project.request.platform = platform;
        assert_eq!(
            run(&project.build()),
            format!(r#"{{"which":"{expected}"}}"#),
            "{conditions} {platform:?}"
        );
    }
    let mut neutral = importing("p", fields, &files);
    neutral.request.platform = BuildPlatform::Neutral;
    neutral.fail(&[]);
}

#[test]
fn what_browser_and_missing_exports_mean_is_what_it_is_for_the_platforms_bundler() {
    for (specifier, fields, which) in [
        ("p", r#""exports": null, "main": "a.js""#, "a"),
        ("p/lib/c.js", r#""exports": null, "main": "a.js""#, "c"),
        ("p", r#""main": "a.js", "browser": { "a.js": "b.js" }"#, "b"),
        ("p", r#""main": "./a.js", "browser": { "./a.js": "b.js" }"#, "b"),
        ("p", r#""main": "a.js", "browser": { "./a.js": "./b.js", "./b.js": "./a.js" }"#, "b"),
    ] {
        let description = format!(r#"{{ "name": "p", "type": "module", {fields} }}"#);
        let bundle = importing(specifier, &description, FILES).build();
        assert_eq!(run(&bundle), format!(r#"{{"which":"{which}"}}"#), "{fields}");
    }
}

#[test]
fn patterns_of_side_effects_are_literal_but_for_stars() {
    for (patterns, expected) in [
        (r#"["./{a,b}.js"]"#, "null"),
        (r#"["/a.js"]"#, r#""a""#),
        (r#"["./*"]"#, r#""a""#),
        (r#"["[ab].js"]"#, "null"),
    ] {
        let mut project = TestProject::new(&[
            (
                "src/index.ts",
                "import 'p/a.js'; import 'p/lib/d.js'; globalThis.result = globalThis.ran ?? null;",
            ),
            ("node_modules/p/a.js", "globalThis.ran = (globalThis.ran ?? '') + 'a';"),
            ("node_modules/p/lib/d.js", "globalThis.ran = (globalThis.ran ?? '') + 'd';"),
        ]);
        let description = format!(r#"{{ "name": "p", "type": "module", "sideEffects": {patterns} }}"#);
        project.write("node_modules/p/package.json", &description);
        assert_eq!(run(&project.build()), expected, "{patterns}");
    }
}
