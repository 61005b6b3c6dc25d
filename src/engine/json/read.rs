//! `JSON.parse` without a reviver: one pass over the text that makes values as it goes.
//!
//! Names come from a small table of those seen before, arrays are made once their length is known, strings without escapes
//! are made at once. A text that is wrong, too deep or odd ends the attempt; the engine's own function then starts afresh
//! and finds the words for the mistake. Nothing of the program runs here.

use rquickjs::qjs;

use super::super::shape::step;
use super::held::{Held, Names};
use super::{Raw, Stop, tag_of};

/// Deepest nesting; beyond it the engine's function decides.
const DEPTH_MAX: usize = 128;

/// Elements of one array that wait for its end.
const WAITING_MAX: usize = 16 * 1024;

/// Places for names that were seen before. A power of two.
const NAMES: usize = 128;

/// The element of an array after which its kind of object is prepared.
const SAMPLE: usize = 8;

/// Most names of such an object, and most objects that are kept to prepare others.
const SAMPLE_NAMES_MAX: usize = 32;
const STEPS_MAX: usize = 512;

/// Nesting of objects within a sample that are prepared too.
const SAMPLE_DEPTH_MAX: usize = 4;

/// Powers of ten.
const TENS: [f64; 16] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Longest name that is remembered.
const NAME_BYTES_MAX: usize = 64;

/// The value of the JSON `text`, UTF-8 in which lone surrogates stand as if they were characters.
pub(super) fn parse(ctx: Raw, text: &[u8]) -> Result<qjs::JSValue, Stop> {
    let mut reader = Reader {
        ctx,
        text,
        at: 0,
        depth: 0,
        waiting: Vec::new(),
        steps: Vec::new(),
        names: [const { None }; NAMES],
        firsts: [NO_NAME; DEPTH_MAX + 1],
        unescaped: Vec::new(),
    };
    let value = reader.value()?;
    reader.skip_space();
    if reader.at < text.len() {
        // SAFETY: this held the one reference.
        unsafe { qjs::JS_FreeValue(ctx, value) };
        return Err(Stop::Unfit);
    }
    Ok(value)
}

/// A name that was seen before.
struct Name<'text> {
    text: &'text [u8],
    /// How it was written, from its first quote to the colon.
    written: &'text [u8],
    /// Held.
    atom: qjs::JSAtom,
    /// The place of the name that came next, where it was written the last time, or [`NO_NAME`].
    next: u8,
}

/// No place of a name.
const NO_NAME: u8 = u8::MAX;
const _: () = assert!(NAMES <= NO_NAME as usize);

/// A name that was read, with its colon.
struct Named {
    atom: qjs::JSAtom,
    /// Its place, or [`NO_NAME`]; then who read it owns the atom.
    place: u8,
}

struct Reader<'text> {
    ctx: Raw,
    text: &'text [u8],
    at: usize,
    depth: usize,
    /// Owned elements of arrays that are not complete.
    waiting: Vec<qjs::JSValue>,
    names: [Option<Name<'text>>; NAMES],
    /// For each depth, the place of the first name of the last object there, or [`NO_NAME`].
    firsts: [u8; DEPTH_MAX + 1],
    /// Objects with the first names of those in an array; see [`Reader::prepare`].
    steps: Vec<Held>,
    /// The last string that had escapes.
    unescaped: Vec<u8>,
}

/// What stands in quotes.
enum Quoted<'text> {
    /// As it is in the text.
    Plain(&'text [u8]),
    /// In `unescaped`.
    Unescaped,
    /// With surrogates of its own.
    Units(Vec<u16>),
}

