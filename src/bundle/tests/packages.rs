//! Packages that are built apart: the same results as one bundle, and the ways in which they come back to it.

use super::*;
use crate::bundle::{Outside, Packages, Prebundler};

/// A project whose packages stay outside of its code.
struct Apart {
    project: TestProject,
    bundler: Prebundler<InProcessBundler>,
}

impl Apart {
    fn new(files: &[(&str, &str)]) -> Self {
        let mut project = TestProject::new(files);
        project.request.packages = Packages::Outside(Outside::default());
        let bundler = Self::bundler(&project);
        Self { project, bundler }
    }

    fn bundler(project: &TestProject) -> Prebundler<InProcessBundler> {
        Prebundler::new(InProcessBundler::new().unwrap(), project.path(".cache"), "none")
    }

    fn try_build(&mut self, changed: &[PathBuf]) -> Result<Bundle, BuildFailure> {
        self.bundler.build(&self.project.request, changed)
    }

    fn build(&mut self, changed: &[PathBuf]) -> Bundle {
        self.try_build(changed).unwrap_or_else(|failure| panic!("{}", shown(&failure.diagnostics)))
    }

    /// Writes a file and builds.
    fn save(&mut self, name: &str, text: &str) -> Bundle {
        let path = self.project.write(name, text);
        self.build(&[path])
    }

    /// What the project gives as one bundle.
    fn whole(&mut self) -> String {
        let request = BundleRequest { packages: Packages::Inside, ..self.project.request.clone() };
        run(&InProcessBundler::new().unwrap().build(&request, &[]).unwrap())
    }
}

/// What both ways of building give, which must be the same; and the bundle with its packages apart.
fn same_both_ways(files: &[(&str, &str)]) -> (String, Bundle) {
    let mut apart = Apart::new(files);
    let bundle = apart.build(&[]);
    assert!(bundle.dependencies.is_some(), "{}", shown(&bundle.diagnostics));
    let result = run(&bundle);
    assert_eq!(result, apart.whole(), "{}", code(&bundle));
    (result, bundle)
}

const ESM: &str = r#"{ "name": "pkg", "version": "1.0.0", "type": "module", "main": "index.js" }"#;
const CJS: &str = r#"{ "name": "old", "version": "1.0.0", "main": "index.js" }"#;

/// Why a bundle has its packages inside.
fn reason(bundle: &Bundle) -> String {
    assert!(bundle.dependencies.is_none());
    let found = bundle.diagnostics.iter().find(|diagnostic| diagnostic.code == "bundle/whole");
    found.unwrap_or_else(|| panic!("{}", shown(&bundle.diagnostics))).message.clone()
}

