//! `WebAssembly`, over the interpreter `wasmi`: operations here, the classes in JavaScript.
//!
//! Nothing is made before a Worker uses it: no interpreter, no store, no class. `guard.js` alone is evaluated always, which
//! keeps buffers over linear memory from being transferred.
//!
//! What goes when: a group of instances (`group`) with its memories when JavaScript has forgotten all of it; a module with its
//! object, but its translated code with the realm's interpreter, which is when the world ends. What JavaScript makes itself, memories for
//! example, shares one group and goes when all of that group is forgotten.

mod binary;
mod call;
mod group;
mod module;
mod objects;
mod values;

#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;

use rquickjs::{Array, Ctx, Function, Object, Result, Value};

use self::call::Pause;
use self::group::Group;
use self::module::{Interpreter, WasmModule};
use self::values::Sides;
use crate::engine::budget::Budget;
use crate::engine::bytes::{copy_bytes, with_bytes};
use crate::engine::opaque::Opaque;
use crate::engine::wasm::WasmStore;
use crate::engine::{Extension, Host};

/// The operations `host.wasm…`.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/wasm/guard"], public: &[] };

/// Lets `work` look at the group behind JavaScript's `object`, whose `handle` is the group.
fn with_group<'js, R>(
    ctx: &Ctx<'js>,
    object: &Object<'js>,
    work: impl FnOnce(&Sides<'_, 'js>) -> Result<R>,
) -> Result<R> {
    let handle: Value<'js> = object.get("handle")?;
    // The group may be dropped by what JavaScript does meanwhile, were it not held here.
    let group = Opaque::look(ctx, &handle, Rc::<Group>::clone)?;
    work(&Sides { ctx, group: &group, object })
}

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, _: &Rc<Host>) -> Result<()> {
    install_modules(ctx, host)?;
    install_calls(ctx, host)?;
    objects::install(ctx, host)
}

fn install_modules<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    let interpreter = Rc::new(Interpreter::default());
    let engine = interpreter.clone();
    // A module, or a sentence that says why the file is none.
    let compile = move |ctx: Ctx<'js>, file: Value<'js>| -> Result<Value<'js>> {
        let file = Opaque::look(&ctx, &file, Arc::<Vec<u8>>::clone)?;
        match WasmModule::compile(engine.engine(), &file) {
            Ok(module) => Opaque::give(&ctx, Rc::new(module)),
            Err(sentence) => Ok(rquickjs::String::from_str(ctx, &sentence)?.into_value()),
        }
    };
    host.set("wasmModule", Function::new(ctx.clone(), compile)?)?;
    let file = |ctx: Ctx<'js>, bytes: Value<'js>| -> Result<Value<'js>> {
        Opaque::give(&ctx, Arc::new(copy_bytes(&bytes).unwrap_or_default()))
    };
    host.set("wasmFile", Function::new(ctx.clone(), file)?)?;
    let engine = interpreter.clone();
    let validate = move |bytes: Value<'js>| -> bool {
        with_bytes(&bytes, |bytes| wasmi::Module::validate(engine.engine(), bytes).is_ok()).unwrap_or(false)
    };
    host.set("wasmValidate", Function::new(ctx.clone(), validate)?)?;
    let group = move |ctx: Ctx<'js>| -> Result<Value<'js>> {
        let store = WasmStore::new(interpreter.engine(), Budget::of(&ctx));
        Opaque::give(&ctx, Rc::new(Group::new(store)))
    };
    host.set("wasmGroup", Function::new(ctx.clone(), group)?)?;
    let exports = |ctx: Ctx<'js>, module: Value<'js>| module_of(&ctx, &module)?.exports(&ctx);
    host.set("wasmExports", Function::new(ctx.clone(), exports)?)?;
    let imports = |ctx: Ctx<'js>, module: Value<'js>| module_of(&ctx, &module)?.imports(&ctx);
    host.set("wasmImports", Function::new(ctx.clone(), imports)?)?;
    let sections = |ctx: Ctx<'js>, module: Value<'js>, name: String| {
        module_of(&ctx, &module)?.custom_sections(&ctx, &name)
    };
    host.set("wasmCustomSections", Function::new(ctx.clone(), sections)?)
}

fn module_of<'js>(ctx: &Ctx<'js>, module: &Value<'js>) -> Result<Rc<WasmModule>> {
    Opaque::look(ctx, module, Rc::<WasmModule>::clone)
}

fn install_calls<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    let call = |ctx: Ctx<'js>, group: Object<'js>, function: u32, values: Array<'js>| {
        with_group(&ctx, &group, |sides| {
            let found = sides.group.defined.borrow().functions.get(&function).copied();
            call::call(sides, found.ok_or_else(|| values::incompatible(&ctx))?, &values)
        })
    };
    host.set("wasmCall", Function::new(ctx.clone(), call)?)?;
    let resume = |ctx: Ctx<'js>, group: Object<'js>, pause: Value<'js>, value: Value<'js>| {
        let pause = Opaque::look(&ctx, &pause, Rc::<Pause>::clone)?;
        with_group(&ctx, &group, |sides| call::resume(sides, &pause, value))
    };
    host.set("wasmResume", Function::new(ctx.clone(), resume)?)?;
    let describe = |ctx: Ctx<'js>, group: Object<'js>, pause: Value<'js>| {
        let pause = Opaque::look(&ctx, &pause, Rc::<Pause>::clone)?;
        with_group(&ctx, &group, |sides| call::describe(sides, &pause))
    };
    host.set("wasmPause", Function::new(ctx.clone(), describe)?)
}
