//! Operations on instances, memories, tables and globals.

use std::collections::HashMap;
use std::rc::Rc;

use rquickjs::{Array, Ctx, Function, Object, Result, Value};
use wasmi::errors::ErrorKind;
use wasmi::{
    Extern, Func, Global, GlobalType, Instance, Memory, MemoryType, Mutability, Ref, RefType, Table,
    TableType, Val, ValType,
};

use super::binary::start_name;
use super::call::{Pause, host_function, trap};
use super::group::number;
use super::module::{WasmModule, ref_name, type_name, type_named};
use super::values::{Sides, incompatible};
use super::{module_of, with_group};
use crate::engine::opaque::Opaque;

pub(super) fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    install_instances(ctx, host)?;
    install_memories(ctx, host)?;
    install_tables(ctx, host)?;
    install_globals(ctx, host)
}

fn install_instances<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    let instantiate = |ctx: Ctx<'js>, group: Object<'js>, module: Value<'js>, imports: Vec<u32>| {
        let module = module_of(&ctx, &module)?;
        with_group(&ctx, &group, |sides| instantiate(sides, &module, &imports))
    };
    host.set("wasmInstantiate", Function::new(ctx.clone(), instantiate)?)?;
    // The number of a function that calls number `function` of JavaScript's, for import `at`.
    let import = |ctx: Ctx<'js>, group: Object<'js>, module: Value<'js>, at: usize, function: u32| {
        let ty = module_of(&ctx, &module)?.function_import(at).ok_or_else(|| incompatible(&ctx))?;
        with_group(&ctx, &group, |sides| Ok(host_function(&ctx, sides.group, ty, function)))
    };
    host.set("wasmImportFunction", Function::new(ctx.clone(), import)?)?;
    let matches = |ctx: Ctx<'js>, group: Object<'js>, module: Value<'js>, at: usize, number: u32| {
        let wanted = module_of(&ctx, &module)?.function_import(at);
        with_group(&ctx, &group, |sides| Ok(Some(function_type(sides, number)?) == wanted))
    };
    host.set("wasmImportMatches", Function::new(ctx.clone(), matches)?)?;
    // The same function of another group, as one of JavaScript's.
    let bridge = |ctx: Ctx<'js>, group: Object<'js>, from: Object<'js>, number: u32, function: u32| {
        let ty = with_group(&ctx, &from, |sides| function_type(sides, number))?;
        with_group(&ctx, &group, |sides| Ok(host_function(&ctx, sides.group, ty, function)))
    };
    host.set("wasmBridge", Function::new(ctx.clone(), bridge)?)?;
    // The index in its module, the number of parameters, and that of results.
    let describe = |ctx: Ctx<'js>, group: Object<'js>, number: u32| {
        with_group(&ctx, &group, |sides| {
            let index = sides.group.defined.borrow().index_of(number) as usize;
            let ty = function_type(sides, number)?;
            Ok(vec![index, ty.params().len(), ty.results().len()])
        })
    };
    host.set("wasmFunction", Function::new(ctx.clone(), describe)?)?;
    // Values as the parameters of a function take them, and give them to JavaScript; or its results.
    let convert = |ctx: Ctx<'js>, group: Object<'js>, number: u32, values: Array<'js>, results: bool| {
        with_group(&ctx, &group, |sides| {
            let ty = function_type(sides, number)?;
            let types = if results { ty.results() } else { ty.params() };
            sides.all_to_js(&sides.all_to_wasm(&values, types)?)
        })
    };
    host.set("wasmConvert", Function::new(ctx.clone(), convert)?)
}

fn function_type(sides: &Sides<'_, '_>, number: u32) -> Result<wasmi::FuncType> {
    let found = sides.group.defined.borrow().functions.get(&number).copied();
    let function = found.ok_or_else(|| incompatible(sides.ctx))?;
    Ok(sides.group.store.work(sides.ctx, |store| function.ty(&*store)))
}

