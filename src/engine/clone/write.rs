//! From JavaScript values to bytes: primitives, identity, plain objects and arrays; the rest is in `write_kinds.rs`.

use rquickjs::{Ctx, Object, Value, qjs};

use super::identity::Identity;
use super::raw::{self, Names, Owned, Raw};
use super::{Candidate, CloneError, HostObjects, Policy, WRITE_STACK_BYTES, Written, class, refusal};
use crate::codec::wire::{Writer, tag};

/// One value on its way to bytes. Hosts get it to write their objects' contents.
pub struct Serializer<'a, 'js> {
    ctx: &'a Ctx<'js>,
    pub(super) hosts: &'a dyn HostObjects<'js>,
    pub(super) raw: Raw,
    pub(super) policy: Policy,
    pub(super) out: Writer,
    pub(super) seen: Identity,
    /// `Object.prototype`, once the first object was met.
    plain: Option<Owned>,
    stack_base: usize,
}

impl<'a, 'js> Serializer<'a, 'js> {
    pub(super) fn new(ctx: &'a Ctx<'js>, hosts: &'a dyn HostObjects<'js>, out: Vec<u8>) -> Self {
        Self {
            ctx,
            hosts,
            raw: ctx.as_raw().as_ptr(),
            policy: hosts.policy(),
            out: Writer::appending(out),
            seen: Identity::default(),
            plain: None,
            stack_base: 0,
        }
    }

    pub(super) fn into_bytes(mut self, failed: bool) -> Vec<u8> {
        if failed {
            self.out.cut(0);
        }
        self.out.into_bytes()
    }

    pub(super) fn write_top(&mut self, value: &Value<'js>) -> Result<(), CloneError> {
        self.stack_base = raw::stack_position();
        self.out.header();
        self.write(value.as_raw())
    }

