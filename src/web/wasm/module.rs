//! Compiled modules, and what they say of themselves.

use std::cell::OnceCell;
use std::sync::Arc;

use rquickjs::{Array, ArrayBuffer, Ctx, IntoJs, Result, Value};
use wasmi::{
    CompilationMode, Config, CustomFuelCosts, Engine, ExternType, FuncType, Mutability, RefType, ValType,
};

use super::binary::{self, Rewritten};
use crate::base::limits;

/// The interpreter of one realm, made when the first module is.
#[derive(Default)]
pub(super) struct Interpreter(OnceCell<Engine>);

impl Interpreter {
    pub(super) fn engine(&self) -> &Engine {
        self.0.get_or_init(|| {
            let mut config = Config::default();
            // Validated when it is loaded, translated function by function when they are first called.
            config
                .compilation_mode(CompilationMode::LazyTranslation)
                .consume_fuel(true)
                // A call that runs out of fuel while a function is translated could not be resumed.
                .fuel_cost(CustomFuelCosts {
                    bytes_copied_per_fuel: 64,
                    fuel_per_bytes_translated: 0,
                    fuel_per_bytes_validated: 0,
                })
                .wasm_custom_page_sizes(false)
                .wasm_wide_arithmetic(false)
                .set_max_recursion_depth(limits::WASM_CALLS)
                .set_max_stack_height(limits::WASM_STACK_BYTES);
            Engine::new(&config)
        })
    }
}

/// A module.
pub(super) struct WasmModule {
    pub module: wasmi::Module,
    pub shape: Rewritten,
}

impl WasmModule {
    /// Compiles `file`.
    ///
    /// # Errors
    /// Why it is no module, as a sentence of the validator's.
    pub(super) fn compile(engine: &Engine, file: &Arc<Vec<u8>>) -> std::result::Result<Self, String> {
        wasmi::Module::validate(engine, file).map_err(|error| sentence(&error))?;
        let mut shape = binary::rewrite(file).ok_or("a section is malformed")?;
        let module = wasmi::Module::new(engine, &shape.bytes).map_err(|error| sentence(&error))?;
        shape.bytes = Vec::new();
        Ok(Self { module, shape })
    }

    /// Name and kind of each export.
    pub(super) fn exports<'js>(&self, ctx: &Ctx<'js>) -> Result<Array<'js>> {
        let exports = Array::new(ctx.clone())?;
        for (at, export) in self.shape.exports.iter().enumerate() {
            exports.set(at, vec![export.name.as_str(), export.kind()])?;
        }
        Ok(exports)
    }

    /// Module, name, kind and the parts of the type of each import.
    pub(super) fn imports<'js>(&self, ctx: &Ctx<'js>) -> Result<Array<'js>> {
        let imports = Array::new(ctx.clone())?;
        for (at, import) in self.module.imports().enumerate() {
            let one = Array::new(ctx.clone())?;
            one.set(0, import.module())?;
            one.set(1, import.name())?;
            one.set(2, kind(import.ty()))?;
            match import.ty() {
                ExternType::Func(_) => {}
                ExternType::Table(table) => {
                    one.set(3, ref_name(table.element()))?;
                    one.set(4, table.minimum() as f64)?;
                    one.set(5, table.maximum().map(|max| max as f64))?;
                }
                ExternType::Memory(memory) => {
                    one.set(3, memory.minimum() as f64)?;
                    one.set(4, memory.maximum().map(|max| max as f64))?;
                }
                ExternType::Global(global) => {
                    one.set(3, type_name(global.content()))?;
                    one.set(4, global.mutability() == Mutability::Var)?;
                }
            }
            imports.set(at, one)?;
        }
        Ok(imports)
    }

    /// The contents of the custom sections called `name`.
    pub(super) fn custom_sections<'js>(&self, ctx: &Ctx<'js>, name: &str) -> Result<Value<'js>> {
        let found = self.module.custom_sections().filter(|section| section.name() == name);
        let buffers = found.map(|section| ArrayBuffer::new_copy(ctx.clone(), section.data()));
        buffers.collect::<Result<Vec<_>>>()?.into_js(ctx)
    }

    /// The type of the function that import number `at` wants.
    pub(super) fn function_import(&self, at: usize) -> Option<FuncType> {
        match self.module.imports().nth(at)?.ty() {
            ExternType::Func(ty) => Some(ty.clone()),
            _ => None,
        }
    }
}

/// What of WebAssembly the interpreter lacks: a part of the validator's sentence, and its name.
const LACKING: &[(&str, &str)] = &[
    ("exceptions proposal not enabled", "exceptions"),
    ("exception refs not supported", "exceptions"),
    ("threads must be enabled", "threads and shared memories"),
    ("threads support is not enabled", "threads and shared memories"),
    ("gc proposal", "garbage collection"),
    ("function references", "typed function references"),
];

fn sentence(error: &wasmi::Error) -> String {
    let text = error.to_string();
    match LACKING.iter().find(|(part, _)| text.contains(part)) {
        Some((_, name)) => format!("dodev does not emulate {name} in WebAssembly yet ({text})"),
        None => text.lines().next().unwrap_or_default().to_owned(),
    }
}

fn kind(ty: &ExternType) -> &'static str {
    match ty {
        ExternType::Func(_) => "function",
        ExternType::Table(_) => "table",
        ExternType::Memory(_) => "memory",
        ExternType::Global(_) => "global",
    }
}

/// How JavaScript calls a type.
pub(super) fn type_name(ty: ValType) -> &'static str {
    match ty {
        ValType::I32 => "i32",
        ValType::I64 => "i64",
        ValType::F32 => "f32",
        ValType::F64 => "f64",
        ValType::V128 => "v128",
        ValType::FuncRef => "anyfunc",
        ValType::ExternRef => "externref",
    }
}

/// How JavaScript calls the type of a table's elements.
pub(super) fn ref_name(ty: RefType) -> &'static str {
    match ty {
        RefType::Func => "anyfunc",
        RefType::Extern => "externref",
    }
}

/// The type that JavaScript calls `name`.
pub(super) fn type_named(name: &str) -> Option<ValType> {
    Some(match name {
        "i32" => ValType::I32,
        "i64" => ValType::I64,
        "f32" => ValType::F32,
        "f64" => ValType::F64,
        "v128" => ValType::V128,
        "anyfunc" | "funcref" => ValType::FuncRef,
        "externref" => ValType::ExternRef,
        _ => return None,
    })
}