impl<'text> Reader<'text> {
    /// Reads a value, space before it included. The caller owns it.
    fn value(&mut self) -> Result<qjs::JSValue, Stop> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => {
                let quoted = self.quoted()?;
                self.string(&quoted)
            }
            Some(b'{') => {
                self.enter()?;
                let object = self.object()?;
                self.depth -= 1;
                Ok(object)
            }
            Some(b'[') => {
                self.enter()?;
                let array = self.array()?;
                self.depth -= 1;
                Ok(array)
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true", qjs::JS_TAG_BOOL, 1),
            Some(b'f') => self.word(b"false", qjs::JS_TAG_BOOL, 0),
            Some(b'n') => self.word(b"null", qjs::JS_TAG_NULL, 0),
            _ => Err(Stop::Unfit),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        if self.peek() > Some(b' ') {
            return;
        }
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Whether `byte` comes next, after space; then it is behind.
    #[inline]
    fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &[u8], tag: i32, payload: i32) -> Result<qjs::JSValue, Stop> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Stop::Unfit);
        }
        self.at += word.len();
        Ok(qjs::JS_MKVAL(tag, payload))
    }

    fn enter(&mut self) -> Result<(), Stop> {
        self.depth += 1;
        self.at += 1;
        if self.depth > DEPTH_MAX { Err(Stop::Unfit) } else { Ok(()) }
    }

    fn object(&mut self) -> Result<qjs::JSValue, Stop> {
        // SAFETY: makes an object of the context.
        let object = Stop::unless_thrown(unsafe { qjs::JS_NewObject(self.ctx) })?;
        self.members(object).inspect_err(|_| {
            // SAFETY: this held the one reference.
            unsafe { qjs::JS_FreeValue(self.ctx, object) }
        })?;
        Ok(object)
    }

    fn members(&mut self, object: qjs::JSValue) -> Result<(), Stop> {
        if self.takes(b'}') {
            return Ok(());
        }
        let mut last = NO_NAME;
        loop {
            let Named { atom, place } = self.named(last)?;
            last = place;
            let member = self.value();
            let flags = qjs::JS_PROP_C_W_E as i32;
            // SAFETY: the engine takes the value over; object and atom are held.
            let defined = member
                .map(|value| unsafe { qjs::JS_DefinePropertyValue(self.ctx, object, atom, value, flags) });
            if place == NO_NAME {
                // SAFETY: this owns such an atom.
                unsafe { qjs::JS_FreeAtom(self.ctx, atom) };
            }
            if defined? < 0 {
                return Err(Stop::Thrown);
            }
            if self.takes(b',') {
                continue;
            }
            return if self.takes(b'}') { Ok(()) } else { Err(Stop::Unfit) };
        }
    }

    /// Reads a name and its colon. `last` is the place of the name before it in its object.
    #[inline]
    fn named(&mut self, last: u8) -> Result<Named, Stop> {
        self.skip_space();
        // Objects come in rows: what followed the last name before is likely to follow again.
        let guess = match self.names.get(usize::from(last)) {
            Some(last) => last.as_ref().map_or(NO_NAME, |last| last.next),
            None => self.firsts[self.depth],
        };
        if let Some(Some(name)) = self.names.get(usize::from(guess))
            && self.text[self.at..].starts_with(name.written)
        {
            self.at += name.written.len();
            return Ok(Named { atom: name.atom, place: guess });
        }
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(Stop::Unfit);
        }
        let quoted = self.quoted()?;
        if !self.takes(b':') {
            return Err(Stop::Unfit);
        }
        let named = self.name(&quoted, &self.text[start..self.at])?;
        match self.names.get_mut(usize::from(last)) {
            Some(Some(last)) => last.next = named.place,
            _ => self.firsts[self.depth] = named.place,
        }
        Ok(named)
    }

    fn array(&mut self) -> Result<qjs::JSValue, Stop> {
        let first = self.waiting.len();
        if self.takes(b']') {
            return self.made(first);
        }
        loop {
            let element = self.value()?;
            self.waiting.push(element);
            if self.waiting.len() - first == SAMPLE {
                self.prepare(element, 0)?;
            }
            if self.takes(b',') {
                if self.waiting.len() - first == WAITING_MAX {
                    let array = self.made(first)?;
                    self.more(array).inspect_err(|_| {
                        // SAFETY: this held the one reference.
                        unsafe { qjs::JS_FreeValue(self.ctx, array) }
                    })?;
                    return Ok(array);
                }
                continue;
            }
            return if self.takes(b']') { self.made(first) } else { Err(Stop::Unfit) };
        }
    }

    /// Makes room for more objects like `sample`, if it is one (`engine/shape.rs`).
    fn prepare(&mut self, sample: qjs::JSValue, depth: usize) -> Result<(), Stop> {
        // SAFETY: `sample` is alive.
        let is_plain = tag_of(sample) == qjs::JS_TAG_OBJECT
            && unsafe { qjs::JS_GetClassID(sample) } == super::CLASS_OBJECT;
        if !is_plain || depth > SAMPLE_DEPTH_MAX {
            return Ok(());
        }
        let names = Names::of(self.ctx, sample)?;
        let names = names.as_slice();
        if names.len() > SAMPLE_NAMES_MAX || self.steps.len() + names.len() > STEPS_MAX {
            return Ok(());
        }
        for count in 1..names.len() {
            let names = names[..count].iter().map(|name| name.atom);
            self.steps.push(Held(self.ctx, step(self.ctx, names).ok_or(Stop::Thrown)?));
        }
        for name in names {
            // SAFETY: what was parsed has no getters.
            let member = Held(self.ctx, unsafe { qjs::JS_GetProperty(self.ctx, sample, name.atom) });
            self.prepare(member.1, depth + 1)?;
        }
        Ok(())
    }

    /// An array of the elements that wait from `first` on.
    fn made(&mut self, first: usize) -> Result<qjs::JSValue, Stop> {
        let elements = &self.waiting[first..];
        // SAFETY: pointer and length are a slice's, below `WAITING_MAX`. The engine takes the elements over, also where it
        // fails.
        let array = unsafe { qjs::JS_NewArrayFrom(self.ctx, elements.len() as i32, elements.as_ptr()) };
        self.waiting.truncate(first);
        Stop::unless_thrown(array)
    }

    /// Adds the rest of its elements to `array`, which has `WAITING_MAX` and whose text goes on after a comma.
    fn more(&mut self, array: qjs::JSValue) -> Result<(), Stop> {
        let flags = qjs::JS_PROP_C_W_E as i32;
        for index in WAITING_MAX as u32.. {
            let element = self.value()?;
            // SAFETY: the engine takes the element over; the array is held.
            if unsafe { qjs::JS_DefinePropertyValueUint32(self.ctx, array, index, element, flags) } < 0 {
                return Err(Stop::Thrown);
            }
            if !self.takes(b',') {
                break;
            }
        }
        if self.takes(b']') { Ok(()) } else { Err(Stop::Unfit) }
    }

    fn number(&mut self) -> Result<qjs::JSValue, Stop> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let (whole, mut is_whole) = (self.at, true);
        let (mut value, mut decimals) = (0i64, 0);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
            self.at += 1;
        }
        let digits = self.at - whole;
        if digits == 0 || digits > 1 && self.text[whole] == b'0' {
            return Err(Stop::Unfit);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            is_whole = false;
            let fraction = self.at;
            self.digits()?;
            decimals = self.at - fraction;
            if digits + decimals <= 15 {
                for digit in &self.text[fraction..self.at] {
                    value = value * 10 + i64::from(digit - b'0');
                }
            }
        }
        let has_exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            is_whole = false;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        let is_negative = whole > start;
        if is_whole && digits <= 15 && !(is_negative && value == 0) {
            let value = if is_negative { -value } else { value };
            return Ok(match i32::try_from(value) {
                Ok(value) => qjs::JS_MKVAL(qjs::JS_TAG_INT, value),
                Err(_) => qjs::JS_NewFloat64(value as f64),
            });
        }
        if !has_exponent && digits + decimals <= 15 {
            // Both are exact, so that their quotient is the number nearest to the text.
            let value = value as f64 / TENS[decimals];
            return Ok(qjs::JS_NewFloat64(if is_negative { -value } else { value }));
        }
        let text = std::str::from_utf8(&self.text[start..self.at]).map_err(|_| Stop::Unfit)?;
        text.parse().map(qjs::JS_NewFloat64).map_err(|_| Stop::Unfit)
    }

    /// Steps over one digit and those that follow.
    fn digits(&mut self) -> Result<(), Stop> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Stop::Unfit) }
    }

    /// Reads what stands in quotes, of which the first comes next.
    #[inline]
    fn quoted(&mut self) -> Result<Quoted<'text>, Stop> {
        self.at += 1;
        let text: &'text [u8] = &self.text[self.at..];
        let end = first_special(text).ok_or(Stop::Unfit)?;
        if text[end] == b'"' {
            self.at += end + 1;
            return Ok(Quoted::Plain(&text[..end]));
        }
        self.unescape(text, end)
    }

    /// Reads what stands in quotes in `text`, whose first special byte is at `end`.
    #[cold]
    fn unescape(&mut self, text: &'text [u8], mut end: usize) -> Result<Quoted<'text>, Stop> {
        self.unescaped.clear();
        let mut has_surrogates = false;
        let (mut from, mut has_escapes) = (0, false);
        loop {
            match text[end] {
                b'"' => break,
                // Characters from U+D000 on begin like surrogates, which the engine knows how to read.
                0xED if text.get(end + 1).is_some_and(|next| *next < 0xA0) => {
                    end += 1;
                }
                b'\\' => {
                    has_escapes = true;
                    self.unescaped.extend_from_slice(&text[from..end]);
                    let (unit, used) = escaped(&text[end + 1..]).ok_or(Stop::Unfit)?;
                    has_surrogates |= (0xD800..0xE000).contains(&unit);
                    push_unit(&mut self.unescaped, unit);
                    end += 1 + used;
                    from = end;
                }
                _ => return Err(Stop::Unfit),
            }
            end += first_special(&text[end..]).ok_or(Stop::Unfit)?;
        }
        self.at += end + 1;
        if !has_escapes {
            return Ok(Quoted::Plain(&text[..end]));
        }
        self.unescaped.extend_from_slice(&text[from..end]);
        Ok(if has_surrogates { Quoted::Units(units(&self.unescaped)) } else { Quoted::Unescaped })
    }

    fn string(&self, quoted: &Quoted<'text>) -> Result<qjs::JSValue, Stop> {
        let text = match quoted {
            Quoted::Plain(text) => text,
            Quoted::Unescaped => self.unescaped.as_slice(),
            Quoted::Units(units) => {
                // SAFETY: pointer and length are a vector's.
                return Stop::unless_thrown(unsafe {
                    qjs::JS_NewStringUTF16(self.ctx, units.as_ptr(), units.len() as qjs::size_t)
                });
            }
        };
        // SAFETY: pointer and length are a slice's.
        Stop::unless_thrown(unsafe {
            qjs::JS_NewStringLen(self.ctx, text.as_ptr().cast(), text.len() as qjs::size_t)
        })
    }

    /// The name `quoted`, which was `written` so with its colon.
    #[inline]
    fn name(&mut self, quoted: &Quoted<'text>, written: &'text [u8]) -> Result<Named, Stop> {
        let Quoted::Plain(text) = *quoted else {
            return self.new_atom(quoted).map(|atom| Named { atom, place: NO_NAME });
        };
        let place = place_of(text);
        if let Some(known) = &self.names[place]
            && known.text == text
        {
            return Ok(Named { atom: known.atom, place: place as u8 });
        }
        let atom = self.new_atom(quoted)?;
        if text.len() > NAME_BYTES_MAX || self.names[place].is_some() {
            // The one that is there may be in use by an object further out.
            return Ok(Named { atom, place: NO_NAME });
        }
        self.names[place] = Some(Name { text, written, atom, next: NO_NAME });
        Ok(Named { atom, place: place as u8 })
    }

    fn new_atom(&self, quoted: &Quoted<'text>) -> Result<qjs::JSAtom, Stop> {
        let string = self.string(quoted)?;
        // SAFETY: the string is alive and given back afterwards.
        let atom = unsafe {
            let atom = qjs::JS_ValueToAtom(self.ctx, string);
            qjs::JS_FreeValue(self.ctx, string);
            atom
        };
        // Atom 0 is the engine's null.
        if atom == 0 { Err(Stop::Thrown) } else { Ok(atom) }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        for element in self.waiting.drain(..) {
            // SAFETY: this held one reference.
            unsafe { qjs::JS_FreeValue(self.ctx, element) };
        }
        for name in self.names.iter().flatten() {
            // SAFETY: the table held it.
            unsafe { qjs::JS_FreeAtom(self.ctx, name.atom) };
        }
    }
}

