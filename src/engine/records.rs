//! Objects and arrays made of plain cells, one like the other, such as the rows of a table.
//!
//! The binding's own `Value` carries its context along, and a name that is given as text is looked for each time; for rows
//! that is most of the time. So names are kept as the engine's atoms, and cells become values without a detour.

use std::borrow::Cow;
use std::cell::{Cell as Place, RefCell};

use rquickjs::class::{Trace, Tracer};
use rquickjs::{Ctx, Error, Result, Value, qjs};

use super::shape::step;

/// A value that needs no object but its own.
#[derive(Debug, Clone, Copy)]
pub enum Cell<'a> {
    /// `null`
    Null,
    /// A number, with its sign where it is zero.
    Number(f64),
    /// A string of UTF-8; what is none becomes U+FFFD.
    Text(&'a [u8]),
    /// An `ArrayBuffer` with a copy.
    Bytes(&'a [u8]),
}

/// The record after which room for more of them is made, and most names that this is done for.
const SAMPLE: u32 = 8;
const STEPS_MAX: usize = 32;

/// The names of records.
pub struct Records<'js> {
    names: Names,
    /// Records that were made, up to `SAMPLE` and one more.
    made: Place<u32>,
    /// See [`Records::prepare`].
    steps: RefCell<Vec<Value<'js>>>,
}

impl<'js> Records<'js> {
    /// Records with these names. Of two that are equal, the later one counts.
    ///
    /// # Errors
    /// Throws when no memory is left.
    pub fn new(ctx: &Ctx<'js>, names: &[String]) -> Result<Self> {
        Ok(Self { names: Names::new(ctx, names)?, made: Place::new(0), steps: RefCell::default() })
    }

    /// An object with the cells that `cell` gives for each name's position, as if they were assigned one by one.
    ///
    /// Fidelity: a column called `__proto__` is no property on the platform either.
    ///
    /// # Errors
    /// Throws when no memory is left.
    pub fn object<'a>(&self, ctx: &Ctx<'js>, cell: impl Fn(usize) -> Cell<'a>) -> Result<Value<'js>> {
        let made = self.made.get();
        if made <= SAMPLE {
            self.made.set(made + 1);
            if made == SAMPLE {
                self.prepare(ctx)?;
            }
        }
        let object = new_object(ctx)?;
        for (index, name) in self.names.atoms.iter().enumerate() {
            let value = make(ctx, cell(index))?;
            if self.names.odd {
                assign(ctx, &object, *name, value)?;
            } else {
                define(ctx, &object, *name, value)?;
            }
        }
        Ok(object)
    }

    /// Makes room for more objects (`engine/shape.rs`).
    fn prepare(&self, ctx: &Ctx<'js>) -> Result<()> {
        if self.names.odd || self.names.atoms.len() > STEPS_MAX {
            return Ok(());
        }
        for count in 1..=self.names.atoms.len() {
            let names = self.names.atoms[..count].iter().copied();
            let step = step(ctx.as_raw().as_ptr(), names).ok_or(Error::Exception)?;
            // SAFETY: the step is ours.
            let step = unsafe { Value::from_raw(ctx.clone(), step) };
            self.steps.borrow_mut().push(step);
        }
        Ok(())
    }
}

impl<'js> Trace<'js> for Records<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        self.steps.borrow().iter().for_each(|step| step.trace(tracer));
    }
}

/// Names as the engine's atoms, held.
struct Names {
    runtime: *mut qjs::JSRuntime,
    atoms: Vec<qjs::JSAtom>,
    /// Whether one of them is the setter of prototypes.
    odd: bool,
}

impl Names {
    fn new(ctx: &Ctx<'_>, names: &[String]) -> Result<Self> {
        let raw = ctx.as_raw().as_ptr();
        // SAFETY: the context is alive, and so is its runtime.
        let runtime = unsafe { qjs::JS_GetRuntime(raw) };
        let odd = names.iter().any(|name| name == "__proto__");
        let mut held = Self { runtime, atoms: Vec::with_capacity(names.len()), odd };
        for name in names {
            // SAFETY: pointer and length are a slice's.
            let atom = unsafe { qjs::JS_NewAtomLen(raw, name.as_ptr().cast(), name.len() as qjs::size_t) };
            // Atom 0 is the engine's null.
            if atom == 0 {
                return Err(Error::Exception);
            }
            held.atoms.push(atom);
        }
        Ok(held)
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        for atom in &self.atoms {
            // SAFETY: this held one reference; whoever holds this lives no longer than the runtime.
            unsafe { qjs::JS_FreeAtomRT(self.runtime, *atom) }
        }
    }
}

