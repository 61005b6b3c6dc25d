//! Regular expressions over long texts, several times as fast as the engine's.
//!
//! The engine tries a pattern at each place of a text in turn, with a machine that goes back and forth. A [`Filter`] of the
//! compiled pattern finds first where a match may begin at all, in one pass over the text; the engine's own machine then
//! decides there, and nowhere else. As a filter never passes over a match, what is found, its groups and its mistakes are
//! the engine's, whatever the pattern holds.
//!
//! The engine's function is taken over by the linker (`build.rs`), where it can do so: on systems with ELF. So nothing of this can be
//! seen in JavaScript, and every method goes through it. Elsewhere the engine works alone.
//!
//! What is short, or ran over little text so far, is left to the engine: a filter costs some ten microseconds to make.

pub(super) mod compile;
mod filter;
mod program;
#[cfg(test)]
mod tests;

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::hash::Hasher;
use std::rc::Rc;

use rustc_hash::FxHasher;

use super::taken_over::taken_over;
use filter::{Filter, Unit};
use program::{CODE_BYTES_MAX, HEADER, Program};

/// Texts with fewer units left are the engine's.
const TEXT_MIN: usize = 128;

/// Units of text that a pattern ran over before it gets a filter. One long text counts in part: it need not be read to its end.
const SEEN_MIN: usize = 4 * 1024;
const SEEN_SHARE: usize = 8;

/// Patterns that are remembered on a thread, with their filters. A power of two.
const ENTRIES: usize = 64;

/// Places that are tried in vain before the engine is left alone with the rest of a text, and units of text for each more.
const FAILURES_MIN: usize = 16;
const UNITS_PER_FAILURE: usize = 32;

/// Places that are tried between two looks at the time.
const TRIES_PER_LOOK: usize = 256;

/// What a search with a filter costs more than the engine's, in units of text that a filter passes over.
const SEARCH_COST: i32 = 32;
/// The same for a place that is tried in vain.
const TRY_COST: i32 = 8;
/// How far behind a filter may fall before it rests, and the searches that it rests for.
const LOSS_MAX: i32 = 4096;
const REST: u32 = 1024;

/// What the engine's function returns.
const MATCH: c_int = 1;
const NO_MATCH: c_int = 0;
const TIMEOUT: c_int = -2;

/// The engine's search: capture, bytecode, text, from, length, whether it is wide, context.
type Search =
    unsafe extern "C" fn(*mut *mut u8, *const u8, *const u8, c_int, c_int, c_int, *mut c_void) -> c_int;

taken_over!("__real_lre_exec" as dodev_engine_search: Search);

unsafe extern "C" {
    /// The engine's question whether to stop.
    fn lre_check_timeout(context: *mut c_void) -> c_int;
}

thread_local! {
    static ENTRIES_HERE: RefCell<Vec<Option<Entry>>> = const { RefCell::new(Vec::new()) };
}

/// What is known of a pattern.
struct Entry {
    bytecode: Box<[u8]>,
    stage: Stage,
}

enum Stage {
    /// Too little text so far; how much, units.
    New(usize),
    /// Nothing can be done.
    Unfit,
    Filtered(Rc<Fast>),
}

struct Fast {
    filter: Filter,
    /// The bytecode that matches only where it begins.
    anchored: Vec<u8>,
    is_unicode: bool,
    /// What the filter gained, or lost if negative, in units of text.
    gain: Cell<i32>,
    /// For so many searches the engine is as fast alone.
    rest: Cell<u32>,
}

impl Fast {
    fn of(bytecode: &[u8]) -> Option<Self> {
        let program = Program::read(bytecode)?;
        let is_unicode = program.is_unicode();
        let filter = Filter::of(&program)?;
        let anchored = Program::anchored(bytecode);
        Some(Self { filter, anchored, is_unicode, gain: Cell::new(0), rest: Cell::new(0) })
    }

    /// Whether the filter rests; counts down.
    fn rests(&self) -> bool {
        let rest = self.rest.get();
        self.rest.set(rest.saturating_sub(1));
        rest > 0
    }

