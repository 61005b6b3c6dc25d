//! Finds modules: the prelude's, the platform's public ones, and the user's bundle.
//!
//! Invariant: `dodev:` modules are visible to prelude modules only. User code reaches the platform
//! through globals and the public names that extensions list (`cloudflare:workers`).

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use bytes::Bytes;
use rquickjs::function::{Constructor, Rest};
use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::{Declarations, Declared, Exports, ModuleDef};
use rquickjs::{Coerced, Ctx, Error, Exception, Function, Module, Object, Result, Value};
use url::Url;

use super::host::Host;
use super::opaque::Opaque;
use super::prelude;
use crate::base::module_name;

/// The module through which prelude modules reach the host's operations: one default export.
pub const HOST_MODULE: &str = "dodev:host";
/// The global that carries the host object until [`HOST_MODULE`] was evaluated.
pub const HOST_GLOBAL: &str = "__dodev_host";

/// The entry that makes a `WebAssembly.Module`: given the file (an [`Opaque`] `Arc<Vec<u8>>`) and its name.
pub const WASM_ENTRY: &str = "wasm-module";

/// What one module of the user's bundle holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleSource {
    /// JavaScript of an ES module, UTF-8.
    EsModule(Bytes),
    /// Bytes; the module's default export is an `ArrayBuffer` of them.
    Data(Arc<Vec<u8>>),
    /// A file in WebAssembly's binary format; the module's default export is the `WebAssembly.Module` of it.
    Wasm(Arc<Vec<u8>>),
    /// What [`super::bytecode::compile`] made in this version of dodev; its hash has been checked.
    Bytecode(Arc<Vec<u8>>),
}

/// Whether a public name is hidden.
pub type Hides = fn(&str) -> bool;

/// The modules that one realm can load, shared by resolver and loader.
#[derive(Debug, Default)]
pub struct ModuleMap {
    /// Public name → prelude module, for example `cloudflare:workers` → `dodev:workers/entrypoints`.
    pub public: HashMap<&'static str, &'static str>,
    /// Which of the public names this isolate's user must not see.
    pub hidden: Cell<Option<Hides>>,
    /// The user's modules by name.
    pub user: RefCell<HashMap<String, ModuleSource>>,
    /// Whether modules have URLs, which `import.meta` and messages name.
    pub by_url: Cell<bool>,
    /// The module that was loaded last from outside: the main one, when its own code runs.
    pub main: RefCell<String>,
}

/// The maps of an isolate's realms, found by the context that asks. They are set before any module is loaded.
#[derive(Debug, Default)]
pub struct RealmModules(RefCell<Vec<(usize, Rc<ModuleMap>)>>);

impl RealmModules {
    /// The modules of the realm whose context is `ctx`.
    pub fn set(&self, ctx: &Ctx<'_>, map: Rc<ModuleMap>) {
        self.0.borrow_mut().push((address(ctx), map));
    }

    fn of(&self, ctx: &Ctx<'_>) -> Rc<ModuleMap> {
        let maps = self.0.borrow();
        let found = maps.iter().find(|(realm, _)| *realm == address(ctx));
        found.expect("a realm's modules are set when it is made").1.clone()
    }
}

fn address(ctx: &Ctx<'_>) -> usize {
    ctx.as_raw().as_ptr() as usize
}

/// Resolver and loader of one isolate.
#[derive(Clone)]
pub struct Modules(pub Rc<RealmModules>);

impl Resolver for Modules {
    fn resolve<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        // An empty base is the host itself.
        if base.is_empty() || base.starts_with("dodev:") {
            return Ok(name.to_owned());
        }
        let modules = self.0.of(ctx);
        let hidden = modules.hidden.get().is_some_and(|hidden| hidden(name));
        if let Some(target) = modules.public.get(name).filter(|_| !hidden) {
            return Ok((*target).to_owned());
        }
        let resolved = module_name::resolve(base, name);
        if modules.user.borrow().contains_key(&resolved) {
            return Ok(resolved);
        }
        // Node.js's own names, where the Worker may leave out their prefix.
        if let Some(target) = modules.public.get(format!("node:{name}").as_str()).filter(|_| !hidden) {
            return Ok((*target).to_owned());
        }
        Err(missing(ctx, base, name, &resolved, modules.by_url.get()))
    }
}

impl Loader for Modules {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        if name == HOST_MODULE {
            return Module::declare_def::<HostModule, _>(ctx.clone(), name);
        }
        if let Some(bytecode) = prelude::bytecode(name) {
            return load_bytecode(ctx, bytecode);
        }
        match self.0.of(ctx).user.borrow().get(name) {
            Some(ModuleSource::EsModule(source)) => {
                let module = Module::declare(ctx.clone(), name, &*String::from_utf8_lossy(source))?;
                describe(&module, name, &self.0.of(ctx))?;
                Ok(module)
            }
            Some(ModuleSource::Bytecode(code)) => {
                // SAFETY: the same engine wrote the bytes, as the variant demands; it copies what it keeps.
                let module = unsafe { Module::load(ctx.clone(), code) }?;
                describe(&module, name, &self.0.of(ctx))?;
                Ok(module)
            }
            Some(ModuleSource::Data(_) | ModuleSource::Wasm(_)) => {
                Module::declare_def::<FileModule, _>(ctx.clone(), name)
            }
            None => Err(Error::new_loading(name)),
        }
    }
}

