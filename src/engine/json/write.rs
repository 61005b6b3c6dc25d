//! `JSON.stringify` of plain data: ordinary objects and arrays of strings, numbers, booleans and null.
//!
//! Nothing that a program could notice happens here: no getter, no `toJSON`, no trap of a proxy runs. Whatever would need
//! that, and whatever is too deep, too large or wrong, ends the attempt, and the engine's own function starts afresh.
//!
//! Invariant: as nothing of the program runs, what was found out about prototypes holds until the end of the call.

use std::ptr::null_mut;

use rquickjs::qjs;

use super::held::{Held, Names};
use super::{Raw, Stop, number, tag_of};

/// Deepest nesting; beyond it the engine's function decides.
const DEPTH_MAX: usize = 128;

/// Largest text; the engine's function grows a longer one within the memory limit.
const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Room at the start: most texts are short.
const TEXT_BYTES_FIRST: usize = 256;

/// Places for keys that were written before. A power of two.
const KEYS: usize = 64;

/// Prototypes without `toJSON` that are remembered.
const PROTOTYPES: usize = 4;

/// Names of objects in a prototype chain that are looked at.
const CHAIN_MAX: usize = 16;

/// The JSON of `value`; `None` for what has none.
pub(super) fn stringify(ctx: Raw, value: qjs::JSValue) -> Result<Option<qjs::JSValue>, Stop> {
    let mut writer = Writer {
        ctx,
        out: Vec::with_capacity(TEXT_BYTES_FIRST),
        open: Vec::new(),
        keys: [const { Key { atom: 0, start: 0, end: 0 } }; KEYS],
        prototypes: [null_mut(); PROTOTYPES],
        known: 0,
        // SAFETY: makes or finds an atom of a terminated text.
        to_json: unsafe { qjs::JS_NewAtom(ctx, c"toJSON".as_ptr()) },
    };
    if !writer.value(value)? {
        return Ok(None);
    }
    let text = std::mem::take(&mut writer.out);
    // SAFETY: pointer and length are a vector's.
    Stop::unless_thrown(unsafe { qjs::JS_NewStringLen(ctx, text.as_ptr().cast(), text.len() as qjs::size_t) })
        .map(Some)
}

/// Where a key's quoted text with its colon stands in the output.
#[derive(Clone, Copy)]
struct Key {
    /// Held; 0 is none.
    atom: qjs::JSAtom,
    start: u32,
    end: u32,
}

struct Writer {
    ctx: Raw,
    /// UTF-8.
    out: Vec<u8>,
    /// Objects that are being written, from the outermost.
    open: Vec<*mut std::ffi::c_void>,
    keys: [Key; KEYS],
    /// Addresses of prototypes without `toJSON`, alive because an object that lives has them.
    prototypes: [*mut std::ffi::c_void; PROTOTYPES],
    known: usize,
    to_json: qjs::JSAtom,
}

impl Writer {
    /// Writes `value`; whether it has a JSON.
    fn value(&mut self, value: qjs::JSValue) -> Result<bool, Stop> {
        match tag_of(value) {
            // SAFETY: the tag says which payload there is.
            qjs::JS_TAG_INT => {
                number::write_integer(&mut self.out, i64::from(unsafe { qjs::JS_VALUE_GET_INT(value) }))
            }
            qjs::JS_TAG_FLOAT64 => {
                // SAFETY: as above.
                let number = unsafe { qjs::JS_VALUE_GET_FLOAT64(value) };
                if !number.is_finite() {
                    self.out.extend_from_slice(b"null");
                } else if !number::write(&mut self.out, number) {
                    // SAFETY: the text of a number comes from nothing but the number.
                    let text = Stop::unless_thrown(unsafe { qjs::JS_ToString(self.ctx, value) })?;
                    let text = Held(self.ctx, text);
                    self.bytes(text.1, |out, text| out.extend_from_slice(text))?;
                }
            }
            // SAFETY: as above.
            qjs::JS_TAG_BOOL => match unsafe { qjs::JS_VALUE_GET_BOOL(value) } {
                true => self.out.extend_from_slice(b"true"),
                false => self.out.extend_from_slice(b"false"),
            },
            qjs::JS_TAG_NULL => self.out.extend_from_slice(b"null"),
            qjs::JS_TAG_STRING | qjs::JS_TAG_STRING_ROPE => self.string(value)?,
            qjs::JS_TAG_OBJECT => self.object(value)?,
            qjs::JS_TAG_UNDEFINED | qjs::JS_TAG_SYMBOL => return Ok(false),
            _ => return Err(Stop::Unfit),
        }
        Ok(true)
    }

    fn string(&mut self, value: qjs::JSValue) -> Result<(), Stop> {
        self.bytes(value, quote)
    }