/// A name's place in the table.
#[inline]
fn place_of(name: &[u8]) -> usize {
    let ends = match name {
        [] => 0,
        [first, .., last] => {
            usize::from(*first) * 31 + usize::from(*last) * 7 + usize::from(name[name.len() / 2])
        }
        [only] => usize::from(*only),
    };
    (ends + name.len()) % NAMES
}

/// Where the first byte is that does not stand for itself in quotes: a quote, a backslash, a control character, or 0xED,
/// with which surrogates begin.
#[inline]
fn first_special(text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let mut start = 0;
    // Eight bytes at a time. The lowest bit set is right; those above it may come from a carry, and do not matter.
    while let Some(block) = text.get(start..start + 8) {
        let block = u64::from_le_bytes(block.try_into().expect("eight bytes"));
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
        let below_space = block.wrapping_sub(ONES * 0x20) & !block & HIGH;
        let same = |byte: u8| zeros(block ^ (ONES * u64::from(byte)));
        let found = below_space | same(b'"') | same(b'\\') | same(0xED);
        if found != 0 {
            return Some(start + found.trailing_zeros() as usize / 8);
        }
        start += 8;
    }
    text[start..]
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0xED | ..0x20))
        .map(|found| start + found)
}

/// The UTF-16 unit of an escape, whose text comes after the backslash, and how many bytes it took.
fn escaped(text: &[u8]) -> Option<(u16, usize)> {
    let unit = match text.first()? {
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => 0x0A,
        b'r' => 0x0D,
        b't' => 0x09,
        same @ (b'"' | b'\\' | b'/') => u16::from(*same),
        b'u' => {
            let digits = text.get(1..5)?;
            let unit = digits.iter().try_fold(0, |unit, digit| {
                char::from(*digit).to_digit(16).map(|digit| unit << 4 | digit as u16)
            })?;
            return Some((unit, 5));
        }
        _ => return None,
    };
    Some((unit, 1))
}

