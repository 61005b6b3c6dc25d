//! Calls into WebAssembly, which stop where they call JavaScript.
//!
//! The interpreter never calls JavaScript. A call of a function that was imported from JavaScript ends the interpreter's work with a
//! [`Pause`]: the prelude calls the function and resumes. So exceptions and the end of a turn leave through WebAssembly's frames like
//! through any others, nested calls find the store free, and a pause that nobody resumes goes with the frame that held it.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;

use rquickjs::{Array, Ctx, Object, Result, Value};
use wasmi::errors::HostError;
use wasmi::{Func, FuncType, ResumableCall, ResumableCallHostTrap, TrapCode, Val, ValType};

use super::group::Group;
use super::values::{Sides, incompatible};
use crate::base::limits;
use crate::engine::budget::Budget;
use crate::engine::opaque::Opaque;

/// What a call hands to the prelude instead of a result.
pub(super) enum Pause {
    /// WebAssembly waits for JavaScript's function.
    Calls(RefCell<Option<Box<Waiting>>>),
    /// The name of an error's class, and its message.
    Fails(&'static str, String),
}

/// A call that waits.
pub(super) struct Waiting {
    call: ResumableCallHostTrap,
    function: u32,
    arguments: Vec<Val>,
    takes: Vec<ValType>,
    gives: Vec<ValType>,
    count: Count,
}

/// Counts while it lives.
struct Count(Rc<Cell<usize>>);

impl Count {
    fn new(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(count.clone())
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// How the interpreter says that JavaScript's function `function` is called.
#[derive(Debug)]
struct Calls {
    function: u32,
    arguments: Vec<Val>,
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a call of JavaScript's function {}", self.function)
    }
}

impl HostError for Calls {}

/// A function for WebAssembly that stands for number `function` of the group's list of JavaScript's.
pub(super) fn host_function(ctx: &Ctx<'_>, group: &Group, ty: FuncType, function: u32) -> u32 {
    group.store.work(ctx, |store| {
        let made = Func::new(&mut *store, ty, move |_, arguments, _| {
            Err(wasmi::Error::host(Calls { function, arguments: arguments.to_vec() }))
        });
        group.defined.borrow_mut().add_function(made)
    })
}

/// Calls `function` of the group with `values`: its result, or a [`Pause`].
pub(super) fn call<'js>(sides: &Sides<'_, 'js>, function: Func, values: &Array<'js>) -> Result<Value<'js>> {
    let ty = sides.group.store.work(sides.ctx, |store| function.ty(&*store));
    if ty.params().iter().chain(ty.results()).any(|ty| *ty == ValType::V128) {
        return Err(incompatible(sides.ctx));
    }
    // Converting runs JavaScript, during which what was converted already is held by nobody else.
    let busy = Count::new(&sides.group.waiting);
    let arguments = sides.all_to_wasm(values, ty.params())?;
    let mut results = defaults(ty.results());
    let outcome = sides.group.store.work(sides.ctx, |store| {
        store.set_fuel(limits::WASM_FUEL)?;
        function.call_resumable(&mut *store, &arguments, &mut results)
    });
    drop(busy);
    follow(sides, outcome, results)
}

/// Goes on with the call that `pause` holds, whose function gave `value`.
pub(super) fn resume<'js>(sides: &Sides<'_, 'js>, pause: &Pause, value: Value<'js>) -> Result<Value<'js>> {
    let Pause::Calls(waiting) = pause else { return Err(incompatible(sides.ctx)) };
    let Some(waiting) = waiting.take() else { return Err(incompatible(sides.ctx)) };
    let waiting = *waiting;
    let inputs = match waiting.takes.as_slice() {
        [] => Vec::new(),
        [one] => vec![sides.to_wasm(value, *one)?],
        many => {
            // The prelude made a list of whatever was iterable.
            let values = value.into_array().ok_or_else(|| incompatible(sides.ctx))?;
            sides.all_to_wasm(&values, many)?
        }
    };
    let mut results = defaults(&waiting.gives);
    let outcome = sides.group.store.work(sides.ctx, |store| {
        store.set_fuel(limits::WASM_FUEL)?;
        waiting.call.resume(&mut *store, &inputs, &mut results)
    });
    drop(waiting.count);
    follow(sides, outcome, results)
}

