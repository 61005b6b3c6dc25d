//! Projects in temporary directories, bundled in this process and run in a bare engine.

mod decorators;
mod errors;
mod modules;
mod packages;
mod published;
mod readings;
mod rebuild;
mod unbundled;

use std::fs;
use std::path::{Path, PathBuf};

use rquickjs::loader::{BuiltinLoader, BuiltinResolver};
use rquickjs::{CatchResultExt, Context, Module as JsModule, Runtime};

use super::{BuildFailure, Bundle, BundleRequest, Bundler, DependencyForm, InProcessBundler, OutputKind};
use crate::base::diag::Diagnostic;

/// A project on disk and its bundler.
struct TestProject {
    directory: tempfile::TempDir,
    request: BundleRequest,
    bundler: InProcessBundler,
}

impl TestProject {
    /// A project of these files whose entry is `src/index.ts`.
    fn new(files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = dunce::canonicalize(directory.path()).unwrap();
        let request = BundleRequest {
            entry: root.join("src/index.ts"),
            root,
            define: vec![],
            alias: vec![],
            rules: vec![],
            tsconfig: None,
            jsx_factory: None,
            jsx_fragment: None,
            conditions: ["workerd", "worker", "browser"].map(str::to_owned).to_vec(),
            platform: super::BuildPlatform::default(),
            minify: false,
            keep_names: true,
            node_compat: true,
            async_hooks: true,
            packages: super::Packages::Inside,
            unbundled: None,
        };
        let project = Self { directory, request, bundler: InProcessBundler::new().unwrap() };
        for (name, text) in files {
            project.write(name, text);
        }
        project
    }

    /// Writes a file and returns its path.
    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        dunce::canonicalize(self.directory.path()).unwrap().join(name)
    }

    fn try_build(&mut self, changed: &[PathBuf]) -> Result<Bundle, BuildFailure> {
        self.bundler.build(&self.request, changed)
    }

    fn build(&mut self) -> Bundle {
        self.rebuild(&[])
    }

    fn rebuild(&mut self, changed: &[PathBuf]) -> Bundle {
        self.try_build(changed).unwrap_or_else(|failure| panic!("{}", shown(&failure.diagnostics)))
    }

    fn fail(&mut self, changed: &[PathBuf]) -> BuildFailure {
        match self.try_build(changed) {
            Ok(bundle) => panic!("was built:\n{}", code(&bundle)),
            Err(failure) => failure,
        }
    }
}

/// Writes `text` as the file `name`, bundles and runs: the JSON of what `result` was set to.
fn run_files(files: &[(&str, &str)]) -> String {
    run(&TestProject::new(files).build())
}

/// The text of the entry module.
fn code(bundle: &Bundle) -> &str {
    std::str::from_utf8(&bundle.modules[0].code).unwrap()
}

/// Runs the bundle; the platform's modules are stubs. Gives the JSON of `globalThis.result`.
fn run(bundle: &Bundle) -> String {
    let mut resolver = BuiltinResolver::default();
    let mut loader = BuiltinLoader::default();
    let platform = [
        ("cloudflare:workers", "export class DurableObject { constructor(ctx, env) { this.ctx = ctx; } }"),
        ("node:path", "export const sep = '/'; export default { sep };"),
        ("node:async_hooks", "export class AsyncLocalStorage {}"),
        ("node:events", "export default class EventEmitter { static own = 1 }"),
    ];
    for (name, source) in platform {
        resolver.add_module(name);
        loader.add_module(name, source);
    }
    for module in &bundle.modules[1..] {
        // The engine's built-in resolver takes relative names apart.
        let name = module.name.trim_start_matches("./");
        resolver.add_module(name);
        let source = match module.kind {
            OutputKind::Data => format!("export default new Uint8Array({:?}).buffer;", &module.code[..]),
            OutputKind::Wasm => format!("export default {{ wasm: {:?} }};", &module.code[..]),
            OutputKind::EsModule => String::from_utf8(module.code.to_vec()).unwrap(),
            OutputKind::Text => {
                let text = String::from_utf8(module.code.to_vec()).unwrap();
                format!("export default {};", serde_json::Value::String(text))
            }
        };
        loader.add_module(name, source);
    }
    let mut packages = Vec::new();
    if let Some(dependencies) = &bundle.dependencies {
        for module in &dependencies.modules {
            resolver.add_module(module.name.as_str());
            let source = match module.form {
                DependencyForm::Wasm => format!("export default {{ wasm: {:?} }};", module.code),
                DependencyForm::Data => format!("export default new Uint8Array({:?}).buffer;", module.code),
                _ => String::from_utf8(module.code.to_vec()).unwrap(),
            };
            loader.add_module(module.name.as_str(), source);
        }
        packages.clone_from(&bundle.external.as_ref().unwrap().order);
    }
    let first: String = packages.iter().map(|name| format!("import '{name}';\n")).collect();
    let runtime = Runtime::new().unwrap();
    runtime.set_loader(resolver, loader);
    let context = Context::full(&runtime).unwrap();
    context.with(|ctx| {
        let packages = JsModule::evaluate(ctx.clone(), "packages", first).and_then(|p| p.finish::<()>());
        packages.catch(&ctx).unwrap_or_else(|error| panic!("{error}"));
        let evaluated = JsModule::evaluate(ctx.clone(), bundle.entry.as_str(), code(bundle))
            .and_then(|promise| promise.finish::<()>());
        evaluated.catch(&ctx).unwrap_or_else(|error| panic!("{error}\n{}", code(bundle)));
        ctx.eval::<String, _>("JSON.stringify(globalThis.result) ?? 'undefined'").unwrap()
    })
}

/// Diagnostics as text: place, code, message, what is underlined, help.
fn shown(diagnostics: &[Diagnostic]) -> String {
    let line = |diagnostic: &Diagnostic| {
        let labels: String = diagnostic
            .labels
            .iter()
            .map(|label| format!(" [{}|{}]", &label.source.text[label.span.clone()], label.text))
            .collect();
        let help = diagnostic.help.as_deref().map(|help| format!(" -> {help}")).unwrap_or_default();
        format!("{diagnostic} ({}){labels}{help}", diagnostic.code)
    };
    diagnostics.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn contains(paths: &[PathBuf], path: &Path) -> bool {
    paths.iter().any(|other| other == path)
}
