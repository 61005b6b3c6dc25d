//! A store of the WebAssembly interpreter whose linear memories JavaScript sees as `ArrayBuffer`s, without copies.
//!
//! Invariant: while JavaScript runs, every attached buffer of a store is exactly the bytes of its memory. A memory is moved
//! or grown by work on the store only ([`WasmStore::work`]), which runs no JavaScript and ends by detaching the buffers of what moved.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use rquickjs::{ArrayBuffer, Ctx, Result, Value, qjs};
use wasmi::{Engine, Memory, Store, StoreLimits, StoreLimitsBuilder};

use super::budget::Budget;
use super::lent::lend;

/// Elements that a table may have, as in V8.
pub const TABLE_ELEMENTS: usize = 10_000_000;

/// What a store may still take, and what it took: its memories are charged to the isolate until the store is dropped.
pub struct Account {
    budget: Budget,
    limits: StoreLimits,
    /// Each memory and how many of its bytes are charged.
    memories: Vec<(Memory, usize)>,
}

impl Account {
    /// Charges `memory` from now on.
    pub fn add_memory(&mut self, memory: Memory) {
        self.memories.push((memory, 0));
    }

    /// Lets a memory grow into what the isolate has left. The interpreter's limit is one for each memory.
    fn open(&mut self) {
        let largest = self.memories.iter().map(|(_, size)| *size).max().unwrap_or(0);
        let room = largest.saturating_add(self.budget.heap().room());
        self.limits = StoreLimitsBuilder::new()
            .memory_size(room)
            .table_elements(TABLE_ELEMENTS)
            .instances(usize::MAX)
            .memories(usize::MAX)
            .tables(usize::MAX)
            .build();
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.budget.heap().release(self.memories.iter().map(|(_, size)| size).sum());
    }
}

fn settle(store: &mut Store<Account>) {
    for at in 0..store.data().memories.len() {
        let (memory, charged) = store.data().memories[at];
        let size = memory.data_size(&*store);
        if size > charged {
            let account = store.data_mut();
            account.budget.heap().charge(size - charged);
            account.memories[at].1 = size;
        }
    }
}

/// A store, and the buffers over its memories.
pub struct WasmStore {
    store: RefCell<Store<Account>>,
    views: RefCell<Vec<View>>,
    next: Cell<u64>,
}

/// One attached buffer.
struct View {
    id: u64,
    memory: Memory,
    at: *mut u8,
    length: usize,
    /// Not counted as a reference: the buffer takes its view away before it is freed or detached.
    buffer: qjs::JSValue,
}

/// What a buffer keeps: the store, which owns the bytes.
struct Lease {
    store: Rc<WasmStore>,
    id: u64,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.store.forget(self.id);
    }
}

/// Detaches what moved also when the work panics.
struct Moved<'a, 'js>(&'a WasmStore, &'a Ctx<'js>);

impl Drop for Moved<'_, '_> {
    fn drop(&mut self) {
        self.0.detach(self.1, |store, view| {
            view.memory.data_ptr(store) != view.at || view.memory.data_size(store) != view.length
        });
    }
}

impl WasmStore {
    /// An empty store, whose memories and tables are charged to `budget`.
    pub fn new(engine: &Engine, budget: Budget) -> Rc<Self> {
        let account = Account { budget, limits: StoreLimits::default(), memories: Vec::new() };
        let mut store = Store::new(engine, account);
        store.limiter(|account| &mut account.limits);
        Rc::new(Self { store: RefCell::new(store), views: RefCell::default(), next: Cell::new(0) })
    }

    /// Does `work` with the store. It must not run JavaScript, which its type makes hard: it gets no context, and a second
    /// call within it panics.
    pub fn work<'js, R>(&self, ctx: &Ctx<'js>, work: impl FnOnce(&mut Store<Account>) -> R) -> R {
        let moved = Moved(self, ctx);
        let mut store = self.store.borrow_mut();
        store.data_mut().open();
        let result = work(&mut store);
        settle(&mut store);
        drop(store);
        drop(moved);
        result
    }

    /// A buffer over the bytes of `memory`, which is this store's. It keeps the store. There must be no other attached one of
    /// this memory.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn buffer<'js>(self: &Rc<Self>, ctx: &Ctx<'js>, memory: Memory) -> Result<Value<'js>> {
        let store = self.store.borrow();
        let (at, length) = (memory.data_ptr(&*store), memory.data_size(&*store));
        drop(store);
        let id = self.next.get();
        self.next.set(id + 1);
        let lease = Lease { store: self.clone(), id };
        // SAFETY: `at` is valid for `length` bytes until the memory is moved or the store is dropped. The former detaches the
        // buffer before JavaScript runs again (`Moved`); the latter cannot happen while the lease holds the store. Rust holds no
        // reference into the bytes while JavaScript runs: the store is not borrowed then.
        let value = unsafe { lend(ctx, at, length, lease) }?;
        self.views.borrow_mut().push(View { id, memory, at, length, buffer: value.as_raw() });
        Ok(value)
    }

    /// Detaches the buffer of the memory that has `value` as its attached buffer, if it has.
    pub fn detach_buffer<'js>(&self, ctx: &Ctx<'js>, value: &Value<'js>) {
        if let Some(mut buffer) = value.as_object().cloned().and_then(ArrayBuffer::from_object) {
            let is_ours = self.views.borrow().iter().any(|view| same(view.buffer, value.as_raw()));
            if is_ours {
                buffer.detach();
            }
        } else {
            drop(ctx.catch());
        }
    }

    fn detach(&self, ctx: &Ctx<'_>, which: impl Fn(&Store<Account>, &View) -> bool) {
        let Ok(store) = self.store.try_borrow() else { return };
        loop {
            let found = self
                .views
                .borrow()
                .iter()
                .find(|view| which(&store, view))
                .map(|view| (view.id, view.buffer));
            let Some((id, buffer)) = found else { return };
            // SAFETY: a buffer takes its view away before it is freed (`Lease`), so this one lives.
            unsafe { qjs::JS_DetachArrayBuffer(ctx.as_raw().as_ptr(), buffer) };
            // Detaching ended the lease; if it had not, this loop would never end.
            self.forget(id);
        }
    }

    fn forget(&self, id: u64) {
        self.views.borrow_mut().retain(|view| view.id != id);
    }
}

/// Whether both are the same object.
fn same(a: qjs::JSValue, b: qjs::JSValue) -> bool {
    // SAFETY: both are objects, so their union holds a pointer, which is only compared.
    unsafe { qjs::JS_VALUE_GET_PTR(a) == qjs::JS_VALUE_GET_PTR(b) }
}
