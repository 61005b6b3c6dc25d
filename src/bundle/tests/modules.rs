//! What can be imported, and what it becomes.

use super::*;
use crate::bundle::{ModuleKind, ModuleRule, SourceMaps};

#[test]
fn a_counter_is_bundled_with_its_exports_map_and_inputs() {
    let mut project = TestProject::new(&[
        (
            "src/index.ts",
            "export { Counter } from './counter';\nexport default { fetch(): number { return 1; } };",
        ),
        (
            "src/counter.ts",
            "import { DurableObject } from 'cloudflare:workers';\n\
             export class Counter extends DurableObject { increment(): never { throw new Error('x'); } }",
        ),
        ("package.json", "{}"),
    ]);
    let bundle = project.build();
    assert_eq!(bundle.entry, "index.js");
    assert_eq!(bundle.modules.len(), 1);
    let mut exports = bundle.exports.clone();
    exports.sort();
    assert_eq!(exports, ["Counter", "default"]);
    for name in ["src/index.ts", "src/counter.ts", "tsconfig.json"] {
        assert!(contains(&bundle.inputs, &project.path(name)), "{name} in {:?}", bundle.inputs);
    }
    let (line, text) = code(&bundle).lines().enumerate().find(|(_, l)| l.contains("throw new")).unwrap();
    let column = text.find("throw").unwrap() + 1;
    let maps = SourceMaps::new(&bundle);
    let original = maps.lookup("index.js", line as u32 + 1, column as u32).unwrap();
    assert_eq!((original.path.as_str(), original.line), ("src/counter.ts", 2));
    let file = std::fs::read_to_string(project.path("src/counter.ts")).unwrap();
    let at = file.lines().nth(1).and_then(|line| line.find("throw new Error"));
    assert_eq!(at, Some(original.column as usize - 1));
    assert!(!code(&bundle).contains("sourceMappingURL"));
    run(&bundle);
}