/// Name, kind, number and, for a function, its index of each export, and the number of the start function behind them; or a [`Pause`].
fn instantiate<'js>(sides: &Sides<'_, 'js>, module: &WasmModule, imports: &[u32]) -> Result<Value<'js>> {
    let group = sides.group;
    let mut defined = group.defined.borrow_mut();
    let mut externs = Vec::new();
    for (import, number) in module.module.imports().zip(imports) {
        let found = match import.ty() {
            wasmi::ExternType::Func(_) => defined.functions.get(number).copied().map(Extern::Func),
            wasmi::ExternType::Table(_) => defined.tables.get(number).copied().map(Extern::Table),
            wasmi::ExternType::Memory(_) => defined.memories.get(number).copied().map(Extern::Memory),
            wasmi::ExternType::Global(_) => defined.globals.get(number).copied().map(Extern::Global),
        };
        externs.push(found.ok_or_else(|| incompatible(sides.ctx))?);
    }
    let found = group.store.work(sides.ctx, |store| {
        store.set_fuel(u64::MAX)?;
        let marker = Func::wrap(&mut *store, || {});
        // Functions of an instance that fails may be in a table already.
        defined.add_instance(&marker, module.shape.imported_functions);
        let instance = Instance::new(&mut *store, &module.module, &externs)?;
        let exports: HashMap<_, _> = instance
            .exports(&*store)
            .map(|export| (export.name().to_owned(), export.into_extern()))
            .collect();
        for export in exports.values() {
            match export {
                Extern::Func(function) => drop(defined.add_function(*function)),
                Extern::Table(table) => drop(defined.add_table(*table)),
                Extern::Memory(memory) => drop(defined.add_memory(store, *memory)),
                Extern::Global(global) => drop(defined.add_global(*global)),
            }
        }
        Ok(exports)
    });
    drop(defined);
    let exports: HashMap<String, Extern> = match found {
        Ok(exports) => exports,
        Err(error) => {
            let (class, message) = failure(&error);
            return Opaque::give(sides.ctx, Rc::new(Pause::Fails(class, message)));
        }
    };
    let list = Array::new(sides.ctx.clone())?;
    for (at, export) in module.shape.exports.iter().enumerate() {
        let found = exports.get(&export.name).ok_or_else(|| incompatible(sides.ctx))?;
        let one = Array::new(sides.ctx.clone())?;
        one.set(0, export.name.as_str())?;
        one.set(1, export.kind())?;
        one.set(
            2,
            match found {
                Extern::Func(function) => number(function),
                Extern::Table(table) => number(table),
                Extern::Memory(memory) => number(memory),
                Extern::Global(global) => number(global),
            },
        )?;
        one.set(3, export.function())?;
        list.set(at, one)?;
    }
    if let Some(Extern::Func(function)) = exports.get(&start_name()) {
        list.as_object().set("start", number(function))?;
    }
    Ok(list.into_value())
}

/// The class and message of the error for an instance that cannot be made; the prelude puts the function's name before it.
fn failure(error: &wasmi::Error) -> (&'static str, String) {
    use wasmi::errors::InstantiationError as E;
    match error.kind() {
        ErrorKind::Instantiation(E::ElementSegmentDoesNotFit { .. }) => {
            ("RuntimeError", "table index is out of bounds".to_owned())
        }
        ErrorKind::Instantiation(E::FailedToInstantiateMemory(_)) => {
            ("RangeError", "Out of memory: Cannot allocate Wasm memory for new instance".to_owned())
        }
        ErrorKind::Instantiation(E::FailedToInstantiateTable(_)) => {
            ("RangeError", "Out of memory: Cannot allocate Wasm table for new instance".to_owned())
        }
        ErrorKind::Instantiation(error) => ("LinkError", error.to_string()),
        ErrorKind::Memory(_) => ("RuntimeError", "data segment is out of bounds".to_owned()),
        ErrorKind::Table(_) => ("RuntimeError", "table index is out of bounds".to_owned()),
        _ => match error.as_trap_code() {
            Some(wasmi::TrapCode::MemoryOutOfBounds) => {
                ("RuntimeError", "data segment is out of bounds".to_owned())
            }
            _ => trap(error),
        },
    }
}