    /// Has `add` add the text of `value`, a string, to the output.
    #[inline]
    fn bytes(&mut self, value: qjs::JSValue, add: fn(&mut Vec<u8>, &[u8])) -> Result<(), Stop> {
        let mut length = 0;
        // SAFETY: the string is alive; the bytes are given back below.
        let bytes = unsafe { qjs::JS_ToCStringLen2(self.ctx, &mut length, value, false) };
        if bytes.is_null() {
            return Err(Stop::Thrown);
        }
        let length = length as usize;
        if self.out.len() + length > TEXT_BYTES_MAX {
            // SAFETY: as below.
            unsafe { qjs::JS_FreeCString(self.ctx, bytes) };
            return Err(Stop::Unfit);
        }
        // SAFETY: the engine gave that many bytes and keeps them until they are given back.
        add(&mut self.out, unsafe { std::slice::from_raw_parts(bytes.cast(), length) });
        // SAFETY: they are not used afterwards.
        unsafe { qjs::JS_FreeCString(self.ctx, bytes) };
        Ok(())
    }

    fn object(&mut self, object: qjs::JSValue) -> Result<(), Stop> {
        // SAFETY: reads the address of an object.
        let address = unsafe { qjs::JS_VALUE_GET_PTR(object) };
        if self.open.len() >= DEPTH_MAX || self.open.contains(&address) || self.out.len() > TEXT_BYTES_MAX {
            return Err(Stop::Unfit);
        }
        self.open.push(address);
        // SAFETY: the object is alive.
        match unsafe { qjs::JS_GetClassID(object) } {
            super::CLASS_OBJECT => self.plain(object)?,
            super::CLASS_ARRAY => self.array(object)?,
            _ => return Err(Stop::Unfit),
        }
        self.open.pop();
        Ok(())
    }

