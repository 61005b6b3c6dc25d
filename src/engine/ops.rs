//! Operations that JavaScript waits for and the host finishes later.
//!
//! An operation is a promise handed to JavaScript, kept in one slab per isolate together with the
//! scope that started it. Whoever finishes it, on any thread, sends a [`Completion`] to the isolate's
//! mailbox; the completion enters JavaScript as a turn of its own, in the scope of its operation.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use rquickjs::{ArrayBuffer, Ctx, IntoJs, Persistent, Promise, Result, Value};

use super::deferred::Deferred;
use super::exception::make_error;
use super::host::{OwnerId, Scope};
use super::places::Places;

/// A pending operation: its place in the slab and a serial number, so that ids are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpId {
    index: u32,
    serial: u32,
}

/// What waits for the reader of a body to go.
pub const READER: &str = "the reader of a body to go";
/// What waits for the client of a request to go without its answer.
pub const CLIENT: &str = "its client to go";

/// Whether nothing but the news that somebody went comes of an operation that waits for `what`: nobody else's answer hangs on it.
fn is_idle(what: &str) -> bool {
    what == READER || what == CLIENT
}

impl OpId {
    /// Stands for no operation: completing it does nothing but wake the isolate.
    pub const NOBODYS: Self = Self { index: u32::MAX, serial: u32::MAX };
}

/// Makes a JavaScript value from a finished operation's result.
pub type Make = Box<dyn for<'js> FnOnce(&Ctx<'js>) -> Result<Value<'js>> + Send>;

/// The result of an operation, as data that may cross threads.
pub enum OpValue {
    /// `undefined`
    Undefined,
    /// `null`
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
    /// Bytes, handed out as an `ArrayBuffer`.
    Bytes(Bytes),
    /// Anything else, made within the turn.
    Make(Make),
}

/// Why an operation failed: the JavaScript error to reject with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpError {
    /// Name of a global error class, for example `TypeError`.
    pub class: &'static str,
    /// Its message.
    pub message: String,
    /// Properties set to `true` on the error, for example `remote`.
    pub flags: Vec<&'static str>,
}

impl OpError {
    /// An `Error` with `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self::of("Error", message)
    }

    /// An error of the global class `class`.
    pub fn of(class: &'static str, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), flags: Vec::new() }
    }

    /// Sets a property of the error to `true`.
    #[must_use]
    pub fn flag(mut self, name: &'static str) -> Self {
        self.flags.push(name);
        self
    }
}

/// The outcome of an operation.
pub type OpResult = std::result::Result<OpValue, OpError>;

/// Says that an operation is finished.
pub struct Completion {
    /// Which one.
    pub op: OpId,
    /// How it ended.
    pub result: OpResult,
}

/// Sends completions to an isolate's mailbox from any thread.
#[derive(Clone)]
pub struct Completer(Arc<dyn Fn(Completion) + Send + Sync>);

impl Completer {
    /// A completer that hands completions to `send`.
    pub fn new(send: impl Fn(Completion) + Send + Sync + 'static) -> Self {
        Self(Arc::new(send))
    }

    /// Finishes `op` with `result`; has no effect if the operation was cancelled meanwhile.
    pub fn complete(&self, op: OpId, result: OpResult) {
        (self.0)(Completion { op, result });
    }
}

struct Pending {
    scope: Scope,
    what: &'static str,
    at: Option<Box<str>>,
    deferred: Deferred,
    /// How it ends, where JavaScript said so.
    kept: Option<Box<Kept>>,
}

/// A value or an error of JavaScript's.
type Kept = std::result::Result<Persistent<Value<'static>>, Persistent<Value<'static>>>;

#[derive(Default)]
struct Slot {
    serial: u32,
    pending: Option<Pending>,
}

#[derive(Default)]
struct Slab {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

/// The pending operations of one isolate.
#[derive(Default)]
pub struct Ops {
    slab: RefCell<Slab>,
    places: Rc<Places>,
}

impl Ops {
    /// No operations; those to come are noted with their `places`.
    pub fn new(places: Rc<Places>) -> Self {
        Self { slab: RefCell::default(), places }
    }

    /// Starts an operation in `scope`: its id for whoever finishes it, its promise for JavaScript.
    pub fn start<'js>(&self, ctx: &Ctx<'js>, scope: Scope) -> Result<(OpId, Promise<'js>)> {
        self.start_named(ctx, scope, "operation")
    }

