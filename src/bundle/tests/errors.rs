//! Mistakes: code, place and advice.

use super::*;
use crate::bundle::{ModuleKind, ModuleRule};

fn failure_of(files: &[(&str, &str)]) -> String {
    shown(&TestProject::new(files).fail(&[]).diagnostics)
}

#[test]
fn each_mistake_has_its_place_and_advice() {
    for (index, expected) in [
        ("const a = 1;\nconst b = (1 + ;\n", "src/index.ts:2:16: unexpected token (bundle/syntax) [;|]"),
        (
            "import { Counter } from './conter';\nglobalThis.x = Counter;",
            "src/index.ts:1:25: cannot find `./conter` (bundle/unresolved-import) ['./conter'|] -> did you mean `./counter`?",
        ),
        (
            "export { x } from \"nopkg/sub\";",
            "src/index.ts:1:19: cannot find `nopkg/sub` (bundle/unresolved-import) [\"nopkg/sub\"|] -> is the package installed? try `npm install nopkg`",
        ),
        (
            "import { Countr } from './counter';\nglobalThis.x = Countr;",
            "src/index.ts:1:10: `src/counter.ts` does not export `Countr` (bundle/missing-export) [Countr|] -> did you mean `Counter`?",
        ),
        (
            "const note = 'ü😀'; let note = 2;",
            "src/index.ts:1:7: identifier `note` has already been declared (bundle/syntax) [note|`note` has already been declared here] [note|It can not be redeclared here]",
        ),
        (
            "import data from './bad.json'; globalThis.x = data;",
            "src/bad.json:2:1: expected value at line 2 column 1 (bundle/syntax) [}|]",
        ),
        (
            "const a = 1;\na = 2;",
            "src/index.ts:2:1: unexpected re-assignment of const variable `a` (bundle/unsupported) [a|]",
        ),
        (
            "export default {};\nexport default {};",
            "src/index.ts:2:1: `default` is exported twice (bundle/syntax) [export default|here]",
        ),
        (
            "export const a = 1, b = 2;\nexport { b as a };",
            "src/index.ts:2:15: `a` is exported twice (bundle/syntax) [a|here]",
        ),
        (
            "if (globalThis.x) {\n  return;\n}\nexport {};",
            "src/index.ts:2:3: `return` stands outside of functions, which an ES module cannot have (bundle/syntax) [return;|here]",
        ),
    ] {
        let shown = failure_of(&[
            ("src/index.ts", index),
            ("src/counter.ts", "export class Counter {}"),
            ("src/bad.json", "{\"a\":\n}"),
        ]);
        assert_eq!(shown, expected);
    }
}

#[test]
fn every_mistake_of_a_project_is_told() {
    let shown = failure_of(&[
        ("src/index.ts", "import './a'; import './b'; import 'missing';"),
        ("src/a.ts", "const = 1;"),
        ("src/b.ts", "import './nowhere';"),
    ]);
    for place in ["src/a.ts:1:7", "src/b.ts:1:8", "src/index.ts:1:36"] {
        assert!(shown.contains(place), "{place} in\n{shown}");
    }
}

#[test]
fn mistakes_are_told_in_the_order_of_the_files() {
    let index = "import { a } from 'missing';\nimport { b } from './nowhere';\nimport { c } from 'absent';\n\
        globalThis.x = [a, b, c];";
    let failure = TestProject::new(&[("src/index.ts", index)]).fail(&[]);
    let messages: Vec<_> = failure.diagnostics.iter().map(|one| one.message.as_str()).collect();
    assert_eq!(messages, ["cannot find `missing`", "cannot find `./nowhere`", "cannot find `absent`"]);
}