    /// Notes that a search passed over `passed` units and tried `tries` places in vain.
    fn note(&self, passed: usize, tries: usize) {
        let passed = i32::try_from(passed).unwrap_or(i32::MAX);
        let lost =
            i32::try_from(tries).unwrap_or(i32::MAX).saturating_mul(TRY_COST).saturating_add(SEARCH_COST);
        let gain = self.gain.get().saturating_add(passed.saturating_sub(lost)).min(LOSS_MAX);
        let is_worn = gain < -LOSS_MAX;
        self.gain.set(if is_worn { 0 } else { gain });
        self.rest.set(if is_worn { REST } else { 0 });
    }
}

/// A call of the engine's function.
#[derive(Clone, Copy)]
struct Call {
    capture: *mut *mut u8,
    bytecode: *const u8,
    text: *const u8,
    from: c_int,
    length: c_int,
    is_wide: c_int,
    context: *mut c_void,
}

impl Call {
    /// Runs the engine's function with `bytecode` from the unit `from` on.
    ///
    /// # Safety
    /// The call must be one of the engine's, and the bytecode its own or an anchored copy.
    unsafe fn run(&self, bytecode: *const u8, from: usize) -> c_int {
        let Self { capture, text, length, is_wide, context, .. } = *self;
        // SAFETY: the linker fills it in; nothing writes to it.
        let Some(search) = (unsafe { dodev_engine_search }) else { unreachable!("the linker put us here") };
        // SAFETY: the caller says so; `from` is not beyond the length, which is a `c_int`.
        unsafe { search(capture, bytecode, text, from as c_int, length, is_wide, context) }
    }

    /// The engine's answer, found with a filter.
    ///
    /// # Safety
    /// As [`Call::run`]; `text` must be the call's.
    unsafe fn search<U: Unit>(&self, fast: &Fast, text: &[U]) -> c_int {
        // SAFETY: the caller says so.
        let run = |at: usize| unsafe { self.run(fast.anchored.as_ptr(), at) };
        let from = self.from as usize;
        let (mut next, mut tries) = (from, 0);
        if from == 0 && fast.filter.tries_start {
            let found = run(0);
            if found != NO_MATCH {
                return found;
            }
        }
        while let Some(window) = fast.filter.next(text, next) {
            for at in window.start..window.end {
                if text.get(at).is_some_and(|unit| !fast.filter.begins(*unit)) {
                    continue;
                }
                let found = run(at);
                if found != NO_MATCH {
                    fast.note(at - from, tries);
                    return found;
                }
                tries += 1;
                // SAFETY: the context is the engine's.
                if tries.is_multiple_of(TRIES_PER_LOOK) && unsafe { lre_check_timeout(self.context) } != 0 {
                    return TIMEOUT;
                }
            }
            next = window.end;
            if next > text.len() {
                break;
            }
            if tries > FAILURES_MIN + (next - from) / UNITS_PER_FAILURE {
                fast.note(next - from, tries);
                // SAFETY: the caller says so.
                return unsafe { self.run(self.bytecode, next) };
            }
        }
        fast.note(text.len() - from, tries);
        NO_MATCH
    }
}