    /// The context that the value lives in.
    pub fn ctx(&self) -> &Ctx<'js> {
        self.ctx
    }

    /// Where hosts put numbers and bytes.
    pub fn bytes(&mut self) -> &mut Writer {
        &mut self.out
    }

    /// Writes a nested value; objects that were written before become references.
    pub fn value(&mut self, value: &Value<'js>) -> Result<(), CloneError> {
        self.write(value.as_raw())
    }

    pub(super) fn write(&mut self, value: qjs::JSValue) -> Result<(), CloneError> {
        match raw::tag_of(value) {
            qjs::JS_TAG_INT => {
                // SAFETY: the tag says that it is an integer.
                self.out.int(unsafe { qjs::JS_VALUE_GET_INT(value) });
            }
            qjs::JS_TAG_FLOAT64 => {
                // SAFETY: the tag says that it is a double.
                self.out.number(unsafe { qjs::JS_VALUE_GET_FLOAT64(value) });
            }
            qjs::JS_TAG_STRING | qjs::JS_TAG_STRING_ROPE => self.string(value)?,
            qjs::JS_TAG_OBJECT => self.object(value)?,
            qjs::JS_TAG_BOOL => {
                // SAFETY: the tag says that it is a boolean.
                let yes = unsafe { qjs::JS_VALUE_GET_BOOL(value) };
                self.out.byte(if yes { tag::TRUE } else { tag::FALSE });
            }
            qjs::JS_TAG_NULL => self.out.byte(tag::NULL),
            qjs::JS_TAG_UNDEFINED => self.out.byte(tag::UNDEFINED),
            qjs::JS_TAG_BIG_INT | qjs::JS_TAG_SHORT_BIG_INT => {
                self.out.byte(tag::BIGINT);
                self.bigint_body(value)?;
            }
            _ => return Err(refusal::refuse(self.raw, value)),
        }
        Ok(())
    }

    pub(super) fn string(&mut self, string: qjs::JSValue) -> Result<(), CloneError> {
        // Both branches borrow the writer, one at a time.
        let out = std::cell::RefCell::new(&mut self.out);
        raw::with_text(
            self.raw,
            string,
            |ascii| out.borrow_mut().one_byte(ascii),
            |units| out.borrow_mut().utf16(units),
        )
    }

    fn object(&mut self, object: qjs::JSValue) -> Result<(), CloneError> {
        let class = class::of(object);
        if let Some(id) = self.seen.find(object) {
            self.out.byte(tag::REFERENCE);
            self.out.varint(u64::from(id));
            return Ok(());
        }
        if raw::stack_position().abs_diff(self.stack_base) > WRITE_STACK_BYTES {
            return Err(raw::throw_stack_overflow(self.raw));
        }
        // A view's buffer comes first and takes the smaller id.
        if class::TYPED_ARRAYS.contains(&class) || class == class::DATA_VIEW {
            return self.view(object, class);
        }
        self.seen.add(self.raw, object);
        match class {
            class::OBJECT | class::ITERATOR => self.instance(object),
            class::ARRAY => self.array(object),
            // SAFETY: asks a live object. The binding's functions are of a class of the host, too.
            _ if (class > class::LAST && !unsafe { qjs::JS_IsFunction(self.raw, object) })
                || class == class::DOM_EXCEPTION =>
            {
                self.host_class(object)
            }
            _ => self.built_in(object, class),
        }
    }

    /// An object of no special class: plain, or an instance that the host may know.
    fn instance(&mut self, object: qjs::JSValue) -> Result<(), CloneError> {
        if class::is_global(self.raw, object) {
            return Err(refusal::could_not("#<ServiceWorkerGlobalScope>"));
        }
        let plain = match &self.plain {
            Some(plain) => plain.get(),
            None => {
                let prototype = class::prototype(self.raw, class::OBJECT)?;
                self.plain.insert(prototype).get()
            }
        };
        // SAFETY: the object is alive; the result is owned.
        let prototype = Owned::taken(self.raw, unsafe { qjs::JS_GetPrototype(self.raw, object) })?;
        let is_plain =
            raw::is_object(prototype.get()) && raw::address(prototype.get()) == raw::address(plain);
        if !is_plain {
            match self.offer(object, Candidate::Instance)? {
                Written::Done => return Ok(()),
                Written::NotMine if self.policy.plain_instances => {}
                Written::NotMine | Written::Refused => return Err(refusal::refuse_type(self.raw, object)),
            }
        }
        self.plain_object(object)
    }

    /// An object of a class of the host.
    fn host_class(&mut self, object: qjs::JSValue) -> Result<(), CloneError> {
        match self.offer(object, Candidate::Instance)? {
            Written::Done => Ok(()),
            Written::NotMine | Written::Refused => Err(refusal::refuse_type(self.raw, object)),
        }
    }

    /// `object` as hosts take it.
    pub(super) fn shared(&self, object: qjs::JSValue) -> Result<Object<'js>, CloneError> {
        // SAFETY: one reference is added for the `Value`, which gives it back; context and value belong together.
        let value = unsafe { Value::from_raw(self.ctx.clone(), qjs::JS_DupValue(self.raw, object)) };
        Object::from_value(value).map_err(CloneError::Js)
    }

    /// Lets the host write `object`. Nothing is left behind unless it did.
    pub(super) fn offer(
        &mut self,
        object: qjs::JSValue,
        candidate: Candidate,
    ) -> Result<Written, CloneError> {
        let start = self.out.size_bytes();
        self.out.byte(tag::HOST);
        let object = self.shared(object)?;
        let hosts = self.hosts;
        let written = hosts.write(&object, candidate, self)?;
        if written != Written::Done {
            self.out.cut(start);
        }
        Ok(written)
    }

    pub(super) fn plain_object(&mut self, object: qjs::JSValue) -> Result<(), CloneError> {
        self.out.byte(tag::OBJECT);
        let names = Names::of(self.raw, object, true)?;
        let count = self.properties(object, &names, 0)?;
        self.out.byte(tag::OBJECT_END);
        self.out.varint(count);
        Ok(())
    }

    /// Own properties from the `first` name on; how many were still there when their turn came.
    fn properties(&mut self, object: qjs::JSValue, names: &Names, first: usize) -> Result<u64, CloneError> {
        let mut count = 0;
        for position in first..names.len() {
            let atom = names.at(position);
            let value = raw::get_atom(self.raw, object, atom)?;
            // A getter may have deleted it.
            if raw::is_undefined(value.get()) && !raw::has_own(self.raw, object, atom)? {
                continue;
            }
            self.key(atom)?;
            self.write(value.get())?;
            count += 1;
        }
        Ok(count)
    }

    /// A property's name: array indices are numbers.
    pub(super) fn key(&mut self, atom: qjs::JSAtom) -> Result<(), CloneError> {
        if let Some(index) = raw::atom_index(atom) {
            self.out.number(f64::from(index));
            return Ok(());
        }
        // SAFETY: the atom is held by the table of names.
        let name = Owned::taken(self.raw, unsafe { qjs::JS_AtomToString(self.raw, atom) })?;
        let out = std::cell::RefCell::new(&mut self.out);
        raw::with_text(
            self.raw,
            name.get(),
            |ascii| match large_index(ascii) {
                Some(index) => {
                    out.borrow_mut().double(f64::from(index));
                }
                None => out.borrow_mut().one_byte(ascii),
            },
            |units| out.borrow_mut().utf16(units),
        )
    }

    /// Dense where every element is there, sparse otherwise.
    ///
    /// Fidelity: V8 also writes arrays that are not extensible as sparse, and those whose elements are all numbers, one
    /// of them a double, as doubles throughout.
    /// Deviation: V8 writes an array as sparse, too, if it ever had a hole; the engine does not remember.
    fn array(&mut self, array: qjs::JSValue) -> Result<(), CloneError> {
        let names = Names::of(self.raw, array, true)?;
        let mut length = 0;
        // SAFETY: the result points to this frame; an array's length has no getter.
        raw::check(unsafe { qjs::JS_GetLength(self.raw, array, &mut length) })?;
        let length = u32::try_from(length).expect("an array's length is a number of 32 bits");
        // Indices come first and ascending: if the last one that can be is at its place, none is missing.
        let complete = length == 0
            || (names.len() >= length as usize
                && raw::atom_index(names.at(length as usize - 1)) == Some(length - 1));
        // SAFETY: asks a live object.
        let extensible = raw::check(unsafe { qjs::JS_IsExtensible(self.raw, array) })? > 0;
        let count = if complete && extensible {
            self.out.byte(tag::DENSE);
            self.out.varint(u64::from(length));
            self.elements(array, &names, length)?;
            let count = self.properties(array, &names, length as usize)?;
            self.out.byte(tag::DENSE_END);
            count
        } else {
            self.out.byte(tag::SPARSE);
            self.out.varint(u64::from(length));
            let count = self.properties(array, &names, 0)?;
            self.out.byte(tag::SPARSE_END);
            count
        };
        self.out.varint(count);
        self.out.varint(u64::from(length));
        Ok(())
    }

    fn elements(&mut self, array: qjs::JSValue, names: &Names, length: u32) -> Result<(), CloneError> {
        let start = self.out.size_bytes();
        let (mut small, mut double, mut other) = (false, false, false);
        for index in 0..length {
            // SAFETY: the array is alive; the result is owned.
            let element = unsafe { qjs::JS_GetPropertyUint32(self.raw, array, index) };
            let is_small = match raw::tag_of(element) {
                // SAFETY: the tag says that it is an integer.
                qjs::JS_TAG_INT => self.out.int(unsafe { qjs::JS_VALUE_GET_INT(element) }),
                // SAFETY: the tag says that it is a double.
                qjs::JS_TAG_FLOAT64 => self.out.number(unsafe { qjs::JS_VALUE_GET_FLOAT64(element) }),
                _ => {
                    other = true;
                    let element = Owned::taken(self.raw, element)?;
                    let is_hole = raw::is_undefined(element.get())
                        && !raw::has_own(self.raw, array, names.at(index as usize))?;
                    match is_hole {
                        true => self.out.byte(tag::HOLE),
                        false => self.write(element.get())?,
                    }
                    continue;
                }
            };
            small |= is_small;
            double |= !is_small;
        }
        if small && double && !other {
            self.out.widen_numbers(start);
        }
        Ok(())
    }
}

/// The index in a name, if it is one of those above 2^31, which the engine keeps as text.
fn large_index(ascii: &[u8]) -> Option<u32> {
    if ascii.len() != 10 || !matches!(ascii[0], b'2'..=b'4') {
        return None;
    }
    let index = std::str::from_utf8(ascii).ok()?.parse::<u32>().ok()?;
    (index < u32::MAX && ascii.iter().all(u8::is_ascii_digit)).then_some(index)
}