/// Adds a UTF-16 unit as if it were a character.
fn push_unit(out: &mut Vec<u8>, unit: u16) {
    let low = |shift: u16| 0x80 | (unit >> shift & 0x3F) as u8;
    match unit {
        ..0x80 => out.push(unit as u8),
        0x80..0x800 => out.extend_from_slice(&[0xC0 | (unit >> 6) as u8, low(0)]),
        _ => out.extend_from_slice(&[0xE0 | (unit >> 12) as u8, low(6), low(0)]),
    }
}

/// The UTF-16 units of UTF-8 in which surrogates stand as if they were characters.
fn units(text: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let count = match first {
            ..0x80 => 0,
            ..0xE0 => 1,
            ..0xF0 => 2,
            _ => 3,
        };
        let lead = u32::from(*first) & (0x7F >> if count == 0 { 0 } else { count + 1 });
        let (continued, after) = after.split_at(count.min(after.len()));
        let code = continued.iter().fold(lead, |code, byte| code << 6 | u32::from(byte & 0x3F));
        match u16::try_from(code) {
            Ok(unit) => units.push(unit),
            Err(_) => {
                units.push((0xD800 + ((code - 0x1_0000) >> 10)) as u16);
                units.push((0xDC00 + ((code - 0x1_0000) & 0x3FF)) as u16);
            }
        }
        rest = after;
    }
    units
}
