//! Modules compiled ahead, for packages that are the same at every start.
//!
//! Bytecode is trusted by the engine: a wrong byte in it is wrong memory. Whoever keeps it checks a hash over it, and
//! keeps it apart by [`ENGINE`].

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::module::{Declared, WriteOptions};
use rquickjs::{Context, Ctx, Module, Result, Runtime};

use crate::base::limits;

/// The engine whose bytecode this is.
pub const ENGINE: &str = "quickjs-ng 0.16.2, rquickjs 0.14.0";

/// The bytecode of the module `name` with the text `source`, with the text and positions of its functions; nothing if
/// the engine does not accept it. The calling thread needs a stack of [`limits::ISOLATE_THREAD_STACK_BYTES`].
pub fn compile(name: &str, source: &str) -> Option<Vec<u8>> {
    let runtime = Runtime::new().ok()?;
    runtime.set_max_stack_size(limits::ISOLATE_STACK_BYTES);
    runtime.set_gc_threshold(usize::MAX);
    runtime.set_loader(Anything, Anything);
    let context = Context::full(&runtime).ok()?;
    context.with(|ctx| {
        let module = Module::declare(ctx.clone(), name, source).and_then(|module| {
            module.write(WriteOptions { strip_source: false, strip_debug: false, ..WriteOptions::default() })
        });
        // What is wrong is said when the module is loaded from its text.
        module.map_err(|_| drop(ctx.catch())).ok()
    })
}

/// Takes every import for an empty module: what is behind it does not matter to a compiler.
struct Anything;

impl Resolver for Anything {
    fn resolve<'js>(
        &mut self,
        _: &Ctx<'js>,
        _: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        Ok(name.to_owned())
    }
}

impl Loader for Anything {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        Module::declare(ctx.clone(), name, "")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;
    use std::sync::Arc;

    use super::*;
    use crate::engine::loader::ModuleSource;
    use crate::engine::{Host, Isolate, IsolateOptions, RealmId};

    #[test]
    fn a_compiled_module_runs_as_its_text_would() {
        let compiled = |name: &str, text: &str| {
            let code = compile(name, text).expect("it compiles");
            (name.to_owned(), ModuleSource::Bytecode(Arc::new(code)))
        };
        let isolate = Isolate::new(Host::detached(), &[], &IsolateOptions::default()).expect("an isolate");
        isolate.set_user_modules(
            RealmId::FIRST,
            [
                compiled(
                    "deps/a.js",
                    "import { b } from './b.js'; export const a = () => b + import.meta.url;",
                ),
                compiled("deps/b.js", "export const b = (function named() { return 1 }).toString();"),
                ("index.js".into(), ModuleSource::EsModule("export { a } from 'deps/a.js';".into())),
            ]
            .into(),
        );
        let seen = Rc::new(Cell::new(String::new()));
        let note = seen.clone();
        isolate.load(RealmId::FIRST, "index.js", move |_, result| {
            let Ok(namespace) = result else { panic!("it throws") };
            let a: rquickjs::Function = namespace.get("a").expect("an export");
            note.set(a.call(()).expect("it returns"));
        });
        assert_eq!(seen.take(), "function named() { return 1 }undefined");
    }

    #[test]
    fn what_the_engine_does_not_accept_gives_nothing() {
        assert_eq!(compile("a.js", "let let = 1"), None);
    }

    #[test]
    fn the_name_of_the_engine_is_right() {
        // SAFETY: the function returns a static string.
        let version = unsafe { std::ffi::CStr::from_ptr(rquickjs::qjs::JS_GetVersion()) };
        assert!(ENGINE.contains(version.to_str().expect("a version is text")), "{version:?}");
    }
}