fn install_memories<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    // Its number; nothing when there is not enough memory.
    let make = |ctx: Ctx<'js>, group: Object<'js>, initial: u32, maximum: Option<u32>| {
        with_group(&ctx, &group, |sides| {
            Ok(sides.group.store.work(&ctx, |store| {
                let memory = Memory::new(&mut *store, MemoryType::new(initial, maximum)).ok()?;
                Some(sides.group.defined.borrow_mut().add_memory(store, memory))
            }))
        })
    };
    host.set("wasmNewMemory", Function::new(ctx.clone(), make)?)?;
    let buffer = |ctx: Ctx<'js>, group: Object<'js>, number: u32| {
        with_group(&ctx, &group, |sides| sides.group.store.buffer(&ctx, memory_of(sides, number)?))
    };
    host.set("wasmBuffer", Function::new(ctx.clone(), buffer)?)?;
    // The size before in pages, nothing when it cannot grow; detaches `attached`, the present buffer.
    let grow = |ctx: Ctx<'js>, group: Object<'js>, number: u32, by: f64, attached: Value<'js>| {
        with_group(&ctx, &group, |sides| {
            let memory = memory_of(sides, number)?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the prelude checked it"
            )]
            let grown = sides.group.store.work(&ctx, |store| memory.grow(&mut *store, by as u64)).ok();
            if grown.is_some() {
                sides.group.store.detach_buffer(&ctx, &attached);
            }
            Ok(grown.map(|pages| pages as f64))
        })
    };
    host.set("wasmGrowMemory", Function::new(ctx.clone(), grow)?)?;
    // Pages and the maximum.
    let describe = |ctx: Ctx<'js>, group: Object<'js>, number: u32| {
        with_group(&ctx, &group, |sides| {
            let memory = memory_of(sides, number)?;
            let (size, maximum) =
                sides.group.store.work(&ctx, |store| (memory.size(&*store), memory.ty(&*store).maximum()));
            let description = Array::new(ctx.clone())?;
            description.set(0, size as f64)?;
            description.set(1, maximum.map(|max| max as f64))?;
            Ok(description)
        })
    };
    host.set("wasmMemory", Function::new(ctx.clone(), describe)?)
}

fn memory_of(sides: &Sides<'_, '_>, number: u32) -> Result<Memory> {
    let found = sides.group.defined.borrow().memories.get(&number).copied();
    found.ok_or_else(|| incompatible(sides.ctx))
}

fn table_of(sides: &Sides<'_, '_>, number: u32) -> Result<Table> {
    let found = sides.group.defined.borrow().tables.get(&number).copied();
    found.ok_or_else(|| incompatible(sides.ctx))
}

fn global_of(sides: &Sides<'_, '_>, number: u32) -> Result<Global> {
    let found = sides.group.defined.borrow().globals.get(&number).copied();
    found.ok_or_else(|| incompatible(sides.ctx))
}

/// `value` as an element of a table.
fn element<'js>(sides: &Sides<'_, 'js>, value: Value<'js>, ty: RefType) -> Result<Ref> {
    let ty = match ty {
        RefType::Func => ValType::FuncRef,
        RefType::Extern => ValType::ExternRef,
    };
    match sides.to_wasm(value, ty)? {
        Val::FuncRef(function) => Ok(Ref::Func(function)),
        Val::ExternRef(value) => Ok(Ref::Extern(value)),
        _ => Err(incompatible(sides.ctx)),
    }
}

