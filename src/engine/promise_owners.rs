//! Whose a promise is, so that what waits for it goes on in the turn of who waits.
//!
//! Code of one owner may wait for a promise that another one made: a request that was sent once and kept in a variable of the
//! module, say. Left alone, the engine runs what waits within the turn that settles the promise, in the scope of somebody else.
//! The platform marks each promise with the context that made it, and lets nothing of one context run in another's (workerd, its patches
//! of V8 "Implement Promise Context Tagging" and "cross-request context promise resolve handling"). Here:
//!
//! - a promise is marked when it is made (the engine's hook);
//! - who waits for a pending one of another owner gets one of its own that follows it, by way of an operation: `await` asks each promise
//!   for its `constructor`, and everything else calls `then`, so both are looked at;
//! - who waits for a pending one whose owner is gone is told so;
//! - what waits for a promise that another owner settles is moved to an operation of who made it, before anything that waits
//!   is made to run. The engine's hook tells who fulfils a promise. Who rejects one is told by the notice of rejections that nobody
//!   handles; so a pending promise is never left with the engine's mark that it is handled, and the notice looks whether anything waits.
//!
//! The mark stands in a gap of the engine's own record of a promise, so that marking costs nothing; a test holds its layout.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::mem::offset_of;
use std::ptr::{NonNull, null_mut};
use std::rc::Rc;

use rquickjs::atom::PredefinedAtom;
use rquickjs::function::This;
use rquickjs::object::Property;
use rquickjs::{Ctx, Function, Object, Promise, Result, Value, qjs};

use super::abandoned::abandoned;
use super::host::{Host, OwnerId, Scope, SectionId};
use super::ops::{OpId, OpValue};

/// The engine's record of a promise (`JSPromiseData`), as far as it is looked at here.
#[repr(C)]
struct Record {
    state: i32,
    /// A gap of the engine's before what is aligned to eight bytes: the lower half of the maker's number, 0 for nobody.
    owner: u32,
    waiting: [Link; 2],
    handled: bool,
}

/// What the engine links lists with (`struct list_head`).
#[repr(C)]
struct Link {
    previous: *mut Link,
    next: *mut Link,
}

const PENDING: i32 = 0;
/// Promises that are awaited and still have the engine's mark that they are handled; more are looked through at once.
const AWAITED: usize = 64;

// On other machines the record has no gap, and promises stay unmarked.
const HAS_GAP: bool = cfg!(target_pointer_width = "64");
const _: () = assert!(!HAS_GAP || (offset_of!(Record, waiting) == 8 && offset_of!(Record, handled) == 40));

/// How a promise ended.
type Outcome<'js> = std::result::Result<Value<'js>, Value<'js>>;

impl Record {
    /// Whether something waits for the promise.
    fn has_waiting(&self) -> bool {
        !std::ptr::eq(self.waiting[0].next, &raw const self.waiting[0])
    }
}

/// Takes the engine's mark that it is handled off a promise, while it is pending and something waits for it.
///
/// # Safety
/// `record` must be that of a live promise.
unsafe fn unmark(record: *mut Record) {
    // SAFETY: as promised.
    unsafe {
        if (*record).state == PENDING && (*record).has_waiting() {
            (*record).handled = false;
        }
    }
}

/// What the engine's callbacks need. It stays where it is until the runtime is gone.
pub struct PromiseOwners {
    host: Rc<Host>,
    class: Cell<qjs::JSClassID>,
    /// Whether what follows a promise is being attached to it, which is not to be followed again.
    attaching: Cell<bool>,
    /// Pending promises of the running turn's owner that are awaited; each holds a reference. Empty between turns.
    awaited: RefCell<Vec<qjs::JSValue>>,
}

impl PromiseOwners {
    /// Marks of the promises of `host`'s isolate; nothing happens before [`PromiseOwners::install`].
    pub fn new(host: &Rc<Host>) -> Rc<Self> {
        Rc::new(Self {
            host: host.clone(),
            class: Cell::new(0),
            attaching: Cell::new(false),
            awaited: RefCell::default(),
        })
    }