#[test]
fn what_a_module_does_that_passes_names_on_is_kept() {
    let package = r#"{ "name": "pkg", "type": "module", "main": "index.js", "sideEffects": false }"#;
    let files = [
        (
            "src/index.ts",
            "import { ns } from 'pkg'; import { text } from 'user'; globalThis.result = [ns.text(), text()];",
        ),
        ("node_modules/user/package.json", r#"{ "name": "user", "type": "module", "main": "index.js" }"#),
        (
            "node_modules/user/index.js",
            "import * as direct from 'pkg/main.js'; export const text = () => direct.text();",
        ),
        ("node_modules/pkg/package.json", package),
        (
            "node_modules/pkg/index.js",
            "import * as ns from './main.js'; export * from './main.js'; export { ns };",
        ),
        (
            "node_modules/pkg/main.js",
            "export * from './core.js'; import { choose } from './core.js'; choose('chosen');",
        ),
        (
            "node_modules/pkg/core.js",
            "let word = 'none'; export const choose = (w) => { word = w }; export const text = () => word;",
        ),
    ];
    let (result, _) = same_both_ways(&files);
    assert_eq!(result, r#"["chosen","chosen"]"#);
}

#[test]
fn packages_are_the_same_things_inside_and_outside() {
    let (result, bundle) = same_both_ways(&[
        (
            "src/index.ts",
            "import { id, type T } from 'pkg'; import * as ns from 'pkg'; import old, { named } from 'old';\n\
             import { third } from 'other'; import list from 'old/list.json'; import './side';\n\
             const t: T = 1;\n\
             globalThis.result = [id === third, ns.id === id, old.named, named, list, t, await lazy()];\n\
             async function lazy() { return (await import('pkg')).id === id }",
        ),
        ("src/side.ts", "import { id } from 'pkg/index.js'; export const side = id;"),
        ("node_modules/pkg/package.json", ESM),
        ("node_modules/pkg/index.js", "export const id = {}; export const unused = 1;"),
        ("node_modules/other/package.json", r#"{ "name": "other", "module": "m.js" }"#),
        ("node_modules/other/m.js", "export { id as third } from 'pkg';"),
        ("node_modules/old/package.json", CJS),
        ("node_modules/old/index.js", "exports.named = 'named'; exports.n = require('./list.json').length;"),
        ("node_modules/old/list.json", "[1,2]"),
    ]);
    assert_eq!(result, r#"[true,true,"named","named",[1,2],1,true]"#);
    let own = code(&bundle);
    assert!(!own.contains("unused") && own.contains("deps/pkg-index-"), "{own}");
}

#[test]
fn common_js_keeps_its_forms() {
    for (text, import, used) in [
        (
            "module.exports = function f() { return 1 }; module.exports.g = 2;",
            "import f, { g } from 'old'",
            "[f(), g]",
        ),
        (
            "exports.__esModule = true; exports.default = 1; exports.b = 2;",
            "import a, { b } from 'old'",
            "[a, b]",
        ),
        (
            "exports.a = 1; exports.change = () => { exports.a = 2 };",
            "import * as o from 'old'",
            "(o.change(), o.a)",
        ),
        ("globalThis.effect = 7;", "import 'old'", "globalThis.effect"),
        ("module.exports = class A { static x = 5 }", "import * as A from 'old'", "[A.x, A.default.x]"),
    ] {
        let index = format!("{import}; globalThis.result = {used};");
        same_both_ways(&[
            ("src/index.ts", &index),
            ("node_modules/old/package.json", CJS),
            ("node_modules/old/index.js", text),
        ]);
    }
}

#[test]
fn a_save_builds_no_package() {
    let mut apart = Apart::new(&[
        ("src/index.ts", "import { id } from 'pkg'; globalThis.result = [id, 1];"),
        ("node_modules/pkg/package.json", ESM),
        ("node_modules/pkg/index.js", "export const id = 'a';"),
    ]);
    let first = apart.build(&[]);
    let second = apart.save("src/index.ts", "import { id } from 'pkg'; globalThis.result = [id, 2];");
    assert_eq!(run(&second), r#"["a",2]"#);
    assert!(std::sync::Arc::ptr_eq(
        first.dependencies.as_ref().unwrap(),
        second.dependencies.as_ref().unwrap()
    ));
    assert_ne!(first.hash, second.hash);
    let input = apart.project.path("node_modules/pkg/index.js");
    assert!(contains(&second.inputs, &input), "{:?}", second.inputs);
    // Another process, the same packages.
    let stored = second.dependencies.as_ref().unwrap().hash();
    let mut later = Apart::bundler(&apart.project);
    let third = later.build(&apart.project.request, &[]).unwrap();
    assert_eq!(third.dependencies.unwrap().hash(), stored);
    assert_eq!(third.hash, second.hash);
}

#[test]
fn a_new_package_is_built_when_it_is_imported() {
    let mut apart = Apart::new(&[
        ("src/index.ts", "import { id } from 'pkg'; globalThis.result = id;"),
        ("node_modules/pkg/package.json", ESM),
        ("node_modules/pkg/index.js", "export const id = 'a';"),
        ("node_modules/old/package.json", CJS),
        ("node_modules/old/index.js", "exports.b = require('pkg').id + 'b';"),
    ]);
    assert_eq!(run(&apart.build(&[])), r#""a""#);
    let more = "import { id } from 'pkg'; import { b } from 'old'; globalThis.result = [id, b];";
    assert_eq!(run(&apart.save("src/index.ts", more)), r#"["a","ab"]"#);
    let less = "import { b } from 'old'; globalThis.result = b;";
    assert_eq!(run(&apart.save("src/index.ts", less)), r#""ab""#);
    assert_eq!(run(&apart.save("src/index.ts", "globalThis.result = 1;")), "1");
    assert_eq!(run(&apart.save("src/index.ts", more)), r#"["a","ab"]"#);
}

#[test]
fn edited_packages_are_built_again() {
    let mut apart = Apart::new(&[
        ("src/index.ts", "import { id } from 'pkg'; globalThis.result = id;"),
        ("node_modules/pkg/package.json", ESM),
        ("node_modules/pkg/index.js", "export { id } from './deep.js';"),
        ("node_modules/pkg/deep.js", "export const id = 'a';"),
    ]);
    let first = apart.build(&[]);
    let second = apart.save("node_modules/pkg/deep.js", "export const id = 'patched';");
    assert_eq!(run(&second), r#""patched""#);
    assert_ne!(first.hash, second.hash);
    apart.project.write("node_modules/pkg/next.js", "export const id = 'other file';");
    let manifest = ESM.replace("index.js", "next.js");
    let watched = apart.project.path("node_modules/pkg/package.json");
    assert!(first.inputs.contains(&dunce::canonicalize(watched).unwrap()), "{:?}", first.inputs);
    assert_eq!(run(&apart.save("node_modules/pkg/package.json", &manifest)), r#""other file""#);
    // Between two sessions.
    apart.project.write("node_modules/pkg/next.js", "export const id = 'edited while nobody looked';");
    let mut later = Apart::bundler(&apart.project);
    let bundle = later.build(&apart.project.request, &[]).unwrap();
    assert_eq!(run(&bundle), r#""edited while nobody looked""#);
}

#[test]
fn an_effect_that_packages_wait_for_comes_first() {
    let package = [
        ("node_modules/pkg/package.json", ESM),
        ("node_modules/pkg/index.js", "export const seen = globalThis.ready ?? 'nothing';"),
    ];
    for setup in ["globalThis.ready = 'ready';", "import { prepare } from './prepare'; prepare();"] {
        let mut files = vec![
            ("src/index.ts", "import './setup'; import { seen } from 'pkg'; globalThis.result = seen;"),
            ("src/setup.ts", setup),
            ("src/prepare.ts", "export function prepare() { Object.assign(globalThis, { ready: 'ready' }) }"),
        ];
        files.extend(package);
        let mut apart = Apart::new(&files);
        let bundle = apart.build(&[]);
        assert_eq!(run(&bundle), r#""ready""#, "{setup}");
        // Such modules are built with the packages, until they are edited.
        assert!(bundle.dependencies.is_some() && bundle.diagnostics.is_empty(), "{setup}");
        let again = apart.save("src/setup.ts", &format!("{setup} // edited"));
        assert!(again.dependencies.is_none(), "{setup}");
        assert_eq!((run(&again).as_str(), again.diagnostics), (r#""ready""#, vec![]));
    }
    // What the platform gives only to running code keeps all in one bundle, for a reason that is told once.
    let mut files = vec![
        ("src/index.ts", "import './setup'; import { seen } from 'pkg'; globalThis.result = seen;"),
        ("src/setup.ts", "import 'cloudflare:workers'; globalThis.ready = 'ready';"),
    ];
    files.extend(package);
    let mut apart = Apart::new(&files);
    let bundle = apart.build(&[]);
    assert!(reason(&bundle).contains("has to run before `pkg`"), "{}", reason(&bundle));
    assert_eq!(apart.save("src/setup.ts", "import 'cloudflare:workers'; // edited").diagnostics, []);
    // After the packages it is of no concern.
    let mut files = vec![
        ("src/index.ts", "import { seen } from 'pkg'; import './setup'; globalThis.result = seen;"),
        ("src/setup.ts", "globalThis.ready = 'ready';"),
    ];
    files.extend(package);
    assert_eq!(same_both_ways(&files).0, r#""nothing""#);
}

#[test]
fn packages_run_in_the_order_of_their_imports() {
    let log = |name: &str| format!("(globalThis.result ??= []).push('{name}'); export const x = '{name}';");
    let files = ["a", "b", "c"].map(|name| (format!("node_modules/{name}/index.js"), log(name)));
    let manifests = ["a", "b", "c"].map(|name| format!("node_modules/{name}/package.json"));
    let mut all = vec![
        ("src/index.ts", "import { two } from './two'; import { x } from 'a'; export const used = [two, x];"),
        (
            "src/two.ts",
            "import { x as b } from 'b'; import { three } from './three'; export const two = [b, three];",
        ),
        ("src/three.ts", "import { x } from 'c'; export const three = x;"),
    ];
    all.extend(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    all.extend(manifests.iter().map(|name| (name.as_str(), ESM)));
    assert_eq!(same_both_ways(&all).0, r#"["b","c","a"]"#);
}

#[test]
fn a_package_that_imports_the_project_is_part_of_its_code() {
    let (result, bundle) = same_both_ways(&[
        (
            "src/index.ts",
            "import { ID } from '@app/ids'; import { thirdID } from 'third'; import { o } from 'outer';\n\
                          import { id } from 'pkg'; globalThis.result = [ID === thirdID, o === ID, id];",
        ),
        ("tsconfig.json", r#"{ "compilerOptions": { "paths": { "@app/ids": ["./lib/ids.ts"] } } }"#),
        ("lib/ids.ts", "export const ID = {};"),
        ("node_modules/third/package.json", r#"{ "name": "third", "main": "index.mjs" }"#),
        ("node_modules/third/index.mjs", "export { ID as thirdID } from '../../lib/ids.ts';"),
        ("node_modules/outer/package.json", r#"{ "name": "outer", "main": "index.mjs" }"#),
        ("node_modules/outer/index.mjs", "export { thirdID as o } from 'third';"),
        ("node_modules/pkg/package.json", ESM),
        ("node_modules/pkg/index.js", "export const id = 'apart';"),
    ]);
    assert_eq!(result, r#"[true,true,"apart"]"#);
    assert!(code(&bundle).contains("deps/pkg-index-"));
}

#[test]
fn types_of_packages_may_be_exported_again() {
    let (result, _) = same_both_ways(&[
        ("src/index.ts", "import { id } from './again'; globalThis.result = id;"),
        ("src/again.ts", "export { id, Shape } from 'pkg'; import { Other } from 'pkg'; export { Other };"),
        ("node_modules/pkg/package.json", ESM),
        ("node_modules/pkg/index.js", "export const id = 'a';"),
        (
            "node_modules/pkg/index.d.ts",
            "export declare const id: string; export interface Shape {} export type Other = 1;",
        ),
    ]);
    assert_eq!(result, r#""a""#);
}

#[test]
fn a_name_that_a_package_does_not_have_is_an_error_with_its_place() {
    let mut apart = Apart::new(&[
        ("src/index.ts", "import { id, gone } from 'pkg'; globalThis.result = [id, gone];"),
        ("node_modules/pkg/package.json", ESM),
        ("node_modules/pkg/index.js", "export const id = 'a'; export const gone2 = 1;"),
    ]);
    let failure = apart.try_build(&[]).unwrap_err();
    let expected = "src/index.ts:1:14: `node_modules/pkg/index.js` does not export `gone` \
                    (bundle/missing-export) [gone|] -> did you mean `gone2`?";
    assert_eq!(shown(&failure.diagnostics), expected);
    let bundle =
        apart.save("src/index.ts", "import { id, gone2 } from 'pkg'; globalThis.result = [id, gone2];");
    assert_eq!(run(&bundle), r#"["a",1]"#);
    assert!(bundle.dependencies.is_some());
}

#[test]
fn what_does_not_come_apart_is_one_bundle() {
    let old = [("node_modules/old/package.json", CJS), ("node_modules/old/index.js", "exports.a = 1;")];
    for (index, words) in [
        ("globalThis.result = require('old').a;", "`old` is imported by `require`"),
        ("globalThis.result = (await import('./later')).a;", "`old` is imported only where `import()` leads"),
    ] {
        let mut files =
            vec![("src/index.ts", index), ("src/later.ts", "import { a } from 'old'; export { a };")];
        files.extend(old);
        let mut apart = Apart::new(&files);
        let bundle = apart.build(&[]);
        assert_eq!(run(&bundle), "1");
        assert!(reason(&bundle).ends_with(words), "{}", reason(&bundle));
    }
}

#[test]
fn a_package_that_cannot_be_built_is_reported_by_the_whole_bundle() {
    let mut apart = Apart::new(&[
        ("src/index.ts", "import { id } from 'pkg'; globalThis.result = id;"),
        ("node_modules/pkg/package.json", ESM),
        ("node_modules/pkg/index.js", "export const id = ;"),
    ]);
    let failure = apart.try_build(&[]).unwrap_err();
    assert!(shown(&failure.diagnostics).starts_with("node_modules/pkg/index.js:1:19:"), "{failure:?}");
    let bundle = apart.save("node_modules/pkg/index.js", "export const id = 'mended';");
    assert_eq!(run(&bundle), r#""mended""#);
    assert!(bundle.dependencies.is_some(), "a changed package is tried again");
}

#[test]
fn all_code_is_lowered_when_a_package_asks_for_async_context() {
    for (index, package) in [
        (
            "import { als } from 'pkg'; globalThis.result = typeof als; export const f = async () => { await 1 };",
            "import { AsyncLocalStorage } from 'node:async_hooks'; export const als = AsyncLocalStorage;\n\
             export const g = async () => { await 2 };",
        ),
        (
            "import { AsyncLocalStorage } from 'node:async_hooks'; import { g } from 'pkg';\n\
             globalThis.result = typeof AsyncLocalStorage; export const f = async () => { await g() };",
            "export const g = async () => { await 2 };",
        ),
        (
            "import { als } from 'pkg'; globalThis.result = typeof als; export const f = async () => { await 1 };",
            "export const als = globalThis.process?.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage;\n\
             export const g = async () => { await 2 };",
        ),
        (
            "import { load } from 'pkg'; globalThis.result = typeof load; export const f = async () => { await 1 };",
            "export const load = () => import(/* @vite-ignore */ /* webpackIgnore: true */ 'node:async_hooks');\n\
             export const g = async () => { await 2 };",
        ),
    ] {
        let mut apart = Apart::new(&[
            ("src/index.ts", index),
            ("node_modules/pkg/package.json", ESM),
            ("node_modules/pkg/index.js", package),
        ]);
        for _ in 0..2 {
            let bundle = apart.build(&[]);
            let dependencies = bundle.dependencies.as_ref().expect("packages are apart");
            let texts = dependencies.modules.iter().map(|m| String::from_utf8(m.code.to_vec()).unwrap());
            let all: Vec<_> = texts.chain([code(&bundle).to_owned()]).collect();
            assert!(all.iter().all(|text| !text.contains("await ")), "{all:#?}");
            // The next session knows.
            apart.bundler = Apart::bundler(&apart.project);
        }
    }
}

#[test]
fn code_without_packages_is_lowered_too() {
    let mut apart = Apart::new(&[(
        "src/index.ts",
        "import { AsyncLocalStorage } from 'node:async_hooks'; globalThis.result = typeof AsyncLocalStorage;\n\
         export const f = async () => { await 1 };",
    )]);
    let bundle = apart.build(&[]);
    assert!(bundle.external.is_none() && !code(&bundle).contains("await 1"), "{}", code(&bundle));
}

#[test]
fn files_of_the_project_come_and_go() {
    let package =
        [("node_modules/pkg/package.json", ESM), ("node_modules/pkg/index.js", "export const id = 'a';")];
    let mut files = vec![(
        "src/index.ts",
        "import { id } from 'pkg'; import { n } from './late'; globalThis.result = [id, n];",
    )];
    files.extend(package);
    let mut apart = Apart::new(&files);
    assert_eq!(apart.try_build(&[]).unwrap_err().diagnostics[0].code, "bundle/unresolved-import");
    assert_eq!(run(&apart.save("src/late.ts", "export const n = 1;")), r#"["a",1]"#);
    let (late, other) = (apart.project.path("src/late.ts"), apart.project.path("src/other.ts"));
    fs::rename(&late, &other).unwrap();
    assert_eq!(apart.try_build(&[late, other]).unwrap_err().diagnostics[0].code, "bundle/unresolved-import");
    let index = "import { id } from 'pkg'; import { n } from './other'; globalThis.result = [id, n];";
    assert_eq!(run(&apart.save("src/index.ts", index)), r#"["a",1]"#);
    apart.project.write("src/mapped/v.ts", "export const n = 2;");
    let index = index.replace("./other", "@m/v");
    let path = apart.project.write("src/index.ts", index);
    assert!(apart.try_build(&[path]).is_err());
    let tsconfig = r#"{ "compilerOptions": { "paths": { "@m/*": ["./src/mapped/*"] } } }"#;
    let bundle = apart.save("tsconfig.json", tsconfig);
    assert_eq!(run(&bundle), r#"["a",2]"#);
    assert!(bundle.dependencies.is_some());
}

#[test]
fn a_package_that_is_installed_later_is_found() {
    let mut apart = Apart::new(&[
        ("package.json", "{}"),
        ("src/index.ts", "import { id } from 'pkg'; globalThis.result = id;"),
    ]);
    assert!(apart.try_build(&[]).is_err());
    apart.project.write("node_modules/pkg/index.js", "export const id = 'a';");
    let bundle = apart.save("node_modules/pkg/package.json", ESM);
    assert_eq!(run(&bundle), r#""a""#);
    assert!(bundle.dependencies.is_some());
}

#[test]
fn exports_and_files_of_packages_are_known() {
    let (_, bundle) = same_both_ways(&[
        (
            "src/index.ts",
            "export * from 'pkg'; import { text } from 'pkg/text.js'; globalThis.result = text;",
        ),
        (
            "node_modules/pkg/package.json",
            r#"{ "name": "pkg", "type": "module", "exports": { ".": "./i.js", "./*": "./*" } }"#,
        ),
        ("node_modules/pkg/i.js", "export class Room {} export default 1;"),
        (
            "node_modules/pkg/text.js",
            "import t from './t.txt'; import d from './d.bin'; export const text = [t, d.byteLength];",
        ),
        ("node_modules/pkg/t.txt", "text"),
        ("node_modules/pkg/d.bin", "123"),
    ]);
    assert!(bundle.exports.contains(&"Room".to_owned()) && !bundle.exports.contains(&"default".to_owned()));
}

#[test]
fn a_position_in_a_package_is_found_in_its_file() {
    let mut apart = Apart::new(&[
        ("src/index.ts", "import { id } from 'pkg'; globalThis.result = id;"),
        ("node_modules/pkg/package.json", ESM),
        ("node_modules/pkg/index.js", "// first\nexport const id = 'a';\n"),
    ]);
    let bundle = apart.build(&[]);
    let module = &bundle.dependencies.as_ref().unwrap().modules[0];
    let text = std::str::from_utf8(&module.code).unwrap();
    let line = text.lines().position(|line| line.contains("id = ")).unwrap() + 1;
    let maps = crate::bundle::SourceMaps::new(&bundle);
    let original = maps.lookup(&module.name, u32::try_from(line).unwrap(), 1).unwrap();
    assert_eq!((original.path.as_str(), original.line), ("node_modules/pkg/index.js", 2));
}

#[test]
fn damaged_packages_are_built_again() {
    let mut apart = Apart::new(&[
        ("src/index.ts", "import { id } from 'pkg'; globalThis.result = id;"),
        ("node_modules/pkg/package.json", ESM),
        ("node_modules/pkg/index.js", "export const id = 'a';"),
    ]);
    apart.build(&[]);
    let files = fs::read_dir(apart.project.path(".cache")).unwrap().map(|entry| entry.unwrap().path());
    let file = files.into_iter().find(|path| path.extension().is_some_and(|e| e == "bin")).unwrap();
    let bytes = fs::read(&file).unwrap();
    for at in [0, 20, 60, bytes.len() / 2, bytes.len() - 1] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        fs::write(&file, damaged).unwrap();
        let bundle = Apart::bundler(&apart.project).build(&apart.project.request, &[]).unwrap();
        assert_eq!(run(&bundle), r#""a""#, "byte {at}");
        assert_eq!(fs::read(&file).unwrap().len(), bytes.len(), "it is whole again");
    }
}

#[test]
fn names_of_required_modules_are_told_apart() {
    let user = r#"
        const require_context = require("./a/context.cjs");
        const require_context$1 = require("./b/context.cjs");
        const { inner: { require_context$1: property } } = { inner: { require_context$1 } };
        exports.all = [require_context.name, require_context$1.name, property.name].join();
    "#;
    let (result, _) = same_both_ways(&[
        ("src/index.ts", "import { all, more } from 'p'; globalThis.result = [all, more];"),
        ("node_modules/p/package.json", r#"{ "name": "p", "version": "1.0.0", "main": "index.cjs" }"#),
        (
            "node_modules/p/index.cjs",
            r#"
            const require_context = require("./b/context.cjs");
            const require_context$1 = require("./a/context.cjs");
            const require_user = require("./user.cjs");
            exports.all = require_user.all;
            exports.more = [require_context.name, require_context$1.name].join();
            "#,
        ),
        ("node_modules/p/a/context.cjs", "exports.name = 'a';"),
        ("node_modules/p/b/context.cjs", "exports.name = 'b';"),
        ("node_modules/p/user.cjs", user),
    ]);
    assert_eq!(result, r#"["a,b,b","b,a"]"#);
}
