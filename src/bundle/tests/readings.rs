//! What files are read as, beside their names: by the compiler's configuration, by words of the import, by packages.

use super::*;

/// Five modules that note that they ran, imported in five ways, under this configuration.
fn ran_under(options: &str) -> String {
    let note = |name: &str| {
        format!(
            "((globalThis as any).result ??= []).push('{name}'); export type T = 1; export const v = 1, y = 1;"
        )
    };
    let entry = "import { T, v } from './a';\nimport { v as u } from './b';\nimport {} from './c';\n\
                 import type { v as z } from './d';\nimport { type y } from './e';\nlet t: T;";
    let mut project = TestProject::new(&[
        ("src/index.ts", entry),
        ("tsconfig.json", &format!("{{ \"compilerOptions\": {{ {options} }} }}")),
    ]);
    for name in ["a", "b", "c", "d", "e"] {
        project.write(&format!("src/{name}.ts"), note(name));
    }
    run(&project.build())
}

#[test]
fn configuration_says_whether_imports_without_values_run_their_modules() {
    for (options, expected) in [
        ("", "undefined"),
        (r#""isolatedModules": true"#, "undefined"),
        (r#""verbatimModuleSyntax": false"#, "undefined"),
        (r#""verbatimModuleSyntax": true"#, r#"["a","b","c","e"]"#),
        (r#""preserveValueImports": true"#, r#"["a","b"]"#),
        (r#""importsNotUsedAsValues": "remove""#, "undefined"),
        (r#""importsNotUsedAsValues": "preserve""#, r#"["a","b","c","e"]"#),
        (r#""importsNotUsedAsValues": "error""#, r#"["a","b","c","e"]"#),
        (r#""importsNotUsedAsValues": "preserve", "preserveValueImports": true"#, r#"["a","b","c","e"]"#),
    ] {
        assert_eq!(ran_under(options), expected, "{options}");
    }
}

#[test]
fn modules_of_types_that_are_exported_again_run() {
    let types = ("src/a.ts", "(globalThis as any).result = 'ran'; export type T = 1;");
    for entry in [
        "export { T } from './a';",
        "import type { T } from './a';\nexport { T } from './a';",
        "import { T } from './a';\nexport { T };",
        "import a = require('./a');\nexport const t: a.T = 1;",
    ] {
        assert_eq!(run_files(&[("src/index.ts", entry), types]), "\"ran\"", "{entry}");
    }
    assert_eq!(run_files(&[("src/index.ts", "export type { T } from './a';"), types]), "undefined");
}

#[test]
fn octals_run_in_common_js_and_in_no_module() {
    let files = |code| {
        [
            ("src/index.ts", "import a from './a.js'; import b from 'b'; globalThis.result = [a, b];"),
            ("src/a.js", code),
            ("node_modules/b/package.json", "{}"),
            ("node_modules/b/index.js", "module.exports = 010;"),
        ]
    };
    assert_eq!(run_files(&files("module.exports = 017 + '\\07\\x41'.length;")), "[17,8]");
    let failure = TestProject::new(&files("export default 017;")).fail(&[]);
    assert!(shown(&failure.diagnostics).contains("octal literals"), "{}", shown(&failure.diagnostics));
}

#[test]
fn functions_of_blocks_are_seen_outside_in_common_js() {
    // Fidelity: what wrangler 4.164.0 answers for each.
    for (code, expected) in [
        ("{ function f() { return 1 } } exports.r = typeof f", "\"function\""),
        ("if (true) { function f() { return 2 } } exports.r = f()", "2"),
        ("if (false) { function f() { return 1 } } else { function f() { return 2 } } exports.r = f()", "2"),
        ("if (true) function f() { return 2 }\nexports.r = typeof f", "\"function\""),
        ("function g() { if (1) { function f() {} } return typeof f } exports.r = g()", "\"function\""),
        ("exports.r = typeof f; { function f() {} }", "\"undefined\""),
        ("let f = 1; { function f() {} } exports.r = f", "1"),
        ("function g(f) { { function f() {} } return typeof f } exports.r = g(1)", "\"function\""),
        ("switch (1) { case 1: function f() { return 5 } } exports.r = f()", "5"),
        ("for (var i = 0; i < 2; i++) { function f() { return i } } exports.r = f()", "2"),
        ("{ f = 5; function f() {} } exports.r = typeof f", "\"function\""),
        ("'use strict'; { function f() {} } exports.r = typeof f", "\"undefined\""),
        ("{ async function f() {} } exports.r = typeof f", "\"undefined\""),
    ] {
        for file in ["src/m.js", "src/m.cjs", "node_modules/m/index.js"] {
            let specifier = file.strip_prefix("src/").map_or("m".to_owned(), |name| format!("./{name}"));
            let entry = format!("import {{ r }} from '{specifier}'; globalThis.result = r;");
            let files =
                [("src/index.ts", entry.as_str()), ("node_modules/m/package.json", "{}"), (file, code)];
            assert_eq!(run_files(&files), expected, "{file}: {code}");
        }
    }
}

#[test]
fn what_says_to_be_a_module_without_default_has_none() {
    let entry = "import d, * as all from './m.js'; globalThis.result = [typeof d, Object.keys(all)];";
    let module = "Object.defineProperty(exports, '__esModule', { value: true }); exports.a = 1;";
    let files = [("src/index.ts", entry), ("src/m.js", module)];
    assert_eq!(run_files(&files), r#"["undefined",["a"]]"#);
    // Node gives the whole module, and so do modules that say to be Node's.
    let entry = "import d from './k.mjs'; globalThis.result = d;";
    let files = [
        ("src/index.ts", entry),
        ("src/k.mjs", "import d from './m.js'; export default d;"),
        ("src/m.js", module),
    ];
    assert_eq!(run_files(&files), r#"{"a":1}"#);
}

#[test]
fn the_name_module_exports_means_nothing_to_require() {
    let entry = "const m = require('./m.mjs'); globalThis.result = Object.keys(m);";
    let files =
        [("src/index.ts", entry), ("src/m.mjs", "const x = 7; export { x as 'module.exports', x as y };")];
    assert_eq!(run_files(&files), r#"["module.exports","y"]"#);
}

#[test]
fn a_package_with_main_and_module_is_one() {
    let package = [
        ("node_modules/p/package.json", r#"{ "main": "m", "module": "e.js" }"#),
        ("node_modules/p/m.js", "exports.who = 'main';"),
        ("node_modules/p/e.js", "export const who = 'module';"),
        ("node_modules/q/package.json", "{}"),
        ("node_modules/q/index.js", "exports.who = require('p').who;"),
    ];
    for (entry, expected) in [
        ("import { who } from 'p'; globalThis.result = who;", "\"module\""),
        ("globalThis.result = require('p').who;", "\"main\""),
        ("import { who } from 'p'; globalThis.result = [who, require('p').who];", r#"["main","main"]"#),
        (
            "import { who } from 'p'; import q from 'q'; globalThis.result = [who, q.who];",
            r#"["main","main"]"#,
        ),
    ] {
        let files: Vec<_> = package.into_iter().chain([("src/index.ts", entry)]).collect();
        assert_eq!(run_files(&files), expected, "{entry}");
    }
}

#[test]
fn style_sheets_are_objects_of_names() {
    let sheets = [("src/a.css", ".x {}"), ("src/b.module.css", ".x {} #y-z {}")];
    for (entry, expected) in [
        ("import a from './a.css'; globalThis.result = a;", "{}"),
        ("import * as a from './a.css'; globalThis.result = Object.keys(a);", r#"["default"]"#),
        ("import b from './b.module.css'; globalThis.result = b;", r#"{"x":"b_x","y-z":"b_y-z"}"#),
        ("import { x } from './b.module.css'; globalThis.result = x;", "\"b_x\""),
        ("import './a.css'; globalThis.result = 1;", "1"),
    ] {
        let files: Vec<_> = sheets.into_iter().chain([("src/index.ts", entry)]).collect();
        assert_eq!(run_files(&files), expected, "{entry}");
    }
    let named = [("src/index.ts", "import { x } from './a.css'; globalThis.result = x;"), sheets[0]];
    let failure = TestProject::new(&named).fail(&[]);
    assert!(shown(&failure.diagnostics).contains("does not export `x`"), "{}", shown(&failure.diagnostics));
}

#[test]
fn marks_and_queries_do_not_change_what_files_are() {
    let mut project = TestProject::new(&[
        (
            "src/index.ts",
            "import a from './a.json'; import t from './t.txt?raw'; globalThis.result = [a, t];",
        ),
        ("src/t.txt", "text"),
    ]);
    project.write("src/a.json", "\u{feff}{ \"a\": 1 }");
    assert_eq!(run(&project.build()), r#"[{"a":1},"text"]"#);
}

#[test]
fn imports_say_what_files_are() {
    let files = |import: &'static str| [("src/index.ts", import), ("src/x.dat", "[1]")];
    for (import, expected) in [
        ("import x from './x.dat' with { type: 'bytes' };", r#"{"0":91,"1":49,"2":93}"#),
        ("import x from './x.dat' with { type: 'text' };", "\"[1]\""),
        ("import x from './x.dat' with { type: 'json' };", "[1]"),
    ] {
        let entry: &'static str = format!("{import} globalThis.result = x;").leak();
        assert_eq!(run_files(&files(entry)), expected, "{import}");
    }
    let failure =
        TestProject::new(&files("import x from './x.dat' with { type: 'css' }; globalThis.x = x;")).fail(&[]);
    assert_eq!(
        shown(&failure.diagnostics),
        "src/index.ts:1:15: files cannot be imported with the type `css` (bundle/unsupported) \
         ['./x.dat'|imported here] -> `text`, `bytes` and `json` are types of files"
    );
}

#[test]
fn the_nearest_configuration_is_a_files_own() {
    assert_eq!(
        run_files(&[
            (
                "src/index.ts",
                "import { set } from './set/a'; import { own } from './own/a'; import { js } from './js/a';\n\
                 globalThis.result = ['x' in new set(), 'x' in new own(), js];",
            ),
            ("tsconfig.json", r#"{ "compilerOptions": { "useDefineForClassFields": true } }"#),
            (
                "src/set/tsconfig.json",
                r#"{ "include": ["none"], "compilerOptions": { "useDefineForClassFields": false } }"#
            ),
            ("src/set/a.ts", "export class set { x; }"),
            ("src/own/a.ts", "export class own { x; }"),
            ("src/js/jsconfig.json", r#"{ "compilerOptions": { "paths": { "~": ["./b.js"] } } }"#),
            ("src/js/a.js", "export { b as js } from '~';"),
            ("src/js/b.js", "export const b = 'mapped';"),
        ]),
        r#"[false,true,"mapped"]"#
    );
}

#[test]
fn what_is_used_at_the_top_level_is_disposed_of() {
    assert_eq!(
        run_files(&[(
            "src/index.ts",
            "globalThis.result = [];\n\
             { using a = { [Symbol.dispose]() { globalThis.result.push('a'); } }; globalThis.result.push('in'); }\n\
             using b = { [Symbol.dispose]() { globalThis.result.push('b'); } };\n\
             globalThis.result.push('end');",
        )]),
        r#"["in","a","end","b"]"#
    );
}

#[test]
fn endless_loops_stay() {
    for entry in ["while (true) {}", "while (1);", "do {} while (true);", "for (;;) {}"] {
        let bundle = TestProject::new(&[("src/index.ts", entry)]).build();
        assert!(code(&bundle).contains("debugger"), "{entry}: {}", code(&bundle));
    }
    let bundle = TestProject::new(&[("src/index.ts", "while (false) {}")]).build();
    assert!(!code(&bundle).contains("while"), "{}", code(&bundle));
}

#[test]
fn what_may_fail_to_be_imported_fails_when_it_runs() {
    let bundle =
        TestProject::new(&[("src/index.ts", "globalThis.result = import('none').catch(() => 1);")]).build();
    assert!(code(&bundle).contains("import(\"none\")"), "{}", code(&bundle));
}

#[test]
fn an_object_of_define_is_one_for_all_modules() {
    let mut project = TestProject::new(&[
        (
            "src/index.ts",
            "import { seen } from './other'; declare const SETTINGS: any; declare const LIST: any;\n\
             SETTINGS.added = 1; globalThis.result = [seen(), Object.keys(SETTINGS), LIST === LIST, ((SETTINGS) => SETTINGS)(5)];",
        ),
        ("src/other.ts", "declare const SETTINGS: any; export const seen = () => SETTINGS.added;"),
    ]);
    let define = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    project.request.define =
        vec![define("SETTINGS", r#"{ "__proto__": 1, "a": [2] }"#), define("LIST", "[1]")];
    assert_eq!(run(&project.build()), r#"[1,["__proto__","a","added"],true,5]"#);
}

#[test]
fn packages_name_configurations_by_a_field() {
    assert_eq!(
        run_files(&[
            (
                "src/index.ts",
                "import { y } from '@/y'; class X { a; }\nglobalThis.result = ['a' in new X(), y];"
            ),
            ("lib/y.ts", "export const y = 'mapped';"),
            ("tsconfig.json", r#"{ "extends": "ts-base" }"#),
            ("node_modules/ts-base/package.json", r#"{ "tsconfig": "made/for-all.json" }"#),
            (
                "node_modules/ts-base/made/for-all.json",
                r#"{ "compilerOptions": { "useDefineForClassFields": false, "paths": { "@/*": ["../../../lib/*"] } } }"#,
            ),
        ]),
        r#"[false,"mapped"]"#
    );
}

#[test]
fn decorated_classes_without_a_name_have_that_of_their_variable() {
    assert_eq!(
        run_files(&[(
            "src/index.ts",
            "const told = []; const d = (_, context) => { told.push(context.name); };\n\
             const A = @d class {}; let B; B = @d class {}; const C = class { @d m() {} };\n\
             globalThis.result = [told, A.name, B.name, C.name];",
        )]),
        r#"[["A","B","m"],"A","B","C"]"#
    );
}