#[test]
fn modules_of_node_need_the_flag() {
    let mut project = TestProject::new(&[("src/index.ts", "import fs from 'fs'; globalThis.x = fs;")]);
    project.request.node_compat = false;
    assert_eq!(
        shown(&project.fail(&[]).diagnostics),
        "src/index.ts:1:16: cannot find `fs`, a module of Node (bundle/unresolved-import) ['fs'|] -> `fs` is built into Node: add \"nodejs_compat\" to `compatibility_flags`"
    );
    project.write("src/index.ts", "import fs from 'node:fs'; globalThis.x = fs;");
    let bundle = project.build();
    assert_eq!(
        shown(&bundle.diagnostics),
        "src/index.ts:1:16: `node:fs` is a module of Node, which Workers have only with `nodejs_compat` (bundle/node-module) ['node:fs'|imported here] -> add \"nodejs_compat\" to `compatibility_flags`"
    );
    // One module has a flag of its own, and one needs none; comments import nothing.
    let all = "// like 'node:async_hooks'\nimport a from 'node:async_hooks'; import p from 'node:process'; globalThis.x = [a, p];";
    project.write("src/index.ts", all);
    assert!(project.build().diagnostics.is_empty());
    project.request.async_hooks = false;
    assert_eq!(
        shown(&project.build().diagnostics),
        "src/index.ts:2:15: `node:async_hooks` is a module of Node, which Workers have only with `nodejs_compat` (bundle/node-module) ['node:async_hooks'|imported here] -> add \"nodejs_compat\" to `compatibility_flags`"
    );
    // A package of that name is used when the flag is off.
    project.write("src/index.ts", "import events from 'events'; globalThis.result = events;");
    project.write("node_modules/events/index.js", "module.exports = 'package';");
    assert_eq!(run(&project.build()), r#""package""#);
}

#[test]
fn shadowed_rules_and_dead_aliases_are_named() {
    let mut project = TestProject::new(&[
        ("src/index.ts", "import a from './a.txt'; import b from 'b'; globalThis.x = [a, b];"),
        ("src/a.txt", "text"),
    ]);
    project.request.rules =
        vec![ModuleRule { kind: ModuleKind::Text, globs: vec!["**/*.md".into()], fallthrough: false }];
    project.request.alias = vec![("b".into(), "./src/missing.ts".into())];
    let mut lines: Vec<String> = shown(&project.fail(&[]).diagnostics).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "src/index.ts:1:15: `./a.txt` matches the Text rule `**/*.txt`, which an earlier Text rule puts out of force (bundle/shadowed-rule) ['./a.txt'|imported here] -> add \"fallthrough\": true to the earlier Text rule",
            "src/index.ts:1:40: the alias of `b` leads to `./src/missing.ts`, which does not exist (bundle/alias) ['b'|imported here] -> `alias` names a package, or a path relative to the configuration file",
        ]
    );
}

#[test]
fn a_missing_entry_is_named() {
    let mut project = TestProject::new(&[]);
    let failure = project.fail(&[]);
    assert_eq!(
        shown(&failure.diagnostics),
        "cannot find the entry `src/index.ts` (bundle/entry-not-found) -> `main` in the configuration names the file that is the Worker"
    );
    assert!(contains(&failure.inputs, &project.request.entry));
    // It appears.
    let entry = project.write("src/index.ts", "globalThis.result = 1;");
    assert_eq!(run(&project.rebuild(&[entry])), "1");
}

