//! Modules that are not bundled: all of them, or those that a rule finds.

use super::*;
use crate::bundle::{ModuleKind, ModuleRule, SourceMaps, Unbundled};

fn project(files: &[(&str, &str)], entry: &str, base: &str, bundles: bool) -> TestProject {
    let mut project = TestProject::new(files);
    project.request.entry = project.path(entry);
    project.request.unbundled = Some(Unbundled {
        base: project.path(base),
        entry: !bundles,
        found: true,
        except: project.path("src/wrangler.json"),
    });
    let rule = |kind, glob: &str| ModuleRule { kind, globs: vec![glob.to_owned()], fallthrough: true };
    project.request.rules = vec![
        rule(ModuleKind::EsModule, "**/*.js"),
        rule(ModuleKind::CommonJs, "**/*.cjs"),
        rule(ModuleKind::Text, "notes/*.md"),
    ];
    project
}

fn names(bundle: &Bundle) -> Vec<&str> {
    bundle.modules.iter().map(|module| module.name.as_str()).collect()
}

const FILES: &[(&str, &str)] = &[
    (
        "src/index.js",
        "import text from './notes/a.md'; import { two } from './lib/two.js'; import data from './d.bin';\n\
         export * from './lib/two.js';\nexport { one as uno } from './lib/one.js';\n\
         export class Room {}\nexport default {};\n\
         globalThis.result = [text, two, [...new Uint8Array(data)]];\n\
         export function fail() { throw new Error('x') }",
    ),
    ("src/lib/one.js", "export const one = 1; export default 1;"),
    ("src/lib/two.js", "import { one } from './one.js';\nexport const two = one + 1; export default 2;"),
    ("src/lib/old.cjs", "module.exports = 1"),
    ("src/notes/a.md", "# note"),
    ("src/notes/deep/b.md", "# too deep"),
    ("src/d.bin", "\u{1}"),
    ("src/types.ts", "export type T = 1"),
    ("src/wrangler.json", "{}"),
    ("src/.wrangler/tmp/c.js", "not javascript"),
    ("other.js", "not javascript"),
];