    fn plain(&mut self, object: qjs::JSValue) -> Result<(), Stop> {
        self.check_prototype(object)?;
        let names = Names::of(self.ctx, object)?;
        self.out.push(b'{');
        let first = self.out.len();
        for name in names.as_slice() {
            if name.atom == self.to_json {
                return Err(Stop::Unfit);
            }
            if !name.is_enumerable {
                continue;
            }
            let value = self.own_data(object, name.atom)?;
            let before = self.out.len();
            if before > first {
                self.out.push(b',');
            }
            if matches!(tag_of(value.1), qjs::JS_TAG_UNDEFINED | qjs::JS_TAG_SYMBOL) {
                self.out.truncate(before);
                continue;
            }
            self.key(name.atom)?;
            self.value(value.1)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn array(&mut self, array: qjs::JSValue) -> Result<(), Stop> {
        self.check_prototype(array)?;
        if self.own_flags(array, self.to_json)? {
            return Err(Stop::Unfit);
        }
        let mut length = 0;
        // SAFETY: an array's length is its own data.
        if unsafe { qjs::JS_GetLength(self.ctx, array, &mut length) } < 0 {
            return Err(Stop::Thrown);
        }
        self.out.push(b'[');
        for index in 0..length {
            if index > 0 {
                self.out.push(b',');
            }
            let index = u32::try_from(index).ok().filter(|index| *index < 1 << 31).ok_or(Stop::Unfit)?;
            // SAFETY: such an index is an atom that need not be held.
            let atom = unsafe { qjs::JS_NewAtomUInt32(self.ctx, index) };
            let element = self.own_data(array, atom)?;
            if !self.value(element.1)? {
                self.out.extend_from_slice(b"null");
            }
            if self.out.len() > TEXT_BYTES_MAX {
                return Err(Stop::Unfit);
            }
        }
        self.out.push(b']');
        Ok(())
    }

    /// The own value of `object` named `atom`: no getter, no hole.
    #[inline]
    fn own_data(&self, object: qjs::JSValue, atom: qjs::JSAtom) -> Result<Held, Stop> {
        let undefined = qjs::JS_MKVAL(qjs::JS_TAG_UNDEFINED, 0);
        let mut found =
            qjs::JSPropertyDescriptor { flags: 0, value: undefined, getter: undefined, setter: undefined };
        // SAFETY: the result points to this frame; object and atom are alive.
        let result = unsafe { qjs::JS_GetOwnProperty(self.ctx, &mut found, object, atom) };
        let value = Held(self.ctx, found.value);
        match result {
            0 => Err(Stop::Unfit),
            ..0 => Err(Stop::Thrown),
            _ if found.flags & qjs::JS_PROP_GETSET as i32 != 0 => {
                drop((Held(self.ctx, found.getter), Held(self.ctx, found.setter)));
                Err(Stop::Unfit)
            }
            _ => Ok(value),
        }
    }

    /// Whether `object` itself has the property `atom`.
    fn own_flags(&self, object: qjs::JSValue, atom: qjs::JSAtom) -> Result<bool, Stop> {
        // SAFETY: object and atom are alive, no descriptor is asked for.
        match unsafe { qjs::JS_GetOwnProperty(self.ctx, null_mut(), object, atom) } {
            ..0 => Err(Stop::Thrown),
            found => Ok(found > 0),
        }
    }

    /// Sees to it that no prototype of `object`, an ordinary object or array, has `toJSON`, nor anything else to say.
    fn check_prototype(&mut self, object: qjs::JSValue) -> Result<(), Stop> {
        // SAFETY: the object is alive and no proxy.
        let mut prototype = Held(self.ctx, unsafe { qjs::JS_GetPrototype(self.ctx, object) });
        // SAFETY: reads the address; `null` has none that is remembered.
        let first = unsafe { qjs::JS_VALUE_GET_PTR(prototype.1) };
        if self.prototypes[..self.known].contains(&first) {
            return Ok(());
        }
        for _ in 0..CHAIN_MAX {
            match tag_of(prototype.1) {
                qjs::JS_TAG_NULL => {
                    if self.known < PROTOTYPES {
                        self.prototypes[self.known] = first;
                        self.known += 1;
                    }
                    return Ok(());
                }
                qjs::JS_TAG_OBJECT => {}
                _ => return Err(Stop::Thrown),
            }
            // SAFETY: the prototype is alive.
            let class = unsafe { qjs::JS_GetClassID(prototype.1) };
            if !matches!(class, super::CLASS_OBJECT | super::CLASS_ARRAY)
                || self.own_flags(prototype.1, self.to_json)?
            {
                break;
            }
            // SAFETY: as above.
            prototype = Held(self.ctx, unsafe { qjs::JS_GetPrototype(self.ctx, prototype.1) });
        }
        Err(Stop::Unfit)
    }

    /// Writes a key and its colon.
    fn key(&mut self, atom: qjs::JSAtom) -> Result<(), Stop> {
        let place = atom as usize % KEYS;
        let known = self.keys[place];
        if known.atom == atom {
            self.out.extend_from_within(known.start as usize..known.end as usize);
            return Ok(());
        }
        let start = self.out.len() as u32;
        // SAFETY: the atom is alive.
        let text = Held(self.ctx, Stop::unless_thrown(unsafe { qjs::JS_AtomToString(self.ctx, atom) })?);
        self.string(text.1)?;
        self.out.push(b':');
        // SAFETY: gives back what this held; holds the new one, so that no other name gets its number.
        unsafe {
            qjs::JS_FreeAtom(self.ctx, known.atom);
            qjs::JS_DupAtom(self.ctx, atom);
        }
        self.keys[place] = Key { atom, start, end: self.out.len() as u32 };
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // SAFETY: each atom was held once; the engine leaves 0 alone.
        unsafe {
            qjs::JS_FreeAtom(self.ctx, self.to_json);
            for key in self.keys {
                qjs::JS_FreeAtom(self.ctx, key.atom);
            }
        }
    }
}

/// Bytes that cannot stand in quotes as they are, and 0xED, with which surrogates begin.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        special[byte] = true;
        byte += 1;
    }
    special[b'"' as usize] = true;
    special[b'\\' as usize] = true;
    special[0xED] = true;
    special
};

/// Adds `text`, UTF-8 in which lone surrogates stand as if they were characters, in quotes to `out`.
fn quote(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text;
    while let Some(plain) = first_special(rest) {
        out.extend_from_slice(&rest[..plain]);
        let byte = rest[plain];
        let mut used = 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            0xED if rest[plain + 1] >= 0xA0 => {
                escape(
                    out,
                    0xD000 | u16::from(rest[plain + 1] & 0x3F) << 6 | u16::from(rest[plain + 2] & 0x3F),
                );
                used = 3;
            }
            0xED => out.push(byte),
            control => escape(out, control.into()),
        }
        rest = &rest[plain + used..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Where the first byte is that needs a look.
fn first_special(text: &[u8]) -> Option<usize> {
    const BLOCK: usize = 16;
    let mut start = 0;
    // Without branches inside a block, which the compiler turns into vector instructions.
    while let Some(block) = text.get(start..start + BLOCK) {
        let is_special = block.iter().fold(false, |any, byte| {
            any | (*byte < 0x20) | (*byte == b'"') | (*byte == b'\\') | (*byte == 0xED)
        });
        if is_special {
            break;
        }
        start += BLOCK;
    }
    text[start..].iter().position(|byte| SPECIAL[usize::from(*byte)]).map(|found| start + found)
}

/// Adds the escape of a UTF-16 unit.
fn escape(out: &mut Vec<u8>, unit: u16) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u");
    out.extend([12, 8, 4, 0].map(|shift| DIGITS[usize::from(unit >> shift & 15)]));
}