#[test]
fn the_words_alone_are_no_decorators() {
    let result = run_files(&[(
        "src/index.ts",
        "// @decorated accessor\nconst accessor = 'a@b';\nglobalThis.result = accessor;",
    )]);
    assert_eq!(result, r#""a@b""#);
}

#[test]
fn suspicious_code_is_a_warning() {
    let mut project = TestProject::new(&[
        ("src/index.ts", "import * as c from './c';\nglobalThis.result = [c.missing];"),
        ("src/c.ts", "export const there = 1;"),
    ]);
    let bundle = project.build();
    assert_eq!(bundle.diagnostics.len(), 1, "{}", shown(&bundle.diagnostics));
    assert_eq!(bundle.diagnostics[0].code, "bundle/suspicious");
    assert!(!bundle.diagnostics[0].is_error());
    assert_eq!(run(&bundle), "[null]");
}

#[test]
fn a_file_of_unknown_kind_needs_a_rule() {
    let shown = failure_of(&[
        ("src/index.ts", "import './style.css'; import md from './a.md'; globalThis.x = md;"),
        ("src/a.md", "# text"),
        ("src/style.css", "p {}"),
    ]);
    assert_eq!(
        shown,
        "src/index.ts:1:38: `./a.md` is no JavaScript, and no rule says what it is (bundle/no-rule) ['./a.md'|imported here] -> for its text, add { \"type\": \"Text\", \"globs\": [\"**/*.md\"], \"fallthrough\": true } to `rules`"
    );
}

#[test]
fn a_mistaken_re_export_is_no_type() {
    let shown = failure_of(&[
        ("src/index.ts", "export { T, Typo } from './t';\nimport { gone } from './t';\nglobalThis.x = gone;"),
        ("src/t.ts", "export type T = 1; export const Type = 1;"),
    ]);
    let mut lines: Vec<_> = shown.lines().collect();
    lines.sort_unstable();
    // The place of `Typo` is that of the text with `T` marked as a type.
    assert_eq!(
        lines,
        [
            "src/index.ts:1:18: `src/t.ts` does not export `Typo` (bundle/missing-export) [Typo|] -> did you mean `Type`?",
            "src/index.ts:2:10: `src/t.ts` does not export `gone` (bundle/missing-export) [gone|]",
        ]
    );
}

#[test]
fn broken_configuration_is_named() {
    let mut project = TestProject::new(&[("src/index.ts", "globalThis.x = MODE;")]);
    project.request.define = vec![("MODE".into(), "production mode".into())];
    assert_eq!(
        project.fail(&[]).diagnostics[0].code,
        "bundle/define",
        "{}",
        shown(&project.fail(&[]).diagnostics)
    );
    project.request.define = vec![("MODE".into(), "1".into())];
    let tsconfig = project.write("tsconfig.json", "{ \"extends\": \"./tsconfig.json\" }");
    let failure = project.fail(&[]);
    assert_eq!(failure.diagnostics[0].code, "bundle/tsconfig", "{}", shown(&failure.diagnostics));
    assert!(contains(&failure.inputs, &tsconfig));
    for (name, text, expected) in [
        ("base.json", "{ \"extends\": \"./tsconfig\" }", ("base.json", "\"./tsconfig\"")),
        ("tsconfig.json", "{ // c\n \"compilerOptions\": {}, oops }", ("tsconfig.json", "oops")),
    ] {
        project.write("tsconfig.json", "{ \"extends\": \"./base.json\" }");
        project.write(name, text);
        let failure = project.fail(&[]);
        let label = &failure.diagnostics[0].labels[0];
        let found = (label.source.path.to_str().unwrap(), &label.source.text[label.span.clone()]);
        assert_eq!(found, expected, "{}", shown(&failure.diagnostics));
    }
    project.write("tsconfig.json", "{}");
    project.rebuild(&[tsconfig]);
}

#[test]
fn a_configuration_goes_without_a_file_that_it_extends() {
    let mut project = TestProject::new(&[
        ("src/index.ts", "import { value } from '@/value'; globalThis.result = value;"),
        ("lib/value.ts", "export const value = 'found';"),
    ]);
    let paths = r#""compilerOptions": { "paths": { "@/*": ["../lib/*"] } }"#;
    let missing = project.path("none.json");
    for (tsconfig, base, place) in [
        (
            format!(r#"{{ "extends": "./none.json", {paths} }}"#).replace("../lib", "./lib"),
            "{}",
            "\"./none.json\"",
        ),
        (
            r#"{ "extends": "./more/base.json" }"#.to_owned(),
            &format!(r#"{{ "extends": ["@org/none"], {paths} }}"#),
            "\"@org/none\"",
        ),
        (
            format!(r#"{{ "references": [{{ "path": "./more/base.json" }}], {paths} }}"#)
                .replace("../lib", "./lib"),
            r#"{ "extends": "@org/none" }"#,
            "\"@org/none\"",
        ),
    ] {
        project.write("more/base.json", base);
        let changed = project.write("tsconfig.json", tsconfig);
        let bundle = project.rebuild(&[changed]);
        assert!(code(&bundle).contains("found"), "{}", code(&bundle));
        let warnings = &bundle.diagnostics;
        let label = &warnings[0].labels[0];
        assert_eq!(
            (warnings.len(), &label.source.text[label.span.clone()]),
            (1, place),
            "{}",
            shown(warnings)
        );
        assert_eq!(contains(&bundle.inputs, &missing), place == "\"./none.json\"");
        let root = project.path("");
        assert!(bundle.inputs.iter().all(|input| input.starts_with(&root)), "{:?}", bundle.inputs);
    }
    project.write("tsconfig.json", r#"{ "extends": "./none.json" }"#);
    project.fail(&[project.path("tsconfig.json")]);
    project.write("none.json", r#"{ "compilerOptions": { "paths": { "@/*": ["./lib/*"] } } }"#);
    let bundle = project.rebuild(&[missing]);
    assert!(bundle.diagnostics.is_empty(), "{}", shown(&bundle.diagnostics));
}

#[test]
fn what_a_package_can_do_without_is_no_mistake() {
    let result = run_files(&[
        ("src/index.ts", "import value from 'pkg'; globalThis.result = value;"),
        (
            "node_modules/pkg/index.js",
            "let found = 'none'; try { found = require('optional'); } catch {}\n\
             exports.later = () => import('optional-too'); module.exports = found;",
        ),
    ]);
    assert_eq!(result, r#""none""#);
}
