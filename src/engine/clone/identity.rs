//! Which objects were written already, by address.
//!
//! Nearly every value has a handful of objects, where looking through a list beats hashing; a table joins in only when
//! there are more. Each object is held, so that its address cannot come to stand for another one while getters run.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use rquickjs::qjs;

use super::raw::{Owned, Raw, address};

/// Objects up to which the list alone is used.
const LIST_MAX: usize = 12;

/// The objects written so far, in order: an object's place is its id.
#[derive(Default)]
pub(super) struct Identity {
    seen: Vec<Option<Owned>>,
    table: HashMap<usize, u32, BuildHasherDefault<AddressHasher>>,
}

impl Identity {
    /// The id of `object` if it was added before.
    pub(super) fn find(&self, object: qjs::JSValue) -> Option<u32> {
        let wanted = address(object);
        if self.seen.len() > LIST_MAX {
            return self.table.get(&wanted).copied();
        }
        let place =
            self.seen.iter().position(|seen| seen.as_ref().is_some_and(|o| address(o.get()) == wanted));
        place.map(|place| place as u32)
    }

    /// Gives `object` the next id.
    pub(super) fn add(&mut self, ctx: Raw, object: qjs::JSValue) {
        self.push(Some(Owned::copied(ctx, object)));
    }

    /// Uses up an id for an object that exists on the wire only.
    pub(super) fn skip(&mut self) {
        self.push(None);
    }

    fn push(&mut self, object: Option<Owned>) {
        self.seen.push(object);
        let first = match self.seen.len() {
            ..=LIST_MAX => return,
            count if count == LIST_MAX + 1 => 0,
            count => count - 1,
        };
        for (place, seen) in self.seen.iter().enumerate().skip(first) {
            if let Some(seen) = seen {
                self.table.insert(address(seen.get()), place as u32);
            }
        }
    }
}

/// Spreads addresses: their low bits are equal and their high bits too.
#[derive(Default)]
pub(super) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, address: usize) {
        let mixed = (self.0 ^ (address as u64 >> 4)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
