//! Compiles the prelude, the JavaScript half of dodev, to bytecode; and SQLite and the engine with a few lines of ours
//! (`build/sqlite.rs`, `build/quickjs.rs`).
//!
//! Every `.js` file below the folders in `ROOTS` becomes one module named `dodev:<path>`
//! (`src/web/headers/headers.js` is `dodev:web/headers`, a file named unlike its folder keeps its own
//! name behind the folder's). Bytecode starts ten times faster than source; its source text is
//! stripped, its line numbers are kept. Files named `tests.js` and folders named `testing` are not part of it.

#[path = "build/builtins.rs"]
mod builtins;
#[path = "build/bundler.rs"]
mod bundler;
#[path = "build/changes.rs"]
mod changes;
#[path = "build/places.rs"]
mod places;
#[path = "build/quickjs.rs"]
mod quickjs;
#[path = "build/sqlite.rs"]
mod sqlite;
#[path = "build/words.rs"]
mod words;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::{Declared, WriteOptions};
use rquickjs::{Context, Ctx, Module, Runtime};

const ROOTS: &[&str] = &["src/engine", "src/node", "src/web", "src/workers"];

/// The module that the engine provides natively; only its existence matters here.
const HOST: &str = "dodev:host";

type Sources = BTreeMap<String, PathBuf>;

struct Prelude(Sources);

impl Resolver for Prelude {
    fn resolve<'js>(
        &mut self,
        _: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        if name == HOST || self.0.contains_key(name) {
            Ok(name.to_owned())
        } else {
            Err(rquickjs::Error::new_resolving(base, name))
        }
    }
}

impl Loader for Prelude {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js, Declared>> {
        let source = match self.0.get(name) {
            Some(path) => fs::read_to_string(path)?,
            None => "export default null;".to_owned(),
        };
        Module::declare(ctx.clone(), name, source)
    }
}

fn find(folder: &Path, sources: &mut Sources) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("a readable source folder").path()) {
        if path.is_dir() {
            if !path.ends_with("testing") {
                find(&path, sources);
            }
        } else if path.extension().is_some_and(|e| e == "js") && !path.ends_with("tests.js") {
            sources.insert(module_name(&path), path);
        }
    }
}

fn module_name(path: &Path) -> String {
    let path = path.strip_prefix("src").expect("roots lie below src").with_extension("");
    let folder = path.parent().expect("a root has a folder");
    let path = if folder.file_name() == path.file_name() { folder } else { &path };
    format!("dodev:{}", path.to_str().expect("source paths are ASCII").replace('\\', "/"))
}

fn compile(sources: &Sources, name: &str, path: &Path) -> Vec<u8> {
    let runtime = Runtime::new().expect("an engine for the build");
    runtime.set_loader(Prelude(sources.clone()), Prelude(sources.clone()));
    let context = Context::full(&runtime).expect("a context for the build");
    context.with(|ctx| {
        let source = fs::read_to_string(path).expect("a readable source file");
        let result = Module::declare(ctx.clone(), name, source).and_then(|module| {
            module.write(WriteOptions { strip_source: true, strip_debug: false, ..WriteOptions::default() })
        });
        result.unwrap_or_else(|error| {
            let thrown = ctx.catch();
            let detail = thrown.as_exception().map(|e| format!("{e}")).unwrap_or_default();
            panic!("{}: {error} {detail}", path.display())
        })
    })
}

/// Links the program at a fixed address where that is known to work: 62,000 addresses need not be corrected at every
/// start, of the server and of the bundler's process.
fn link_at_fixed_address() {
    let target = |name: &str| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if (target("OS"), target("ARCH"), target("ENV")) == ("linux".into(), "x86_64".into(), "gnu".into()) {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

/// Has `src/engine/regexp` stand in for the engine's function that searches, and `src/engine/words.rs` for the one by which it
/// words its mistakes, where linkers can do that.
fn take_over_functions() {
    println!("cargo::rustc-check-cfg=cfg(takes_over_functions)");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|is| is == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_POINTER_WIDTH", "64") {
        println!("cargo::rustc-cfg=takes_over_functions");
        println!("cargo::rustc-link-arg=-Wl,--wrap=lre_exec,--wrap=lre_compile");
        println!("cargo::rustc-link-arg=-Wl,--wrap=vsnprintf,--wrap=__vsnprintf_chk");
    }
}

/// Writes a new file in the place of the old one, which a copy of the directory made of links may share.
fn write_new(file: &Path, bytes: &[u8]) {
    // There may be none.
    drop(fs::remove_file(file));
    fs::write(file, bytes).expect("a writable OUT_DIR");
}

fn main() {
    link_at_fixed_address();
    take_over_functions();
    println!("cargo::rerun-if-changed=build");
    bundler::sum_up();
    sqlite::build();
    quickjs::build();
    let mut sources = Sources::new();
    for root in ROOTS {
        println!("cargo::rerun-if-changed={root}");
        find(Path::new(root), &mut sources);
    }
    let out = changes::out_dir();
    let mut table = String::from("/// Module names and bytecode of the prelude, sorted by name.\n");
    table.push_str("pub static MODULES: &[(&str, &[u8])] = &[\n");
    for (number, (name, path)) in sources.iter().enumerate() {
        let file = out.join(format!("prelude-{number}.qjs"));
        write_new(&file, &compile(&sources, name, path));
        writeln!(table, "    ({name:?}, include_bytes!({file:?})),").expect("strings take text");
    }
    table.push_str("];\n");
    write_new(&out.join("prelude.rs"), table.as_bytes());
}