    /// The host whose promises these are.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Notes that the running turn awaits `promise`, if that is its own and pending: it will get the engine's mark that it is handled.
    ///
    /// # Safety
    /// `ctx` and `promise` must be live.
    unsafe fn note_awaited(&self, ctx: *mut qjs::JSContext, promise: qjs::JSValue) {
        // SAFETY: the engine's record lives as long as its promise.
        let is_own = self.record(promise).is_some_and(|record| unsafe {
            let record = record.as_ref();
            record.state == PENDING && record.owner != 0
        });
        if !is_own {
            return;
        }
        if self.awaited.borrow().len() >= AWAITED {
            // SAFETY: as promised by the caller.
            unsafe { self.look_through(ctx) };
        }
        // SAFETY: as above; the reference is given back when the list is looked through.
        self.awaited.borrow_mut().push(unsafe { qjs::JS_DupValue(ctx, promise) });
    }

    /// Takes the engine's mark that they are handled off the promises that were awaited and are pending. To be called at the end of a turn.
    pub fn end_turn(&self, ctx: &Ctx<'_>) {
        if !self.awaited.borrow().is_empty() {
            // SAFETY: the context is entered.
            unsafe { self.look_through(ctx.as_raw().as_ptr()) };
        }
    }

    /// # Safety
    /// `ctx` must be live.
    unsafe fn look_through(&self, ctx: *mut qjs::JSContext) {
        for promise in self.awaited.take() {
            if let Some(record) = self.record(promise) {
                // SAFETY: the list holds a reference to the promise, which is given back afterwards.
                unsafe { unmark(record.as_ptr()) };
            }
            // SAFETY: as above.
            unsafe { qjs::JS_FreeValue(ctx, promise) };
        }
    }