/// The directory in which all modules of a Worker are, as far as it can tell.
const ROOT: &str = "file:///bundle/";

/// Throws that `name`, imported by `base`, is no module; `resolved` is what was looked for.
///
/// Fidelity: observed with workerd 1.20261117.1; the names of modules are URLs with the flag `new_module_registry`.
fn missing(ctx: &Ctx<'_>, base: &str, name: &str, resolved: &str, by_url: bool) -> Error {
    let text = if by_url {
        let place = Url::parse(ROOT).and_then(|root| root.join(base)).and_then(|base| base.join(name));
        format!("Module not found: {}", place.map_or_else(|_| name.to_owned(), String::from))
    } else if module_name::leads_out(base, name) {
        format!("No such module \"{name}\"")
    } else {
        format!("No such module \"{resolved}\".")
    };
    let error = ctx
        .globals()
        .get("Error")
        .and_then(|error: Constructor<'_>| error.construct::<_, Value<'_>>((text,)));
    error.map_or_else(|failed| failed, |error| ctx.throw(error))
}

/// Gives `module` its `import.meta`.
///
/// Fidelity: as [`missing`]; without URLs it is empty.
fn describe<'js>(module: &Module<'js, Declared>, name: &str, modules: &ModuleMap) -> Result<()> {
    if !modules.by_url.get() {
        return Ok(());
    }
    let meta: Object<'js> = module.meta()?;
    let url = format!("{ROOT}{name}");
    let file = url.trim_start_matches("file://");
    let directory = file.rsplit_once('/').map_or("/", |(directory, _)| directory);
    meta.set("main", *modules.main.borrow() == name)?;
    meta.set("url", url.as_str())?;
    meta.set("filename", file)?;
    meta.set("dirname", directory)?;
    let base = Url::parse(&url).ok();
    let resolve = move |ctx: Ctx<'js>, specifier: Rest<Coerced<String>>| -> Result<String> {
        let Some(specifier) = specifier.0.first() else {
            return Err(Exception::throw_type(&ctx, "import.meta.resolve requires a specifier argument"));
        };
        match base.as_ref().map(|base| base.join(&specifier.0)) {
            Some(Ok(url)) => Ok(url.into()),
            _ => Err(Exception::throw_type(&ctx, &format!("Invalid module specifier: {}", specifier.0))),
        }
    };
    meta.set("resolve", Function::new(meta.ctx().clone(), resolve)?.with_name("")?)
}

/// Loads a prelude module from the bytecode that the build script wrote into this binary.
pub fn load_bytecode<'js>(ctx: &Ctx<'js>, bytecode: &'static [u8]) -> Result<Module<'js, Declared>> {
    // SAFETY: the bytes were written by the same engine version for the same target while this
    // binary was built, and lie in its read-only data.
    unsafe { Module::load(ctx.clone(), bytecode) }
}

struct HostModule;

impl ModuleDef for HostModule {
    fn declare(declarations: &Declarations<'_>) -> Result<()> {
        declarations.declare("default")?;
        Ok(())
    }

    fn evaluate<'js>(ctx: &Ctx<'js>, exports: &Exports<'js>) -> Result<()> {
        let host: Object<'js> = ctx.globals().get(HOST_GLOBAL)?;
        exports.export("default", host)?;
        Ok(())
    }
}

/// The user's modules that are files as they are, reachable from a module's evaluation.
pub struct FileModules {
    modules: Rc<RealmModules>,
    host: Weak<Host>,
}

impl FileModules {
    pub(super) fn new(modules: Rc<RealmModules>, host: &Rc<Host>) -> Self {
        Self { modules, host: Rc::downgrade(host) }
    }
}

// SAFETY: the type holds no JavaScript values, so it is the same type for every lifetime.
unsafe impl<'js> rquickjs::JsLifetime<'js> for FileModules {
    type Changed<'to> = FileModules;
}

struct FileModule;

impl ModuleDef for FileModule {
    fn declare(declarations: &Declarations<'_>) -> Result<()> {
        declarations.declare("default")?;
        Ok(())
    }

    fn evaluate<'js>(ctx: &Ctx<'js>, exports: &Exports<'js>) -> Result<()> {
        let name: String = exports.module().name()?;
        let files = ctx.userdata::<FileModules>().expect("set when the isolate was made");
        let modules = files.modules.of(ctx);
        let user = modules.user.borrow();
        match user.get(&name) {
            Some(ModuleSource::Data(bytes)) => {
                exports.export("default", rquickjs::ArrayBuffer::new_copy(ctx.clone(), bytes.as_slice())?)?;
            }
            Some(ModuleSource::Wasm(bytes)) => {
                let host = files.host.upgrade().ok_or_else(|| Error::new_loading(name.as_str()))?;
                let bytes = Opaque::give(ctx, bytes.clone())?;
                // The prelude's function runs no code of the user's, so `user` may stay borrowed.
                let module: Value<'js> = host.entry(ctx, WASM_ENTRY)?.call((bytes, name))?;
                exports.export("default", module)?;
            }
            _ => return Err(Error::new_loading(name)),
        }
        Ok(())
    }
}