/// What the prelude has to do: for a call its function, arguments and number of results; else the error's class and message.
pub(super) fn describe<'js>(sides: &Sides<'_, 'js>, pause: &Pause) -> Result<Array<'js>> {
    let description = Array::new(sides.ctx.clone())?;
    match pause {
        Pause::Calls(waiting) => {
            let waiting = waiting.borrow();
            let waiting = waiting.as_ref().ok_or_else(|| incompatible(sides.ctx))?;
            if waiting.arguments.iter().any(|value| value.ty() == ValType::V128)
                || waiting.takes.contains(&ValType::V128)
            {
                return Err(incompatible(sides.ctx));
            }
            description.set(0, waiting.function)?;
            description.set(1, sides.all_to_js(&waiting.arguments)?)?;
            description.set(2, waiting.takes.len())?;
        }
        Pause::Fails(class, message) => {
            description.set(0, *class)?;
            description.set(1, message.as_str())?;
        }
    }
    Ok(description)
}

fn follow<'js>(
    sides: &Sides<'_, 'js>,
    mut outcome: std::result::Result<ResumableCall, wasmi::Error>,
    mut results: Vec<Val>,
) -> Result<Value<'js>> {
    let budget = Budget::of(sides.ctx);
    loop {
        match outcome {
            Ok(ResumableCall::Finished) => return finish(sides, &results),
            Ok(ResumableCall::HostTrap(call)) => return pause(sides, call, &results),
            Ok(ResumableCall::OutOfFuel(call)) => {
                if budget.is_spent() {
                    return Err(Budget::end_turn(sides.ctx));
                }
                outcome = sides.group.store.work(sides.ctx, |store| {
                    store.set_fuel(limits::WASM_FUEL.max(call.required_fuel()))?;
                    call.resume(&mut *store, &mut results)
                });
            }
            Err(error) => {
                let (class, message) = trap(&error);
                return Opaque::give(sides.ctx, Rc::new(Pause::Fails(class, message)));
            }
        }
    }
}

fn pause<'js>(sides: &Sides<'_, 'js>, call: ResumableCallHostTrap, results: &[Val]) -> Result<Value<'js>> {
    let host = call.host_func();
    let takes = sides.group.store.work(sides.ctx, |store| host.ty(&*store).results().to_vec());
    let Some(Calls { function, arguments }) = call.host_error().downcast_ref() else {
        return Err(incompatible(sides.ctx));
    };
    let (function, arguments) = (*function, arguments.clone());
    let gives = results.iter().map(Val::ty).collect();
    let count = Count::new(&sides.group.waiting);
    let waiting = Waiting { call, function, arguments, takes, gives, count };
    Opaque::give(sides.ctx, Rc::new(Pause::Calls(RefCell::new(Some(Box::new(waiting))))))
}

fn finish<'js>(sides: &Sides<'_, 'js>, results: &[Val]) -> Result<Value<'js>> {
    let value = match results {
        [] => Value::new_undefined(sides.ctx.clone()),
        [one] => sides.to_js(one)?,
        many => sides.all_to_js(many)?.into_value(),
    };
    sweep(sides)?;
    Ok(value)
}

/// Forgets lent values that came back, now and then.
fn sweep(sides: &Sides<'_, '_>) -> Result<()> {
    let mut lent = sides.group.lent.borrow_mut();
    if sides.group.waiting.get() > 0 || !lent.is_worth_sweeping() {
        return Ok(());
    }
    let defined = sides.group.defined.borrow();
    let freed = sides.group.store.work(sides.ctx, |store| lent.sweep(store, &defined));
    drop((lent, defined));
    let refs: Object<'_> = sides.object.get("refs")?;
    for place in freed {
        refs.set(place, rquickjs::Undefined)?;
    }
    Ok(())
}

fn defaults(types: &[ValType]) -> Vec<Val> {
    types.iter().map(|ty| Val::default_for_ty(*ty)).collect()
}

/// The class and message of the error for a trap. Fidelity: V8's texts. The interpreter does not tell a remainder from a quotient.
pub(super) fn trap(error: &wasmi::Error) -> (&'static str, String) {
    let Some(code) = error.as_trap_code() else { return ("RuntimeError", error.to_string()) };
    let text = match code {
        TrapCode::UnreachableCodeReached => "unreachable",
        TrapCode::MemoryOutOfBounds => "memory access out of bounds",
        TrapCode::TableOutOfBounds => "table index is out of bounds",
        TrapCode::IndirectCallToNull => "null function",
        TrapCode::BadSignature => "function signature mismatch",
        TrapCode::IntegerDivisionByZero => "divide by zero",
        TrapCode::IntegerOverflow => "divide result unrepresentable",
        TrapCode::BadConversionToInteger => "float unrepresentable in integer range",
        TrapCode::StackOverflow => return ("RangeError", "Maximum call stack size exceeded".to_owned()),
        TrapCode::OutOfFuel | TrapCode::GrowthOperationLimited | TrapCode::OutOfSystemMemory => {
            "out of memory"
        }
    };
    ("RuntimeError", text.to_owned())
}