    /// The engine's notice that `promise` was rejected and has not its mark of being handled: whether something waits for it
    /// nevertheless. Where somebody else's turn rejected it, what waits goes on with who made it.
    pub fn is_waited_for<'js>(&self, ctx: &Ctx<'js>, promise: &Value<'js>, reason: &Value<'js>) -> bool {
        let Some(mut record) = self.record(promise.as_raw()).filter(|_| HAS_GAP) else { return false };
        // SAFETY: the promise is live, and nothing of it is changed meanwhile.
        unsafe {
            if !record.as_ref().has_waiting() {
                return false;
            }
            record.as_mut().handled = true;
            // Without memory, what waits goes on here.
            if self.is_of_another(record.as_ref())
                && self.hand_over(ctx, Err(reason.clone()), record).is_err()
            {
                ctx.catch();
            }
        }
        true
    }

    /// Marks the promises of `ctx`'s runtime from now on, and looks at who waits for those of its realm.
    ///
    /// # Safety
    /// `self` must outlive the runtime.
    pub unsafe fn install(&self, ctx: &Ctx<'_>) -> Result<()> {
        if !HAS_GAP {
            return Ok(());
        }
        let (sample, ..) = ctx.promise()?;
        let prototype = sample.get_prototype().expect("promises have a prototype");
        let constructor: Object<'_> = prototype.get("constructor")?;
        let stranger = Object::new(ctx.clone())?;
        stranger.set_prototype(Some(&constructor))?;
        stranger.prop(PredefinedAtom::SymbolSpecies, Property::from(constructor.clone()))?;
        let raw = ctx.as_raw().as_ptr();
        // With a fraction, or a low address would be kept as a small integer.
        let this = qjs::JS_NewFloat64((&raw const *self).expose_provenance() as f64 + 0.5);
        // SAFETY: the context is entered and the values are live; the functions get copies of what they keep.
        unsafe {
            self.class.set(qjs::JS_GetClassID(sample.as_raw()));
            qjs::JS_SetPromiseHook(
                qjs::JS_GetRuntime(raw),
                Some(on_promise),
                (&raw const *self).cast_mut().cast(),
            );
            let mut data = [constructor.as_raw(), this, stranger.as_raw()];
            let name = c"get constructor".as_ptr();
            let get = qjs::JS_NewCFunctionData2(raw, Some(constructor_of), name, 0, 0, 3, data.as_mut_ptr());
            let set = qjs::JS_NewCFunctionData2(
                raw,
                Some(set_constructor),
                c"set constructor".as_ptr(),
                1,
                0,
                0,
                null_mut(),
            );
            let atom = qjs::JS_NewAtom(raw, c"constructor".as_ptr());
            let flags = (qjs::JS_PROP_CONFIGURABLE | qjs::JS_PROP_HAS_CONFIGURABLE) as c_int;
            let defined = qjs::JS_DefinePropertyGetSet(raw, prototype.as_raw(), atom, get, set, flags);
            qjs::JS_FreeAtom(raw, atom);
            if defined < 0 {
                return Err(rquickjs::Error::Exception);
            }
            let original: Value<'_> = prototype.get("then")?;
            let mut data = [original.as_raw(), this];
            let then =
                qjs::JS_NewCFunctionData2(raw, Some(then), c"then".as_ptr(), 2, 0, 2, data.as_mut_ptr());
            let then = Value::from_raw(ctx.clone(), then);
            prototype.prop("then", Property::from(then).writable().configurable())
        }
    }

    /// The engine's record of `promise`; `None` of other values.
    fn record(&self, promise: qjs::JSValue) -> Option<NonNull<Record>> {
        // SAFETY: the engine asks for nothing but a value; it gives null where the class is another one.
        NonNull::new(unsafe { qjs::JS_GetOpaque(promise, self.class.get()) }.cast())
    }

    /// Whether `promise` is pending and somebody else's than the running turn's.
    fn is_pending_elsewhere(&self, promise: qjs::JSValue) -> bool {
        // SAFETY: the engine's record lives as long as its promise.
        self.record(promise).is_some_and(|record| unsafe {
            let record = record.as_ref();
            record.state == PENDING && self.is_of_another(record) && !self.attaching.get()
        })
    }

    fn is_of_another(&self, record: &Record) -> bool {
        record.owner != 0 && record.owner != mark(self.host.scope.get().owner)
    }

    /// A promise of the running turn's that ends as `promise` of another owner does.
    fn follow<'js>(&self, ctx: &Ctx<'js>, then: &Function<'js>, promise: Value<'js>) -> Result<Promise<'js>> {
        let scope = self.host.scope.get();
        // SAFETY: the record lives as long as its promise.
        let maker = self.record(promise.as_raw()).map(|record| self.maker(unsafe { record.as_ref() }).owner);
        if maker.is_some_and(|maker| !self.host.is_alive(maker)) {
            return abandoned(ctx);
        }
        let (op, own) = self.host.ops.start_named(ctx, scope, "promise of another request or object")?;
        let settle = |rejects: bool| {
            let host = Rc::downgrade(&self.host);
            Function::new(ctx.clone(), move |ctx: Ctx<'js>, value: Value<'js>| {
                if let Some(host) = host.upgrade() {
                    settle(&host, &ctx, op, if rejects { Err(value) } else { Ok(value) });
                }
            })
        };
        let settled = (This(promise), settle(false)?, settle(true)?);
        let record = self.record(settled.0.0.as_raw()).map(NonNull::as_ptr);
        self.attaching.set(true);
        let attached = then.call::<_, Value<'js>>(settled);
        self.attaching.set(false);
        if let Some(record) = record {
            // SAFETY: who called `then` holds the promise.
            unsafe { unmark(record) };
        }
        attached.map(|_| own)
    }

    /// Lets what waits for a promise, which is another owner's and just ended so, go on in a turn of that owner.
    /// Where that one is gone, it never goes on.
    fn hand_over<'js>(&self, ctx: &Ctx<'js>, outcome: Outcome<'js>, record: NonNull<Record>) -> Result<()> {
        // SAFETY: the record lives as long as its promise, which is being settled.
        let maker = unsafe { self.maker(record.as_ref()) };
        let own = if self.host.is_alive(maker.owner) {
            let running = self.host.scope.replace(maker);
            let started = self.host.ops.start_named(ctx, maker, "promise that another settles");
            self.host.scope.set(running);
            let (op, own) = started?;
            settle(&self.host, ctx, op, outcome);
            own
        } else {
            ctx.promise()?.0
        };
        let to = self.record(own.as_raw()).expect("a promise");
        // SAFETY: both records live, and the new promise has nothing that waits for it.
        unsafe { move_waiting(record.as_ptr(), to.as_ptr()) };
        Ok(())
    }

    /// Who made the promise of `record`, outside of its critical sections: as on the platform, a section that waits for
    /// somebody else waits in vain. Only half of the owner's number is there; the rest is that of the nearest number.
    fn maker(&self, record: &Record) -> Scope {
        let running = self.host.scope.get().owner;
        let realm = running.realm();
        let now = running.serial();
        let distance = record.owner.wrapping_sub(mark(running)).cast_signed();
        let serial = now.wrapping_add_signed(distance.into());
        Scope { owner: OwnerId::of(realm, serial), section: SectionId(0) }
    }
}