/// Stands in for the engine's `lre_exec`: looks for a match of `bytecode` in `text` from the unit `from` on and puts the places
/// of its groups into `capture`. 1 if there is one, 0 if not, below 0 for mistakes.
///
/// # Safety
/// Only the engine may call it, as its own function.
#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_lre_exec(
    capture: *mut *mut u8,
    bytecode: *const u8,
    text: *const u8,
    from: c_int,
    length: c_int,
    is_wide: c_int,
    context: *mut c_void,
) -> c_int {
    let call = Call { capture, bytecode, text, from, length, is_wide, context };
    // SAFETY: the call is the engine's, which never begins beyond the end.
    let alone = || unsafe { call.run(bytecode, from as usize) };
    let left = (length - from) as usize;
    let asked = asked();
    if asked == Some(Asked::Engine) || asked.is_none() && left < TEXT_MIN {
        return alone();
    }
    // SAFETY: the header says how long the rest is.
    let code = unsafe {
        let length = bytecode.add(4).cast::<[u8; 4]>().read();
        std::slice::from_raw_parts(bytecode, u32::from_le_bytes(length) as usize + HEADER)
    };
    let seen = if asked.is_some() { usize::MAX } else { left / SEEN_SHARE };
    match look_up(code, seen) {
        Use::Engine => alone(),
        Use::Counted => {
            let found = alone();
            let end = if found == MATCH {
                // SAFETY: the engine put the ends of the match into the first two places.
                unsafe { (*capture.add(1)).offset_from(text) as usize >> is_wide }
            } else {
                length as usize
            };
            count(code, end.saturating_sub(from as usize));
            found
        }
        Use::Filter(fast) if is_wide == 0 => {
            // SAFETY: text and length are the engine's.
            unsafe { call.search(&fast, std::slice::from_raw_parts(text, length as usize)) }
        }
        Use::Filter(fast) if !fast.is_unicode => {
            // SAFETY: as above; a wide text is aligned for its units.
            unsafe { call.search(&fast, std::slice::from_raw_parts(text.cast::<u16>(), length as usize)) }
        }
        Use::Filter(_) => alone(),
    }
}

/// Who searches.
enum Use {
    Engine,
    /// The engine, and what it went through counts.
    Counted,
    Filter(Rc<Fast>),
}

/// Who searches with `code`, where `more` units of text count beside those that it went through.
fn look_up(code: &[u8], more: usize) -> Use {
    if code.len() > CODE_BYTES_MAX {
        return Use::Engine;
    }
    let look_up = |entries: &RefCell<Vec<Option<Entry>>>| {
        let mut entries = entries.borrow_mut();
        if entries.is_empty() {
            entries.resize_with(ENTRIES, || None);
        }
        let entry = &mut entries[place_of(code)];
        let known = match entry {
            Some(known) if *known.bytecode == *code => known,
            _ => entry.insert(Entry { bytecode: code.into(), stage: Stage::New(0) }),
        };
        match &known.stage {
            Stage::Unfit => Use::Engine,
            Stage::New(seen) if seen.saturating_add(more) < SEEN_MIN => Use::Counted,
            Stage::New(_) => match Fast::of(code).map(Rc::new) {
                Some(fast) => {
                    known.stage = Stage::Filtered(fast.clone());
                    Use::Filter(fast)
                }
                None => {
                    known.stage = Stage::Unfit;
                    Use::Engine
                }
            },
            Stage::Filtered(fast) if more < usize::MAX && fast.rests() => Use::Engine,
            Stage::Filtered(fast) => Use::Filter(fast.clone()),
        }
    };
    // A thread that ends has none any more.
    ENTRIES_HERE.try_with(look_up).unwrap_or(Use::Engine)
}

/// Notes that the engine went through `units` of text with `code`, if that is still remembered.
fn count(code: &[u8], units: usize) {
    let count = |entries: &RefCell<Vec<Option<Entry>>>| {
        if let Some(Some(entry)) = entries.borrow_mut().get_mut(place_of(code))
            && *entry.bytecode == *code
            && let Stage::New(seen) = &mut entry.stage
        {
            *seen += units;
        }
    };
    // As above.
    _ = ENTRIES_HERE.try_with(count);
}

fn place_of(code: &[u8]) -> usize {
    let mut hasher = FxHasher::default();
    hasher.write(code);
    // The upper bits are the better ones.
    (hasher.finish() >> 32) as usize % ENTRIES
}

/// Whom a test wants to search, whatever the sizes.
#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(test), expect(dead_code, reason = "for tests"))]
enum Asked {
    Engine,
    Filter,
}

#[cfg(test)]
use tests::asked;

#[cfg(not(test))]
fn asked() -> Option<Asked> {
    None
}
