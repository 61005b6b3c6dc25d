//! Builds after edits, and the cache.

use super::*;
use crate::bundle::BundleCache;

#[test]
fn an_edit_of_any_file_is_in_the_next_bundle() {
    let mut project = TestProject::new(&[
        ("src/index.ts", "import { a } from './a'; globalThis.result = ['index', a];"),
        ("src/a.ts", "export const a = 1;"),
    ]);
    let first = project.build();
    assert_eq!(run(&first), r#"["index",1]"#);
    let a = project.write("src/a.ts", "export const a = 2;");
    let second = project.rebuild(&[a]);
    assert_eq!(run(&second), r#"["index",2]"#);
    assert_ne!(first.hash, second.hash);
    let index = project.write("src/index.ts", "import { a } from './a'; globalThis.result = ['edited', a];");
    assert_eq!(run(&project.rebuild(std::slice::from_ref(&index))), r#"["edited",2]"#);
    assert_eq!(first.inputs, project.rebuild(&[index]).inputs);
}

#[test]
fn an_error_repeats_until_it_is_fixed() {
    let good = "export const a = 1;";
    let mut project = TestProject::new(&[
        ("src/index.ts", "import { a } from './a'; import { b } from './b'; globalThis.result = [a, b];"),
        ("src/a.ts", good),
        ("src/b.ts", "export const b = 1;"),
    ]);
    project.build();
    for (bad, error) in [
        ("export const a = ;", "bundle/syntax"),
        ("export const other = 1;", "bundle/missing-export"),
        ("import './gone'; export const a = 1;", "bundle/unresolved-import"),
        ("import 'gone'; export const a = 1;", "bundle/unresolved-import"),
        ("class A { accessor x = 1 }; import './gone'; export const a = A;", "bundle/unresolved-import"),
    ] {
        let a = project.write("src/a.ts", bad);
        let b = project.path("src/b.ts");
        let failure = project.fail(std::slice::from_ref(&a));
        assert_eq!(failure.diagnostics[0].code, error, "{bad}");
        assert!(contains(&failure.inputs, &a) && contains(&failure.inputs, &b), "{:?}", failure.inputs);
        assert_eq!(project.fail(&[b]).diagnostics, failure.diagnostics, "{bad}");
        project.write("src/a.ts", good);
        assert_eq!(run(&project.rebuild(&[a])), "[1,1]", "after {bad}");
    }
}

#[test]
fn a_first_build_that_fails_is_mended_by_an_edit() {
    for (bad, good) in [
        ("import { a } from './a'; export const = 1;", "globalThis.result = 1;"),
        ("import 'missing';", "globalThis.result = 1;"),
        ("import { nope } from './a'; globalThis.x = nope;", "globalThis.result = 1;"),
        ("class A { accessor x = ; }", "class A { accessor x = 1 }\nglobalThis.result = new A().x;"),
    ] {
        let mut project = TestProject::new(&[("src/index.ts", bad), ("src/a.ts", "export const a = 1;")]);
        project.fail(&[]);
        let a = project.path("src/a.ts");
        project.fail(&[a]);
        let index = project.write("src/index.ts", good);
        assert_eq!(run(&project.rebuild(&[index])), "1", "after {bad}");
    }
}

#[test]
fn files_that_appear_and_vanish_are_noticed() {
    let mut project =
        TestProject::new(&[("src/index.ts", "import { a } from './late'; globalThis.result = a;")]);
    let failure = project.fail(&[]);
    let late = project.path("src/late.ts");
    assert!(contains(&failure.inputs, &late), "{:?}", failure.inputs);
    project.write("src/late.ts", "export const a = 1;");
    assert_eq!(run(&project.rebuild(std::slice::from_ref(&late))), "1");
    fs::remove_file(&late).unwrap();
    assert_eq!(project.fail(std::slice::from_ref(&late)).diagnostics[0].code, "bundle/unresolved-import");
    let script = project.write("src/late.js", "export const a = 2;");
    assert_eq!(run(&project.rebuild(&[script])), "2");
    let failure = {
        project.write("src/index.ts", "import { p } from 'pkg'; globalThis.result = p;");
        let index = project.path("src/index.ts");
        project.write("package.json", "{}");
        project.fail(&[index])
    };
    let manifest = project.path("node_modules/pkg/package.json");
    assert!(contains(&failure.inputs, &manifest), "{:?}", failure.inputs);
    project.write("node_modules/pkg/index.js", "export const p = 3;");
    project.write("node_modules/pkg/package.json", r#"{ "module": "index.js" }"#);
    assert_eq!(run(&project.rebuild(&[manifest])), "3");
}

#[test]
fn configuration_and_assets_are_inputs_too() {
    let mut project = TestProject::new(&[
        (
            "src/index.ts",
            "import { v } from '@lib/v'; import text from './t.txt'; import data from './d.bin';\n\
             globalThis.result = [v, text, new Uint8Array(data)[0]];",
        ),
        ("src/one/v.ts", "export const v = 1;"),
        ("src/two/v.ts", "export const v = 2;"),
        ("src/t.txt", "t1"),
        ("src/d.bin", "1"),
        ("base.json", r#"{ "compilerOptions": { "paths": { "@lib/*": ["./src/one/*"] } } }"#),
        ("tsconfig.json", r#"{ "extends": "./base.json" }"#),
    ]);
    let bundle = project.build();
    assert_eq!(run(&bundle), r#"[1,"t1",49]"#);
    for name in ["base.json", "tsconfig.json", "src/t.txt", "src/d.bin"] {
        assert!(contains(&bundle.inputs, &project.path(name)), "{name} in {:?}", bundle.inputs);
    }
    let text = project.write("src/t.txt", "t2");
    let data = project.write("src/d.bin", "22");
    assert_eq!(run(&project.rebuild(&[text])), r#"[1,"t2",50]"#);
    project.write("src/d.bin", "333");
    assert_eq!(run(&project.rebuild(&[data])), r#"[1,"t2",51]"#);
    let tsconfig = project
        .write("tsconfig.json", r#"{ "compilerOptions": { "paths": { "@lib/*": ["./src/two/*"] } } }"#);
    assert_eq!(run(&project.rebuild(&[tsconfig])), r#"[2,"t2",51]"#);
}

#[test]
fn another_request_starts_afresh() {
    let mut project = TestProject::new(&[("src/index.ts", "globalThis.result = MODE;")]);
    for mode in ["1", "2"] {
        project.request.define = vec![("MODE".into(), mode.into())];
        let index = project.path("src/index.ts");
        assert_eq!(run(&project.rebuild(&[index])), mode);
    }
}

#[test]
fn an_unchanged_project_comes_from_the_cache() {
    let mut project = TestProject::new(&[
        ("src/index.ts", "import t from './t.txt'; globalThis.result = t;"),
        ("src/t.txt", "text"),
    ]);
    let cache = BundleCache::new(project.path(".wrangler/dodev"));
    assert_eq!(cache.load_if_unchanged(&project.request, |_| {}), None);
    let bundle = project.build();
    let mark = newer_mark(&cache, &bundle);
    assert!(cache.store(&project.request, &bundle, mark).unwrap());
    assert_eq!(cache.load_if_unchanged(&project.request, |_| {}), Some(bundle.clone()));

    let mut other = project.request.clone();
    other.minify = true;
    assert_eq!(cache.load_if_unchanged(&other, |_| {}), None);

    project.write("src/t.txt", "longer text");
    let likely = |_: &Bundle| panic!("a file of the project is another one");
    assert_eq!(cache.load_if_unchanged(&project.request, likely), None);
    // What was built before the edit is not stored after it.
    assert!(!cache.store(&project.request, &bundle, mark).unwrap());
}

#[test]
fn a_bundle_from_the_cache_is_told_of_before_its_packages_are_looked_at() {
    let package = "node_modules/p/index.js";
    let mut project = TestProject::new(&[
        ("src/index.ts", "import p from 'p'; globalThis.result = p;"),
        (package, "export default 1;"),
    ]);
    let cache = BundleCache::new(project.path("cache"));
    let bundle = project.build();
    let mark = newer_mark(&cache, &bundle);
    assert!(cache.store(&project.request, &bundle, mark).unwrap());
    let mut told = Vec::new();
    assert!(cache.load_if_unchanged(&project.request, |likely| told.push(likely.clone())).is_some());
    project.write(package, "export default 1000;");
    assert_eq!(cache.load_if_unchanged(&project.request, |likely| told.push(likely.clone())), None);
    assert_eq!(told, [bundle.clone(), bundle]);
}

#[test]
fn a_configuration_that_appears_makes_the_cache_stale() {
    let mut project = TestProject::new(&[("src/index.ts", "globalThis.result = 1;")]);
    let cache = BundleCache::new(project.path("cache"));
    let bundle = project.build();
    let mark = newer_mark(&cache, &bundle);
    assert!(cache.store(&project.request, &bundle, mark).unwrap());
    assert!(cache.load_if_unchanged(&project.request, |_| {}).is_some());
    project.write("tsconfig.json", "{}");
    assert_eq!(cache.load_if_unchanged(&project.request, |_| {}), None);
}

#[test]
fn damaged_cache_files_are_ignored() {
    let mut project = TestProject::new(&[("src/index.ts", "globalThis.result = 1;")]);
    let directory = project.path("cache");
    let cache = BundleCache::new(&directory);
    let bundle = project.build();
    let mark = newer_mark(&cache, &bundle);
    assert!(cache.store(&project.request, &bundle, mark).unwrap());
    let is_entry = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "bin");
    let files = || fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let file = files().find(is_entry).unwrap();
    assert_eq!(files().count(), 2, "the entry and .gitignore");
    let bytes = fs::read(&file).unwrap();
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        fs::write(&file, &damaged).unwrap();
        assert_eq!(cache.load_if_unchanged(&project.request, |_| {}), None, "byte {at}");
        fs::write(&file, &bytes[..at]).unwrap();
        assert_eq!(cache.load_if_unchanged(&project.request, |_| {}), None, "cut at {at}");
    }
    fs::write(&file, &bytes).unwrap();
    assert_eq!(cache.load_if_unchanged(&project.request, |_| {}), Some(bundle));
}

#[test]
fn the_cache_keeps_a_bounded_number_of_bundles() {
    let mut project = TestProject::new(&[("src/index.ts", "globalThis.result = 1;")]);
    let directory = project.path("cache");
    let cache = BundleCache::new(&directory);
    let bundle = project.build();
    let mark = newer_mark(&cache, &bundle);
    for mode in 0..20 {
        project.request.define = vec![("MODE".into(), mode.to_string())];
        assert!(cache.store(&project.request, &bundle, mark).unwrap());
    }
    let bundles = fs::read_dir(&directory).unwrap().filter(|entry| {
        entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "bin")
    });
    assert_eq!(bundles.count(), 8);
}

/// A mark that is newer than all inputs, however coarse the file system's clock is.
fn newer_mark(cache: &BundleCache, bundle: &Bundle) -> crate::bundle::CacheMark {
    let newest = bundle.inputs.iter().filter_map(|path| fs::metadata(path).ok()?.modified().ok()).max();
    let newest = newest.expect("a bundle has inputs");
    for path in &bundle.inputs {
        if let Ok(file) = fs::File::options().write(true).open(path) {
            file.set_modified(newest - std::time::Duration::from_secs(10)).unwrap();
        }
    }
    cache.mark().unwrap()
}

#[test]
fn a_new_file_that_a_computed_import_may_mean_is_built() {
    let mut project = TestProject::new(&[
        (
            "src/index.ts",
            "const name = (n: string) => require(`./l/${n}.js`);\n\
             globalThis.result = ['a', 'b'].map((n) => { try { return name(n); } catch { return 'none'; } });",
        ),
        ("src/l/a.js", "module.exports = 'A';"),
    ]);
    let first = project.build();
    assert_eq!(run(&first), r#"["A","none"]"#);
    assert!(contains(&first.inputs, &project.path("src/l")), "{:?}", first.inputs);
    let second = project.build();
    assert_eq!(run(&second), r#"["A","none"]"#);
    let added = project.write("src/l/b.js", "module.exports = 'B';");
    assert_eq!(run(&project.rebuild(std::slice::from_ref(&added))), r#"["A","B"]"#);
    std::fs::remove_file(&added).unwrap();
    assert_eq!(run(&project.rebuild(&[added])), r#"["A","none"]"#);
}