fn mark(owner: OwnerId) -> u32 {
    owner.serial() as u32
}

/// Has `op` end with a value or an error that JavaScript made.
fn settle<'js>(host: &Host, ctx: &Ctx<'js>, op: OpId, outcome: Outcome<'js>) {
    host.ops.keep(ctx, op, outcome);
    host.completer.complete(op, Ok(OpValue::Undefined));
}

/// Moves all that waits for one promise to another one, for which nothing waits yet.
///
/// # Safety
/// Both must be records of live promises, with intact lists.
unsafe fn move_waiting(from: *mut Record, to: *mut Record) {
    for which in 0..2 {
        // SAFETY: the lists are circular and go through their heads, so that a head's neighbours are live links.
        unsafe {
            let (from, to) = (&raw mut (*from).waiting[which], &raw mut (*to).waiting[which]);
            if (*from).next == from {
                continue;
            }
            (*to).next = (*from).next;
            (*to).previous = (*from).previous;
            (*(*to).next).previous = to;
            (*(*to).previous).next = to;
            (*from).next = from;
            (*from).previous = from;
        }
    }
    // SAFETY: as above. A promise for which something waits counts as handled.
    unsafe { (*to).handled = true };
}

/// The engine's notice that a promise was made or fulfilled.
unsafe extern "C" fn on_promise(
    ctx: *mut qjs::JSContext,
    kind: qjs::JSPromiseHookType,
    promise: qjs::JSValue,
    _parent: qjs::JSValue,
    owners: *mut c_void,
) {
    // SAFETY: `install` gave the pointer, and who calls it keeps the value while the runtime lives.
    let owners = unsafe { &*owners.cast::<PromiseOwners>() };
    let Some(mut record) = owners.record(promise) else { return };
    match kind {
        qjs::JSPromiseHookType_JS_PROMISE_HOOK_INIT => {
            let scope = owners.host.scope.get();
            // SAFETY: the engine's record of a live promise; this field is ours.
            unsafe { record.as_mut().owner = mark(scope.owner) };
        }
        qjs::JSPromiseHookType_JS_PROMISE_HOOK_RESOLVE => {
            // SAFETY: as above.
            let settled = unsafe { record.as_ref() };
            if !owners.is_of_another(settled) || !settled.has_waiting() {
                return;
            }
            // SAFETY: the engine calls with a live context and a promise that has a value.
            let (ctx, value) = unsafe {
                let value = qjs::JS_PromiseResult(ctx, promise);
                let Some(ctx) = NonNull::new(ctx) else { return };
                let ctx = Ctx::from_raw(ctx);
                (ctx.clone(), Value::from_raw(ctx, value))
            };
            // Without memory, what waits goes on here.
            if owners.hand_over(&ctx, Ok(value), record).is_err() {
                ctx.catch();
            }
        }
        _ => {}
    }
}

/// Gives the marks that `install` put beside a function.
///
/// # Safety
/// `data` must be a function's that `install` made with its address as the second value.
unsafe fn owners_in<'a>(data: *mut qjs::JSValue) -> &'a PromiseOwners {
    // SAFETY: the second value is the address and a half, see `install`; addresses of programs have fewer bits than a mantissa.
    unsafe {
        let address = qjs::JS_VALUE_GET_FLOAT64(*data.add(1)) as usize;
        &*std::ptr::with_exposed_provenance(address)
    }
}

/// `promise.constructor`. That of a pending promise of another owner is not `Promise` but looks like it, so that `await` and
/// `Promise.resolve()` take the promise for a stranger and call its `then`.
unsafe extern "C" fn constructor_of(
    ctx: *mut qjs::JSContext,
    this: qjs::JSValue,
    _argc: c_int,
    _argv: *mut qjs::JSValue,
    _magic: c_int,
    data: *mut qjs::JSValue,
) -> qjs::JSValue {
    // SAFETY: the engine hands over what `install` gave it.
    unsafe {
        let owners = owners_in(data);
        let which = if owners.is_pending_elsewhere(this) { 2 } else { 0 };
        if which == 0 {
            owners.note_awaited(ctx, this);
        }
        qjs::JS_DupValue(ctx, *data.add(which))
    }
}

