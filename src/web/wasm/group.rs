//! A group: instances that share a store, with everything that they define.
//!
//! An instance begins a group of its own unless it imports a memory, table or global, whose group it joins then; what JavaScript makes
//! belongs to one group of the realm. A group goes, with its memories, when JavaScript has forgotten all that belongs to it.
//!
//! JavaScript calls functions, memories, tables and globals of a group by the number that the interpreter gave them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Debug;
use std::rc::Rc;

use wasmi::{ExternRef, Func, Global, Memory, Nullable, Ref, Store, Table, Val};

use crate::engine::wasm::{Account, WasmStore};

/// Values that JavaScript lent before it is first asked which of them are still used.
const FIRST_SWEEP: usize = 1024;

/// See the module.
pub(super) struct Group {
    pub store: Rc<WasmStore>,
    pub defined: RefCell<Defined>,
    pub lent: RefCell<Lent>,
    /// Calls that wait for JavaScript.
    pub waiting: Rc<Cell<usize>>,
}

/// What the store holds, by number.
#[derive(Default)]
pub(super) struct Defined {
    pub functions: HashMap<u32, Func>,
    pub memories: HashMap<u32, Memory>,
    pub tables: HashMap<u32, Table>,
    pub globals: HashMap<u32, Global>,
    instances: Vec<Functions>,
}

/// The numbers of the functions that one instance defined.
struct Functions {
    first: u32,
    imported: u32,
}

impl Group {
    pub(super) fn new(store: Rc<WasmStore>) -> Self {
        Self { store, defined: RefCell::default(), lent: RefCell::default(), waiting: Rc::default() }
    }
}

impl Defined {
    pub(super) fn add_function(&mut self, function: Func) -> u32 {
        let number = number(&function);
        self.functions.insert(number, function);
        number
    }

    pub(super) fn add_memory(&mut self, store: &mut Store<Account>, memory: Memory) -> u32 {
        let number = number(&memory);
        if self.memories.insert(number, memory).is_none() {
            store.data_mut().add_memory(memory);
        }
        number
    }

    pub(super) fn add_table(&mut self, table: Table) -> u32 {
        let number = number(&table);
        self.tables.insert(number, table);
        number
    }

    pub(super) fn add_global(&mut self, global: Global) -> u32 {
        let number = number(&global);
        self.globals.insert(number, global);
        number
    }

    /// Notes that the functions after `marker`, which was made just before, are those of an instance that imports `imported`.
    pub(super) fn add_instance(&mut self, marker: &Func, imported: u32) {
        self.instances.push(Functions { first: number(marker) + 1, imported });
    }

    /// The index that the function `number` has in the module that defines it.
    pub(super) fn index_of(&self, number: u32) -> u32 {
        let before = self.instances.partition_point(|functions| functions.first <= number);
        match before.checked_sub(1).map(|at| &self.instances[at]) {
            Some(functions) => number - functions.first + functions.imported,
            None => 0,
        }
    }
}

/// The number of a function, memory, table or global in its store: the interpreter tells it only when it prints one. A test
/// holds that.
pub(super) fn number(handle: &impl Debug) -> u32 {
    let text = format!("{handle:?}");
    let (_, after) = text.rsplit_once("key: ").expect("handles print their keys");
    let digits = after.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().expect("keys are numbers")
}

/// The values that JavaScript lent as `externref`s: the interpreter has numbers, the values stand in a list of JavaScript's.
///
/// What the interpreter still holds is in tables and globals, all of which are known, once no call is under way.
#[derive(Default)]
pub(super) struct Lent {
    handles: Vec<ExternRef>,
    free: Vec<u32>,
    next_sweep: usize,
}

impl Lent {
    /// A place in the list, and what the interpreter calls it.
    pub(super) fn take(&mut self, store: &mut Store<Account>) -> (u32, ExternRef) {
        if let Some(place) = self.free.pop() {
            return (place, self.handles[place as usize]);
        }
        let place = u32::try_from(self.handles.len()).expect("fewer than 2^32 values are lent");
        let handle = ExternRef::new(&mut *store, place);
        self.handles.push(handle);
        (place, handle)
    }

    /// Whether so much is lent that it is worth looking what came back.
    pub(super) fn is_worth_sweeping(&self) -> bool {
        self.handles.len() - self.free.len() >= self.next_sweep.max(FIRST_SWEEP)
    }

    /// Frees the places that nothing in `defined` holds, and says which. No call may be under way.
    pub(super) fn sweep(&mut self, store: &Store<Account>, defined: &Defined) -> Vec<u32> {
        let mut held = vec![false; self.handles.len()];
        let mut hold = |reference: Nullable<ExternRef>| {
            if let Nullable::Val(reference) = reference {
                held[place_of(store, reference) as usize] = true;
            }
        };
        for table in defined.tables.values() {
            for at in 0..table.size(store) {
                match table.get(store, at) {
                    Some(Ref::Extern(reference)) => hold(reference),
                    _ => break,
                }
            }
        }
        for global in defined.globals.values() {
            if let Val::ExternRef(reference) = global.get(store) {
                hold(reference);
            }
        }
        let mut was_free = vec![false; self.handles.len()];
        for place in &self.free {
            was_free[*place as usize] = true;
        }
        let places = 0..u32::try_from(self.handles.len()).unwrap_or(u32::MAX);
        let freed: Vec<u32> =
            places.filter(|place| !held[*place as usize] && !was_free[*place as usize]).collect();
        self.free.extend(&freed);
        self.next_sweep = 2 * (self.handles.len() - self.free.len());
        freed
    }
}

/// The place in JavaScript's list of what the interpreter calls `reference`.
pub(super) fn place_of(store: &Store<Account>, reference: ExternRef) -> u32 {
    *reference.data(store).downcast_ref().expect("all references are made of places")
}