#[test]
fn text_json_data_and_wasm() {
    let mut project = TestProject::new(&[
        (
            "src/index.ts",
            "import text from './a.txt'; import page from './p.html'; import data from './d.bin';\n\
             import wasm from './w.wasm'; import other from './w.wasm?module';\n\
             import settings, { named } from './s.json';\n\
             globalThis.result = [text, page, [...new Uint8Array(data)], wasm.wasm, wasm === other, settings, named];",
        ),
        ("src/a.txt", "line \"1\"\n\\ \u{1F600}"),
        ("src/p.html", "<p>`${x}`</p>"),
        ("src/s.json", r#"{ "named": "n", "list": [1] }"#),
    ]);
    project.write("src/d.bin", [0, 255, 10]);
    project.write("src/w.wasm", [0, 97, 115, 109]);
    let bundle = project.build();
    assert_eq!(
        run(&bundle),
        r#"["line \"1\"\n\\ 😀","<p>`${x}`</p>",[0,255,10],[0,97,115,109],true,{"named":"n","list":[1]},"n"]"#
    );
    let kinds: Vec<_> = bundle.modules.iter().map(|module| module.kind).collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert!(kinds.contains(&OutputKind::Data) && kinds.contains(&OutputKind::Wasm));
    assert!(bundle.modules[1..].iter().all(|module| module.name.starts_with("./")));
    for name in ["src/a.txt", "src/d.bin", "src/w.wasm"] {
        assert!(contains(&bundle.inputs, &project.path(name)), "{name}");
    }
}

#[test]
fn rules_aliases_defines_and_paths() {
    let mut project = TestProject::new(&[
        (
            "src/index.ts",
            "import tmpl from './note.tmpl'; import virtual from 'virtual-name'; import { deep } from '~/lib/deep';\n\
             import mapped from '~/lib/page.html';\n\
             declare const MODE: string;\n\
             globalThis.result = [tmpl, virtual, deep, mapped, MODE, process.env.NODE_ENV];",
        ),
        ("src/note.tmpl", "template"),
        ("src/lib/real.ts", "export default 'real';"),
        ("src/lib/deep.ts", "export const deep: string = 'deep';"),
        ("src/lib/page.html", "page"),
        ("tsconfig.json", "{ /* c */ \"compilerOptions\": { \"paths\": { \"~/*\": [\"./src/*\"], }, } }"),
    ]);
    project.request.rules =
        vec![ModuleRule { kind: ModuleKind::Text, globs: vec!["**/*.tmpl".into()], fallthrough: true }];
    project.request.alias = vec![("virtual-name".into(), "./src/lib/real.ts".into())];
    project.request.define = vec![("MODE".into(), "\"defined\"".into())];
    assert_eq!(run(&project.build()), r#"["template","real","deep","page","defined","development"]"#);
}

#[test]
fn packages_choose_their_conditions_and_both_module_systems() {
    let mut project = TestProject::new(&[
        (
            "src/index.ts",
            "import where from 'dual'; import cjs, { named } from 'cjs'; import * as esm from 'esmod';\n\
             globalThis.result = [where, cjs.named, named, esm.value, cjs.viaRequire, cjs.sep];",
        ),
        (
            "node_modules/dual/package.json",
            r#"{ "name": "dual", "exports": { ".": { "node": "./n.js", "workerd": "./w.mjs", "import": "./i.mjs",
                "require": "./r.cjs", "default": "./i.mjs" } } }"#,
        ),
        ("node_modules/dual/w.mjs", "export default 'workerd';"),
        ("node_modules/dual/i.mjs", "export default 'import';"),
        ("node_modules/dual/r.cjs", "module.exports = 'require';"),
        ("node_modules/dual/n.js", "module.exports = 'node';"),
        (
            "node_modules/second/package.json",
            r#"{ "exports": { "import": "./i.mjs", "require": "./r.cjs" } }"#,
        ),
        ("node_modules/second/i.mjs", "export default 'import';"),
        ("node_modules/second/r.cjs", "module.exports = 'require';"),
        ("node_modules/cjs/package.json", r#"{ "main": "main.js" }"#),
        (
            "node_modules/cjs/main.js",
            "exports.named = 1; exports.viaRequire = require('second'); exports.sep = require('path').sep;",
        ),
        ("node_modules/esmod/package.json", r#"{ "module": "m.js", "main": "missing.js" }"#),
        ("node_modules/esmod/m.js", "export const value = 2; export const unused = 'shaken away';"),
    ]);
    let bundle = project.build();
    assert_eq!(run(&bundle), r#"["workerd",1,1,2,"require","/"]"#);
    assert!(!code(&bundle).contains("shaken away"));
}

#[test]
fn platform_modules_stay_imports() {
    let mut project = TestProject::new(&[(
        "src/index.ts",
        "import { DurableObject } from 'cloudflare:workers'; import { sep } from 'path'; import EventEmitter from 'events';\n\
         import path from 'node:path';\n\
         globalThis.result = [typeof DurableObject, sep, path.sep, EventEmitter.own];",
    )]);
    let bundle = project.build();
    assert_eq!(run(&bundle), r#"["function","/","/",1]"#);
    assert!(code(&bundle).contains("\"node:events\""), "{}", code(&bundle));
}

#[test]
fn dynamic_imports_are_inlined() {
    let files = [
        ("src/index.ts", "const m = await import('./late'); globalThis.result = [m.value, Object.keys(m)];"),
        ("src/late.ts", "export const value: number = 3;"),
    ];
    let mut project = TestProject::new(&files);
    let bundle = project.build();
    assert_eq!(bundle.modules.len(), 1);
    assert_eq!(run(&bundle), r#"[3,["value"]]"#);
}

#[test]
fn typescript_only_syntax_works() {
    let result = run_files(&[
        (
            "src/index.ts",
            "import { Fast, type Shape } from './kinds'; import { Shape as S } from './kinds';\n\
             enum Color { Red, Green = 5, Blue }\n\
             namespace Space { export const inside = 7; }\n\
             class A { declare tag: string; constructor(readonly name: string, private age = 3) {} get n() { return this.age; } }\n\
             const s: Shape | S = { side: 2 } satisfies Shape;\n\
             globalThis.result = [Color.Blue, Color[5], Space.inside, Fast.B, { ...new A('x') }, new A('y').n, s.side!];",
        ),
        (
            "src/kinds.ts",
            "export const enum Fast { A = 1 << 2, B = A | 1 }\nexport interface Shape { side: number }",
        ),
    ]);
    assert_eq!(result, r#"[6,"Green",7,5,{"name":"x","age":3},3,2]"#);
}

#[test]
fn re_exported_types_are_dropped() {
    let mut project = TestProject::new(&[
        (
            "src/index.ts",
            "import { T as Again, real } from './t';\nexport { T, real as renamed } from './t';\nexport { Again };\n\
             const broken = (): never => { throw new Error('here'); };\nglobalThis.broken = broken;\nglobalThis.result = [real, broken.name];",
        ),
        ("src/t.ts", "export type T = { a: 1 };\nexport const real = 'real';"),
    ]);
    let bundle = project.build();
    assert_eq!(run(&bundle), r#"["real","broken"]"#);
    assert_eq!(bundle.exports, ["renamed"]);
    let (line, text) = code(&bundle).lines().enumerate().find(|(_, l)| l.contains("throw new")).unwrap();
    let column = text.find("throw").unwrap() + 1;
    let original = SourceMaps::new(&bundle).lookup("index.js", line as u32 + 1, column as u32).unwrap();
    assert_eq!((original.path.as_str(), original.line), ("src/index.ts", 4));
    // The type becomes a value: it is exported from the next build on.
    let changed = project.write("src/t.ts", "export class T {}\nexport const real = 'real';");
    let mut exports = project.rebuild(&[changed]).exports;
    exports.sort();
    assert_eq!(exports, ["Again", "T", "renamed"]);
    // And back.
    let changed = project.write("src/t.ts", "export interface T {}\nexport const real = 'real';");
    assert_eq!(project.rebuild(&[changed]).exports, ["renamed"]);
}

#[test]
fn jsx_follows_the_typescript_configuration_or_the_request() {
    let runtime = "export const jsx = (type, props) => [type, props]; export const Fragment = 'F';";
    let files = |options: &str| {
        TestProject::new(&[
            ("src/index.ts", "import { view } from './view'; globalThis.result = view;"),
            (
                "src/view.tsx",
                "const h = (t, p, ...c) => ['h', t, p, ...c]; const F = 'frag'; const React = { createElement: h };\n\
                 export const view = <a b=\"1\">text</a>;",
            ),
            ("node_modules/ui/package.json", r#"{ "exports": { "./jsx-runtime": "./r.js" } }"#),
            ("node_modules/ui/r.js", runtime),
            ("tsconfig.json", &format!("{{ \"compilerOptions\": {{ {options} }} }}")),
        ])
    };
    let classic = r#"["h","a",{"b":"1"},"text"]"#;
    let automatic = r#"["a",{"b":"1","children":"text"}]"#;
    for (options, factory, expected) in [
        ("", None, classic),
        ("", Some("h"), classic),
        (r#""jsx": "preserve""#, None, classic),
        (r#""jsx": "react", "jsxFactory": "h""#, Some("missing"), classic),
        (r#""jsx": "react-jsx", "jsxImportSource": "ui""#, Some("missing"), automatic),
    ] {
        let mut project = files(options);
        project.request.jsx_factory = factory.map(str::to_owned);
        assert_eq!(run(&project.build()), expected, "{options} {factory:?}");
    }
    let mut project = files("");
    assert_eq!(run(&project.build()), classic);
    let tsconfig = project
        .write("tsconfig.json", r#"{ "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "ui" } }"#);
    assert_eq!(run(&project.rebuild(&[tsconfig])), automatic);
}

#[test]
fn jsx_in_javascript_files_and_legacy_decorators() {
    let result = run_files(&[
        (
            "src/index.ts",
            "import { view } from './view.js';\n\
             function mark(target: any, key: string) { (target.marks ??= []).push(key); }\n\
             class A { @mark field = 1; @mark method() {} }\n\
             globalThis.result = [view, (A.prototype as any).marks];",
        ),
        ("src/view.js", "const React = { createElement: (t) => t };\nexport const view = <p/>;"),
        ("tsconfig.json", r#"{ "compilerOptions": { "experimentalDecorators": true } }"#),
    ]);
    assert_eq!(result, r#"["p",["field","method"]]"#);
}

#[test]
fn names_are_kept_and_code_is_shortened_on_request() {
    let files = [
        (
            "src/index.ts",
            "import { A } from './a'; class B extends A {} ; globalThis.result = [new B().constructor.name, A.name];",
        ),
        ("src/a.ts", "class B {}\nexport { B as A };"),
    ];
    assert_eq!(run_files(&files), r#"["B","B"]"#);
    let mut project = TestProject::new(&files);
    let long = project.build();
    project.request.minify = true;
    let short = project.build();
    assert!(short.modules[0].code.len() < long.modules[0].code.len());
    assert_ne!(short.hash, long.hash);
    assert_eq!(run(&short), r#"["B","B"]"#);
}

#[cfg(unix)]
#[test]
fn a_linked_workspace_package_is_the_projects_own_code() {
    let mut project = TestProject::new(&[
        ("app/src/index.ts", "import { value } from 'shared'; globalThis.result = value;"),
        ("shared/package.json", r#"{ "name": "shared", "main": "index.ts" }"#),
        ("shared/index.ts", "export const value: number = 1;"),
    ]);
    fs::create_dir_all(project.path("app/node_modules")).unwrap();
    std::os::unix::fs::symlink(project.path("shared"), project.path("app/node_modules/shared")).unwrap();
    project.request.root = project.path("app");
    project.request.entry = project.path("app/src/index.ts");
    assert_eq!(run(&project.build()), "1");
    project.write("shared/index.ts", "export const value: number = 2;");
    let linked = project.path("app/node_modules/shared/index.ts");
    assert_eq!(run(&project.rebuild(&[linked])), "2");
    // The link leads elsewhere.
    project.write("other/package.json", r#"{ "name": "shared", "main": "main.ts" }"#);
    project.write("other/main.ts", "export const value: number = 3;");
    let link = dunce::canonicalize(project.path("app/node_modules")).unwrap().join("shared");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(project.path("other"), &link).unwrap();
    let bundle = project.rebuild(std::slice::from_ref(&link));
    assert_eq!(run(&bundle), "3");
    let manifest = dunce::canonicalize(project.path("other/package.json")).unwrap();
    assert!(bundle.inputs.contains(&link) && bundle.inputs.contains(&manifest), "{:?}", bundle.inputs);
}

#[cfg(unix)]
#[test]
fn a_project_behind_a_link_has_its_own_paths() {
    let mut project = TestProject::new(&[
        ("real/src/index.ts", "export const fail = () => { throw new Error('x'); };"),
        ("real/src/other.ts", "oops("),
    ]);
    std::os::unix::fs::symlink(project.path("real"), project.path("link")).unwrap();
    project.request.root = project.path("link");
    project.request.entry = project.path("link/src/index.ts");
    let bundle = project.build();
    let line = code(&bundle).lines().position(|line| line.contains("throw")).unwrap() as u32 + 1;
    assert_eq!(SourceMaps::new(&bundle).lookup("index.js", line, 3).unwrap().path, "src/index.ts");
    project.write("real/src/index.ts", "import './other';");
    let edited = project.path("link/src/index.ts");
    assert!(shown(&project.fail(&[edited]).diagnostics).starts_with("src/other.ts:1:"));
}

/// What modules give, as esbuild 0.28 and V8 do.
#[test]
fn corners_of_modules() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[
                (
                    "src/index.ts",
                    "import t from './a.md' with { type: 'text' }; import code from './c.js' with { type: 'text' };
                     import d from './d.conf' with { type: 'json' }; import one from './c.js?v=1'; import two from './c.js';
                     globalThis.result = [t, code, d, one, one === two];",
                ),
                ("src/a.md", "# hi"),
                ("src/c.js", "export default { c: 1 };"),
                ("src/d.conf", r#"{ "d": [1] }"#),
            ],
            r##"["# hi","export default { c: 1 };",{"d":[1]},{"c":1},false]"##,
        ),
        (
            &[
                (
                    "src/index.js",
                    "const pick = (name) => { try { return require(`./words/${name}.js`); } catch (e) { return e.message; } };
                     globalThis.result = [pick('de'), pick('deep/fr'), pick('none')];",
                ),
                ("src/words/de.js", "module.exports = 'ja';"),
                ("src/words/deep/fr.js", "module.exports = 'oui';"),
            ],
            r#"["ja","oui","Module not found in bundle: ./words/none.js"]"#,
        ),
        (
            &[
                ("src/index.js", "import { list } from './a.js'; import * as a from './a.js';
                    globalThis.result = [list, Object.prototype.toString.call(a)];"),
                ("src/a.js", "import { seen } from './b.js'; export const first = 'a', list = [seen];"),
                ("src/b.js", "import { first } from './a.js'; export const seen = typeof first;"),
            ],
            r#"[["undefined"],"[object Object]"]"#,
        ),
        (
            &[
                ("src/index.js", "const log = []; for (const at of [1, 2]) try { require('./t.js'); } catch (e) { log.push(e.message); }
                    const name = ['no', 'where'].join(''); try { require(name); } catch (e) { log.push(e.message); }
                    globalThis.result = log;"),
                ("src/t.js", "globalThis.times = (globalThis.times ?? 0) + 1; throw new Error('t' + globalThis.times);"),
            ],
            r#"["t1","t2","Dynamic require of \"nowhere\" is not supported"]"#,
        ),
        (
            &[(
                "src/index.ts",
                "namespace N { export let n = 0; export const up = () => ++n; export class K { n = n; } }
                 namespace N { export const twice = () => up() + up(); }
                 enum E { A } namespace E { export let last = E.A; export const set = (e: E) => { last = e; }; }
                 const sum = N.twice(); E.set(5 as E); N.n += 10;
                 globalThis.result = [sum, N.n, new N.K().n, E.last];",
            )],
            "[3,12,12,5]",
        ),
    ];
    for (files, expected) in cases {
        let mut project = TestProject::new(files);
        if files[0].0.ends_with(".js") {
            project.request.entry = project.path("src/index.js");
        }
        assert_eq!(run(&project.build()), *expected);
    }
}

#[test]
fn files_with_a_said_type_or_a_query_are_inputs() {
    let mut project = TestProject::new(&[
        (
            "src/index.ts",
            "import t from './a.md' with { type: 'text' }; import q from './q.js?x'; globalThis.result = [t, q];",
        ),
        ("src/a.md", "one"),
        ("src/q.js", "export default 1;"),
    ]);
    assert_eq!(run(&project.build()), r#"["one",1]"#);
    project.write("src/a.md", "two");
    project.write("src/q.js", "export default 2;");
    let changed = [project.path("src/a.md"), project.path("src/q.js")];
    let bundle = project.rebuild(&changed);
    assert_eq!(run(&bundle), r#"["two",2]"#);
    assert!(changed.iter().all(|path| bundle.inputs.contains(path)));
}