/// `promise.constructor = value`, as if it had been a plain property of the prototype.
unsafe extern "C" fn set_constructor(
    ctx: *mut qjs::JSContext,
    this: qjs::JSValue,
    _argc: c_int,
    argv: *mut qjs::JSValue,
    _magic: c_int,
    _data: *mut qjs::JSValue,
) -> qjs::JSValue {
    // SAFETY: the engine calls with one argument at least; defining takes over the copy.
    unsafe {
        let value = qjs::JS_DupValue(ctx, *argv);
        let flags = qjs::JS_PROP_C_W_E as c_int;
        match qjs::JS_DefinePropertyValueStr(ctx, this, c"constructor".as_ptr(), value, flags) {
            0.. => qjs::JS_UNDEFINED,
            _ => qjs::JS_EXCEPTION,
        }
    }
}

/// `promise.then(…)`.
unsafe extern "C" fn then(
    ctx: *mut qjs::JSContext,
    this: qjs::JSValue,
    argc: c_int,
    argv: *mut qjs::JSValue,
    _magic: c_int,
    data: *mut qjs::JSValue,
) -> qjs::JSValue {
    // SAFETY: the engine hands over what `install` gave it, live values and a live context.
    unsafe {
        let (owners, original) = (owners_in(data), *data);
        if !owners.is_pending_elsewhere(this) {
            return qjs::JS_Call(ctx, original, this, argc, argv);
        }
        let Some(live) = NonNull::new(ctx) else { return qjs::JS_EXCEPTION };
        let live = Ctx::from_raw(live);
        let promise = Value::from_raw(live.clone(), qjs::JS_DupValue(ctx, this));
        let function = Value::from_raw(live.clone(), qjs::JS_DupValue(ctx, original));
        match Function::from_value(function).and_then(|function| owners.follow(&live, &function, promise)) {
            Ok(own) => qjs::JS_Call(ctx, original, own.as_raw(), argc, argv),
            Err(_) => qjs::JS_EXCEPTION,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::turn::Entered;
    use crate::engine::{Isolate, IsolateOptions};

    fn scope(serial: u64) -> Scope {
        Scope { owner: OwnerId(serial), section: SectionId(0) }
    }

    fn in_turn(isolate: &Isolate, serial: u64, code: &str) {
        let report = isolate.turn(scope(serial), |ctx| {
            ctx.eval::<(), _>(code).expect("the code runs");
            Entered::Done
        });
        assert_eq!(report.uncaught.len(), 0, "{report:?}");
    }

    #[test]
    fn the_engine_keeps_its_records_as_they_are_looked_at_here() {
        let isolate = Isolate::new(Host::detached(), &[], &IsolateOptions::default()).expect("an isolate");
        let owners = isolate.promise_owners();
        isolate.turn(scope(77), |ctx| {
            let (promise, resolve, _) = ctx.promise().expect("a promise");
            let record = owners.record(promise.as_raw()).expect("a record").as_ptr();
            let look = || {
                // SAFETY: the promise lives.
                let record = unsafe { &*record };
                let waits = record.waiting.each_ref().map(|head| !std::ptr::eq(head.next, head));
                (record.state, record.owner, waits, record.handled)
            };
            assert_eq!(look(), (PENDING, 77, [false; 2], false));
            promise.then().expect("then").call::<_, ()>((This(promise.clone()),)).expect("a call");
            assert_eq!(look(), (PENDING, 77, [true; 2], true));
            owners.end_turn(ctx);
            assert_eq!(look(), (PENDING, 77, [true; 2], false));
            resolve.call::<_, ()>((5,)).expect("a call");
            assert_eq!(look(), (1, 77, [false; 2], false));
            Entered::Done
        });
    }

    #[test]
    fn what_waits_for_a_promise_of_another_owner_waits_for_an_operation() {
        let isolate = Isolate::new(Host::detached(), &[], &IsolateOptions::default()).expect("an isolate");
        in_turn(
            &isolate,
            1,
            "globalThis.p = new Promise((resolve) => { globalThis.settle = resolve; }); p.then(() => { globalThis.own = 1; });",
        );
        in_turn(
            &isolate,
            2,
            "p.then(() => { globalThis.other = 1; }); (async () => { await p; globalThis.awaited = 1; })();",
        );
        in_turn(
            &isolate,
            1,
            "settle(); p.then(() => { if (globalThis.other || globalThis.awaited || !globalThis.own) throw new Error('out of turn'); });",
        );
        let ops = isolate.host().ops.of(OwnerId(2));
        assert_eq!(ops.len(), 2, "{ops:?}");
    }

    #[test]
    fn a_promise_that_another_owner_fulfils_goes_on_with_its_maker() {
        let isolate = Isolate::new(Host::detached(), &[], &IsolateOptions::default()).expect("an isolate");
        in_turn(
            &isolate,
            1,
            "globalThis.p = new Promise((resolve) => { globalThis.settle = resolve; }); p.then(() => { globalThis.own = 1; });",
        );
        in_turn(
            &isolate,
            2,
            "settle(); Promise.resolve().then(() => { if (globalThis.own) throw new Error('out of turn'); });",
        );
        assert_eq!(isolate.host().ops.of(OwnerId(1)).len(), 1);
        isolate.host().set_alive(|owner| owner != OwnerId(3));
        in_turn(
            &isolate,
            3,
            "globalThis.p = new Promise((resolve) => { globalThis.settle = resolve; }); p.then(() => { globalThis.gone = 1; });",
        );
        in_turn(
            &isolate,
            2,
            "settle(); Promise.resolve().then(() => { if (globalThis.gone) throw new Error('out of turn'); });",
        );
        assert_eq!(isolate.host().ops.of(OwnerId(3)).len(), 0);
    }

    #[test]
    fn so_does_one_that_another_owner_rejects() {
        let isolate = Isolate::new(Host::detached(), &[], &IsolateOptions::default()).expect("an isolate");
        for wait in
            ["p.catch(() => { ran = 1; });", "(async () => { try { await p; } catch { ran = 1; } })();"]
        {
            let make = "globalThis.ran = 0; globalThis.p = new Promise((_, reject) => { globalThis.fail = reject; });";
            in_turn(&isolate, 1, &format!("{make}{wait}"));
            let before = isolate.host().ops.of(OwnerId(1)).len();
            in_turn(
                &isolate,
                2,
                "fail(1); Promise.resolve().then(() => { if (ran) throw new Error('out of turn'); });",
            );
            assert_eq!(isolate.host().ops.of(OwnerId(1)).len(), before + 1, "{wait}");
            // In the maker's own turn nothing is handed over, and nothing goes unhandled.
            in_turn(&isolate, 1, &format!("{make}{wait}"));
            in_turn(
                &isolate,
                1,
                "fail(1); Promise.resolve().then(() => {}).then(() => { if (!ran) throw new Error('late'); });",
            );
            assert_eq!(isolate.host().ops.of(OwnerId(1)).len(), before + 1, "{wait}");
        }
    }

    #[test]
    fn many_promises_that_are_awaited_are_looked_through_in_the_same_turn() {
        let isolate = Isolate::new(Host::detached(), &[], &IsolateOptions::default()).expect("an isolate");
        let wait = "globalThis.all = []; for (let i = 0; i < 300; i++) (async () => { const p = new Promise((_, r) => all.push(r)); try { await p; } catch {} })();";
        in_turn(&isolate, 1, wait);
        assert!(isolate.promise_owners().awaited.borrow().is_empty());
        in_turn(&isolate, 2, "for (const r of all) r(1);");
        assert_eq!(isolate.host().ops.of(OwnerId(1)).len(), 300);
    }

    #[test]
    fn the_number_of_a_maker_is_the_nearest_one() {
        let isolate = Isolate::new(Host::detached(), &[], &IsolateOptions::default()).expect("an isolate");
        let owners = isolate.promise_owners();
        for (running, made) in
            [(5, 3), (3, 5), (1 << 32, (1 << 32) - 1), ((1 << 32) - 1, (1 << 32) + 7), (7 << 33, 7 << 33)]
        {
            isolate.host().scope.set(scope(running));
            let links = || Link { previous: null_mut(), next: null_mut() };
            let owner = mark(OwnerId(made));
            let record = Record { state: 0, owner, waiting: [links(), links()], handled: false };
            assert_eq!(owners.maker(&record), scope(made));
        }
    }
}