fn install_tables<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    let make = |ctx: Ctx<'js>,
                group: Object<'js>,
                kind: String,
                initial: u32,
                maximum: Option<u32>,
                value: Value<'js>| {
        with_group(&ctx, &group, |sides| {
            let ty = if kind == "externref" { RefType::Extern } else { RefType::Func };
            let value = element(sides, value, ty)?;
            Ok(sides.group.store.work(&ctx, |store| {
                let table = Table::new(&mut *store, TableType::new(ty, initial, maximum), value).ok()?;
                Some(sides.group.defined.borrow_mut().add_table(table))
            }))
        })
    };
    host.set("wasmNewTable", Function::new(ctx.clone(), make)?)?;
    // The prelude checked the index.
    let get = |ctx: Ctx<'js>, group: Object<'js>, number: u32, index: u32| {
        with_group(&ctx, &group, |sides| {
            let table = table_of(sides, number)?;
            let found = sides.group.store.work(&ctx, |store| table.get(&*store, u64::from(index)));
            sides.to_js(&match found.ok_or_else(|| incompatible(&ctx))? {
                Ref::Func(function) => Val::FuncRef(function),
                Ref::Extern(value) => Val::ExternRef(value),
            })
        })
    };
    host.set("wasmTableGet", Function::new(ctx.clone(), get)?)?;
    let set = |ctx: Ctx<'js>, group: Object<'js>, number: u32, index: u32, value: Value<'js>| {
        with_group(&ctx, &group, |sides| {
            let table = table_of(sides, number)?;
            let ty = sides.group.store.work(&ctx, |store| table.ty(&*store).element());
            let value = element(sides, value, ty)?;
            let set = sides.group.store.work(&ctx, |store| table.set(&mut *store, u64::from(index), value));
            set.map_err(|_| incompatible(&ctx))
        })
    };
    host.set("wasmTableSet", Function::new(ctx.clone(), set)?)?;
    let grow = |ctx: Ctx<'js>, group: Object<'js>, number: u32, by: f64, value: Value<'js>| {
        with_group(&ctx, &group, |sides| {
            let table = table_of(sides, number)?;
            let ty = sides.group.store.work(&ctx, |store| table.ty(&*store).element());
            let value = element(sides, value, ty)?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the prelude checked it"
            )]
            let grown = sides.group.store.work(&ctx, |store| table.grow(&mut *store, by as u64, value));
            Ok(grown.ok().map(|size| size as f64))
        })
    };
    host.set("wasmGrowTable", Function::new(ctx.clone(), grow)?)?;
    // Size, maximum and kind.
    let describe = |ctx: Ctx<'js>, group: Object<'js>, number: u32| {
        with_group(&ctx, &group, |sides| {
            let table = table_of(sides, number)?;
            let (size, ty) = sides.group.store.work(&ctx, |store| (table.size(&*store), table.ty(&*store)));
            let description = Array::new(ctx.clone())?;
            description.set(0, size as f64)?;
            description.set(1, ty.maximum().map(|max| max as f64))?;
            description.set(2, ref_name(ty.element()))?;
            Ok(description)
        })
    };
    host.set("wasmTable", Function::new(ctx.clone(), describe)?)
}

fn install_globals<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    let make = |ctx: Ctx<'js>, group: Object<'js>, kind: String, mutable: bool, value: Value<'js>| {
        with_group(&ctx, &group, |sides| {
            let ty = type_named(&kind).ok_or_else(|| incompatible(&ctx))?;
            let value = sides.to_wasm(value, ty)?;
            let mutability = if mutable { Mutability::Var } else { Mutability::Const };
            let made = sides.group.store.work(&ctx, |store| Global::new(&mut *store, value, mutability));
            Ok(sides.group.defined.borrow_mut().add_global(made))
        })
    };
    host.set("wasmNewGlobal", Function::new(ctx.clone(), make)?)?;
    let get = |ctx: Ctx<'js>, group: Object<'js>, number: u32| {
        with_group(&ctx, &group, |sides| {
            let global = global_of(sides, number)?;
            let value = sides.group.store.work(&ctx, |store| global.get(&*store));
            sides.to_js(&value)
        })
    };
    host.set("wasmGlobalGet", Function::new(ctx.clone(), get)?)?;
    let set = |ctx: Ctx<'js>, group: Object<'js>, number: u32, value: Value<'js>| {
        with_group(&ctx, &group, |sides| {
            let global = global_of(sides, number)?;
            let ty: GlobalType = sides.group.store.work(&ctx, |store| global.ty(&*store));
            let value = sides.to_wasm(value, ty.content())?;
            let set = sides.group.store.work(&ctx, |store| global.set(&mut *store, value));
            set.map_err(|_| incompatible(&ctx))
        })
    };
    host.set("wasmGlobalSet", Function::new(ctx.clone(), set)?)?;
    // The type of its value, and whether it can be set.
    let describe = |ctx: Ctx<'js>, group: Object<'js>, number: u32| {
        with_group(&ctx, &group, |sides| {
            let global = global_of(sides, number)?;
            let ty = sides.group.store.work(&ctx, |store| global.ty(&*store));
            let description = Array::new(ctx.clone())?;
            description.set(0, type_name(ty.content()))?;
            description.set(1, ty.mutability() == Mutability::Var)?;
            Ok(description)
        })
    };
    host.set("wasmGlobal", Function::new(ctx.clone(), describe)?)
}
