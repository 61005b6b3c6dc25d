//! The bundler process: the real binary, killed and crashed.

use std::path::{Path, PathBuf};
use std::process::Command;

use dodev::bundle::{BundleRequest, Bundler, ChildBundler};

fn request(root: &Path) -> BundleRequest {
    BundleRequest {
        root: root.to_owned(),
        entry: root.join("index.ts"),
        define: vec![],
        alias: vec![],
        rules: vec![],
        tsconfig: None,
        jsx_factory: None,
        jsx_fragment: None,
        conditions: ["workerd", "worker", "browser"].map(str::to_owned).to_vec(),
        platform: dodev::bundle::BuildPlatform::default(),
        minify: false,
        keep_names: true,
        node_compat: false,
        packages: dodev::bundle::Packages::Inside,
    }
}

fn bundler() -> ChildBundler {
    ChildBundler::new(PathBuf::from(env!("CARGO_BIN_EXE_dodev")))
}

#[test]
fn one_child_serves_all_builds_and_is_replaced_when_it_dies() {
    let directory = tempfile::tempdir().unwrap();
    let entry = directory.path().join("index.ts");
    let request = request(directory.path());
    let mut bundler = bundler();
    let build = |bundler: &mut ChildBundler, value: &str| {
        std::fs::write(&entry, format!("globalThis.value = '{value}' as string;")).unwrap();
        let bundle = bundler.build(&request, std::slice::from_ref(&entry)).unwrap();
        let code = String::from_utf8(bundle.modules[0].code.clone()).unwrap();
        assert!(code.contains(&format!("globalThis.value = \"{value}\"")), "{code}");
    };
    assert_eq!(bundler.child_id(), None);
    build(&mut bundler, "first");
    let first = bundler.child_id().unwrap();
    build(&mut bundler, "second");
    assert_eq!(bundler.child_id(), Some(first));
    let killed = Command::new("kill").args(["-9", &first.to_string()]).status().unwrap();
    assert!(killed.success());
    build(&mut bundler, "third");
    assert_ne!(bundler.child_id(), Some(first));
    bundler.end_idle();
    assert_eq!(bundler.child_id(), None);
    build(&mut bundler, "fourth");
}

#[test]
fn failures_come_back_with_their_places() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("index.ts"), "import './nowhere';").unwrap();
    let failure = bundler().build(&request(directory.path()), &[]).unwrap_err();
    let [diagnostic] = failure.diagnostics.as_slice() else { panic!("{:?}", failure.diagnostics) };
    assert_eq!(diagnostic.to_string(), "index.ts:1:8: cannot find `./nowhere`");
}