    /// The same, where `what` says to a developer what is waited for.
    pub fn start_named<'js>(
        &self,
        ctx: &Ctx<'js>,
        scope: Scope,
        what: &'static str,
    ) -> Result<(OpId, Promise<'js>)> {
        let (deferred, promise) = Deferred::new(ctx)?;
        let pending = Pending { scope, what, at: self.places.here(ctx), deferred, kept: None };
        let mut slab = self.slab.borrow_mut();
        let index = slab.free.pop().unwrap_or_else(|| {
            slab.slots.push(Slot::default());
            u32::try_from(slab.slots.len() - 1).expect("fewer than 2^32 operations wait")
        });
        let slot = &mut slab.slots[index as usize];
        slot.pending = Some(pending);
        Ok((OpId { index, serial: slot.serial }, promise))
    }

    /// The scope in which `op` must be finished; `None` if it was cancelled or finished.
    pub fn scope(&self, op: OpId) -> Option<Scope> {
        let slab = self.slab.borrow();
        let slot = slab.slots.get(op.index as usize)?;
        let pending = slot.pending.as_ref().filter(|_| slot.serial == op.serial)?;
        Some(pending.scope)
    }

    /// Whether `owner` waits for any operation.
    pub fn any_of(&self, owner: OwnerId) -> bool {
        let slab = self.slab.borrow();
        slab.slots.iter().filter_map(|slot| slot.pending.as_ref()).any(|p| p.scope.owner == owner)
    }

    /// Takes those who wait for any operation that may bring something out of `owners`, which are sorted.
    pub fn leave_out_waiting(&self, owners: &mut Vec<OwnerId>) {
        let slab = self.slab.borrow();
        for pending in slab.slots.iter().filter_map(|slot| slot.pending.as_ref()) {
            if owners.is_empty() {
                return;
            }
            if !is_idle(pending.what)
                && let Ok(place) = owners.binary_search(&pending.scope.owner)
            {
                owners.remove(place);
            }
        }
    }

    /// What `owner` waits for, and where in the user's code it began, if that was wanted.
    pub fn of(&self, owner: OwnerId) -> Vec<(&'static str, Option<Box<str>>)> {
        let slab = self.slab.borrow();
        let pending = slab.slots.iter().filter_map(|slot| slot.pending.as_ref());
        pending
            .filter(|pending| pending.scope.owner == owner)
            .map(|pending| (pending.what, pending.at.clone()))
            .collect()
    }

    /// Settles the promise of `op`. To be called within a turn in the operation's scope.
    pub fn finish(&self, ctx: &Ctx<'_>, op: OpId, result: OpResult) -> Result<()> {
        let Some(mut pending) = self.take(op) else { return Ok(()) };
        if let Some(kept) = pending.kept.take() {
            return match *kept {
                Ok(value) => pending.deferred.resolve(ctx, &value.restore(ctx)?),
                Err(error) => pending.deferred.reject(ctx, &error.restore(ctx)?),
            };
        }
        match result
            .and_then(|value| value.into_js_value(ctx).map_err(|error| OpError::new(format!("{error}"))))
        {
            Ok(value) => pending.deferred.resolve(ctx, &value),
            Err(error) => pending.deferred.reject(ctx, &make_error(ctx, &error)?),
        }
    }

    /// Resolves `op` with a JavaScript value. To be called within a turn in the operation's scope.
    pub fn resolve<'js>(&self, ctx: &Ctx<'js>, op: OpId, value: Value<'js>) -> Result<()> {
        match self.take(op) {
            Some(pending) => pending.deferred.resolve(ctx, &value),
            None => Ok(()),
        }
    }

    /// Says how `op` ends when it is finished, whatever it is finished with.
    pub fn keep<'js>(&self, ctx: &Ctx<'js>, op: OpId, outcome: std::result::Result<Value<'js>, Value<'js>>) {
        let kept = match outcome {
            Ok(value) => Ok(Persistent::save(ctx, value)),
            Err(error) => Err(Persistent::save(ctx, error)),
        };
        let mut slab = self.slab.borrow_mut();
        let slot = slab.slots.get_mut(op.index as usize).filter(|slot| slot.serial == op.serial);
        if let Some(pending) = slot.and_then(|slot| slot.pending.as_mut()) {
            pending.kept = Some(Box::new(kept));
        }
    }

    /// Gives up `op`, which was started and then not needed.
    pub fn forget(&self, op: OpId) {
        drop(self.take(op));
    }

    /// Rejects `op` with a JavaScript value. To be called within a turn in the operation's scope.
    pub fn reject<'js>(&self, ctx: &Ctx<'js>, op: OpId, error: Value<'js>) -> Result<()> {
        match self.take(op) {
            Some(pending) => pending.deferred.reject(ctx, &error),
            None => Ok(()),
        }
    }

    /// Forgets every operation of `owner`: their promises stay pending for ever.
    pub fn cancel_all_of(&self, owner: OwnerId) {
        let mut cancelled = Vec::new();
        {
            let mut slab = self.slab.borrow_mut();
            let slab = &mut *slab;
            for (index, slot) in slab.slots.iter_mut().enumerate() {
                if slot.pending.as_ref().is_some_and(|p| p.scope.owner == owner) {
                    cancelled.extend(slot.pending.take());
                    slot.serial = slot.serial.wrapping_add(1);
                    slab.free.push(u32::try_from(index).expect("slots are indexed by u32"));
                }
            }
        }
        // Dropping a handle may run finalizers; the slab is no longer borrowed.
        drop(cancelled);
    }

    fn take(&self, op: OpId) -> Option<Pending> {
        let mut slab = self.slab.borrow_mut();
        let slot = slab.slots.get_mut(op.index as usize).filter(|slot| slot.serial == op.serial)?;
        let pending = slot.pending.take()?;
        slot.serial = slot.serial.wrapping_add(1);
        slab.free.push(op.index);
        Some(pending)
    }

    pub(super) fn clear(&self) {
        let slots = std::mem::take(&mut *self.slab.borrow_mut());
        drop(slots);
    }
}

impl OpValue {
    /// The JavaScript value of a result.
    pub fn into_js_value<'js>(self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        match self {
            Self::Undefined => Ok(Value::new_undefined(ctx.clone())),
            Self::Null => Ok(Value::new_null(ctx.clone())),
            Self::Bool(value) => Ok(Value::new_bool(ctx.clone(), value)),
            Self::Number(value) => Ok(Value::new_number(ctx.clone(), value)),
            Self::Text(value) => value.into_js(ctx),
            Self::Bytes(value) => Ok(ArrayBuffer::new_copy(ctx.clone(), &value)?.into_value()),
            Self::Make(make) => make(ctx),
        }
    }
}