#[test]
fn nothing_is_bundled_when_the_entry_is_not() {
    let mut project = project(FILES, "src/index.js", "src", false);
    let bundle = project.build();
    assert_eq!(bundle.entry, "index.js");
    let old = ["lib/old.cjs", "lib/old.cjs?commonjs"];
    assert_eq!(
        names(&bundle),
        ["index.js", "d.bin", old[0], old[1], "lib/one.js", "lib/two.js", "notes/a.md"]
    );
    assert_eq!(bundle.exports, ["Room", "default", "fail", "two", "uno"]);
    assert_eq!(run(&bundle), r##"["# note",2,[1]]"##);
    assert_eq!(shown(&bundle.diagnostics), "");
    for name in ["src/index.js", "src/lib/two.js", "src", "src/notes/deep"] {
        assert!(contains(&bundle.inputs, &project.path(name)), "{name} in {:?}", bundle.inputs);
    }
    let maps = SourceMaps::new(&bundle);
    let thrown = maps.lookup("index.js", 7, 26).unwrap();
    assert_eq!((thrown.path.as_str(), thrown.line, thrown.column), ("src/index.js", 7, 26));
    assert_eq!(
        maps.lookup("lib/two.js", 2, 20).map(|original| original.path),
        Some("src/lib/two.js".to_owned())
    );
    let added = project.write("src/lib/three.js", "export const three = 3");
    assert!(names(&project.rebuild(&[added])).contains(&"lib/three.js"));
}

#[test]
fn positions_are_those_of_the_files_that_a_build_tool_read() {
    // Line 3 column 24 is line 10 column 5 of `first.ts`, and called `fail`.
    let map = r#"{"version":3,"names":["fail"],"sourceRoot":"..","sources":["app/first.ts"],"mappings":";;uBASIA"}"#;
    let code = |first: &str| {
        format!(
            "{first}\nexport default {{}};\nexport const a = async () => {{ throw new Error('x') }};\n//# sourceMappingURL=index.js.map\n"
        )
    };
    for first in ["// plain", "import 'node:async_hooks';"] {
        let code = code(first);
        let mut project =
            project(&[("out/index.js", &code), ("out/index.js.map", map)], "out/index.js", "out", false);
        project.request.node_compat = true;
        let bundle = project.build();
        let entry = bundle.modules.iter().find(|module| module.name == "index.js").expect("the entry");
        let built = String::from_utf8_lossy(&entry.code).into_owned();
        assert_eq!(built == code, first == "// plain", "{built}");
        let (line, text) =
            built.lines().enumerate().find(|(_, line)| line.contains("throw")).expect("it throws");
        let column = text.find("Error(").expect("an error") as u32 + 1;
        let found = SourceMaps::new(&bundle).lookup("index.js", line as u32 + 1, column).expect("an origin");
        assert_eq!((found.path.as_str(), found.line, found.column), ("app/first.ts", 10, 5), "{built}");
    }
}

#[test]
fn names_are_relative_to_the_base() {
    let mut project = project(FILES, "src/index.js", "", false);
    project.write("other.js", "export default 1");
    // A pattern is relative to the base too.
    assert!(shown(&project.fail(&[]).diagnostics).contains("cannot find `./notes/a.md`"));
    project.request.rules[2].globs = vec!["src/notes/*.md".to_owned()];
    let bundle = project.build();
    assert_eq!(bundle.entry, "src/index.js");
    let mut expected =
        vec!["src/index.js", "other.js", "src/d.bin", "src/lib/old.cjs", "src/lib/old.cjs?commonjs"];
    expected.extend(["src/lib/one.js", "src/lib/two.js", "src/notes/a.md"]);
    assert_eq!(names(&bundle), expected);
}

#[test]
fn syntax_errors_of_what_is_not_bundled_have_their_place() {
    let files = [
        ("src/index.js", "export default {};\nconst a: number = 1;"),
        ("src/lib/b.js", "export const b = ;"),
    ];
    let failure = project(&files, "src/index.js", "src", false).fail(&[]);
    let words = shown(&failure.diagnostics);
    assert!(words.contains("src/index.js:2:7") && words.contains("src/lib/b.js:1:18"), "{words}");
    assert!(words.contains("no TypeScript, no JSX"), "{words}");
}

#[test]
fn imports_that_lead_nowhere_are_told_with_what_to_do() {
    let files = [
        (
            "src/index.js",
            "import a from './a.css'; import b from 'pkg'; import './c.js'; import 'cloudflare:workers';\n\
             export default {};",
        ),
        ("src/a.css", "a"),
    ];
    let mut project = project(&files, "src/index.js", "src", false);
    let words = shown(&project.fail(&[]).diagnostics);
    let lines: Vec<&str> = words.lines().collect();
    assert_eq!(
        lines,
        [
            "src/index.js:1:15: cannot find `./a.css` (bundle/unresolved-import) ['./a.css'|] -> no rule says what it \
             is: add { \"type\": \"Data\", \"globs\": [\"**/*.css\"] } to `rules`",
            "src/index.js:1:40: cannot find `pkg` (bundle/unresolved-import) ['pkg'|] -> `no_bundle` takes files only: \
             without it, the package `pkg` is bundled",
            "src/index.js:1:54: cannot find `./c.js` (bundle/unresolved-import) ['./c.js'|] -> create the file, or \
             correct the path; extensions cannot be left out",
        ]
    );
    project.write("src/c.js", "");
    project.request.unbundled.as_mut().unwrap().found = false;
    let words = shown(&project.fail(&[]).diagnostics);
    assert!(words.contains("set `find_additional_modules`"), "{words}");
}

#[test]
fn modules_of_node_need_no_prefix() {
    let files = [
        ("src/index.js", "import { join } from 'path'; import './a.js'; export default join;"),
        ("src/a.js", "import 'fs/promises';"),
    ];
    let mut project = project(&files, "src/index.js", "src", false);
    assert_eq!(project.build().modules.len(), 2);
    project.request.node_compat = false;
    assert!(shown(&project.fail(&[]).diagnostics).contains("cannot find `path`"));
}

#[test]
fn found_modules_stay_outside_of_the_bundle() {
    let files = [
        (
            "src/app/index.ts",
            "import { one } from '../lib/one.js'; import text from '../notes/a.md'; import { own } from './own';\n\
             const name: string = 'two';\nconst { two } = await import(`../lib/${name}.js`);\n\
             globalThis.result = [one, two, text, own];\nexport default {};",
        ),
        ("src/app/own.ts", "export const own: string = 'own';"),
        ("src/lib/one.js", "export const one = 1;"),
        ("src/lib/two.js", "import { one } from './one.js'; export const two = one + 1;"),
        ("src/notes/a.md", "# note"),
    ];
    let mut project = project(&files, "src/app/index.ts", "src", true);
    let bundle = project.build();
    assert_eq!(bundle.entry, "app/index.js");
    assert_eq!(names(&bundle), ["app/index.js", "lib/one.js", "lib/two.js", "notes/a.md"]);
    assert!(!code(&bundle).contains("const one = 1") && code(&bundle).contains("own"), "{}", code(&bundle));
    assert_eq!(run(&bundle), r##"[1,2,"# note","own"]"##);
    assert_eq!(bundle.exports, ["default"]);
}

#[test]
fn common_js_modules_run_as_they_are() {
    for (files, expected) in [
        (&[("src/m.cjs", "module.exports = { a: 1 }")][..], r#"{"a":1}"#),
        (&[("src/m.cjs", "exports.a = 017; exports = {}; exports.b = 1")], r#"{"a":15}"#),
        (
            &[
                ("src/m.cjs", "module.exports = require('./sub/n.cjs').x"),
                ("src/sub/n.cjs", "exports.x = require('../k.cjs')"),
                ("src/k.cjs", "module.exports = 'k'"),
            ],
            "\"k\"",
        ),
        (
            &[
                ("src/m.cjs", "exports.a = 1; exports.b = require('./n.cjs').seen"),
                ("src/n.cjs", "exports.seen = { ...require('./m.cjs') }"),
            ],
            r#"{"a":1,"b":{"a":1}}"#,
        ),
        (
            &[
                ("src/m.cjs", "module.exports = [require('./e.js'), require('./f.js'), require('./t.txt')]"),
                ("src/e.js", "export default 'e'"),
                ("src/f.js", "export const f = 1"),
                ("src/t.txt", "t"),
            ],
            r#"["e",null,"t"]"#,
        ),
        (
            &[
                ("src/m.cjs", "module.exports = ['n.cjs', 't.txt'].map((name) => require('./' + name))"),
                ("src/n.cjs", "module.exports = 7"),
                ("src/t.txt", "t"),
            ],
            r#"[7,"t"]"#,
        ),
        (
            &[
                (
                    "src/m.cjs",
                    "const r = []; for (let i = 0; i < 2; i++) try { require('./n.cjs') } catch (e) { r.push(e.message) }\nmodule.exports = r",
                ),
                ("src/n.cjs", "throw new Error('x')"),
            ],
            r#"["x","x"]"#,
        ),
        (
            &[("src/m.cjs", "try { require('./n') } catch (e) { module.exports = String(e) }")],
            r#""Error: No such module \"n\".""#,
        ),
        (
            &[(
                "src/m.cjs",
                "module.exports = [this === globalThis, arguments.length, __filename, __dirname, Object.keys(module), require('path').sep]",
            )],
            r#"[true,0,"/m.cjs","/",["path","exports"],"/"]"#,
        ),
    ] {
        let entry = [(
            "src/index.js",
            "import * as all from './m.cjs'; globalThis.result = Object.keys(all).length === 1 && all.default;",
        )];
        let files: Vec<_> = files.iter().copied().chain(entry).collect();
        assert_eq!(run(&project(&files, "src/index.js", "src", false).build()), expected, "{files:?}");
    }
    let wrong = [("src/index.js", "export default {}"), ("src/m.cjs", "exports = {\n  a: ;\n}")];
    let failure = project(&wrong, "src/index.js", "src", false).fail(&[]);
    let words = shown(&failure.diagnostics);
    assert!(words.starts_with("src/m.cjs:2:6: unexpected token (bundle/syntax) [;|]"), "{words}");
    let thrown = [
        ("src/index.js", "export default {}"),
        ("src/m.cjs", "exports.f = () => {\n  throw new Error('x');\n}"),
    ];
    let bundle = project(&thrown, "src/index.js", "src", false).build();
    let runner = bundle.modules.iter().find(|module| module.name == "m.cjs?commonjs").unwrap();
    let code = std::str::from_utf8(&runner.code).unwrap();
    let (line, text) =
        code.lines().enumerate().find(|(_, line)| line.contains("throw new Error('x')")).unwrap();
    let column = text.find("throw").unwrap() as u32 + 1;
    let original = SourceMaps::new(&bundle).lookup("m.cjs?commonjs", line as u32 + 1, column).unwrap();
    assert_eq!((original.path.as_str(), original.line, original.column), ("src/m.cjs", 2, 3));
}