/// An array of these cells.
///
/// # Errors
/// Throws when no memory is left.
pub fn list<'js, 'a>(ctx: &Ctx<'js>, cells: impl ExactSizeIterator<Item = Cell<'a>>) -> Result<Value<'js>> {
    let mut values = Vec::with_capacity(cells.len());
    for cell in cells {
        match make(ctx, cell) {
            Ok(value) => values.push(value),
            Err(error) => {
                // SAFETY: these were owned here.
                values
                    .into_iter()
                    .for_each(|value| unsafe { qjs::JS_FreeValue(ctx.as_raw().as_ptr(), value) });
                return Err(error);
            }
        }
    }
    let count = i32::try_from(values.len()).map_err(|_| Error::Allocation)?;
    // SAFETY: pointer and length are a slice's. The engine takes the elements over, also where it fails.
    unsafe {
        let array = qjs::JS_NewArrayFrom(ctx.as_raw().as_ptr(), count, values.as_ptr());
        Ok(Value::from_raw(ctx.clone(), unless_thrown(array)?))
    }
}

/// The value of a cell. The caller owns it.
fn make(ctx: &Ctx<'_>, cell: Cell<'_>) -> Result<qjs::JSValue> {
    let raw = ctx.as_raw().as_ptr();
    match cell {
        Cell::Null => Ok(qjs::JS_MKVAL(qjs::JS_TAG_NULL, 0)),
        Cell::Number(number) => Ok(self::number(number)),
        Cell::Text(text) => {
            let text = match std::str::from_utf8(text) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => String::from_utf8_lossy(text),
            };
            // SAFETY: pointer and length are a slice's.
            unless_thrown(unsafe {
                qjs::JS_NewStringLen(raw, text.as_ptr().cast(), text.len() as qjs::size_t)
            })
        }
        // SAFETY: as above.
        Cell::Bytes(bytes) => unless_thrown(unsafe {
            qjs::JS_NewArrayBufferCopy(raw, bytes.as_ptr(), bytes.len() as qjs::size_t)
        }),
    }
}

/// A number as the engine likes it best: small integers are no floats.
fn number(number: f64) -> qjs::JSValue {
    #[expect(clippy::cast_possible_truncation, reason = "compared with what it came from")]
    let small = number as i32;
    if number.to_bits() == f64::from(small).to_bits() {
        return qjs::JS_MKVAL(qjs::JS_TAG_INT, small);
    }
    qjs::JS_NewFloat64(number)
}

fn new_object<'js>(ctx: &Ctx<'js>) -> Result<Value<'js>> {
    // SAFETY: makes an object of the context, which the value owns.
    unsafe { Ok(Value::from_raw(ctx.clone(), unless_thrown(qjs::JS_NewObject(ctx.as_raw().as_ptr()))?)) }
}

/// Gives `object` an own property, whatever its prototype says, and takes the value over.
fn define<'js>(ctx: &Ctx<'js>, object: &Value<'js>, name: qjs::JSAtom, value: qjs::JSValue) -> Result<()> {
    let flags = qjs::JS_PROP_C_W_E as i32;
    // SAFETY: object and name are held; the engine takes the value over, also where it fails.
    match unsafe { qjs::JS_DefinePropertyValue(ctx.as_raw().as_ptr(), object.as_raw(), name, value, flags) } {
        ..0 => Err(Error::Exception),
        _ => Ok(()),
    }
}

/// `object[name] = value`, setters included; takes the value over.
fn assign<'js>(ctx: &Ctx<'js>, object: &Value<'js>, name: qjs::JSAtom, value: qjs::JSValue) -> Result<()> {
    // SAFETY: as in `define`.
    match unsafe { qjs::JS_SetProperty(ctx.as_raw().as_ptr(), object.as_raw(), name, value) } {
        ..0 => Err(Error::Exception),
        _ => Ok(()),
    }
}

fn unless_thrown(value: qjs::JSValue) -> Result<qjs::JSValue> {
    // SAFETY: reads the tag, which each value has.
    match unsafe { qjs::JS_VALUE_GET_NORM_TAG(value) } {
        qjs::JS_TAG_EXCEPTION => Err(Error::Exception),
        _ => Ok(value),
    }
}
